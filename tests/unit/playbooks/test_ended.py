# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that end early: no more accounts are started, and the results so far are kept."""

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
from tests.faults.timing import Timing

from .conftest import Play, parsed

ACCOUNTS = {f"host{number:02}": {"aws_account_id": f"1111111111{number:02}"} for number in range(1, 41)}


def run(
    here: Emulators, concurrency: int = 2, after: Callable[[fleet.Cancellation], None] = lambda _cancellation: None
) -> Any:
    """Run the engine in this process; `after` is called with the first result."""

    async def work() -> tuple[list[AccountResult], fleet.Cancellation]:
        cancellation, results = fleet.Cancellation(), list[AccountResult]()
        async for result in fleet.run(parsed(here, ACCOUNTS), fleet.RunOptions(concurrency=concurrency), cancellation):
            if not results:
                after(cancellation)
            results.append(result)
        return results, cancellation

    return asyncio.run(work())


def test_an_interrupted_run_completes_accounts_in_progress_and_starts_no_others(here: Emulators) -> None:
    results, _cancellation = run(here, after=lambda cancellation: cancellation.interrupt("it got SIGINT"))
    statuses = [result.status for result in results]
    assert len(results) == 40
    assert set(statuses) == {"changed", "skipped"}
    assert statuses.count("changed") <= 2 * fleet.WORKERS_PER_SLOT + 1
    assert len(here.connectors()) == statuses.count("changed")


@pytest.mark.parametrize("operation", ["GetCallerIdentity", "Workspaces_Get", "ListAccounts"])
def test_an_interruption_before_the_first_account_ends_the_run(here: Emulators, operation: str) -> None:
    here.organization([{"Id": CALLER_ACCOUNT, "Name": "management"}])
    here.fault(operation=operation, delay=30)

    async def work() -> list[AccountResult]:
        cancellation = fleet.Cancellation()
        asyncio.get_running_loop().call_later(1, cancellation.interrupt, "it got SIGINT")
        options = fleet.RunOptions(orphans="report")
        return [result async for result in fleet.run(parsed(here, ACCOUNTS), options, cancellation)]

    start = time.monotonic()
    with Timing(grace=0.2).applied(), pytest.raises(SentinelError) as caught:
        asyncio.run(work())
    assert caught.value.kind == "interrupted"
    assert time.monotonic() - start < 20
    assert here.requests(write=True, service="iam") == []


def test_a_preview_that_ends_early_is_not_too_many_changes(here: Emulators) -> None:
    here.fault(operation="AssumeRole", **faults.EXPIRED_TOKEN)

    async def work() -> list[AccountResult]:
        return [result async for result in fleet.run(parsed(here, ACCOUNTS), fleet.RunOptions(max_change=2))]

    with pytest.raises(SentinelError) as caught:
        asyncio.run(work())
    assert caught.value.kind == "expired_credentials"


def test_the_task_timeout_of_ansible_ends_the_run(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    class TaskTimeout(BaseException):
        """Raised by Ansible in a signal handler, anywhere in the process."""

    async def timed_out(*_arguments: Any) -> None:
        raise TaskTimeout

    monkeypatch.setattr(fleet, "connect", timed_out)
    with pytest.raises(TaskTimeout):
        run(here)


def test_a_journal_with_results_is_kept_and_an_empty_one_deleted(here: Emulators, tmp_path: Path) -> None:
    first, second = Journal(tmp_path, "run"), Journal(tmp_path, "run")
    assert first.path != second.path
    for result in run(here)[0][:3]:
        first.add(result)
    first.close()
    second.close()
    assert [path.name for path in tmp_path.iterdir()] == [first.path.name]
    assert len(first.path.read_text().splitlines()) == 3


def test_a_full_disk_is_an_error_of_the_journal_and_stops_no_account(here: Emulators, tmp_path: Path) -> None:
    journal = Journal(tmp_path, "run")
    journal._file.close()
    with Path("/dev/full").open("w", encoding="utf-8", buffering=1) as full, mock.patch.object(journal, "_file", full):
        for result in run(here)[0]:
            journal.add(result)
        journal.close()
    assert journal.error
    assert journal.error.errno == errno.ENOSPC


def test_an_unwritable_home_is_a_warning(
    cloud: Emulators, play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("ANSIBLE_HOME", str(home))
    folder = home / "trailbridge.sentinel"
    folder.write_text("a file instead of a folder, which stops root as well")
    hosts = dict(list(ACCOUNTS.items())[:2])
    run = play("onboard", hosts)
    assert (run.code, run.changed.keys()) == (0, {"111111111101", "111111111102"}), run.output
    assert f"{folder}: " in run.output
    assert len(cloud.connectors()) == 2


def test_an_unwritable_report_dir_is_an_error(cloud: Emulators, play: Play, tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    run = play("onboard", dict(list(ACCOUNTS.items())[:2]), sentinel_report_dir=str(tmp_path / "reports"))
    assert run.code == 2
    assert cloud.connectors() == []


def test_the_journal_is_kept_if_the_report_cannot_be_written(cloud: Emulators, play: Play, tmp_path: Path) -> None:
    folder = tmp_path / "reports/4711-onboard"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text("{")
    hosts = dict(list(ACCOUNTS.items())[:2])
    run = play("onboard", hosts, sentinel_report_dir=str(folder.parent), sentinel_report_name="4711")
    assert run.code == 2
    assert len(cloud.connectors()) == 2
    assert str(folder) in run.output
    [path] = {*re.findall(r"The results are in (\S+\.jsonl)", run.output)}
    assert len(Path(path).read_text().splitlines()) == 2


def test_an_account_that_hangs_is_cancelled_after_the_grace_period(here: Emulators) -> None:
    here.fault(operation="GetRole", account="111111111102", delay=30)
    start = time.monotonic()
    with Timing(grace=0.5).applied():
        results, _cancellation = run(here, after=lambda cancellation: cancellation.interrupt("it got SIGTERM"))
    assert time.monotonic() - start < 20
    hung = next(one for one in results if one.account.account_id == "111111111102")
    assert (hung.status, hung.error and hung.error.kind) == ("failed", "interrupted")
