# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of the actions: options from the task and from variables, accounts of a batch, errors as results."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ..module_utils._core.model import validation
from ..module_utils._core.model.account import FIELDS, Account, Field, missing, parse
from ..module_utils._core.model.errors import InputError, Mistake, SentinelError
from ..module_utils._core.model.report_row import AccountRow, ReportHeader
from ..module_utils._core.model.run_options import RUN_OPTIONS, OptionSpec, read_option
from ..module_utils._core.model.text import one_line, visible
from ..module_utils._core.run import report_folder
from ..module_utils._core.run.unexpected import unexpected_error
from .console import TaskConsole, stdout_is_data
from .environment import task_environment
from .failed_result import sentences, shortened, without_displayed
from .play_accounts import ACCOUNT_ID, LOCAL_HOSTS, PlayAccounts, count_accounts, duplicates, host_account_id
from .unknown_variables import find_unknown
from .variables import LOCALHOST, RunVariables, TaskVariables, TemplateError

Options = dict[str, Any]
FIELD_BY_OPTION = {field.option: field for field in FIELDS}
# These identify a single account, so localhost sets them for none.
SINGLE_ACCOUNT_OPTIONS = ("account_id", "account_joined", "account_name", "ou_path")


class RefusedAccount(NamedTuple):
    """An account that the run does not work on, and the reason."""

    account: Account
    error: SentinelError


class BatchAccount(NamedTuple):
    """An account of the batch, and the options of its host, by name."""

    account: Account
    options: Options


@dataclass(slots=True)
class Batch:
    """The accounts of a batch, and those that are refused."""

    accounts: list[BatchAccount] = field(default_factory=list)
    refused: list[RefusedAccount] = field(default_factory=list)


class SentinelAction(ActionBase):
    """One task for the whole batch, or for the run: no module process, no connection to a host."""

    # Ansible refuses such a task under strategies that cannot run it once for the batch, such as free.
    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _requires_connection = False

    spec: ClassVar[Options]
    run_options: ClassVar[Collection[OptionSpec]] = RUN_OPTIONS

    task_vars: Mapping[str, Any]
    variables: TaskVariables
    accounts: PlayAccounts

    def run(self, tmp: Any = None, task_vars: Options | None = None) -> Options:
        """Return the result of the task; errors fail it with their class."""
        result: Options = super().run(tmp, task_vars)
        self.task_vars = task_vars or {}
        self.console.log_requests()
        with self.console.reporting(self.status):
            result |= self._execute()
        if stdout_is_data() or not result.get("failed"):
            return result
        for sentence in sentences(result["msg"]):
            self.console.line(f"failed: {sentence}")
        return {**without_displayed(result), "msg": shortened(result["msg"])}

    def _execute(self) -> Options:
        try:
            self.variables = TaskVariables(self, self.task_vars)
            self.accounts = PlayAccounts(self.variables, self.task_vars)
            with task_environment(self, self.variables, self.task_vars):
                executed: Options = visible(self.execute())
                return executed
        except TemplateError as error:
            return {"failed": True, "msg": str(InputError([error.mistake])), "error": {"class": "bad_input"}}
        except SentinelError as error:
            return self._failure(error)
        except AnsibleError as error:
            return {"failed": True, "msg": one_line(str(error)), "error": {"class": "bad_input"}}
        except Exception as error:  # noqa: BLE001 Ansible would show it without class, and its causes with all secrets
            return self._failure(unexpected_error(f"run {self._task.action}", error))

    def _failure(self, error: SentinelError) -> Options:
        self.console.traceback(error)
        return {"failed": True, "msg": str(error), "error": {"class": error.kind}}

    def status(self, elapsed: float) -> str:
        """Return the line to display when there was none for some seconds, `elapsed` seconds after the beginning."""
        return f"{elapsed:.0f} s: {self._task.action} is still working."

    @cached_property
    def console(self) -> TaskConsole:
        """The output of the task."""
        return TaskConsole(self._display, diff=self._task.diff)

    @abstractmethod
    def execute(self) -> Options:
        """Execute the task and return its result; raises SentinelError and AnsibleError."""

    def run_variables(self) -> RunVariables:
        """Return the variables of the options of the run that this action has."""
        return RunVariables(self.variables, [option for option in self.run_options if option.option in self.spec])

    @cached_property
    def task_options(self) -> Options:
        """The options that the task itself gives, without variables; raises AnsibleError, InputError."""
        return self.validate_options({})

    def validate_options(self, variables: Mapping[str, Any]) -> Options:
        """Return the options of the task, overridden by variables; raises AnsibleError, InputError."""
        for option in self.run_options:
            if option.narrows and option.option in self._task.args:
                read_option(option, self._task.args[option.option], name=option.option)
        given = {
            name: value for name, value in self._task.args.items() if name == "accounts" or is_option_given(name, value)
        }
        result = ArgumentSpecValidator(self.spec).validate({**given, **variables})
        if result.error_messages:
            raise AnsibleError(f"Cannot use the options of {self._task.action}: {' '.join(result.error_messages)}")
        validated: Options = result.validated_parameters
        return validated

    def option_mistakes(self, options: Options) -> list[Mistake]:
        """Return the mistakes in options of the run that the task itself gives."""
        mistakes: list[Mistake] = []
        for option in self.run_options:
            if option.option in self._task.args and options.get(option.option) is not None:
                try:
                    read_option(option, options[option.option], name=option.option)
                except InputError as error:
                    mistakes += error.mistakes
        return mistakes

    def read_run_options(self) -> Options:
        """Return the options of the run, for a task that works on no host; raises InputError with every mistake."""
        variables, mistakes = self.run_variables(), self.check_variable_names([LOCALHOST])
        if variables.needs_accounts:
            accounts = self.accounts.ids(self.accounts.matched("all"))
            for host in accounts:
                variables.compare(host, self.variables.raw(host))
            mistakes += self.check_variable_names(list(accounts), variables.names)
        return self._read_or_raise(variables, mistakes + self.option_mistakes(self.task_options))

    @staticmethod
    def _read_or_raise(variables: RunVariables, mistakes: list[Mistake]) -> Options:
        """Return the options of the run; raises InputError with these mistakes and its own."""
        options: Options = {}
        try:
            options = variables.read()
        except InputError as error:
            mistakes += error.mistakes
        if mistakes:
            raise InputError(mistakes)
        return options

    def read_localhost_options(self, fields: Iterable[Field]) -> Options:
        """Return the options of accounts that the variables of localhost set for all of them."""
        host_vars = self.variables.raw(LOCALHOST)
        options = {field.variable: field.option for field in fields if field.option not in SINGLE_ACCOUNT_OPTIONS}
        rendered = self.variables.rendered(LOCALHOST, host_vars, options)
        found = {options[variable]: value for variable, value in rendered.items()}
        return {option: value for option, value in found.items() if is_option_given(option, value)}

    def check_variable_names(self, hosts: Collection[str], only: Collection[str] | None = None) -> list[Mistake]:
        """Warn of unknown variables; returns as mistakes those whose probable option is not given.

        `only` restricts the check to misspellings of these variables, for hosts that the task does not work on.
        """
        given = {
            name: value
            for name, value in self.task_options.items()
            if name in self.spec and self._is_given_by_task(name)
        }
        unknown = find_unknown(self.variables, hosts, self.accounts.matched("all"), given, only)
        for warning in unknown.warnings:
            self.console.warning(warning)
        return unknown.mistakes

    def _is_given_by_task(self, option: str) -> bool:
        """Whether the task itself gives an option, by its name or an alias."""
        names = (option, *self.spec[option].get("aliases", ()))
        return any(is_option_given(option, self._task.args.get(name)) for name in names)


class BatchAction(SentinelAction):
    """Many accounts in one task: the hosts of the batch, each with its own values of some variables."""

    host_variables: ClassVar[Mapping[str, str]]
    """The option that each variable of a host sets."""
    host_options: ClassVar[Collection[OptionSpec]] = ()
    """Those of them that are not options of an account."""

    def write_report(self, options: Options, header: ReportHeader, rows: Iterable[AccountRow]) -> str:
        """Write the report, if a folder is given; return why it cannot be written, else an empty string."""
        try:
            for line in report_folder.write(report_dir(options), header, rows, options["report_name"] or ""):
                self.console.line(line)
        except SentinelError as error:
            return str(error)
        return ""

    def read_batch(self, options: Options, *, whole_inventory: bool = False) -> tuple[Batch, Options]:
        """Return the accounts of the batch, and the options with those of the run; raises InputError for all mistakes.

        Two hosts of the same account are both refused: hosts of the play's pattern, or with `whole_inventory` of the
        inventory, independent of the limit.
        """
        variables = self.run_variables()
        batch, by_host, mistakes = self.read_hosts(options, variables)
        mistakes = [*chain.from_iterable(by_host.values()), *mistakes]
        options = self.validate_options(self._read_or_raise(variables, mistakes))
        return self.refuse_duplicates(batch, whole_inventory=whole_inventory), options

    def read_hosts(
        self, options: Options, variables: RunVariables
    ) -> tuple[Batch, dict[str, Sequence[Mistake]], list[Mistake]]:
        """Return the accounts of the batch, the mistakes of each host that is none, and those of the whole run."""
        batch, by_host = Batch(), dict[str, Sequence[Mistake]]()
        hosts = self._without_local_hosts(self.task_vars["ansible_play_batch"])
        for host in hosts:
            host_vars = self.variables.raw(host)
            try:
                variables.compare(host, host_vars)
                own = self.variables.rendered(host, host_vars, self.host_variables)
                batch.accounts.append(self._read_account(host, options, own))
            except TemplateError as error:
                by_host[host] = [error.mistake]
            except InputError as error:
                by_host[host] = error.mistakes
        return batch, by_host, [*self.option_mistakes(options), *self.check_variable_names(hosts)]

    def _without_local_hosts(self, hosts: Iterable[str]) -> list[str]:
        if local := [host for host in hosts if host in LOCAL_HOSTS]:
            self.console.line(f"{', '.join(local)}: skipped, the control node is no AWS account.")
        return [host for host in hosts if host not in LOCAL_HOSTS]

    def _read_account(self, host: str, options: Options, own: Mapping[str, Any]) -> BatchAccount:
        """Return the account of a host by its own values, else by those of the task."""
        where = f"host {host}"
        if not host_account_id(host, own.get(ACCOUNT_ID)):
            rule = (
                f"{ACCOUNT_ID} is not given; set it, name the host by its 12 digits, or exclude the host by "
                "sentinel_hosts or --limit"
            )
            raise InputError([Mistake("Cannot work", where, rule, " on ")])
        given = {name: options[name] for name in self.host_variables.values() if options.get(name) is not None}
        own = {self.host_variables[name]: value for name, value in own.items()}
        given |= {"account_id": host, **{name: value for name, value in own.items() if is_option_given(name, value)}}
        mistakes = [*self._read_host_options(own, given, where), *missing(given, where, "variable")]
        try:
            account = parse(given, where, host=host, names="variable")
        except InputError as error:
            raise InputError([*error.mistakes, *mistakes]) from None
        if mistakes:
            raise InputError(mistakes)
        self.accounts.set_id(host, account.account_id)
        return BatchAccount(account, given)

    def _read_host_options(self, own: Mapping[str, Any], given: Options, where: str) -> list[Mistake]:
        """Add to `given` the options of a host that are not options of an account; returns the mistakes in them."""
        mistakes: list[Mistake] = []
        for option in self.host_options:
            try:
                value = read_option(option, own.get(option.option), where)
            except InputError as error:
                mistakes += error.mistakes
            else:
                given |= {} if value is None else {option.option: value}
        return mistakes

    def refuse_duplicates(self, batch: Batch, *, whole_inventory: bool) -> Batch:
        """Return the batch with all hosts of an account refused if there are several."""
        matched = self.accounts.matched("all") if whole_inventory else self.accounts.hosts_of_play(self._task)
        by_id = duplicates(self.accounts.ids({*matched, *(one.account.host for one in batch.accounts)}))
        if not by_id:
            return batch
        found = Batch()
        for one in batch.accounts:
            account_id = one.account.account_id
            if account_id in by_id:
                found.refused.append(RefusedAccount(one.account, _duplicate_error(one.account, by_id[account_id])))
            else:
                found.accounts.append(one)
        return found

    def count_play_accounts(self) -> int:
        """Return the number of accounts of the play's pattern, independent of the limit."""
        return count_accounts(self.accounts.ids(self.accounts.hosts_of_play(self._task)))


def report_dir(options: Options) -> Path | None:
    """Return the folder of reports, None if none is wanted."""
    return Path(options["report_dir"]) if options["report_dir"] else None


def is_option_given(option: str, value: Any) -> bool:
    """Whether a value of an option of an account counts as given."""
    field = FIELD_BY_OPTION.get(option)
    return validation.is_given(value, field.type if field else "str", empty_counts=bool(field and field.empty_counts))


def _duplicate_error(account: Account, hosts: Iterable[str]) -> SentinelError:
    rule = f"the hosts {' and '.join(sorted(hosts))} are the same account; list each account once"
    return InputError([Mistake("Cannot work", f"AWS account {account.account_id}", rule, " on ")])
