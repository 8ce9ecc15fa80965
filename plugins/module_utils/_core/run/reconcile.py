# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one path of every resource: read, lay the wish over it, plan, apply. Nothing else decides what changed."""

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

_chance = random.SystemRandom()

Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


class Adapter(Protocol[R_co]):
    """What `cloud` offers for one thing: read it, and make one call of a plan."""

    async def read(self) -> R_co | None: ...

    async def apply(self, call: Call, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What was there, what is there now (in check mode: what would be), and the calls in between."""

    have: T | None
    want: T | None
    calls: list[Call]

    @property
    def changed(self) -> bool:
        """Tell whether any call is or would be made."""
        return bool(self.calls)


class Known(Generic[T]):
    """An edge whose thing was read already: the first read answers with that."""

    def __init__(self, adapter: Adapter[T], have: T | None) -> None:
        self._edge = adapter
        self._known = [have]
        self.apply = adapter.apply

    async def read(self) -> T | None:
        """Return what is known, later what is there."""
        return self._known.pop() if self._known else await self._edge.read()


async def reconcile(
    adapter: Adapter[T],
    overlay: Callable[[T | None], T | None],
    plan: Callable[[T | None, T | None], list[Call]],
    *,
    check_mode: bool,
    made: list[Call],
    seen: Callable[[T | None], None],
    sleep: Sleep = asyncio.sleep,
) -> Outcome[T]:
    """Bring one thing to the wish. In check mode nothing is applied, and the outcome is the same.

    What was read is handed to `seen` before anything is decided, once more where a later read differs, and each call
    is added to `made` when it was made, so that nothing is forgotten where a later one fails. One that is refused
    because its work is done already counts as made: an earlier try may have done it whose answer was lost, here or in
    the network. Waiting is left to `sleep`.
    """
    start = len(made)
    reads: list[T | None] = []
    doubted: list[Call] = []
    patience = _Patience(sleep)
    waits = patience.waits()
    while True:
        try:
            have = await adapter.read()
            if have not in reads[-1:]:
                reads.append(have)
                seen(have)
            want = overlay(have)
            calls = plan(have, want)
            # What is planned again was not done, and neither was what a thing should get that is gone.
            if have is not None or want is None:
                again = list(map(_work, calls))
                made += [call for call in doubted if _work(call) not in again]
            doubted.clear()
            if check_mode:
                made += calls
            for call in () if check_mode else calls:
                doubted.append(call)
                await _persist(adapter, call, patience)
                made.append(doubted.pop())
            return Outcome(reads[0], want, made[start:])
        except ChangedError as error:
            if isinstance(error, OutdatedError):
                doubted.clear()
            await patience.wait(waits, error)


def _work(call: Call) -> tuple[str, dict[str, object]]:
    """Return what a call does, whatever version of the thing it is made for."""
    plain = {
        name: {key: part for key, part in value.items() if key != "etag"} if isinstance(value, dict) else value
        for name, value in call.args.items()
    }
    return call.name, plain


class _Patience:
    """How long the work on one thing is tried again, from what first got in the way.

    What came before that, such as a service that was slow to answer, takes nothing away.
    """

    def __init__(self, sleep: Sleep) -> None:
        self._sleep = sleep
        self._deadline: float | None = None

    @staticmethod
    def waits() -> Iterator[float]:
        """Return the pauses of one thing that is tried again."""
        return pauses(_chance.uniform)

    async def wait(self, waits: Iterator[float], error: Exception) -> None:
        """Wait until it may be tried again; raises the error that was in the way when patience is over."""
        now, pause = time.monotonic(), next(waits)
        self._deadline = self._deadline or now + RETRY_TIMEOUT
        if now + pause > self._deadline:
            raise error
        await self._sleep(pause)


async def _persist(adapter: Adapter[T], call: Call, patience: _Patience) -> None:
    waits = patience.waits()
    while True:
        try:
            await adapter.apply(call)
        except NotYetError as error:
            await patience.wait(waits, error)
        else:
            return
