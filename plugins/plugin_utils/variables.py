# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a task by Ansible's precedence: those of each host, and those of the run as localhost has them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase

from ..module_utils._core.model import validation
from ..module_utils._core.model.errors import InputError, Mistake
from ..module_utils._core.model.run_options import OptionSpec, read_options
from .host_variables import HostVariables, is_plain
from .templates import Templates

Known = dict[str, Any]
LOCALHOST = "localhost"
# What playbooks set for themselves, and every variable without these underscores wins over.
DEFAULT = "__"


class Variables:
    """Answers for the hosts of a task and for localhost; raises AnsibleError for a template that cannot be filled."""

    def __init__(self, action: ActionBase, task_vars: Mapping[str, Any]) -> None:
        self._hostvars = task_vars["hostvars"]
        self._task = action._task  # noqa: SLF001 there is no public way
        self.known_of = HostVariables(self._hostvars)
        self.defaults, self.above, self._last = _for_all(self._task, self._hostvars, self.known_of)
        loop = task_vars.get("ansible_loop_var", "")
        self._of_task = {"hostvars": self._hostvars, **({loop: task_vars[loop]} if loop in task_vars else {})}
        self._last |= self._of_task
        self._templates = Templates(action._templar.copy_with_new_env())  # noqa: SLF001 an action has no other
        self._by_ansible = self.known_of.merges or not is_plain(self._task.get_play().get_vars_files())

    @property
    def for_all(self) -> Known:
        """What play, roles, the task and extra variables set, without what Ansible itself knows."""
        magic = self.known_of.last.keys() - self.known_of.extra.keys()
        return {name: value for name, value in {**self.defaults, **self.above}.items() if name not in magic}

    @property
    def play(self) -> Any:
        """The play as it is written."""
        return self._task.get_play().get_ds()

    def raw(self, host: str) -> Known:
        """Return all variables that a host has in this task, templates as they are."""
        if self._by_ansible:
            # Files whose names a host decides, and dictionaries that are merged: one host after the other.
            return {**self.known_of.by_ansible(host, self._task), **self._of_task}
        of_run = self.known_of.of_run(host)
        return {**self.defaults, **self.known_of.raw(host), **self.above, **of_run, **self._last}

    def filled(self, host: str, known: Known, names: Iterable[str]) -> Known:
        """Return those of these variables that a host has, filled by its own variables; what is omitted is left out."""
        own = {name: known[name] for name in names if name in known}
        plain = {name: value for name, value in own.items() if is_plain(value)}
        if len(plain) == len(own):
            return own
        try:
            return plain | self._templates.fill({name: own[name] for name in own if name not in plain}, known)
        except AnsibleError as error:
            raise UnfilledError(f"Cannot read the variables of host {host}: {error}", host, str(error)) from error


class UnfilledError(AnsibleError):
    """A template of a host that cannot be filled."""

    def __init__(self, message: str, host: str = "", cause: str = "") -> None:
        super().__init__(message)
        self.mistake = Mistake("Cannot read the variables", f"host {host}", cause.rstrip("."))


class RunVariables:
    """The variables that count for the whole run: as localhost has them, else as all accounts have them.

    Where localhost has a value and an account another one, or two accounts differ, nobody can say which was meant.
    """

    def __init__(self, variables: Variables, options: Collection[OptionSpec]) -> None:
        self._variables, self._options = variables, options
        self.names = [option.variable for option in options]
        self._narrowing = {option.variable for option in options if option.narrows}
        self._raw = variables.raw(LOCALHOST)
        self._defaults = variables.filled(LOCALHOST, self._raw, [DEFAULT + name for name in self.names])
        self._own: Known = {}
        self._unfilled: dict[str, UnfilledError] = {}
        for name in self.names:
            try:
                self._own |= self._values(LOCALHOST, self._raw, [name])
            except UnfilledError as error:  # it may need what only accounts have
                self._unfilled[name] = error
        self._first: tuple[str, Known] | None = None
        self._differing: dict[str, tuple[str, str]] = {}

    def _values(self, host: str, known: Known, names: Iterable[str]) -> Known:
        """Return what is given, and what is there but empty where that would widen the run."""
        wanted = [name for name in names if name in known]
        found = self._variables.filled(host, known, wanted)
        return {
            name: found.get(name)
            for name in wanted
            if name in self._narrowing or not validation.is_blank(found.get(name), "str")
        }

    @property
    def is_open(self) -> bool:
        """Whether accounts may have what localhost has not."""
        return len(self._own) < len(self.names)

    def see(self, host: str, known: Known) -> None:
        """Compare what an account has with localhost, and with the first account."""
        own = self._values(host, known, [name for name in self.names if not self._is_same_text(name, known)])
        for name in self._own.keys() & own.keys():
            if not _same(own[name], self._own[name]):
                self._differing.setdefault(name, (LOCALHOST, host))
        open_names = {name: value for name, value in own.items() if name not in self._own}
        self._first = self._first or (host, open_names)
        if open_names != self._first[1]:
            for name in open_names.keys() | self._first[1].keys():
                if not _same(open_names.get(name), self._first[1].get(name)):
                    self._differing.setdefault(name, (self._first[0], host))

    def _is_same_text(self, name: str, known: Known) -> bool:
        """Whether a host has just what localhost has, which no template fills in another way."""
        return name in self._own and known.get(name) == self._raw[name] and is_plain(self._raw[name])

    def read(self) -> dict[str, Any]:
        """Return the options that are given, and the defaults of the playbook; raises InputError with every mistake."""
        mistakes = [_differing(name, *hosts) for name, hosts in self._differing.items()]
        of_accounts = self._first[1] if self._first else {}
        mistakes += [error.mistake for name, error in self._unfilled.items() if name not in of_accounts]
        defaults = {name.removeprefix(DEFAULT): value for name, value in self._defaults.items()}
        options: dict[str, Any] = {}
        for given in (defaults, self._own | of_accounts):
            try:
                options |= read_options(self._options, given)
            except InputError as error:
                mistakes += error.mistakes
        if mistakes:
            raise InputError(mistakes)
        return options


def _differing(name: str, one: str, other: str) -> Mistake:
    rule = (
        f"it counts for the whole run, and the hosts {one} and {other} differ in it; set it for all, in "
        "group_vars/all.yml or by -e"
    )
    return Mistake(f"Cannot use {name}", "", rule)


def _same(one: Any, other: Any) -> bool:
    """Whether two values mean the same, whether written as texts or not."""
    return one == other or str(one) == str(other)


def _for_all(task: Task, hostvars: Any, known_of: HostVariables) -> tuple[Known, Known, Known]:
    """Return the variables that are set for all hosts: those that hosts override, those that win over hosts, the last.

    hostvars have inventory, facts and extra variables alone; Ansible's variable manager knows those of play, role
    and task, and without a host it gives no host's own. Parameters of roles and includes, extra and magic variables
    win over what the run itself set for a host ("Understanding variable precedence", Ansible).
    """
    manager, play = hostvars._variable_manager, task.get_play()  # noqa: SLF001 there is no public way
    role = task._role  # noqa: SLF001 there is no public way
    found = manager.get_vars(play=play, task=task, include_hostvars=False)
    chain = task.get_dep_chain()
    given: Known = {}
    for one in play.get_roles():
        given |= one.get_default_vars() if one.public else {}
    given |= role.get_default_vars(dep_chain=chain) if role else {}
    defaults = {name: value for name, value in given.items() if found.get(name) == value}
    above = {name: value for name, value in found.items() if name not in defaults}
    last = {*(role.get_role_params(chain) if role else ()), *task.get_include_params(), *known_of.last}
    return defaults, above, {name: above[name] for name in last if name in above}
