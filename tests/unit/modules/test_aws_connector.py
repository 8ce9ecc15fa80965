# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules `aws_connector` and `workspace_info` against the emulators."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core import modules, options
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from tests.emulators import faults
from tests.emulators.client import CUSTOMER_ID, Emulators
from tests.emulators.s3_connection import S3Connection
from tests.faults import engine
from tests.faults.timing import Timing
from tests.resources import arn_of, connector

from .conftest import ACCOUNT, ARN, Module, life_cycle, validated, written

S3 = S3Connection(account=ACCOUNT, bucket="logs")
S3_OPTIONS = {"kind": "s3", "role_arn": S3.role_arn, "queue_url": S3.queue.url}
WHERE = {"resource_group": "security", "workspace": "sentinel"}


def workspace_info(**given: Any) -> Any:
    return modules.workspace_info(validated(options.AZURE_SPEC | options.WORKSPACE_SPEC, {**WHERE, **given}))[
        "workspace"
    ]


def test_the_life_cycle_of_a_connector(here: Emulators, aws_connector: Module) -> None:
    create, modify, delete = life_cycle(
        here,
        aws_connector,
        [
            {},
            {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/Other"},
            {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/Other", "state": "absent"},
        ],
    )
    assert create["connector"]["name"] == modify["connector"]["name"]
    assert create["connector"]["state"] == "Enabled"
    assert [call["name"] for call in delete["calls"]] == ["DataConnectors_Delete"]
    assert here.connectors() == []


def test_the_life_cycle_of_an_s3_connector(here: Emulators, aws_connector: Module) -> None:
    S3.make(here)
    flow = {**S3_OPTIONS, "table": "AWSVPCFlow"}
    create, delete = life_cycle(here, aws_connector, [S3_OPTIONS, {**S3_OPTIONS, "state": "absent"}])
    assert (create["connector"]["sqs_urls"], create["connector"]["destination_table"]) == ([S3.queue.url], S3.table)
    assert delete["connector"] == {}
    assert here.connectors() == []
    assert aws_connector(**flow)["connector"]["destination_table"] == "AWSVPCFlow"


def test_an_s3_connector_is_found_by_its_queue(here: Emulators, aws_connector: Module) -> None:
    S3.make(here, connector=True)
    here.forget()
    assert aws_connector(**S3_OPTIONS)["changed"] is False
    [raw] = here.connectors()
    here.seed_connector({**raw, "properties": {**raw["properties"], "dataTypes": {"logs": {"state": "Disabled"}}}})
    repaired = aws_connector(**S3_OPTIONS)
    assert [one["code"] for one in repaired["findings"]] == ["connector_disabled"]
    assert [one["name"] for one in here.connectors()] == [raw["name"]]


def test_a_connector_of_a_solution_is_never_changed(here: Emulators, aws_connector: Module) -> None:
    S3.make(here)
    here.seed_connector(S3.codeless())
    before = here.connectors()
    for state in ("present", "absent"):
        with pytest.raises(SentinelError) as caught:
            aws_connector(**S3_OPTIONS, state=state)
        assert caught.value.kind == "connector_conflict"
    assert here.connectors() == before


def test_a_failed_connectivity_check_names_code_and_fix(here: Emulators, aws_connector: Module) -> None:
    with pytest.raises(SentinelError) as caught, engine.short_timeouts():
        aws_connector(**S3_OPTIONS)
    assert caught.value.kind == "connectivity_check_failed"
    assert "S3B40029" in str(caught.value)


@pytest.mark.parametrize("code", ["S3B40011", "S3B40029"])
def test_role_and_queue_get_the_time_that_new_ones_need(here: Emulators, aws_connector: Module, code: str) -> None:
    S3.make(here)
    failed = {"status": 400, "code": "BadRequest", "message": f"Connectivity check failed: Status code:{code}."}
    here.fault(operation="DataConnectors_CreateOrUpdate", times=2, **failed)
    with engine.short_pauses():
        assert aws_connector(**S3_OPTIONS)["changed"] is True
    assert len(here.connectors()) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"queue_url": "https://example.com/queue"}, {"role_arn": "arn:aws:iam::1:role/x"}],
    ids=lambda one: next(iter(one)),
)
def test_an_invalid_queue_or_role_fails_before_the_first_write(
    here: Emulators, aws_connector: Module, wrong: dict[str, str]
) -> None:
    with pytest.raises(SentinelError) as caught:
        aws_connector(**{**S3_OPTIONS, **wrong})
    assert caught.value.kind == "bad_input"
    assert written(here) == []


def test_the_connector_of_another_role_is_not_removed(here: Emulators, aws_connector: Module) -> None:
    aws_connector()
    assert aws_connector(role_arn=f"arn:aws:iam::{ACCOUNT}:role/Other", state="absent")["changed"] is False
    assert len(here.connectors()) == 1


def test_deduplicate_keeps_the_older_of_two_connectors(here: Emulators, aws_connector: Module) -> None:
    for name, created in (("newer", "2026-02-01T00:00:00Z"), ("older", "2026-01-01T00:00:00Z")):
        here.seed_connector({**connector(name, ARN), "systemData": {"createdAt": created}})
    reported = aws_connector()
    assert (reported["changed"], [found["code"] for found in reported["findings"]]) == (False, ["connector_duplicate"])
    assert [call["args"] for call in aws_connector(deduplicate=True)["calls"]] == [{"data_connector_id": "newer"}]
    assert aws_connector(deduplicate=True)["findings"] == []


def test_a_response_that_is_not_json_is_transient(here: Emulators, aws_connector: Module) -> None:
    here.fault(operation="DataConnectors_List", status=502, body="<html>Bad Gateway</html>")
    with Timing(azure_retries=0.0).applied(), pytest.raises(SentinelError) as caught:
        aws_connector()
    assert caught.value.kind == "transient"


@pytest.mark.parametrize("style", ["guid", "quoted"])
@pytest.mark.parametrize("status", [409, 412])
def test_a_connector_that_changed_since_it_was_read_is_read_again(
    here: Emulators, aws_connector: Module, style: str, status: int
) -> None:
    here.settings(etag_style=style, stale_etag_status=status)
    aws_connector()
    here.fault(operation="DataConnectors_CreateOrUpdate", times=1, status=status, code="Conflict", message="Newer.")
    result = aws_connector(role_arn=f"arn:aws:iam::{ACCOUNT}:role/Other")
    assert [call["name"] for call in result["calls"]] == ["DataConnectors_CreateOrUpdate"]
    assert len(here.connectors()) == 1


def test_a_connector_created_concurrently_is_not_duplicated(here: Emulators, aws_connector: Module) -> None:
    here.settings(lag_reads=1)
    raw = {"awsRoleArn": ARN, "dataTypes": {"logs": {"state": "enabled"}}}
    here.fault(
        operation="DataConnectors_CreateOrUpdate",
        times=1,
        status=400,
        code="BadRequest",
        message="connector validation failed there are two connectors with different names and the same kind "
        "and context id",
    )
    here.seed_connector({"name": "by-hand", "kind": "AmazonWebServicesS3", "properties": raw})
    assert aws_connector()["changed"] is True
    kinds = [connector["kind"] for connector in here.connectors()]
    assert kinds.count("AmazonWebServicesCloudTrail") == 1


def test_all_pages_are_read(here: Emulators, aws_connector: Module) -> None:
    here.settings(page_size=2)
    for number in range(7):
        arn = arn_of(f"22222222220{number}")
        here.seed_connector(connector(f"c{number}", arn))
    assert aws_connector(role_arn=arn)["changed"] is False


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        pytest.param(faults.AZURE_THROTTLED, 2, id="throttled"),
        pytest.param(faults.AZURE_UNAVAILABLE, 2, id="unavailable"),
        pytest.param({"service": "azure", "reset": "before"}, 1, id="request lost"),
        pytest.param({"service": "azure", "reset": "after"}, 1, id="response lost"),
    ],
)
def test_transient_errors_are_retried(
    here: Emulators, aws_connector: Module, fault: dict[str, Any], times: int
) -> None:
    here.fault(operation="DataConnectors_*", times=times, **fault)
    assert aws_connector()["changed"] is True
    assert len(here.connectors()) == 1


def test_a_denial_names_the_action(here: Emulators, aws_connector: Module) -> None:
    here.change_workspace(permissions=[])
    with pytest.raises(SentinelError) as caught:
        aws_connector(workspace_id=CUSTOMER_ID)
    assert caught.value.kind == "azure_denied"
    assert "Microsoft.SecurityInsights/dataConnectors/read" in str(caught.value)


def test_a_workspace_without_sentinel_is_named_without_raw_json(here: Emulators, aws_connector: Module) -> None:
    here.change_workspace(onboarded=False)
    with pytest.raises(SentinelError) as caught:
        aws_connector()
    assert caught.value.kind == "bad_input"
    assert "workspace sentinel" in str(caught.value)
    assert "{" not in str(caught.value)


def test_resource_providers_are_not_registered(here: Emulators, aws_connector: Module) -> None:
    here.settings(provider_registered=False)
    with pytest.raises(SentinelError, match="MissingSubscriptionRegistration"):
        aws_connector()
    assert written(here) == []


def test_the_error_of_a_wrong_secret_does_not_contain_the_secret(here: Emulators, aws_connector: Module) -> None:
    with pytest.raises(SentinelError) as caught:
        aws_connector(secret="not~the~secret")
    assert caught.value.kind == "azure_denied"
    assert "AADSTS7000215" in str(caught.value)
    assert "not~the~secret" not in str(caught.value)


def test_an_invalid_role_arn_fails_before_the_first_request(here: Emulators, aws_connector: Module) -> None:
    with pytest.raises(SentinelError) as caught:
        aws_connector(role_arn="arn:aws:iam::1:user/x")
    assert caught.value.kind == "bad_input"
    assert "arn:aws:iam::1:user/x" in str(caught.value)
    assert here.requests() == []


def test_workspace_info_returns_the_workspace(here: Emulators) -> None:
    found = workspace_info()
    assert found["customer_id"] == CUSTOMER_ID
    assert found["onboarded"] is True
    assert found["rights"] == {"read": True, "write": True, "delete": True}


def test_workspace_info_returns_missing_rights(here: Emulators) -> None:
    actions = ["Microsoft.SecurityInsights/*/read", "*/read"]
    here.change_workspace(onboarded=False, permissions=[{"actions": actions, "notActions": []}])
    found = workspace_info()
    assert (found["onboarded"], found["rights"]) == (False, {"read": True, "write": False, "delete": False})


def test_a_missing_workspace_is_named(here: Emulators) -> None:
    with pytest.raises(SentinelError) as caught:
        workspace_info(workspace="nowhere")
    assert caught.value.kind == "workspace_not_found"
    assert "nowhere" in str(caught.value)
