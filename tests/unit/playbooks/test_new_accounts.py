# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role in a new account is retried until it can be assumed, and no other account waits for that."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from math import inf
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountResult
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.backoff import MIN_ACCOUNT_AGE
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet, new_account
from tests.clock import wall_clock
from tests.emulators import faults
from tests.emulators.client import Emulators
from tests.faults.timing import Timing

from .conftest import parsed

NEW, OLD = "111111111101", "111111111102"


def joined(*, old_in: float) -> str:
    """When an account joined that is no longer new in so many seconds."""
    return datetime.fromtimestamp(time.time() - MIN_ACCOUNT_AGE + old_in, UTC).isoformat()


def hosts(**new: Any) -> dict[str, dict[str, Any]]:
    return {"new": {"aws_account_id": NEW, **new}, "old": {"aws_account_id": OLD}}


def run(here: Emulators, inventory: dict[str, dict[str, Any]], **options: Any) -> list[AccountResult]:
    async def work() -> list[AccountResult]:
        return [result async for result in fleet.run(parsed(here, inventory), fleet.RunOptions(**options))]

    return asyncio.run(work())


def deny(here: Emulators, times: int) -> None:
    here.fault(account=NEW, times=times, **faults.TRUST_DENIED)


def attempts(here: Emulators) -> int:
    return sum((request["operation"], request["account"]) == ("AssumeRole", NEW) for request in here.requests())


def test_a_new_account_is_retried_while_others_use_the_only_slot(here: Emulators) -> None:
    deny(here, times=2)
    old, new = run(here, hosts(aws_account_joined=joined(old_in=60)), concurrency=1)
    assert (old.account.account_id, old.status) == (OLD, "changed")
    assert (new.account.account_id, new.status) == (NEW, "changed")
    assert attempts(here) == 3


def test_an_account_that_is_no_longer_new_and_still_denied_is_not_active(here: Emulators) -> None:
    deny(here, times=100)
    old, new = run(here, hosts(aws_account_joined=joined(old_in=3)))
    assert old.status == "changed"
    assert new.error
    assert new.error.kind == "account_not_active"
    assert f"role in account {NEW}: it joined 15 minutes ago" in str(new.error)
    assert f"Cannot assume role arn:aws:iam::{NEW}:role/" in str(new.error)
    assert attempts(here) >= 2


def test_an_account_that_is_not_new_is_not_retried(here: Emulators) -> None:
    for joined_at in ({}, {"aws_account_joined": ""}, {"aws_account_joined": "2020-01-01T00:00:00Z"}):
        here.reset()
        deny(here, times=100)
        results = {one.account.account_id: one for one in run(here, hosts(**joined_at))}
        assert results[NEW].error
        assert results[NEW].error.kind == "assume_denied"
        assert attempts(here) == 1


def test_a_preview_retries_as_the_run_does(here: Emulators) -> None:
    deny(here, times=1)
    _old, new = run(here, hosts(aws_account_joined=joined(old_in=60)), check_mode=True)
    assert new.status == "changed"


def test_an_interrupted_run_does_not_wait_for_new_accounts(here: Emulators) -> None:
    deny(here, times=100)

    async def work() -> list[AccountResult]:
        cancellation, results = fleet.Cancellation(), []
        accounts = parsed(here, hosts(aws_account_joined=joined(old_in=600)))
        async for result in fleet.run(accounts, fleet.RunOptions(concurrency=1), cancellation):
            results.append(result)
            if result.account.account_id == OLD:
                cancellation.interrupt("it got SIGINT")
        return results

    with Timing(grace=0.1).applied():
        _old, new = asyncio.run(asyncio.wait_for(work(), 30))
    assert new.error
    assert new.error.kind == "interrupted"


def test_retries_for_new_accounts_are_announced(here: Emulators) -> None:
    notice = new_account.notice(parsed(here, hosts(aws_account_joined=joined(old_in=60))))
    assert notice.startswith("1 account is new: ")
    assert "15 minutes" in notice
    assert new_account.notice(parsed(here, hosts(aws_account_joined=joined(old_in=-1)))) == ""


@pytest.mark.parametrize(
    ("joined", "age"),
    [
        ("2026-11-22T17:00:00Z", 60.0),
        ("2026-11-22T18:00:00+01:00", 60.0),
        ("2026-11-22T17:05:00Z", 0.0),
        ("2026-11-31T17:00:00Z", inf),
        ("", inf),
    ],
    ids=["UTC", "an offset", "a clock that is behind", "no such day", "unknown"],
)
def test_the_age_of_an_account(joined: str, age: float) -> None:
    with wall_clock() as clock:
        clock.at = datetime(2026, 11, 22, 17, 1, tzinfo=UTC).timestamp()
        assert new_account.age(parse({"account_joined": joined}, "")) == age
