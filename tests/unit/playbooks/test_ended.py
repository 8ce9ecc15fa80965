# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that end before their time: nothing is begun any more, and what was done is known."""

from __future__ import annotations

import asyncio
import errno
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountResult
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.journal import Journal
from tests.emulators import faults
from tests.emulators.client import CALLER_ACCOUNT, Emulators

from .conftest import Play, parsed

ACCOUNTS = {f"host{number:02}": {"aws_account_id": f"1111111111{number:02}"} for number in range(1, 41)}


def run(here: Emulators, concurrency: int = 2, after: Callable[[fleet.Cancellation], None] = lambda _stop: None) -> Any:
    """Do what the playbook does, in this process; `after` is called when the first account is done."""

    async def work() -> tuple[list[AccountResult], fleet.Cancellation]:
        stop, done = fleet.Cancellation(), list[AccountResult]()
        async for one in fleet.run(parsed(here, ACCOUNTS), fleet.RunOptions(concurrency=concurrency), stop):
            if not done:
                after(stop)
            done.append(one)
        return done, stop

    return asyncio.run(work())


def test_an_interrupted_run_begins_nothing_and_finishes_what_is_under_way(here: Emulators) -> None:
    done, _stop = run(here, after=lambda stop: stop.interrupt("it got SIGINT"))
    statuses = [one.status for one in done]
    assert len(done) == 40
    assert set(statuses) == {"changed", "skipped"}
    assert statuses.count("changed") <= 2 * fleet.WORKERS_PER_SLOT + 1
    roles = [one for one in done if one.status == "changed"]
    assert len(here.connectors()) == len(roles)


@pytest.mark.parametrize("operation", ["GetCallerIdentity", "Workspaces_Get", "ListAccounts"])
def test_a_run_that_has_not_begun_yet_ends_as_soon(
    here: Emulators, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    monkeypatch.setattr(fleet, "GRACE_SECONDS", 0.2)
    here.organization([{"Id": CALLER_ACCOUNT, "Name": "management"}])
    here.fault(operation=operation, delay=30)

    async def work() -> list[AccountResult]:
        stop = fleet.Cancellation()
        asyncio.get_running_loop().call_later(1, stop.interrupt, "it got SIGINT")
        order = fleet.RunOptions(orphans="report")
        return [done async for done in fleet.run(parsed(here, ACCOUNTS), order, stop)]

    start = time.monotonic()
    with pytest.raises(SentinelError, match="it got SIGINT"):
        asyncio.run(work())
    assert time.monotonic() - start < 20
    assert here.requests(write=True, service="iam") == []


def test_a_preview_that_ends_early_is_not_taken_for_too_many_changes(here: Emulators) -> None:
    here.fault(operation="AssumeRole", **faults.EXPIRED_TOKEN)

    async def work() -> list[AccountResult]:
        return [done async for done in fleet.run(parsed(here, ACCOUNTS), fleet.RunOptions(max_change=2))]

    with pytest.raises(SentinelError) as caught:
        asyncio.run(work())
    assert caught.value.kind == "expired_credentials"


def test_a_time_limit_that_strikes_anywhere_ends_the_run(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    class TimeIsUp(BaseException):
        """What Ansible raises, by a signal, wherever the process is."""

    async def struck(*_anything: Any) -> None:
        raise TimeIsUp

    monkeypatch.setattr(fleet, "connect", struck)
    with pytest.raises(TimeIsUp):
        run(here)


def test_a_record_outlives_what_ends_the_run(here: Emulators, tmp_path: Path) -> None:
    first, second = Journal(tmp_path, "run"), Journal(tmp_path, "run")
    assert first.path != second.path
    for done in run(here)[0][:3]:
        first.add(done)
    first.close()
    second.close()
    assert [path.name for path in tmp_path.iterdir()] == [first.path.name]
    assert len(first.path.read_text().splitlines()) == 3


def test_a_full_disk_is_told_and_stops_no_account(here: Emulators, tmp_path: Path) -> None:
    record = Journal(tmp_path, "run")
    record._file.close()
    with Path("/dev/full").open("w", encoding="utf-8", buffering=1) as full, mock.patch.object(record, "_file", full):
        for done in run(here)[0]:
            record.add(done)
        record.close()
    assert record.error
    assert record.error.errno == errno.ENOSPC


def test_a_home_that_cannot_be_written_to_is_a_warning(
    cloud: Emulators, play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("ANSIBLE_HOME", str(home))
    records = home / "trailbridge.sentinel"
    records.write_text("a file is in the way, which stops root as well")
    hosts = dict(list(ACCOUNTS.items())[:2])
    run = play("onboard", hosts)
    assert (run.code, run.changed.keys()) == (0, {"111111111101", "111111111102"}), run.output
    assert f"Cannot write into {records}: " in run.output
    assert len(cloud.connectors()) == 2


def test_a_folder_for_reports_that_cannot_be_written_to_is_an_error(
    cloud: Emulators, play: Play, tmp_path: Path
) -> None:
    (tmp_path / "reports").write_text("a file")
    run = play("onboard", dict(list(ACCOUNTS.items())[:2]), sentinel_report_dir=str(tmp_path / "reports"))
    assert run.code == 2
    assert cloud.connectors() == []


def test_a_report_that_cannot_be_written_leaves_the_record(cloud: Emulators, play: Play, tmp_path: Path) -> None:
    folder = tmp_path / "reports/4711-onboard"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text("{")
    hosts = dict(list(ACCOUNTS.items())[:2])
    run = play("onboard", hosts, sentinel_report_dir=str(folder.parent), sentinel_report_name="4711")
    assert run.code == 2
    assert len(cloud.connectors()) == 2
    assert "it is damaged" in run.output
    [path] = {*re.findall(r"What was done is in (\S+\.jsonl)", run.output)}
    assert len(Path(path).read_text().splitlines()) == 2


def test_what_hangs_is_ended_after_a_while(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "GRACE_SECONDS", 0.5)
    here.fault(operation="GetRole", account="111111111102", delay=30)
    start = time.monotonic()
    done, _stop = run(here, after=lambda stop: stop.interrupt("it got SIGTERM"))
    assert time.monotonic() - start < 20
    hung = next(one for one in done if one.account.account_id == "111111111102")
    assert (hung.status, hung.error and hung.error.kind) == ("failed", "interrupted")
