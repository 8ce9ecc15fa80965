# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of the reports (report_dir): whether it can be written, and the report of one run in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from ..model.errors import SentinelError
from ..model.report_row import ReportHeader


def check(folder: Path | None) -> None:
    """Raise bad_input where no report can be written; without a folder none is."""
    if folder is None:
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise unwritable(folder, error) from error


def unwritable(folder: Path, error: OSError) -> SentinelError:
    """Return the error for a folder that cannot be written."""
    return SentinelError("bad_input", f"Cannot write into {folder} (report_dir): {error.strerror}.")


def write(folder: Path | None, header: ReportHeader, rows: Iterable[Any], name: str) -> Iterator[str]:
    """Write the report if there is a folder; yields the line that names it, after notes about other files."""
    if folder:
        # Not every run has a report, and every process would load what writes one.
        from ..report import report

        user = os.environ.get("LOGNAME") or os.environ.get("USER") or ""
        notes: list[str] = []
        written = report.write(folder, {"user": user, **header}, list(rows), name, notes)
        yield from (f"note: {one}" for one in notes)
        yield f"Report: {written / 'report.html'}"
