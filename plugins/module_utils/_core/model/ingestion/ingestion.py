# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ingestion status of an AWS account: of each table that its events are expected in, and of all together. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, NotRequired, TypedDict, cast

from ..duration import format_duration
from ..report_row import ErrorRow
from ..text import one_line
from .arrivals import Arrival, Snapshot
from .demands import Demand, Expected, demands
from .health import Health
from .health_codes import health_message
from .readers import ConnectorsByAccount, Reader, Readers, enabled, failing, health_of, is_healthy
from .tables import EVENTS, TABLES

INGESTION_STATUSES = ("receiving", "stale", "silent", "unhealthy", "not_connected", "unknown")
# Which one of several that are not as expected is that of the account.
WORST_FIRST = ("unhealthy", "not_connected", "silent", "stale", "unknown", "receiving")
# The first events of a connector arrive after 5 to 30 minutes.
FIRST_PAUSE_SECONDS, NEXT_PAUSE_SECONDS = 300.0, 120.0


class Canary(NamedTuple):
    """The canary event of an account: whether it was created. An account that has none is evaluated without."""

    created: bool


class IngestionStatus(NamedTuple):
    """An ingestion status: `name` is one of INGESTION_STATUSES."""

    name: str = "unknown"
    as_expected: bool = False
    message: str = ""


class TableIngestion(NamedTuple):
    """The ingestion of one table for an account.

    `reader` is the connector that the status depends on, None if there is none or it may be one of several. Tables
    that are not `expected` only show what arrived.
    """

    table: str
    status: IngestionStatus = IngestionStatus()
    arrival: Arrival | None = None
    reader: Reader | None = None
    health: Health | None = None
    expected: bool = True


class TableResult(TypedDict):
    """One table of an account in results."""

    ingestion_status: str
    as_expected: bool
    message: str
    last_event: str | None
    age_seconds: int | None
    events: int
    regions: list[str]
    connector_id: str


class IngestionResult(TableResult):
    """One account in results: the values of the table that its status depends on, and those of all its tables.

    `canary`, `role_last_used` and `error` are there only if the run checked or had them, `s3_sources` if the account
    lists some.
    """

    role_arn: str
    health: dict[str, Any]
    tables: dict[str, TableResult]
    canary: NotRequired[bool]
    role_last_used: NotRequired[dict[str, Any]]
    s3_sources: NotRequired[list[dict[str, Any]]]
    error: NotRequired[ErrorRow]


# --- ingestion status ---


def evaluate(
    account_id: str,
    expected: Expected,
    snapshot: Snapshot,
    have: ConnectorsByAccount,
    lookback: int,
    canary: Canary | None = None,
) -> list[TableIngestion]:
    """Return the ingestion of each table of an account, those that are expected first; `lookback` is in seconds."""
    found = []
    for demand in demands(account_id, expected, snapshot, have):
        limits = expected._replace(allow_silent=expected.allow_silent or TABLES[demand.table].may_be_silent)
        status = _evaluate(demand, limits, snapshot, lookback)
        if canary and demand.table == EVENTS and status.as_expected:
            status = _require_canary(status, canary, demand.arrived, partial=snapshot.partial)
        reader = _reader_of(demand, snapshot)
        health = health_of(reader, snapshot.health) if reader else None
        status = status._replace(message=one_line(status.message))
        found.append(TableIngestion(demand.table, status, demand.arrived, reader, health))
    return [*found, *_other_tables(account_id, {one.table for one in found}, expected, snapshot)]


def _other_tables(account_id: str, done: set[str], expected: Expected, snapshot: Snapshot) -> Iterator[TableIngestion]:
    """Yield the tables with events of an account that are not expected of it."""
    for table, arrival in snapshot.arrivals.get(account_id, {}).items():
        if table not in done:
            status = _evaluate_age(table, arrival, expected)._replace(as_expected=True, message="")
            yield TableIngestion(table, status, arrival, expected=False)


def overall(tables: list[TableIngestion]) -> TableIngestion:
    """Return the table that the status of the account depends on: the worst of those that are not as expected.

    Its message has those of all of them.
    """
    unexpected = [one for one in tables if not one.status.as_expected]
    if not unexpected:
        return tables[0]
    worst = min(unexpected, key=lambda one: WORST_FIRST.index(one.status.name))
    message = " ".join(filter(None, (one.status.message for one in unexpected)))
    return worst._replace(status=worst.status._replace(message=message))


def _evaluate(demand: Demand, expected: Expected, snapshot: Snapshot, lookback: int) -> IngestionStatus:
    if not demand.own and not (expected.through_s3 and enabled(demand.shared)):
        return _evaluate_without_connector(demand, expected, snapshot)
    for readers in demand.own:
        if not enabled(readers):
            return _not_connected(demand, readers)
    if failure := _failure(demand, snapshot):
        return _unhealthy(failure)
    if demand.arrived is None:
        return _evaluate_without_events(demand.table, expected, snapshot, lookback)
    return _evaluate_events(demand, demand.arrived, expected, snapshot)


def _evaluate_events(demand: Demand, arrived: Arrival, expected: Expected, snapshot: Snapshot) -> IngestionStatus:
    """Return the status by the last event; recent ones prove nothing where other accounts may have brought them."""
    found = _evaluate_age(demand.table, arrived, expected)
    if found.name == "receiving" and demand.others and not is_healthy(demand.readers, snapshot.health):
        return IngestionStatus(as_expected=expected.allow_silent, message=_AMBIGUOUS.format(table=demand.table))
    return found


def _evaluate_without_connector(demand: Demand, expected: Expected, snapshot: Snapshot) -> IngestionStatus:
    """Return the status of an account without a connector of its own: connected if S3 connectors bring its events."""
    no_connector = _not_connected(demand, demand.shared)
    if not enabled(demand.shared) or (demand.arrived is None and not snapshot.partial):
        return no_connector
    if demand.arrived is None:
        return _PARTIAL
    if failure := _failure(demand, snapshot):
        return _unhealthy(failure)
    found = _evaluate_age(demand.table, demand.arrived, expected)
    return no_connector._replace(message=f"{no_connector.message} {found.message}") if found.name == "stale" else found


def _not_connected(demand: Demand, readers: Readers) -> IngestionStatus:
    disabled = [one.name for one in readers if not one.enabled]
    is_disabled = f"Data connector {', '.join(disabled)} is disabled."
    if demand.own:
        missing = f"No data connector of the account fills table {demand.table}."
        return IngestionStatus("not_connected", message=is_disabled if disabled else missing)
    is_off = disabled and not enabled(readers)
    message = " ".join(("No data connector for the account.", *([is_disabled] if is_off else [])))
    return IngestionStatus("not_connected", message=message)


def _failure(demand: Demand, snapshot: Snapshot) -> Health | None:
    """Return the health of a connector that fails; of S3 connectors of others all: which one reads is not known."""
    failed = failing(demand.readers or demand.shared, snapshot.health)
    if not failed or (not demand.own and len(failed) < len(enabled(demand.shared))):
        return None
    return health_of(failed[0], snapshot.health)


def _evaluate_age(table: str, arrival: Arrival, expected: Expected) -> IngestionStatus:
    if arrival.age is None:
        message = f"Log Analytics returned no usable time of the last {_event(table)}: {arrival.last_event or 'none'}."
        return IngestionStatus(message=message)
    if arrival.age > expected.stale_after:
        message = f"The last {_event(table)} arrived {format_duration(arrival.age)} ago, at {arrival.last_event}."
        return IngestionStatus("stale", as_expected=expected.allow_silent, message=message)
    return IngestionStatus("receiving", as_expected=True)


def _evaluate_without_events(table: str, expected: Expected, snapshot: Snapshot, lookback: int) -> IngestionStatus:
    if snapshot.partial:
        return _PARTIAL
    message = f"No {_event(table)} arrived in the last {format_duration(lookback)}."
    return IngestionStatus("silent", as_expected=expected.allow_silent, message=message)


def _event(table: str) -> str:
    return "event" if table == EVENTS else f"event of table {table}"


def _unhealthy(health: Health) -> IngestionStatus:
    return IngestionStatus("unhealthy", message=health_message(health.reason, health.message))


def _require_canary(
    status: IngestionStatus, canary: Canary, arrived: Arrival | None, *, partial: bool
) -> IngestionStatus:
    """Return a status that is as expected only with the canary event: others may be older than what broke it."""
    if canary.created and arrived and arrived.canary_events:
        return status
    if canary.created and partial:
        return _PARTIAL
    missing = f"The canary event {'did not arrive' if canary.created else 'could not be created'}."
    return status._replace(as_expected=False, message=" ".join(filter(None, (status.message, missing))))


_PARTIAL = IngestionStatus(message="Log Analytics returned only a partial answer.")
_AMBIGUOUS = (
    "Data connectors of several accounts fill table {table}, and which of them brings its events is not known: set "
    "account_ids of the source in sentinel_sources, or turn on health monitoring."
)


def _reader_of(demand: Demand, snapshot: Snapshot) -> Reader | None:
    """Return the connector that a status depends on: of several an enabled one, and one that fails.

    Of S3 connectors of others it is the only enabled one, or one that fails if all do.
    """
    if demand.own:
        failed = failing(demand.readers, snapshot.health)
        return next(iter(failed or enabled(demand.readers) or demand.readers), None)
    readers = enabled(demand.shared)
    return readers[0] if len(readers) == 1 or (readers and _failure(demand, snapshot)) else None


def is_pending(
    account_id: str, expected: Expected, snapshot: Snapshot, have: ConnectorsByAccount, *, has_canary: bool
) -> bool:
    """Return whether a later query may find the expected events, with `has_canary` those of the canary."""
    return any(
        _is_pending(demand, expected, has_canary=has_canary and demand.table == EVENTS)
        for demand in demands(account_id, expected, snapshot, have)
    )


def _is_pending(demand: Demand, expected: Expected, *, has_canary: bool) -> bool:
    arrived = demand.arrived
    if not all(map(enabled, demand.own or (demand.shared,))):
        return False
    if has_canary:
        return not (arrived and arrived.canary_events)
    if expected.allow_silent or TABLES[demand.table].may_be_silent:
        return False
    return arrived is None or _evaluate_age(demand.table, arrived, expected).name != "receiving"


def query_pauses(wait: float) -> Iterator[float]:
    """Yield the pause before each further query, in seconds; `wait` is the longest time for all of them, in seconds."""
    yield min(FIRST_PAUSE_SECONDS, max(1.0, wait / 6))
    while True:
        yield min(NEXT_PAUSE_SECONDS, max(1.0, wait / 15))


# --- results ---


def show(tables: list[TableIngestion]) -> IngestionResult:
    """Return an account as it appears in results."""
    return _result(overall(tables), tables)


def show_unknown(status: IngestionStatus) -> IngestionResult:
    """Return an account that was not checked as it appears in results."""
    return _result(TableIngestion(EVENTS, status), [])


def _result(decisive: TableIngestion, tables: list[TableIngestion]) -> IngestionResult:
    more = {
        "role_arn": decisive.reader.role_arn if decisive.reader else "",
        "health": decisive.health._asdict() if decisive.health else {},
        "tables": {one.table: _show(one) for one in tables},
    }
    # To mypy the first part may have any of the keys that are not always there.
    return cast("IngestionResult", {**_show(decisive), **more})


def _show(one: TableIngestion) -> TableResult:
    arrival = one.arrival or Arrival("", None, 0)
    return {
        "ingestion_status": one.status.name,
        "as_expected": one.status.as_expected,
        "message": one.status.message,
        "last_event": arrival.last_event or None,
        "age_seconds": None if arrival.age is None else round(arrival.age),
        "events": arrival.events,
        "regions": list(arrival.regions),
        "connector_id": one.reader.id if one.reader else "",
    }
