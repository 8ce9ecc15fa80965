# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of earlier runs: one line of JSON per run in one file, from which the trend is drawn."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..model.report_row import HistoryEntry
from .merge import is_separate_run

HISTORY_FILE = "history.jsonl"
# Bytes that are read from the end of the file: some thousands of runs.
MAX_READ = 1_000_000


def append(folder: Path, entry: HistoryEntry) -> None:
    """Append a run in a single write, so that the lines of concurrent runs do not mix."""
    line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
    handle = os.open(folder / HISTORY_FILE, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(handle).st_size
        is_truncated = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        os.write(handle, b"\n" + line if is_truncated else line)
    finally:
        os.close(handle)


def read(folder: Path, playbook: str = "", current: HistoryEntry | None = None) -> list[HistoryEntry]:
    """Return the runs of a playbook by start time, of each run its latest entry; damaged lines are left out.

    Without a playbook they are the runs of all playbooks. `current` is a run that is not in the file yet.
    """
    try:
        with (folder / HISTORY_FILE).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - MAX_READ))
            lines = file.read().splitlines()
    except FileNotFoundError:
        lines = []
    entries = [entry for entry in map(_parse_line, lines) if entry and playbook in ("", entry["playbook"])]
    return sorted(_latest([*entries, *([current] if current else [])]), key=lambda entry: str(entry["started"]))


def _latest(entries: list[HistoryEntry]) -> list[HistoryEntry]:
    """Return the latest entry of each run. A name that is used again hours later is a separate run."""
    runs: dict[tuple[str, ...], list[HistoryEntry]] = {}
    for entry in entries:
        same_name = runs.setdefault(run_key(entry), [])
        if same_name and not _are_separate(same_name[-1], entry):
            same_name.pop()
        same_name.append(entry)
    return [entry for same_name in runs.values() for entry in same_name]


def _are_separate(earlier: HistoryEntry, later: HistoryEntry) -> bool:
    # Entries of earlier releases have no end time.
    try:
        return is_separate_run(
            *((entry["started"], entry.get("finished", entry["started"])) for entry in (earlier, later))
        )
    except (TypeError, ValueError):
        return False


def run_key(entry: HistoryEntry) -> tuple[str, ...]:
    """Return what identifies a run: its name, which slices of a run share, or else its start time."""
    if entry.get("run"):
        return ("run", str(entry["run"]), entry["playbook"], str(entry.get("check_mode")))
    return ("started", entry["started"], entry["playbook"])


def _parse_line(line: bytes) -> HistoryEntry | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    types = {"started": str, "playbook": str, "numbers": dict}
    is_whole = isinstance(entry, dict) and all(isinstance(entry.get(key), kind) for key, kind in types.items())
    return entry if is_whole else None
