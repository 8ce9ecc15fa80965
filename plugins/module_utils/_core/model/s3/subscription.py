# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The subscription of the queue to an SNS topic that the bucket notifies; the topic belongs to others. Pure.

Sources: "Fanout to Amazon SQS queues", "Sending Amazon SNS messages to an Amazon SQS queue in a different account" and
"Amazon SNS raw message delivery" (Amazon SNS Developer Guide); "Subscribe" (Amazon SNS API Reference).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import SentinelError, cannot
from ..findings import Finding, finding, ordered
from ..plan import Call
from ..resource import Resource
from .source import S3SourceSpec

PROTOCOL = "sqs"


@dataclass(frozen=True, slots=True)
class Subscription:
    """The subscription of a queue to a topic; `owner` is the account that created it, which alone may change it.

    `arn` is empty for one that is not confirmed. `filter_policy` is decoded JSON, empty if there is none. The settings
    of a subscription of another account are those of a desired one: they cannot be read.
    """

    topic_arn: str
    queue_arn: str
    arn: str = ""
    owner: str = ""
    has_raw_delivery: bool = True
    filter_policy: Mapping[str, Any] = field(default_factory=dict)
    is_pending: bool = False


def check_region(spec: S3SourceSpec) -> None:
    """Raise bad_input for a topic that the bucket cannot notify, because it is in another Region."""
    region = spec.topic_arn.split(":")[3]
    if region != spec.region:
        cause = (
            f"it is in {region}, and the bucket in {spec.region}: S3 notifies topics of its own Region only. Its owner "
            f"would have to create a topic in {spec.region}, and let the bucket notify that one"
        )
        raise cannot("bad_input", f"use topic {spec.topic_arn} for bucket {spec.bucket}", cause)


def not_allowed(spec: S3SourceSpec, reason: str) -> SentinelError:
    """Return the error for a topic of another account that does not admit this one, with the statement to add."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{spec.partition}:iam::{spec.account_id}:root"},
        "Action": ["sns:ListSubscriptionsByTopic", "sns:Subscribe"],
        "Resource": spec.topic_arn,
    }
    advice = f"The owner of the topic has to add this statement to its policy: {json.dumps(statement)}."
    what = f"subscribe queue {spec.queue_name} of account {spec.account_id} to topic {spec.topic_arn}"
    return cannot("aws_denied", what, reason, advice=advice)


def _is_foreign(spec: S3SourceSpec, have: Subscription) -> bool:
    """Return whether another account created the subscription, so that this one may not change it."""
    return not have.is_pending and have.owner != spec.account_id


def overlay(spec: S3SourceSpec, have: Subscription | None) -> Subscription:
    """Return the desired subscription: confirmed, with raw delivery of all messages."""
    if have and _is_foreign(spec, have):
        return have
    base = have or Subscription(spec.topic_arn, spec.queue_arn, owner=spec.account_id)
    return replace(base, has_raw_delivery=True, filter_policy={}, is_pending=False)


def removable(spec: S3SourceSpec, have: Subscription | None) -> Subscription | None:
    """Return the subscription if a removal may delete it; AWS itself deletes one that is never confirmed."""
    return None if have is None or have.is_pending or _is_foreign(spec, have) else have


def without(spec: S3SourceSpec, have: Subscription | None) -> Subscription | None:
    """Return what remains after the removal: None, or a subscription that cannot be removed."""
    return None if removable(spec, have) else have


def plan(have: Subscription | None, want: Subscription | None) -> list[Call]:
    """Return the calls of SNS that turn one subscription into the other; the owner of the queue need not confirm it."""
    if want is None:
        return [Call("Unsubscribe", {"SubscriptionArn": have.arn})] if have else []
    if have is None or (have.is_pending and not want.is_pending):
        attributes = {"RawMessageDelivery": "true"}
        place = {"TopicArn": want.topic_arn, "Protocol": PROTOCOL, "Endpoint": want.queue_arn}
        return [Call("Subscribe", {**place, "Attributes": attributes})]
    return [
        Call("SetSubscriptionAttributes", {"SubscriptionArn": have.arn, "AttributeName": name, "AttributeValue": value})
        for name, value in _changed_attributes(have, want)
    ]


def _changed_attributes(have: Subscription, want: Subscription) -> Iterator[tuple[str, str]]:
    if have.has_raw_delivery != want.has_raw_delivery:
        yield "RawMessageDelivery", str(want.has_raw_delivery).lower()
    if have.filter_policy != want.filter_policy:
        yield "FilterPolicy", json.dumps(want.filter_policy)


def findings(spec: S3SourceSpec, have: Subscription | None) -> list[Finding]:
    """Return the differences between the existing subscription and the desired one, the most severe first."""
    what = f"queue {spec.queue_name} to topic {spec.topic_arn}"
    if have is None:
        return [finding("subscription_missing", f"No subscription of {what} exists.")]
    if have.is_pending:
        return [finding("subscription_pending", f"The subscription of {what} is not confirmed.")]
    if _is_foreign(spec, have):
        return [finding("subscription_foreign", f"The subscription of {what} belongs to account {have.owner}.")]
    return ordered(_setting_findings(what, have))


def _setting_findings(what: str, have: Subscription) -> Iterator[Finding]:
    if not have.has_raw_delivery:
        yield finding("subscription_not_raw", f"The subscription of {what} has no raw message delivery.")
    if have.filter_policy:
        shown = json.dumps(have.filter_policy)
        yield finding("subscription_filter", f"The subscription of {what} has a filter policy: {shown}.")


def show(have: Subscription | None) -> dict[str, Any]:
    """Return the subscription as it appears in results; {} for None."""
    if have is None:
        return {}
    return {
        "arn": have.arn or None,
        "topic_arn": have.topic_arn,
        "endpoint": have.queue_arn,
        "owner": have.owner,
        "raw_message_delivery": have.has_raw_delivery,
        "filter_policy": dict(have.filter_policy) or None,
        "pending_confirmation": have.is_pending,
    }


SUBSCRIPTION: Resource[S3SourceSpec, Subscription] = Resource(
    name="subscription",
    title=lambda spec: f"subscription of queue {spec.queue_name} to topic {spec.topic_arn}",
    overlay=overlay,
    without=without,
    plan=plan,
    findings=findings,
    show=lambda _spec, have: show(have),
    id=lambda _spec, have: (have.arn or have.topic_arn) if have else "",
    removable=removable,
)
