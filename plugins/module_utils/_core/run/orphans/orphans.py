# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orphans of a run, and those whose accounts departed.

An account counts as departed only by a complete listing of the organization in this run; not being in the inventory,
in the batch or within the limit means nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NotRequired, TypedDict

from ...cloud.aws import Aws
from ...cloud.organizations import list_accounts
from ...model.account import label
from ...model.account_result import AccountReport
from ...model.connector.connector import Connector, ConnectorSpec, account_id_of, only
from ...model.errors import SentinelError
from ...model.organization.organization import Organization
from ..reconcile import Mode, reconcile
from ..unexpected import UnexpectedError, unexpected_error

if TYPE_CHECKING:
    from ...cloud.sentinel import Sentinel

_REASONS = {
    "closed": "the account is closed",
    "left": "the account has left the organization",
    "no_role": "the role does not exist",
    "no_connector": "trusts Microsoft Sentinel",
}
# The reasons of accounts that are no longer active in the organization.
DEPARTED = ("closed", "left")


class OrphanEntry(TypedDict):
    """An entry of `orphans` in the result of `fleet`."""

    account_id: str
    workspace: str
    connector_id: str
    role_arn: str
    reason: str
    removed: bool
    error: NotRequired[str]


@dataclass(slots=True)
class Orphan:
    """A connector whose account or role no longer exists, or a role that no connector reads.

    `error` is why it could not be removed, or why an account could not be searched (reason "unknown").
    """

    sentinel: Sentinel
    connector: Connector | None
    reason: str
    removed: bool = False
    error: str = ""
    bug: UnexpectedError | None = None
    """The error, if it is a bug of this collection."""
    role: str = ""
    """The ARN of the role, if there is no connector."""
    host: str = ""
    """The inventory host of the account, for the reason "unknown"."""
    is_role_missing: Callable[[], Awaitable[bool]] | None = None
    """Reads the role again before the removal; raises SentinelError if that fails."""

    @property
    def role_arn(self) -> str:
        """The ARN of the role that the connector reads, or of the role without connector."""
        return self.connector.role_arn if self.connector else self.role

    @property
    def account_id(self) -> str:
        """The account of the role."""
        return account_id_of(self.role_arn)

    def line(self, name: str = "", *, check_mode: bool, removing: bool) -> str:
        """Return the line for the console; `name` is that of the account, if it is known."""
        account = label(self.account_id, self.host, name)
        if self.error:
            return f"failed: [{account}] {self.error}"
        if self.connector is None:
            return f"orphan: [{account}] role {self.role} {_REASONS[self.reason]}, no connector reads it"
        verb = "would be removed" if removing and check_mode else "removed" if self.removed else "left alone"
        where = f"connector {self.connector.name} in workspace {self.sentinel.name}"
        return f"orphan: [{account}] {_REASONS[self.reason]}, {where}: {verb}"

    def show(self) -> OrphanEntry:
        """Return it as an entry of `orphans` in the result of `fleet`."""
        entry: OrphanEntry = {
            "account_id": self.account_id,
            "workspace": self.sentinel.name,
            "connector_id": self.connector.id if self.connector else "",
            "role_arn": self.role_arn,
            "reason": self.reason,
            "removed": self.removed,
        }
        if self.error:
            entry["error"] = self.error
        return entry


class Orphans(list[Orphan]):
    """The orphans of a run, and the organization if it was listed."""

    organization: Organization | None = None

    def __init__(self) -> None:
        super().__init__()
        self.unlisted: dict[str, str] = {}
        """The workspaces whose connectors could not be listed, by ARM id, with the reason."""
        self.error: UnexpectedError | None = None
        """The bug that ended the search or the removal."""

    def joined(self, other: Orphans) -> Orphans:
        """Return these orphans and others, with the organization of these."""
        found = Orphans()
        found += [*self, *other]
        found.organization = self.organization
        found.unlisted = self.unlisted | other.unlisted
        return found

    @contextmanager
    def note_unlisted(self, sentinel: Sentinel) -> Iterator[None]:
        """Catch the error of a workspace that cannot be listed, and keep it in `unlisted`."""
        try:
            yield
        except SentinelError as error:
            self.unlisted[sentinel.id] = str(error)

    def name(self, account_id: str) -> str:
        """Return the name of an account in the organization, "" if it is unknown."""
        listed = self.organization.accounts if self.organization else {}
        return listed[account_id].name if account_id in listed else ""

    @property
    def bugs(self) -> list[UnexpectedError]:
        """The bugs of the search and of the removals."""
        return [bug for bug in (self.error, *(orphan.bug for orphan in self)) if bug]

    def rows(self) -> list[OrphanEntry]:
        """Return the orphans as in results, and the bug that ended the search or the removal as one without account."""
        empty: OrphanEntry = {
            "account_id": "",
            "workspace": "",
            "connector_id": "",
            "role_arn": "",
            "reason": "unknown",
            "removed": False,
        }
        failed: list[OrphanEntry] = [{**empty, "error": str(self.error)}] if self.error else []
        return [*(orphan.show() for orphan in self), *failed]

    def lines(self) -> Iterator[str]:
        """Yield a line for the console if the search failed, and for each workspace that could not be listed."""
        if self.error:
            yield f"failed: orphans: {self.error}"
        for workspace, reason in sorted(self.unlisted.items()):
            name = workspace.rpartition("/")[2]
            yield (
                f"unknown: the connectors of workspace {name} could not be listed, so its orphans are unknown and "
                f"roles without connector are not reported: {reason}"
            )


async def find_departed(
    aws: Aws, workspaces: Iterable[Sentinel], minimum_accounts: int, only: Container[str] | None = None
) -> Orphans:
    """Return the connectors in all workspaces whose accounts departed, among the accounts `only`.

    None departed if the listing has fewer than `minimum_accounts` active accounts. Raises SentinelError if the
    organization cannot be listed.
    """
    organization = await list_accounts(aws.with_source_credentials("organizations"), aws.with_source_credentials("sts"))
    orphans = Orphans()
    orphans.organization = organization
    for sentinel in workspaces:
        listed: list[Connector] = []
        with orphans.note_unlisted(sentinel):
            listed = await sentinel.all_connectors()
        found = [one for one in listed if only is None or one.account_id in only]
        reasons = organization.departed(
            {connector.account_id for connector in found if connector.account_id}, minimum_accounts
        )
        orphans += [Orphan(sentinel, one, reasons[one.account_id]) for one in found if one.account_id in reasons]
    orphans.sort(key=lambda orphan: (orphan.sentinel.name, orphan.account_id))
    return orphans


async def check_departed_again(orphans: Iterable[Orphan], aws: Callable[[], Aws], minimum_accounts: int) -> None:
    """Set the error of orphans whose accounts are no longer departed, or can no longer be listed."""
    departed = {one.account_id: one for one in orphans if one.reason in DEPARTED}
    if not departed:
        return
    reasons, why = dict[str, str](), "the account is in the organization again."
    try:
        client = aws()
        organization = await list_accounts(
            client.with_source_credentials("organizations"), client.with_source_credentials("sts")
        )
        reasons = organization.departed(departed, minimum_accounts)
    except SentinelError as error:
        why = str(error)
    for orphan in orphans:
        if orphan.reason in DEPARTED and orphan.account_id not in reasons and orphan.connector:
            orphan.error = f"Cannot remove data connector {orphan.connector.name}: {why}"


async def remove(orphan: Orphan) -> None:
    """Remove the connector of an orphan if it still reads the role; an error is kept in the orphan."""
    if orphan.connector is None:
        return
    try:
        if orphan.is_role_missing and not await orphan.is_role_missing():
            orphan.error = f"Cannot remove data connector {orphan.connector.name}: role {orphan.role_arn} exists now."
            return
        spec = ConnectorSpec(orphan.role_arn, orphan.sentinel.id, orphan.sentinel.customer_id)
        adapter = orphan.sentinel.connector_adapter(spec, writes=True)
        mode = Mode(check_mode=False, absent=True)
        orphan.removed = (await reconcile(AccountReport(), only(orphan.connector), spec, adapter, mode)).changed
        if not orphan.removed:
            orphan.error = f"Cannot remove data connector {orphan.connector.name}: it was changed since it was listed."
    except SentinelError as error:
        orphan.error = str(error)
    except Exception as error:  # noqa: BLE001 one orphan never stops the others
        orphan.bug = unexpected_error(f"remove data connector {orphan.connector.name}", error)
        orphan.error = str(orphan.bug)
    except asyncio.CancelledError:
        orphan.error = f"The run was interrupted; connector {orphan.connector.name} may have been removed."
        raise
