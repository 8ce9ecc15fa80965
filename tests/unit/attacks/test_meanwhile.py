# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody changes while a run is under way: it is told before it is gone, and nothing that is in use goes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from tests.emulators.client import CUSTOMER_ID
from tests.faults import engine
from tests.faults.hook import Once, watched
from tests.faults.kinds import DELETE
from tests.faults.world import ROLE, VICTIM, World, arn_of

from .plants import ADMIN, OTHER_ID, pinned, statement
from .test_tags import ANYBODY, shown, tag, trusted, widen

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
WEAK, STRONG = ({"Effect": "Allow", "Action": action, "Resource": "*"} for action in ("s3:GetObject", "iam:*"))


def attach(world: World, arn: str) -> None:
    world.make(VICTIM, "AttachRolePolicy", RoleName=ROLE, PolicyArn=arn)


def put(world: World, allowed: Any, name: str = "theirs") -> None:
    world.make(VICTIM, "PutRolePolicy", RoleName=ROLE, PolicyName=name, PolicyDocument=trusted(allowed))


def swap(world: World) -> None:
    attach(world, ADMIN)
    world.make(VICTIM, "DetachRolePolicy", RoleName=ROLE, PolicyArn=READ_ONLY)


@pytest.mark.parametrize("moment", ["ListRolePolicies", "UpdateAssumeRolePolicy"])
def test_a_policy_that_takes_the_place_of_another_is_found_and_shown(world: World, moment: str) -> None:
    world.prepare("remove")
    attach(world, READ_ONLY)
    widen(world, statement(), ANYBODY)
    with watched(Once("after", moment, lambda: swap(world))):
        ended = world.run("create", 1)
    report = ended.done[VICTIM].report
    assert ended.failed == {}
    [found] = [one for one in report.findings if ADMIN in one.message]
    assert (found.code, found in report.repaired) == ("permission_policy_extra", True)
    assert ADMIN in str(report.diff)
    assert shown(world)["managed"] == sorted(engine.listed({VICTIM: {"aws_account_id": VICTIM}})[0].role_spec.managed)


@pytest.mark.parametrize("name", ["theirs", "MicrosoftSentinelLookupEvents"])
def test_an_inline_policy_that_is_written_anew_is_shown_as_it_was_at_last(world: World, name: str) -> None:
    world.prepare("remove")
    put(world, WEAK, name)
    with watched(Once("after", "GetRolePolicy", lambda: put(world, STRONG, name))):
        ended = world.run("repair", 1)
    assert ended.failed == {}
    assert "iam:*" in str(ended.done[VICTIM].report.diff)
    assert "iam:*" not in str(shown(world)["inline"])


@pytest.mark.parametrize("before", [True, False])
def test_what_is_put_into_a_role_that_goes_is_shown(world: World, before: bool) -> None:
    world.prepare("remove")
    if before:
        put(world, WEAK)
    with watched(Once("after", DELETE, lambda: put(world, STRONG))):
        ended = world.run("remove", 1)
    assert ended.failed == {}
    assert "iam:*" in str(ended.done[VICTIM].report.diff)
    assert shown(world) is None


def test_a_role_that_is_in_use_by_now_keeps_all_that_it_has(world: World) -> None:
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
def test_of_a_role_that_stays_for_others_it_is_said_who_gets_in(world: World, exclusive: bool) -> None:
    world.prepare("remove")
    attach(world, ADMIN)
    widen(world, statement(Condition=pinned([CUSTOMER_ID, OTHER_ID])), ANYBODY)
    tag(world, workspaces=f"{CUSTOMER_ID} {OTHER_ID}")
    accounts = engine.listed({VICTIM: {"aws_account_id": VICTIM}}, sentinel_exclusive=exclusive)
    done = engine.run(accounts, fleet.Order(absent=True)).done[VICTIM]
    assert done.error is None
    open_to_all = [] if exclusive else ["trust_anyone"]
    assert [one.code for one in done.report.findings if one.severity == "critical"] == open_to_all
    assert "permission_policy_extra" in {one.code for one in done.report.findings}


def drop(world: World) -> None:
    for arn in shown(world)["managed"]:
        world.make(VICTIM, "DetachRolePolicy", RoleName=ROLE, PolicyArn=arn)
    world.make(VICTIM, "DeleteRolePolicy", RoleName=ROLE, PolicyName="theirs")
    world.make(VICTIM, "DeleteRole", RoleName=ROLE)


@pytest.mark.parametrize("phase", ["create", "remove"])
@pytest.mark.parametrize("moment", ["GetRole", "ListAttachedRolePolicies", "ListRolePolicies"])
def test_a_role_that_goes_while_it_is_read_is_gone(world: World, phase: Any, moment: str) -> None:
    world.prepare("remove")
    put(world, WEAK)
    with watched(Once("after", moment, lambda: drop(world))):
        ended = world.run(phase, 1)
    assert ended.failed == {}
    assert (shown(world) is None) == (phase == "remove")


def test_an_inline_policy_that_goes_while_it_is_read_stops_nothing(world: World) -> None:
    world.prepare("remove")
    put(world, WEAK)
    gone = {"RoleName": ROLE, "PolicyName": "theirs"}
    with watched(Once("after", "ListRolePolicies", lambda: world.make(VICTIM, "DeleteRolePolicy", **gone))):
        ended = world.run("create", 1)
    assert (ended.failed, ended.calls) == ({}, {})


@pytest.mark.parametrize("there", [True, False])
def test_a_role_that_a_connector_of_another_kind_reads_stays(world: World, there: bool) -> None:
    """Where it is gone already the connector is named, and nothing is in the way."""
    world.prepare("remove")
    properties = {"roleArn": arn_of(VICTIM), "sqsUrls": ["q"], "destinationTable": "AWSCloudTrail"}
    world.e.seed_connector({"name": "s3same", "kind": "AmazonWebServicesS3", "properties": properties})
    if not there:
        put(world, WEAK)
        drop(world)
    ended = world.run("remove", 1)
    assert ended.calls == ({} if there else {VICTIM: "DataConnectors_Delete"})
    assert [error.kind for error in ended.failed.values()] == ["role_conflict"] * there
    found = ended.done[VICTIM].report.findings
    assert [one.code for one in found if "s3same" in one.message] == ["connector_remaining"]
