# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors whose account is gone: only the organization itself tells, and nobody else is touched."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils.run import fleet
from ansible_collections.trailbridge.sentinel.plugins.module_utils.run.orphans import Orphan
from tests.emulators import faults
from tests.emulators.client import Emulators

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


def run(here: Emulators, accounts: list[str], **order: Any) -> list[Orphan]:
    """Do in this process what the playbooks do; returns the orphans."""

    async def work() -> list[Orphan]:
        found: list[Orphan] = []
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
    (told,) = run(here, mine, orphans="report")
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


def test_orphans_count_as_changes(here: Emulators, organization: list[str]) -> None:
    for number in range(5):
        seed(here, f"99999999990{number}")
    with pytest.raises(SentinelError, match="5 accounts would change") as caught:
        run(here, organization[:2], orphans="remove", absent=True, max_change=4.0)
    assert caught.value.kind == "too_many_changes"
    assert len(here.connectors()) == 5


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


def test_an_orphan_that_cannot_be_removed_stops_nobody(here: Emulators, organization: list[str]) -> None:
    stubborn, easy = "999999999991", "999999999992"
    seed(here, stubborn)
    seed(here, easy)
    here.fault(operation="DataConnectors_Delete", account=stubborn, times=100, **faults.AZURE_DENIED)
    found = run(here, organization[:1], orphans="remove", absent=True)
    assert [orphan.removed for orphan in found] == [False, True]
    assert "error" in found[0].show()
    assert connected(here) == {stubborn}
