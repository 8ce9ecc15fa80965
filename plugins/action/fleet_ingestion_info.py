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
from ..module_utils._core.options import AWS, AZURE, FLEET_INGESTION, INGESTION, WORKSPACE
from ..module_utils._core.verify import ingestion, results
from ..plugin_utils.batch import BatchAccount, BatchAction

SPEC = AWS | AZURE | INGESTION | WORKSPACE | FLEET_INGESTION
# Options of a host that are not options of an account.
HOST_OPTION_BY_VARIABLE = {option.variable: option.option for option in HOST_OPTIONS}
OPTION_BY_VARIABLE = {field.variable: field.option for field in FIELDS} | HOST_OPTION_BY_VARIABLE


class ActionModule(BatchAction):
    """See the documentation of M(trailbridge.sentinel.fleet_ingestion_info)."""

    spec = SPEC
    host_variables = OPTION_BY_VARIABLE
    host_options = HOST_OPTIONS

    def execute(self) -> dict[str, Any]:
        """Query until all accounts have events or the time to wait is over, and return the ingestion statuses."""
        started = datetime.now(UTC)
        batch, options = self.read_batch(self.task_options)
        run_options = _run_options(options)
        self.check_report_dir(options)
        for one in batch.refused:
            self.display_line(f"failed: [{one.account.name}] {one.error}")
        watched = [_watched(one) for one in batch.accounts]
        found = asyncio.run(ingestion.verify(watched, run_options, self.display_line))
        watched += [ingestion.refused(one.account, one.error) for one in batch.refused]
        notes = results.notes(found)
        for line in (*results.lines(watched, verbose=self._display.verbosity > 0), *notes, results.numbers(watched)):
            self.display_line(line)
        header = results.header(watched, started, datetime.now(UTC))
        result = results.result(watched, notes, options["fail_on"], options["max_fail_percentage"])
        try:
            self.write_report(options, header, map(results.record, watched))
        except SentinelError as error:
            result["failed"], result["msg"] = True, " ".join(filter(None, [result.get("msg"), str(error)]))
        return {**result}


def _watched(one: BatchAccount) -> ingestion.Watched:
    where = f"host {one.account.host}"
    stale_after = seconds(one.options["stale_after"], "sentinel_verify_stale_after", where)
    return ingestion.Watched(one.account, Expected(one.options["allow_silent"], stale_after))


def _run_options(options: Mapping[str, Any]) -> ingestion.Order:
    return ingestion.Order(
        lookback=seconds(options["lookback"], "lookback"),
        wait=seconds(options["wait"], "wait"),
        canary=options["canary"],
        role_last_used=options["role_last_used"],
        concurrency=options["concurrency"],
    )
