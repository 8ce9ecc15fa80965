# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARM and Log Analytics: API versions, permissions, throttling, workspaces, queries."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.emulators.client import CUSTOMER_ID, Emulators

CONNECTORS = "/providers/Microsoft.SecurityInsights/dataConnectors"
ONBOARDING = "/providers/Microsoft.SecurityInsights/onboardingStates/default"
PERMISSIONS = "/providers/Microsoft.Authorization/permissions"


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def run_query(e: Emulators, arm: Any, text: str, customer: str = CUSTOMER_ID) -> requests.Response:
    answer: requests.Response = arm(
        "POST", f"{e.azure}/v1/workspaces/{customer}/query", version=None, json={"query": text, "timespan": "P7D"}
    )
    return answer


def test_a_workspace_has_its_customer_id(e: Emulators, arm: Any) -> None:
    properties = arm("GET", version="2023-09-01").json()["properties"]
    assert (properties["customerId"], properties["provisioningState"]) == (CUSTOMER_ID, "Succeeded")


def test_onboarding_is_404_when_off(e: Emulators, arm: Any) -> None:
    assert arm("GET", ONBOARDING).json()["name"] == "default"
    e.change_workspace(onboarded=False)
    assert arm("GET", ONBOARDING).status_code == 404


def test_permissions_are_those_of_a_sentinel_contributor(e: Emulators, arm: Any) -> None:
    entries = arm("GET", PERMISSIONS, version="2022-04-01").json()["value"]
    assert "Microsoft.SecurityInsights/*" in entries[0]["actions"]


def test_the_api_version_is_checked(e: Emulators, arm: Any) -> None:
    assert code(arm("GET", CONNECTORS, version=None)) == (400, "MissingApiVersionParameter")
    assert code(arm("GET", CONNECTORS, version="2020-01-01")) == (400, "NoRegisteredProviderFound")


@pytest.mark.parametrize(
    ("part", "wrong", "expected"),
    [
        ("sentinel", "other", "ResourceNotFound"),
        ("security", "other", "ResourceGroupNotFound"),
        ("/subscriptions/", "/subscriptions/0", "SubscriptionNotFound"),
    ],
)
def test_an_error_names_the_part_that_does_not_exist(
    e: Emulators, arm: Any, part: str, wrong: str, expected: str
) -> None:
    path = urlsplit(arm("GET", version="2023-09-01").url).path
    assert code(arm("GET", path.replace(part, wrong), version="2023-09-01")) == (404, expected)


def test_every_response_has_trace_ids_and_remaining_requests(e: Emulators, arm: Any) -> None:
    for answer in (arm("GET", CONNECTORS), arm("GET", f"{CONNECTORS}/none")):
        assert {"x-ms-request-id", "x-ms-correlation-request-id"} <= set(answer.headers)
        assert answer.headers["x-ms-ratelimit-remaining-subscription-resource-requests"] == "250"


def test_paths_are_case_insensitive(e: Emulators, arm: Any) -> None:
    assert arm("GET", CONNECTORS.lower()).status_code == 200


def test_throttling_follows_the_documented_buckets(e: Emulators, arm: Any) -> None:
    e.settings(throttle=True)
    left = [int(arm("DELETE", f"{CONNECTORS}/x").headers["x-ms-ratelimit-remaining-subscription-deletes"])]
    answers = [arm("DELETE", f"{CONNECTORS}/x") for _unused in range(260)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert left == [199]
    assert refused
    assert code(refused[0]) == (429, "SubscriptionRequestsThrottled")
    assert refused[0].headers["Retry-After"] == "1"
    assert arm("GET", CONNECTORS).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "7"}, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}])
def test_a_429_may_have_retry_after(e: Emulators, arm: Any, headers: dict[str, str]) -> None:
    e.fault(operation="DataConnectors_List", status=429, code="TooManyRequests", headers=headers)
    answer = arm("GET", CONNECTORS)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, headers.get("Retry-After"))


def test_an_unknown_path_is_404(e: Emulators, arm: Any) -> None:
    assert arm("PUT", ONBOARDING, json={}).status_code == 404
    assert e.operations() == ["Unknown"]


def test_a_missing_table_is_a_semantic_error(e: Emulators, arm: Any) -> None:
    error = run_query(e, arm, "AWSCloudTrail | take 1").json()["error"]
    assert error["code"] == "BadArgumentError"
    assert error["innererror"]["code"] == "SemanticError"
    assert error["innererror"]["innererror"]["code"] == "SEM0100"
    assert "Failed to resolve table or column expression" in error["innererror"]["innererror"]["message"]
    assert arm("GET", "/tables/AWSCloudTrail", version="2022-10-01").status_code == 404


def test_a_query_is_executed(e: Emulators, arm: Any) -> None:
    e.put_rows("AWSCloudTrail", [{"RecipientAccountId": "111111111111"}, {"RecipientAccountId": "222222222222"}])
    table = run_query(e, arm, "AWSCloudTrail | summarize Events = count()").json()["tables"][0]
    columns = [{"name": "Events", "type": "long"}]
    assert (table["name"], table["columns"], table["rows"]) == ("PrimaryResult", columns, [[2]])
    assert arm("GET", "/tables/AWSCloudTrail", version="2022-10-01").status_code == 200


def test_a_query_result_may_be_partial(e: Emulators, arm: Any) -> None:
    e.put_rows("AWSCloudTrail", [{}, {}])
    assert "error" not in run_query(e, arm, "AWSCloudTrail").json()
    e.settings(max_rows=1)
    answer = run_query(e, arm, "AWSCloudTrail")
    assert code(answer) == (200, "PartialError")


def test_a_query_needs_permission_and_workspace(e: Emulators, arm: Any) -> None:
    assert code(run_query(e, arm, "AWSCloudTrail", customer="11111111-1111-1111-1111-111111111111"))[0] == 404
    e.change_workspace(permissions=[{"actions": ["Microsoft.SecurityInsights/*"]}])
    assert code(run_query(e, arm, "AWSCloudTrail")) == (403, "InsufficientAccessError")
