# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Log Analytics workspace of Microsoft Sentinel, and the permissions of the credential on it. Pure.

Sources: "Workspaces - Get" (Log Analytics REST API); "Permissions - List For Resource" (Azure RBAC REST API).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ..errors import CombinedError, SentinelError

CONNECTORS = "Microsoft.SecurityInsights/dataConnectors"
RIGHTS = ("read", "write", "delete")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace: `id` is its ARM id, `customer_id` the GUID that Sentinel sends to AWS as external id."""

    id: str
    name: str
    customer_id: str
    location: str = ""
    onboarded: bool = False
    rights: Mapping[str, bool] = field(default_factory=dict)


def arm_id(subscription_id: str, resource_group: str, name: str) -> str:
    """Return the ARM id of a workspace."""
    return (
        f"/subscriptions/{subscription_id}/resourceGroups/{resource_group}"
        f"/providers/Microsoft.OperationalInsights/workspaces/{name}"
    )


def rights(permissions: Iterable[Mapping[str, Any]]) -> dict[str, bool]:
    """Return whether data connectors may be read, written and deleted, by the entries of the permissions API."""
    entries = list(permissions)
    return {verb: any(_granted(entry, f"{CONNECTORS}/{verb}") for entry in entries) for verb in RIGHTS}


def check_ready(workspace: Workspace, *needed: str) -> None:
    """Raise bad_input if Sentinel is not enabled, azure_denied without a right ("read", "write" …) on connectors."""
    if found := _problems(workspace, needed):
        raise found[0] if len(found) == 1 else CombinedError(found)


def _problems(workspace: Workspace, needed: Iterable[str]) -> list[SentinelError]:
    """Return why the workspace cannot be used with these rights: bad_input and azure_denied."""
    found = [
        SentinelError(
            "azure_denied",
            f"Cannot {right} data connectors of workspace {workspace.name}: the credential lacks the action "
            f'{CONNECTORS}/{right}. Assign it the role "Microsoft Sentinel Contributor" (for previews: '
            '"Microsoft Sentinel Reader") on the resource group.',
        )
        for right in needed
        if not workspace.rights.get(right)
    ]
    if not workspace.onboarded:
        disabled = (
            f"Cannot use workspace {workspace.name}: Microsoft Sentinel is not enabled on it. "
            "Enable Microsoft Sentinel on the workspace first."
        )
        found.insert(0, SentinelError("bad_input", disabled))
    return found


def check_id(workspace: Workspace, given: str, where: str) -> None:
    """Raise bad_input if the given workspace id belongs to another workspace."""
    if given and given != workspace.customer_id:
        raise SentinelError(
            "bad_input",
            f"Cannot use workspace_id {given!r} of {where}: "
            f"the id of workspace {workspace.name} is {workspace.customer_id}.",
        )


def _granted(entry: Mapping[str, Any], action: str) -> bool:
    return _matches_any(entry.get("actions"), action) and not _matches_any(entry.get("notActions"), action)


def _matches_any(patterns: Iterable[str] | None, action: str) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns or ())


def show(workspace: Workspace) -> dict[str, Any]:
    """Return the workspace as it appears in results."""
    return {
        "id": workspace.id,
        "name": workspace.name,
        "customer_id": workspace.customer_id,
        "location": workspace.location,
        "onboarded": workspace.onboarded,
        "rights": dict(workspace.rights),
    }
