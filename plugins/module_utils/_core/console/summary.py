# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a run in a few lines, however many accounts it has: security first, then failures, then the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..model.account_result import AccountResult
from ..model.errors import CLASSES
from ..model.findings import CODES, SEVERITIES
from . import account_lines

# So many accounts are named in a line, so many failures are given with their sentence.
NAMED = 3


class Summary:
    """What there is to say at the end. Of accounts beyond the first ones only the number is kept."""

    def __init__(self) -> None:
        self._found: dict[str, _Group] = {}
        self._accepted: dict[str, _Group] = {}
        self._failed: dict[str, _Group] = {}

    def add(self, done: AccountResult) -> None:
        """Take in the result of one account."""
        name = done.account.name
        for code in {finding.code for finding in done.report.unaccepted if CODES[finding.code].security}:
            self._found.setdefault(code, _Group()).add(name)
        for code in {finding.code for finding in done.report.accepted}:
            self._accepted.setdefault(code, _Group()).add(name)
        if done.error and not done.skipped:
            self._failed.setdefault(done.error.kind, _Group()).add(name, str(done.error))

    def lines(self, summary: Mapping[str, int], *, check_mode: bool) -> Iterator[str]:
        """Yield the lines, the numbers last."""
        if self._found:
            yield "Security findings" if check_mode else "Security findings before the run"
        for code in sorted(self._found, key=_rank):
            yield self._found[code].line(f"{CODES[code].severity} {code}")
        if self._accepted:
            yield "Accepted findings"
        for code in sorted(self._accepted, key=_rank):
            yield self._accepted[code].line(f"{CODES[code].severity} {code}")
        if self._failed:
            yield "Failures"
        for kind, group in sorted(self._failed.items(), key=lambda item: -item[1].accounts):
            yield group.line(kind)
            advice = CLASSES[kind][1]
            told = [] if any(sentence.endswith(advice) for sentence in group.sentences) else [advice]
            yield from (f"         {text}" for text in (*group.sentences, *told))
        yield account_lines.numbers(summary, check_mode=check_mode)


class _Group:
    """Accounts of which the same is to be said."""

    def __init__(self) -> None:
        self.accounts = 0
        self.sentences: list[str] = []
        self._names: list[str] = []

    def add(self, name: str, sentence: str = "") -> None:
        """Take in an account, and what is to be said of it alone."""
        self.accounts += 1
        if self.accounts <= NAMED:
            self._names.append(name)
            self.sentences += [sentence] if sentence and sentence not in self.sentences else []

    def line(self, title: str) -> str:
        """Return number, title and who it is."""
        more = self.accounts - len(self._names)
        return f"{self.accounts:7}  {title:32} {', '.join(self._names)}{f' and {more} more' if more else ''}"


def _rank(code: str) -> tuple[int, str]:
    return SEVERITIES.index(CODES[code].severity), code
