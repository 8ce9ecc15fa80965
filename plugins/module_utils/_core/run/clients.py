# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients of a run over many accounts, created once, and the check of the workspaces before the first write."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..cloud.aws import Aws
from ..model.account import Account, WorkspaceKey, check_partition
from ..model.connector import workspace as workspaces
from ..model.connector.workspace import Workspace
from ..model.credentials.credentials import AwsCredentials, AzureCredentials
from ..model.errors import SentinelError
from .account import Context
from .pacing import AzureRateLimit, Slots, Visibility
from .unexpected import kept_in

if TYPE_CHECKING:
    from ..cloud.arm import Azure
    from ..cloud.sentinel import Sentinel


class Clients:
    """The clients of a run, one for all accounts with the same credentials or workspace.

    `permission` is the one on data connectors that the run needs: read, write or delete.
    """

    def __init__(self, concurrency: int, permission: str) -> None:
        self._permission = permission
        self._slots = Slots(concurrency)
        self._visibility = Visibility()
        self._aws: dict[AwsCredentials, Aws] = {}
        self._azure: dict[AzureCredentials, Azure] = {}
        self._budgets: dict[tuple[AzureCredentials, str], AzureRateLimit] = {}
        self._sentinel: dict[WorkspaceKey, tuple[Sentinel, Workspace]] = {}
        # Also those that turn out to be unusable.
        self._created: dict[WorkspaceKey, Sentinel] = {}
        # Why some accounts fail; the others continue.
        self._unusable_aws: dict[AwsCredentials, SentinelError] = {}
        self._unusable_azure: dict[AzureCredentials, SentinelError] = {}
        self._unusable: dict[WorkspaceKey, SentinelError] = {}
        self._opening: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self, accounts: Sequence[Account]) -> None:
        """Check the source credentials, and start to open the workspaces (see `wait_until_open`).

        Raises SentinelError if none of the credentials can be used.
        """
        self._opening = asyncio.ensure_future(self._open(accounts))
        all_credentials = list({account.aws: None for account in accounts})
        await asyncio.gather(*map(self._open_aws, all_credentials))
        _raise_if_all_failed(self._unusable_aws, all_credentials)

    async def _open_aws(self, credentials: AwsCredentials) -> None:
        with kept_in(self._unusable_aws, credentials, "find AWS credentials"):
            self._aws[credentials] = Aws(credentials, self._slots)
            await self._aws[credentials].identity()

    async def wait_until_open(self) -> None:
        """Wait until every workspace was checked; raises SentinelError if none can be used."""
        await asyncio.shield(self._opening)

    async def ready(self, account: Account) -> tuple[Account, Sentinel]:
        """Return the account with workspace id and partition, and its workspace; raises SentinelError if unusable."""
        await self.wait_until_open()
        if error := self._unusable.get(account.workspace_key):
            raise error.with_traceback(None)
        sentinel, workspace = self._sentinel[account.workspace_key]
        workspaces.check_id(workspace, account.role_spec.workspace_id, account.host or account.account_id)
        identity = await self._aws[account.aws].identity()
        complete = account.completed(workspace_id=workspace.customer_id, partition=identity.partition)
        check_partition(complete)
        return complete, sentinel

    async def _open(self, accounts: Sequence[Account]) -> None:
        keys = list({account.workspace_key: None for account in accounts})
        await asyncio.gather(*map(self._open_azure, {credentials: None for credentials, *_rest in keys}))
        await asyncio.gather(*map(self._open_workspace, keys))
        _raise_if_all_failed(self._unusable, keys)

    async def _open_azure(self, credentials: AzureCredentials) -> None:
        with kept_in(self._unusable_azure, credentials, "sign in to Azure"):
            self._azure[credentials] = await asyncio.to_thread(_sign_in, credentials)

    def _usable_azure(self, credentials: AzureCredentials) -> Azure:
        if error := self._unusable_azure.get(credentials):
            raise error.with_traceback(None)
        return self._azure[credentials]

    async def _open_workspace(self, key: WorkspaceKey) -> None:
        from ..cloud.sentinel import Sentinel

        credentials, subscription_id, resource_group, name = key
        with kept_in(self._unusable, key, f"open workspace {name}"):
            azure = self._usable_azure(credentials)
            budget = self._budgets.setdefault((credentials, subscription_id), AzureRateLimit())
            sentinel = Sentinel(azure, subscription_id, resource_group, name, budget)
            self._created[key] = sentinel
            self._sentinel[key] = sentinel, await preflight(sentinel, self._permission)

    def credentials_error(self, account: Account) -> SentinelError | None:
        """Return why the source credentials of an account cannot be used, None if they can."""
        return self._unusable_aws.get(account.aws)

    def context(self, account: Account, *, check_mode: bool) -> Context:
        """Return the context of an account; raises SentinelError if its source credentials cannot be used."""
        if error := self.credentials_error(account):
            raise error.with_traceback(None)
        return Context(
            self._aws[account.aws],
            self.ready,
            self._opening.done,
            self._workspace_id,
            self._other_readers,
            self._slots,
            self._visibility,
            check_mode,
        )

    def _workspace_id(self, account: Account) -> str:
        """Return the workspace id of an account: the one that was read, else the option, which may be empty."""
        sentinel = self._created.get(account.workspace_key)
        return (sentinel.customer_id if sentinel else "") or account.role_spec.workspace_id

    async def _other_readers(self, account_id: str, own: Sentinel) -> list[dict[str, Any]]:
        """Return the connectors in the other workspaces that read an account, without those that cannot be listed."""
        found: list[dict[str, Any]] = []
        for sentinel in {one.id: one for one in self.sentinels if one.id != own.id}.values():
            with suppress(SentinelError):
                found += [{**one, "workspace": sentinel.name} for one in await sentinel.connectors_reading(account_id)]
        return found

    @property
    def sentinels(self) -> list[Sentinel]:
        """The workspaces of the run that can be used, after `wait_until_open`."""
        return [sentinel for sentinel, _workspace in self._sentinel.values()]

    @property
    def unusable(self) -> dict[str, str]:
        """The workspaces of the run that cannot be used, by ARM id, with the reason."""
        return {workspaces.arm_id(*names): str(error) for (_credentials, *names), error in self._unusable.items()}

    @property
    def workspace_ids(self) -> set[str]:
        """The customer ids of the workspaces that can be used, in lower case."""
        return {workspace.customer_id.lower() for _sentinel, workspace in self._sentinel.values()}

    def only_aws(self) -> Aws:
        """Return the client of the only source credentials; raises bad_input if there are several."""
        if len(self._aws.keys() | self._unusable_aws.keys()) > 1:
            raise SentinelError(
                "bad_input", "Cannot find orphans: the accounts of the run have different AWS source credentials."
            )
        return next(iter(self._aws.values()))

    def close(self) -> None:
        """Close every connection."""
        self._opening.cancel()
        for aws in self._aws.values():
            aws.close()
        for azure in self._azure.values():
            azure.close()


def _raise_if_all_failed(errors: Mapping[Any, SentinelError], keys: Collection[Any]) -> None:
    """Raise the first error if there is one for every key."""
    if keys and all(key in errors for key in keys):
        raise next(iter(errors.values()))


def _sign_in(credentials: AzureCredentials) -> Azure:
    # Azure's packages take longer to load than all others: requests to AWS run meanwhile.
    from ..cloud.arm import Azure

    return Azure(credentials)


async def preflight(sentinel: Sentinel, permission: str) -> Workspace:
    """Check that a run can use the workspace, and list its connectors; raises SentinelError with what is missing."""
    listing = asyncio.ensure_future(sentinel.connectors(""))
    try:
        workspace = await sentinel.workspace_details()
        workspaces.check_ready(workspace, permission)
        await listing
    finally:
        listing.cancel()
    return workspace
