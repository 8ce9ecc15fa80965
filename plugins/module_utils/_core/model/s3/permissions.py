# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The permissions that sessions need for an S3 source: one reads by patterns, one makes the calls of a plan. Pure.

Sources: "Actions, resources, and condition keys" of Amazon SQS, Amazon SNS, Amazon S3 and AWS CloudTrail (Service
Authorization Reference).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..plan import Call
from ..role import permissions as roles
from ..session_policy import allow
from .source import S3SourceSpec

# Calls that AWS allows only together with another action: those that set tags.
_ALSO = {"CreateOpenIDConnectProvider": ("TagOpenIDConnectProvider",), "CreateRole": ("TagRole",)}

Statements = list[dict[str, Any]]


def read(spec: S3SourceSpec) -> Statements:
    """Return what all reads of a source need; the names of a spec may be patterns."""
    return [
        *bucket_read(spec.bucket_arn),
        *provider_read(spec),
        *role_read(spec),
        *queue_read(spec),
        *subscription_read(spec),
        *notification_read(spec),
    ]


def bucket_read(bucket_arn: str) -> Statements:
    """Return what finding Region, trail and prefix of a bucket needs."""
    return [
        allow(["s3:GetBucketLocation", "s3:ListBucket"], bucket_arn),
        allow(["cloudtrail:DescribeTrails", "organizations:DescribeOrganization"], "*"),
    ]


def queue_read(spec: S3SourceSpec) -> Statements:
    """Return what reading queue and dead-letter queue needs."""
    actions = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags"]
    return [allow(actions, f"arn:{spec.partition}:sqs:*:{spec.account_id}:*")]


def queue_write(spec: S3SourceSpec, calls: Iterable[Call]) -> Statements:
    """Return what these calls for queue and dead-letter queue need, on exactly these queues."""
    actions: dict[str, set[str]] = {}
    for call in calls:
        name = call.args.get("QueueName") or call.args["QueueUrl"].rpartition("/")[2]
        arn = f"arn:{spec.partition}:sqs:{spec.region}:{spec.account_id}:{name}"
        tagging = {"sqs:TagQueue"} if "tags" in call.args else set()
        actions.setdefault(arn, set()).update({f"sqs:{call.name}"}, tagging)
    return [allow(sorted(names), arn) for arn, names in sorted(actions.items())]


def subscription_read(spec: S3SourceSpec) -> Statements:
    """Return what reading the subscription to the topic needs; a subscription is no resource of policies."""
    if not spec.topic_arn:
        return []
    return [allow(["sns:ListSubscriptionsByTopic"], spec.topic_arn), allow(["sns:GetSubscriptionAttributes"], "*")]


def subscription_write(spec: S3SourceSpec, calls: Iterable[Call]) -> Statements:
    """Return what these calls for the subscription need."""
    on_topic = {f"sns:{call.name}" for call in calls if "TopicArn" in call.args}
    others = {f"sns:{call.name}" for call in calls if "TopicArn" not in call.args}
    return [
        *([allow(sorted(on_topic), spec.topic_arn)] if on_topic else []),
        *([allow(sorted(others), "*")] if others else []),
    ]


def notification_read(spec: S3SourceSpec) -> Statements:
    """Return what reading the notification of the bucket needs."""
    return [allow(["s3:GetBucketNotification"], spec.bucket_arn)]


def notification_write(spec: S3SourceSpec, calls: Iterable[Call]) -> Statements:
    """Return what changing the notification of the bucket needs."""
    return [allow(["s3:PutBucketNotification"], spec.bucket_arn)] if list(calls) else []


def provider_read(spec: S3SourceSpec) -> Statements:
    """Return the statements for reading the OIDC provider; before it is removed, also for finding its roles."""
    found = [allow(["iam:GetOpenIDConnectProvider"], spec.provider_arn)]
    return [*found, allow(["iam:ListRoles"], "*")] if spec.remove_provider else found


def provider_write(spec: S3SourceSpec, calls: Iterable[Call]) -> Statements:
    """Return the statements for these calls on the OIDC provider."""
    return _write(calls, spec.provider_arn)


def role_read(spec: S3SourceSpec) -> Statements:
    """Return the statements for reading the role."""
    return [allow([f"iam:{one}" for one in roles.ACTIONS["read"]], spec.role_arn)]


def role_write(spec: S3SourceSpec, calls: Iterable[Call]) -> Statements:
    """Return the statements for these calls on the role."""
    return _write(calls, spec.role_arn)


def _write(calls: Iterable[Call], resource: str) -> Statements:
    actions = {f"iam:{name}" for call in calls for name in (call.name, *_ALSO.get(call.name, ()))}
    return [allow(sorted(actions), resource)] if actions else []
