# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orphans: only what AWS reports as departed or missing is reported or removed, and nothing else is changed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role import role as roles
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.orphans.orphans import Orphans
from tests.emulators import faults
from tests.emulators.client import CALLER_ACCOUNT, CUSTOMER_ID, Emulators
from tests.faults import engine
from tests.faults.hook import Once, watched
from tests.resources import arn_of, connector
from tests.unit.attacks.plants import statement

from .conftest import Play, parsed

DEPARTED = "999999999999"


@pytest.fixture
def organization(cloud: Emulators) -> list[str]:
    """Twelve active accounts of an organization."""
    client = cloud.boto("organizations")
    client.create_organization(FeatureSet="ALL")
    made = [client.create_account(Email=f"a{n}@example.com", AccountName=f"a{n}") for n in range(12)]
    return [one["CreateAccountStatus"]["AccountId"] for one in made]


def seed(cloud: Emulators, account: str) -> str:
    name: str = cloud.seed_connector(connector("", arn_of(account)))["name"]
    return name


def hosts(accounts: list[str]) -> dict[str, Any]:
    return {f"a{number}": {"aws_account_id": account} for number, account in enumerate(accounts)}


def connected(cloud: Emulators) -> set[str]:
    return {connector["properties"]["awsRoleArn"].split(":")[4] for connector in cloud.connectors()}


def test_an_account_outside_of_the_limit_is_no_orphan(cloud: Emulators, play: Play, organization: list[str]) -> None:
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


def run(here: Emulators, accounts: list[str], **options: Any) -> Orphans:
    """Run the engine in this process; returns the orphans."""

    async def work() -> Orphans:
        found = fleet.run(parsed(here, hosts(accounts)), fleet.RunOptions(**options))
        async for result in found:
            assert result.error is None
        return found.orphans

    return asyncio.run(work())


def test_connectors_of_departed_accounts_are_reported_and_removed_on_request(
    here: Emulators, organization: list[str]
) -> None:
    for account in (organization[2], DEPARTED):
        seed(here, account)
    mine = organization[:1]
    assert run(here, mine) == []
    found = run(here, mine, orphans="report")
    assert found.organization
    outside = found.organization.excluded(mine)
    assert {(one["account_id"], one["reason"]) for one in outside} == {
        (account, "not in this run") for account in {CALLER_ACCOUNT, *organization[1:]}
    }
    (orphan,) = found
    assert orphan.show()["reason"] == "left"
    assert DEPARTED in orphan.line(check_mode=False, removing=False)
    (preview,) = run(here, mine, orphans="remove", absent=True, check_mode=True)
    assert preview.line(check_mode=True, removing=True).endswith(": would be removed")
    assert connected(here) == {organization[2], DEPARTED, *mine}

    (removed,) = run(here, mine, orphans="remove", absent=True)
    assert removed.line(check_mode=False, removing=True).endswith(": removed")
    assert connected(here) == {organization[2]}
    assert run(here, mine, orphans="remove", absent=True) == []


def test_each_orphan_is_read_and_removed_once(here: Emulators, organization: list[str]) -> None:
    """Two connectors of one role are two orphans: the removal of the first does not touch the second."""
    names = {seed(here, DEPARTED), seed(here, DEPARTED)}
    run(here, organization[:1])
    here.forget()
    found = run(here, organization[:1], orphans="remove", absent=False, max_departed_percent=100.0)
    assert [one.removed for one in found] == [True, True]
    requests = [one for one in here.requests("azure") if any(name in one["path"] for name in names)]
    assert sorted(one["operation"] for one in requests) == ["DataConnectors_Delete"] * 2 + ["DataConnectors_Get"] * 2
    assert connected(here) == {organization[0]}


def test_an_interrupted_run_removes_no_more_orphans(here: Emulators, organization: list[str]) -> None:
    for number in range(20):
        seed(here, f"9999999999{number:02}")
    seed(here, organization[1])
    here.fault(operation="DataConnectors_Delete", delay=0.2)

    async def work() -> Orphans:
        cancellation = fleet.Cancellation()
        options = fleet.RunOptions(orphans="remove", absent=True, max_departed_percent=100)
        asyncio.get_running_loop().call_later(2, cancellation.interrupt, "it got SIGINT")
        found = fleet.run(parsed(here, hosts(organization[:1])), options, cancellation)
        async for result in found:
            assert result.error is None
        return found.orphans

    found = asyncio.run(work())
    removed = [one for one in found if one.removed]
    assert 0 < len(removed) < 19
    assert len(here.connectors()) == 21 - len(removed)


@pytest.mark.parametrize("listed", [True, False])
def test_an_account_that_returned_during_the_run_stays_connected(
    here: Emulators, organization: list[str], listed: bool
) -> None:
    """Nor is one removed if the organization can no longer be listed."""
    returned, other = organization[0], organization[2]
    for account in (returned, other, DEPARTED):
        seed(here, account)
    whole = [{"Id": one} for one in (CALLER_ACCOUNT, *organization)]
    here.organization([one for one in whole if one["Id"] != returned])

    def rejoin() -> None:
        here.organization(whole)
        if not listed:
            here.fault(operation="ListAccounts", times=100, **faults.IDENTITY_DENIED)

    with watched(Once("after", "AssumeRole", rejoin)):
        found = run(here, organization[1:2], orphans="remove", max_departed_percent=100, absent=True)
    assert {one.account_id: one.removed for one in found} == {returned: False, DEPARTED: listed}
    assert all(one.error for one in found if not one.removed)
    assert connected(here) == ({returned, other} if listed else {returned, other, DEPARTED})


def test_a_skipped_account_keeps_its_orphans(here: Emulators, organization: list[str]) -> None:
    [account] = organization[:1]
    run(here, [account])
    here.seed_connector(connector("orphan", arn_of(account, "Missing")))
    # One session for the search of orphans, none for the role.
    here.fault(operation="AssumeRole", skip=1, **faults.EXPIRED_TOKEN)

    async def work() -> list[str]:
        options = fleet.RunOptions(orphans="remove", absent=True)
        return [result.status async for result in fleet.run(parsed(here, hosts([account])), options)]

    assert asyncio.run(work()) == ["skipped"]
    assert "orphan" in {one["name"] for one in here.connectors()}


def test_an_account_whose_roles_cannot_be_listed_fails_alone(
    cloud: Emulators, play: Play, organization: list[str]
) -> None:
    cloud.fault(operation="ListRoles", account=organization[1], **faults.IDENTITY_DENIED)
    playbook = play("onboard", hosts(organization[:3]), sentinel_find_unconnected_roles=True)
    assert playbook.code == 2
    assert {name for name, numbers in playbook.recap.items() if numbers["failed"]} == {"a1"}
    assert connected(cloud) == set(organization[:3])


def test_departed_accounts_are_disconnected_and_no_others(
    cloud: Emulators, play: Play, organization: list[str]
) -> None:
    for account in (organization[0], DEPARTED, "888888888888"):
        seed(cloud, account)
    variables = {"sentinel_minimum_accounts": 1, "sentinel_max_change_percent": 100}
    preview = play("departed", hosts(organization[:1]), "--check", **variables)
    assert preview.code == 0, preview.output
    assert connected(cloud) == {organization[0], DEPARTED, "888888888888"}
    playbook = play("departed", hosts(organization[:1]), **variables)
    assert playbook.code == 0, playbook.output
    assert connected(cloud) == {organization[0]}
    assert "Nothing was removed" in play("departed", hosts(organization[:1]), **variables).output


@pytest.mark.parametrize("value", ["", "{{ nowhere.to_be_found }}"])
def test_an_empty_sentinel_departed_never_means_all_accounts(
    cloud: Emulators, play: Play, organization: list[str], value: str
) -> None:
    seed(cloud, DEPARTED)
    playbook = play("departed", hosts(organization[:1]), "-e", json.dumps({"sentinel_departed": value}))
    assert playbook.code == 2
    assert connected(cloud) == {DEPARTED}


def test_the_role_fails_if_the_roles_of_an_account_cannot_be_listed(
    cloud: Emulators, play: Play, organization: list[str]
) -> None:
    cloud.fault(operation="ListRoles", account=organization[1], **faults.IDENTITY_DENIED)
    text = """
- hosts: all
  gather_facts: false
  tasks:
    - include_role: {name: trailbridge.sentinel.onboard}
      run_once: true
"""
    playbook = play(text, hosts(organization[:3]), sentinel_find_unconnected_roles=True)
    assert playbook.code == 2
    assert f"Cannot list the roles in account {organization[1]}" in " ".join(playbook.output.split())


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("departed", "percent", "refused"), [(1, 0, False), (2, 20, False), (3, 20, True), (3, 30, False)]
)
def test_the_share_of_departed_connectors_is_limited(
    here: Emulators, organization: list[str], departed: int, percent: float, refused: bool, check_mode: bool
) -> None:
    """A share of ten connectors, and at least one connector."""
    for number in range(departed):
        seed(here, f"99999999990{number}")
    for account in organization[1 : 11 - departed]:
        seed(here, account)
    here.forget()
    options: dict[str, Any] = {"orphans": "remove", "absent": True, "max_change": 0.0, "max_departed_percent": percent}
    if refused:
        with pytest.raises(SentinelError) as caught:
            run(here, organization[:1], **options, check_mode=check_mode)
        assert caught.value.kind == "too_many_changes"
        assert here.operations(write=True) == []
    else:
        assert len(run(here, organization[:1], **options, check_mode=check_mode)) == departed


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_listing_of_another_organization_removes_nothing(
    here: Emulators, organization: list[str], check_mode: bool
) -> None:
    departed = [f"99999999990{number}" for number in range(5)]
    for account in departed:
        seed(here, account)
    here.forget()
    with pytest.raises(SentinelError) as caught:
        remove_departed(here, *departed, max_departed_percent=100, check_mode=check_mode)
    assert caught.value.kind == "wrong_account"
    assert here.operations(write=True) == []


def test_a_listing_below_the_minimum_is_not_used(here: Emulators, organization: list[str]) -> None:
    seed(here, DEPARTED)
    assert run(here, organization[:1], orphans="remove", absent=True, minimum_accounts=14) == []
    assert connected(here) == {DEPARTED}


def test_without_a_listing_nothing_is_removed(here: Emulators, organization: list[str]) -> None:
    seed(here, DEPARTED)
    here.fault(operation="ListAccounts", times=100, **faults.IDENTITY_DENIED)
    with pytest.raises(SentinelError) as caught:
        run(here, organization[:1], orphans="remove", absent=True)
    assert caught.value.kind == "aws_denied"
    assert connected(here) == {DEPARTED}


def test_without_an_organization_the_error_says_what_to_do(here: Emulators) -> None:
    here.organization([], management="999999999999")
    seed(here, DEPARTED)
    with pytest.raises(SentinelError) as caught:
        run(here, ["111111111101"], orphans="remove", absent=True)
    assert caught.value.kind == "wrong_account"
    assert CALLER_ACCOUNT in str(caught.value)
    assert connected(here) == {DEPARTED}


def test_an_orphan_that_cannot_be_removed_does_not_stop_the_others(here: Emulators, organization: list[str]) -> None:
    failing, other = "999999999991", "999999999992"
    for account in (failing, other, organization[1]):
        seed(here, account)
    here.fault(operation="DataConnectors_Delete", account=failing, times=100, **faults.AZURE_DENIED)
    found = run(here, organization[:1], orphans="remove", absent=True, max_departed_percent=100)
    assert [orphan.removed for orphan in found] == [False, True]
    assert "error" in found[0].show()
    assert connected(here) == {failing, organization[1]}


# --- active accounts: connectors without role, roles without connector ---


def read_by(here: Emulators, account: str, role: str) -> str:
    """Seed a connector of a role, and return its name."""
    name: str = here.seed_connector(connector("", arn_of(account, role)))["name"]
    return name


def trusted(here: Emulators, account: str, name: str, *ids: str) -> None:
    """Make a role that trusts Microsoft, for these workspaces."""
    document = roles.trust(roles.MICROSOFT_ACCOUNT, ids)
    if not ids:
        document["Statement"][0].pop("Condition")
    here.boto("iam", account).create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))


def reasons(orphans: Orphans) -> list[tuple[str, str]]:
    return [(orphan.reason, orphan.role_arn) for orphan in orphans]


def test_a_connector_without_role_is_reported_and_removed_only_by_offboarding(
    here: Emulators, organization: list[str]
) -> None:
    mine, other = organization[:2]
    read_by(here, mine, "MicrosoftSentinelRole")
    read_by(here, mine, "Missing")
    read_by(here, mine, "Existing")
    read_by(here, other, "Missing")
    trusted(here, mine, "Existing", CUSTOMER_ID)
    for check_mode in (True, False):
        found = run(here, [mine], orphans="report", check_mode=check_mode)
        assert reasons(found) == [("no_role", arn_of(mine, "Missing"))]
    assert len(here.connectors()) == 4

    (orphan,) = run(here, [mine], orphans="remove", absent=True)
    assert orphan.removed
    assert "the role does not exist, connector " in orphan.line(check_mode=False, removing=True)
    left = {connector["properties"]["awsRoleArn"] for connector in here.connectors()}
    assert left == {arn_of(mine, "Existing"), arn_of(other, "Missing")}


def test_the_only_connector_of_an_account_is_repaired_and_no_orphan(here: Emulators, organization: list[str]) -> None:
    name = read_by(here, organization[0], "Missing")
    assert run(here, organization[:1], orphans="report") == []
    assert [connector["name"] for connector in here.connectors()] == [name]


def test_a_role_that_cannot_be_read_does_not_count_as_missing(here: Emulators, organization: list[str]) -> None:
    mine = organization[0]
    read_by(here, mine, "MicrosoftSentinelRole")
    read_by(here, mine, "Missing")
    here.fault(**{**faults.IDENTITY_DENIED, "operation": "GetRole"}, account=mine, times=1)
    assert run(here, [mine], orphans="remove", absent=True) == []


def test_a_failed_account_keeps_its_orphans(here: Emulators, organization: list[str]) -> None:
    mine = organization[0]
    read_by(here, mine, "Missing")
    document = roles.trust("210987654321", [CUSTOMER_ID])
    name = "MicrosoftSentinelRole"
    here.boto("iam", mine).create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
    ended = engine.run(parsed(here, hosts([mine])), fleet.RunOptions(orphans="remove", absent=True))
    assert ended.failed.keys() == {mine}
    assert len(here.connectors()) == 1


def test_roles_that_no_connector_reads_are_reported_on_request(here: Emulators, organization: list[str]) -> None:
    mine = organization[0]
    trusted(here, mine, "Forgotten", CUSTOMER_ID)
    trusted(here, mine, "Open")
    trusted(here, mine, "OtherWorkspace", "99999999-9999-4999-8999-999999999999")
    trusted(here, mine, "Read", CUSTOMER_ID)
    trusted(here, mine, "OfAnS3Connector", CUSTOMER_ID)
    read_by(here, mine, "MicrosoftSentinelRole")
    read_by(here, mine, "Read")
    raw = {"kind": "AmazonWebServicesS3", "properties": {"roleArn": arn_of(mine, "OfAnS3Connector")}}
    here.seed_connector(raw)
    for orphans in ("ignore", "report"):
        found = run(here, [mine], orphans=orphans, find_unconnected_roles=True)
        assert reasons(found) == [("no_connector", arn_of(mine, "Forgotten")), ("no_connector", arn_of(mine, "Open"))]
    assert found[0].show()["connector_id"] == ""
    assert found[0].line(check_mode=False, removing=False).endswith("trusts Microsoft Sentinel, no connector reads it")
    assert here.operations("iam").count("ListRoles") == 2


USABLE_BY_ANY_CUSTOMER = {
    "AnyId": statement(Condition={"StringLike": {"sts:ExternalId": "*"}}),
    "AllButOne": statement(Principal=None, NotPrincipal={"AWS": "arn:aws:iam::666666666666:root"}, Condition=None),
    "Anybody": statement(Principal={"AWS": "*"}, Condition=None),
    "IfThereIsOne": statement(Condition={"StringNotEqualsIfExists": {"sts:ExternalId": "none"}}),
    "EveryAction": statement(Action="sts:*", Condition=None),
    "InAnyCase": statement(Condition={"StringEqualsIgnoreCase": {"sts:ExternalId": CUSTOMER_ID.upper()}}),
}
RESTRICTED = {
    "OfTheOrganization": statement(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}),
    "OfSomebodyElse": statement(Condition={"StringEquals": {"sts:ExternalId": "99999999-9999-4999-8999-999999999999"}}),
    "OfAnAccount": statement(Principal={"AWS": "arn:aws:iam::666666666666:root"}, Condition=None),
}


def test_roles_that_any_customer_of_microsoft_can_use_are_reported(here: Emulators, organization: list[str]) -> None:
    mine, client = organization[0], here.boto("iam", organization[0])
    for name, one in {**USABLE_BY_ANY_CUSTOMER, **RESTRICTED}.items():
        document = json.dumps({"Version": "2012-10-17", "Statement": [one]})
        client.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    found = {
        role for reason, role in reasons(run(here, [mine], find_unconnected_roles=True)) if reason == "no_connector"
    }
    assert found == {arn_of(mine, name) for name in USABLE_BY_ANY_CUSTOMER}


def test_a_connector_that_reads_another_role_meanwhile_is_not_removed(here: Emulators, organization: list[str]) -> None:
    name = seed(here, DEPARTED)
    seed(here, organization[2])

    def point_elsewhere() -> None:
        here.seed_connector(connector(name, arn_of(organization[1], "Existing")))

    with watched(Once("after", "ListAccounts", point_elsewhere)):
        (orphan,) = run(here, organization[:1], orphans="remove", absent=True)
    assert (orphan.removed, bool(orphan.error)) == (False, True)
    assert name in {one["name"] for one in here.connectors()}


def test_a_connector_whose_role_was_created_meanwhile_is_not_removed(here: Emulators, organization: list[str]) -> None:
    mine = organization[0]
    read_by(here, mine, "MicrosoftSentinelRole")
    read_by(here, mine, "CreatedLater")
    with watched(Once("before", "DataConnectors_Delete", lambda: trusted(here, mine, "CreatedLater", CUSTOMER_ID))):
        (orphan,) = run(here, [mine], orphans="remove", absent=True)
    assert (orphan.removed, bool(orphan.error)) == (False, True)
    assert {one["properties"]["awsRoleArn"] for one in here.connectors()} == {arn_of(mine, "CreatedLater")}


def test_the_role_of_the_run_is_no_orphan_whatever_its_path(here: Emulators, organization: list[str]) -> None:
    document = json.dumps(roles.trust(roles.MICROSOFT_ACCOUNT, [CUSTOMER_ID]))
    here.boto("iam", organization[0]).create_role(
        RoleName="MicrosoftSentinelRole", Path="/elsewhere/", AssumeRolePolicyDocument=document
    )
    assert run(here, organization[:1], find_unconnected_roles=True) == []


def test_a_denied_listing_of_roles_is_reported(here: Emulators, organization: list[str]) -> None:
    here.fault(**{**faults.IDENTITY_DENIED, "operation": "ListRoles"}, times=1)
    (unknown,) = run(here, organization[:1], find_unconnected_roles=True)
    assert unknown.reason == "unknown"
    assert unknown.line(check_mode=False, removing=False).startswith(f"failed: [{organization[0]} a0] ")


# --- without accounts ---


def remove_departed(here: Emulators, *only: str, **options: Any) -> Orphans:
    """Remove the orphans of these accounts, in a run without accounts."""
    (search,) = parsed(here, {"localhost": {}})

    async def work() -> Orphans:
        run_options = fleet.RunOptions(
            absent=True, orphans="remove", orphan_account_ids=only, orphan_search=search, **options
        )
        found = fleet.run([], run_options)
        assert [result async for result in found] == []
        return found.orphans

    return asyncio.run(work())


def test_one_departed_account_can_be_removed_alone(here: Emulators, organization: list[str]) -> None:
    for account in (DEPARTED, "999999999998", organization[0]):
        seed(here, account)
    assert remove_departed(here, organization[0]) == []
    assert remove_departed(here, DEPARTED, minimum_accounts=14) == []
    assert [orphan.removed for orphan in remove_departed(here, DEPARTED, check_mode=True)] == [False]
    assert [orphan.removed for orphan in remove_departed(here, DEPARTED)] == [True]
    assert connected(here) == {"999999999998", organization[0]}
