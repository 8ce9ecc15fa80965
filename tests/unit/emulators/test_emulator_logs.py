# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log Analytics in the emulator: KQL over raw rows, by a clock that tests move."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulators import events
from tests.emulators.client import CALLER_ACCOUNT, Emulators

from .clients import client
from .test_emulator_arm import run_query

ONE, TWO = "111111111111", "222222222222"
EVENTS, HEALTH = "AWSCloudTrail", "SentinelHealth"


@pytest.fixture
def ask(e: Emulators, arm: Any) -> Any:
    def rows(query: str) -> list[list[Any]]:
        found: list[list[Any]] = run_query(e, arm, query).json()["tables"][0]["rows"]
        return found

    return rows


def cause(e: Emulators, arm: Any, query: str) -> tuple[str, str]:
    inner = run_query(e, arm, query).json()["error"]["innererror"]["innererror"]
    return inner["code"], inner["message"]


def test_values_have_the_format_of_the_service(e: Emulators, arm: Any) -> None:
    e.put_rows(HEALTH, [{"ExtendedProperties": {"a": [1]}, "Status": "Success"}])
    query = (
        f"{HEALTH} | extend Failed = Status == 'Failure', Time = datetime(2026-11-28 10:00), Length = strlen(Status)"
        " | summarize Properties = take_any(ExtendedProperties), Lengths = make_list(Length)"
        " by Time, Status, Reason, Failed, Length"
    )
    table = run_query(e, arm, query).json()["tables"][0]
    assert [column["type"] for column in table["columns"]] == [
        "datetime", "string", "string", "bool", "long", "dynamic", "dynamic",
    ]  # fmt: skip
    assert table["rows"] == [["2026-11-28T10:00:00.0000000Z", "Success", "", False, 7, '{"a":[1]}', "[7]"]]


def test_the_clock_of_queries_moves(e: Emulators, ask: Any) -> None:
    e.put_rows(EVENTS, [events.cloudtrail(ONE, 1)])
    recent = f"{EVENTS} | where TimeGenerated > ago(2h) | count"
    assert ask(recent) == [[1]]
    e.move_clock(hours=2)
    assert ask(recent) == [[0]]
    e.put_rows(EVENTS, [{}])
    assert ask(recent) == [[1]]
    e.move_clock(days=7)
    assert ask(f"{EVENTS} | count") == [[0]]  # the request is for seven days


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("| extend t = ingestion_time() | where t > ago(2h) | count", [[1]]),
        ("| where ingestion_time ( ) > ago(2h) | count", [[1]]),
        ("| where EventName != 'ingestion_time()' // ingestion_time()\n | count", [[2]]),
        ('| summarize x = take_any("say \\"ingestion_time()\\"")', [['say "ingestion_time()"']]),
        (r"| summarize x = take_any(@'\ingestion_time()')", [[r"\ingestion_time()"]]),
        ("| where isempty(ErrorCode) | count", [[2]]),
    ],
)
def test_the_time_of_ingestion_is_that_of_the_row(e: Emulators, ask: Any, query: str, expected: Any) -> None:
    e.put_rows(EVENTS, [events.cloudtrail(ONE, 48), {**events.cloudtrail(TWO, 48), "ingestion_time()": events.ago(1)}])
    assert ask(f"{EVENTS} {query}") == expected


def test_the_time_of_ingestion_is_no_column(e: Emulators, arm: Any) -> None:
    e.put_rows(EVENTS, [{}])
    for query in (EVENTS, f"{EVENTS} | where ingestion_time() > ago(1d)"):
        table = run_query(e, arm, query).json()["tables"][0]
        assert [column["name"] for column in table["columns"] if "ngestion" in column["name"]] == []
    code, _message = cause(e, arm, f"{EVENTS} | summarize Events = count() | extend t = ingestion_time()")
    assert code == "SEM0100"


@pytest.mark.parametrize(
    ("query", "code", "name"),
    [
        ("Nothing | take 1", "SEM0100", "'Nothing'"),
        ("union AWSCloudTrail, Nothing", "SEM0100", "'Nothing'"),
        ("let x = Nothing; x | take 1", "SEM0100", "'Nothing'"),
        ("AWSCloudTrail | where Account == ''", "SEM0100", "'Account'"),
        ("AWSCloudTrail | wherever", "SYN0002", ""),
        ("AWSCloudTrail | extend x = unheard_of()", "SYN0002", "unheard_of"),
        (".drop table AWSCloudTrail", "SYN0002", ""),
    ],
)
def test_a_query_that_cannot_be_executed_is_refused(e: Emulators, arm: Any, query: str, code: str, name: str) -> None:
    e.put_rows(EVENTS, [])
    found = cause(e, arm, query)
    assert found[0] == code
    assert name in found[1]


def test_a_fuzzy_union_leaves_out_tables_that_do_not_exist(e: Emulators, arm: Any, ask: Any) -> None:
    query = "union isfuzzy=true {}(AWSCloudTrail | where EventName != '' | count), (Nothing | count)"
    assert cause(e, arm, query.format(""))[0] == "SEM0100"
    assert ask(query.format("(datatable(Count: long)[]), ")) == []
    e.put_rows(EVENTS, [events.cloudtrail(ONE)])
    assert ask(query.format("")) == [[1]]
    code, name = cause(e, arm, query.format("").replace("EventName", "Account"))
    assert code == "SEM0100"
    assert "'Account'" in name


@pytest.mark.parametrize(
    ("table", "row", "message"),
    [("AWSCloudTrails", {}, "no table 'AWSCloudTrails'"), (EVENTS, {"Account": ONE}, "no column Account")],
)
def test_only_columns_of_microsoft_can_be_filled(e: Emulators, table: str, row: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        e.put_rows(table, [row])


def test_workspaces_and_resets_share_no_rows(e: Emulators, arm: Any) -> None:
    e.put_rows(EVENTS, [{}])
    other = e.add_workspace(name="other")["customer_id"]
    assert run_query(e, arm, EVENTS, customer=other).status_code == 400
    e.reset()
    assert run_query(e, arm, EVENTS).status_code == 400


def test_an_assumed_role_may_become_an_event(e: Emulators, ask: Any) -> None:
    e.settings(sessions_arrive=True)
    arn = f"arn:aws:iam::{ONE}:role/MicrosoftSentinelRole"
    e.seed_connector({"kind": "AmazonWebServicesCloudTrail", "properties": {"awsRoleArn": arn}})
    for account in (ONE, TWO):
        role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
        client(e, "sts", CALLER_ACCOUNT).assume_role(RoleArn=role, RoleSessionName="canary-1")
    assert ask(f'{EVENTS} | where RequestParameters has "canary-1" | project RecipientAccountId') == [[ONE]]
    assert e.sessions(TWO)[-1] == "canary-1"  # issued credentials outlive a reset
