# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inspection of an S3 source: every finding by a planted fault and by nothing else, none of a healthy chain."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.demands import Expected
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.inspection import Inspection
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.clients import Clients
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.s3_inspection import (
    inspect_account,
    inspect_accounts,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.verify.ingestion import (
    AccountIngestion,
    VerifyOptions,
    verify,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.verify.interruption import Interruption
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.verify.s3_sources import source_notes
from tests.emulators import trail
from tests.emulators.client import Emulators
from tests.emulators.faults import AZURE_DENIED, SCP_DENIED, TRUST_DENIED
from tests.emulators.s3_connection import S3Connection
from tests.faults import engine

ARCHIVE, ORGANIZATION = "222222222222", "o-abc1234567"
LOGS = S3Connection(bucket="logs", prefix=f"AWSLogs/{ORGANIZATION}/", suffix=".gz")
ONE = {"type": "s3", "bucket": LOGS.bucket}
TRAIL = "organization"

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def quick(here: Emulators) -> Iterator[None]:
    with engine.short_pauses():
        yield


def make_trail(here: Emulators, at: S3Connection = LOGS, **more: Any) -> str:
    """An organization trail that logs and has delivered into the bucket; returns its ARN."""
    at.make_bucket(here)
    cloudtrail = here.boto("cloudtrail")
    place = {"S3BucketName": at.bucket, "IsOrganizationTrail": True, "IsMultiRegionTrail": True, **more}
    arn: str = cloudtrail.create_trail(Name=TRAIL, **place)["TrailARN"]
    cloudtrail.start_logging(Name=TRAIL)
    trail.deliver(here, at.bucket, at.account, at.account, organization=ORGANIZATION)
    return arn


def onboard(*sources: Json, **variables: Any) -> None:
    """Connect the sources."""
    accounts = engine.accounts_of({"archive": _host(sources, variables)})
    done = engine.run(accounts, fleet.RunOptions())
    assert (done.error, done.failed) == (None, {})


def inspect(*sources: Json, organization: bool = False, **variables: Any) -> list[Inspection]:
    """The inspection of each source."""
    accounts = engine.accounts_of({"archive": _host(sources, variables)})

    async def work() -> list[Inspection]:
        with Clients(accounts) as clients:
            return await inspect_account(accounts[0], clients, serves_organization=organization)

    return asyncio.run(work())


def _host(sources: tuple[Json, ...], variables: Json) -> Json:
    return {"aws_account_id": ARCHIVE, "sentinel_sources": list(sources), **variables}


def codes(found: Inspection) -> set[str]:
    return {one.code for one in found.findings}


def test_the_chain_of_an_organization_trail_is_healthy(here: Emulators) -> None:
    make_trail(here)
    onboard(ONE)
    [found] = inspect(ONE, organization=True)
    assert (codes(found), found.unknown, found.broken_link) == (set(), [], "")


# --- faults ---

Plant = Callable[[Emulators], object]
KEY_POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*"}]}
LONG_AGO = 1_600_000_000


def trail_arn(here: Emulators) -> str:
    [found] = here.boto("cloudtrail").describe_trails()["trailList"]
    arn: str = found["TrailARN"]
    return arn


def empty(here: Emulators) -> None:
    objects = LOGS.boto(here, "s3")
    for one in objects.list_objects_v2(Bucket=LOGS.bucket).get("Contents", []):
        objects.delete_object(Bucket=LOGS.bucket, Key=one["Key"])


def status(**fields: Any) -> Plant:
    return lambda here: here.control("trail_status", arn=trail_arn(here), **fields)


def all_of(*plants: Plant) -> Plant:
    def plant(here: Emulators) -> None:
        for one in plants:
            one(here)

    return plant


def on_trail(operation: str, **arguments: Any) -> Plant:
    return lambda here: getattr(here.boto("cloudtrail"), operation)(**arguments)


def queue_url(here: Emulators, suffix: str = "") -> str:
    urls: list[str] = LOGS.boto(here, "sqs").list_queues()["QueueUrls"]
    return next(one for one in urls if one.endswith("-dlq") == bool(suffix))


def queue_attributes(**attributes: str) -> Plant:
    def plant(here: Emulators) -> None:
        sqs, url = LOGS.boto(here, "sqs"), queue_url(here)
        # moto forgets the policy when another attribute is set.
        before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={**before, **attributes})

    return plant


def dead_letter(here: Emulators) -> None:
    LOGS.boto(here, "sqs").send_message(QueueUrl=queue_url(here, "-dlq"), MessageBody="{}")


def counts(**values: float) -> Plant:
    """What CloudWatch counted of the queue."""

    def plant(here: Emulators) -> None:
        name = queue_url(here).rpartition("/")[2]
        data = [
            {
                "MetricName": metric,
                "Dimensions": [{"Name": "QueueName", "Value": name}],
                "Value": value,
                "Timestamp": datetime.now(UTC) - timedelta(minutes=30),
            }
            for metric, value in values.items()
        ]
        LOGS.boto(here, "cloudwatch").put_metric_data(Namespace="AWS/SQS", MetricData=data)

    return plant


def entries(change: Callable[[Json], object]) -> Plant:
    """Change the only entry of the bucket's notification."""

    def plant(here: Emulators) -> None:
        client = LOGS.boto(here, "s3")
        found = client.get_bucket_notification_configuration(Bucket=LOGS.bucket)
        [entry] = found["QueueConfigurations"]
        rules = {one["Name"].lower(): one["Value"] for one in entry["Filter"]["Key"]["FilterRules"]}
        entry["Filter"]["Key"]["FilterRules"] = rules
        change(entry)
        rules = entry["Filter"]["Key"]["FilterRules"]
        entry["Filter"]["Key"]["FilterRules"] = [{"Name": name, "Value": value} for name, value in rules.items()]
        wanted = {"QueueConfigurations": [entry]}
        client.put_bucket_notification_configuration(Bucket=LOGS.bucket, NotificationConfiguration=wanted)

    return plant


def rule(**rules: str) -> Plant:
    return entries(lambda entry: entry["Filter"]["Key"]["FilterRules"].update(rules))


def without_entry(here: Emulators) -> None:
    LOGS.boto(here, "s3").put_bucket_notification_configuration(Bucket=LOGS.bucket, NotificationConfiguration={})


def other_entry(here: Emulators) -> None:
    other = replace(LOGS, queue_name="theirs")
    other.make_queue(here)
    other.make_notification(here)


def on_role(operation: str, **arguments: Any) -> Plant:
    given = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in arguments.items()}
    return lambda here: getattr(LOGS.boto(here, "iam"), operation)(RoleName=LOGS.role_name, **given)


def without_policy(here: Emulators) -> None:
    iam = LOGS.boto(here, "iam")
    for name in iam.list_role_policies(RoleName=LOGS.role_name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=LOGS.role_name, PolicyName=name)


def without_provider(here: Emulators) -> None:
    LOGS.boto(here, "iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=LOGS.provider_arn)


def provider_without_slash(here: Emulators) -> None:
    without_provider(here)
    url = f"https://{LOGS.issuer}".rstrip("/")
    LOGS.boto(here, "iam").create_open_id_connect_provider(
        Url=url, ClientIDList=[LOGS.audience], ThumbprintList=["6" * 40]
    )


def other_audience(here: Emulators) -> None:
    without_provider(here)
    LOGS.make_provider(here, "api://defender-for-cloud")


def older_trust(here: Emulators) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::197857026523:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": LOGS.workspace_id}},
    }
    document = {**LOGS.trust(), "Statement": [*LOGS.trust()["Statement"], statement]}
    on_role("update_assume_role_policy", PolicyDocument=document)(here)


def weak_trust() -> Plant:
    return on_role(
        "update_assume_role_policy", PolicyDocument=LOGS.trust(StringEquals={f"{LOGS.issuer}:aud": LOGS.audience})
    )


def other_session() -> Plant:
    names = {f"{LOGS.issuer}:aud": LOGS.audience, "sts:RoleSessionName": ["MicrosoftDefenderForClouds_1"]}
    return on_role("update_assume_role_policy", PolicyDocument=LOGS.trust(StringEquals=names))


def connector(**changed: Any) -> Plant:
    def plant(here: Emulators) -> None:
        [raw] = here.connectors()
        here.delete_connector(raw["name"])
        here.seed_connector({**raw, "properties": {**raw["properties"], **changed}})

    return plant


def without_connector(here: Emulators) -> None:
    here.delete_connector(here.connectors()[0]["name"])


def without_queue(here: Emulators) -> None:
    LOGS.boto(here, "sqs").delete_queue(QueueUrl=queue_url(here))


def queue_key(here: Emulators) -> None:
    """The policy of a new key leaves it to its account: a service of AWS may not use it."""
    key = LOGS.boto(here, "kms").create_key()["KeyMetadata"]["Arn"]
    queue_attributes(KmsMasterKeyId=key, SqsManagedSseEnabled="false")(here)


def no_bucket(here: Emulators) -> None:
    empty(here)
    LOGS.boto(here, "s3").delete_bucket(Bucket=LOGS.bucket)


NO_ORGANIZATION = on_trail("update_trail", Name=TRAIL, IsOrganizationTrail=False)
SELECTORS = {"ReadWriteType": "All", "IncludeManagementEvents": True}
KMS_OUT = {**SELECTORS, "ExcludeManagementEventSources": ["kms.amazonaws.com"]}
NOT_WRITES = [
    {"Field": "eventCategory", "Equals": ["Management"]},
    {"Field": "readOnly", "Equals": ["true"]},
]

# By fault: what is planted, the codes, and the link that is broken.
FAULTS: dict[str, tuple[Plant, set[str], str]] = {
    "the trail is stopped": (on_trail("stop_logging", Name=TRAIL), {"delivery_trail_stopped"}, "delivery"),
    "the trail cannot deliver": (
        status(IsLogging=True, LatestDeliveryError="AccessDenied"),
        {"delivery_trail_failed"},
        "delivery",
    ),
    "the trail is deleted": (
        all_of(empty, on_trail("delete_trail", Name=TRAIL)),
        {"delivery_trail_missing", "delivery_objects_missing"},
        "delivery",
    ),
    "nothing is delivered": (
        all_of(empty, status(IsLogging=True, StartLoggingTime=LONG_AGO)),
        {"delivery_objects_missing"},
        "delivery",
    ),
    "the trail has one Region": (
        on_trail("update_trail", Name=TRAIL, IsMultiRegionTrail=False),
        {"delivery_trail_region"},
        "",
    ),
    "the trail has read events only": (
        on_trail("put_event_selectors", TrailName=TRAIL, EventSelectors=[{**SELECTORS, "ReadWriteType": "ReadOnly"}]),
        {"delivery_trail_events"},
        "",
    ),
    "the trail has no events of KMS": (
        on_trail("put_event_selectors", TrailName=TRAIL, EventSelectors=[KMS_OUT]),
        {"delivery_trail_events"},
        "",
    ),
    "an advanced selector has read events only": (
        on_trail("put_event_selectors", TrailName=TRAIL, AdvancedEventSelectors=[{"FieldSelectors": NOT_WRITES}]),
        {"delivery_trail_events"},
        "",
    ),
    "the bucket is deleted": (no_bucket, {"delivery_bucket_missing"}, "delivery"),
    "the entry is deleted": (without_entry, {"notification_missing"}, "notification"),
    "another entry is in the way": (other_entry, {"notification_missing", "notification_blocked"}, "notification"),
    "the prefix is of one account": (
        rule(prefix=f"{LOGS.prefix}{ARCHIVE}/"),
        {"notification_narrower"},
        "notification",
    ),
    "the entry is for digests too": (rule(suffix="z"), {"notification_wider"}, ""),
    "the entry is for copies only": (
        entries(lambda entry: entry.update(Events=["s3:ObjectCreated:Copy"])),
        {"notification_narrower"},
        "notification",
    ),
    "the queue is deleted": (without_queue, {"queue_missing"}, "queue"),
    "the queue has no policy": (queue_attributes(Policy=""), {"queue_policy_missing"}, "queue"),
    "the queue has the key of SQS": (
        queue_attributes(KmsMasterKeyId="alias/aws/sqs", SqsManagedSseEnabled="false"),
        {"queue_encryption_key"},
        "queue",
    ),
    "S3 may not use the key of the queue": (queue_key, {"queue_key"}, "queue"),
    "the queue keeps messages for a minute": (queue_attributes(MessageRetentionPeriod="60"), {"queue_settings"}, ""),
    "messages could not be processed": (dead_letter, {"queue_dead_letters"}, ""),
    "nothing is sent": (counts(NumberOfEmptyReceives=9), {"queue_unused"}, "queue"),
    "nothing is received": (counts(NumberOfMessagesSent=9), {"connector_receives_nothing"}, "connector"),
    "nothing is deleted": (
        counts(NumberOfMessagesSent=9, NumberOfMessagesReceived=9),
        {"connector_deletes_nothing"},
        "connector",
    ),
    "messages wait for hours": (
        counts(
            NumberOfMessagesSent=9,
            NumberOfMessagesReceived=9,
            NumberOfMessagesDeleted=1,
            ApproximateAgeOfOldestMessage=9000,
        ),
        {"queue_backlog"},
        "",
    ),
    "the role is deleted": (
        all_of(without_policy, on_role("delete_role")),
        {"role_missing"},
        "role",
    ),
    "the inline policy is deleted": (without_policy, {"permission_inline_missing"}, "role"),
    "the role may read every bucket": (
        on_role("attach_role_policy", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"),
        {"permission_policy_extra"},
        "",
    ),
    "the provider is deleted": (without_provider, {"oidc_provider_missing"}, "role"),
    "the provider has no slash": (
        provider_without_slash,
        {"oidc_provider_missing", "oidc_provider_slash"},
        "role",
    ),
    "the provider has another audience": (other_audience, {"oidc_provider_audience_missing"}, "role"),
    "the role has the older trust too": (older_trust, {"trust_outdated"}, ""),
    "the role is open to all workspaces": (weak_trust(), {"trust_condition_missing"}, ""),
    "the session name is another one": (
        other_session(),
        {"trust_condition_foreign", "trust_workspace_missing"},
        "role",
    ),
    "the connector is deleted": (without_connector, {"connector_missing"}, "connector"),
    "the connector is disabled": (
        connector(dataTypes={"logs": {"state": "Disabled"}}),
        {"connector_disabled"},
        "connector",
    ),
    "the connector reads another role": (
        connector(roleArn=f"arn:aws:iam::{ARCHIVE}:role/OIDC_Other"),
        {"connector_stale"},
        "connector",
    ),
    "the connector reads a role of a wrong name": (
        connector(roleArn=f"arn:aws:iam::{ARCHIVE}:role/Sentinel"),
        {"connector_stale", "role_name"},
        "role",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_has_its_findings_and_no_others(here: Emulators, fault: str) -> None:
    plant, wanted, link = FAULTS[fault]
    make_trail(here)
    onboard(ONE)
    plant(here)
    here.forget()
    [found] = inspect(ONE)
    assert codes(found) == wanted
    assert (found.unknown, found.broken_link) == ([], link)
    assert bool(found.message) == bool(link)
    assert [one for one in here.requests(write=True) if one["operation"] not in ("Token", "AssumeRole")] == []


# --- other tables ---

FLOWS = replace(LOGS, bucket="flows", prefix="flows/", table="AWSVPCFlow")
GUARDDUTY = replace(LOGS, bucket="findings", prefix="AWSLogs/", table="AWSGuardDuty")
CLOUDWATCH = replace(LOGS, bucket="exports", prefix="exports/", table="AWSCloudWatch")
FIELDS = "${version} ${account-id} ${start} ${end}"


def source_of(one: S3Connection, **options: Any) -> Json:
    return {"type": "s3", "bucket": one.bucket, "prefix": one.prefix, "table": one.table, **options}


def put(here: Emulators, one: S3Connection, key: str) -> None:
    one.boto(here, "s3").put_object(Bucket=one.bucket, Key=key, Body=b"")


def flow_log(here: Emulators, **changed: Any) -> None:
    """A flow log into the bucket, which delivered today."""
    FLOWS.make_bucket(here)
    day = f"{datetime.now(UTC):%Y/%m/%d}"
    put(here, FLOWS, f"flows/AWSLogs/{ARCHIVE}/vpcflowlogs/us-east-1/{day}/{ARCHIVE}_vpcflowlogs.log.gz")
    fields = {
        "FlowLogId": "fl-1",
        "LogDestination": f"arn:aws:s3:::{FLOWS.bucket}/flows/",
        "LogFormat": FIELDS,
        "DeliverLogsStatus": "SUCCESS",
    }
    here.control("flow_log", account=ARCHIVE, region="us-east-1", **{**fields, **changed})


def destination(here: Emulators, **changed: Any) -> str:
    """A publishing destination with a key; returns the ARN of the key."""
    GUARDDUTY.make_bucket(here)
    key: str = GUARDDUTY.boto(here, "kms").create_key()["KeyMetadata"]["Arn"]
    place = {"destinationArn": f"arn:aws:s3:::{GUARDDUTY.bucket}", "kmsKeyArn": key}
    fields = {"destinationId": "d1", "destinationType": "S3", "status": "PUBLISHING", "destinationProperties": place}
    here.control("publishing_destination", account=ARCHIVE, region="us-east-1", **{**fields, **changed})
    return key


@pytest.mark.parametrize(
    ("changed", "wanted", "link"),
    [
        ({}, set(), ""),
        ({"DestinationOptions": {"FileFormat": "parquet"}}, {"delivery_flow_log_format"}, "delivery"),
        ({"LogFormat": "${version} ${end}"}, {"delivery_flow_log_fields"}, ""),
        (
            {"DeliverLogsStatus": "FAILED", "DeliverLogsErrorMessage": "Access error"},
            {"delivery_flow_log_failed"},
            "delivery",
        ),
    ],
)
def test_flow_logs_have_to_write_what_sentinel_reads(
    here: Emulators, changed: Json, wanted: set[str], link: str
) -> None:
    flow_log(here, **changed)
    onboard(source_of(FLOWS))
    [found] = inspect(source_of(FLOWS))
    assert (codes(found), found.unknown, found.broken_link) == (wanted, [], link)


@pytest.mark.parametrize(
    ("status", "wanted", "link"),
    [
        ("PUBLISHING", set(), ""),
        ("UNABLE_TO_PUBLISH_FIX_DESTINATION_PROPERTY", {"delivery_findings_failed"}, "delivery"),
    ],
)
def test_guardduty_has_to_publish_into_the_bucket(here: Emulators, status: str, wanted: set[str], link: str) -> None:
    source = source_of(GUARDDUTY, kms_key_arns=[destination(here, status=status)])
    onboard(source)
    [found] = inspect(source)
    assert (codes(found), found.unknown, found.broken_link) == (wanted, [], link)


def test_the_role_has_to_have_the_key_of_the_findings(here: Emulators) -> None:
    destination(here)
    onboard(source_of(GUARDDUTY))
    [found] = inspect(source_of(GUARDDUTY))
    assert (codes(found), found.broken_link) == ({"permission_key_missing"}, "role")


def test_the_default_key_of_the_bucket_encrypts_flow_logs(here: Emulators) -> None:
    flow_log(here)
    key = FLOWS.boto(here, "kms").create_key()["KeyMetadata"]["Arn"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    FLOWS.boto(here, "s3").put_bucket_encryption(
        Bucket=FLOWS.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    onboard(source_of(FLOWS))
    [found] = inspect(source_of(FLOWS))
    assert codes(found) == {"permission_key_missing"}
    [same] = inspect(source_of(FLOWS, kms_key_arns=[key]))
    assert "permission_key_missing" not in codes(same)


@pytest.mark.parametrize("at", [FLOWS, GUARDDUTY, CLOUDWATCH], ids=lambda at: at.table)
def test_producers_that_cannot_be_seen_are_unknown_and_not_missing(here: Emulators, at: S3Connection) -> None:
    at.make_bucket(here)
    put(here, at, f"{at.prefix}today.gz")
    onboard(source_of(at))
    [found] = inspect(source_of(at))
    assert (codes(found), [one.link for one in found.unknown]) == (set(), ["delivery"])


def test_files_of_another_format_have_another_suffix(here: Emulators) -> None:
    FLOWS.make_bucket(here)
    put(here, FLOWS, "flows/today.parquet")
    onboard(source_of(FLOWS))
    [found] = inspect(source_of(FLOWS))
    assert (codes(found), found.broken_link) == ({"notification_suffix"}, "notification")


# --- shapes ---


def own_trail(here: Emulators) -> Json:
    own = replace(LOGS, bucket="own")
    own.make_bucket(here)
    client = own.boto(here, "cloudtrail")
    client.create_trail(Name="own", S3BucketName=own.bucket, IsMultiRegionTrail=True)
    client.start_logging(Name="own")
    trail.deliver(here, own.bucket, ARCHIVE, ARCHIVE)
    return {"type": "s3", "bucket": own.bucket}


def control_tower(here: Emulators) -> Json:
    place = {"S3KeyPrefix": ORGANIZATION, "EnableLogFileValidation": True}
    bucket = replace(LOGS, bucket=f"aws-controltower-logs-{ARCHIVE}-us-east-1")
    make_trail(here, bucket, **place)
    for kind in ("CloudTrail", "CloudTrail-Digest"):
        trail.deliver(here, bucket.bucket, ARCHIVE, ARCHIVE, organization=ORGANIZATION, prefix=ORGANIZATION, kind=kind)
    return {"type": "s3", "bucket": bucket.bucket}


def some_accounts(here: Emulators) -> Json:
    make_trail(here)
    trail.deliver(here, LOGS.bucket, ARCHIVE, "444444444444", organization=ORGANIZATION)
    return {**ONE, "account_ids": ["444444444444", "555555555555"]}


def own_key(here: Emulators) -> Json:
    key = here.boto("kms", ARCHIVE).create_key()["KeyMetadata"]["Arn"]
    make_trail(here, KmsKeyId=key)
    return ONE


def beside_another_trail(here: Emulators) -> Json:
    """Its objects are below another prefix, so neither role nor inspection needs its key."""
    first, second = (here.boto("kms", ARCHIVE).create_key()["KeyMetadata"]["Arn"] for _number in range(2))
    make_trail(here, KmsKeyId=first)
    place = {"S3BucketName": LOGS.bucket, "S3KeyPrefix": "own", "KmsKeyId": second}
    LOGS.boto(here, "cloudtrail").create_trail(Name="own", **place)
    return {**ONE, "prefix": LOGS.prefix}


def through_a_topic(here: Emulators) -> Json:
    make_trail(here)
    topic = LOGS.make_topic(here, name="new-objects")
    LOGS.notify_topic(here, topic)
    return {**ONE, "topic_arn": topic}


SHAPES = {
    one.__name__: one
    for one in (own_trail, control_tower, some_accounts, own_key, beside_another_trail, through_a_topic)
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_healthy_chain_of_every_shape_has_no_findings(here: Emulators, shape: str) -> None:
    source = SHAPES[shape](here)
    onboard(source)
    [found] = inspect(source)
    assert (codes(found), found.unknown, found.broken_link) == (set(), [], "")
    assert found.objects_arrive


def make_by_hand(here: Emulators) -> None:
    make_trail(here)
    by_hand = replace(LOGS, queue_name="by-hand", role_name="OIDC_ByHand", suffix=".json.gz")
    for make in (by_hand.make_provider, by_hand.make_role, by_hand.make_queue, by_hand.make_notification):
        make(here)
    here.seed_connector(by_hand.connector())


def test_a_connection_of_others_is_inspected_under_its_names(here: Emulators) -> None:
    make_by_hand(here)
    [found] = inspect(ONE)
    assert (codes(found), found.unknown) == (set(), [])
    assert found.spec is not None
    assert (found.spec.queue_name, found.spec.role_name) == ("by-hand", "OIDC_ByHand")


@pytest.mark.parametrize("operation", ["GetBucketNotificationConfiguration", "DataConnectors_List"])
def test_a_connection_whose_names_are_unknown_is_not_missing(here: Emulators, operation: str) -> None:
    make_by_hand(here)
    here.fault(operation=operation, **(AZURE_DENIED if operation.startswith("Data") else SCP_DENIED))
    [found] = inspect({**ONE, "prefix": LOGS.prefix, "bucket_region": LOGS.region})
    assert (codes(found), found.broken_link) == (set(), "")
    assert {one.link for one in found.unknown} == {"notification", "queue", "role", "connector"}
    [found] = inspect({**ONE, "queue_name": "by-hand", "role_name": "OIDC_ByHand", "suffix": ".json.gz"})
    assert (codes(found), len(found.unknown)) == (set(), 1)


# --- keys, Regions, accounts ---

NOBODY = {"Version": "2012-10-17", "Statement": []}


@pytest.mark.parametrize(
    ("operation", "arguments", "code"),
    [
        ("put_key_policy", {"PolicyName": "default", "Policy": json.dumps(NOBODY)}, "permission_key_policy"),
        ("disable_key", {}, "permission_key_disabled"),
    ],
)
def test_the_role_has_to_be_able_to_decrypt(here: Emulators, operation: str, arguments: Json, code: str) -> None:
    own_key(here)
    onboard(ONE)
    client = here.boto("kms", ARCHIVE)
    [key] = client.list_keys()["Keys"]
    getattr(client, operation)(KeyId=key["KeyId"], **arguments)
    [found] = inspect(ONE)
    assert (codes(found), found.unknown, found.broken_link) == ({code}, [], "role")


def test_the_policy_of_a_key_of_another_account_is_unknown(here: Emulators) -> None:
    key = here.boto("kms").create_key()["KeyMetadata"]["Arn"]
    make_trail(here, KmsKeyId=key)
    onboard(ONE)
    [found] = inspect(ONE)
    assert (codes(found), [one.link for one in found.unknown]) == (set(), ["role"])
    assert "kms:Decrypt" in found.unknown[0].message


@pytest.mark.parametrize(("version", "wanted"), [(1, {"role_token_version"}), (2, set())])
def test_tokens_of_version_1_are_not_valid_in_opt_in_regions(here: Emulators, version: int, wanted: set[str]) -> None:
    far = replace(LOGS, bucket="far", region="me-south-1")
    make_trail(here, far)
    here.settings(token_version=version, connectivity_check=False)
    source = {"type": "s3", "bucket": far.bucket}
    onboard(source)
    [found] = inspect(source)
    assert (codes(found), found.broken_link) == (wanted, "role" if wanted else "")


def test_a_bucket_in_another_region_than_the_option(here: Emulators) -> None:
    make_trail(here)
    onboard(ONE)
    [found] = inspect({**ONE, "bucket_region": "eu-west-1"})
    assert (codes(found), found.broken_link) == ({"delivery_bucket_region"}, "delivery")


def test_a_bucket_of_another_account(here: Emulators) -> None:
    replace(LOGS, bucket="theirs", account="333333333333").make_bucket(here)
    [found] = inspect({"type": "s3", "bucket": "theirs", "prefix": "AWSLogs/"})
    assert (codes(found), found.broken_link) == ({"delivery_bucket_missing"}, "delivery")


def test_a_trail_of_one_account_does_not_serve_the_organization(here: Emulators) -> None:
    source = own_trail(here)
    onboard(source)
    [found] = inspect(source, organization=True)
    assert (codes(found), found.broken_link) == ({"delivery_trail_account"}, "")


# --- what cannot be read ---

READS = {
    "GetTrailStatus": "delivery",
    "GetEventSelectors": "delivery",
    "DescribeTrails": "delivery",
    "GetBucketLocation": "delivery",
    "ListObjectsV2": "delivery",
    "GetBucketNotificationConfiguration": "notification",
    "GetQueueAttributes": "queue",
    "GetMetricData": "queue",
    "GetOpenIDConnectProvider": "role",
    "GetRole": "role",
    "DataConnectors_List": "connector",
}


@pytest.mark.parametrize("operation", READS)
def test_what_is_denied_is_unknown_and_the_other_links_are_inspected(here: Emulators, operation: str) -> None:
    make_trail(here)
    onboard(ONE)
    without_connector(here)
    here.fault(operation=operation, **(AZURE_DENIED if operation.startswith("Data") else SCP_DENIED))
    [found] = inspect({**ONE, "prefix": LOGS.prefix, "bucket_region": LOGS.region})
    assert {one.link for one in found.unknown} == {READS[operation]}
    assert codes(found) == (set() if operation.startswith("Data") else {"connector_missing"})


# --- in a verification ---


def verified(members: int = 0, **variables: Any) -> dict[str, AccountIngestion]:
    hosts: Json = {"archive": _host((ONE,), variables)}
    hosts |= {f"{one:012}": {"aws_account_id": f"{one:012}", "sentinel_sources": []} for one in range(1, members + 1)}
    watched = [AccountIngestion(one, Expected(through_s3=True)) for one in engine.accounts_of(hosts)]
    asyncio.run(verify(watched, VerifyOptions(3600), lambda _line: None))
    return {item.account.account_id: item for item in watched}


def test_a_verification_has_the_broken_link_of_the_account(here: Emulators) -> None:
    make_trail(here)
    onboard(ONE)
    without_entry(here)
    found = verified(members=1)
    [source] = found[ARCHIVE].result()["s3_sources"]
    assert (source["bucket"], source["broken_link"]) == (LOGS.bucket, "notification")
    assert source["traffic"]["messages"] is not None
    assert "s3_sources" not in found["000000000001"].result()
    [note] = source_notes(found.values())
    assert note.startswith(f"broken: [{ARCHIVE} archive]")


def test_members_need_an_organization_trail(here: Emulators) -> None:
    source = own_trail(here)
    onboard(source)
    expected: list[tuple[int, set[str]]] = [(0, set()), (1, {"delivery_trail_account"})]
    for members, wanted in expected:
        hosts = {"archive": _host((source,), {})}
        hosts |= {"m": {"aws_account_id": "444444444444", "sentinel_sources": []}} if members else {}
        accounts = engine.accounts_of(hosts)
        with Clients(accounts) as clients:
            found = asyncio.run(inspect_accounts(accounts, clients))
        assert {one["code"] for one in found[ARCHIVE][0]["findings"]} == wanted


def test_an_account_that_cannot_be_entered_is_unknown_in_a_verification(here: Emulators) -> None:
    make_trail(here)
    here.fault(account=ARCHIVE, **TRUST_DENIED)
    item = verified()[ARCHIVE]
    [source] = item.result()["s3_sources"]
    assert (item.error, source["broken_link"], len(source["unknown"])) == (None, None, 1)


def test_an_interrupted_inspection_leaves_the_statuses_of_the_last_answer(here: Emulators) -> None:
    make_trail(here)
    onboard(ONE)
    here.fault(operation="DescribeTrails", delay=60)
    item = AccountIngestion(*engine.accounts_of({"archive": _host((ONE,), {})}), Expected(through_s3=True))

    async def work() -> None:
        interruption = Interruption()
        asyncio.get_running_loop().call_later(4, interruption.interrupt, "a signal")
        await verify([item], VerifyOptions(3600), lambda _line: None, interruption=interruption)
        assert interruption.error

    start = time.monotonic()
    asyncio.run(work())
    assert time.monotonic() - start < 30
    assert item.ingestion_status.name == "silent"
    assert "s3_sources" not in item.result()


def test_a_verification_without_s3_sources_asks_aws_for_nothing(here: Emulators) -> None:
    here.forget()
    accounts = engine.accounts_of({"one": {"aws_account_id": "111111111111"}})
    asyncio.run(verify([AccountIngestion(accounts[0])], VerifyOptions(3600), lambda _line: None))
    assert here.operations("sts") == []
