# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that end before their time: nothing is begun any more, and what was done is known."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.trailbridge.sentinel.plugins.module_utils.run import account as account_module
from ansible_collections.trailbridge.sentinel.plugins.module_utils.run import fleet
from tests.emulators import faults
from tests.emulators.client import Emulators

from .conftest import WORKSPACE, Play, parsed

ACCOUNTS = {f"host{number:02}": {"aws_account_id": f"1111111111{number:02}"} for number in range(1, 41)}


def run(here: Emulators, concurrency: int = 2, after: Callable[[fleet.Stop], None] = lambda _stop: None) -> Any:
    """Do what the playbook does, in this process; `after` is called when the first account is done."""

    async def work() -> tuple[list[fleet.Done], fleet.Stop]:
        stop, done = fleet.Stop(), list[fleet.Done]()
        async for one in fleet.run(parsed(here, ACCOUNTS), fleet.Order(concurrency=concurrency), stop):
            if not done:
                after(stop)
            done.append(one)
        return done, stop

    return asyncio.run(work())


def test_base_credentials_that_expire_in_the_middle_end_the_run_and_are_told_once(here: Emulators) -> None:
    here.fault(operation="AssumeRole", account="111111111120", times=1000, **faults.EXPIRED_TOKEN)
    done, stop = run(here)
    statuses = [one.status for one in done]
    assert len(done) == 40
    assert statuses.count("skipped") >= 10
    assert statuses.count("failed") == 0
    assert [error.kind for error in stop.reasons.values()] == ["expired_credentials"]
    assert here.operations("sts").count("AssumeRole") < 40


def test_an_interrupted_run_begins_nothing_and_finishes_what_is_under_way(here: Emulators) -> None:
    done, _stop = run(here, after=lambda stop: stop.interrupt("it got SIGINT"))
    statuses = [one.status for one in done]
    assert len(done) == 40
    assert set(statuses) == {"changed", "skipped"}
    assert statuses.count("changed") <= 2 * fleet.AHEAD + 1
    roles = [one for one in done if one.status == "changed"]
    assert len(here.connectors()) == len(roles)


def test_what_hangs_is_ended_after_a_while(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "GRACE", 0.5)
    here.fault(operation="GetRole", account="111111111102", delay=8)
    start = time.monotonic()
    done, _stop = run(here, after=lambda stop: stop.interrupt("it got SIGTERM"))
    assert time.monotonic() - start < 6
    hung = next(one for one in done if one.account.account_id == "111111111102")
    assert (hung.status, hung.error and hung.error.kind) == ("failed", "interrupted")


def test_an_account_that_hangs_is_given_up_and_delays_nobody(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_module, "LONGEST", 1.0)
    here.fault(operation="GetRole", account="111111111102", delay=8)
    start = time.monotonic()
    done, _stop = run(here)
    assert time.monotonic() - start < 7
    failed = {one.account.account_id: one.error for one in done if one.error}
    assert list(failed) == ["111111111102"]
    assert str(failed["111111111102"]).startswith("Cannot finish account 111111111102: AWS took longer than 1 seconds.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_playbook_that_is_ended_says_so_and_leaves_its_record(
    cloud: Emulators, tmp_path: Path, number: signal.Signals
) -> None:
    cloud.fault(operation="CreateRole", times=1000, delay=0.3)
    inventory = tmp_path / "accounts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": ACCOUNTS, "vars": {**WORKSPACE, "sentinel_concurrency": 2}}}))
    environment = cloud.whole_environment(ANSIBLE_HOME=str(tmp_path / "home"), ANSIBLE_NOCOLOR="1")
    command = ["ansible-playbook", "trailbridge.sentinel.onboard", "-i", str(inventory)]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as playbook:
        deadline = time.monotonic() + 60
        while len(cloud.connectors()) < 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        start = time.monotonic()
        os.kill(playbook.pid, number)
        output, _none = playbook.communicate(timeout=30)
    assert time.monotonic() - start < 10
    assert playbook.returncode != 0
    told = re.search(
        r"The run was ended before all accounts were done\. What was done is in (\S+)\.$", output, re.MULTILINE
    )
    assert told, output
    record = Path(told[1])
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    entries = [json.loads(line) for line in record.read_text().splitlines()]
    changed = {entry["account_id"] for entry in entries if entry["status"] == "changed"}
    assert len(cloud.connectors()) == len(changed) < 40


def test_a_run_that_ends_by_itself_leaves_no_record(
    cloud: Emulators, play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path / "home"))
    assert play("onboard", {"pay": {"aws_account_id": "111111111101"}}).code == 0
    assert list(tmp_path.rglob("*.jsonl")) == []
