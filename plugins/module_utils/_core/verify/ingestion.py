# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the events of many accounts arrive: one query per workspace, repeated until all accounts have events."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ..cloud.aws import Aws
from ..cloud.iam import last_used
from ..model.account import Account, WorkspaceKey, check_unique
from ..model.duration import format_duration
from ..model.errors import SentinelError
from ..model.ingestion import ingestion as model
from ..model.ingestion.health import parse_health
from ..model.ingestion.ingestion import ConnectorsByAccount, Expected, IngestionResult, IngestionStatus, Snapshot
from ..model.ingestion.queries import events_query, health_query
from ..model.role.permissions import policy_for
from ..run.clients import Clients
from ..run.unexpected import unexpected_error
from .s3_sources import add_inspections

if TYPE_CHECKING:
    from ..cloud.logs import QueryResult, Rows

T = TypeVar("T")
Display = Callable[[str], None]
"""Shows a line to the people who watch the run."""
# Missing accounts that a line of progress names.
MAX_MISSING_NAMES = 5


@dataclass(slots=True)
class AccountIngestion:
    """An account from which events are expected, and the result for it."""

    account: Account
    expected: Expected = field(default_factory=Expected)
    ingestion_status: IngestionStatus = field(default_factory=IngestionStatus)
    shown: IngestionResult = field(
        default_factory=lambda: model.show("", IngestionStatus(), Snapshot({}), ConnectorsByAccount())
    )
    has_canary: bool = False
    error: SentinelError | None = None
    """Why no canary event was created in the account, or why its role was not read."""

    def result(self) -> IngestionResult:
        """Return it as an entry of `accounts` in results."""
        if not self.error:
            return self.shown
        return {**self.shown, "error": {"class": self.error.kind, "message": str(self.error)}}


def refused_account(account: Account, error: SentinelError) -> AccountIngestion:
    """Return the result of an account that is not checked because of an error."""
    ingestion_status = IngestionStatus(message=str(error))
    return AccountIngestion(
        account,
        ingestion_status=ingestion_status,
        shown=model.show(account.account_id, ingestion_status, Snapshot({}), ConnectorsByAccount()),
        error=error,
    )


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """Options of a verification: `lookback` and `wait` in seconds, `concurrency` as the number of accounts."""

    lookback: int
    wait: int = 0
    canary: bool = False
    role_last_used: bool = False
    concurrency: int = 256


class Clock(NamedTuple):
    """The time in seconds by which `verify` waits, and its pauses."""

    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


SYSTEM_CLOCK = Clock(time.monotonic, asyncio.sleep)


class WorkspaceQueries:
    """One workspace: its connectors, and the answers to the queries of its tables."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.connectors = ConnectorsByAccount()
        self.snapshot = Snapshot({})
        self.health_error = ""
        """Why the health of the connectors is unknown."""
        self.error: SentinelError | None = None
        """Why the workspace cannot be queried, which fails its accounts and no others."""
        self.transient_error: SentinelError | None = None
        """Why the last query failed, if a later one may succeed."""

    async def open(self, account: Account, clients: Clients) -> None:
        """Read the workspace of an account, unless its id is known, and list its connectors."""
        try:
            sentinel, self._logs = await clients.sentinel(account), await clients.logs(account)
            self._id = account.role_spec.workspace_id or (await sentinel.workspace()).customer_id
            self.connectors = await sentinel.list_connectors(model.connectors_by_account)
        except SentinelError as error:
            self.error = error

    async def query_events(self, options: VerifyOptions, canary: str) -> None:
        """Query the events of all accounts, if the workspace can be queried."""
        self.transient_error = None
        if self.error:
            return
        try:
            await self._query_events(options, canary)
        except SentinelError as error:
            if error.kind in ("transient", "throttled"):
                self.transient_error = error
            else:
                self.error = error

    async def _query_events(self, options: VerifyOptions, canary: str) -> None:
        """Query the events, after a partial answer a second time."""
        query, read = events_query(options.lookback, canary), model.parse_arrivals
        answer = await self._query(query, options, read)
        if answer.partial:
            answer = await self._query(query, options, read)
        self.snapshot = Snapshot(answer.value, answer.has_table, answer.partial, self.snapshot.health)

    async def query_health(self, options: VerifyOptions) -> None:
        """Query the health of the connectors; without it the ingestion status depends on events only."""
        if self.error:
            return
        try:
            answer = await self._query(health_query(options.lookback), options, parse_health)
        except SentinelError as error:
            self.health_error = str(error)
            return
        self.snapshot = replace(self.snapshot, health=answer.value if answer.has_table else None)

    async def _query(self, query: str, options: VerifyOptions, read: Callable[[Rows], T]) -> QueryResult[T]:
        action = f"query table {query.split(maxsplit=1)[0]} of workspace {self.name}"
        return await self._logs.query(self._id, query, options.lookback, read, action=action)


Workspaces = dict[WorkspaceKey, WorkspaceQueries]


async def open_workspaces(accounts: Iterable[Account], clients: Clients) -> Workspaces:
    """Open every workspace of these accounts; raises SentinelError if none of them can be opened."""
    first_accounts = {account.workspace_key: account for account in reversed(list(accounts))}
    workspaces = {key: WorkspaceQueries(account.workspace) for key, account in first_accounts.items()}
    await asyncio.gather(*(one.open(first_accounts[key], clients) for key, one in workspaces.items()))
    raise_if_all_failed(workspaces)
    return workspaces


def raise_if_all_failed(workspaces: Workspaces) -> None:
    """Raise the first SentinelError if no workspace can be queried."""
    errors = [workspace.error for workspace in workspaces.values() if workspace.error]
    if errors and len(errors) == len(workspaces):
        raise errors[0].with_traceback(None)


async def finish(
    workspaces: Workspaces, accounts: list[AccountIngestion], options: VerifyOptions, clients: Clients
) -> None:
    """Query the health of the connectors, and set the result of every account."""
    await asyncio.gather(*(workspace.query_health(options) for workspace in workspaces.values()))
    evaluate_accounts(workspaces, accounts, options)
    if options.role_last_used:
        await _in_accounts(accounts, clients, _read_last_used)
    await add_inspections(accounts, clients)


def evaluate_accounts(workspaces: Workspaces, accounts: list[AccountIngestion], options: VerifyOptions) -> None:
    """Set the ingestion status of every account."""
    for item in accounts:
        workspace, account_id = workspaces[item.account.workspace_key], item.account.account_id
        snapshot, connectors = workspace.snapshot, workspace.connectors
        if workspace.error:
            item.error, item.ingestion_status = workspace.error, IngestionStatus(message=str(workspace.error))
        else:
            item.ingestion_status = model.evaluate(account_id, item.expected, snapshot, connectors, options.lookback)
        item.shown = model.show(account_id, item.ingestion_status, snapshot, connectors)
        if item.has_canary:
            arrival = snapshot.arrivals.get(account_id)
            item.shown["canary"] = bool(arrival and arrival.canary_events)
        if options.canary and item.ingestion_status.as_expected:
            _require_canary(item)


def _require_canary(item: AccountIngestion) -> None:
    """Treat an account as expected only if its canary event arrived; other events may be older than what broke it."""
    if item.error or item.shown.get("canary") is False:
        missing = "The canary event could not be created." if item.error else "The canary event did not arrive."
        message = " ".join(filter(None, (item.ingestion_status.message, missing)))
        item.ingestion_status = item.ingestion_status._replace(as_expected=False, message=message)
        item.shown["as_expected"], item.shown["message"] = False, message


async def verify(
    accounts: list[AccountIngestion], options: VerifyOptions, display: Display, clock: Clock = SYSTEM_CLOCK
) -> Workspaces:
    """Query until every account has events or its canary event, or the time is over; then evaluate every account.

    `display` receives a line of progress before each pause. Raises SentinelError if no workspace can be queried.
    """
    watched = [item.account for item in accounts]
    check_unique(watched)
    with Clients(watched, options.concurrency) as clients:
        if options.role_last_used:
            # Credentials for the last step must not fail after all the waiting.
            await clients.open_aws(watched)
        workspaces = await open_workspaces(watched, clients)
        canary = f"trailbridge-{secrets.token_hex(8)}" if options.canary else ""
        if canary:
            await _in_accounts(accounts, clients, lambda item, aws: _create_canary(item, canary, aws))
        await _wait(workspaces, accounts, options, canary, display, clock)
        await finish(workspaces, accounts, options, clients)
        return workspaces


async def _wait(
    workspaces: Workspaces,
    accounts: list[AccountIngestion],
    options: VerifyOptions,
    canary: str,
    display: Display,
    clock: Clock,
) -> None:
    deadline = clock.now() + options.wait
    for pause in model.query_pauses(options.wait):
        await query_events(workspaces, options, canary)
        missing = [item for item in accounts if _is_pending(item, workspaces[item.account.workspace_key])]
        left = deadline - clock.now()
        if not missing or left <= 0:
            break
        for workspace in workspaces.values():
            if workspace.transient_error:
                display(str(workspace.transient_error))
        display(progress_line(missing, len(accounts), left, min(pause, left)))
        await clock.sleep(min(pause, left))
    for workspace in workspaces.values():
        workspace.error = workspace.error or workspace.transient_error
    raise_if_all_failed(workspaces)


async def query_events(workspaces: Workspaces, options: VerifyOptions, canary: str) -> None:
    """Query the events in every workspace; raises SentinelError if none can be queried."""
    await asyncio.gather(*(workspace.query_events(options, canary) for workspace in workspaces.values()))
    raise_if_all_failed(workspaces)


def _is_pending(item: AccountIngestion, workspace: WorkspaceQueries) -> bool:
    if workspace.error or workspace.transient_error:
        return not workspace.error
    return model.is_pending(
        item.account.account_id, item.expected, workspace.snapshot, workspace.connectors, has_canary=item.has_canary
    )


def progress_line(missing: list[AccountIngestion], accounts: int, left: float, pause: float) -> str:
    """Return the progress of the wait, with the first missing accounts; `left` and `pause` are in seconds."""
    names = ", ".join(item.account.name for item in missing[:MAX_MISSING_NAMES])
    more = f" and {len(missing) - MAX_MISSING_NAMES} more" if len(missing) > MAX_MISSING_NAMES else ""
    return (
        f"{accounts - len(missing)} of {accounts} accounts done, missing {names}{more}; "
        f"next query in {format_duration(pause)}, {format_duration(left)} left"
    )


AccountTask = Callable[[AccountIngestion, Aws], Awaitable[None]]


async def _in_accounts(accounts: list[AccountIngestion], clients: Clients, task: AccountTask) -> None:
    """Run a task in every account; an error in one is kept with it and stops no other."""

    async def run_one(item: AccountIngestion) -> None:
        try:
            aws = await clients.aws(item.account)
            async with clients.slots:
                await task(item, aws)
        except SentinelError as error:
            item.error = error
        except Exception as error:  # noqa: BLE001 one account never stops the others
            item.error = unexpected_error(f"work in account {item.account.account_id}", error)

    await asyncio.gather(*map(run_one, accounts))


async def _create_canary(item: AccountIngestion, canary: str, aws: Aws) -> None:
    """Create an event with a unique session name. In the account of the source credentials no role is assumed."""
    account = item.account
    if account.account_id == (await aws.identity()).account_id:
        return
    assume_role = replace(account.assume_role, session_name=canary)
    policy = policy_for(account.account_id, account.role_spec.name, "read")
    await aws.assume_role_in(account.account_id, assume_role, policy)
    item.has_canary = True


async def _read_last_used(item: AccountIngestion, aws: Aws) -> None:
    """Read from IAM when the role was last used, which shows whether Microsoft Sentinel assumes it."""
    account, arn = item.account, item.shown["role_arn"]
    item.shown["role_last_used"] = {}
    if not arn:
        return
    name = arn.rpartition("/")[2]
    credentials = await aws.assume_role_in(
        account.account_id, account.assume_role, policy_for(account.account_id, name, "read")
    )
    item.shown["role_last_used"] = await last_used(aws.service("iam").client(credentials), account.account_id, name)
