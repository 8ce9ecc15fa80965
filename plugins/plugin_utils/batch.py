# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions share: options from the task and from variables, the accounts of a batch, lines and the report."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, ClassVar, NamedTuple

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ..module_utils._core.model import validation
from ..module_utils._core.model.account import FIELDS, Account, Field, missing, parse
from ..module_utils._core.model.errors import InputError, Mistake, SentinelError
from ..module_utils._core.model.report_row import AccountRow, ReportHeader
from ..module_utils._core.model.run_options import RUN_OPTIONS, RunOption, read
from ..module_utils._core.model.text import one_line, visible
from ..module_utils._core.report import report
from . import unknown_variables
from .environment import environment_of
from .play_accounts import ACCOUNT_ID, LOCAL, PlayAccounts, account_of, count, shared
from .variables import LOCALHOST, RunVariables, UnfilledError, Variables

Options = dict[str, Any]
FIELD_OF = {field.option: field for field in FIELDS}
# What says which account one is, and where it is: of none else.
OF_ONE_ACCOUNT = ("account_id", "account_joined", "ou_path")


class Refused(NamedTuple):
    """An account that is not worked on, and why."""

    account: Account
    error: SentinelError


@dataclass(slots=True)
class Batch:
    """The accounts of a batch with all their options, and those that are refused."""

    accounts: list[tuple[Account, Options]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


class SentinelAction(ActionBase):
    """One task for the whole batch, or for the run: no module process, no connection to a host."""

    # Ansible refuses such a task under strategies that cannot run it once for the batch, such as free.
    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _requires_connection = False

    spec: ClassVar[Options]
    run_options: ClassVar[Collection[RunOption]] = RUN_OPTIONS

    task_vars: Mapping[str, Any]
    variables: Variables
    accounts: PlayAccounts

    def run(self, tmp: Any = None, task_vars: Options | None = None) -> Options:
        """Return the result of the task; errors end it with their class."""
        result: Options = super().run(tmp, task_vars)
        self.task_vars = task_vars or {}
        try:
            self.variables = Variables(self, self.task_vars)
            self.accounts = PlayAccounts(self.variables, self.task_vars)
            with environment_of(self, self.variables, self.task_vars):
                return {**result, **visible(self.work())}
        except UnfilledError as error:
            return {**result, "failed": True, "msg": str(InputError([error.mistake])), "error": {"class": "bad_input"}}
        except SentinelError as error:
            return {**result, "failed": True, "msg": str(error), "error": {"class": error.kind}}
        except AnsibleError as error:
            return {**result, "failed": True, "msg": one_line(str(error)), "error": {"class": "bad_input"}}

    @abstractmethod
    def work(self) -> Options:
        """Do what the task is for. Raises SentinelError and AnsibleError."""

    def of_the_run(self) -> RunVariables:
        """Return the variables of the options of the run that this action has."""
        return RunVariables(self.variables, [one for one in self.run_options if one.option in self.spec])

    @cached_property
    def task_options(self) -> Options:
        """The options as the task gives them, without variables; raises AnsibleError, InputError."""
        return self.validated({})

    def validated(self, variables: Mapping[str, Any]) -> Options:
        """Return the options of the task, with those of variables over them; raises AnsibleError, InputError."""
        for option in self.run_options:
            if option.narrows and option.option in self._task.args:
                read(option, self._task.args[option.option], name=option.option)
        given = {name: value for name, value in self._task.args.items() if name == "accounts" or is_given(name, value)}
        result = ArgumentSpecValidator(self.spec).validate({**given, **variables})
        if result.error_messages:
            raise AnsibleError(f"Cannot use the options of {self._task.action}: {' '.join(result.error_messages)}")
        validated: Options = result.validated_parameters
        return validated

    def rule_mistakes(self, options: Options) -> list[Mistake]:
        """Return what is wrong with options of the run that the task itself gives."""
        mistakes: list[Mistake] = []
        for option in self.run_options:
            if option.option in self._task.args and options.get(option.option) is not None:
                try:
                    read(option, options[option.option], name=option.option)
                except InputError as error:
                    mistakes += error.mistakes
        return mistakes

    def read_run(self) -> Options:
        """Return the options of the run of a task that works on no host; raises InputError with every mistake."""
        run, mistakes = self.of_the_run(), self.check_names([LOCALHOST])
        if run.is_open:
            accounts = self.accounts.ids(self.accounts.matched("all"))
            for host in accounts:
                run.see(host, self.variables.raw(host))
            mistakes += self.check_names(list(accounts), run.names)
        return self._read(run, mistakes + self.rule_mistakes(self.task_options))

    @staticmethod
    def _read(run: RunVariables, mistakes: list[Mistake]) -> Options:
        """Return the options of the run; raises InputError with these mistakes and its own."""
        options: Options = {}
        try:
            options = run.read()
        except InputError as error:
            mistakes += error.mistakes
        if mistakes:
            raise InputError(mistakes)
        return options

    def of_localhost(self, fields: Iterable[Field]) -> Options:
        """Return the options of an account that the variables of localhost set for all of them."""
        known = self.variables.raw(LOCALHOST)
        options = {field.variable: field.option for field in fields if field.option not in OF_ONE_ACCOUNT}
        found = {options[name]: value for name, value in self.variables.filled(LOCALHOST, known, options).items()}
        return {option: value for option, value in found.items() if is_given(option, value)}

    def check_names(self, hosts: Collection[str], of_run: Collection[str] | None = None) -> list[Mistake]:
        """Warn of variables that nobody reads; returns those where an option was meant that is not given.

        Where the hosts are not worked on, only the variables `of_run` can be meant.
        """
        given = {
            name: value for name, value in self.task_options.items() if name in self.spec and self._is_of_task(name)
        }
        found = unknown_variables.find(self.variables, hosts, self.accounts.matched("all"), given, of_run)
        for warning in found.warnings:
            self._display.warning(one_line(warning))
        return found.mistakes

    def _is_of_task(self, option: str) -> bool:
        """Whether the task itself gives an option, by its name or another name of it."""
        names = (option, *self.spec[option].get("aliases", ()))
        return any(is_given(option, self._task.args.get(name)) for name in names)

    def say(self, line: str) -> None:
        """Show a line to the people who watch the run, where no program reads it."""
        self._display.display(one_line(line), stderr=stdout_is_data())


class BatchAction(SentinelAction):
    """Many accounts in one task: the hosts of the batch, each with its own values of some variables."""

    host_variables: ClassVar[Mapping[str, str]]
    """The option that each variable of a host sets."""
    host_options: ClassVar[Collection[RunOption]] = ()
    """Those of them that are no part of an account."""

    def read_hosts(self, options: Options, *, everywhere: bool = False) -> tuple[Batch, Options]:
        """Return the accounts of the batch, and the options with those of the run; raises InputError for all mistakes.

        Where two hosts are one account, both are refused: hosts of the play's pattern, or with `everywhere` of the
        inventory, whatever the limit.
        """
        run, batch, mistakes = self.of_the_run(), Batch(), self.rule_mistakes(options)
        hosts = self._without_local(self.task_vars["ansible_play_batch"])
        for host in hosts:
            known = self.variables.raw(host)
            try:
                run.see(host, known)
                own = self.variables.filled(host, known, self.host_variables)
                batch.accounts.append(self._account(host, options, own))
            except UnfilledError as error:
                mistakes.append(error.mistake)
            except InputError as error:
                mistakes += error.mistakes
        mistakes += self.check_names(hosts)
        options = self.validated(self._read(run, mistakes))
        return self._without_shared(batch, everywhere=everywhere), options

    def _without_local(self, hosts: Iterable[str]) -> list[str]:
        if local := [host for host in hosts if host in LOCAL]:
            self.say(f"{', '.join(local)}: left out, this machine is no AWS account.")
        return [host for host in hosts if host not in LOCAL]

    def _account(self, host: str, options: Options, own: Mapping[str, Any]) -> tuple[Account, Options]:
        """Return the account of a host by its own values, else by those of the task."""
        where = f"host {host}"
        if not account_of(host, own.get(ACCOUNT_ID)):
            rule = (
                f"{ACCOUNT_ID} is not given; set it, name the host by its 12 digits, or leave the host out by "
                "sentinel_hosts or --limit"
            )
            raise InputError([Mistake("Cannot work", where, rule, " on ")])
        given = {name: options[name] for name in self.host_variables.values() if options.get(name) is not None}
        own = {self.host_variables[name]: value for name, value in own.items()}
        given |= {"account_id": host, **{name: value for name, value in own.items() if is_given(name, value)}}
        mistakes = [*self._of_host(own, given, where), *missing(given, where, "variable")]
        try:
            account = parse(given, where, host=host, names="variable")
        except InputError as error:
            raise InputError([*error.mistakes, *mistakes]) from None
        if mistakes:
            raise InputError(mistakes)
        self.accounts.learn(host, account.account_id)
        return account, given

    def _of_host(self, own: Mapping[str, Any], given: Options, where: str) -> list[Mistake]:
        """Read the options that are no part of an account; returns what is wrong with them."""
        mistakes: list[Mistake] = []
        for option in self.host_options:
            try:
                value = read(option, own.get(option.option), where)
            except InputError as error:
                mistakes += error.mistakes
            else:
                given |= {} if value is None else {option.option: value}
        return mistakes

    def _without_shared(self, batch: Batch, *, everywhere: bool) -> Batch:
        matched = self.accounts.matched("all") if everywhere else self.accounts.of_play(self._task)
        by_id = shared(self.accounts.ids({*matched, *(account.host for account, _given in batch.accounts)}))
        if not by_id:
            return batch
        found = Batch()
        for account, given in batch.accounts:
            if account.account_id in by_id:
                found.refused.append(Refused(account, _is_shared(account, by_id[account.account_id])))
            else:
                found.accounts.append((account, given))
        return found

    def accounts_of_play(self) -> int:
        """Return how many accounts the play's pattern has, whatever the limit."""
        return count(self.accounts.ids(self.accounts.of_play(self._task)))

    def check_report(self, options: Options) -> None:
        """Raise bad_input where no report can be written."""
        if options["report_dir"]:
            folder = Path(options["report_dir"])
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                TemporaryFile(dir=folder).close()
            except OSError as error:
                why = f"Cannot write into {folder} (report_dir): {error.strerror}."
                raise SentinelError("bad_input", why) from error

    def report(self, options: Options, header: ReportHeader, rows: Iterable[AccountRow]) -> None:
        """Write the report and say where it is, if one is wanted."""
        if options["report_dir"]:
            where = report.write(Path(options["report_dir"]), header, list(rows), options["report_name"] or "")
            self.say(f"Report: {where / 'report.html'}")


def is_given(option: str, value: Any) -> bool:
    """Whether a value of an option of an account counts."""
    one = FIELD_OF.get(option)
    return validation.is_given(value, one.type if one else "str", empty_counts=bool(one and one.empty_counts))


def _is_shared(account: Account, hosts: Iterable[str]) -> SentinelError:
    why = f"the hosts {' and '.join(sorted(hosts))} are the same account; list each account once"
    return InputError([Mistake("Cannot work", f"AWS account {account.account_id}", why, " on ")])


@cache
def stdout_is_data() -> bool:
    """Tell whether what goes to stdout is read by a program."""
    callback: str = constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK")
    return callback.endswith(("json", "jsonl"))
