# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results as a chart: seconds by accounts, both on logarithmic scales."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import jinja2

from .runs import Results

LATENCY = 30
LEFT, TOP, WIDTH, HEIGHT = 64, 48, 480, 300
NUMBERS = (1, 10, 100, 1000, 10000)
SERIES = {
    "script": "script, 32 threads",
    "playbook": "playbook",
    "floor": "floor",
    "ansible": "Ansible's own start",
}
APART = 15
"""Pixels between two labels."""


class Point(NamedTuple):
    """A position in the chart, and its text."""

    x: float
    y: float
    text: str


def write(picture: Path, results: Results) -> None:
    """Write the chart, if there are results."""
    known = {who: seconds(results, who) for who in SERIES}
    known = {who: found for who, found in known.items() if found}
    if not known:
        return
    low, high = _decades([value for found in known.values() for value in found.values()])
    lines = {
        who: [Point(_x(n), _y(s, low, high), f"{s:.3g} s") for n, s in found.items()] for who, found in known.items()
    }
    template = jinja2.Template(
        (Path(__file__).parent / "chart.svg.j2").read_text(), trim_blocks=True, lstrip_blocks=True, autoescape=True
    )
    picture.write_text(
        template.render(
            left=LEFT, top=TOP, right=LEFT + WIDTH, bottom=TOP + HEIGHT, latency=LATENCY, lines=lines,
            names=_names(lines),
            columns=[Point(_x(number), TOP + HEIGHT, f"{number:,}") for number in NUMBERS],
            rows=[Point(LEFT, _y(10.0**power, low, high), f"{10.0**power:g}") for power in range(low, high + 1)],
        )
    )  # fmt: skip


def seconds(results: Results, who: str) -> dict[int, float]:
    """Return wall time by number of accounts."""
    found = {number: results.best("wall", "unchanged", number, LATENCY, who) for number in NUMBERS}
    return {number: value for number, value in found.items() if value}


def _decades(values: list[float]) -> tuple[int, int]:
    return math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))


def _x(number: int) -> float:
    return LEFT + WIDTH * math.log10(number) / math.log10(NUMBERS[-1])


def _y(value: float, low: int, high: int) -> float:
    return TOP + HEIGHT * (high - math.log10(value)) / (high - low)


def _names(lines: dict[str, list[Point]]) -> dict[str, Point]:
    """Return a label at the end of each line; labels that would overlap are moved down."""
    found: dict[str, Point] = {}
    lowest = 0.0
    for who, points in sorted(lines.items(), key=lambda item: item[1][-1].y):
        lowest = max(points[-1].y, lowest + APART)
        found[who] = Point(points[-1].x, lowest, f"{SERIES[who]}, {points[-1].text}")
    return found
