# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which IAM calls turn one role into another. Pure.

Source: "IAM API Reference" (AWS).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..plan import Call
from ..resource import Resource
from . import role
from .role import MOST_TAGS, Role, RoleSpec

# "IAM and AWS STS quotas": managed policies attached to a role, where nobody had the limit raised.
MOST_POLICIES = 10


def plan(have: Role | None, want: Role | None) -> list[Call]:
    """List the IAM calls that turn one role into the other; nothing to do is an empty list.

    What is needed is added before what is too much is taken away, so that Sentinel never loses access on the way; the
    other way round where AWS would refuse both at once. Tags come first: they say which workspaces the role serves, and
    who reads the trust meanwhile must know.
    """
    if want is None:
        return _teardown(have) if have else []
    calls = []
    if have is None:
        calls.append(_create(want))
        have = replace(want, managed=frozenset(), inline={})
    return calls + _retag(have, want) + _settings(have, want) + _permissions(have, want)


def _create(want: Role) -> Call:
    args = {
        "RoleName": want.name,
        "Path": want.path,
        "AssumeRolePolicyDocument": want.trust,
        "Description": want.description,
        "MaxSessionDuration": want.max_session_duration,
        "Tags": _pairs(want.tags),
    }
    if want.permissions_boundary:
        args["PermissionsBoundary"] = want.permissions_boundary
    return Call("CreateRole", args)


def _settings(have: Role, want: Role) -> list[Call]:
    calls = []
    if have.trust != want.trust:
        calls.append(Call("UpdateAssumeRolePolicy", {"RoleName": want.name, "PolicyDocument": want.trust}))
    if (have.description, have.max_session_duration) != (want.description, want.max_session_duration):
        calls.append(
            Call(
                "UpdateRole",
                {
                    "RoleName": want.name,
                    "Description": want.description,
                    "MaxSessionDuration": want.max_session_duration,
                },
            )
        )
    if have.permissions_boundary != want.permissions_boundary:
        calls.append(_bound(want))
    return calls


def _bound(want: Role) -> Call:
    if want.permissions_boundary:
        args = {"RoleName": want.name, "PermissionsBoundary": want.permissions_boundary}
        return Call("PutRolePermissionsBoundary", args)
    return Call("DeleteRolePermissionsBoundary", {"RoleName": want.name})


def _retag(have: Role, want: Role) -> list[Call]:
    new = {key: value for key, value in want.tags.items() if have.tags.get(key) != value}
    gone = sorted(set(have.tags) - set(want.tags))
    come = [Call("TagRole", {"RoleName": want.name, "Tags": _pairs(new)})] if new else []
    go = [Call("UntagRole", {"RoleName": want.name, "TagKeys": gone})] if gone else []
    return come + go if len({**have.tags, **want.tags}) <= MOST_TAGS else go + come


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


def _permissions(have: Role, want: Role) -> list[Call]:
    name = want.name
    put = {key: document for key, document in want.inline.items() if have.inline.get(key) != document}
    come = [
        *(_attachment("AttachRolePolicy", name, arn) for arn in sorted(want.managed - have.managed)),
        *(
            Call("PutRolePolicy", {"RoleName": name, "PolicyName": key, "PolicyDocument": put[key]})
            for key in sorted(put)
        ),
    ]
    go = [
        *(_attachment("DetachRolePolicy", name, arn) for arn in sorted(have.managed - want.managed)),
        *(_inline_gone(name, key) for key in sorted(set(have.inline) - set(want.inline))),
    ]
    return come + go if len(have.managed | want.managed) <= MOST_POLICIES else go + come


def _attachment(operation: str, name: str, arn: str) -> Call:
    return Call(operation, {"RoleName": name, "PolicyArn": arn})


def _inline_gone(name: str, key: str) -> Call:
    return Call("DeleteRolePolicy", {"RoleName": name, "PolicyName": key})


def _teardown(have: Role) -> list[Call]:
    return [
        *(_attachment("DetachRolePolicy", have.name, arn) for arn in sorted(have.managed)),
        *(_inline_gone(have.name, key) for key in sorted(have.inline)),
        Call("DeleteRole", {"RoleName": have.name}),
    ]


ROLE: Resource[RoleSpec, Role] = Resource(
    name="role",
    title=lambda spec: f"role {spec.name} in account {spec.account_id}",
    overlay=role.overlay,
    without=role.without,
    plan=plan,
    findings=role.findings,
    show=lambda _spec, have: role.show(have),
    id=lambda _spec, have: have.arn if have else "",
)
