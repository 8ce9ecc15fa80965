# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The subscription of a queue to a topic, and the notification of a bucket that notifies the topic."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3 import notification, subscription
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.notification import Notification
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.subscription import (
    SUBSCRIPTION,
    Subscription,
)
from tests.unit.model.s3 import ACCOUNT, BUCKET, OTHER, PREFIX, spec

TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:fan-out"
SPEC = spec(topic_arn=TOPIC)
ARN = f"{TOPIC}:1"
MADE = Subscription(TOPIC, SPEC.queue_arn, ARN, ACCOUNT)
SUBSCRIBE = Call(
    "Subscribe",
    {
        "TopicArn": TOPIC,
        "Protocol": "sqs",
        "Endpoint": SPEC.queue_arn,
        "Attributes": {"RawMessageDelivery": "true"},
    },
)


def set_attribute(name: str, value: str) -> Call:
    args = {"SubscriptionArn": ARN, "AttributeName": name, "AttributeValue": value}
    return Call("SetSubscriptionAttributes", args)


CASES: dict[str, tuple[Subscription | None, list[Call], list[str]]] = {
    "as desired": (MADE, [], []),
    "none": (None, [SUBSCRIBE], ["subscription_missing"]),
    "not confirmed": (replace(MADE, arn="", is_pending=True), [SUBSCRIBE], ["subscription_pending"]),
    "not confirmed, of another account": (
        replace(MADE, arn="", owner=OTHER, is_pending=True),
        [SUBSCRIBE],
        ["subscription_pending"],
    ),
    "of another account": (replace(MADE, owner=OTHER), [], ["subscription_foreign"]),
    "not raw": (
        replace(MADE, has_raw_delivery=False),
        [set_attribute("RawMessageDelivery", "true")],
        ["subscription_not_raw"],
    ),
    "filtered": (
        replace(MADE, filter_policy={"team": ["siem"]}),
        [set_attribute("FilterPolicy", "{}")],
        ["subscription_filter"],
    ),
    "both": (
        replace(MADE, has_raw_delivery=False, filter_policy={"team": ["siem"]}),
        [set_attribute("RawMessageDelivery", "true"), set_attribute("FilterPolicy", "{}")],
        ["subscription_filter", "subscription_not_raw"],
    ),
}


@pytest.mark.parametrize(("have", "calls", "codes"), CASES.values(), ids=list(CASES))
def test_the_plan_and_the_findings(have: Subscription | None, calls: list[Call], codes: list[str]) -> None:
    want = SUBSCRIPTION.overlay(SPEC, have)
    assert SUBSCRIPTION.plan(have, want) == calls
    assert [one.code for one in SUBSCRIPTION.findings(SPEC, have)] == codes
    assert SUBSCRIPTION.plan(want, SUBSCRIPTION.overlay(SPEC, want)) == []


@pytest.mark.parametrize(
    ("have", "removed"),
    [
        (None, False),
        (MADE, True),
        (replace(MADE, has_raw_delivery=False), True),
        (replace(MADE, arn="", is_pending=True), False),
        (replace(MADE, owner=OTHER), False),
    ],
)
def test_only_a_confirmed_subscription_of_the_account_is_removed(have: Subscription | None, *, removed: bool) -> None:
    calls = SUBSCRIPTION.plan(have, SUBSCRIPTION.without(SPEC, have))
    assert calls == ([Call("Unsubscribe", {"SubscriptionArn": ARN})] if removed else [])
    assert bool(SUBSCRIPTION.removable(SPEC, have)) == removed


def test_a_topic_of_another_region_is_refused() -> None:
    subscription.check_region(SPEC)
    with pytest.raises(SentinelError, match="eu-central-1") as raised:
        subscription.check_region(spec(topic_arn=TOPIC.replace("eu-west-1", "eu-central-1")))
    assert raised.value.kind == "bad_input"


def test_the_error_for_a_topic_that_does_not_admit_the_account_has_the_statement() -> None:
    message = str(subscription.not_allowed(SPEC, "denied"))
    statement = json.loads(message[message.index("{") : message.rindex("}") + 1])
    assert statement["Resource"] == TOPIC
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


# --- the bucket ---


def entry(prefix: str = PREFIX, suffix: str = ".gz", topic: str = TOPIC, **more: Any) -> dict[str, Any]:
    rules = [{"Name": "Prefix", "Value": prefix}, {"Name": "Suffix", "Value": suffix}]
    filtered = {"Filter": {"Key": {"FilterRules": rules}}}
    return {"Id": "fan-out", "TopicArn": topic, "Events": ["s3:ObjectCreated:*"], **filtered, **more}


OWN = {**entry(), "Id": "sentinel", "QueueArn": SPEC.queue_arn}
del OWN["TopicArn"]


@pytest.mark.parametrize(
    ("topics", "queues", "codes", "removed"),
    {
        "the topic": ([entry()], [], [], False),
        "without suffix": ([entry(suffix="")], [], [], False),
        "not encoded": ([entry(suffix="=.gz")], [], ["notification_topic_narrower"], False),
        "nothing": ([], [], ["notification_topic_missing"], False),
        "another topic": ([entry(topic=f"{TOPIC}2")], [], ["notification_topic_missing"], False),
        "the queue": ([], [OWN], ["notification_topic_missing"], False),
        "a part": ([entry(f"{PREFIX}1")], [OWN], ["notification_topic_narrower"], False),
        "two parts": ([entry(), entry("more/")], [], ["notification_topic_wider"], False),
        "an event": ([entry(Events=["s3:ObjectCreated:Put"])], [], ["notification_topic_narrower"], False),
        "more": ([entry("o-")], [], ["notification_topic_wider"], False),
        "both": ([entry()], [OWN], ["notification_wider"], True),
    }.values(),
)
def test_the_bucket_has_to_notify_the_topic_and_nobody_changes_that(
    topics: list[Any], queues: list[Any], codes: list[str], *, removed: bool
) -> None:
    have = Notification(BUCKET, ACCOUNT, {"TopicConfigurations": topics, "QueueConfigurations": queues})
    assert [one.code for one in notification.findings(SPEC, have)] == codes
    want = notification.overlay(SPEC, have)
    assert want == (replace(have, document={"TopicConfigurations": topics}) if removed else have)


@pytest.mark.parametrize(
    ("taken", "named"),
    [(entry(), f"topic_arn of the source to {TOPIC}"), ({**entry(), "QueueArn": "arn:aws:sqs:x"}, "an SNS topic")],
)
def test_where_the_notification_is_taken_the_error_names_the_way_out(taken: dict[str, Any], named: str) -> None:
    kind = "QueueConfigurations" if "QueueArn" in taken else "TopicConfigurations"
    have = Notification(BUCKET, ACCOUNT, {kind: [taken]})
    with pytest.raises(SentinelError, match=named) as raised:
        notification.overlay(spec(), have)
    assert raised.value.kind == "notification_conflict"
