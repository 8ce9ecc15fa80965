# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as text for people: a line per account that needs one, and the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..model import duration
from ..model.account_result import AccountResult
from ..model.findings import ordered


def of(done: AccountResult, *, verbose: bool = False) -> list[str]:
    """Return what there is to say of one account at once: what differs in it, its findings unless it is new.

    An account that `differs` has something that only its owner can correct, such as the path of the role; a `note` is
    of what somebody ought to know. `verbose` adds those that are right, and those that failed without a finding, which
    are told at the end in any case.
    """
    name = done.account.name
    if done.skipped:
        return []
    new = any(item.code == "role_missing" for item in done.report.findings)
    found = [] if new else [f"    {text}" for text in findings(done)]
    if done.error:
        made = [f"    made before: {calls(done)}"] if done.report.calls else []
        return [f"failed: [{name}] {done.error.kind}: {done.error}", *made, *found] if verbose or found else []
    if done.status == "ok" and not found:
        return [f"ok: [{name}]"] if verbose else []
    if done.status == "ok":
        return [f"{'differs' if done.has_drift else 'note'}: [{name}]", *found]
    verb = "would change" if done.check_mode else "changed"
    return [f"{verb}: [{name}] {calls(done)}", *found]


def calls(done: AccountResult) -> str:
    """Return the names of the calls of an account, in order."""
    return ", ".join(call.name for call in done.report.calls)


def findings(done: AccountResult) -> list[str]:
    """Return the findings of an account, security first, with the reason of those that were accepted."""
    reasons = {item: f" Accepted: {reason}" for item, reason in done.report.accepted.items()}
    return [
        f"{item.severity} {item.code}: {item.message}{reasons.get(item, '')}" for item in ordered(done.report.findings)
    ]


def numbers(summary: Mapping[str, int], *, check_mode: bool) -> str:
    """Return the counts of a run in one line."""
    verb = "would change" if check_mode else "changed"
    noun = "account" if summary["accounts"] == 1 else "accounts"
    skipped = f", {summary['skipped']} not worked on" if summary["skipped"] else ""
    counts = f"{summary['ok']} ok, {summary['changed']} {verb}, {summary['failed']} failed{skipped}"
    return f"{summary['accounts']} {noun}: {counts}"


def failures(results: Iterable[AccountResult], fail_on: str) -> list[dict[str, str]]:
    """List the accounts that end a run with an error, each with its sentence.

    `fail_on` adds to the failed accounts those that differ from the wish ("drift"), those with a security finding
    ("security"), or none ("never").
    """
    found = []
    for done in results:
        message = str(done.error) if done.error else _differs(done, fail_on)
        if message:
            found.append({"account_id": done.account.account_id, "host": done.account.host, "message": message})
    return found


def _differs(done: AccountResult, fail_on: str) -> str:
    changes = bool(done.report.calls) and not done.report.accepted
    told = {"drift": changes or done.has_drift, "security": done.has_security_findings, "never": False}
    if not told[fail_on]:
        return ""
    reasons = [f"{one.severity} {one.code}: {one.message}" for one in ordered(done.report.unaccepted)]
    reasons = reasons or [calls(done)]
    return f"Account {done.account.account_id} differs from the wish: {' '.join(reasons)}"


class Progress:
    """How far a long run is: a line every few seconds, none where all is done in a few."""

    EVERY = 5.0

    def __init__(self, accounts: int) -> None:
        self._accounts = accounts
        self._start: float | None = None
        self._told = 0.0

    def line(self, summary: Mapping[str, int], now: float) -> str:
        """Return what there is to say `now` (monotonic time in seconds), or nothing."""
        done = summary["accounts"]
        if self._start is None:
            self._start = self._told = now
        if now - self._told < self.EVERY or done == self._accounts:
            return ""
        self._told = now
        rate = done / (now - self._start)
        left = duration.format_duration((self._accounts - done) / rate)
        return (
            f"{done} of {self._accounts} accounts done, {summary['changed']} changed, {summary['failed']} failed, "
            f"{rate:.1f} a second, {left} left"
        )
