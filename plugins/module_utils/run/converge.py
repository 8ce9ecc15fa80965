# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one path of every resource: read, lay the wish over it, plan, apply. Nothing else decides what changed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import Again, Changed
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.plan import Call

# How long a call is tried again while IAM's eventual consistency or a colleague's change is in the way, in seconds.
PATIENCE = 120.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0

T = TypeVar("T")


class Edge(Protocol[T]):
    """What `cloud` offers for one thing: read it, and make one call of a plan."""

    def read(self) -> T | None: ...

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
) -> Outcome[T]:
    """Bring one thing to the wish. In check mode nothing is applied, and the outcome is the same."""
    deadline = time.monotonic() + PATIENCE
    first = have = edge.read()
    made: list[Call] = []
    for pause in _pauses():
        want = overlay(have)
        calls = plan(have, want)
        if check_mode:
            return Outcome(first, want, calls)
        try:
            for call in calls:
                _persist(edge, call, deadline)
                made.append(call)
        except Changed:
            if time.monotonic() + pause > deadline:
                raise
            time.sleep(pause)
            have = edge.read()
        else:
            return Outcome(first, want, made)
    raise AssertionError("pauses never end")


def _persist(edge: Edge[T], call: Call, deadline: float) -> None:
    for pause in _pauses():
        try:
            return edge.apply(call)
        except Again:
            if time.monotonic() + pause > deadline:
                raise
            time.sleep(pause)


def _pauses():  # type: ignore
    pause = _FIRST_PAUSE
    while True:
        yield pause * random.uniform(0.5, 1.0)
        pause = min(pause * 2, _LONGEST_PAUSE)
