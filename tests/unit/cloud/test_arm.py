# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to Azure Resource Manager: pages and the timeout of retries."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.arm import Azure
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.sentinel import Sentinel
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AzureCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.pacing import AzureRateLimit
from tests.emulators import faults
from tests.emulators.client import RESOURCE_GROUP, WORKSPACE, Emulators
from tests.faults.timing import Timing


async def listed(cloud: Emulators, rate_limit: AzureRateLimit) -> list[dict[str, Any]]:
    """The names of all connectors of the workspace."""
    with closing(Azure(AzureCredentials())) as client:
        place = cloud.environment["AZURE_SUBSCRIPTION_ID"], RESOURCE_GROUP, WORKSPACE
        return await Sentinel(client, *place, rate_limit).list_connectors(list)


@pytest.mark.parametrize("host", ["https://localhost:443", "https://elsewhere.example", ""])
def test_the_next_page_is_requested_from_the_same_service_whatever_host_its_link_has(
    here: Emulators, host: str
) -> None:
    raw = {"awsRoleArn": "arn:aws:iam::111111111111:role/x", "dataTypes": {"logs": {"state": "enabled"}}}
    here.seed_connector({"name": "second", "kind": "AmazonWebServicesCloudTrail", "properties": raw})
    asyncio.run(listed(here, AzureRateLimit()))
    [path] = [request["path"] for request in here.requests("azure") if request["operation"] == "DataConnectors_List"]
    link = f"{host}{path}?api-version=2021-10-01&$skipToken=YWZ0ZXI6MA=="
    here.fault(operation="DataConnectors_List", times=1, status=200, body=json.dumps({"value": [], "nextLink": link}))
    assert [one["name"] for one in asyncio.run(listed(here, AzureRateLimit()))] == ["second"]


def test_waiting_for_the_rate_limit_does_not_count_as_retry_time(here: Emulators) -> None:
    class Slow(AzureRateLimit):
        async def acquire(self, kind: str) -> None:
            await asyncio.sleep(0.8)

    here.fault(operation="DataConnectors_List", times=1, delay=1.0, **faults.UNAVAILABLE)
    with Timing(azure_retries=2.0).applied():
        assert asyncio.run(listed(here, Slow())) == []
