# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure part of the inspection of an S3 source: selectors, objects, counters, keys, and the conclusion."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import CHECKS, CODES, finding
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3 import (
    inspection,
    key,
    links,
    objects,
    options,
    permissions,
    producers,
    traffic,
    trail_status,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.inspection import LINKS, Inspection
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.objects import Folder, Object, Objects
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import (
    TABLE_FOLDERS,
    S3SourceSpec,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.trail import Trail
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.trail_status import (
    EventSelectors,
    TrailState,
    TrailStatus,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.session_policy import session_policy

from .s3 import ACCOUNT, WORKSPACE
from .test_s3_permissions import OPTIONS

SPEC = S3SourceSpec(ACCOUNT, "eu-west-1", "logs", "AWSLogs/o-abc1234567/", WORKSPACE, "logs", suffix=".gz")
DAYS = ["2026/11/28", "2026/11/27"]
MANAGEMENT = {"Field": "eventCategory", "Equals": ["Management"]}
DATA = {"Field": "eventCategory", "Equals": ["Data"]}
READS = {"Field": "readOnly", "Equals": ["true"]}
WRITES = {"Field": "readOnly", "Equals": ["false"]}
WITHOUT_KMS = {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}
NOW = 1_800_000_000.0


def codes(found: Any) -> set[str]:
    return {one.code for one in found}


# --- selectors ---


@pytest.mark.parametrize(
    ("selectors", "omits"),
    [
        ([], False),
        ([{}], False),
        ([{"ReadWriteType": "All", "IncludeManagementEvents": True}], False),
        ([{"ReadWriteType": "ReadOnly"}, {"ReadWriteType": "WriteOnly"}], False),
        ([{"ReadWriteType": "ReadOnly"}], True),
        ([{"ReadWriteType": "WriteOnly"}], True),
        ([{"IncludeManagementEvents": False}], True),
        ([{"ExcludeManagementEventSources": ["kms.amazonaws.com"]}], True),
        ([{"ExcludeManagementEventSources": ["kms.amazonaws.com"]}, {}], False),
    ],
)
def test_what_basic_selectors_omit(selectors: list[dict[str, Any]], omits: bool) -> None:
    assert bool(trail_status.omitted_events(EventSelectors(basic=tuple(selectors)))) is omits


@pytest.mark.parametrize(
    ("selectors", "omits"),
    [
        ([[MANAGEMENT]], False),
        ([[MANAGEMENT], [DATA]], False),
        ([[MANAGEMENT, READS], [MANAGEMENT, WRITES]], False),
        ([[MANAGEMENT, READS], [MANAGEMENT]], False),
        ([[DATA]], True),
        ([[MANAGEMENT, READS]], True),
        ([[MANAGEMENT, WITHOUT_KMS]], True),
        ([[]], True),
    ],
)
def test_what_advanced_selectors_omit(selectors: list[list[Any]], omits: bool) -> None:
    given = tuple({"FieldSelectors": one} for one in selectors)
    assert bool(trail_status.omitted_events(EventSelectors(advanced=given))) is omits


# --- trails ---


def state(**changed: Any) -> TrailState:
    trail = Trail("arn:aws:cloudtrail:eu-west-1:123456789012:trail/one", "logs", "", True, "", True, "eu-west-1")
    return TrailState(trail, TrailStatus(is_logging=True), EventSelectors())._replace(**changed)


@pytest.mark.parametrize(
    ("states", "wanted"),
    [
        ([state()], set()),
        ([state(status=None, selectors=None)], set()),
        ([state(status=TrailStatus(is_logging=False))], {"delivery_trail_stopped"}),
        ([state(status=TrailStatus(is_logging=False)), state()], set()),
        ([state(status=TrailStatus(True, error="AccessDenied"))], {"delivery_trail_failed"}),
        ([state(selectors=EventSelectors(basic=({"ReadWriteType": "ReadOnly"},))), state()], set()),
    ],
)
def test_what_one_trail_lacks_another_may_have(states: list[TrailState], wanted: set[str]) -> None:
    assert codes(trail_status.findings(states, serves_organization=True)) == wanted


@pytest.mark.parametrize(
    ("trail", "prefix", "may"),
    [
        (Trail("a", "logs", "", True), "AWSLogs/o-abc1234567/", True),
        (Trail("a", "logs", "", True), "AWSLogs/", True),
        (Trail("a", "logs", "", True), "", True),
        (Trail("a", "logs", "", True), f"AWSLogs/{ACCOUNT}/CloudTrail/", False),
        (Trail("a", "logs", "p", True), "AWSLogs/", False),
        (Trail(f"arn:aws:cloudtrail:r:{ACCOUNT}:trail/x", "logs"), f"AWSLogs/{ACCOUNT}/CloudTrail/", True),
        (Trail(f"arn:aws:cloudtrail:r:{ACCOUNT}:trail/x", "logs"), "AWSLogs/o-abc1234567/", False),
    ],
)
def test_which_trail_may_deliver_with_a_prefix(trail: Trail, prefix: str, may: bool) -> None:
    assert trail.may_deliver(prefix) is may


@pytest.mark.parametrize(("seconds", "is_new"), [(60, True), (7200, False)])
def test_a_trail_is_new_for_an_hour(seconds: float, is_new: bool) -> None:
    assert trail_status.is_new([state(status=TrailStatus(True, NOW - seconds))], NOW) is is_new


# --- objects ---


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({}, f"AWSLogs/o-abc1234567/{ACCOUNT}/CloudTrail/eu-west-1/2026/11/28/"),
        ({"account_ids": ("444444444444",)}, "AWSLogs/o-abc1234567/444444444444/CloudTrail/eu-west-1/2026/11/28/"),
        ({"prefix": "AWSLogs/4/CloudTrail/"}, "AWSLogs/4/CloudTrail/eu-west-1/2026/11/28/"),
        ({"table": "AWSCloudWatch"}, ""),
    ],
)
def test_where_the_objects_of_a_day_are(changed: dict[str, Any], wanted: str) -> None:
    assert next(objects.day_folders(replace(SPEC, **changed), DAYS), "") == wanted


@pytest.mark.parametrize(
    ("folders", "wanted"),
    [
        ((), ""),
        (("CloudTrail-Digest/", "CloudTrail/", "Config/"), "CloudTrail/"),
        (("111111111111/", f"{ACCOUNT}/", "999999999999/"), f"{ACCOUNT}/"),
        (("ap-south-1/", "eu-west-1/", "us-east-1/"), "eu-west-1/"),
        (("2025/", "2026/"), "2026/"),
        (("09/", "10/"), "10/"),
        (("a/", "b/"), "b/"),
    ],
)
def test_the_way_to_the_newest_objects(folders: tuple[str, ...], wanted: str) -> None:
    assert objects.next_folder(SPEC, Folder(folders), DAYS) == wanted


@pytest.mark.parametrize(
    ("age", "key_name", "changed", "wanted"),
    [
        (300, "x.json.gz", {}, set()),
        (90_000, "x.json.gz", {}, {"delivery_objects_missing"}),
        (90_000, "x.json.gz", {"table": "AWSGuardDuty"}, set()),
        (300, "x.parquet", {}, {"notification_suffix"}),
        (None, "", {}, {"delivery_objects_missing"}),
        (None, "", {"table": "AWSCloudWatch"}, set()),
    ],
)
def test_objects_have_to_be_new(age: float | None, key_name: str, changed: Any, wanted: set[str]) -> None:
    found = Objects(() if age is None else (Object(key_name, NOW - age),), NOW)
    spec = replace(SPEC, **changed)
    assert codes(objects.findings(spec, found, is_new=False)) == wanted
    assert codes(objects.findings(spec, found, is_new=True)) == wanted - {"delivery_objects_missing"}


# --- counters ---


@pytest.mark.parametrize(
    ("counts", "arrive", "wanted"),
    [
        (None, True, set()),
        ((9, 9, 9, 60), True, set()),
        ((0, 0, 0, 0), False, set()),
        ((0, 0, 0, 0), True, {"queue_unused"}),
        ((9, 0, 0, 60), True, {"connector_receives_nothing"}),
        ((9, 9, 0, 60), True, {"connector_deletes_nothing"}),
        ((0, 9, 9, 3601), False, {"queue_backlog"}),
    ],
)
def test_what_counters_show(counts: tuple[int, int, int, int] | None, arrive: bool, wanted: set[str]) -> None:
    found = traffic.Traffic(counts=traffic.Counts(*counts) if counts else None)
    assert codes(traffic.findings("logs", found, objects_arrive=arrive)) == wanted


def test_dead_letters_are_a_finding() -> None:
    assert codes(traffic.findings("logs", traffic.Traffic(dead_letters=1), objects_arrive=False)) == {
        "queue_dead_letters"
    }


def test_unknown_counters_are_shown_as_unknown() -> None:
    assert set(traffic.show(traffic.Traffic()).values()) == {None}


# --- keys ---

ARN = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"


def allowing(principal: Any, *actions: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": list(actions), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize(
    ("document", "may"),
    [
        (allowing({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "kms:*"), True),
        (allowing({"AWS": SPEC.role_arn}, "kms:Decrypt"), True),
        (allowing({"AWS": "*"}, "kms:Decrypt"), True),
        (allowing({"AWS": SPEC.role_arn}, "kms:DescribeKey"), False),
        (allowing({"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}, "kms:Decrypt"), False),
        (allowing({"Service": "cloudtrail.amazonaws.com"}, "kms:*"), False),
        (None, True),
    ],
)
def test_who_may_decrypt(document: Any, may: bool) -> None:
    found = key.object_findings(replace(SPEC, kms_key_arns=(ARN,)), [key.Key(ARN, policy=document)])
    assert codes(found) == (set() if may else {"permission_key_policy"})


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (key.Key(ARN, policy=allowing({"Service": "s3.amazonaws.com"}, "kms:GenerateDataKey*", "kms:Decrypt")), set()),
        (key.Key(ARN, policy=allowing({"Service": "s3.amazonaws.com"}, "kms:Decrypt")), {"queue_key"}),
        (key.Key(ARN, policy=allowing({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "kms:*")), {"queue_key"}),
        (key.Key(ARN, is_enabled=False), {"queue_key"}),
        (key.Key(ARN), set()),
    ],
)
def test_s3_may_use_the_key_of_the_queue(found: key.Key, wanted: set[str]) -> None:
    assert codes(key.queue_findings(SPEC, found)) == wanted


# --- producers, Regions ---


@pytest.mark.parametrize(
    ("destination", "prefix", "delivers"),
    [
        ("arn:aws:s3:::logs", "AWSLogs/", True),
        ("arn:aws:s3:::logs/", "AWSLogs/1/vpcflowlogs/", True),
        ("arn:aws:s3:::logs/flows/", "flows/", True),
        ("arn:aws:s3:::logs/flows", "flows/AWSLogs/", True),
        ("arn:aws:s3:::logs/other/", "flows/", False),
        ("arn:aws:s3:::logs2", "AWSLogs/", False),
    ],
)
def test_where_a_producer_writes(destination: str, prefix: str, delivers: bool) -> None:
    assert producers.delivers(replace(SPEC, prefix=prefix), destination) is delivers


@pytest.mark.parametrize(
    ("region", "needs"),
    [("us-east-1", False), ("eu-west-1", False), ("me-south-1", True), ("us-gov-west-1", False), ("cn-north-1", False)],
)
def test_which_regions_need_new_tokens(region: str, needs: bool) -> None:
    assert links.needs_new_tokens(region) is needs


# --- the conclusion ---


def test_every_finding_that_breaks_a_source_is_about_a_link() -> None:
    assert LINKS.keys() <= CHECKS.keys()
    breaking = {one.check for one in CODES.values() if one.breaking}
    assert breaking <= LINKS.keys()


def test_the_first_broken_link_is_named() -> None:
    found = Inspection("AWSCloudTrail", "logs")
    assert (found.broken_link, found.message) == ("", "")
    found.findings = [finding("connector_missing", "C."), finding("queue_settings", "S.")]
    assert found.broken_link == "connector"
    found.findings.append(finding("notification_missing", "N."))
    assert found.broken_link == "notification"
    assert found.message.endswith("N.")


@pytest.mark.parametrize("arrive", [False, True])
def test_that_objects_arrive_is_said_only_if_they_were_seen(arrive: bool) -> None:
    found = Inspection("AWSCloudTrail", "logs", findings=[finding("notification_missing", "N.")])
    found.objects = Objects((Object("x.gz", NOW),) if arrive else (), NOW)
    assert found.message.startswith("Objects arrive") is arrive


@pytest.mark.parametrize("topic", [{}, {"topic_arn": f"arn:aws-us-gov:sns:us-gov-west-1:{ACCOUNT}:{'t' * 256}"}])
@pytest.mark.parametrize("table", TABLE_FOLDERS)
def test_the_session_fits_with_the_longest_names(table: str, topic: dict[str, str]) -> None:
    account = parse({"account_id": ACCOUNT, "sources": [{**OPTIONS, "table": table, **topic}]}, "")
    [source] = account.sources
    spec = options.pattern(account, source, "aws-us-gov")
    assert len(session_policy([*permissions.read(spec), *inspection.statements(spec)])) <= 2048
