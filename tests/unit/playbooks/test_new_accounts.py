# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that are too new to be entered are waited for, and nobody waits for them."""

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
from tests.emulators import faults
from tests.emulators.client import Emulators

from .conftest import parsed

NEW, OLD = "111111111101", "111111111102"


def joined(*, grown_in: float) -> str:
    """When an account joined that is no longer new in so many seconds."""
    return datetime.fromtimestamp(time.time() - MIN_ACCOUNT_AGE + grown_in, UTC).isoformat()


def hosts(**new: Any) -> dict[str, dict[str, Any]]:
    return {"new": {"aws_account_id": NEW, **new}, "old": {"aws_account_id": OLD}}


def run(here: Emulators, inventory: dict[str, dict[str, Any]], **order: Any) -> list[AccountResult]:
    async def work() -> list[AccountResult]:
        return [done async for done in fleet.run(parsed(here, inventory), fleet.Order(**order))]

    return asyncio.run(work())


def refuse(here: Emulators, times: int) -> None:
    here.fault(account=NEW, times=times, **faults.TRUST_DENIED)


def tried(here: Emulators) -> int:
    return sum((request["operation"], request["account"]) == ("AssumeRole", NEW) for request in here.requests())


def test_who_is_new_is_waited_for_while_the_only_place_goes_to_others(here: Emulators) -> None:
    refuse(here, times=2)
    old, new = run(here, hosts(aws_account_joined=joined(grown_in=60)), concurrency=1)
    assert (old.account.account_id, old.status) == (OLD, "changed")
    assert (new.account.account_id, new.status) == (NEW, "changed")
    assert tried(here) == 3


def test_who_grew_up_without_letting_anybody_in_is_named_as_such(here: Emulators) -> None:
    refuse(here, times=100)
    old, new = run(here, hosts(aws_account_joined=joined(grown_in=3)))
    assert old.status == "changed"
    assert new.error
    assert new.error.kind == "account_not_active"
    text = f"Cannot enter account {NEW}: it joined 15 minutes ago, and its role may not be there yet. "
    assert str(new.error).startswith(f"{text}Cannot assume role arn:aws:iam::{NEW}:role/")
    assert tried(here) >= 2


def test_nobody_waits_for_an_account_that_is_not_new(here: Emulators) -> None:
    for known in ({}, {"aws_account_joined": ""}, {"aws_account_joined": "2020-01-01T00:00:00Z"}):
        here.reset()
        refuse(here, times=100)
        done = {one.account.account_id: one for one in run(here, hosts(**known))}
        assert done[NEW].error
        assert done[NEW].error.kind == "assume_denied"
        assert tried(here) == 1


def test_a_preview_waits_as_the_run_does(here: Emulators) -> None:
    refuse(here, times=1)
    _old, new = run(here, hosts(aws_account_joined=joined(grown_in=60)), check_mode=True)
    assert new.status == "changed"


def test_who_ends_the_run_does_not_wait(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "GRACE", 0.1)
    refuse(here, times=100)

    async def work() -> list[AccountResult]:
        stop, found = fleet.Cancellation(), []
        accounts = parsed(here, hosts(aws_account_joined=joined(grown_in=600)))
        async for done in fleet.run(accounts, fleet.Order(concurrency=1), stop):
            found.append(done)
            if done.account.account_id == OLD:
                stop.interrupt("it was enough")
        return found

    _old, new = asyncio.run(asyncio.wait_for(work(), 30))
    assert new.error
    assert new.error.kind == "interrupted"


def test_that_somebody_may_be_waited_for_is_told_before(here: Emulators) -> None:
    told = new_account.told(parsed(here, hosts(aws_account_joined=joined(grown_in=60))))
    assert told == "1 account is new: what cannot be entered yet is tried again until it is 15 minutes old."
    assert new_account.told(parsed(here, hosts(aws_account_joined=joined(grown_in=-1)))) == ""


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
def test_the_age_of_an_account(monkeypatch: pytest.MonkeyPatch, joined: str, age: float) -> None:
    now = datetime(2026, 11, 22, 17, 1, tzinfo=UTC).timestamp()
    monkeypatch.setattr(new_account.time, "time", lambda: now)
    assert new_account.age(parse({"account_joined": joined}, "")) == age
