# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook `onboard`, as a user runs it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.emulators import faults
from tests.emulators.client import Emulators
from tests.resources import connector

from .conftest import Engine, Play

NEW = "CreateRole, AttachRolePolicy, DataConnectors_CreateOrUpdate"
ROLE = "MicrosoftSentinelRole"
Hosts = dict[str, dict[str, Any]]


def some(twelve: Hosts, count: int) -> Hosts:
    return dict(list(twelve.items())[:count])


def role(cloud: Emulators, account: str, name: str = ROLE) -> Any:
    return cloud.boto("iam", account).get_role(RoleName=name)["Role"]


def writes(cloud: Emulators) -> list[str]:
    return [request["operation"] for request in cloud.requests(write=True) if request["operation"] != "Token"]


def connectors_of(cloud: Emulators, account: str) -> list[Any]:
    return [raw for raw in cloud.connectors() if f":{account}:" in raw["properties"].get("awsRoleArn", "")]


def test_preview_run_and_run_again(cloud: Emulators, play: Play, twelve: Hosts) -> None:
    preview = play("onboard", twelve, "--check", "--diff")
    assert preview.code == 0, preview.output
    assert writes(cloud) == []
    assert preview.changed == {host["aws_account_id"]: NEW for host in twelve.values()}

    cloud.forget()
    run = play("onboard", twelve)
    assert run.code == 0, run.output
    assert run.changed == preview.changed
    assert {len(connectors_of(cloud, account)) for account in run.changed} == {1}
    asked = cloud.operations()
    for operation in ("AssumeRole", "GetRole", "CreateRole", "AttachRolePolicy", "DataConnectors_CreateOrUpdate"):
        assert asked.count(operation) == len(twelve), operation
    assert asked.count("ListAttachedRolePolicies") == asked.count("ListRolePolicies") == 0

    cloud.forget()
    again = play("onboard", twelve)
    assert again.code == 0, again.output
    assert again.changed == {}
    assert {numbers["changed"] for numbers in again.recap.values()} == {0}
    assert writes(cloud) == []
    asked = cloud.operations()
    for operation in ("AssumeRole", "GetRole", "ListAttachedRolePolicies", "ListRolePolicies"):
        assert asked.count(operation) == len(twelve), operation
    assert asked.count("DataConnectors_List") == 1
    once = {"GetCallerIdentity", "Metadata", "OpenId", "Token", "Workspaces_Get", "SentinelOnboardingStates_Get"}
    once |= {"Permissions_ListForResource", "DataConnectors_List"}
    assert len(asked) - 4 * len(twelve) == len(once), asked


def test_the_role_trusts_microsoft_for_this_workspace_only(cloud: Emulators, engine: Engine, twelve: Hosts) -> None:
    engine(some(twelve, 1), sentinel_role_tags={"owner": "security"})
    made = role(cloud, "111111111101")
    assert made["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::197857026523:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "2f7b3c1a-5d84-4e6b-9a0f-1c2d3e4f5a6b"}},
        }
    ]
    assert {tag["Key"]: tag["Value"] for tag in made["Tags"]}["owner"] == "security"


@pytest.mark.parametrize("state", ["Enabled", "enabled", "Disabled"])
def test_a_connector_created_by_hand_is_adopted_with_its_name(
    cloud: Emulators, engine: Engine, twelve: Hosts, state: str
) -> None:
    name = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"
    cloud.seed_connector(connector(name, f"arn:aws:iam::111111111101:role/{ROLE}", state))
    changed = engine(some(twelve, 1))
    [found] = connectors_of(cloud, "111111111101")
    assert found["name"] == name
    assert found["properties"]["dataTypes"]["logs"]["state"].lower() == "enabled"
    assert ("DataConnectors_CreateOrUpdate" in changed["111111111101"]) == (state == "Disabled")


def test_a_connector_of_the_account_with_another_role_is_updated_in_place(
    cloud: Emulators, engine: Engine, twelve: Hosts
) -> None:
    name = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"
    cloud.seed_connector(connector(name, "arn:aws:iam::111111111101:role/OldRole"))
    engine(some(twelve, 1))
    [found] = connectors_of(cloud, "111111111101")
    assert (found["name"], found["properties"]["awsRoleArn"]) == (
        name,
        f"arn:aws:iam::111111111101:role/{ROLE}",
    )


def test_connectors_of_other_kinds_are_not_changed(cloud: Emulators, engine: Engine, twelve: Hosts) -> None:
    other = {
        "name": "s3",
        "kind": "AmazonWebServicesS3",
        "properties": {"roleArn": "arn:aws:iam::111111111101:role/OIDC_x", "sqsUrls": []},
    }
    before = cloud.seed_connector(other)
    engine(some(twelve, 1))
    assert before in cloud.connectors()
    assert len(cloud.connectors()) == 2


def test_one_account_that_cannot_be_assumed_does_not_stop_the_others(
    cloud: Emulators, play: Play, engine: Engine, twelve: Hosts
) -> None:
    cloud.fault(account="111111111105", **faults.TRUST_DENIED)
    run = play("onboard", twelve)
    assert run.code == 2, run.output
    assert len(run.changed) == 11
    [sentence] = run.failed.values()
    assert sentence.startswith("assume_denied: Cannot assume role arn:aws:iam::111111111105:role/Organization")
    assert {host for host, numbers in run.recap.items() if numbers["failed"]} == {"host05"}

    cloud.heal()
    cloud.forget()
    assert engine(twelve) == {"111111111105": NEW}
    assert {request["account"] for request in cloud.requests(write=True, service="iam")} == {"111111111105"}


def test_a_failed_account_reports_the_calls_that_were_made(
    cloud: Emulators, play: Play, engine: Engine, twelve: Hosts
) -> None:
    cloud.fault(operation="AttachRolePolicy", **faults.SCP_DENIED)
    run = play("onboard", some(twelve, 1))
    assert run.code == 2
    assert run.failed["111111111101"].startswith("scp_denied: Cannot call AttachRolePolicy for role")
    assert re.search(r"^    [a-z ]+: CreateRole$", run.output, re.MULTILINE)

    cloud.heal()
    assert engine(some(twelve, 1)) == {"111111111101": "AttachRolePolicy, DataConnectors_CreateOrUpdate"}


def test_a_new_role_is_waited_for_until_sentinel_can_assume_it(cloud: Emulators, engine: Engine, twelve: Hosts) -> None:
    cloud.settings(role_propagation_seconds=2)
    assert set(engine(some(twelve, 3)).values()) == {NEW}
    assert cloud.operations().count("DataConnectors_CreateOrUpdate") > 3
    assert len(cloud.connectors()) == 3


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        pytest.param({"aws_account_id": "111111111101"}, ["same", "host01", "host02"], id="the same account twice"),
        pytest.param({}, ["aws_account_id", "host host02"], id="no account id"),
        pytest.param(
            {"aws_account_id": "1" * 12, "sentinel_microsoft_account_id": "123412341234"},
            ["sentinel_microsoft_account_id '123412341234' of host host02", "placeholder", "197857026523"],
            id="placeholder of old documents",
        ),
    ],
)
def test_bad_input_ends_before_the_first_request(
    cloud: Emulators, play: Play, variables: dict[str, Any], words: list[str]
) -> None:
    run = play("onboard", {"host01": {"aws_account_id": "111111111101"}, "host02": variables})
    assert run.code == 2, run.output
    flat = " ".join(run.output.split())
    assert all(word in flat for word in words), run.output
    assert cloud.requests() == []


def test_hosts_need_no_python_and_no_connection_and_may_be_named_by_their_id(cloud: Emulators, play: Play) -> None:
    hosts: Hosts = {f"host{number}": {"aws_account_id": f"22222222222{number}"} for number in range(9)}
    nowhere = {"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_python_interpreter": "/nonexistent"}
    run = play("onboard", {**hosts, "333333333301": {}}, **nowhere)
    assert run.code == 0, run.output
    assert run.changed == dict.fromkeys([*(own["aws_account_id"] for own in hosts.values()), "333333333301"], NEW)


def test_a_run_that_starts_at_a_task_connects_to_no_host(cloud: Emulators, play: Play) -> None:
    """ansible-core 2.19 then gathers facts, ignoring gather_facts; only the connection keeps it local."""
    nowhere = {"ansible_host": "192.0.2.1", "ansible_ssh_common_args": "-o ConnectTimeout=1"}
    run = play("onboard", {"333333333301": {}}, "--start-at-task", "Connect the accounts of the batch", **nowhere)
    assert run.code == 0, run.output
    assert run.changed == {"333333333301": NEW}


def test_an_empty_inventory_is_an_error(cloud: Emulators, play: Play) -> None:
    run = play("onboard", {})
    assert run.code == 2, run.output
    assert "the inventory matches no AWS account" in " ".join(run.output.split())


def test_too_small_an_inventory_is_an_error(cloud: Emulators, play: Play, twelve: Hosts) -> None:
    run = play("onboard", twelve, "-e", "sentinel_minimum_accounts=13")
    assert run.code == 2, run.output
    assert cloud.requests() == []


def test_limit_restricts_the_run_to_these_hosts(cloud: Emulators, play: Play, engine: Engine, twelve: Hosts) -> None:
    engine(twelve)
    cloud.forget()
    run = play("onboard", twelve, "--limit", "host03")
    assert run.code == 0, run.output
    assert {request["account"] for request in cloud.requests(service="iam")} == {"111111111103"}
    assert "sts AssumeRole" not in run.output


def test_every_request_is_logged_at_vvv(cloud: Emulators, play: Play) -> None:
    hosts = {"pay": {"aws_account_id": "111111111101"}}
    run = play("onboard", hosts, "-vvv", "--diff")
    account = r"in \d+ ms, account 111111111101, request \S+$"
    for line in (
        rf"^sts AssumeRole: 200 {account}",
        rf"^iam GetRole: 404 NoSuchEntity {account}",
        r"^sts GetCallerIdentity: 200 in \d+ ms, request \S+$",
        r"^list the data connectors of workspace sentinel: 200 in \d+ ms, .*request \S+$",
        r"^sign in at \S+: 200 in \d+ ms",
    ):
        assert re.search(line, run.output, re.MULTILINE), line
    verified = play("verify", hosts, "-vvv", sentinel_verify_wait=0)
    assert re.search(r"^query table AWSCloudTrail of workspace sentinel: 200 in \d+ ms", verified.output, re.MULTILINE)
    assert [secret for secret in cloud.secrets() if secret in run.output + verified.output] == []
