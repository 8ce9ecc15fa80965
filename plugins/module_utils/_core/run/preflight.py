# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of credentials and workspaces before the first write of a run, and what its accounts share afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from ..cloud.aws import Aws
from ..model import sources
from ..model.account import Account, WorkspaceKey, check_partition
from ..model.connector import workspace as workspaces
from ..model.connector.workspace import Workspace
from ..model.credentials.credentials import AwsCredentials
from ..model.errors import SentinelError
from .account import Context
from .clients import Clients, Opened, workspace_action
from .pacing import Visibility

if TYPE_CHECKING:
    from ..cloud.sentinel import Sentinel


class ReadyWorkspace(NamedTuple):
    """A workspace that the run can use, as it was read, and its adapter."""

    sentinel: Sentinel
    workspace: Workspace


class Preflight:
    """Checks what the accounts of a run use; what cannot be used fails the accounts that use it.

    `permission` is the one on data connectors that the run needs: read, write or delete.
    """

    def __init__(self, accounts: Sequence[Account], concurrency: int, permission: str) -> None:
        self._accounts = accounts
        self._permission = permission
        self._clients = Clients(accounts, concurrency)
        self._visibility = Visibility()
        self._first_aws = {account.aws.identity: account for account in reversed(accounts)}
        self._first_accounts = {account.workspace_key: account for account in reversed(accounts)}
        self._aws = Opened(self._check_aws, lambda _identity: "find AWS credentials")
        self._workspaces = Opened(self._check_workspace, workspace_action)
        self._fed = {one.workspace_key for one in accounts if any(map(sources.feeds_other_accounts, one.sources))}
        # Also those that turn out to be unusable.
        self._created: dict[WorkspaceKey, Sentinel] = {}
        self._checking: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self) -> None:
        """Check the source credentials, and start to check the workspaces (see `wait_until_open`).

        Raises SentinelError if none of the credentials can be used.
        """
        self._checking = asyncio.ensure_future(self._workspaces.open_all(one.workspace_key for one in self._accounts))
        await self._aws.open_all(account.aws.identity for account in self._accounts)

    async def _check_aws(self, identity: AwsCredentials) -> Aws:
        aws = await self._clients.aws(self._first_aws[identity])
        await aws.identity()
        return aws

    async def _check_workspace(self, key: WorkspaceKey) -> ReadyWorkspace:
        sentinel = self._created[key] = await self._clients.sentinel(self._first_accounts[key])
        return ReadyWorkspace(sentinel, await _preflight(sentinel, self._permission))

    async def wait_until_open(self) -> None:
        """Wait until every workspace was checked; raises SentinelError if none can be used."""
        await asyncio.shield(self._checking)

    async def ready(self, account: Account) -> tuple[Account, Sentinel]:
        """Return the account with workspace id and partition, and its workspace; raises SentinelError if unusable."""
        await self.wait_until_open()
        sentinel, workspace = await self._workspaces.get(account.workspace_key)
        workspaces.check_id(workspace, account.role_spec.workspace_id, account.host or account.account_id)
        identity = await (await self._aws.get(account.aws.identity)).identity()
        complete = account.completed(workspace_id=workspace.customer_id, partition=identity.partition)
        check_partition(complete)
        return complete, sentinel

    def credentials_error(self, account: Account) -> SentinelError | None:
        """Return why the source credentials of an account cannot be used, None if they can."""
        return self._aws.errors.get(account.aws.identity)

    def workspace_error(self, account: Account) -> SentinelError | None:
        """Return why the workspace of an account cannot be used, None if it can."""
        return self._workspaces.errors.get(account.workspace_key)

    @property
    def clients(self) -> Clients:
        """The clients of the accounts, for requests that a run does not make."""
        return self._clients

    async def context(self, account: Account, *, check_mode: bool) -> Context:
        """Return the context of an account; raises SentinelError if its source credentials cannot be used."""
        return Context(
            await self._aws.get(account.aws.identity),
            self.ready,
            self._checking.done,
            self._workspace_id,
            self._other_readers,
            self._is_fed,
            self._clients.slots,
            self._visibility,
            check_mode,
        )

    def _workspace_id(self, account: Account) -> str:
        """Return the workspace id of an account: the one that was read, else the option, which may be empty."""
        sentinel = self._created.get(account.workspace_key)
        return (sentinel.customer_id if sentinel else "") or account.role_spec.workspace_id

    def _is_fed(self, account: Account) -> bool:
        """Whether a source of an account of the run ingests the events of accounts without sources."""
        return account.workspace_key in self._fed

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
        return [one.sentinel for one in self._workspaces.values.values()]

    @property
    def unusable(self) -> dict[str, str]:
        """The workspaces of the run that cannot be used, by ARM id, with the reason."""
        errors = self._workspaces.errors.items()
        return {workspaces.arm_id(*names): str(error) for (_credentials, *names), error in errors}

    @property
    def workspace_ids(self) -> set[str]:
        """The customer ids of the workspaces that can be used, in lower case."""
        return {one.workspace.customer_id.lower() for one in self._workspaces.values.values()}

    def only_aws(self) -> Aws:
        """Return the client of the only source credentials; raises bad_input if there are several."""
        if len({account.aws.identity for account in self._accounts}) > 1:
            raise SentinelError(
                "bad_input", "Cannot find orphans: the accounts of the run have different AWS source credentials."
            )
        return next(iter(self._aws.values.values()))

    def close(self) -> None:
        """Close every connection."""
        self._checking.cancel()
        for opened in (self._aws, self._workspaces):
            opened.close()
        self._clients.close()


async def _preflight(sentinel: Sentinel, permission: str) -> Workspace:
    """Check that a run can use the workspace, and list its connectors; raises SentinelError with what is missing."""
    listing = asyncio.ensure_future(sentinel.connectors(""))
    try:
        workspace = await sentinel.workspace_details()
        workspaces.check_ready(workspace, permission)
        await listing
    finally:
        listing.cancel()
    return workspace
