# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session of a verification: signals, progress, report and the result; without Ansible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ..model.duration import format_duration
from ..model.errors import SentinelError
from ..run import report_folder
from ..run.session import Console
from ..run.signals import handle_signals
from . import ingestion, results
from .ingestion import AccountIngestion, VerifyOptions
from .interruption import Interruption
from .results import VerifyResult
from .workspace_queries import Workspaces

WITHOUT_WAIT = "-e sentinel_verify_wait=0"


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """Which accounts fail the task, and where the report is written."""

    fail_on: str = "drift"
    max_fail_percentage: float = 0.0
    report_dir: Path | None = None
    report_name: str = ""


@dataclass(slots=True)
class VerifySession:
    """One verification with its surroundings. `refused` has the accounts that it does not check."""

    accounts: list[AccountIngestion]
    refused: Sequence[AccountIngestion]
    verify_options: VerifyOptions
    options: ReportOptions
    console: Console
    _interruption: Interruption = field(default_factory=Interruption)

    async def run(self) -> VerifyResult:
        """Return the result of `fleet_ingestion_info`; raises SentinelError if no workspace can be queried."""
        started = datetime.now(UTC)
        for item in self.refused:
            self.console.line(f"failed: [{item.account.name}] {item.error}")
        if line := wait_line(len(self.accounts), self.verify_options.wait):
            self.console.line(line)
        with handle_signals(self._interrupt):
            workspaces = await ingestion.verify(
                self.accounts, self.verify_options, self.console.line, interruption=self._interruption
            )
            return self._report([*self.accounts, *self.refused], workspaces, started)

    def _report(self, accounts: list[AccountIngestion], workspaces: Workspaces, started: datetime) -> VerifyResult:
        """Display the results, write the report, and return the result of the task."""
        notes = results.workspace_notes(workspaces)
        for item in self.accounts:
            self.console.traceback(item.error)
        lines = results.status_lines(accounts, verbose=self.console.verbose)
        for line in (*lines, *notes, results.summary_line(accounts)):
            self.console.line(line)
        answer = results.task_result(accounts, notes, self.options.fail_on, self.options.max_fail_percentage)
        interrupted = self._interruption.error
        if interrupted:
            self.console.line("The wait was ended: the results are those of the last answer.")
            answer |= {"failed": True, "msg": str(interrupted), "error": {"class": interrupted.kind}}
        header = results.report_header(accounts, workspaces, started, datetime.now(UTC), str(interrupted or ""))
        try:
            rows = map(results.report_row, accounts)
            for line in report_folder.write(self.options.report_dir, header, rows, self.options.report_name):
                self.console.line(line)
        except SentinelError as error:
            answer["failed"], answer["msg"] = True, " ".join(filter(None, [answer.get("msg"), str(error)]))
        return answer

    def _interrupt(self, reason: str) -> None:
        self.console.ending()
        self._interruption.interrupt(reason)


def wait_line(accounts: int, wait: int) -> str:
    """Return how long a verification waits at most, in `wait` seconds, and how to check only; "" if it does not."""
    if not wait or not accounts:
        return ""
    whose = "of 1 account" if accounts == 1 else f"of {accounts} accounts"
    return f"Waits up to {format_duration(wait)} for the events {whose}; {WITHOUT_WAIT} checks once and does not wait."
