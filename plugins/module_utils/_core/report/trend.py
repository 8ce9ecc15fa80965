# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trend of stored runs as lines: places of points in a drawing; the template draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

WIDTH, HEIGHT = 560, 116
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 8, 20
MOST_RUNS = 365
# What is many and what is few need scales of their own.
PANELS = (
    ("Accounts", ("in_scope", "connected", "receiving")),
    ("To look at", ("drifted", "failed", "silent")),
)


def trend(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the panels of the trend, none where there are not two runs to compare."""
    runs = [run for run in runs if _time(run) is not None][-MOST_RUNS:]
    if len(runs) < 2:
        return []
    times = [_time(run) or 0.0 for run in runs]
    return [_panel(title, names, runs, times) for title, names in PANELS]


def _time(run: Mapping[str, Any]) -> float | None:
    try:
        moment = datetime.fromisoformat(run["started"])
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _panel(
    title: str, names: Sequence[str], runs: Sequence[Mapping[str, Any]], times: Sequence[float]
) -> dict[str, Any]:
    values = {name: [_count(run, name) for run in runs] for name in names}
    top = _round_up(max((value for series in values.values() for value in series if value is not None), default=1))
    lines = [
        {"name": name, "points": _points(series, times, top), "last": series[-1]}
        for name, series in values.items()
        if any(value is not None for value in series)
    ]
    ticks = [(_y(value, top), value) for value in sorted({0, top // 2, top})]
    return {"title": title, "lines": lines, "ticks": ticks, "first": _day(runs[0]), "last": _day(runs[-1])}


def _count(run: Mapping[str, Any], name: str) -> int | None:
    value = run["numbers"].get(name)
    return value if isinstance(value, int) and value >= 0 else None


def _points(series: Sequence[int | None], times: Sequence[float], top: int) -> list[tuple[float, float]]:
    length = times[-1] - times[0] or 1.0
    wide = WIDTH - LEFT - RIGHT
    return [
        (round(LEFT + wide * (time - times[0]) / length, 1), _y(value, top))
        for time, value in zip(times, series, strict=True)
        if value is not None
    ]


def _y(value: int, top: int) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top), 1)


def _round_up(value: int) -> int:
    step = int("1" + "0" * (len(str(value)) - 1))
    steps = (step * tenths // 10 for tenths in (10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100))
    return max(2, next(rounded for rounded in steps if rounded >= value))


def _day(run: Mapping[str, Any]) -> str:
    return str(run["started"])[:10]
