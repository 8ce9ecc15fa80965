# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that affect a whole run: expired source credentials or tokens, an account that hangs."""

from __future__ import annotations

import asyncio
import time

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from tests.emulators import faults
from tests.emulators.connectors import account_of
from tests.faults import engine
from tests.faults.timing import Timing
from tests.faults.world import ACCOUNTS, ROLE, VICTIM, World

MANY = {f"2222222222{number:02}": {"aws_account_id": f"2222222222{number:02}"} for number in range(40)}


def test_expired_source_credentials_stop_the_run_with_one_message(world: World) -> None:
    world.prepare("create")
    world.e.fault(operation="AssumeRole", skip=10, **faults.EXPIRED_TOKEN)
    world.e.forget()
    cancellation = fleet.Cancellation()
    results = {}

    async def work() -> None:
        async for one in fleet.run(engine.accounts_of(MANY), fleet.RunOptions(concurrency=2), cancellation):
            results[one.account.account_id] = one

    asyncio.run(work())
    assert {error.kind for error in cancellation.reasons.values()} == {"expired_credentials"}
    assert len(cancellation.reasons) == 1
    changed = [one for one in results.values() if one.status == "changed"]
    assert len(changed) == 10
    assert {one.status for one in results.values()} == {"changed", "skipped"}
    assert len(results) == len(MANY)
    assumed = world.e.operations("sts").count("AssumeRole")
    assert assumed <= 10 + 2 * fleet.WORKERS_PER_SLOT, "too many accounts were started"
    world.e.heal()
    again = engine.run(engine.accounts_of(MANY), fleet.RunOptions())
    assert (again.error, again.failed) == (None, {})
    assert set(again.calls) == set(MANY) - {one.account.account_id for one in changed}
    assert {account_of(raw) for raw in world.e.connectors()} >= set(MANY)
    assert world.duplicates() == []


def test_a_session_that_expires_in_one_account_does_not_stop_the_others(world: World) -> None:
    right = world.expected("create")
    world.prepare("create")
    world.e.fault(operation="GetRole", account=VICTIM, **faults.EXPIRED_TOKEN)
    ended = world.run("create", concurrency=1)
    after = world.seen()
    for other in set(ACCOUNTS) - {VICTIM}:
        assert after.ours[other] == right.ours[other]
    assert ended.results[VICTIM].status == "failed"


def test_an_account_that_hangs_times_out_and_delays_no_other(world: World) -> None:
    expected = world.expected("create")
    world.prepare("create")
    world.e.fault(account=VICTIM, service="iam", delay=30.0, reset="before")
    finished: dict[str, float] = {}

    async def work() -> None:
        start = time.monotonic()
        async for one in fleet.run(world.accounts("create"), fleet.RunOptions()):
            finished[one.account.account_id] = time.monotonic() - start
            assert one.status == ("failed" if one.account.account_id == VICTIM else "changed")
            assert one.error is None or one.error.kind == "transient"

    with Timing(account=3.0, aws_request=60).applied():
        asyncio.run(work())
    assert finished[VICTIM] < 30
    assert max(finished[other] for other in set(ACCOUNTS) - {VICTIM}) < finished[VICTIM]
    after = world.seen()
    for other in set(ACCOUNTS) - {VICTIM}:
        assert after.ours[other] == expected.ours[other]
    world.e.heal()
    assert world.run("create").failed == {}
    assert world.seen().ours == expected.ours


def test_a_list_that_lags_behind_a_write_leads_to_no_duplicate(world: World) -> None:
    right = world.expected("create")
    world.prepare("create")
    world.e.settings(lag_reads=2)
    world.e.fault(operation="DataConnectors_CreateOrUpdate", times=3, reset="after")
    assert world.run("create").failed == {}
    assert world.duplicates() == []
    world.e.heal()
    assert world.run("create").failed == {}
    world.e.settings(lag_reads=0)
    world.e.forget()
    assert world.run("create").calls == {}
    assert (world.writes(), world.seen().ours) == ([], right.ours)


@pytest.mark.parametrize("status", [409, 412])
def test_a_stale_etag_is_read_again_even_if_the_list_lags(world: World, status: int) -> None:
    right = world.expected("repair")
    world.prepare("repair")
    world.e.settings(lag_reads=1, stale_etag_status=status)
    world.e.fault(operation="DataConnectors_CreateOrUpdate", times=1, reset="after")
    ended = world.run("repair")
    assert (ended.error, ended.failed) == (None, {})
    assert ended.results[VICTIM].status == "changed"
    assert world.seen().ours == right.ours


def test_a_role_that_sentinel_cannot_use_yet_is_retried(world: World) -> None:
    expected = world.expected("create")
    world.prepare("create")
    world.e.settings(role_propagation_seconds=0.7)
    ended = world.run("create")
    assert (ended.error, ended.failed) == (None, {})
    assert world.seen().ours == expected.ours


def test_a_token_that_expires_during_the_run_is_renewed(world: World) -> None:
    expected = world.expected("create")
    world.prepare("create")
    world.e.forget()
    with engine.clock_ahead("AttachRolePolicy", 2 * 3600):
        ended = world.run("create")
    assert (ended.error, ended.failed) == (None, {})
    assert world.seen().ours == expected.ours
    assert world.e.operations().count("Token") == 2


def test_a_missing_resource_provider_is_not_registered(world: World) -> None:
    world.prepare("create")
    world.e.settings(provider_registered=False)
    world.e.forget()
    ended = world.run("create")
    assert ended.error
    assert "MissingSubscriptionRegistration" in str(ended.error)
    assert "Unknown" not in world.e.operations()
    assert world.writes() == []


def test_a_workspace_without_sentinel_is_named(world: World) -> None:
    world.prepare("create")
    world.e.change_workspace(onboarded=False)
    ended = world.run("create")
    assert ended.error
    assert "sentinel" in str(ended.error).lower()
    assert '{"' not in str(ended.error)
    assert world.writes() == []


def test_a_repair_whose_response_was_lost_is_reported(world: World) -> None:
    world.prepare("create")
    world.run("create")
    extra = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    world.e.boto("iam", VICTIM).attach_role_policy(RoleName=ROLE, PolicyArn=extra)
    world.e.fault(operation="DetachRolePolicy", account=VICTIM, reset="after", times=1)
    ended = world.run("create")
    assert (ended.error, ended.failed) == (None, {})
    assert ended.calls == {VICTIM: "DetachRolePolicy"}
    [shown] = ended.results[VICTIM].report.diff
    assert extra in str(shown["before"])
    assert extra not in str(shown["after"])


def test_a_removal_whose_response_was_lost_is_reported(world: World) -> None:
    world.prepare("remove")
    world.e.fault(operation="DeleteRole", account=VICTIM, reset="after", times=1)
    world.e.fault(operation="DataConnectors_Delete", reset="after", times=1)
    ended = world.run("remove")
    assert (ended.error, ended.failed) == (None, {})
    assert {"DataConnectors_Delete", "DeleteRole"} <= {call.name for call in ended.results[VICTIM].report.calls}


def test_another_partition_is_refused_before_anything_is_written(world: World) -> None:
    world.prepare("create")
    who = "<Arn>arn:aws-us-gov:iam::123456789012:user/x</Arn><UserId>x</UserId><Account>123456789012</Account>"
    name = "GetCallerIdentity"
    body = f"<{name}Response><{name}Result>{who}</{name}Result></{name}Response>"
    world.e.fault(operation=name, status=200, body=body)
    hosts = {account: {"aws_account_id": account} for account in ACCOUNTS}
    # In the emulator's only partition, a session policy for another partition denies everything.
    ended = engine.run(engine.accounts_of(hosts, sentinel_assume_role_session_policy=False), fleet.RunOptions())
    assert {error.kind for error in ended.failed.values()} == {"bad_input"}
    assert set(ended.failed) == set(ACCOUNTS)
    assert world.writes() == []
