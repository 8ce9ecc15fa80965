# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data connectors of the S3 kind: API versions, codeless ones, duplicates, and the check of role and queue."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import requests

from tests.emulators import faults
from tests.emulators.client import Emulators
from tests.emulators.s3_connection import S3Connection, document

from .clients import client

ONE = S3Connection()
A, B = ONE.account, "333333333333"
OPT_IN = replace(ONE, region="ap-east-1")
LIST = "/providers/Microsoft.SecurityInsights/dataConnectors"
NOTHING = document({"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"})
FIRST, SECOND = f"{LIST}/first", f"{LIST}/second"
PREVIEW = "2022-10-01-preview"


@pytest.fixture
def chain(e: Emulators) -> S3Connection:
    ONE.make(e)
    return ONE


def put(arm: Any, body: dict[str, Any], path: str = FIRST, version: str = PREVIEW, **more: Any) -> requests.Response:
    answer: requests.Response = arm("PUT", path, version=version, json=body, **more)
    return answer


def code(answer: requests.Response) -> str:
    """The code of a failed check, which only the message holds."""
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["message"].startswith("Connectivity check failed: Status code:S3B"), error
    return str(error["message"].partition("Status code:")[2].partition(",")[0])


def names(arm: Any, version: str = PREVIEW) -> list[str]:
    return [one["name"] for one in arm("GET", LIST, version=version).json()["value"]]


# What is right


@pytest.mark.parametrize("version", [PREVIEW, "2024-01-01-preview", "2024-10-01-preview", "2024-09-01"])
def test_a_whole_chain_is_connected(e: Emulators, arm: Any, chain: S3Connection, version: str) -> None:
    answers = [put(arm, chain.connector(), version=version) for _twice in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[1].json()["properties"] == chain.connector()["properties"]
    assert answers[0].json()["etag"] != answers[1].json()["etag"]
    assert names(arm) == ["first"]


RIGHT_TRUSTS: dict[str, dict[str, Any]] = {
    "as documented, one name": ONE.trust(
        StringEquals={
            f"{ONE.issuer}:aud": ONE.audience,
            "sts:RoleSessionName": f"MicrosoftSentinel_{ONE.workspace_id}",
        }
    ),
    "several names": ONE.trust(
        StringEquals={
            f"{ONE.issuer}:aud": [ONE.audience, "api://other"],
            "sts:RoleSessionName": ["MicrosoftDefenderForClouds_x", f"MicrosoftSentinel_{ONE.workspace_id}"],
        }
    ),
    "as in AWS's sample: no audience, a wildcard": ONE.trust(StringLike={"sts:RoleSessionName": "MicrosoftSentinel_*"}),
    "beside the trust of the older scripts": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::197857026523:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": ONE.workspace_id}},
            },
            *ONE.trust()["Statement"],
        ],
    },
}


@pytest.mark.parametrize("trust", RIGHT_TRUSTS.values(), ids=list(RIGHT_TRUSTS))
def test_a_correct_trust_policy_is_accepted(e: Emulators, arm: Any, trust: dict[str, Any]) -> None:
    ONE.make_bucket(e)
    ONE.make_provider(e)
    ONE.make_role(e, trust)
    ONE.make_queue(e)
    assert put(arm, ONE.connector()).status_code == 201


def queue_grants(principal: str) -> dict[str, Any]:
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueUrl"]
    grant = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": actions, "Resource": ONE.queue.arn}
    return {"Statement": [*ONE.queue_policy()["Statement"], grant]}


def test_the_queues_own_policy_is_enough(e: Emulators, arm: Any) -> None:
    ONE.make_provider(e)
    ONE.make_role(e, policy=NOTHING)
    ONE.make_queue(e, queue_grants(ONE.role_arn))
    assert put(arm, ONE.connector()).status_code == 201


def test_the_account_in_the_queues_policy_is_not(e: Emulators, arm: Any) -> None:
    ONE.make_provider(e)
    ONE.make_role(e, policy=NOTHING)
    ONE.make_queue(e, queue_grants(f"arn:aws:iam::{A}:root"))
    assert code(put(arm, ONE.connector())) == "S3B40011"


def test_a_managed_policy_is_enough(e: Emulators, arm: Any) -> None:
    ONE.make_provider(e)
    ONE.make_role(e, policy=NOTHING)
    ONE.make_queue(e)
    iam = e.boto("iam", A)
    arn = iam.create_policy(PolicyName="read", PolicyDocument=json.dumps(ONE.role_policy()))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=ONE.role_name, PolicyArn=arn)
    assert put(arm, ONE.connector()).status_code == 201
    deny = document({"Effect": "Deny", "Action": "sqs:*", "Resource": "*"})
    iam.put_role_policy(RoleName=ONE.role_name, PolicyName="deny", PolicyDocument=json.dumps(deny))
    assert code(put(arm, ONE.connector())) == "S3B40011"


def test_a_queue_of_another_account_needs_both_sides(e: Emulators, arm: Any) -> None:
    there = replace(ONE, account=B)
    ONE.make_provider(e)
    ONE.make_role(e, policy=there.role_policy())
    there.make_queue(e)
    body = ONE.connector(sqsUrls=[there.queue.url])
    assert code(put(arm, body)) == "S3B40011"
    grant = json.dumps(queue_grants(ONE.role_arn)).replace(ONE.queue.arn, there.queue.arn)
    e.boto("sqs", B).set_queue_attributes(QueueUrl=there.queue.url, Attributes={"Policy": grant})
    assert put(arm, body).status_code == 201


# What is wrong

WRONG_TRUSTS: dict[str, dict[str, Any]] = {
    "session of another workspace": replace(ONE, workspace_id="11111111-1111-1111-1111-111111111111").trust(),
    "session of Defender": json.loads(
        json.dumps(ONE.trust()).replace("MicrosoftSentinel_", "MicrosoftDefenderForClouds_")
    ),
    "another audience": replace(ONE, audience="api://d4230588-5f84-4281-a9c7-2c15194b28f7").trust(),
    "provider of Azure Government": replace(ONE, tenant="cab8a31a-1906-4287-a0d8-4eef66b95f6e").trust(),
    "provider without its slash": json.loads(json.dumps(ONE.trust()).replace(f'{ONE.tenant}/"', f'{ONE.tenant}"')),
    "provider of another account": json.loads(json.dumps(ONE.trust()).replace(A, B)),
    "plain AssumeRole": json.loads(json.dumps(ONE.trust()).replace("WithWebIdentity", "")),
    "an account with external id": {
        "Statement": RIGHT_TRUSTS["beside the trust of the older scripts"]["Statement"][:1]
    },
}


@pytest.mark.parametrize("trust", WRONG_TRUSTS.values(), ids=list(WRONG_TRUSTS))
def test_a_wrong_trust_is_named(e: Emulators, arm: Any, trust: dict[str, Any]) -> None:
    ONE.make_provider(e)
    ONE.make_role(e, trust)
    ONE.make_queue(e)
    answer = put(arm, ONE.connector())
    assert code(answer) == "S3B40029"
    assert f"Failed to fetch authentication token for {ONE.role_arn}." in answer.json()["error"]["message"]
    assert e.connectors() == []


@pytest.mark.parametrize("missing", ["role", "provider", "audience", "slash"])
def test_what_is_missing_for_a_token_is_named(e: Emulators, arm: Any, missing: str) -> None:
    ONE.make_queue(e)
    if missing != "role":
        ONE.make_role(e)
    if missing == "slash":
        e.boto("iam", A).create_open_id_connect_provider(
            Url=f"https://{ONE.issuer.rstrip('/')}", ClientIDList=[ONE.audience], ThumbprintList=["6" * 40]
        )
    elif missing != "provider":
        ONE.make_provider(e, *(["api://other"] if missing == "audience" else []))
    assert code(put(arm, ONE.connector())) == "S3B40029"


def test_a_role_must_have_the_prefix(e: Emulators, arm: Any) -> None:
    other = replace(ONE, role_name="MicrosoftSentinelRole")
    other.make(e)
    assert code(put(arm, other.connector())) == "S3B40029"


def test_a_missing_queue_is_named(e: Emulators, arm: Any, chain: S3Connection) -> None:
    e.boto("sqs", A).delete_queue(QueueUrl=chain.queue.url)
    assert code(put(arm, chain.connector())) == "S3B40012"


WRONG_POLICIES: dict[str, Any] = {
    "nothing": NOTHING["Statement"],
    "another queue": replace(ONE, queue_name="other").role_policy()["Statement"],
    "no delete": [{"Effect": "Allow", "Action": ["sqs:ReceiveMessage", "sqs:Get*"], "Resource": "*"}],
    "denied": [*ONE.role_policy()["Statement"], {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}],
}


@pytest.mark.parametrize("statements", WRONG_POLICIES.values(), ids=list(WRONG_POLICIES))
def test_a_role_that_may_not_read_the_queue_is_named(e: Emulators, arm: Any, statements: Any) -> None:
    ONE.make_provider(e)
    ONE.make_role(e, policy=document(*statements))
    ONE.make_queue(e)
    answer = put(arm, ONE.connector())
    assert code(answer) == "S3B40011"
    assert f"Access to an SQS queue ({ONE.queue.url}) was denied." in answer.json()["error"]["message"]


def test_tokens_of_version_1_are_no_good_where_regions_are_opted_into(e: Emulators, arm: Any) -> None:
    OPT_IN.make(e)
    assert code(put(arm, OPT_IN.connector())) == "S3B40011"
    client(e, "iam", A).set_security_token_service_preferences(GlobalEndpointTokenVersion="v2Token")
    assert put(arm, OPT_IN.connector()).status_code == 201


@pytest.mark.parametrize(("status", "name"), [(400, "BadRequest"), (422, "ConnectivityCheckFailed")])
def test_how_a_failed_check_is_answered_can_be_set(e: Emulators, arm: Any, status: int, name: str) -> None:
    e.settings(connectivity_status=status, connectivity_code=name)
    answer = put(arm, ONE.connector())
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, name)
    assert "S3B40029" in answer.json()["error"]["message"]
    e.settings(connectivity_check=False)
    assert put(arm, ONE.connector()).status_code == 201


def test_new_parts_may_be_unknown_for_a_while(e: Emulators, arm: Any) -> None:
    ONE.make(e)
    iam, sqs = client(e, "iam", A), client(e, "sqs", A)
    policy = {"RoleName": ONE.role_name, "PolicyName": ONE.queue_name, "PolicyDocument": json.dumps(ONE.role_policy())}
    trust = {"RoleName": ONE.role_name, "PolicyDocument": json.dumps(ONE.trust())}
    audience = {"OpenIDConnectProviderArn": ONE.provider_arn, "ClientID": "x"}
    changes = [
        (iam.put_role_policy, policy, "S3B40011"),
        (iam.update_assume_role_policy, trust, "S3B40029"),
        (iam.add_client_id_to_open_id_connect_provider, audience, "S3B40029"),
    ]
    for call, arguments, expected in changes:
        call(**arguments)
        e.settings(role_propagation_seconds=60)
        assert code(put(arm, ONE.connector())) == expected
        e.settings(role_propagation_seconds=0)
        assert put(arm, ONE.connector()).status_code in (200, 201)
        e.reset()
        ONE.make(e)
    sqs.set_queue_attributes(QueueUrl=ONE.queue.url, Attributes={"VisibilityTimeout": "60"})
    assert put(arm, ONE.connector()).status_code == 201


# What the service does with the resource


@pytest.mark.parametrize("version", ["2021-10-01", "2022-11-01", "2024-03-01", "2025-09-01"])
def test_stable_versions_do_not_take_the_kind(e: Emulators, arm: Any, chain: S3Connection, version: str) -> None:
    answer = put(arm, chain.connector(), version=version)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert "kind" in answer.json()["error"]["message"]


def test_stable_versions_may_hide_it(e: Emulators, arm: Any) -> None:
    e.seed_connector({"name": "first", **ONE.connector()})
    e.seed_connector({"name": "other", "kind": "Office365", "properties": {}})
    assert names(arm, "2021-10-01") == ["first", "other"]
    e.settings(stable_lists_s3=False)
    assert names(arm, "2021-10-01") == ["other"]
    assert arm("GET", FIRST, version="2021-10-01").status_code == 404
    assert names(arm) == ["first", "other"]


def test_a_stale_etag_is_refused(e: Emulators, arm: Any, chain: S3Connection) -> None:
    etags = [put(arm, chain.connector()).json()["etag"] for _twice in range(2)]
    assert put(arm, chain.connector(), headers={"If-Match": etags[0]}).status_code == 412
    assert put(arm, {**chain.connector(), "etag": etags[1]}).status_code == 200


def test_codeless_connectors_keep_all_that_they_have(e: Emulators, arm: Any, chain: S3Connection) -> None:
    body = chain.codeless()
    assert put(arm, body).status_code == 201
    assert e.connectors()[0]["properties"] == body["properties"]
    e.seed_connector({"name": "second", **chain.codeless(sqsUrls=[f"{chain.queue.url}-2"])})
    assert names(arm) == ["first", "second"]
    assert arm("GET", SECOND, version=PREVIEW).json()["properties"]["dcrConfig"] == body["properties"]["dcrConfig"]


@pytest.mark.parametrize(
    "changed",
    [
        {"destinationTable": "AWSRoute53"},
        {"destinationTable": None},
        {"roleArn": "OIDC_x"},
        {"sqsUrls": []},
        {"sqsUrls": "https://sqs.us-east-1.amazonaws.com/222222222222/x"},
        {"sqsUrls": ["arn:aws:sqs:us-east-1:222222222222:x"]},
        {"dataTypes": {"logs": {"state": "on"}}},
        {"dataTypes": {}},
        {"awsRoleArn": ONE.role_arn},
    ],
)
def test_a_wrong_body_is_refused(e: Emulators, arm: Any, chain: S3Connection, changed: dict[str, Any]) -> None:
    answer = put(arm, chain.connector(**changed))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert "Connectivity" not in answer.json()["error"]["message"]


@pytest.mark.parametrize("missing", ["destinationTable", "sqsUrls", "roleArn", "dataTypes"])
def test_all_properties_are_required(e: Emulators, arm: Any, missing: str) -> None:
    body = ONE.connector()
    del body["properties"][missing]
    assert f"'{missing}' not found" in put(arm, body).json()["error"]["message"]


OTHER_QUEUE = f"{ONE.queue.url}-2"
CHANGES: dict[str, dict[str, Any]] = {
    "same": {},
    "other table": {"destinationTable": "AWSVPCFlow"},
    "other queue": {"sqsUrls": [OTHER_QUEUE]},
    "other role": {"roleArn": f"{ONE.role_arn}2"},
    "other role and queue": {"roleArn": f"{ONE.role_arn}2", "sqsUrls": [OTHER_QUEUE]},
}


@pytest.mark.parametrize(
    ("scope", "refused"),
    [
        ("role_table_queue", {"same"}),
        ("role_table", {"same", "other queue"}),
        ("role", {"same", "other queue", "other table"}),
        ("queue", {"same", "other table", "other role"}),
        ("none", set()),
    ],
)
def test_what_a_duplicate_is_can_be_set(e: Emulators, arm: Any, scope: str, refused: set[str]) -> None:
    e.settings(connectivity_check=False, s3_duplicate_scope=scope)
    e.seed_connector({"name": "first", **ONE.connector()})
    answers = {}
    for name, changed in CHANGES.items():
        answers[name] = put(arm, ONE.connector(**changed), SECOND)
        arm("DELETE", SECOND, version=PREVIEW)
    assert {name for name, answer in answers.items() if answer.status_code == 400} == refused
    assert all("same kind and context id" in answers[name].text for name in refused)


@pytest.mark.parametrize(("allowed", "status"), [(True, 200), (False, 400)])
def test_whether_a_connector_can_be_changed_can_be_set(e: Emulators, arm: Any, allowed: bool, status: int) -> None:
    e.settings(connectivity_check=False, s3_change_in_place=allowed)
    e.seed_connector({"name": "first", **ONE.connector()})
    assert put(arm, ONE.connector(sqsUrls=[OTHER_QUEUE])).status_code == status
    logs = {"logs": {"state": "Disabled"}}
    unchanged = e.connectors()[0]["properties"]["sqsUrls"]
    assert put(arm, ONE.connector(sqsUrls=unchanged, dataTypes=logs)).status_code == 200


def test_a_put_can_time_out_and_be_there(e: Emulators, arm: Any, chain: S3Connection) -> None:
    e.fault(operation="DataConnectors_CreateOrUpdate", account=A, times=1, reset="after")
    with pytest.raises(requests.ConnectionError):
        put(arm, chain.connector())
    assert names(arm) == ["first"]
    e.fault(operation="DataConnectors_CreateOrUpdate", account=A, times=1, **faults.AZURE_TIMEOUT)
    assert put(arm, chain.connector()).status_code == 504


def test_a_connector_is_removed(e: Emulators, arm: Any, chain: S3Connection) -> None:
    put(arm, chain.connector())
    assert [arm("DELETE", FIRST, version=PREVIEW).status_code for _twice in range(2)] == [200, 204]
