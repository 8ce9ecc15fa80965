# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a run: a line of JSON for each account as soon as it is done, so that nothing is lost with the run."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..model.account_result import AccountResult
from ..model.report_row import AccountRow
from .orphans import Orphan


class NoJournal:
    """What stands for a record where none can be written: it keeps nothing."""

    keep = False
    told = ""

    def add(self, done: AccountResult) -> None:
        """Forget the result of one account."""

    def note(self, orphans: list[Orphan]) -> None:
        """Forget what became of orphans."""

    def read(self) -> Iterator[AccountRow]:
        """Yield nothing."""
        yield from ()

    def close(self) -> None:
        """There is nothing to close."""


class Record:
    """A file that only its owner can read. `folder` is made if it is not there; raises OSError."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Several runs may share the folder, and in containers the number of the process as well.
        self.path = folder / f"{name}-{secrets.token_hex(4)}.jsonl"
        self.keep = True
        self.error: OSError | None = None
        """Why it does not hold all that was given to it."""
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._file = os.fdopen(handle, "w", encoding="utf-8", buffering=1)

    def add(self, done: AccountResult) -> None:
        """Write down the result of one account."""
        account = done.account
        self._write({"account_id": account.account_id, "ou": account.ou, **done.result(), "diff": done.report.diff})

    def note(self, orphans: list[Orphan]) -> None:
        """Write down what became of orphans, in a record that will be kept."""
        if orphans:
            self._write({"orphans": [orphan.show() for orphan in orphans]})

    def _write(self, line: dict[str, Any]) -> None:
        try:
            self._file.write(f"{json.dumps(line, default=str)}\n")
        except OSError as error:
            self.error = error

    @property
    def told(self) -> str:
        """Where it is, in a sentence; empty where it has nothing to tell."""
        with suppress(FileNotFoundError):
            if self.path.stat().st_size:
                return f" What was done is in {self.path}."
        return ""

    def read(self) -> Iterator[AccountRow]:
        """Yield what was written down."""
        with self.path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)

    def close(self) -> None:
        """End the record; it is gone where it has nothing to tell, or is not to be kept."""
        with suppress(OSError):
            self._file.close()
        if not (self.keep and self.told):
            with suppress(FileNotFoundError):
                self.path.unlink()
