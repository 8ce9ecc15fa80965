# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each widening and weakening of trust and permissions: found, named, shown, removed, and nothing else touched."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from unittest import mock

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import CODES, SEVERITIES
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from tests.emulators.client import Emulators
from tests.emulators.connectors import account_of
from tests.emulators.environment import INTERFERING
from tests.emulators.faults import AZURE_DENIED, IDENTITY_DENIED
from tests.faults import engine
from tests.faults.world import NEIGHBOUR, ROLE, STRANGER, VICTIM, World, connector, name_of
from tests.unit.playbooks.conftest import Play

from .plants import ANYONE, ANYTHING, ATTACKS, BOUNDARY, arn_of, at, standing

BYSTANDER = "888888888888"
HOSTS = {account: {"aws_account_id": account} for account in (*ATTACKS, BYSTANDER)}
WISH = {"sentinel_role_permissions_boundary": BOUNDARY, "sentinel_role_max_session_duration": 3600}


class Seen(NamedTuple):
    """What is there, of us and of others: roles by account, connectors."""

    roles: dict[str, list[Any]]
    connectors: list[Any]

    def of(self, account: str) -> tuple[Any, Any]:
        """What is there of one account."""
        return self.roles[account], sorted(map(str, filter(lambda raw: account_of(raw) == account, self.connectors)))


class Campaign(NamedTuple):
    """All attacks at once: what was there before, what the preview said, what the run said, what was there then."""

    before: Seen
    preview: engine.Ended
    quiet: list[Any]
    done: engine.Ended
    writes: list[Any]
    after: Seen
    again: engine.Ended


def seen(cloud: Emulators) -> Seen:
    stripped = [{name: value for name, value in raw.items() if name != "etag"} for raw in cloud.connectors()]
    return Seen(standing(cloud, HOSTS), sorted(stripped, key=lambda raw: str(raw["name"])))


def run(hosts: engine.Hosts = HOSTS, *, check_mode: bool = False) -> engine.Ended:
    ended = engine.run(engine.listed(hosts, **WISH), fleet.Order(check_mode=check_mode))
    assert (ended.error, ended.failed) == (None, {})
    return ended


def prepare(cloud: Emulators, hosts: engine.Hosts = HOSTS) -> None:
    """Connect all accounts, with neighbours that nobody may touch."""
    cloud.reset()
    for account in hosts:
        at(cloud, account).create_role(RoleName=NEIGHBOUR, AssumeRolePolicyDocument=json.dumps(ANYONE))
    cloud.seed_connector(connector("stranger", arn_of("555555555555")))
    run(hosts)


@pytest.fixture(scope="module")
def campaign(clouds: Emulators) -> Iterator[Campaign]:
    kept = {name: value for name, value in os.environ.items() if name not in INTERFERING}
    with mock.patch.dict(os.environ, {**kept, **clouds.environment}, clear=True), engine.brisk():
        prepare(clouds)
        before = seen(clouds)
        for account, attack in ATTACKS.items():
            attack.plant(clouds, account)
        clouds.forget()
        preview = run(check_mode=True)
        quiet = clouds.requests(write=True)
        done = run()
        writes = clouds.requests(write=True)
        yield Campaign(before, preview, quiet, done, writes, seen(clouds), run())


def test_each_is_found_and_named_with_its_severity(campaign: Campaign) -> None:
    for account, attack in ATTACKS.items():
        for ended in (campaign.preview, campaign.done):
            found = ended.done[account].report.findings
            assert tuple(f"{one.severity} {one.code}" for one in found) == attack.found, attack.name


def test_each_is_shown_before_it_is_gone(campaign: Campaign) -> None:
    for account, attack in ATTACKS.items():
        report = campaign.done.done[account].report
        [diff] = report.diff
        told = " ".join([str(diff["before"]), *(one.message for one in report.findings)])
        assert attack.shown in told, attack.name
        assert campaign.preview.done[account].report.diff == [diff]


def test_each_is_gone_after_the_run(campaign: Campaign) -> None:
    for account, attack in ATTACKS.items():
        assert campaign.done.done[account].status == "changed", attack.name
        assert campaign.after.of(account) == campaign.before.of(account), attack.name


def test_a_preview_writes_nothing(campaign: Campaign) -> None:
    assert campaign.quiet == []


def test_nothing_else_is_touched(campaign: Campaign) -> None:
    assert campaign.after == campaign.before
    assert campaign.preview.done[BYSTANDER].status == campaign.done.done[BYSTANDER].status == "ok"
    assert {request["account"] for request in campaign.writes if request["service"] == "iam"} <= set(ATTACKS)
    planned = {account: done.report.calls for account, done in campaign.preview.done.items()}
    assert planned == {account: done.report.calls for account, done in campaign.done.done.items()}
    assert campaign.again.calls == {}


def test_every_code_of_security_has_its_attack() -> None:
    planted = {code.split()[1] for attack in ATTACKS.values() for code in attack.found}
    # A mode without a managed policy, a trust that AWS would not store, and what test_tags.py looks at.
    elsewhere = {"permission_inline_changed", "trust_unreadable", "role_refused"}
    # The trust of a web identity, which the CloudTrail connector does not have: test_policy_compare.py.
    elsewhere |= {"trust_condition_missing", "trust_condition_weak", "trust_condition_foreign"}
    assert {code for code, kind in CODES.items() if kind.security} - planted == elsewhere


def test_what_a_repair_removed_is_shown_also_where_it_failed_on_the_way(world: World) -> None:
    world.prepare("correct")
    document = {"Version": "2012-10-17", "Statement": [{**ANYTHING, "Action": "kms:Decrypt"}]}
    world.make(VICTIM, "PutRolePolicy", RoleName=ROLE, PolicyName="another", PolicyDocument=document)
    world.e.fault(operation="DeleteRolePolicy", account=VICTIM, skip=1, **IDENTITY_DENIED)
    done = world.run("correct").done[VICTIM]
    assert done.status == "failed"
    assert [call.args["PolicyName"] for call in done.report.calls if call.name == "DeleteRolePolicy"] == ["another"]
    [diff] = done.report.diff
    assert "kms:decrypt" in str(diff["before"])
    assert f"{STRANGER}" in str(diff["before"])
    assert "kms:decrypt" not in str(diff["after"])


def test_the_connector_that_was_corrected_is_shown_also_where_that_failed(world: World) -> None:
    world.prepare("correct")
    world.e.seed_connector(connector(name_of(VICTIM), arn_of(VICTIM, NEIGHBOUR)))
    world.e.fault(operation="DataConnectors_CreateOrUpdate", account=VICTIM, **AZURE_DENIED)
    done = world.run("correct").done[VICTIM]
    assert done.status == "failed"
    assert [diff["before"].get("role_arn") for diff in done.report.diff] == [None, arn_of(VICTIM, NEIGHBOUR)]


def test_the_playbook_tells_all_of_it_the_worst_first(here: Emulators, play: Play) -> None:
    some = {account: HOSTS[account] for account in list(ATTACKS)[::3]}
    prepare(here, some)
    for account in some:
        ATTACKS[account].plant(here, account)
    told = play("onboard", some, "--diff", **WISH)
    assert told.code == 0, told.output
    assert set(told.changed) == set(some)
    blocks = dict(
        re.findall(r"^changed: \[(\d{12})\][^\n]*\n((?:    [a-z]+ \w+: [^\n]*\n)+)", told.output, re.MULTILINE)
    )
    for account in some:
        lines = [line.split(": ")[0].strip() for line in blocks[account].splitlines()]
        assert tuple(lines) == ATTACKS[account].found
        severities = [SEVERITIES.index(line.split()[0]) for line in lines]
        assert severities == sorted(severities)
