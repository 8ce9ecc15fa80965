# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes during a run: they are reported before they are removed, and nothing in use is removed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from tests.emulators.client import CUSTOMER_ID
from tests.faults import engine
from tests.faults.hook import Once, watched
from tests.faults.kinds import DELETE
from tests.faults.world import ROLE, VICTIM, World, arn_of
from tests.resources import document

from .plants import ADMIN, OTHER_ID, pinned, statement
from .test_tags import ANYBODY, shown, tag, widen

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
WEAK, STRONG = ({"Effect": "Allow", "Action": action, "Resource": "*"} for action in ("s3:GetObject", "iam:*"))


def attach(world: World, arn: str) -> None:
    world.make(VICTIM, "AttachRolePolicy", RoleName=ROLE, PolicyArn=arn)


def put(world: World, allowed: Any, name: str = "theirs") -> None:
    world.make(VICTIM, "PutRolePolicy", RoleName=ROLE, PolicyName=name, PolicyDocument=document(allowed))


def swap(world: World) -> None:
    attach(world, ADMIN)
    world.make(VICTIM, "DetachRolePolicy", RoleName=ROLE, PolicyArn=READ_ONLY)


@pytest.mark.parametrize("moment", ["ListRolePolicies", "UpdateAssumeRolePolicy"])
def test_a_policy_that_replaces_another_meanwhile_is_reported(world: World, moment: str) -> None:
    world.prepare("remove")
    attach(world, READ_ONLY)
    widen(world, statement(), ANYBODY)
    with watched(Once("after", moment, lambda: swap(world))):
        ended = world.run("create", 1)
    report = ended.results[VICTIM].report
    assert ended.failed == {}
    [found] = [one for one in report.findings if ADMIN in one.message]
    assert (found.code, found in report.repaired) == ("permission_policy_extra", True)
    assert ADMIN in str(report.diff)
    assert shown(world)["managed"] == sorted(
        engine.accounts_of({VICTIM: {"aws_account_id": VICTIM}})[0].role_spec.managed_policies
    )


@pytest.mark.parametrize("name", ["theirs", "MicrosoftSentinelLookupEvents"])
def test_a_changed_inline_policy_is_reported_in_its_last_version(world: World, name: str) -> None:
    world.prepare("remove")
    put(world, WEAK, name)
    with watched(Once("after", "GetRolePolicy", lambda: put(world, STRONG, name))):
        ended = world.run("repair", 1)
    assert ended.failed == {}
    assert "iam:*" in str(ended.results[VICTIM].report.diff)
    assert "iam:*" not in str(shown(world)["inline"])


@pytest.mark.parametrize("before", [True, False])
def test_a_policy_added_to_a_role_that_is_removed_is_reported(world: World, before: bool) -> None:
    world.prepare("remove")
    if before:
        put(world, WEAK)
    with watched(Once("after", DELETE, lambda: put(world, STRONG))):
        ended = world.run("remove", 1)
    assert ended.failed == {}
    assert "iam:*" in str(ended.results[VICTIM].report.diff)
    assert shown(world) is None


def test_a_role_that_is_used_meanwhile_is_not_changed(world: World) -> None:
    world.prepare("remove")
    before = shown(world)

    def use() -> None:
        world.make(VICTIM, "CreateInstanceProfile", InstanceProfileName="p")
        world.make(VICTIM, "AddRoleToInstanceProfile", InstanceProfileName="p", RoleName=ROLE)

    with watched(Once("after", DELETE, use)):
        ended = world.run("remove", 1)
    assert ended.failed[VICTIM].kind == "role_conflict"
    assert ended.calls == {VICTIM: "DataConnectors_Delete"}
    assert shown(world) == before


@pytest.mark.parametrize("exclusive", [True, False])
def test_the_other_principals_of_a_kept_role_are_reported(world: World, exclusive: bool) -> None:
    world.prepare("remove")
    attach(world, ADMIN)
    widen(world, statement(Condition=pinned([CUSTOMER_ID, OTHER_ID])), ANYBODY)
    tag(world, workspaces=f"{CUSTOMER_ID} {OTHER_ID}")
    accounts = engine.accounts_of({VICTIM: {"aws_account_id": VICTIM}}, sentinel_exclusive=exclusive)
    results = engine.run(accounts, fleet.RunOptions(absent=True)).results[VICTIM]
    assert results.error is None
    open_to_all = [] if exclusive else ["trust_anyone"]
    assert [one.code for one in results.report.findings if one.severity == "critical"] == open_to_all
    assert "permission_policy_extra" in {one.code for one in results.report.findings}


def drop(world: World) -> None:
    for arn in shown(world)["managed"]:
        world.make(VICTIM, "DetachRolePolicy", RoleName=ROLE, PolicyArn=arn)
    world.make(VICTIM, "DeleteRolePolicy", RoleName=ROLE, PolicyName="theirs")
    world.make(VICTIM, "DeleteRole", RoleName=ROLE)


@pytest.mark.parametrize("phase", ["create", "remove"])
@pytest.mark.parametrize("moment", ["GetRole", "ListAttachedRolePolicies", "ListRolePolicies"])
def test_a_role_deleted_while_it_is_read_is_absent(world: World, phase: Any, moment: str) -> None:
    world.prepare("remove")
    put(world, WEAK)
    with watched(Once("after", moment, lambda: drop(world))):
        ended = world.run(phase, 1)
    assert ended.failed == {}
    assert (shown(world) is None) == (phase == "remove")


def test_an_inline_policy_deleted_while_it_is_read_is_no_error(world: World) -> None:
    world.prepare("remove")
    put(world, WEAK)
    gone = {"RoleName": ROLE, "PolicyName": "theirs"}
    with watched(Once("after", "ListRolePolicies", lambda: world.make(VICTIM, "DeleteRolePolicy", **gone))):
        ended = world.run("create", 1)
    assert (ended.failed, ended.calls) == ({}, {})


@pytest.mark.parametrize("there", [True, False])
def test_a_role_of_a_connector_of_another_kind_is_kept(world: World, there: bool) -> None:
    """If the role is deleted already, the connector is reported, and nothing prevents the removal."""
    world.prepare("remove")
    properties = {"roleArn": arn_of(VICTIM), "sqsUrls": ["q"], "destinationTable": "AWSCloudTrail"}
    world.e.seed_connector({"name": "s3same", "kind": "AmazonWebServicesS3", "properties": properties})
    if not there:
        put(world, WEAK)
        drop(world)
    ended = world.run("remove", 1)
    assert ended.calls == ({} if there else {VICTIM: "DataConnectors_Delete"})
    assert [error.kind for error in ended.failed.values()] == ["role_conflict"] * there
    found = ended.results[VICTIM].report.findings
    assert [one.code for one in found if "s3same" in one.message] == ["connector_remaining"]
