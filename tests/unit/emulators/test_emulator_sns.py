# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SNS in front of moto: topics of other accounts, owners of subscriptions, confirmation; asked by real botocore."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulators.client import Emulators
from tests.emulators.s3_connection import S3Connection

from .clients import client, refused

ONE = S3Connection()
A, B = ONE.account, "333333333333"
SHARED = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{B}:root"},
    "Action": ["sns:ListSubscriptionsByTopic", "sns:Subscribe"],
    "Resource": f"arn:aws:sns:us-east-1:{A}:fan-out",
}


def queue_of(account: str) -> str:
    return f"arn:aws:sqs:us-east-1:{account}:mine"


def subscribe(sns: Any, topic: str, queue: str, raw: str = "true") -> str:
    place = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue}
    return str(sns.subscribe(**place, Attributes={"RawMessageDelivery": raw})["SubscriptionArn"])


def test_the_policy_of_a_topic_decides_about_other_accounts(e: Emulators) -> None:
    topic = ONE.make_topic(e)
    sns = client(e, "sns", B)
    assert refused(sns.list_subscriptions_by_topic, TopicArn=topic)[:2] == (403, "AuthorizationError")
    ONE.make_topic(e, SHARED)
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    assert refused(sns.get_topic_attributes, TopicArn=topic)[:2] == (403, "AuthorizationError")


def test_a_subscription_belongs_to_the_account_that_creates_it(e: Emulators) -> None:
    topic = ONE.make_topic(e, SHARED)
    theirs, ours = client(e, "sns", B), client(e, "sns", A)
    arn = subscribe(theirs, topic, queue_of(B))
    assert arn.startswith(f"{topic}:")
    assert [one["Owner"] for one in ours.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]] == [B]
    assert theirs.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["Owner"] == B
    assert refused(ours.get_subscription_attributes, SubscriptionArn=arn)[:2] == (403, "AuthorizationError")
    assert refused(ours.unsubscribe, SubscriptionArn=arn)[1] == "AuthorizationError"
    theirs.unsubscribe(SubscriptionArn=arn)
    assert ours.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_a_queue_of_another_account_has_to_confirm(e: Emulators) -> None:
    topic = ONE.make_topic(e, SHARED)
    theirs, ours = client(e, "sns", B), client(e, "sns", A)
    assert subscribe(ours, topic, queue_of(B)) == "pending confirmation"
    [listed] = ours.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    assert subscribe(theirs, topic, queue_of(B)).startswith("arn:")
    [listed] = ours.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (listed["SubscriptionArn"].startswith("arn:"), listed["Owner"]) == (True, B)


def test_a_second_subscription_has_the_same_settings(e: Emulators) -> None:
    topic, sns = ONE.make_topic(e), client(e, "sns", A)
    arn = subscribe(sns, topic, queue_of(A))
    assert subscribe(sns, topic, queue_of(A)) == arn
    with pytest.raises(sns.exceptions.InvalidParameterException, match="different attributes"):
        subscribe(sns, topic, queue_of(A), "false")


def test_a_topic_is_asked_in_its_region(e: Emulators) -> None:
    topic = ONE.make_topic(e)
    elsewhere = client(e, "sns", A, "eu-west-1")
    assert refused(elsewhere.list_subscriptions_by_topic, TopicArn=topic)[1] == "InvalidParameter"
    ours = client(e, "sns", A)
    assert refused(ours.list_subscriptions_by_topic, TopicArn=f"{topic}2")[:2] == (404, "NotFound")
