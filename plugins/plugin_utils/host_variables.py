# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of many hosts as Ansible resolves them, at a fraction of the time: shared ones are resolved once."""

from __future__ import annotations

from functools import cache
from typing import Any

from ansible import constants
from ansible.inventory.group import Group
from ansible.inventory.host import Host
from ansible.module_utils.datatag import native_type_name
from ansible.playbook.task import Task
from ansible.vars.plugins import get_vars_from_inventory_sources, get_vars_from_path

from . import internals

HostVars = dict[str, Any]
_FACTS = {"ansible_facts", "ansible_local"}
_SCALARS = {"NoneType", "bool", "int", "float"}
_native_type = cache(native_type_name)  # also of a tagged value, such as a trusted template


class HostVariables:
    """The same variables as `hostvars.raw_get`: without those of play and task, and not templated.

    Ansible's variable manager is called once for each distinct set of groups; the variables of a single host are merged
    in here, in Ansible's order. A host for which that does not suffice is read by `raw_get`.
    """

    def __init__(self, hostvars: Any) -> None:
        self._hostvars = hostvars
        self._manager = internals.variable_manager_of(hostvars)
        self._inventory = internals.inventory_of(hostvars)
        self._loader = internals.loader_of(self._manager)
        self.merges_hashes = constants.config.get_config_value("DEFAULT_HASH_BEHAVIOUR") != "replace"
        # Without host, play and task these are the extra and the magic variables, which win over everything.
        self.highest: HostVars = self._manager.get_vars(include_hostvars=False)
        self.extra_vars: HostVars = self._manager.extra_vars
        self._cached_group_vars: dict[tuple[Group, ...], HostVars] = {}

    def raw(self, name: str) -> HostVars:
        """Return all variables of a host."""
        host = self._inventory.get_host(name)
        own = {**host.get_vars(), **self._from_vars_plugins(host)}
        if self.merges_hashes or internals.has_facts(self._manager, name) or not _FACTS.isdisjoint(own):
            raw: HostVars = self._hostvars.raw_get(name)
            return raw
        return {**self._group_vars(tuple(host.get_groups())), **own, **self.set_by_tasks(name), **self.highest}

    def sources(self, name: str) -> tuple[HostVars, HostVars]:
        """Return the variables of a host's groups (one object for all such hosts), and its own or included ones."""
        host = self._inventory.get_host(name)
        return self._group_vars(tuple(host.get_groups())), {
            **host.vars,
            **self._from_vars_plugins(host),
            **internals.included_by_tasks(self._manager, name),
        }

    def from_ansible(self, name: str, task: Task) -> HostVars:
        """Return all variables of a host in a task, resolved by Ansible itself."""
        host = self._inventory.get_host(name)
        found: HostVars = self._manager.get_vars(play=task.get_play(), host=host, task=task, include_hostvars=False)
        return found

    def set_by_tasks(self, name: str) -> HostVars:
        """Return the variables that tasks included, registered and set; with `run_once` they do so for every host."""
        return internals.set_by_tasks(self._manager, name)

    def _group_vars(self, groups: tuple[Group, ...]) -> HostVars:
        """Return the variables of every host of exactly these groups."""
        if groups not in self._cached_group_vars:
            self._cached_group_vars[groups] = internals.variables_of_groups(self._manager, groups)
        return self._cached_group_vars[groups]

    def _from_vars_plugins(self, host: Host) -> HostVars:
        """Return the variables of vars plugins for the host itself, from beside the inventory and the playbook."""
        sources = internals.inventory_sources(self._inventory)
        found: HostVars = get_vars_from_inventory_sources(self._loader, sources, [host], "task")
        if self._manager.safe_basedir:
            found = {**found, **get_vars_from_path(self._loader, self._loader.get_basedir(), [host], "task")}
        return found


def is_plain(value: Any) -> bool:
    """Whether Ansible's templating returns a value unchanged; false where that would take a closer look."""
    match _native_type(value.__class__):
        case "str":
            return "{" not in value and not value.startswith("#jinja2:")
        case "list":
            return all(map(is_plain, value))
        case "dict":
            return all(map(is_plain, (*value, *value.values())))
        case kind:
            return kind in _SCALARS
