# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is new since the last run; the page that lists the runs, and the link to the last one."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.report import history, report

from .test_report import DOCS, FILES, HEADER, account, cards, embedded, found, text, written
from .test_verification import spreadsheet

LATER = {"started": "2026-11-23T02:00:00+00:00", "finished": "2026-11-23T02:01:00+00:00"}
OPEN = {"status": "changed", "findings": [found("role_tags")]}


def numbered(number: int, **values: Any) -> dict[str, Any]:
    return account(account_id=f"{number:012}", **values)


def since(folder: Path) -> Any:
    return json.loads(text(folder, "report.json")).get("since_last_run")


def listed(problems: list[dict[str, Any]]) -> dict[int, list[str]]:
    return {int(one["account_id"]): one["problems"] for one in problems}


def test_problems_that_appeared_and_that_are_gone_are_compared_with_the_last_run(tmp_path: Path) -> None:
    failed = {"status": "failed", "error": {"class": "throttled", "message": "Cannot."}}
    first = written(tmp_path, numbered(1, **OPEN), numbered(2, **OPEN), numbered(3), numbered(4, **OPEN), numbered(5))
    assert since(first) is None
    assert "h-since" not in cards(first)
    second = written(
        tmp_path, numbered(1, **OPEN), numbered(2), numbered(3, **OPEN), numbered(4, **failed), numbered(6), **LATER
    )
    content = json.loads(text(second, "report.json"))
    jsonschema.validate(content, json.loads((DOCS / "report.schema.json").read_text()))
    found_since = content["since_last_run"]
    assert (found_since["folder"], found_since["started"]) == (first.name, HEADER["started"])
    assert listed(found_since["new"]) == {3: ["role_tags"], 4: ["throttled"]}
    # What account 4 has is unknown.
    assert listed(found_since["resolved"]) == {2: ["role_tags"]}
    assert (found_since["accounts_added"], found_since["accounts_missing"]) == (1, 1)
    assert {int(row["account_id"]) for row in embedded(second)["rows"] if row["new"]} == {3, 4}
    cells = {int(row["account_id"]): row["new"] for row in spreadsheet(second)}
    assert cells == {1: "", 2: "", 3: "role_tags", 4: "throttled", 6: ""}
    assert f'href="../{first.name}/report.html"' in text(second, "report.html")
    assert "h-since" in cards(second)


@pytest.mark.parametrize(
    "header", [{"playbook": "onboard"}, {"check_mode": False}, {"started": "2026-11-21T02:00:00+00:00"}]
)
def test_only_an_earlier_run_of_the_same_kind_is_compared(tmp_path: Path, header: dict[str, Any]) -> None:
    written(tmp_path, numbered(1, **OPEN))
    assert since(written(tmp_path, numbered(1), **({} if "started" in header else LATER) | header)) is None


NAMELESS, SHAPELESS = (json.dumps({**HEADER, "accounts": rows}) for rows in ([{"account_id": "1"}], ["1"]))


@pytest.mark.parametrize("damaged", ["{", "[]", "{}", '{"started": 1}', NAMELESS, SHAPELESS])
def test_a_report_that_cannot_be_compared_breaks_nothing(tmp_path: Path, damaged: str) -> None:
    (written(tmp_path, numbered(1)) / "report.json").write_text(damaged)
    assert since(written(tmp_path, numbered(1, **OPEN), **LATER)) is None


def test_the_events_of_an_earlier_release_are_compared(tmp_path: Path) -> None:
    before = numbered(1, ingestion={"ingestion_status": "silent"})
    del before["resources"]
    written(tmp_path, before, playbook="verify")
    now = numbered(1, ingestion={"ingestion_status": "receiving", "as_expected": True})
    found_since = since(written(tmp_path, now, playbook="verify", **LATER))
    assert (found_since["new"], listed(found_since["resolved"])) == ([], {1: ["silent"]})


@pytest.mark.parametrize("status", ["unknown", "of a later release"])
def test_events_of_which_nothing_is_known_resolve_nothing(tmp_path: Path, status: str) -> None:
    before = {"ingestion": {"ingestion_status": "silent", "as_expected": False}, "findings": [found("role_path")]}
    written(tmp_path, numbered(1, **before), playbook="verify")
    now = numbered(1, ingestion={"ingestion_status": status, "as_expected": False})
    found_since = since(written(tmp_path, now, playbook="verify", **LATER))
    assert listed(found_since["resolved"]) == {1: ["role_path"]}
    assert listed(found_since["new"]) == {1: [status]}


def test_hosts_without_an_account_are_compared_by_their_names(tmp_path: Path) -> None:
    failed = {"account_id": "", "status": "failed", "error": {"class": "bad_input", "message": "Cannot."}}
    header = {"playbook": "preflight", "check_mode": False}
    written(tmp_path, account(**failed, host="a"), **header)
    folder = written(tmp_path, account(**failed, host="a"), account(**failed, host="b"), **header, **LATER)
    content = json.loads(text(folder, "report.json"))
    jsonschema.validate(content, json.loads((DOCS / "report.schema.json").read_text()))
    assert since(folder)["new"] == [{"account_id": "b", "problems": ["bad_input"]}]
    assert {row["host"]: row["new"] for row in spreadsheet(folder)} == {"a": "", "b": "bad_input"}
    assert {row["host"]: row["new"] for row in embedded(folder)["rows"]} == {"a": False, "b": True}


def test_the_last_run_of_a_name_is_the_one_before_it(tmp_path: Path) -> None:
    first: Any = HEADER
    later: Any = {**HEADER, **LATER}
    report.write(tmp_path, first, [numbered(1)], "nightly")
    report.write(tmp_path, later, [numbered(1, **OPEN)], "nightly")
    folder = report.write(tmp_path, later, [numbered(2, **OPEN)], "nightly")
    assert since(folder)["folder"] == "nightly-drift-check-2026-11-22T020000Z"
    assert listed(since(folder)["new"]) == {1: ["role_tags"], 2: ["role_tags"]}
    links = re.findall(r'href="([^"#]+)"', text(tmp_path, "index.html"))
    assert links == ["nightly-drift-check/report.html", "nightly-drift-check-2026-11-22T020000Z/report.html"]


# The index


def test_the_index_lists_all_runs_and_links_to_the_reports_that_are_there(tmp_path: Path) -> None:
    first = written(tmp_path, account(), playbook="onboard")
    second = written(tmp_path, account(), **LATER)
    for path in second.iterdir():
        path.unlink()
    third = written(tmp_path, account(), playbook="verify", started="2026-11-24T02:00:00+00:00")
    page = text(tmp_path, "index.html")
    assert re.findall(r'href="([^"#]+)"', page) == [f"{third.name}/report.html", f"{first.name}/report.html"]
    assert page.count("<tr>") == 4
    assert (tmp_path / "latest").readlink() == Path(third.name)


def test_lines_and_folders_of_other_releases_do_not_break_the_index(tmp_path: Path) -> None:
    odd = [
        {"started": "2026-11-20T02:00:00+00:00", "playbook": "drift", "numbers": {}},
        {"started": "no time", "playbook": "<b>", "numbers": {"in_scope": "many", "failed": None}, "run": ["x"]},
        {"started": "2026-11-21", "playbook": "../..", "numbers": {"in_scope": 3}, "run": "../../etc"},
        {"started": "2026-11-19", "numbers": {}},
        {"started": "2026-11-19", "playbook": None, "numbers": {}},
    ]
    (tmp_path / history.HISTORY_FILE).write_text("".join(f"{json.dumps(one)}\n" for one in odd) + "{\n")
    (tmp_path / "2026-11-20T020000Z-drift").mkdir()
    (tmp_path / "index.html").write_text("old")
    (tmp_path / "latest").mkdir()
    folder = written(tmp_path, account())
    page = text(tmp_path, "index.html")
    assert re.findall(r'href="([^"#]+)"', page) == [f"{folder.name}/report.html"]
    assert page.count("<tr>") == 5
    assert "<b>" not in page
    assert (tmp_path / "latest").is_dir()


def test_the_link_to_the_last_run_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to("gone")
    folder = written(tmp_path, account())
    assert (tmp_path / "latest" / "report.json").read_bytes() == (folder / "report.json").read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


# Files of another user

OTHER = 65534


def as_other_user(action: Callable[[], object]) -> str:
    """Run in a process of another user, and return what it returned or raised."""
    context = multiprocessing.get_context("fork")
    answers = context.Queue()

    def work() -> None:
        os.setgid(OTHER)
        os.setuid(OTHER)
        try:
            answers.put(repr(action()))
        except Exception as error:  # noqa: BLE001 the test shows it
            answers.put(repr(error))

    process = context.Process(target=work)
    process.start()
    answer: str = answers.get(timeout=20)
    process.join()
    return answer


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_files_of_another_user_cost_the_comparison_and_not_the_report() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        reports = Path(place)
        reports.chmod(0o777)
        written(reports, numbered(1, **OPEN))

        def write() -> list[str]:
            notes: list[str] = []
            report.write(reports, HEADER | LATER, [numbered(1)], notes=notes)  # type: ignore[arg-type,operator]
            return [note.partition(":")[0] for note in notes]

        expected = ["Cannot compare with earlier runs", "Cannot add the run to the history and the index"]
        assert as_other_user(write) == repr(expected)
        folder = reports / "2026-11-23T020000Z-drift"
        assert {path.name for path in folder.iterdir()} == FILES
        (reports / history.HISTORY_FILE).chmod(0o666)
        (reports / "index.html").chmod(0o666)
        assert as_other_user(write) == "[]"
        assert "2026-11-23" in text(reports, "index.html")


def test_a_file_of_another_kind_costs_the_comparison_and_not_the_report(tmp_path: Path) -> None:
    (tmp_path / history.HISTORY_FILE).mkdir()
    folder, notes = tmp_path / "2026-11-22T020000Z-drift", list[str]()
    report.write(tmp_path, HEADER, [account()], notes=notes)  # type: ignore[arg-type]
    assert {path.name for path in folder.iterdir()} == FILES
    assert len(notes) == 2
