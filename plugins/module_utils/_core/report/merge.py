# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One report for several runs of the same name, such as job slices or batches: each adds its accounts."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..model.errors import cannot
from ..model.report_row import AccountRow, OrganizationRow, ReportHeader, StoredReport, account_key

# A run that starts later than this after the end of another one of the same name is a separate run.
MAX_GAP = timedelta(hours=6)
# Between limits, users and interruptions of several runs in one report.
SEPARATOR = "; "


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the lock of a file, which is created if it does not exist; runs on other machines respect it as well.

    Raises OSError, and interrupted if a signal ends the run while it waits for the lock.
    """
    # Over NFS a file must be open for writing to be locked.
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with _interruptible(f"write the report in {path.parent}"):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _interruptible(action: str) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end a blocking wait, during which the event loop cannot handle them."""

    def interrupt(number: int, _frame: object) -> None:
        cause = f"received {signal.Signals(number).name} while waiting for another run to write there"
        raise cannot("interrupted", action, cause)

    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)} if is_main else {}
    # A default action ends the wait by itself; a signal that is ignored stays ignored.
    replaced = {number: handler for number, handler in before.items() if callable(handler)}
    for number in replaced:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)


def read(folder: Path) -> StoredReport | None:
    """Return the report in a folder, None if there is none yet; raises bad_input for one that cannot be read."""
    try:
        report: StoredReport = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        _check_readable(report)
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, ValueError) as error:
        raise cannot("bad_input", f"add to the report in {folder}", f"it is damaged ({error!r})") from error
    return report


def _check_readable(report: StoredReport) -> None:
    """Raise KeyError, TypeError or ValueError if a time or an account id is missing or has another type."""
    for when in (report["started"], report["finished"]):
        _parse_time(when)
    if not all("account_id" in row for row in report["accounts"]):
        raise KeyError("account_id")


def is_separate_run(earlier: tuple[str, str], later: tuple[str, str]) -> bool:
    """Return whether more than MAX_GAP lies between two runs, each given as its start and end in ISO 8601."""
    (start, end), (other_start, other_end) = (tuple(map(_parse_time, run)) for run in (earlier, later))
    return max(other_start - end, start - other_end) > MAX_GAP


def period_of(header: ReportHeader) -> tuple[str, str]:
    """Return start and end of a run."""
    return header["started"], header["finished"]


def _parse_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def archive(folder: Path, target: Path) -> None:
    """Move a report to `target`, report.json last: after a crash the next run moves the remaining files."""
    target.mkdir(mode=0o700, exist_ok=True)
    for path in sorted(folder.glob("report.*"), key=lambda path: path.name == "report.json"):
        path.replace(target / path.name)


def merged(
    before: StoredReport, header: ReportHeader, rows: Sequence[AccountRow]
) -> tuple[ReportHeader, list[AccountRow]]:
    """Return header and rows of both runs; for an account or an orphan that is in both, the later one is kept."""
    accounts = list({account_key(row): row for row in (*before["accounts"], *rows)}.values())
    orphans = {_orphan_key(orphan): orphan for orphan in (*before.get("orphans", ()), *header.get("orphans", ()))}
    whole: Any = {
        **header,
        "started": min(before["started"], header["started"], key=_parse_time),
        "finished": max(before["finished"], header["finished"], key=_parse_time),
        "workspaces": sorted({*before.get("workspaces", ()), *header.get("workspaces", ())}),
        "organization": _merge_organization(header.get("organization") or before.get("organization"), accounts),
        "orphans": list(orphans.values()),
        "summary": _count(header.get("summary", {}), accounts),
        **_merge_origin(before, header),
        **_merge_workspaces(before, header),
        **_merge_reasons(before, header, rows, accounts),
    }
    return whole, accounts


def _merge_workspaces(before: StoredReport, header: ReportHeader) -> dict[str, Any]:
    """Return the details of all workspaces, and the notes on them, if there are any."""
    details = {one["name"]: one for part in (before, header) for one in part.get("workspace_details", ())}
    notes = list(dict.fromkeys((*before.get("notes", ()), *header.get("notes", ()))))
    merged_parts = {"workspace_details": list(details.values()), "notes": notes}
    return {name: values for name, values in merged_parts.items() if values}


def _merge_reasons(
    before: StoredReport, header: ReportHeader, rows: Sequence[AccountRow], accounts: Sequence[AccountRow]
) -> dict[str, Any]:
    """Return why runs ended early and why accounts were skipped, of the runs whose `accounts` are still in the report.

    `rows` are those of the later run.
    """
    reasons = {one["message"]: one for part in (before, header) for one in part.get("skip_reasons", ())}
    has_skipped = any(row["status"] == "skipped" for row in accounts)
    merged_reasons: dict[str, Any] = {"skip_reasons": list(reasons.values()) if has_skipped else []}
    if before.get("interrupted") and _is_left(before, rows):
        merged_reasons["interrupted"] = _joined(before, header, "interrupted")
    return merged_reasons


def _merge_origin(before: StoredReport, header: ReportHeader) -> dict[str, Any]:
    """Return who started the runs, their limits if all have one, and the portal if it is the same."""
    limited = before.get("limit") and header.get("limit")
    portal = header.get("azure_portal", "")
    return {
        "user": _joined(before, header, "user"),
        "limit": _joined(before, header, "limit") if limited else "",
        "azure_portal": portal if before.get("azure_portal") == portal else "",
    }


def _joined(before: Mapping[str, Any], header: Mapping[str, Any], name: str) -> str:
    """Return the different values of all runs in one text."""
    parts = [*str(before.get(name) or "").split(SEPARATOR), str(header.get(name) or "")]
    return SEPARATOR.join(dict.fromkeys(filter(None, parts)))


def _is_left(before: StoredReport, rows: Sequence[AccountRow]) -> bool:
    """Whether the report keeps an account of the earlier runs."""
    return not {account_key(row) for row in before["accounts"]} <= {account_key(row) for row in rows}


def _merge_organization(row: OrganizationRow | None, accounts: Sequence[AccountRow]) -> OrganizationRow | None:
    """Leave out of `excluded` the accounts of other runs in the same report."""
    if not row:
        return None
    included = {account["account_id"] for account in accounts}
    return {**row, "excluded": [account for account in row["excluded"] if account["account_id"] not in included]}


def _orphan_key(orphan: Any) -> tuple[Any, ...]:
    if isinstance(orphan, Mapping):
        return (orphan.get("connector_id"), orphan.get("role_arn"), orphan.get("account_id"))
    return (orphan,)


def _count(names: Mapping[str, int], accounts: Sequence[AccountRow]) -> dict[str, int]:
    """Return a summary of all accounts, by the statuses or ingestion statuses that are in the summary of a run."""
    counts = Counter(row["status"] for row in accounts)
    counts.update(ready=counts["ok"], not_ready=counts["failed"])  # the names of preflight
    counts += Counter(str(ingestion.get("ingestion_status")) for row in accounts if (ingestion := row.get("ingestion")))
    return {**{name: counts[name] for name in names}, "accounts": len(accounts)}
