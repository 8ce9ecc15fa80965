# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of resources in the AWS console and in the Azure portal."""

from __future__ import annotations

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.console_links import (
    azure_portal,
    resource_url,
)

PORTAL = "https://portal.azure.com"
WORKSPACE = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/security(1)"
    "/providers/Microsoft.OperationalInsights/workspaces/sentinel"
)
CONNECTOR = f"{WORKSPACE}/providers/Microsoft.SecurityInsights/dataConnectors/8d3f8a70-0000-5000-8000-000000000001"


@pytest.mark.parametrize(
    ("environments", "portal"),
    [
        ([None, "AzureCloud", "https://management.azure.com"], PORTAL),
        (["AzureUSGovernment"], "https://portal.azure.us"),
        (["AzureChinaCloud"], "https://portal.azure.cn"),
        (["AzureCloud", "AzureChinaCloud"], ""),
        (["https://arm.private.example"], ""),
        ([], ""),
    ],
)
def test_the_portal_is_that_of_the_only_cloud(environments: list[str | None], portal: str) -> None:
    assert azure_portal(environments) == portal


@pytest.mark.parametrize(
    ("kind", "resource_id", "url"),
    [
        (
            "role",
            "arn:aws:iam::111111111111:role/a/b/My+Role",
            "https://console.aws.amazon.com/iam/home#/roles/details/My+Role",
        ),
        ("role", "arn:aws-cn:iam::111111111111:role/R", "https://console.amazonaws.cn/iam/home#/roles/details/R"),
        (
            "role",
            "arn:aws-us-gov:iam::111111111111:role/R",
            "https://console.amazonaws-us-gov.com/iam/home#/roles/details/R",
        ),
        ("role", "arn:aws-iso:iam::111111111111:role/R", ""),
        ("role", 'arn:aws:iam::111111111111:role/R"><script>', ""),
        ("role", "arn:aws:iam::111111111111:user/R", ""),
        ("connector", CONNECTOR, f"{PORTAL}/#resource{WORKSPACE}"),
        ("connector", "javascript:alert(1)", ""),
        ("connector", CONNECTOR.replace("security(1)", 'a"b'), ""),
        ("queue", "https://sqs.eu-west-1.amazonaws.com/111111111111/q", ""),
    ],
)
def test_a_resource_has_an_address_only_if_its_id_is_well_formed(kind: str, resource_id: str, url: str) -> None:
    assert resource_url(kind, resource_id, PORTAL) == url
    assert resource_url("connector", CONNECTOR, "") == ""
