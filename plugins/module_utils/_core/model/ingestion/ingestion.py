# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ingestion of the events of AWS accounts: KQL queries, parsed answers, and the ingestion status. Pure.

Sources: "AWSCloudTrail" and "SentinelHealth" (Azure Monitor Logs table reference).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NotRequired, TypedDict

from ..connector import connector as connectors
from ..connector.connector import Connector
from ..duration import format_duration
from ..report_row import ErrorRow
from ..text import one_line
from .health_codes import health_message

EVENTS, HEALTH = "AWSCloudTrail", "SentinelHealth"
INGESTION_STATUSES = ("receiving", "stale", "silent", "unhealthy", "not_connected", "unknown")
MAX_REGIONS = 50
# The first events of a connector arrive after 5 to 30 minutes.
FIRST_PAUSE_SECONDS, NEXT_PAUSE_SECONDS = 300.0, 120.0

Row = Mapping[str, Any]
"""One row of an answer of Log Analytics, by column name."""


class Expected(NamedTuple):
    """What is expected of one account: whether it may be silent, and the age in seconds from which events are stale."""

    allow_silent: bool = False
    stale_after: int = 6 * 3600


class Arrival(NamedTuple):
    """The events that arrived from one account: `age` of the last one in seconds, `canary_events` of this run."""

    last_event: str
    age: float
    events: int
    regions: tuple[str, ...] = ()
    canary_events: int = 0


class Health(NamedTuple):
    """The last health report of a connector: whether fetching events `failed`, the time, and the reason."""

    failed: bool
    time: str
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The events and connector health of a workspace at one time; without the table SentinelHealth `health` is None."""

    arrivals: Mapping[str, Arrival]
    has_table: bool = True
    partial: bool = False
    health: Mapping[str, Health] | None = None


@dataclass(frozen=True, slots=True)
class ConnectorsByAccount:
    """The connectors of a workspace by account id, and whether an S3 connector may read events of any account."""

    by_id: Mapping[str, Connector] = field(default_factory=dict)
    has_s3: bool = False


class IngestionStatus(NamedTuple):
    """The ingestion status of one account: `name` is one of INGESTION_STATUSES."""

    name: str = "unknown"
    as_expected: bool = False
    message: str = ""


class IngestionResult(TypedDict):
    """One account in results; `canary`, `role_last_used` and `error` are there only if the run checked or had them."""

    ingestion_status: str
    as_expected: bool
    message: str
    last_event: str | None
    age_seconds: int | None
    events: int
    regions: list[str]
    connector_id: str
    role_arn: str
    health: dict[str, Any]
    canary: NotRequired[bool]
    role_last_used: NotRequired[dict[str, Any]]
    error: NotRequired[ErrorRow]


# --- queries ---


def events_query(lookback: int, canary: str = "") -> str:
    """Return the query for the events of all accounts of a workspace in the last `lookback` seconds.

    With `canary`, the session name of the canary events, they are counted as well. The age of the last event is the
    time since its ingestion, by the clock of the workspace: `TimeGenerated` may be any time.
    """
    is_canary = f'RequestParameters has "{canary}" or UserIdentityArn has "{canary}"'
    canary_events = f",\n    CanaryEvents = countif({is_canary})" if canary else ""
    regions = f"Regions = make_set(AWSRegion, {MAX_REGIONS})"
    return f"""\
{EVENTS}
| where TimeGenerated > ago({lookback}s)
| extend Account = coalesce(RecipientAccountId, UserIdentityAccountId)
| summarize LastIngested = max(ingestion_time()), Events = count(), {regions}{canary_events}
    by Account
| extend AgeSeconds = datetime_diff("second", now(), LastIngested)
"""


def health_query(lookback: int) -> str:
    """Return the query for the last status change and the last failure summary of every connector."""
    return f"""\
{HEALTH}
| where TimeGenerated > ago({lookback}s)
| where SentinelResourceKind in ("{connectors.KIND}", "{connectors.KIND_S3}")
| where OperationName in ("Data fetch status change", "Data fetch failure summary")
| summarize arg_max(TimeGenerated, Status, Description, ExtendedProperties)
    by SentinelResourceId, SentinelResourceName, OperationName
"""


# --- answers ---


def parse_arrivals(rows: Iterable[Row]) -> dict[str, Arrival]:
    """Return the events that arrived, by account id."""
    return {str(row["Account"]): _arrival(row) for row in rows if row.get("Account") and row.get("LastIngested")}


def _arrival(row: Row) -> Arrival:
    regions = tuple(sorted(str(region) for region in _dynamic(row.get("Regions")) or () if region))
    canary_events = int(row.get("CanaryEvents") or 0)
    age = float(row["AgeSeconds"])
    return Arrival(str(row["LastIngested"]), age, int(row.get("Events") or 0), regions, canary_events)


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
    """Return code and message of every failure in a row."""
    properties = _dynamic(row.get("ExtendedProperties"))
    summary = _dynamic(properties.get("FailureSummary")) if isinstance(properties, Mapping) else None
    items = [item for item in summary or () if isinstance(item, Mapping)]
    return [(str(item.get("StatusCode") or ""), str(item.get("StatusMessage") or "")) for item in items]


def _dynamic(value: Any) -> Any:
    """Return the data of a value of type dynamic, which the API returns as JSON; None if that is not JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def connectors_by_account(answers: Iterable[Mapping[str, Any]]) -> ConnectorsByAccount:
    """Return the connectors in an answer of the API by account id; of several an enabled one."""
    by_id: dict[str, Connector] = {}
    has_s3 = False
    for raw in answers:
        if found := connectors.parse(raw):
            known = by_id.get(found.account_id)
            by_id[found.account_id] = known if known and known.enabled else found
        described = connectors.describe(raw)
        has_s3 |= described.get("destination_table") == EVENTS and described["state"] == "Enabled"
    return ConnectorsByAccount(by_id, has_s3)


# --- ingestion status ---


def evaluate(
    account_id: str, expected: Expected, snapshot: Snapshot, have: ConnectorsByAccount, lookback: int
) -> IngestionStatus:
    """Return the ingestion status of an account, its message on one line; `lookback` is in seconds."""
    ingestion_status = _evaluate(account_id, expected, snapshot, have, lookback)
    return ingestion_status._replace(message=one_line(ingestion_status.message))


def _evaluate(
    account_id: str, expected: Expected, snapshot: Snapshot, have: ConnectorsByAccount, lookback: int
) -> IngestionStatus:
    arrival, connector = snapshot.arrivals.get(account_id), have.by_id.get(account_id)
    if not _is_enabled(connector) and not (have.has_s3 and (arrival or snapshot.partial)):
        message = f"Data connector {connector.name} is disabled." if connector else "No data connector for the account."
        return IngestionStatus("not_connected", as_expected=False, message=message)
    health = _health_of(connector, snapshot)
    if health and health.failed:
        return IngestionStatus("unhealthy", as_expected=False, message=health_message(health.reason, health.message))
    if arrival is None:
        return _evaluate_without_events(expected, snapshot, lookback)
    if arrival.age > expected.stale_after:
        message = f"The last event arrived {format_duration(arrival.age)} ago, at {arrival.last_event}."
        return IngestionStatus("stale", as_expected=expected.allow_silent, message=message)
    return IngestionStatus("receiving", as_expected=True)


def _is_enabled(connector: Connector | None) -> bool:
    return connector is not None and connector.enabled


def _health_of(connector: Connector | None, snapshot: Snapshot) -> Health | None:
    return (snapshot.health or {}).get(connector.name.lower()) if connector else None


def _evaluate_without_events(expected: Expected, snapshot: Snapshot, lookback: int) -> IngestionStatus:
    if snapshot.partial:
        message = "Log Analytics returned only a partial answer."
        return IngestionStatus("unknown", as_expected=False, message=message)
    never = f"Table {EVENTS} does not exist yet: no event has been ingested."
    message = f"No event arrived in the last {format_duration(lookback)}." if snapshot.has_table else never
    return IngestionStatus("silent", as_expected=expected.allow_silent, message=message)


def is_pending(
    account_id: str, expected: Expected, snapshot: Snapshot, have: ConnectorsByAccount, *, has_canary: bool
) -> bool:
    """Return whether a later query may find the expected events, with `has_canary` those of the canary."""
    arrival = snapshot.arrivals.get(account_id)
    if not _is_enabled(have.by_id.get(account_id)) and not have.has_s3:
        return False
    if has_canary:
        return not (arrival and arrival.canary_events)
    return not expected.allow_silent and (arrival is None or arrival.age > expected.stale_after)


def query_pauses(wait: float) -> Iterator[float]:
    """Yield the pause before each further query, in seconds; `wait` is the longest time for all of them, in seconds."""
    yield min(FIRST_PAUSE_SECONDS, max(1.0, wait / 6))
    while True:
        yield min(NEXT_PAUSE_SECONDS, max(1.0, wait / 15))


def show(
    account_id: str, ingestion_status: IngestionStatus, snapshot: Snapshot, have: ConnectorsByAccount
) -> IngestionResult:
    """Return an account as it appears in results."""
    arrival, connector = snapshot.arrivals.get(account_id), have.by_id.get(account_id)
    health = _health_of(connector, snapshot)
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
        "health": health._asdict() if health else {},
    }
