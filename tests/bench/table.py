# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results in Markdown, written into docs/performance.md between two comments."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from . import targets
from .runs import Result, Results

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
NAMES = {
    "ansible": "Ansible's own start",
    "floor": "floor",
    "playbook": "**playbook**",
    "check": "playbook `--check --diff`",
    "script": "script, 32 threads",
    "reading": "reading host variables",
}
Row = Iterable[str]


def write(page: Path, results: Results) -> None:
    """Replace the previous results."""
    text = page.read_text()
    before, _unused, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n\n{markdown(results)}\n\n{END}{after}")


def markdown(results: Results) -> str:
    """Return all tables."""
    measured = f"Measured on {datetime.now(tz=UTC):%Y-%m-%d}; the best of the repetitions."
    titles = ("### Targets", "### All measurements", "### Growth", "### Requests by operation")
    tables = (_targets(results), _figures(results), _growth(results), _requests(results))
    parts = (part for pair in zip(titles, tables, strict=True) for part in pair)
    return "\n\n".join([measured, *parts])


def _table(head: Row, rows: Iterable[Row], numbers_from: int) -> str:
    head = list(head)
    line = ["---" if index < numbers_from else "---:" for index in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, line, *rows])


def _targets(results: Results) -> str:
    rows = [(v.target, v.figure, "met" if v.met else "**missed**") for v in targets.evaluate(results)]
    return _table(("target", "measured", ""), rows, 3)


def groups(results: Results) -> dict[tuple[str, int, int, str], list[Result]]:
    """Group the repetitions of a case and program."""
    found: dict[tuple[str, int, int, str], list[Result]] = {}
    for run in results.all:
        found.setdefault((run.phase, run.number, run.latency, run.contestant), []).append(run)
    return found


def _figures(results: Results) -> str:
    head = (
        "phase",
        "accounts",
        "latency",
        "program",
        "wall s",
        "CPU s",
        "PSS MiB",
        "to floor",
        "servers' CPU",
        "requests",
    )
    rows = [_row(results, runs) for runs in groups(results).values()]
    return _table(head, rows, 4)


def _row(results: Results, runs: list[Result]) -> Row:
    best = min(runs, key=lambda run: run.wall)
    floor = results.best("wall", best.phase, best.number, best.latency, "floor")
    refused = f", {best.refused} throttled" if best.refused else ""
    return (
        best.phase,
        f"{best.number:,}",
        f"{best.latency} ms",
        NAMES[best.contestant],
        f"{best.wall:.2f}",
        f"{min(run.cpu for run in runs):.2f}",
        f"{max(run.memory for run in runs):.0f}",
        f"{best.wall / floor:.2f}" if floor else "",
        f"{100 * best.server_cpu / best.wall:.0f} %",
        f"{sum(best.requests.values()):,}{refused}",
    )


def _growth(results: Results) -> str:
    rows = []
    for latency in (0, 30):
        for who in ("ansible", "floor", "playbook", "script"):
            found = [targets.exponent(results, what, latency, who) for what in ("wall", "cpu")]
            if None not in found:
                rows.append((NAMES[who], f"{latency} ms", *(f"{value:.2f}" for value in found)))
    text = "Growth exponent from 1,000 to 10,000 accounts (1: proportional).\n\n"
    return text + _table(("program", "latency", "wall", "CPU"), rows, 2)


def _requests(results: Results) -> str:
    wanted = [("unchanged", "floor"), ("unchanged", "playbook"), ("unchanged", "script"), ("drifted", "playbook"),
              ("new", "playbook")]  # fmt: skip
    runs = [found[0] for phase, who in wanted if (found := results.of(phase, 1000, 30, who))]
    names = list(dict.fromkeys(name for run in runs for name in run.requests))
    head = ["1,000 accounts", *(f"{run.phase}, {run.contestant}" for run in runs)]
    return _table(head, [[name, *(f"{run.requests.get(name, 0):,}" for run in runs)] for name in names], 1)
