# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one path of every resource: read, lay the wish over it, plan, apply. Nothing else decides what changed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import ChangedError, NotYetError
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.plan import Call

# How long a call is tried again while IAM's eventual consistency or a colleague's change is in the way, in seconds.
PATIENCE = 120.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0

_chance = secrets.SystemRandom()

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


class Edge(Protocol[R_co]):
    """What `cloud` offers for one thing: read it, and make one call of a plan."""

    def read(self) -> R_co | None: ...

    def apply(self, call: Call, /) -> None: ...


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

    def __init__(self, edge: Edge[T], have: T | None) -> None:
        self._edge = edge
        self._known = [have]
        self.apply = edge.apply

    def read(self) -> T | None:
        """Return what is known, later what is there."""
        return self._known.pop() if self._known else self._edge.read()


def converge(
    edge: Edge[T],
    overlay: Callable[[T | None], T | None],
    plan: Callable[[T | None, T | None], list[Call]],
    *,
    check_mode: bool,
    made: list[Call],
    seen: Callable[[T | None], None],
) -> Outcome[T]:
    """Bring one thing to the wish. In check mode nothing is applied, and the outcome is the same.

    What was read is handed to `seen` before the first call, and each call is added to `made` when it was made, so that
    nothing is forgotten where a later one fails.
    """
    deadline = time.monotonic() + PATIENCE
    start = len(made)
    first: list[T | None] = []
    for pause in _pauses():
        try:
            have = edge.read()
            want = overlay(have)
            if not first:
                first.append(have)
                seen(have)
            calls = plan(have, want)
            if check_mode:
                made += calls
            for call in () if check_mode else calls:
                _persist(edge, call, deadline)
                made.append(call)
            return Outcome(first[0], want, made[start:])
        except ChangedError:
            if time.monotonic() + pause > deadline:
                raise
            time.sleep(pause)
    raise AssertionError("pauses never end")


def _persist(edge: Edge[T], call: Call, deadline: float) -> None:
    for pause in _pauses():
        try:
            edge.apply(call)
        except NotYetError:
            if time.monotonic() + pause > deadline:
                raise
            time.sleep(pause)
        else:
            return


def _pauses() -> Iterator[float]:
    pause = _FIRST_PAUSE
    while True:
        yield pause * _chance.uniform(0.5, 1.0)
        pause = min(pause * 2, _LONGEST_PAUSE)
