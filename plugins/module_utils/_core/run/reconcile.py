# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only way to change a resource: read, overlay the desired state, plan, apply. Only this decides what changed."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ..model.backoff import RETRY_TIMEOUT, pauses
from ..model.errors import ChangedError, NotYetError, OutdatedError
from ..model.plan import Call

_random = random.SystemRandom()

Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


class Adapter(Protocol[R_co]):
    """The part of a service that belongs to one resource: reads it, and makes one call of a plan."""

    async def read(self) -> R_co | None: ...

    async def apply(self, call: Call, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """The resource before and after (in check mode: as it would be), and the calls in between."""

    have: T | None
    want: T | None
    calls: list[Call]

    @property
    def changed(self) -> bool:
        """Whether any call was made, or in check mode would be."""
        return bool(self.calls)


class AlreadyRead(Generic[T]):
    """An adapter whose resource was read already: the first read returns that."""

    def __init__(self, adapter: Adapter[T], have: T | None) -> None:
        self._adapter = adapter
        self._first = [have]
        self.apply = adapter.apply

    async def read(self) -> T | None:
        """Return the resource as it was read; later calls read it again."""
        return self._first.pop() if self._first else await self._adapter.read()


async def reconcile(
    adapter: Adapter[T],
    overlay: Callable[[T | None], T | None],
    plan: Callable[[T | None, T | None], list[Call]],
    *,
    check_mode: bool,
    applied: list[Call],
    on_read: Callable[[T | None], None],
    sleep: Sleep = asyncio.sleep,
) -> Outcome[T]:
    """Change one resource to its desired state. In check mode nothing is applied, and the outcome is the same.

    `on_read` is called with the resource before anything is decided, and again if a later read differs. Each call is
    added to `applied` as soon as it was made, so that a later failure does not lose it. A call that is refused because
    its change exists already counts as applied: an earlier attempt may have made it whose response was lost.
    Raises the SentinelError of the read or of the call that failed.
    """
    start = len(applied)
    reads: list[T | None] = []
    unconfirmed: list[Call] = []
    deadline = _RetryDeadline(sleep)
    backoff = deadline.backoff()
    while True:
        try:
            have = await adapter.read()
            if have not in reads[-1:]:
                reads.append(have)
                on_read(have)
            want = overlay(have)
            calls = plan(have, want)
            # A call that is planned again was not made, and neither was one for a resource that was deleted meanwhile.
            if have is not None or want is None:
                planned = list(map(_without_etag, calls))
                applied += [call for call in unconfirmed if _without_etag(call) not in planned]
            unconfirmed.clear()
            if check_mode:
                applied += calls
            for call in () if check_mode else calls:
                unconfirmed.append(call)
                await _apply_with_retries(adapter, call, deadline)
                applied.append(unconfirmed.pop())
            return Outcome(reads[0], want, applied[start:])
        except ChangedError as error:
            if isinstance(error, OutdatedError):
                unconfirmed.clear()
            await deadline.wait(backoff, error)


def _without_etag(call: Call) -> tuple[str, dict[str, object]]:
    """Return the name and arguments of a call, without the version of the resource it is made for."""
    args = {
        name: {key: part for key, part in value.items() if key != "etag"} if isinstance(value, dict) else value
        for name, value in call.args.items()
    }
    return call.name, args


class _RetryDeadline:
    """Ends the retries for one resource; it starts with the first error, so a slow service costs no retries."""

    def __init__(self, sleep: Sleep) -> None:
        self._sleep = sleep
        self._deadline: float | None = None

    @staticmethod
    def backoff() -> Iterator[float]:
        """Return the pauses between the attempts of one operation, in seconds."""
        return pauses(_random.uniform)

    async def wait(self, backoff: Iterator[float], error: Exception) -> None:
        """Wait for the next attempt; raises `error` if that would be after the deadline."""
        now, pause = time.monotonic(), next(backoff)
        self._deadline = self._deadline or now + RETRY_TIMEOUT
        if now + pause > self._deadline:
            raise error
        await self._sleep(pause)


async def _apply_with_retries(adapter: Adapter[T], call: Call, deadline: _RetryDeadline) -> None:
    backoff = deadline.backoff()
    while True:
        try:
            await adapter.apply(call)
        except NotYetError as error:
            await deadline.wait(backoff, error)
        else:
            return
