# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `fleet_ingestion_info`: reads the accounts from the hosts of the batch, waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import value as values
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.account import FIELDS, check_whole, parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.duration import seconds
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.ingestion import Expected
from ansible_collections.trailbridge.sentinel.plugins.module_utils.options import (
    AWS,
    AZURE,
    FLEET_INGESTION,
    INGESTION,
    WORKSPACE,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils.run import ingestion, report, verdicts
from ansible_collections.trailbridge.sentinel.plugins.plugin_utils.batch import host_options

SPEC = AWS | AZURE | INGESTION | WORKSPACE | FLEET_INGESTION
# What each host may have for itself beside what every account has.
EXPECTED = {"sentinel_verify_quiet": "quiet", "sentinel_verify_stale_after": "stale_after"}
VARIABLES = {field.variable: field.option for field in FIELDS} | EXPECTED


class ActionModule(ActionBase):
    """Many accounts in one task: no module process, no connection to a host."""

    # One task for the whole batch; Ansible refuses it under strategies that cannot do that, such as free.
    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the task; see the documentation of M(trailbridge.sentinel.fleet_ingestion_info)."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        validate: Callable[..., Any] = self.validate_argument_spec
        _validation, options = validate(argument_spec=SPEC)
        try:
            return {**result, **self._verify(options, task_vars or {})}
        except SentinelError as error:
            return {**result, "failed": True, "msg": str(error), "error": {"class": error.kind}}
        except AnsibleError as error:
            return {**result, "failed": True, "msg": str(error), "error": {"class": "bad_input"}}

    def _verify(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        started = datetime.now().astimezone()
        order = _order(options)
        if options["report_run"] is not None:
            values.check("", "report_run", options["report_run"], "report_run")
        watched = list(self._watched(options, task_vars))
        found = asyncio.run(ingestion.verify(watched, order, self._say))
        notes = verdicts.notes(found)
        for line in (*verdicts.lines(watched, verbose=self._display.verbosity > 0), *notes, verdicts.numbers(watched)):
            self._say(line)
        if options["report_dir"]:
            header = verdicts.header(watched, started, datetime.now().astimezone())
            records = [verdicts.record(item) for item in watched]
            where = report.write(Path(options["report_dir"]), header, records, options["report_run"] or "")
            self._say(f"Report: {where / 'report.html'}")
        return verdicts.result(watched, notes, options["fail_on"], options["max_fail_percentage"])

    def _watched(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Iterator[ingestion.Watched]:
        shared = {name: value for name, value in options.items() if value is not None}
        for host, own in host_options(self, task_vars, VARIABLES):
            given, where = {**shared, **own}, f"host {host}"
            if host.isdigit() and len(host) == 12:
                given.setdefault("account_id", host)
            account = parse(given, where, host=host, names="variable")
            check_whole(account, where, "variable")
            stale_after = seconds(given["stale_after"], "sentinel_verify_stale_after", where)
            yield ingestion.Watched(account, Expected(_quiet(given["quiet"], where), stale_after))

    def _say(self, line: str) -> None:
        callback: str = constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK")
        # What goes to stdout may be read by a program.
        self._display.display(line, stderr=callback.endswith(("json", "jsonl")))


def _order(options: Mapping[str, Any]) -> ingestion.Order:
    values.check("", "concurrency", options["concurrency"], "concurrency")
    values.check("", "max_fail_percentage", options["max_fail_percentage"], "percent")
    return ingestion.Order(
        lookback=seconds(options["lookback"], "lookback"),
        wait=seconds(options["wait"], "wait"),
        marker=options["marker"],
        role_last_used=options["role_last_used"],
        concurrency=options["concurrency"],
    )


def _quiet(value: Any, where: str) -> bool:
    try:
        return bool(boolean(value))
    except TypeError as error:
        text = f"Cannot use sentinel_verify_quiet {value!r} of {where}: it must be true or false."
        raise SentinelError("bad_input", text) from error
