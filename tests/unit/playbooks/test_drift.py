# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook `drift`, as a user runs it."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from tests.emulators import faults
from tests.emulators.client import Emulators

from .conftest import Engine, Play
from .test_onboard import ROLE, some, writes

Hosts = dict[str, dict[str, Any]]


@pytest.fixture
def three(cloud: Emulators, engine: Engine, twelve: Hosts) -> Hosts:
    hosts = some(twelve, 3)
    engine(hosts)
    cloud.forget()
    return hosts


def widen(cloud: Emulators) -> None:
    policy = "arn:aws:iam::aws:policy/AdministratorAccess"
    cloud.boto("iam", "111111111102").attach_role_policy(RoleName=ROLE, PolicyArn=policy)


def retag(cloud: Emulators) -> None:
    cloud.boto("iam", "111111111103").untag_role(RoleName=ROLE, TagKeys=["trailbridge.sentinel.workspace"])


def test_without_drift_the_exit_code_is_0(cloud: Emulators, play: Play, three: Hosts) -> None:
    run = play("drift", three)
    assert run.code == 0, run.output
    assert run.changed == {}


def test_drift_is_reported_and_not_changed(cloud: Emulators, play: Play, three: Hosts) -> None:
    widen(cloud)
    cloud.forget()
    run = play("drift", three)
    assert run.code == 2, run.output
    assert run.changed == {"111111111102": "DetachRolePolicy"}
    assert re.search("high permission_policy_extra: .*AdministratorAccess", run.output)
    assert {host for host, numbers in run.recap.items() if numbers["failed"]} == {"host02"}
    assert writes(cloud) == []


def test_fail_on_security_ignores_other_findings(cloud: Emulators, play: Play, three: Hosts) -> None:
    widen(cloud)
    retag(cloud)
    run = play("drift", three, sentinel_fail_on="security")
    assert run.code == 2, run.output
    assert {host for host, numbers in run.recap.items() if numbers["failed"]} == {"host02"}
    assert set(run.changed) == {"111111111102", "111111111103"}


def test_an_unreadable_account_fails_the_run_with_every_fail_on(cloud: Emulators, play: Play, three: Hosts) -> None:
    cloud.fault(operation="GetRole", account="111111111101", **faults.IDENTITY_DENIED)
    widen(cloud)
    cloud.forget()
    run = play("drift", three, sentinel_fail_on="never")
    assert run.code == 2
    assert run.failed["111111111101"].startswith("aws_denied: Cannot read role")
    assert {host for host, numbers in run.recap.items() if numbers["failed"]} == {"host01"}
    assert set(run.changed) == {"111111111102"}
    assert writes(cloud) == []


def test_a_finding_accepted_for_a_group_fails_nothing_and_a_wrong_entry_is_reported(
    cloud: Emulators, play: Play, three: Hosts
) -> None:
    widen(cloud)
    entry = {"code": "permission_policy_extra", "reason": "Ticket 1", "until": date(2099, 1, 31)}
    hosts = {**three, "host02": {**three["host02"], "sentinel_accepted_findings": [entry]}}
    run = play("drift", hosts, sentinel_fail_on="security")
    assert run.code == 0, run.output
    assert "Accepted: Ticket 1" in run.output
    hosts["host02"]["sentinel_accepted_findings"] = [{**entry, "code": "trust_anyone"}]
    run = play("drift", hosts)
    assert run.code == 2
    output = " ".join(run.output.split())
    assert "sentinel_accepted_findings" in output
    assert "of host host02" in output
    assert "Traceback" not in output
