# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shared keeps to its limits, and nobody waits longer than needed. Time passes when all wait."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from contextlib import ExitStack
from typing import Any, TypeVar
from unittest import mock

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import NotYetError, SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import pacing
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.pacing import (
    AzureRateLimit,
    Slots,
    Visibility,
)

NOT_YET = NotYetError("transient", "Cannot yet.")
T = TypeVar("T")


class Clock(selectors.DefaultSelector):
    """A clock that stands while anybody works, and goes on to the next moment that is waited for."""

    now = time.monotonic()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # A clock that stood quite still would let those wait for ever who wait for less than a float can add.
        self.now += max(timeout or 0.0, 1e-6)
        return super().select(0)


def virtually(work: Coroutine[Any, Any, T]) -> T:
    """Do some work on a loop whose time is such a clock's."""
    clock = Clock()
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(time, "monotonic", side_effect=lambda: clock.now))
        runner = asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(clock))
        return stack.enter_context(runner).run(work)


# --- slots ---


async def _work(slots: Slots, number: int, seconds: float = 0.0, *, throttled: bool = False) -> int:
    """Do so many things; return the most that were done at the same time."""
    running, most = 0, 0

    async def one() -> None:
        nonlocal running, most
        async with slots:
            running += 1
            most = max(most, running)
            await asyncio.sleep(seconds)
            slots.record(0.01, throttled=throttled)
            running -= 1

    await asyncio.gather(*(one() for _number in range(number)))
    return most


def test_a_run_begins_with_few_and_grows_to_the_most() -> None:
    slots = Slots(64)
    assert virtually(_work(slots, pacing.FIRST)) == pacing.FIRST
    assert virtually(_work(slots, 500)) == 64


def test_the_most_is_never_exceeded() -> None:
    assert virtually(_work(Slots(3), 50)) == 3


def test_a_refusal_halves_and_another_one_at_once_does_not() -> None:
    slots = Slots(64)
    slots.limit = 40.0
    slots.record(0.1, throttled=True)
    slots.record(0.1, throttled=True)
    assert slots.limit == 20.0


def test_there_is_always_room_for_someone() -> None:
    slots = Slots(64)
    for _again in range(10):
        slots._shrunk = 0.0
        slots.record(0.1, throttled=True)
    assert slots.limit == pacing.FEWEST
    one = Slots(1)
    one.record(0.1, throttled=True)
    assert one.limit == 1


def test_after_a_refusal_it_grows_slowly() -> None:
    slots = Slots(64)
    slots.record(0.01, throttled=True)
    before = slots.limit
    virtually(_work(slots, 8))
    assert before < slots.limit <= before + 1.1


def test_slow_answers_stop_the_growth() -> None:
    slots = Slots(64)
    slots.record(0.01, throttled=False)
    for _again in range(100):
        slots.record(1.0, throttled=False)
    virtually(_work(slots, 3))
    assert slots.limit == pacing.FIRST


def test_who_waits_takes_no_place() -> None:
    async def play() -> list[str]:
        slots, order = Slots(1), list[str]()

        async def patient() -> None:
            async with slots:
                order.append("waits")
                await slots.sleep(0.1)
                order.append("goes on")

        async def other() -> None:
            async with slots:
                order.append("works meanwhile")

        await asyncio.gather(patient(), other())
        return order

    assert virtually(play()) == ["waits", "works meanwhile", "goes on"]


# --- ARM's budget ---


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "ARM", {"writes": (5.0, 50.0), "reads": (5.0, 50.0)})


async def _spend(budget: AzureRateLimit, number: int, kind: str = "writes") -> float:
    start = time.monotonic()
    for _number in range(number):
        await budget.acquire(kind)
        budget.record(kind, None, None)
    return time.monotonic() - start


def test_who_waits_already_heeds_a_refusal_that_comes_meanwhile(small: None) -> None:
    async def play() -> float:
        budget = AzureRateLimit()
        await _spend(budget, 5)
        start = time.monotonic()
        waiting = asyncio.ensure_future(budget.acquire("writes"))
        await asyncio.sleep(0)
        budget.record("writes", None, 0.4)
        await waiting
        return time.monotonic() - start

    assert virtually(play()) >= 0.39


def test_a_full_bucket_costs_no_time_and_then_the_rate_rules(small: None) -> None:
    async def play() -> tuple[float, float]:
        budget = AzureRateLimit()
        return await _spend(budget, 5), await _spend(budget, 10)

    first, then = virtually(play())
    assert first < 0.1
    assert 0.18 <= then < 0.5


def test_kinds_of_requests_have_their_own_budgets(small: None) -> None:
    async def play() -> float:
        budget = AzureRateLimit()
        await _spend(budget, 5)
        return await _spend(budget, 5, "reads")

    assert virtually(play()) < 0.1


def test_what_the_service_says_remains_is_believed_if_it_is_less(small: None) -> None:
    async def play() -> float:
        budget = AzureRateLimit()
        await budget.acquire("writes")
        budget.record("writes", 0, None)
        return await _spend(budget, 2)

    assert 0.03 <= virtually(play()) < 0.3


def test_more_than_the_documented_bucket_is_never_believed(small: None) -> None:
    async def play() -> float:
        budget = AzureRateLimit()
        await budget.acquire("writes")
        budget.record("writes", 10000, None)
        return await _spend(budget, 10)

    assert virtually(play()) >= 0.1


def test_a_refusal_makes_all_wait_as_long_as_the_service_asks(small: None) -> None:
    async def play() -> float:
        budget = AzureRateLimit()
        await budget.acquire("writes")
        budget.record("writes", None, 0.3)
        return await _spend(budget, 1)

    assert 0.28 <= virtually(play()) < 0.6


# --- new roles ---


class World:
    """Roles that can be used so many seconds after they were made; counts the tries."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.tries = 0

    async def use(self, visibility: Visibility, made: float) -> None:
        while True:
            try:
                async with visibility.turn(made):
                    self.tries += 1
                    await asyncio.sleep(0)
                    if time.monotonic() < made + self.seconds:
                        raise NOT_YET
                    return
            except NotYetError:
                await asyncio.sleep(0.01)

    async def use_all(self, number: int) -> float:
        visibility, made = Visibility(), time.monotonic()
        await asyncio.gather(*(self.use(visibility, made) for _number in range(number)))
        return time.monotonic() - made


def test_roles_that_can_be_used_at_once_cost_no_time() -> None:
    world = World(0.0)
    assert virtually(world.use_all(200)) < 0.5
    assert world.tries == 200


def test_one_finds_out_when_new_roles_can_be_used_and_all_others_wait_for_that() -> None:
    world = World(1.0)
    assert 1.0 <= virtually(world.use_all(200)) < 3.0
    assert world.tries <= 200 + 5


def test_when_the_one_who_finds_out_fails_another_takes_over() -> None:
    async def play() -> int:
        visibility, made, used = Visibility(), time.monotonic(), 0

        async def denied() -> None:
            async with visibility.turn(made):
                await asyncio.sleep(0.05)
                raise SentinelError("azure_denied", "Cannot.")

        async def other() -> None:
            nonlocal used
            async with visibility.turn(made):
                used += 1

        await asyncio.gather(denied(), other(), other(), return_exceptions=True)
        return used

    assert virtually(play()) == 2


def test_a_role_that_never_can_be_used_does_not_hold_up_all_others_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "PATIENCE", 0.0)

    async def play() -> list[str]:
        visibility, tried = Visibility(), list[str]()

        async def never(name: str) -> None:
            async with visibility.turn(time.monotonic()):
                tried.append(name)
                raise NOT_YET

        await asyncio.gather(*map(never, "abc"), return_exceptions=True)
        return tried

    start = time.monotonic()
    assert sorted(virtually(play())) == ["a", "b", "c"]
    assert time.monotonic() - start < 0.4
