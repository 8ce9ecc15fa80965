# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the events of many accounts arrive: one query per workspace, repeated until all accounts have events."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ..cloud import request_log
from ..cloud.aws import Aws
from ..cloud.iam import last_used
from ..model.account import Account, check_unique
from ..model.connector.connector import account_id_of
from ..model.duration import format_duration
from ..model.errors import SentinelError
from ..model.ingestion import ingestion as model
from ..model.ingestion.demands import Expected
from ..model.ingestion.ingestion import Canary, IngestionResult, IngestionStatus
from ..model.ingestion.tables import EVENTS
from ..model.role.permissions import policy_for
from ..run.clients import Clients
from ..run.unexpected import unexpected_error
from .interruption import Interruption
from .s3_sources import add_inspections
from .workspace_queries import (
    WorkspaceQueries,
    Workspaces,
    open_workspaces,
    query_events,
    raise_if_all_failed,
    workspaces_of,
)

Display = Callable[[str], None]
"""Shows a line to the people who watch the run."""
# Missing accounts that a line of progress names.
MAX_MISSING_NAMES = 5
# How long an interrupted verification queries the health of the connectors.
INTERRUPTED_HEALTH_SECONDS = 3.0


@dataclass(slots=True)
class AccountIngestion:
    """An account from which events are expected, and the result for it."""

    account: Account
    expected: Expected = field(default_factory=Expected)
    ingestion_status: IngestionStatus = field(default_factory=IngestionStatus)
    shown: IngestionResult = field(default_factory=lambda: model.show_unknown(IngestionStatus()))
    has_canary: bool = False
    error: SentinelError | None = None
    """Why no canary event was created in the account, or why its role was not read."""

    @property
    def canary(self) -> Canary | None:
        """The canary event of a run that creates them, None for the account of the source credentials."""
        return Canary(self.has_canary) if self.has_canary or self.error else None

    def set_unknown(self, message: str) -> None:
        """Set the result of an account whose events are not known."""
        self.ingestion_status = IngestionStatus(message=message)
        self.shown = model.show_unknown(self.ingestion_status)

    def result(self) -> IngestionResult:
        """Return it as an entry of `accounts` in results."""
        if not self.error:
            return self.shown
        return {**self.shown, "error": {"class": self.error.kind, "message": str(self.error)}}


def refused_account(account: Account, error: SentinelError) -> AccountIngestion:
    """Return the result of an account that is not checked because of an error."""
    refused = AccountIngestion(account, error=error)
    refused.set_unknown(str(error))
    return refused


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


async def verify(
    accounts: list[AccountIngestion],
    options: VerifyOptions,
    display: Display,
    interruption: Interruption | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Workspaces:
    """Query until every account has events or its canary event, or the time is over; then evaluate every account.

    `display` receives a line of progress before each pause. After an interruption the accounts are evaluated by the
    last answer. Raises SentinelError if no workspace can be queried.
    """
    watched = [item.account for item in accounts]
    check_unique(watched)
    interruption, workspaces = interruption or Interruption(), workspaces_of(watched)
    with Clients(watched, options.concurrency) as clients:
        await interruption.run(_observe(workspaces, accounts, options, clients, display, clock))
        await finish(workspaces, accounts, options, clients, interruption)
    return workspaces


async def _observe(
    workspaces: Workspaces,
    accounts: list[AccountIngestion],
    options: VerifyOptions,
    clients: Clients,
    display: Display,
    clock: Clock,
) -> None:
    """Create the canary events, and query until all expected events arrived or the time is over."""
    watched = [item.account for item in accounts]
    if options.role_last_used:
        # Credentials for the last step must not fail after all the waiting.
        await clients.open_aws(watched)
    await open_workspaces(workspaces, watched, clients)
    canary = f"trailbridge-{secrets.token_hex(8)}" if options.canary else ""
    if canary:
        await _in_accounts(accounts, clients, lambda item, aws: _create_canary(item, canary, aws))
    await _wait(workspaces, accounts, options, canary, display, clock)


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
        await query_events(workspaces, options.lookback, canary)
        missing = [item for item in accounts if _is_pending(item, workspaces[item.account.workspace_key])]
        left = deadline - clock.now()
        if not missing or left <= 0:
            break
        for workspace in workspaces.values():
            if workspace.transient_error:
                display(str(workspace.transient_error))
        display(progress_line(missing, len(accounts), left, min(pause, left)))
        await clock.sleep(min(pause, left))


def _is_pending(item: AccountIngestion, workspace: WorkspaceQueries) -> bool:
    if workspace.error or not workspace.snapshot:
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


async def finish(
    workspaces: Workspaces,
    accounts: list[AccountIngestion],
    options: VerifyOptions,
    clients: Clients,
    interruption: Interruption | None = None,
) -> None:
    """Query the health of the connectors, and set the result of every account; raises SentinelError as `verify`."""
    interruption = interruption or Interruption()
    for workspace in workspaces.values():
        workspace.error = workspace.error or workspace.transient_error
    if not interruption.error:
        await interruption.run(_finish(workspaces, accounts, options, clients))
    if interruption.error:
        await _finish_interrupted(workspaces, options, interruption.error)
        evaluate_accounts(workspaces, accounts, options)


async def _finish(
    workspaces: Workspaces, accounts: list[AccountIngestion], options: VerifyOptions, clients: Clients
) -> None:
    raise_if_all_failed(workspaces)
    await asyncio.gather(
        *(workspace.query_health(options.lookback) for workspace in workspaces.values()),
        *(workspace.read_content() for workspace in workspaces.values()),
    )
    evaluate_accounts(workspaces, accounts, options)
    if options.role_last_used:
        await _in_accounts(accounts, clients, _read_last_used)
    await add_inspections(accounts, clients)


async def _finish_interrupted(workspaces: Workspaces, options: VerifyOptions, reason: SentinelError) -> None:
    """Query the health of the connectors for a short time; workspaces that have not answered yet get the reason."""
    health = asyncio.gather(*(workspace.query_health(options.lookback) for workspace in workspaces.values()))
    try:
        await asyncio.wait_for(health, INTERRUPTED_HEALTH_SECONDS)
    except TimeoutError:
        for workspace in workspaces.values():
            workspace.health_error = (
                f"The health of the connectors of workspace {workspace.name} is not known: {reason}"
            )
    for workspace in workspaces.values():
        workspace.error = workspace.error or (None if workspace.snapshot else reason)


def evaluate_accounts(workspaces: Workspaces, accounts: list[AccountIngestion], options: VerifyOptions) -> None:
    """Set the ingestion status of every account by the last answer of its workspace."""
    for item in accounts:
        workspace, account_id = workspaces[item.account.workspace_key], item.account.account_id
        snapshot = workspace.snapshot
        if snapshot is None:
            item.error = workspace.error
            item.set_unknown(str(workspace.error or ""))
            continue
        canary = item.canary if options.canary else None
        tables = model.evaluate(account_id, item.expected, snapshot, workspace.connectors, options.lookback, canary)
        item.ingestion_status, item.shown = model.overall(tables).status, model.show(tables)
        arrival = snapshot.arrival(EVENTS, (account_id,))
        has_arrived = bool(arrival and arrival.canary_events)
        if item.has_canary and (has_arrived or not snapshot.partial):
            item.shown["canary"] = has_arrived


AccountTask = Callable[[AccountIngestion, Aws], Awaitable[None]]


async def _in_accounts(accounts: list[AccountIngestion], clients: Clients, task: AccountTask) -> None:
    """Run a task in every account; an error in one is kept with it and stops no other."""

    async def run_one(item: AccountIngestion) -> None:
        request_log.current_account.set(item.account.account_id)
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
    if account_id_of(arn) != account.account_id:
        return
    name = arn.rpartition("/")[2]
    credentials = await aws.assume_role_in(
        account.account_id, account.assume_role, policy_for(account.account_id, name, "read")
    )
    item.shown["role_last_used"] = await last_used(aws.service("iam").client(credentials), account.account_id, name)
