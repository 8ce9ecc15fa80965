# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a report for other programs, read by the parsers of these programs: OpenMetrics and OCSF."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from prometheus_client import parser
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.docs_links import finding_url
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import CODES
from tests.unit.report import reports
from tests.unit.report.test_report import NASTY, account, found, text, written

PREFIX = "trailbridge_sentinel_"
RUN = {"playbook": "drift", "check_mode": "true", "workspace": "sentinel"}
EVENTS = {"ingestion_status": "receiving", "last_event": "2026-11-22T01:30:00.1234567Z", "events": 7, "regions": []}
SILENT = {"ingestion_status": "silent", "message": "No event since yesterday.", "last_event": None, "events": 0}


def metrics(folder: Path) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    """The samples of the file by metric and labels; both formats of Prometheus must read it, and read the same."""
    content = text(folder, "report.prom")
    families = list(parse_openmetrics(content))
    assert [(one.name, one.type, one.samples) for one in families] == [
        (one.name, one.type, one.samples) for one in parser.text_string_to_metric_families(content)
    ]
    assert all(one.type == "gauge" and one.documentation and one.name.startswith(PREFIX) for one in families)
    assert all(sample.timestamp is None for one in families for sample in one.samples)
    return {
        one.name.removeprefix(PREFIX): {frozenset(sample.labels.items()): sample.value for sample in one.samples}
        for one in families
    }


def value(samples: Mapping[frozenset[tuple[str, str]], float], **labels: str) -> float:
    """The sum of the samples that have these labels."""
    return sum(number for having, number in samples.items() if having >= set(labels.items()))


@cache
def validator() -> jsonschema.Draft202012Validator:
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.8.0")).get_class_schema("compliance_finding", ["cloud"])
    return jsonschema.Draft202012Validator(schema)


def events(folder: Path) -> list[dict[str, Any]]:
    """The events of the file; each must be valid, and have no attribute that its class does not know."""
    found = [json.loads(line) for line in text(folder, "report.ocsf.jsonl").splitlines()]
    for event in found:
        validator().validate(event)
    return found


# OpenMetrics


def test_accounts_are_counted_by_status_and_source(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        account(sources=["cloudtrail"]),
        account(account_id="222222222222", sources=["cloudtrail"], status="changed"),
        account(account_id="333333333333", sources=["cloudtrail", "s3"], status="failed"),
        account(account_id="444444444444", sources=[], status="skipped"),
        account(account_id="555555555555"),
    )
    samples = metrics(folder)["accounts"]
    assert all(labels >= set(RUN.items()) for labels in samples)
    assert sum(samples.values()) == 5
    assert value(samples, status="ok", source="cloudtrail") == 1
    assert value(samples, status="changed", source="cloudtrail") == 1
    assert value(samples, status="failed", source="cloudtrail,s3") == 1
    assert value(samples, status="skipped", source="none") == 1
    assert value(samples, status="ok", source="unknown") == 1, "an account of a report of an earlier release"
    assert samples[frozenset({**RUN, "status": "failed", "source": "cloudtrail"}.items())] == 0, "alerts compare it"


def test_findings_are_counted_by_severity_and_by_what_became_of_them(tmp_path: Path) -> None:
    rows = [
        account(findings=[found("role_tags", repaired=True), found("trust_anyone")]),
        account(account_id="222222222222", findings=[{**found("role_path"), "accepted": "A known path."}]),
    ]
    samples = metrics(written(tmp_path, *rows, check_mode=False))["findings"]
    assert sum(samples.values()) == 3
    assert value(samples, severity="low", state="repaired", security="false") == 1
    assert value(samples, severity="critical", state="open", security="true") == 1
    assert value(samples, severity="low", state="accepted") == 1
    assert {dict(labels)["severity"] for labels in samples} == {"critical", "high", "medium", "low"}
    preview = metrics(written(tmp_path, *rows))["findings"]
    assert (value(preview, state="open"), value(preview, state="repaired")) == (2, 0)


def test_the_times_of_the_run_and_of_the_last_events_are_seconds(tmp_path: Path) -> None:
    rows = [
        account(ingestion=EVENTS),
        account(account_id="222222222222", ingestion=SILENT),
        account(account_id="333333333333", ingestion={**EVENTS, "last_event": "yesterday"}),
    ]
    read = metrics(written(tmp_path, *rows, playbook="verify", check_mode=False))
    assert list(read["run_timestamp_seconds"].values()) == [1795312864]
    assert list(read["run_duration_seconds"].values()) == [64]
    [(labels, last)] = read["last_event_timestamp_seconds"].items()
    assert last == pytest.approx(1795311000.123456)
    assert {"account_id", "account"} == dict(labels).keys() - RUN.keys()
    assert value(read["ingestion_accounts"], ingestion_status="receiving") == 2
    assert value(read["ingestion_accounts"], ingestion_status="silent") == 1


def test_what_a_run_did_not_check_has_no_metric(tmp_path: Path) -> None:
    read = metrics(written(tmp_path, account()))
    assert not read.keys() & {"ingestion_accounts", "last_event_timestamp_seconds", "organization_accounts"}
    assert metrics(written(tmp_path / "none", playbook="departed"))["run_timestamp_seconds"]


def test_the_labels_of_metrics_hold_any_name(tmp_path: Path) -> None:
    hostile = f'{NASTY}"}} 1\n# EOF\\'
    row = account(host=hostile, status="failed", error={"class": hostile, "message": "x"}, ingestion=EVENTS)
    content = metrics(written(tmp_path, row, workspaces=[hostile]))
    assert len(content["last_event_timestamp_seconds"]) == len(content["failed_accounts"]) == 1


def test_metrics_of_a_large_run_are_read_by_both_formats(tmp_path: Path) -> None:
    header, rows = reports.run(300)
    read = metrics(written(tmp_path, *rows, **header))
    assert sum(read["accounts"].values()) == 300
    assert list(read["organization_accounts"].values()) == [header["organization"]["accounts"]]


# OCSF


def test_each_finding_is_a_valid_compliance_finding(tmp_path: Path) -> None:
    header, rows = reports.run(300)
    read = events(written(tmp_path, *rows, **header))
    assert len(read) >= sum(len(row["findings"]) + ("error" in row) for row in rows)
    assert {event["cloud"]["account"]["uid"] for event in read} <= {row["account_id"] for row in rows}
    assert len({event["finding_info"]["uid"] for event in read}) == len(read)


def test_each_code_has_an_event(tmp_path: Path) -> None:
    read = events(written(tmp_path, account(findings=[found(code, f"The sentence of {code}.") for code in CODES])))
    for code, event in zip(CODES, read, strict=True):
        assert event["compliance"]["control"] == code
        assert event["severity"].lower() == CODES[code].severity
        assert event["message"] == f"The sentence of {code}."
        assert event["finding_info"]["title"] == CODES[code].summary
        assert event["remediation"]["references"] == [finding_url(code)]


@pytest.mark.parametrize(
    ("finding", "check_mode", "expected"),
    [
        (found("role_tags"), False, ("Create", "New", "Fail")),
        (found("role_tags", repaired=True), True, ("Create", "New", "Fail")),
        (found("role_tags", repaired=True), False, ("Close", "Resolved", "Pass")),
        ({**found("role_tags"), "accepted": "Known."}, False, ("Create", "Suppressed", "Fail")),
        (found("role_session_long"), False, ("Create", "New", "Warning")),
    ],
)
def test_what_became_of_a_finding_is_its_status(
    finding: dict[str, Any], check_mode: bool, expected: tuple[str, ...], tmp_path: Path
) -> None:
    [event] = events(written(tmp_path, account(findings=[finding]), check_mode=check_mode))
    assert (event["activity_name"], event["status"], event["compliance"]["status"]) == expected


def test_an_account_that_could_not_be_read_is_unknown_and_not_passed(tmp_path: Path) -> None:
    error = {"class": "assume_denied", "message": "Cannot assume the role."}
    failed = account(status="failed", error=error, resources=[])
    skipped = account(account_id="222222222222", status="skipped")
    read = events(written(tmp_path, failed, skipped))
    assert [event["compliance"]["status"] for event in read] == ["Unknown", "Unknown"]
    assert read[0]["compliance"]["control"] == "assume_denied"
    assert read[0]["resources"] == [{"uid": "111111111111", "name": "payments", "type": "AWS Account"}]


def test_hosts_without_an_account_are_told_apart_by_their_names(tmp_path: Path) -> None:
    error = {"class": "bad_input", "message": "Cannot work on a host without an id."}
    rows = [account(account_id="", host=host, status="failed", error=error, resources=[]) for host in ("a", "b")]
    named = account(account_name="Team Pay", status="failed", error=error, resources=[])
    read = events(written(tmp_path, *rows, named, playbook="preflight", check_mode=False))
    assert len({event["finding_info"]["uid"] for event in read}) == 3
    aws = {"type_id": 10, "type": "AWS Account"}
    assert [event["cloud"]["account"] for event in read[:2]] == [{"name": host, **aws} for host in ("a", "b")]
    assert read[2]["cloud"]["account"] == {"uid": "111111111111", "name": "Team Pay", **aws}
    assert read[0]["resources"] == [{"name": "a", "type": "AWS Account"}]


def test_events_that_do_not_arrive_are_an_event(tmp_path: Path) -> None:
    rows = [
        account(ingestion=EVENTS),
        account(account_id="222222222222", ingestion=SILENT),
        account(account_id="333333333333", ingestion={**SILENT, "as_expected": True}),
        account(account_id="344444444444", ingestion={**EVENTS, "as_expected": False}),
        account(account_id="444444444444", ingestion={**SILENT, "ingestion_status": "unknown"}),
        account(account_id="555555555555", ingestion={**SILENT, "ingestion_status": "of a later release"}),
    ]
    read = events(written(tmp_path, *rows, playbook="verify"))
    shown = [
        (one["cloud"]["account"]["uid"], one["compliance"]["control"], one["compliance"]["status"]) for one in read
    ]
    assert shown == [
        ("222222222222", "silent", "Fail"),
        ("344444444444", "no_canary", "Fail"),
        ("444444444444", "unknown", "Unknown"),
        ("555555555555", "of a later release", "Unknown"),
    ]


def test_a_finding_keeps_its_id_from_run_to_run(tmp_path: Path) -> None:
    row = account(findings=[found("role_tags", "One."), found("role_tags", "Two.")])
    first = events(written(tmp_path, row))
    later = events(written(tmp_path, row, started="2026-11-23T02:00:00+00:00", finished="2026-11-23T02:00:00+00:00"))
    ids = [[event["finding_info"]["uid"] for event in run] for run in (first, later)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2
    assert first[0]["time"] < later[0]["time"]


def test_the_names_of_an_event_are_those_of_its_numbers(tmp_path: Path) -> None:
    header, rows = reports.run(100)
    schema = get_ocsf_schema("1.8.0")
    attributes = schema["classes"]["compliance_finding"]["attributes"]
    for event in events(written(tmp_path, *rows, **{**header, "check_mode": False})):
        for number, name in (("activity_id", "activity_name"), ("severity_id", "severity"), ("status_id", "status")):
            assert attributes[number]["enum"][str(event[number])]["caption"] == event[name]
        compliance = event["compliance"]
        statuses = schema["objects"]["compliance"]["attributes"]["status_id"]["enum"]
        assert statuses[str(compliance["status_id"])]["caption"] == compliance["status"]
        types = schema["objects"]["account"]["attributes"]["type_id"]["enum"]
        assert types[str(event["cloud"]["account"]["type_id"])]["caption"] == event["cloud"]["account"]["type"]
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]


def test_events_hold_any_text(tmp_path: Path) -> None:
    row = account(host=NASTY, ou=NASTY, findings=[found("role_tags", NASTY)])
    content = text(written(tmp_path, row), "report.ocsf.jsonl")
    assert content.isascii()
    assert content.count("\n") == 1
