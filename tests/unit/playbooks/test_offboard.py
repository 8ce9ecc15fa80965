# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook `offboard`, as a user runs it."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from tests.emulators import faults
from tests.emulators.client import Emulators
from tests.resources import connector

from .conftest import Engine, Play, all_results, parsed
from .test_onboard import ROLE, connectors_of, some, writes

Hosts = dict[str, dict[str, Any]]
WHOLE = "DataConnectors_Delete, DetachRolePolicy, DeleteRole"


def role_names(cloud: Emulators, account: str) -> list[str]:
    return [role["RoleName"] for role in cloud.boto("iam", account).list_roles()["Roles"]]


def test_offboarding_restores_the_account(cloud: Emulators, play: Play, engine: Engine, twelve: Hosts) -> None:
    engine(twelve)
    cloud.forget()
    preview = play("offboard", twelve, "--limit", "host03", "--check")
    assert preview.code == 0, preview.output
    assert preview.changed == {"111111111103": WHOLE}
    assert writes(cloud) == []

    run = play("offboard", twelve, "--limit", "host03")
    assert run.code == 0, run.output
    assert run.changed == preview.changed
    assert writes(cloud) == WHOLE.split(", ")
    assert role_names(cloud, "111111111103") == []
    assert len(cloud.connectors()) == 11
    assert engine({name: own for name, own in twelve.items() if name != "host03"}) == {}

    cloud.forget()
    assert engine({"host03": twelve["host03"]}, absent=True) == {}
    assert writes(cloud) == []


TOO_MANY = re.compile("3 accounts would change.*20 % of 12 accounts is 2.*-e sentinel_max_change_percent=100")


def test_more_than_a_fifth_of_the_inventory_is_refused(
    cloud: Emulators, play: Play, engine: Engine, twelve: Hosts
) -> None:
    engine(twelve)
    cloud.forget()
    run = play("offboard", twelve, "--limit", "host01,host02,host03")
    assert run.code == 2
    assert TOO_MANY.search(" ".join(run.output.split()))
    assert "3 accounts: 0 ok, 3 would change, 0 failed" in run.output
    preview = play("offboard", twelve, "--check", "--limit", "host01,host02,host03")
    assert preview.code == 2
    assert TOO_MANY.search(" ".join(preview.output.split()))
    assert writes(cloud) == []


def test_an_account_that_cannot_be_read_counts_as_changed(here: Emulators, engine: Engine, twelve: Hosts) -> None:
    hosts = some(twelve, 3)
    engine(hosts)
    here.fault(account="111111111103", **faults.TRUST_DENIED)
    here.forget()
    with pytest.raises(SentinelError) as caught:
        asyncio.run(all_results(parsed(here, hosts), fleet.RunOptions(absent=True, max_change=2)))
    assert caught.value.kind == "too_many_changes"
    assert writes(here) == []
    here.heal()
    asyncio.run(all_results(parsed(here, some(twelve, 2)), fleet.RunOptions(absent=True, max_change=2)))
    assert len(here.connectors()) == 1


@pytest.mark.parametrize("operation", ["DataConnectors_Delete", "DetachRolePolicy", "DeleteRole"])
def test_an_interrupted_run_is_completed_by_the_next(
    here: Emulators, engine: Engine, twelve: Hosts, operation: str
) -> None:
    hosts = some(twelve, 1)
    engine(hosts)
    here.fault(operation=operation, status=403, code="AccessDenied", message="No.")
    with pytest.raises(AssertionError, match="Cannot"):
        engine(hosts, absent=True)
    here.heal()
    assert engine(hosts, absent=True) == {"111111111101": WHOLE[WHOLE.index(operation) :]}
    assert role_names(here, "111111111101") == []
    assert here.connectors() == []


def test_an_unmanaged_role_is_refused(cloud: Emulators, engine: Engine, twelve: Hosts) -> None:
    hosts = some(twelve, 1)
    engine(hosts)
    cloud.boto("iam", "111111111101").untag_role(RoleName=ROLE, TagKeys=["trailbridge.sentinel"])
    cloud.forget()
    with pytest.raises(AssertionError, match="Cannot remove role MicrosoftSentinelRole"):
        engine(hosts, absent=True)
    assert writes(cloud) == []


def test_connectors_of_other_roles_and_kinds_are_kept(cloud: Emulators, engine: Engine, twelve: Hosts) -> None:
    hosts = some(twelve, 1)
    engine(hosts)
    cloud.seed_connector(connector("other", "arn:aws:iam::111111111101:role/OtherTeam"))
    properties = {"roleArn": "arn:aws:iam::111111111101:role/OIDC_x"}
    cloud.seed_connector({"name": "s3", "kind": "AmazonWebServicesS3", "properties": properties})
    engine(hosts, absent=True)
    assert sorted(raw["name"] for raw in cloud.connectors()) == ["other", "s3"]
    assert len(connectors_of(cloud, "111111111101")) == 1
