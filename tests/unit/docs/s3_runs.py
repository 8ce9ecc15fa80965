# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the S3 source in this process, whose requests the pages describe."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.inspection import Inspection
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.clients import Clients
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.s3_inspection import inspect_account
from tests.emulators import trail
from tests.emulators.client import Emulators
from tests.emulators.s3_connection import S3Connection
from tests.faults import engine

ORGANIZATION = "o-abc1234567"
ACCOUNT = "222222222222"
SOURCE = S3Connection(account=ACCOUNT, bucket=f"aws-controltower-logs-{ACCOUNT}-eu-west-1", region="eu-west-1")


def make_trail(cloud: Emulators, *, delivered: bool = True) -> None:
    """The bucket, and the organization trail of AWS Control Tower; before its first delivery it has no folder."""
    SOURCE.make_bucket(cloud)
    SOURCE.boto(cloud, "cloudtrail").create_trail(
        Name="aws-controltower-BaselineCloudTrail",
        S3BucketName=SOURCE.bucket,
        S3KeyPrefix=ORGANIZATION,
        IsMultiRegionTrail=True,
        IsOrganizationTrail=True,
    )
    if delivered:
        key = trail.key(ACCOUNT, organization=ORGANIZATION, prefix=ORGANIZATION)
        SOURCE.boto(cloud, "s3").put_object(Bucket=SOURCE.bucket, Key=key, Body=trail.content([]))


def run(*, check_mode: bool = False, absent: bool = False, **options: Any) -> engine.RunResult:
    """Work on the log archive account; it has to succeed."""
    source = {"type": "s3", "bucket": SOURCE.bucket, "purge_queue": True, **options}
    accounts = engine.accounts_of({"archive": {"aws_account_id": ACCOUNT, "sentinel_sources": [source]}})
    done = engine.run(accounts, fleet.RunOptions(absent=absent, check_mode=check_mode))
    assert (done.error, done.failed) == (None, {})
    return done


def inspect(**options: Any) -> Inspection:
    """Inspect a source of the log archive account."""
    source = {"type": "s3", "bucket": SOURCE.bucket, **options}
    accounts = engine.accounts_of({"archive": {"aws_account_id": ACCOUNT, "sentinel_sources": [source]}})

    async def work() -> list[Inspection]:
        with Clients(accounts) as clients:
            return await inspect_account(accounts[0], clients)

    return asyncio.run(work())[0]


def drift(cloud: Emulators) -> None:
    """Change everything that a run repairs, without removing a resource."""
    iam, sqs = SOURCE.boto(cloud, "iam"), SOURCE.boto(cloud, "sqs")
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=SOURCE.provider_arn)
    SOURCE.make_provider(cloud, "api://defender-for-cloud")
    trust = SOURCE.trust()
    trust["Statement"].append({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
    iam.update_assume_role_policy(RoleName=SOURCE.role_name, PolicyDocument=json.dumps(trust))
    attach(cloud)
    for name in (*iam.list_role_policies(RoleName=SOURCE.role_name)["PolicyNames"], "extra"):
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        iam.put_role_policy(RoleName=SOURCE.role_name, PolicyName=name, PolicyDocument=json.dumps(document))
    tags = [one["Key"] for one in iam.list_role_tags(RoleName=SOURCE.role_name)["Tags"]]
    iam.untag_role(RoleName=SOURCE.role_name, TagKeys=[key for key in tags if key.endswith(".workspace")])
    for url in sqs.list_queues()["QueueUrls"]:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
        sqs.untag_queue(QueueUrl=url, TagKeys=["trailbridge.sentinel.workspace"])
    SOURCE.boto(cloud, "s3").put_bucket_notification_configuration(Bucket=SOURCE.bucket, NotificationConfiguration={})


def make_topic(cloud: Emulators) -> str:
    """A topic that the bucket notifies of new objects."""
    connection = replace(SOURCE, prefix=f"{ORGANIZATION}/AWSLogs/{ORGANIZATION}/", suffix=".gz")
    topic = connection.make_topic(cloud, name="new-objects")
    connection.notify_topic(cloud, topic)
    return topic


def drift_of_subscription(cloud: Emulators) -> None:
    """Switch raw message delivery off."""
    sns = SOURCE.boto(cloud, "sns")
    [one] = sns.list_subscriptions()["Subscriptions"]
    sns.set_subscription_attributes(
        SubscriptionArn=one["SubscriptionArn"], AttributeName="RawMessageDelivery", AttributeValue="false"
    )


def attach(cloud: Emulators) -> None:
    """Attach a policy to the role that it does not need."""
    policy = "arn:aws:iam::aws:policy/AdministratorAccess"
    SOURCE.boto(cloud, "iam").attach_role_policy(RoleName=SOURCE.role_name, PolicyArn=policy)


def share(cloud: Emulators) -> None:
    """Let another workspace use the role as well."""
    iam, other = SOURCE.boto(cloud, "iam"), "00000000-aaaa-4aaa-8aaa-000000000000"
    trust = SOURCE.trust()
    trust["Statement"][0]["Condition"]["StringEquals"]["sts:RoleSessionName"].append(f"MicrosoftSentinel_{other}")
    iam.update_assume_role_policy(RoleName=SOURCE.role_name, PolicyDocument=json.dumps(trust))
    tag = {"Key": "trailbridge.sentinel.workspace", "Value": f"{SOURCE.workspace_id} {other}"}
    iam.tag_role(RoleName=SOURCE.role_name, Tags=[tag])
