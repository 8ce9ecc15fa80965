# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors whose account is gone: only the organization itself tells, and nobody else is touched."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role import role as roles
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.orphans import Orphans
from tests.emulators import faults
from tests.emulators.client import CALLER_ACCOUNT, CUSTOMER_ID, Emulators
from tests.faults import engine
from tests.faults.hook import Once, watched
from tests.faults.world import arn_of
from tests.unit.attacks.plants import statement

from .conftest import Play, parsed

GONE = "999999999999"


@pytest.fixture
def organization(cloud: Emulators) -> list[str]:
    """Twelve accounts of an organization, all at work."""
    client = cloud.boto("organizations")
    client.create_organization(FeatureSet="ALL")
    made = [client.create_account(Email=f"a{n}@example.com", AccountName=f"a{n}") for n in range(12)]
    return [one["CreateAccountStatus"]["AccountId"] for one in made]


def seed(cloud: Emulators, account: str) -> str:
    raw = {
        "kind": "AmazonWebServicesCloudTrail",
        "properties": {
            "awsRoleArn": f"arn:aws:iam::{account}:role/MicrosoftSentinelRole",
            "dataTypes": {"logs": {"state": "enabled"}},
        },
    }
    name: str = cloud.seed_connector(raw)["name"]
    return name


def hosts(accounts: list[str]) -> dict[str, Any]:
    return {f"a{number}": {"aws_account_id": account} for number, account in enumerate(accounts)}


def connected(cloud: Emulators) -> set[str]:
    return {connector["properties"]["awsRoleArn"].split(":")[4] for connector in cloud.connectors()}


def test_who_is_only_outside_of_the_limit_is_no_orphan(cloud: Emulators, play: Play, organization: list[str]) -> None:
    for account in organization[1:]:
        seed(cloud, account)
    run = play(
        "offboard",
        hosts(organization),
        "--limit",
        "localhost,a0",
        sentinel_offboard_orphans=True,
        sentinel_max_change_percent=100,
    )
    assert run.code == 0, run.output
    assert "orphan" not in run.output
    assert connected(cloud) == set(organization[1:])


def run(here: Emulators, accounts: list[str], **order: Any) -> Orphans:
    """Do in this process what the playbooks do; returns the orphans."""

    async def work() -> Orphans:
        found = Orphans()
        async for done in fleet.run(parsed(here, hosts(accounts)), fleet.Order(**order), orphans=found):
            assert done.error is None
        return found

    return asyncio.run(work())


def test_connectors_of_accounts_that_are_gone_are_reported_and_only_on_request_removed(
    here: Emulators, organization: list[str]
) -> None:
    for account in (organization[2], GONE):
        seed(here, account)
    mine = organization[:1]
    assert run(here, mine) == []
    found = run(here, mine, orphans="report")
    assert found.organization
    outside = found.organization.outside(mine)
    assert {(one["account_id"], one["reason"]) for one in outside} == {
        (account, "not in this run") for account in {CALLER_ACCOUNT, *organization[1:]}
    }
    (told,) = found
    assert told.show()["reason"] == "left"
    assert told.line(check_mode=False, removing=False).startswith(
        f"orphan: [{GONE}] the account has left the organization, connector "
    )
    (preview,) = run(here, mine, orphans="remove", absent=True, check_mode=True)
    assert preview.line(check_mode=True, removing=True).endswith(": would be removed")
    assert connected(here) == {organization[2], GONE, *mine}

    (gone,) = run(here, mine, orphans="remove", absent=True)
    assert gone.line(check_mode=False, removing=True).endswith(": removed")
    assert connected(here) == {organization[2]}
    assert run(here, mine, orphans="remove", absent=True) == []


def test_a_run_that_is_ended_removes_no_more_orphans(here: Emulators, organization: list[str]) -> None:
    for number in range(20):
        seed(here, f"9999999999{number:02}")
    seed(here, organization[1])
    here.fault(operation="DataConnectors_Delete", delay=0.2)

    async def work() -> Orphans:
        found, stop = Orphans(), fleet.Cancellation()
        order = fleet.Order(orphans="remove", absent=True, departed_percent=100)
        asyncio.get_running_loop().call_later(2, stop.interrupt, "it got SIGINT")
        async for done in fleet.run(parsed(here, hosts(organization[:1])), order, stop, found):
            assert done.error is None
        return found

    found = asyncio.run(work())
    removed = [one for one in found if one.removed]
    assert 0 < len(removed) < 19
    assert len(here.connectors()) == 21 - len(removed)


@pytest.mark.parametrize("listed", [True, False])
def test_an_account_that_came_back_while_others_were_worked_on_stays_connected(
    here: Emulators, organization: list[str], listed: bool
) -> None:
    """Nor is one removed of which nobody can tell any more."""
    back, other = organization[0], organization[2]
    for account in (back, other, GONE):
        seed(here, account)
    whole = [{"Id": one} for one in (CALLER_ACCOUNT, *organization)]
    here.organization([one for one in whole if one["Id"] != back])

    def come_back() -> None:
        here.organization(whole)
        if not listed:
            here.fault(operation="ListAccounts", times=100, **faults.IDENTITY_DENIED)

    with watched(Once("after", "AssumeRole", come_back)):
        found = run(here, organization[1:2], orphans="remove", departed_percent=100, absent=True)
    assert {one.account_id: one.removed for one in found} == {back: False, GONE: listed}
    assert all(one.error for one in found if not one.removed)
    assert connected(here) == ({back, other} if listed else {back, other, GONE})


def test_an_account_that_was_not_worked_on_keeps_its_orphans(here: Emulators, organization: list[str]) -> None:
    [account] = organization[:1]
    run(here, [account])
    dead = {"awsRoleArn": arn_of(account, "Dead"), "dataTypes": {"logs": {"state": "enabled"}}}
    here.seed_connector({"name": "dead", "kind": "AmazonWebServicesCloudTrail", "properties": dead})
    # One session for the look at what is left over, none for the work.
    here.fault(operation="AssumeRole", skip=1, **faults.EXPIRED_TOKEN)

    async def work() -> list[str]:
        order = fleet.Order(orphans="remove", absent=True)
        return [done.status async for done in fleet.run(parsed(here, hosts([account])), order)]

    assert asyncio.run(work()) == ["skipped"]
    assert "dead" in {one["name"] for one in here.connectors()}


def test_an_account_in_which_nobody_can_look_fails_alone(cloud: Emulators, play: Play, organization: list[str]) -> None:
    cloud.fault(operation="ListRoles", account=organization[1], **faults.IDENTITY_DENIED)
    done = play("onboard", hosts(organization[:3]), sentinel_find_unconnected_roles=True)
    assert done.code == 2
    assert {name for name, numbers in done.recap.items() if numbers["failed"]} == {"a1"}
    assert connected(cloud) == set(organization[:3])


def test_accounts_that_are_gone_are_disconnected_without_touching_others(
    cloud: Emulators, play: Play, organization: list[str]
) -> None:
    for account in (organization[0], GONE, "888888888888"):
        seed(cloud, account)
    variables = {"sentinel_minimum_accounts": 1, "sentinel_max_change_percent": 100}
    preview = play("departed", hosts(organization[:1]), "--check", **variables)
    assert preview.code == 0, preview.output
    assert connected(cloud) == {organization[0], GONE, "888888888888"}
    done = play("departed", hosts(organization[:1]), **variables)
    assert done.code == 0, done.output
    assert connected(cloud) == {organization[0]}
    assert "Nothing was removed" in play("departed", hosts(organization[:1]), **variables).output


@pytest.mark.parametrize("value", ["", "{{ nowhere.to_be_found }}"])
def test_one_that_was_to_be_named_never_stands_for_all(
    cloud: Emulators, play: Play, organization: list[str], value: str
) -> None:
    seed(cloud, GONE)
    done = play("departed", hosts(organization[:1]), "-e", json.dumps({"sentinel_departed": value}))
    assert done.code == 2
    assert connected(cloud) == {GONE}


def test_a_role_alone_fails_where_nobody_can_look(cloud: Emulators, play: Play, organization: list[str]) -> None:
    cloud.fault(operation="ListRoles", account=organization[1], **faults.IDENTITY_DENIED)
    text = """
- hosts: all
  gather_facts: false
  tasks:
    - include_role: {name: trailbridge.sentinel.onboard}
      run_once: true
"""
    done = play(text, hosts(organization[:3]), sentinel_find_unconnected_roles=True)
    assert done.code == 2
    assert "1 of 3 accounts failed. Cannot list the roles in account" in " ".join(done.output.split())


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("departed", "percent", "refused"), [(1, 0, False), (2, 20, False), (3, 20, True), (3, 30, False)]
)
def test_of_a_workspace_so_many_connectors_go_as_departed(
    here: Emulators, organization: list[str], departed: int, percent: float, refused: bool, check_mode: bool
) -> None:
    """At least one; of ten connectors here."""
    for number in range(departed):
        seed(here, f"99999999990{number}")
    for account in organization[1 : 11 - departed]:
        seed(here, account)
    here.forget()
    order: dict[str, Any] = {"orphans": "remove", "absent": True, "max_change": 0.0, "departed_percent": percent}
    if refused:
        with pytest.raises(SentinelError) as caught:
            run(here, organization[:1], **order, check_mode=check_mode)
        assert caught.value.kind == "too_many_changes"
        assert here.operations(write=True) == []
    else:
        assert len(run(here, organization[:1], **order, check_mode=check_mode)) == departed


@pytest.mark.parametrize("check_mode", [False, True])
def test_whoever_lists_another_organization_removes_nothing(
    here: Emulators, organization: list[str], check_mode: bool
) -> None:
    gone = [f"99999999990{number}" for number in range(5)]
    for account in gone:
        seed(here, account)
    here.forget()
    with pytest.raises(SentinelError) as caught:
        alone(here, *gone, departed_percent=100, check_mode=check_mode)
    assert caught.value.kind == "wrong_account"
    assert here.operations(write=True) == []


def test_a_listing_that_is_too_short_is_not_believed(here: Emulators, organization: list[str]) -> None:
    seed(here, GONE)
    assert run(here, organization[:1], orphans="remove", absent=True, minimum=14) == []
    assert connected(here) == {GONE}


def test_without_a_listing_nothing_is_done(here: Emulators, organization: list[str]) -> None:
    seed(here, GONE)
    here.fault(operation="ListAccounts", times=100, **faults.IDENTITY_DENIED)
    with pytest.raises(SentinelError, match="Cannot list the accounts of"):
        run(here, organization[:1], orphans="remove", absent=True)
    assert connected(here) == {GONE}


def test_without_an_organization_it_is_told_what_to_do(here: Emulators) -> None:
    here.organization([], management="999999999999")
    seed(here, GONE)
    with pytest.raises(SentinelError) as caught:
        run(here, ["111111111101"], orphans="remove", absent=True)
    assert caught.value.kind == "wrong_account"
    assert f"account {CALLER_ACCOUNT} is not a member of an organization" in str(caught.value)
    assert connected(here) == {GONE}


def test_an_orphan_that_cannot_be_removed_stops_nobody(here: Emulators, organization: list[str]) -> None:
    stubborn, easy = "999999999991", "999999999992"
    for account in (stubborn, easy, organization[1]):
        seed(here, account)
    here.fault(operation="DataConnectors_Delete", account=stubborn, times=100, **faults.AZURE_DENIED)
    found = run(here, organization[:1], orphans="remove", absent=True, departed_percent=100)
    assert [orphan.removed for orphan in found] == [False, True]
    assert "error" in found[0].show()
    assert connected(here) == {stubborn, organization[1]}


# --- what is left over in accounts that are at work ---


def read_by(here: Emulators, account: str, role: str) -> str:
    """Seed a connector of a role, and return its name."""
    raw = {"kind": "AmazonWebServicesCloudTrail", "properties": {"awsRoleArn": arn_of(account, role)}}
    name: str = here.seed_connector(raw)["name"]
    return name


def trusted(here: Emulators, account: str, name: str, *ids: str) -> None:
    """Make a role that lets Microsoft in, for these workspaces."""
    document = roles.trust(roles.MICROSOFT_ACCOUNT, ids)
    if not ids:
        document["Statement"][0].pop("Condition")
    here.boto("iam", account).create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))


def told(orphans: Orphans) -> list[tuple[str, str]]:
    return [(orphan.reason, orphan.role_arn) for orphan in orphans]


def test_a_connector_whose_role_is_gone_is_named_and_removed_only_with_its_account(
    here: Emulators, organization: list[str]
) -> None:
    mine, other = organization[:2]
    read_by(here, mine, "MicrosoftSentinelRole")
    read_by(here, mine, "Gone")
    read_by(here, mine, "There")
    read_by(here, other, "Gone")
    trusted(here, mine, "There", CUSTOMER_ID)
    for check_mode in (True, False):
        found = run(here, [mine], orphans="report", check_mode=check_mode)
        assert told(found) == [("role_gone", arn_of(mine, "Gone"))]
    assert len(here.connectors()) == 4

    (gone,) = run(here, [mine], orphans="remove", absent=True)
    assert gone.removed
    assert "the role does not exist, connector " in gone.line(check_mode=False, removing=True)
    left = {connector["properties"]["awsRoleArn"] for connector in here.connectors()}
    assert left == {arn_of(mine, "There"), arn_of(other, "Gone")}


def test_the_only_connector_of_an_account_is_corrected_and_no_orphan(here: Emulators, organization: list[str]) -> None:
    name = read_by(here, organization[0], "Gone")
    assert run(here, organization[:1], orphans="report") == []
    assert [connector["name"] for connector in here.connectors()] == [name]


def test_a_role_that_cannot_be_read_is_not_gone(here: Emulators, organization: list[str]) -> None:
    mine = organization[0]
    read_by(here, mine, "MicrosoftSentinelRole")
    read_by(here, mine, "Gone")
    here.fault(**{**faults.IDENTITY_DENIED, "operation": "GetRole"}, account=mine, times=1)
    assert run(here, [mine], orphans="remove", absent=True) == []


def test_the_orphan_of_an_account_that_fails_stays(here: Emulators, organization: list[str]) -> None:
    mine = organization[0]
    read_by(here, mine, "Gone")
    document = roles.trust("210987654321", [CUSTOMER_ID])
    name = "MicrosoftSentinelRole"
    here.boto("iam", mine).create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
    ended = engine.run(parsed(here, hosts([mine])), fleet.Order(orphans="remove", absent=True))
    assert ended.failed.keys() == {mine}
    assert len(here.connectors()) == 1


def test_roles_that_no_connector_reads_are_named_on_request(here: Emulators, organization: list[str]) -> None:
    mine = organization[0]
    trusted(here, mine, "Forgotten", CUSTOMER_ID)
    trusted(here, mine, "Open")
    trusted(here, mine, "Neighbour", "99999999-9999-4999-8999-999999999999")
    trusted(here, mine, "Read", CUSTOMER_ID)
    trusted(here, mine, "OfAnS3Connector", CUSTOMER_ID)
    read_by(here, mine, "MicrosoftSentinelRole")
    read_by(here, mine, "Read")
    raw = {"kind": "AmazonWebServicesS3", "properties": {"roleArn": arn_of(mine, "OfAnS3Connector")}}
    here.seed_connector(raw)
    for orphans in ("ignore", "report"):
        found = run(here, [mine], orphans=orphans, roles=True)
        assert told(found) == [("no_connector", arn_of(mine, "Forgotten")), ("no_connector", arn_of(mine, "Open"))]
    assert found[0].show()["connector_id"] == ""
    assert found[0].line(check_mode=False, removing=False).endswith("lets Microsoft Sentinel in, no connector reads it")
    assert here.operations("iam").count("ListRoles") == 2


OPEN = {
    "AnyId": statement(Condition={"StringLike": {"sts:ExternalId": "*"}}),
    "AllButOne": statement(Principal=None, NotPrincipal={"AWS": "arn:aws:iam::666666666666:root"}, Condition=None),
    "Anybody": statement(Principal={"AWS": "*"}, Condition=None),
    "IfThereIsOne": statement(Condition={"StringNotEqualsIfExists": {"sts:ExternalId": "none"}}),
    "EveryAction": statement(Action="sts:*", Condition=None),
    "InAnyCase": statement(Condition={"StringEqualsIgnoreCase": {"sts:ExternalId": CUSTOMER_ID.upper()}}),
}
CLOSED = {
    "OfTheOrganization": statement(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}),
    "OfSomebodyElse": statement(Condition={"StringEquals": {"sts:ExternalId": "99999999-9999-4999-8999-999999999999"}}),
    "OfAnAccount": statement(Principal={"AWS": "arn:aws:iam::666666666666:root"}, Condition=None),
}


def test_roles_that_are_open_to_any_customer_of_microsoft_are_named(here: Emulators, organization: list[str]) -> None:
    mine, client = organization[0], here.boto("iam", organization[0])
    for name, one in {**OPEN, **CLOSED}.items():
        document = json.dumps({"Version": "2012-10-17", "Statement": [one]})
        client.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    found = {role for reason, role in told(run(here, [mine], roles=True)) if reason == "no_connector"}
    assert found == {arn_of(mine, name) for name in OPEN}


def test_a_connector_that_reads_another_role_by_now_is_no_orphan(here: Emulators, organization: list[str]) -> None:
    name = seed(here, GONE)
    seed(here, organization[2])

    def point_elsewhere() -> None:
        properties = {"awsRoleArn": arn_of(organization[1], "There"), "dataTypes": {"logs": {"state": "enabled"}}}
        here.seed_connector({"name": name, "kind": "AmazonWebServicesCloudTrail", "properties": properties})

    with watched(Once("after", "ListAccounts", point_elsewhere)):
        (orphan,) = run(here, organization[:1], orphans="remove", absent=True)
    assert (orphan.removed, bool(orphan.error)) == (False, True)
    assert name in {one["name"] for one in here.connectors()}


def test_a_role_that_is_there_by_now_keeps_its_connector(here: Emulators, organization: list[str]) -> None:
    mine = organization[0]
    read_by(here, mine, "MicrosoftSentinelRole")
    read_by(here, mine, "Late")
    with watched(Once("before", "DataConnectors_Delete", lambda: trusted(here, mine, "Late", CUSTOMER_ID))):
        (orphan,) = run(here, [mine], orphans="remove", absent=True)
    assert (orphan.removed, bool(orphan.error)) == (False, True)
    assert {one["properties"]["awsRoleArn"] for one in here.connectors()} == {arn_of(mine, "Late")}


def test_the_role_of_the_run_is_left_out_under_whatever_path(here: Emulators, organization: list[str]) -> None:
    document = json.dumps(roles.trust(roles.MICROSOFT_ACCOUNT, [CUSTOMER_ID]))
    here.boto("iam", organization[0]).create_role(
        RoleName="MicrosoftSentinelRole", Path="/elsewhere/", AssumeRolePolicyDocument=document
    )
    assert run(here, organization[:1], roles=True) == []


def test_that_roles_cannot_be_listed_is_told(here: Emulators, organization: list[str]) -> None:
    here.fault(**{**faults.IDENTITY_DENIED, "operation": "ListRoles"}, times=1)
    (unknown,) = run(here, organization[:1], roles=True)
    assert unknown.reason == "unknown"
    assert unknown.line(check_mode=False, removing=False).startswith(
        f"failed: [{organization[0]}] Cannot list the roles"
    )


# --- no accounts, only orphans ---


def alone(here: Emulators, *only: str, **order: Any) -> Orphans:
    """Look for orphans among these accounts, without an account to work on."""
    (home,) = parsed(here, {"nobody": {}})

    async def work() -> Orphans:
        found = Orphans()
        wanted = fleet.Order(absent=True, orphans="remove", orphan_account_ids=only, home=home, **order)
        assert [done async for done in fleet.run([], wanted, orphans=found)] == []
        return found

    return asyncio.run(work())


def test_one_account_that_is_gone_goes_alone(here: Emulators, organization: list[str]) -> None:
    for account in (GONE, "999999999998", organization[0]):
        seed(here, account)
    assert alone(here, organization[0]) == []
    assert alone(here, GONE, minimum=14) == []
    assert [orphan.removed for orphan in alone(here, GONE, check_mode=True)] == [False]
    assert [orphan.removed for orphan in alone(here, GONE)] == [True]
    assert connected(here) == {"999999999998", organization[0]}
