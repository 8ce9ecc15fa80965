# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each widening of trust and permissions is found, reported and removed, and nothing else is changed."""

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
from tests.faults.world import OTHER_ACCOUNT, OTHER_ROLE, ROLE, VICTIM, World, connector, name_of
from tests.unit.playbooks.conftest import Play

from .plants import ANYONE, ANYTHING, ATTACKS, BOUNDARY, arn_of, at, standing
from .s3_plants import ATTACKS as S3_ATTACKS

BYSTANDER = "888888888888"
HOSTS = {account: {"aws_account_id": account} for account in (*ATTACKS, BYSTANDER)}
ROLE_VARIABLES = {"sentinel_role_permissions_boundary": BOUNDARY, "sentinel_role_max_session_duration": 3600}


class Seen(NamedTuple):
    """All roles by account, and all connectors."""

    roles: dict[str, list[Any]]
    connectors: list[Any]

    def of(self, account: str) -> tuple[Any, Any]:
        """Return the roles and the connectors of one account."""
        return self.roles[account], sorted(map(str, filter(lambda raw: account_of(raw) == account, self.connectors)))


class Campaign(NamedTuple):
    """All attacks in one run: the state before, the results of preview and run, the state after."""

    before: Seen
    preview: engine.RunResult
    preview_writes: list[Any]
    done: engine.RunResult
    writes: list[Any]
    after: Seen
    again: engine.RunResult


def seen(cloud: Emulators) -> Seen:
    stripped = [{name: value for name, value in raw.items() if name != "etag"} for raw in cloud.connectors()]
    return Seen(standing(cloud, HOSTS), sorted(stripped, key=lambda raw: str(raw["name"])))


def run(hosts: engine.Hosts = HOSTS, *, check_mode: bool = False) -> engine.RunResult:
    ended = engine.run(engine.accounts_of(hosts, **ROLE_VARIABLES), fleet.RunOptions(check_mode=check_mode))
    assert (ended.error, ended.failed) == (None, {})
    return ended


def prepare(cloud: Emulators, hosts: engine.Hosts = HOSTS) -> None:
    """Connect all accounts, which have other roles and connectors that must not change."""
    cloud.reset()
    for account in hosts:
        at(cloud, account).create_role(RoleName=OTHER_ROLE, AssumeRolePolicyDocument=json.dumps(ANYONE))
    cloud.seed_connector(connector("unrelated", arn_of("555555555555")))
    run(hosts)


@pytest.fixture(scope="module")
def campaign(clouds: Emulators) -> Iterator[Campaign]:
    kept = {name: value for name, value in os.environ.items() if name not in INTERFERING}
    with mock.patch.dict(os.environ, {**kept, **clouds.environment}, clear=True), engine.short_pauses():
        prepare(clouds)
        before = seen(clouds)
        for account, attack in ATTACKS.items():
            attack.plant(clouds, account)
        clouds.forget()
        preview = run(check_mode=True)
        preview_writes = clouds.requests(write=True)
        done = run()
        writes = clouds.requests(write=True)
        yield Campaign(before, preview, preview_writes, done, writes, seen(clouds), run())


def test_each_attack_is_found_with_its_severity(campaign: Campaign) -> None:
    for account, attack in ATTACKS.items():
        for ended in (campaign.preview, campaign.done):
            found = ended.results[account].report.findings
            assert tuple(f"{one.severity} {one.code}" for one in found) == attack.found, attack.name


def test_each_attack_is_reported_before_its_repair(campaign: Campaign) -> None:
    for account, attack in ATTACKS.items():
        report = campaign.done.results[account].report
        [diff] = report.diff
        reported = " ".join([str(diff["before"]), *(one.message for one in report.findings)])
        assert attack.shown in reported, attack.name
        assert campaign.preview.results[account].report.diff == [diff]


def test_each_attack_is_repaired_by_the_run(campaign: Campaign) -> None:
    for account, attack in ATTACKS.items():
        assert campaign.done.results[account].status == "changed", attack.name
        assert campaign.after.of(account) == campaign.before.of(account), attack.name


def test_a_preview_writes_nothing(campaign: Campaign) -> None:
    assert campaign.preview_writes == []


def test_nothing_else_is_changed(campaign: Campaign) -> None:
    assert campaign.after == campaign.before
    assert campaign.preview.results[BYSTANDER].status == campaign.done.results[BYSTANDER].status == "ok"
    assert {request["account"] for request in campaign.writes if request["service"] == "iam"} <= set(ATTACKS)
    planned = {account: results.report.calls for account, results in campaign.preview.results.items()}
    assert planned == {account: results.report.calls for account, results in campaign.done.results.items()}
    assert campaign.again.calls == {}


def test_every_security_finding_has_an_attack() -> None:
    attacks = (*ATTACKS.values(), *S3_ATTACKS.values())
    planted = {code.split()[1] for attack in attacks for code in attack.found}
    # Policies that AWS would not store, the cases of test_tags.py and test_s3_topic.py, and what is not repaired:
    # test_s3_queue_policy.py.
    elsewhere = {"trust_unreadable", "queue_policy_unreadable", "role_refused"}
    elsewhere |= {"queue_policy_deny", "queue_policy_reader", "queue_policy_topic"}
    assert {code for code, kind in CODES.items() if kind.security} - planted == elsewhere


def test_a_partial_repair_reports_what_it_removed(world: World) -> None:
    world.prepare("repair")
    document = {"Version": "2012-10-17", "Statement": [{**ANYTHING, "Action": "kms:Decrypt"}]}
    world.make(VICTIM, "PutRolePolicy", RoleName=ROLE, PolicyName="another", PolicyDocument=document)
    world.e.fault(operation="DeleteRolePolicy", account=VICTIM, skip=1, **IDENTITY_DENIED)
    results = world.run("repair").results[VICTIM]
    assert results.status == "failed"
    assert [call.args["PolicyName"] for call in results.report.calls if call.name == "DeleteRolePolicy"] == ["another"]
    [diff] = results.report.diff
    assert "kms:Decrypt" in str(diff["before"])
    assert f"{OTHER_ACCOUNT}" in str(diff["before"])
    assert "kms:Decrypt" not in str(diff["after"])


def test_a_failed_repair_of_a_connector_is_reported(world: World) -> None:
    world.prepare("repair")
    world.e.seed_connector(connector(name_of(VICTIM), arn_of(VICTIM, OTHER_ROLE)))
    world.e.fault(operation="DataConnectors_CreateOrUpdate", account=VICTIM, **AZURE_DENIED)
    results = world.run("repair").results[VICTIM]
    assert results.status == "failed"
    assert [diff["before"].get("role_arn") for diff in results.report.diff] == [None, arn_of(VICTIM, OTHER_ROLE)]


def test_the_playbook_reports_every_finding_by_severity(here: Emulators, play: Play) -> None:
    some = {account: HOSTS[account] for account in list(ATTACKS)[::3]}
    prepare(here, some)
    for account in some:
        ATTACKS[account].plant(here, account)
    reported = play("onboard", some, "--diff", **ROLE_VARIABLES)
    assert reported.code == 0, reported.output
    assert set(reported.changed) == set(some)
    blocks = dict(
        re.findall(r"^changed: \[(\d{12})\][^\n]*\n((?:    [a-z]+ \w+: [^\n]*\n)+)", reported.output, re.MULTILINE)
    )
    for account in some:
        lines = [line.split(": ")[0].strip() for line in blocks[account].splitlines()]
        assert tuple(lines) == ATTACKS[account].found
        severities = [SEVERITIES.index(line.split()[0]) for line in lines]
        assert severities == sorted(severities)
