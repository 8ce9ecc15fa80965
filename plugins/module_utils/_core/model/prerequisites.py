# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The prerequisites of a run by check: what is missing, and for which accounts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from .account import Account
from .errors import CombinedError, SentinelError
from .findings import CODES, MANUAL, Finding
from .report_row import WorkspaceRow

CHECKS = {
    "packages": "Python packages",
    "inventory": "inventory and variables",
    "credentials": "AWS credentials",
    "workspace": "sign-in to Azure, workspace, rights on it, Microsoft Sentinel",
    "role": "role to assume in each account",
    "sources": "resources of each source",
}
"""The checks in their order, with their labels. Each needs what those before it need."""
_OF_ROLE = ("assume_denied", "account_not_active", "wrong_account")


class Problem(NamedTuple):
    """What an account, or with an empty `host` the whole run, lacks; `check` is a key of CHECKS."""

    check: str
    error: SentinelError
    account_id: str = ""
    host: str = ""

    @property
    def name(self) -> str:
        """The account id and the host, as far as known."""
        return " ".join(dict.fromkeys(filter(None, (self.account_id, self.host))))


@dataclass(slots=True)
class Checked:
    """An account, its problems, and the findings that no run repairs."""

    account: Account
    problems: list[Problem] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, check: str, error: SentinelError) -> None:
        """Add the problems that an error stands for, each once."""
        known = {str(one.error) for one in self.problems}
        for one in error.errors if isinstance(error, CombinedError) else (error,):
            if str(one) not in known:
                self.problems.append(Problem(check, one, self.account.account_id, self.account.host))

    def add_of_sources(self, error: SentinelError) -> None:
        """Add what ended the preview of the sources: some of it concerns the role to assume."""
        for one in error.errors if isinstance(error, CombinedError) else (error,):
            self.add("role" if one.kind in _OF_ROLE else "sources", one)


@dataclass(slots=True)
class Prerequisites:
    """The result of all checks: problems of the whole run and of hosts that are no account yet, and the accounts."""

    run: list[Problem] = field(default_factory=list)
    hosts: list[Problem] = field(default_factory=list)
    accounts: list[Checked] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a workspace lacks that no run needs, such as the solution of the Content hub."""
    workspaces: list[WorkspaceRow] = field(default_factory=list)
    """The workspaces that could be read, as in the header of the report."""

    def __iter__(self) -> Iterator[Problem]:
        """Yield all problems."""
        yield from (*self.run, *self.hosts)
        for one in self.accounts:
            yield from one.problems

    @property
    def not_ready(self) -> list[Checked]:
        """The accounts that a run would not finish: all of them where the whole run cannot start."""
        return [one for one in self.accounts if self.run or one.problems]


def unrepaired(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that no run repairs, without those that are only for information."""
    codes = ((one, CODES[one.code]) for one in findings)
    return [one for one, code in codes if code.repaired_by == (MANUAL,) and not code.informational]
