# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One report of several runs that belong together, such as job slices or batches: each adds what it did."""

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

Report = Mapping[str, Any]

# So long after a run its name stands for another one.
APART = timedelta(hours=6)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep out others that write into the same folder meanwhile, from another machine as well.

    Raises OSError, and interrupted where a signal ends the run while it waits.
    """
    # Over NFS a lock takes a file that is open for writing.
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with _ended_by_signals(f"write the report in {folder}"):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _ended_by_signals(what: str) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end a wait that an event loop, which takes both, cannot hear of meanwhile."""

    def end(number: int, _frame: object) -> None:
        why = f"it got {signal.Signals(number).name} while another run was writing there"
        raise cannot("interrupted", what, why)

    own = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)} if own else {}
    # What the system or Python does without a handler ends a wait by itself; who ignores a signal has a reason.
    taken = {number: handler for number, handler in before.items() if callable(handler)}
    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)


def read(folder: Path) -> Report | None:
    """Return the report in a folder, None if there is none yet; raises bad_input for one that cannot be read."""
    try:
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        _when = is_of_another_night(report, report)
        _who = [one["account_id"] for one in report["accounts"]]
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, ValueError) as error:
        raise cannot("bad_input", f"add to the report in {folder}", f"it is damaged ({error!r})") from error
    found: Report = report
    return found


def is_of_another_night(report: Report, header: Report) -> bool:
    """Tell whether hours lie between two runs: those that belong together begin before the others are long over."""
    after = _moment(header["started"]) - _moment(report["finished"])
    return max(after, _moment(report["started"]) - _moment(header["finished"])) > APART


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def set_aside(folder: Path, kept: Path) -> None:
    """Move a report out of the way of the next one, its data last: what a crash leaves is moved by the next run."""
    kept.mkdir(mode=0o700, exist_ok=True)
    for path in sorted(folder.glob("report.*"), key=lambda path: path.name == "report.json"):
        path.replace(kept / path.name)


def merged(before: Report, header: Report, records: Sequence[Report]) -> tuple[dict[str, Any], list[Report]]:
    """Return header and records of both; of an account, or an orphan, that both have, the later word counts."""
    accounts = list({one["account_id"]: one for one in (*before["accounts"], *records)}.values())
    orphans = {_orphan(one): one for one in (*before.get("orphans", ()), *header.get("orphans", ()))}
    return {
        **header,
        "started": min(before["started"], header["started"], key=_moment),
        "finished": max(before["finished"], header["finished"], key=_moment),
        "workspaces": sorted({*before.get("workspaces", ()), *header.get("workspaces", ())}),
        "organization": _organization(header.get("organization") or before.get("organization"), accounts),
        "orphans": list(orphans.values()),
        "summary": _summary(header.get("summary", {}), accounts),
    }, accounts


def _organization(told: Mapping[str, Any] | None, accounts: Sequence[Report]) -> Report | None:
    """Leave out those whom another run worked on."""
    inside = {one["account_id"] for one in accounts}
    return told and {**told, "excluded": [one for one in told["excluded"] if one["account_id"] not in inside]}


def _orphan(one: Any) -> tuple[Any, ...]:
    return (one.get("connector_id"), one.get("role_arn"), one.get("account_id")) if isinstance(one, Mapping) else (one,)


def _summary(names: Mapping[str, int], accounts: Sequence[Report]) -> dict[str, int]:
    """Count anew, by the statuses or the verdicts that the summary of a run has."""
    counts = Counter(one["status"] for one in accounts)
    counts += Counter(str((one.get("ingestion") or {}).get("ingestion_status")) for one in accounts)
    return {**{name: counts[name] for name in names}, "accounts": len(accounts)}
