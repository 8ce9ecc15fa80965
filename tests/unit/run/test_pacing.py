# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared limits are kept, and no account waits longer than necessary, on a virtual clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import NotYetError, SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import pacing
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.pacing import (
    AzureRateLimit,
    Slots,
    Visibility,
)
from tests.clock import Clock
from tests.faults.timing import Timing

NOT_YET = NotYetError("transient", "Cannot yet.")
T = TypeVar("T")


def run_on_virtual_clock(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop with a virtual clock."""
    return Clock().run(work)


# --- slots ---


async def _work(slots: Slots, number: int, seconds: float = 0.0, *, throttled: bool = False) -> int:
    """Run `number` tasks; return the maximum that ran at the same time."""
    running, maximum = 0, 0

    async def one() -> None:
        nonlocal running, maximum
        async with slots:
            running += 1
            maximum = max(maximum, running)
            await asyncio.sleep(seconds)
            slots.record(0.01, throttled=throttled)
            running -= 1

    await asyncio.gather(*(one() for _number in range(number)))
    return maximum


def test_concurrency_starts_low_and_grows_to_the_maximum() -> None:
    slots = Slots(64)
    assert run_on_virtual_clock(_work(slots, pacing.INITIAL_CONCURRENCY)) == pacing.INITIAL_CONCURRENCY
    assert run_on_virtual_clock(_work(slots, 500)) == 64


def test_the_maximum_is_never_exceeded() -> None:
    assert run_on_virtual_clock(_work(Slots(3), 50)) == 3


def test_throttling_halves_concurrency_at_most_once_a_second() -> None:
    slots = Slots(64)
    slots.limit = 40.0
    slots.record(0.1, throttled=True)
    slots.record(0.1, throttled=True)
    assert slots.limit == 20.0


def test_concurrency_never_falls_below_the_minimum() -> None:
    slots = Slots(64)
    for _again in range(10):
        slots._halved_at = 0.0
        slots.record(0.1, throttled=True)
    assert slots.limit == pacing.MIN_CONCURRENCY
    one = Slots(1)
    one.record(0.1, throttled=True)
    assert one.limit == 1


def test_concurrency_grows_slowly_after_throttling() -> None:
    slots = Slots(64)
    slots.record(0.01, throttled=True)
    before = slots.limit
    run_on_virtual_clock(_work(slots, 8))
    assert before < slots.limit <= before + 1.1


def test_slow_responses_stop_the_growth() -> None:
    slots = Slots(64)
    slots.record(0.01, throttled=False)
    for _again in range(100):
        slots.record(1.0, throttled=False)
    run_on_virtual_clock(_work(slots, 3))
    assert slots.limit == pacing.INITIAL_CONCURRENCY


def test_an_account_that_sleeps_releases_its_slot() -> None:
    async def scenario() -> list[str]:
        slots, events = Slots(1), list[str]()

        async def waiting() -> None:
            async with slots:
                events.append("waits")
                await slots.sleep(0.1)
                events.append("continues")

        async def other() -> None:
            async with slots:
                events.append("runs meanwhile")

        await asyncio.gather(waiting(), other())
        return events

    assert run_on_virtual_clock(scenario()) == ["waits", "runs meanwhile", "continues"]


# --- request rates ---


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "ARM_LIMITS", {"writes": (5.0, 50.0), "reads": (5.0, 50.0)})


async def _spend(budget: AzureRateLimit, number: int, kind: str = "writes") -> float:
    start = time.monotonic()
    for _number in range(number):
        await budget.acquire(kind)
        budget.record(kind, None, None)
    return time.monotonic() - start


def test_a_waiting_request_honours_throttling_of_another_one(small: None) -> None:
    async def scenario() -> float:
        budget = AzureRateLimit()
        await _spend(budget, 5)
        start = time.monotonic()
        waiting = asyncio.ensure_future(budget.acquire("writes"))
        await asyncio.sleep(0)
        budget.record("writes", None, 0.4)
        await waiting
        return time.monotonic() - start

    assert run_on_virtual_clock(scenario()) >= 0.39


def test_requests_beyond_the_bucket_wait_for_the_refill(small: None) -> None:
    async def scenario() -> tuple[float, float]:
        budget = AzureRateLimit()
        return await _spend(budget, 5), await _spend(budget, 10)

    first, then = run_on_virtual_clock(scenario())
    assert first < 0.1
    assert 0.18 <= then < 0.5


def test_each_kind_of_request_has_its_own_bucket(small: None) -> None:
    async def scenario() -> float:
        budget = AzureRateLimit()
        await _spend(budget, 5)
        return await _spend(budget, 5, "reads")

    assert run_on_virtual_clock(scenario()) < 0.1


def test_a_lower_remaining_count_of_the_service_is_used(small: None) -> None:
    async def scenario() -> float:
        budget = AzureRateLimit()
        await budget.acquire("writes")
        budget.record("writes", 0, None)
        return await _spend(budget, 2)

    assert 0.03 <= run_on_virtual_clock(scenario()) < 0.3


def test_a_remaining_count_above_the_documented_bucket_is_ignored(small: None) -> None:
    async def scenario() -> float:
        budget = AzureRateLimit()
        await budget.acquire("writes")
        budget.record("writes", 10000, None)
        return await _spend(budget, 10)

    assert run_on_virtual_clock(scenario()) >= 0.1


def test_throttling_makes_all_requests_wait_for_retry_after(small: None) -> None:
    async def scenario() -> float:
        budget = AzureRateLimit()
        await budget.acquire("writes")
        budget.record("writes", None, 0.3)
        return await _spend(budget, 1)

    assert 0.28 <= run_on_virtual_clock(scenario()) < 0.6


# --- new roles ---


class World:
    """Roles that can be used `seconds` after their creation; counts the attempts."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.attempts = 0

    async def use(self, visibility: Visibility, created: float) -> None:
        while True:
            try:
                async with visibility.turn(created):
                    self.attempts += 1
                    await asyncio.sleep(0)
                    if time.monotonic() < created + self.seconds:
                        raise NOT_YET
                    return
            except NotYetError:
                await asyncio.sleep(0.01)

    async def use_all(self, number: int) -> float:
        visibility, created = Visibility(), time.monotonic()
        await asyncio.gather(*(self.use(visibility, created) for _number in range(number)))
        return time.monotonic() - created


def test_roles_that_can_be_used_at_once_are_not_delayed() -> None:
    world = World(0.0)
    assert run_on_virtual_clock(world.use_all(200)) < 0.5
    assert world.attempts == 200


def test_one_account_measures_the_delay_of_new_roles_and_all_others_wait() -> None:
    world = World(1.0)
    assert 1.0 <= run_on_virtual_clock(world.use_all(200)) < 3.0
    assert world.attempts <= 200 + 5


def test_another_account_measures_if_the_first_one_fails() -> None:
    async def scenario() -> int:
        visibility, created, used = Visibility(), time.monotonic(), 0

        async def denied() -> None:
            async with visibility.turn(created):
                await asyncio.sleep(0.05)
                raise SentinelError("azure_denied", "Cannot.")

        async def other() -> None:
            nonlocal used
            async with visibility.turn(created):
                used += 1

        await asyncio.gather(denied(), other(), other(), return_exceptions=True)
        return used

    assert run_on_virtual_clock(scenario()) == 2


def test_a_role_that_can_never_be_used_does_not_block_the_others() -> None:
    async def scenario() -> list[str]:
        visibility, tried = Visibility(), list[str]()

        async def never(name: str) -> None:
            async with visibility.turn(time.monotonic()):
                tried.append(name)
                raise NOT_YET

        await asyncio.gather(*map(never, "abc"), return_exceptions=True)
        return tried

    clock = Clock()
    with Timing(consistency=0.0).applied():
        assert sorted(clock.run(scenario())) == ["a", "b", "c"]
    assert sum(clock.slept) < 2
