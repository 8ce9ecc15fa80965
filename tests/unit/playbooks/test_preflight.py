# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook `preflight`: every problem at once, by reading only."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import (
    InputError,
    Mistake,
    SentinelError,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import Finding
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.prerequisites import (
    CHECKS,
    Checked,
    Prerequisites,
    Problem,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import (
    prerequisites,
    prerequisites_result,
)
from tests.emulators import faults
from tests.emulators.client import Emulators
from tests.emulators.s3_connection import S3Connection

from .conftest import Play, parsed
from .test_onboard import some
from .test_s3 import ARCHIVE, BUCKET, archive, make_trail
from .test_workspaces import READ_ONLY

Hosts = dict[str, dict[str, Any]]
NOWHERE = {"sentinel_aws_profile": "nowhere"}
ACCOUNT = {
    "subscription_id": "11111111-1111-1111-1111-111111111111",
    "resource_group": "security",
    "workspace": "sentinel",
}
SECOND, THIRD, FOURTH = "111111111102", "111111111103", "111111111104"


def check(here: Emulators, hosts: Hosts, **variables: Any) -> dict[str, list[tuple[str, str]]]:
    """The problems of each account: check and class. Nothing may be written."""
    found = Prerequisites()
    here.forget()
    asyncio.run(prerequisites.check(parsed(here, hosts, **variables), found, 256, print))
    assert here.requests(write=True) == []
    by_account: dict[str, list[tuple[str, str]]] = {}
    for one in found:
        by_account.setdefault(one.account_id, []).append((one.check, one.error.kind))
    return by_account


def test_accounts_that_are_ready(cloud: Emulators, play: Play, twelve: Hosts) -> None:
    cloud.forget()
    run = play("preflight", some(twelve, 3))
    assert run.code == 0, run.output
    assert "3 accounts: 3 ready, 0 not ready" in run.output
    assert [label for label in CHECKS.values() if f"ok: {label}" not in run.output] == []
    assert cloud.requests(write=True) == []


def test_everything_is_reported_at_once(cloud: Emulators, play: Play, twelve: Hosts, tmp_path: Path) -> None:
    hosts = some(twelve, 4)
    hosts["host02"] |= NOWHERE
    hosts["host03"]["sentinel_resource_group"] = "securty"
    hosts["host04"]["sentinel_role_max_session_duration"] = "soon"
    cloud.fault(account=THIRD, **faults.TRUST_DENIED)
    cloud.forget()
    run = play("preflight", hosts, sentinel_report_dir=str(tmp_path / "reports"), sentinel_minimum_accounts=20)
    assert run.code == 2, run.output
    classes = ["bad_input", "profile_not_found", "workspace_not_found", "assume_denied"]
    assert [one for one in classes if f"] {one}: Cannot " not in run.output] == []
    assert "sentinel_minimum_accounts requires 20" in run.output
    assert "4 accounts: 1 ready, 3 not ready" in run.output
    assert cloud.requests(write=True) == []
    assert {host for host, numbers in run.recap.items() if numbers["failed"]} == {"host02", "host03", "host04"}
    [report] = (tmp_path / "reports").glob("*preflight*/report.json")
    written = json.loads(report.read_text())
    by_host = {one["host"]: one for one in written["accounts"]}
    numbers = {name: written["numbers"][name] for name in ("in_scope", "failed", "connected", "drifted")}
    assert numbers == {"in_scope": 4, "failed": 3, "connected": None, "drifted": None}
    assert {host: one["status"] for host, one in by_host.items()} == dict.fromkeys(by_host, "failed") | {"host01": "ok"}
    assert "Cannot assume role" in by_host["host03"]["error"]["message"]
    assert by_host["host03"]["error"]["class"] == "workspace_not_found"
    suite = ET.parse(report.with_name("report.junit.xml")).getroot()
    errors = {case.attrib["name"] for case in suite.iter("testcase") if case.find("error") is not None}
    assert errors == {f"{SECOND} host02", f"{THIRD} host03", f"{FOURTH} host04"}


def test_with_a_mistake_in_a_variable_of_the_run_everything_else_is_checked(
    cloud: Emulators, play: Play, twelve: Hosts
) -> None:
    hosts = some(twelve, 2)
    hosts["host02"] |= NOWHERE
    run = play("preflight", hosts, sentinel_concurency=5, sentinel_max_change_percent="all")
    assert run.code == 2, run.output
    for word in ("sentinel_concurency", "sentinel_max_change_percent", "profile_not_found", "2 not ready"):
        assert word in run.output


@pytest.mark.parametrize("variables", [NOWHERE, {"sentinel_workspace": "other"}])
def test_what_no_account_can_use_hides_nothing_else(here: Emulators, twelve: Hosts, variables: dict[str, Any]) -> None:
    here.change_workspace(onboarded=False, permissions=READ_ONLY)
    here.fault(account=SECOND, **faults.TRUST_DENIED)
    found = check(here, some(twelve, 2), **variables)
    ready = ("workspace", "workspace_not_found") if "sentinel_workspace" in variables else ("workspace", "bad_input")
    assert all(ready in problems for problems in found.values())
    if variables is NOWHERE:
        expected = [("workspace", "bad_input"), ("workspace", "azure_denied"), ("credentials", "profile_not_found")]
        assert list(found.values()) == [expected, expected]
    else:
        assert found[SECOND] == [ready, ("role", "assume_denied")]


def test_the_workspace_can_be_read_and_not_written(here: Emulators, twelve: Hosts) -> None:
    here.change_workspace(permissions=READ_ONLY)
    assert list(check(here, some(twelve, 1)).values()) == [[("workspace", "azure_denied")]]


def test_what_is_in_the_way_of_a_source(here: Emulators) -> None:
    make_trail(here)
    assert check(here, archive()) == {}
    other = S3Connection(account=ARCHIVE, bucket=BUCKET, prefix="AWSLogs/", suffix=".gz", queue_name="other")
    other.make_queue(here)
    other.make_notification(here)
    here.boto("iam", ARCHIVE).create_role(RoleName="OIDC_MicrosoftSentinelRole", AssumeRolePolicyDocument=OTHERS)
    in_the_way = check(here, archive())[ARCHIVE]
    assert sorted(in_the_way) == [("sources", "notification_conflict"), ("sources", "role_conflict")]


def test_the_chain_of_a_source_is_inspected(here: Emulators) -> None:
    make_trail(here)
    found = Prerequisites()
    here.forget()
    asyncio.run(prerequisites.check(parsed(here, archive()), found, 256, print))
    assert here.requests(write=True) == []
    [checked] = found.accounts
    assert [one.code for one in checked.findings] == ["delivery_trail_stopped"]
    here.boto("cloudtrail", ARCHIVE).start_logging(Name="organization")
    again = Prerequisites()
    asyncio.run(prerequisites.check(parsed(here, archive()), again, 256, print))
    assert again.accounts[0].findings == []


def test_an_inspection_that_cannot_be_made_is_a_problem(here: Emulators) -> None:
    make_trail(here)
    here.fault(account=ARCHIVE, skip=1, **faults.TRUST_DENIED)
    assert check(here, archive()) == {ARCHIVE: [("role", "assume_denied")]}


def test_a_bucket_that_does_not_exist(here: Emulators) -> None:
    assert [one for one, _kind in check(here, archive())[ARCHIVE]] == ["sources"]


def test_each_sentence_is_shown_once(here: Emulators, twelve: Hosts) -> None:
    found = Prerequisites()
    asyncio.run(prerequisites.check(parsed(here, twelve, **NOWHERE), found, 256, print))
    lines = list(prerequisites_result.lines(found, verbose=False))
    assert sum("could not be found" in line for line in lines) == 1
    assert lines[-1] == "12 accounts: 0 ready, 12 not ready"


def denied(number: int) -> Checked:
    account_id = f"{number:012}"
    account = parse({**ACCOUNT, "account_id": account_id, "account_name": f"Team {number}"}, "", host=f"app{number}")
    error = SentinelError("assume_denied", f"Cannot assume the role in account {account_id}: denied.")
    return Checked(account, [Problem("role", error, account_id, account.host)])


def test_a_run_without_accounts_counts_none() -> None:
    error = InputError([Mistake("Cannot use sentinel_concurrency 'x'", "", "it is no number")])
    found = Prerequisites(run=[Problem("inventory", error)])
    assert prerequisites_result.task_result(found, 0, verbose=False)["msg"] == str(error)


@pytest.mark.parametrize(("verbose", "hosts"), [(False, 1), (True, 60)])
def test_one_host_stands_for_many_accounts_that_are_not_ready(verbose: bool, hosts: int) -> None:
    found = Prerequisites(accounts=[denied(number) for number in range(60)])
    result = prerequisites_result.task_result(found, 100, verbose=verbose)
    assert (len(result["failures"]), len(result["failed_hosts"])) == (60, hosts)
    if not verbose:
        message = "60 of 60 accounts are not ready; this host stands for all of them."
        assert result["failed_hosts"] == [{"account_id": f"{0:012}", "host": "app0", "message": message}]


def test_of_many_findings_some_are_listed() -> None:
    found = Prerequisites(accounts=[denied(number) for number in range(60)])
    for one in found.accounts:
        one.problems, one.findings = [], [Finding("high", "delivery_trail_stopped", "The trail does not log.")]
    lines = list(prerequisites_result.lines(found, verbose=False))
    assert len(lines) < 40
    assert "and 40 more, listed with -v" in lines
    assert lines[-1] == "60 accounts: 60 ready, 0 not ready, 60 with findings"
    assert len(list(prerequisites_result.lines(found, verbose=True))) > 60


def test_the_report_has_the_names_of_accounts_the_workspaces_and_the_limit(here: Emulators, twelve: Hosts) -> None:
    found = Prerequisites(accounts=[denied(1)])
    asyncio.run(prerequisites.check(parsed(here, some(twelve, 1)), found, 256, print))
    header = prerequisites_result.report_header(found, datetime.now(UTC), "prod*")
    assert (header["limit"], header["check_mode"], header["notes"]) == ("prod*", False, found.notes)
    assert [one["solution"]["installed"] for one in header["workspace_details"]] == [True]
    assert [one.get("account_name") for one in prerequisites_result.report_rows(found)] == ["Team 1", None]


OTHERS = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}}
        ],
    }
)
