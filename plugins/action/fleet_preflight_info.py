# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `fleet_preflight_info`: reads the accounts of the batch, and checks what a run needs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from ..module_utils._core.model.account import FIELDS, Account
from ..module_utils._core.model.errors import InputError
from ..module_utils._core.model.prerequisites import Checked, Prerequisites, Problem
from ..module_utils._core.model.run_options import HOST_OPTIONS, RUN_OPTIONS
from ..module_utils._core.options import AWS_SPEC, AZURE_SPEC, FLEET_PREFLIGHT_SPEC, WORKSPACE_SPEC
from ..module_utils._core.run import prerequisites, prerequisites_result, report_folder
from ..plugin_utils.batch import BatchAction, Options, report_dir
from ..plugin_utils.play_accounts import is_account_id
from ..plugin_utils.variables import RunVariables

SPEC = AWS_SPEC | AZURE_SPEC | WORKSPACE_SPEC | FLEET_PREFLIGHT_SPEC
OPTION_BY_VARIABLE = {field.variable: field.option for field in FIELDS}
PREFLIGHT_OPTION_BY_VARIABLE = OPTION_BY_VARIABLE | {option.variable: option.option for option in HOST_OPTIONS}


class ActionModule(BatchAction):
    """See the documentation of M(trailbridge.sentinel.fleet_preflight_info)."""

    spec = SPEC
    host_variables = PREFLIGHT_OPTION_BY_VARIABLE
    host_options = HOST_OPTIONS

    def execute(self) -> dict[str, Any]:
        """Check everything, and return all problems."""
        started, found = datetime.now(UTC), Prerequisites(run=prerequisites.package_problems())
        options, accounts = self._read(found)
        report_folder.check(report_dir(options))
        asyncio.run(prerequisites.check(accounts, found, options["concurrency"], self.console.line))
        for problem in found:
            self.console.traceback(problem.error)
        for line in prerequisites_result.lines(found, verbose=self.console.verbose):
            self.console.line(line)
        max_percent, verbose = options["max_fail_percentage"], self.console.verbose
        answer = prerequisites_result.task_result(found, max_percent, verbose=verbose)
        header = prerequisites_result.report_header(found, started, self.task_vars.get("ansible_limit") or "")
        if why := self.write_report(options, header, prerequisites_result.report_rows(found)):
            answer["failed"], answer["msg"] = True, " ".join(filter(None, [answer.get("msg"), why]))
        return answer

    def _read(self, found: Prerequisites) -> tuple[Options, list[Account]]:
        """Return options and accounts, and add what is wrong with inventory and variables to `found`."""
        variables = RunVariables(self.variables, RUN_OPTIONS)
        batch, by_host, mistakes = self.read_hosts(self.task_options, variables)
        try:
            given = variables.read()
        except InputError as error:
            given = {}
            mistakes += error.mistakes
        options = self.validate_options({name: value for name, value in given.items() if name in self.spec})
        found.run += [Problem("inventory", InputError(mistakes))] if mistakes else []
        ids = self.accounts.ids(by_host)
        for host, mistakes_of_host in by_host.items():
            account_id = ids[host] if is_account_id(ids.get(host, "")) else ""
            found.hosts.append(Problem("inventory", InputError(mistakes_of_host), account_id, host))
        batch = self.refuse_duplicates(batch, whole_inventory=False)
        for one in batch.refused:
            found.accounts.append(Checked(one.account, [Problem("inventory", one.error, one.account.account_id)]))
        return options, [one.account for one in batch.accounts]
