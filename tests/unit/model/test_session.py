# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session policy allows what the run needs, on one role, and nothing else."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any, get_args

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.role import Role
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.role_plan import plan
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.session import ACTIONS, Work, session_policy

ACCOUNT = "111111111111"
LONGEST = 2048
WORKS = get_args(Work)


def allows(policy: str, action: str, role: str, account: str = ACCOUNT) -> bool:
    (statement,) = json.loads(policy)["Statement"]
    patterns: Any = statement["Resource"]
    arn = f"arn:aws:iam::{account}:role/{role}"
    listed = [patterns] if isinstance(patterns, str) else patterns
    return f"iam:{action}" in statement["Action"] and any(fnmatchcase(arn, pattern) for pattern in listed)


@pytest.mark.parametrize("work", WORKS)
def test_the_role_may_be_worked_on_under_whatever_path(work: Work) -> None:
    policy = session_policy("aws", ACCOUNT, "Eyes", work)
    for action in ACTIONS[work]:
        assert allows(policy, action, "Eyes")
        assert allows(policy, action, "a/b/Eyes")


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("role", ["Admin", "EyesOpen", "TheEyes", "Eyes/Admin"])
def test_no_other_role_may_be_touched(work: Work, role: str) -> None:
    assert not any(allows(session_policy("aws", ACCOUNT, "Eyes", work), action, role) for action in ACTIONS[work])


@pytest.mark.parametrize("work", WORKS)
def test_no_other_account_may_be_touched(work: Work) -> None:
    policy = session_policy("aws", ACCOUNT, "Eyes", work)
    assert not any(allows(policy, action, "Eyes", "222222222222") for action in ACTIONS[work])


@pytest.mark.parametrize(
    ("work", "action"),
    [
        ("read", "CreateRole"),
        ("read", "TagRole"),
        ("read", "UpdateAssumeRolePolicy"),
        ("write", "DeleteRole"),
        ("remove", "CreateRole"),
        ("remove", "AttachRolePolicy"),
        *((work, action) for work in WORKS for action in ("PassRole", "CreatePolicy", "CreateUser", "CreateAccessKey")),
    ],
)
def test_what_the_run_does_not_need_is_denied(work: Work, action: str) -> None:
    assert not allows(session_policy("aws", ACCOUNT, "Eyes", work), action, "Eyes")


def test_looking_at_all_roles_is_reading_alone() -> None:
    policy = session_policy("aws", ACCOUNT, None, "read")
    assert allows(policy, "ListRoles", "")
    assert allows(policy, "GetRole", "Any")
    assert not allows(policy, "CreateRole", "Any")


def test_every_call_that_a_plan_can_hold_is_allowed() -> None:
    bare = Role("Eyes", f"arn:aws:iam::{ACCOUNT}:role/Eyes", permissions_boundary="arn:aws:iam::aws:policy/A")
    full = Role(
        "Eyes",
        bare.arn,
        description="x",
        trust={"Version": "2012-10-17", "Statement": []},
        tags={"a": "b"},
        managed=frozenset({"arn:aws:iam::aws:policy/B"}),
        inline={"c": {}},
    )
    calls = [*plan(None, full), *plan(bare, full), *plan(full, bare)]
    assert {call.name for call in calls} <= set(ACTIONS["write"])
    assert {call.name for call in plan(full, None)} <= set(ACTIONS["remove"])


@pytest.mark.parametrize("work", WORKS)
def test_it_fits_into_the_request(work: Work) -> None:
    assert len(session_policy("aws-us-gov", ACCOUNT, "x" * 64, work)) <= LONGEST
