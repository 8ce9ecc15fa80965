# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results for the terminal: lines about accounts that changed, differ or failed, the counts, and the progress."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

from ..model import duration
from ..model.account_result import AccountResult
from ..model.findings import CODES, Finding, ordered

# Accounts that fail their own host without -v: Ansible displays ten lines for each.
MAX_FAILED_HOSTS = 3


class Failure(TypedDict):
    """An account that makes a run fail, as an entry of `failures` in results."""

    account_id: str
    host: str
    message: str


def lines(result: AccountResult, *, verbose: bool = False) -> list[str]:
    """Return the lines about one account: its status, its calls, and its findings.

    `differs` is the status of an account with findings that no run repairs, such as the path of the role, `note` that
    of one with informational findings only. `verbose` adds accounts without changes and findings, and failed accounts
    without calls and findings, which the summary names in any case.
    """
    findings = [f"    {line}" for line in finding_lines(result)]
    is_shown = verbose or findings or result.report.calls
    if result.skipped or not is_shown:
        return []
    return [*_status_lines(result, has_findings=bool(findings)), *findings]


def _status_lines(result: AccountResult, *, has_findings: bool) -> list[str]:
    """Return the lines above the findings of an account: its status, its calls."""
    name = result.account.name
    if result.error:
        calls = [f"    calls before the error: {call_names(result)}"] if result.report.calls else []
        return [f"failed: [{name}] {result.error.kind}: {result.error}", *calls]
    if result.status == "changed":
        return [f"{_changed(check_mode=result.check_mode)}: [{name}] {call_names(result)}"]
    if has_findings:
        return [f"{'differs' if result.has_drift else 'note'}: [{name}]"]
    return [f"ok: [{name}]"]


def ingestion_label(ingestion_status: str, *, as_expected: bool) -> str:
    """Return the ingestion status of an account as lines begin with it, by which they have their color."""
    if (ingestion_status == "receiving") == as_expected:
        return ingestion_status
    return f"{ingestion_status} as allowed" if as_expected else f"{ingestion_status}, not as expected"


def listed_codes(result: AccountResult) -> set[str]:
    """Return the codes of the findings that are listed and not accepted."""
    return {one.code for one in _listed(result) if one not in result.report.accepted}


def _listed(result: AccountResult) -> list[Finding]:
    """Return the findings that are worth a line: of an account without the role not what else is missing."""
    found = result.report.findings
    if not any(CODES[one.code].new_account for one in found):
        return found
    return [one for one in found if not (CODES[one.code].breaking and one.code.endswith("_missing"))]


def call_names(result: AccountResult) -> str:
    """Return the names of the calls of an account, in order."""
    return ", ".join(call.name for call in result.report.calls)


def finding_lines(result: AccountResult) -> list[str]:
    """Return one line per finding of an account, security findings first, with the reason if it was accepted."""
    reasons = {item: f" Accepted: {reason}" for item, reason in result.report.accepted.items()}
    return [f"{item.severity} {item.code}: {item.message}{reasons.get(item, '')}" for item in ordered(_listed(result))]


def _changed(*, check_mode: bool) -> str:
    return "would change" if check_mode else "changed"


def counts_line(summary: Mapping[str, int], *, check_mode: bool) -> str:
    """Return the counts of a run in one line."""
    changed = _changed(check_mode=check_mode)
    noun = "account" if summary["accounts"] == 1 else "accounts"
    skipped = f", {summary['skipped']} skipped" if summary["skipped"] else ""
    counts = f"{summary['ok']} ok, {summary['changed']} {changed}, {summary['failed']} failed{skipped}"
    return f"{summary['accounts']} {noun}: {counts}"


def failures(results: Iterable[AccountResult], fail_on: str) -> list[Failure]:
    """Return the accounts that make a run fail, each with one message.

    These are the failed accounts, and by `fail_on` those that differ from the desired state ("drift"), those with a
    security finding ("security"), or no others ("never").
    """
    found: list[Failure] = []
    for result in results:
        message = str(result.error) if result.error else _difference_message(result, fail_on)
        if message:
            found.append({"account_id": result.account.account_id, "host": result.account.host, "message": message})
    return found


def failed_hosts(
    failures: Sequence[Failure], accounts: int, *, verbose: bool, problem: str = "failed or differ"
) -> list[Failure]:
    """Return the failures that each fail a host; of many accounts, without `verbose`, one that stands for all."""
    if verbose or len(failures) <= MAX_FAILED_HOSTS:
        return [*failures]
    message = f"{len(failures)} of {accounts} accounts {problem}; this host stands for all of them."
    return [{**failures[0], "message": message}]


def _difference_message(result: AccountResult, fail_on: str) -> str:
    changes = bool(result.report.calls) and not result.report.accepted
    fails = {"drift": changes or result.has_drift, "security": result.has_security_findings, "never": False}
    if not fails[fail_on]:
        return ""
    reasons = [f"{one.severity} {one.code}: {one.message}" for one in ordered(result.report.unaccepted)]
    reasons = reasons or [call_names(result)]
    return f"Account {result.account.name} differs from the desired state: {' '.join(reasons)}"


class Progress:
    """The progress of a run: one line every few seconds, none for a run that ends before."""

    INTERVAL_SECONDS = 5.0

    def __init__(self, accounts: int, *, check_mode: bool = False) -> None:
        self._accounts = accounts
        self._changed = _changed(check_mode=check_mode)
        self._start: float | None = None
        self._last_line = 0.0

    def line(self, summary: Mapping[str, int], classes: Mapping[str, int], now: float) -> str:
        """Return the line that is due `now` (monotonic time in seconds), or ""; `classes` counts the errors."""
        if self._start is None:
            self._start = self._last_line = now
        if now - self._last_line < self.INTERVAL_SECONDS or summary["accounts"] == self._accounts:
            return ""
        self._last_line = now
        return self.text(summary, classes, now)

    def text(self, summary: Mapping[str, int], classes: Mapping[str, int], now: float) -> str:
        """Return the progress at any time."""
        done, failed = summary["accounts"], ", ".join(f"{count} {kind}" for kind, count in classes.items())
        counts = f"{summary['changed']} {self._changed}, {summary['failed']} failed"
        text = f"{done} of {self._accounts} accounts done, {counts}"
        text += f" ({failed})" if failed else ""
        if not done or self._start is None or now <= self._start:
            return text
        rate = done / (now - self._start)
        left = duration.format_duration((self._accounts - done) / rate)
        return f"{text}, {rate:.1f} accounts per second, about {left} left"
