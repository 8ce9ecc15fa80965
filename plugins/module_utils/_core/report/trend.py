# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trend of earlier runs as the coordinates of a line chart, which the template draws."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypedDict

from ..model.report_row import HistoryEntry

WIDTH, HEIGHT = 560, 116
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 8, 20
MAX_RUNS = 365
# Large and small numbers need a scale of their own.
PANELS = (
    ("Accounts", ("in_scope", "connected", "receiving")),
    ("Problems", ("drifted", "failed", "silent", "unhealthy")),
)
NUMBERS = tuple(name for _title, names in PANELS for name in names)
Point = tuple[float, float]


class Line(TypedDict):
    """One number over time; `last` is its value in the latest run."""

    name: str
    points: list[Point]
    last: int | None


class Panel(TypedDict):
    """One chart: its lines, the y coordinates and values of its scale, the first and the last day."""

    title: str
    lines: list[Line]
    ticks: list[tuple[float, int]]
    first: str
    last: str


def trend_panels(runs: Sequence[HistoryEntry]) -> list[Panel]:
    """Return the panels of the trend, none if there are fewer than two runs."""
    runs = [run for run in runs if _start_timestamp(run) is not None][-MAX_RUNS:]
    if len(runs) < 2:
        return []
    times = [_start_timestamp(run) or 0.0 for run in runs]
    return [_panel(title, names, runs, times) for title, names in PANELS]


def _start_timestamp(run: HistoryEntry) -> float | None:
    try:
        moment = datetime.fromisoformat(run["started"])
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _panel(title: str, names: Sequence[str], runs: Sequence[HistoryEntry], times: Sequence[float]) -> Panel:
    values = {name: [_count(run, name) for run in runs] for name in names}
    top = _round_up(max((value for series in values.values() for value in series if value is not None), default=1))
    lines: list[Line] = [
        {"name": name, "points": _points(series, times, top), "last": series[-1]}
        for name, series in values.items()
        if series[-1] is not None
    ]
    ticks = [(_y(value, top), value) for value in sorted({0, top // 2, top})]
    return {"title": title, "lines": lines, "ticks": ticks, "first": _date(runs[0]), "last": _date(runs[-1])}


def _count(run: HistoryEntry, name: str) -> int | None:
    value = run["numbers"].get(name)
    return value if isinstance(value, int) and value >= 0 else None


def _points(series: Sequence[int | None], times: Sequence[float], top: int) -> list[Point]:
    duration = times[-1] - times[0] or 1.0
    width = WIDTH - LEFT - RIGHT
    return [
        (round(LEFT + width * (time - times[0]) / duration, 1), _y(value, top))
        for time, value in zip(times, series, strict=True)
        if value is not None
    ]


def _y(value: int, top: int) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top), 1)


def _round_up(value: int) -> int:
    step = int("1" + "0" * (len(str(value)) - 1))
    steps = (step * tenths // 10 for tenths in (10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100))
    return max(2, next(rounded for rounded in steps if rounded >= value))


def _date(run: HistoryEntry) -> str:
    return str(run["started"])[:10]
