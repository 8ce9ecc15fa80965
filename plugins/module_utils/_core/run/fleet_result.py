# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run over many accounts returns: the numbers, and only those accounts of which there is something to say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..console import account_lines
from ..console.account_lines import Failure
from ..console.summary import MAX_NAMED_ACCOUNTS, Summary
from ..model.account_result import AccountResult
from .fleet import Cancellation, Order
from .orphans import Orphans

# Ansible copies results, sends them between processes, and AWX stores them: so many accounts have all details there.
DETAILED = 100


class Results:
    """The results so far. What is right leaves nothing behind but its number."""

    def __init__(self, fail_on: str) -> None:
        self.summary = {"accounts": 0, "ok": 0, "changed": 0, "failed": 0, "skipped": 0}
        self.orphans = Orphans()
        self._removing = False
        self._closing = Summary()
        self._fail_on = fail_on
        self._accounts: dict[str, dict[str, Any]] = {}
        self._diff: list[dict[str, Any]] = []
        self._failures: list[Failure] = []
        self._errors: list[str] = []
        self._unknown = 0

    def add(self, done: AccountResult) -> None:
        """Take in the result of one account."""
        self.summary["accounts"] += 1
        self.summary[done.status] += 1
        self._closing.add(done)
        if not done.skipped:
            self._failures += account_lines.failures([done], self._fail_on)
            self._errors += [str(done.error)] if done.error and len(self._errors) < MAX_NAMED_ACCOUNTS else []
        if done.skipped or (done.status == "ok" and not done.report.findings):
            return
        detailed = len(self._accounts) < DETAILED
        self._accounts[done.account.account_id] = done.result(detailed=detailed)
        self._diff += done.report.diff if detailed else []

    def close(self, order: Order) -> list[str]:
        """Return what is said at the end: of orphans, security findings, failures, and the numbers.

        An account in which nobody could look for orphans fails by name, as any other.
        """
        failed = {failure["account_id"] for failure in self._failures}
        unknown = [one for one in self.orphans if one.reason == "unknown" and one.account_id not in failed]
        self._failures += [{"account_id": one.account_id, "host": one.host, "message": one.error} for one in unknown]
        self._unknown = len(unknown)
        self._errors += [one.error for one in unknown[: MAX_NAMED_ACCOUNTS - len(self._errors)]]
        removing = order.orphans == "remove"
        self._removing = removing and any(one.removed or (order.check_mode and one.connector) for one in self.orphans)
        told = [orphan.line(check_mode=order.check_mode, removing=removing) for orphan in self.orphans]
        told += self.orphans.unknown()
        return [*told, *self._closing.lines(self.summary, check_mode=order.check_mode)]

    def result(self) -> dict[str, Any]:
        """Return all of it as the result of `fleet`."""
        return {
            "changed": any(entry["calls"] for entry in self._accounts.values()) or self._removing,
            "summary": self.summary,
            "accounts": dict(sorted(self._accounts.items())),
            "failures": sorted(self._failures, key=lambda failure: failure["account_id"]),
            "orphans": [orphan.show() for orphan in self.orphans],
            "diff": self._diff,
            # What there is to read was said; at -v Ansible would add all of this as JSON.
            "_ansible_verbose_override": True,
        }

    def stopped(self, stop: Cancellation) -> Iterator[str]:
        """Yield the sentences that say why accounts were skipped, none if none was."""
        if self.summary["skipped"]:
            yield f"{self.summary['skipped']} of {self.summary['accounts']} accounts were not worked on."
            yield from map(str, stop.reasons.values())

    def too_many_failed(self, most: float) -> Iterator[str]:
        """Yield the sentences that say so, none if no more than `most` per cent of the accounts failed."""
        failed, accounts = self.summary["failed"] + self._unknown, self.summary["accounts"]
        if failed * 100 > most * accounts:
            yield f"{failed} of {accounts} accounts failed."
            yield from self._errors
            if failed > len(self._errors):
                yield f"The others are in accounts and failures of the result ({failed - len(self._errors)})."
        yield from (orphan.error for orphan in self.orphans if orphan.error and orphan.reason != "unknown")
