# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook `verify` by source and table, from raw rows and executed KQL, its engine in this process."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion import queries
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.demands import expected_of
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.report import merge
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.verify import (
    ingestion,
    results,
    workspace_queries,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.verify.workspace_queries import Workspaces
from tests.emulators import events, trail
from tests.emulators.client import Emulators
from tests.emulators.s3_connection import S3Connection
from tests.emulators.workspace_content import diagnostic_setting
from tests.unit.modules.test_ingestion_info import arrived, connect
from tests.unit.modules.test_workspace_info import READER, workspace_id

from .conftest import parsed
from .test_verify import statuses, verify

TRAIL = S3Connection(account="111111111101")
FLOWS = replace(TRAIL, queue_name="sentinel-flows", table="AWSVPCFlow")
DUTY = replace(TRAIL, queue_name="sentinel-duty", table="AWSGuardDuty")
ARCHIVE, MEMBER, QUIET, OWN = (f"11111111110{number}" for number in range(1, 5))
SOURCE = {"type": "s3", "bucket": TRAIL.bucket}
EVERYTHING = [
    SOURCE,
    {**SOURCE, "table": "AWSVPCFlow", "prefix": "flows/"},
    {**SOURCE, "table": "AWSGuardDuty", "prefix": "duty/"},
]


def add(cloud: Emulators, *connections: S3Connection) -> None:
    for one in connections:
        cloud.seed_connector({**one.connector(), "name": one.table})


def watched(here: Emulators, **sources: list[Any]) -> list[ingestion.AccountIngestion]:
    """The accounts with their sources, by the last three digits of their ids."""
    hosts = {
        number: {"aws_account_id": f"111111111{number.removeprefix('a')}", "sentinel_sources": listed}
        for number, listed in sources.items()
    }
    return [
        ingestion.AccountIngestion(account, expected_of(account.sources, allow_silent=False, stale_after=6 * 3600))
        for account in parsed(here, hosts)
    ]


def verified(accounts: list[ingestion.AccountIngestion]) -> Workspaces:
    return asyncio.run(ingestion.verify(accounts, ingestion.VerifyOptions(7 * 86400), lambda _line: None))


def by_table(item: ingestion.AccountIngestion) -> dict[str, tuple[str, int, list[str]]]:
    return {
        table: (one["ingestion_status"], one["events"], one["regions"]) for table, one in item.shown["tables"].items()
    }


def test_one_query_has_accounts_tables_and_regions(here: Emulators) -> None:
    add(here, TRAIL, FLOWS, DUTY)
    connect(here, OWN)
    arrived(here, {ARCHIVE: 0.1, OWN: 0.1, MEMBER: 0.1})
    flows = [events.vpc_flow(MEMBER, Region="eu-west-1"), events.vpc_flow("unknown"), events.vpc_flow(OWN, 12)]
    here.put_rows("AWSVPCFlow", flows)
    here.put_rows("AWSGuardDuty", [events.guard_duty(MEMBER, 24 * 6, Region="ap-south-1")])
    accounts = watched(here, a101=EVERYTHING, a102=[], a103=[], a104=["cloudtrail"])
    here.forget()
    verify(accounts, wait=0)
    assert here.operations().count("Query") == 2  # the second one queries SentinelHealth
    assert statuses(accounts) == {ARCHIVE: "receiving", MEMBER: "receiving", QUIET: "silent", OWN: "receiving"}
    both = ["eu-west-1", "us-east-1"]
    assert [by_table(item) for item in accounts] == [
        {
            "AWSCloudTrail": ("receiving", 2, both),
            "AWSVPCFlow": ("receiving", 3, both),
            "AWSGuardDuty": ("stale", 1, ["ap-south-1"]),
        },
        {
            "AWSCloudTrail": ("receiving", 2, both),
            "AWSVPCFlow": ("receiving", 1, ["eu-west-1"]),
            "AWSGuardDuty": ("stale", 1, ["ap-south-1"]),
        },
        {"AWSCloudTrail": ("silent", 0, [])},
        {"AWSCloudTrail": ("receiving", 2, both), "AWSVPCFlow": ("stale", 1, ["us-east-1"])},
    ]
    assert [item.ingestion_status.as_expected for item in accounts] == [True, True, False, True]


def test_flow_logs_are_waited_for_and_guard_duty_is_not(here: Emulators) -> None:
    add(here, TRAIL, FLOWS, DUTY)
    arrived(here, {ARCHIVE: 0.1})
    accounts = watched(here, a101=EVERYTHING)
    lines = verify(accounts, lambda _seconds: here.put_rows("AWSVPCFlow", [events.vpc_flow(MEMBER)]), wait=600)
    assert len(lines) == 1
    assert {table: status for table, (status, _events, _regions) in by_table(accounts[0]).items()} == {
        "AWSCloudTrail": "receiving",
        "AWSVPCFlow": "receiving",
        "AWSGuardDuty": "silent",
    }
    assert accounts[0].ingestion_status.as_expected


def test_a_backlog_of_old_flows_is_fresh_and_flows_of_the_future_are_not(here: Emulators) -> None:
    """`TimeGenerated` of a flow may be its start; what counts is when it was ingested."""
    add(here, FLOWS)
    here.put_rows("AWSVPCFlow", [{**events.vpc_flow(MEMBER, 100), "ingestion_time()": events.ago(0.1)}])
    accounts = watched(here, a101=[EVERYTHING[1]])
    verify(accounts, wait=0)
    assert statuses(accounts) == {ARCHIVE: "receiving"}
    here.reset()
    add(here, FLOWS)
    here.put_rows("AWSVPCFlow", [{**events.vpc_flow(MEMBER, -72), "ingestion_time()": events.ago(50)}])
    verify(accounts, wait=0)
    assert statuses(accounts) == {ARCHIVE: "stale"}


@pytest.mark.parametrize("table", ["AWSVPCFlow", "AWSGuardDuty"])
def test_health_is_that_of_the_connector_of_the_table(here: Emulators, table: str) -> None:
    add(here, TRAIL, FLOWS, DUTY)
    arrived(here, {ARCHIVE: 0.1})
    here.put_rows("AWSVPCFlow", [events.vpc_flow(ARCHIVE)])
    kind = {"SentinelResourceKind": "AmazonWebServicesS3"}
    reason = events.failure_summary(table, events.failure("S3B40012", "The queue is gone."), 1, **kind)
    here.put_rows("SentinelHealth", [events.status_change(table, "Failure", 1, **kind), reason])
    accounts = watched(here, a101=EVERYTHING)
    verify(accounts, wait=0)
    assert statuses(accounts) == {ARCHIVE: "unhealthy"}
    assert accounts[0].shown["health"]["reason"] == "S3B40012"
    assert accounts[0].shown["connector_id"].endswith(f"/{table}")
    found = {name: status for name, (status, _events, _regions) in by_table(accounts[0]).items()}
    assert [name for name, status in found.items() if status == "unhealthy"] == [table]


def test_a_canary_event_arrives_through_an_s3_connection(here: Emulators) -> None:
    """From AssumeRole in the member to a file of the trail, the queue, the connector's read, and the query."""
    TRAIL.make(here, connector=True)
    here.settings(reading="on_query")
    accounts = watched(here, a101=[SOURCE], a102=[], a103=[])

    def meanwhile(_seconds: float) -> None:
        for account in (ARCHIVE, MEMBER):
            name = here.sessions(account)[-1]
            event = trail.event(account, "AssumeRole", requestParameters={"roleSessionName": name})
            trail.deliver(here, TRAIL.bucket, ARCHIVE, account, events=[event])

    lines = verify(accounts, meanwhile, wait=600, canary=True)
    assert lines[0].startswith("0 of 3 accounts done")
    assert [item.shown["canary"] for item in accounts] == [True, True, False]
    assert [item.ingestion_status.as_expected for item in accounts] == [True, True, False]
    assert statuses(accounts) == {ARCHIVE: "receiving", MEMBER: "receiving", QUIET: "silent"}


def test_a_column_that_does_not_exist_is_no_missing_table(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have the code SEM0100."""
    add(here, FLOWS)
    here.put_rows("AWSVPCFlow", [events.vpc_flow(MEMBER)])
    columns = {**queries.TABLES, "AWSVPCFlow": queries.TABLES["AWSVPCFlow"]._replace(account="Account_")}
    monkeypatch.setattr(queries, "TABLES", columns)
    with pytest.raises(SentinelError, match="Account_") as caught:
        verify(watched(here, a101=[EVERYTHING[1]]), wait=0)
    assert caught.value.kind == "bad_input"


def test_a_health_table_without_a_column_is_an_unknown_health(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(here, OWN)
    arrived(here, {OWN: 0.1})
    here.put_rows("SentinelHealth", [events.status_change("x", "Success")])
    monkeypatch.setattr(workspace_queries, "health_query", lambda _lookback: "SentinelHealth | where Missing == 1")
    accounts = watched(here, a104=["cloudtrail"])
    workspaces: list[Any] = []
    verify(accounts, wait=0, workspaces=workspaces)
    assert statuses(accounts) == {OWN: "receiving"}
    assert "Missing" in workspaces[0].health_error


def test_ten_thousand_accounts_take_one_query(here: Emulators) -> None:
    numbers = [f"{number:012}" for number in range(222200000000, 222200010000)]
    add(here, TRAIL)
    here.put_rows("AWSCloudTrail", [{"RecipientAccountId": number} for number in numbers[:9_990]])
    accounts = watched(here, a101=[])
    [account] = [item.account for item in accounts]
    everyone = [
        ingestion.AccountIngestion(replace(account, account_id=number, host=number), accounts[0].expected)
        for number in numbers
    ]
    here.forget()
    verify(everyone, wait=0)
    assert here.operations().count("Query") == 2
    assert sum(item.ingestion_status.name == "receiving" for item in everyone) == 9_990
    assert sum(item.ingestion_status.name == "silent" for item in everyone) == 10


def details(found: Workspaces) -> Any:
    [one] = results.workspace_rows(found)
    return one["solution"]["installed"], one["solution"]["version"], one["health_monitoring"]["enabled"]


def test_a_solution_that_is_not_installed_is_noted(here: Emulators) -> None:
    connect(here, OWN)
    arrived(here, {OWN: 0.1})
    here.put_rows("SentinelHealth", [events.status_change(f"c-{OWN}", "Success")])
    found = verified(watched(here, a104=["cloudtrail"]))
    # The diagnostic settings may not be read: what was reported is proof.
    assert details(found) == (True, "3.0.7", True)
    assert results.workspace_notes(found) == []
    here.change_workspace(content_packages=[])
    found = verified(watched(here, a104=["cloudtrail"]))
    assert details(found) == (False, "", True)
    [note] = results.workspace_notes(found)
    assert note.startswith('Workspace sentinel: The solution "Amazon Web Services" is not installed')


@pytest.mark.parametrize(
    ("settings", "has_table", "enabled", "words"),
    [
        (True, False, True, "health monitoring is on, and Microsoft Sentinel has reported nothing yet"),
        (True, True, True, ""),
        (False, True, False, "Health monitoring is off"),
        (False, False, False, "Health monitoring is off"),
    ],
)
def test_health_monitoring_is_on_or_off(
    here: Emulators, settings: bool, has_table: bool, enabled: bool, words: str
) -> None:
    connect(here, OWN)
    arrived(here, {OWN: 0.1})
    here.change_workspace(permissions=READER)
    if settings:
        here.change_workspace(diagnostic_settings=[diagnostic_setting(workspace_id(here))])
    if has_table:
        here.put_rows("SentinelHealth", [events.status_change(f"c-{OWN}", "Success")])
    found = verified(watched(here, a104=["cloudtrail"]))
    assert details(found)[2] is enabled
    notes = results.workspace_notes(found)
    assert len(notes) == bool(words)
    assert words in "".join(notes)


def test_what_may_not_be_read_is_unknown_and_fails_nothing(here: Emulators) -> None:
    connect(here, OWN)
    arrived(here, {OWN: 0.1})
    here.fault(operation="ContentPackages_List", status=403, code="AuthorizationFailed", message="No access.")
    accounts = watched(here, a104=["cloudtrail"])
    found = verified(accounts)
    assert statuses(accounts) == {OWN: "receiving"}
    assert details(found) == (None, "", None)
    assert [note.split(":")[0] for note in results.workspace_notes(found)] == [
        "Workspace sentinel",
        "Workspace sentinel has no table SentinelHealth",
    ]


def test_the_report_has_workspaces_and_tables(here: Emulators) -> None:
    add(here, TRAIL, FLOWS)
    arrived(here, {ARCHIVE: 0.1, MEMBER: 0.1})
    accounts = watched(here, a101=EVERYTHING[:2], a102=[])
    found, now = verified(accounts), datetime.now(UTC)
    header = results.report_header(accounts, now, now)
    results.add_workspaces(header, found)
    assert header["workspace_details"][0]["solution"]["installed"] is True
    assert header["notes"][0].startswith("Table AWSVPCFlow of workspace sentinel has no")
    archive, member = map(results.report_row, accounts)
    assert [one["table"] for one in archive["ingestion"]["tables"]] == ["AWSCloudTrail", "AWSVPCFlow"]
    assert "tables" not in member["ingestion"]


def test_the_parts_of_a_run_have_one_list_of_workspaces() -> None:
    def header(name: str, note: str) -> Any:
        times = {"started": "2026-11-28T10:00:00+00:00", "finished": "2026-11-28T10:00:00+00:00"}
        return {**times, "accounts": [], "workspace_details": [{"name": name}], "notes": [note]}

    whole, _accounts = merge.merged(header("one", "first"), header("two", "second"), [])
    assert [one["name"] for one in whole["workspace_details"]] == ["one", "two"]
    assert whole["notes"] == ["first", "second"]


def test_a_wait_ends_with_what_is_known_if_the_service_fails_for_good(here: Emulators) -> None:
    """The last answer counts, and the failure is reported."""
    connect(here, OWN, QUIET)
    arrived(here, {OWN: 0.1})
    accounts = watched(here, a103=["cloudtrail"], a104=["cloudtrail"])

    def meanwhile(_seconds: float) -> None:
        here.fault(operation="Query", status=403, code="InsufficientAccessError", message="No access.")

    workspaces: list[Any] = []
    verify(accounts, meanwhile, wait=600, workspaces=workspaces)
    assert statuses(accounts) == {OWN: "receiving", QUIET: "silent"}
    assert "No access" in str(workspaces[0].error)
