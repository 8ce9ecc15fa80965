# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several workspaces, and the checks of a workspace before the first write."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from tests.emulators import faults
from tests.emulators.client import CUSTOMER_ID, Emulators
from tests.resources import connector

from .conftest import Engine, Play
from .test_onboard import NEW, ROLE, role, some, writes

Hosts = dict[str, dict[str, Any]]
OTHER = {"subscription_id": "77777777-8888-4999-8aaa-bbbbbbbbbbbb", "resource_group": "other", "name": "second"}


@pytest.fixture
def second(cloud: Emulators) -> dict[str, Any]:
    """Return the variables of a second workspace, in another subscription."""
    cloud.add_workspace(customer_id="55555555-6666-4777-8888-999999999999", **OTHER)
    return {
        "sentinel_subscription_id": OTHER["subscription_id"],
        "sentinel_resource_group": OTHER["resource_group"],
        "sentinel_workspace": OTHER["name"],
    }


def ids(cloud: Emulators, account: str = "111111111101") -> list[str]:
    document = role(cloud, account)["AssumeRolePolicyDocument"]
    found = document["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"]
    return [found] if isinstance(found, str) else sorted(found)


def test_one_run_serves_accounts_of_several_workspaces(
    cloud: Emulators, engine: Engine, twelve: Hosts, second: dict[str, Any]
) -> None:
    hosts = some(twelve, 2)
    hosts["host02"] = {**hosts["host02"], **second}
    engine(hosts)
    assert ids(cloud, "111111111101") == [CUSTOMER_ID]
    assert ids(cloud, "111111111102") == ["55555555-6666-4777-8888-999999999999"]
    assert [len(cloud.connectors(name)) for name in (None, "second")] == [1, 1]
    assert cloud.operations().count("DataConnectors_List") == 2


def test_two_workspaces_of_one_role_keep_each_others_access(
    cloud: Emulators, engine: Engine, twelve: Hosts, second: dict[str, Any]
) -> None:
    hosts = some(twelve, 1)
    both = sorted([CUSTOMER_ID, "55555555-6666-4777-8888-999999999999"])
    engine(hosts)
    assert engine(hosts, **second) == {"111111111101": "TagRole, UpdateAssumeRolePolicy, DataConnectors_CreateOrUpdate"}
    for variables in ({}, second, {}, second):
        assert engine(hosts, **variables) == {}
        assert ids(cloud) == both

    left = engine(hosts, absent=True)
    assert left == {"111111111101": "DataConnectors_Delete, TagRole, UpdateAssumeRolePolicy"}
    assert ids(cloud) == both[1:]
    assert engine(hosts, **second) == {}
    engine(hosts, absent=True, **second)
    assert cloud.boto("iam", "111111111101").list_roles()["Roles"] == []
    assert cloud.connectors("second") == []


def test_without_a_ready_workspace_nothing_is_written_anywhere(cloud: Emulators, play: Play, twelve: Hosts) -> None:
    cloud.change_workspace(onboarded=False)
    run = play("onboard", twelve)
    assert run.code == 2
    assert "Microsoft Sentinel is not enabled" in " ".join(run.output.split())
    assert writes(cloud) == []


READ_ONLY = [{"actions": ["*/read"], "notActions": []}]


@pytest.mark.parametrize(
    ("permissions", "words"),
    [
        pytest.param(
            READ_ONLY,
            "lacks the action Microsoft.SecurityInsights/dataConnectors/write",
            id="connectors may not be written",
        ),
        pytest.param([], "does not have authorization", id="nothing may be read"),
    ],
)
def test_without_rights_on_the_workspace_nothing_is_written_anywhere(
    cloud: Emulators, engine: Engine, twelve: Hosts, permissions: list[Any], words: str
) -> None:
    cloud.change_workspace(permissions=permissions)
    with pytest.raises(SentinelError, match=words):
        engine(twelve)
    assert writes(cloud) == []


def test_a_preview_needs_no_right_to_write(cloud: Emulators, play: Play, twelve: Hosts) -> None:
    cloud.change_workspace(permissions=READ_ONLY)
    run = play("onboard", some(twelve, 2), "--check")
    assert run.code == 0, run.output
    assert set(run.changed.values()) == {NEW}


def test_without_valid_source_credentials_nothing_is_written_anywhere(
    cloud: Emulators, engine: Engine, twelve: Hosts
) -> None:
    cloud.fault(operation="GetCallerIdentity", **faults.INVALID_TOKEN)
    with pytest.raises(SentinelError) as caught:
        engine(twelve)
    assert caught.value.kind == "expired_credentials"
    assert writes(cloud) == []


def test_a_workspace_id_of_another_workspace_is_refused(cloud: Emulators, engine: Engine, twelve: Hosts) -> None:
    with pytest.raises(AssertionError, match=CUSTOMER_ID):
        engine(some(twelve, 2), sentinel_workspace_id="55555555-6666-4777-8888-999999999999")
    assert writes(cloud) == []


def test_three_kinds_of_failure_are_reported_and_the_other_accounts_connected(
    cloud: Emulators, play: Play, engine: Engine, twelve: Hosts
) -> None:
    cloud.fault(operation="CreateRole", account="111111111102", **faults.SCP_DENIED)
    cloud.fault(account="111111111105", **faults.TRUST_DENIED)
    trust = '{"Version": "2012-10-17", "Statement": []}'
    cloud.boto("iam", "111111111108").create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust)
    run = play("onboard", twelve)
    assert run.code == 2
    assert len(run.changed) == 9
    assert {account: text.split(":")[0] for account, text in run.failed.items()} == {
        "111111111102": "scp_denied",
        "111111111105": "assume_denied",
        "111111111108": "role_conflict",
    }
    cloud.heal()
    cloud.boto("iam", "111111111108").delete_role(RoleName=ROLE)
    assert set(engine(twelve)) == {"111111111102", "111111111105", "111111111108"}


@pytest.mark.parametrize("operation", ["AttachRolePolicy", "DataConnectors_CreateOrUpdate"])
def test_interrupted_onboarding_is_completed_by_the_next_run(
    cloud: Emulators, engine: Engine, twelve: Hosts, operation: str
) -> None:
    cloud.fault(operation=operation, status=403, code="AccessDenied", message="No.")
    with pytest.raises(AssertionError, match="Cannot"):
        engine(some(twelve, 1))
    cloud.heal()
    assert engine(some(twelve, 1)) == {"111111111101": NEW[NEW.index(operation) :]}
    assert len(cloud.connectors()) == 1


def test_batches_work_on_their_own_hosts(cloud: Emulators, play: Play, twelve: Hosts) -> None:
    run = play(
        """
- hosts: all
  gather_facts: false
  serial: 5
  roles:
    - role: trailbridge.sentinel.onboard
      run_once: true
      vars: {sentinel_max_fail_percentage: 100}
""",
        twelve,
    )
    assert run.code == 0, run.output
    assert len(run.changed) == 12
    assert run.output.count(" accounts: 0 ok") == 3


def test_duplicates_are_reported_and_removed_with_deduplicate(
    cloud: Emulators, play: Play, engine: Engine, twelve: Hosts
) -> None:
    hosts = some(twelve, 1)
    engine(hosts)
    arn = f"arn:aws:iam::111111111101:role/{ROLE}"
    cloud.seed_connector(connector("aaaa", arn, "Disabled"))
    run = play("onboard", hosts)
    assert run.changed == {}
    assert re.search("low connector_duplicate: .*aaaa", run.output)
    assert len(cloud.connectors()) == 2
    assert engine(hosts, sentinel_deduplicate=True) == {"111111111101": "DataConnectors_Delete"}
    [left] = cloud.connectors()
    assert left["name"] != "aaaa"
