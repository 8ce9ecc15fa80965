# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM, CloudTrail and KMS as far as the S3 source asks them, where moto differs; asked by real botocore."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulators import faults
from tests.emulators.client import CALLER_ACCOUNT, Emulators
from tests.emulators.s3_connection import S3Connection

from .clients import client, refused, restricted

ONE = S3Connection()
A = ONE.account
ARN = {"OpenIDConnectProviderArn": ONE.provider_arn}
# Older releases of botocore require them.
THUMBPRINTS = {"ThumbprintList": ["6" * 40]}
DEFENDER = "api://6610e979-c931-41ec-adc7-b9920c9d52f1"


@pytest.fixture
def iam(e: Emulators) -> Any:
    ONE.make_provider(e, DEFENDER)
    return client(e, "iam", A)


def provider(iam: Any) -> dict[str, Any]:
    found: dict[str, Any] = iam.get_open_id_connect_provider(**ARN)
    return found


def test_client_ids_are_added_and_kept(e: Emulators, iam: Any) -> None:
    iam.tag_open_id_connect_provider(**ARN, Tags=[{"Key": "owner", "Value": "defender"}])
    for _twice in range(2):
        iam.add_client_id_to_open_id_connect_provider(**ARN, ClientID=ONE.audience)
    found = provider(iam)
    assert found["ClientIDList"] == [DEFENDER, ONE.audience]
    assert found["Url"] == ONE.issuer
    assert found["ThumbprintList"] == ["6" * 40]
    assert found["Tags"] == [{"Key": "owner", "Value": "defender"}]
    assert e.operations("iam", write=True).count("AddClientIDToOpenIDConnectProvider") == 2


def test_client_ids_are_removed_and_others_stay(e: Emulators, iam: Any) -> None:
    iam.add_client_id_to_open_id_connect_provider(**ARN, ClientID=ONE.audience)
    for _twice in range(2):
        iam.remove_client_id_from_open_id_connect_provider(**ARN, ClientID=ONE.audience)
    assert provider(iam)["ClientIDList"] == [DEFENDER]


def test_a_provider_has_at_most_a_hundred(e: Emulators, iam: Any) -> None:
    for number in range(99):
        iam.add_client_id_to_open_id_connect_provider(**ARN, ClientID=f"client-{number}")
    assert refused(iam.add_client_id_to_open_id_connect_provider, **ARN, ClientID="more")[:2] == (409, "LimitExceeded")


def test_a_provider_that_is_not_there(e: Emulators) -> None:
    iam = client(e, "iam", A)
    add, remove = iam.add_client_id_to_open_id_connect_provider, iam.remove_client_id_from_open_id_connect_provider
    for call in (add, remove):
        assert refused(call, **ARN, ClientID="x")[:2] == (404, "NoSuchEntity")
    for call in (iam.get_open_id_connect_provider, iam.delete_open_id_connect_provider):
        assert refused(call, **ARN)[:2] == (404, "NoSuchEntity")


def test_the_same_provider_twice_is_refused(e: Emulators, iam: Any) -> None:
    url = f"https://{ONE.issuer}"
    assert refused(iam.create_open_id_connect_provider, Url=url, **THUMBPRINTS)[:2] == (409, "EntityAlreadyExists")
    other = iam.create_open_id_connect_provider(Url=url.rstrip("/"), **THUMBPRINTS)
    assert other["OpenIDConnectProviderArn"] == ONE.provider_arn.rstrip("/")


def test_session_policies_name_the_provider(e: Emulators, iam: Any) -> None:
    actions = ["iam:GetOpenIDConnectProvider", "iam:CreateOpenIDConnectProvider"]
    keys = restricted(e, A, {"Effect": "Allow", "Action": actions, "Resource": ONE.provider_arn})
    inside = client(e, "iam", A, **keys)
    assert provider(inside)
    url = f"https://{ONE.issuer}"
    assert refused(inside.create_open_id_connect_provider, Url=url, **THUMBPRINTS)[1] == "EntityAlreadyExists"
    assert refused(inside.create_open_id_connect_provider, Url=url.rstrip("/"), **THUMBPRINTS)[1] == "AccessDenied"
    answer = refused(inside.add_client_id_to_open_id_connect_provider, **ARN, ClientID="x")
    assert "iam:AddClientIDToOpenIDConnectProvider" in answer[2]


def test_client_ids_can_conflict(e: Emulators, iam: Any) -> None:
    e.fault(operation="AddClientID*", times=1, **faults.CONCURRENT_MODIFICATION)
    add = iam.add_client_id_to_open_id_connect_provider
    assert refused(add, **ARN, ClientID="x")[:2] == (409, "ConcurrentModification")
    assert provider(iam)["ClientIDList"] == [DEFENDER]


def test_the_token_version_can_be_set(e: Emulators) -> None:
    iam = client(e, "iam", A)
    assert iam.get_account_summary()["SummaryMap"]["GlobalEndpointTokenVersion"] == 1
    iam.set_security_token_service_preferences(GlobalEndpointTokenVersion="v2Token")
    assert iam.get_account_summary()["SummaryMap"]["GlobalEndpointTokenVersion"] == 2
    other = client(e, "iam", "333333333333")
    assert other.get_account_summary()["SummaryMap"]["GlobalEndpointTokenVersion"] == 1
    e.settings(token_version=2)
    assert other.get_account_summary()["SummaryMap"]["GlobalEndpointTokenVersion"] == 2


def trail(e: Emulators, **changed: Any) -> str:
    ONE.make_bucket(e)
    wanted = {"Name": "org", "S3BucketName": ONE.bucket, "IsOrganizationTrail": True, "IsMultiRegionTrail": True}
    cloudtrail = e.boto("cloudtrail", CALLER_ACCOUNT, "eu-west-1")
    arn = str(cloudtrail.create_trail(**wanted, **changed)["TrailARN"])
    cloudtrail.start_logging(Name=arn)
    selector = {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}
    cloudtrail.put_event_selectors(TrailName=arn, EventSelectors=[selector])
    return arn


def test_a_member_sees_the_trail_of_its_organization(e: Emulators) -> None:
    arn = trail(e, S3KeyPrefix="o-abc")
    member = client(e, "cloudtrail", A)
    [found] = member.describe_trails()["trailList"]
    assert (found["TrailARN"], found["HomeRegion"], found["S3KeyPrefix"]) == (arn, "eu-west-1", "o-abc")
    assert found["IsOrganizationTrail"]
    assert member.describe_trails(trailNameList=[arn])["trailList"] == [found]
    assert member.describe_trails(includeShadowTrails=False)["trailList"] == []
    assert {one["account"] for one in e.requests("cloudtrail")} == {A}


def test_a_member_reads_that_trail_by_arn(e: Emulators) -> None:
    arn = trail(e)
    member = client(e, "cloudtrail", A)
    assert member.get_trail_status(Name=arn)["IsLogging"]
    assert member.get_event_selectors(TrailName=arn)["EventSelectors"][0]["ReadWriteType"] == "WriteOnly"
    assert member.get_trail(Name=arn)["Trail"]["TrailARN"] == arn
    assert refused(member.get_trail_status, Name="org")[1] == "TrailNotFoundException"


def test_a_trail_of_one_account_is_no_others(e: Emulators) -> None:
    arn = own_trail(e)
    member = client(e, "cloudtrail", A)
    assert member.describe_trails()["trailList"] == []
    assert refused(member.get_trail_status, Name=arn)[1] == "TrailNotFoundException"
    mine = client(e, "cloudtrail", CALLER_ACCOUNT)
    assert mine.describe_trails(trailNameList=["other"])["trailList"] == []
    assert len(mine.describe_trails(trailNameList=["mine"])["trailList"]) == 1


def own_trail(e: Emulators) -> str:
    ONE.make_bucket(e)
    cloudtrail = e.boto("cloudtrail", CALLER_ACCOUNT)
    return str(cloudtrail.create_trail(Name="mine", S3BucketName=ONE.bucket)["TrailARN"])


def test_session_policies_name_trail_and_key(e: Emulators) -> None:
    arn = trail(e)
    key = e.boto("kms", A).create_key()["KeyMetadata"]
    statements = (
        {"Effect": "Allow", "Action": "cloudtrail:GetTrailStatus", "Resource": arn},
        {"Effect": "Allow", "Action": "kms:DescribeKey", "Resource": key["Arn"]},
    )
    keys = restricted(e, A, *statements)
    cloudtrail, kms = client(e, "cloudtrail", A, **keys), client(e, "kms", A, **keys)
    assert cloudtrail.get_trail_status(Name=arn)["IsLogging"]
    assert refused(cloudtrail.get_event_selectors, TrailName=arn)[1] == "AccessDenied"
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["Arn"] == key["Arn"]
    assert refused(kms.get_key_policy, KeyId=key["Arn"], PolicyName="default")[1] == "AccessDenied"
    seen = [(one["service"], one["operation"], one["write"]) for one in e.requests("kms")]
    assert seen == [("kms", "DescribeKey", False), ("kms", "GetKeyPolicy", False)]


def test_a_session_policy_has_at_most_2048_characters(e: Emulators) -> None:
    arn = f"arn:aws:iam::{A}:role/OrganizationAccountAccessRole"
    sts = client(e, "sts", CALLER_ACCOUNT)
    shortest = '{"Version": "2012-10-17", "Statement": []}'
    wanted = {"RoleArn": arn, "RoleSessionName": "test"}
    assert sts.assume_role(**wanted, Policy=shortest.ljust(2048))["Credentials"]
    assert refused(sts.assume_role, **wanted, Policy=shortest.ljust(2049))[:2] == (400, "ValidationError")
    e.fault(times=1, **faults.PACKED_POLICY)
    assert refused(sts.assume_role, **wanted, Policy=shortest)[1] == "PackedPolicyTooLarge"
