# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of a workspace: raw rows with Microsoft's column names and types, and the KQL that is executed over them.

The engine is duckdb-kql. It lacks `ingestion_time()`, so each table has a hidden column in its place.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from . import cloudtrail_rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Json = dict[str, Any]

COLUMNS: dict[str, dict[str, str]] = {
    "AWSCloudTrail": cloudtrail_rows.COLUMNS,
    "AWSVPCFlow": {
        "TimeGenerated": "datetime",
        "AccountId": "string",
        "Action": "string",
        "Bytes": "long",
        "DstAddr": "string",
        "DstPort": "int",
        "End": "datetime",
        "FlowDirection": "string",
        "InstanceId": "string",
        "InterfaceId": "string",
        "LogStatus": "string",
        "Packets": "int",
        "Protocol": "int",
        "Region": "string",
        "SrcAddr": "string",
        "SrcPort": "int",
        "Start": "datetime",
        "SubnetId": "string",
        "Version": "int",
        "VpcId": "string",
        "SourceSystem": "string",
        "Type": "string",
    },
    "AWSGuardDuty": {
        "TimeGenerated": "datetime",
        "AccountId": "string",
        "ActivityType": "string",
        "Arn": "string",
        "Description": "string",
        "Id": "string",
        "Partition": "string",
        "Region": "string",
        "ResourceDetails": "dynamic",
        "SchemaVersion": "string",
        "ServiceDetails": "dynamic",
        "Severity": "int",
        "TimeCreated": "datetime",
        "Title": "string",
        "SourceSystem": "string",
        "Type": "string",
    },
    "AWSCloudWatch": {
        "TimeGenerated": "datetime",
        "ExtractedTime": "datetime",
        "Message": "string",
        "SourceSystem": "string",
        "Type": "string",
    },
    "SentinelHealth": {
        "TimeGenerated": "datetime",
        "OperationName": "string",
        "SentinelResourceId": "string",
        "SentinelResourceName": "string",
        "SentinelResourceType": "string",
        "SentinelResourceKind": "string",
        "Status": "string",
        "Description": "string",
        "Reason": "string",
        "WorkspaceId": "string",
        "RecordId": "string",
        "ExtendedProperties": "dynamic",
        "SourceSystem": "string",
        "Type": "string",
    },
}
"""Type of each column, by table. Source: "Azure Monitor Logs table reference"."""
TYPES = {
    "string": "VARCHAR",
    "datetime": "TIMESTAMP",
    "bool": "BOOLEAN",
    "int": "INTEGER",
    "long": "BIGINT",
    "dynamic": "JSON",
}
INGESTION_TIME = "ingestion_time()"
"""The key of a row for the time of its ingestion; without it, that is its `TimeGenerated`."""
_HIDDEN = "_IngestionTime"
_CALL = re.compile(
    r"""@"[^"]*"|@'[^']*'|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|//[^\n]*|(?P<call>\bingestion_time\s*\(\s*\))""", re.ASCII
)


class UnresolvedError(Exception):
    """A table or column that does not exist; the message names it."""


class QueryError(Exception):
    """A query that is not KQL, or that the engine cannot execute."""


class Answer(NamedTuple):
    """Columns, each with `name` and `type`, and rows with values as JSON."""

    columns: list[Json]
    rows: list[list[Any]]


class Tables:
    """The tables of one workspace. A table exists from the first `put` on."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Json]] = {}
        """Raw rows by table, oldest first."""

    @cached_property
    def _database(self) -> DuckDBPyConnection:
        import duckdb_kql

        database: DuckDBPyConnection = duckdb_kql.connect()
        return database

    def put(self, table: str, rows: list[Json], now: datetime) -> None:
        """Add rows; `TimeGenerated` is `now` where a row has none. Raises ValueError for an unknown table or column."""
        if table not in COLUMNS:
            raise ValueError(f"There is no table '{table}', only {', '.join(COLUMNS)}.")
        columns = COLUMNS[table]
        if unknown := {name for row in rows for name in row} - {*columns, INGESTION_TIME}:
            raise ValueError(f"Table {table} has no column {', '.join(sorted(unknown))}.")
        if table not in self.rows:
            self.rows[table] = []
            types = ", ".join(f'"{name}" {TYPES[kind]}' for name, kind in columns.items())
            self._database.execute(f'CREATE TABLE "{table}_rows" ({types}, {_HIDDEN} TIMESTAMP)')
        rows = [{"TimeGenerated": iso(now), "Type": table, **row} for row in rows]
        self.rows[table] += rows
        hidden = [{**row, _HIDDEN: row.get(INGESTION_TIME, row["TimeGenerated"])} for row in rows]
        shape = {**{name: TYPES[kind] for name, kind in columns.items()}, _HIDDEN: "TIMESTAMP"}
        self._database.execute(
            f'INSERT INTO "{table}_rows" BY NAME SELECT unnest(from_json(row, ?))'
            " FROM (SELECT unnest(from_json(?::JSON, '[\"JSON\"]')) AS row)",
            [json.dumps(shape), json.dumps(hidden)],
        )

    def query(self, text: str, now: datetime, since: datetime | None = None) -> Answer:
        """Execute a query at the time `now`, over rows that were generated after `since`.

        Raises UnresolvedError or QueryError.
        """
        import duckdb
        import duckdb_kql

        executable = _with_ingestion_times(text)
        self._limit(since, hidden=executable != text)
        try:
            result = duckdb_kql.execute(self._database, executable, allow_write=False, query_now=now, functions=[])
            return _answer(result)
        except (duckdb_kql.KqlSchemaError, duckdb.CatalogException, duckdb.BinderException) as error:
            raise UnresolvedError(_name(str(error))) from error
        except (duckdb_kql.KqlError, duckdb.Error) as error:
            raise QueryError(str(error)) from error

    def _limit(self, since: datetime | None, *, hidden: bool) -> None:
        """Let the names of the tables stand for the rows after `since`, with the hidden column where it is used."""
        where = f"WHERE TimeGenerated > TIMESTAMP '{since.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'" if since else ""
        for table in self.rows:
            columns = ", ".join([*map(_selected, COLUMNS[table].items()), *([_HIDDEN] if hidden else [])])
            self._database.execute(f'CREATE OR REPLACE VIEW "{table}" AS SELECT {columns} FROM "{table}_rows" {where}')


def _selected(column: tuple[str, str]) -> str:
    """Return the SQL of a column: what has no value is the empty string in Kusto where the type is string."""
    name, kind = column
    return f"""coalesce("{name}", '') AS "{name}\"""" if kind == "string" else f'"{name}"'


def iso(when: datetime) -> str:
    """Return a time as Log Analytics does."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"


def _with_ingestion_times(text: str) -> str:
    """Return a query that reads the hidden column where it calls `ingestion_time()`, not in strings and comments."""
    return _CALL.sub(lambda found: _HIDDEN if found["call"] else found[0], text)


def _answer(result: DuckDBPyConnection) -> Answer:
    from duckdb_kql.types import kusto_type

    columns = [(name, kusto_type(kind)) for name, kind, *_more in result.description or ()]
    shown = [(place, kind) for place, (name, kind) in enumerate(columns) if name != _HIDDEN]
    rows = [[_value(row[place], kind) for place, kind in shown] for row in result.fetchall()]
    return Answer([{"name": columns[place][0], "type": kind} for place, kind in shown], rows)


def _value(value: Any, kind: str) -> Any:
    """Return a value as JSON: times in UTC, and what is dynamic as text."""
    if isinstance(value, datetime):
        return iso(value.replace(tzinfo=UTC))
    return json.dumps(value) if kind == "dynamic" and value is not None and not isinstance(value, str) else value


def _name(message: str) -> str:
    """Return the name in an error of the engine."""
    found = re.search(r"""Table with name (\w+)|["'](\w+)["']""", message)
    return next(filter(None, found.groups()), "") if found else ""
