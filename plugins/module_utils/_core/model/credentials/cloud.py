# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clouds of Azure: where each is reached, and what its metadata says of a private one. Pure.

Sources: "Compare Azure Government and global Azure" and "Azure China developer guide" (Microsoft Learn).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

PUBLIC, GOVERNMENT, CHINA = "AzureCloud", "AzureUSGovernment", "AzureChinaCloud"


class Cloud(NamedTuple):
    """Where one cloud is reached: `logs` is Log Analytics; `known` clouds are Microsoft's own, their authority is."""

    arm: str
    authority: str
    scope: str
    logs: str
    known: bool = True


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
    """Return the name of the cloud that is meant, also where its address is given; a private one has its address."""
    given = (cloud_environment or PUBLIC).rstrip("/")
    return next((name for name, cloud in CLOUDS.items() if given == cloud.arm), given)


def from_metadata(metadata: Mapping[str, Any]) -> Cloud:
    """Return a private cloud from the answer of its `/metadata/endpoints`; KeyError, IndexError where that lacks."""
    login = metadata["authentication"]
    return Cloud(
        metadata["resourceManager"].rstrip("/"),
        login["loginEndpoint"].rstrip("/"),
        login["audiences"][0].rstrip("/") + "/.default",
        (metadata.get("logAnalyticsResourceId") or "").rstrip("/"),
        known=False,
    )
