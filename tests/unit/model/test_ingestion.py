# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked about events, and what an answer means for an account."""

from __future__ import annotations

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
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.duration import format_duration, seconds
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.health_codes import (
    FAILURES,
    explained,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.ingestion import (
    INGESTION_STATUSES,
    Arrival,
    Expected,
    Health,
    Links,
    Look,
    arrivals,
    events_query,
    health,
    health_query,
    judge,
    links,
    pauses,
    show,
    waits,
)

ACCOUNT = "111111111111"
ARN = f"arn:aws:iam::{ACCOUNT}:role/MicrosoftSentinelRole"
OURS = Connector("Ours", ARN)
HAS = Links({ACCOUNT: OURS})
OFF = Links({ACCOUNT: Connector("Ours", ARN, enabled=False)})
FRESH = Look({ACCOUNT: Arrival("2026-11-22T17:00:00Z", 60.0, 5)})
OLD = Look({ACCOUNT: Arrival("2026-11-20T17:00:00Z", 172800.0, 5)})
NOTHING = Look({})
FAILED = {"ours": Health(failed=True, time="2026-11-22T17:00:00Z", reason="429", message="Rate exceeded")}
FINE = {"ours": Health(failed=False, time="2026-11-22T17:00:00Z")}

# What was seen, which connectors there are, whether the account may be quiet; the verdict, and whether that is good.
CASES: dict[str, tuple[Look, Links, bool, str, bool]] = {
    "fresh events": (FRESH, HAS, False, "receiving", True),
    "fresh events of a quiet account": (FRESH, HAS, True, "receiving", True),
    "old events": (OLD, HAS, False, "stale", False),
    "old events of a quiet account": (OLD, HAS, True, "stale", True),
    "no events": (NOTHING, HAS, False, "silent", False),
    "no events of a quiet account": (NOTHING, HAS, True, "silent", True),
    "no table": (Look({}, has_table=False), HAS, False, "silent", False),
    "a part of an answer, without the account": (Look({}, partial=True), HAS, True, "unknown", False),
    "a part of an answer, with the account": (Look(FRESH.arrivals, partial=True), HAS, False, "receiving", True),
    "a failure": (Look(FRESH.arrivals, health=FAILED), HAS, False, "unhealthy", False),
    "a failure of a quiet account": (Look({}, health=FAILED), HAS, True, "unhealthy", False),
    "a healthy connector": (Look(FRESH.arrivals, health=FINE), HAS, False, "receiving", True),
    "a healthy connector that brings nothing": (Look({}, health=FINE), HAS, False, "silent", False),
    "no connector": (NOTHING, Links(), True, "not_connected", False),
    "no connector any more": (FRESH, Links(), False, "not_connected", False),
    "a disabled connector": (FRESH, OFF, False, "not_connected", False),
    "no connector but one of S3 that brings events": (FRESH, Links(shared=True), False, "receiving", True),
    "no connector, one of S3, and a part of an answer": (
        Look({}, partial=True),
        Links(shared=True),
        True,
        "unknown",
        False,
    ),
    "no connector and one of S3 that brings none": (NOTHING, Links(shared=True), False, "not_connected", False),
}


@pytest.mark.parametrize(("look", "have", "allow_silent", "name", "good"), CASES.values(), ids=CASES)
def test_a_verdict(look: Look, have: Links, allow_silent: bool, name: str, good: bool) -> None:
    ingestion_status = judge(ACCOUNT, Expected(allow_silent), look, have, 604800)
    assert (ingestion_status.name, ingestion_status.as_expected) == (name, good)
    assert ingestion_status.name in INGESTION_STATUSES
    assert bool(ingestion_status.message) == (ingestion_status.name != "receiving")
    assert show(ACCOUNT, ingestion_status, look, have)["ingestion_status"] == name


# What was seen, which connectors there are, whether the account may be quiet, was marked; whether to look again.
WAITS: dict[str, tuple[Look, Links, bool, bool, bool]] = {
    "there": (FRESH, HAS, False, False, False),
    "missing": (NOTHING, HAS, False, False, True),
    "old": (OLD, HAS, False, False, True),
    "allow_silent": (NOTHING, HAS, True, False, False),
    "quiet and marked": (NOTHING, HAS, True, True, True),
    "there without the marker": (FRESH, HAS, False, True, True),
    "marker found": (Look({ACCOUNT: Arrival("2026-11-22T17:00:00Z", 60.0, 5, marked=2)}), HAS, True, True, False),
    "not_connected": (NOTHING, Links(), False, True, False),
    "disabled": (NOTHING, OFF, False, False, False),
    "by S3": (NOTHING, Links(shared=True), False, False, True),
}


@pytest.mark.parametrize(("look", "have", "allow_silent", "marked", "again"), WAITS.values(), ids=WAITS)
def test_whether_to_look_again(look: Look, have: Links, allow_silent: bool, marked: bool, again: bool) -> None:
    assert waits(ACCOUNT, Expected(allow_silent), look, have, marked=marked) is again


def test_one_question_for_all_accounts_begins_with_the_table() -> None:
    assert events_query(3600).startswith("AWSCloudTrail | where TimeGenerated > ago(3600s) |")
    assert "Marked" not in events_query(3600)
    assert 'Marked = countif(RequestParameters has "trailbridge-1"' in events_query(3600, "trailbridge-1")
    assert health_query(60).startswith("SentinelHealth | where TimeGenerated > ago(60s)")


def test_rows_become_arrivals() -> None:
    rows = [
        {
            "Account": ACCOUNT,
            "LastIngested": "x",
            "Events": 3,
            "Regions": '["us-east-1", "eu-west-1", ""]',
            "Marked": 2,
        },
        {"Account": "222222222222", "LastIngested": "x", "Events": 1, "Regions": ["us-east-1"]},
        {"Account": "", "LastIngested": "x", "Events": 1, "Regions": "[]"},
        {"Account": "333333333333", "LastIngested": None, "Events": 0, "Regions": "broken"},
    ]
    found = arrivals(rows, lambda _when: -5.0)
    assert found == {
        ACCOUNT: Arrival("x", 0.0, 3, ("eu-west-1", "us-east-1"), 2),
        "222222222222": Arrival("x", 0.0, 1, ("us-east-1",)),
    }


def said(operation: str, time: str, status: str = "", extra: Any = None, **more: str) -> dict[str, Any]:
    path = "/subscriptions/x/providers/Microsoft.SecurityInsights/dataConnectors/Ours"
    row = {"TimeGenerated": time, "OperationName": f"Data fetch {operation}", "Status": status}
    return {**row, "SentinelResourceId": path, "SentinelResourceName": "Amazon", "ExtendedProperties": extra, **more}


SUMMARY = {"FailureSummary": [{"StatusCode": 403, "StatusMessage": "Denied"}, {"StatusCode": "x"}]}
HEALTH: dict[str, tuple[list[dict[str, Any]], Health]] = {
    "success": ([said("status change", "1", "Success")], Health(failed=False, time="1")),
    "failure": ([said("status change", "1", "Failure", Description="Bad.")], Health(True, "1", "", "Bad.")),
    "the last word counts": (
        [said("status change", "2", "Success"), said("status change", "1", "Failure")],
        Health(failed=False, time="2"),
    ),
    "a reason": (
        [said("status change", "1", "Failure"), said("failure summary", "2", "", SUMMARY)],
        Health(True, "1", "403", "Denied"),
    ),
    "a reason as text": (
        [said("status change", "1", "Failure", '{"FailureSummary": "[{\\"StatusCode\\": \\"429\\"}]"}')],
        Health(True, "1", "429", ""),
    ),
    "a summary alone": ([said("failure summary", "2", "", SUMMARY)], Health(failed=False, time="2")),
    "nonsense": ([said("status change", "1", "Failure", "{nonsense")], Health(True, "1")),
}


@pytest.mark.parametrize(("rows", "expected"), HEALTH.values(), ids=HEALTH)
def test_the_last_word_on_a_connector(rows: list[dict[str, Any]], expected: Health) -> None:
    assert health(rows) == {"ours": expected}


def raw(name: str, state: str = "Enabled", kind: str = KIND, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "properties": {"dataTypes": {"logs": {"state": state}}, **more}}


def test_of_several_connectors_an_enabled_one_counts() -> None:
    off, on = raw("off", "Disabled", awsRoleArn=ARN), raw("on", awsRoleArn=ARN)
    assert links([off, on]).own[ACCOUNT].name == links([on, off]).own[ACCOUNT].name == "on"


@pytest.mark.parametrize(
    ("table", "state", "shared"),
    [("AWSCloudTrail", "Enabled", True), ("AWSCloudTrail", "Disabled", False), ("AWSVPCFlow", "Enabled", False)],
)
def test_a_connector_of_s3_may_bring_the_events_of_any_account(table: str, state: str, shared: bool) -> None:
    found = links([raw("s3", state, "AmazonWebServicesS3", destinationTable=table), {"kind": "Office365"}])
    assert found == Links({}, shared)


@pytest.mark.parametrize("wait", [0, 1, 60, 1800, 86400])
def test_pauses_are_long_enough_and_not_too_long(wait: float) -> None:
    first, *others = islice(pauses(wait), 5)
    assert 1 <= first <= 300
    assert all(1 <= pause <= 120 for pause in others)
    assert next(pauses(1800)) == 300


@pytest.mark.parametrize(
    ("text", "length"), [("7d", 604800), ("36h", 129600), ("90m", 5400), ("5s", 5), ("5", 5), ("0", 0)]
)
def test_a_duration(text: str, length: int) -> None:
    assert seconds(text, "wait") == length


@pytest.mark.parametrize("text", ["", "d", "-1", "1.5h", "1 h", "7D", "1w", "99999999", "٣d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(SentinelError, match=r"Cannot use wait .* of host x: it must be "):
        seconds(text, "wait", "host x")


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
def test_a_duration_in_words(length: float, text: str) -> None:
    assert format_duration(length) == text


@given(st.integers(min_value=0, max_value=10**9))
def test_every_duration_has_words(length: int) -> None:
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
def test_a_failure_is_explained(code: str, message: str, words: str) -> None:
    assert explained(code, message).startswith(f"Microsoft Sentinel cannot fetch events {words}")


def test_the_documentation_has_the_table_of_failures() -> None:
    text = (Path(__file__).parents[3] / "docs/verification.md").read_text(encoding="utf-8")
    for code, failure in FAILURES.items():
        assert f"| `{code}` | {failure.meaning} | {failure.advice} |" in text
