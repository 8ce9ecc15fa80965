# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of a run as metrics in the format OpenMetrics 1.0, for the textfile collector of node_exporter.

The collector reads the older text format of Prometheus, and refuses timestamps of samples: all metrics are gauges
without one, which both formats write alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from ..model.findings import SEVERITIES, properties_of
from ..model.report_row import AccountRow, ReportHeader
from ..model.text import one_line
from .statistics import FINDING_STATES, STATE_BY_INGESTION_STATUS, Statistics, finding_states, ingestion_status_of
from .times import epoch_seconds

PREFIX = "trailbridge_sentinel_"
ACCOUNT_STATUSES = ("ok", "changed", "failed", "skipped")
# The metric of each number of a run, and its description.
NUMBERS = {
    "organization": ("organization_accounts", "Accounts that AWS Organizations lists."),
    "excluded": ("excluded_accounts", "Accounts of the organization that the run did not include."),
    "connected": ("connected_accounts", "Accounts that Microsoft Sentinel can read."),
    "drifted": ("drifted_accounts", "Accounts that differed from the desired state at the start of the run."),
    "orphaned": ("orphaned_connectors", "Connectors of closed or departed accounts, or of deleted roles."),
}


class Sample(NamedTuple):
    """A value of a metric, and its labels beside those of the run."""

    labels: Mapping[str, str]
    value: float


class Metric(NamedTuple):
    """A gauge with its samples; the unit, if there is one, is the end of the name."""

    name: str
    description: str
    samples: Sequence[Sample]
    unit: str = ""


def metric_lines(header: ReportHeader, rows: Sequence[AccountRow], statistics: Statistics) -> Iterator[str]:
    """Return the lines of the file; the labels of the run are on each sample."""
    run = {
        "playbook": header["playbook"],
        "check_mode": "true" if header.get("check_mode") else "false",
        "workspace": ",".join(header.get("workspaces", ())),
    }
    for metric in _metrics(header, rows, statistics):
        name = f"{PREFIX}{metric.name}"
        yield f"# TYPE {name} gauge\n"
        if metric.unit:
            yield f"# UNIT {name} {metric.unit}\n"
        yield f"# HELP {name} {metric.description}\n"
        for labels, value in metric.samples:
            pairs = (f'{key}="{_escaped(text)}"' for key, text in {**run, **labels}.items())
            yield f"{name}{{{','.join(pairs)}}} {value:.15g}\n"
    yield "# EOF\n"


def _metrics(header: ReportHeader, rows: Sequence[AccountRow], statistics: Statistics) -> Iterator[Metric]:
    started, finished = epoch_seconds(header["started"]), epoch_seconds(header["finished"])
    yield Metric("run_timestamp_seconds", "End of the run.", [Sample({}, finished)], "seconds")
    duration = max(0.0, finished - started)
    yield Metric("run_duration_seconds", "Time that the run took.", [Sample({}, duration)], "seconds")
    yield Metric("accounts", "Accounts of the run.", _accounts(rows))
    failures = [Sample({"class": one["class"]}, len(one["accounts"])) for one in statistics.failures]
    yield Metric("failed_accounts", "Accounts in which the run did not complete, by error class.", failures)
    for number, (name, description) in NUMBERS.items():
        if (value := statistics.numbers[number]) is not None:
            yield Metric(name, description, [Sample({}, value)])
    yield Metric("findings", "Findings at the start of the run, by what became of them.", _findings(rows, statistics))
    if statistics.ingestion_statuses:
        yield Metric("ingestion_accounts", "Accounts by ingestion status.", _ingestion(rows))
        yield Metric("last_event_timestamp_seconds", "Last event of an account.", _last_events(rows), "seconds")


def _accounts(rows: Sequence[AccountRow]) -> list[Sample]:
    """Return the accounts by status and source; a status that no account has is 0, so that alerts can compare it."""
    counts = Counter((row["status"], _source(row)) for row in rows)
    return _all_samples(counts, ("status", "source"), ACCOUNT_STATUSES, sorted({_source(row) for row in rows}))


def _ingestion(rows: Sequence[AccountRow]) -> list[Sample]:
    counts = Counter((status, _source(row)) for row in rows if (status := ingestion_status_of(row)))
    sources = sorted({source for _status, source in counts})
    return _all_samples(counts, ("ingestion_status", "source"), STATE_BY_INGESTION_STATUS, sources)


def _all_samples(
    counts: Mapping[tuple[str, str], int], names: tuple[str, str], firsts: Iterable[str], seconds: Iterable[str]
) -> list[Sample]:
    known = dict.fromkeys((*firsts, *(first for first, _second in counts)))
    keys = [(first, second) for second in seconds for first in known]
    return [Sample(dict(zip(names, key, strict=True)), counts.get(key, 0)) for key in keys]


def _findings(rows: Sequence[AccountRow], statistics: Statistics) -> list[Sample]:
    counts = Counter(
        (finding["severity"], properties_of(finding["code"]).security, state)
        for row, account in zip(rows, statistics.account_states, strict=True)
        for finding, state in zip(row.get("findings", ()), finding_states(row, account), strict=True)
    )
    return [
        Sample(
            {"severity": severity, "security": str(security).lower(), "state": state}, counts[severity, security, state]
        )
        for severity in SEVERITIES
        for security in (True, False)
        for state in FINDING_STATES
    ]


def _last_events(rows: Sequence[AccountRow]) -> list[Sample]:
    """Return the time of the last event of each account that has a usable one."""
    samples = []
    for row in rows:
        last = row["ingestion"].get("last_event") if "ingestion" in row else None
        with suppress(ValueError):
            samples += [Sample(_account_labels(row), epoch_seconds(last))] if last else []
    return samples


def _account_labels(row: AccountRow) -> dict[str, str]:
    return {"account_id": row["account_id"], "account": row.get("host") or ""}


def _source(row: AccountRow) -> str:
    """Return the types of an account's sources, "none" for a member of an organization trail."""
    sources = row.get("sources")
    return "unknown" if sources is None else ",".join(sources) or "none"


def _escaped(text: str) -> str:
    return one_line(text).replace("\\", r"\\").replace('"', r"\"")
