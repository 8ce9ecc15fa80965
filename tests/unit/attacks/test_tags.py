# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags, and changes while a run waits, give nobody access, hide no finding, and remove nothing of others."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.console import account_lines
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountResult
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role import role as roles
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from tests.emulators import faults
from tests.emulators.client import CUSTOMER_ID
from tests.emulators.connectors import DUPLICATE
from tests.faults import engine
from tests.faults.hook import Once, watched
from tests.faults.kinds import DELETE, GET, PUT
from tests.faults.world import ACCOUNTS, OTHER_ROLE, ROLE, VICTIM, World, arn_of, connector, name_of
from tests.resources import document

from .plants import ADMIN, GONE, OTHER_ID, pinned, statement

ANYBODY = statement(Principal={"AWS": "*"}, Condition=None)
IDS = [f"{number:08}-aaaa-4aaa-8aaa-999999999999" for number in range(6)]


def tag(world: World, **tags: str) -> None:
    """Tag the role; `ours` and `workspaces` are the keys of the tags of the collection."""
    keys = {"ours": roles.TAG, "workspaces": roles.TAG_WORKSPACE}
    pairs = [{"Key": keys.get(key, key), "Value": value} for key, value in tags.items()]
    world.make(VICTIM, "TagRole", RoleName=ROLE, Tags=pairs)


def untag(world: World) -> None:
    world.make(VICTIM, "UntagRole", RoleName=ROLE, TagKeys=[roles.TAG, roles.TAG_WORKSPACE])


def widen(world: World, *statements: Any) -> None:
    world.make(VICTIM, "UpdateAssumeRolePolicy", RoleName=ROLE, PolicyDocument=document(*statements))


def six_ids(world: World) -> None:
    tag(world, workspaces=" ".join(IDS))


def many_tags(world: World) -> None:
    untag(world)
    tag(world, **{f"t{number}": "" for number in range(49)})


def shown(world: World) -> Any:
    return world.seen().ours[VICTIM].get("role")


@pytest.mark.parametrize("plant", [six_ids, many_tags, untag])
def test_a_tag_hides_no_finding_and_prevents_no_repair(world: World, plant: Any) -> None:
    world.prepare("remove")
    world.make(VICTIM, "AttachRolePolicy", RoleName=ROLE, PolicyArn=ADMIN)
    widen(world, statement(), ANYBODY)
    plant(world)
    ended = world.run("create")
    assert (ended.error, ended.failed) == (None, {})
    found = ended.results[VICTIM].report.findings
    assert {one.code for one in found} >= {"trust_anyone", "permission_policy_extra"}
    assert shown(world)["trust"] == roles.trust(roles.MICROSOFT_ACCOUNT, [CUSTOMER_ID])
    assert shown(world)["managed"] == sorted(roles.RoleSpec(VICTIM, "").managed_policies)
    again = world.run("create")
    assert (again.failed, again.calls) == ({}, {})


def test_a_refused_role_is_evaluated_and_reported_if_a_connector_of_the_workspace_reads_it(world: World) -> None:
    world.prepare("remove")
    untag(world)
    widen(world, ANYBODY)
    world.e.seed_connector(connector(name_of(VICTIM), arn_of(VICTIM), "disabled"))
    ended = world.run("create")
    assert ended.failed[VICTIM].kind == "role_conflict"
    found = [one.code for one in ended.results[VICTIM].report.findings]
    assert set(found) >= {"trust_anyone", "role_refused", "connector_disabled"}
    assert ended.results[VICTIM].report.repaired == set()
    gone = world.run("remove")
    assert gone.failed[VICTIM].kind == "role_conflict"
    assert "trust_anyone" in {one.code for one in gone.results[VICTIM].report.findings}


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(
            [
                statement(Condition=pinned([CUSTOMER_ID, OTHER_ID])),
                statement(Effect="Deny", Condition=pinned(CUSTOMER_ID, "StringNotEquals")),
            ],
            id="all others are denied",
        ),
        pytest.param(
            [
                statement(),
                statement(Condition={**pinned(OTHER_ID), "DateLessThan": {"aws:CurrentTime": "2024-01-01T00:00:00Z"}}),
            ],
            id="it has expired",
        ),
    ],
)
def test_a_tag_beside_an_ineffective_condition_allows_no_principal_and_removes_nothing(
    world: World, statements: list[Any]
) -> None:
    world.prepare("remove")
    tag(world, workspaces=f"{CUSTOMER_ID} {OTHER_ID}")
    widen(world, *statements)
    assert world.run("remove").failed[VICTIM].kind == "role_conflict"
    assert shown(world)["trust"]["Statement"] == statements
    assert world.run("create").failed == {}
    assert shown(world)["trust"] == roles.trust(roles.MICROSOFT_ACCOUNT, [CUSTOMER_ID])
    assert world.run("create").calls == {}


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param([statement(), statement(Principal={"AWS": GONE})], id="a deleted principal"),
        pytest.param([statement(), ANYBODY], id="anybody"),
        pytest.param([statement(Condition=pinned("*", "StringLike"))], id="any id"),
    ],
)
def test_a_tag_allows_no_principal_and_keeps_no_role(world: World, statements: list[Any]) -> None:
    world.prepare("remove")
    tag(world, workspaces=f"{CUSTOMER_ID} {OTHER_ID}")
    with_gone = any(GONE in str(one) for one in statements)
    if not with_gone:  # moto stores no deleted principal
        widen(world, *statements)
        assert world.run("create").failed == {}
        assert OTHER_ID not in str(shown(world)["trust"])
        widen(world, *statements)
    assert world.run("remove").failed == {}
    assert shown(world) is None


def test_tags_in_another_case_are_repaired_and_can_be_offboarded(world: World) -> None:
    world.prepare("remove")
    untag(world)
    tag(world, **{"Trailbridge.Sentinel": "managed", "TRAILBRIDGE.sentinel.workspace": CUSTOMER_ID})
    assert world.run("create").calls == {}
    assert world.run("remove").failed == {}
    assert shown(world) is None


# --- what changes while a run waits ---


def shares(world: World) -> None:
    """A second workspace shares the role."""
    widen(world, statement(Condition=pinned([CUSTOMER_ID, OTHER_ID])))
    tag(world, workspaces=f"{CUSTOMER_ID} {OTHER_ID}")


def is_named(world: World) -> None:
    """A principal that the tag does not name is added to the trust policy."""
    widen(world, statement(Condition=pinned([CUSTOMER_ID, OTHER_ID])))


def test_a_role_that_another_workspace_shares_meanwhile_is_not_removed(world: World) -> None:
    world.prepare("remove")
    with watched(Once("after", DELETE, lambda: shares(world))):
        ended = world.run("remove", 1)
    assert ended.failed == {}
    assert shown(world)["trust"] == roles.trust(roles.MICROSOFT_ACCOUNT, [OTHER_ID])
    assert shown(world)["tags"][roles.TAG_WORKSPACE] == OTHER_ID
    assert ended.calls[VICTIM].endswith("TagRole, UpdateAssumeRolePolicy")


def test_a_role_with_another_use_meanwhile_is_refused(world: World) -> None:
    world.prepare("remove")
    with watched(Once("after", DELETE, lambda: is_named(world))):
        ended = world.run("remove", 1)
    assert ended.failed[VICTIM].kind == "role_conflict"
    assert OTHER_ID in str(shown(world)["trust"])


def test_a_workspace_that_shares_the_role_while_a_run_waits_keeps_its_access(world: World) -> None:
    world.prepare("remove")
    widen(world, statement(), ANYBODY)
    world.e.fault(operation="Workspaces_Get", times=1, delay=1.0)
    with watched(Once("after", "ListRolePolicies", lambda: shares(world))):
        ended = world.run("create", 1)
    assert ended.failed == {}
    assert OTHER_ID in str(shown(world)["trust"])
    assert shown(world)["tags"][roles.TAG_WORKSPACE] == " ".join(sorted([CUSTOMER_ID, OTHER_ID]))


def test_a_role_in_sync_is_read_once_and_a_removed_one_twice(world: World) -> None:
    world.prepare("remove")
    world.e.forget()
    assert world.run("create", 1).calls == {}
    assert world.e.operations("iam").count("GetRole") == 1
    world.e.forget()
    world.run("remove", 1)
    assert (world.e.operations("iam").count("GetRole"), world.e.operations().count(GET)) == (2, 1)


def test_a_connector_that_reads_another_role_meanwhile_is_not_removed(world: World) -> None:
    world.prepare("remove")

    def point_elsewhere() -> None:
        world.e.seed_connector(connector(name_of(VICTIM), arn_of("666666666666")))

    with watched(Once("before", GET, point_elsewhere)):
        ended = world.run("remove", 1)
    assert ended.failed == {}
    assert DELETE not in ended.calls[VICTIM]
    assert arn_of("666666666666") in {raw["properties"].get("awsRoleArn") for raw in world.e.connectors()}


def test_offboarding_reports_the_remaining_connectors_of_the_account(world: World) -> None:
    world.prepare("remove")
    ended = world.run("remove")
    assert ended.failed == {}
    found = ended.results[VICTIM].report.findings
    assert {one.code for one in found} == {"connector_remaining"}
    assert {name for name in (OTHER_ROLE, "OIDC_x") if any(name in one.message for one in found)} == {
        OTHER_ROLE,
        "OIDC_x",
    }
    assert ended.results[ACCOUNTS[1]].report.findings == []


# --- what no list shows ---


def test_a_connector_missing_in_the_list_is_an_error_with_a_remedy(world: World) -> None:
    world.prepare("create")
    world.e.fault(operation=PUT, account=VICTIM, status=400, code="BadRequest", message=DUPLICATE)
    world.e.forget()
    ended = world.run("create")
    error = ended.failed[VICTIM]
    assert error.kind == "connector_conflict"
    assert "remove it" in str(error)
    puts = [one for one in world.e.requests() if one["operation"] == PUT and one["account"] == VICTIM]
    assert len(puts) <= 4


def test_a_role_name_in_another_case_is_an_error_with_a_remedy(world: World) -> None:
    world.prepare("create")
    world.e.fault(operation="CreateRole", account=VICTIM, **faults.ENTITY_EXISTS)
    world.e.forget()
    began = time.monotonic()
    ended = world.run("create", 1)
    error = ended.failed[VICTIM]
    assert error.kind == "role_conflict"
    assert "upper and lower case" in str(error)
    assert world.e.operations("iam").count("CreateRole") <= 4
    assert time.monotonic() - began < 15


def test_findings_that_exclusive_false_keeps_are_not_reported_as_repaired(world: World) -> None:
    world.prepare("remove")
    world.make(VICTIM, "AttachRolePolicy", RoleName=ROLE, PolicyArn=ADMIN)
    widen(world, ANYBODY)
    hosts = {VICTIM: {"aws_account_id": VICTIM}}
    results = engine.run(engine.accounts_of(hosts, sentinel_exclusive=False), fleet.RunOptions()).results[VICTIM]
    assert results.status == "changed"
    found = {one["code"]: one["repaired"] for one in results.result()["findings"]}
    assert found.items() >= {"trust_anyone": False, "permission_policy_extra": False}.items()
    assert engine.run(engine.accounts_of(hosts), fleet.RunOptions()).results[VICTIM].report.repaired


# --- findings that were accepted ---

ENTRY = {"code": "permission_policy_extra", "reason": "Ticket 1", "until": "2099-01-31"}


def onboarded(world: World, *entries: Any) -> AccountResult:
    hosts = {ACCOUNTS[1]: {"aws_account_id": ACCOUNTS[1]}}
    accounts = engine.accounts_of(hosts, sentinel_exclusive=False, sentinel_accepted_findings=list(entries))
    return engine.run(accounts, fleet.RunOptions()).results[ACCOUNTS[1]]


def test_an_accepted_finding_is_reported_with_its_reason_and_fails_nothing(world: World) -> None:
    world.prepare("remove")
    world.make(ACCOUNTS[1], "AttachRolePolicy", RoleName=ROLE, PolicyArn=ADMIN)
    for fail_on, failed in (("drift", 1), ("security", 1), ("never", 0)):
        assert len(account_lines.failures([onboarded(world)], fail_on)) == failed
        assert account_lines.failures([onboarded(world, ENTRY)], fail_on) == []
    [shown_one] = onboarded(world, ENTRY).result()["findings"]
    assert (shown_one["code"], "Ticket 1" in shown_one["accepted"]) == ("permission_policy_extra", True)
    assert any("Ticket 1" in line for line in account_lines.lines(onboarded(world, ENTRY)))
    codes = [one.code for one in onboarded(world, {**ENTRY, "until": "2026-01-31"}).report.unaccepted]
    assert codes == ["permission_policy_extra", "acceptance_expired"]


def test_an_unused_accepted_finding_is_a_finding(world: World) -> None:
    world.prepare("remove")
    done = onboarded(world, ENTRY)
    assert [one.code for one in done.report.findings] == ["acceptance_unused"]
    assert len(account_lines.failures([done], "drift")) == 1
