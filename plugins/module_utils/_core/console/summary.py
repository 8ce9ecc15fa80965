# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary at the end of a run, short for any number of accounts: counts, findings, failures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..model.account_result import AccountResult
from ..model.docs_links import pages_line
from ..model.errors import CLASSES
from ..model.findings import CODES, SEVERITIES
from . import account_lines

# Accounts named in a line, and lines of each table.
MAX_NAMED_ACCOUNTS = 3
MAX_ROWS = 8


class Summary:
    """The summary of a run. Of all accounts but the first ones it keeps only the number."""

    def __init__(self) -> None:
        self._findings: dict[str, _Accounts] = {}
        self._accepted: dict[str, _Accounts] = {}
        self._failed: dict[str, _Accounts] = {}
        self._has_findings = False

    def add(self, result: AccountResult) -> None:
        """Add the result of one account."""
        name = result.account.name
        codes = account_lines.listed_codes(result)
        self._has_findings |= bool(codes or result.report.accepted)
        for code in codes:
            self._findings.setdefault(code, _Accounts()).add(name)
        for code in {finding.code for finding in result.report.accepted}:
            self._accepted.setdefault(code, _Accounts()).add(name)
        if result.error and not result.skipped:
            self._failed.setdefault(result.error.kind, _Accounts()).add(name, str(result.error))

    def lines(self, summary: Mapping[str, int], *, check_mode: bool) -> Iterator[str]:
        """Yield the lines of the summary, the counts first."""
        yield account_lines.counts_line(summary, check_mode=check_mode)
        yield from _finding_lines("Findings" if check_mode else "Findings before the run", self._findings)
        yield from _finding_lines("Accepted findings", self._accepted)
        yield from _failure_lines(self._failed)
        if page := pages_line(findings=self._has_findings, errors=bool(self._failed)):
            yield page


class _Accounts:
    """The accounts that have the same finding or error class: their number, the first names and one message."""

    def __init__(self) -> None:
        self.count = 0
        self.message = ""
        self._first: list[tuple[str, str]] = []

    def add(self, name: str, message: str = "") -> None:
        """Add an account with its error message; kept are the accounts that sort first."""
        self.count += 1
        if len(self._first) < MAX_NAMED_ACCOUNTS or name < self._first[-1][0]:
            self._first = sorted([*self._first, (name, message)])[:MAX_NAMED_ACCOUNTS]
            self.message = self._first[0][1]

    def line(self, title: str) -> str:
        """Return the number of accounts, the title and the first names in one line."""
        more = self.count - len(self._first)
        names = ", ".join(name for name, _message in self._first)
        return f"{self.count:7}  {title:32} {names}{f' and {more} more' if more else ''}"


def _finding_lines(title: str, by_code: Mapping[str, _Accounts]) -> Iterator[str]:
    if by_code:
        yield title
    codes = sorted(by_code, key=_urgency)
    for code in codes[:MAX_ROWS]:
        yield by_code[code].line(f"{CODES[code].severity} {code}")
    yield from _more_line(len(codes), "codes")


def _failure_lines(by_class: Mapping[str, _Accounts]) -> Iterator[str]:
    if by_class:
        yield "Failures"
    for kind, failed in sorted(by_class.items(), key=lambda item: (-item[1].count, item[0]))[:MAX_ROWS]:
        yield failed.line(kind)
        advice = CLASSES[kind][1]
        yield f"         {failed.message}"
        yield from () if failed.message.endswith(advice) else (f"         {advice}",)
    yield from _more_line(len(by_class), "classes")


def _more_line(count: int, noun: str) -> Iterator[str]:
    if count > MAX_ROWS:
        yield f"         and {count - MAX_ROWS} more {noun}"


def _urgency(code: str) -> tuple[int, bool, str]:
    """Return the position of a code: the worst first, security findings before others of the same severity."""
    return SEVERITIES.index(CODES[code].severity), not CODES[code].security, code
