# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The permissions that a session needs for the role of the CloudTrail source. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from ..session_policy import allow, session_policy
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


def statements(partition: str, account_id: str, role_name: str | None, scope: SessionScope) -> list[dict[str, Any]]:
    """Return what a session needs for one role under any path, or for reading all roles if `role_name` is None.

    It allows attaching only the managed policy that Sentinel needs.
    """
    arn = f"arn:{partition}:iam::{account_id}:role/"
    resource = [f"{arn}{role_name}", f"{arn}*/{role_name}"] if role_name else "*"
    actions = [f"iam:{action}" for action in ACTIONS[scope] if action != "AttachRolePolicy"]
    found = [allow(actions if role_name else [*actions, "iam:ListRoles"], resource)]
    if "AttachRolePolicy" in ACTIONS[scope]:
        [policy] = RoleSpec(account_id, "", partition=partition).managed_policies
        found.append(allow(["iam:AttachRolePolicy"], resource, Condition={"ArnEquals": {"iam:PolicyARN": policy}}))
    return found


def policy_for(account_id: str, role_name: str | None, scope: SessionScope) -> Callable[[str], str]:
    """Return the session policy for one role alone as JSON, by the partition."""
    return lambda partition: session_policy(statements(partition, account_id, role_name, scope))
