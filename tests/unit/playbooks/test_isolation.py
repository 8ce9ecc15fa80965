# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An error of a workspace or a credential fails the accounts that use it, and the others continue."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountResult
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.demands import Expected
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role import role as roles
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.orphans.orphans import Orphans
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.verify import ingestion
from tests.emulators import faults
from tests.emulators.client import CALLER_ACCOUNT, Emulators
from tests.faults.world import ROLE, arn_of
from tests.unit.modules.test_ingestion_info import arrived, connect

from .conftest import Engine, all_results, parsed
from .test_workspaces import OTHER, READ_ONLY

Hosts = dict[str, dict[str, Any]]
GOOD, BAD, ALSO_BAD = "111111111101", "111111111102", "111111111103"
SECOND = {
    "sentinel_subscription_id": OTHER["subscription_id"],
    "sentinel_resource_group": OTHER["resource_group"],
    "sentinel_workspace": OTHER["name"],
}
# Another application, so that the secret of the first one is not tried.
UNKNOWN_CLIENT = {"sentinel_client_id": "99999999-9999-4999-8999-999999999998", "sentinel_secret": "expired"}
CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "Sentinel is off": ({"onboarded": False}, "bad_input"),
    "no right to write": ({"permissions": READ_ONLY}, "azure_denied"),
    "no right at all": ({"permissions": []}, "azure_denied"),
}
OWN: dict[str, tuple[dict[str, Any], str]] = {
    "it does not exist": ({**SECOND, "sentinel_workspace": "third"}, "workspace_not_found"),
    "the id of another workspace": ({"sentinel_workspace_id": "55555555-6666-4777-8888-999999999990"}, "bad_input"),
    "a wrong secret": (UNKNOWN_CLIENT, "azure_denied"),
    "an address without service": (
        {"sentinel_adfs_authority_url": "https://127.0.0.1:1", "sentinel_secret": "x"},
        "transient",
    ),
    "a profile that does not exist": ({"sentinel_aws_profile": "nowhere"}, "profile_not_found"),
}


def run(here: Emulators, hosts: Hosts, **options: Any) -> dict[str, AccountResult]:
    found = asyncio.run(all_results(parsed(here, hosts), fleet.RunOptions(**options)))
    return {one.account.account_id: one for one in found}


def hosts(**own: Any) -> Hosts:
    return {
        "good": {"aws_account_id": GOOD},
        "bad": {"aws_account_id": BAD, **own},
        "also_bad": {"aws_account_id": ALSO_BAD, **own},
    }


@pytest.fixture
def second(here: Emulators) -> Emulators:
    here.add_workspace(customer_id="55555555-6666-4777-8888-999999999999", **OTHER)
    return here


@pytest.mark.parametrize("case", CHANGES)
@pytest.mark.parametrize("absent", [False, True])
def test_one_workspace_fails_its_accounts_alone(second: Emulators, engine: Engine, case: str, absent: bool) -> None:
    if absent:
        engine(hosts(**SECOND))
    change, kind = CHANGES[case]
    second.change_workspace(OTHER["name"], **change)
    found = run(second, hosts(**SECOND), absent=absent)
    assert {one: found[one].error and found[one].error.kind for one in found} == {GOOD: None, BAD: kind, ALSO_BAD: kind}
    assert found[GOOD].status == "changed"
    assert {request["account"] for request in second.requests("iam", write=True)} <= {GOOD} or absent


@pytest.mark.parametrize("case", OWN)
def test_one_credential_fails_its_accounts_alone(second: Emulators, case: str) -> None:
    own, kind = OWN[case]
    found = run(second, hosts(**own))
    errors = {one: found[one].error for one in (BAD, ALSO_BAD)}
    assert [error and error.kind for error in errors.values()] == [kind, kind]
    assert [found[one].status for one in (GOOD, BAD, ALSO_BAD)] == ["changed", "failed", "failed"]


@pytest.mark.parametrize("case", [case for case in OWN if case != "the id of another workspace"])
def test_an_error_of_all_accounts_ends_the_run(second: Emulators, case: str) -> None:
    own, kind = OWN[case]
    with pytest.raises(SentinelError) as caught:
        run(second, {name: one for name, one in hosts(**own).items() if name != "good"})
    assert caught.value.kind == kind
    assert second.operations(write=True) == []


def test_an_unusable_workspace_does_not_stop_the_search_for_orphans(second: Emulators, engine: Engine) -> None:
    """Orphans of the other workspaces are still found."""
    second.change_workspace(OTHER["name"], onboarded=False)
    found = run(second, hosts(**SECOND), find_unconnected_roles=True)
    assert [found[one].status for one in (GOOD, BAD, ALSO_BAD)] == ["changed", "failed", "failed"]


@pytest.mark.parametrize("case", ["no workspace", "a wrong secret", "no right"])
def test_verification_of_one_tenant_fails_alone(second: Emulators, case: str) -> None:
    own = {
        "no workspace": {**SECOND, "sentinel_workspace": "third"},
        "a wrong secret": UNKNOWN_CLIENT,
        "no right": SECOND,
    }[case]
    connect(second, GOOD)
    arrived(second, {GOOD: 0.1})
    if case == "no right":
        second.change_workspace(OTHER["name"], permissions=[])
    watched = [ingestion.AccountIngestion(account, Expected()) for account in parsed(second, hosts(**own))]
    asyncio.run(ingestion.verify(watched, ingestion.VerifyOptions(7 * 86400), lambda _line: None))
    assert [item.ingestion_status.name for item in watched] == ["receiving", "unknown", "unknown"]
    assert watched[0].error is None
    assert all(item.error for item in watched[1:])


def open_role(here: Emulators, account: str, name: str) -> str:
    """Make a role that trusts Microsoft without external id, and return its ARN."""
    document = roles.trust(roles.MICROSOFT_ACCOUNT, ["x"])
    del document["Statement"][0]["Condition"]
    here.boto("iam", account).create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
    return arn_of(account, name)


@pytest.mark.parametrize("usable", [True, False])
def test_no_role_is_unconnected_if_a_workspace_was_not_listed(second: Emulators, usable: bool) -> None:
    """Each workspace is listed only once."""
    arn = open_role(second, GOOD, "Read")
    connector = {"kind": "AmazonWebServicesS3", "properties": {"roleArn": arn}}
    second.seed_connector(connector, OTHER["name"])
    unread = open_role(second, GOOD, "Unread")
    second.change_workspace(OTHER["name"], onboarded=usable)
    second.forget()

    async def work() -> tuple[dict[str, str], Orphans]:
        run = fleet.run(parsed(second, hosts(**SECOND)), fleet.RunOptions(find_unconnected_roles=True))
        return {one.account.host: one.status async for one in run}, run.orphans

    found, orphans = asyncio.run(work())
    assert found == {"good": "changed", "bad": "changed" if usable else "failed", "also_bad": found["bad"]}
    assert [(one.reason, one.role_arn) for one in orphans] == ([("no_connector", unread)] if usable else [])
    assert len(list(orphans.lines())) == (not usable)
    assert second.operations().count("DataConnectors_List") == 2


ANYBODY = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
SECOND_ID = "55555555-6666-4777-8888-999999999999"
UNKNOWN_ID = "99999999-9999-4999-8999-999999999999"


def widen(here: Emulators, account: str, *ids: str) -> None:
    """Trust everybody, and Microsoft for these workspaces, and attach AdministratorAccess."""
    client = here.boto("iam", account)
    document = roles.trust(roles.MICROSOFT_ACCOUNT, ids)
    document["Statement"].append(ANYBODY)
    client.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(document))
    client.attach_role_policy(RoleName=ROLE, PolicyArn=ADMIN)


UNUSABLE: dict[str, tuple[dict[str, Any], dict[str, Any], bool, bool]] = {
    "Sentinel is off": ({"onboarded": False}, {}, True, True),
    "no right to write": ({"permissions": READ_ONLY}, {}, True, True),
    "a wrong secret, and a tag": ({}, {**UNKNOWN_CLIENT}, True, True),
    "a wrong secret, and the id": ({}, {**UNKNOWN_CLIENT, "sentinel_workspace_id": SECOND_ID}, False, True),
    "a wrong secret": ({}, {**UNKNOWN_CLIENT}, False, False),
}


@pytest.mark.parametrize("case", UNUSABLE)
@pytest.mark.parametrize("absent", [False, True])
def test_a_workspace_that_cannot_be_used_hides_no_finding(
    second: Emulators, engine: Engine, case: str, absent: bool
) -> None:
    change, own, tagged, known = UNUSABLE[case]
    engine(hosts(**SECOND))
    widen(second, BAD, SECOND_ID, UNKNOWN_ID)
    if not tagged:
        second.boto("iam", BAD).untag_role(RoleName=ROLE, TagKeys=[roles.TAG, roles.TAG_WORKSPACE])
    second.change_workspace(OTHER["name"], **change)
    found = run(second, hosts(**SECOND, **own), absent=absent)
    codes = {one.code for one in found[BAD].report.findings}
    assert codes >= {"trust_anyone", "permission_policy_extra"}
    assert ("trust_external_id_foreign" in codes) == known
    assert "trust_workspace_missing" not in codes
    assert {one.code for one in found[ALSO_BAD].report.findings} <= ({"role_unmanaged"} if not absent else set())


def test_offboarding_reports_connectors_in_other_workspaces(second: Emulators, engine: Engine) -> None:
    engine(hosts(**SECOND))
    properties = {"awsRoleArn": arn_of(GOOD), "dataTypes": {"logs": {"state": "enabled"}}}
    connector = {"name": "w2", "kind": "AmazonWebServicesCloudTrail", "properties": properties}
    second.seed_connector(connector, OTHER["name"])
    found = run(second, hosts(**SECOND), absent=True)
    assert [found[one].status for one in (GOOD, BAD, ALSO_BAD)] == ["changed"] * 3
    [finding] = found[GOOD].report.findings
    assert finding.code == "connector_remaining"
    assert "w2" in finding.message
    assert OTHER["name"] in finding.message


def test_a_preview_of_one_tenant_ends_no_other(second: Emulators, engine: Engine) -> None:
    """With a limit of changes, as in `offboard`: a preview runs before the first write."""
    engine(hosts())
    keys = second.credentials(CALLER_ACCOUNT)
    own = {"sentinel_access_key": keys["aws_access_key_id"], "sentinel_secret_key": keys["aws_secret_access_key"]}
    second.fault(operation="AssumeRole", account=BAD, **faults.EXPIRED_TOKEN)
    found = run(
        second, {name: one for name, one in hosts(**own).items() if name != "also_bad"}, absent=True, max_change=2
    )
    assert found[GOOD].status == "changed"
    assert found[BAD].status in ("failed", "skipped")
