# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Azure clouds: the addresses of the public ones, and those of a private one from its metadata. Pure.

Sources: "Compare Azure Government and global Azure" and "Azure China developer guide" (Microsoft Learn).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

PUBLIC, GOVERNMENT, CHINA = "AzureCloud", "AzureUSGovernment", "AzureChinaCloud"


class Cloud(NamedTuple):
    """The addresses of a cloud, `logs` that of Log Analytics; `predefined` clouds are operated by Microsoft."""

    arm: str
    authority: str
    scope: str
    logs: str
    predefined: bool = True


CLOUDS = {
    PUBLIC: Cloud(
        "https://management.azure.com",
        "https://login.microsoftonline.com",
        "https://management.azure.com/.default",
        "https://api.loganalytics.io",
    ),
    GOVERNMENT: Cloud(
        "https://management.usgovcloudapi.net",
        "https://login.microsoftonline.us",
        "https://management.usgovcloudapi.net/.default",
        "https://api.loganalytics.us",
    ),
    CHINA: Cloud(
        "https://management.chinacloudapi.cn",
        "https://login.chinacloudapi.cn",
        "https://management.chinacloudapi.cn/.default",
        "https://api.loganalytics.azure.cn",
    ),
}


def cloud_name(cloud_environment: str | None) -> str:
    """Return the name of a predefined cloud, given by name or address; the address itself for a private one."""
    given = (cloud_environment or PUBLIC).rstrip("/")
    return next((name for name, cloud in CLOUDS.items() if given == cloud.arm), given)


def from_metadata(metadata: Mapping[str, Any]) -> Cloud:
    """Return a private cloud from the answer of its `/metadata/endpoints`; raises KeyError or IndexError."""
    login = metadata["authentication"]
    return Cloud(
        metadata["resourceManager"].rstrip("/"),
        login["loginEndpoint"].rstrip("/"),
        login["audiences"][0].rstrip("/") + "/.default",
        (metadata.get("logAnalyticsResourceId") or "").rstrip("/"),
        predefined=False,
    )
