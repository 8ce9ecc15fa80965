# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of one account: what was found and done there, and the error that ended it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from . import accepted_findings
from .accepted_findings import Accepted
from .account import Account
from .errors import SentinelError
from .findings import Finding, is_informational, is_security
from .plan import Call

T = TypeVar("T")


@dataclass(slots=True)
class AccountReport:
    """What was found and done: how to show each resource ("role", "connector"), findings before the repair, and so on.

    What nobody asks to see is not worked out.
    """

    shown: dict[str, Callable[[], dict[str, Any]]] = field(default_factory=dict)
    role_arn: str = ""
    connector_id: str = ""
    findings: list[Finding] = field(default_factory=list)
    repaired: set[Finding] = field(default_factory=set)
    """Those of them that are not found any more, in check mode those that would not be."""
    accepted: dict[Finding, str] = field(default_factory=dict)
    """Those of them that somebody accepted, with the reason."""
    calls: list[Call] = field(default_factory=list)
    diff: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, show: Callable[[T], dict[str, Any]], after: T) -> None:
        """Take in what a resource is."""
        self.shown[name] = partial(show, after)

    def accept(self, entries: tuple[Accepted, ...], today: str, *, complete: bool) -> None:
        """Mark the findings that were accepted; `complete` says whether everything was looked at."""
        self.accepted = accepted_findings.reasons(entries, self.findings, today)
        self.findings += accepted_findings.entry_findings(entries, self.findings, today, complete=complete)

    @property
    def unaccepted(self) -> list[Finding]:
        """The findings that nobody accepted."""
        return [one for one in self.findings if one not in self.accepted]

    @contextmanager
    def attached_to_errors(self) -> Iterator[AccountReport]:
        """Let an error that ends the work take along what was found and done until then."""
        try:
            yield self
        except SentinelError as error:
            error.partial = self.result()
            raise

    def result(self) -> dict[str, Any]:
        """Return it as the result of a module."""
        return {
            "changed": bool(self.calls),
            **{name: show() for name, show in self.shown.items()},
            "findings": [finding._asdict() for finding in self.findings],
            "calls": [call.show() for call in self.calls],
            "diff": self.diff,
        }


@dataclass(slots=True)
class AccountResult:
    """The result of one account: what was found and done there, and the error that ended it."""

    account: Account
    report: AccountReport
    error: SentinelError | None = None
    skipped: bool = False
    check_mode: bool = False
    """Whether this is what would be done."""

    @property
    def status(self) -> str:
        """One of ok, changed, failed, skipped."""
        if self.skipped:
            return "skipped"
        if self.error:
            return "failed"
        return "changed" if self.report.calls else "ok"

    @property
    def has_drift(self) -> bool:
        """Tell whether anything differs from the wish."""
        return not all(map(is_informational, self.report.unaccepted))

    @property
    def has_security_findings(self) -> bool:
        """Tell whether a finding is one of security."""
        return any(map(is_security, self.report.unaccepted))

    def result(self, *, detailed: bool = True) -> dict[str, Any]:
        """Return it as an entry of fleet's `accounts`; without details, calls are names alone."""
        answer: dict[str, Any] = {
            "status": self.status,
            "host": self.account.host,
            "role_arn": self.report.role_arn,
            "connector_id": self.report.connector_id,
            "findings": [self._shown(finding) for finding in self.report.findings],
            "calls": [call.show() if detailed else {"name": call.name} for call in self.report.calls],
        }
        if self.error:
            answer["error"] = self.error.show()
        return answer

    def _shown(self, found: Finding) -> dict[str, Any]:
        reason = self.report.accepted.get(found)
        more = {"accepted": reason} if reason else {}
        return {**found._asdict(), "repaired": found in self.report.repaired, **more}
