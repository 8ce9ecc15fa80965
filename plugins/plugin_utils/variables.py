# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a task by Ansible's precedence: those of each host, and those of the run, read for localhost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase

from ..module_utils._core.model import validation
from ..module_utils._core.model.errors import InputError, Mistake
from ..module_utils._core.model.run_options import OptionSpec, read_options
from .host_variables import HostVariables, HostVars, is_plain
from .internals import role_of, task_of, templar_of, variable_manager_of
from .templates import TemplateCache

LOCALHOST = "localhost"
# Prefix of the defaults that playbooks set; the same variable without these underscores wins over them.
DEFAULT_PREFIX = "__"


class TaskVariables:
    """The variables of the hosts of a task and of localhost; raises AnsibleError for a template that fails."""

    def __init__(self, action: ActionBase, task_vars: Mapping[str, Any]) -> None:
        self._hostvars = task_vars["hostvars"]
        self._task = task_of(action)
        self.host_variables = HostVariables(self._hostvars)
        self.defaults, self.overrides, self._highest = _by_precedence(self._task, self._hostvars, self.host_variables)
        loop = task_vars.get("ansible_loop_var", "")
        self._task_only = {"hostvars": self._hostvars, **({loop: task_vars[loop]} if loop in task_vars else {})}
        self._highest |= self._task_only
        self._templates = TemplateCache(templar_of(action))
        vars_files = self._task.get_play().get_vars_files()
        self._needs_ansible = self.host_variables.merges_hashes or not is_plain(vars_files)

    @property
    def for_all_hosts(self) -> HostVars:
        """The variables that play, roles, the task and extra variables set, without Ansible's magic variables."""
        magic = self.host_variables.highest.keys() - self.host_variables.extra_vars.keys()
        return {name: value for name, value in {**self.defaults, **self.overrides}.items() if name not in magic}

    @property
    def play(self) -> Any:
        """The play as parsed from YAML."""
        return self._task.get_play().get_ds()

    def raw(self, host: str) -> HostVars:
        """Return all variables that a host has in this task, templates not rendered."""
        if self._needs_ansible:
            # Files whose names depend on the host, and dictionaries that are merged, are resolved host by host.
            return {**self.host_variables.from_ansible(host, self._task), **self._task_only}
        set_by_tasks = self.host_variables.set_by_tasks(host)
        return {**self.defaults, **self.host_variables.raw(host), **self.overrides, **set_by_tasks, **self._highest}

    def rendered(self, host: str, host_vars: HostVars, names: Iterable[str]) -> HostVars:
        """Return those of these variables that a host has, rendered with its own variables, without omitted ones."""
        own = {name: host_vars[name] for name in names if name in host_vars}
        plain = {name: value for name, value in own.items() if is_plain(value)}
        if len(plain) == len(own):
            return own
        try:
            templates = {name: value for name, value in own.items() if name not in plain}
            return plain | self._templates.render(templates, host_vars)
        except AnsibleError as error:
            raise TemplateError(f"Cannot read the variables of host {host}: {error}", host, str(error)) from error


class TemplateError(AnsibleError):
    """A template of a host that cannot be rendered."""

    def __init__(self, message: str, host: str = "", cause: str = "") -> None:
        super().__init__(message)
        self.mistake = Mistake("Cannot read the variables", f"host {host}", cause.rstrip("."))


class RunVariables:
    """The variables that apply to the whole run: read for localhost, else for the accounts, where they must agree.

    Where localhost and an account, or two accounts, have different values, the run is refused.
    """

    def __init__(self, variables: TaskVariables, options: Collection[OptionSpec]) -> None:
        self._variables, self._options = variables, options
        self.names = [option.variable for option in options]
        self._narrowing = {option.variable for option in options if option.narrows}
        self._raw = variables.raw(LOCALHOST)
        self._defaults = variables.rendered(LOCALHOST, self._raw, [DEFAULT_PREFIX + name for name in self.names])
        self._localhost: HostVars = {}
        self._template_errors: dict[str, TemplateError] = {}
        for name in self.names:
            try:
                self._localhost |= self._values(LOCALHOST, self._raw, [name])
            except TemplateError as error:  # it may need variables that only accounts have
                self._template_errors[name] = error
        self._first_account: tuple[str, HostVars] | None = None
        self._conflicts: dict[str, tuple[str, str]] = {}

    def _values(self, host: str, host_vars: HostVars, names: Iterable[str]) -> HostVars:
        """Return the values that are given, and empty ones where leaving them out would widen the run."""
        present = [name for name in names if name in host_vars]
        found = self._variables.rendered(host, host_vars, present)
        return {
            name: found.get(name)
            for name in present
            if name in self._narrowing or not validation.is_blank(found.get(name), "str")
        }

    @property
    def needs_accounts(self) -> bool:
        """Whether localhost lacks a variable that accounts may have."""
        return len(self._localhost) < len(self.names)

    def compare(self, host: str, host_vars: HostVars) -> None:
        """Compare the values of an account with those of localhost and of the first account."""
        own = self._values(host, host_vars, [name for name in self.names if not self._is_inherited(name, host_vars)])
        self._add_conflicts(self._localhost.keys() & own.keys(), (LOCALHOST, self._localhost), (host, own))
        others = {name: value for name, value in own.items() if name not in self._localhost}
        first_host, first = self._first_account = self._first_account or (host, others)
        if others != first:
            self._add_conflicts(first.keys() | others.keys(), (first_host, first), (host, others))

    def _add_conflicts(self, names: Iterable[str], one: tuple[str, HostVars], other: tuple[str, HostVars]) -> None:
        """Add those of these variables that two hosts, each with its values, set differently."""
        for name in names:
            if not _is_equal(one[1].get(name), other[1].get(name)):
                self._conflicts.setdefault(name, (one[0], other[0]))

    def _is_inherited(self, name: str, host_vars: HostVars) -> bool:
        """Whether a host has the value of localhost, and no template in it."""
        return name in self._localhost and host_vars.get(name) == self._raw[name] and is_plain(self._raw[name])

    def read(self) -> dict[str, Any]:
        """Return the options that are given, and the defaults of the playbook; raises InputError with every mistake."""
        mistakes = [_conflict(name, *hosts) for name, hosts in self._conflicts.items()]
        of_accounts = self._first_account[1] if self._first_account else {}
        mistakes += [error.mistake for name, error in self._template_errors.items() if name not in of_accounts]
        defaults = {name.removeprefix(DEFAULT_PREFIX): value for name, value in self._defaults.items()}
        options: dict[str, Any] = {}
        for given in (defaults, self._localhost | of_accounts):
            try:
                options |= read_options(self._options, given)
            except InputError as error:
                mistakes += error.mistakes
        if mistakes:
            raise InputError(mistakes)
        return options


def _conflict(name: str, one: str, other: str) -> Mistake:
    rule = (
        f"it applies to the whole run, and differs between the hosts {one} and {other}; set it for all, in "
        "group_vars/all.yml or by -e"
    )
    return Mistake(f"Cannot use {name}", "", rule)


def _is_equal(one: Any, other: Any) -> bool:
    """Whether two values mean the same, whether written as strings or not."""
    return one == other or str(one) == str(other)


def _by_precedence(task: Task, hostvars: Any, host_variables: HostVariables) -> tuple[HostVars, HostVars, HostVars]:
    """Return the variables of play, role and task: those below host variables, those above them, and the highest.

    hostvars have inventory, facts and extra variables alone; Ansible's variable manager has those of play, role and
    task, and without a host it returns no host variables. Parameters of roles and includes, extra and magic variables
    win over variables that tasks set for a host ("Understanding variable precedence", Ansible).
    """
    manager = variable_manager_of(hostvars)
    found = manager.get_vars(play=task.get_play(), task=task, include_hostvars=False)
    role_defaults, role_params = _of_roles(task)
    defaults = {name: value for name, value in role_defaults.items() if found.get(name) == value}
    overrides = {name: value for name, value in found.items() if name not in defaults}
    highest = {*role_params, *task.get_include_params(), *host_variables.highest}
    return defaults, overrides, {name: overrides[name] for name in highest if name in overrides}


def _of_roles(task: Task) -> tuple[HostVars, HostVars]:
    """Return the defaults of the roles of the play and of the task's own, and the parameters of the task's own."""
    defaults: HostVars = {}
    for play_role in task.get_play().get_roles():
        defaults |= play_role.get_default_vars() if play_role.public else {}
    role = role_of(task)
    if not role:
        return defaults, {}
    chain = task.get_dep_chain()
    return defaults | role.get_default_vars(dep_chain=chain), role.get_role_params(chain)
