# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session of a run without Ansible: report and journal, refusal, signals, and bugs that hide no result."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import Account
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import (
    AccountReport,
    AccountResult,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.orphans import orphans
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.session import Session, SessionOptions
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.unexpected import bugs_in
from tests.emulators.client import CALLER_ACCOUNT, Emulators
from tests.faults.engine import short_pauses
from tests.faults.world import arn_of
from tests.unit.playbooks.conftest import parsed

ONE, TWO, DEPARTED = "111111111101", "111111111102", "999999999999"


class Recorder:
    """A console that keeps what it is asked to display."""

    verbose = False
    diff_context = None

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.tracebacks: list[str] = []
        self.ended = 0

    def line(self, text: str) -> None:
        self.lines.append(text)

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def traceback(self, error: SentinelError | None) -> None:
        self.tracebacks += [bug.traceback for bug in bugs_in(error)]

    def ending(self) -> None:
        self.ended += 1


@pytest.fixture
def console() -> Recorder:
    return Recorder()


@pytest.fixture
def two(here: Emulators) -> list[Account]:
    return parsed(here, {"one": {"aws_account_id": ONE}, "two": {"aws_account_id": TWO}})


def run(session: Session) -> dict[str, Any]:
    with short_pauses():
        return asyncio.run(session.run())


def session_in(
    folder: Path, accounts: list[Account], console: Recorder, *refused: AccountResult, **options: Any
) -> Session:
    return Session(accounts, refused, fleet.RunOptions(**options), SessionOptions("onboard", folder / "home"), console)


def seed(here: Emulators, account: str, role: str) -> None:
    """Add a connector to the workspace that reads this role."""
    properties = {"awsRoleArn": arn_of(account, role), "dataTypes": {"logs": {"state": "enabled"}}}
    here.seed_connector({"kind": "AmazonWebServicesCloudTrail", "properties": properties})


def journals(folder: Path) -> list[dict[str, Any]]:
    """The lines of all journals below a folder."""
    return [json.loads(line) for path in sorted(folder.rglob("20*.jsonl")) for line in path.read_text().splitlines()]


def test_a_run_without_report_leaves_no_file(two: list[Account], console: Recorder, tmp_path: Path) -> None:
    result = run(session_in(tmp_path, two, console))
    assert result["summary"] == {"accounts": 2, "ok": 0, "changed": 2, "failed": 0, "skipped": 0}
    assert "failed" not in result
    assert (journals(tmp_path), console.warnings) == ([], [])
    assert any(ONE in line for line in console.lines)


def test_changes_that_are_not_displayed_stay_in_the_journal(here: Emulators, console: Recorder, tmp_path: Path) -> None:
    hosts = {f"host{number:02}": {"aws_account_id": f"1111111111{number:02}"} for number in range(20)}
    accounts = parsed(here, hosts)
    assert "failed" not in run(session_in(tmp_path, accounts, console, check_mode=True))
    assert journals(tmp_path) == []
    assert "failed" not in run(session_in(tmp_path, accounts, console))
    assert {line["account_id"] for line in journals(tmp_path)} == {account.account_id for account in accounts}
    [path] = tmp_path.rglob("20*.jsonl")
    assert any(str(path) in line for line in console.lines)


def test_the_report_has_the_run_as_a_whole(
    two: list[Account], console: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = SentinelError("bad_input", "Cannot work on it.")
    refused = AccountResult(two[1], AccountReport(), error)
    monkeypatch.setenv("LOGNAME", "alex")
    options = SessionOptions(
        "drift", tmp_path / "home", report_dir=tmp_path / "reports", report_name="4711", limit="prod"
    )
    result = run(Session(two[:1], [refused], fleet.RunOptions(check_mode=True), options, console))
    [path] = tmp_path.rglob("report.json")
    report = json.loads(path.read_text())
    assert (report["playbook"], report["check_mode"], report["workspaces"]) == ("drift", True, ["sentinel"])
    assert (report["user"], report["limit"]) == ("alex", "prod")
    assert report["summary"] == result["summary"] == {"accounts": 2, "ok": 0, "changed": 1, "failed": 1, "skipped": 0}
    assert any(str(path.parent) in line for line in console.lines)
    assert journals(tmp_path) == []


def test_the_report_has_why_accounts_were_skipped(two: list[Account], console: Recorder, tmp_path: Path) -> None:
    error = SentinelError("expired_credentials", "Cannot use the credentials: the session expired.")
    options = SessionOptions("onboard", tmp_path / "home", report_dir=tmp_path / "reports")
    cancellation = fleet.Cancellation()
    cancellation.reasons[two[0].aws.identity] = error
    run(Session(two, [], fleet.RunOptions(), options, console, cancellation))
    [path] = tmp_path.rglob("report.json")
    report = json.loads(path.read_text())
    assert (report["summary"]["skipped"], report["numbers"]["attention"]) == (2, 2)
    assert report["skip_reasons"] == [error.show()]


def test_a_refused_run_is_a_preview_with_the_class_of_the_refusal(
    here: Emulators, two: list[Account], console: Recorder, tmp_path: Path
) -> None:
    result = run(session_in(tmp_path, two, console, max_change=1))
    assert (result["failed"], result["changed"], result["error"]) == (True, False, {"class": "too_many_changes"})
    assert result["accounts"].keys() == {ONE, TWO}
    assert here.operations(write=True) == []


def test_an_unwritable_home_is_a_warning_and_an_unwritable_report_dir_an_error(
    here: Emulators, two: list[Account], console: Recorder, tmp_path: Path
) -> None:
    (tmp_path / "home").write_text("a file")
    options = SessionOptions("onboard", tmp_path, report_dir=tmp_path / "home")
    with pytest.raises(SentinelError) as caught:
        run(Session(two, [], fleet.RunOptions(), options, console))
    assert caught.value.kind == "bad_input"
    assert here.requests() == []
    assert run(session_in(tmp_path, two, console))["summary"]["changed"] == 2
    assert len(console.warnings) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_and_keeps_the_results(
    here: Emulators,
    two: list[Account],
    console: Recorder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    before = signal.getsignal(number)
    here.fault(operation="GetRole", account=TWO, delay=30)
    interrupted: list[float] = []

    def show(text: str) -> None:
        """Send the signal when the first account is done."""
        console.lines.append(text)
        if ONE in text and not interrupted:
            interrupted.append(time.monotonic())
            os.kill(os.getpid(), number)

    monkeypatch.setattr(console, "line", show)
    monkeypatch.setattr(console, "verbose", True)
    result = asyncio.run(session_in(tmp_path, two, console).run())
    assert time.monotonic() - interrupted[0] < 20
    assert result["failed"]
    assert console.ended == 1
    assert {line["account_id"]: line["status"] for line in journals(tmp_path)} == {ONE: "changed", TWO: "failed"}
    assert signal.getsignal(number) == before


def test_a_bug_that_ends_the_run_is_in_the_journal(
    two: list[Account], console: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: Any) -> None:
        raise TypeError("planted")

    monkeypatch.setattr(fleet, "change_limit_error", broken)
    with pytest.raises(SentinelError) as caught:
        run(session_in(tmp_path, two, console, check_mode=True))
    assert caught.value.kind == "unexpected"
    assert "planted" in journals(tmp_path)[-1]["traceback"]


@pytest.mark.parametrize(
    ("place", "name"), [(fleet, "find_departed"), (fleet, "find_in_accounts"), (fleet, "check_departed_again")]
)
def test_a_bug_about_orphans_hides_no_account_and_removes_nothing(
    here: Emulators,
    two: list[Account],
    console: Recorder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    name: str,
) -> None:
    here.organization([{"Id": one} for one in (CALLER_ACCOUNT, ONE, TWO)])
    seed(here, ONE, "Other")
    seed(here, DEPARTED, "MicrosoftSentinelRole")

    async def broken(*_arguments: Any, **_options: Any) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(place, name, broken)
    session = session_in(tmp_path, two, console, orphans="remove", max_departed_percent=100.0)
    session.options = replace(session.options, report_dir=tmp_path / "reports")
    result = run(session)
    assert (result["failed"], result["error"]["class"]) == (True, "unexpected")
    [path] = tmp_path.rglob("report.junit.xml")
    assert 'name="orphan"' in path.read_text()
    assert result["summary"]["changed"] == 2
    assert not any(one["removed"] for one in result["orphans"])
    assert "DataConnectors_Delete" not in here.operations()
    assert len(console.tracebacks) == 1
    [traceback] = [line["traceback"] for line in journals(tmp_path) if "traceback" in line]
    assert "planted" in traceback


def test_a_bug_of_one_removal_stops_no_other(
    here: Emulators, two: list[Account], console: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.organization([{"Id": one} for one in (CALLER_ACCOUNT, ONE, TWO)])
    for account in (ONE, "999999999990", DEPARTED):
        seed(here, account, "MicrosoftSentinelRole")
    reconcile, done = orphans.reconcile, list[object]()

    async def broken(*arguments: Any) -> Any:
        done.append(arguments)
        if len(done) == 1:
            raise KeyError("planted")
        return await reconcile(*arguments)

    monkeypatch.setattr(orphans, "reconcile", broken)
    result = run(session_in(tmp_path, two, console, orphans="remove", max_departed_percent=100.0))
    assert [one["removed"] for one in result["orphans"]] == [False, True]
    assert result["failed"]
    assert len(console.tracebacks) == 1
