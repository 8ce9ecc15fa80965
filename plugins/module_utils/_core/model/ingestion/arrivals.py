# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The events that arrived in a workspace: parsed rows of the answer of Log Analytics. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .health import Health
from .rows import Row, parse_dynamic
from .tables import TABLES

_ACCOUNT_ID = re.compile("[0-9]{12}")
# Events that are further in the future prove nothing.
MAX_AHEAD_SECONDS = 300.0
ALL_ACCOUNTS = ""
"""The key of the events of a table whatever account they have, of some rows none."""


class Arrival(NamedTuple):
    """Events that arrived: `age` of the last one in seconds, `canary_events` of this run.

    `age` is None if the answer has no usable age: none at all, or one in the future.
    """

    last_event: str
    age: float | None
    events: int
    regions: tuple[str, ...] = ()
    canary_events: int = 0


Arrivals = Mapping[str, Mapping[str, Arrival]]
"""The events that arrived, by account id or ALL_ACCOUNTS, then by table."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The events and connector health of a workspace at one time; without the table SentinelHealth `health` is None."""

    arrivals: Arrivals
    partial: bool = False
    health: Mapping[str, Health] | None = None

    def arrival(self, table: str, account_ids: Iterable[str]) -> Arrival | None:
        """Return the events of a table that arrived from any of these accounts, None if there are none."""
        found = (self.arrivals.get(account_id, {}).get(table) for account_id in account_ids)
        return merged([arrival for arrival in found if arrival])


def parse_arrivals(rows: Iterable[Row]) -> dict[str, dict[str, Arrival]]:
    """Return the events that arrived; a row that is not usable makes only its account unknown."""
    by_table: dict[str, list[Arrival]] = {}
    found: dict[str, dict[str, Arrival]] = {}
    for row in rows:
        account_id, table, arrival = str(row.get("Account")), str(row.get("Table")), _arrival(row)
        if table not in TABLES:
            continue
        by_table.setdefault(table, []).append(arrival)
        if _ACCOUNT_ID.fullmatch(account_id):
            found.setdefault(account_id, {})[table] = arrival
    totals = {table: total for table, arrivals in by_table.items() if (total := merged(arrivals))}
    return {**found, ALL_ACCOUNTS: totals}


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


def merged(arrivals: list[Arrival]) -> Arrival | None:
    """Return the events of several accounts as one; the last event is that with the smallest usable age."""
    if len(arrivals) <= 1:
        return arrivals[0] if arrivals else None
    last = min(arrivals, key=lambda one: math.inf if one.age is None else one.age)
    return last._replace(
        events=sum(one.events for one in arrivals),
        regions=tuple(sorted({region for one in arrivals for region in one.regions})),
        canary_events=sum(one.canary_events for one in arrivals),
    )
