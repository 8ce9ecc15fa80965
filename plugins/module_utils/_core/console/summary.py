# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary at the end of a run, short for any number of accounts: security findings, failures, counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..model.account_result import AccountResult
from ..model.docs_links import pages_line
from ..model.errors import CLASSES
from ..model.findings import CODES, SEVERITIES
from . import account_lines

# Accounts named in a line, and error messages shown for a class.
MAX_NAMED_ACCOUNTS = 3


class Summary:
    """The summary of a run. Of all accounts but the first ones it keeps only the number."""

    def __init__(self) -> None:
        self._security: dict[str, _Accounts] = {}
        self._accepted: dict[str, _Accounts] = {}
        self._failed: dict[str, _Accounts] = {}
        self._has_findings = False

    def add(self, result: AccountResult) -> None:
        """Add the result of one account."""
        name = result.account.name
        self._has_findings |= bool(result.report.findings) and not account_lines.is_new(result)
        for code in {finding.code for finding in result.report.unaccepted if CODES[finding.code].security}:
            self._security.setdefault(code, _Accounts()).add(name)
        for code in {finding.code for finding in result.report.accepted}:
            self._accepted.setdefault(code, _Accounts()).add(name)
        if result.error and not result.skipped:
            self._failed.setdefault(result.error.kind, _Accounts()).add(name, str(result.error))

    def lines(self, summary: Mapping[str, int], *, check_mode: bool) -> Iterator[str]:
        """Yield the lines of the summary, the counts last."""
        yield from _finding_lines(
            "Security findings" if check_mode else "Security findings before the run", self._security
        )
        yield from _finding_lines("Accepted findings", self._accepted)
        yield from _failure_lines(self._failed)
        if page := pages_line(findings=self._has_findings, errors=bool(self._failed)):
            yield page
        yield account_lines.counts_line(summary, check_mode=check_mode)


class _Accounts:
    """The accounts that have the same finding or error class: their number, the first names and messages."""

    def __init__(self) -> None:
        self.count = 0
        self.messages: list[str] = []
        self._names: list[str] = []

    def add(self, name: str, message: str = "") -> None:
        """Add an account with its error message."""
        self.count += 1
        if self.count <= MAX_NAMED_ACCOUNTS:
            self._names.append(name)
            self.messages += [message] if message and message not in self.messages else []

    def line(self, title: str) -> str:
        """Return the number of accounts, the title and the first names in one line."""
        more = self.count - len(self._names)
        return f"{self.count:7}  {title:32} {', '.join(self._names)}{f' and {more} more' if more else ''}"


def _finding_lines(title: str, by_code: Mapping[str, _Accounts]) -> Iterator[str]:
    if by_code:
        yield title
    for code in sorted(by_code, key=_severity_and_code):
        yield by_code[code].line(f"{CODES[code].severity} {code}")


def _failure_lines(by_class: Mapping[str, _Accounts]) -> Iterator[str]:
    if by_class:
        yield "Failures"
    for kind, failed in sorted(by_class.items(), key=lambda item: -item[1].count):
        yield failed.line(kind)
        advice = CLASSES[kind][1]
        extra = [] if any(message.endswith(advice) for message in failed.messages) else [advice]
        yield from (f"         {text}" for text in (*failed.messages, *extra))


def _severity_and_code(code: str) -> tuple[int, str]:
    return SEVERITIES.index(CODES[code].severity), code
