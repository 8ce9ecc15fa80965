# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong clocks, and tokens that expire during a run."""

from __future__ import annotations

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import CLASSES
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from tests.faults import engine
from tests.faults.world import VICTIM, World

SKEWS = [
    ("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than 20260101T001500Z"),
    ("SignatureDoesNotMatch", "Signature not yet current: 20260101T003000Z is still later than 20260101T001500Z"),
    ("InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier than 20260101T001500Z"),
    ("RequestExpired", "Request has expired."),
    ("RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
]


@pytest.mark.parametrize(("code", "message"), SKEWS, ids=[f"{code}-{message[:15]}" for code, message in SKEWS])
def test_a_wrong_clock_is_reported_before_the_first_write(world: World, code: str, message: str) -> None:
    world.prepare("create")
    world.e.forget()
    world.e.fault(service="sts", operation="GetCallerIdentity", status=403, code=code, message=message)
    ended = world.run("create")
    assert ended.error
    assert ended.error.kind == "clock_skew"
    assert CLASSES["clock_skew"][1] in str(ended.error)
    assert world.writes() == []


def test_a_clock_that_becomes_wrong_is_reported_for_the_account(world: World) -> None:
    world.prepare("create")
    code, message = SKEWS[0]
    world.e.fault(operation="AttachRolePolicy", account=VICTIM, status=403, code=code, message=message)
    ended = world.run("create")
    assert {account: error.kind for account, error in ended.failed.items()} == {VICTIM: "clock_skew"}
    world.e.heal()
    assert world.run("create").calls == {VICTIM: "AttachRolePolicy, DataConnectors_CreateOrUpdate"}


def test_a_token_that_expires_during_the_run_is_refreshed_once(world: World) -> None:
    hosts = {f"3333333333{number:02}": {"aws_account_id": f"3333333333{number:02}"} for number in range(20)}
    world.prepare("create")
    # All accounts write their connectors after it expired, half of them at the same time.
    world.e.fault(operation="AttachRolePolicy", account="33333333331*", delay=1.0)
    world.e.forget()
    with engine.clock_ahead("AttachRolePolicy", 2 * 3600):
        ended = engine.run(engine.accounts_of(hosts), fleet.RunOptions())
    assert (ended.error, ended.failed) == (None, {})
    asked = world.e.operations("azure")
    assert asked.count("DataConnectors_CreateOrUpdate") == len(ended.calls) == 20
    assert asked.count("Token") == 2
