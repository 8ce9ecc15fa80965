# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""S3 sources by the engine: several in one account, connections of others, interruptions at every call."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountResult
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from tests.emulators import trail
from tests.emulators.client import Emulators
from tests.emulators.s3_connection import S3Connection
from tests.faults import engine
from tests.faults.hook import Moment, watched
from tests.faults.timing import Timing
from tests.resources import B

ARCHIVE, ORGANIZATION = "222222222222", "o-abc1234567"
DEFENDER = "api://6610e979-c931-41ec-adc7-b9920c9d52f1"
LOGS = S3Connection(bucket="logs", prefix=f"AWSLogs/{ORGANIZATION}/", suffix=".gz")
FLOWS = replace(LOGS, bucket="flows", prefix="flows/")
BY_HAND = replace(LOGS, queue_name="by-hand", role_name="OIDC_ByHand", suffix=".json.gz")
ONE = {"type": "s3", "bucket": LOGS.bucket, "prefix": LOGS.prefix}
TWO = {"type": "s3", "bucket": FLOWS.bucket, "prefix": FLOWS.prefix, "table": "AWSVPCFlow"}
REMOVAL = {"purge_queue": True, "remove_provider": True}
CREATED = [
    "CreateOpenIDConnectProvider",
    "CreateRole",
    "PutRolePolicy",
    "CreateQueue",
    "CreateQueue",
    "PutBucketNotificationConfiguration",
    "DataConnectors_CreateOrUpdate",
]
REMOVED = [
    "DataConnectors_Delete",
    "PutBucketNotificationConfiguration",
    "DeleteQueue",
    "DeleteQueue",
    "DeleteRolePolicy",
    "DeleteRole",
    "DeleteOpenIDConnectProvider",
]

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def quick(here: Emulators) -> Iterator[None]:
    LOGS.make_bucket(here)
    with engine.short_pauses():
        yield


def make_trail(here: Emulators, **more: str) -> None:
    """An organization trail that has delivered into the bucket."""
    place = {"S3BucketName": LOGS.bucket, "IsOrganizationTrail": True, **more}
    here.boto("cloudtrail", ARCHIVE).create_trail(Name="organization", **place)
    trail.deliver(here, LOGS.bucket, ARCHIVE, ARCHIVE, organization=ORGANIZATION)


def options_of(*sources: Json | str, **variables: Any) -> dict[str, Any]:
    return {"aws_account_id": ARCHIVE, "sentinel_sources": list(sources), **variables}


def run(*sources: Json | str, absent: bool = False, check_mode: bool = False, **variables: Any) -> AccountResult:
    """The result of a run over the account with these sources."""
    accounts = engine.accounts_of({"archive": options_of(*sources, **variables)})
    done = engine.run(accounts, fleet.RunOptions(absent=absent, check_mode=check_mode))
    assert done.error is None, str(done.error)
    return done.results[ARCHIVE]


def calls(result: AccountResult) -> list[str]:
    assert result.error is None, str(result.error)
    return [call.name for call in result.report.calls]


def codes(result: AccountResult) -> set[str]:
    return {one.code for one in result.report.findings}


def writes(here: Emulators) -> list[str]:
    """The writes since the log was cleared, but for sessions and tokens."""
    return [
        one["operation"]
        for one in here.requests(write=True)
        if one["operation"] not in ("Token", "AssumeRole") and one["status"] < 300
    ]


def sessions(here: Emulators) -> int:
    return here.operations("sts").count("AssumeRole")


def live(here: Emulators, *sources: Json, **variables: Any) -> tuple[list[str], list[str]]:
    """Onboard and offboard; each previewed, and each twice. Returns the calls of both."""
    found = []
    for absent in (False, True):
        preview = run(*sources, absent=absent, check_mode=True, **variables)
        done = run(*sources, absent=absent, **variables)
        assert [*map(_compared, preview.report.calls)] == [*map(_compared, done.report.calls)]
        assert calls(run(*sources, absent=absent, **variables)) == []
        found.append(calls(done))
    return found[0], found[1]


def live_removal(source: Json, **variables: Any) -> list[str]:
    """Offboard, previewed and twice; returns the calls."""
    modes = (True, False, False)
    preview, done, again = (calls(run(source, absent=True, check_mode=one, **variables)) for one in modes)
    assert (preview, again) == (done, [])
    return done


def _compared(call: Call) -> Call:
    """Without the entries that S3 returned: it spells the names of their rules in another way."""
    return Call(call.name, {}) if call.name == "PutBucketNotificationConfiguration" else call


# --- sessions ---


def test_an_unchanged_source_needs_one_session_and_one_with_writes_two(here: Emulators) -> None:
    source = {**ONE, **REMOVAL}
    found = []
    for absent in (False, True):
        for again in (False, True):
            here.forget()
            assert bool(calls(run(source, absent=absent))) != again
            # A removal opens another one for the CloudTrail source.
            found.append(sessions(here) - absent)
    assert found == [2, 1, 2, 1]


def test_a_preview_needs_one_session(here: Emulators) -> None:
    assert calls(run(ONE, check_mode=True)) == CREATED
    assert (sessions(here), writes(here)) == (1, [])


def test_a_session_policy_that_aws_does_not_take_fails_its_source_by_name(here: Emulators) -> None:
    FLOWS.make_bucket(here)
    packed = {"status": 400, "code": "PackedPolicyTooLarge", "message": "Packed policy consumes 140%."}
    here.fault(operation="AssumeRole", account=ARCHIVE, times=1, **packed)
    error = run(ONE, TWO).error
    assert error
    assert error.kind == "bad_input"
    assert "bucket logs" in str(error)
    assert "PackedPolicyTooLarge" in str(error)
    assert [one["properties"]["destinationTable"] for one in here.connectors()] == ["AWSVPCFlow"]


# --- several sources of one account ---


def test_two_sources_share_provider_and_role_until_the_last_is_removed(here: Emulators) -> None:
    FLOWS.make_bucket(here)
    created, removed = live(here, {**ONE, **REMOVAL}, {**TWO, **REMOVAL})
    shared = {"CreateOpenIDConnectProvider", "CreateRole"}
    assert created == [*CREATED, *(name for name in CREATED if name not in shared)]
    first = REMOVED[: REMOVED.index("DeleteRole")]
    assert removed == [*first, *REMOVED]


def test_two_sources_with_roles_of_their_own_share_the_provider(here: Emulators) -> None:
    FLOWS.make_bucket(here)
    _created, removed = live(here, {**ONE, **REMOVAL}, {**TWO, **REMOVAL, "role_name": "OIDC_Flows"})
    assert removed.count("DeleteRole") == 2
    assert removed[-1] == "DeleteOpenIDConnectProvider"


def test_two_sources_of_one_bucket_share_its_notification(here: Emulators) -> None:
    live(here, {**ONE, **REMOVAL}, {**TWO, **REMOVAL, "bucket": LOGS.bucket})


def test_a_queue_of_another_region_is_not_taken_for_a_missing_one(here: Emulators) -> None:
    far = replace(LOGS, bucket="far", region="eu-west-1")
    far.make_bucket(here)
    other = {"type": "s3", "bucket": far.bucket, "prefix": LOGS.prefix}
    assert calls(run(ONE)) == CREATED
    assert "DataConnectors_CreateOrUpdate" in calls(run(ONE, other))
    urls = {one["properties"]["sqsUrls"][0] for one in here.connectors()}
    assert {url.split(".")[1] for url in urls} == {"us-east-1", "eu-west-1"}
    assert calls(run(ONE, other)) == []


def test_the_connector_of_a_source_whose_queue_is_missing_is_not_given_to_another_one(here: Emulators) -> None:
    replace(LOGS, bucket="more").make_bucket(here)
    run(ONE)
    [before] = here.connectors()
    here.boto("sqs", ARCHIVE).delete_queue(QueueUrl=before["properties"]["sqsUrls"][0])
    calls(run({**ONE, "bucket": "more"}, ONE))
    assert before["properties"]["sqsUrls"] in [one["properties"]["sqsUrls"] for one in here.connectors()]
    [same] = [one for one in here.connectors() if one["name"] == before["name"]]
    assert same["properties"] == before["properties"]


# --- a role that others use ---


def test_the_role_keeps_the_policy_of_a_codeless_connector(here: Emulators) -> None:
    waf = replace(LOGS, bucket="aws-waf-logs", prefix="", queue_name="waf")
    assert calls(run(ONE)) == CREATED
    role = {"RoleName": LOGS.role_name, "PolicyName": "waf"}
    iam = here.boto("iam", ARCHIVE)
    iam.put_role_policy(**role, PolicyDocument=json.dumps(waf.role_policy()))
    here.seed_connector({"name": "codeless", **waf.codeless()})
    assert calls(run(ONE)) == []
    removed = calls(run({**ONE, **REMOVAL}, absent=True))
    assert removed == REMOVED[: REMOVED.index("DeleteRole")]
    assert iam.get_role_policy(**role)["PolicyDocument"] == waf.role_policy()


def test_a_queue_that_a_codeless_connector_reads_is_not_removed(here: Emulators) -> None:
    source = {**ONE, **REMOVAL, "connector": False}
    created = run(source)
    assert calls(created) == CREATED[:-1]
    [url] = [one.id for one in created.report.resources if one.kind == "queue"]
    here.seed_connector({"name": "codeless", **LOGS.codeless(sqsUrls=[url])})
    here.forget()
    for check_mode in (True, False):
        error = run(source, absent=True, check_mode=check_mode).error
        assert error
        assert error.kind == "connector_conflict"
    assert writes(here) == []


def test_two_workspaces_share_one_role(here: Emulators) -> None:
    FLOWS.make_bucket(here)
    here.add_workspace(name="second", customer_id=B)
    second = "second"
    run(ONE)
    shared, created = ["TagRole", "UpdateAssumeRolePolicy", "PutRolePolicy"], CREATED[3:]
    assert calls(run(TWO, sentinel_workspace=second)) == [*shared, *created]
    for source, variables in ((ONE, {}), (TWO, {"sentinel_workspace": second})):
        assert calls(run(source, **variables)) == []
    removed = calls(run({**ONE, **REMOVAL}, absent=True))
    assert "DeleteRole" not in removed
    assert calls(run(TWO, sentinel_workspace=second)) == []
    assert "DeleteRole" in calls(run({**TWO, **REMOVAL}, absent=True, sentinel_workspace=second))


def test_a_provider_shared_with_defender_keeps_its_audiences(here: Emulators) -> None:
    LOGS.make_provider(here, DEFENDER)
    created, removed = live(here, {**ONE, **REMOVAL})
    assert created[0] == "AddClientIDToOpenIDConnectProvider"
    assert removed[-1] == "RemoveClientIDFromOpenIDConnectProvider"
    iam = here.boto("iam", ARCHIVE)
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=LOGS.provider_arn)["ClientIDList"] == [DEFENDER]


# --- connections that others made ---


def make_by_hand(here: Emulators, connection: S3Connection = BY_HAND) -> None:
    """A connection as Microsoft's script makes it: the policy of the queue does not name the account of the bucket."""
    policy = connection.queue_policy()
    del policy["Statement"][0]["Condition"]["StringEquals"]
    connection.make_provider(here)
    connection.make_role(here)
    connection.make_queue(here, policy)
    connection.make_notification(here)
    here.seed_connector(connection.connector())
    here.forget()


def test_a_connection_of_the_script_is_adopted_without_a_write(here: Emulators) -> None:
    make_by_hand(here)
    adopted = run(ONE)
    assert (calls(adopted), writes(here)) == ([], [])
    assert codes(adopted) == {"queue_policy_account"}


def test_an_adopted_role_is_not_removed_without_adopt_and_nothing_before_it(here: Emulators) -> None:
    make_by_hand(here)
    names = {"queue_name": BY_HAND.queue_name, "role_name": BY_HAND.role_name}
    for check_mode in (True, False):
        for source in (ONE, {**ONE, **names}):
            error = run(source, absent=True, check_mode=check_mode).error
            assert error
            assert error.kind == ("bad_input" if source is ONE else "role_conflict")
    assert writes(here) == []
    error = run(ONE, absent=True, sentinel_adopt=True).error
    assert error
    assert error.kind == "bad_input"
    assert "by-hand" in str(error)
    assert "OIDC_ByHand" in str(error)
    assert writes(here) == []
    removed = run({**ONE, **names, **REMOVAL}, absent=True, sentinel_adopt=True)
    assert calls(removed) == [
        "DataConnectors_Delete",
        "PutBucketNotificationConfiguration",
        "DeleteQueue",
        "DeleteRolePolicy",
        "DeleteRole",
    ]
    assert here.connectors() == []


@pytest.mark.parametrize("is_linked", [True, False])
def test_adopt_removes_a_dead_letter_queue_without_the_tag_only_if_the_queue_uses_it(
    here: Emulators, *, is_linked: bool
) -> None:
    make_by_hand(here)
    sqs = here.boto("sqs", ARCHIVE)
    url = sqs.create_queue(QueueName=f"{BY_HAND.queue_name}-dlq")["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": f"{BY_HAND.queue.arn}-dlq", "maxReceiveCount": 5})
    if is_linked:
        place = sqs.get_queue_url(QueueName=BY_HAND.queue_name)
        policy = json.dumps(BY_HAND.queue_policy())
        sqs.set_queue_attributes(QueueUrl=place["QueueUrl"], Attributes={"RedrivePolicy": redrive, "Policy": policy})
    names = {"queue_name": BY_HAND.queue_name, "role_name": BY_HAND.role_name}
    removed = live_removal({**ONE, **names, **REMOVAL}, sentinel_adopt=True)
    assert removed.count("DeleteQueue") == 1 + is_linked
    assert sqs.list_queues().get("QueueUrls", []) == ([] if is_linked else [url])


def test_permissions_in_other_places_are_left_there_and_the_role_gets_its_own(here: Emulators) -> None:
    """Microsoft's script grants the role what it needs by the policies of queue and bucket."""
    role, policy = {"AWS": BY_HAND.role_arn}, BY_HAND.queue_policy()
    reading = {"Effect": "Allow", "Principal": role, "Action": "sqs:ReceiveMessage", "Resource": BY_HAND.queue.arn}
    policy["Statement"].append(reading)
    iam, trust = here.boto("iam", ARCHIVE), json.dumps(BY_HAND.trust())
    iam.create_role(RoleName=BY_HAND.role_name, AssumeRolePolicyDocument=trust)
    BY_HAND.make_provider(here)
    BY_HAND.make_queue(here, policy)
    BY_HAND.make_notification(here)
    here.seed_connector(BY_HAND.connector())
    adopted = run(ONE)
    assert calls(adopted) == ["TagRole", "PutRolePolicy"]
    assert codes(adopted) == {"permission_inline_missing", "role_unmanaged"}
    assert calls(run(ONE)) == []


def test_an_interrupted_removal_of_an_adopted_connection_is_completed_by_the_next_one(here: Emulators) -> None:
    make_by_hand(here)
    source = {**ONE, **REMOVAL, "queue_name": BY_HAND.queue_name, "role_name": BY_HAND.role_name}
    interrupt(source, "before", 1, absent=True, sentinel_adopt=True)
    asyncio.run(asyncio.sleep(0.3))  # the last request may still be processed
    assert here.connectors() == []
    run(source, absent=True, sentinel_adopt=True)
    assert writes(here) == [*REMOVED[:3], *REMOVED[4:6]]


@pytest.mark.parametrize("names", [{}, {"queue_name": "trail"}])
def test_an_entry_that_was_widened_is_drift_and_not_the_desired_state(here: Emulators, names: Json) -> None:
    make_trail(here)
    source = {"type": "s3", "bucket": LOGS.bucket, **names}
    assert calls(run(source)) == CREATED
    s3 = here.boto("s3", ARCHIVE)
    [entry] = s3.get_bucket_notification_configuration(Bucket=LOGS.bucket)["QueueConfigurations"]
    entry["Filter"]["Key"]["FilterRules"] = [{"Name": "prefix", "Value": "AWSLogs/"}]
    s3.put_bucket_notification_configuration(
        Bucket=LOGS.bucket, NotificationConfiguration={"QueueConfigurations": [entry]}
    )
    drifted = run(source)
    assert codes(drifted) == {"notification_wider"}
    assert calls(drifted) == ["PutBucketNotificationConfiguration"]


def test_what_is_left_of_a_bucket_that_was_deleted_is_removed(here: Emulators) -> None:
    run(ONE)
    assert len(here.read_queues()) == 1
    here.boto("s3", ARCHIVE).delete_bucket(Bucket=LOGS.bucket)
    here.forget()
    for source, absent in ((ONE, True), (ONE, False), ({**ONE, "bucket_region": LOGS.region}, False)):
        error = run(source, absent=absent).error
        assert error
        assert error.kind == "bad_input"
        assert ("bucket_region" in str(error)) == absent
    assert writes(here) == []
    found = live_removal({**ONE, **REMOVAL, "bucket_region": LOGS.region})
    assert found == [name for name in REMOVED if name != "PutBucketNotificationConfiguration"]


# --- options ---


def test_account_ids_make_one_entry_for_each(here: Emulators) -> None:
    accounts = ["111111111101", "111111111102"]
    live(here, {**ONE, **REMOVAL, "account_ids": accounts})
    run({**ONE, "account_ids": accounts})
    found = here.boto("s3", ARCHIVE).get_bucket_notification_configuration(Bucket=LOGS.bucket)["QueueConfigurations"]
    prefixes = [rule["Value"] for one in found for rule in one["Filter"]["Key"]["FilterRules"][:1]]
    assert prefixes == [f"{LOGS.prefix}{account}/CloudTrail/" for account in accounts]
    assert calls(run({**ONE, "account_ids": accounts[:1]})) == ["PutBucketNotificationConfiguration"]


def test_account_ids_are_below_the_folder_of_the_trail_of_an_account(here: Emulators) -> None:
    here.boto("cloudtrail", ARCHIVE).create_trail(Name="own", S3BucketName=LOGS.bucket)
    source = {"type": "s3", "bucket": LOGS.bucket, "account_ids": [ARCHIVE]}
    assert calls(run(source)) == CREATED
    here.read_queues()
    trail.deliver(here, LOGS.bucket, ARCHIVE, ARCHIVE)
    [done] = here.read_queues()
    assert done["deleted"] == 1
    assert calls(run(source)) == []


def test_a_trail_whose_prefix_policies_read_as_a_pattern_is_refused(here: Emulators) -> None:
    place = {"S3BucketName": LOGS.bucket, "S3KeyPrefix": "a$b"}
    here.boto("cloudtrail", ARCHIVE).create_trail(Name="own", **place)
    error = run({"type": "s3", "bucket": LOGS.bucket}).error
    assert error
    assert error.kind == "bad_input"
    assert "a$b/AWSLogs/" in str(error)
    assert writes(here) == []


def test_the_region_of_the_bucket_is_found(here: Emulators) -> None:
    far = replace(LOGS, bucket="far", region="eu-west-1")
    far.make_bucket(here)
    live(here, {**ONE, **REMOVAL, "bucket": far.bucket})
    here.forget()
    run({**ONE, "bucket": far.bucket, "bucket_region": far.region})
    assert "GetBucketLocation" not in here.operations("s3")
    assert "//sqs.eu-west-1." in here.connectors()[0]["properties"]["sqsUrls"][0]


@pytest.mark.parametrize("place", [{}, {"bucket_region": LOGS.region}])
def test_a_bucket_of_another_account_is_refused_before_the_first_write(here: Emulators, place: Json) -> None:
    other = replace(LOGS, account="333333333333", bucket="others")
    other.make_bucket(here)
    error = run({**ONE, "bucket": other.bucket, **place}).error
    assert error
    assert error.kind == "bad_input"
    assert "s3:GetObject" in str(error)
    assert writes(here) == []


def test_the_key_of_the_trail_is_allowed_to_the_role(here: Emulators) -> None:
    key = here.boto("kms", ARCHIVE).create_key()["KeyMetadata"]["Arn"]
    make_trail(here, KmsKeyId=key)
    assert calls(run({"type": "s3", "bucket": LOGS.bucket})) == CREATED
    iam = here.boto("iam", ARCHIVE)
    [name] = iam.list_role_policies(RoleName=LOGS.role_name)["PolicyNames"]
    document = iam.get_role_policy(RoleName=LOGS.role_name, PolicyName=name)["PolicyDocument"]
    assert {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": [key]} in document["Statement"]


def test_an_account_of_govcloud_with_s3_sources_alone_is_connected(here: Emulators) -> None:
    far = replace(LOGS, bucket="far", region="us-gov-west-1")
    far.make_bucket(here)
    source = {**ONE, **REMOVAL, "bucket": far.bucket}
    assert live(here, source, sentinel_region=far.region) == (CREATED, REMOVED)
    run(source, sentinel_region=far.region)
    [connector] = here.connectors()
    assert connector["properties"]["roleArn"] == far.role_arn
    error = run("cloudtrail", source, sentinel_region=far.region).error
    assert error
    assert error.kind == "bad_input"


# --- interruptions ---


def interrupt(source: Json, moment: Moment, number: int, *, absent: bool, **variables: Any) -> None:
    """Interrupt a run as Ctrl-C does, without grace, before or after its write of that number."""

    async def work() -> None:
        cancellation, loop, count = fleet.Cancellation(), asyncio.get_running_loop(), itertools.count()

        def see(seen: Moment, operation: str) -> None:
            if seen == moment and operation in {*CREATED, *REMOVED} and next(count) == number:
                loop.call_soon_threadsafe(cancellation.interrupt, "it got SIGINT")

        with watched(see):
            accounts = engine.accounts_of({"archive": options_of(source, **variables)})
            async for _one in fleet.run(accounts, fleet.RunOptions(absent=absent), cancellation):
                pass
        assert cancellation.interrupted

    with Timing(grace=0.0).applied():
        asyncio.run(work())


@pytest.mark.parametrize(
    ("moment", "number"), [*(("before", number) for number in range(7)), ("after", 1), ("after", 5)]
)
def test_an_interrupted_run_is_completed_by_the_next_one(here: Emulators, moment: Moment, number: int) -> None:
    source = {**ONE, **REMOVAL}
    for absent, expected in ((False, CREATED), (True, REMOVED)):
        here.forget()
        interrupt(source, moment, number, absent=absent)
        asyncio.run(asyncio.sleep(0.3))  # the last request may still be processed
        run(source, absent=absent)
        assert writes(here) == expected
        assert calls(run(source, absent=absent)) == []
    assert here.connectors() == []
