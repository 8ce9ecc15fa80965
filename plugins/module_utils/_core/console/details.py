# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines about single accounts, which a run over many accounts displays with -v only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..model.account_result import AccountResult
from ..model.findings import SEVERITIES
from . import account_lines, difference

# Without -v: accounts and lines that are displayed, and accounts whose differences are.
MAX_ACCOUNTS = 12
MAX_LINES = 30
MAX_DIFFERENCES = 5


class _Entry(NamedTuple):
    key: tuple[int, str]
    lines: list[str]
    difference: list[str]


class Details:
    """Collects the lines about accounts: with `verbose` they are displayed at once, else at the end if they are few.

    `diff_context` is the number of unchanged lines around a difference, None if no differences are displayed.
    """

    def __init__(self, *, verbose: bool, diff_context: int | None) -> None:
        self._verbose = verbose
        self._diff_context = diff_context
        self._entries: list[_Entry] = []
        self._count = self._lines = self._differences = 0

    def add(self, result: AccountResult) -> list[str]:
        """Add the result of one account; returns the lines to display now."""
        lines = account_lines.lines(result, verbose=self._verbose)
        if self._verbose:
            return [*lines, *self._difference(result)]
        self._differences += bool(result.report.diff) and self._diff_context is not None
        if lines:
            self._count += 1
            self._lines += len(lines)
            self._keep(result, lines)
        return []

    def _keep(self, result: AccountResult, lines: list[str]) -> None:
        if not self._is_few:
            self._entries.clear()
            return
        changed = self._difference(result) if self._differences <= MAX_DIFFERENCES else []
        self._entries.append(_Entry(_urgency(result), lines, changed))

    def _difference(self, result: AccountResult) -> list[str]:
        return [] if self._diff_context is None else [*difference.lines(result.report.diff, self._diff_context)]

    @property
    def _is_few(self) -> bool:
        return self._count <= MAX_ACCOUNTS and self._lines <= MAX_LINES

    @property
    def is_hidden(self) -> bool:
        """Whether accounts or differences are too many to be displayed."""
        return not self._is_few or self._differences > MAX_DIFFERENCES

    def lines(self, place: str) -> Iterator[str]:
        """Yield the lines for the end: the accounts, worst first, or the `place` where they are, which may be ""."""
        where = f"{f', listed in {place}' if place else ''}; with -v they are displayed."
        if not self._is_few:
            yield f"{self._count} accounts have changes, findings or errors{where}"
            return
        shows_differences = self._differences <= MAX_DIFFERENCES
        for entry in sorted(self._entries):
            yield from entry.lines
            yield from entry.difference if shows_differences else ()
        if not shows_differences:
            yield f"{self._differences} accounts have differences{where}"


def _urgency(result: AccountResult) -> tuple[int, str]:
    """Return the position of an account: its worst finding, then its id."""
    ranks = [SEVERITIES.index(one.severity) for one in result.report.unaccepted]
    return min(ranks, default=len(SEVERITIES)), result.account.account_id
