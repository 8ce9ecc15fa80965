# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of accounts with the toy source, by the playbooks of the copied tree, against the emulators."""

from __future__ import annotations

import base64
import gzip
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tests.emulators.client import CALLER_ACCOUNT, Emulators, emulators

ACCOUNTS = ("111111111101", "011111111102")
DEPARTED = "999999999999"
VARIABLES = {
    "sentinel_resource_group": "security",
    "sentinel_workspace": "sentinel",
    "sentinel_assume_role": "OrganizationAccountAccessRole",
    "sentinel_report_dir": "reports",
    "sentinel_report_name": "toy",
}
MADE = ["CreateRepository", "PutImageTagMutability", "PutParameter"]
TOY = {"type": "toy", "repository": "events", "tag_mutability": "IMMUTABLE"}
BOTH = ["cloudtrail", TOY]
ALL = ("-e", "sentinel_max_change_percent=100")


class World:
    """The emulators, and a folder to run playbooks in."""

    def __init__(self, cloud: Emulators, folder: Path) -> None:
        self.cloud = cloud
        self.folder = folder
        self.page = ""

    def start(
        self, playbook: str, *options: str, sources: Any, accounts: Iterable[str] = ACCOUNTS
    ) -> subprocess.Popen[str]:
        """Start a playbook for these accounts."""
        hosts = {f"host{number}": {"aws_account_id": account} for number, account in enumerate(accounts)}
        inventory = {"all": {"hosts": hosts, "vars": {**VARIABLES, "sentinel_sources": sources}}}
        (self.folder / "accounts.yml").write_text(yaml.safe_dump(inventory))
        self.cloud.forget()
        return subprocess.Popen(
            ["ansible-playbook", f"trailbridge.sentinel.{playbook}", "-i", "accounts.yml", *options],
            cwd=self.folder,
            env=self.cloud.whole_environment(ANSIBLE_NOCOLOR="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def play(self, playbook: str, *options: str, code: int = 0, **more: Any) -> dict[str, Any]:
        """Run a playbook; returns its report."""
        with self.start(playbook, *options, **more) as process:
            output = process.communicate(timeout=120)[0]
        assert process.returncode == code, output
        [path] = (self.folder / "reports").glob("*toy*/report.json")
        report: dict[str, Any] = json.loads(path.read_text())
        self.page = path.with_name("report.html").read_text()
        for old in sorted((self.folder / "reports").rglob("*"), reverse=True):
            old.rmdir() if old.is_dir() and not old.is_symlink() else old.unlink()
        return report

    def states(self, check: str) -> dict[str, str]:
        """The state of a check by account, as the last report's page has it."""
        found = re.search(r'<script type="application/gzip" id="data">(.*?)</script>', self.page)
        assert found
        data = json.loads(gzip.decompress(base64.b64decode(found[1])))
        return {row["account_id"]: row["states"][data["checks"].index(check)] for row in data["rows"]}

    def writes(self) -> list[str]:
        """The names of the calls that changed something, each once."""
        return list(dict.fromkeys(self.cloud.operations(write=True)))

    def made(self) -> set[tuple[str, str]]:
        """Account and name of each call that was answered."""
        return {(one["account"], one["operation"]) for one in self.cloud.requests(write=True) if one["status"] == 200}

    def repositories(self, account: str) -> list[str]:
        """The ARNs of the repositories of an account."""
        found = self.cloud.boto("ecr", account).describe_repositories()["repositories"]
        return [one["repositoryArn"] for one in found]

    def parameters(self, account: str) -> list[str]:
        """The values of the parameters of an account."""
        found = self.cloud.boto("ssm", account).get_parameters_by_path(Path="/sentinel")["Parameters"]
        return [one["Value"] for one in found]

    def connected(self) -> set[str]:
        """The accounts that have a connector."""
        return {one["properties"]["awsRoleArn"].split(":")[4] for one in self.cloud.connectors()}


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
        ["role", "connector", "repository", "parameter"] for _account in ACCOUNTS
    ]
    world.play("onboard", sources=BOTH)
    assert world.writes() == []

    first, second = ACCOUNTS
    [arn] = world.repositories(first)
    assert world.parameters(first) == [arn]
    other = "arn:aws:ecr:us-east-1:999999999999:repository/x"
    world.cloud.boto("ssm", first).put_parameter(Name="/sentinel/repository", Value=other, Overwrite=True)
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

    world.play("offboard", "--check", *ALL, sources=BOTH)
    assert world.writes() == []
    removed = world.play("offboard", *ALL, sources=BOTH)
    [row] = [one for one in rows(removed) if one["account_id"] == first]
    assert names(row)[:2] == ["DeleteParameter", "DeleteRepository"]
    assert row["resources"][1] == {"kind": "repository", "id": arn, "changed": True}
    assert [world.repositories(account) for account in ACCOUNTS] == [[], []]
    world.play("offboard", *ALL, sources=BOTH)
    assert world.writes() == []


def interrupted(world: World) -> None:
    """Interrupt a run between the two resources of an account: the journal has what was made, the next run the rest."""
    first, second = ACCOUNTS
    world.cloud.fault(operation="PutParameter", account=second, delay=60)
    with world.start("onboard", sources=BOTH) as process:
        deadline = time.monotonic() + 60
        awaited = {(first, "PutParameter"), (second, "PutImageTagMutability")}
        while not awaited <= world.made() and time.monotonic() < deadline:
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=30)[0]
    assert process.returncode != 0, output
    [journal] = (world.folder / "reports").glob("*.jsonl")
    listed = {row["account_id"]: row for row in map(json.loads, journal.read_text().splitlines())}
    journal.unlink()
    assert listed[second]["error"]["class"] == "interrupted", output
    assert [one["kind"] for one in listed[first]["resources"] if one["changed"]] == [
        "role",
        "connector",
        "repository",
        "parameter",
    ]
    world.cloud.heal()
    [row] = [one for one in rows(world.play("onboard", sources=BOTH)) if one["account_id"] == second]
    assert names(listed[second]) + names(row) == names(listed[first])
    assert names(row)[-1] == "PutParameter"


def departed(world: World) -> None:
    """The resources of an account that left stay, as its role does; its connector is an orphan and is removed."""
    everyone = (*ACCOUNTS, DEPARTED)
    world.cloud.organization([{"Id": one, "Name": one} for one in (CALLER_ACCOUNT, *ACCOUNTS)])
    world.play("onboard", sources=BOTH, accounts=everyone)
    assert world.connected() == set(everyone)
    [arn] = world.repositories(DEPARTED)

    found = world.play("onboard", "-e", "sentinel_find_orphans=true", sources=[TOY])
    assert [(one["account_id"], one["reason"], one["removed"]) for one in found["orphans"]] == [
        (DEPARTED, "left", False)
    ]
    assert {one["code"] for row in rows(found) for one in row["findings"]} == {"source_not_listed"}
    assert world.writes() == []
    world.play("offboard", "-e", "sentinel_offboard_orphans=true", *ALL, sources=BOTH)
    assert world.connected() == set()
    assert [world.repositories(account) for account in everyone] == [[], [], [arn]]
    assert world.parameters(DEPARTED) == [arn]
    assert {one["account"] for one in world.cloud.requests() if one["service"] in ("ecr", "ssm")} == set(ACCOUNTS)


SCENARIOS = {one.__name__: one for one in (live, interrupted, departed)}

if __name__ == "__main__":
    with emulators(managed_policies="few") as running:
        for name in sys.argv[2:]:
            SCENARIOS[name](World(running, Path(sys.argv[1])))
