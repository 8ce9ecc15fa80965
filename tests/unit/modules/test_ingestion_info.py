# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module `ingestion_info` against the emulators."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core import modules, options
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.health_codes import (
    HEALTH_CODES,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.verify import results
from tests.emulators import events
from tests.emulators.client import CUSTOMER_ID, Emulators

from .conftest import ACCOUNT, Result, validated

SPEC = (
    options.AWS_SPEC
    | options.AZURE_SPEC
    | options.INGESTION_SPEC
    | options.WORKSPACE_SPEC
    | options.INGESTION_INFO_SPEC
)
ONE, TWO, THREE = ACCOUNT, "222222222222", "333333333333"


def arrived(cloud: Emulators, hours: dict[str, float]) -> None:
    """Put two events of each account, of two Regions; the last one arrived so many hours ago."""
    regions = {"us-east-1": 0, "eu-west-1": 1}
    cloud.put_rows(
        "AWSCloudTrail",
        [
            events.cloudtrail(account, age + more, AWSRegion=region)
            for account, age in hours.items()
            for region, more in regions.items()
        ],
    )


def connect(cloud: Emulators, *accounts: str, state: str = "Enabled") -> None:
    for account in accounts:
        arn = f"arn:aws:iam::{account}:role/MicrosoftSentinelRole"
        properties = {"awsRoleArn": arn, "dataTypes": {"logs": {"state": state}}}
        cloud.seed_connector({"name": f"c-{account}", "kind": "AmazonWebServicesCloudTrail", "properties": properties})


def unhealthy(cloud: Emulators, account: str, code: str) -> None:
    connector = f"c-{account}"
    rows = [
        events.status_change(connector, "Success", 3),
        events.status_change(connector, "Failure", 1),
        events.failure_summary(connector, events.failure(code, "Refused."), 1),
    ]
    cloud.put_rows("SentinelHealth", rows)


def ingestion_info(**given: Any) -> Result:
    where = {"resource_group": "security", "workspace": "sentinel"}
    return modules.ingestion_info(validated(SPEC, {**where, **given}))


def statuses(result: Result) -> dict[str, str]:
    return {account: one["ingestion_status"] for account, one in result["accounts"].items()}


def test_one_query_covers_all_accounts(here: Emulators) -> None:
    connect(here, ONE, TWO, THREE)
    arrived(here, {ONE: 0.1, TWO: 9})
    here.forget()
    result = ingestion_info()
    assert statuses(result) == {ONE: "receiving", TWO: "stale", THREE: "silent"}
    assert here.operations().count("Query") == 2  # the second one queries SentinelHealth
    one = result["accounts"][ONE]
    assert (one["events"], one["regions"], one["health"]) == (2, ["eu-west-1", "us-east-1"], {})
    assert 300 < one["age_seconds"] < 420
    assert result["summary"]["receiving"] == result["summary"]["stale"] == result["summary"]["silent"] == 1
    assert result["changed"] is False


def test_a_missing_table_is_no_error(here: Emulators) -> None:
    connect(here, ONE)
    result = ingestion_info()
    assert statuses(result) == {ONE: "silent"}
    assert [note.split(":")[0] for note in result["notes"]] == [
        "Table AWSCloudTrail of workspace sentinel has no events of this time, or does not exist yet.",
        "Workspace sentinel has no table SentinelHealth",
    ]


def test_failures_that_microsoft_reports_have_meaning_and_advice(here: Emulators) -> None:
    connect(here, ONE, TWO)
    arrived(here, {ONE: 0.1, TWO: 0.1})
    unhealthy(here, TWO, "AccessDenied")
    result = ingestion_info()
    assert statuses(result) == {ONE: "receiving", TWO: "unhealthy"}
    assert "(AccessDenied: Refused)" in result["accounts"][TWO]["message"]
    assert result["accounts"][TWO]["message"].endswith(HEALTH_CODES["AccessDenied"].advice)
    assert result["notes"] == []


def test_only_the_listed_accounts_are_returned(here: Emulators) -> None:
    connect(here, ONE)
    arrived(here, {ONE: 0.1, TWO: 0.1})
    result = ingestion_info(account_ids=[TWO, THREE], allow_silent_account_ids=[THREE])
    assert statuses(result) == {TWO: "not_connected", THREE: "not_connected"}


def test_an_account_that_may_be_silent_is_as_expected(here: Emulators) -> None:
    connect(here, ONE, TWO)
    result = ingestion_info(allow_silent_account_ids=[TWO])
    assert [one["as_expected"] for one in result["accounts"].values()] == [False, True]


def test_a_partial_answer_does_not_make_an_account_silent(here: Emulators) -> None:
    connect(here, ONE, TWO)
    arrived(here, {ONE: 0.1, TWO: 0.1})
    here.settings(max_rows=1)
    result = ingestion_info()
    assert sorted(statuses(result).values()) == ["receiving", "unknown"]
    assert here.operations().count("Query") == 3


def test_a_throttled_query_is_retried_after_the_time_that_the_service_requests(here: Emulators) -> None:
    connect(here, ONE)
    arrived(here, {ONE: 0.1})
    here.fault(operation="Query", times=1, status=429, code="ThrottledError", headers={"Retry-After": "1"})
    assert statuses(ingestion_info()) == {ONE: "receiving"}
    assert here.operations().count("Query") == 3


def test_a_denied_query_names_table_and_workspace(here: Emulators) -> None:
    connect(here, ONE)
    here.fault(operation="Query", status=403, code="InsufficientAccessError", message="No access.")
    with pytest.raises(SentinelError, match="table AWSCloudTrail of workspace sentinel: No access") as caught:
        ingestion_info()
    assert caught.value.kind == "azure_denied"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lookback": "a week"}, "lookback 'a week'"),
        ({"account_ids": ["1"]}, "account_ids"),
        ({"workspace": None}, "workspace not given"),
    ],
)
def test_bad_input_fails_before_the_first_request(here: Emulators, given: dict[str, Any], message: str) -> None:
    here.forget()
    with pytest.raises(SentinelError, match=message) as caught:
        ingestion_info(**given)
    assert caught.value.kind == "bad_input"
    assert here.requests() == []


def test_the_last_use_of_the_role_is_read_on_request(here: Emulators) -> None:
    connect(here, ONE, TWO)
    here.boto("iam", ONE).create_role(RoleName="MicrosoftSentinelRole", AssumeRolePolicyDocument="{}")
    result = ingestion_info(role_last_used=True, assume_role=["OrganizationAccountAccessRole"])
    assert result["accounts"][ONE]["role_last_used"] == {}
    assert result["accounts"][TWO]["error"]["message"].startswith("Cannot read role MicrosoftSentinelRole")


def test_a_given_workspace_id_is_not_read(here: Emulators) -> None:
    connect(here, ONE)
    ingestion_info(workspace_id=CUSTOMER_ID)
    assert "Workspaces_Get" not in here.operations()


def test_every_status_is_counted() -> None:
    assert results.summary([])["not_connected"] == 0
