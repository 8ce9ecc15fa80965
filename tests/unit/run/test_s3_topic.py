# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""S3 sources whose queue is subscribed to an SNS topic that the bucket notifies: life cycle, drift, other accounts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.emulators import trail
from tests.emulators.client import Emulators
from tests.faults import engine
from tests.resources import B

from .test_s3_source import ARCHIVE, CREATED, LOGS, ONE, ORGANIZATION, REMOVAL, REMOVED, calls, codes, live, run, writes

SUBSCRIBED = ["Subscribe" if name.startswith("PutBucket") else name for name in CREATED]
UNSUBSCRIBED = ["Unsubscribe" if name.startswith("PutBucket") else name for name in REMOVED]

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def quick(here: Emulators) -> Iterator[None]:
    LOGS.make_bucket(here)
    with engine.short_pauses():
        yield


@pytest.fixture
def source(here: Emulators) -> Json:
    """A source with a topic that the bucket notifies."""
    topic = LOGS.make_topic(here)
    LOGS.notify_topic(here, topic)
    here.forget()
    return {**ONE, **REMOVAL, "topic_arn": topic}


def test_the_queue_is_subscribed_and_the_bucket_is_left_alone(here: Emulators, source: Json) -> None:
    assert live(here, source) == (SUBSCRIBED, UNSUBSCRIBED)
    assert here.boto("sns", ARCHIVE).list_subscriptions()["Subscriptions"] == []


def test_events_arrive_through_the_topic(here: Emulators, source: Json) -> None:
    assert codes(run(source)) >= {"subscription_missing"}
    trail.deliver(here, LOGS.bucket, ARCHIVE, ARCHIVE, organization=ORGANIZATION)
    assert [one["code"] for one in here.read_queues()] == [""]
    assert {row["RecipientAccountId"] for row in here.rows("AWSCloudTrail")} == {ARCHIVE}
    again = run(source)
    assert (calls(again), codes(again)) == ([], set())


# --- drift ---


def subscription_of(here: Emulators) -> str:
    [found] = here.boto("sns", ARCHIVE).list_subscriptions()["Subscriptions"]
    return str(found["SubscriptionArn"])


def set_attribute(here: Emulators, name: str, value: str) -> None:
    here.boto("sns", ARCHIVE).set_subscription_attributes(
        SubscriptionArn=subscription_of(here), AttributeName=name, AttributeValue=value
    )


def widen_policy(here: Emulators, resource: str) -> None:
    """Let SNS send the messages of every topic of the account."""
    sqs = here.boto("sqs", ARCHIVE)
    [url] = [one for one in sqs.list_queues()["QueueUrls"] if not one.endswith("-dlq")]
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    policy["Statement"][0]["Condition"] = {"ArnLike": {"aws:SourceArn": resource}}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})


@pytest.mark.parametrize(
    ("drift", "code", "repair"),
    [
        (
            lambda e: set_attribute(e, "RawMessageDelivery", "false"),
            "subscription_not_raw",
            "SetSubscriptionAttributes",
        ),
        (
            lambda e: set_attribute(e, "FilterPolicy", '{"team": ["siem"]}'),
            "subscription_filter",
            "SetSubscriptionAttributes",
        ),
        (
            lambda e: e.boto("sns", ARCHIVE).unsubscribe(SubscriptionArn=subscription_of(e)),
            "subscription_missing",
            "Subscribe",
        ),
        (
            lambda e: e.control("subscription", arn=subscription_of(e), pending=True),
            "subscription_pending",
            "Subscribe",
        ),
        (lambda e: widen_policy(e, f"arn:aws:sns:us-east-1:{ARCHIVE}:*"), "queue_policy_topic", "SetQueueAttributes"),
        (lambda e: widen_policy(e, "arn:aws:sns:*:*:*"), "queue_policy_sender", "SetQueueAttributes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_drift_is_found_and_repaired_by_one_call(
    here: Emulators, source: Json, drift: Any, code: str, repair: str
) -> None:
    run(source)
    drift(here)
    preview = run(source, check_mode=True)
    assert (codes(preview), calls(preview)) == ({code}, [repair])
    here.forget()
    repaired = run(source)
    assert (codes(repaired), writes(here)) == ({code}, [repair])
    assert {one.code for one in repaired.report.repaired} == {code}
    again = run(source)
    assert (codes(again), calls(again)) == (set(), [])


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": f"{LOGS.prefix}1"}]}}}, "narrower"),
        ({"Events": ["s3:ObjectCreated:Put"]}, "narrower"),
        ({"Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "AWSLogs/"}]}}}, "wider"),
        ({"TopicArn": ""}, "missing"),
    ],
)
def test_a_topic_that_the_bucket_does_not_notify_of_these_objects_is_a_finding(
    here: Emulators, source: Json, changed: Json, code: str
) -> None:
    run(source)
    if "TopicArn" in changed:
        changed = {"TopicArn": LOGS.make_topic(here, name="another")}
    LOGS.notify_topic(here, source["topic_arn"], **changed)
    found = run(source)
    assert (codes(found), calls(found)) == ({f"notification_topic_{code}"}, [])


def test_what_others_have_in_the_topic_and_the_bucket_stays(here: Emulators, source: Json) -> None:
    sns, s3 = here.boto("sns", ARCHIVE), here.boto("s3", ARCHIVE)
    other = f"arn:aws:sqs:us-east-1:{ARCHIVE}:siem"
    sns.subscribe(TopicArn=source["topic_arn"], Protocol="sqs", Endpoint=other)
    before = (
        sns.list_subscriptions()["Subscriptions"],
        sns.get_topic_attributes(TopicArn=source["topic_arn"])["Attributes"]["Policy"],
        s3.get_bucket_notification_configuration(Bucket=LOGS.bucket)["TopicConfigurations"],
    )
    live(here, source)
    assert before == (
        sns.list_subscriptions()["Subscriptions"],
        sns.get_topic_attributes(TopicArn=source["topic_arn"])["Attributes"]["Policy"],
        s3.get_bucket_notification_configuration(Bucket=LOGS.bucket)["TopicConfigurations"],
    )


# --- from a bucket that notifies the queue to one that notifies a topic ---


def test_a_direct_entry_stays_until_the_topic_is_notified_in_its_place(here: Emulators) -> None:
    assert calls(run(ONE)) == CREATED
    topic = LOGS.make_topic(here)
    source = {**ONE, **REMOVAL, "topic_arn": topic}
    moved = run(source)
    assert calls(moved) == ["SetQueueAttributes", "Subscribe"]
    assert codes(moved) >= {"notification_topic_missing", "subscription_missing", "queue_policy_missing"}
    trail.deliver(here, LOGS.bucket, ARCHIVE, ARCHIVE, organization=ORGANIZATION)
    LOGS.notify_topic(here, topic)
    trail.deliver(here, LOGS.bucket, ARCHIVE, ARCHIVE, organization=ORGANIZATION)
    assert (codes(run(source)), calls(run(source))) == (set(), [])
    here.read_queues()
    assert len(here.rows("AWSCloudTrail")) == 2


def test_a_direct_entry_beside_the_topic_is_removed(here: Emulators) -> None:
    run({**ONE, "prefix": "old/", "queue_name": "trail"})
    topic = LOGS.make_topic(here)
    s3 = here.boto("s3", ARCHIVE)
    document = s3.get_bucket_notification_configuration(Bucket=LOGS.bucket)
    entry = {**LOGS.entry(Id="fan-out"), "TopicArn": topic}
    del entry["QueueArn"]
    s3.put_bucket_notification_configuration(
        Bucket=LOGS.bucket,
        NotificationConfiguration={
            "QueueConfigurations": document["QueueConfigurations"],
            "TopicConfigurations": [entry],
        },
    )
    source = {**ONE, "queue_name": "trail", "topic_arn": topic}
    moved = run(source)
    assert "notification_wider" in codes(moved)
    assert calls(moved)[-2:] == ["Subscribe", "PutBucketNotificationConfiguration"]
    found = s3.get_bucket_notification_configuration(Bucket=LOGS.bucket)
    assert "QueueConfigurations" not in found
    assert (codes(run(source)), calls(run(source))) == (set(), [])


def test_a_notification_that_a_topic_has_taken_names_the_option(here: Emulators, source: Json) -> None:
    topic = source.pop("topic_arn")
    error = run(source).error
    assert error
    assert error.kind == "notification_conflict"
    assert f"topic_arn of the source to {topic}" in str(error)


# --- topics that cannot be used ---


OWNER = "333333333333"


def refused(here: Emulators, source: Json) -> str:
    here.forget()
    errors = [run(source, check_mode=one).error for one in (True, False)]
    assert all(errors)
    assert str(errors[0]) == str(errors[1])
    assert writes(here) == []
    assert errors[0]
    return f"{errors[0].kind} {errors[0]}"


def test_a_topic_of_another_region_is_refused(here: Emulators) -> None:
    message = refused(here, {**ONE, "topic_arn": f"arn:aws:sns:eu-west-1:{ARCHIVE}:fan-out"})
    assert message.startswith("bad_input ")
    assert "eu-west-1" in message


def test_a_topic_that_does_not_exist_is_refused(here: Emulators, source: Json) -> None:
    message = refused(here, {**source, "topic_arn": f"{source['topic_arn']}2"})
    assert message.startswith("bad_input ")
    assert f"{source['topic_arn']}2" in message


def test_a_topic_of_another_account_is_used_once_its_owner_added_the_statement(here: Emulators) -> None:
    topic = LOGS.make_topic(here, account=OWNER)
    LOGS.notify_topic(here, topic)
    source = {**ONE, **REMOVAL, "topic_arn": topic}
    message = refused(here, source)
    assert message.startswith("aws_denied ")
    statement = json.loads(message[message.index("{") : message.rindex("}") + 1])
    LOGS.make_topic(here, statement, account=OWNER)
    assert live(here, source) == (SUBSCRIBED, UNSUBSCRIBED)


def test_a_subscription_that_the_owner_of_the_topic_created_is_left_alone(here: Emulators, source: Json) -> None:
    run(source)
    here.control("subscription", arn=subscription_of(here), owner=OWNER)
    found = run(source)
    assert (codes(found), calls(found)) == ({"subscription_foreign"}, [])
    assert "Unsubscribe" not in calls(run(source, absent=True))


def test_the_source_is_removed_where_the_topic_is_gone(here: Emulators, source: Json) -> None:
    run(source)
    here.boto("sns", ARCHIVE).delete_topic(TopicArn=source["topic_arn"])
    assert calls(run(source, absent=True)) == [name for name in UNSUBSCRIBED if name != "Unsubscribe"]


def test_two_workspaces_read_the_same_objects_by_one_role(here: Emulators, source: Json) -> None:
    here.add_workspace(name="second", customer_id=B)
    other, second = {**source, "queue_name": "second"}, {"sentinel_workspace": "second"}
    run(source)
    assert "PutRolePolicy" in calls(run(other, **second))
    assert (calls(run(source)), calls(run(other, **second))) == ([], [])
    assert len(here.boto("iam", ARCHIVE).list_role_policies(RoleName=LOGS.role_name)["PolicyNames"]) == 2
    assert "DeleteRolePolicy" in calls(run(other, absent=True, **second))
    assert calls(run(source)) == []


# --- connections that others made ---


def subscribe_by_hand(here: Emulators, topic: str) -> None:
    hand = replace(LOGS, queue_name="by-hand", role_name="OIDC_ByHand")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": hand.queue.arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    hand.make_provider(here)
    hand.make_role(here)
    hand.make_queue(here, {"Version": "2012-10-17", "Statement": [statement]})
    here.boto("sns", ARCHIVE).subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=hand.queue.arn, Attributes={"RawMessageDelivery": "true"}
    )
    here.seed_connector(hand.connector())
    here.forget()


@pytest.mark.parametrize("options", [{}, {"queue_name": "by-hand"}], ids=["", "named"])
def test_a_subscribed_queue_that_a_connector_reads_is_adopted_without_a_write(
    here: Emulators, source: Json, options: Json
) -> None:
    subscribe_by_hand(here, source["topic_arn"])
    adopted = run({**source, **options})
    assert (calls(adopted), codes(adopted), writes(here)) == ([], set(), [])


def test_the_role_of_another_subscribed_queue_is_not_taken_for_a_named_one(here: Emulators, source: Json) -> None:
    subscribe_by_hand(here, source["topic_arn"])
    mine = {**source, "queue_name": "mine"}
    assert calls(run(mine)) == [one for one in SUBSCRIBED if one != "CreateOpenIDConnectProvider"]
    again = run(mine)
    assert (calls(again), codes(again)) == ([], set())
