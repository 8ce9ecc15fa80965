# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session of a run over many accounts: signals, journal, progress, report and the result; without Ansible."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from ..console import account_lines
from ..console.details import Details
from ..console.next_step import next_step, recap_line
from ..model.account import Account
from ..model.account_result import AccountResult
from ..model.console_links import azure_portal
from ..model.errors import SentinelError, cannot
from ..model.organization.organization import Organization
from ..model.report_row import OrganizationRow, ReportHeader
from . import fleet, new_account, report_folder
from .fleet_result import FleetResult
from .journal import Journal, NoJournal
from .orphans.orphans import Orphans
from .signals import handle_signals
from .unexpected import UnexpectedError, unexpected_error


class Console(Protocol):
    """Shows the run to the people who watch it."""

    @property
    def verbose(self) -> bool:
        """Whether accounts that are ok get a line, too."""

    @property
    def diff_context(self) -> int | None:
        """The number of unchanged lines around a difference, None if differences are not displayed."""

    def line(self, text: str) -> None:
        """Display a line."""

    def warning(self, text: str) -> None:
        """Display a warning."""

    def traceback(self, error: SentinelError | None) -> None:
        """Display the traceback of an unexpected error where the user asked for tracebacks."""

    def ending(self) -> None:
        """Prepare for lines that are displayed while the caller of this process is ending itself."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """The options of a session; the journal is in `report_dir`, without that in `home`.

    `limit` is Ansible's `--limit`, by which the run was narrowed.
    """

    playbook: str
    home: Path
    fail_on: str = "never"
    max_fail_percentage: float = 0.0
    report_dir: Path | None = None
    report_name: str = ""
    task_host: str = ""
    """The host for which Ansible runs the task and counts it."""
    command_options: str = ""
    """The options of ansible-playbook for the next command."""
    limit: str = ""


@dataclass(slots=True)
class Session:
    """One run with its surroundings. `refused` has the results of accounts that the run does not work on."""

    accounts: Sequence[Account]
    refused: Sequence[AccountResult]
    run_options: fleet.RunOptions
    options: SessionOptions
    console: Console
    _cancellation: fleet.Cancellation = field(default_factory=fleet.Cancellation)
    _results: FleetResult = field(init=False)
    _details: Details = field(init=False)
    _progress: account_lines.Progress = field(init=False)
    _run: fleet.Run | None = None
    _orphans: Orphans = field(default_factory=Orphans)

    async def run(self) -> dict[str, Any]:
        """Return the result of `fleet`; raises SentinelError if the run cannot start or ends early."""
        self._results, started = FleetResult(self.options.fail_on), datetime.now(UTC)
        accounts = len(self.accounts) + len(self.refused)
        self._progress = account_lines.Progress(accounts, check_mode=self.run_options.check_mode)
        self._details = Details(verbose=self.console.verbose, diff_context=self.console.diff_context)
        with handle_signals(self._interrupt), _closing(self._new_journal()) as journal:
            for result in self.refused:
                self._add(result, journal)
            refusal = await self._run_accounts(journal)
            self._add_bugs(journal)
            # A refused run only previewed the changes, and is reported as check mode.
            shown = replace(self.run_options, check_mode=self.run_options.check_mode or bool(refusal))
            self._show(self._details.lines(self._place_of_details(journal)))
            self._show(self._results.finish(shown, self._orphans, verbose=self.console.verbose))
            if self._cancellation.interrupted:
                return self._interrupted_result(journal)
            sentences = [*self._failures(refusal), *self._write_report(journal, shown, started)]
            self._show(self._last_lines(refusal))
        kind = {"changed": False, "error": {"class": refusal.kind}} if refusal else {}
        shared = self._results.result(verbose=self.console.verbose)
        return shared | kind | ({"failed": True, "msg": " ".join(sentences)} if sentences else {})

    async def _run_accounts(self, journal: Journal | NoJournal) -> SentinelError | None:
        """Run the accounts and display the progress; returns the refusal if too many accounts would change."""
        if line := new_account.notice(self.accounts):
            self.console.line(line)
        run = self._run = fleet.run(self.accounts, self.run_options, self._cancellation)
        try:
            async for result in run:
                self._add(result, journal)
                if line := self._progress.line(self._results.summary, self._results.classes, time.monotonic()):
                    self.console.line(line)
        except SentinelError as error:
            if error.kind == "too_many_changes":
                return error
            if not self._cancellation.interrupted:
                raise
        except BaseException:
            journal.add_orphans(run.orphans)
            raise
        finally:
            self._orphans = run.orphans
        return None

    def status(self, elapsed: float) -> str:
        """Return the line about the run `elapsed` seconds after its beginning; thread-safe."""
        if self._run is None or self._run.stage:
            return f"{elapsed:.0f} s: still {self._run.stage if self._run else 'starting'}."
        return self._progress.text(self._results.summary, dict(self._results.classes), time.monotonic())

    def _add(self, result: AccountResult, journal: Journal | NoJournal) -> None:
        journal.add(result)
        self._results.add(result)
        self.console.traceback(result.error)
        self._show(self._details.add(result))

    def _show(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.console.line(line)

    def _place_of_details(self, journal: Journal | NoJournal) -> str:
        """Return where the lines are that are not displayed: the report, else the journal of changes that were made."""
        if self.options.report_dir:
            return "the report"
        return journal.place if self._keeps_journal else ""

    @property
    def _keeps_journal(self) -> bool:
        """Whether the journal is the only place with the changes of the run."""
        is_other_place = bool(self.options.report_dir) or self.run_options.check_mode
        return self._details.is_hidden and not is_other_place and bool(self._results.summary["changed"])

    def _last_lines(self, refusal: SentinelError | None) -> Iterator[str]:
        """Yield the next command, and how Ansible's own counts differ from those of the accounts."""
        summary = self._results.summary
        if not refusal:
            options, check_mode = self.options, self.run_options.check_mode
            if line := next_step(options.playbook, options.command_options, summary, check_mode=check_mode):
                yield line
        if line := recap_line(self.options.task_host, summary["accounts"]):
            yield line

    def _add_bugs(self, journal: Journal | NoJournal) -> None:
        for bug in self._orphans.bugs:
            journal.add_error(bug)
            self.console.traceback(bug)
        for orphan in self._orphans:
            orphan.error = str(orphan.bug or orphan.error)

    def _interrupted_result(self, journal: Journal | NoJournal) -> dict[str, Any]:
        journal.add_orphans(self._orphans)
        self.console.line(f"The run was ended before all accounts were done.{journal.hint}")
        return {"failed": True, "msg": str(self._cancellation.interrupted)}

    def _failures(self, refusal: SentinelError | None) -> Iterator[str]:
        """Yield the sentences for which the run fails."""
        if refusal:
            yield str(refusal)
        yield from self._results.skip_reasons(self._cancellation)
        yield from self._results.failure_messages(100 if refusal else self.options.max_fail_percentage)

    def _write_report(
        self, journal: Journal | NoJournal, run_options: fleet.RunOptions, started: datetime
    ) -> Iterator[str]:
        """Write the report; yields the sentence for which the run fails if that is impossible."""
        try:
            if self._is_complete(journal):
                header = self._header(run_options, started)
                folder, name = self.options.report_dir, self.options.report_name
                self._show(report_folder.write(folder, header, journal.read(), name))
            journal.keep = self._keeps_journal
        except SentinelError as error:
            journal.add_orphans(self._orphans)
            yield f"{error}{journal.hint}"

    def _is_complete(self, journal: Journal | NoJournal) -> bool:
        """Whether the journal has every account; raises bad_input if the report needs one that has not."""
        if not (isinstance(journal, Journal) and journal.error):
            return True
        folder, why = journal.path.parent, journal.error.strerror or ""
        if self.options.report_dir:
            raise cannot("bad_input", f"write into {folder}", why)
        self._warn_without_journal(folder, why)
        return False

    def _header(self, run_options: fleet.RunOptions, started: datetime) -> ReportHeader:
        """Return the header of the report: the run as a whole."""
        orphan_search = [run_options.orphan_search] if run_options.orphan_search else []
        accounts = [*self.accounts, *orphan_search]
        return {
            "playbook": self.options.playbook,
            "started": started.isoformat(timespec="milliseconds"),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "check_mode": run_options.check_mode,
            "workspaces": sorted({account.workspace for account in accounts}),
            "azure_portal": azure_portal(account.azure.cloud_environment for account in accounts),
            "limit": self.options.limit,
            "summary": self._results.summary,
            "orphans": self._orphans.rows(),
            "skip_reasons": [{"class": one.kind, "message": str(one)} for one in self._cancellation.reasons.values()],
            "organization": _organization_row(self._orphans.organization, self.accounts),
        }

    def _interrupt(self, reason: str) -> None:
        self.console.ending()
        self._cancellation.interrupt(reason)

    def _warn_without_journal(self, folder: Path, why: str) -> None:
        self.console.warning(
            f"Cannot write into {folder}: {why}. The run continues; if it is interrupted, there is no "
            "journal of its changes. Set ANSIBLE_HOME or sentinel_report_dir to a writable folder."
        )

    def _new_journal(self) -> Journal | NoJournal:
        """Return the journal in `report_dir`, else in `home`, which need not be writable."""
        folder = self.options.report_dir or self.options.home
        try:
            return Journal(folder, f"{time.strftime('%Y-%m-%dT%H%M%S')}-{os.getpid()}")
        except OSError as error:
            if self.options.report_dir:
                raise report_folder.unwritable(folder, error) from error
            self._warn_without_journal(folder, error.strerror or "")
            return NoJournal()


@contextmanager
def _closing(journal: Journal | NoJournal) -> Iterator[Journal | NoJournal]:
    """Close the journal; a bug that ends the run is written to it first, and raised as an error."""
    try:
        yield journal
    except UnexpectedError as error:
        journal.add_error(error)
        raise
    except SentinelError:
        raise
    except Exception as error:
        bug = unexpected_error("finish the run", error)
        journal.add_error(bug)
        raise bug from error
    finally:
        journal.close()


def _organization_row(organization: Organization | None, accounts: Sequence[Account]) -> OrganizationRow | None:
    """Return the part of the report's header about the organization: its accounts, and those outside of the run."""
    if organization is None:
        return None
    return {
        "accounts": len(organization.accounts),
        "excluded": organization.excluded({account.account_id for account in accounts}),
    }
