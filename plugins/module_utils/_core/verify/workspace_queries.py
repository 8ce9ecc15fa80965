# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queries of one workspace: its connectors, the events in its tables, and the health of the connectors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ..model.account import Account, WorkspaceKey
from ..model.connector.workspace_content import HealthMonitoring, Solution, WorkspaceContent
from ..model.errors import SentinelError
from ..model.ingestion.arrivals import Snapshot, parse_arrivals
from ..model.ingestion.health import parse_health
from ..model.ingestion.queries import events_query, health_query
from ..model.ingestion.readers import ConnectorsByAccount, connectors_by_account
from ..model.ingestion.tables import HEALTH
from ..run.clients import Clients

if TYPE_CHECKING:
    from ..cloud.logs import QueryResult, Rows

# Longer than a request with some retries: nothing depends on the answer.
CONTENT_SECONDS = 20.0
T = TypeVar("T")


class WorkspaceQueries:
    """One workspace: its connectors, and the answers to the queries of its tables."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.connectors = ConnectorsByAccount()
        self.snapshot: Snapshot | None = None
        """The last answer, None before the first one."""
        self.content = WorkspaceContent()
        self.health_error = ""
        """Why the health of the connectors is unknown."""
        self.error: SentinelError | None = None
        """Why the workspace cannot be queried any more; without a snapshot that fails its accounts, and no others."""
        self.transient_error: SentinelError | None = None
        """Why the last query failed, if a later one may succeed."""

    async def open(self, account: Account, clients: Clients) -> None:
        """Read the workspace of an account, unless its id is known, and list its connectors."""
        try:
            self._sentinel, self._logs = await clients.sentinel(account), await clients.logs(account)
            self._id = account.role_spec.workspace_id or (await self._sentinel.workspace()).customer_id
            self.connectors = await self._sentinel.list_connectors(connectors_by_account)
        except SentinelError as error:
            self.error = error

    async def query_events(self, lookback: int, canary: str) -> None:
        """Query the events of all accounts, if the workspace can be queried; `lookback` is in seconds."""
        self.transient_error = None
        if self.error:
            return
        try:
            await self._query_events(lookback, canary)
        except SentinelError as error:
            if error.kind in ("transient", "throttled"):
                self.transient_error = error
            else:
                self.error = error

    async def _query_events(self, lookback: int, canary: str) -> None:
        """Query the events, after a partial answer a second time."""
        tables = self.connectors.tables
        query, action = events_query(lookback, tables, canary), f"query table {', '.join(tables)}"
        answer = await self._query(query, lookback, parse_arrivals, action)
        if answer.partial:
            answer = await self._query(query, lookback, parse_arrivals, action)
        self.snapshot = Snapshot(answer.value, answer.partial)

    async def query_health(self, lookback: int) -> None:
        """Query the health of the connectors; without it the ingestion status depends on events only."""
        if self.error or not self.snapshot:
            return
        try:
            action = f"query table {HEALTH}"
            answer = await self._query(health_query(lookback), lookback, parse_health, action, optional_table=HEALTH)
        except SentinelError as error:
            self.health_error = str(error)
            return
        self.snapshot = replace(self.snapshot, health=answer.value if answer.has_table else None)

    async def read_content(self) -> None:
        """Read which solution the workspace has, and whether health monitoring is on; unknown if that takes long."""
        if not self.snapshot:
            return
        try:
            self.content = await asyncio.wait_for(self._sentinel.content(), CONTENT_SECONDS)
        except TimeoutError:
            late = f"Azure did not answer within {CONTENT_SECONDS:g} s."
            self.content = WorkspaceContent(Solution(error=late), HealthMonitoring(error=late))

    async def _query(
        self, query: str, lookback: int, read: Callable[[Rows], T], action: str, *, optional_table: str = ""
    ) -> QueryResult[T]:
        return await self._logs.query(
            self._id, query, lookback, read, action=f"{action} of workspace {self.name}", optional_table=optional_table
        )


Workspaces = dict[WorkspaceKey, WorkspaceQueries]


def workspaces_of(accounts: Iterable[Account]) -> Workspaces:
    """Return the workspaces of these accounts, of which nothing was read yet."""
    return {account.workspace_key: WorkspaceQueries(account.workspace) for account in accounts}


async def open_workspaces(workspaces: Workspaces, accounts: Iterable[Account], clients: Clients) -> None:
    """Open every workspace by its first account; raises SentinelError if none of them can be opened."""
    first_accounts = {account.workspace_key: account for account in reversed(list(accounts))}
    await asyncio.gather(*(one.open(first_accounts[key], clients) for key, one in workspaces.items()))
    raise_if_all_failed(workspaces)


async def query_events(workspaces: Workspaces, lookback: int, canary: str = "") -> None:
    """Query the events in every workspace; raises SentinelError if none was ever queried and none can be."""
    await asyncio.gather(*(workspace.query_events(lookback, canary) for workspace in workspaces.values()))
    raise_if_all_failed(workspaces)


def raise_if_all_failed(workspaces: Workspaces) -> None:
    """Raise the first SentinelError if no workspace was queried, and none can be."""
    errors = [one.error for one in workspaces.values() if one.error and not one.snapshot]
    if errors and len(errors) == len(workspaces):
        raise errors[0].with_traceback(None)
