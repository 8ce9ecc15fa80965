# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts of an inventory are AWS accounts, and of which id; a limit of the run changes nothing in that."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.playbook.task import Task

from ..module_utils._core.model import validation
from .variables import Known, Variables

Look = Callable[[str, Known], None]
ACCOUNT_ID = "aws_account_id"
_NO_DIGIT = re.compile("[^0-9]")
# Names of the machine that Ansible runs on, which is no account.
LOCAL = ("localhost", "127.0.0.1", "::1")


def is_account_id(text: str) -> bool:
    """Whether a host name, or a value, is the id of an account."""
    return len(text) == 12 and text.isascii() and text.isdigit()


def account_of(host: str, given: Any) -> str:
    """Return the id of the account that a host is by its `aws_account_id` or its name; empty where it is none."""
    if host in LOCAL:
        return ""
    if not validation.is_blank(given, "str"):
        return str(validation.account_id(given))
    return host if is_account_id(host) else ""


class PlayAccounts:
    """Answers from the whole inventory, whatever the limit and the batch are."""

    def __init__(self, variables: Variables, task_vars: Mapping[str, Any]) -> None:
        self._variables = variables
        self._inventory = task_vars["hostvars"]._inventory  # noqa: SLF001 there is no public way
        self._ids: dict[str, str] = {}

    def matched(self, pattern: str | Sequence[str], *, limited: bool = False) -> list[str]:
        """Return the hosts that a pattern matches, before the limit of the run or after it."""
        patterns = list(pattern) if not isinstance(pattern, str) else pattern
        found = self._inventory.get_hosts(patterns, ignore_limits=not limited, ignore_restrictions=True)
        return [host.get_name() for host in found]

    def of_play(self, task: Task) -> list[str]:
        """Return the hosts that the pattern of the task's play matches, before the limit of the run."""
        return self.matched(task.get_play().hosts)

    def learn(self, host: str, account_id: str) -> None:
        """Keep the id of a host whose variables were read."""
        self._ids[host] = account_id

    def ids(self, hosts: Collection[str], look: Look | None = None) -> dict[str, str]:
        """Return the account id of each of these hosts that is an account; `look` sees all variables of each."""
        for host in hosts:
            if host not in self._ids:
                known = self._variables.raw(host)
                if look:
                    look(host, known)
                self._ids[host] = account_of(host, self._given(host, known))
        return {host: self._ids[host] for host in hosts if self._ids[host]}

    def _given(self, host: str, known: Known) -> Any:
        """Return what a host has as its account id; the template itself where that cannot be filled."""
        try:
            return self._variables.filled(host, known, [ACCOUNT_ID]).get(ACCOUNT_ID)
        except AnsibleError:
            return known[ACCOUNT_ID]


def count(ids: Mapping[str, str]) -> int:
    """Return how many accounts these hosts are: ids that can be used, each once."""
    return len({account_id for account_id in ids.values() if is_account_id(account_id)})


def shared(ids: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the hosts by each account id that more than one of them has, however it is written."""
    by_id: dict[str, list[str]] = {}
    for host, written in ids.items():
        digits = _NO_DIGIT.sub("", written.removesuffix(".0"))
        by_id.setdefault(digits if is_account_id(digits) else written, []).append(host)
    return {account_id: hosts for account_id, hosts in by_id.items() if len(hosts) > 1}
