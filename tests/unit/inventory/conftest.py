# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs of ansible-inventory against the emulators."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.emulators.client import CALLER_ACCOUNT, Emulators

PLUGIN = "trailbridge.sentinel.aws_organization"
ROOT, WORK, PROD, TEST = "r-ab12", "ou-ab12-11111111", "ou-ab12-22222222", "ou-ab12-33333333"
UNITS = {WORK: ["Workloads", ROOT], PROD: ["Production", WORK], TEST: ["Test & Co", WORK]}
ONE, TWO, THREE, CLOSED = "011111111111", "022222222222", "033333333333", "044444444444"
ACCOUNTS: list[dict[str, Any]] = [
    {"Id": CALLER_ACCOUNT, "Name": "management"},
    {"Id": ONE, "Name": "payments", "Parent": PROD, "Tags": {"env": "prod", "owner": "pay"}},
    {"Id": TWO, "Name": "🚀 lab\n{{ 1 / 0 }}", "Parent": TEST, "Tags": {"env": "test"}},
    {"Id": THREE, "Name": "payments", "Parent": WORK, "JoinedTimestamp": 1780272000.5},
    {"Id": CLOSED, "Name": "old", "Parent": TEST, "State": "CLOSED"},
]


def plain(value: dict[str, Any]) -> Any:
    """Take for what it is a text that Ansible marks as no template."""
    return value["__ansible_unsafe"] if value.keys() == {"__ansible_unsafe"} else value


class Listed(NamedTuple):
    """What ansible-inventory ended with."""

    code: int
    output: str
    messages: str

    @property
    def data(self) -> dict[str, Any]:
        """Return its output as data."""
        loaded: dict[str, Any] = json.loads(self.output, object_hook=plain)
        return loaded

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """Return the variables of every host."""
        hosts: dict[str, dict[str, Any]] = self.data["_meta"]["hostvars"]
        return hosts

    def members(self, group: str) -> set[str]:
        """Return the hosts of a group and of those below it."""
        found = self.data.get(group, {})
        return {*found.get("hosts", []), *(name for child in found.get("children", []) for name in self.members(child))}


List = Callable[..., Listed]


@pytest.fixture
def organized(cloud: Emulators) -> Emulators:
    cloud.organization(ACCOUNTS, units=UNITS)
    return cloud


@pytest.fixture
def listed(cloud: Emulators, tmp_path: Path) -> List:
    """Run ansible-inventory on a file with these options; `arguments` replace --list."""

    def run(*arguments: str, environment: dict[str, str] | None = None, **options: Any) -> Listed:
        path = tmp_path / "accounts.aws_organization.yml"
        path.write_text(yaml.safe_dump({"plugin": PLUGIN, **options}, allow_unicode=True), encoding="utf-8")
        command = ["ansible-inventory", "-i", str(path), *(arguments or ["--list"])]
        settings = {
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
            "ANSIBLE_HOME": str(tmp_path),
        }
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**cloud.whole_environment(**settings), **(environment or {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "DEPRECATION" not in done.stderr, done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        assert not [secret for secret in cloud.secrets() if secret in done.stdout + done.stderr]
        return Listed(done.returncode, done.stdout, " ".join(done.stderr.split()))

    return run
