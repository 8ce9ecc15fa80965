# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors that nobody needs any more, and roles that no connector reads.

An account is gone only by a whole listing of the organization in this run; to be outside of the inventory, the batch or
the limit says nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..cloud.aws import Aws
from ..cloud.organizations import list_accounts
from ..model.connector.connector import Connector, account_of, removal
from ..model.errors import SentinelError
from ..model.organization.organization import Organization

if TYPE_CHECKING:
    from ..cloud.sentinel import Sentinel


_REASONS = {
    "closed": "the account is closed",
    "left": "the account has left the organization",
    "role_gone": "the role does not exist",
    "no_connector": "lets Microsoft Sentinel in",
}


# The reasons for which an account is gone.
DEPARTED = ("closed", "left")


@dataclass(slots=True)
class Orphan:
    """A connector of an account or a role that is gone, or a role that no connector reads.

    `error` says why it could not be removed, or why an account could not be looked at ("unknown").
    """

    sentinel: Sentinel
    connector: Connector | None
    reason: str
    removed: bool = False
    error: str = ""
    role: str = ""
    """The ARN of the role, where there is no connector."""
    host: str = ""
    """The host of the account, where that is worked on."""
    gone: Callable[[], Awaitable[bool]] | None = None
    """Whether the role is gone, asked once more; raises SentinelError where nobody can tell."""

    @property
    def role_arn(self) -> str:
        """The role that the connector reads, or that has none."""
        return self.connector.role_arn if self.connector else self.role

    @property
    def account_id(self) -> str:
        """The account of the role."""
        return account_of(self.role_arn)

    def line(self, *, check_mode: bool, removing: bool) -> str:
        """Return what there is to say of it."""
        if self.error:
            return f"failed: [{self.account_id}] {self.error}"
        if self.connector is None:
            return f"orphan: [{self.account_id}] role {self.role} {_REASONS[self.reason]}, no connector reads it"
        verb = "would be removed" if removing and check_mode else "removed" if self.removed else "left alone"
        where = f"connector {self.connector.name} in workspace {self.sentinel.name}"
        return f"orphan: [{self.account_id}] {_REASONS[self.reason]}, {where}: {verb}"

    def show(self) -> dict[str, Any]:
        """Return it as an entry of fleet's `orphans`."""
        return {
            "account_id": self.account_id,
            "workspace": self.sentinel.name,
            "connector_id": self.connector.id if self.connector else "",
            "role_arn": self.role_arn,
            "reason": self.reason,
            "removed": self.removed,
            **({"error": self.error} if self.error else {}),
        }


class Orphans(list[Orphan]):
    """The orphans of a run, and the organization as far as it was listed for that."""

    organization: Organization | None = None

    def __init__(self) -> None:
        super().__init__()
        self.unlisted: dict[str, str] = {}
        """The workspaces whose connectors could not be listed, by ARM id, with the reason."""

    @contextmanager
    def listing(self, sentinel: Sentinel) -> Iterator[None]:
        """Take note of a workspace that cannot be listed, and go on with the others."""
        try:
            yield
        except SentinelError as error:
            self.unlisted[sentinel.id] = str(error)

    def unknown(self) -> Iterator[str]:
        """Yield what there is to say of workspaces that could not be listed."""
        for workspace, reason in sorted(self.unlisted.items()):
            name = workspace.rpartition("/")[2]
            yield f"unknown: workspace {name} has no verdict on orphans, so no role counts as one: {reason}"


async def find(aws: Aws, workspaces: Iterable[Sentinel], minimum: int, only: Container[str] | None = None) -> Orphans:
    """Return the connectors in all workspaces of accounts that are gone, among `only` these.

    There are none where the listing has fewer than `minimum` accounts at work. Raises SentinelError where the
    organization cannot be listed.
    """
    organization = await list_accounts(aws.with_source_credentials("organizations"), aws.with_source_credentials("sts"))
    found = Orphans()
    found.organization = organization
    for sentinel in workspaces:
        listed: list[Connector] = []
        with found.listing(sentinel):
            listed = await sentinel.all_connectors()
        known = [one for one in listed if only is None or one.account_id in only]
        gone = organization.gone({connector.account_id for connector in known if connector.account_id}, minimum)
        found += [Orphan(sentinel, one, gone[one.account_id]) for one in known if one.account_id in gone]
    found.sort(key=lambda orphan: (orphan.sentinel.name, orphan.account_id))
    return found


async def check_gone(orphans: Iterable[Orphan], aws: Callable[[], Aws], minimum: int) -> None:
    """Take note of the accounts that are not gone any more: they may have come back while others were worked on."""
    departed = {one.account_id: one for one in orphans if one.reason in DEPARTED}
    if not departed:
        return
    gone, why = dict[str, str](), "the account is back in the organization."
    try:
        caller = aws()
        gone = (
            await list_accounts(caller.with_source_credentials("organizations"), caller.with_source_credentials("sts"))
        ).gone(departed, minimum)
    except SentinelError as error:
        why = str(error)
    for orphan in orphans:
        if orphan.reason in DEPARTED and orphan.account_id not in gone and orphan.connector:
            orphan.error = f"Cannot remove data connector {orphan.connector.name}: {why}"


async def remove(orphan: Orphan) -> None:
    """Remove the connector of an orphan; what is in the way is told with it, and stops nobody else."""
    if orphan.connector is None:
        return
    try:
        await orphan.sentinel.check_unchanged(orphan.connector)
        if orphan.gone and not await orphan.gone():
            orphan.error = (
                f"Cannot remove data connector {orphan.connector.name}: role {orphan.role_arn} exists by now."
            )
            return
        await orphan.sentinel.apply(removal(orphan.connector), role_is_new=False)
        orphan.removed = True
    except SentinelError as error:
        orphan.error = str(error)
    except asyncio.CancelledError:
        orphan.error = f"The run was ended; connector {orphan.connector.name} may have been removed."
        raise
