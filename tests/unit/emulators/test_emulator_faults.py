# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of both services: skip, times, delay, resets before and after the request is processed."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests
from botocore.exceptions import BotoCoreError

from tests.emulators import faults
from tests.emulators.client import Emulators

ACCOUNT = "111111111111"
ARN = f"arn:aws:iam::{ACCOUNT}:role/R"
CONNECTOR = "/providers/Microsoft.SecurityInsights/dataConnectors/one"
BODY = {
    "kind": "AmazonWebServicesCloudTrail",
    "properties": {"awsRoleArn": ARN, "dataTypes": {"logs": {"state": "Enabled"}}},
}
DOCUMENT = '{"Version": "2012-10-17", "Statement": []}'


def statuses(arm: Any, count: int) -> list[int]:
    return [arm("GET", version="2023-09-01").status_code for _unused in range(count)]


def test_skip_and_times(e: Emulators, arm: Any) -> None:
    e.fault(operation="Workspaces_Get", skip=1, times=2, **faults.AZURE_UNAVAILABLE)
    assert statuses(arm, 5) == [200, 503, 503, 200, 200]
    assert e.struck() == 2


def test_a_fault_without_times_applies_until_it_is_removed(e: Emulators, arm: Any) -> None:
    e.fault(service="azure", status=500)
    assert statuses(arm, 3) == [500, 500, 500]
    e.heal()
    assert statuses(arm, 1) == [200]


def test_a_fault_selects_service_operation_and_account(e: Emulators, arm: Any) -> None:
    e.fault(service="aws", status=500)
    e.fault(operation="DataConnectors_*", status=500)
    e.fault(account=ACCOUNT, status=500)
    assert statuses(arm, 1) == [200]


def test_a_connector_is_matched_by_its_account(e: Emulators, arm: Any) -> None:
    e.seed_connector({"name": "one", "kind": "AmazonWebServicesS3", "properties": {"roleArn": ARN}})
    e.fault(account=ACCOUNT, **faults.AZURE_FAILURE)
    assert arm("DELETE", CONNECTOR).status_code == 500
    assert e.requests()[-1]["account"] == ACCOUNT


def test_an_account_may_be_a_subscription(e: Emulators, arm: Any) -> None:
    e.fault(account=e.environment["AZURE_SUBSCRIPTION_ID"], **faults.AZURE_DENIED)
    answer = arm("PUT", CONNECTOR, json=BODY)
    assert "'Microsoft.SecurityInsights/dataConnectors/write'" in answer.json()["error"]["message"]


def test_a_response_may_be_invalid_json(e: Emulators, arm: Any) -> None:
    e.fault(operation="Workspaces_Get", status=200, body="<html>")
    assert arm("GET", version="2023-09-01").text == "<html>"


def test_delay(e: Emulators, arm: Any) -> None:
    e.fault(operation="Workspaces_Get", delay=0.2, times=1)
    started = time.monotonic()
    assert statuses(arm, 1) == [200]
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize(("when", "acted"), [("before", 0), ("after", 1)])
def test_azure_resets_the_connection(e: Emulators, arm: Any, when: str, acted: int) -> None:
    e.fault(operation="DataConnectors_CreateOrUpdate", reset=when, times=1)
    with pytest.raises(requests.ConnectionError):
        arm("PUT", CONNECTOR, json=BODY)
    assert len(e.connectors()) == acted
    assert [request["status"] for request in e.requests("azure")] == [0]


@pytest.mark.parametrize(("when", "acted"), [("before", 0), ("after", 1)])
def test_aws_resets_the_connection(e: Emulators, inside: Any, when: str, acted: int) -> None:
    iam = inside("iam", ACCOUNT)
    e.fault(operation="CreateRole", reset=when, times=1)
    with pytest.raises(BotoCoreError):
        iam.create_role(RoleName="R", AssumeRolePolicyDocument=DOCUMENT)
    assert len(e.boto("iam", ACCOUNT).list_roles()["Roles"]) == acted
    assert e.requests("iam")[0]["status"] == 0


def test_both_servers_accept_commands(e: Emulators, bundle: str) -> None:
    url = f"{e.azure}/_emulator/fault"
    assert requests.post(url, data=json.dumps({"status": 503}), verify=bundle, timeout=10).status_code == 200
    assert requests.get(f"{e.aws}/", timeout=10, proxies={"http": ""}).status_code == 503


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("fault", {"nonsense": 1}),
        ("settings", {"nonsense": 1}),
        ("nonsense", {}),
        ("connectors", {"workspace": "nonsense"}),
        ("delete_connector", {"name": "nonsense"}),
    ],
)
def test_an_unknown_command_is_an_error(e: Emulators, command: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        e.control(command, **arguments)
