# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM calls that turn one role into another. Pure.

Source: "IAM API Reference" (AWS).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..plan import Call
from ..resource import Resource
from . import role
from .role import MAX_TAGS, Role, RoleSpec

# "IAM and AWS STS quotas": the default quota of managed policies attached to a role.
MAX_POLICIES = 10


def plan(have: Role | None, want: Role | None) -> list[Call]:
    """Return the IAM calls that turn one role into the other, in order; an empty list if they are equal.

    Additions come before removals, so that Sentinel never loses access in between, except where both would exceed a
    quota. Tags come first: they name the workspaces that the role serves, for others that read its trust policy.
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
    old = sorted(set(have.tags) - set(want.tags))
    add = [Call("TagRole", {"RoleName": want.name, "Tags": _tag_list(new)})] if new else []
    remove = [Call("UntagRole", {"RoleName": want.name, "TagKeys": old})] if old else []
    return add + remove if len({**have.tags, **want.tags}) <= MAX_TAGS else remove + add


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


def _permissions(have: Role, want: Role) -> list[Call]:
    name = want.name
    put = {key: document for key, document in want.inline_policies.items() if have.inline_policies.get(key) != document}
    add = [
        *(_attachment("AttachRolePolicy", name, arn) for arn in sorted(want.managed_policies - have.managed_policies)),
        *(
            Call("PutRolePolicy", {"RoleName": name, "PolicyName": key, "PolicyDocument": put[key]})
            for key in sorted(put)
        ),
    ]
    remove = [
        *(_attachment("DetachRolePolicy", name, arn) for arn in sorted(have.managed_policies - want.managed_policies)),
        *(_delete_inline(name, key) for key in sorted(set(have.inline_policies) - set(want.inline_policies))),
    ]
    return add + remove if len(have.managed_policies | want.managed_policies) <= MAX_POLICIES else remove + add


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
