# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `fleet_ingestion_info`: reads the accounts of the batch, waits for their events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..module_utils._core.model.account import FIELDS
from ..module_utils._core.model.duration import seconds
from ..module_utils._core.model.errors import SentinelError
from ..module_utils._core.model.ingestion.ingestion import Expected
from ..module_utils._core.model.run_options import HOST_OPTIONS
from ..module_utils._core.model.sources import CLOUDTRAIL
from ..module_utils._core.options import AWS_SPEC, AZURE_SPEC, FLEET_INGESTION_SPEC, INGESTION_SPEC, WORKSPACE_SPEC
from ..module_utils._core.run import report_folder
from ..module_utils._core.verify import ingestion, results
from ..module_utils._core.verify.s3_sources import source_notes
from ..plugin_utils.batch import BatchAccount, BatchAction, report_dir

SPEC = AWS_SPEC | AZURE_SPEC | INGESTION_SPEC | WORKSPACE_SPEC | FLEET_INGESTION_SPEC
# Options of a host that are not options of an account.
HOST_OPTION_BY_VARIABLE = {option.variable: option.option for option in HOST_OPTIONS}
VERIFY_OPTION_BY_VARIABLE = {field.variable: field.option for field in FIELDS} | HOST_OPTION_BY_VARIABLE


class ActionModule(BatchAction):
    """See the documentation of M(trailbridge.sentinel.fleet_ingestion_info)."""

    spec = SPEC
    host_variables = VERIFY_OPTION_BY_VARIABLE
    host_options = HOST_OPTIONS

    def execute(self) -> dict[str, Any]:
        """Query until all accounts have events or the time to wait is over, and return the ingestion statuses."""
        started = datetime.now(UTC)
        batch, options = self.read_batch(self.task_options)
        verify_options = _verify_options(options)
        report_folder.check(report_dir(options))
        for one in batch.refused:
            self.console.line(f"failed: [{one.account.name}] {one.error}")
        accounts = [_expected_accounts(one) for one in batch.accounts]
        workspaces = asyncio.run(ingestion.verify(accounts, verify_options, self.console.line))
        for item in accounts:
            self.console.traceback(item.error)
        accounts += [ingestion.refused_account(one.account, one.error) for one in batch.refused]
        notes = [*results.workspace_notes(workspaces), *source_notes(accounts)]
        lines = results.status_lines(accounts, verbose=self.console.verbose)
        for line in (*lines, *notes, results.summary_line(accounts)):
            self.console.line(line)
        header = results.report_header(accounts, started, datetime.now(UTC))
        answer = results.task_result(accounts, notes, options["fail_on"], options["max_fail_percentage"])
        try:
            rows = map(results.report_row, accounts)
            for line in report_folder.write(report_dir(options), header, rows, options["report_name"] or ""):
                self.console.line(line)
        except SentinelError as error:
            answer["failed"], answer["msg"] = True, " ".join(filter(None, [answer.get("msg"), str(error)]))
        return {**answer}


def _expected_accounts(one: BatchAccount) -> ingestion.AccountIngestion:
    where = f"host {one.account.host}"
    stale_after = seconds(one.options["stale_after"], "sentinel_verify_stale_after", where)
    through_s3 = CLOUDTRAIL not in one.account.sources
    return ingestion.AccountIngestion(one.account, Expected(one.options["allow_silent"], stale_after, through_s3))


def _verify_options(options: Mapping[str, Any]) -> ingestion.VerifyOptions:
    return ingestion.VerifyOptions(
        lookback=seconds(options["lookback"], "lookback"),
        wait=seconds(options["wait"], "wait"),
        canary=options["canary"],
        role_last_used=options["role_last_used"],
        concurrency=options["concurrency"],
    )
