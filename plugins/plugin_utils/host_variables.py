# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of many hosts as Ansible has them, at a fraction of the time: what hosts share is asked for once."""

from __future__ import annotations

from functools import cache
from typing import Any

from ansible import constants
from ansible.inventory.group import Group
from ansible.inventory.host import Host
from ansible.module_utils.datatag import native_type_name
from ansible.playbook.task import Task
from ansible.vars.plugins import get_vars_from_inventory_sources, get_vars_from_path

_FACTS = {"ansible_facts", "ansible_local"}
_SCALARS = {"NoneType", "bool", "int", "float"}
_native = cache(native_type_name)  # also of a value with marks, such as trust


class HostVariables:
    """Answers as `hostvars.raw_get` does; like it, knows no play, no task, and fills no template.

    Ansible's variable manager is asked for each distinct set of groups; only what a host has for itself is laid over
    that here, in Ansible's order. A host for which that is not enough is left to `raw_get`.
    """

    def __init__(self, hostvars: Any) -> None:
        self._hostvars = hostvars
        self._manager = hostvars._variable_manager  # noqa: SLF001 there is no public way
        self._inventory = self._manager._inventory  # noqa: SLF001
        self._loader = self._manager._loader  # noqa: SLF001
        self.merges = constants.config.get_config_value("DEFAULT_HASH_BEHAVIOUR") != "replace"
        # Without host, play and task these are the extra and the magic variables, which win over everything.
        self.last: dict[str, Any] = self._manager.get_vars(include_hostvars=False)
        self.extra: dict[str, Any] = self._manager.extra_vars
        self._of_groups: dict[tuple[Group, ...], dict[str, Any]] = {}

    def raw(self, name: str) -> dict[str, Any]:
        """Return all variables of a host."""
        host = self._inventory.get_host(name)
        own = {**host.get_vars(), **self._of_plugins(host)}
        if self.merges or self._has_facts(name) or not _FACTS.isdisjoint(own):
            raw: dict[str, Any] = self._hostvars.raw_get(name)
            return raw
        return {**self._shared(tuple(host.get_groups())), **own, **self.of_run(name), **self.last}

    def sources(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what a host has by its groups (one object for all such hosts), and for itself or by included files."""
        host = self._inventory.get_host(name)
        included = self._manager._vars_cache.get(name, {})  # noqa: SLF001
        return self._shared(tuple(host.get_groups())), {**host.vars, **self._of_plugins(host), **included}

    def by_ansible(self, name: str, task: Task) -> dict[str, Any]:
        """Return all variables of a host in a task as Ansible itself has them."""
        host = self._inventory.get_host(name)
        found: dict[str, Any] = self._manager.get_vars(
            play=task.get_play(), host=host, task=task, include_hostvars=False
        )
        return found

    def _has_facts(self, name: str) -> bool:
        try:
            return bool(self._manager._fact_cache.get(name))  # noqa: SLF001
        except KeyError:
            return False

    def of_run(self, name: str) -> dict[str, Any]:
        """Return what tasks included, registered and set; with `run_once` they do so for every host."""
        manager = self._manager
        return {**manager._vars_cache.get(name, {}), **manager._nonpersistent_fact_cache.get(name, {})}  # noqa: SLF001

    def _shared(self, groups: tuple[Group, ...]) -> dict[str, Any]:
        """Return what every host of just these groups has, from a host that has nothing else."""
        if groups not in self._of_groups:
            # Vars plugins look for no file of a name with a slash in front.
            host = Host("/nobody")
            host.groups = list(groups)
            self._of_groups[groups] = self._manager.get_vars(host=host, include_hostvars=False)
        return self._of_groups[groups]

    def _of_plugins(self, host: Host) -> dict[str, Any]:
        """Return what vars plugins say of the host itself, from beside the inventory and beside the playbook."""
        sources = self._inventory._sources  # noqa: SLF001
        found: dict[str, Any] = get_vars_from_inventory_sources(self._loader, sources, [host], "task")
        if self._manager.safe_basedir:
            found = {**found, **get_vars_from_path(self._loader, self._loader.get_basedir(), [host], "task")}
        return found


def is_plain(value: Any) -> bool:
    """Tell whether Ansible's templating leaves a value as it is; false where that takes a closer look."""
    match _native(value.__class__):
        case "str":
            return "{" not in value and not value.startswith("#jinja2:")
        case "list":
            return all(map(is_plain, value))
        case "dict":
            return all(map(is_plain, (*value, *value.values())))
        case kind:
            return kind in _SCALARS
