# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many AWS accounts at once: one result per account, whatever happens to the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ..cloud import request_log
from ..model.account import Account, check_unique
from ..model.account_result import AccountReport, AccountResult
from ..model.credentials.credentials import AwsCredentials
from ..model.errors import SentinelError, cannot
from ..model.organization.organization import Organization
from . import new_account
from .account import connect, disconnect
from .orphans.orphans import DEPARTED, Orphan, Orphans, check_departed_again, find_departed, remove
from .orphans.role_orphans import find_in_accounts
from .preflight import Preflight
from .unexpected import unexpected_error

# Accounts started at the same time, as a multiple of the concurrency: some wait for ARM's limits or for a new role.
WORKERS_PER_SLOT = 4
# The default share of a workspace's connectors, in percent, that may be removed because their accounts departed.
DEPARTED_PERCENT = 20.0
# How long accounts in progress may continue after the run is interrupted.
GRACE_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of one run over many accounts."""

    absent: bool = False
    check_mode: bool = False
    concurrency: int = 256
    max_change: float | None = None
    """How many accounts may change; None for any number."""
    max_change_reason: str = ""
    """How `max_change` was calculated, and the option that raises it."""
    read_accounts: Mapping[str, int] = field(default_factory=dict)
    """By id of an account through whose S3 connection others are read: how many, with itself. All of them change."""
    max_departed_percent: float = DEPARTED_PERCENT
    """The share of a workspace's connectors that may be removed because their accounts departed."""
    orphans: str = "ignore"
    """What to do with connectors whose account or role no longer exists: ignore, report, remove."""
    orphan_account_ids: tuple[str, ...] | None = None
    """The accounts whose connectors may be orphans; None for all."""
    find_unconnected_roles: bool = False
    """Whether to find roles that trust Microsoft Sentinel and that no connector reads."""
    orphan_search: Account | None = None
    """In a run without accounts: the workspace and the credentials to find orphans with."""
    minimum_accounts: int = 1
    """An organization listing with fewer active accounts is treated as incomplete."""

    def counted(self, result: AccountResult) -> int:
        """Return how many accounts a result stands for in `max_change`."""
        return self.read_accounts.get(result.account.account_id, 1)

    @property
    def permission(self) -> str:
        """The permission on data connectors that the run needs."""
        return "read" if self.check_mode else "delete" if self.absent else "write"


class Cancellation:
    """Why no more accounts are started: those with the same source credentials, or all of them."""

    def __init__(self) -> None:
        self.reasons: dict[AwsCredentials | None, SentinelError] = {}
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def interrupted(self) -> SentinelError | None:
        """Why the whole run ends, None unless it was interrupted."""
        return self.reasons.get(None)

    def applies_to(self, account: Account) -> bool:
        """Whether the account must not be started."""
        return None in self.reasons or account.aws.identity in self.reasons

    def cancel_if_expired(self, result: AccountResult) -> None:
        """Cancel all accounts with the same source credentials if those have expired."""
        if result.error and result.error.kind == "expired_credentials":
            self.reasons.setdefault(result.account.aws.identity, result.error)
            result.skipped = not result.report.calls

    def interrupt(self, reason: str) -> None:
        """Start no more accounts, and cancel those in progress after GRACE_SECONDS. Call it on the event loop."""
        self.reasons[None] = cannot("interrupted", "finish the run", reason)
        asyncio.get_running_loop().call_later(GRACE_SECONDS, self._cancel_tasks)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that an interruption cancels."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run to completion; raises the `interrupted` error if the run is interrupted meanwhile."""
        task = self.start(work)
        try:
            await task
        except asyncio.CancelledError:
            if self.interrupted and task.cancelled():
                raise self.interrupted from None
            raise

    async def close(self) -> None:
        """Cancel all tasks and wait for them."""
        self._cancel_tasks()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _cancel_tasks(self) -> None:
        for task in self._running:
            task.cancel()


class Run:
    """A run over many accounts: yields the result of each account when it is complete.

    `orphans` are those that existed before the first account was changed, with what the run did about them; empty until
    they were searched.
    """

    def __init__(self, accounts: Iterable[Account], options: RunOptions, cancellation: Cancellation) -> None:
        self._accounts = new_account.sort_new_last(accounts)
        self._options = options
        self._cancellation = cancellation
        self._unfinished = set[str]()
        self.orphans = Orphans()
        self.stage = "signing in to AWS and Azure"
        """What it does at the moment, if that is not the work on accounts whose results are yielded."""

    async def __aiter__(self) -> AsyncIterator[AccountResult]:
        """Yield the results."""
        check_unique(self._accounts)
        options, statuses = self._options, Counter[str]()
        searched = self._accounts or ([options.orphan_search] if options.orphan_search else [])
        clients = Preflight(searched, options.concurrency, options.permission)
        try:
            await self._cancellation.run(clients.start())
            self.stage = "reading workspaces and organization"
            await self._cancellation.run(self._search_orphans(clients))
            self.stage = "" if options.max_change is None else "reading all accounts before the first write"
            async for result in _refused_preview(self._accounts, clients, options, self._cancellation):
                yield result
            self.stage = ""
            async for result in _reconcile_accounts(self._accounts, clients, options, self._cancellation):
                statuses[result.status] += options.counted(result)
                self._unfinished |= {result.account.account_id} if result.status in ("failed", "skipped") else set()
                yield result
            if not options.check_mode:
                self.stage = "removing orphans"
                await self._remove_orphans(clients)
            elif error := change_limit_error(statuses, options):
                raise error
        finally:
            clients.close()

    async def _search_orphans(self, clients: Preflight) -> None:
        """Find the orphans; raises SentinelError if they cannot be found, or if more would be removed than allowed."""
        try:
            self.orphans = await find_orphans(self._accounts, clients, self._options, self._cancellation)
            if self._options.orphans == "remove":
                found = [orphan for orphan in self.orphans if orphan.connector]
                await check_departed(found, self.orphans.organization, self._options.max_departed_percent)
        except SentinelError:
            raise
        except Exception as error:  # noqa: BLE001 a bug in the search stops no account, and nothing is removed after it
            self.orphans.error = unexpected_error("find orphans", error)

    async def _remove_orphans(self, clients: Preflight) -> None:
        """Remove the connectors of accounts that were finished, or are not part of the run."""
        if self._options.orphans != "remove" or self.orphans.error:
            return
        found = [one for one in self.orphans if one.connector and one.account_id not in self._unfinished]
        try:
            # The listing of the organization may be outdated after the work on accounts.
            await _remove(found, clients, self._options, self._cancellation, check_again=bool(self._accounts))
        except SentinelError:
            raise
        except Exception as error:  # noqa: BLE001 the results of the accounts are not lost
            self.orphans.error = unexpected_error("remove orphans", error)


async def _remove(
    orphans: list[Orphan], clients: Preflight, options: RunOptions, cancellation: Cancellation, *, check_again: bool
) -> None:
    """Remove these orphans one by one, until the run is interrupted."""
    if check_again and not cancellation.interrupted:
        await cancellation.run(check_departed_again(orphans, clients.only_aws, options.minimum_accounts))
    for orphan in orphans:
        if cancellation.interrupted:
            return
        if not orphan.error:
            await cancellation.run(remove(orphan))


def run(accounts: Iterable[Account], options: RunOptions, cancellation: Cancellation | None = None) -> Run:
    """Return a run that reconciles all accounts, up to `options.concurrency` at the same time, as it is iterated.

    The caller can interrupt the run by `cancellation`, which also has the reasons for skipped accounts.

    Iterating raises SentinelError before the first write if the whole run cannot work: bad input, or no source
    credentials or no workspace that can be used. If more accounts would change than allowed, too_many_changes is raised
    after the results of the preview.
    """
    return Run(accounts, options, cancellation or Cancellation())


async def _refused_preview(
    accounts: list[Account], clients: Preflight, options: RunOptions, cancellation: Cancellation
) -> AsyncIterator[AccountResult]:
    """Yield the results of a preview, then raise too_many_changes; yield nothing where the run may change them all."""
    if options.max_change is None or options.check_mode:
        return
    previewed = await _preview(accounts, clients, options, cancellation)
    statuses = Counter[str]()
    for result in previewed:
        statuses[result.status] += options.counted(result)
    if error := change_limit_error(statuses, options):
        for result in previewed:
            yield result
        raise error


async def _preview(
    accounts: list[Account], clients: Preflight, options: RunOptions, cancellation: Cancellation
) -> list[AccountResult]:
    """Return what would be done in every account; raises the reason if the run ends early."""
    preview = _reconcile_accounts(accounts, clients, replace(options, check_mode=True), cancellation)
    results = [result async for result in preview]
    if cancellation.interrupted or (cancellation.reasons and all(map(cancellation.applies_to, accounts))):
        raise cancellation.interrupted or next(iter(cancellation.reasons.values()))
    return results


async def find_orphans(
    accounts: list[Account], clients: Preflight, options: RunOptions, cancellation: Cancellation
) -> Orphans:
    """Return the orphans that exist; raises SentinelError if the organization or no workspace can be listed."""
    if options.orphans == "ignore" and not options.find_unconnected_roles:
        return Orphans()
    await clients.wait_until_open()
    departed = Orphans()
    if options.orphans != "ignore" and (accounts or options.orphan_search):
        departed = await find_departed(
            clients.only_aws(), clients.sentinels, options.minimum_accounts, options.orphan_account_ids
        )
    in_accounts = await find_in_accounts(
        accounts,
        clients,
        cancellation,
        absent=options.absent,
        find_unconnected_roles=options.find_unconnected_roles,
    )
    return departed.joined(in_accounts)


def change_limit_error(statuses: Mapping[str, int], options: RunOptions) -> SentinelError | None:
    """Return too_many_changes if more accounts would change than allowed; unreadable accounts count as changed."""
    unread, changing, limit = statuses.get("failed", 0), statuses.get("changed", 0), options.max_change
    if limit is None or changing + unread <= int(limit):
        return None
    counted = f"{changing} {'account' if changing == 1 else 'accounts'} would change"
    counted += f" and {unread} cannot be read" if unread else ""
    reason = options.max_change_reason or f"{int(limit)} may"
    return SentinelError("too_many_changes", f"Cannot start: {counted}; {reason}. Nothing was written.")


async def check_departed(orphans: Iterable[Orphan], organization: Organization | None, percent: float) -> None:
    """Raise SentinelError if more connectors of a workspace would be removed as departed than `percent` allows.

    In the listing of a wrong organization, all accounts that the workspace reads look departed.
    """
    by_workspace: dict[str, list[Orphan]] = {}
    for orphan in orphans:
        if orphan.reason in DEPARTED:
            by_workspace.setdefault(orphan.sentinel.id, []).append(orphan)
    for departed in by_workspace.values():
        sentinel = departed[0].sentinel
        connectors = await sentinel.all_connectors()
        member_ids = organization.accounts.keys() if organization else set[str]()
        what = f"remove the connectors of departed accounts from workspace {sentinel.name}"
        if not member_ids & {connector.account_id for connector in connectors}:
            why = "AWS Organizations lists none of the accounts that the workspace reads, so the credentials may be "
            raise cannot("wrong_account", what, f"{why}those of another organization. Nothing was written")
        limit = max(1, int(len(connectors) * percent / 100))
        if len(departed) > limit:
            why = (
                f"{len(departed)} would be removed, {limit} may ({percent:g} % of {len(connectors)} connectors); "
                "-e sentinel_max_change_percent=100 allows all. Nothing was written"
            )
            raise cannot("too_many_changes", what, why)


async def _reconcile_accounts(
    accounts: list[Account], clients: Preflight, options: RunOptions, cancellation: Cancellation
) -> AsyncIterator[AccountResult]:
    waiting = iter(accounts)
    finished: asyncio.Queue[AccountResult | BaseException] = asyncio.Queue()

    async def worker() -> None:
        try:
            for account in waiting:
                result = (
                    AccountResult(account, AccountReport(), skipped=True)
                    if cancellation.applies_to(account)
                    else await _reconcile_account(account, clients, options, cancellation)
                )
                if not clients.credentials_error(account):
                    cancellation.cancel_if_expired(result)
                finished.put_nowait(result)
        except BaseException as error:  # such as Ansible's task timeout, raised by a signal wherever this process is
            finished.put_nowait(error)
            raise

    for _number in range(min(len(accounts), options.concurrency * WORKERS_PER_SLOT)):
        cancellation.start(worker())
    try:
        await cancellation.run(clients.wait_until_open())
        for _account in accounts:
            result = await finished.get()
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        await cancellation.close()


async def _reconcile_account(
    account: Account, clients: Preflight, options: RunOptions, cancellation: Cancellation
) -> AccountResult:
    request_log.current_account.set(account.account_id)
    result = AccountResult(account, AccountReport(), check_mode=options.check_mode)
    reconcile = disconnect if options.absent else connect
    try:
        await reconcile(result.report, account, await clients.context(account, check_mode=options.check_mode))
    except SentinelError as error:
        result.error = error
    except asyncio.CancelledError:
        if not cancellation.interrupted:
            raise
        why = "the run was interrupted; calls in progress may have been completed"
        result.error = cannot("interrupted", f"finish account {account.account_id}", why)
    except Exception as error:  # noqa: BLE001 one account never stops the others
        result.error = unexpected_error(f"finish account {account.account_id}", error)
    complete = not (options.absent or result.error)
    result.report.accept(account.accepted, datetime.now(UTC).date().isoformat(), complete=complete)
    return result
