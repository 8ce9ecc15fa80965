# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of accounts with the toy source, by the playbooks of the copied tree, against the emulators."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.emulators.client import Emulators, emulators

ACCOUNTS = ("111111111101", "011111111102")
VARIABLES = {
    "sentinel_resource_group": "security",
    "sentinel_workspace": "sentinel",
    "sentinel_assume_role": "OrganizationAccountAccessRole",
    "sentinel_report_dir": "reports",
    "sentinel_report_name": "toy",
}
MADE = ["CreateTopic", "SetTopicAttributes", "PutParameter"]
BOTH = ["cloudtrail", {"type": "toy", "topic": "events", "title": "Events"}]


class World:
    """The emulators, and a folder to run playbooks in."""

    def __init__(self, cloud: Emulators, folder: Path) -> None:
        self.cloud = cloud
        self.folder = folder
        self.page = ""

    def play(self, playbook: str, *options: str, sources: Any, code: int = 0) -> dict[str, Any]:
        """Run a playbook; returns its report."""
        hosts = {f"host{number}": {"aws_account_id": account} for number, account in enumerate(ACCOUNTS)}
        inventory = {"all": {"hosts": hosts, "vars": {**VARIABLES, "sentinel_sources": sources}}}
        (self.folder / "accounts.yml").write_text(yaml.safe_dump(inventory))
        self.cloud.forget()
        command = ["ansible-playbook", f"trailbridge.sentinel.{playbook}", "-i", "accounts.yml", *options]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.cloud.whole_environment(ANSIBLE_NOCOLOR="1"),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        [path] = (self.folder / "reports").glob("*toy*/report.json")
        report: dict[str, Any] = json.loads(path.read_text())
        self.page = path.with_name("report.html").read_text()
        for old in sorted((self.folder / "reports").rglob("*"), reverse=True):
            old.unlink() if old.is_file() else old.rmdir()
        return report

    def states(self, check: str) -> dict[str, str]:
        """The state of a check by account, as the last report's page has it."""
        found = re.search(r'<script type="application/json" id="data">(.*?)</script>', self.page, re.DOTALL)
        assert found
        data = json.loads(found[1])
        return {row[0]: row[4][data["checks"].index(check)] for row in data["rows"]}

    def writes(self) -> list[str]:
        """The names of the calls that changed something, each once."""
        return list(dict.fromkeys(self.cloud.operations(write=True)))

    def topics(self, account: str) -> list[str]:
        """The ARNs of the topics of an account."""
        return [one["TopicArn"] for one in self.cloud.boto("sns", account).list_topics()["Topics"]]


def rows(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The accounts of a report."""
    found: list[dict[str, Any]] = report["accounts"]
    return found


def names(row: dict[str, Any]) -> list[str]:
    """The names of an account's calls."""
    return [call["name"] for call in row["calls"]]


def live(world: World) -> None:
    """Preview, create, nothing to do, drift, repair, remove."""
    preview = world.play("onboard", "--check", sources=BOTH)
    assert world.writes() == []
    made = world.play("onboard", sources=BOTH)
    assert [names(row) for row in rows(preview)] == [names(row) for row in rows(made)]
    assert all(set(MADE) <= set(names(row)) for row in rows(made))
    assert [[one["kind"] for one in row["resources"]] for row in rows(made)] == [
        ["role", "connector", "topic", "parameter"] for _account in ACCOUNTS
    ]
    world.play("onboard", sources=BOTH)
    assert world.writes() == []

    first, second = ACCOUNTS
    [arn] = world.topics(first)
    ssm = world.cloud.boto("ssm", first)
    assert ssm.get_parameter(Name="/sentinel/topic")["Parameter"]["Value"] == arn
    ssm.put_parameter(Name="/sentinel/topic", Value="arn:aws:sns:us-east-1:999999999999:x", Overwrite=True)
    drifted = world.play("drift", sources=BOTH, code=2)
    assert world.writes() == []
    assert {row["account_id"]: [one["code"] for one in row["findings"]] for row in rows(drifted)} == {
        first: ["parameter_changed"],
        second: [],
    }
    assert world.states("toy") == {first: "m", second: "."}
    assert '<option value="toy">Toy</option>' in world.page
    repaired = world.play("onboard", sources=BOTH)
    assert world.writes() == ["PutParameter"]
    assert [one["repaired"] for row in rows(repaired) for one in row["findings"]] == [True]

    everything = ("-e", "sentinel_max_change_percent=100")
    world.play("offboard", "--check", *everything, sources=BOTH)
    assert world.writes() == []
    removed = world.play("offboard", *everything, sources=BOTH)
    [row] = [one for one in rows(removed) if one["account_id"] == first]
    assert names(row)[:2] == ["DeleteParameter", "DeleteTopic"]
    assert row["resources"][1] == {"kind": "topic", "id": arn, "changed": True}
    assert [world.topics(account) for account in ACCOUNTS] == [[], []]
    world.play("offboard", *everything, sources=BOTH)
    assert world.writes() == []


if __name__ == "__main__":
    with emulators(managed_policies="few") as running:
        live(World(running, Path(sys.argv[1])))
