# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that depends on internals of ansible-core, which may differ in any release: there is no public API.

`make test-matrix` runs against every supported release.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TextIO

from ansible.inventory.group import Group
from ansible.inventory.host import Host
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.role import Role
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar
from ansible.vars.manager import VariableManager

# ruff: noqa: SLF001


def task_of(action: ActionBase) -> Task:
    """Return the task of an action."""
    return action._task


def templar_of(action: ActionBase) -> Templar:
    """Return a templar like that of an action, whose variables can be replaced."""
    return action._templar.copy_with_new_env()


def environment_of(action: ActionBase) -> dict[str, Any]:
    """Return the environment of the task as Ansible rendered it for one host."""
    found: dict[str, Any] = {}
    action._compute_environment_string(found)
    return found


def inventory_of(hostvars: Any) -> InventoryManager:
    """Return the inventory."""
    found: InventoryManager = hostvars._inventory
    return found


def variable_manager_of(hostvars: Any) -> VariableManager:
    """Return the variable manager, which resolves variables by precedence."""
    found: VariableManager = hostvars._variable_manager
    return found


def loader_of(manager: Any) -> DataLoader:
    """Return the loader of files of a variable manager."""
    found: DataLoader = manager._loader
    return found


def inventory_sources(inventory: InventoryManager) -> list[str]:
    """Return the paths of the inventory."""
    return inventory._sources


def role_of(task: Task) -> Role | None:
    """Return the role that a task belongs to."""
    found: Role | None = task._role
    return found


def included_by_tasks(manager: VariableManager, host: str) -> dict[str, Any]:
    """Return the variables that tasks included for a host."""
    found: dict[str, Any] = manager._vars_cache.get(host, {})
    return found


def set_by_tasks(manager: VariableManager, host: str) -> dict[str, Any]:
    """Return the variables that tasks included, registered and set for a host."""
    return {**included_by_tasks(manager, host), **manager._nonpersistent_fact_cache.get(host, {})}


def has_facts(manager: VariableManager, host: str) -> bool:
    """Whether facts of a host are cached."""
    try:
        return bool(manager._fact_cache.get(host))
    except KeyError:
        return False


def variables_of_groups(manager: VariableManager, groups: tuple[Group, ...]) -> dict[str, Any]:
    """Return the variables of a host of exactly these groups that has none of its own."""
    # Vars plugins look for no file of a name with a slash in front.
    host = Host("/nobody")
    host.groups = list(groups)
    found: dict[str, Any] = manager.get_vars(host=host, include_hostvars=False)
    return found


def lookup_variables(name: str) -> frozenset[str] | None:
    """Return the variables that options of a lookup plugin read by themselves; None for one that cannot be loaded."""
    try:
        plugin = lookup_loader.get(name)
        definitions = plugin.option_definitions
    except Exception:  # noqa: BLE001 it may raise anything at its import; rendering the template reports that
        return None
    return frozenset(entry["name"] for option in definitions.values() for entry in option.get("vars") or ())


def freeze_inherited() -> None:
    """Keep the collector from visiting Ansible's objects: this process was forked for one task, so they stay."""
    gc.freeze()


@contextmanager
def parent_stdout() -> Iterator[TextIO | None]:
    """Open the standard output of Ansible's main process, None where it cannot be opened.

    An action runs in a process of its own, whose messages the main process displays. One that is ending reads no more
    of them, and its standard output is still open.
    """
    try:
        opened: TextIO | None = Path(f"/proc/{os.getppid()}/fd/1").open("a", encoding="utf-8")  # noqa: SIM115 below
    except OSError:
        opened = None
    with opened or nullcontext():
        yield opened
