# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The events that are expected of an AWS account, and the connectors that have to bring them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..connector import connector as connectors
from ..sources import CLOUDTRAIL, S3, SourceSpec
from .arrivals import ALL_ACCOUNTS, Arrival, Snapshot
from .readers import ConnectorsByAccount, Readers, enabled
from .tables import EVENTS, TABLES


class Connection(NamedTuple):
    """An S3 connection of an account: its table, and the only accounts whose events it brings, () for any account."""

    table: str
    account_ids: tuple[str, ...] = ()


class Expected(NamedTuple):
    """What is expected of one account: whether it may be silent, and the age in seconds from which events are stale.

    `through_s3` is whether it has no CloudTrail source, so that its events have to come through an S3 connector;
    `connections` are its own ones, which may bring the events of other accounts.
    """

    allow_silent: bool = False
    stale_after: int = 6 * 3600
    through_s3: bool = False
    connections: tuple[Connection, ...] = ()

    @property
    def tables(self) -> set[str]:
        """The tables of the account's own S3 connections."""
        return {one.table for one in self.connections}


def expected_of(sources: Iterable[SourceSpec], *, allow_silent: bool, stale_after: int) -> Expected:
    """Return what is expected of an account with these sources; `stale_after` is in seconds."""
    sources = tuple(sources)
    connections = tuple(
        Connection(one.get("table", EVENTS), one.get("account_ids", ()))
        for one in sources
        if one.type == S3 and one.get("connector", True)
    )
    return Expected(allow_silent, stale_after, CLOUDTRAIL not in sources, connections)


def expected_by_connectors(
    account_id: str, have: ConnectorsByAccount, *, allow_silent: bool, stale_after: int
) -> Expected:
    """Return what is expected of an account whose sources are not known: the events that its connectors bring.

    Whose events an S3 connector brings into AWSCloudTrail is not known either, so those are expected of no account.
    """
    connections = tuple(
        Connection(table) for table in have.tables if table != EVENTS and have.own_s3(account_id, table)
    )
    return Expected(allow_silent, stale_after, through_s3=bool(connections), connections=connections)


def known_accounts(snapshot: Snapshot | None, have: ConnectorsByAccount) -> set[str]:
    """Return the ids of the accounts that have events, a CloudTrail connector, or an S3 connection of another table."""
    holders = {
        connectors.account_id_of(one.role_arn) for table in have.tables if table != EVENTS for one in have.s3[table]
    }
    arrivals = snapshot.arrivals if snapshot else {}
    return {account_id for account_id in (*have.by_id, *arrivals, *holders) if account_id}


class Demand(NamedTuple):
    """The events that are expected in a table, as far as they `arrived`, and the connectors that have to bring them.

    `own` has the connectors of each source of the account: one of each has to be enabled. Without sources the events
    come through one of `shared`, the S3 connectors that fill the table. Where the events of any account count, `others`
    has the enabled connectors of other accounts, which may have brought them instead.
    """

    table: str
    arrived: Arrival | None
    own: tuple[Readers, ...] = ()
    shared: Readers = ()
    others: Readers = ()

    @property
    def readers(self) -> Readers:
        """The connectors of all sources."""
        return tuple(reader for readers in self.own for reader in readers)


def demands(account_id: str, expected: Expected, snapshot: Snapshot, have: ConnectorsByAccount) -> Iterator[Demand]:
    """Yield what is expected of an account, AWSCloudTrail first; at least one."""
    cloudtrail = have.by_id.get(account_id, ())
    lists_other_tables = expected.through_s3 and expected.connections and EVENTS not in expected.tables
    if cloudtrail or not lists_other_tables or enabled(have.s3.get(EVENTS, ())):
        yield _cloudtrail_demand(account_id, expected, snapshot, have)
    for table in TABLES:
        if table != EVENTS and table in expected.tables:
            yield _table_demand(table, account_id, expected, snapshot, have)


def _cloudtrail_demand(account_id: str, expected: Expected, snapshot: Snapshot, have: ConnectorsByAccount) -> Demand:
    cloudtrail = have.by_id.get(account_id, ())
    accounts: tuple[str, ...] = (account_id,)
    own: tuple[Readers, ...] = (cloudtrail,) if cloudtrail else ()
    if EVENTS in expected.tables:
        own += (have.own_s3(account_id, EVENTS),)
        accounts = accounts if cloudtrail else _accounts_of(EVENTS, expected, account_id)
    return Demand(EVENTS, snapshot.arrival(EVENTS, accounts), own, () if own else have.s3.get(EVENTS, ()))


def _table_demand(
    table: str, account_id: str, expected: Expected, snapshot: Snapshot, have: ConnectorsByAccount
) -> Demand:
    accounts, own = _accounts_of(table, expected, ALL_ACCOUNTS), have.own_s3(account_id, table)
    others = [one for one in have.s3.get(table, ()) if one not in own] if ALL_ACCOUNTS in accounts else []
    return Demand(table, snapshot.arrival(table, accounts), (own,), others=enabled(others))


def _accounts_of(table: str, expected: Expected, default: str) -> tuple[str, ...]:
    """Return the accounts whose events the connections of a table bring, `default` if one of them brings any."""
    limits = [one.account_ids for one in expected.connections if one.table == table]
    listed = tuple(dict.fromkeys(number for limit in limits for number in limit))
    return listed if all(limits) and default not in listed else (default,)
