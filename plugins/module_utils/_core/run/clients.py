# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every client of a run over many accounts, made once, and the workspaces looked at before anything is written."""

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
from ..model.errors import SentinelError, cannot
from .account import Context
from .pacing import AzureRateLimit, Slots, Visibility

if TYPE_CHECKING:
    from ..cloud.arm import Azure
    from ..cloud.sentinel import Sentinel


class Clients:
    """Every client of the run, made once for all accounts that share credentials or workspace."""

    def __init__(self, concurrency: int, right: str) -> None:
        self._right = right
        self._slots = Slots(concurrency)
        self._visibility = Visibility()
        self._aws: dict[AwsCredentials, Aws] = {}
        self._azure: dict[AzureCredentials, Azure] = {}
        self._budgets: dict[tuple[AzureCredentials, str], AzureRateLimit] = {}
        self._sentinel: dict[WorkspaceKey, tuple[Sentinel, Workspace]] = {}
        # These may turn out to be unusable.
        self._begun: dict[WorkspaceKey, Sentinel] = {}
        # Why some accounts cannot be worked on, which is no reason not to work on the others.
        self._unusable_aws: dict[AwsCredentials, SentinelError] = {}
        self._unusable_azure: dict[AzureCredentials, SentinelError] = {}
        self._unusable: dict[WorkspaceKey, SentinelError] = {}
        self._opening: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self, accounts: Sequence[Account]) -> None:
        """Check the base credentials, and begin with the workspaces, which `opened` waits for.

        Raises SentinelError where none of the credentials can be used.
        """
        self._opening = asyncio.ensure_future(self._open(accounts))
        bases = list({account.aws: None for account in accounts})
        await asyncio.gather(*map(self._open_aws, bases))
        _raise_for_all(self._unusable_aws, bases)

    async def _open_aws(self, base: AwsCredentials) -> None:
        try:
            self._aws[base] = Aws(base, self._slots)
            await self._aws[base].identity()
        except SentinelError as error:
            self._unusable_aws[base] = error
        except Exception as error:  # noqa: BLE001 one credential never stops the others
            self._unusable_aws[base] = cannot("unexpected", "find AWS credentials", repr(error))

    async def opened(self) -> None:
        """Wait until every workspace was looked at; raises SentinelError where none can be used."""
        await asyncio.shield(self._opening)

    async def ready(self, account: Account) -> tuple[Account, Sentinel]:
        """Return the account with what the services know, and its workspace; raises SentinelError if unusable."""
        await self.opened()
        if error := self._unusable.get(account.workspace_key):
            raise error.with_traceback(None)
        sentinel, workspace = self._sentinel[account.workspace_key]
        workspaces.check_id(workspace, account.role_spec.workspace_id, account.host or account.account_id)
        identity = await self._aws[account.aws].identity()
        known = account.at(workspace_id=workspace.customer_id, partition=identity.partition)
        check_partition(known)
        return known, sentinel

    async def _open(self, accounts: Sequence[Account]) -> None:
        places = list({account.workspace_key: None for account in accounts})
        await asyncio.gather(*map(self._open_azure, {credentials: None for credentials, *_rest in places}))
        await asyncio.gather(*map(self._open_workspace, places))
        _raise_for_all(self._unusable, places)

    async def _open_azure(self, credentials: AzureCredentials) -> None:
        try:
            self._azure[credentials] = await asyncio.to_thread(_signed_in, credentials)
        except SentinelError as error:
            self._unusable_azure[credentials] = error
        except Exception as error:  # noqa: BLE001 one credential never stops the others
            self._unusable_azure[credentials] = cannot("unexpected", "sign in to Azure", repr(error))

    async def _open_workspace(self, place: WorkspaceKey) -> None:
        from ..cloud.sentinel import Sentinel

        credentials, subscription_id, resource_group, name = place
        try:
            if error := self._unusable_azure.get(credentials):
                raise error.with_traceback(None)
            budget = self._budgets.setdefault((credentials, subscription_id), AzureRateLimit())
            sentinel = Sentinel(self._azure[credentials], subscription_id, resource_group, name, budget)
            self._begun[place] = sentinel
            self._sentinel[place] = sentinel, await preflight(sentinel, self._right)
        except SentinelError as error:
            self._unusable[place] = error

    def refused(self, account: Account) -> SentinelError | None:
        """Return why the base credentials of an account cannot be used, None where they can."""
        return self._unusable_aws.get(account.aws)

    def context(self, account: Account, *, check_mode: bool) -> Context:
        """Return what is needed to work on the account; raises SentinelError where its credentials cannot be used."""
        if error := self.refused(account):
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
        """Return the workspace id of an account: as it was read, else as the user gave it, which may be empty."""
        begun = self._begun.get(account.workspace_key)
        return (begun.customer_id if begun else "") or account.role_spec.workspace_id

    async def _other_readers(self, account_id: str, own: Sentinel) -> list[dict[str, Any]]:
        """Return the connectors that read an account in the other workspaces, as far as these can be listed."""
        found: list[dict[str, Any]] = []
        for sentinel in {one.id: one for one in self.sentinels if one.id != own.id}.values():
            with suppress(SentinelError):
                found += [{**one, "workspace": sentinel.name} for one in await sentinel.connectors_reading(account_id)]
        return found

    @property
    def sentinels(self) -> list[Sentinel]:
        """The workspaces of the run, once they are `opened`."""
        return [sentinel for sentinel, _workspace in self._sentinel.values()]

    @property
    def unusable(self) -> dict[str, str]:
        """The workspaces of the run that cannot be used, by ARM id, with the reason."""
        return {workspaces.arm_id(*place): str(error) for (_credentials, *place), error in self._unusable.items()}

    @property
    def workspace_ids(self) -> set[str]:
        """The customer ids of these workspaces."""
        return {workspace.customer_id.lower() for _sentinel, workspace in self._sentinel.values()}

    def only_aws(self) -> Aws:
        """Return the client of the one set of base credentials; raises bad_input where there are several."""
        if len(self._aws.keys() | self._unusable_aws.keys()) > 1:
            raise SentinelError(
                "bad_input", "Cannot look for orphans: the accounts are worked on with different AWS credentials."
            )
        return next(iter(self._aws.values()))

    def close(self) -> None:
        """Close every connection."""
        self._opening.cancel()
        for aws in self._aws.values():
            aws.close()
        for azure in self._azure.values():
            azure.close()


def _raise_for_all(errors: Mapping[Any, SentinelError], wanted: Collection[Any]) -> None:
    """Raise the first error where there is one for everything that is wanted."""
    if wanted and all(one in errors for one in wanted):
        raise next(iter(errors.values()))


def _signed_in(credentials: AzureCredentials) -> Azure:
    # Azure's packages take longer to load than all others: meanwhile AWS answers.
    from ..cloud.arm import Azure

    return Azure(credentials)


async def preflight(sentinel: Sentinel, right: str) -> Workspace:
    """Read what a run needs of its workspace, and list its connectors; raises SentinelError with what is missing."""
    listing = asyncio.ensure_future(sentinel.connectors(""))
    try:
        workspace = await sentinel.workspace_details()
        workspaces.check_ready(workspace, right)
        await listing
    finally:
        listing.cancel()
    return workspace
