# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fleet in several ansible-runners at once, each with a part of the inventory, as AWX slices a job."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.report import history
from tests.emulators.client import Emulators

from .conftest import WORKSPACE, Engine

Hosts = dict[str, dict[str, Any]]
SLICES = 4


def started(cloud: Emulators, folder: Path, number: int, hosts: Hosts) -> subprocess.Popen[str]:
    """Start one slice as AWX does: ansible-runner, an inventory of its own hosts, and the same variables."""
    private = folder / f"slice{number}"
    (private / "project").mkdir(parents=True)
    inventory = private / "accounts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": WORKSPACE}}))
    given = {
        "sentinel_report_dir": str(folder / "reports"),
        "sentinel_report_name": 4711,
        "sentinel_minimum_accounts": 0,
    }
    (private / "env").mkdir()
    (private / "env/extravars").write_text(json.dumps(given))
    run = ["run", str(private), "--playbook", "trailbridge.sentinel.onboard", "--inventory", str(inventory)]
    command = ["ansible-runner", *run]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=cloud.whole_environment(ANSIBLE_NOCOLOR="1", ANSIBLE_HOME=str(folder)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def end_state(cloud: Emulators, hosts: Hosts) -> list[Any]:
    """All connectors, and the roles of all accounts, without values that differ between runs."""
    connectors = sorted((raw["name"], raw["properties"]["awsRoleArn"]) for raw in cloud.connectors())
    roles = []
    for own in hosts.values():
        (raw,) = cloud.boto("iam", own["aws_account_id"]).list_roles()["Roles"]
        roles.append((raw["Arn"], raw["AssumeRolePolicyDocument"]))
    return [connectors, roles]


def requests(cloud: Emulators) -> Counter[str]:
    return Counter(cloud.operations())


def test_four_slices_have_the_result_of_one_run(here: Emulators, engine: Engine, twelve: Hosts, tmp_path: Path) -> None:
    """A fifth slice has no hosts."""
    engine(twelve)
    alone, wanted = requests(here), end_state(here, twelve)
    here.reset()

    parts = [dict(list(twelve.items())[number::SLICES]) for number in range(SLICES)]
    running = [started(here, tmp_path, number, part) for number, part in enumerate([*parts, {}])]
    outputs = [process.communicate(timeout=240)[0] for process in running]
    assert [process.returncode for process in running] == [0] * (SLICES + 1), outputs
    assert all("3 accounts: 0 ok, 3 changed, 0 failed" in text for text in outputs[:SLICES])
    assert "accounts:" not in outputs[SLICES]

    assert end_state(here, twelve) == wanted
    # The requests for accounts are as many; each slice repeats the requests that a run makes once.
    assert requests(here) == {name: n if n >= len(twelve) else n * SLICES for name, n in alone.items()}

    report = json.loads((tmp_path / "reports/4711-onboard/report.json").read_text())
    assert [one["account_id"] for one in report["accounts"]] == [own["aws_account_id"] for own in twelve.values()]
    assert report["summary"] == {"accounts": 12, "ok": 0, "changed": 12, "failed": 0, "skipped": 0}
    assert [run["numbers"]["in_scope"] for run in history.read(tmp_path / "reports", "onboard")] == [12]
