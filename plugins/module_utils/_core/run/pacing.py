# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits that all accounts of a run share: concurrency, request rates of Azure, and the delay of new roles."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from ..model.backoff import RETRY_TIMEOUT
from ..model.errors import NotYetError

T = TypeVar("T")

# "Understand how Azure Resource Manager throttles requests": size of the bucket and requests per second, for each
# subscription and principal; slightly below the documented values, as clocks differ and there are other clients.
ARM_LIMITS = {"reads": (245.0, 24.9), "writes": (198.0, 9.97), "deletes": (198.0, 9.97)}
# "Azure Monitor service limits", query API: 200 queries in 30 seconds for each user.
LOGS_LIMITS = {"queries": (100.0, 3.3)}

INITIAL_CONCURRENCY, MIN_CONCURRENCY = 32, 2
# Concurrency stops growing when the average response takes so many times as long as the fastest one.
SLOW_FACTOR = 2.5
MAX_PROBE_PAUSE_SECONDS = 2.0


class Slots:
    """The number of accounts in progress: grows while responses are fast, is halved when AWS throttles.

    Additive increase and multiplicative decrease, as in "TCP Congestion Control" (RFC 5681).
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self.limit = float(min(maximum, INITIAL_CONCURRENCY))
        self._slots = int(self.limit)
        self._free = asyncio.Semaphore(self._slots)
        self._fastest = float("inf")
        self._average = 0.0
        self._growing_fast = True
        self._halved_at = 0.0

    async def __aenter__(self) -> None:
        await self._free.acquire()

    async def __aexit__(self, *_error: object) -> None:
        if self._average <= SLOW_FACTOR * self._fastest:
            self.limit = min(self._maximum, self.limit + (1.0 if self._growing_fast else 1.0 / self.limit))
        # Release the slot; also those by which the limit grew, and none if there are more slots than the limit.
        self._slots -= 1
        while self._slots < int(self.limit):
            self._slots += 1
            self._free.release()

    async def without_slot(self, work: Awaitable[T]) -> T:
        """Wait for `work` with the slot released, so that another account can use it."""
        await self.__aexit__()
        try:
            return await work
        finally:
            await self.__aenter__()

    async def sleep(self, seconds: float) -> None:
        """Sleep with the slot released."""
        await self.without_slot(asyncio.sleep(seconds))

    def record(self, seconds: float, *, throttled: bool) -> None:
        """Adjust the limit to a response of AWS that took so many seconds."""
        self._fastest = min(self._fastest, seconds)
        self._average += (seconds - self._average) / 16
        now = time.monotonic()
        if throttled and now > self._halved_at + 1:
            self._halved_at, self._growing_fast = now, False
            self.limit = max(min(MIN_CONCURRENCY, self._maximum), self.limit / 2)


class AzureRateLimit:
    """The rate limit of one principal in one subscription, and for Log Analytics: a token bucket for each kind."""

    def __init__(self) -> None:
        self._buckets = {kind: _Bucket(size, rate) for kind, (size, rate) in (ARM_LIMITS | LOGS_LIMITS).items()}

    async def acquire(self, kind: str) -> None:
        """Wait until one more request is allowed."""
        await self._buckets[kind].take()

    def record(self, kind: str, remaining: int | None, wait: float | None) -> None:
        """Learn from an answer: how many requests remain; how long to `wait` if it was refused."""
        self._buckets[kind].update(remaining, wait)


class _Bucket:
    """A token bucket, refilled at a constant rate; first come, first served."""

    def __init__(self, size: float, rate: float) -> None:
        self._size, self._rate = size, rate
        self._level = size
        self._refilled_at = time.monotonic()
        self._in_flight = 0
        self._queue = asyncio.Lock()

    async def take(self) -> None:
        async with self._queue:
            self._refill()
            while self._level < 1:
                await asyncio.sleep((1 - self._level) / self._rate)
                self._refill()
            self._level -= 1
            self._in_flight += 1

    def update(self, remaining: int | None, wait: float | None) -> None:
        self._in_flight -= 1
        self._refill()
        if remaining is not None:
            self._level = min(self._level, max(0.0, remaining - self._in_flight))
        if wait is not None:
            self._level = min(self._level, 1 - wait * self._rate)

    def _refill(self) -> None:
        now = time.monotonic()
        self._level = min(self._size, self._level + (now - self._refilled_at) * self._rate)
        self._refilled_at = now


class Visibility:
    """The delay until Sentinel can use a new role: one account measures it while all others wait.

    Each attempt is one of the writes that ARM allows; if all new accounts made attempts, none would be left.
    """

    def __init__(self) -> None:
        self._delay: float | None = None
        self._measuring = asyncio.Lock()
        self._started = 0.0
        self._next = 0.0
        self._pause = 0.5

    @asynccontextmanager
    async def turn(self, created: float) -> AsyncIterator[None]:
        """Wait until Sentinel can probably use a role `created` at that monotonic time; the body is the attempt."""
        async with self._measuring:
            first = self._delay is None
            if first:
                async with self._measure(created):
                    yield
        if not first:
            await asyncio.sleep(created + (self._delay or 0.0) - time.monotonic())
            yield

    @asynccontextmanager
    async def _measure(self, created: float) -> AsyncIterator[None]:
        self._started = self._started or time.monotonic()
        await asyncio.sleep(self._next - time.monotonic())
        try:
            yield
        except NotYetError:
            now = time.monotonic()
            self._next, self._pause = now + self._pause, min(self._pause * 1.5, MAX_PROBE_PAUSE_SECONDS)
            if now - self._started > RETRY_TIMEOUT:
                self._delay = 0.0
            raise
        self._delay = time.monotonic() - created
