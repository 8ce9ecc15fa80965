# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the events of many accounts arrive: one query for all accounts of a workspace, again until all are there."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ..cloud.aws import Aws
from ..cloud.iam import last_used
from ..model.account import Account, WorkspaceKey, check_unique
from ..model.credentials.credentials import AwsCredentials, AzureCredentials
from ..model.duration import format_duration
from ..model.errors import SentinelError, cannot
from ..model.ingestion import ingestion as model
from ..model.ingestion.ingestion import Expected, IngestionStatus, Links, Look
from ..run.pacing import AzureRateLimit, Slots

if TYPE_CHECKING:
    from ..cloud.arm import Azure
    from ..cloud.logs import Logs, QueryResult, Rows

T = TypeVar("T")
Say = Callable[[str], None]
# Of the accounts that are missing a line of progress names so many.
NAMED = 5


@dataclass(slots=True)
class Watched:
    """An account of which events are expected, and what was found out about it."""

    account: Account
    expected: Expected = field(default_factory=Expected)
    ingestion_status: IngestionStatus = field(default_factory=IngestionStatus)
    shown: dict[str, Any] = field(default_factory=dict)
    marked: bool = False
    error: SentinelError | None = None
    """Why the account could not be marked, or its role not be read."""

    def result(self) -> dict[str, Any]:
        """Return it as an entry of `accounts` in results."""
        return self.shown | ({"error": self.error.show()} if self.error else {})


def refused(account: Account, error: SentinelError) -> Watched:
    """Return an account that nobody looks at, and why."""
    ingestion_status = IngestionStatus(message=str(error))
    return Watched(
        account,
        ingestion_status=ingestion_status,
        shown=model.show(account.account_id, ingestion_status, Look({}), Links()),
        error=error,
    )


@dataclass(frozen=True, slots=True)
class Order:
    """How far back to look and how long to wait, in seconds; whether to leave a marker, and to ask IAM as well."""

    lookback: int
    wait: int = 0
    canary: bool = False
    role_last_used: bool = False
    concurrency: int = 64


class Place:
    """One workspace: its connectors, and what its tables say."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.links = Links()
        self.look = Look({})
        self.unheard = ""
        """Why nobody knows how the connectors are doing."""
        self.error: SentinelError | None = None
        """Why the workspace cannot be asked, which fails its accounts and no others."""
        self.delayed: SentinelError | None = None
        """Why it could not be asked just now."""

    async def open(self, account: Account, azure: Azure, logs: Logs, budget: AzureRateLimit) -> None:
        """Read the workspace, unless its id is known, and list its connectors."""
        from ..cloud.sentinel import Sentinel

        sentinel = Sentinel(azure, account.subscription_id, account.resource_group, account.workspace, budget)
        self._logs = logs
        try:
            self._id = account.role_spec.workspace_id or (await sentinel.workspace()).customer_id
            self.links = await sentinel.list_connectors(model.links)
        except SentinelError as error:
            self.error = error

    async def look_at_events(self, order: Order, canary: str) -> None:
        """Ask what arrived from all accounts, if the workspace can be asked."""
        self.delayed = None
        if self.error:
            return
        try:
            await self._look_at_events(order, canary)
        except SentinelError as error:
            if error.kind in ("transient", "throttled"):
                self.delayed = error
            else:
                self.error = error

    async def _look_at_events(self, order: Order, canary: str) -> None:
        """Ask; where the answer is a part of it, once more."""
        text, read = model.events_query(order.lookback, canary), partial(model.arrivals, age=_age)
        answer = await self._ask(text, order, read)
        if answer.partial:
            answer = await self._ask(text, order, read)
        self.look = Look(answer.value, answer.has_table, answer.partial, self.look.health)

    async def look_at_health(self, order: Order) -> None:
        """Ask how the connectors are doing, where the workspace keeps that; events are judged without it as well."""
        if self.error:
            return
        try:
            answer = await self._ask(model.health_query(order.lookback), order, model.health)
        except SentinelError as error:
            self.unheard = str(error)
            return
        self.look = replace(self.look, health=answer.value if answer.has_table else None)

    async def _ask(self, text: str, order: Order, read: Callable[[Rows], T]) -> QueryResult[T]:
        action = f"query table {text.split(maxsplit=1)[0]} of workspace {self.name}"
        return await self._logs.query(self._id, text, order.lookback, read, action=action)


Places = dict[WorkspaceKey, Place]


def _age(when: str) -> float:
    moment = datetime.fromisoformat(when)
    return (datetime.now(UTC) - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))).total_seconds()


@asynccontextmanager
async def places(accounts: list[Account]) -> AsyncIterator[Places]:
    """Open every workspace of these accounts; those with the same credentials share limits and connections.

    Raises SentinelError where none of them can be opened.
    """
    # Azure's packages take longer to load than all others.
    from ..cloud.arm import Azure
    from ..cloud.logs import Logs

    azure: dict[AzureCredentials, Azure] = {}
    logs: dict[AzureCredentials, Logs] = {}
    unusable: dict[AzureCredentials, SentinelError] = {}
    try:
        for credentials in {account.azure: None for account in accounts}:
            try:
                azure[credentials] = await asyncio.to_thread(Azure, credentials)
                logs[credentials] = Logs(azure[credentials], AzureRateLimit())
            except SentinelError as error:
                unusable[credentials] = error
            except Exception as error:  # noqa: BLE001 one credential never stops the others
                unusable[credentials] = cannot("unexpected", "sign in to Azure", repr(error))
        firsts = {account.workspace_key: account for account in reversed(accounts)}
        budgets = {(account.azure, account.subscription_id): AzureRateLimit() for account in accounts}
        found = {where: Place(one.workspace) for where, one in firsts.items()}

        async def open_one(place: Place, one: Account) -> None:
            place.error = unusable.get(one.azure)
            if not place.error:
                await place.open(one, azure[one.azure], logs[one.azure], budgets[one.azure, one.subscription_id])

        await asyncio.gather(*(open_one(place, firsts[where]) for where, place in found.items()))
        check_any(found)
        yield found
    finally:
        for opened in azure.values():
            opened.close()


def check_any(found: Places) -> None:
    """Raise SentinelError where no workspace can be asked."""
    errors = [place.error for place in found.values() if place.error]
    if errors and len(errors) == len(found):
        raise errors[0].with_traceback(None)


async def finish(found: Places, watched: list[Watched], order: Order) -> None:
    """Judge every account by its events, which were looked at, and by the health of its connector."""
    await asyncio.gather(*(place.look_at_health(order) for place in found.values()))
    judge(found, watched, order)
    if order.role_last_used:
        await _in_accounts(watched, order, _ask_role)


def judge(found: Places, watched: list[Watched], order: Order) -> None:
    """Say of every account how it is doing."""
    for item in watched:
        place, account_id = found[item.account.workspace_key], item.account.account_id
        if place.error:
            item.error, item.ingestion_status = place.error, IngestionStatus(message=str(place.error))
        else:
            item.ingestion_status = model.judge(account_id, item.expected, place.look, place.links, order.lookback)
        item.shown = model.show(account_id, item.ingestion_status, place.look, place.links)
        if item.marked:
            arrival = place.look.arrivals.get(account_id)
            item.shown["canary"] = bool(arrival and arrival.marked)
        if order.canary and item.ingestion_status.as_expected and item.ingestion_status.name != "receiving":
            _demand_proof(item)


def _demand_proof(item: Watched) -> None:
    """Who may be quiet is as expected only if its marker arrived, where one was left or should have been."""
    if item.error or item.shown.get("canary") is False:
        message = f"{item.ingestion_status.message} Its marker did not arrive either."
        item.ingestion_status = item.ingestion_status._replace(as_expected=False, message=message)
        item.shown |= {"as_expected": False, "message": message}


async def verify(watched: list[Watched], order: Order, say: Say) -> Places:
    """Look until every account has events, or its marker arrived, or the time is over; then judge every account.

    `say` is told how far it is before each pause. Raises SentinelError where a workspace cannot be asked.
    """
    accounts = [item.account for item in watched]
    check_unique(accounts)
    if order.role_last_used:
        # What is asked last is not to fail after all the waiting.
        _check_aws({account.aws for account in accounts})
    async with places(accounts) as found:
        canary = f"trailbridge-{secrets.token_hex(8)}" if order.canary else ""
        if canary:
            await _in_accounts(watched, order, lambda item, aws: _mark(item, canary, aws))
        await _wait(found, watched, order, canary, say)
        await finish(found, watched, order)
        return found


def _check_aws(bases: Collection[AwsCredentials]) -> None:
    """Raise SentinelError where none of these credentials can be found."""
    errors: list[SentinelError] = []
    for base in bases:
        try:
            Aws(base).close()
        except SentinelError as error:
            errors.append(error)
    if errors and len(errors) == len(bases):
        raise errors[0]


async def _wait(found: Places, watched: list[Watched], order: Order, canary: str, say: Say) -> None:
    deadline = time.monotonic() + order.wait
    for pause in model.pauses(order.wait):
        await look_at_events(found, order, canary)
        missing = [item for item in watched if _waits(item, found[item.account.workspace_key])]
        left = deadline - time.monotonic()
        if not missing or left <= 0:
            break
        for place in found.values():
            if place.delayed:
                say(str(place.delayed))
        say(progress(missing, len(watched), left, min(pause, left)))
        await asyncio.sleep(min(pause, left))
    for place in found.values():
        place.error = place.error or place.delayed
    check_any(found)


async def look_at_events(found: Places, order: Order, canary: str) -> None:
    """Ask every workspace; raises SentinelError where none can be asked."""
    await asyncio.gather(*(place.look_at_events(order, canary) for place in found.values()))
    check_any(found)


def _waits(item: Watched, place: Place) -> bool:
    if place.error or place.delayed:
        return not place.error
    return model.waits(item.account.account_id, item.expected, place.look, place.links, marked=item.marked)


def progress(missing: list[Watched], accounts: int, left: float, pause: float) -> str:
    """Say how far the waiting is, whom it is for, and when it goes on."""
    named = ", ".join(item.account.name for item in missing[:NAMED])
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    return (
        f"{accounts - len(missing)} of {accounts} accounts done, missing {named}{more}; "
        f"next look in {format_duration(pause)}, {format_duration(left)} left"
    )


Work = Callable[[Watched, Aws], Awaitable[None]]


async def _in_accounts(watched: list[Watched], order: Order, work: Work) -> None:
    """Do something in every account; what goes wrong in one is noted there and stops no other."""
    slots = Slots(order.concurrency)
    aws: dict[AwsCredentials, Aws] = {}

    async def one(item: Watched) -> None:
        try:
            base = item.account.aws
            if base not in aws:
                aws[base] = Aws(base, slots)
            async with slots:
                await work(item, aws[base])
        except SentinelError as error:
            item.error = error

    try:
        await asyncio.gather(*map(one, watched))
    finally:
        for opened in aws.values():
            opened.close()


async def _mark(item: Watched, canary: str, aws: Aws) -> None:
    """Leave an event with a name of its own: the session's. The caller's own account has no session to be named."""
    account = item.account
    if account.account_id == (await aws.identity()).account_id:
        return
    await aws.assume_role_in(
        account.account_id, replace(account.assume_role, session_name=canary), account.role_spec.name, "read"
    )
    item.marked = True


async def _ask_role(item: Watched, aws: Aws) -> None:
    """Ask IAM when the role was used last, which is the word of AWS on whether Microsoft Sentinel comes by."""
    account, arn = item.account, item.shown["role_arn"]
    item.shown["role_last_used"] = {}
    if not arn:
        return
    name = arn.rpartition("/")[2]
    keys = await aws.assume_role_in(account.account_id, account.assume_role, name, "read")
    item.shown["role_last_used"] = await last_used(aws.service("iam").client(keys), account.account_id, name)
