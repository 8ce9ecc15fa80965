# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run an action in this process, with Ansible's own inventory, variables, play and task, a hundred times as fast."""

from __future__ import annotations

from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.template import Templar, trust_as_template
from ansible.utils.vars import load_extra_vars
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.trailbridge.sentinel.plugins.plugin_utils import batch as batches
from tests.faults.engine import short_pauses

Hosts = dict[str, dict[str, Any] | None]
# A connection to no host.
NO_CONNECTION = SimpleNamespace(_shell=SimpleNamespace(tmpdir="", env_prefix=dict))
ACTIONS = "ansible_collections.trailbridge.sentinel.plugins.action"


class Ran(dict[str, Any]):
    """The result of an action."""

    @property
    def kind(self) -> str | None:
        """The class of its error."""
        error: dict[str, str] = self.get("error") or {}
        return error.get("class")


def trusted(value: Any) -> Any:
    """Trust strings as templates, as Ansible does for playbooks, inventories and the command line."""
    if isinstance(value, dict):
        return {trusted(key): trusted(one) for key, one in value.items()}
    if isinstance(value, list):
        return [trusted(one) for one in value]
    return trust_as_template(value) if isinstance(value, str) else value


def act(
    folder: Path,
    name: str,
    inventory: dict[str, Any],
    *,
    args: dict[str, Any] | None = None,
    play: dict[str, Any] | None = None,
    task: dict[str, Any] | None = None,
    extra: dict[str, Any] | None = None,
    limit: str = "",
    batch: list[str] | None = None,
) -> Ran:
    """Run the action of that name as a task of a play on all hosts, or on `play`'s; `inventory` is a YAML inventory."""
    source = folder / "accounts.yml"
    source.write_text(yaml.safe_dump({"all": inventory}))
    with patch.object(load_extra_vars, "extra_vars", trusted(extra or {}), create=True):
        loader = DataLoader()
        loader.set_basedir(str(folder))
        hosts = InventoryManager(loader=loader, sources=[str(source)])
        manager = VariableManager(loader=loader, inventory=hosts)
    hosts.subset(limit or None)
    # The name of the action does not matter; collections are not found in this process.
    tasks = [{"debug": args or {}, **(task or {})}]
    written = trusted({"hosts": "all", "gather_facts": False, **(play or {}), "tasks": tasks})
    loaded = Play.load(written, variable_manager=manager, loader=loader)
    one = loaded.get_tasks()[0][0]
    every = [host.get_name() for host in hosts.get_hosts(loaded.hosts)]
    hostvars = HostVars(inventory=hosts, variable_manager=manager, loader=loader)
    first = hosts.get_host((batch or every or ["localhost"])[0])
    known = manager.get_vars(play=loaded, host=first, task=one) | {"hostvars": hostvars}
    known |= {"ansible_play_batch": batch or every, "ansible_play_hosts_all": every}
    templar = Templar(loader=loader, variables=known)
    # As Ansible passes a task to an action: rendered for its host.
    one.environment = templar.template(one.environment)
    action = import_module(f"{ACTIONS}.{name}").ActionModule(
        one, NO_CONNECTION, SimpleNamespace(), loader, templar, None
    )
    # A program reads the result, so it is whole also if the action fails. One without requests needs no emulators.
    whole = patch.object(batches, "stdout_is_data", return_value=True)
    with whole, nullcontext() if name == "fleet_check" else short_pauses():
        return Ran(action.run(task_vars=known))
