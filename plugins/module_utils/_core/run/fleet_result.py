# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a run over many accounts: the numbers, and the accounts that changed, failed or have findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..console import account_lines
from ..console.account_lines import Failure
from ..console.summary import MAX_NAMED_ACCOUNTS, Summary
from ..model.account_result import AccountResult
from .fleet import Cancellation, RunOptions
from .orphans.orphans import Orphans

# Accounts with all details in the result. Ansible copies results and sends them between processes, and AWX stores them.
MAX_DETAILED = 100


class FleetResult:
    """Collects account results. Of an account that is ok and has no findings, only the count is kept."""

    def __init__(self, fail_on: str) -> None:
        self.summary = {"accounts": 0, "ok": 0, "changed": 0, "failed": 0, "skipped": 0}
        self.orphans = Orphans()
        self._orphans_changed = False
        self._summary_lines = Summary()
        self._fail_on = fail_on
        self._accounts: dict[str, dict[str, Any]] = {}
        self._diff: list[dict[str, Any]] = []
        self._failures: list[Failure] = []
        self._errors: list[str] = []
        self._unsearched = 0

    def add(self, result: AccountResult) -> None:
        """Add the result of one account."""
        self.summary["accounts"] += 1
        self.summary[result.status] += 1
        self._summary_lines.add(result)
        if not result.skipped:
            self._failures += account_lines.failures([result], self._fail_on)
            self._errors += [str(result.error)] if result.error and len(self._errors) < MAX_NAMED_ACCOUNTS else []
        if result.skipped or (result.status == "ok" and not result.report.findings):
            return
        detailed = len(self._accounts) < MAX_DETAILED
        self._accounts[result.account.account_id] = result.result(detailed=detailed)
        self._diff += result.report.diff if detailed else []

    def finish(self, options: RunOptions, orphans: Orphans) -> list[str]:
        """Add the orphans, and return the last lines of the run: orphans, security findings, failures, the numbers.

        An account that could not be searched for orphans is added to the failures.
        """
        self.orphans = orphans
        self._add_unsearched()
        removing, check_mode = options.orphans == "remove" and not orphans.error, options.check_mode
        self._orphans_changed = removing and any(one.removed or (check_mode and one.connector) for one in self.orphans)
        lines = [orphan.line(check_mode=check_mode, removing=removing) for orphan in self.orphans]
        lines += self.orphans.lines()
        return [*lines, *self._summary_lines.lines(self.summary, check_mode=check_mode)]

    def _add_unsearched(self) -> None:
        failed = {failure["account_id"] for failure in self._failures}
        unknown = [one for one in self.orphans if one.reason == "unknown" and one.account_id not in failed]
        self._failures += [{"account_id": one.account_id, "host": one.host, "message": one.error} for one in unknown]
        self._unsearched = len(unknown)
        self._errors += [one.error for one in unknown[: MAX_NAMED_ACCOUNTS - len(self._errors)]]

    def result(self) -> dict[str, Any]:
        """Return it as the result of `fleet`."""
        return {
            "changed": any(entry["calls"] for entry in self._accounts.values()) or self._orphans_changed,
            "summary": self.summary,
            "accounts": dict(sorted(self._accounts.items())),
            "failures": sorted(self._failures, key=lambda failure: failure["account_id"]),
            "orphans": [orphan.show() for orphan in self.orphans],
            "diff": self._diff,
            **({"error": {"class": self.orphans.error.kind}} if self.orphans.error else {}),
            # Everything of interest was displayed already; with -v Ansible would display all of this as JSON as well.
            "_ansible_verbose_override": True,
        }

    def skip_reasons(self, cancellation: Cancellation) -> Iterator[str]:
        """Yield why accounts were skipped, nothing if none were."""
        if self.summary["skipped"]:
            yield f"{self.summary['skipped']} of {self.summary['accounts']} accounts were skipped."
            yield from map(str, cancellation.reasons.values())

    def failure_messages(self, max_percent: float) -> Iterator[str]:
        """Yield the failures if more than `max_percent` of the accounts failed, and all failures about orphans."""
        failed, accounts = self.summary["failed"] + self._unsearched, self.summary["accounts"]
        if failed * 100 > max_percent * accounts:
            yield f"{failed} of {accounts} accounts failed."
            yield from self._errors
            if failed > len(self._errors):
                yield f"For the other {failed - len(self._errors)} see accounts and failures in the result."
        yield from [str(self.orphans.error)] if self.orphans.error else []
        yield from (orphan.error for orphan in self.orphans if orphan.error and orphan.reason != "unknown")
