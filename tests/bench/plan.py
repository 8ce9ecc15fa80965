# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured: phases, numbers of accounts, latencies, programs, repetitions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

DRIFTED = 20
"""One of this many accounts is drifted in the phase `drifted`."""
SETTINGS: dict[str, dict[str, Any]] = {
    "new": {"throttle": True},
    "propagation": {"throttle": True, "role_propagation_seconds": 8.0},
}
"""Settings of the Azure emulator: ARM's documented limits; how long a new role is not visible."""
DEFAULT = {
    "unchanged": ("ansible", "floor", "playbook"),
    "drifted": ("playbook",),
    "new": ("playbook",),
    "propagation": ("playbook",),
    "reading": ("ansible", "reading"),
    "members": ("ansible", "playbook"),
}
"""The programs of each phase, if none is selected."""


@dataclass(frozen=True)
class Case:
    """One situation and the programs that are measured in it."""

    phase: str
    number: int
    latency: int
    """Latency of every request, in milliseconds."""
    contestants: tuple[str, ...]
    repetitions: int = 1
    settings: dict[str, Any] = field(default_factory=dict, hash=False)
    """Settings of the Azure emulator."""

    @property
    def there(self) -> bool:
        """Whether the accounts are connected before the run."""
        return self.phase in ("unchanged", "drifted", "reading")

    @property
    def drifted(self) -> int:
        """The number of drifted accounts."""
        return max(1, self.number // DRIFTED) if self.phase == "drifted" else 0


def full() -> list[Case]:
    """All cases: about 12 minutes. The script is slow: it runs once, and not with 10,000 accounts."""
    some = ("ansible", "floor", "playbook")
    return [
        *(Case("unchanged", number, latency, some, 3) for number in (1, 10, 100, 1000) for latency in (0, 30)),
        *(Case("unchanged", number, 30, ("script",)) for number in (1, 10, 100, 1000)),
        Case("unchanged", 1000, 30, ("check",), 3),
        Case("drifted", 1000, 30, ("playbook",), 3),
        *(Case("unchanged", 10000, latency, some) for latency in (0, 30)),
        Case("unchanged", 10000, 30, ("check",)),
        Case("reading", 10000, 0, ("ansible", "reading")),
        *new(100, 200, 1000),
        *members(),
    ]


def quick() -> list[Case]:
    """A short form: under 3 minutes."""
    some = ("ansible", "floor", "playbook")
    return [
        *(Case("unchanged", number, latency, some, 2) for number in (1, 100) for latency in (0, 30)),
        Case("unchanged", 1000, 0, some, 2),
        Case("unchanged", 1000, 30, (*some, "check"), 2),
        Case("drifted", 1000, 30, ("playbook",), 2),
        *new(300)[:1],
        *members(),
    ]


def members() -> list[Case]:
    """One connection for an account alone, and for 1,000 accounts."""
    return [Case("members", number, 0, DEFAULT["members"], 2) for number in (1, 1000)]


def new(*numbers: int) -> list[Case]:
    """New accounts with ARM's limits, and 200 whose roles become visible late."""
    return [case("new", number, 30, ("playbook",)) for number in numbers] + [
        case("propagation", 200, 30, ("playbook",))
    ]


def case(phase: str, number: int, latency: int, contestants: tuple[str, ...] = ()) -> Case:
    """One case with the settings of its phase."""
    return Case(phase, number, latency, contestants or DEFAULT[phase], settings=SETTINGS.get(phase, {}))


def selected(phases: list[str], numbers: list[int], latencies: list[int], contestants: list[str]) -> list[Case]:
    """The selected cases; by default 1,000 unchanged accounts at 30 ms."""
    return [
        case(phase, number, latency, tuple(contestants))
        for phase in phases or ["unchanged"]
        for number in numbers or [1000]
        for latency in latencies or [30]
    ]
