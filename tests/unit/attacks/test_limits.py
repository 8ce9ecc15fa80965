# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run does not adopt unmanaged roles, exceed its session policy, or change more accounts than allowed."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from typing import Any

import pytest
import yaml

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws_errors import translate_aws_errors
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AssumeRole,
    AwsCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.permissions import (
    SessionScope,
    policy_for,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from tests.emulators import faults
from tests.emulators.client import Emulators
from tests.faults import engine
from tests.faults.world import ACCOUNTS, OTHER_ROLE, PHASES, ROLE, VICTIM, Phase, World, arn_of, connector
from tests.unit.playbooks.conftest import WORKSPACE, Play

from .plants import ADMIN, OTHER_ID, ROOT, pinned, statement

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [statement()]})


Attempt = tuple[SessionScope, str, dict[str, Any]]
NOT_ALLOWED: list[Attempt] = [
    ("read", "CreateRole", {"RoleName": ROLE, "AssumeRolePolicyDocument": TRUST}),
    ("read", "UpdateAssumeRolePolicy", {"RoleName": ROLE, "PolicyDocument": TRUST}),
    ("write", "DeleteRole", {"RoleName": ROLE}),
    ("write", "GetRole", {"RoleName": OTHER_ROLE}),
    ("write", "UpdateAssumeRolePolicy", {"RoleName": OTHER_ROLE, "PolicyDocument": TRUST}),
    ("write", "AttachRolePolicy", {"RoleName": "OrganizationAccountAccessRole", "PolicyArn": ADMIN}),
    ("write", "AttachRolePolicy", {"RoleName": ROLE, "PolicyArn": ADMIN}),
    ("write", "PutRolePolicy", {"RoleName": ROLE, "PolicyName": "p", "PolicyDocument": TRUST}),
    ("write_inline", "AttachRolePolicy", {"RoleName": ROLE, "PolicyArn": ADMIN}),
    ("write", "CreateUser", {"UserName": "mallory"}),
    ("write", "CreateAccessKey", {"UserName": "mallory"}),
    ("write", "CreatePolicy", {"PolicyName": "p", "PolicyDocument": TRUST}),
    ("write", "ListRoles", {}),
    ("remove", "AttachRolePolicy", {"RoleName": ROLE, "PolicyArn": ADMIN}),
    ("remove", "PutRolePolicy", {"RoleName": ROLE, "PolicyName": "p", "PolicyDocument": TRUST}),
    ("remove", "DeleteRole", {"RoleName": OTHER_ROLE}),
]


async def attempt(attempts: list[Attempt], *, limited: bool = True) -> list[SentinelError]:
    """Make IAM calls in an account with the session of some work on the role; returns their errors."""
    errors = []
    with closing(Aws(AwsCredentials())) as aws:
        assume_role = AssumeRole(roles=("OrganizationAccountAccessRole",), session_policy=limited)
        for work, operation, args in attempts:
            keys = await aws.assume_role_in(VICTIM, assume_role, policy_for(VICTIM, ROLE, work))
            try:
                with translate_aws_errors(f"make {operation}"):
                    await aws.service("iam").client(keys)(operation, **args)
            except SentinelError as error:
                errors.append(error)
    return errors


def test_the_session_policy_denies_calls_that_the_run_does_not_make(world: World) -> None:
    errors = asyncio.run(attempt(NOT_ALLOWED))
    assert [error.kind for error in errors] == ["aws_denied"] * len(NOT_ALLOWED)
    for error, (_work, operation, _args) in zip(errors, NOT_ALLOWED, strict=True):
        assert f"because no session policy allows the iam:{operation} action" in str(error)


def test_without_the_session_policy_the_session_has_all_permissions_of_the_role(world: World) -> None:
    assert asyncio.run(attempt([("read", "CreateUser", {"UserName": "someone"})], limited=False)) == []


@pytest.mark.parametrize(
    "trust",
    [
        pytest.param(statement(Principal={"Service": "ec2.amazonaws.com"}, Condition=None), id="a service's"),
        pytest.param(statement(Principal={"AWS": ROOT}), id="another account's"),
        pytest.param(statement(Condition=pinned(OTHER_ID)), id="another workspace's"),
        pytest.param(statement(Condition=pinned(f"{OTHER_ID[:9]}*", "StringLike")), id="an unknown workspace's"),
    ],
)
def test_an_unmanaged_role_of_that_name_is_refused(world: World, trust: Any) -> None:
    world.prepare("create")
    document = {"Version": "2012-10-17", "Statement": [trust]}
    world.make(VICTIM, "CreateRole", RoleName=ROLE, AssumeRolePolicyDocument=document)
    before = world.seen()
    ended = world.run("create")
    assert {account: error.kind for account, error in ended.failed.items()} == {VICTIM: "role_conflict"}
    after = world.seen()
    assert (after.ours[VICTIM], after.other_workspaces) == (before.ours[VICTIM], before.other_workspaces)
    assert set(ended.calls) == {"111111111102", "111111111103"}
    removed = world.run("remove")
    assert removed.failed[VICTIM].kind == "role_conflict"
    assert world.seen().ours[VICTIM] == before.ours[VICTIM]


def test_a_connector_of_another_account_is_reported_beside_the_right_one(world: World) -> None:
    world.prepare("create")
    world.run("create")
    [ours] = world.seen().ours[VICTIM]["connectors"]
    world.e.seed_connector(connector(ours["name"], arn_of("666666666666")))
    world.e.seed_connector(connector("by-hand", arn_of(VICTIM)))
    world.e.forget()
    ended = world.run("create")
    assert [one.code for one in ended.results[VICTIM].report.findings] == ["connector_wrong_account"]
    assert arn_of("666666666666") in ended.results[VICTIM].report.findings[0].message
    assert (ended.calls, world.writes()) == ({}, [])


def test_offboarding_keeps_a_connector_of_another_account(world: World) -> None:
    world.prepare("remove")
    [ours] = world.seen().ours[VICTIM]["connectors"]
    strayed = world.e.seed_connector(connector(ours["name"], arn_of("666666666666")))
    ended = world.run("remove")
    assert (ended.error, ended.failed) == (None, {})
    assert strayed in world.e.connectors()


@pytest.mark.parametrize("phase", PHASES)
def test_more_changes_than_allowed_stop_the_run_before_the_first_one(world: World, phase: Phase) -> None:
    world.prepare(phase)
    world.e.forget()
    ended = world.run(phase, max_change=2.9)
    assert ended.error
    assert (ended.error.kind, world.writes()) == ("too_many_changes", [])
    assert {one.check_mode for one in ended.results.values()} == {True}
    assert "3 accounts would change; 2 may" in str(ended.error)
    assert str(world.run(phase, max_change=2.9, check_mode=True).error) == str(ended.error)
    allowed = world.run(phase, max_change=3.0)
    assert (allowed.error, set(allowed.calls)) == (None, set(ACCOUNTS))


@pytest.mark.parametrize("phase", ["create", "remove"])
def test_an_unreadable_account_counts_as_changed(world: World, phase: Phase) -> None:
    world.prepare(phase)
    world.run(phase)
    world.e.fault(account=VICTIM, **faults.TRUST_DENIED)
    world.e.forget()
    ended = world.run(phase, max_change=0.0)
    assert ended.error
    assert (ended.error.kind, world.writes()) == ("too_many_changes", [])
    assert ended.failed[VICTIM].kind == "assume_denied"
    world.e.heal()
    assert world.run(phase, max_change=0.0).error is None


def test_without_accounts_nothing_is_done(world: World) -> None:
    world.prepare("remove")
    world.e.forget()
    for order in (
        fleet.RunOptions(),
        fleet.RunOptions(absent=True),
        fleet.RunOptions(absent=True, orphans="remove", max_change=100),
    ):
        assert engine.run([], order) == engine.RunResult({})
    assert world.e.requests() == []


GUARDS: list[tuple[dict[str, Any], str]] = [
    ({"max_change_percent": 25}, "the limit of 25 % of 12 accounts is 3"),
    ({"max_change_percent": "nan"}, "max_change_percent nan: it must be a number from 0 to 100"),
    ({"max_change_percent": "few"}, "argument 'max_change_percent' is of type"),
    ({"max_fail_percentage": "nan"}, "max_fail_percentage nan: it must be a number from 0 to 100"),
    ({"minimum_accounts": "ten"}, "argument 'minimum_accounts' is of type"),
    ({"concurrency": 0}, "concurrency 0: it must be an integer from 1 to 256"),
    ({"report_dir": "/proc/nowhere"}, "Cannot write into /proc/nowhere (report_dir)"),
    ({"state": "deleted"}, "value of state must be one of: present, absent, got: deleted"),
    ({"acounts": []}, "acounts"),
]


def test_a_guard_stops_the_run_before_the_first_write_even_if_misspelt(cloud: Emulators, play: Play) -> None:
    listed = [{"account_id": f"1111111111{number:02}"} for number in range(1, 13)]
    shared = {name.removeprefix("sentinel_"): value for name, value in WORKSPACE.items()} | {"accounts": listed}
    tasks = [{"trailbridge.sentinel.fleet": shared | guard, "ignore_errors": True} for guard, _message in GUARDS]
    text = yaml.safe_dump(
        [
            {"hosts": "localhost", "gather_facts": False, "tasks": tasks},
            {"import_playbook": "trailbridge.sentinel.offboard"},
        ]
    )
    run = play(text, {account["account_id"]: {} for account in listed}, sentinel_minimum_accounts=13)
    assert run.code == 2, run.output
    output = " ".join(run.output.replace("\\", "").split())
    assert [message for _guard, message in GUARDS if message not in output] == []
    assert "the inventory matches 12 AWS accounts, sentinel_minimum_accounts requires 13" in output
    assert "Traceback" not in output
    # Only the first of them makes requests.
    assert cloud.operations().count("GetCallerIdentity") == 1
    assert cloud.requests("iam", write=True) == cloud.connectors() == []
