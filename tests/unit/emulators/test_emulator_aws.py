# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy in front of moto, with boto3: accounts, error messages, the request log."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulators import faults
from tests.emulators.client import CALLER_ACCOUNT, Emulators

ACCOUNT = "111111111111"
POLICY = "arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"
DOCUMENT = '{"Version": "2012-10-17", "Statement": []}'


def error_of(call: Any, **arguments: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer: Any = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def test_an_assumed_role_works_in_its_own_account(e: Emulators, inside: Any) -> None:
    iam = inside("iam", ACCOUNT)
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=DOCUMENT, Tags=[{"Key": "a", "Value": "b"}])
    iam.attach_role_policy(RoleName="R", PolicyArn=POLICY)
    role = e.boto("iam", ACCOUNT).get_role(RoleName="R")["Role"]
    assert (role["Arn"], role["Tags"]) == (f"arn:aws:iam::{ACCOUNT}:role/R", [{"Key": "a", "Value": "b"}])
    assert e.boto("iam").list_roles()["Roles"] == []


def test_every_request_is_logged_with_its_account(e: Emulators, inside: Any) -> None:
    inside("iam", ACCOUNT).create_role(RoleName="R", AssumeRolePolicyDocument=DOCUMENT)
    e.boto("iam", ACCOUNT).get_role(RoleName="R")
    seen = [(r["service"], r["operation"], r["account"], r["status"], r["write"]) for r in e.requests()]
    assert seen == [("sts", "AssumeRole", ACCOUNT, 200, False), ("iam", "CreateRole", ACCOUNT, 200, True)]
    assert len(e.requests(service="aws")) == 2
    assert e.operations(write=True) == ["CreateRole"]
    e.forget()
    assert e.requests() == []


def test_session_credentials_are_among_the_secrets(e: Emulators, boto: Any) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/OrganizationAccountAccessRole"
    keys = boto("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    assert {keys["SecretAccessKey"], keys["SessionToken"]} <= set(e.secrets())


def test_other_roles_cannot_be_assumed(e: Emulators, boto: Any) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/AWSControlTowerExecution"
    status, code, message = error_of(boto("sts").assume_role, RoleArn=arn, RoleSessionName="test")
    assert (status, code) == (403, "AccessDenied")
    assert message.endswith(f"is not authorized to perform: sts:AssumeRole on resource: {arn}")
    e.settings(role_names=["OrganizationAccountAccessRole", "AWSControlTower*"])
    assert boto("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]


def test_the_source_credentials_belong_to_the_caller(e: Emulators, boto: Any) -> None:
    assert boto("sts").get_caller_identity()["Account"] == CALLER_ACCOUNT
    assert e.requests()[0]["account"] == CALLER_ACCOUNT


def test_further_credentials_belong_to_their_account(e: Emulators, boto: Any) -> None:
    keys = e.credentials("222222222222")
    assert boto("sts", **keys).get_caller_identity()["Account"] == "222222222222"
    assert keys["aws_secret_access_key"] in e.secrets()


def test_unknown_keys_can_be_rejected(e: Emulators, boto: Any) -> None:
    unknown_keys = {"aws_access_key_id": "AKIAUNKNOWN000000000", "aws_secret_access_key": "x"}
    assert boto("sts", **unknown_keys).get_caller_identity()["Account"] == CALLER_ACCOUNT
    e.settings(refuse_unknown_keys=True)
    assert error_of(boto("sts", **unknown_keys).get_caller_identity)[:2] == (403, "InvalidClientTokenId")
    assert boto("sts").get_caller_identity()["Account"] == CALLER_ACCOUNT


@pytest.mark.parametrize(
    ("refusal", "phrase"),
    [
        (faults.SCP_DENIED, "with an explicit deny in a service control policy"),
        (faults.BOUNDARY_DENIED, "because no permissions boundary allows the iam:GetRole action"),
        (faults.IDENTITY_DENIED, "because no identity-based policy allows the iam:GetRole action"),
        (faults.THROTTLED, "Rate exceeded"),
        (faults.CONCURRENT_MODIFICATION, "multiple requests to change this object"),
        (faults.EXPIRED_TOKEN, "expired"),
        (faults.UNAVAILABLE, "unable"),
    ],
)
def test_errors_have_the_messages_of_aws(e: Emulators, inside: Any, refusal: dict[str, Any], phrase: str) -> None:
    iam = inside("iam", ACCOUNT)
    e.fault(operation="GetRole", account=ACCOUNT, **refusal)
    status, code, message = error_of(iam.get_role, RoleName="R")
    assert (status, code) == (refusal["status"], refusal["code"])
    assert phrase in message
    if code == "AccessDenied":
        assert f"User: arn:aws:sts::{ACCOUNT}:assumed-role/OrganizationAccountAccessRole/test" in message
        assert f"on resource: arn:aws:iam::{ACCOUNT}:role/R" in message


def test_assume_role_can_be_denied_for_one_account(e: Emulators, inside: Any) -> None:
    e.fault(account=ACCOUNT, **faults.TRUST_DENIED)
    assert error_of(inside, service="sts", account=ACCOUNT)[1] == "AccessDenied"
    assert inside("sts", "222222222222").get_caller_identity()["Account"] == "222222222222"


def test_errors_of_the_json_protocol_are_json(e: Emulators, boto: Any) -> None:
    organizations = boto("organizations")
    organizations.create_organization(FeatureSet="ALL")
    e.fault(times=1, **faults.ORGANIZATION_BUSY)
    assert error_of(organizations.list_accounts)[:2] == (400, "TooManyRequestsException")
    assert organizations.list_accounts()["Accounts"][0]["Id"] == CALLER_ACCOUNT
    assert e.operations("organizations") == ["CreateOrganization", "ListAccounts", "ListAccounts"]


def test_reset_empties_every_account_but_keeps_sessions(e: Emulators, inside: Any) -> None:
    iam = inside("iam", ACCOUNT)
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=DOCUMENT)
    e.reset()
    assert error_of(iam.get_role, RoleName="R")[1] == "NoSuchEntity"
    assert e.requests()[0]["account"] == ACCOUNT
