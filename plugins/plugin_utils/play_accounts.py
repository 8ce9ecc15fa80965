# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS accounts among the hosts of an inventory, and their ids; independent of the limit of the run."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.playbook.task import Task

from ..module_utils._core.model import validation
from .host_variables import HostVars
from .internals import inventory_of
from .variables import TaskVariables

CheckHost = Callable[[str, HostVars], None]
ACCOUNT_ID = "aws_account_id"
_NON_DIGITS = re.compile("[^0-9]")
# Names of the control node, which is no account.
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


def is_account_id(text: str) -> bool:
    """Whether a host name, or a value, is the id of an account."""
    return len(text) == 12 and text.isascii() and text.isdigit()


def host_account_id(host: str, given: Any) -> str:
    """Return the account id of a host by its `aws_account_id`, else by its name; empty for a host without one."""
    if host in LOCAL_HOSTS:
        return ""
    if not validation.is_blank(given, "str"):
        return str(validation.account_id(given))
    return host if is_account_id(host) else ""


class PlayAccounts:
    """The accounts of the whole inventory, independent of limit and batch."""

    def __init__(self, variables: TaskVariables, task_vars: Mapping[str, Any]) -> None:
        self._variables = variables
        self._inventory = inventory_of(task_vars["hostvars"])
        self._ids: dict[str, str] = {}

    def matched(self, pattern: str | Sequence[str], *, limited: bool = False) -> list[str]:
        """Return the hosts that a pattern matches, before the limit of the run or after it."""
        patterns = list(pattern) if not isinstance(pattern, str) else pattern
        found = self._inventory.get_hosts(patterns, ignore_limits=not limited, ignore_restrictions=True)
        return [host.get_name() for host in found]

    def hosts_of_play(self, task: Task) -> list[str]:
        """Return the hosts that the pattern of the task's play matches, before the limit of the run."""
        return self.matched(task.get_play().hosts)

    def set_id(self, host: str, account_id: str) -> None:
        """Keep the id of a host whose variables were read."""
        self._ids[host] = account_id

    def ids(self, hosts: Collection[str], check_host: CheckHost | None = None) -> dict[str, str]:
        """Return the account id of each of these hosts that is an account; `check_host` may refuse a host."""
        for host in hosts:
            if host not in self._ids:
                host_vars = self._variables.raw(host)
                if check_host:
                    check_host(host, host_vars)
                self._ids[host] = host_account_id(host, self._given_id(host, host_vars))
        return {host: self._ids[host] for host in hosts if self._ids[host]}

    def _given_id(self, host: str, host_vars: HostVars) -> Any:
        """Return the value of a host's `aws_account_id`; the template itself where rendering fails."""
        try:
            return self._variables.rendered(host, host_vars, [ACCOUNT_ID]).get(ACCOUNT_ID)
        except AnsibleError:
            return host_vars[ACCOUNT_ID]


def count_accounts(ids: Mapping[str, str]) -> int:
    """Return the number of distinct valid account ids of these hosts."""
    return len({account_id for account_id in ids.values() if is_account_id(account_id)})


def duplicates(ids: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the hosts by each account id that more than one of them has, in any notation."""
    by_id: dict[str, list[str]] = {}
    for host, written in ids.items():
        digits = _NON_DIGITS.sub("", written.removesuffix(".0"))
        by_id.setdefault(digits if is_account_id(digits) else written, []).append(host)
    return {account_id: hosts for account_id, hosts in by_id.items() if len(hosts) > 1}
