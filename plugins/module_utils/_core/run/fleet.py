# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many AWS accounts at once: one result per account, whatever happens to the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ..model.account import Account, check_unique
from ..model.account_result import AccountReport, AccountResult
from ..model.credentials.credentials import AwsCredentials
from ..model.errors import SentinelError, cannot
from ..model.organization.organization import Organization
from . import leftovers, new_account
from .account import connect, disconnect
from .clients import Clients
from .orphans import DEPARTED, Orphan, Orphans, check_gone, find, remove

# Accounts that are begun while others wait, for ARM's limits or for a new role: so many times the concurrency.
AHEAD = 4
# Of the connectors of a workspace at most so many per cent go as departed, unless another share is given.
DEPARTED_PERCENT = 20.0
# How long accounts under way may go on when the run is ended, in seconds.
GRACE = 4.0


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done with all accounts, and how."""

    absent: bool = False
    check_mode: bool = False
    concurrency: int = 64
    max_change: float | None = None
    """How many accounts may change; None for any number."""
    limit: str = ""
    """Where `max_change` comes from, and what lifts it."""
    departed_percent: float = DEPARTED_PERCENT
    """How many per cent of a workspace's connectors may go as departed."""
    orphans: str = "ignore"
    """What to do about connectors whose account, or whose role, is gone: ignore, report, remove."""
    orphan_account_ids: tuple[str, ...] | None = None
    """The accounts among which to look for them; None for all."""
    roles: bool = False
    """Whether to look for roles that let Microsoft Sentinel in, and that no connector reads."""
    home: Account | None = None
    """Where there are no accounts, the workspace and the credentials to look with."""
    minimum: int = 1
    """A listing of the organization with fewer accounts at work than that is not believed."""

    @property
    def right(self) -> str:
        """The right on data connectors that the run needs."""
        return "read" if self.check_mode else "delete" if self.absent else "write"


class Cancellation:
    """Why accounts are not begun any more: those with the same base credentials, or all of them."""

    def __init__(self) -> None:
        self.reasons: dict[AwsCredentials | None, SentinelError] = {}
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def interrupted(self) -> SentinelError | None:
        """Why the whole run ends, if it does."""
        return self.reasons.get(None)

    def concerns(self, account: Account) -> bool:
        """Tell whether the account is not to be begun."""
        return None in self.reasons or account.aws in self.reasons

    def learn(self, done: AccountResult) -> None:
        """See whether the error of an account concerns the others as well."""
        if done.error and done.error.kind == "expired_credentials":
            self.reasons.setdefault(done.account.aws, done.error)
            done.skipped = not done.report.calls

    def interrupt(self, reason: str) -> None:
        """Begin no account any more, and in a few seconds end those that are under way. To be called on the loop."""
        self.reasons[None] = cannot("interrupted", "finish the run", reason)
        asyncio.get_running_loop().call_later(GRACE, self._end)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do some work that can be interrupted."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def during(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it before anything else; raises why the run ends where it ends meanwhile."""
        task = self.start(work)
        try:
            await task
        except asyncio.CancelledError:
            if self.interrupted and task.cancelled():
                raise self.interrupted from None
            raise

    async def close(self) -> None:
        """End all work."""
        self._end()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _end(self) -> None:
        for task in self._running:
            task.cancel()


async def run(
    accounts: Iterable[Account], order: Order, stop: Cancellation | None = None, orphans: Orphans | None = None
) -> AsyncIterator[AccountResult]:
    """Bring all accounts to the wish, up to `order.concurrency` at the same time; yields each result when it is there.

    Who holds `stop` can end the run, and learns from it why accounts were skipped. `orphans` is filled.

    Raises SentinelError for what concerns the whole run, before the first write: bad input, base credentials, a
    workspace that cannot be used. Where more would change than allowed, too_many_changes comes after the results of
    the preview.
    """
    accounts = new_account.last(accounts)
    check_unique(accounts)
    clients, stop = Clients(order.concurrency, order.right), stop or Cancellation()
    orphans, unfinished, statuses = Orphans() if orphans is None else orphans, set[str](), Counter[str]()
    try:
        await stop.during(clients.start(accounts or ([order.home] if order.home else [])))
        await stop.during(_find(orphans, accounts, clients, order, stop))
        going = [orphan for orphan in orphans if orphan.connector] if order.orphans == "remove" else []
        if going:
            await check_departed(going, orphans.organization, order.departed_percent)
        if order.max_change is not None and not order.check_mode:
            previewed = await _preview(accounts, clients, order, stop)
            if refusal := too_many(Counter(done.status for done in previewed), order):
                for done in previewed:
                    yield done
                raise refusal
            del previewed
        async for done in _work(accounts, clients, order, stop):
            statuses[done.status] += 1
            unfinished |= {done.account.account_id} if done.status in ("failed", "skipped") else set()
            yield done
        if not order.check_mode:
            going = [orphan for orphan in going if orphan.account_id not in unfinished]
            again = partial(check_gone, going, clients.only_aws, order.minimum) if accounts else None
            await _remove(going, stop, again)
        elif refusal := too_many(statuses, order):
            raise refusal
    finally:
        clients.close()


async def _preview(accounts: list[Account], clients: Clients, order: Order, stop: Cancellation) -> list[AccountResult]:
    """Return what would be done in every account; raises why the run ends early, if it does."""
    previewed = [done async for done in _work(accounts, clients, replace(order, check_mode=True), stop)]
    if stop.interrupted or (stop.reasons and all(map(stop.concerns, accounts))):
        raise stop.interrupted or next(iter(stop.reasons.values()))
    return previewed


async def _remove(
    orphans: list[Orphan], stop: Cancellation, again: Callable[[], Coroutine[Any, Any, None]] | None
) -> None:
    """Remove them; `again` looks once more who is gone, where that was found out some time ago."""
    if again and not stop.interrupted:
        await stop.during(again())
    for orphan in orphans:
        if stop.interrupted:
            return
        if not orphan.error:
            await stop.during(remove(orphan))


async def _find(orphans: Orphans, accounts: list[Account], clients: Clients, order: Order, stop: Cancellation) -> None:
    """Add what is to be found before the work begins: connectors without an account or a role, roles without one."""
    if order.orphans == "ignore" and not order.roles:
        return
    await clients.opened()
    if order.orphans != "ignore" and (accounts or order.home):
        found = await find(clients.only_aws(), clients.sentinels, order.minimum, order.orphan_account_ids)
        orphans += found
        orphans.organization = found.organization
        orphans.unlisted |= found.unlisted
    await leftovers.find(orphans, accounts, clients, stop, absent=order.absent, roles=order.roles)


def too_many(statuses: Mapping[str, int], order: Order) -> SentinelError | None:
    """Return too_many_changes when more accounts would change than allowed; what cannot be read counts as changed."""
    unread, changing, most = statuses.get("failed", 0), statuses.get("changed", 0), order.max_change
    if most is None or changing + unread <= int(most):
        return None
    told = f"{changing} {'account' if changing == 1 else 'accounts'} would change"
    told += f" and {unread} cannot be read" if unread else ""
    limit = order.limit or f"{int(most)} may"
    return SentinelError("too_many_changes", f"Cannot start: {told}; {limit}. Nothing was written.")


async def check_departed(orphans: Iterable[Orphan], organization: Organization | None, percent: float) -> None:
    """Raise SentinelError where more connectors of a workspace would go as departed than seems right.

    Whoever lists another organization than the one whose accounts the workspace reads sees all of them as departed.
    """
    by_workspace: dict[str, list[Orphan]] = {}
    for orphan in orphans:
        if orphan.reason in DEPARTED:
            by_workspace.setdefault(orphan.sentinel.id, []).append(orphan)
    for departed in by_workspace.values():
        sentinel = departed[0].sentinel
        connectors = await sentinel.all_connectors()
        known = organization.accounts.keys() if organization else set[str]()
        what = f"remove the connectors of departed accounts from workspace {sentinel.name}"
        if not known & {connector.account_id for connector in connectors}:
            why = "AWS Organizations lists none of the accounts that the workspace reads, so the credentials may be "
            raise cannot("wrong_account", what, f"{why}those of another organization. Nothing was written")
        most = max(1, int(len(connectors) * percent / 100))
        if len(departed) > most:
            why = (
                f"{len(departed)} would go; {percent:g} % of {len(connectors)} connectors is {most}; "
                "-e sentinel_max_change_percent=100 lifts it. Nothing was written"
            )
            raise cannot("too_many_changes", what, why)


async def _work(
    accounts: list[Account], clients: Clients, order: Order, stop: Cancellation
) -> AsyncIterator[AccountResult]:
    waiting = iter(accounts)
    finished: asyncio.Queue[AccountResult | BaseException] = asyncio.Queue()

    async def worker() -> None:
        try:
            for account in waiting:
                skipped = stop.concerns(account)
                done = (
                    AccountResult(account, AccountReport(), skipped=True)
                    if skipped
                    else await _one(account, clients, order, stop)
                )
                if not clients.refused(account):
                    stop.learn(done)
                finished.put_nowait(done)
        except BaseException as error:  # such as a time limit of Ansible, which strikes wherever this process is
            finished.put_nowait(error)
            raise

    for _number in range(min(len(accounts), order.concurrency * AHEAD)):
        stop.start(worker())
    try:
        await stop.during(clients.opened())
        for _account in accounts:
            done = await finished.get()
            if isinstance(done, BaseException):
                raise done
            yield done
    finally:
        await stop.close()


async def _one(account: Account, clients: Clients, order: Order, stop: Cancellation) -> AccountResult:
    done = AccountResult(account, AccountReport(), check_mode=order.check_mode)
    work = disconnect if order.absent else connect
    try:
        await work(done.report, account, clients.context(account, check_mode=order.check_mode))
    except SentinelError as error:
        done.error = error
    except asyncio.CancelledError:
        if not stop.interrupted:
            raise
        why = "the run was ended; what was under way may have been done"
        done.error = cannot("interrupted", f"finish account {account.account_id}", why)
    except Exception as error:  # noqa: BLE001 one account never stops the others
        done.error = cannot("unexpected", f"finish account {account.account_id}", repr(error))
        done.error.__cause__ = error
    complete = not (order.absent or done.error)
    done.report.accept(account.accepted, datetime.now(UTC).date().isoformat(), complete=complete)
    return done
