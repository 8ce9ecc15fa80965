# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session needs for the role of the CloudTrail source. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from ..session_policy import allow, session_policy
from .role import RoleSpec

Work = Literal["read", "write", "write_inline", "remove"]
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
ACTIONS: dict[Work, tuple[str, ...]] = {
    "read": (*READ, "ListInstanceProfilesForRole"),
    "write": (*READ, *WRITE, "AttachRolePolicy"),
    "write_inline": (*READ, *WRITE, "PutRolePolicy"),
    "remove": (*READ, "ListInstanceProfilesForRole", *REMOVE),
}


def work_on(spec: RoleSpec, *, check_mode: bool, removing: bool) -> Work:
    """Return what a run does with the role."""
    writing: Work = "write_inline" if spec.inline else "write"
    return "read" if check_mode else "remove" if removing else writing


def statements(partition: str, account_id: str, role_name: str | None, work: Work) -> list[dict[str, Any]]:
    """Return what work on one role needs, under whatever path; None for looking at all roles.

    Only the managed policies that a specification has can be attached.
    """
    arn = f"arn:{partition}:iam::{account_id}:role/"
    resource = [f"{arn}{role_name}", f"{arn}*/{role_name}"] if role_name else "*"
    free = [f"iam:{action}" for action in ACTIONS[work] if action != "AttachRolePolicy"]
    found = [allow(free if role_name else [*free, "iam:ListRoles"], resource)]
    if "AttachRolePolicy" in ACTIONS[work]:
        [policy] = RoleSpec(account_id, "", partition=partition).managed
        found.append(allow(["iam:AttachRolePolicy"], resource, Condition={"ArnEquals": {"iam:PolicyARN": policy}}))
    return found


def policy_for(account_id: str, role_name: str | None, work: Work) -> Callable[[str], str]:
    """Return a session policy for work on one role alone, by the partition; None for looking at all roles."""
    return lambda partition: session_policy(statements(partition, account_id, role_name, work))
