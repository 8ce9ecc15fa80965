# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of the reports: their names, the folder of each run in the history, and the link `latest`."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from ..model.report_row import HistoryEntry, ReportHeader

LATEST = "latest"


def folder_name(run: ReportHeader | HistoryEntry, name: str) -> str:
    """Return the name of a run's folder: its report name and playbook, without a report name its start and playbook."""
    if name:
        return file_name(f"{name}-{run['playbook']}{'-check' if run.get('check_mode') else ''}")
    return file_name(f"{_compact_start(run)}-{run['playbook']}")


def archive_name(run: ReportHeader | HistoryEntry, folder: str) -> str:
    """Return the name of the folder to which the report of an earlier run with the same report name is moved."""
    return file_name(f"{folder}-{_compact_start(run)}")


def _compact_start(run: ReportHeader | HistoryEntry) -> str:
    return re.sub(r"\+00:00$", "Z", run["started"]).replace(":", "")


def file_name(name: str) -> str:
    """Return a name without characters that a file system or a URL treats specially."""
    return re.sub(r"[^0-9A-Za-z.+-]", "_", name).lstrip(".")


def find(folder: Path, runs: Sequence[HistoryEntry]) -> list[str]:
    """Return the name of each run's folder, "" for a report that was deleted or cannot be read.

    `runs` are in the order of their start. Of several runs with the same report name the folder is that of the last
    one.
    """
    used: set[str] = set()
    names = []
    for run in reversed(runs):
        name = folder_name(run, str(run.get("run") or ""))
        candidates = [one for one in (archive_name(run, name), name) if one not in used]
        found = next((one for one in candidates if os.access(folder / one / "report.html", os.R_OK)), "")
        used |= {found, name}
        names.append(found)
    return names[::-1]


def point_latest(target: Path) -> None:
    """Let the symbolic link `latest` lead to a folder beside it; some file systems have no links, and need none."""
    link, temporary = target.with_name(LATEST), target.with_name(f".{LATEST}.{secrets.token_hex(4)}")
    with suppress(OSError):
        temporary.symlink_to(target.name, target_is_directory=True)
        try:
            temporary.replace(link)
        except OSError:
            temporary.unlink()


def replace(path: Path, chunks: Iterable[str]) -> None:
    """Write a file, which is never incomplete; raises OSError."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="") as file:
            file.writelines(chunks)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
