# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the events of an AWS account arrive: what to ask Log Analytics, and what its answer means. Pure.

Sources: "AWSCloudTrail" and "SentinelHealth" (Azure Monitor Logs table reference).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..connector import connector as connectors
from ..connector.connector import Connector
from ..duration import format_duration
from ..text import one_line
from .health_codes import explained

EVENTS, HEALTH = "AWSCloudTrail", "SentinelHealth"
INGESTION_STATUSES = ("receiving", "stale", "silent", "unhealthy", "not_connected", "unknown")
REGIONS = 50
# The first events of a connector take 5 to 30 minutes; nobody is helped by looking all the time.
FIRST_PAUSE, NEXT_PAUSE = 300.0, 120.0

Row = Mapping[str, Any]
Age = Callable[[str], float]


class Expected(NamedTuple):
    """What is expected of one account: whether silence is allowed, after how many seconds its events are stale."""

    allow_silent: bool = False
    stale_after: int = 6 * 3600


class Arrival(NamedTuple):
    """What arrived from one account: `age` is that of the last event, in seconds; `marked` events carry the marker."""

    last_event: str
    age: float
    events: int
    regions: tuple[str, ...] = ()
    marked: int = 0


class Health(NamedTuple):
    """What Microsoft Sentinel last said of a connector: whether fetching `failed`, since when, and why."""

    failed: bool
    time: str
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a workspace showed; `health` is None where it keeps no SentinelHealth."""

    arrivals: Mapping[str, Arrival]
    has_table: bool = True
    partial: bool = False
    health: Mapping[str, Health] | None = None


@dataclass(frozen=True, slots=True)
class Links:
    """The connectors of a workspace: by account, and whether one of S3 may bring the events of any account."""

    own: Mapping[str, Connector] = field(default_factory=dict)
    shared: bool = False


class IngestionStatus(NamedTuple):
    """What is to be said of one account: `name` is one of VERDICTS; `as_expected` tells that it is as expected."""

    name: str = "unknown"
    as_expected: bool = False
    message: str = ""


# --- questions ---


def events_query(lookback: int, canary: str = "") -> str:
    """Return the question for all accounts of a workspace: what arrived in the last `lookback` seconds."""
    named = f'RequestParameters has "{canary}" or UserIdentityArn has "{canary}"'
    marked = f", Marked = countif({named})" if canary else ""
    return (
        f"{EVENTS} | where TimeGenerated > ago({lookback}s)"
        " | extend Account = coalesce(RecipientAccountId, UserIdentityAccountId)"
        f" | summarize LastIngested = max(TimeGenerated), Events = count(), Regions = make_set(AWSRegion, {REGIONS})"
        f"{marked} by Account"
    )


def health_query(lookback: int) -> str:
    """Return the question for the last word on every connector and the last failures of each."""
    return (
        f"{HEALTH} | where TimeGenerated > ago({lookback}s)"
        f' | where SentinelResourceKind in ("{connectors.KIND}", "{connectors.KIND_S3}")'
        ' | where OperationName in ("Data fetch status change", "Data fetch failure summary")'
        " | summarize arg_max(TimeGenerated, Status, Description, ExtendedProperties)"
        " by SentinelResourceId, SentinelResourceName, OperationName"
    )


# --- answers ---


def arrivals(rows: Iterable[Row], age: Age) -> dict[str, Arrival]:
    """Return what arrived, by account; `age` turns the time of an event into seconds."""
    return {str(row["Account"]): _arrival(row, age) for row in rows if row.get("Account") and row.get("LastIngested")}


def _arrival(row: Row, age: Age) -> Arrival:
    last = str(row["LastIngested"])
    regions = tuple(sorted(str(region) for region in _dynamic(row.get("Regions")) or () if region))
    return Arrival(last, max(0.0, age(last)), int(row.get("Events") or 0), regions, int(row.get("Marked") or 0))


def health(rows: Iterable[Row]) -> dict[str, Health]:
    """Return the last word on every connector, by its name in lower case."""
    latest: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=lambda row: str(row.get("TimeGenerated") or "")):
        latest[_connector_of(row), str(row.get("OperationName"))] = row
    return {name: _health(latest, name) for name, _operation in latest}


def _connector_of(row: Row) -> str:
    """Return the name of the connector: the end of its ARM id, where the row has one."""
    path = str(row.get("SentinelResourceId") or "").lower()
    named = str(row.get("SentinelResourceName") or "").lower()
    return path.rpartition("/")[2] if "/dataconnectors/" in path else named


def _health(latest: Mapping[tuple[str, str], Row], name: str) -> Health:
    change, summary = (latest.get((name, f"Data fetch {what}"), {}) for what in ("status change", "failure summary"))
    if not change:
        # A summary without a change is one of transient failures: Microsoft has not given up the connector.
        return Health(failed=False, time=str(summary.get("TimeGenerated") or ""))
    failed, time = str(change.get("Status")).lower() == "failure", str(change.get("TimeGenerated") or "")
    failures = _failures(summary) or _failures(change)
    reason, message = failures[0] if failed and failures else ("", "")
    return Health(failed, time, reason, message or (str(change.get("Description") or "") if failed else ""))


def _failures(row: Row) -> list[tuple[str, str]]:
    properties = _dynamic(row.get("ExtendedProperties"))
    listed = _dynamic(properties.get("FailureSummary")) if isinstance(properties, Mapping) else None
    found = [item for item in listed or () if isinstance(item, Mapping)]
    return [(str(item.get("StatusCode") or ""), str(item.get("StatusMessage") or "")) for item in found]


def _dynamic(value: Any) -> Any:
    """Return a value of the type dynamic as data: the API answers with its JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def links(answers: Iterable[Mapping[str, Any]]) -> Links:
    """Return which accounts have a connector, of an answer of the API; of several one that is enabled."""
    own: dict[str, Connector] = {}
    shared = False
    for raw in answers:
        if found := connectors.parse(raw):
            known = own.get(found.account_id)
            own[found.account_id] = known if known and known.enabled else found
        shown = connectors.describe(raw)
        shared |= shown.get("destination_table") == EVENTS and shown["state"] == "Enabled"
    return Links(own, shared)


# --- verdicts ---


def judge(account_id: str, expected: Expected, look: Look, have: Links, lookback: int) -> IngestionStatus:
    """Say how an account is doing, on one line, whatever Log Analytics answered."""
    ingestion_status = _judged(account_id, expected, look, have, lookback)
    return ingestion_status._replace(message=one_line(ingestion_status.message))


def _judged(account_id: str, expected: Expected, look: Look, have: Links, lookback: int) -> IngestionStatus:
    arrival, connector = look.arrivals.get(account_id), have.own.get(account_id)
    if not (connector and connector.enabled) and not (have.shared and (arrival or look.partial)):
        why = f"Data connector {connector.name} is disabled." if connector else "No data connector reads the account."
        return IngestionStatus("not_connected", as_expected=False, message=why)
    state = (look.health or {}).get(connector.name.lower()) if connector else None
    if state and state.failed:
        return IngestionStatus("unhealthy", as_expected=False, message=explained(state.reason, state.message))
    if arrival is None:
        if look.partial:
            return IngestionStatus("unknown", as_expected=False, message="Log Analytics answered in part only.")
        never = f"Table {EVENTS} does not exist yet: nothing was ever ingested."
        why = f"No event arrived in the last {format_duration(lookback)}." if look.has_table else never
        return IngestionStatus("silent", as_expected=expected.allow_silent, message=why)
    if arrival.age > expected.stale_after:
        why = f"The last event arrived {format_duration(arrival.age)} ago, at {arrival.last_event}."
        return IngestionStatus("stale", as_expected=expected.allow_silent, message=why)
    return IngestionStatus("receiving", as_expected=True)


def waits(account_id: str, expected: Expected, look: Look, have: Links, *, marked: bool) -> bool:
    """Tell whether it is worth to look again later; where the account was `marked`, until the marker arrives."""
    arrival = look.arrivals.get(account_id)
    connector = have.own.get(account_id)
    if not (connector and connector.enabled) and not have.shared:
        return False
    if marked:
        return not (arrival and arrival.marked)
    return not expected.allow_silent and (arrival is None or arrival.age > expected.stale_after)


def pauses(wait: float) -> Iterator[float]:
    """Yield how long to wait before each further look, in seconds, where all may take `wait` seconds."""
    yield min(FIRST_PAUSE, max(1.0, wait / 6))
    while True:
        yield min(NEXT_PAUSE, max(1.0, wait / 15))


def show(account_id: str, ingestion_status: IngestionStatus, look: Look, have: Links) -> dict[str, Any]:
    """Return an account as it appears in results."""
    arrival, connector = look.arrivals.get(account_id), have.own.get(account_id)
    state = (look.health or {}).get(connector.name.lower()) if connector else None
    return {
        "ingestion_status": ingestion_status.name,
        "as_expected": ingestion_status.as_expected,
        "message": ingestion_status.message,
        "last_event": arrival.last_event if arrival else None,
        "age_seconds": round(arrival.age) if arrival else None,
        "events": arrival.events if arrival else 0,
        "regions": list(arrival.regions) if arrival else [],
        "connector_id": connector.id if connector else "",
        "role_arn": connector.role_arn if connector else "",
        "health": state._asdict() if state else {},
    }
