# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KQL for the events and the connector health of a workspace. Pure.

Sources: "union operator" (Kusto Query Language); "SentinelHealth" (Azure Monitor Logs table reference). docs/queries
has the queries to paste into the portal.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..connector import connector as connectors
from .tables import EVENTS, HEALTH, TABLES, Table

MAX_REGIONS = 50


def events_query(lookback: int, tables: Iterable[str] = (EVENTS,), canary: str = "") -> str:
    """Return the query for the events of all accounts in these tables of a workspace, of the last `lookback` seconds.

    With `canary`, the session name of the canary events, they are counted as well. The age of the last event is the
    time since its ingestion, by the clock of the workspace: `TimeGenerated` may be any time. A table that does not
    exist has no rows: without the empty first one, the query would fail if none of them existed.
    """
    columns = "Table: string, Account: string, LastIngested: datetime, Events: long, Regions: dynamic"
    canary_column = ", CanaryEvents: long" if canary else ""
    legs = ",\n".join(_leg(TABLES[name], lookback, canary if name == EVENTS else "") for name in tables)
    return f"""\
union isfuzzy=true
    (datatable({columns}{canary_column})[]),
{legs}
| extend AgeSeconds = datetime_diff("second", now(), LastIngested)
"""


def _leg(table: Table, lookback: int, canary: str) -> str:
    is_canary = f'RequestParameters has "{canary}" or UserIdentityArn has "{canary}"'
    canary_events = f",\n        CanaryEvents = countif({is_canary})" if canary else ""
    regions = f"Regions = make_set({table.region}, {MAX_REGIONS})"
    return f"""\
    ({table.name}
    | where TimeGenerated > ago({lookback}s)
    | extend Account = {table.account}
    | summarize LastIngested = max(ingestion_time()), Events = count(), {regions}{canary_events}
        by Account
    | extend Table = "{table.name}")"""


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
