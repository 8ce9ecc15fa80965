# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a report: complete, with correct numbers, and safe for any name of an account."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import html.parser
import io
import json
import re
import stat
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, NotRequired, get_origin, get_type_hints

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model import report_row
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.docs_links import (
    DOCUMENTATION,
    error_url,
    finding_url,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import CLASSES, SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import (
    CHECKS,
    CODES,
    Check,
    Code,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.text import one_line
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.report import (
    csv as report_csv,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.report import (
    headline,
    history,
    report,
    trend,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.report.statistics import (
    MAX_OUS,
    Statistics,
    account_state,
)
from tests.unit.report import reports

FILES = {
    *("report.html", "report.md", "report.json", "report.junit.xml", "report.csv"),
    *("report.prom", "report.ocsf.jsonl"),
}
DOCS = Path(__file__).parents[3] / "docs"
HEADER = {
    "playbook": "drift",
    "started": "2026-11-22T02:00:00+00:00",
    "finished": "2026-11-22T02:01:04+00:00",
    "check_mode": True,
    "workspaces": ["sentinel"],
}
NASTY = "</script><img src=x onerror=alert(1)><!-- & \"' `|` {{ 1 }} \u2028 \u202e"


def account(**values: Any) -> dict[str, Any]:
    empty = {
        "account_id": "111111111111",
        "host": "payments",
        "status": "ok",
        "resources": [
            {"kind": "role", "id": "arn", "changed": False},
            {"kind": "connector", "id": "/x/y", "changed": False},
        ],
    }
    return {**empty, "findings": [], "calls": [], "diff": [], **values}


def found(code: str, message: str = "It differs.", *, repaired: bool = False) -> dict[str, Any]:
    return {"severity": CODES[code].severity, "code": code, "message": message, "repaired": repaired}


def written(folder: Path, *records: dict[str, Any], **header: Any) -> Path:
    return report.write(folder, {**HEADER, **header}, records)


def text(folder: Path, name: str) -> str:
    return (folder / name).read_bytes().decode()


def embedded(folder: Path) -> dict[str, Any]:
    """The data that is embedded in the page."""
    element = r'<script type="application/gzip" id="data">([A-Za-z0-9+/=]+)</script>'
    [data] = re.findall(element, text(folder, "report.html"))
    return dict(json.loads(gzip.decompress(base64.b64decode(data))))


def cards(folder: Path) -> set[str]:
    """The sections of the page by the id of their heading."""
    return set(re.findall(r'<section[^>]* aria-labelledby="([\w-]+)"', text(folder, "report.html")))


# Files


def test_a_run_writes_files_that_only_their_owner_can_read(tmp_path: Path) -> None:
    folder = written(tmp_path / "reports", account())
    assert folder == tmp_path / "reports" / "2026-11-22T020000Z-drift"
    assert {path.name for path in folder.iterdir()} == FILES
    assert {stat.S_IMODE(path.stat().st_mode) for path in [*folder.iterdir(), tmp_path / "reports/history.jsonl"]} == {
        0o600
    }
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_earlier_runs_are_kept_and_the_same_run_is_replaced(tmp_path: Path) -> None:
    first = written(tmp_path, account())
    other = written(tmp_path, account(), started="2026-11-23T02:00:00+00:00")
    assert written(tmp_path, account(status="changed")) == first
    beside = {"history.jsonl", "index.html", "latest"}
    assert {path.name for path in tmp_path.iterdir()} == {first.name, other.name, *beside}
    runs = history.read(tmp_path, "drift")
    assert [run["numbers"]["drifted"] for run in runs] == [1, 0]


def test_a_crash_leaves_the_previous_files_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written(tmp_path, account())
    before = {name: text(folder, name) for name in FILES}

    def broken(*_arguments: object) -> object:
        yield "half"
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "_json_chunks", broken)
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path, account(status="changed"))
    assert {path.name: path.read_bytes().decode() for path in folder.iterdir()} == before


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SentinelError, match=re.escape(str(tmp_path / "file"))) as caught:
        written(tmp_path / "file", account())
    assert caught.value.kind == "bad_input"


@pytest.mark.parametrize("playbook", ["../../x", "/etc/x", "..", "a b\n"])
def test_no_playbook_name_escapes_the_folder(tmp_path: Path, playbook: str) -> None:
    assert written(tmp_path / "in", account(), playbook=playbook).parent == tmp_path / "in"
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_run_without_accounts_has_a_report(tmp_path: Path) -> None:
    folder = written(tmp_path)
    assert json.loads(text(folder, "report.json"))["numbers"]["in_scope"] == 0
    assert cards(folder) == {"h-numbers", "h-accounts"}


def test_jinja2_is_imported_only_when_a_report_is_written() -> None:
    script = f"import sys, {report.__name__}; print('jinja2' in sys.modules)"
    content = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert content.stdout == "False\n"


# Numbers


def test_an_unknown_number_is_not_zero(tmp_path: Path) -> None:
    folder = written(tmp_path, account(), account(status="failed", error={"class": "throttled", "message": "Cannot."}))
    assert json.loads(text(folder, "report.json"))["numbers"] == {
        "organization": None,
        "in_scope": 2,
        "excluded": None,
        "attention": 1,
        "connected": 1,
        "drifted": 0,
        "failed": 1,
        "receiving": None,
        "silent": None,
        "unhealthy": None,
        "orphaned": None,
    }
    labels = re.findall(r"</strong> <span>([\w ]+)</span>", text(folder, "report.html"))
    assert labels == ["needs attention", "in scope", "connected", "drifted", "failed"]


def test_numbers_of_an_organization_with_events(tmp_path: Path) -> None:
    header, records = reports.run(300)
    numbers = Statistics(header, records).numbers
    ingestion_statuses = [one["ingestion"]["ingestion_status"] for one in records]
    assert (numbers["organization"], numbers["excluded"], numbers["orphaned"]) == (305, 5, 1)
    assert (numbers["receiving"], numbers["silent"]) == (
        ingestion_statuses.count("receiving"),
        ingestion_statuses.count("silent"),
    )
    assert numbers["failed"] == header["summary"]["failed"]
    assert text(report.write(tmp_path, header, records), "report.md").count("| receiving |") == 1


@pytest.mark.parametrize(
    ("record", "check_mode", "connected"),
    [
        (account(), True, True),
        (account(status="failed"), False, False),
        (account(status="changed", findings=[found("connector_missing")]), True, False),
        (account(status="changed", findings=[found("connector_missing", repaired=True)]), False, True),
        (account(status="changed", findings=[found("role_tags")]), True, True),
        (account(resources=[], ingestion={"ingestion_status": "silent"}), False, True),
        (account(ingestion={"ingestion_status": "not_connected"}), False, False),
    ],
)
def test_an_account_is_connected_if_sentinel_can_read_its_events(
    record: dict[str, Any], check_mode: bool, connected: bool
) -> None:
    assert account_state(record, {**HEADER, "check_mode": check_mode}).connected is connected


def test_only_findings_that_no_run_repairs_remain_after_a_repair() -> None:
    record = account(status="changed", findings=[found("trust_anyone", repaired=True), found("role_path")])
    statistics = Statistics({**HEADER, "playbook": "onboard", "check_mode": False}, [record])
    assert statistics.severities["critical"] == {"before": 1, "after": 0}
    assert statistics.severities["low"] == {"before": 1, "after": 1}
    assert statistics.account_states[0].states == ".lC.---.-"


def test_findings_stay_open_in_check_mode_and_in_failed_accounts() -> None:
    findings = [found("trust_anyone")]
    for status, check_mode in (("changed", True), ("failed", False), ("ok", False)):
        statistics = Statistics({**HEADER, "check_mode": check_mode}, [account(status=status, findings=findings)])
        assert statistics.severities["critical"] == {"before": 1, "after": 1}


@pytest.mark.parametrize("code", ["trust_anyone", "permission_policy_extra", "connector_duplicate"])
def test_only_findings_marked_as_repaired_are_counted_as_repaired(code: str, tmp_path: Path) -> None:
    findings = [found(code, "One is left."), found(code, "One is removed.", repaired=True)]
    record = account(status="changed", findings=findings, calls=[{"name": "TagRole", "args": {}}])
    folder = written(tmp_path, record, check_mode=False)
    [content] = json.loads(text(folder, "report.json"))["accounts"]
    assert [one["repaired"] for one in content["findings"]] == [False, True]
    statistics = Statistics({**HEADER, "check_mode": False}, [record])
    assert (statistics.found[code], statistics.open[code]) == (2, 1)


def test_an_accepted_finding_has_its_reason_and_fails_nothing(tmp_path: Path) -> None:
    known = {**found("permission_policy_extra", "ReadOnly is attached."), "accepted": "Ticket 1 (until 2027-01-31)"}
    record = account(findings=[known])
    folder = written(tmp_path, record, check_mode=False)
    assert ET.fromstring(text(folder, "report.junit.xml"))[0].get("failures") == "0"
    for name in ("report.md", "report.csv", "report.html", "report.json"):
        assert "Ticket 1" in text(folder, name), name
    statistics = Statistics({**HEADER, "check_mode": False}, [record])
    assert (statistics.found["permission_policy_extra"], statistics.open["permission_policy_extra"]) == (1, 0)
    assert statistics.account_states[0].states == "....---.-"
    assert not statistics.account_states[0].drifted
    assert [counts["after"] for counts in statistics.severities.values()] == [0, 0, 0, 0]
    assert next(csv.DictReader(io.StringIO(text(folder, "report.csv"))))["open"] == ""
    assert headline.next_steps({**HEADER, "check_mode": False}, [record], statistics) == []


def test_an_informational_finding_is_no_drift() -> None:
    record = account(findings=[found("role_boundary_unexpected")])
    assert not account_state(record, HEADER).drifted
    assert account_state({**record, "findings": [found("role_tags_full")]}, HEADER).drifted


@pytest.mark.parametrize(
    ("playbook", "record", "states"),
    [
        ("drift", account(), "....---.-"),
        ("verify", account(ingestion={"ingestion_status": "stale"}), "-------.m"),
        ("verify", account(ingestion={"ingestion_status": "not_connected"}), "-------hh"),
        ("verify", account(ingestion={"ingestion_status": "silent", "as_expected": True}), "-------.."),
        ("verify", account(ingestion={"ingestion_status": "unknown"}), "-------.-"),
        ("offboard", account(), "..-----.-"),
        ("drift", account(status="skipped"), "---------"),
        ("drift", account(status="failed", error={"class": "throttled", "message": "x"}), "h--------"),
    ],
)
def test_what_a_run_did_not_look_at_is_never_fine(playbook: str, record: dict[str, Any], states: str) -> None:
    assert account_state(record, {**HEADER, "playbook": playbook}).states == states


@pytest.mark.parametrize(("code", "states"), [("trust_new", "..c.---.-"), ("quantum_leak", ".c..---.-")])
def test_a_code_of_a_newer_release_belongs_to_the_check_that_it_begins_with(code: str, states: str) -> None:
    row = account(findings=[{"severity": "critical", "code": code, "message": "New."}])
    assert account_state(row, HEADER).states == states


@pytest.fixture
def topic_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new check of a resource that not every account has, and a code of it."""
    check = Check("Topic", "The topic of the bucket", ("onboard", "drift"), resource="topic")
    monkeypatch.setitem(CHECKS, "topic", check)
    monkeypatch.setitem(CODES, "topic_missing", Code("high", "topic", "No topic.", ("CreateTopic",), breaking=True))


def with_topic(**values: Any) -> dict[str, Any]:
    return account(**{"resources": [{"kind": "topic", "id": "arn", "changed": False}], **values})


@pytest.mark.usefixtures("topic_check")
@pytest.mark.parametrize(
    ("record", "playbook", "states", "connected"),
    [
        (account(), "drift", "....---.--", True),
        (with_topic(), "drift", "....---.-.", True),
        (with_topic(), "verify", "-------.--", True),
        (
            with_topic(findings=[{"severity": "high", "code": "topic_missing", "message": "No."}]),
            "drift",
            "....---.-h",
            False,
        ),
    ],
)
def test_a_new_check_is_made_where_the_resource_is(
    record: dict[str, Any], playbook: str, states: str, connected: bool
) -> None:
    state = account_state(record, {**HEADER, "playbook": playbook})
    assert (state.states, state.connected) == (states, connected)


@pytest.mark.usefixtures("topic_check")
def test_a_new_check_is_a_column_of_the_page(tmp_path: Path) -> None:
    folder = written(tmp_path, with_topic(findings=[found("topic_missing")]))
    assert embedded(folder)["checks"] == list(CHECKS)
    page = text(folder, "report.html")
    assert re.search(r'data-check="9"[^>]* title="The topic of the bucket">Topic</th>', page)
    assert '<option value="topic">Topic</option>' in page


def test_the_page_has_the_checks_in_the_order_of_the_table(tmp_path: Path) -> None:
    folder = written(tmp_path, account(ingestion={"ingestion_status": "silent"}))
    assert embedded(folder)["checks"] == list(CHECKS)
    labels = re.findall(r'<th scope="col" title="[^"]+">(\w+)</th>', text(folder, "report.html"))
    assert labels == [check.label for check in CHECKS.values() if not check.resource]


def test_a_code_of_a_newer_release_is_accepted(tmp_path: Path) -> None:
    folder = written(tmp_path, account(findings=[{"severity": "high", "code": "quantum_leak", "message": "New."}]))
    assert "quantum_leak" in text(folder, "report.html")


def test_every_finding_and_error_class_links_to_its_documentation(tmp_path: Path) -> None:
    records = [account(findings=[found(code) for code in CODES])]
    records += [account(status="failed", error={"class": kind, "message": "Cannot."}) for kind in CLASSES]
    folder = written(tmp_path, *[{**row, "account_id": f"{number:012}"} for number, row in enumerate(records)])
    links = {*map(finding_url, CODES), *map(error_url, CLASSES)}
    assert links <= set(Markup(text(folder, "report.html")).links)
    assert [link for link in links if f"]({link})" not in text(folder, "report.md")] == []


def test_the_heat_map_is_sorted_by_open_findings_and_counts_every_account() -> None:
    records = [account(account_id=f"{number:012}", ou=f"/{number % 40:02}") for number in range(400)]
    records[7]["findings"] = [found("trust_anyone")]
    heat_map = Statistics(HEADER, records).heat_map
    assert (heat_map[0].ou, heat_map[0].open["trust"], heat_map[0].accounts) == ("/07", 1, 10)
    assert (len(heat_map), heat_map[-1].merged_ous) == (MAX_OUS + 1, 40 - MAX_OUS)
    assert sum(group.accounts for group in heat_map) == 400


def test_failures_are_listed_by_class_with_advice(tmp_path: Path) -> None:
    denied = {"class": "scp_denied", "message": "Cannot."}
    records = [account(account_id=f"{number:012}", status="failed", error=denied) for number in range(30)]
    folder = written(tmp_path, *records, account(status="failed", error={"class": "no_such", "message": "Hm."}))
    content = text(folder, "report.md")
    assert (
        "### scp\\_denied: 30\n\nA service control policy \\(SCP\\) of the AWS organization denies the call." in content
    )
    assert "Exempt the assumed role in that policy." in content
    assert "- and 10 more, see report.csv" in content
    assert "Exempt the assumed role" in text(folder, "report.html")


# JSON


@pytest.mark.parametrize("playbook", ["onboard", "drift", "offboard", "verify"])
def test_json_matches_its_schema_and_loses_nothing(tmp_path: Path, playbook: str) -> None:
    header, records = reports.run(60, playbook)
    content = json.loads(text(report.write(tmp_path, header, records), "report.json"))
    jsonschema.validate(content, json.loads((DOCS / "report.schema.json").read_text()))
    assert content["accounts"] == sorted(records, key=lambda record: record["account_id"])
    assert {key: content[key] for key in header} == header


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (report_row.AccountRow, ["$defs", "account"]),
        (report_row.FindingRow, ["$defs", "account", "properties", "findings", "items"]),
        (report_row.CallRow, ["$defs", "account", "properties", "calls", "items"]),
        (report_row.ErrorRow, ["$defs", "account", "properties", "error"]),
        (report_row.HealthRow, ["$defs", "health"]),
        (report_row.BrokenLinkRow, ["$defs", "broken_link"]),
        (report_row.IngestionRow, ["$defs", "account", "properties", "ingestion"]),
        (report_row.ExcludedRow, ["properties", "organization", "properties", "excluded", "items"]),
        (report_row.OrganizationRow, ["properties", "organization"]),
    ],
)
def test_the_schema_has_the_keys_of_the_types(kind: Any, path: list[str]) -> None:
    schema = json.loads((DOCS / "report.schema.json").read_text())
    for name in path:
        schema = schema[name]
    hints = get_type_hints(kind, include_extras=True)
    assert schema["properties"].keys() == hints.keys()
    assert set(schema["required"]) == {key for key, hint in hints.items() if get_origin(hint) is not NotRequired}


def test_documentation_names_every_key_and_column() -> None:
    content = (DOCS / "report.md").read_text()
    schema = json.loads((DOCS / "report.schema.json").read_text())
    named = {*schema["required"], *schema["$defs"]["account"]["properties"]} - {"ou", "error"}
    assert {name for name in named if f"`{name}`" not in content} == set()
    assert schema["properties"]["schema"]["const"] == report.SCHEMA


# CSV


@pytest.mark.parametrize("bad", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "\r1", "\uff1d1", "\n@x", '=HYPERLINK("x")'])
def test_no_cell_is_a_formula(tmp_path: Path, bad: str) -> None:
    folder = written(tmp_path, account(host=bad, ou=bad, error={"class": bad, "message": bad}))
    rows = list(csv.DictReader(io.StringIO(text(folder, "report.csv").removeprefix("\ufeff"))))
    assert {rows[0][key][0] for key in ("host", "ou", "error_class", "error_message")} == {"'"}


FORMULAS = ["=HYPERLINK(1)", "+1+1", "-1+1", "@SUM(1)", "\uff1d1", "=cmd|' /C calc'!A0", '"=1"', " =1", "''=1"]


# A cell that begins so is run.
RUN = re.compile(r"[\s\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]")


@pytest.mark.parametrize("separator", [*";,|:^~!#&* ", "\t", "\x1f", "\r", "\n", "\u2028"], ids=ascii)
def test_no_cell_is_a_formula_whatever_separates_cells(tmp_path: Path, separator: str) -> None:
    records = []
    for number, formula in enumerate(FORMULAS):
        bad = f"a{separator}{formula}{separator}{separator}{formula}"
        error, findings = {"class": bad, "message": bad}, [found("trust_anyone", formula)] * 2
        own = {"host": bad, "ou": bad, "error": error, "findings": findings}
        records.append(account(account_id=f"1111111111{number:02}", **own))
    csv_text = text(written(tmp_path, *records), "report.csv").removeprefix("\ufeff")
    for delimiter in {separator, *";,|\t: "} - set("\r\n"):
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            rows = csv.reader(io.StringIO(csv_text), delimiter=delimiter, quoting=quoting)
            assert [cell for row in rows for cell in row if RUN.match(cell)] == []


def test_ids_arns_and_times_are_unchanged_in_a_cell() -> None:
    for plain_text in (
        "arn:aws-us-gov:iam::111111111111:role/security/Role_1+x=y@z-a",
        "2f7b3c1a-5d84-4e6b-9a0f-1c2d3e4f5a6b",
        "2026-11-22T17:00:00.5+01:00",
        "a-b@example.org",
        "/Root/Zürich-1",
    ):
        assert report_csv.cell(plain_text) == plain_text


def test_a_spreadsheet_has_a_line_per_account(tmp_path: Path) -> None:
    header, records = reports.run(50)
    content = text(report.write(tmp_path, header, records), "report.csv")
    assert content.startswith("\ufeffaccount_id,")
    assert content.count("\r\n") == 51 == len(content.splitlines())
    rows = list(csv.DictReader(io.StringIO(content.removeprefix("\ufeff"))))
    assert [row["account_id"] for row in rows] == sorted(record["account_id"] for record in records)
    assert {row["severity"] for row in rows if row["findings"]} <= {"critical", "high", "medium", "low"}


@given(st.text())
def test_a_cell_stays_on_its_line(value: str) -> None:
    content = str(report_csv.cell(value))
    assert len(content.splitlines()) <= 1
    assert content[:1] not in tuple("=+-@\t")


# JUnit and Markdown


def test_junit_distinguishes_errors_and_failures(tmp_path: Path) -> None:
    records = [
        account(account_id="000000000001"),
        account(account_id="000000000002", status="failed", error={"class": "throttled", "message": "Cannot."}),
        account(account_id="000000000003", status="changed", findings=[found("role_tags")]),
        account(account_id="000000000004", status="skipped"),
        account(account_id="000000000005", ingestion={"ingestion_status": "silent", "last_event": None}),
    ]
    suite = ET.fromstring(text(written(tmp_path, *records), "report.junit.xml"))[0]
    assert {key: suite.get(key) for key in ("tests", "errors", "failures", "time")} == {
        "tests": "5",
        "errors": "2",
        "failures": "2",
        "time": "64.0",
    }
    assert [[child.tag for child in case] for case in suite] == [[], ["error"], ["failure"], ["error"], ["failure"]]
    assert suite[2][0].get("type") == "role_tags"
    done = {**records[2], "findings": [found("role_tags", repaired=True)]}
    repaired = written(tmp_path / "b", done, check_mode=False)
    assert ET.fromstring(text(repaired, "report.junit.xml"))[0].get("failures") == "0"


@pytest.mark.parametrize("accounts", [0, 1])
def test_an_orphan_that_could_not_be_removed_is_in_every_file_for_people(tmp_path: Path, accounts: int) -> None:
    left = {"connector_id": "/c/1", "account_id": "999999999999", "reason": "left", "removed": False}
    orphans = [{**left, "error": "Cannot remove data connector 1: denied."}, {**left, "removed": True}]
    folder = written(tmp_path, *[account()] * accounts, playbook="departed", check_mode=False, orphans=orphans)
    for name in ("report.html", "report.md", "report.junit.xml"):
        assert "Cannot remove data connector 1: denied." in text(folder, name).replace("\\", ""), name
    suite = ET.fromstring(text(folder, "report.junit.xml"))[0]
    assert (suite.get("errors"), suite.get("tests")) == ("1", str(accounts + 1))
    assert suite[0].get("name") == "orphan 999999999999 /c/1"
    for name in ("report.html", "report.md"):
        assert "1 error with orphans." in text(folder, name), name
        assert "Remove the cause, and run it again:" in text(folder, name), name


def test_the_reason_for_which_accounts_were_skipped_is_in_every_file_for_people(tmp_path: Path) -> None:
    reason = {"class": "expired_credentials", "message": "Cannot use the credentials: the session expired."}
    rows = [account(account_id=f"{number:012}", status="skipped" if number else "ok") for number in range(12)]
    folder = written(tmp_path, *rows, check_mode=False, skip_reasons=[reason])
    content = json.loads(text(folder, "report.json"))
    jsonschema.validate(content, json.loads((DOCS / "report.schema.json").read_text()))
    assert content["numbers"]["attention"] == 11
    assert ET.fromstring(text(folder, "report.junit.xml"))[0].get("errors") == "11"
    for name in ("report.html", "report.md", "report.junit.xml"):
        assert "the session expired." in text(folder, name), name
    for name in ("report.html", "report.md"):
        assert "11 of 12 accounts need attention: 11 skipped." in text(folder, name), name


def test_an_interruption_is_in_every_file_for_people(tmp_path: Path) -> None:
    why = "Cannot finish the verification: received SIGTERM."
    folder = written(tmp_path, account(), playbook="verify", check_mode=False, interrupted=why)
    for name in ("report.html", "report.md", "report.junit.xml"):
        assert why in text(folder, name), name
    suite = ET.fromstring(text(folder, "report.junit.xml"))[0]
    assert (suite.get("errors"), suite.get("tests")) == ("1", "2")


def test_the_name_of_an_account_is_in_every_file_for_people(tmp_path: Path) -> None:
    failed = account(account_name="Team Pay", status="failed", error={"class": "throttled", "message": "Cannot."})
    exposed = account(account_id="222222222222", account_name="Team Pay", findings=[found("trust_anyone")])
    silent = account(account_id="333333333333", account_name="Team Pay", ingestion={"ingestion_status": "silent"})
    folder = written(tmp_path, failed, exposed, silent, account(account_id="444444444444"))
    names = [case.get("name") for case in ET.fromstring(text(folder, "report.junit.xml"))[0]]
    assert names[2:] == ["333333333333 payments Team Pay", "444444444444 payments"]
    assert text(folder, "report.md").count("`Team Pay`") == 3
    assert text(folder, "report.html").count("<bdi>Team Pay</bdi>") == 3
    assert [row["account_name"] for row in csv.DictReader(io.StringIO(text(folder, "report.csv")))][2:] == [
        "Team Pay",
        "",
    ]
    assert {row["account_name"] for row in embedded(folder)["rows"]} == {"Team Pay", ""}


def test_notes_on_workspaces_are_in_every_file_for_people(tmp_path: Path) -> None:
    note = 'Workspace sentinel: the solution "Amazon Web Services" is missing.'
    folder = written(tmp_path, account(), playbook="preflight", check_mode=False, notes=[note])
    for name in ("report.html", "report.md"):
        assert html.unescape(text(folder, name)).count(note) == 1, name
    assert "<h1>Preflight" in text(folder, "report.html")


@pytest.mark.parametrize("name", [NASTY, "\x00\x0b\x1f\ufffe", "\ud800", "]]>", "a\nb"])
def test_every_file_can_be_parsed_for_any_name_of_an_account(tmp_path: Path, name: str) -> None:
    record = account(
        host=name,
        ou=name,
        status="failed",
        findings=[found("trust_anyone", name)],
        error={"class": name, "message": name},
        diff=[{"before_header": name, "after_header": name, "before": name, "after": {name: name}}],
        calls=[{"name": name, "args": {name: name}}],
        ingestion={"ingestion_status": "stale", "last_event": name, "events": 1, "regions": [name]},
    )
    organization = {"accounts": 2, "excluded": [{"account_id": "1", "reason": name}]}
    header = {"workspaces": [name], "organization": organization, "orphans": [{"account_id": "2", "id": name}, name]}
    folder = written(tmp_path, record, **header)
    assert ET.fromstring(text(folder, "report.junit.xml"))[0].get("errors") == "1"
    assert json.loads(text(folder, "report.json"))["accounts"][0]["host"].encode(errors="replace") == name.encode(
        errors="replace"
    )
    assert len(list(csv.reader(io.StringIO(text(folder, "report.csv"))))) == 2
    assert embedded(folder)["rows"][0]["account_id"] == "111111111111"
    markup = Markup(text(folder, "report.html"))
    assert (markup.scripts, markup.images, markup.handlers) == (2, 0, [])


def test_no_text_of_others_is_markup_in_markdown(tmp_path: Path) -> None:
    content = text(written(tmp_path, account(status="failed", error={"class": "x", "message": NASTY})), "report.md")
    assert not re.search("<(?!!)", content)
    assert report.markdown_text("[a](b) *x* _y_ @team #1 a|b\n# c") == (
        "\\[a\\]\\(b\\) \\*x\\* \\_y\\_ @&#8288;team \\#1 a\\|b \\# c"
    )
    assert (report.markdown_code("a`b|c"), report.markdown_code("x"), report.markdown_code("")) == (
        "`` a`b\\|c ``",
        "`x`",
        "",
    )


# HTML


class Markup(html.parser.HTMLParser):
    """The markup that a browser sees."""

    def __init__(self, page_text: str) -> None:
        super().__init__()
        self.scripts = self.images = 0
        self.handlers: list[str] = []
        self.links: list[str] = []
        self.policy = ""
        self.feed(page_text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.images += tag in ("img", "iframe", "object", "embed", "base", "form" if dict(attrs).get("action") else "")
        self.handlers += [name for name, _value in attrs if name.startswith("on") or name == "style"]
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        if dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs)["content"] or ""


def test_the_page_makes_no_requests_and_runs_only_its_own_script(tmp_path: Path) -> None:
    header, records = reports.run(12)
    content = text(report.write(tmp_path, header, records), "report.html")
    markup = Markup(content)
    files = {"../index.html", *(FILES - {"report.html"})}
    assert {link for link in markup.links if "html" in link or "report" in link} >= files
    markup.links = [link for link in markup.links if link not in files]
    allowed = ("#", "data:image/svg+xml,", DOCUMENTATION)
    assert [link for link in markup.links if not link.startswith(allowed)] == []
    assert markup.policy.startswith("default-src 'none'; ")
    assert "unsafe" not in markup.policy
    for tag in ("style", "script"):
        inside = re.findall(rf"<{tag}>(.*?)</{tag}>", content, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside[0].encode()).digest()).decode()
        assert len(inside) == 1
        assert f"{tag}-src 'sha256-{digest}'" in markup.policy


@pytest.mark.parametrize("name", [NASTY, "\x7f\x1b[2K", "\ud800", "\ue000", "\u3164 a", "Zürich"])
def test_no_text_of_the_page_is_invisible(tmp_path: Path, name: str) -> None:
    record = account(host=name, ou=name, calls=[{"name": "TagRole", "args": {name: [name]}}])
    folder = written(tmp_path, record, account(account_id="222222222222"))
    [row] = [row for row in embedded(folder)["rows"] if row["account_id"] == record["account_id"]]
    shown = one_line(name)
    assert (row["host"], row["ou"], row["calls"][0]["args"]) == (shown, shown, {shown: [shown]})
    assert {char for char in text(folder, "report.html") if not char.isprintable()} <= {"\n", "\t"}


def test_the_page_has_every_text_in_full(tmp_path: Path) -> None:
    """However long the texts are, and however many accounts have them."""
    own = "x" * 100_000
    difference = {"before": {own: own}, "after": own, "after_header": own}
    record = account(findings=[found("role_tags", own)], diff=[difference], calls=[{"name": own, "args": {own: own}}])
    records = [{**record, "account_id": f"{number:012}"} for number in range(40)]
    for row in embedded(written(tmp_path, *records))["rows"]:
        assert row["findings"][0]["message"] == own
        assert (row["diff"], row["calls"]) == (record["diff"], record["calls"])


def test_the_same_results_have_the_same_bytes(tmp_path: Path) -> None:
    header, records = reports.run(30)
    pages = {(report.write(tmp_path / name, header, records) / "report.html").read_bytes() for name in "ab"}
    assert len(pages) == 1


@pytest.mark.parametrize(("accounts", "plain", "rest"), [(0, 0, ""), (200, 200, ""), (1_234, 200, "1,034")])
def test_the_first_accounts_need_no_javascript(tmp_path: Path, accounts: int, plain: int, rest: str) -> None:
    records = [account(account_id=f"{number:012}", host=f"host-{number}") for number in range(accounts)]
    for record in records[-3:]:
        record |= {"status": "failed", "error": {"class": "throttled", "message": f"Cannot: {record['host']} <b>"}}
    page = text(written(tmp_path, *records), "report.html")
    rows = page.partition('<tbody id="rows"')[2].partition("</tbody>")[0].split("<tr ")[1:]
    assert len(rows) == plain
    for record, row in zip(records[-3:], rows, strict=False):
        assert f"Cannot: {record['host']} &lt;b&gt;" in row
    [note] = re.findall(r'id="rest">(?:(.+?) more accounts are not shown)?', page)
    assert note == rest
    assert f'for="filters">{accounts:,}</output>' in page


# Trend


def test_the_trend_has_the_runs_of_the_same_playbook(tmp_path: Path) -> None:
    written(tmp_path, account(), playbook="onboard", started="2026-11-20T02:00:00+00:00")
    first = written(tmp_path, account(), started="2026-11-21T02:00:00+00:00")
    second = written(tmp_path, account(), account(account_id="222222222222", status="changed"))
    assert "h-trend" not in cards(first)
    assert "over 2 runs, from 2026-11-21 to 2026-11-22" in text(second, "report.html")


def test_damaged_lines_of_the_history_are_left_out(tmp_path: Path) -> None:
    written(tmp_path, account(), started="2026-11-20T02:00:00+00:00")
    with (tmp_path / history.HISTORY_FILE).open("ab") as file:
        file.write(b'\xff\n[]\n{"playbook":"drift"}\n{"started":7,"playbook":"drift","numbers":{}}\n{"started":"2026-')
    written(tmp_path, account())
    assert [run["started"][:10] for run in history.read(tmp_path, "drift")] == ["2026-11-20", "2026-11-22"]
    assert history.read(tmp_path / "none", "drift") == []


def test_a_chart_has_the_coordinates_of_all_runs() -> None:
    runs = [
        {"started": f"2026-11-{day:02}T02:00:00+00:00", "numbers": {"in_scope": 9_000 + day, "failed": day % 3}}
        for day in range(1, 29)
    ]
    panels = trend.trend_panels([*runs, {"started": "no date", "numbers": {}}])
    assert [[line["name"] for line in panel["lines"]] for panel in panels] == [["in_scope"], ["failed"]]
    points = [point for panel in panels for line in panel["lines"] for point in line["points"]]
    assert all(0 <= x <= trend.WIDTH and 0 <= y <= trend.HEIGHT for x, y in points)
    assert [tick[1] for tick in panels[0]["ticks"]] == [0, 5000, 10000]
    assert trend.trend_panels(runs[:1]) == []


def test_a_chart_ignores_invalid_numbers() -> None:
    numbers: list[Any] = [-1, None, "x", 0, True]
    runs = [{"started": f"2026-11-2{at}", "numbers": {"failed": value}} for at, value in enumerate(numbers)]
    assert trend.trend_panels(runs)[1]["lines"][0]["last"] is not None


# Size


def test_a_report_of_ten_thousand_accounts_is_fast_and_small(tmp_path: Path) -> None:
    """In a process of its own: under 2 s, 150 MB and 5 MB (a busy machine has twice the time)."""
    script = """
import resource, sys, time
from pathlib import Path
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.report import report
from tests.unit.report import reports
header, records = reports.run(10_000)
before, spent = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []
while len(spent) < 3 and min(spent, default=4) >= 4:
    start = time.process_time()
    report.write(Path(sys.argv[1]), header, records)
    spent.append(time.process_time() - start)
print(min(spent), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    content = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    seconds, megabytes = map(float, content.stdout.split())
    assert seconds < 4
    assert megabytes < 150
    assert next(tmp_path.glob("*/report.html")).stat().st_size < 5_000_000


@pytest.mark.parametrize("playbook", ["/../../../OUTSIDE", "../x", "a/b"])
@pytest.mark.parametrize("run", ["", "night"])
def test_a_report_never_leaves_its_folder(tmp_path: Path, playbook: str, run: str) -> None:
    where = report.write(tmp_path / "reports", {**HEADER, "playbook": playbook}, [], run)
    assert where.resolve().parent == (tmp_path / "reports").resolve()
