# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""S3 in front of moto: operations by name, owners, Regions, and the bucket's notification; asked by real botocore."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.emulators import faults
from tests.emulators.client import Emulators
from tests.emulators.s3_connection import S3Connection

from .clients import client, refused, restricted

ONE = S3Connection()
A, B = ONE.account, "333333333333"
UNVERIFIED = (400, "InvalidArgument", "Unable to validate the following destination configurations")


@pytest.fixture
def s3(e: Emulators) -> Any:
    ONE.make_bucket(e)
    ONE.make_queue(e)
    return client(e, "s3", A)


def put(s3: Any, *entries: dict[str, Any], **document: Any) -> Any:
    wanted = {"QueueConfigurations": list(entries), **document}
    return s3.put_bucket_notification_configuration(Bucket=ONE.bucket, NotificationConfiguration=wanted)


def put_refused(s3: Any, *entries: dict[str, Any], **document: Any) -> tuple[int, str, str]:
    wanted = {"QueueConfigurations": list(entries), **document}
    return refused(s3.put_bucket_notification_configuration, Bucket=ONE.bucket, NotificationConfiguration=wanted)


def stored(s3: Any) -> dict[str, Any]:
    found: dict[str, Any] = s3.get_bucket_notification_configuration(Bucket=ONE.bucket)
    found.pop("ResponseMetadata")
    return found


def filtered(prefix: str | None = None, suffix: str | None = None) -> dict[str, Any]:
    rules = [{"Name": name, "Value": value} for name, value in (("prefix", prefix), ("suffix", suffix)) if value]
    return {"Key": {"FilterRules": rules}}


def test_operations_are_recorded_under_their_names(e: Emulators, s3: Any) -> None:
    put(s3, ONE.entry())
    s3.get_bucket_location(Bucket=ONE.bucket)
    s3.head_bucket(Bucket=ONE.bucket)
    s3.list_objects_v2(Bucket=ONE.bucket)
    s3.put_object(Bucket=ONE.bucket, Key="a/b c", Body=b"x")
    s3.get_object(Bucket=ONE.bucket, Key="a/b c")
    s3.list_buckets()
    seen = [(one["operation"], one["write"], one["account"], one["status"]) for one in e.requests("s3")]
    assert seen == [
        ("PutBucketNotificationConfiguration", True, A, 200),
        ("GetBucketLocation", False, A, 200),
        ("HeadBucket", False, A, 200),
        ("ListObjectsV2", False, A, 200),
        ("PutObject", True, A, 200),
        ("GetObject", False, A, 200),
        ("ListBuckets", False, A, 200),
    ]
    rights = [(one["action"], one["resource"]) for one in e.requests("s3")]
    bucket = f"arn:aws:s3:::{ONE.bucket}"
    assert rights[0] == ("s3:PutBucketNotification", bucket)
    assert rights[4:] == [
        ("s3:PutObject", f"{bucket}/a/b c"),
        ("s3:GetObject", f"{bucket}/a/b c"),
        ("s3:ListAllMyBuckets", "*"),
    ]


def test_the_notification_comes_back_as_s3_words_it(e: Emulators, s3: Any) -> None:
    put(s3, ONE.entry())
    [entry] = stored(s3)["QueueConfigurations"]
    names = [rule["Name"] for rule in entry["Filter"]["Key"]["FilterRules"]]
    assert names == ["Prefix", "Suffix"]
    assert entry["Id"] == "sentinel"
    put(s3, entry)
    assert stored(s3)["QueueConfigurations"] == [entry]
    put(s3, ONE.entry(Id=""))
    assert len(stored(s3)["QueueConfigurations"][0]["Id"]) > 10


def test_a_put_replaces_the_whole_document(e: Emulators, s3: Any) -> None:
    put(s3, ONE.entry(), EventBridgeConfiguration={})
    put(s3)
    assert stored(s3) == {}


def test_event_bridge_is_kept_on_read(e: Emulators, s3: Any) -> None:
    put(s3, ONE.entry(), EventBridgeConfiguration={})
    assert stored(s3)["EventBridgeConfiguration"] == {}
    put(s3, ONE.entry())
    assert "EventBridgeConfiguration" not in stored(s3)


def test_event_bridge_goes_with_the_bucket(e: Emulators, s3: Any) -> None:
    put(s3, EventBridgeConfiguration={})
    s3.delete_bucket(Bucket=ONE.bucket)
    s3.create_bucket(Bucket=ONE.bucket)
    assert stored(s3) == {}


def test_a_destination_must_be_there(e: Emulators, s3: Any) -> None:
    assert put_refused(s3, ONE.entry(QueueArn=f"{ONE.queue.arn}-gone")) == UNVERIFIED
    assert put_refused(s3, ONE.entry(QueueArn=ONE.queue.arn.replace("us-east-1", "eu-west-1"))) == UNVERIFIED
    assert stored(s3) == {}


WRONG_SENDERS: dict[str, dict[str, Any]] = {
    "nobody": {"Statement": []},
    "another bucket": S3Connection(bucket="other").queue_policy(),
    "another account": json.loads(json.dumps(ONE.queue_policy()).replace(A, B)),
    "another service": json.loads(json.dumps(ONE.queue_policy()).replace("s3.amazonaws", "sns.amazonaws")),
    "denied": {
        "Statement": [
            *ONE.queue_policy()["Statement"],
            {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"},
        ]
    },
}


@pytest.mark.parametrize("policy", WRONG_SENDERS.values(), ids=list(WRONG_SENDERS))
def test_a_queue_must_let_the_bucket_send(e: Emulators, s3: Any, policy: dict[str, Any]) -> None:
    sqs = e.boto("sqs", A)
    sqs.set_queue_attributes(QueueUrl=ONE.queue.url, Attributes={"Policy": json.dumps(policy)})
    assert put_refused(s3, ONE.entry()) == UNVERIFIED


def test_one_dead_destination_stops_the_whole_put(e: Emulators, s3: Any) -> None:
    dead = {"Id": "dead", "TopicArn": f"arn:aws:sns:us-east-1:{A}:gone", "Events": ["s3:ObjectRemoved:*"]}
    assert put_refused(s3, ONE.entry(), TopicConfigurations=[dead]) == UNVERIFIED
    assert stored(s3) == {}


def test_validation_can_be_skipped(e: Emulators, s3: Any) -> None:
    wanted = {"QueueConfigurations": [ONE.entry(QueueArn=f"{ONE.queue.arn}-gone")]}
    s3.put_bucket_notification_configuration(
        Bucket=ONE.bucket, NotificationConfiguration=wanted, SkipDestinationValidation=True
    )
    assert stored(s3)["QueueConfigurations"][0]["QueueArn"].endswith("-gone")


def test_a_topic_needs_a_policy_too(e: Emulators, s3: Any) -> None:
    sns = e.boto("sns", A)
    arn = sns.create_topic(Name="fan-out")["TopicArn"]
    topic = {"Id": "topic", "TopicArn": arn, "Events": ["s3:ObjectCreated:*"]}
    assert put_refused(s3, TopicConfigurations=[topic]) == UNVERIFIED
    allowed = json.loads(json.dumps(ONE.queue_policy()).replace("sqs:SendMessage", "sns:Publish"))
    allowed["Statement"][0]["Resource"] = arn
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(allowed))
    put(s3, TopicConfigurations=[topic])
    assert stored(s3)["TopicConfigurations"][0]["TopicArn"] == arn


def test_what_other_teams_have_on_a_bucket_stays(e: Emulators, s3: Any) -> None:
    others = ONE.make_others(e)
    found = stored(s3)
    assert {name: len(value) for name, value in found.items()} == {name: len(value) for name, value in others.items()}
    document = {**found, "QueueConfigurations": [*found["QueueConfigurations"], ONE.entry()]}
    s3.put_bucket_notification_configuration(Bucket=ONE.bucket, NotificationConfiguration=document)
    after = stored(s3)
    assert {**after, "QueueConfigurations": after["QueueConfigurations"][:1]} == found
    e.boto("lambda", A).remove_permission(FunctionName="scan", StatementId="s3")
    assert put_refused(s3, LambdaFunctionConfigurations=found["LambdaFunctionConfigurations"]) == UNVERIFIED


@pytest.mark.parametrize(("grant", "works"), [(True, True), (False, False)])
def test_a_queue_with_a_key_needs_a_key_policy(e: Emulators, s3: Any, grant: bool, works: bool) -> None:
    kms = e.boto("kms", A)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com" if grant else "sns.amazonaws.com"},
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
    attributes = {"KmsMasterKeyId": key, "Policy": json.dumps(ONE.queue_policy())}
    e.boto("sqs", A).set_queue_attributes(QueueUrl=ONE.queue.url, Attributes=attributes)
    assert (put(s3, ONE.entry()) is not None) if works else (put_refused(s3, ONE.entry()) == UNVERIFIED)


def test_sqs_own_key_is_not_enough(e: Emulators, s3: Any) -> None:
    attributes = {"KmsMasterKeyId": "alias/aws/sqs", "Policy": json.dumps(ONE.queue_policy())}
    e.boto("sqs", A).set_queue_attributes(QueueUrl=ONE.queue.url, Attributes=attributes)
    assert put_refused(s3, ONE.entry()) == UNVERIFIED


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (filtered("AWSLogs/"), filtered("AWSLogs/o-abc/")),
        (filtered("AWSLogs/", ".gz"), filtered("AWSLogs/", ".json.gz")),
        (filtered("AWSLogs/"), filtered(None, ".gz")),
        (filtered(None, ".gz"), filtered("AWSLogs/", ".json.gz")),
        (filtered("AWSLogs/a%3D1/"), filtered("AWSLogs/a%3d1/b+c/")),
    ],
)
def test_overlapping_rules_are_refused(e: Emulators, s3: Any, first: dict[str, Any], second: dict[str, Any]) -> None:
    for events in ("s3:ObjectCreated:*", "s3:ObjectCreated:Put"):
        entries = ONE.entry(Filter=first), ONE.entry(Filter=second, Id="other", Events=[events])
        status, code, message = put_refused(s3, *entries)
        assert (status, code) == (400, "InvalidArgument")
        assert message.startswith("Configuration is ambiguously defined. Cannot have overlapping suffixes")


@pytest.mark.parametrize(
    ("prefix", "suffix", "is_sent"),
    [
        ("a%3D1/my+flows/", ".gz", True),
        ("a%3D1/", "%3D2.gz", True),
        (None, "(2)%3D2.gz", True),
        ("a=1/", None, False),
        ("a%3D1/my flows/", None, False),
        (None, "=2.gz", False),
    ],
)
def test_the_values_of_a_filter_are_compared_with_encoded_keys(
    e: Emulators, s3: Any, prefix: str | None, suffix: str | None, *, is_sent: bool
) -> None:
    put(s3, ONE.entry(Filter=filtered(prefix, suffix)))
    rules = stored(s3)["QueueConfigurations"][0]["Filter"]["Key"]["FilterRules"]
    assert [one["Value"] for one in rules] == [one for one in (prefix, suffix) if one]
    client(e, "sqs", A).purge_queue(QueueUrl=ONE.queue.url)
    s3.put_object(Bucket=ONE.bucket, Key="a=1/my flows/(2)=2.gz", Body=b"x")
    found = client(e, "sqs", A).get_queue_attributes(QueueUrl=ONE.queue.url, AttributeNames=["All"])
    assert found["Attributes"]["ApproximateNumberOfMessages"] == str(int(is_sent))


def test_rules_without_filters_cannot_share_an_event(e: Emulators, s3: Any) -> None:
    entries = [ONE.entry(Id=name) for name in ("one", "two")]
    for entry in entries:
        del entry["Filter"]
    assert put_refused(s3, *entries)[2].startswith("Configurations overlap.")


@pytest.mark.parametrize(
    "other",
    [
        {"Filter": filtered("AWSLogs2/")},
        {"Filter": filtered("AWSLogs/", ".txt")},
        {"Filter": filtered("AWSLogs/"), "Events": ["s3:ObjectRemoved:*"]},
    ],
)
def test_rules_that_share_no_key_or_event_are_stored(e: Emulators, s3: Any, other: dict[str, Any]) -> None:
    put(s3, ONE.entry(Filter=filtered("AWSLogs/", ".json.gz")), ONE.entry(Id="other", **other))
    assert len(stored(s3)["QueueConfigurations"]) == 2


def test_ids_and_rules_are_checked(e: Emulators, s3: Any) -> None:
    twice = ONE.entry(), ONE.entry(Filter=filtered("other/"))
    assert put_refused(s3, *twice)[:2] == (400, "InvalidArgument")
    rules = [{"Name": "middle", "Value": "x"}]
    message = put_refused(s3, ONE.entry(Filter={"Key": {"FilterRules": rules}}))[2]
    assert message == "filter rule name must be either prefix or suffix"
    rules = [{"Name": "Prefix", "Value": "x"}, {"Name": "prefix", "Value": "y"}]
    assert put_refused(s3, ONE.entry(Filter={"Key": {"FilterRules": rules}}))[1] == "InvalidArgument"


def test_a_queue_attribute_may_take_a_while(e: Emulators, s3: Any) -> None:
    sqs, url = client(e, "sqs", A), ONE.queue.url
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    e.settings(queue_lag_seconds=60)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(ONE.queue_policy())})
    assert put_refused(s3, ONE.entry()) == UNVERIFIED
    e.settings(queue_lag_seconds=0)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "30"})
    assert put_refused(s3, ONE.entry()) == UNVERIFIED


def test_the_expected_owner_is_checked(e: Emulators, s3: Any) -> None:
    assert s3.get_bucket_location(Bucket=ONE.bucket, ExpectedBucketOwner=A)
    for call in (s3.get_bucket_notification_configuration, s3.get_bucket_policy, s3.list_objects_v2):
        assert refused(call, Bucket=ONE.bucket, ExpectedBucketOwner=B)[:2] == (403, "AccessDenied")
    assert refused(s3.head_bucket, Bucket=ONE.bucket, ExpectedBucketOwner=B)[0] == 403
    assert refused(s3.get_bucket_location, Bucket="not-there", ExpectedBucketOwner=B)[1] == "NoSuchBucket"


def test_another_account_needs_the_buckets_policy(e: Emulators, s3: Any) -> None:
    other = client(e, "s3", B)
    status, code, message = refused(other.get_bucket_notification_configuration, Bucket=ONE.bucket)
    assert (status, code) == (403, "AccessDenied")
    assert "s3:GetBucketNotification on resource" in message
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{B}:root"},
        "Action": "s3:GetBucketNotification",
        "Resource": f"arn:aws:s3:::{ONE.bucket}",
    }
    s3.put_bucket_policy(Bucket=ONE.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert other.get_bucket_notification_configuration(Bucket=ONE.bucket)
    assert refused(other.get_bucket_policy, Bucket=ONE.bucket)[1] == "AccessDenied"


def test_a_bucket_answers_in_its_region(e: Emulators) -> None:
    ONE.make_bucket(e)
    there = client(e, "s3", A, "eu-west-1")
    assert there.get_bucket_location(Bucket=ONE.bucket).get("LocationConstraint") is None
    # botocore asks for the Region and repeats the call there.
    assert "QueueConfigurations" not in there.get_bucket_notification_configuration(Bucket=ONE.bucket)
    assert [(one["operation"], one["status"]) for one in e.requests("s3")][1] == (
        "GetBucketNotificationConfiguration",
        301,
    )


def test_session_policies_hold_for_s3(e: Emulators, s3: Any) -> None:
    statement = {
        "Effect": "Allow",
        "Action": ["s3:GetBucketNotification", "sqs:Get*"],
        "Resource": [f"arn:aws:s3:::{ONE.bucket}", f"arn:aws:sqs:us-east-1:{A}:sentinel-*"],
    }
    keys = restricted(e, A, statement)
    inside = client(e, "s3", A, **keys)
    assert inside.get_bucket_notification_configuration(Bucket=ONE.bucket)
    assert "no session policy allows the s3:PutBucketNotification action" in put_refused(inside, ONE.entry())[2]
    sqs = client(e, "sqs", A, **keys)
    assert sqs.get_queue_url(QueueName=ONE.queue_name)["QueueUrl"] == ONE.queue.url
    assert refused(sqs.delete_queue, QueueUrl=ONE.queue.url)[:2] == (403, "AccessDenied")


@pytest.mark.parametrize("refusal", [faults.SLOW_DOWN, faults.S3_DENIED, faults.FAILURE])
def test_faults_are_worded_as_by_s3(e: Emulators, s3: Any, refusal: dict[str, Any]) -> None:
    e.fault(operation="PutBucketNotificationConfiguration", account=A, times=1, **refusal)
    assert put_refused(s3, ONE.entry())[:2] == (refusal["status"], refusal["code"])
    put(s3, ONE.entry())
    assert e.struck() == 1


def test_an_answer_can_be_lost(e: Emulators, s3: Any) -> None:
    from botocore.exceptions import BotoCoreError

    e.fault(service="s3", operation="PutBucketNotificationConfiguration", reset="after", times=1)
    with pytest.raises(BotoCoreError):
        put(s3, ONE.entry())
    assert len(stored(s3)["QueueConfigurations"]) == 1
