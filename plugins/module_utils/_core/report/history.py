# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of the runs so far: a line per run in one file, so that the trend of years is read at once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .merge import is_of_another_night

FILE = "history.jsonl"
# So much of the end of the file is read: some thousands of runs.
WINDOW = 1_000_000


def add(folder: Path, run: dict[str, Any]) -> None:
    """Append the numbers of a run, in one write, so that runs at the same time do not mix their lines."""
    line = json.dumps(run, separators=(",", ":")).encode() + b"\n"
    handle = os.open(folder / FILE, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(handle).st_size
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        os.write(handle, b"\n" + line if torn else line)
    finally:
        os.close(handle)


def read(folder: Path, playbook: str, last: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the runs of a playbook in the order of their start, the last word of each; damaged lines are left out.

    `last` is a run that is not written yet.
    """
    try:
        with (folder / FILE).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - WINDOW))
            lines = file.read().splitlines()
    except FileNotFoundError:
        lines = []
    found = [run for run in map(_parse, lines) if run.get("playbook") == playbook]
    return sorted(_last_words([*found, *([dict(last)] if last else [])]), key=lambda run: str(run["started"]))


def _last_words(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each run once. A name that comes again after hours is another run."""
    runs: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for run in lines:
        words = runs.setdefault(key(run), [])
        if words and not _apart(words[-1], run):
            words.pop()
        words.append(run)
    return [run for words in runs.values() for run in words]


def _apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    # Lines that earlier releases wrote do not say when a run was over.
    ended, begun = ({"finished": run["started"], **run} for run in (one, other))
    try:
        return is_of_another_night(ended, begun)
    except (TypeError, ValueError):
        return False


def key(run: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what tells runs apart: their name, which several that belong together share, else their start."""
    return ("run", str(run["run"]), str(run.get("check_mode"))) if run.get("run") else ("started", run["started"])


def _parse(line: bytes) -> dict[str, Any]:
    try:
        run = json.loads(line)
    except ValueError:
        return {}
    whole = isinstance(run, dict) and isinstance(run.get("started"), str) and isinstance(run.get("numbers"), dict)
    return run if whole else {}
