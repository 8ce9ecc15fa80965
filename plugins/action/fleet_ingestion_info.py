# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `fleet_ingestion_info`: reads the accounts from the hosts of the batch, waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..module_utils._core.model.account import FIELDS, Account
from ..module_utils._core.model.duration import seconds
from ..module_utils._core.model.errors import SentinelError
from ..module_utils._core.model.ingestion.ingestion import Expected
from ..module_utils._core.model.run_options import HOST_OPTIONS
from ..module_utils._core.options import AWS, AZURE, FLEET_INGESTION, INGESTION, WORKSPACE
from ..module_utils._core.verify import ingestion, results
from ..plugin_utils.batch import BatchAction

SPEC = AWS | AZURE | INGESTION | WORKSPACE | FLEET_INGESTION
# What each host may have for itself beside what every account has.
EXPECTED = {option.variable: option.option for option in HOST_OPTIONS}
VARIABLES = {field.variable: field.option for field in FIELDS} | EXPECTED


class ActionModule(BatchAction):
    """See the documentation of M(trailbridge.sentinel.fleet_ingestion_info)."""

    spec = SPEC
    host_variables = VARIABLES
    host_options = HOST_OPTIONS

    def work(self) -> dict[str, Any]:
        """Query until all accounts have events or the time is over, and return the ingestion status of each."""
        started = datetime.now(UTC)
        batch, options = self.read_hosts(self.task_options)
        verify_options = _verify_options(options)
        self.check_report(options)
        for one in batch.refused:
            self.say(f"failed: [{one.account.name}] {one.error}")
        accounts = [_expected(account, given) for account, given in batch.accounts]
        workspaces = asyncio.run(ingestion.verify(accounts, verify_options, self.say))
        accounts += [ingestion.refused_account(one.account, one.error) for one in batch.refused]
        notes = results.workspace_notes(workspaces)
        lines = results.status_lines(accounts, verbose=self._display.verbosity > 0)
        for line in (*lines, *notes, results.summary_line(accounts)):
            self.say(line)
        header = results.report_header(accounts, started, datetime.now(UTC))
        result = results.task_result(accounts, notes, options["fail_on"], options["max_fail_percentage"])
        try:
            self.report(options, header, map(results.report_row, accounts))
        except SentinelError as error:
            result["failed"], result["msg"] = True, " ".join(filter(None, [result.get("msg"), str(error)]))
        return {**result}


def _expected(account: Account, given: Mapping[str, Any]) -> ingestion.AccountIngestion:
    where = f"host {account.host}"
    stale_after = seconds(given["stale_after"], "sentinel_verify_stale_after", where)
    return ingestion.AccountIngestion(account, Expected(given["allow_silent"], stale_after))


def _verify_options(options: Mapping[str, Any]) -> ingestion.VerifyOptions:
    return ingestion.VerifyOptions(
        lookback=seconds(options["lookback"], "lookback"),
        wait=seconds(options["wait"], "wait"),
        canary=options["canary"],
        role_last_used=options["role_last_used"],
        concurrency=options["concurrency"],
    )
