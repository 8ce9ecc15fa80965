# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C and SIGTERM while the playbook `verify` waits: it ends soon, and reports what is known."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest

from tests.emulators.client import Emulators
from tests.unit.interrupted_playbook import SIGNALS, in_progress, interrupted
from tests.unit.modules.test_ingestion_info import arrived, connect

ONE, TWO = "111111111101", "111111111102"
SCHEMA = Path(__file__).parents[3] / "docs/report.schema.json"


@contextmanager
def waiting(cloud: Emulators, folder: Path, is_reached: Callable[[], bool]) -> Iterator[subprocess.Popen[str]]:
    """Run the playbook, which waits for the second account, until `is_reached`."""
    hosts = {f"host{number}": {"aws_account_id": number} for number in (ONE, TWO)}
    more = {"sentinel_verify_wait": "30m", "sentinel_report_dir": str(folder / "reports")}
    cloud.forget()
    with in_progress(cloud, folder, "verify", hosts, is_reached, **more) as process:
        time.sleep(0.5)
        yield process


@pytest.mark.parametrize(("number", "to_all"), SIGNALS)
def test_an_interrupted_wait_reports_what_is_known(
    cloud: Emulators, tmp_path: Path, number: signal.Signals, to_all: bool
) -> None:
    connect(cloud, ONE, TWO)
    arrived(cloud, {ONE: 0.1})
    with waiting(cloud, tmp_path, lambda: "Query" in cloud.operations()) as process:
        output = interrupted(process, number, to_all=to_all)
    assert "Waiting up to 30 min for the events of 2 accounts; -e sentinel_verify_wait=0" in output
    assert f"silent: [{TWO} host{TWO}] No event arrived in the last 7 d." in output
    assert "2 accounts: 1 receiving, 1 silent" in output
    [path] = (tmp_path / "reports").glob("*verify*/report.json")
    report = json.loads(path.read_text())
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    assert "interrupted" in report
    assert {one["account_id"]: one["ingestion"]["ingestion_status"] for one in report["accounts"]} == {
        ONE: "receiving",
        TWO: "silent",
    }


def test_an_account_is_unknown_if_nothing_was_answered(cloud: Emulators, tmp_path: Path) -> None:
    connect(cloud, ONE, TWO)
    cloud.fault(operation="Query", delay=60)
    with waiting(cloud, tmp_path, lambda: "DataConnectors_List" in cloud.operations()) as process:
        output = interrupted(process, signal.SIGTERM, to_all=True)
    assert "2 accounts: 0 receiving, 2 unknown" in output
