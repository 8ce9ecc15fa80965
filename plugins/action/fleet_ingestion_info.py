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
        """Look until all accounts have events or the time to wait is over, and return the verdicts."""
        started = datetime.now(UTC)
        batch, options = self.read_hosts(self.task_options)
        order = _order(options)
        self.check_report(options)
        for one in batch.refused:
            self.say(f"failed: [{one.account.name}] {one.error}")
        watched = [_watched(account, given) for account, given in batch.accounts]
        found = asyncio.run(ingestion.verify(watched, order, self.say))
        watched += [ingestion.refused(one.account, one.error) for one in batch.refused]
        notes = results.notes(found)
        for line in (*results.lines(watched, verbose=self._display.verbosity > 0), *notes, results.numbers(watched)):
            self.say(line)
        header = results.header(watched, started, datetime.now(UTC))
        result = results.result(watched, notes, options["fail_on"], options["max_fail_percentage"])
        try:
            self.report(options, header, map(results.record, watched))
        except SentinelError as error:
            result |= {"failed": True, "msg": " ".join(filter(None, [result.get("msg"), str(error)]))}
        return result


def _watched(account: Account, given: Mapping[str, Any]) -> ingestion.Watched:
    where = f"host {account.host}"
    stale_after = seconds(given["stale_after"], "sentinel_verify_stale_after", where)
    return ingestion.Watched(account, Expected(given["allow_silent"], stale_after))


def _order(options: Mapping[str, Any]) -> ingestion.Order:
    return ingestion.Order(
        lookback=seconds(options["lookback"], "lookback"),
        wait=seconds(options["wait"], "wait"),
        canary=options["canary"],
        role_last_used=options["role_last_used"],
        concurrency=options["concurrency"],
    )
