# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQS in front of moto: addresses, attributes, other accounts; asked by real botocore."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.emulators import faults, sqs_query
from tests.emulators.client import Emulators
from tests.emulators.s3_connection import S3Connection

from .clients import client, refused

ONE = S3Connection()
A, B = ONE.account, "333333333333"
URL = ONE.queue.url
DEAD = f"{ONE.queue.arn}-dlq"


@pytest.fixture
def sqs(e: Emulators) -> Any:
    return client(e, "sqs", A)


def make(sqs: Any, name: str = ONE.queue_name, **attributes: str) -> str:
    return str(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def attributes_of(sqs: Any, url: str = URL) -> dict[str, str]:
    found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return found


def redrive(arn: str = DEAD) -> str:
    return json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})


def test_a_queue_has_the_address_of_its_region(e: Emulators, sqs: Any) -> None:
    assert make(sqs) == "https://sqs.us-east-1.amazonaws.com/222222222222/sentinel-cloudtrail"
    assert sqs.get_queue_url(QueueName=ONE.queue_name)["QueueUrl"] == URL
    assert sqs.list_queues()["QueueUrls"] == [URL]
    there = client(e, "sqs", A, "eu-west-1")
    assert make(there) == URL.replace("us-east-1", "eu-west-1")
    assert refused(there.get_queue_attributes, QueueUrl=URL)[1] == "InvalidAddress"
    assert e.operations("sqs", write=True) == ["CreateQueue", "CreateQueue"]


def test_older_addresses_are_accepted(e: Emulators, sqs: Any) -> None:
    make(sqs)
    for url in (
        f"https://us-east-1.queue.amazonaws.com/{A}/{ONE.queue_name}",
        f"https://queue.amazonaws.com/{A}/{ONE.queue_name}",
    ):
        assert attributes_of(sqs, url)["QueueArn"] == ONE.queue.arn


def test_other_attributes_are_kept(e: Emulators, sqs: Any) -> None:
    make(sqs, f"{ONE.queue_name}-dlq")
    make(sqs, Policy=json.dumps(ONE.queue_policy()), MessageRetentionPeriod="1209600", RedrivePolicy=redrive())
    sqs.set_queue_attributes(QueueUrl=URL, Attributes={"ReceiveMessageWaitTimeSeconds": "20"})
    found = attributes_of(sqs)
    assert json.loads(found["Policy"]) == ONE.queue_policy()
    assert (found["MessageRetentionPeriod"], found["ReceiveMessageWaitTimeSeconds"]) == ("1209600", "20")
    assert json.loads(found["RedrivePolicy"])["deadLetterTargetArn"] == DEAD
    sqs.set_queue_attributes(QueueUrl=URL, Attributes={"Policy": ""})
    assert "Policy" not in attributes_of(sqs)


def test_the_same_queue_again_is_no_error_and_another_is(e: Emulators, sqs: Any) -> None:
    make(sqs, VisibilityTimeout="60")
    assert make(sqs, VisibilityTimeout="60") == URL
    wanted = {"VisibilityTimeout": "90"}
    assert refused(sqs.create_queue, QueueName=ONE.queue_name, Attributes=wanted)[1] == "QueueAlreadyExists"


@pytest.mark.parametrize("make_first", [True, False])
def test_a_dead_letter_queue_must_be_there_first(e: Emulators, sqs: Any, make_first: bool) -> None:
    if make_first:
        make(sqs)
        wanted = {"QueueUrl": URL, "Attributes": {"RedrivePolicy": redrive()}}
        status, code, message = refused(sqs.set_queue_attributes, **wanted)
    else:
        wanted = {"QueueName": ONE.queue_name, "Attributes": {"RedrivePolicy": redrive()}}
        status, code, message = refused(sqs.create_queue, **wanted)
    assert (status, code) == (400, "InvalidParameterValue")
    assert message.endswith("for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.")


@pytest.mark.parametrize(
    "policy",
    [
        "nonsense",
        "{}",
        '{"Statement": [{"Effect": "Maybe", "Action": "*"}]}',
        json.dumps({"Statement": {"Effect": "Allow", "Principal": {"AWS": ONE.role_arn}, "Action": "sqs:*"}}),
    ],
)
def test_a_bad_policy_is_refused(e: Emulators, sqs: Any, policy: str) -> None:
    make(sqs)
    answer = refused(sqs.set_queue_attributes, QueueUrl=URL, Attributes={"Policy": policy})
    assert answer == (400, "InvalidAttributeValue", "Invalid value for the parameter Policy.")


def test_a_policy_may_name_a_role_that_is_there(e: Emulators, sqs: Any) -> None:
    ONE.make_role(e)
    policy = {"Statement": {"Effect": "Allow", "Principal": {"AWS": ONE.role_arn}, "Action": "sqs:*"}}
    make(sqs, Policy=json.dumps(policy))
    assert json.loads(attributes_of(sqs)["Policy"]) == policy


def test_a_queue_that_is_not_there(e: Emulators, sqs: Any) -> None:
    assert refused(sqs.get_queue_url, QueueName="gone")[1] == "AWS.SimpleQueueService.NonExistentQueue"
    assert refused(sqs.get_queue_attributes, QueueUrl=URL)[1] == "AWS.SimpleQueueService.NonExistentQueue"
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.delete_queue(QueueUrl=URL)


def test_a_name_may_be_blocked_after_a_delete(e: Emulators, sqs: Any) -> None:
    e.settings(queue_deleted_seconds=60)
    make(sqs)
    sqs.delete_queue(QueueUrl=URL)
    with pytest.raises(sqs.exceptions.QueueDeletedRecently):
        make(sqs)
    e.settings(queue_deleted_seconds=0)
    assert make(sqs) == URL


def test_reads_may_show_what_was_there_before(e: Emulators, sqs: Any) -> None:
    make(sqs)
    e.settings(queue_lag_seconds=60, queue_lag_reads=True)
    sqs.set_queue_attributes(QueueUrl=URL, Attributes={"Policy": json.dumps(ONE.queue_policy())})
    assert "Policy" not in attributes_of(sqs)
    e.settings(queue_lag_reads=False)
    assert json.loads(attributes_of(sqs)["Policy"]) == ONE.queue_policy()


def test_another_account_needs_the_queues_policy(e: Emulators, sqs: Any) -> None:
    make(sqs)
    other = client(e, "sqs", B)
    status, code, message = refused(other.get_queue_attributes, QueueUrl=URL)
    assert (status, code) == (403, "AccessDenied")
    assert f"sqs:GetQueueAttributes on resource: {ONE.queue.arn}" in message
    lookup = {"QueueName": ONE.queue_name, "QueueOwnerAWSAccountId": A}
    assert refused(other.get_queue_url, **lookup)[1] == "AccessDenied"
    grant = {"Effect": "Allow", "Principal": {"AWS": B}, "Action": "sqs:Get*", "Resource": ONE.queue.arn}
    sqs.set_queue_attributes(QueueUrl=URL, Attributes={"Policy": json.dumps({"Statement": [grant]})})
    assert other.get_queue_url(**lookup)["QueueUrl"] == URL
    assert attributes_of(other)["QueueArn"] == ONE.queue.arn
    assert {request["account"] for request in e.requests("sqs")} == {A, B}


@pytest.mark.parametrize("refusal", [faults.SQS_THROTTLED, faults.SCP_DENIED, faults.UNAVAILABLE])
def test_faults_are_worded_as_by_sqs(e: Emulators, sqs: Any, refusal: dict[str, Any]) -> None:
    e.fault(operation="CreateQueue", account=A, times=1, **refusal)
    answer = refused(sqs.create_queue, QueueName=ONE.queue_name)
    assert answer[:2] == (refusal["status"], refusal["code"])
    assert make(sqs) == URL


def test_a_queues_account_is_one_of_the_faults(e: Emulators, sqs: Any) -> None:
    make(sqs)
    e.fault(account=A, **faults.SQS_THROTTLED)
    assert refused(client(e, "sqs", B).get_queue_attributes, QueueUrl=URL)[1] == "ThrottlingException"


# --- the query protocol ---


BODY = (
    b"Action=SetQueueAttributes&QueueUrl=https%3A%2F%2Fqueue&Attribute.1.Name=Policy&Attribute.1.Value=%7B%7D"
    b"&Tag.1.Key=owner&Tag.1.Value=&AttributeName.1=All"
)


def test_requests_in_the_query_protocol_are_read_as_those_in_json() -> None:
    assert sqs_query.is_query(BODY)
    assert not sqs_query.is_query(b'{"QueueUrl": "https://queue"}')
    assert sqs_query.operation(BODY) == "SetQueueAttributes"
    read = sqs_query.parameters(sqs_query.with_attribute(BODY, "DelaySeconds", "5"))
    assert read["QueueUrl"] == "https://queue"
    assert (read["Attributes"], read["Tags"]) == ({"Policy": "{}", "DelaySeconds": "5"}, {"owner": ""})


def test_attributes_in_the_query_protocol_can_be_replaced() -> None:
    values = {"Policy": '{"a": "<b>"}', "DelaySeconds": "5"}
    text = "<R><Attribute><Name>A</Name><Value>1</Value></Attribute></R>"
    changed = sqs_query.with_attributes(text, values)
    assert sqs_query.attributes(changed) == values
    assert sqs_query.with_attributes("<R/>", values) == "<R/>"
