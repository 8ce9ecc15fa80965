# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each ingestion status from raw rows and executed KQL: an account is receiving only where rows prove it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulators import events
from tests.emulators.client import Emulators
from tests.emulators.s3_connection import S3Connection

from .test_ingestion_info import ONE, THREE, TWO, arrived, connect, ingestion_info, statuses

EVENTS, HEALTH = "AWSCloudTrail", "SentinelHealth"
S3 = S3Connection()


def add_s3(cloud: Emulators, name: str = "s3") -> None:
    cloud.seed_connector({**S3.connector(), "name": name})


def add_second(cloud: Emulators, account: str) -> None:
    arn = f"arn:aws:iam::{account}:role/Second"
    properties = {"awsRoleArn": arn, "dataTypes": {"logs": {"state": "Enabled"}}}
    cloud.seed_connector({"name": f"second-{account}", "kind": "AmazonWebServicesCloudTrail", "properties": properties})


def expected(result: dict[str, Any], account: str) -> tuple[str, bool]:
    one = result["accounts"][account]
    return one["ingestion_status"], one["as_expected"]


def test_a_connector_that_is_off_is_not_connected_whatever_else_fills_the_table(here: Emulators) -> None:
    add_s3(here)
    connect(here, ONE, state="Disabled")
    arrived(here, {ONE: 0.1, TWO: 0.1})
    assert statuses(ingestion_info()) == {ONE: "not_connected", TWO: "receiving"}


def test_without_a_connector_of_its_own_only_events_that_are_not_stale_count(here: Emulators) -> None:
    add_s3(here)
    arrived(here, {ONE: 0.1, TWO: 9})
    accounts = [ONE, TWO, THREE]
    result = ingestion_info(account_ids=accounts, allow_silent_account_ids=accounts)
    assert [expected(result, account) for account in accounts] == [
        ("receiving", True),
        ("not_connected", False),
        ("not_connected", False),
    ]
    assert "last event arrived 9 h ago" in result["accounts"][TWO]["message"]


def test_events_become_stale_and_silent_with_the_time(here: Emulators) -> None:
    connect(here, ONE)
    arrived(here, {ONE: 0.1})
    seen = []
    for hours in (0, 5, 2, 24 * 7):
        here.move_clock(hours=hours)
        result = ingestion_info()
        seen.append((statuses(result)[ONE], result["accounts"][ONE]["age_seconds"]))
    assert [name for name, _age in seen] == ["receiving", "receiving", "stale", "silent"]
    assert seen[2][1] == pytest.approx(7.1 * 3600, abs=120)
    assert seen[3][1] is None


@pytest.mark.parametrize(
    ("ingested", "status"),
    [(0.1, "receiving"), (9, "stale"), (-0.05, "receiving"), (-1, "unknown"), (-9999, "unknown")],
)
def test_events_of_the_future_prove_nothing(here: Emulators, ingested: float, status: str) -> None:
    """`TimeGenerated` may be any time; what counts is when the event was ingested, which no event can choose."""
    connect(here, ONE, TWO)
    future = {**events.cloudtrail(ONE, -72), "ingestion_time()": events.ago(ingested)}
    here.put_rows(EVENTS, [future, events.cloudtrail(TWO)])
    result = ingestion_info(allow_silent_account_ids=[ONE])
    assert statuses(result) == {ONE: status, TWO: "receiving"}
    assert result["accounts"][ONE]["as_expected"] == (status in ("receiving", "stale"))


def test_the_account_is_the_recipient_else_the_identity(here: Emulators) -> None:
    connect(here, ONE, TWO, THREE)
    here.put_rows(
        EVENTS,
        [
            events.cloudtrail(ONE, RecipientAccountId="", AWSRegion="eu-west-1"),
            events.cloudtrail(THREE, RecipientAccountId=TWO, AWSRegion=""),
            events.cloudtrail("", UserIdentityAccountId="unknown", RecipientAccountId=None),
        ],
    )
    result = ingestion_info()
    assert statuses(result) == {ONE: "receiving", TWO: "receiving", THREE: "silent"}
    assert [result["accounts"][account]["regions"] for account in (ONE, TWO)] == [["eu-west-1"], []]


@pytest.mark.parametrize("failing", ["c", "second"])
def test_the_worst_of_several_healths_counts(here: Emulators, failing: str) -> None:
    connect(here, ONE)
    add_second(here, ONE)
    arrived(here, {ONE: 0.1})
    here.put_rows(
        HEALTH,
        [events.status_change(f"{one}-{ONE}", "Failure" if one == failing else "Success") for one in ("c", "second")],
    )
    result = ingestion_info()
    assert statuses(result) == {ONE: "unhealthy"}
    assert result["accounts"][ONE]["connector_id"].endswith(f"/{failing}-{ONE}")
    assert result["accounts"][ONE]["health"]["failed"] is True


def test_accounts_without_a_connector_are_unhealthy_once_all_s3_connectors_fail(here: Emulators) -> None:
    add_s3(here)
    here.seed_connector({**S3.connector(sqsUrls=["https://sqs.us-east-1.amazonaws.com/555555555555/b"]), "name": "b"})
    connect(here, TWO)
    arrived(here, {ONE: 0.1, TWO: 0.1})
    kind = {"SentinelResourceKind": "AmazonWebServicesS3"}
    here.put_rows(HEALTH, [events.status_change("s3", "Failure", 2, **kind)])
    assert statuses(ingestion_info()) == {ONE: "receiving", TWO: "receiving"}
    reason = events.failure_summary("b", events.failure("S3B40012", "The queue is gone."), 1, **kind)
    here.put_rows(HEALTH, [events.status_change("b", "Failure", 1, **kind), reason])
    assert statuses(ingestion_info()) == {ONE: "unhealthy", TWO: "receiving"}


@pytest.mark.parametrize(
    ("summary", "reason"),
    [
        ([{"StatusCode": "429", "StatusMessage": "Slow."}], "429"),
        ({"StatusCode": "429", "StatusMessage": "Slow."}, "429"),
        ('[{"StatusCode": "429", "StatusMessage": "Slow."}]', "429"),
        (429, ""),
        ([429], ""),
        ("Slow.", ""),
        (None, ""),
        ({"StatusCode": [429]}, "[429]"),
    ],
)
def test_an_odd_failure_summary_costs_its_own_account_only(here: Emulators, summary: Any, reason: str) -> None:
    connect(here, ONE, TWO, THREE)
    arrived(here, {ONE: 0.1, TWO: 0.1, THREE: 0.1})
    here.put_rows(
        HEALTH,
        [
            events.status_change(f"c-{ONE}", "Failure"),
            events.failure_summary(f"c-{ONE}", summary),
            events.status_change(f"c-{TWO}", "Failure"),
            events.failure_summary(f"c-{TWO}", events.failure("NoSuchEntity", "No role.")),
        ],
    )
    result = ingestion_info()
    assert statuses(result) == {ONE: "unhealthy", TWO: "unhealthy", THREE: "receiving"}
    assert [result["accounts"][account]["health"]["reason"] for account in (ONE, TWO)] == [reason, "NoSuchEntity"]
    assert result["notes"] == []


def test_a_later_success_ends_a_failure(here: Emulators) -> None:
    connect(here, ONE)
    arrived(here, {ONE: 0.1})
    here.put_rows(HEALTH, [events.status_change(f"c-{ONE}", "Failure", 3)])
    assert statuses(ingestion_info()) == {ONE: "unhealthy"}
    here.put_rows(HEALTH, [events.status_change(f"c-{ONE}", "Success", 1)])
    assert statuses(ingestion_info()) == {ONE: "receiving"}
    here.put_rows(HEALTH, [events.status_change(f"c-{ONE}", "Failure", SentinelResourceKind="Office365")])
    assert statuses(ingestion_info()) == {ONE: "receiving"}
