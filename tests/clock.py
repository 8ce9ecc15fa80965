# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks for tests: one that passes only while all tasks wait, and a wall clock that is set by hand."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from unittest import mock

T = TypeVar("T")


@dataclass
class Clock:
    """A monotonic clock that stops while a task runs, and jumps to the next timer when all tasks wait."""

    now: float = field(default_factory=time.monotonic)
    slept: list[float] = field(default_factory=list)
    """The jumps, in seconds."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on an event loop with this clock."""
        with (
            mock.patch.object(time, "monotonic", side_effect=lambda: self.now),
            asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(_Selector(self))) as runner,
        ):
            return runner.run(work)


class _Selector(selectors.DefaultSelector):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout:
            self._clock.slept.append(timeout)
        # Without the minimum, a timer shorter than the float resolution would never expire.
        self._clock.now += max(timeout or 0.0, 1e-6)
        return super().select(0)


@dataclass
class WallClock:
    """The wall clock of this process: `ahead` by so many seconds, or stopped `at` a time."""

    ahead: float = 0.0
    at: float | None = None


@contextmanager
def wall_clock() -> Iterator[WallClock]:
    """Have the wall clock of this process set by hand."""
    clock, real = WallClock(), time.time
    with mock.patch.object(time, "time", side_effect=lambda: (real() if clock.at is None else clock.at) + clock.ahead):
        yield clock
