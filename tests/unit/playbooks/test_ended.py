# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that end before their time: nothing is begun any more, and what was done is known."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils.run import fleet
from tests.emulators.client import Emulators

from .conftest import parsed

ACCOUNTS = {f"host{number:02}": {"aws_account_id": f"1111111111{number:02}"} for number in range(1, 41)}


def run(here: Emulators, concurrency: int = 2, after: Callable[[fleet.Stop], None] = lambda _stop: None) -> Any:
    """Do what the playbook does, in this process; `after` is called when the first account is done."""

    async def work() -> tuple[list[fleet.Done], fleet.Stop]:
        stop, done = fleet.Stop(), list[fleet.Done]()
        async for one in fleet.run(parsed(here, ACCOUNTS), fleet.Order(concurrency=concurrency), stop):
            if not done:
                after(stop)
            done.append(one)
        return done, stop

    return asyncio.run(work())


def test_an_interrupted_run_begins_nothing_and_finishes_what_is_under_way(here: Emulators) -> None:
    done, _stop = run(here, after=lambda stop: stop.interrupt("it got SIGINT"))
    statuses = [one.status for one in done]
    assert len(done) == 40
    assert set(statuses) == {"changed", "skipped"}
    assert statuses.count("changed") <= 2 * fleet.AHEAD + 1
    roles = [one for one in done if one.status == "changed"]
    assert len(here.connectors()) == len(roles)


def test_what_hangs_is_ended_after_a_while(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "GRACE", 0.5)
    here.fault(operation="GetRole", account="111111111102", delay=8)
    start = time.monotonic()
    done, _stop = run(here, after=lambda stop: stop.interrupt("it got SIGTERM"))
    assert time.monotonic() - start < 6
    hung = next(one for one in done if one.account.account_id == "111111111102")
    assert (hung.status, hung.error and hung.error.kind) == ("failed", "interrupted")
