# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module `aws_s3_source` against the emulators."""

from __future__ import annotations

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from tests.emulators import trail
from tests.emulators.client import CUSTOMER_ID, Emulators
from tests.emulators.s3_connection import S3Connection

from .conftest import ACCOUNT, Module, life_cycle, written

BUCKET = "logs-111111111111"
PREFIX = f"AWSLogs/{ACCOUNT}/CloudTrail/"
SOURCE = S3Connection(account=ACCOUNT, bucket=BUCKET, prefix=PREFIX, suffix=".gz")
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
WORKSPACE = {"resource_group": "security", "workspace": "sentinel"}


@pytest.fixture(autouse=True)
def bucket(here: Emulators) -> None:
    """A bucket, and the trail of the account that delivers into it."""
    SOURCE.make_bucket(here)
    SOURCE.boto(here, "cloudtrail").create_trail(Name="own", S3BucketName=BUCKET)


def test_the_life_cycle_of_a_source(here: Emulators, aws_s3_source: Module) -> None:
    create, modify, delete = life_cycle(
        here,
        aws_s3_source,
        [
            {"bucket": BUCKET},
            {"bucket": BUCKET, "suffix": ".json.gz"},
            {"bucket": BUCKET, "state": "absent", "remove_provider": True, "purge_queue": True},
        ],
    )
    assert {one["name"] for one in create["calls"]} == {
        *("CreateOpenIDConnectProvider", "CreateRole", "PutRolePolicy", "CreateQueue"),
        "PutBucketNotificationConfiguration",
    }
    [entry] = modify["notification"]["entries"]
    assert (entry["destination"], entry["prefix"], entry["suffix"]) == (modify["queue"]["arn"], PREFIX, ".json.gz")
    assert modify["queue"]["dead_letter_target_arn"] == modify["dead_letter_queue"]["arn"]
    assert CUSTOMER_ID in str(modify["role"]["assume_role_policy_document"])
    assert [delete[name] for name in ("oidc_provider", "role", "dead_letter_queue", "queue")] == [{}] * 4
    assert SOURCE.boto(here, "sqs").list_queues().get("QueueUrls", []) == []


def test_a_source_with_a_topic_returns_its_subscription(here: Emulators, aws_s3_source: Module) -> None:
    topic = SOURCE.make_topic(here)
    SOURCE.notify_topic(here, topic)
    create, _modify, delete = life_cycle(
        here,
        aws_s3_source,
        [
            {"bucket": BUCKET, "topic_arn": topic},
            {"bucket": BUCKET, "topic_arn": topic, "kms_key_arns": [KEY]},
            {"bucket": BUCKET, "topic_arn": topic, "state": "absent", "remove_provider": True, "purge_queue": True},
        ],
    )
    assert "Subscribe" in [one["name"] for one in create["calls"]]
    subscription = create["subscription"]
    assert (subscription["topic_arn"], subscription["endpoint"]) == (topic, create["queue"]["arn"])
    assert subscription["raw_message_delivery"]
    assert "subscription_missing" in [one["code"] for one in create["findings"]]
    assert delete["subscription"] == {}


def test_drift_is_repaired(here: Emulators, aws_s3_source: Module) -> None:
    aws_s3_source(bucket=BUCKET)
    managed = "arn:aws:iam::aws:policy/AdministratorAccess"
    SOURCE.boto(here, "iam").attach_role_policy(RoleName=SOURCE.role_name, PolicyArn=managed)
    repaired = aws_s3_source(bucket=BUCKET)
    assert [one["name"] for one in repaired["calls"]] == ["DetachRolePolicy"]
    assert repaired["findings"]
    assert aws_s3_source(bucket=BUCKET)["findings"] == []


def test_the_result_is_all_that_the_connector_needs(
    here: Emulators, aws_s3_source: Module, aws_connector: Module
) -> None:
    source = aws_s3_source(bucket=BUCKET)
    connector = aws_connector(kind="s3", role_arn=source["role"]["arn"], queue_url=source["queue"]["url"])
    assert connector["connector"]["state"] == "Enabled"
    trail.deliver(here, BUCKET, ACCOUNT, ACCOUNT)
    assert [one["code"] for one in here.read_queues()] == [""]
    assert {row["RecipientAccountId"] for row in here.rows("AWSCloudTrail")} == {ACCOUNT}


@pytest.mark.parametrize("where", [{"workspace_id": CUSTOMER_ID}, {"workspace_id": None, **WORKSPACE}])
def test_azure_is_asked_for_nothing_but_the_workspace(
    here: Emulators, aws_s3_source: Module, where: dict[str, str | None]
) -> None:
    here.forget()
    aws_s3_source(bucket=BUCKET, **where)
    called = here.operations("azure")
    assert bool(called) == ("workspace" in where)
    assert not any(name in called for name in ("DataConnectors_CreateOrUpdate", "DataConnectors_Delete"))


def test_the_names_of_a_connection_are_found_in_the_workspace(here: Emulators, aws_s3_source: Module) -> None:
    SOURCE.make_provider(here)
    SOURCE.make_role(here)
    SOURCE.make_queue(here)
    SOURCE.make_notification(here)
    here.seed_connector(SOURCE.connector())
    here.forget()
    found = aws_s3_source(bucket=BUCKET, **WORKSPACE)
    assert (found["changed"], written(here)) == (False, [])
    assert found["queue"]["name"] == SOURCE.queue_name


def test_a_workspace_that_is_not_given_is_missed(here: Emulators, aws_s3_source: Module) -> None:
    with pytest.raises(SentinelError) as caught:
        aws_s3_source(bucket=BUCKET, workspace_id=None)
    assert caught.value.kind == "bad_input"
    assert written(here) == []
