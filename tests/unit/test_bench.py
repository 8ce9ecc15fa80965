# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The responses of the benchmark's AWS are valid for botocore; nothing is timed here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.bench.contestants import accounts
from tests.bench.runs import Result, Results
from tests.bench.services import Services, services
from tests.bench.table import markdown
from tests.emulators.state import CUSTOMER_ID

ROLE = "MicrosoftSentinelRole"
POLICY = "arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"
NEW = "200000000009"
Boto = Callable[..., Any]


@pytest.fixture(scope="module")
def running() -> Iterator[Services]:
    # The copy of the checkout that the tests run in is a collection's folder: TREE/ansible_collections/NAMESPACE/NAME.
    with services(Path(__file__).parents[5]) as started:
        started.control("prepare", accounts=accounts(2), drifted=accounts(1), there=True, latency=0)
        yield started


@pytest.fixture(scope="module")
def boto(running: Services) -> Boto:
    names = ("aws_access_key_id", "aws_secret_access_key")
    keys = {name: running.environment[name.upper()] for name in names}
    endpoint = {"endpoint_url": running.environment["AWS_ENDPOINT_URL"], "verify": running.environment["AWS_CA_BUNDLE"]}
    session: Any = boto3.session.Session(region_name="us-east-1")
    return lambda service, keys=keys: session.client(service, **endpoint, **keys)


def inside(boto: Boto, account: str) -> Any:
    arn = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    keys = boto("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    options = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    return boto("iam", {option: keys[name] for option, name in zip(options, names, strict=True)})


def policies(iam: Any) -> list[str]:
    return [policy["PolicyArn"] for policy in iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]]


def principal(iam: Any) -> Any:
    return iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"]


def test_the_caller_has_an_identity(boto: Boto) -> None:
    assert boto("sts").get_caller_identity()["Account"] == "123456789012"


def test_a_connected_account_has_the_expected_role(boto: Boto) -> None:
    iam = inside(boto, accounts(2)[1])
    role = iam.get_role(RoleName=ROLE)["Role"]
    assert role["Arn"] == f"arn:aws:iam::{accounts(2)[1]}:role/{ROLE}"
    assert CUSTOMER_ID in json.dumps(role["AssumeRolePolicyDocument"])
    assert {"Key": "trailbridge.sentinel", "Value": "managed"} in role["Tags"]
    assert policies(iam) == [POLICY]
    assert iam.list_role_policies(RoleName=ROLE)["PolicyNames"] == []
    assert iam.list_instance_profiles_for_role(RoleName=ROLE)["InstanceProfiles"] == []


def test_a_changed_role_can_be_repaired(boto: Boto) -> None:
    iam = inside(boto, accounts(1)[0])
    assert len(principal(iam)) == 2
    assert len(policies(iam)) == 2
    document = {"Version": "2012-10-17", "Statement": [{"Principal": {"AWS": "me"}}]}
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(document))
    iam.detach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.tag_role(RoleName=ROLE, Tags=[{"Key": "a", "Value": "b & c"}])
    assert principal(iam) == "me"
    assert policies(iam) == [POLICY]
    assert {"Key": "a", "Value": "b & c"} in iam.get_role(RoleName=ROLE)["Role"]["Tags"]


def test_a_role_can_be_created_and_deleted(boto: Boto) -> None:
    iam = inside(boto, NEW)
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role(RoleName=ROLE)
    document = json.dumps({"Version": "2012-10-17", "Statement": []})
    arguments = {"RoleName": ROLE, "AssumeRolePolicyDocument": document, "Tags": [{"Key": "a", "Value": "b"}]}
    made = iam.create_role(**arguments, Description="<d>", MaxSessionDuration=7200)["Role"]
    assert (made["Arn"], made["Description"]) == (f"arn:aws:iam::{NEW}:role/{ROLE}", "<d>")
    with pytest.raises(ClientError, match="EntityAlreadyExists"):
        iam.create_role(**arguments)
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=POLICY)
    assert policies(iam) == [POLICY]
    iam.detach_role_policy(RoleName=ROLE, PolicyArn=POLICY)
    iam.delete_role(RoleName=ROLE)
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role(RoleName=ROLE)


def test_requests_are_counted(running: Services, boto: Boto) -> None:
    before = running.control("figures")["requests"].get("GetCallerIdentity", 0)
    boto("sts").get_caller_identity()
    assert running.control("figures")["requests"]["GetCallerIdentity"] == before + 1


def test_a_missed_target_is_marked() -> None:
    seconds = {"ansible": 1, "floor": 2, "playbook": 10}
    runs = [Result("unchanged", 1000, 30, who, wall, 1, 100, 1, {}, 0, 0) for who, wall in seconds.items()]
    shown = markdown(Results(runs))
    assert "| 9.00 s against 2.00 s: 4.50 times | **missed** |" in shown
