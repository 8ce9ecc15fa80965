# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a verification: what leads, and what is never good; the sentence and the next steps of every run."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.console.recap import TaskRecap
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.console.style import style_of
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion import ingestion as model
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.ingestion import (
    IngestionStatus,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.report import headline, report
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.report.statistics import Statistics
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.verify import ingestion, results
from tests.unit.report import reports

from .test_report import HEADER, account, cards, embedded, found, text, written

WATCHED = {"account_id": "111111111111", "resource_group": "security", "workspace": "sentinel"}
NOW = datetime(2026, 11, 22, 2, 0, 0, tzinfo=UTC)
VERIFY = {"playbook": "verify", "check_mode": False}
STATUSES = ("receiving", "stale", "silent", "unhealthy", "not_connected", "unknown")


def ingested(status: str, number: int = 1, **values: Any) -> dict[str, Any]:
    events = {"ingestion_status": status, "as_expected": status == "receiving", "message": "", **values}
    return account(account_id=f"{number:012}", ingestion=events)


def spreadsheet(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text(folder, "report.csv").removeprefix("\ufeff"))))


def tiles(folder: Path) -> list[tuple[str, str]]:
    return re.findall(r"<strong>([\d,]+)</strong> <span>([^<]+)</span>", text(folder, "report.html"))


def test_the_page_of_a_verification_leads_with_receiving_silent_and_unhealthy(tmp_path: Path) -> None:
    statuses = ["receiving"] * 6 + ["silent"] * 2 + ["stale"]
    folder = written(tmp_path, *[ingested(status, number) for number, status in enumerate(statuses)], **VERIFY)
    assert tiles(folder) == [("6", "receiving"), ("2", "silent"), ("0", "unhealthy"), ("1", "stale"), ("9", "in scope")]
    assert cards(folder) == {"h-next", "h-numbers", "h-events", "h-heat", "h-accounts"}
    names = re.findall(r"^\| ([a-z ]+) \| \d+ \|$", text(folder, "report.md"), re.MULTILINE)
    assert names[:3] == ["receiving", "silent", "unhealthy"]


@pytest.mark.parametrize(
    "events",
    [
        *({"status": status} for status in STATUSES if status != "receiving"),
        {"status": "receiving", "as_expected": False, "canary": False},
    ],
    ids=str,
)
def test_what_fails_the_run_is_good_in_no_file(tmp_path: Path, events: dict[str, Any]) -> None:
    row = ingested(**events)
    folder = written(tmp_path, row, ingested("receiving", 2), **VERIFY)
    suite = ET.fromstring(text(folder, "report.junit.xml"))[0]
    assert (suite.get("failures"), [child.tag for child in suite[0]]) == ("1", ["failure"])
    first, second = spreadsheet(folder)
    assert (first["attention"], second["attention"]) == ("yes", "no")
    status = "no_canary" if events["status"] == "receiving" else events["status"]
    assert (first["status"], second["status"]) == (status, "ok")
    assert (suite[0][0].get("type"), embedded(folder)["rows"][0]["label"]) == (status, status.replace("_", " "))
    shown, other = embedded(folder)["rows"]
    assert (shown["account_id"], shown["attention"], other["attention"]) == (row["account_id"], True, False)
    assert (shown["tone"] == "good", other["tone"]) == (False, "good")
    assert row["account_id"] in text(folder, "report.md")


def test_silent_accounts_that_may_be_silent_need_no_attention(tmp_path: Path) -> None:
    folder = written(tmp_path, ingested("silent", as_expected=True), **VERIFY)
    assert ("1", "silent allowed") in tiles(folder)
    assert "h-next" not in cards(folder)
    assert ET.fromstring(text(folder, "report.junit.xml"))[0].get("failures") == "0"


def test_event_region_health_and_the_broken_link_are_in_every_file(tmp_path: Path) -> None:
    row = ingested(
        "unhealthy",
        message="Microsoft Sentinel cannot fetch events (AccessDenied: Not authorized.).",
        last_event="2026-11-21T10:00:00+00:00",
        regions=["eu-west-1", "us-east-1"],
        health={"failed": True, "reason": "AccessDenied", "message": "Not authorized."},
        broken_link={"link": "queue", "message": "It does not exist."},
    )
    folder = written(tmp_path, row, **VERIFY)
    for name in ("report.html", "report.md", "report.json", "report.junit.xml", "report.csv"):
        content = text(folder, name).replace("\\", "")
        for part in ("2026-11-21", "10:00", "eu-west-1", "AccessDenied", "Not authorized.", "queue", "does not exist."):
            assert part in content, (name, part)


def test_an_account_that_could_not_be_checked_is_a_failure_by_class(tmp_path: Path) -> None:
    row = ingested("unknown") | {"status": "failed", "error": {"class": "transient", "message": "Cannot query."}}
    folder = written(tmp_path, row, ingested("receiving", 2), **VERIFY)
    assert "h-failures" in cards(folder)
    assert ET.fromstring(text(folder, "report.junit.xml"))[0].get("errors") == "1"
    assert [
        step.filter for step in headline.next_steps(HEADER | VERIFY, [row], Statistics(HEADER | VERIFY, [row]))
    ] == ["class=transient"]


@pytest.mark.parametrize("playbook", ["onboard", "drift", "offboard", "verify"])
def test_the_accounts_that_need_attention_are_the_same_in_all_files(tmp_path: Path, playbook: str) -> None:
    header, records = reports.run(120, playbook)
    statistics = Statistics(header, records)
    needed = statistics.numbers["attention"]
    folder = report.write(tmp_path, header, records)
    suite = ET.fromstring(text(folder, "report.junit.xml"))[0]
    assert int(suite.get("errors") or 0) + int(suite.get("failures") or 0) == needed
    assert sum(row["attention"] == "yes" for row in spreadsheet(folder)) == needed
    assert sum(row["attention"] for row in embedded(folder)["rows"]) == needed
    assert headline.problems(header, records, statistics).total() == needed


def is_good_by_output(folder: Path, status: IngestionStatus, error: SentinelError | None) -> dict[str, bool]:
    """Whether an account is good, by each output of the run that verified it."""
    item = ingestion.AccountIngestion(parse(WATCHED, "", host="pay", names="option"), error=error)
    item.ingestion_status = status
    item.shown = {**model.show_unknown(status), "ingestion_status": status.name}
    header, row = results.report_header([item], NOW, NOW), results.report_row(item)
    path = report.write(folder, header, [row])
    result = results.task_result([item], [], "drift", 0, verbose=False)
    recap = TaskRecap("fleet_ingestion_info", check_mode=False)
    recap.add({**result, "failed": False})
    suite, [shown] = ET.fromstring(text(path, "report.junit.xml"))[0], embedded(path)["rows"]
    [cells] = spreadsheet(path)
    assert (status.message in cells["messages"], status.message in shown["cells"]["details"]) == (True, True)
    return {
        "exit code": not (result["failures"] or result["failed_hosts"] or result.get("failed")),
        "line": style_of(results.status_lines([item], verbose=True)[0]) == "ok",
        "counts": style_of(results.summary_line([item])) == "ok",
        "recap": {style_of(line) for line in recap.lines(verbose=False)} == {"ok"},
        "JSON": json.loads(text(path, "report.json"))["numbers"]["attention"] == 0,
        "JUnit": (suite.get("errors"), suite.get("failures")) == ("0", "0"),
        "CSV": cells["attention"] == "no" and cells["status"] == "ok",
        "Markdown": "111111111111" not in text(path, "report.md"),
        "HTML": shown["tone"] == "good" and not shown["attention"],
        "OpenMetrics": not NOT_RECEIVING.search(text(path, "report.prom")),
        "OCSF": not text(path, "report.ocsf.jsonl"),
    }


# As the alert SentinelAccountsNotReceiving of examples/prometheus/alerts.yml selects them.
NOT_RECEIVING = re.compile(r'ingestion_accounts{.*ingestion_status="(?!receiving"|silent_allowed")\w+".*} [1-9]')
ERROR = SentinelError("assume_denied", "AWS denies to assume role Admin.")


@pytest.mark.parametrize(
    ("name", "as_expected", "error"),
    [
        *((name, False, error) for name in STATUSES for error in (None, ERROR)),
        *((name, True, None) for name in ("receiving", "stale", "silent", "unknown")),
    ],
)
def test_all_outputs_of_a_run_agree_on_what_is_good(
    tmp_path: Path, name: str, as_expected: bool, error: SentinelError | None
) -> None:
    message = "" if as_expected else "That is why."
    found = is_good_by_output(tmp_path, IngestionStatus(name, as_expected, message), error)
    assert found == dict.fromkeys(found, as_expected)


def test_why_the_canary_event_could_not_be_created_is_in_every_file_for_people(tmp_path: Path) -> None:
    status = IngestionStatus("receiving", as_expected=False, message="The canary event could not be created.")
    is_good_by_output(tmp_path, status, ERROR)
    [folder] = (path for path in tmp_path.iterdir() if path.is_dir() and not path.is_symlink())
    for name in ("report.json", "report.md", "report.junit.xml", "report.csv", "report.ocsf.jsonl"):
        assert "AWS denies to assume role Admin." in text(folder, name), name
    assert "AWS denies to assume role Admin." in embedded(folder)["rows"][0]["cells"]["details"]


FAILED = {"status": "failed", "error": {"class": "scp_denied", "message": "Cannot."}}


@pytest.mark.parametrize(
    ("header", "record", "problem", "filters"),
    [
        ({}, {}, None, []),
        ({}, FAILED, headline.FAILED, ["class=scp_denied"]),
        ({}, {"status": "changed", "findings": [found("role_tags")]}, headline.WOULD_CHANGE, ["show=changed"]),
        ({"check_mode": False}, {"findings": [found("role_path")]}, headline.OPEN_FINDINGS, ["code=role_path"]),
        ({"check_mode": False}, {"status": "changed", "findings": [found("role_tags", repaired=True)]}, None, []),
        ({"check_mode": False}, {"status": "skipped"}, headline.SKIPPED, ["show=skipped"]),
        (VERIFY, ingested("stale"), "stale", ["events=stale&show=open"]),
        (
            VERIFY,
            ingested("receiving", as_expected=False, canary=False),
            headline.NO_CANARY,
            ["events=no_canary&show=open"],
        ),
        (VERIFY, ingested("receiving", as_expected=False), headline.NO_CANARY, ["events=no_canary&show=open"]),
    ],
)
def test_each_problem_has_its_next_step(
    header: dict[str, Any], record: dict[str, Any], problem: str | None, filters: list[str]
) -> None:
    whole: Any = HEADER | header
    rows: Any = [account(**record)]
    statistics = Statistics(whole, rows)
    assert dict(headline.problems(whole, rows, statistics)) == ({problem: 1} if problem else {})
    steps = headline.next_steps(whole, rows, statistics)
    assert [step.filter for step in steps] == filters
    assert all(step.accounts == 1 and step.text for step in steps)


def test_every_status_that_is_not_expected_has_a_next_step() -> None:
    assert headline.STEPS.keys() == {*STATUSES, "no_canary", headline.NOT_CREATED} - {"receiving"}


@pytest.mark.parametrize(("more", "words"), [({"canary": False}, "a longer wait"), ({}, "could not be created")])
def test_a_canary_event_that_could_not_be_created_has_a_step_of_its_own(more: dict[str, Any], words: str) -> None:
    whole: Any = HEADER | VERIFY
    rows: Any = [ingested("receiving", as_expected=False, **more)]
    [step] = headline.next_steps(whole, rows, Statistics(whole, rows))
    assert words in step.text


def test_a_missing_canary_event_does_not_count_as_receiving(tmp_path: Path) -> None:
    row = ingested("receiving", as_expected=False, canary=False)
    folder = written(tmp_path, row, ingested("receiving", 2), **VERIFY)
    assert tiles(folder)[:4] == [("1", "receiving"), ("0", "silent"), ("0", "unhealthy"), ("1", "no canary")]
    assert "1 of 2 accounts receiving; 1 without canary event" in text(folder, "report.md")


def test_the_worst_accounts_are_listed_before_the_list_is_cut(tmp_path: Path) -> None:
    rows = [ingested("stale", number) for number in range(1, 61)]
    content = text(written(tmp_path, *rows, ingested("unhealthy", 99), **VERIFY), "report.md")
    assert "and 11 more" in content
    assert f"{99:012}" in content


def test_there_are_never_more_than_some_steps_the_failures_first() -> None:
    rows: Any = [account(**FAILED), *[ingested(status, number) for number, status in enumerate(STATUSES)]]
    header: Any = HEADER | VERIFY
    steps = headline.next_steps(header, rows, Statistics(header, rows))
    assert len(steps) == headline.MAX_STEPS
    assert steps[0].filter == "class=scp_denied"
