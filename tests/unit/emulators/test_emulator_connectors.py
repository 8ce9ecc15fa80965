# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data connectors, with Microsoft's client: all known responses of the service."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.securityinsight import models

from tests.emulators.client import Emulators

WHERE = ("security", "sentinel")
ONE = "11111111-aaaa-bbbb-cccc-000000000001"
TWO = "11111111-aaaa-bbbb-cccc-000000000002"
PATH = f"/providers/Microsoft.SecurityInsights/dataConnectors/{ONE}"


def role(account: str = "111111111111", name: str = "MicrosoftSentinelRole") -> str:
    return f"arn:aws:iam::{account}:role/{name}"


def spec(arn: str = role(), state: str = "Enabled", etag: str | None = None) -> Any:
    logs = models.AwsCloudTrailDataConnectorDataTypesLogs(state=state)
    types = models.AwsCloudTrailDataConnectorDataTypes(logs=logs)
    return models.AwsCloudTrailDataConnector(aws_role_arn=arn, data_types=types, etag=etag)


def body(**changed: Any) -> dict[str, Any]:
    properties = {"awsRoleArn": role(), "dataTypes": {"logs": {"state": "Enabled"}}}
    return {"kind": "AmazonWebServicesCloudTrail", "properties": properties, **changed}


def code_of(error: HttpResponseError) -> str | None:
    return error.error.code if error.error else None


def test_put_creates_then_updates(e: Emulators, arm: Any) -> None:
    assert [arm("PUT", PATH, json=body()).status_code for _unused in range(2)] == [201, 200]
    e.settings(create_status=200)
    e.delete_connector(ONE)
    assert arm("PUT", PATH, json=body()).status_code == 200


def test_enabled_is_returned_in_lower_case(e: Emulators, sentinel: Any) -> None:
    assert sentinel.create_or_update(*WHERE, ONE, spec()).data_types.logs.state == "enabled"
    assert sentinel.get(*WHERE, ONE).data_types.logs.state == "enabled"
    assert e.connectors()[0]["properties"]["awsRoleArn"] == role()


@pytest.mark.parametrize(("style", "quotes"), [("quoted", 2), ("guid", 0)])
def test_etags_have_two_formats_and_change(e: Emulators, sentinel: Any, style: str, quotes: int) -> None:
    e.settings(etag_style=style)
    etags = [sentinel.create_or_update(*WHERE, ONE, spec()).etag for _unused in range(2)]
    assert etags[0] != etags[1]
    assert all(etag.count('"') == quotes for etag in etags)


@pytest.mark.parametrize("status", [409, 412])
def test_a_stale_etag_is_rejected_and_the_current_one_accepted(e: Emulators, sentinel: Any, status: int) -> None:
    e.settings(stale_etag_status=status)
    old = sentinel.create_or_update(*WHERE, ONE, spec()).etag
    new = sentinel.create_or_update(*WHERE, ONE, spec(etag=old)).etag
    with pytest.raises(HttpResponseError) as caught:
        sentinel.create_or_update(*WHERE, ONE, spec(etag=old))
    assert caught.value.status_code == status
    assert sentinel.create_or_update(*WHERE, ONE, spec(etag=new)).etag != new


def test_a_read_may_lag_behind_a_put(e: Emulators, sentinel: Any) -> None:
    e.settings(lag_reads=1)
    sentinel.create_or_update(*WHERE, ONE, spec())
    assert list(sentinel.list(*WHERE)) == []
    assert sentinel.get(*WHERE, ONE).aws_role_arn == role()
    sentinel.create_or_update(*WHERE, ONE, spec(role(name="Other")))
    assert sentinel.get(*WHERE, ONE).aws_role_arn == role()
    assert sentinel.get(*WHERE, ONE).aws_role_arn == role(name="Other")


def test_a_read_may_lag_for_some_time(e: Emulators, sentinel: Any) -> None:
    e.settings(lag_seconds=0.1)
    sentinel.create_or_update(*WHERE, ONE, spec())
    with pytest.raises(ResourceNotFoundError):
        sentinel.get(*WHERE, ONE)
    time.sleep(0.11)
    assert sentinel.get(*WHERE, ONE).name == ONE


def test_delete_returns_200_with_a_body_then_204(e: Emulators, arm: Any) -> None:
    e.seed_connector({"name": ONE, **body()})
    first, second = arm("DELETE", PATH), arm("DELETE", PATH)
    assert (first.status_code, first.json()) == (200, {})
    assert (second.status_code, second.content) == (204, b"")


def test_lists_have_pages(e: Emulators, sentinel: Any) -> None:
    e.settings(page_size=2)
    names = [f"connector-{number}" for number in range(5)]
    for name in names:
        e.seed_connector({"name": name, "kind": "Office365", "properties": {"tenantId": "x"}})
    assert [connector.name for connector in sentinel.list(*WHERE)] == names
    assert e.operations() == ["DataConnectors_List"] * 3


def test_unknown_kinds_are_returned_unchanged(e: Emulators, arm: Any) -> None:
    raw = {"name": ONE, "kind": "AmazonWebServicesS3", "properties": {"roleArn": role(), "dcrConfig": {"x": [1]}}}
    stored = e.seed_connector(raw)
    assert arm("GET", PATH).json() == stored
    assert {**stored, **raw} == stored


def test_a_second_connector_of_one_role_is_rejected(e: Emulators, sentinel: Any) -> None:
    sentinel.create_or_update(*WHERE, ONE, spec())
    with pytest.raises(HttpResponseError, match="two connectors with different names and the same kind and context id"):
        sentinel.create_or_update(*WHERE, TWO, spec())
    sentinel.create_or_update(*WHERE, TWO, spec(role(name="Other")))


def test_duplicates_may_be_determined_by_account(e: Emulators, sentinel: Any) -> None:
    e.settings(duplicate_scope="account")
    sentinel.create_or_update(*WHERE, ONE, spec())
    with pytest.raises(HttpResponseError, match="same kind and context id"):
        sentinel.create_or_update(*WHERE, TWO, spec(role(name="Other")))


@pytest.mark.parametrize(
    "sent",
    [
        body(kind="AmazonWebServicesS3"),
        body(name=ONE),
        body(properties={"awsRoleArn": role()}),
        body(properties={"awsRoleArn": role(), "dataTypes": {"logs": {"state": "on"}}}),
        body(properties={"awsRoleArn": "role", "dataTypes": {"logs": {"state": "Enabled"}}}),
        body(properties={"awsRoleArn": role(), "dataTypes": {"logs": {}}}),
        {"kind": "AmazonWebServicesCloudTrail"},
        [],
    ],
)
def test_an_invalid_body_is_rejected(e: Emulators, arm: Any, sent: Any) -> None:
    answer = arm("PUT", PATH, json=sent)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert e.connectors() == []


def test_a_connector_keeps_its_kind(e: Emulators, arm: Any) -> None:
    e.seed_connector({"name": ONE, "kind": "Office365", "properties": {}})
    assert "kind" in arm("PUT", PATH, json=body()).json()["error"]["message"]


def test_the_error_message_without_sentinel_contains_json(e: Emulators, sentinel: Any) -> None:
    e.change_workspace(onboarded=False)
    with pytest.raises(HttpResponseError) as caught:
        sentinel.create_or_update(*WHERE, ONE, spec())
    error: Any = caught.value.error
    inner = json.loads(error.message)["error"]
    assert inner["message"] == "Workspace 'sentinel' is not onboarded to Microsoft Sentinel."


def test_a_missing_permission_is_named(e: Emulators, sentinel: Any) -> None:
    e.change_workspace(permissions=[{"actions": ["*/read"], "notActions": []}])
    assert list(sentinel.list(*WHERE)) == []
    with pytest.raises(HttpResponseError) as caught:
        sentinel.create_or_update(*WHERE, ONE, spec())
    assert (caught.value.status_code, code_of(caught.value)) == (403, "AuthorizationFailed")
    assert "'Microsoft.SecurityInsights/dataConnectors/write' over scope '/subscriptions/" in caught.value.message


def test_an_unregistered_provider_is_409(e: Emulators, sentinel: Any, arm: Any) -> None:
    e.settings(provider_registered=False)
    answer = arm("GET", PATH)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "MissingSubscriptionRegistration")


def test_a_new_role_may_be_rejected_for_some_time(e: Emulators, sentinel: Any, inside: Any) -> None:
    e.settings(role_propagation_seconds=0.5)
    inside("iam", "111111111111").create_role(RoleName="MicrosoftSentinelRole", AssumeRolePolicyDocument="{}")
    with pytest.raises(HttpResponseError, match=role()) as caught:
        sentinel.create_or_update(*WHERE, ONE, spec())
    assert caught.value.status_code == 400
    time.sleep(0.5)
    assert sentinel.create_or_update(*WHERE, ONE, spec()).name == ONE


def test_workspaces_are_independent(e: Emulators, sentinel: Any) -> None:
    added = e.add_workspace(resource_group="other", name="second")
    sentinel.create_or_update(*WHERE, ONE, spec())
    sentinel.create_or_update("other", "second", TWO, spec())
    assert [connector["name"] for connector in e.connectors("second")] == [TWO]
    assert e.connectors(added["customer_id"]) == e.connectors(added["id"])


def test_conflicts_can_be_injected(e: Emulators, sentinel: Any) -> None:
    e.fault(operation="DataConnectors_*", account="111111111111", status=409, code="Conflict", message="Newer")
    with pytest.raises(ResourceExistsError):
        sentinel.create_or_update(*WHERE, ONE, spec())
    sentinel.create_or_update(*WHERE, TWO, spec(role("222222222222")))
