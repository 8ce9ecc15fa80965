# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the same name share one report, and each adds its accounts."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.report import history, merge, report

from .test_report import FILES, HEADER, account

SUMMARY = {"accounts": 1, "ok": 1, "changed": 0, "failed": 0, "skipped": 0}
CLOSED = {"account_id": "111111111109", "reason": "its state is CLOSED"}
ORGANIZATION = {"accounts": 4, "excluded": [CLOSED, {"account_id": "111111111103", "reason": "not in this run"}]}
ORPHAN = {"account_id": "9", "connector_id": "/x", "role_arn": "arn", "reason": "left"}


def one(number: int, **values: Any) -> dict[str, Any]:
    return account(account_id=f"11111111110{number}", **values)


def added(folder: Path, *records: dict[str, Any], run: str = "4711", **header: Any) -> dict[str, Any]:
    where = report.write(folder, {**HEADER, "check_mode": False, "summary": SUMMARY, **header}, records, run)
    loaded: dict[str, Any] = json.loads((where / "report.json").read_text())
    return loaded


def test_slices_share_a_report_and_are_one_run_of_the_history(tmp_path: Path) -> None:
    later = {"started": "2026-11-22T04:00:00+02:30", "finished": "2026-11-22T03:00:00+00:00"}
    added(tmp_path, one(1), one(2, status="changed"), orphans=[ORPHAN], organization=ORGANIZATION)
    content = added(tmp_path, one(3), workspaces=["america"], orphans=[{**ORPHAN, "removed": True}], **later)
    assert [record["account_id"][-1] for record in content["accounts"]] == ["1", "2", "3"]
    assert content["summary"] == {**SUMMARY, "accounts": 3, "ok": 2, "changed": 1}
    assert (content["started"], content["finished"]) == (later["started"], later["finished"])
    assert content["workspaces"] == ["america", "sentinel"]
    assert content["orphans"] == [{**ORPHAN, "removed": True}]
    assert content["organization"] == {**ORGANIZATION, "excluded": [CLOSED]}
    assert (content["run"], content["numbers"]["in_scope"]) == ("4711", 3)
    (seen,) = history.read(tmp_path, "drift")
    assert seen["numbers"]["in_scope"] == 3
    assert {path.name for path in (tmp_path / "4711-drift").iterdir()} == {*FILES, ".lock"}


def test_the_later_result_of_an_account_is_kept(tmp_path: Path) -> None:
    added(tmp_path, one(1, status="failed"), one(2))
    content = added(tmp_path, one(1))
    assert [record["status"] for record in content["accounts"]] == ["ok", "ok"]
    assert content["summary"] == {**SUMMARY, "accounts": 2, "ok": 2}


def test_ingestion_statuses_are_counted_as_well(tmp_path: Path) -> None:
    names = {"accounts": 1, "receiving": 1, "not_connected": 0}
    added(tmp_path, one(1, ingestion={"ingestion_status": "receiving"}), playbook="verify", summary=names)
    content = added(tmp_path, one(2, ingestion={"ingestion_status": "not_connected"}), playbook="verify", summary=names)
    assert content["summary"] == {"accounts": 2, "receiving": 1, "not_connected": 1}


def test_accounts_that_are_ready_are_counted_and_hosts_without_an_account_kept(tmp_path: Path) -> None:
    preflight = {"playbook": "preflight", "summary": {"accounts": 3, "ready": 1, "not_ready": 2}}
    failed = {"account_id": "", "status": "failed", "error": {"class": "bad_input", "message": "Cannot."}}
    added(tmp_path, one(1), account(**failed, host="a"), account(**failed, host="b"), **preflight)
    content = added(tmp_path, one(2), account(**failed, host="a"), **preflight)
    assert content["summary"] == {"accounts": 4, "ready": 2, "not_ready": 2}
    assert sorted(row["host"] for row in content["accounts"]) == ["a", "b", "payments", "payments"]


def test_the_header_has_what_the_headers_of_all_runs_have(tmp_path: Path) -> None:
    why = "Cannot finish the verification: received SIGTERM."
    verify = {"playbook": "verify", "azure_portal": "https://portal.azure.com"}
    added(tmp_path, one(1), limit="111*", user="alice", interrupted=why, notes=["One."], **verify)
    content = added(tmp_path, one(2), limit="222*", user="bob", notes=["Two."], **verify)
    names = ("limit", "user", "interrupted", "notes", "azure_portal")
    assert [content[name] for name in names] == [
        "111*; 222*",
        "alice; bob",
        why,
        ["One.", "Two."],
        verify["azure_portal"],
    ]
    content = added(tmp_path, one(2), limit="222*", user="bob", **verify)
    assert [content[name] for name in ("limit", "user", "interrupted")] == ["111*; 222*", "alice; bob", why]
    content = added(tmp_path, one(1), one(2), user="bob", **verify | {"azure_portal": "https://portal.azure.cn"})
    assert [content.get(name) for name in ("limit", "interrupted", "azure_portal")] == ["", None, ""]


def test_reasons_for_skipped_accounts_are_kept_as_long_as_there_are_any(tmp_path: Path) -> None:
    reason = {"class": "expired_credentials", "message": "Cannot use the credentials: expired."}
    added(tmp_path, one(1, status="skipped"), skip_reasons=[reason])
    assert added(tmp_path, one(2), skip_reasons=[])["skip_reasons"] == [reason]
    assert added(tmp_path, one(1))["skip_reasons"] == []


def test_another_name_playbook_or_mode_is_another_report(tmp_path: Path) -> None:
    added(tmp_path, one(1))
    for other in ({"run": "4712"}, {"playbook": "onboard"}, {"check_mode": True}):
        assert len(added(tmp_path, one(2), **other)["accounts"]) == 1
    assert [run["numbers"]["in_scope"] for run in history.read(tmp_path, "drift")] == [1, 1, 1]


def test_a_damaged_report_is_not_overwritten(tmp_path: Path) -> None:
    added(tmp_path, one(1))
    path = tmp_path / "4711-drift/report.json"
    begun = {"started": "2026-11-22T00:00:00Z", "accounts": []}
    nameless = {**begun, "finished": "2026-11-22T00:00:00Z", "accounts": [{}]}
    timeless = {**nameless, "accounts": [], "started": "yesterday"}
    for text in ("{", "[]", "{}", json.dumps(begun), json.dumps(nameless), json.dumps(timeless)):
        path.write_text(text)
        with pytest.raises(SentinelError, match="4711-drift") as caught:
            added(tmp_path, one(2))
        assert caught.value.kind == "bad_input"
        assert path.read_text() == text


def day(number: int, hour: int = 2) -> dict[str, Any]:
    return {"started": f"2026-11-{number}T{hour:02}:00:00+00:00", "finished": f"2026-11-{number}T{hour:02}:05:00+00:00"}


def test_a_name_used_every_night_has_a_report_for_each_night(tmp_path: Path) -> None:
    for number, status in ((20, "failed"), (21, "changed"), (22, "ok")):
        added(tmp_path, one(1, status=status), run="nightly", **day(number))
        content = added(tmp_path, one(number - 18), run="nightly", **day(number, 4))
        assert [record["account_id"][-1] for record in content["accounts"]] == ["1", str(number - 18)]
        assert content["accounts"][0]["status"] == status
    runs = history.read(tmp_path, "drift")
    assert [(run["started"][8:10], run["numbers"]["in_scope"]) for run in runs] == [("20", 2), ("21", 2), ("22", 2)]
    kept = sorted(path.name for path in tmp_path.iterdir() if path.is_dir() and not path.is_symlink())
    assert kept == ["nightly-drift", "nightly-drift-2026-11-20T020000Z", "nightly-drift-2026-11-21T020000Z"]
    for folder in kept:
        assert {path.name for path in (tmp_path / folder).iterdir()} - {".lock"} == set(FILES)
    content = json.loads((tmp_path / kept[1] / "report.json").read_text())
    assert (content["started"][:10], content["accounts"][0]["status"]) == ("2026-11-20", "failed")


def test_slices_with_long_durations_are_one_run_in_any_order(tmp_path: Path) -> None:
    added(tmp_path, one(1), started="2026-11-22T11:50:00Z", finished="2026-11-22T11:55:00Z")
    content = added(tmp_path, one(2), started="2026-11-22T02:00:00Z", finished="2026-11-22T12:00:00Z")
    assert len(content["accounts"]) == 2
    assert len(history.read(tmp_path, "drift")) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_waits_for_another_one_can_be_interrupted(tmp_path: Path, number: signal.Signals) -> None:
    added(tmp_path, one(1))
    context = multiprocessing.get_context("fork")
    ready, answers = context.Event(), context.Queue()

    async def waiting() -> None:
        # As in the action of fleet: the event loop handles signals, but does not run while the report is written.
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signal_number, lambda: None)
        ready.set()
        try:
            added(tmp_path, one(2))
        except SentinelError as error:
            answers.put(error.kind)

    process = context.Process(target=lambda: asyncio.run(waiting()))
    with merge.exclusive_lock(tmp_path / "4711-drift" / ".lock"):
        process.start()
        assert ready.wait(20)
        time.sleep(0.3)
        os.kill(process.pid or 0, number)
        process.join(10)
        code = process.exitcode
        process.kill()
    assert code == 0
    assert answers.get(timeout=5) == "interrupted"


def test_slices_that_end_at_the_same_moment_wait_for_each_other(tmp_path: Path) -> None:
    work = [multiprocessing.get_context("fork").Process(target=added, args=(tmp_path, one(n))) for n in range(6)]
    for process in work:
        process.start()
    for process in work:
        process.join()
    assert [process.exitcode for process in work] == [0] * 6
    content = json.loads((tmp_path / "4711-drift/report.json").read_text())
    assert [record["account_id"][-1] for record in content["accounts"]] == list("012345")
