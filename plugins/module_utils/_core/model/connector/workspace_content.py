# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a workspace has beside its connectors: the solution of the Content hub, and health monitoring. Pure.

Sources: "Content Packages - List" (Microsoft Sentinel REST API); "Diagnostic Settings - List" (Azure Monitor REST API);
"Turn on auditing and health monitoring for Microsoft Sentinel" (Microsoft Learn).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypedDict

SOLUTION_ID = "azuresentinel.azure-sentinel-solution-amazonwebservices"
SOLUTION = 'solution "Amazon Web Services"'
# What includes the health of data connectors: a category of logs, or the group of all categories.
_HEALTH_CATEGORY, _ALL_CATEGORIES = "dataconnectors", "alllogs"


class Solution(NamedTuple):
    """The solution "Amazon Web Services" of the Content hub.

    `installed` is None if that is unknown, for the reason `error`. `version` is the installed one.
    """

    installed: bool | None = None
    version: str = ""
    error: str = ""

    @property
    def message(self) -> str:
        """What is missing, or why it is unknown; "" if the solution is installed."""
        if self.installed is False:
            return (
                f"The {SOLUTION} is not installed: its analytics rules, workbooks and hunting queries are missing, and "
                "the portal does not list the data connectors. Install it from the Content hub of Microsoft Sentinel."
            )
        return self.error


class HealthMonitoring(NamedTuple):
    """Whether Microsoft Sentinel reports the health of data connectors to the workspace.

    `enabled` is None if that is unknown, for the reason `error`.
    """

    enabled: bool | None = None
    error: str = ""

    @property
    def message(self) -> str:
        """What is missing, or why it is unknown; "" if it is enabled."""
        if self.enabled is False:
            return (
                "Health monitoring is off: why a data connector fails is not reported. Turn it on in the settings of "
                "Microsoft Sentinel, Auditing and health monitoring."
            )
        return self.error


class WorkspaceContent(NamedTuple):
    """The solution and the health monitoring of a workspace."""

    solution: Solution = Solution()
    health_monitoring: HealthMonitoring = HealthMonitoring()


class ContentRow(TypedDict):
    """The content of a workspace in results and reports."""

    solution: dict[str, Any]
    health_monitoring: dict[str, Any]


def parse_solution(packages: Iterable[Mapping[str, Any]]) -> Solution:
    """Return the solution among the installed packages; raises KeyError or TypeError for a package without id."""
    by_id = {str(one["properties"]["contentId"]).lower(): one["properties"] for one in packages}
    found = by_id.get(SOLUTION_ID)
    return Solution(installed=found is not None, version=str((found or {}).get("version") or ""))


def parse_health_monitoring(settings: Iterable[Mapping[str, Any]], workspace: str) -> HealthMonitoring:
    """Return whether one of the diagnostic settings sends the health of data connectors to a workspace (ARM id).

    Raises KeyError or TypeError for a setting without properties.
    """
    properties = [one["properties"] for one in settings]
    return HealthMonitoring(any(_sends_health(one, workspace) for one in properties))


def _sends_health(properties: Mapping[str, Any], workspace: str) -> bool:
    is_here = str(properties.get("workspaceId")).lower() == workspace.lower()
    return is_here and any(one.get("enabled") is True and _has_health(one) for one in properties.get("logs") or ())


def _has_health(log: Mapping[str, Any]) -> bool:
    category, group = str(log.get("category")).lower(), str(log.get("categoryGroup")).lower()
    return category == _HEALTH_CATEGORY or group == _ALL_CATEGORIES


def show(content: WorkspaceContent) -> ContentRow:
    """Return the content of a workspace as it appears in results."""
    solution, health = content
    return {
        "solution": {"installed": solution.installed, "version": solution.version, "message": solution.message},
        "health_monitoring": {"enabled": health.enabled, "message": health.message},
    }
