# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of one account: findings, calls, differences, and the error that ended it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar

from . import accepted_findings
from .accepted_findings import Accepted
from .account import Account
from .errors import SentinelError
from .findings import Finding, is_informational, is_security
from .plan import Call
from .resource import Resource

Spec = TypeVar("Spec")
T = TypeVar("T")


class ResourceResult(NamedTuple):
    """One resource of an account: its kind, its ARN, ARM id or URL, whether it was changed."""

    kind: str
    id: str
    changed: bool


@dataclass(slots=True)
class AccountReport:
    """The findings before the repair, the calls and the differences of one account, and its resources.

    `shown` has a function by resource ("role", "connector") that returns it as it appears in results: most results are
    never displayed, so they are built on demand.
    """

    shown: dict[str, Callable[[], dict[str, Any]]] = field(default_factory=dict)
    resources: list[ResourceResult] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    repaired: set[Finding] = field(default_factory=set)
    """The findings that the repair removed, in check mode those that it would remove."""
    accepted: dict[Finding, str] = field(default_factory=dict)
    """The accepted findings, with the reason."""
    calls: list[Call] = field(default_factory=list)
    diff: list[dict[str, Any]] = field(default_factory=list)

    def add(self, resource: Resource[Spec, T], spec: Spec, before: T | None, after: T | None, *, changed: bool) -> None:
        """Record the final state of a resource; one that was removed is listed as it was."""
        self.shown[resource.name] = partial(resource.show, spec, after)
        if found := resource.id(spec, after) or resource.id(spec, before):
            self.resources.append(ResourceResult(resource.name, found, changed))

    def accept(self, entries: tuple[Accepted, ...], today: str, *, complete: bool) -> None:
        """Mark the accepted findings and add those about entries; `complete` is whether all resources were read."""
        self.accepted = accepted_findings.reasons(entries, self.findings, today)
        self.findings += accepted_findings.entry_findings(entries, self.findings, today, complete=complete)

    @property
    def unaccepted(self) -> list[Finding]:
        """The findings that are not accepted."""
        return [one for one in self.findings if one not in self.accepted]

    @contextmanager
    def with_findings(self, findings: Callable[[], list[Finding]], *, security: bool) -> Iterator[None]:
        """Add findings if an error leaves the block before they are reported; `security` selects those of security."""
        try:
            yield
        except SentinelError:
            found = [one for one in findings() if is_security(one) or not security]
            self.findings += [one for one in found if one not in self.findings]
            raise

    @contextmanager
    def attached_to_errors(self) -> Iterator[AccountReport]:
        """Attach the findings and calls so far to an error that leaves the block."""
        try:
            yield self
        except SentinelError as error:
            error.partial = self.result()
            raise

    def result(self) -> dict[str, Any]:
        """Return the result of a module."""
        return {
            "changed": bool(self.calls),
            **{name: show() for name, show in self.shown.items()},
            "findings": [finding._asdict() for finding in self.findings],
            "calls": [call.show() for call in self.calls],
            "diff": self.diff,
        }


@dataclass(slots=True)
class AccountResult:
    """The report of one account, and the error that ended its processing."""

    account: Account
    report: AccountReport
    error: SentinelError | None = None
    skipped: bool = False
    check_mode: bool = False
    """Whether this is a preview, without changes."""

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
        """Whether anything differs from the desired state."""
        return not all(map(is_informational, self.report.unaccepted))

    @property
    def has_security_findings(self) -> bool:
        """Whether a finding concerns security."""
        return any(map(is_security, self.report.unaccepted))

    def result(self, *, detailed: bool = True) -> dict[str, Any]:
        """Return an entry of fleet's `accounts`; without details, calls have only their names."""
        answer: dict[str, Any] = {
            "status": self.status,
            "host": self.account.host,
            **({"account_name": self.account.account_name} if self.account.account_name else {}),
            "resources": [one._asdict() for one in self.report.resources],
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
