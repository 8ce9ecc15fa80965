# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keyword `environment` of play, block and task, for an action that runs in Ansible's own process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils._core.model.errors import InputError, Mistake
from .host_variables import is_plain
from .internals import environment_of
from .play_accounts import LOCAL_HOSTS
from .variables import TaskVariables

# The whole environment as one variable, since it may be one template.
_ENVIRONMENT = "__sentinel_environment"


@contextmanager
def task_environment(action: ActionBase, variables: TaskVariables, task_vars: Mapping[str, Any]) -> Iterator[None]:
    """Set the environment of the task and restore it; Ansible starts a process for each task, so no other sees it.

    Raises InputError where it differs between hosts, since one task works on the whole batch.
    """
    environment = _rendered_environment(action, variables, task_vars)
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _rendered_environment(action: ActionBase, variables: TaskVariables, task_vars: Mapping[str, Any]) -> dict[str, str]:
    found = environment_of(action)
    # Ansible has rendered that of the task for one host, and keeps the templates among the variables.
    parts = task_vars.get("environment") or []
    accounts = [host for host in task_vars["ansible_play_batch"] if host not in LOCAL_HOSTS]
    if accounts and not is_plain(parts):
        _require_equal(parts, variables, accounts)
    return {name: str(value) for name, value in found.items()}


def _require_equal(parts: Any, variables: TaskVariables, hosts: Sequence[str]) -> None:
    """Raise InputError where the templates have another value for one host than for the first."""
    first: Any = None
    for host in hosts:
        rendered = variables.rendered(host, variables.raw(host) | {_ENVIRONMENT: parts}, [_ENVIRONMENT])[_ENVIRONMENT]
        first = rendered if first is None else first
        if rendered != first:
            rule = (
                f"it differs between the hosts {hosts[0]} and {host}, and one task works on all accounts; set "
                "credentials of single accounts by variables such as sentinel_aws_profile"
            )
            raise InputError([Mistake("Cannot use environment", "the task", rule)])
