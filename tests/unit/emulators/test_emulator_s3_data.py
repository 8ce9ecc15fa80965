# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a trail's object to rows in the table: bucket, notification, queue, connector, workspace."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.emulators import trail
from tests.emulators.client import CUSTOMER_ID, Emulators
from tests.emulators.s3_connection import S3Connection, document

from .clients import client

ONE = S3Connection()
A, MEMBER = ONE.account, "444444444444"
ORGANIZATION = "o-abc1234567"
TABLE = "AWSCloudTrail"


@pytest.fixture
def connected(e: Emulators) -> Emulators:
    ONE.make(e, connector=True)
    return e


def deliver(e: Emulators, account: str = MEMBER, **where: Any) -> str:
    return trail.deliver(e, ONE.bucket, A, account, **where)


def waiting(e: Emulators, queue: str = ONE.queue_name) -> int:
    url = replace(ONE, queue_name=queue).queue.url
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = e.boto("sqs", A).get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(value) for value in found.values())


def test_an_object_of_a_trail_becomes_rows(connected: Emulators) -> None:
    connected.read_queues()
    key = deliver(connected, events=[trail.event(MEMBER, "RunInstances", readOnly=False, requestParameters={"n": 1})])
    assert key.startswith(f"AWSLogs/{MEMBER}/CloudTrail/us-east-1/")
    assert waiting(connected) == 1
    [done] = connected.read_queues()
    assert (done["deleted"], done["rows"], done["code"]) == (1, 1, "")
    assert waiting(connected) == 0
    [row] = connected.rows(TABLE)
    assert {name: row[name] for name in ("EventName", "RecipientAccountId", "ReadOnly", "RequestParameters")} == {
        "EventName": "RunInstances",
        "RecipientAccountId": MEMBER,
        "ReadOnly": False,
        "RequestParameters": '{"n": 1}',
    }
    assert (row["UserIdentityAccountId"], row["SessionIssuerUserName"]) == (MEMBER, "Admin")
    assert row["TimeGenerated"].endswith("Z")
    assert row["Type"] == TABLE


def test_queries_find_what_has_arrived(connected: Emulators, arm: Any) -> None:
    def ask() -> Any:
        url = f"{connected.azure}/v1/workspaces/{CUSTOMER_ID}/query"
        return arm("POST", url, version=None, json={"query": TABLE})

    assert ask().status_code == 400
    connected.settings(reading="by_command")
    deliver(connected)
    assert ask().status_code == 400
    connected.settings(reading="on_query")
    table = ask().json()["tables"][0]
    names = [column["name"] for column in table["columns"]]
    assert [row[names.index("RecipientAccountId")] for row in table["rows"]] == [MEMBER]
    assert arm("GET", f"/tables/{TABLE}", version="2022-10-01").status_code == 200


@pytest.mark.parametrize(
    ("prefix", "where", "seen"),
    [
        ("AWSLogs/", {}, True),
        (f"AWSLogs/{ORGANIZATION}/", {"organization": ORGANIZATION}, True),
        (f"{ORGANIZATION}/AWSLogs/{ORGANIZATION}/", {"organization": ORGANIZATION, "prefix": ORGANIZATION}, True),
        (f"AWSLogs/{A}/CloudTrail/", {"organization": ORGANIZATION}, False),
        ("AWSLogs/", {"prefix": "elsewhere"}, False),
    ],
)
def test_layouts_of_trails(e: Emulators, prefix: str, where: dict[str, str], seen: bool) -> None:
    replace(ONE, prefix=prefix).make(e, connector=True)
    deliver(e, **where)
    e.read_queues()
    assert len(e.rows(TABLE)) == int(seen)


def test_many_files_are_read_in_one_go(connected: Emulators) -> None:
    for number in range(25):
        deliver(connected, f"{number:012}")
    [done] = connected.read_queues()
    assert done["rows"] == 25
    assert {row["RecipientAccountId"] for row in connected.rows(TABLE)} == {f"{number:012}" for number in range(25)}


@pytest.mark.parametrize(("digests", "kept"), [("skip", 0), ("fail", 1)])
def test_what_happens_to_a_digest_can_be_set(connected: Emulators, digests: str, kept: int) -> None:
    connected.settings(digests=digests)
    connected.read_queues()
    deliver(connected, kind="CloudTrail-Digest")
    [done] = connected.read_queues()
    assert (done["kept"], done["rows"]) == (kept, 0)
    assert waiting(connected) == kept


def test_what_cannot_be_read_becomes_a_dead_letter(e: Emulators) -> None:
    e.boto("sqs", A).create_queue(QueueName="dead")
    dead = json.dumps({"deadLetterTargetArn": replace(ONE, queue_name="dead").queue.arn, "maxReceiveCount": 2})
    ONE.make_bucket(e)
    ONE.make_provider(e)
    ONE.make_role(e, policy=replace(ONE, bucket="other").role_policy())
    ONE.make_queue(e, RedrivePolicy=dead)
    ONE.make_notification(e)
    e.seed_connector(ONE.connector())
    e.read_queues()
    deliver(e)
    assert [e.read_queues()[0]["kept"] for _time in range(4)] == [1, 1, 0, 0]
    assert (waiting(e), waiting(e, "dead")) == (0, 1)
    assert e.rows(TABLE) == []


def test_an_encrypted_object_needs_its_key(e: Emulators) -> None:
    ONE.make(e, connector=True)
    key = e.boto("kms", A).create_key()["KeyMetadata"]["Arn"]
    place = trail.key(MEMBER)
    e.boto("s3", A).put_object(
        Bucket=ONE.bucket,
        Key=place,
        Body=trail.content([trail.event(MEMBER)]),
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=key,
    )
    assert [done["rows"] for done in e.read_queues()] == [0]
    grant = document({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key})
    e.boto("iam", A).put_role_policy(RoleName=ONE.role_name, PolicyName="key", PolicyDocument=json.dumps(grant))
    assert [done["rows"] for done in e.read_queues()] == [1]


def test_a_chain_that_breaks_later_stops_the_rows(connected: Emulators) -> None:
    deliver(connected)
    iam = client(connected, "iam", A)
    broken = json.dumps(replace(ONE, workspace_id="0" * 8).trust())
    iam.update_assume_role_policy(RoleName=ONE.role_name, PolicyDocument=broken)
    assert [done["code"] for done in connected.read_queues()] == ["S3B40029"]
    iam.update_assume_role_policy(RoleName=ONE.role_name, PolicyDocument=json.dumps(ONE.trust()))
    iam.delete_role_policy(RoleName=ONE.role_name, PolicyName=ONE.queue_name)
    assert [done["code"] for done in connected.read_queues()] == ["S3B40011"]
    client(connected, "sqs", A).delete_queue(QueueUrl=ONE.queue.url)
    assert [done["code"] for done in connected.read_queues()] == ["S3B40012"]
    assert connected.rows(TABLE) == []


def test_what_is_off_or_codeless_reads_nothing(e: Emulators) -> None:
    ONE.make(e)
    e.seed_connector(ONE.connector(dataTypes={"logs": {"state": "Disabled"}}))
    e.seed_connector(ONE.codeless())
    deliver(e)
    assert e.read_queues() == []
    assert waiting(e) > 0


@pytest.mark.parametrize(("reads", "count"), [("all", 2), ("first", 1)])
def test_whether_all_queues_are_read_can_be_set(e: Emulators, reads: str, count: int) -> None:
    two = replace(ONE, queue_name="second")
    ONE.make(e)
    two.make_queue(e)
    allowed = document({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})
    e.boto("iam", A).put_role_policy(RoleName=ONE.role_name, PolicyName="more", PolicyDocument=json.dumps(allowed))
    e.seed_connector(ONE.connector(sqsUrls=[ONE.queue.url, two.queue.url]))
    e.settings(queues_read=reads)
    assert [(done["queue"], done["code"]) for done in e.read_queues()] == [
        (url, "") for url in (ONE.queue.url, two.queue.url)
    ][:count]


def test_from_nothing_to_events_by_real_calls(e: Emulators, arm: Any) -> None:
    """All of it through the proxy and ARM, in the order in which it has to be made."""
    ONE.make_bucket(e)
    iam, sqs, s3 = (client(e, service, A) for service in ("iam", "sqs", "s3"))
    # Older releases of botocore require the thumbprints.
    iam.create_open_id_connect_provider(
        Url=f"https://{ONE.issuer}", ClientIDList=[ONE.audience], ThumbprintList=["6" * 40]
    )
    iam.create_role(RoleName=ONE.role_name, AssumeRolePolicyDocument=json.dumps(ONE.trust()))
    policy = json.dumps(ONE.role_policy())
    iam.put_role_policy(RoleName=ONE.role_name, PolicyName="queue", PolicyDocument=policy)
    url = sqs.create_queue(QueueName=ONE.queue_name, Attributes={"Policy": json.dumps(ONE.queue_policy())})["QueueUrl"]
    s3.put_bucket_notification_configuration(
        Bucket=ONE.bucket, NotificationConfiguration={"QueueConfigurations": [ONE.entry()]}, ExpectedBucketOwner=A
    )
    path = "/providers/Microsoft.SecurityInsights/dataConnectors/one"
    assert arm("PUT", path, version="2022-10-01-preview", json=ONE.connector(sqsUrls=[url])).status_code == 201
    deliver(e)
    e.read_queues()
    assert [row["RecipientAccountId"] for row in e.rows(TABLE)] == [MEMBER]
    assert e.operations(write=True) == [
        "CreateOpenIDConnectProvider",
        "CreateRole",
        "PutRolePolicy",
        "CreateQueue",
        "PutBucketNotificationConfiguration",
        "DataConnectors_CreateOrUpdate",
    ]
