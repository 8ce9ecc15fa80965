# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recap by account, from the results of the tasks of a playbook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model.findings import SEVERITIES
from .account_lines import ingestion_label

# Accounts that are listed without -v.
MAX_ACCOUNTS = 30
_STATUSES = ("failed", "unknown", "not_connected", "unhealthy", "silent", "stale", "changed", "ok", "receiving")


@dataclass(slots=True)
class TaskRecap:
    """The results of one task, of all batches: the counts, the accounts that it returned, the errors of the run."""

    name: str
    check_mode: bool
    summary: Counter[str] = field(default_factory=Counter)
    accounts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    _hosts: dict[str, str] = field(default_factory=dict)

    def add(self, result: Mapping[str, Any]) -> None:
        """Add the result of one batch."""
        self.summary.update(result.get("summary") or {})
        self.accounts.update(result.get("accounts") or {})
        self._hosts.update({one["account_id"]: one["host"] for one in result.get("failures") or ()})
        if result.get("failed") or "summary" not in result:
            self.errors.append(str(result.get("msg", "no result")))

    def lines(self, *, verbose: bool) -> Iterator[str]:
        """Yield the counts, the errors, and a line for each account that is not as desired, the worst first."""
        yield f"{self.name}: {self._counts()}"
        yield from (f"failed: {error}" for error in self.errors)
        rows = sorted((_rank(entry), account_id) for account_id, entry in self.accounts.items())
        shown = rows if verbose else rows[:MAX_ACCOUNTS]
        for _unused, account_id in shown:
            yield self._line(account_id, self.accounts[account_id])
        if len(rows) > len(shown):
            yield f"and {len(rows) - len(shown)} more accounts, displayed with -v"

    def _counts(self) -> str:
        counts = (f"{count} {self._status(name)}" for name, count in self.summary.items() if name != "accounts")
        accounts = self.summary["accounts"]
        unexpected = sum(entry.get("as_expected") is False for entry in self.accounts.values())
        parts = [*counts, *([f"{unexpected} not as expected"] if unexpected else [])]
        noun = "account" if accounts == 1 else "accounts"
        return f"{accounts} {noun}: {', '.join(parts)}" if accounts else "no result"

    def _status(self, status: str) -> str:
        return "would change" if status == "changed" and self.check_mode else status

    def _line(self, account_id: str, entry: Mapping[str, Any]) -> str:
        names = dict.fromkeys(
            filter(None, (account_id, entry.get("host") or self._hosts.get(account_id), entry.get("account_name")))
        )
        status = self._status(_status_of(entry))
        if "as_expected" in entry:
            status = ingestion_label(status, as_expected=entry["as_expected"])
        return f"{status}: [{' '.join(map(str, names))}] {_reason(entry)}".rstrip()


def _status_of(entry: Mapping[str, Any]) -> str:
    return str(entry.get("status") or entry.get("ingestion_status") or "unknown")


def _rank(entry: Mapping[str, Any]) -> tuple[bool, int, int]:
    """Return the position of an account: its status, then its worst finding; as expected after those that are not."""
    status, severities = _status_of(entry), [one["severity"] for one in entry.get("findings", ())]
    worst = min((SEVERITIES.index(one) for one in severities if one in SEVERITIES), default=len(SEVERITIES))
    return bool(entry.get("as_expected")), _STATUSES.index(status) if status in _STATUSES else 0, worst


def _reason(entry: Mapping[str, Any]) -> str:
    """Return the class of the error, else the message about events, else the codes of findings or the calls."""
    if error := entry.get("error"):
        return str(error.get("class", ""))
    if message := entry.get("message"):
        return str(message)
    codes = dict.fromkeys(f"{one['severity']} {one['code']}" for one in entry.get("findings", ()))
    return ", ".join(codes or (call["name"] for call in entry.get("calls", ())))


def lines(tasks: Iterable[TaskRecap], *, verbose: bool) -> list[str]:
    """Return the lines of the recap, empty if no task worked on accounts."""
    return [line for task in tasks for line in task.lines(verbose=verbose)]
