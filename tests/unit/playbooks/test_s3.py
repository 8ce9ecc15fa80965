# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The S3 source by the playbooks: from nothing to events of every member, drift, removal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.emulators import trail
from tests.emulators.client import Emulators
from tests.emulators.s3_connection import S3Connection
from tests.unit.emulators.clients import client

from .conftest import Engine, Play

ORGANIZATION = "o-abc1234567"
BUCKET = "organization-logs-222222222222"
ARCHIVE = "222222222222"
MEMBERS = ("011111111101", "111111111102", "111111111103")
CONNECTION = S3Connection(
    account=ARCHIVE, bucket=BUCKET, prefix=f"AWSLogs/{ORGANIZATION}/", suffix=".gz", queue_name=""
)
MADE = [
    "CreateOpenIDConnectProvider",
    "CreateRole",
    "PutRolePolicy",
    "CreateQueue",
    "CreateQueue",
    "PutBucketNotificationConfiguration",
    "DataConnectors_CreateOrUpdate",
]
ALL = ("-e", "sentinel_max_change_percent=100")


def hosts(*more: dict[str, Any], **options: Any) -> dict[str, dict[str, Any]]:
    """The log archive account with one source, and the members of the organization."""
    sources = [{"type": "s3", "bucket": BUCKET, **options}, *more]
    members = {f"member{account}": {"aws_account_id": account, "sentinel_sources": []} for account in MEMBERS}
    return {"archive": {"aws_account_id": ARCHIVE, "sentinel_sources": sources}, **members}


def archive(**options: Any) -> dict[str, dict[str, Any]]:
    """The log archive account alone."""
    return {"archive": hosts(**options)["archive"]}


def make_trail(cloud: Emulators, **more: Any) -> None:
    """A bucket, and the organization trail that delivers into it."""
    CONNECTION.make_bucket(cloud)
    cloud.boto("cloudtrail", ARCHIVE).create_trail(
        Name="organization", S3BucketName=BUCKET, IsMultiRegionTrail=True, IsOrganizationTrail=True, **more
    )
    trail.deliver(cloud, BUCKET, ARCHIVE, ARCHIVE, organization=ORGANIZATION)


def writes(cloud: Emulators) -> list[str]:
    skipped = {"Token", "AssumeRole"}
    return [one["operation"] for one in cloud.requests(write=True) if one["operation"] not in skipped]


def configuration(cloud: Emulators) -> dict[str, Any]:
    found = client(cloud, "s3", ARCHIVE).get_bucket_notification_configuration(Bucket=BUCKET)
    return {name: value for name, value in found.items() if name != "ResponseMetadata"}


def queue_url(cloud: Emulators) -> str:
    [connector] = cloud.connectors()
    [url] = connector["properties"]["sqsUrls"]
    return str(url)


def test_from_nothing_to_events_of_every_member(cloud: Emulators, play: Play) -> None:
    make_trail(cloud)
    preview = play("onboard", hosts(), "--check", "--diff")
    assert preview.code == 0, preview.output
    assert writes(cloud) == []
    assert preview.changed == {ARCHIVE: ", ".join(MADE)}

    cloud.forget()
    run = play("onboard", hosts())
    assert run.code == 0, run.output
    assert run.changed == preview.changed
    assert writes(cloud) == MADE
    assert {one["account"] for one in cloud.requests("aws")} <= {ARCHIVE, "123456789012", ""}

    cloud.forget()
    again = play("onboard", hosts())
    assert (again.code, again.changed, writes(cloud)) == (0, {}, []), again.output

    for account in MEMBERS:
        trail.deliver(cloud, BUCKET, ARCHIVE, account, organization=ORGANIZATION)
    assert [one["code"] for one in cloud.read_queues()] == [""]
    assert {row["RecipientAccountId"] for row in cloud.rows("AWSCloudTrail")} == set(MEMBERS)


def test_drift_is_found_and_repaired(cloud: Emulators, play: Play, engine: Engine) -> None:
    make_trail(cloud)
    engine(hosts())
    sqs, url = cloud.boto("sqs", ARCHIVE), queue_url(cloud)
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    policy["Statement"].append({"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    cloud.boto("s3", ARCHIVE).put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={})
    cloud.forget()
    drifted = play("drift", hosts())
    assert drifted.code != 0, drifted.output
    assert writes(cloud) == []
    engine(hosts())
    assert writes(cloud) == ["SetQueueAttributes", "PutBucketNotificationConfiguration"]
    cloud.forget()
    assert engine(hosts()) == {}
    assert len(configuration(cloud)["QueueConfigurations"]) == 1


def test_what_others_have_in_the_bucket_stays(cloud: Emulators, engine: Engine) -> None:
    make_trail(cloud)
    kinds = CONNECTION.make_others(cloud).keys()
    before = configuration(cloud)
    assert before.keys() == kinds
    CONNECTION.make_provider(cloud, "api://defender-for-cloud")
    engine(hosts(remove_provider=True))
    during = configuration(cloud)
    assert [one for one in during["QueueConfigurations"] if one in before["QueueConfigurations"]]
    assert {**during, "QueueConfigurations": before["QueueConfigurations"]} == before
    engine(archive(remove_provider=True, purge_queue=True), absent=True)
    assert configuration(cloud) == before
    provider = cloud.boto("iam", ARCHIVE).get_open_id_connect_provider(OpenIDConnectProviderArn=CONNECTION.provider_arn)
    assert provider["ClientIDList"] == ["api://defender-for-cloud"]
    assert cloud.connectors() == []


def test_a_source_with_a_topic_leaves_bucket_and_topic_alone(cloud: Emulators, play: Play) -> None:
    make_trail(cloud)
    topic = CONNECTION.make_topic(cloud)
    CONNECTION.notify_topic(cloud, topic)
    fleet = hosts(topic_arn=topic, purge_queue=True)
    before = configuration(cloud)
    preview = play("onboard", fleet, "--check", "--diff")
    assert (preview.code, writes(cloud)) == (0, []), preview.output
    run = play("onboard", fleet)
    assert run.changed == preview.changed
    assert writes(cloud) == ["Subscribe" if name.startswith("PutBucket") else name for name in MADE]
    trail.deliver(cloud, BUCKET, ARCHIVE, MEMBERS[0], organization=ORGANIZATION)
    cloud.read_queues()
    assert {row["RecipientAccountId"] for row in cloud.rows("AWSCloudTrail")} == {MEMBERS[0]}
    sns = cloud.boto("sns", ARCHIVE)
    [listed] = sns.list_subscriptions()["Subscriptions"]
    sns.unsubscribe(SubscriptionArn=listed["SubscriptionArn"])
    drifted = play("drift", fleet)
    assert drifted.code != 0
    assert "subscription_missing" in drifted.output
    cloud.forget()
    assert play("onboard", fleet).code == 0
    assert writes(cloud) == ["Subscribe"]
    removed = play("offboard", fleet, "--limit", "archive", *ALL)
    assert removed.code == 0, removed.output
    assert sns.list_subscriptions()["Subscriptions"] == []
    assert configuration(cloud) == before


def test_offboarding_removes_everything_in_reverse(cloud: Emulators, play: Play, engine: Engine) -> None:
    make_trail(cloud)
    engine(hosts())
    refused = play("offboard", hosts(), "--limit", "archive", *ALL)
    assert "queue_not_empty" in refused.failed[ARCHIVE]
    assert len(cloud.connectors()) == 1
    cloud.read_queues()
    cloud.forget()
    preview = play("offboard", hosts(), "--limit", "archive", "--check", *ALL)
    assert preview.code == 0, preview.output
    assert writes(cloud) == []
    removed = play("offboard", hosts(), "--limit", "archive", *ALL)
    assert removed.code == 0, removed.output
    assert removed.changed == preview.changed
    assert writes(cloud) == [
        "DataConnectors_Delete",
        "PutBucketNotificationConfiguration",
        "DeleteQueue",
        "DeleteQueue",
        "DeleteRolePolicy",
        "DeleteRole",
    ]
    assert cloud.boto("sqs", ARCHIVE).list_queues().get("QueueUrls", []) == []
    cloud.forget()
    assert engine(archive(), absent=True) == {}
    assert writes(cloud) == []


@pytest.mark.parametrize("option", [(), ("--check",)])
def test_a_log_archive_counts_as_all_its_members(
    cloud: Emulators, play: Play, engine: Engine, option: tuple[str, ...]
) -> None:
    make_trail(cloud)
    engine(hosts())
    cloud.forget()
    refused = play("offboard", hosts(), "--limit", "archive", "-e", "sentinel_max_change_percent=50", *option)
    assert refused.code != 0
    assert "too_many_changes" in refused.output
    assert writes(cloud) == []


def test_a_connection_that_was_made_by_hand_is_adopted_without_a_write(cloud: Emulators, engine: Engine) -> None:
    by_hand = S3Connection(
        account=ARCHIVE, bucket=BUCKET, prefix=f"AWSLogs/{ORGANIZATION}/", queue_name="by-hand", role_name="OIDC_ByHand"
    )
    make_trail(cloud)
    by_hand.make_provider(cloud)
    by_hand.make_role(cloud)
    by_hand.make_queue(cloud)
    by_hand.make_notification(cloud)
    cloud.seed_connector(by_hand.connector())
    cloud.forget()
    assert engine(hosts()) == {}
    assert writes(cloud) == []


def test_two_buckets_with_one_role_and_one_table_are_two_connections(cloud: Emulators, engine: Engine) -> None:
    make_trail(cloud)
    second = S3Connection(account=ARCHIVE, bucket="more-logs", prefix="AWSLogs/")
    second.make_bucket(cloud)
    both = hosts({"type": "s3", "bucket": "more-logs", "prefix": "AWSLogs/"})
    engine(both)
    connectors = cloud.connectors()
    assert len({one["properties"]["sqsUrls"][0] for one in connectors}) == 2
    assert len({one["properties"]["roleArn"] for one in connectors}) == 1
    cloud.forget()
    assert engine(both) == {}
    assert writes(cloud) == []


def test_without_the_connector_role_and_queue_are_returned(cloud: Emulators, play: Play, tmp_path: Path) -> None:
    make_trail(cloud)
    run = play("onboard", hosts(connector=False), sentinel_report_dir=str(tmp_path))
    assert run.code == 0, run.output
    assert cloud.connectors() == []
    report = tmp_path / "latest/report.json"
    [row] = [one for one in json.loads(report.read_text())["accounts"] if one["account_id"] == ARCHIVE]
    found = {one["kind"]: one["id"] for one in row["resources"]}
    assert found["role"] == "arn:aws:iam::222222222222:role/OIDC_MicrosoftSentinelRole"
    assert found["queue"].startswith(
        "https://sqs.us-east-1.amazonaws.com/222222222222/MicrosoftSentinel-AWSCloudTrail-"
    )


def test_another_target_for_the_same_objects_is_named(cloud: Emulators, play: Play) -> None:
    make_trail(cloud)
    other = S3Connection(account=ARCHIVE, bucket=BUCKET, prefix="AWSLogs/", suffix="", queue_name="siem")
    other.make_queue(cloud)
    rules = [{"Name": "prefix", "Value": "AWSLogs/"}]
    entry = other.entry(Id="siem", Filter={"Key": {"FilterRules": rules}})
    cloud.boto("s3", ARCHIVE).put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [entry]}
    )
    cloud.forget()
    run = play("onboard", hosts(), "--check")
    assert "notification_conflict" in run.output
    assert "siem" in run.failed[ARCHIVE]
    assert writes(cloud) == []


def test_a_bucket_without_trail_is_named(cloud: Emulators, play: Play) -> None:
    CONNECTION.make_bucket(cloud)
    run = play("onboard", hosts())
    assert BUCKET in run.failed[ARCHIVE]
    assert "prefix" in run.failed[ARCHIVE]
    assert writes(cloud) == []


def test_ten_connections_and_a_thousand_members_are_one_account(cloud: Emulators, engine: Engine) -> None:
    sources = []
    for number in range(10):
        one = S3Connection(account=ARCHIVE, bucket=f"logs-{number}", prefix="AWSLogs/")
        one.make_bucket(cloud)
        sources.append({"type": "s3", "bucket": one.bucket, "prefix": "AWSLogs/"})
    members = {f"m{number}": {"aws_account_id": f"{number:012}", "sentinel_sources": []} for number in range(1, 1001)}
    fleet = {"archive": {"aws_account_id": ARCHIVE, "sentinel_sources": sources}, **members}
    engine(fleet)
    assert len(cloud.connectors()) == 10
    cloud.forget()
    assert engine(fleet) == {}
    assert writes(cloud) == []
    assert {one["account"] for one in cloud.requests("aws")} <= {ARCHIVE, "123456789012", ""}


def test_events_of_every_member_are_verified_through_one_connection(
    cloud: Emulators, play: Play, engine: Engine
) -> None:
    make_trail(cloud)
    engine(hosts())
    for account in (*MEMBERS[:-1], ARCHIVE):
        trail.deliver(cloud, BUCKET, ARCHIVE, account, organization=ORGANIZATION)
    silent = play("verify", hosts(), "-e", "sentinel_verify_wait=0")
    assert silent.code != 0
    assert f"silent: [{MEMBERS[-1]} " in silent.output
    trail.deliver(cloud, BUCKET, ARCHIVE, MEMBERS[-1], organization=ORGANIZATION)
    verified = play("verify", hosts(), "-e", "sentinel_verify_wait=0")
    assert verified.code == 0, verified.output
    assert "4 accounts: 4 receiving" in verified.output
