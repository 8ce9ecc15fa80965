# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session policy that limits an assumed role to the permissions that a run needs. Pure.

Source: "Session policies" (IAM User Guide). At most 2,048 characters.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from .role import RoleSpec

SessionScope = Literal["read", "write", "write_inline", "remove"]
"""`write` attaches the managed policy to the role, `write_inline` puts an inline policy."""

READ = ("GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies")
WRITE = (
    "CreateRole",
    "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy",
    "DetachRolePolicy",
    "PutRolePermissionsBoundary",
    "TagRole",
    "UntagRole",
    "UpdateAssumeRolePolicy",
    "UpdateRole",
)
REMOVE = ("DeleteRole", "DeleteRolePolicy", "DetachRolePolicy", "TagRole", "UpdateAssumeRolePolicy")
ACTIONS: dict[SessionScope, tuple[str, ...]] = {
    "read": (*READ, "ListInstanceProfilesForRole"),
    "write": (*READ, *WRITE, "AttachRolePolicy"),
    "write_inline": (*READ, *WRITE, "PutRolePolicy"),
    "remove": (*READ, "ListInstanceProfilesForRole", *REMOVE),
}


def session_scope(spec: RoleSpec, *, check_mode: bool, removing: bool) -> SessionScope:
    """Return the permissions that a run needs for the role."""
    writing: SessionScope = "write_inline" if spec.inline_policies else "write"
    return "read" if check_mode else "remove" if removing else writing


def session_policy(partition: str, account_id: str, role_name: str | None, scope: SessionScope) -> str:
    """Return a session policy as JSON for one role under any path, or for reading all roles if `role_name` is None.

    It allows attaching only the managed policy that Sentinel needs.
    """
    arn = f"arn:{partition}:iam::{account_id}:role/"
    resource = [f"{arn}{role_name}", f"{arn}*/{role_name}"] if role_name else "*"
    actions = [action for action in ACTIONS[scope] if action != "AttachRolePolicy"]
    statements = [_allow_iam(actions if role_name else [*actions, "ListRoles"], resource)]
    if "AttachRolePolicy" in ACTIONS[scope]:
        [policy] = RoleSpec(account_id, "", partition=partition).managed_policies
        condition = {"ArnEquals": {"iam:PolicyARN": policy}}
        statements.append(_allow_iam(["AttachRolePolicy"], resource) | {"Condition": condition})
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def _allow_iam(actions: list[str], resource: str | list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [f"iam:{action}" for action in actions], "Resource": resource}
