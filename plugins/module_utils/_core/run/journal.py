# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a run: one line of JSON per completed account, so that an interrupted run loses no results."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..model import sources
from ..model.account_result import AccountResult
from ..model.report_row import AccountRow
from .orphans.orphans import Orphan
from .unexpected import UnexpectedError, bugs_in


class NoJournal:
    """Used instead of a Journal if no file can be written: it keeps nothing."""

    keep = False
    hint = place = ""

    def add(self, result: AccountResult) -> None:
        """Do nothing."""

    def add_error(self, error: UnexpectedError) -> None:
        """Do nothing."""

    def add_orphans(self, orphans: list[Orphan]) -> None:
        """Do nothing."""

    def read(self) -> Iterator[AccountRow]:
        """Yield nothing."""
        yield from ()

    def close(self) -> None:
        """Do nothing."""


class Journal:
    """A file that only its owner can read, in a folder that is created if it does not exist; raises OSError."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Several runs may share the folder, and in containers the process id as well.
        self.path = folder / f"{name}-{secrets.token_hex(4)}.jsonl"
        self.keep = True
        self._tracebacks: dict[str, str] = {}
        """The account of each traceback, "" for that of the run."""
        self.error: OSError | None = None
        """Why it is incomplete."""
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._file = os.fdopen(handle, "w", encoding="utf-8", buffering=1)

    def add(self, result: AccountResult) -> None:
        """Write the result of one account, with the traceback of an unexpected error, whose message gets the place."""
        account = result.account
        tracebacks = [self._traceback(bug, account.account_id) for bug in bugs_in(result.error)]
        line = {
            "account_id": account.account_id,
            "ou": account.ou,
            "sources": sources.types(account.sources),
            **result.result(),
            "diff": result.report.diff,
        }
        self._write({**line, **({"traceback": "\n".join(tracebacks)} if tracebacks else {})})

    def add_error(self, error: UnexpectedError) -> None:
        """Write the error that ends the run, with its traceback; its message gets the place."""
        traceback = self._traceback(error, "")
        self._write({"error": error.show(), "traceback": traceback})

    def _traceback(self, error: UnexpectedError, account_id: str) -> str:
        """Return the traceback for a line: the same one is written once, however many accounts have it."""
        first = self._tracebacks.setdefault(error.traceback, account_id)
        error.place = f"The traceback is in {self.path}."
        return error.traceback if first == account_id else f"the same as that of account {first}"

    def add_orphans(self, orphans: list[Orphan]) -> None:
        """Write the orphans, to a journal that will be kept."""
        if orphans:
            self._write({"orphans": [orphan.show() for orphan in orphans]})

    def _write(self, line: dict[str, Any]) -> None:
        try:
            self._file.write(f"{json.dumps(line, default=str)}\n")
        except OSError as error:
            self.error = error

    @property
    def place(self) -> str:
        """The path of the file, "" if it is not complete."""
        return "" if self.error else str(self.path)

    @property
    def hint(self) -> str:
        """A sentence with the path of the file, empty if nothing was written."""
        with suppress(FileNotFoundError):
            if self.path.stat().st_size:
                return f" The results are in {self.path}."
        return ""

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the line of each account, without traceback: a report is for other readers."""
        with self.path.open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                if "account_id" in row:
                    yield {key: value for key, value in row.items() if key != "traceback"}

    def close(self) -> None:
        """Close the file, and delete it if it is empty, or if it has no traceback and is not to be kept."""
        with suppress(OSError):
            self._file.close()
        if not ((self.keep or self._tracebacks) and self.hint):
            with suppress(FileNotFoundError):
                self.path.unlink()
