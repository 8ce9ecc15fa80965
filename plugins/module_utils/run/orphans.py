# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors that nobody needs any more: their account is closed, or has left the organization.

Only a whole listing of the organization in this run tells that; to be outside of the inventory, the batch or the limit
says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.organizations import listing
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.connector import Connector, removal
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import SentinelError

if TYPE_CHECKING:
    from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.sentinel import Sentinel


_REASONS = {"closed": "the account is closed", "left": "the account has left the organization"}


@dataclass(slots=True)
class Orphan:
    """A connector of an account that is gone; `error` says why it could not be removed."""

    sentinel: Sentinel
    connector: Connector
    reason: str
    removed: bool = False
    error: str = ""

    def line(self, *, check_mode: bool, removing: bool) -> str:
        """Return what there is to say of it."""
        if self.error:
            return f"failed: [{self.connector.account_id}] {self.error}"
        verb = "would be removed" if removing and check_mode else "removed" if self.removed else "left alone"
        where = f"connector {self.connector.name} in workspace {self.sentinel.name}"
        return f"orphan: [{self.connector.account_id}] {_REASONS[self.reason]}, {where}: {verb}"

    def show(self) -> dict[str, Any]:
        """Return it as an entry of fleet's `orphans`."""
        return {
            "account_id": self.connector.account_id,
            "workspace": self.sentinel.name,
            "connector_id": self.connector.id,
            "role_arn": self.connector.role_arn,
            "reason": self.reason,
            "removed": self.removed,
            **({"error": self.error} if self.error else {}),
        }


async def find(aws: Aws, workspaces: Iterable[Sentinel], minimum: int) -> list[Orphan]:
    """Return the orphans of all workspaces; none where the listing has fewer than `minimum` accounts at work.

    Raises SentinelError where the organization cannot be listed.
    """
    organization = await listing(aws.own("organizations"), aws.own("sts"))
    found = []
    for sentinel in workspaces:
        known = await sentinel.known_connectors()
        gone = organization.gone({connector.account_id for connector in known if connector.account_id}, minimum)
        found += [Orphan(sentinel, one, gone[one.account_id]) for one in known if one.account_id in gone]
    return sorted(found, key=lambda orphan: (orphan.sentinel.name, orphan.connector.account_id))


async def remove(orphan: Orphan) -> None:
    """Remove the connector of an orphan; what is in the way is told with it, and stops nobody else."""
    try:
        await orphan.sentinel.apply(removal(orphan.connector), role_is_new=False)
        orphan.removed = True
    except SentinelError as error:
        orphan.error = str(error)
