# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a task by Ansible's precedence: those of each host, and those of the run as localhost has them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import value as values
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import InputError, Mistake
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.run_option import RunOption, read_all
from ansible_collections.trailbridge.sentinel.plugins.plugin_utils.host_variables import HostVariables, is_plain

Known = dict[str, Any]
LOCALHOST = "localhost"
# What playbooks set for themselves, and every variable without these underscores wins over.
DEFAULT = "__"


class Variables:
    """Answers for the hosts of a task and for localhost; raises AnsibleError for a template that cannot be filled."""

    def __init__(self, action: ActionBase, task_vars: Mapping[str, Any]) -> None:
        self._hostvars = task_vars["hostvars"]
        self.known_of = HostVariables(self._hostvars)
        self.defaults, self.above, self._last = _for_all(action, self._hostvars, self.known_of)
        loop = task_vars.get("ansible_loop_var", "")
        self._last |= {"hostvars": self._hostvars, **({loop: task_vars[loop]} if loop in task_vars else {})}
        self._templar = action._templar.copy_with_new_env()  # noqa: SLF001 an action has no other

    @property
    def for_all(self) -> Known:
        """What play, roles, the task and extra variables set, without what Ansible itself knows."""
        magic = self.known_of.last.keys() - self.known_of.extra.keys()
        return {name: value for name, value in {**self.defaults, **self.above}.items() if name not in magic}

    def raw(self, host: str) -> Known:
        """Return all variables that a host has in this task, templates as they are."""
        of_run = self.known_of.of_run(host)
        return {**self.defaults, **self.known_of.raw(host), **self.above, **of_run, **self._last}

    def filled(self, host: str, known: Known, names: Iterable[str]) -> Known:
        """Return those of these variables that a host has, filled by its own variables."""
        own = {name: known[name] for name in names if name in known}
        plain = {name: value for name, value in own.items() if is_plain(value)}
        if len(plain) == len(own):
            return own
        self._templar.available_variables = known
        try:
            found: Known = self._templar.template({name: value for name, value in own.items() if name not in plain})
        except AnsibleError as error:
            raise AnsibleError(f"Cannot read the variables of host {host}: {error}") from error
        return plain | found


class RunVariables:
    """The variables that count for the whole run: as localhost has them, else as all accounts have them.

    Where localhost has a value and an account another one, or two accounts differ, nobody can say which was meant.
    """

    def __init__(self, variables: Variables, options: Collection[RunOption]) -> None:
        self._variables, self._options = variables, options
        self._names = [option.variable for option in options]
        self._raw = variables.raw(LOCALHOST)
        self._defaults = variables.filled(LOCALHOST, self._raw, [DEFAULT + name for name in self._names])
        self._own: Known = {}
        for name in self._names:
            # A template may need what only accounts have.
            with suppress(AnsibleError):
                self._own |= variables.filled(LOCALHOST, self._raw, [name])
        self._given = {name for name, value in self._own.items() if not values.is_blank(value, "str")}
        self._first: tuple[str, Known] | None = None
        self._differing: dict[str, tuple[str, str]] = {}

    @property
    def is_open(self) -> bool:
        """Whether accounts may have what localhost has not."""
        return len(self._given) < len(self._names)

    def see(self, host: str, known: Known) -> None:
        """Compare what an account has with localhost, and with the first account."""
        names = [name for name in self._names if not (name in self._given and known.get(name) == self._raw[name])]
        own = self._variables.filled(host, known, names)
        own = {name: value for name, value in own.items() if not values.is_blank(value, "str")}
        for name in self._given & own.keys():
            if not _same(own[name], self._own[name]):
                self._differing.setdefault(name, (LOCALHOST, host))
        open_names = {name: value for name, value in own.items() if name not in self._given}
        self._first = self._first or (host, open_names)
        if open_names != self._first[1]:
            for name in open_names.keys() | self._first[1].keys():
                if not _same(open_names.get(name), self._first[1].get(name)):
                    self._differing.setdefault(name, (self._first[0], host))

    def read(self) -> dict[str, Any]:
        """Return the options that are given, and the defaults of the playbook; raises InputError with every mistake."""
        if self._differing:
            raise InputError([_differing(name, *hosts) for name, hosts in self._differing.items()])
        defaults = {name.removeprefix(DEFAULT): value for name, value in self._defaults.items()}
        given = self._own | (self._first[1] if self._first else {})
        return read_all(self._options, defaults) | read_all(self._options, given)


def _differing(name: str, one: str, other: str) -> Mistake:
    rule = (
        f"it counts for the whole run, and the hosts {one} and {other} differ in it; set it for all, in "
        "group_vars/all.yml or by -e"
    )
    return Mistake(f"Cannot use {name}", "", rule)


def _same(one: Any, other: Any) -> bool:
    """Whether two values mean the same, whether written as texts or not."""
    return one == other or str(one) == str(other)


def _for_all(action: ActionBase, hostvars: Any, known_of: HostVariables) -> tuple[Known, Known, Known]:
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
