# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of a batch for an action that works on all of them at once: each with its values of some variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.template import Templar

from ansible_collections.trailbridge.sentinel.plugins.plugin_utils.host_variables import HostVariables, is_plain

Options = dict[str, Any]


def host_options(
    action: ActionBase, task_vars: Mapping[str, Any], variables: Mapping[str, str]
) -> Iterator[tuple[str, Options]]:
    """Yield each host of the batch with its options, by Ansible's precedence of variables.

    `variables` has the option that each variable sets. Raises AnsibleError for a template that cannot be filled.
    """
    hostvars = task_vars["hostvars"]
    defaults, above = _for_all(action, hostvars)
    known_of = HostVariables(hostvars)
    templar = action._templar.copy_with_new_env()  # noqa: SLF001 an action has no other
    for host in task_vars["ansible_play_batch"]:
        known = {**defaults, **known_of.raw(host), **above, "hostvars": hostvars}
        own = {name: known[name] for name in variables if name in known}
        templar.available_variables = known
        filled = _templated(host, own, templar)
        yield host, {variables[name]: value for name, value in filled.items() if value is not None}


def _for_all(action: ActionBase, hostvars: Any) -> tuple[Options, Options]:
    """Return the variables that are set for all hosts: those that hosts override, and those that win over hosts.

    hostvars have inventory, facts and extra variables alone; Ansible's variable manager knows those of play, role
    and task, and without a host it gives no host's own.
    """
    manager = hostvars._variable_manager  # noqa: SLF001 there is no public way
    task = action._task  # noqa: SLF001 there is no public way
    role = task._role  # noqa: SLF001 there is no public way
    found = manager.get_vars(play=task.get_play(), task=task, include_hostvars=False)
    given = role.get_default_vars(dep_chain=task.get_dep_chain()) if role else {}
    defaults = {name: value for name, value in given.items() if found.get(name) == value}
    return defaults, {name: value for name, value in found.items() if name not in defaults}


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
