# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `fleet`: reads the accounts of the batch, runs them in this process, displays the progress."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from ansible import constants
from ansible.errors import AnsibleError

from ..module_utils._core.console import account_lines
from ..module_utils._core.model.account import FIELDS, Account, check_complete, check_workspace, parse
from ..module_utils._core.model.account_result import AccountReport, AccountResult
from ..module_utils._core.model.errors import InputError, Mistake, SentinelError, cannot
from ..module_utils._core.model.organization.organization import Organization
from ..module_utils._core.model.report_row import OrganizationRow, ReportHeader
from ..module_utils._core.model.text import one_line
from ..module_utils._core.options import AWS_SPEC, AZURE_SPEC, FLEET_ROLE_SPEC, FLEET_SPEC, STATE_SPEC, WORKSPACE_SPEC
from ..module_utils._core.run import fleet, new_account
from ..module_utils._core.run.fleet_result import FleetResult
from ..module_utils._core.run.journal import Journal, NoJournal
from ..module_utils._core.run.unexpected import UnexpectedError, unexpected_error
from ..plugin_utils.batch import BatchAction, RefusedAccount, is_option_given

SPEC = AWS_SPEC | AZURE_SPEC | WORKSPACE_SPEC | FLEET_ROLE_SPEC | FLEET_SPEC | STATE_SPEC
OPTION_BY_VARIABLE = {field.variable: field.option for field in FIELDS}
REQUEST_LOG_VERBOSITY = 3
# Signals within so many seconds are one Ctrl-C.
SAME_SIGNAL_SECONDS = 0.5
_ALIASES = {"aws_profile": "profile"}
WITHOUT_LIMIT = "-e sentinel_max_change_percent=100"
# The fields that a run without accounts needs to reach the workspace and the organization.
_WORKSPACE_FIELDS = tuple(
    field
    for field in FIELDS
    if field.part in ("account", "aws", "azure") or field.option in ("workspace_id", "microsoft_account_id")
)


class ActionModule(BatchAction):
    """See the documentation of M(trailbridge.sentinel.fleet)."""

    spec = SPEC
    host_variables = OPTION_BY_VARIABLE

    _interrupted_at = 0.0
    _ansible_stdout: TextIO | None = None

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the task."""
        # This process was forked for the task: the objects of Ansible stay, so the collector need not visit them.
        gc.freeze()
        self._log_requests()
        return super().run(tmp, task_vars)

    def execute(self) -> dict[str, Any]:
        """Reconcile all accounts with the desired state, and return the results."""
        options = self.task_options
        refused: list[RefusedAccount] = []
        if options["accounts"] is None:
            absent = options["state"] == "absent"
            batch, options = self.read_batch(options, whole_inventory=absent)
            accounts, refused = [one.account for one in batch.accounts], batch.refused
        else:
            options = self.validate_options(self.read_run_options())
            accounts = _parse_accounts(options, self._shared_options(options))
        run_options = self._run_options(options, accounts)
        # Playbooks that share a role with others set their name.
        playbook = self.task_vars.get("__sentinel_playbook") or ("offboard" if run_options.absent else "onboard")
        return asyncio.run(self._run(accounts, refused, run_options, {**options, "playbook": playbook}))

    def _shared_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of all listed accounts: those of localhost's variables, else those of the task."""
        of_task = {name: options[name] for name in OPTION_BY_VARIABLE.values() if options.get(name) is not None}
        return of_task | self.read_localhost_options(FIELDS if options["accounts"] else _WORKSPACE_FIELDS)

    def _run_options(self, options: Mapping[str, Any], accounts: Sequence[Account]) -> fleet.RunOptions:
        percent = options["max_change_percent"]
        counted = self._count_limited_accounts(options, accounts) if percent is not None else 0
        max_change = None if percent is None else percent * counted / 100
        has_no_accounts = options["accounts"] == []
        return fleet.RunOptions(
            absent=options["state"] == "absent",
            check_mode=self._task.check_mode,
            concurrency=options["concurrency"],
            # Without accounts only connectors are removed, which have a max_change_reason of their own.
            max_change=None if has_no_accounts else max_change,
            max_change_reason=""
            if max_change is None
            else f"the limit of {percent:g} % of {counted} accounts is {int(max_change)}; {WITHOUT_LIMIT} allows all",
            max_departed_percent=fleet.DEPARTED_PERCENT if percent is None else percent,
            orphans=_orphan_handling(options),
            orphan_account_ids=None if options["orphan_account_ids"] is None else tuple(options["orphan_account_ids"]),
            find_unconnected_roles=bool(options["find_unconnected_roles"]),
            orphan_search=self._workspace_account(options) if has_no_accounts else None,
            minimum_accounts=options["minimum_accounts"],
        )

    def _count_limited_accounts(self, options: Mapping[str, Any], accounts: Sequence[Account]) -> int:
        """Return the number of accounts that `max_change_percent` is a share of."""
        is_whole_play = len(self.task_vars["ansible_play_batch"]) == len(self.task_vars["ansible_play_hosts_all"])
        # With serial the limit applies to each batch: together they stay within it.
        return self.count_play_accounts() if is_whole_play and options["accounts"] is None else len(accounts)

    def _workspace_account(self, options: Mapping[str, Any]) -> Account | None:
        """Return the workspace and the credentials to look for orphans with when there are no accounts."""
        if _orphan_handling(options) == "ignore":
            return None
        account = parse(self._shared_options(options), "", names="variable")
        check_workspace(account, "accounts that are closed or left", "variable")
        return account

    async def _run(
        self,
        accounts: list[Account],
        refused: list[RefusedAccount],
        run_options: fleet.RunOptions,
        options: dict[str, Any],
    ) -> dict[str, Any]:
        results, cancellation, started = FleetResult(options["fail_on"]), fleet.Cancellation(), datetime.now(UTC)
        with self._handle_signals(cancellation), self._open_journal(options["report_dir"]) as journal:
            for result in _refused_results(refused, check_mode=run_options.check_mode):
                self._add_result(result, results, journal)
            refusal = await self._run_accounts(accounts, run_options, cancellation, results, journal)
            self._add_bugs(results, journal)
            # A refused run only previewed the changes, and is reported as check mode.
            run_options = replace(run_options, check_mode=run_options.check_mode or bool(refusal))
            self.display_lines(results.finish(run_options))
            if cancellation.interrupted:
                journal.add_orphans(results.orphans)
                self.display_line(f"The run was ended before all accounts were done.{journal.hint}")
                # Ansible does not read this result any more, since it is ending as well.
                return {"failed": True, "msg": str(cancellation.interrupted)}
            max_failed = 100 if refusal else options["max_fail_percentage"]
            sentences = [*map(str, refusal), *results.skip_reasons(cancellation), *results.failure_messages(max_failed)]
            try:
                self._write_report(journal, options, _header(options, accounts, run_options, results, started))
                journal.keep = False
            except SentinelError as error:
                journal.add_orphans(results.orphans)
                sentences.append(f"{error}{journal.hint}")
        kind = {"changed": False, "error": {"class": refusal[0].kind}} if refusal else {}
        return results.result() | kind | ({"failed": True, "msg": " ".join(sentences)} if sentences else {})

    async def _run_accounts(
        self,
        accounts: list[Account],
        run_options: fleet.RunOptions,
        cancellation: fleet.Cancellation,
        results: FleetResult,
        journal: Journal | NoJournal,
    ) -> list[SentinelError]:
        """Run the accounts and display the progress; returns the refusal if too many accounts would change."""
        progress = account_lines.Progress(len(accounts))
        if line := new_account.notice(accounts):
            self.display_line(line)
        try:
            async for result in fleet.run(accounts, run_options, cancellation, results.orphans):
                self._add_result(result, results, journal)
                if line := progress.line(results.summary, time.monotonic()):
                    self.display_line(line)
        except SentinelError as error:
            if error.kind == "too_many_changes":
                return [error]
            if not cancellation.interrupted:
                raise
        except BaseException:
            journal.add_orphans(results.orphans)
            raise
        return []

    def _add_result(self, result: AccountResult, results: FleetResult, journal: Journal | NoJournal) -> None:
        journal.add(result)
        results.add(result)
        self.display_traceback(result.error)
        for line in account_lines.lines(result, verbose=self._display.verbosity > 0):
            self.display_line(line)

    def _add_bugs(self, results: FleetResult, journal: Journal | NoJournal) -> None:
        for orphan in results.orphans:
            if orphan.bug:
                journal.add_error(orphan.bug)
                self.display_traceback(orphan.bug)
                orphan.error = str(orphan.bug)

    def _write_report(self, journal: Journal | NoJournal, options: dict[str, Any], header: ReportHeader) -> None:
        if isinstance(journal, Journal) and journal.error:
            if not options["report_dir"]:
                self._warn_without_journal(journal.path.parent, journal.error)
                return
            raise cannot("bad_input", f"write into {journal.path.parent}", journal.error.strerror or "")
        self.write_report(options, header, journal.read())

    @contextmanager
    def _handle_signals(self, cancellation: fleet.Cancellation) -> Iterator[None]:
        """Handle the signals that would end this process at once, so that accounts in progress are finished first."""
        loop, is_main = asyncio.get_running_loop(), threading.current_thread() is threading.main_thread()
        signals = (signal.SIGINT, signal.SIGTERM) if is_main else ()
        before = {number: signal.getsignal(number) for number in signals}
        for number in signals:
            loop.add_signal_handler(number, self._interrupt, cancellation, number)
        with suppress(OSError):
            # A parent process that is ending reads no more display messages; its standard output is still open.
            self._ansible_stdout = Path(f"/proc/{os.getppid()}/fd/1").open("a", encoding="utf-8")  # noqa: SIM115 below
        try:
            yield
        finally:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)
            if self._ansible_stdout:
                self._ansible_stdout.close()

    def _interrupt(self, cancellation: fleet.Cancellation, number: int) -> None:
        # Ansible passes Ctrl-C on, and at once a SIGTERM of its own, which the system may deliver first; a Ctrl-C that
        # comes later is the user's second one.
        is_second = self._interrupted_at and time.monotonic() > self._interrupted_at + SAME_SIGNAL_SECONDS
        if is_second and number == signal.SIGINT:
            os._exit(1)
        if not self._interrupted_at:
            self._interrupted_at = time.monotonic()
            cancellation.interrupt(f"it received {signal.Signals(number).name}")

    @contextmanager
    def _open_journal(self, report_dir: str | None) -> Iterator[Journal | NoJournal]:
        folder = Path(report_dir or Path(constants.config.get_config_value("ANSIBLE_HOME"), "trailbridge.sentinel"))
        journal: Journal | NoJournal = NoJournal()
        try:
            journal = Journal(folder, f"{time.strftime('%Y-%m-%dT%H%M%S')}-{os.getpid()}")
        except OSError as error:
            if report_dir:
                message = f"Cannot write into {folder} (report_dir): {error.strerror}."
                raise SentinelError("bad_input", message) from error
            self._warn_without_journal(folder, error)
        try:
            yield journal
        except UnexpectedError as error:
            journal.add_error(error)
            raise
        except (SentinelError, AnsibleError):
            raise
        except Exception as error:
            bug = unexpected_error("finish the run", error)
            journal.add_error(bug)
            raise bug from error
        finally:
            journal.close()

    def _warn_without_journal(self, folder: Path, error: OSError) -> None:
        self._display.warning(
            f"Cannot write into {folder}: {error.strerror}. The run continues; if it is interrupted, there is no "
            "journal of its changes. Set ANSIBLE_HOME or sentinel_report_dir to a writable folder."
        )

    def display_line(self, line: str) -> None:
        """Display a line, also when Ansible itself is ending."""
        if not self._interrupted_at:
            super().display_line(line)
        elif self._ansible_stdout:
            with suppress(OSError):
                print(line, file=self._ansible_stdout, flush=True)

    def _log_requests(self) -> None:
        """Log every request at -vvv."""
        log = logging.getLogger("trailbridge.sentinel")
        if self._display.verbosity >= REQUEST_LOG_VERBOSITY and not log.handlers:
            log.addHandler(_DisplayHandler(self._display))
            log.setLevel(logging.DEBUG)


class _DisplayHandler(logging.Handler):
    """Writes log messages by Ansible's display, at -vvv."""

    def __init__(self, display: Any) -> None:
        super().__init__()
        self._display = display

    def emit(self, record: logging.LogRecord) -> None:
        self._display.vvv(one_line(record.getMessage()))


def _refused_results(refused: Iterable[RefusedAccount], *, check_mode: bool) -> Iterator[AccountResult]:
    for one in refused:
        yield AccountResult(one.account, AccountReport(), one.error, check_mode=check_mode)


def _header(
    options: Mapping[str, Any],
    accounts: list[Account],
    run_options: fleet.RunOptions,
    results: FleetResult,
    started: datetime,
) -> ReportHeader:
    """Return the header of the report: the run as a whole."""
    orphan_search = [run_options.orphan_search] if run_options.orphan_search else []
    return {
        "playbook": options["playbook"],
        "started": started.isoformat(timespec="milliseconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "check_mode": run_options.check_mode,
        "workspaces": sorted({account.workspace for account in (*accounts, *orphan_search)}),
        "summary": results.summary,
        "orphans": [orphan.show() for orphan in results.orphans],
        "organization": _organization_header(results.orphans.organization, accounts),
    }


def _orphan_handling(options: Mapping[str, Any]) -> str:
    # Without accounts, removing orphans is all that the task can do.
    if options["state"] == "absent" and (options["offboard_orphans"] or options["accounts"] == []):
        return "remove"
    return "report" if options["find_orphans"] else "ignore"


def _organization_header(organization: Organization | None, accounts: list[Account]) -> OrganizationRow | None:
    """Return the part of the report's header about the organization: its accounts, and those outside of the run."""
    if organization is None:
        return None
    return {
        "accounts": len(organization.accounts),
        "excluded": organization.excluded({account.account_id for account in accounts}),
    }


def _parse_accounts(options: Mapping[str, Any], shared: Mapping[str, Any]) -> list[Account]:
    """Return the accounts that the task lists; an option of an entry wins over the shared one."""
    accounts, mistakes = list[Account](), list[Mistake]()
    for number, entry in enumerate(options["accounts"], 1):
        where = _place_of_entry(number, entry)
        try:
            own = _entry_options(number, entry)
            given = {name: value for name, value in own.items() if is_option_given(name, value)}
            accounts.append(parse({**shared, **given}, where, names="option"))
            check_complete(accounts[-1], where, "option")
        except InputError as error:
            mistakes += error.mistakes
    if mistakes:
        raise InputError(mistakes)
    return accounts


def _place_of_entry(number: int, entry: Mapping[str, Any]) -> str:
    account_id = entry.get("account_id")
    return f"account {account_id}" if isinstance(account_id, str) else f"entry {number} of accounts"


def _entry_options(number: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    options = {_ALIASES.get(name, name): value for name, value in entry.items()}
    unknown = sorted(set(options) - set(OPTION_BY_VARIABLE.values()))
    if unknown:
        raise InputError(
            [Mistake(f"Cannot use {', '.join(unknown)}", _place_of_entry(number, entry), "unknown option")]
        )
    return options
