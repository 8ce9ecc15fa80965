# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health that Microsoft Sentinel reports for connectors: parsed rows of SentinelHealth. Pure.

Source: "SentinelHealth" (Azure Monitor Logs table reference).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .rows import Row, parse_dynamic


class Health(NamedTuple):
    """The last health report of a connector: whether fetching events `failed`, the time, and the reason."""

    failed: bool
    time: str
    reason: str = ""
    message: str = ""


def parse_health(rows: Iterable[Row]) -> dict[str, Health]:
    """Return the last health report of every connector, by its name in lower case."""
    latest: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=lambda row: str(row.get("TimeGenerated") or "")):
        latest[_connector_name(row), str(row.get("OperationName"))] = row
    return {name: _health(latest, name) for name, _operation in latest}


def _connector_name(row: Row) -> str:
    """Return the name of the connector in lower case: the end of its ARM id if the row has one."""
    path = str(row.get("SentinelResourceId") or "").lower()
    name = str(row.get("SentinelResourceName") or "").lower()
    return path.rpartition("/")[2] if "/dataconnectors/" in path else name


def _health(latest: Mapping[tuple[str, str], Row], name: str) -> Health:
    change = latest.get((name, "Data fetch status change"), {})
    summary = latest.get((name, "Data fetch failure summary"), {})
    if not change:
        # A summary without a status change lists transient failures: Microsoft Sentinel continues to fetch events.
        return Health(failed=False, time=str(summary.get("TimeGenerated") or ""))
    failed, time = str(change.get("Status")).lower() == "failure", str(change.get("TimeGenerated") or "")
    reasons = _reasons(summary) or _reasons(change)
    reason, message = reasons[0] if failed and reasons else ("", "")
    return Health(failed, time, reason, message or (str(change.get("Description") or "") if failed else ""))


def _reasons(row: Row) -> list[tuple[str, str]]:
    """Return code and message of every failure in a row: a list of objects, or one object."""
    properties = parse_dynamic(row.get("ExtendedProperties"))
    summary = parse_dynamic(properties.get("FailureSummary")) if isinstance(properties, Mapping) else None
    items = summary if isinstance(summary, list) else [summary]
    return [
        (str(item.get("StatusCode") or ""), str(item.get("StatusMessage") or ""))
        for item in items
        if isinstance(item, Mapping)
    ]
