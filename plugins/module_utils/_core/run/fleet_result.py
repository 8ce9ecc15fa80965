# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a run over many accounts: the numbers, and the accounts that changed, failed or have findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..console import account_lines
from ..console.account_lines import Failure
from ..console.summary import MAX_ROWS, Summary
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
        self._failures: list[Failure] = []
        self._error = ""
        self.classes = Counter[str]()
        """The number of failed accounts by error class."""
        self._unsearched = 0

    def add(self, result: AccountResult) -> None:
        """Add the result of one account."""
        self.summary["accounts"] += 1
        self.summary[result.status] += 1
        self._summary_lines.add(result)
        if not result.skipped:
            self._failures += account_lines.failures([result], self._fail_on)
            if result.error:
                self._error = self._error or str(result.error)
                self.classes[result.error.kind] += 1
        if result.skipped or (result.status == "ok" and not result.report.findings):
            return
        detailed = len(self._accounts) < MAX_DETAILED
        self._accounts[result.account.account_id] = result.result(detailed=detailed)
        if detailed and result.report.diff:
            self._accounts[result.account.account_id]["diff"] = result.report.diff

    def finish(self, options: RunOptions, orphans: Orphans, *, verbose: bool = False) -> list[str]:
        """Add the orphans, and return the summary of the run: orphans, the numbers, findings, failures.

        An account that could not be searched for orphans is added to the failures. With `verbose` all orphans are
        listed.
        """
        self.orphans = orphans
        self._add_unsearched()
        removing, check_mode = options.orphans == "remove" and not orphans.error, options.check_mode
        self._orphans_changed = removing and any(one.removed or (check_mode and one.connector) for one in self.orphans)
        lines = sorted(
            one.line(orphans.name(one.account_id), check_mode=check_mode, removing=removing) for one in orphans
        )
        if not verbose and len(lines) > MAX_ROWS:
            lines[MAX_ROWS:] = [f"orphans: {len(lines) - MAX_ROWS} more, displayed with -v"]
        lines += self.orphans.lines()
        return [*lines, *self._summary_lines.lines(self.summary, check_mode=check_mode)]

    def _add_unsearched(self) -> None:
        failed = {failure["account_id"] for failure in self._failures}
        unknown = [one for one in self.orphans if one.reason == "unknown" and one.account_id not in failed]
        self._failures += [{"account_id": one.account_id, "host": one.host, "message": one.error} for one in unknown]
        self._unsearched = len(unknown)
        if unknown:
            self._error = self._error or unknown[0].error
            self.classes["orphans unknown"] += len(unknown)

    def result(self, *, verbose: bool = False) -> dict[str, Any]:
        """Return it as the result of `fleet`; with `verbose` every account that fails the run fails its host."""
        failures = sorted(self._failures, key=lambda failure: failure["account_id"])
        return {
            "changed": any(entry["calls"] for entry in self._accounts.values()) or self._orphans_changed,
            "summary": self.summary,
            "accounts": dict(sorted(self._accounts.items())),
            "failures": failures,
            "failed_hosts": account_lines.failed_hosts(failures, self.summary["accounts"], verbose=verbose),
            "orphans": [orphan.show() for orphan in self.orphans],
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
            classes = ", ".join(f"{count} {kind}" for kind, count in self.classes.most_common())
            yield f"{failed} of {accounts} accounts failed{f': {classes}' if failed > 1 else ''}."
            yield from [self._error] if failed == 1 else []
        yield from [str(self.orphans.error)] if self.orphans.error else []
        yield from (orphan.error for orphan in self.orphans if orphan.error and orphan.reason != "unknown")
