# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared budgets: how many accounts at once, how many requests ARM allows, how soon a new role can be used."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from ..model.backoff import PATIENCE
from ..model.errors import NotYetError

T = TypeVar("T")

# "Understand how Azure Resource Manager throttles requests": size of the bucket and requests a second, per subscription
# and principal; a little less, so that clocks and others who ask now and then do no harm.
ARM = {"reads": (245.0, 24.9), "writes": (198.0, 9.97), "deletes": (198.0, 9.97)}
# "Azure Monitor service limits", query API: 200 queries in 30 seconds for each user.
LOGS = {"queries": (100.0, 3.3)}

# Concurrency begins here, and shrinks no further than that.
FIRST, FEWEST = 32, 2
# Answers that take so many times as long as the quickest ones come from somebody who is busy enough.
SLOW = 2.5
LONGEST_PROBE = 2.0


class Slots:
    """How many accounts are worked on at once: more while answers come quickly, half as many when one is refused.

    Additive increase and multiplicative decrease, as TCP does it ("TCP Congestion Control", RFC 5681).
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.limit = float(min(most, FIRST))
        self._slots = int(self.limit)
        self._free = asyncio.Semaphore(self._slots)
        self._quickest = float("inf")
        self._usual = 0.0
        self._growing_fast = True
        self._shrunk = 0.0

    async def __aenter__(self) -> None:
        await self._free.acquire()

    async def __aexit__(self, *_error: object) -> None:
        if self._usual <= SLOW * self._quickest:
            self.limit = min(self._most, self.limit + (1.0 if self._growing_fast else 1.0 / self.limit))
        # The slot is given back, with more where the limit grew, or not where there are too many.
        self._slots -= 1
        while self._slots < int(self.limit):
            self._slots += 1
            self._free.release()

    async def aside(self, work: Awaitable[T]) -> T:
        """Wait for something without taking the place of another account."""
        await self.__aexit__()
        try:
            return await work
        finally:
            await self.__aenter__()

    async def sleep(self, seconds: float) -> None:
        """Wait in the same way."""
        await self.aside(asyncio.sleep(seconds))

    def record(self, seconds: float, *, throttled: bool) -> None:
        """Adjust the limit to the duration of a response of AWS, and to whether it was throttled."""
        self._quickest = min(self._quickest, seconds)
        self._usual += (seconds - self._usual) / 16
        now = time.monotonic()
        if throttled and now > self._shrunk + 1:
            self._shrunk, self._growing_fast = now, False
            self.limit = max(min(FEWEST, self._most), self.limit / 2)


class AzureRateLimit:
    """The rate limit of one principal in one subscription, and for Log Analytics: a token bucket for each kind."""

    def __init__(self) -> None:
        self._buckets = {kind: _TokenBucket(size, rate) for kind, (size, rate) in (ARM | LOGS).items()}

    async def acquire(self, kind: str) -> None:
        """Wait until one more request is allowed."""
        await self._buckets[kind].acquire()

    def record(self, kind: str, remaining: int | None, wait: float | None) -> None:
        """Record a response: `remaining` requests, seconds to `wait` if it was throttled; None if not reported."""
        self._buckets[kind].record(remaining, wait)


class _TokenBucket:
    """A token bucket: `size` tokens, refilled with `rate` tokens per second; first come, first served."""

    def __init__(self, size: float, rate: float) -> None:
        self._size, self._rate = size, rate
        self._level = size
        self._at = time.monotonic()
        self._pending = 0
        self._lock = asyncio.Lock()

    async def acquire(self) -> None:
        async with self._lock:
            self._refill()
            while self._level < 1:
                await asyncio.sleep((1 - self._level) / self._rate)
                self._refill()
            self._level -= 1
            self._pending += 1

    def record(self, remaining: int | None, wait: float | None) -> None:
        self._pending -= 1
        self._refill()
        if remaining is not None:
            self._level = min(self._level, max(0.0, remaining - self._pending))
        if wait is not None:
            self._level = min(self._level, 1 - wait * self._rate)

    def _refill(self) -> None:
        now = time.monotonic()
        self._level = min(self._size, self._level + (now - self._at) * self._rate)
        self._at = now


class Visibility:
    """After what time a new role can be used by Sentinel, learned by one account for all: the others wait meanwhile.

    Each try costs one of the writes that ARM allows; if all new accounts tried on their own, none would be left.
    """

    def __init__(self) -> None:
        self._after: float | None = None
        self._finding_out = asyncio.Lock()
        self._began = 0.0
        self._next = 0.0
        self._pause = 0.5

    @asynccontextmanager
    async def turn(self, made: float) -> AsyncIterator[None]:
        """Wait until the role that was `made` then (monotonic time) may be tried, and learn from the try."""
        async with self._finding_out:
            first = self._after is None
            if first:
                async with self._probe(made):
                    yield
        if not first:
            await asyncio.sleep(made + (self._after or 0.0) - time.monotonic())
            yield

    @asynccontextmanager
    async def _probe(self, made: float) -> AsyncIterator[None]:
        self._began = self._began or time.monotonic()
        await asyncio.sleep(self._next - time.monotonic())
        try:
            yield
        except NotYetError:
            now = time.monotonic()
            self._next, self._pause = now + self._pause, min(self._pause * 1.5, LONGEST_PROBE)
            if now - self._began > PATIENCE:
                self._after = 0.0
            raise
        self._after = time.monotonic() - made
