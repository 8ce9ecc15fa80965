# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a workspace has beside connectors: packages of the Content hub, diagnostic settings of Microsoft Sentinel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .state import Workspace

Json = dict[str, Any]
AWS_SOLUTION = "azuresentinel.azure-sentinel-solution-amazonwebservices"


def package(content_id: str = AWS_SOLUTION, version: str = "3.0.7", name: str = "Amazon Web Services") -> Json:
    """Return an installed package, as "Content Packages - List" does."""
    return {
        "name": content_id,
        "type": "Microsoft.SecurityInsights/contentpackages",
        "etag": '"0300bf09-0000-0000-0000-5c37296e0000"',
        "properties": {
            "contentId": content_id,
            "contentProductId": f"{content_id}-sl-igl6jawr4gwmu",
            "contentKind": "Solution",
            "contentSchemaVersion": "3.0.0",
            "version": version,
            "displayName": name,
        },
    }


def diagnostic_setting(workspace_id: str, *, enabled: bool = True, **log: str) -> Json:
    """Return a diagnostic setting that sends logs to a workspace, by default all, as the portal creates it."""
    logs = [{**(log or {"categoryGroup": "allLogs"}), "enabled": enabled}]
    return {"name": "SentinelHealth", "properties": {"workspaceId": workspace_id, "logs": logs, "metrics": []}}


def packages(workspace: Workspace) -> Json:
    """Return the installed packages."""
    path = f"{workspace.id}/providers/Microsoft.SecurityInsights/contentPackages"
    return {"value": [{"id": f"{path}/{one['name']}", **one} for one in workspace.content_packages]}


def diagnostic_settings(workspace: Workspace) -> Json:
    """Return the diagnostic settings of the health of Microsoft Sentinel."""
    path = f"{workspace.id}/providers/Microsoft.SecurityInsights/settings/SentinelHealth"
    path += "/providers/Microsoft.Insights/diagnosticSettings"
    kind = "Microsoft.Insights/diagnosticSettings"
    return {"value": [{"id": f"{path}/{one['name']}", "type": kind, **one} for one in workspace.diagnostic_settings]}
