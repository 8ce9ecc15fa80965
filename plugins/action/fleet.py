# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `fleet`: reads the accounts of the batch and the options of the run, and runs a session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible import constants

from ..module_utils._core.model import sources
from ..module_utils._core.model.account import FIELDS, Account, check_complete, check_workspace, parse
from ..module_utils._core.model.account_result import AccountReport, AccountResult
from ..module_utils._core.model.errors import InputError, Mistake
from ..module_utils._core.options import AWS_SPEC, AZURE_SPEC, FLEET_ROLE_SPEC, FLEET_SPEC, STATE_SPEC, WORKSPACE_SPEC
from ..module_utils._core.run import fleet
from ..module_utils._core.run.session import Session, SessionOptions
from ..plugin_utils.batch import BatchAction, Options, RefusedAccount, is_option_given, report_dir
from ..plugin_utils.console import command_options
from ..plugin_utils.internals import freeze_inherited

SPEC = AWS_SPEC | AZURE_SPEC | WORKSPACE_SPEC | FLEET_ROLE_SPEC | FLEET_SPEC | STATE_SPEC
OPTION_BY_VARIABLE = {field.variable: field.option for field in FIELDS}
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
    _session: Session | None = None

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the task."""
        freeze_inherited()
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
        self._session = self._new_session(accounts, refused, run_options, options)
        with self.console.outliving_parent():
            return asyncio.run(self._session.run())

    def status(self, elapsed: float) -> str:
        """Return the progress of the run."""
        return self._session.status(elapsed) if self._session else super().status(elapsed)

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
            read_accounts={} if max_change is None else self._count_read_accounts(options, accounts),
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

    def _count_read_accounts(self, options: Mapping[str, Any], accounts: Sequence[Account]) -> dict[str, int]:
        """Return how many accounts are read through the S3 connection of an account, by the ids of those that have one.

        They are the accounts of the play, independent of the limit, that list no source.
        """
        holders = [one for one in accounts if any(map(sources.feeds_other_accounts, one.sources))]
        if not holders:
            return {}
        if options["accounts"] is None:
            members = sum(map(self._lists_no_source, self.accounts.hosts_of_play(self._task)))
        else:
            members = sum(not one.sources for one in accounts)
        return {one.account_id: members + 1 for one in holders}

    def _lists_no_source(self, host: str) -> bool:
        name = next(variable for variable, option in OPTION_BY_VARIABLE.items() if option == "sources")
        found = self.variables.rendered(host, self.variables.raw(host), [name]).get(name, self.task_options["sources"])
        return isinstance(found, list) and not found

    def _workspace_account(self, options: Mapping[str, Any]) -> Account | None:
        """Return the workspace and the credentials to look for orphans with when there are no accounts."""
        if _orphan_handling(options) == "ignore":
            return None
        account = parse(self._shared_options(options), "", names="variable")
        check_workspace(account, "accounts that are closed or left", "variable")
        return account

    def _new_session(
        self, accounts: list[Account], refused: list[RefusedAccount], run_options: fleet.RunOptions, options: Options
    ) -> Session:
        # Playbooks that share a role with others set their name.
        playbook = self.task_vars.get("__sentinel_playbook") or ("offboard" if run_options.absent else "onboard")
        session_options = SessionOptions(
            playbook=playbook,
            home=Path(constants.config.get_config_value("ANSIBLE_HOME"), "trailbridge.sentinel"),
            fail_on=options["fail_on"],
            max_fail_percentage=options["max_fail_percentage"],
            report_dir=report_dir(options),
            report_name=options["report_name"] or "",
            task_host=self.task_vars["inventory_hostname"],
            command_options=command_options(),
            limit=self.task_vars.get("ansible_limit") or "",
        )
        results = list(_refused_results(refused, check_mode=run_options.check_mode))
        return Session(accounts, results, run_options, session_options, self.console)


def _refused_results(refused: Iterable[RefusedAccount], *, check_mode: bool) -> Iterator[AccountResult]:
    for one in refused:
        yield AccountResult(one.account, AccountReport(), one.error, check_mode=check_mode)


def _orphan_handling(options: Mapping[str, Any]) -> str:
    # Without accounts, removing orphans is all that the task can do.
    if options["state"] == "absent" and (options["offboard_orphans"] or options["accounts"] == []):
        return "remove"
    return "report" if options["find_orphans"] else "ignore"


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
