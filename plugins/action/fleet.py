# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `fleet`: reads the accounts from the hosts of the batch, runs them in this process, tells progress."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from ansible import constants

from ..module_utils._core.console import account_lines
from ..module_utils._core.model.account import FIELDS, Account, check_whole, check_workspace, parse
from ..module_utils._core.model.account_result import AccountReport, AccountResult
from ..module_utils._core.model.errors import InputError, Mistake, SentinelError, cannot
from ..module_utils._core.model.organization.organization import Organization
from ..module_utils._core.model.report_row import OrganizationRow, ReportHeader
from ..module_utils._core.model.text import one_line
from ..module_utils._core.options import AWS, AZURE, FLEET, FLEET_ROLE, STATE, WORKSPACE
from ..module_utils._core.run import fleet, new_account
from ..module_utils._core.run.fleet_result import Results
from ..module_utils._core.run.journal import NoJournal, Record
from ..plugin_utils.batch import BatchAction, Refused, is_given

SPEC = AWS | AZURE | WORKSPACE | FLEET_ROLE | FLEET | STATE
VARIABLES = {field.variable: field.option for field in FIELDS}
REQUESTS_AT = 3
# Signals that come within so many seconds are one Ctrl-C.
SAME_SECONDS = 0.5
_ALIASES = {"aws_profile": "profile"}
LIFT = "-e sentinel_max_change_percent=100"
# What leads to the workspace and the organization, where there is no account.
_HOME = tuple(
    field
    for field in FIELDS
    if field.part in ("account", "aws", "azure") or field.option in ("workspace_id", "microsoft_account_id")
)


class ActionModule(BatchAction):
    """See the documentation of M(trailbridge.sentinel.fleet)."""

    spec = SPEC
    host_variables = VARIABLES

    _ended = 0.0
    _outside: TextIO | None = None

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the task."""
        # This process was forked for the task: what Ansible brought along stays, nobody need look through it for waste.
        gc.freeze()
        self._follow_requests()
        return super().run(tmp, task_vars)

    def work(self) -> dict[str, Any]:
        """Bring all accounts to the wish, and return the results."""
        options = self.task_options
        refused: list[Refused] = []
        if options["accounts"] is None:
            absent = options["state"] == "absent"
            batch, options = self.read_hosts(options, everywhere=absent)
            accounts, refused = [account for account, _given in batch.accounts], batch.refused
        else:
            options = self.validated(self.read_run())
            accounts = _listed(options, self._shared(options))
        order = self._order(options, accounts)
        # Playbooks that share a role with others say who they are.
        playbook = self.task_vars.get("__sentinel_playbook") or ("offboard" if order.absent else "onboard")
        return asyncio.run(self._work(accounts, refused, order, {**options, "playbook": playbook}))

    def _shared(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of all listed accounts: those of localhost's variables, else those of the task."""
        of_task = {name: options[name] for name in VARIABLES.values() if options.get(name) is not None}
        return of_task | self.of_localhost(FIELDS if options["accounts"] else _HOME)

    def _order(self, options: Mapping[str, Any], accounts: Sequence[Account]) -> fleet.Order:
        percent = options["max_change_percent"]
        counted = self._counted(options, accounts) if percent is not None else 0
        most = None if percent is None else percent * counted / 100
        is_empty = options["accounts"] == []
        return fleet.Order(
            absent=options["state"] == "absent",
            check_mode=self._task.check_mode,
            concurrency=options["concurrency"],
            # Without accounts only connectors go, which have a share of their own.
            max_change=None if is_empty else most,
            limit=f"{percent:g} % of {counted} accounts is {int(most)}; {LIFT} lifts it" if most is not None else "",
            departed_percent=fleet.DEPARTED_PERCENT if percent is None else percent,
            orphans=_about_orphans(options),
            orphan_account_ids=None if options["orphan_account_ids"] is None else tuple(options["orphan_account_ids"]),
            roles=bool(options["find_unconnected_roles"]),
            home=self._home(options) if is_empty else None,
            minimum=options["minimum_accounts"],
        )

    def _counted(self, options: Mapping[str, Any], accounts: Sequence[Account]) -> int:
        """Return the number of accounts of which a share may change."""
        whole = len(self.task_vars["ansible_play_batch"]) == len(self.task_vars["ansible_play_hosts_all"])
        # With serial each batch is measured by itself: together they stay within the limit.
        return self.accounts_of_play() if whole and options["accounts"] is None else len(accounts)

    def _home(self, options: Mapping[str, Any]) -> Account | None:
        """Return where to look for orphans when there are no accounts."""
        if _about_orphans(options) == "ignore":
            return None
        home = parse(self._shared(options), "", names="variable")
        check_workspace(home, "accounts that are gone", "variable")
        return home

    async def _work(
        self, accounts: list[Account], refused: list[Refused], order: fleet.Order, options: dict[str, Any]
    ) -> dict[str, Any]:
        results, stop, started = Results(options["fail_on"]), fleet.Cancellation(), datetime.now(UTC)
        with self._interruptible(stop), self._recorded(options["report_dir"]) as record:
            for one in refused:
                self._take(
                    AccountResult(one.account, AccountReport(), one.error, check_mode=order.check_mode), results, record
                )
            refusal = await self._do(accounts, order, stop, results, record)
            # What was refused was only previewed, and is told as such.
            order = replace(order, check_mode=True) if refusal else order
            for line in results.close(order):
                self.say(line)
            if stop.interrupted:
                record.note(results.orphans)
                self.say(f"The run was ended before all accounts were done.{record.told}")
                # Nobody listens any more: Ansible's own end is under way.
                return {"failed": True, "msg": str(stop.interrupted)}
            allowed = 100 if refusal else options["max_fail_percentage"]
            sentences = [*map(str, refusal), *results.stopped(stop), *results.too_many_failed(allowed)]
            try:
                self._report(record, options, _header(options, accounts, order, results, started))
                record.keep = False
            except SentinelError as error:
                record.note(results.orphans)
                sentences.append(f"{error}{record.told}")
        kind = {"changed": False, "error": {"class": refusal[0].kind}} if refusal else {}
        return results.result() | kind | ({"failed": True, "msg": " ".join(sentences)} if sentences else {})

    async def _do(
        self,
        accounts: list[Account],
        order: fleet.Order,
        stop: fleet.Cancellation,
        results: Results,
        record: Record | NoJournal,
    ) -> list[SentinelError]:
        """Work on the accounts, and tell how it goes; returns why nothing was begun, if too much would change."""
        progress = account_lines.Progress(len(accounts))
        if line := new_account.told(accounts):
            self.say(line)
        try:
            async for done in fleet.run(accounts, order, stop, results.orphans):
                self._take(done, results, record)
                if line := progress.line(results.summary, time.monotonic()):
                    self.say(line)
        except SentinelError as error:
            if error.kind == "too_many_changes":
                return [error]
            if not stop.interrupted:
                raise
        except BaseException:
            record.note(results.orphans)
            raise
        return []

    def _take(self, done: AccountResult, results: Results, record: Record | NoJournal) -> None:
        """Take in the result of an account."""
        results.add(done)
        record.add(done)
        for line in account_lines.lines(done, verbose=self._display.verbosity > 0):
            self.say(line)

    def _report(self, record: Record | NoJournal, options: dict[str, Any], header: ReportHeader) -> None:
        if isinstance(record, Record) and record.error:
            if not options["report_dir"]:
                self._warn_of_record(record.path.parent, record.error)
                return
            raise cannot("bad_input", f"write into {record.path.parent}", record.error.strerror or "")
        self.report(options, header, record.read())

    @contextmanager
    def _interruptible(self, stop: fleet.Cancellation) -> Iterator[None]:
        """Take the signals that would end this process at once: accounts under way are finished first."""
        loop, own = asyncio.get_running_loop(), threading.current_thread() is threading.main_thread()
        signals = (signal.SIGINT, signal.SIGTERM) if own else ()
        before = {number: signal.getsignal(number) for number in signals}
        for number in signals:
            loop.add_signal_handler(number, self._interrupt, stop, number)
        with suppress(OSError):
            # When Ansible ends, what this process displays is read by nobody; what Ansible writes to is still there.
            self._outside = Path(f"/proc/{os.getppid()}/fd/1").open("a", encoding="utf-8")  # noqa: SIM115 below
        try:
            yield
        finally:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)
            if self._outside:
                self._outside.close()

    def _interrupt(self, stop: fleet.Cancellation, number: int) -> None:
        # Ansible passes Ctrl-C on, and at once a SIGTERM of its own, which the system may deliver first; a Ctrl-C that
        # comes later is the user's second one.
        if self._ended and number == signal.SIGINT and time.monotonic() > self._ended + SAME_SECONDS:
            os._exit(1)
        if not self._ended:
            self._ended = time.monotonic()
            stop.interrupt(f"it got {signal.Signals(number).name}")

    @contextmanager
    def _recorded(self, report_dir: str | None) -> Iterator[Record | NoJournal]:
        folder = Path(report_dir or Path(constants.config.get_config_value("ANSIBLE_HOME"), "trailbridge.sentinel"))
        record: Record | NoJournal = NoJournal()
        try:
            record = Record(folder, f"{time.strftime('%Y-%m-%dT%H%M%S')}-{os.getpid()}")
        except OSError as error:
            if report_dir:
                why = f"Cannot write into {folder} (report_dir): {error.strerror}."
                raise SentinelError("bad_input", why) from error
            self._warn_of_record(folder, error)
        try:
            yield record
        finally:
            record.close()

    def _warn_of_record(self, folder: Path, error: OSError) -> None:
        self._display.warning(
            f"Cannot write into {folder}: {error.strerror}. The run goes on; if it is interrupted, there is no record "
            "of what was done. Set ANSIBLE_HOME or sentinel_report_dir to a folder that can be written to."
        )

    def say(self, line: str) -> None:
        """Show a line, also when Ansible itself is about to end."""
        if not self._ended:
            super().say(line)
        elif self._outside:
            with suppress(OSError):
                print(line, file=self._outside, flush=True)

    def _follow_requests(self) -> None:
        """Say every request at -vvv."""
        log = logging.getLogger("trailbridge.sentinel")
        if self._display.verbosity >= REQUESTS_AT and not log.handlers:
            log.addHandler(_Shown(self._display))
            log.setLevel(logging.DEBUG)


class _Shown(logging.Handler):
    """A handler that writes as Ansible does."""

    def __init__(self, display: Any) -> None:
        super().__init__()
        self._display = display

    def emit(self, record: logging.LogRecord) -> None:
        self._display.vvv(one_line(record.getMessage()))


def _header(
    options: Mapping[str, Any], accounts: list[Account], order: fleet.Order, results: Results, started: datetime
) -> ReportHeader:
    """Return what the report says of the run as a whole."""
    return {
        "playbook": options["playbook"],
        "started": started.isoformat(timespec="milliseconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "check_mode": order.check_mode,
        "workspaces": sorted({one.workspace for one in (*accounts, *([order.home] if order.home else []))}),
        "summary": results.summary,
        "orphans": [orphan.show() for orphan in results.orphans],
        "organization": _organization(results.orphans.organization, accounts),
    }


def _about_orphans(options: Mapping[str, Any]) -> str:
    # To remove orphans is all that can be meant where there is no account.
    if options["state"] == "absent" and (options["offboard_orphans"] or options["accounts"] == []):
        return "remove"
    return "report" if options["find_orphans"] else "ignore"


def _organization(listed: Organization | None, accounts: list[Account]) -> OrganizationRow | None:
    """Return what the report says of the organization."""
    if listed is None:
        return None
    return {
        "accounts": len(listed.accounts),
        "excluded": listed.outside({account.account_id for account in accounts}),
    }


def _listed(options: Mapping[str, Any], shared: Mapping[str, Any]) -> list[Account]:
    """Return the accounts that the task lists; an option of an entry wins over that of all."""
    accounts, mistakes = list[Account](), list[Mistake]()
    for number, entry in enumerate(options["accounts"], 1):
        where = _where(number, entry)
        try:
            known = {name: value for name, value in _known(number, entry).items() if is_given(name, value)}
            accounts.append(parse({**shared, **known}, where, names="option"))
            check_whole(accounts[-1], where, "option")
        except InputError as error:
            mistakes += error.mistakes
    if mistakes:
        raise InputError(mistakes)
    return accounts


def _where(number: int, entry: Mapping[str, Any]) -> str:
    account_id = entry.get("account_id")
    return f"account {account_id}" if isinstance(account_id, str) else f"entry {number} of accounts"


def _known(number: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    known = {_ALIASES.get(name, name): value for name, value in entry.items()}
    unknown = sorted(set(known) - set(VARIABLES.values()))
    if unknown:
        raise InputError([Mistake(f"Cannot use {', '.join(unknown)}", _where(number, entry), "no such option")])
    return known
