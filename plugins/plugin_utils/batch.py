# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions share that work on all hosts of a batch at once, each with its own values of some variables."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, ClassVar

from ansible import constants
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.template import Templar

from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import value as values
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.account import Account, check_whole, parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.text import one_line, visible
from ansible_collections.trailbridge.sentinel.plugins.module_utils.run import report
from ansible_collections.trailbridge.sentinel.plugins.plugin_utils.host_variables import HostVariables, is_plain

Options = dict[str, Any]

# What roles hand over for the whole batch. They are read once, so a host cannot have a value of its own.
OF_THE_RUN = (
    "sentinel_concurrency",
    "sentinel_fail_on",
    "sentinel_find_orphans",
    "sentinel_find_roles",
    "sentinel_max_change_percent",
    "sentinel_max_fail_percentage",
    "sentinel_minimum_accounts",
    "sentinel_offboard_orphans",
    "sentinel_report_dir",
    "sentinel_report_run",
    "sentinel_verify_lookback",
    "sentinel_verify_marker",
    "sentinel_verify_role_last_used",
    "sentinel_verify_wait",
)


class BatchAction(ActionBase):
    """Many accounts in one task: no module process, no connection to a host."""

    # One task for the whole batch; Ansible refuses it under strategies that cannot do that, such as free.
    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _requires_connection = False

    spec: ClassVar[Options]

    def run(self, tmp: Any = None, task_vars: Options | None = None) -> Options:
        """Return the result of the task; errors end it with their class."""
        result: Options = super().run(tmp, task_vars)
        validate: Callable[..., Any] = self.validate_argument_spec
        _validation, options = validate(argument_spec=self.spec)
        try:
            if options["report_run"] is not None:
                values.check("", "report_run", options["report_run"], "report_run")
            return {**result, **visible(self.work(options, task_vars or {}))}
        except SentinelError as error:
            return {**result, "failed": True, "msg": str(error), "error": {"class": error.kind}}
        except AnsibleError as error:
            return {**result, "failed": True, "msg": one_line(str(error)), "error": {"class": "bad_input"}}

    @abstractmethod
    def work(self, options: Options, task_vars: Mapping[str, Any]) -> Options:
        """Do what the task is for. Raises SentinelError and AnsibleError."""

    def hosts(
        self, shared: Options, task_vars: Mapping[str, Any], variables: Mapping[str, str]
    ) -> Iterator[tuple[Account, Options]]:
        """Yield the account of each host of the batch, with all its options: its own, else the `shared` ones.

        A host that is called by twelve digits is the account of that id unless its variables say otherwise.
        """
        for host, own in host_options(self, task_vars, variables):
            given = {**shared, **own}
            if host.isdigit() and len(host) == 12:
                given.setdefault("account_id", host)
            where = f"host {host}"
            account = parse(given, where, host=host, names="variable")
            check_whole(account, where, "variable")
            yield account, given

    def say(self, line: str) -> None:
        """Show a line to the people who watch the run, where no program reads it."""
        self._display.display(one_line(line), stderr=stdout_is_data())

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

    def report(self, options: Options, header: Options, records: Iterable[Any]) -> None:
        """Write the report and say where it is, if one is wanted."""
        if options["report_dir"]:
            where = report.write(Path(options["report_dir"]), header, list(records), options["report_run"] or "")
            self.say(f"Report: {where / 'report.html'}")


@cache
def stdout_is_data() -> bool:
    """Tell whether what goes to stdout is read by a program."""
    callback: str = constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK")
    return callback.endswith(("json", "jsonl"))


def host_options(
    action: ActionBase, task_vars: Mapping[str, Any], variables: Mapping[str, str]
) -> Iterator[tuple[str, Options]]:
    """Yield each host of the batch with its options, by Ansible's precedence of variables.

    `variables` has the option that each variable sets. Raises AnsibleError for a template that cannot be filled.
    """
    hostvars = task_vars["hostvars"]
    known_of = HostVariables(hostvars)
    defaults, above, last = _for_all(action, hostvars, known_of)
    loop = task_vars.get("ansible_loop_var", "")
    last |= {"hostvars": hostvars, **({loop: task_vars[loop]} if loop in task_vars else {})}
    templar = action._templar.copy_with_new_env()  # noqa: SLF001 an action has no other
    first: tuple[str, Options] | None = None
    for host in task_vars["ansible_play_batch"]:
        known = {**defaults, **known_of.raw(host), **above, **known_of.of_run(host), **last}
        first = _check_shared(first, host, known)
        own = {name: known[name] for name in variables if name in known}
        templar.available_variables = known
        filled = _templated(host, own, templar)
        yield host, {variables[name]: value for name, value in filled.items() if value is not None}


def _check_shared(first: tuple[str, Options] | None, host: str, known: Options) -> tuple[str, Options]:
    """Raise bad_input where a host has another value of a variable that counts for the whole run than the first one."""
    own = {name: known[name] for name in OF_THE_RUN if name in known}
    if first is None or own == first[1]:
        return first or (host, own)
    name = next(name for name in OF_THE_RUN if own.get(name) != first[1].get(name))
    raise SentinelError(
        "bad_input",
        f"Cannot use {name}: it counts for the whole run, and the hosts {first[0]} and {host} differ in it; set it for "
        "all, in group_vars/all.yml or by -e.",
    )


def _for_all(action: ActionBase, hostvars: Any, known_of: HostVariables) -> tuple[Options, Options, Options]:
    """Return the variables that are set for all hosts: those that hosts override, those that win over hosts, the last.

    hostvars have inventory, facts and extra variables alone; Ansible's variable manager knows those of play, role
    and task, and without a host it gives no host's own. Parameters of roles and includes, extra and magic variables
    win over what the run itself set for a host ("Understanding variable precedence", Ansible).
    """
    manager = hostvars._variable_manager  # noqa: SLF001 there is no public way
    task = action._task  # noqa: SLF001 there is no public way
    role = task._role  # noqa: SLF001 there is no public way
    found = manager.get_vars(play=task.get_play(), task=task, include_hostvars=False)
    chain = task.get_dep_chain()
    given = role.get_default_vars(dep_chain=chain) if role else {}
    defaults = {name: value for name, value in given.items() if found.get(name) == value}
    above = {name: value for name, value in found.items() if name not in defaults}
    last = {*(role.get_role_params(chain) if role else ()), *task.get_include_params(), *known_of.last}
    return defaults, above, {name: above[name] for name in last if name in above}


def _templated(host: str, own: Options, templar: Templar) -> Options:
    """Fill templates, and decrypt, with the variables of the host itself."""
    plain = {name: value for name, value in own.items() if is_plain(value)}
    if len(plain) == len(own):
        return own
    try:
        filled: Options = templar.template({name: value for name, value in own.items() if name not in plain})
    except AnsibleError as error:
        raise AnsibleError(f"Cannot read the variables of host {host}: {error}") from error
    return plain | filled
