# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session in an account may do: no more than the run needs, whatever the role that is assumed may. Pure.

Source: "Session policies" (IAM User Guide). At most 2,048 characters.
"""

from __future__ import annotations

import json
from typing import Literal

Work = Literal["read", "write", "remove"]

READ = ("GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies")
WRITE = (
    "AttachRolePolicy",
    "CreateRole",
    "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy",
    "DetachRolePolicy",
    "PutRolePermissionsBoundary",
    "PutRolePolicy",
    "TagRole",
    "UntagRole",
    "UpdateAssumeRolePolicy",
    "UpdateRole",
)
REMOVE = ("DeleteRole", "DeleteRolePolicy", "DetachRolePolicy", "TagRole", "UpdateAssumeRolePolicy")
ACTIONS: dict[Work, tuple[str, ...]] = {
    "read": (*READ, "ListInstanceProfilesForRole"),
    "write": (*READ, *WRITE),
    "remove": (*READ, "ListInstanceProfilesForRole", *REMOVE),
}


def session_policy(partition: str, account_id: str, role_name: str | None, work: Work) -> str:
    """Return the JSON text of a policy for work on one role, under whatever path; None for looking at all roles."""
    arn = f"arn:{partition}:iam::{account_id}:role/"
    statement = {
        "Effect": "Allow",
        "Action": [f"iam:{action}" for action in ACTIONS[work]],
        "Resource": [f"{arn}{role_name}", f"{arn}*/{role_name}"] if role_name else "*",
    }
    if not role_name:
        statement["Action"] = [*statement["Action"], "iam:ListRoles"]
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
