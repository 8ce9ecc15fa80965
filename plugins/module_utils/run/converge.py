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


def converge(
    edge: Edge[T],
    overlay: Callable[[T | None], T | None],
    plan: Callable[[T | None, T | None], list[Call]],
    *,
    check_mode: bool,
    made: list[Call],
) -> Outcome[T]:
    """Bring one thing to the wish. In check mode nothing is applied, and the outcome is the same.

    Each call is added to `made` when it was made, so that nothing is forgotten where a later one fails.
    """
    deadline = time.monotonic() + PATIENCE
    first = have = edge.read()
    start = len(made)
    for pause in _pauses():
        want = overlay(have)
        calls = plan(have, want)
        if check_mode:
            made += calls
            return Outcome(first, want, calls)
        try:
            for call in calls:
                _persist(edge, call, deadline)
                made.append(call)
        except ChangedError:
            if time.monotonic() + pause > deadline:
                raise
            time.sleep(pause)
            have = edge.read()
        else:
            return Outcome(first, want, made[start:])
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
