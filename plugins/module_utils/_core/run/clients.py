# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that opens AWS, Azure, workspaces and Log Analytics: once for all accounts that share them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from ..cloud.aws import Aws
from ..model.account import Account, WorkspaceKey
from ..model.credentials.credentials import AwsCredentials, AzureCredentials, by_identity, with_other_secrets
from ..model.errors import SentinelError
from .pacing import AzureRateLimit, Slots
from .unexpected import kept_in

if TYPE_CHECKING:
    # Azure's packages take longer to load than all others, and are not needed to change a role.
    from ..cloud.arm import Azure
    from ..cloud.logs import Logs
    from ..cloud.sentinel import Sentinel

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Opened(Generic[K, T]):
    """What was opened, by key: each once, with the error of what cannot be opened."""

    def __init__(self, open_one: Callable[[K], Awaitable[T]], action: Callable[[K], str]) -> None:
        self._open_one = open_one
        self._action = action
        self._tasks: dict[K, asyncio.Task[None]] = {}
        self.values: dict[K, T] = {}
        self.errors: dict[K, SentinelError] = {}

    async def get(self, key: K) -> T:
        """Return the value of a key; raises SentinelError, the same each time, if it cannot be opened."""
        if key not in self.values:
            await self._wait(key)
            self.check(key)
        return self.values[key]

    async def open_all(self, keys: Iterable[K]) -> None:
        """Open all of these; raises SentinelError if none can be opened."""
        distinct = list(dict.fromkeys(keys))
        await asyncio.gather(*map(self._wait, distinct))
        if distinct and all(key in self.errors for key in distinct):
            self.check(distinct[0])

    def check(self, key: K) -> None:
        """Raise SentinelError if this cannot be opened."""
        if error := self.errors.get(key):
            raise error.with_traceback(None)

    async def _wait(self, key: K) -> None:
        if key not in self._tasks:
            self._tasks[key] = asyncio.ensure_future(self._keep(key))
        await asyncio.shield(self._tasks[key])

    async def _keep(self, key: K) -> None:
        with kept_in(self.errors, key, self._action(key)):
            self.values[key] = await self._open_one(key)

    def close(self) -> None:
        """Open nothing more."""
        for task in self._tasks.values():
            task.cancel()


class Clients:
    """The clients of these accounts, opened when they are first asked for. Bound to one event loop.

    Accounts whose credentials differ in the secret only (`identity`) share a sign-in, which uses the first secret that
    works. Limits are shared by those whom the services count together: ARM counts the requests of a principal in a
    subscription, Log Analytics the queries of a principal, AWS (`slots`) all requests of this process.
    """

    def __init__(self, accounts: Sequence[Account], concurrency: int = 1) -> None:
        self.slots = Slots(concurrency)
        self._aws_secrets = by_identity(account.aws for account in accounts)
        self._azure_secrets = by_identity(account.azure for account in accounts)
        self._limits: dict[tuple[Hashable, str], AzureRateLimit] = {}
        self._aws = Opened(self._open_aws, lambda _identity: "find AWS credentials")
        self._azure = Opened(self._open_azure, lambda _identity: "sign in to Azure")
        self._workspaces = Opened(self._open_workspace, workspace_action)
        self._logs = Opened(self._open_logs, lambda _identity: "open Log Analytics")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()

    async def aws(self, account: Account) -> Aws:
        """Return AWS with the source credentials of an account; raises SentinelError."""
        return await self._aws.get(account.aws.identity)

    async def open_aws(self, accounts: Iterable[Account]) -> None:
        """Open AWS for all of these; raises SentinelError if none of their credentials can be found."""
        await self._aws.open_all(account.aws.identity for account in accounts)

    async def sentinel(self, account: Account) -> Sentinel:
        """Return the workspace of an account, from which nothing was read yet; raises SentinelError."""
        return await self._workspaces.get(account.workspace_key)

    async def logs(self, account: Account) -> Logs:
        """Return Log Analytics with the Azure credentials of an account; raises SentinelError."""
        return await self._logs.get(account.azure.identity)

    async def _open_aws(self, identity: AwsCredentials) -> Aws:
        """Open AWS with the first secret that works; raises the error of the first one."""
        first, *others = self._aws_secrets[identity]
        if not others:
            return Aws(first, self.slots)
        errors: list[SentinelError] = []
        for credentials in (first, *others):
            try:
                return await _signed_in(credentials, self.slots)
            except SentinelError as error:
                errors.append(error)
                if error.kind != "expired_credentials":
                    break
        raise errors[0]

    async def _open_azure(self, identity: AzureCredentials) -> Azure:
        return await asyncio.to_thread(_sign_in, with_other_secrets(self._azure_secrets[identity]))

    async def _open_workspace(self, key: WorkspaceKey) -> Sentinel:
        identity, subscription_id, resource_group, name = key
        azure = await self._azure.get(identity)
        from ..cloud.sentinel import Sentinel

        return Sentinel(azure, subscription_id, resource_group, name, self._limit(identity, subscription_id))

    async def _open_logs(self, identity: AzureCredentials) -> Logs:
        azure = await self._azure.get(identity)
        from ..cloud.logs import Logs

        return Logs(azure, self._limit(identity))

    def _limit(self, identity: AzureCredentials, subscription_id: str = "") -> AzureRateLimit:
        """Return the limits of a principal, in ARM those for a subscription."""
        return self._limits.setdefault((identity.principal, subscription_id.lower()), AzureRateLimit())

    def close(self) -> None:
        """Close every connection."""
        for opened in (self._aws, self._azure, self._workspaces, self._logs):
            opened.close()
        for aws in self._aws.values.values():
            aws.close()
        for azure in self._azure.values.values():
            azure.close()


def workspace_action(key: WorkspaceKey) -> str:
    """Return the action for messages: to open this workspace."""
    return f"open workspace {key[-1]}"


async def _signed_in(credentials: AwsCredentials, slots: Slots) -> Aws:
    """Return AWS with credentials that were tried; raises SentinelError."""
    aws = Aws(credentials, slots)
    try:
        await aws.identity()
    except BaseException:
        aws.close()
        raise
    return aws


def _sign_in(credentials: AzureCredentials) -> Azure:
    # Azure's packages take longer to load than all others: requests to AWS run meanwhile.
    from ..cloud.arm import Azure

    return Azure(credentials)
