# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook `verify`, as a user runs it, and its engine in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.demands import Expected
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.ingestion import (
    IngestionStatus,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.verify import ingestion, results
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.verify.workspace_queries import (
    WorkspaceQueries,
)
from tests.emulators import events, faults
from tests.emulators.client import Emulators
from tests.unit.modules.test_ingestion_info import arrived, connect, unhealthy

from .conftest import Play, parsed
from .test_onboard import some

Hosts = dict[str, dict[str, Any]]
ONE, TWO, THREE, FOUR = (f"11111111110{number}" for number in range(1, 5))


def expect(here: Emulators, hosts: Hosts, **expected: Any) -> list[ingestion.AccountIngestion]:
    return [ingestion.AccountIngestion(account, Expected(**expected)) for account in parsed(here, hosts)]


def verify(
    accounts: list[ingestion.AccountIngestion],
    meanwhile: Callable[[float], None] = lambda _seconds: None,
    workspaces: list[WorkspaceQueries] | None = None,
    **options: Any,
) -> list[str]:
    """Run the engine of the playbook in this process; returns the lines of progress, and adds to `workspaces`.

    Nothing sleeps: each pause moves the clock of the engine and calls `meanwhile`.
    """
    lines: list[str] = []
    paused: list[float] = []

    async def sleep(seconds: float) -> None:
        paused.append(seconds)
        meanwhile(seconds)

    clock = ingestion.Clock(lambda: sum(paused), sleep)
    verify_options = ingestion.VerifyOptions(7 * 86400, **options)
    found = asyncio.run(ingestion.verify(accounts, verify_options, lines.append, clock=clock))
    if workspaces is not None:
        workspaces += found.values()
    return lines


def canary_arrives(here: Emulators, account: str) -> None:
    here.put_rows("AWSCloudTrail", [events.cloudtrail(account, session_name=here.sessions(account)[-1])])


def statuses(accounts: list[ingestion.AccountIngestion]) -> dict[str, str]:
    return {item.account.account_id: item.ingestion_status.name for item in accounts}


def test_the_playbook_reports_a_status_for_every_account(
    cloud: Emulators, play: Play, twelve: Hosts, tmp_path: Path
) -> None:
    hosts = some(twelve, 5)
    hosts["host03"]["sentinel_allow_silent"] = True
    hosts["host05"]["sentinel_verify_stale_after"] = "2d"
    connect(cloud, ONE, TWO, THREE, "111111111105")
    arrived(cloud, {ONE: 0.1, "111111111105": 30})
    unhealthy(cloud, TWO, "AccessDenied")
    run = play("verify", hosts, sentinel_verify_wait=3, sentinel_report_dir=str(tmp_path / "reports"))
    assert run.code == 2, run.output
    assert "unhealthy: [111111111102 host02] Microsoft Sentinel cannot fetch events (AccessDenied" in run.output
    assert "not_connected: [111111111104 host04] No data connector for the account." in run.output
    assert "5 accounts: 2 receiving, 1 silent, 1 unhealthy, 1 not_connected" in run.output
    assert "4 of 5 accounts done, missing 111111111102 host02; next query in" in run.output
    assert {host for host, numbers in run.recap.items() if numbers["failed"]} == {"host02", "host04"}
    [report] = (tmp_path / "reports").glob("*verify*/report.json")
    content = json.loads(report.read_text())
    listed = {one["account_id"]: one["ingestion"]["ingestion_status"] for one in content["accounts"]}
    assert (listed[ONE], listed[TWO], listed[THREE]) == ("receiving", "unhealthy", "silent")
    health = {one["account_id"]: one["ingestion"].get("health", {}) for one in content["accounts"]}
    assert (health[TWO]["failed"], health[TWO]["reason"]) == (True, "AccessDenied")
    assert content["numbers"]["attention"] == content["numbers"]["unhealthy"] + 1
    assert (tmp_path / "reports/latest/report.json").read_text() == report.read_text()


def test_the_playbook_exits_with_0_with_fail_on_never(cloud: Emulators, play: Play, twelve: Hosts) -> None:
    connect(cloud, ONE, TWO)
    arrived(cloud, {ONE: 0.1})
    run = play("verify", some(twelve, 2), sentinel_verify_wait=0, sentinel_fail_on="never")
    assert run.code == 0, run.output
    assert "silent: [111111111102 host02] No event arrived in the last 7 d." in run.output


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"sentinel_verify_wait": "soon"}, "sentinel_verify_wait 'soon'"),
        ({"sentinel_allow_silent": "perhaps"}, "sentinel_allow_silent"),
        ({"sentinel_report_dir": "/dev/null/reports"}, "/dev/null/reports (report_dir)"),
        (
            {"sentinel_verify_role_last_used": True, "sentinel_aws_profile": "nowhere"},
            "The config profile (nowhere) could not be found",
        ),
    ],
)
def test_bad_input_ends_the_playbook_before_the_first_request(
    cloud: Emulators, play: Play, twelve: Hosts, variables: dict[str, Any], message: str
) -> None:
    cloud.forget()
    run = play("verify", some(twelve, 1), **variables)
    assert run.code == 2
    assert cloud.requests() == []
    assert message in run.output


def test_queries_are_repeated_until_the_last_account_has_events(here: Emulators, twelve: Hosts) -> None:
    connect(here, ONE, TWO, THREE)
    arrived(here, {ONE: 0.1, TWO: 0.1})
    accounts = expect(here, some(twelve, 3))
    here.forget()
    pauses: list[float] = []

    def meanwhile(seconds: float) -> None:
        pauses.append(seconds)
        here.move_clock(seconds=seconds)
        if len(pauses) == 3:
            here.put_rows("AWSCloudTrail", [{"RecipientAccountId": THREE}])

    lines = verify(accounts, meanwhile, wait=1800)
    assert pauses == [300, 120, 120]
    assert statuses(accounts) == {ONE: "receiving", TWO: "receiving", THREE: "receiving"}
    assert lines == [
        f"2 of 3 accounts done, missing 111111111103 host03; next query in {pause} min, {left} min left"
        for pause, left in ((5, 30), (2, 25), (2, 23))
    ]
    # One before each line, the last one, and one of SentinelHealth.
    assert here.operations().count("Query") == len(lines) + 2
    assert [round(item.shown["age_seconds"] or 0, -1) for item in accounts] == [900, 900, 0]


def test_accounts_that_may_be_silent_or_are_not_connected_are_not_waited_for(here: Emulators, twelve: Hosts) -> None:
    connect(here, ONE)
    accounts = expect(here, some(twelve, 2), allow_silent=True)
    assert verify(accounts, wait=600) == []
    assert statuses(accounts) == {ONE: "silent", TWO: "not_connected"}
    assert [item.ingestion_status.as_expected for item in accounts] == [True, False]


def test_other_events_do_not_replace_the_canary_event(here: Emulators, twelve: Hosts) -> None:
    connect(here, ONE, TWO)
    arrived(here, {ONE: 0.1, TWO: 0.1})
    here.forget()
    accounts = expect(here, some(twelve, 2), allow_silent=True)
    lines = verify(accounts, lambda _seconds: canary_arrives(here, ONE), wait=600, canary=True)
    assert [item.shown["canary"] for item in accounts] == [True, False]
    assert here.operations("sts").count("AssumeRole") == 2
    assert lines[0].startswith("0 of 2 accounts done, missing 111111111101 host01, 111111111102 host02; next query in")
    assert lines[1].startswith("1 of 2 accounts done, missing 111111111102 host02; next query in")
    assert [item.ingestion_status.as_expected for item in accounts] == [True, False]
    assert results.status_lines(accounts) == [
        "receiving, not as expected: [111111111102 host02] The canary event did not arrive."
    ]
    assert results.summary_line(accounts) == "2 accounts: 2 receiving, 1 not as expected"


def test_a_silent_account_without_its_canary_event_is_not_as_expected(here: Emulators, twelve: Hosts) -> None:
    connect(here, ONE, TWO, THREE)
    here.fault(account=THREE, **faults.TRUST_DENIED)
    accounts = expect(here, some(twelve, 3), allow_silent=True)
    verify(accounts, lambda _seconds: canary_arrives(here, ONE), wait=60, canary=True)
    assert [item.ingestion_status.as_expected for item in accounts] == [True, False, False]
    assert [one["host"] for one in results.unexpected(accounts, "drift")] == ["host02", "host03"]
    assert accounts[1].ingestion_status.message.endswith("The canary event did not arrive.")
    assert accounts[2].ingestion_status.message.endswith("The canary event could not be created.")


def test_events_are_evaluated_without_access_to_health(here: Emulators, twelve: Hosts) -> None:
    connect(here, ONE)
    arrived(here, {ONE: 0.1})
    here.fault(operation="Query", skip=1, status=403, code="InsufficientAccessError", message="No access.")
    accounts = expect(here, some(twelve, 1))
    workspaces = asyncio.run(ingestion.verify(accounts, ingestion.VerifyOptions(3600), print))
    assert statuses(accounts) == {ONE: "receiving"}
    [note] = results.workspace_notes(workspaces)
    assert note.startswith("Cannot query table SentinelHealth of workspace sentinel: No access")


def test_only_the_first_accounts_are_listed_unless_verbose(here: Emulators, twelve: Hosts) -> None:
    connect(here, ONE)
    arrived(here, {ONE: 0.1})
    more = {f"more{number:02}": {"aws_account_id": f"2222222222{number:02}"} for number in range(30)}
    accounts = expect(here, {**some(twelve, 1), **more})
    verify(accounts, wait=0)
    listed = results.status_lines(accounts)
    assert (len(listed), listed[-1]) == (21, "and 10 more, listed with -v")
    assert len(results.status_lines(accounts, verbose=True)) == 31
    assert f"receiving: [{ONE} host01]" in results.status_lines(accounts, verbose=True)


def test_the_worst_accounts_are_listed_before_the_list_is_cut(here: Emulators, twelve: Hosts) -> None:
    hosts = {f"more{number:02}": {"aws_account_id": f"2222222222{number:02}"} for number in range(31)}
    accounts = expect(here, hosts)
    for item in accounts:
        item.ingestion_status = IngestionStatus("stale", message="Old.")
    accounts[-1].ingestion_status = IngestionStatus("unhealthy", message="Bad.")
    listed = results.status_lines(accounts)
    assert listed[0] == "unhealthy: [222222222230 more30] Bad."
    assert listed[-1] == "and 11 more, listed with -v"
    result = results.task_result(accounts, [], "drift", 0, verbose=False)
    assert result["failed_hosts"][0]["host"] == "more30"
    assert "Account 222222222230 is unhealthy: Bad." in result["msg"]


def test_the_report_has_the_names_of_the_accounts(here: Emulators, twelve: Hosts) -> None:
    hosts = {"pay": {"aws_account_id": ONE, "aws_account_name": "Payments"}, "other": {"aws_account_id": TWO}}
    named, other = map(results.report_row, expect(here, hosts))
    assert named["account_name"] == "Payments"
    assert "account_name" not in other


def test_a_partial_answer_without_the_canary_event_proves_nothing(here: Emulators, twelve: Hosts) -> None:
    connect(here, ONE, TWO)
    arrived(here, {ONE: 0.1, TWO: 0.1})
    here.settings(max_rows=1)
    accounts = expect(here, some(twelve, 2))
    verify(accounts, wait=0, canary=True)
    assert statuses(accounts) == {ONE: "unknown", TWO: "unknown"}
    assert ["canary" in item.shown for item in accounts] == [False, False]


def test_an_account_of_two_hosts_counts_once(cloud: Emulators, play: Play, twelve: Hosts, tmp_path: Path) -> None:
    connect(cloud, ONE)
    arrived(cloud, {ONE: 0.1})
    same = {name: {"aws_account_id": TWO} for name in ("same1", "same2")}
    more = {"sentinel_verify_wait": 0, "sentinel_report_dir": str(tmp_path / "reports")}
    run = play("verify", {**some(twelve, 1), **same}, **more)
    assert run.code == 2
    assert "2 accounts: 1 receiving, 1 unknown, 1 not as expected" in run.output
    report = json.loads((tmp_path / "reports/latest/report.json").read_text())
    assert (report["summary"]["accounts"], report["numbers"]["attention"]) == (2, 1)
    assert [one["host"] for one in report["accounts"]] == ["host01", "same1"]


def test_a_role_that_cannot_be_assumed_stops_no_other_account(here: Emulators, twelve: Hosts) -> None:
    connect(here, ONE, TWO)
    arrived(here, {ONE: 0.1, TWO: 0.1})
    here.fault(operation="AssumeRole", account=TWO, status=403, code="AccessDenied", message="Not allowed.")
    accounts = expect(here, some(twelve, 2))
    verify(accounts, wait=0, canary=True)
    assert statuses(accounts) == {ONE: "receiving", TWO: "receiving"}
    assert [item.ingestion_status.as_expected for item in accounts] == [False, False]
    denied = "The canary event could not be created. Cannot assume role"
    [line] = [line for line in results.status_lines(accounts) if TWO in line]
    assert line.startswith(f"receiving, not as expected: [111111111102 host02] {denied}")
    assert results.report_row(accounts[1])["ingestion"]["message"].startswith(denied)
    assert denied in results.unexpected(accounts, "drift")[1]["message"]


def test_a_transient_error_does_not_end_the_wait(
    here: Emulators, twelve: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(here, ONE)
    arrived(here, {ONE: 0.1})
    monkeypatch.setattr(
        "ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.arm.ARM_RETRY_SECONDS", 0.0
    )
    here.fault(operation="Query", times=1, status=503, code="Busy", message="Busy.")
    accounts = expect(here, some(twelve, 1))
    lines = verify(accounts, wait=6)
    assert lines[0].startswith("Cannot query table AWSCloudTrail of workspace sentinel: Busy")
    assert statuses(accounts) == {ONE: "receiving"}


def test_a_denied_query_fails_at_once(here: Emulators, twelve: Hosts) -> None:
    here.fault(operation="Query", status=403, code="InsufficientAccessError", message="No access.")
    with pytest.raises(SentinelError, match="No access") as caught:
        verify(expect(here, some(twelve, 1)), wait=600)
    assert caught.value.kind == "azure_denied"
