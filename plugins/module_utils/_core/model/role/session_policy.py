# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session in an account may do: no more than the run needs, whatever the role that is assumed may. Pure.

Source: "Session policies" (IAM User Guide). At most 2,048 characters.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from .role import RoleSpec

SessionScope = Literal["read", "write", "write_inline", "remove"]
"""With `write` the role gets the managed policy, with `write_inline` an inline one."""

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
    """Return what a run does with the role."""
    writing: SessionScope = "write_inline" if spec.inline_policies else "write"
    return "read" if check_mode else "remove" if removing else writing


def session_policy(partition: str, account_id: str, role_name: str | None, work: SessionScope) -> str:
    """Return the JSON text of a policy for work on one role, under whatever path; None for looking at all roles.

    Of managed policies only those that a wish has can be attached.
    """
    arn = f"arn:{partition}:iam::{account_id}:role/"
    resource = [f"{arn}{role_name}", f"{arn}*/{role_name}"] if role_name else "*"
    free = [action for action in ACTIONS[work] if action != "AttachRolePolicy"]
    statements = [_allow_iam(free if role_name else [*free, "ListRoles"], resource)]
    if "AttachRolePolicy" in ACTIONS[work]:
        [policy] = RoleSpec(account_id, "", partition=partition).managed_policies
        condition = {"ArnEquals": {"iam:PolicyARN": policy}}
        statements.append(_allow_iam(["AttachRolePolicy"], resource) | {"Condition": condition})
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def _allow_iam(actions: list[str], resource: str | list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [f"iam:{action}" for action in actions], "Resource": resource}
