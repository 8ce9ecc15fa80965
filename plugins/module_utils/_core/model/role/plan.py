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
from .role import MAX_TAGS, Role

# "IAM and AWS STS quotas": managed policies attached to a role, where nobody had the limit raised.
MAX_POLICIES = 10


def plan(have: Role | None, want: Role | None) -> list[Call]:
    """List the IAM calls that turn one role into the other; nothing to do is an empty list.

    What is needed is added before what is too much is taken away, so that Sentinel never loses access on the way; the
    other way round where AWS would refuse both at once. Tags come first: they say which workspaces the role serves, and
    who reads the trust meanwhile must know.
    """
    if want is None:
        return _delete_role(have) if have else []
    calls = []
    if have is None:
        calls.append(_create_role(want))
        have = replace(want, managed_policies=frozenset(), inline_policies={})
    return calls + _retag(have, want) + _update_settings(have, want) + _permissions(have, want)


def _create_role(want: Role) -> Call:
    args = {
        "RoleName": want.name,
        "Path": want.path,
        "AssumeRolePolicyDocument": want.trust,
        "Description": want.description,
        "MaxSessionDuration": want.max_session_duration,
        "Tags": _tag_list(want.tags),
    }
    if want.permissions_boundary:
        args["PermissionsBoundary"] = want.permissions_boundary
    return Call("CreateRole", args)


def _update_settings(have: Role, want: Role) -> list[Call]:
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
        calls.append(_boundary_call(want))
    return calls


def _boundary_call(want: Role) -> Call:
    if want.permissions_boundary:
        args = {"RoleName": want.name, "PermissionsBoundary": want.permissions_boundary}
        return Call("PutRolePermissionsBoundary", args)
    return Call("DeleteRolePermissionsBoundary", {"RoleName": want.name})


def _retag(have: Role, want: Role) -> list[Call]:
    new = {key: value for key, value in want.tags.items() if have.tags.get(key) != value}
    gone = sorted(set(have.tags) - set(want.tags))
    come = [Call("TagRole", {"RoleName": want.name, "Tags": _tag_list(new)})] if new else []
    go = [Call("UntagRole", {"RoleName": want.name, "TagKeys": gone})] if gone else []
    return come + go if len({**have.tags, **want.tags}) <= MAX_TAGS else go + come


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


def _permissions(have: Role, want: Role) -> list[Call]:
    name = want.name
    put = {key: document for key, document in want.inline_policies.items() if have.inline_policies.get(key) != document}
    come = [
        *(_attachment("AttachRolePolicy", name, arn) for arn in sorted(want.managed_policies - have.managed_policies)),
        *(
            Call("PutRolePolicy", {"RoleName": name, "PolicyName": key, "PolicyDocument": put[key]})
            for key in sorted(put)
        ),
    ]
    go = [
        *(_attachment("DetachRolePolicy", name, arn) for arn in sorted(have.managed_policies - want.managed_policies)),
        *(_delete_inline(name, key) for key in sorted(set(have.inline_policies) - set(want.inline_policies))),
    ]
    return come + go if len(have.managed_policies | want.managed_policies) <= MAX_POLICIES else go + come


def _attachment(operation: str, name: str, arn: str) -> Call:
    return Call(operation, {"RoleName": name, "PolicyArn": arn})


def _delete_inline(name: str, key: str) -> Call:
    return Call("DeleteRolePolicy", {"RoleName": name, "PolicyName": key})


def _delete_role(have: Role) -> list[Call]:
    return [
        *(_attachment("DetachRolePolicy", have.name, arn) for arn in sorted(have.managed_policies)),
        *(_delete_inline(have.name, key) for key in sorted(have.inline_policies)),
        Call("DeleteRole", {"RoleName": have.name}),
    ]
