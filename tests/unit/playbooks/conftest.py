# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs of ansible-playbook against the emulators."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.console import account_lines
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import FIELDS, Account, parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountResult
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from tests.emulators.client import Emulators
from tests.faults.engine import short_pauses

Inventory = dict[str, Any]
WORKSPACE = {
    "sentinel_resource_group": "security",
    "sentinel_workspace": "sentinel",
    "sentinel_assume_role": "OrganizationAccountAccessRole",
}


class Run(NamedTuple):
    """The result of a run; `changed` has the calls of each account that was (or would be) changed."""

    code: int
    output: str

    @property
    def changed(self) -> dict[str, str]:
        """Return the calls by account id, as the output lists them."""
        return dict(re.findall(r"^(?:would change|changed): \[(\d{12})[^\]]*\] (.*)$", self.output, re.MULTILINE))

    @property
    def failed(self) -> dict[str, str]:
        """Return the error of each failed account by account id."""
        return dict(re.findall(r"^failed: \[(\d{12})[^\]]*\] (.*)$", self.output, re.MULTILINE))

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """Return the numbers of the recap by host."""
        lines = re.findall(r"^(\S+)\s+: (ok=.*)$", self.output, re.MULTILINE)
        return {host: {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", text)} for host, text in lines}


Play = Callable[..., Run]


@pytest.fixture
def play(cloud: Emulators, tmp_path: Path) -> Play:
    """Run a playbook of the collection by its name, or one by its YAML, for these hosts (name: variables)."""

    def run(playbook: str, hosts: dict[str, dict[str, Any]], *options: str, **variables: Any) -> Run:
        inventory = tmp_path / "accounts.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": {**WORKSPACE, **variables}}}))
        name = f"trailbridge.sentinel.{playbook}"
        if "\n" in playbook:
            name = str(tmp_path / "play.yml")
            Path(name).write_text(playbook)
        command = ["ansible-playbook", name, "-i", str(inventory), "-v", *options]
        environment = cloud.whole_environment(ANSIBLE_NOCOLOR="1", ANSIBLE_DEPRECATION_WARNINGS="1")
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        output = done.stdout + done.stderr
        assert "DEPRECATION" not in output, output
        return Run(done.returncode, output)

    return run


Engine = Callable[..., dict[str, str]]


def parsed(here: Emulators, hosts: dict[str, dict[str, Any]], **variables: Any) -> list[Account]:
    """Return the accounts that fleet would read for these hosts."""
    accounts = []
    for host, own in hosts.items():
        given = {**WORKSPACE, "sentinel_subscription_id": here.environment["AZURE_SUBSCRIPTION_ID"]}
        given |= {**variables, **own}
        options = {field.option: given.get(field.variable) for field in FIELDS}
        for option in ("tenant", "client_id", "secret", "cloud_environment"):
            options[option] = options[option] or here.environment[f"AZURE_{option.upper()}"]
        accounts.append(parse(options, f"host {host}", host=host, names="variable"))
    return accounts


async def all_results(accounts: list[Account], order: fleet.RunOptions) -> list[AccountResult]:
    return [done async for done in fleet.run(accounts, order)]


@pytest.fixture
def engine(here: Emulators) -> Engine:
    """Run the engine in this process, several times as fast as the playbook; returns the calls by account id."""

    def run(hosts: dict[str, dict[str, Any]], *, absent: bool = False, **variables: Any) -> dict[str, str]:
        accounts = parsed(here, hosts, **variables)
        with short_pauses():
            done = asyncio.run(all_results(accounts, fleet.RunOptions(absent=absent)))
        assert [item.error for item in done if item.error] == []
        return {item.account.account_id: account_lines.call_names(item) for item in done if item.report.calls}

    return run


@pytest.fixture
def twelve() -> dict[str, dict[str, Any]]:
    return {f"host{number:02}": {"aws_account_id": f"1111111111{number:02}"} for number in range(1, 13)}
