# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KQL queries, parsed answers, and the ingestion status of an account."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.connector.connector import (
    KIND,
    Connector,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.connector.s3 import S3Connector
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.duration import format_duration, seconds
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.arrivals import (
    ALL_ACCOUNTS,
    Arrival,
    Snapshot,
    parse_arrivals,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.demands import (
    Connection,
    Expected,
    expected_of,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.health import (
    Health,
    parse_health,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.health_codes import (
    HEALTH_CODES,
    health_message,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.ingestion import (
    INGESTION_STATUSES,
    Canary,
    evaluate,
    is_pending,
    overall,
    query_pauses,
    show,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.queries import (
    events_query,
    health_query,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.readers import (
    ConnectorsByAccount,
    connectors_by_account,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.tables import TABLES
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.sources import DEFAULT, SourceSpec

ACCOUNT = "111111111111"
ARN = f"arn:aws:iam::{ACCOUNT}:role/MicrosoftSentinelRole"
CONNECTOR = Connector("Main", ARN)
SECOND = Connector("Second", ARN)
OFF = Connector("Main", ARN, enabled=False)
CONNECTED = ConnectorsByAccount({ACCOUNT: (CONNECTOR,)})
TWICE = ConnectorsByAccount({ACCOUNT: (SECOND, CONNECTOR)})
OTHER_ROLE = "arn:aws:iam::999999999999:role/OIDC_MicrosoftSentinelRole"
S3 = S3Connector("S3", OTHER_ROLE, ("https://queue",), "AWSCloudTrail")
S3_ONLY = ConnectorsByAccount(s3={"AWSCloudTrail": (S3,)})
S3_OFF = ConnectorsByAccount(s3={"AWSCloudTrail": (replace(S3, enabled=False),)})
DISABLED = ConnectorsByAccount({ACCOUNT: (OFF,)})
DISABLED_BESIDE_S3 = replace(DISABLED, s3=S3_ONLY.s3)


def arrived(arrival: Arrival, table: str = "AWSCloudTrail") -> Snapshot:
    return Snapshot({ACCOUNT: {table: arrival}, ALL_ACCOUNTS: {table: arrival}})


RECENT = arrived(Arrival("2026-11-22T17:00:00Z", 60.0, 5))
OLD = arrived(Arrival("2026-11-20T17:00:00Z", 172800.0, 5))
NO_EVENTS = Snapshot({})
NO_AGE = arrived(Arrival("2926-11-22T17:00:00Z", None, 5))
WITH_CANARY = arrived(Arrival("2026-11-22T17:00:00Z", 60.0, 5, canary_events=2))
FAILED = {"main": Health(failed=True, time="2026-11-22T17:00:00Z", reason="429", message="Rate exceeded")}
S3_FAILED = {"s3": FAILED["main"]}
FINE = {"main": Health(failed=False, time="2026-11-22T17:00:00Z")}

# Snapshot, connectors, whether the account may be silent; the status, and whether it is as expected.
CASES: dict[str, tuple[Snapshot, ConnectorsByAccount, bool, str, bool]] = {
    "recent events": (RECENT, CONNECTED, False, "receiving", True),
    "recent events of an account that may be silent": (RECENT, CONNECTED, True, "receiving", True),
    "old events": (OLD, CONNECTED, False, "stale", False),
    "old events of an account that may be silent": (OLD, CONNECTED, True, "stale", True),
    "no events": (NO_EVENTS, CONNECTED, False, "silent", False),
    "no events of an account that may be silent": (NO_EVENTS, CONNECTED, True, "silent", True),
    "a partial answer, without the account": (Snapshot({}, partial=True), CONNECTED, True, "unknown", False),
    "a partial answer, with the account": (replace(RECENT, partial=True), CONNECTED, False, "receiving", True),
    "a failure": (replace(RECENT, health=FAILED), CONNECTED, False, "unhealthy", False),
    "a failure of an account that may be silent": (Snapshot({}, health=FAILED), CONNECTED, True, "unhealthy", False),
    "a healthy connector": (replace(RECENT, health=FINE), CONNECTED, False, "receiving", True),
    "a healthy connector without events": (Snapshot({}, health=FINE), CONNECTED, False, "silent", False),
    "no connector": (NO_EVENTS, ConnectorsByAccount(), True, "not_connected", False),
    "events, but no connector": (RECENT, ConnectorsByAccount(), False, "not_connected", False),
    "a disabled connector": (RECENT, DISABLED, False, "not_connected", False),
    "a disabled connector beside an S3 connector": (RECENT, DISABLED_BESIDE_S3, False, "not_connected", False),
    "a disabled connector beside an enabled one": (
        RECENT,
        ConnectorsByAccount({ACCOUNT: (OFF, SECOND)}),
        False,
        "receiving",
        True,
    ),
    "two connectors, one fails": (replace(RECENT, health=FAILED), TWICE, False, "unhealthy", False),
    "no usable time": (NO_AGE, CONNECTED, True, "unknown", False),
    "no usable time, S3": (NO_AGE, S3_ONLY, True, "unknown", False),
    "no connector but an S3 connector with old events": (OLD, S3_ONLY, True, "not_connected", False),
    "no connector but an S3 connector that fails": (
        replace(RECENT, health=S3_FAILED),
        S3_ONLY,
        False,
        "unhealthy",
        False,
    ),
    "no connector but an S3 connector, and another one fails": (
        replace(RECENT, health=S3_FAILED),
        ConnectorsByAccount(s3={"AWSCloudTrail": (S3, replace(S3, name="S3b"))}),
        False,
        "receiving",
        True,
    ),
    "no connector but an S3 connector with events": (RECENT, S3_ONLY, False, "receiving", True),
    "no connector but an S3 connector, partial answer": (Snapshot({}, partial=True), S3_ONLY, True, "unknown", False),
    "a disabled S3 connector": (RECENT, S3_OFF, False, "not_connected", False),
    "no connector but an S3 connector without events": (NO_EVENTS, S3_ONLY, False, "not_connected", False),
}


@pytest.mark.parametrize(("snapshot", "have", "allow_silent", "name", "as_expected"), CASES.values(), ids=CASES)
def test_the_ingestion_status_of_an_account(
    snapshot: Snapshot, have: ConnectorsByAccount, allow_silent: bool, name: str, as_expected: bool
) -> None:
    tables = evaluate(ACCOUNT, Expected(allow_silent), snapshot, have, 604800)
    ingestion_status = overall(tables).status
    assert (ingestion_status.name, ingestion_status.as_expected) == (name, as_expected)
    assert ingestion_status.name in INGESTION_STATUSES
    assert bool(ingestion_status.message) == (ingestion_status.name != "receiving")
    assert show(tables)["ingestion_status"] == name


OWN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/OIDC_MicrosoftSentinelRole"
OTHER = "222222222222"
VPC, FINDINGS = "AWSVPCFlow", "AWSGuardDuty"
FRESH, STALE = Arrival("2026-11-22T17:00:00Z", 60.0, 5, ("eu-west-1",)), Arrival("2026-11-20T17:00:00Z", 172800.0, 1)
FLOWS = S3Connector("Flows", OWN_ROLE, ("https://flows",), VPC)
DUTY = S3Connector("Duty", OWN_ROLE, ("https://duty",), FINDINGS)
TRAIL = S3Connector("Main", OWN_ROLE, ("https://trail",), "AWSCloudTrail")


def table(name: str, **arrivals: Arrival) -> Snapshot:
    """Events in a table by account, those of the test's account as `own`; any account has those of all."""
    accounts = {ACCOUNT if account == "own" else OTHER: one for account, one in arrivals.items()}
    newest = min(arrivals.values(), key=lambda one: one.age or 0)
    return Snapshot({**{account: {name: one} for account, one in accounts.items()}, ALL_ACCOUNTS: {name: newest}})


def fed(*connectors: S3Connector, **more: Any) -> ConnectorsByAccount:
    return ConnectorsByAccount(s3={one.destination_table: (one,) for one in connectors}, **more)


def holds(*tables: str, account_ids: tuple[str, ...] = (), **more: Any) -> Expected:
    connections = tuple(Connection(one, account_ids) for one in tables)
    return Expected(through_s3=True, connections=connections, **more)


THEIRS = replace(FLOWS, name="Theirs", role_arn=OTHER_ROLE)
BOTH = ConnectorsByAccount(s3={VPC: (FLOWS, THEIRS)})
THEIRS_OFF = ConnectorsByAccount(s3={VPC: (FLOWS, replace(THEIRS, enabled=False))})
BOTH_OWN = ConnectorsByAccount(s3={VPC: (FLOWS, replace(FLOWS, name="Flows2"), THEIRS)})
OK = Health(failed=False, time="2026-11-22T17:00:00Z")

# What is expected, snapshot, connectors; the status of the account, whether it is as expected, and that of each table.
BY_TABLE: dict[str, tuple[Expected, Snapshot, ConnectorsByAccount, str, bool, dict[str, str]]] = {
    "flow logs of any account": (
        holds(VPC), table(VPC, other=FRESH), fed(FLOWS), "receiving", True, {VPC: "receiving"}),
    "no flow logs": (holds(VPC), NO_EVENTS, fed(FLOWS), "silent", False, {VPC: "silent"}),
    "old flow logs": (holds(VPC), table(VPC, other=STALE), fed(FLOWS), "stale", False, {VPC: "stale"}),
    "flow logs without a connector of the account": (
        holds(VPC), table(VPC, own=FRESH), fed(replace(FLOWS, role_arn=OTHER_ROLE)), "not_connected", False,
        {VPC: "not_connected"}),
    "flow logs with a connector that is off": (
        holds(VPC), table(VPC, own=FRESH), fed(replace(FLOWS, enabled=False)), "not_connected", False,
        {VPC: "not_connected"}),
    "flow logs of a failing connector": (
        holds(VPC), replace(table(VPC, own=FRESH), health={"flows": FAILED["main"]}), fed(FLOWS), "unhealthy", False,
        {VPC: "unhealthy"}),
    "flow logs of other accounts than the connection is for": (
        holds(VPC, account_ids=(ACCOUNT,)), table(VPC, other=FRESH), fed(FLOWS), "silent", False, {VPC: "silent"}),
    "flow logs, and another account has a connector": (
        holds(VPC), table(VPC, other=FRESH), BOTH, "unknown", False, {VPC: "unknown"}),
    "flow logs, and another account has a connector that is off": (
        holds(VPC), table(VPC, other=FRESH), THEIRS_OFF, "receiving", True, {VPC: "receiving"}),
    "flow logs, and only the other connector is healthy": (
        holds(VPC), replace(table(VPC, other=FRESH), health={"theirs": OK}), BOTH, "unknown", False,
        {VPC: "unknown"}),
    "flow logs, and the own connector is healthy": (
        holds(VPC), replace(table(VPC, other=FRESH), health={"flows": OK}), BOTH, "receiving", True,
        {VPC: "receiving"}),
    "flow logs, and one of the own connectors is healthy": (
        holds(VPC), replace(table(VPC, other=FRESH), health={"flows": OK}), BOTH_OWN, "unknown", False,
        {VPC: "unknown"}),
    "flow logs of listed accounts, and another account has a connector": (
        holds(VPC, account_ids=(ACCOUNT,)), table(VPC, own=FRESH), BOTH, "receiving", True, {VPC: "receiving"}),
    "no flow logs, and another account has a connector": (
        holds(VPC), NO_EVENTS, BOTH, "silent", False, {VPC: "silent"}),
    "old flow logs, and another account has a connector": (
        holds(VPC), table(VPC, other=STALE), BOTH, "stale", False, {VPC: "stale"}),
    "a GuardDuty finding, and another account has a connector": (
        holds(FINDINGS), table(FINDINGS, other=FRESH),
        ConnectorsByAccount(s3={FINDINGS: (DUTY, replace(DUTY, name="Theirs", role_arn=OTHER_ROLE))}), "unknown", True,
        {FINDINGS: "unknown"}),
    "no GuardDuty finding": (holds(FINDINGS), NO_EVENTS, fed(DUTY), "silent", True, {FINDINGS: "silent"}),
    "an old GuardDuty finding": (
        holds(FINDINGS), table(FINDINGS, own=STALE), fed(DUTY), "stale", True, {FINDINGS: "stale"}),
    "GuardDuty with a failing connector": (
        holds(FINDINGS), Snapshot({}, health={"duty": FAILED["main"]}), fed(DUTY), "unhealthy", False,
        {FINDINGS: "unhealthy"}),
    "an account of an organization trail that holds flow logs": (
        holds(VPC), table(VPC, own=FRESH), fed(FLOWS, replace(TRAIL, role_arn=OTHER_ROLE)), "silent", False,
        {"AWSCloudTrail": "silent", VPC: "receiving"}),
    "an account with a CloudTrail source that holds flow logs": (
        Expected(connections=(Connection(VPC),)), RECENT, fed(FLOWS, by_id={ACCOUNT: (CONNECTOR,)}), "silent", False,
        {"AWSCloudTrail": "receiving", VPC: "silent"}),
    "the worst of two": (
        holds(VPC, FINDINGS), NO_EVENTS, fed(replace(FLOWS, enabled=False), DUTY), "not_connected", False,
        {VPC: "not_connected", FINDINGS: "silent"}),
    "flow logs that are not expected": (
        Expected(), table(VPC, own=STALE), fed(FLOWS, by_id={ACCOUNT: (CONNECTOR,)}), "silent", False,
        {"AWSCloudTrail": "silent", VPC: "stale"}),
    "the account of an organization's bucket": (
        holds("AWSCloudTrail"), RECENT, fed(TRAIL), "receiving", True, {"AWSCloudTrail": "receiving"}),
    "the account of a bucket whose connector is off, while another one fills the table": (
        holds("AWSCloudTrail"), RECENT,
        ConnectorsByAccount(s3={"AWSCloudTrail": (replace(TRAIL, enabled=False), S3)}), "not_connected", False,
        {"AWSCloudTrail": "not_connected"}),
    "the account of a bucket whose connector fails, while another one does not": (
        holds("AWSCloudTrail"), replace(RECENT, health=FAILED), ConnectorsByAccount(s3={"AWSCloudTrail": (TRAIL, S3)}),
        "unhealthy", False, {"AWSCloudTrail": "unhealthy"}),
    "the account of a bucket for the events of another one": (
        holds("AWSCloudTrail", account_ids=(OTHER,)), table("AWSCloudTrail", other=FRESH), fed(TRAIL), "receiving",
        True, {"AWSCloudTrail": "receiving"}),
    "a member of an organization trail that sends nothing": (
        Expected(through_s3=True), NO_EVENTS, S3_ONLY, "silent", False, {"AWSCloudTrail": "silent"}),
    "a member that may be silent": (
        Expected(allow_silent=True, through_s3=True), NO_EVENTS, S3_ONLY, "silent", True, {"AWSCloudTrail": "silent"}),
    "a member without an S3 connector": (
        Expected(through_s3=True), NO_EVENTS, ConnectorsByAccount(), "not_connected", False,
        {"AWSCloudTrail": "not_connected"}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "snapshot", "have", "name", "as_expected", "by_table"), BY_TABLE.values(), ids=BY_TABLE
)
def test_the_ingestion_status_by_table(
    expected: Expected,
    snapshot: Snapshot,
    have: ConnectorsByAccount,
    name: str,
    as_expected: bool,
    by_table: dict[str, str],
) -> None:
    tables = evaluate(ACCOUNT, expected, snapshot, have, 604800)
    shown = show(tables)
    assert (shown["ingestion_status"], shown["as_expected"]) == (name, as_expected)
    assert {table: one["ingestion_status"] for table, one in shown["tables"].items()} == by_table
    assert all(one["message"] for table, one in shown["tables"].items() if not one["as_expected"])


def test_the_message_of_an_account_has_those_of_all_its_tables() -> None:
    shown = show(evaluate(ACCOUNT, holds(VPC, FINDINGS), NO_EVENTS, fed(), 604800))
    assert VPC in shown["message"]
    assert FINDINGS in shown["message"]


def test_what_is_expected_follows_from_the_sources() -> None:
    s3 = SourceSpec("s3", (("bucket", "a"),))
    flows = SourceSpec("s3", (("account_ids", (OTHER,)), ("bucket", "b"), ("prefix", "AWSLogs/"), ("table", VPC)))
    codeless = SourceSpec("s3", (("bucket", "c"), ("connector", False)))
    both = {"allow_silent": True, "stale_after": 60}
    assert expected_of(DEFAULT, **both) == Expected(True, 60)
    assert expected_of((), **both) == Expected(True, 60, through_s3=True)
    assert expected_of((s3, flows, codeless), **both) == Expected(
        True, 60, through_s3=True, connections=(Connection("AWSCloudTrail"), Connection(VPC, (OTHER,)))
    )


@pytest.mark.parametrize(
    ("canary", "snapshot", "as_expected"),
    [
        (None, RECENT, True),
        (Canary(created=True), RECENT, False),
        (Canary(created=False), RECENT, False),
        (Canary(created=True), WITH_CANARY, True),
        (Canary(created=True), NO_EVENTS, False),
    ],
)
@pytest.mark.parametrize("have", [CONNECTED, S3_ONLY], ids=["cloudtrail", "s3"])
def test_a_canary_event_is_required_of_both_connectors(
    canary: Canary | None, snapshot: Snapshot, have: ConnectorsByAccount, as_expected: bool
) -> None:
    expected = Expected(allow_silent=True, through_s3=have is S3_ONLY)
    tables = evaluate(ACCOUNT, expected, snapshot, have, 604800, canary)
    assert overall(tables).status.as_expected is as_expected


@pytest.mark.parametrize(("created", "name"), [(True, "unknown"), (False, "receiving")])
def test_a_partial_answer_without_the_canary_event_proves_nothing(created: bool, name: str) -> None:
    partial = replace(RECENT, partial=True)
    status = overall(evaluate(ACCOUNT, Expected(), partial, CONNECTED, 604800, Canary(created))).status
    assert (status.name, status.as_expected) == (name, False)


# Snapshot, connectors, whether the account may be silent, whether it has a canary; whether it is pending.
PENDING: dict[str, tuple[Snapshot, ConnectorsByAccount, bool, bool, bool]] = {
    "recent events": (RECENT, CONNECTED, False, False, False),
    "no events": (NO_EVENTS, CONNECTED, False, False, True),
    "old events": (OLD, CONNECTED, False, False, True),
    "no events, may be silent": (NO_EVENTS, CONNECTED, True, False, False),
    "no events, may be silent, has a canary": (NO_EVENTS, CONNECTED, True, True, True),
    "recent events without the canary event": (RECENT, CONNECTED, False, True, True),
    "canary event found": (WITH_CANARY, CONNECTED, True, True, False),
    "no connector": (NO_EVENTS, ConnectorsByAccount(), False, True, False),
    "disabled connector": (NO_EVENTS, DISABLED, False, False, False),
    "S3 connector": (NO_EVENTS, S3_ONLY, False, False, True),
    "disabled connector beside an S3 connector": (NO_EVENTS, DISABLED_BESIDE_S3, False, False, False),
    "no usable time": (NO_AGE, CONNECTED, False, False, True),
}


@pytest.mark.parametrize(("snapshot", "have", "allow_silent", "has_canary", "pending"), PENDING.values(), ids=PENDING)
def test_an_account_is_pending_until_its_events_arrive(
    snapshot: Snapshot, have: ConnectorsByAccount, allow_silent: bool, has_canary: bool, pending: bool
) -> None:
    assert is_pending(ACCOUNT, Expected(allow_silent), snapshot, have, has_canary=has_canary) is pending


@pytest.mark.parametrize(
    ("expected", "snapshot", "have", "pending"),
    [
        (holds(VPC), NO_EVENTS, fed(FLOWS), True),
        (holds(VPC), table(VPC, other=STALE), fed(FLOWS), True),
        (holds(VPC), table(VPC, other=FRESH), fed(FLOWS), False),
        (holds(VPC), NO_EVENTS, fed(replace(FLOWS, enabled=False)), False),
        (holds(VPC), NO_EVENTS, fed(), False),
        (holds(FINDINGS), NO_EVENTS, fed(DUTY), False),
        (holds(VPC, allow_silent=True), NO_EVENTS, fed(FLOWS), False),
        (Expected(through_s3=True), NO_EVENTS, S3_ONLY, True),
        (Expected(through_s3=True), NO_EVENTS, S3_OFF, False),
    ],
)
def test_a_table_is_pending_until_its_events_arrive(
    expected: Expected, snapshot: Snapshot, have: ConnectorsByAccount, pending: bool
) -> None:
    assert is_pending(ACCOUNT, expected, snapshot, have, has_canary=False) is pending


def test_each_table_is_a_part_of_one_query() -> None:
    assert "CanaryEvents" not in events_query(3600)
    with_canary = events_query(3600, TABLES, "trailbridge-1")
    assert with_canary.count('RequestParameters has "trailbridge-1"') == 1
    for table in TABLES:
        assert f"({table}\n    | where TimeGenerated > ago(3600s)\n" in with_canary
    assert health_query(60).startswith("SentinelHealth\n| where TimeGenerated > ago(60s)")


ROW = {"Table": "AWSCloudTrail", "LastIngested": "x", "AgeSeconds": 8, "Events": 1, "Regions": "[]"}


def test_rows_are_parsed_by_account_and_table() -> None:
    many = {"AgeSeconds": 7, "Events": 3, "Regions": '["us-east-1", "eu-west-1", ""]', "CanaryEvents": 2}
    rows = [
        {**ROW, "Account": ACCOUNT, **many},
        {**ROW, "Account": "222222222222", "Regions": ["us-east-1"]},
        {**ROW, "Account": ""},
        {**ROW, "Account": "unknown", "Table": "AWSVPCFlow", "Regions": ["us-east-1"]},
        {**ROW, "Account": ACCOUNT, "Table": "AWSVPCFlow", "AgeSeconds": 9},
        {**ROW, "Account": ACCOUNT, "Table": "AWSUnheard"},
        {**ROW, "Account": "333333333333", "LastIngested": None, "AgeSeconds": None, "Events": 0, "Regions": "broken"},
    ]
    found = parse_arrivals(rows)
    assert found == {
        ACCOUNT: {
            "AWSCloudTrail": Arrival("x", 7.0, 3, ("eu-west-1", "us-east-1"), 2),
            "AWSVPCFlow": Arrival("x", 9.0, 1),
        },
        "222222222222": {"AWSCloudTrail": Arrival("x", 8.0, 1, ("us-east-1",))},
        "333333333333": {"AWSCloudTrail": Arrival("", None, 0)},
        ALL_ACCOUNTS: {
            "AWSCloudTrail": Arrival("x", 7.0, 5, ("eu-west-1", "us-east-1"), 2),
            "AWSVPCFlow": Arrival("x", 8.0, 2, ("us-east-1",)),
        },
    }


@pytest.mark.parametrize(
    ("odd", "age"),
    [
        ({"AgeSeconds": -1}, 0.0),
        ({"AgeSeconds": -299}, 0.0),
        ({"AgeSeconds": -301}, None),
        ({"AgeSeconds": "soon"}, None),
        ({"AgeSeconds": float("nan")}, None),
        ({"AgeSeconds": float("inf")}, None),
        ({"Events": "many"}, None),
        ({"Events": float("inf")}, None),
        ({"CanaryEvents": []}, 8.0),
        ({"CanaryEvents": [1]}, None),
        ({"Regions": 5}, None),
    ],
)
def test_an_odd_row_costs_its_own_account_only(odd: dict[str, Any], age: float | None) -> None:
    found = parse_arrivals([{**ROW, "Account": ACCOUNT, **odd}, {**ROW, "Account": "222222222222"}])
    assert found[ACCOUNT]["AWSCloudTrail"].age == age
    assert found["222222222222"]["AWSCloudTrail"].age == 8.0


def health_row(operation: str, time: str, status: str = "", properties: Any = None, **values: str) -> dict[str, Any]:
    path = "/subscriptions/x/providers/Microsoft.SecurityInsights/dataConnectors/Main"
    row = {"TimeGenerated": time, "OperationName": f"Data fetch {operation}", "Status": status}
    return {
        **row,
        "SentinelResourceId": path,
        "SentinelResourceName": "Amazon",
        "ExtendedProperties": properties,
        **values,
    }


DENIED = {"StatusCode": 403, "StatusMessage": "Denied"}
SUMMARY = {"FailureSummary": [DENIED, {"StatusCode": "x"}]}
HEALTH: dict[str, tuple[list[dict[str, Any]], Health]] = {
    "success": ([health_row("status change", "1", "Success")], Health(failed=False, time="1")),
    "failure": ([health_row("status change", "1", "Failure", Description="Bad.")], Health(True, "1", "", "Bad.")),
    "the latest report counts": (
        [health_row("status change", "2", "Success"), health_row("status change", "1", "Failure")],
        Health(failed=False, time="2"),
    ),
    "a reason": (
        [health_row("status change", "1", "Failure"), health_row("failure summary", "2", "", SUMMARY)],
        Health(True, "1", "403", "Denied"),
    ),
    "a reason as JSON": (
        [health_row("status change", "1", "Failure", '{"FailureSummary": "[{\\"StatusCode\\": \\"429\\"}]"}')],
        Health(True, "1", "429", ""),
    ),
    "a reason that is one object": (
        [
            health_row("status change", "1", "Failure"),
            health_row("failure summary", "2", "", {"FailureSummary": DENIED}),
        ],
        Health(True, "1", "403", "Denied"),
    ),
    "a reason that is a number": (
        [health_row("status change", "1", "Failure"), health_row("failure summary", "2", "", {"FailureSummary": 5})],
        Health(True, "1"),
    ),
    "a reason that is a list of numbers": (
        [health_row("status change", "1", "Failure"), health_row("failure summary", "2", "", {"FailureSummary": [5]})],
        Health(True, "1"),
    ),
    "a summary alone": ([health_row("failure summary", "2", "", SUMMARY)], Health(failed=False, time="2")),
    "invalid JSON": ([health_row("status change", "1", "Failure", "{nonsense")], Health(True, "1")),
}


@pytest.mark.parametrize(("rows", "expected"), HEALTH.values(), ids=HEALTH)
def test_the_last_health_report_of_a_connector(rows: list[dict[str, Any]], expected: Health) -> None:
    assert parse_health(rows) == {"main": expected}


def raw(name: str, state: str = "Enabled", kind: str = KIND, **values: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "properties": {"dataTypes": {"logs": {"state": state}}, **values}}


def test_an_account_may_have_several_connectors() -> None:
    off, on = raw("off", "Disabled", awsRoleArn=ARN), raw("on", awsRoleArn=ARN)
    for answer in ([off, on], [on, off]):
        found = connectors_by_account(answer)
        assert {one.name for one in found.by_id[ACCOUNT]} == {"on", "off"}
        tables = evaluate(ACCOUNT, Expected(), RECENT, found, 60)
        assert overall(tables).status.name == "receiving"
        assert show(tables)["role_arn"] == ARN


def test_s3_connectors_are_known_by_table_as_they_may_read_events_of_any_account() -> None:
    tables = {"a": "AWSCloudTrail", "b": "AWSVPCFlow", "c": "AWSUnheard"}
    answers = [raw(name, "Disabled", "AmazonWebServicesS3", destinationTable=table) for name, table in tables.items()]
    found = connectors_by_account([*answers, {"kind": "Office365"}])
    assert {table: [one.name for one in readers] for table, readers in found.s3.items()} == {
        "AWSCloudTrail": ["a"],
        "AWSVPCFlow": ["b"],
        "AWSUnheard": ["c"],
    }
    assert found.tables == ["AWSCloudTrail", "AWSVPCFlow"]


@pytest.mark.parametrize("wait", [0, 1, 60, 1800, 86400])
def test_pauses_are_within_their_limits(wait: float) -> None:
    first, *others = islice(query_pauses(wait), 5)
    assert 1 <= first <= 300
    assert all(1 <= pause <= 120 for pause in others)
    assert next(query_pauses(1800)) == 300


@pytest.mark.parametrize(
    ("text", "length"), [("7d", 604800), ("36h", 129600), ("90m", 5400), ("5s", 5), ("5", 5), ("0", 0)]
)
def test_a_duration(text: str, length: int) -> None:
    assert seconds(text, "wait") == length


@pytest.mark.parametrize("text", ["", "d", "-1", "1.5h", "1 h", "7D", "1w", "99999999", "٣d"])
def test_invalid_durations(text: str) -> None:
    with pytest.raises(SentinelError, match=r"wait .* of host x") as caught:
        seconds(text, "wait", "host x")
    assert caught.value.kind == "bad_input"


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (7260, "2 h 1 min"),
        (3601, "1 h"),
        (604800, "7 d"),
        (90061, "1 d 1 h"),
    ],
)
def test_a_duration_as_text(length: float, text: str) -> None:
    assert format_duration(length) == text


@given(st.integers(min_value=0, max_value=10**9))
def test_every_duration_has_a_text(length: int) -> None:
    assert format_duration(length)[0].isdigit()


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        ("403", "no", "(403: no). The role cannot be assumed"),
        ("x", "An error (AccessDenied).", "(x: An error (AccessDenied)). The role cannot be assumed"),
        ("S3B40012", "", "(S3B40012). The queue does not exist."),
        ("x", "y", "(x: y)."),
        ("", "", "(no reason given)."),
    ],
)
def test_a_health_failure_has_meaning_and_advice(code: str, message: str, words: str) -> None:
    assert health_message(code, message).startswith(f"Microsoft Sentinel cannot fetch events {words}")


def test_the_documentation_has_the_table_of_health_codes() -> None:
    text = (Path(__file__).parents[3] / "docs/verification.md").read_text(encoding="utf-8")
    for code, known in HEALTH_CODES.items():
        assert f"| `{code}` | {known.meaning} | {known.advice} |" in text
