# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is new since the last run of the same playbook: problems that appeared, and problems that were resolved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..model.errors import CLASSES, SentinelError
from ..model.report_row import AccountRow, HistoryEntry, StoredReport, account_key
from . import folders, merge
from .statistics import (
    STATE_BY_INGESTION_STATUS,
    UNKNOWN,
    AccountState,
    account_state,
    ingestion_status_of,
    is_unexpected,
)

Problems = Mapping[str, frozenset[str]]
"""By account id, or host without one: finding codes, the error class, the ingestion status."""


DRIFT = "drift"
"""The problem of an account that would change and has no finding."""


class Comparison(NamedTuple):
    """The problems of accounts that are `new`, and those that are `resolved`, since an earlier run."""

    started: str
    folder: str
    new: Problems
    resolved: Problems
    added: int
    """Accounts that were not in the earlier run."""
    missing: int
    """Accounts that were in the earlier run only."""

    def counts(self) -> list[tuple[str, int, int]]:
        """Return each problem with the number of accounts that have it newly and no longer, most new ones first."""
        new, resolved = (Counter(one for found in side.values() for one in found) for side in (self.new, self.resolved))
        return sorted(
            ((one, new[one], resolved[one]) for one in new | resolved), key=lambda it: (-it[1], -it[2], it[0])
        )

    def show(self) -> dict[str, object]:
        """Return it as it appears in report.json."""
        return {
            "started": self.started,
            "folder": self.folder,
            **{name: _listed(found) for name, found in (("new", self.new), ("resolved", self.resolved))},
            "accounts_added": self.added,
            "accounts_missing": self.missing,
        }


def _listed(problems: Problems) -> list[dict[str, object]]:
    return [{"account_id": account_id, "problems": sorted(found)} for account_id, found in sorted(problems.items())]


def page_filter(problem: str) -> str:
    """Return the filter of the page that selects the accounts with a problem."""
    if problem == DRIFT:
        return "show=changed"
    field = "events" if problem in STATE_BY_INGESTION_STATUS else "class" if problem in CLASSES else "code"
    return f"{field}={problem}"


def problems_of(row: AccountRow, state: AccountState, *, check_mode: bool) -> frozenset[str]:
    """Return the problems of one account: what it failed with, open findings, the status of its events."""
    found = {
        finding["code"]
        for finding, is_open in zip(row.get("findings", ()), state.open, strict=True)
        if is_open and not finding.get("accepted")
    }
    if "error" in row:
        found.add(row["error"]["class"])
    if is_unexpected(row):
        found.add(ingestion_status_of(row))
    if check_mode and row["status"] == "changed" and not found:
        found.add(DRIFT)
    return frozenset(found)


def with_last_run(
    folder: Path,
    runs: Sequence[HistoryEntry],
    current: HistoryEntry,
    rows: Sequence[AccountRow],
    states: Sequence[AccountState],
) -> Comparison | None:
    """Return the comparison with the last run of the same kind whose report is there and can be read, None without one.

    `runs` are those of the playbook in the order of their start.
    """
    check_mode = bool(current.get("check_mode"))
    for run, name in reversed(list(zip(runs, folders.find(folder, runs), strict=True))):
        if name and run["started"] < current["started"] and bool(run.get("check_mode")) == check_mode:
            before = _read(folder / name)
            now = _problems(current, rows, states)
            return None if before is None else _compared(run["started"], name, before, now, _checked(before, rows))
    return None


def _read(folder: Path) -> Problems | None:
    """Return the problems in a report, None if it is damaged, of an earlier release, or of another user."""
    try:
        if stored := merge.read(folder):
            rows = stored["accounts"]
            return _problems(stored, rows, [account_state(row, stored) for row in rows])
    except (SentinelError, OSError, AttributeError, KeyError, TypeError, ValueError):
        pass
    return None


def _checked(before: Problems, rows: Sequence[AccountRow]) -> Problems:
    """Return the earlier problems that this run could find again.

    A run that did not complete in an account, or did not learn the status of its events, resolves nothing there.
    """
    found = {account_key(row): before.get(account_key(row), frozenset()) for row in rows}
    for row in rows:
        if row["status"] not in ("ok", "changed"):
            found[account_key(row)] = frozenset()
        elif STATE_BY_INGESTION_STATUS.get(ingestion_status_of(row) or "receiving", UNKNOWN) == UNKNOWN:
            found[account_key(row)] = found[account_key(row)].difference(STATE_BY_INGESTION_STATUS)
    return found


def _problems(run: StoredReport | HistoryEntry, rows: Sequence[AccountRow], states: Sequence[AccountState]) -> Problems:
    check_mode, pairs = bool(run.get("check_mode")), zip(rows, states, strict=True)
    return {account_key(row): problems_of(row, state, check_mode=check_mode) for row, state in pairs}


def _compared(started: str, folder: str, before: Problems, now: Problems, checked: Problems) -> Comparison:
    return Comparison(
        started,
        folder,
        new=_difference(now, before, now),
        resolved=_difference(checked, now, checked),
        added=len(now.keys() - before.keys()),
        missing=len(before.keys() - now.keys()),
    )


def _difference(side: Problems, other: Problems, accounts: Iterable[str]) -> Problems:
    nothing = frozenset[str]()
    found = {one: side.get(one, nothing) - other.get(one, nothing) for one in accounts}
    return {account_id: problems for account_id, problems in found.items() if problems}
