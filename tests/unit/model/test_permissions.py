# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session policy allows what the run needs, on one role, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, get_args

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.permissions import (
    ACTIONS,
    SessionScope,
    policy_for,
    session_scope,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.plan import plan
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.role import Role, RoleSpec
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.session_policy import allow
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.session_policy import (
    session_policy as join,
)

ACCOUNT = "111111111111"
MAX_CHARACTERS = 2048
SCOPES = get_args(SessionScope)


def session_policy(partition: str, account_id: str, role_name: str | None, scope: SessionScope) -> str:
    return policy_for(account_id, role_name, scope)(partition)


def allows(policy: str, action: str, role: str, account: str = ACCOUNT) -> bool:
    [statement] = [one for one in json.loads(policy)["Statement"] if f"iam:{action}" in one["Action"]] or [None]
    patterns: Any = statement["Resource"] if statement else []
    arn = f"arn:aws:iam::{account}:role/{role}"
    listed = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatchcase(arn, pattern) for pattern in listed)


@pytest.mark.parametrize("scope", SCOPES)
def test_the_role_may_be_used_under_any_path(scope: SessionScope) -> None:
    policy = session_policy("aws", ACCOUNT, "Eyes", scope)
    for action in ACTIONS[scope]:
        assert allows(policy, action, "Eyes")
        assert allows(policy, action, "a/b/Eyes")


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("role", ["Admin", "EyesOpen", "TheEyes", "Eyes/Admin"])
def test_other_roles_are_denied(scope: SessionScope, role: str) -> None:
    assert not any(allows(session_policy("aws", ACCOUNT, "Eyes", scope), action, role) for action in ACTIONS[scope])


@pytest.mark.parametrize("scope", SCOPES)
def test_other_accounts_are_denied(scope: SessionScope) -> None:
    policy = session_policy("aws", ACCOUNT, "Eyes", scope)
    assert not any(allows(policy, action, "Eyes", "222222222222") for action in ACTIONS[scope])


@pytest.mark.parametrize(
    ("scope", "action"),
    [
        ("read", "CreateRole"),
        ("read", "TagRole"),
        ("read", "UpdateAssumeRolePolicy"),
        ("write", "DeleteRole"),
        ("write", "PutRolePolicy"),
        ("write_inline", "DeleteRole"),
        ("write_inline", "AttachRolePolicy"),
        ("remove", "CreateRole"),
        ("remove", "AttachRolePolicy"),
        *(
            (scope, action)
            for scope in SCOPES
            for action in ("PassRole", "CreatePolicy", "CreateUser", "CreateAccessKey")
        ),
    ],
)
def test_actions_that_the_run_does_not_need_are_denied(scope: SessionScope, action: str) -> None:
    assert not allows(session_policy("aws", ACCOUNT, "Eyes", scope), action, "Eyes")


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov"])
def test_only_the_policy_that_sentinel_needs_can_be_attached(partition: str) -> None:
    statements = json.loads(session_policy(partition, ACCOUNT, "Eyes", "write"))["Statement"]
    [attaching] = [one for one in statements if "iam:AttachRolePolicy" in one["Action"]]
    needed = f"arn:{partition}:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"
    assert attaching["Condition"] == {"ArnEquals": {"iam:PolicyARN": needed}}


@pytest.mark.parametrize(
    ("mode", "check_mode", "removing", "scope"),
    [
        ("managed", False, False, "write"),
        ("lookup_events", False, False, "write_inline"),
        ("managed", False, True, "remove"),
        ("lookup_events", False, True, "remove"),
        ("managed", True, False, "read"),
        ("lookup_events", True, True, "read"),
    ],
)
def test_the_scope_of_a_session_follows_the_run(
    mode: str, check_mode: bool, removing: bool, scope: SessionScope
) -> None:
    spec = RoleSpec(ACCOUNT, "w", permission_mode=mode)
    assert session_scope(spec, check_mode=check_mode, removing=removing) == scope


def test_a_session_for_all_roles_only_reads() -> None:
    policy = session_policy("aws", ACCOUNT, None, "read")
    assert allows(policy, "ListRoles", "")
    assert allows(policy, "GetRole", "Any")
    assert not allows(policy, "CreateRole", "Any")


def test_every_call_of_a_plan_is_allowed() -> None:
    bare = Role("Eyes", f"arn:aws:iam::{ACCOUNT}:role/Eyes", permissions_boundary="arn:aws:iam::aws:policy/A")
    full = Role(
        "Eyes",
        bare.arn,
        description="x",
        trust={"Version": "2012-10-17", "Statement": []},
        tags={"a": "b"},
        managed_policies=frozenset({"arn:aws:iam::aws:policy/B"}),
        inline_policies={"c": {}},
    )
    managed, inline = replace(full, inline_policies={}), replace(full, managed_policies=frozenset())
    for scope, desired in (("write", managed), ("write_inline", inline)):
        calls = [*plan(None, desired), *plan(bare, desired), *plan(full, desired), *plan(full, bare)]
        assert {call.name for call in calls} <= set(ACTIONS[scope])
    assert {call.name for call in plan(full, None)} <= set(ACTIONS["remove"])


@pytest.mark.parametrize("scope", SCOPES)
def test_a_session_policy_has_at_most_2048_characters(scope: SessionScope) -> None:
    assert len(session_policy("aws-us-gov", ACCOUNT, "x" * 64, scope)) <= MAX_CHARACTERS


def test_a_policy_that_aws_would_refuse_is_an_error() -> None:
    session_policy("aws", ACCOUNT, "x" * 64, "write")
    with pytest.raises(SentinelError) as caught:
        join(allow(["iam:GetRole"], f"arn:aws:iam::{ACCOUNT}:role/{number}") for number in range(40))
    assert caught.value.kind == "bad_input"
    assert "2,048" in str(caught.value)
