# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of resources in the AWS console and in the Azure portal. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .credentials.cloud import CHINA, GOVERNMENT, PUBLIC, cloud_name

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html lists the partitions.
_CONSOLES = {
    "aws": "https://console.aws.amazon.com",
    "aws-us-gov": "https://console.amazonaws-us-gov.com",
    "aws-cn": "https://console.amazonaws.cn",
}
_PORTALS = {PUBLIC: "https://portal.azure.com", GOVERNMENT: "https://portal.azure.us", CHINA: "https://portal.azure.cn"}
_ROLE_ARN = re.compile(r"arn:([a-z-]+):iam::[0-9]{12}:role/(?:.*/)?([\w+=,.@-]{1,64})", re.ASCII)
_WORKSPACE_ID = re.compile(
    r"/subscriptions/[0-9a-f-]{36}/resourceGroups/[\w().-]+/providers/Microsoft\.OperationalInsights/workspaces/[\w-]+",
    re.ASCII | re.IGNORECASE,
)


def azure_portal(cloud_environments: Iterable[str | None]) -> str:
    """Return the address of the Azure portal, "" unless all accounts use the same cloud of Microsoft."""
    names = set(map(cloud_name, cloud_environments))
    return _PORTALS.get(names.pop(), "") if len(names) == 1 else ""


def resource_url(kind: str, resource_id: str, portal: str) -> str:
    """Return the address of a role in the IAM console, or of a connector's workspace in the Azure portal, else ""."""
    if kind == "role" and (role := _ROLE_ARN.fullmatch(resource_id)):
        console = _CONSOLES.get(role[1])
        return f"{console}/iam/home#/roles/details/{role[2]}" if console else ""
    if kind == "connector" and portal and (workspace := _WORKSPACE_ID.match(resource_id)):
        return f"{portal}/#resource{workspace[0]}"
    return ""
