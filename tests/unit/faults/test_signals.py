# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C, and the SIGTERM by which AWX cancels, against the real playbook: it ends soon, and keeps a journal."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.client import Emulators
from tests.unit.interrupted_playbook import SIGNALS, in_progress, interrupted

HOSTS: dict[str, Any] = {f"host{number:02}": {"aws_account_id": f"3333333333{number:02}"} for number in range(60)}
SUMMARY = re.compile(r"^\d+ accounts?: \d+ ok, \d+ changed, \d+ failed", re.MULTILINE)
JOURNAL = re.compile(r"^The run was \w+ .* The results are in (\S+)\.$", re.MULTILINE)


def has_started(cloud: Emulators) -> bool:
    """Whether some accounts are completed and others in progress."""
    return cloud.operations().count("DataConnectors_CreateOrUpdate") >= 4


@pytest.fixture
def playbook(cloud: Emulators, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run in progress that takes another minute unless it is interrupted."""
    cloud.fault(service="iam", delay=0.4)
    with in_progress(cloud, tmp_path, "onboard", HOSTS, lambda: has_started(cloud), sentinel_concurrency=2) as process:
        yield process


@pytest.mark.parametrize(("number", "to_all"), SIGNALS)
def test_an_interrupted_run_keeps_a_journal(
    cloud: Emulators, playbook: subprocess.Popen[str], number: signal.Signals, to_all: bool
) -> None:
    output = interrupted(playbook, number, to_all=to_all)
    assert len(SUMMARY.findall(output)) == 1, output
    [path] = {*JOURNAL.findall(output)}
    journal = Path(path)
    assert journal.stat().st_mode & 0o777 == 0o600
    assert_complete(cloud, journal)
    assert [secret for secret in cloud.secrets() if secret in output + journal.read_text()] == []


def assert_complete(cloud: Emulators, journal: Path) -> None:
    """Assert that the journal has the writes of every account, and nothing else."""
    listed = [json.loads(line) for line in journal.read_text().splitlines()]
    journalled = {entry["account_id"]: [call["name"] for call in entry["calls"]] for entry in listed}
    writes: dict[str, list[str]] = {}
    for request in cloud.requests(write=True):
        if request["operation"] != "Token" and request["status"] in (200, 201):
            writes.setdefault(request["account"], []).append(request["operation"])
    assert writes
    # Requests in progress at the interruption may have been completed.
    ended = {entry["account_id"] for entry in listed if entry.get("error", {}).get("class") == "interrupted"}
    cut = {
        account: names[: len(journalled[account])] if account in ended else names for account, names in writes.items()
    }
    assert {account: names for account, names in cut.items() if names} == {
        account: names for account, names in journalled.items() if names
    }
    assert all(len(names) - len(cut[account]) <= 1 for account, names in writes.items())
