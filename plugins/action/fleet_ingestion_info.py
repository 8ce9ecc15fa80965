# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `fleet_ingestion_info`: reads the accounts of the batch, waits for their events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..module_utils._core.console.next_step import next_step, recap_line
from ..module_utils._core.model.account import FIELDS
from ..module_utils._core.model.duration import seconds
from ..module_utils._core.model.ingestion.demands import expected_of
from ..module_utils._core.model.report_row import ReportHeader
from ..module_utils._core.model.run_options import HOST_OPTIONS
from ..module_utils._core.options import AWS_SPEC, AZURE_SPEC, FLEET_INGESTION_SPEC, INGESTION_SPEC, WORKSPACE_SPEC
from ..module_utils._core.run import report_folder
from ..module_utils._core.run.signals import handle_signals
from ..module_utils._core.verify import ingestion, results
from ..module_utils._core.verify.interruption import Interruption
from ..module_utils._core.verify.s3_sources import source_notes
from ..plugin_utils.batch import Batch, BatchAccount, BatchAction, report_dir
from ..plugin_utils.console import command_options

SPEC = AWS_SPEC | AZURE_SPEC | INGESTION_SPEC | WORKSPACE_SPEC | FLEET_INGESTION_SPEC
# Options of a host that are not options of an account.
HOST_OPTION_BY_VARIABLE = {option.variable: option.option for option in HOST_OPTIONS}
VERIFY_OPTION_BY_VARIABLE = {field.variable: field.option for field in FIELDS} | HOST_OPTION_BY_VARIABLE


class ActionModule(BatchAction):
    """See the documentation of M(trailbridge.sentinel.fleet_ingestion_info)."""

    spec = SPEC
    host_variables = VERIFY_OPTION_BY_VARIABLE
    host_options = HOST_OPTIONS
    _is_waiting = False

    def execute(self) -> dict[str, Any]:
        """Query until all accounts have events or the time to wait is over, and return the ingestion statuses."""
        with self.console.outliving_parent():
            return asyncio.run(self._run())

    async def _run(self) -> dict[str, Any]:
        """Verify until a signal ends the wait; then the accounts are evaluated by the last answer."""
        self._interruption = Interruption()
        with handle_signals(self._interrupt):
            return await self._verify()

    def _interrupt(self, reason: str) -> None:
        self.console.ending()
        self._interruption.interrupt(reason)

    def _announce_wait(self, accounts: int, wait: int) -> None:
        if line := results.wait_line(accounts, wait):
            self.console.line(line)

    def _report_interruption(self, header: ReportHeader, answer: results.VerifyResult) -> None:
        if error := self._interruption.error:
            self.console.line("The wait was ended: the results are those of the last answer.")
            header["interrupted"] = answer["msg"] = str(error)
            answer["failed"], answer["error"] = True, {"class": error.kind}

    def _display_refused(self, batch: Batch) -> None:
        for one in batch.refused:
            self.console.line(f"failed: [{one.account.name}] {one.error}")

    async def _verify(self) -> dict[str, Any]:
        started = datetime.now(UTC)
        batch, options = self.read_batch(self.task_options)
        verify_options = _verify_options(options)
        report_folder.check(report_dir(options))
        self._display_refused(batch)
        accounts = [_expected_accounts(one) for one in batch.accounts]
        self._announce_wait(len(accounts), verify_options.wait)
        workspaces = await ingestion.verify(
            accounts, verify_options, self._display_progress, interruption=self._interruption
        )
        for item in accounts:
            self.console.traceback(item.error)
        accounts += _refused_accounts(batch)
        notes = [*results.workspace_notes(workspaces), *source_notes(accounts)]
        lines = results.status_lines(accounts, verbose=self.console.verbose)
        for line in (*lines, *notes, results.summary_line(accounts)):
            self.console.line(line)
        header = results.report_header(accounts, started, datetime.now(UTC))
        header["limit"] = self.task_vars.get("ansible_limit") or ""
        results.add_workspaces(header, workspaces)
        verbose, max_percent = self.console.verbose, options["max_fail_percentage"]
        answer = results.task_result(accounts, notes, options["fail_on"], max_percent, verbose=verbose)
        self._report_interruption(header, answer)
        if why := self.write_report(options, header, map(results.report_row, accounts)):
            answer["failed"], answer["msg"] = True, " ".join(filter(None, [answer.get("msg"), why]))
        self._display_last_lines(answer)
        return {**answer}

    def status(self, elapsed: float) -> str:
        """Return the line for a first query that takes long; the pauses are announced."""
        return "" if self._is_waiting else super().status(elapsed)

    def _display_progress(self, line: str) -> None:
        self._is_waiting = True
        self.console.line(line)

    def _display_last_lines(self, answer: results.VerifyResult) -> None:
        if answer["failures"]:
            self.console.line(next_step("verify", command_options(), answer["summary"], check_mode=False))
        if line := recap_line(self.task_vars["inventory_hostname"], answer["summary"]["accounts"]):
            self.console.line(line)


def _expected_accounts(one: BatchAccount) -> ingestion.AccountIngestion:
    where = f"host {one.account.host}"
    stale_after = seconds(one.options["stale_after"], "sentinel_verify_stale_after", where)
    expected = expected_of(one.account.sources, allow_silent=one.options["allow_silent"], stale_after=stale_after)
    return ingestion.AccountIngestion(one.account, expected)


def _refused_accounts(batch: Batch) -> list[ingestion.AccountIngestion]:
    """Return one result for each account that several hosts have."""
    first = {one.account.account_id: one for one in reversed(batch.refused)}
    return [ingestion.refused_account(one.account, one.error) for one in first.values()]


def _verify_options(options: Mapping[str, Any]) -> ingestion.VerifyOptions:
    return ingestion.VerifyOptions(
        lookback=seconds(options["lookback"], "lookback"),
        wait=seconds(options["wait"], "wait"),
        canary=options["canary"],
        role_last_used=options["role_last_used"],
        concurrency=options["concurrency"],
    )
