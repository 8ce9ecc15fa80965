# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module `workspace_info` against the emulators: the solution, health monitoring, and what is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core import modules, options
from tests.emulators.client import Emulators
from tests.emulators.state import SENTINEL_CONTRIBUTOR
from tests.emulators.workspace_content import AWS_SOLUTION, diagnostic_setting, package

from .conftest import validated

READER = [{"actions": ["*/read"], "notActions": []}]


def workspace_info() -> dict[str, Any]:
    where = {"resource_group": "security", "workspace": "sentinel"}
    found: dict[str, Any] = modules.workspace_info(validated(options.AZURE_SPEC | options.WORKSPACE_SPEC, where))
    return found["workspace"]  # type: ignore[no-any-return]


def workspace_id(cloud: Emulators) -> str:
    group = f"/subscriptions/{cloud.environment['AZURE_SUBSCRIPTION_ID']}/resourceGroups/security"
    return f"{group}/providers/Microsoft.OperationalInsights/workspaces/sentinel"


OTHER = package("azuresentinel.azure-sentinel-solution-office365", "3.0.1", "Microsoft 365")


@pytest.mark.parametrize(
    ("packages", "installed", "version"),
    [
        ([OTHER, package(version="3.0.2")], True, "3.0.2"),
        ([package(AWS_SOLUTION.upper())], True, "3.0.7"),
        ([OTHER], False, ""),
        ([], False, ""),
    ],
)
def test_the_solution_is_installed_or_not(here: Emulators, packages: list[Any], installed: bool, version: str) -> None:
    here.change_workspace(content_packages=packages)
    solution = workspace_info()["solution"]
    assert (solution["installed"], solution["version"]) == (installed, version)
    assert bool(solution["message"]) is not installed


@pytest.mark.parametrize(
    ("log", "enabled"),
    [
        ({}, True),
        ({"category": "DataConnectors"}, True),
        ({"category": "Automation"}, False),
        ({"categoryGroup": "audit"}, False),
    ],
)
def test_health_monitoring_is_on_if_connectors_are_part_of_it(here: Emulators, log: Any, enabled: bool) -> None:
    here.change_workspace(
        permissions=READER, diagnostic_settings=[diagnostic_setting(workspace_id(here).upper(), **log)]
    )
    health = workspace_info()["health_monitoring"]
    assert health["enabled"] is enabled
    assert bool(health["message"]) is not enabled


@pytest.mark.parametrize("elsewhere", [True, False])
def test_health_that_is_not_sent_to_the_workspace_is_off(here: Emulators, elsewhere: bool) -> None:
    target = workspace_id(here).replace("workspaces/sentinel", "workspaces/other") if elsewhere else workspace_id(here)
    here.change_workspace(permissions=READER, diagnostic_settings=[diagnostic_setting(target, enabled=elsewhere)])
    assert workspace_info()["health_monitoring"]["enabled"] is False


def test_what_may_not_be_read_is_unknown(here: Emulators) -> None:
    denied = [{**SENTINEL_CONTRIBUTOR[0], "notActions": ["Microsoft.SecurityInsights/contentPackages/*"]}]
    here.change_workspace(permissions=denied)
    workspace = workspace_info()
    assert workspace["rights"]["read"] is True
    assert workspace["solution"]["installed"] is None
    assert "contentPackages/read" in workspace["solution"]["message"]
    assert workspace["health_monitoring"]["enabled"] is None
    assert "diagnosticSettings/read" in workspace["health_monitoring"]["message"]


@pytest.mark.parametrize("body", ['{"value": [{"name": "x"}]}', '{"value": null}', '{"value": ["x"]}', "[]"])
def test_a_malformed_answer_is_unknown(here: Emulators, body: str) -> None:
    here.change_workspace(permissions=READER)
    for operation in ("ContentPackages_List", "DiagnosticSettings_List"):
        here.fault(operation=operation, status=200, body=body)
    workspace = workspace_info()
    assert workspace["solution"]["installed"] is None
    assert workspace["health_monitoring"]["enabled"] is None


def test_a_workspace_without_sentinel_has_neither(here: Emulators) -> None:
    here.change_workspace(onboarded=False)
    workspace = workspace_info()
    assert workspace["onboarded"] is False
    assert workspace["solution"]["installed"] is None
