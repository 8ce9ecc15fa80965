# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that lists the runs whose reports are in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..model.report_row import HistoryEntry
from . import folders, style

if TYPE_CHECKING:
    from jinja2 import Environment

INDEX_FILE = "index.html"
MAX_RUNS = 1000
NUMBERS = ("in_scope", "attention", "failed", "drifted", "receiving", "silent", "unhealthy")


def write(folder: Path, environment: Environment, runs: Sequence[HistoryEntry]) -> None:
    """Write the page; `runs` are in the order of their start. Raises OSError."""
    names = folders.find(folder, runs)
    listed = list(zip(runs, names, strict=True))[: -MAX_RUNS - 1 : -1]
    numbers = [name for name in NUMBERS if any(_is_number(run["numbers"].get(name)) for run, _folder in listed)]
    variables: dict[str, Any] = {
        "runs": [_row(run, name, numbers) for run, name in listed],
        "numbers": numbers,
        "more": max(0, len(runs) - MAX_RUNS),
    }
    page = environment.get_template("index.html.j2").generate(variables | style.embedded("report.css"))
    folders.replace(folder / INDEX_FILE, page)


def _row(run: HistoryEntry, folder: str, numbers: Sequence[str]) -> dict[str, Any]:
    values = [run["numbers"].get(name) for name in numbers]
    return {
        "run": run,
        "folder": folder,
        "name": str(run.get("run") or ""),
        "values": [value if _is_number(value) else None for value in values],
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
