# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keyword `environment` of play, block and task, for an action that works in Ansible's own process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils._core.model.errors import InputError, Mistake
from .host_variables import is_plain
from .play_accounts import LOCAL
from .variables import Variables

# Stands for the whole environment where that is one template.
_WHOLE = "__sentinel_environment"


@contextmanager
def environment_of(action: ActionBase, variables: Variables, task_vars: Mapping[str, Any]) -> Iterator[None]:
    """Set the environment of the task, and take it back; Ansible starts a process for each task, so no other sees it.

    Raises InputError where hosts differ in it: the whole batch is one task.
    """
    wanted = _agreed(action, variables, task_vars)
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _agreed(action: ActionBase, variables: Variables, task_vars: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, Any] = {}
    action._compute_environment_string(found)  # noqa: SLF001 there is no public way
    # Ansible has filled that of the task for one host, and keeps what is written among the variables.
    parts = task_vars.get("environment") or []
    accounts = [host for host in task_vars["ansible_play_batch"] if host not in LOCAL]
    if accounts and not is_plain(parts):
        _check(parts, variables, accounts)
    return {name: str(value) for name, value in found.items()}


def _check(parts: Any, variables: Variables, hosts: Sequence[str]) -> None:
    """Raise InputError where the templates give another value for one host than for the first."""
    first: Any = None
    for host in hosts:
        filled = variables.filled(host, variables.raw(host) | {_WHOLE: parts}, [_WHOLE])[_WHOLE]
        first = filled if first is None else first
        if filled != first:
            rule = (
                f"the hosts {hosts[0]} and {host} differ in it, and all accounts are worked on in one task; give "
                "credentials by account in variables, such as sentinel_aws_profile"
            )
            raise InputError([Mistake("Cannot use environment", "the task", rule)])
