# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ingestion of the events of AWS accounts: parsed answers, and the ingestion status. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NotRequired, TypedDict

from ..connector import connector as connectors
from ..connector.connector import Connector, Connectors
from ..duration import format_duration
from ..report_row import ErrorRow
from ..text import one_line
from .health import Health
from .health_codes import health_message
from .queries import EVENTS
from .rows import Row, parse_dynamic

INGESTION_STATUSES = ("receiving", "stale", "silent", "unhealthy", "not_connected", "unknown")
# The first events of a connector arrive after 5 to 30 minutes.
FIRST_PAUSE_SECONDS, NEXT_PAUSE_SECONDS = 300.0, 120.0
_ACCOUNT_ID = re.compile("[0-9]{12}")
# Events that are further in the future prove nothing.
MAX_AHEAD_SECONDS = 300.0


class Expected(NamedTuple):
    """What is expected of one account: whether it may be silent, and the age in seconds from which events are stale.

    `through_s3` is whether it has no CloudTrail source, so that its events have to come through an S3 connector.
    """

    allow_silent: bool = False
    stale_after: int = 6 * 3600
    through_s3: bool = False


class Arrival(NamedTuple):
    """The events that arrived from one account: `age` of the last one in seconds, `canary_events` of this run.

    `age` is None if the answer has no usable age: none at all, or one in the future.
    """

    last_event: str
    age: float | None
    events: int
    regions: tuple[str, ...] = ()
    canary_events: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The events and connector health of a workspace at one time; without the table SentinelHealth `health` is None."""

    arrivals: Mapping[str, Arrival]
    has_table: bool = True
    partial: bool = False
    health: Mapping[str, Health] | None = None


@dataclass(frozen=True, slots=True)
class ConnectorsByAccount:
    """The connectors of a workspace by account id, and the names of enabled S3 connectors.

    The latter may read events of any account.
    """

    by_id: Mapping[str, Connectors] = field(default_factory=dict)
    s3_names: tuple[str, ...] = ()


class IngestionStatus(NamedTuple):
    """The ingestion status of one account: `name` is one of INGESTION_STATUSES."""

    name: str = "unknown"
    as_expected: bool = False
    message: str = ""


_PARTIAL = IngestionStatus(message="Log Analytics returned only a partial answer.")


class IngestionResult(TypedDict):
    """One account in results; some keys are there only if the run checked or had them.

    These are `canary`, `role_last_used` and `error`, and `s3_sources` of accounts that list some.
    """

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
    s3_sources: NotRequired[list[dict[str, Any]]]
    error: NotRequired[ErrorRow]


# --- answers ---


def parse_arrivals(rows: Iterable[Row]) -> dict[str, Arrival]:
    """Return the events that arrived, by account id; a row that is not usable makes only its account unknown."""
    by_account = ((str(row.get("Account")), row) for row in rows)
    return {account_id: _arrival(row) for account_id, row in by_account if _ACCOUNT_ID.fullmatch(account_id)}


def _arrival(row: Row) -> Arrival:
    last_event = str(row.get("LastIngested") or "")
    try:
        regions = tuple(sorted(str(region) for region in parse_dynamic(row.get("Regions")) or () if region))
        events, canary_events = int(row.get("Events") or 0), int(row.get("CanaryEvents") or 0)
        age = float(row["AgeSeconds"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return Arrival(last_event, None, 0)
    is_usable = -MAX_AHEAD_SECONDS <= age < math.inf
    return Arrival(last_event, max(0.0, age) if is_usable else None, events, regions, canary_events)


def connectors_by_account(answers: Iterable[Mapping[str, Any]]) -> ConnectorsByAccount:
    """Return the connectors in an answer of the API by account id."""
    by_id: dict[str, Connectors] = {}
    s3_names: tuple[str, ...] = ()
    for raw in answers:
        if found := connectors.parse(raw):
            by_id[found.account_id] = (*by_id.get(found.account_id, ()), found)
        described = connectors.describe(raw)
        if described.get("destination_table") == EVENTS and described["state"] == "Enabled":
            s3_names += (described["name"],)
    return ConnectorsByAccount(by_id, s3_names)


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
    arrival, connector = snapshot.arrivals.get(account_id), _connector_of(account_id, snapshot, have)
    if connector is None and expected.through_s3 and have.s3_names:
        return _evaluate_through_s3(arrival, expected, snapshot, have, lookback)
    if connector is None:
        return _evaluate_without_connector(arrival, expected, snapshot, have)
    if not connector.enabled:
        return IngestionStatus("not_connected", message=f"Data connector {connector.name} is disabled.")
    health = _health_of(connector.name, snapshot)
    if health and health.failed:
        return _unhealthy(health)
    if arrival is None:
        return _evaluate_without_events(expected, snapshot, lookback)
    return _evaluate_age(arrival, expected)


def _evaluate_through_s3(
    arrival: Arrival | None, expected: Expected, snapshot: Snapshot, have: ConnectorsByAccount, lookback: int
) -> IngestionStatus:
    """Return the status of an account whose events have to come through an S3 connector."""
    if failure := _s3_failure(snapshot, have):
        return _unhealthy(failure)
    if arrival is None:
        return _evaluate_without_events(expected, snapshot, lookback)
    return _evaluate_age(arrival, expected)


def _evaluate_without_connector(
    arrival: Arrival | None, expected: Expected, snapshot: Snapshot, have: ConnectorsByAccount
) -> IngestionStatus:
    """Return the status of an account without a connector of its own: connected if S3 connectors bring its events."""
    message = "No data connector for the account."
    if not have.s3_names or (arrival is None and not snapshot.partial):
        return IngestionStatus("not_connected", message=message)
    if arrival is None:
        return _PARTIAL
    if failure := _s3_failure(snapshot, have):
        return _unhealthy(failure)
    found = _evaluate_age(arrival, expected)
    if found.name == "stale":
        return IngestionStatus("not_connected", message=f"{message} {found.message}")
    return found


def _s3_failure(snapshot: Snapshot, have: ConnectorsByAccount) -> Health | None:
    """Return the health of the first S3 connector if all of them fail: which one reads an account is not known."""
    health = [_health_of(name, snapshot) for name in have.s3_names]
    return health[0] if all(one and one.failed for one in health) else None


def _evaluate_age(arrival: Arrival, expected: Expected) -> IngestionStatus:
    if arrival.age is None:
        message = f"Log Analytics returned no usable time of the last event: {arrival.last_event or 'none'}."
        return IngestionStatus(message=message)
    if arrival.age > expected.stale_after:
        message = f"The last event arrived {format_duration(arrival.age)} ago, at {arrival.last_event}."
        return IngestionStatus("stale", as_expected=expected.allow_silent, message=message)
    return IngestionStatus("receiving", as_expected=True)


def _unhealthy(health: Health) -> IngestionStatus:
    return IngestionStatus("unhealthy", message=health_message(health.reason, health.message))


def _connector_of(account_id: str, snapshot: Snapshot, have: ConnectorsByAccount) -> Connector | None:
    """Return the connector of an account that its status depends on: of several an enabled one, and one that fails."""

    def rank(connector: Connector) -> tuple[bool, bool]:
        health = _health_of(connector.name, snapshot)
        return connector.enabled, bool(health and health.failed)

    return max(have.by_id.get(account_id, ()), key=rank, default=None)


def _health_of(name: str, snapshot: Snapshot) -> Health | None:
    return (snapshot.health or {}).get(name.lower())


def _evaluate_without_events(expected: Expected, snapshot: Snapshot, lookback: int) -> IngestionStatus:
    if snapshot.partial:
        return _PARTIAL
    never = f"Table {EVENTS} does not exist yet: no event has been ingested."
    message = f"No event arrived in the last {format_duration(lookback)}." if snapshot.has_table else never
    return IngestionStatus("silent", as_expected=expected.allow_silent, message=message)


def is_pending(
    account_id: str, expected: Expected, snapshot: Snapshot, have: ConnectorsByAccount, *, has_canary: bool
) -> bool:
    """Return whether a later query may find the expected events, with `has_canary` those of the canary."""
    arrival, connector = snapshot.arrivals.get(account_id), _connector_of(account_id, snapshot, have)
    if not (connector.enabled if connector else have.s3_names):
        return False
    if has_canary:
        return not (arrival and arrival.canary_events)
    return not expected.allow_silent and (arrival is None or _evaluate_age(arrival, expected).name != "receiving")


def query_pauses(wait: float) -> Iterator[float]:
    """Yield the pause before each further query, in seconds; `wait` is the longest time for all of them, in seconds."""
    yield min(FIRST_PAUSE_SECONDS, max(1.0, wait / 6))
    while True:
        yield min(NEXT_PAUSE_SECONDS, max(1.0, wait / 15))


def show(
    account_id: str, ingestion_status: IngestionStatus, snapshot: Snapshot, have: ConnectorsByAccount
) -> IngestionResult:
    """Return an account as it appears in results."""
    arrival = snapshot.arrivals.get(account_id, Arrival("", None, 0))
    connector = _connector_of(account_id, snapshot, have)
    health = _health_of(connector.name, snapshot) if connector else None
    return {
        "ingestion_status": ingestion_status.name,
        "as_expected": ingestion_status.as_expected,
        "message": ingestion_status.message,
        "last_event": arrival.last_event or None,
        "age_seconds": None if arrival.age is None else round(arrival.age),
        "events": arrival.events,
        "regions": list(arrival.regions),
        "connector_id": connector.id if connector else "",
        "role_arn": connector.role_arn if connector else "",
        "health": health._asdict() if health else {},
    }
