# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory against the emulators: read by Ansible in this process, and by real runs of ansible-inventory."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import botocore.session
import pytest
import yaml
from ansible import constants
from ansible.inventory.group import Group
from ansible.inventory.host import Host
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
from ansible.utils.display import Display
from ansible.vars.manager import VariableManager

from tests.emulators.client import CALLER_ACCOUNT, Emulators

KNOWN = botocore.session.Session().get_service_model("organizations").shape_for("Account").members
needs_paths = pytest.mark.skipif("Paths" not in KNOWN, reason="this botocore reads neither State nor Paths")
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
    """Represent strings that Ansible marks as untrusted."""
    return value["__ansible_unsafe"] if value.keys() == {"__ansible_unsafe"} else value


class Listed(NamedTuple):
    """An inventory read by Ansible: variables by host, and the child groups and hosts of each group."""

    hosts: dict[str, dict[str, Any]]
    groups: dict[str, tuple[list[str], list[str]]]

    def members(self, group: str) -> set[str]:
        """Return the hosts of a group and of its child groups."""
        below, hosts = self.groups[group]
        return {*hosts, *(name for child in below for name in self.members(child))}


class Ended(NamedTuple):
    """The exit code and the output of ansible-inventory."""

    code: int
    output: str
    messages: str

    @property
    def data(self) -> dict[str, Any]:
        """Return its output, parsed."""
        loaded: dict[str, Any] = json.loads(self.output, object_hook=plain)
        return loaded

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """Return the variables of every host."""
        hosts: dict[str, dict[str, Any]] = self.data["_meta"]["hostvars"]
        return hosts


Read = Callable[..., InventoryManager]
List = Callable[..., Listed]
Refuse = Callable[..., str]
Command = Callable[..., Ended]


@pytest.fixture
def organized(cloud: Emulators) -> Emulators:
    cloud.organization(ACCOUNTS, units=UNITS)
    return cloud


@pytest.fixture(scope="module")
def plugins() -> Iterator[None]:
    """Register the collection in this process, since Ansible has its own package loader."""
    init_plugin_loader()
    for name in sorted(sys.modules):
        if name.split(".")[0] == "ansible_collections" and not getattr(sys.modules[name], "__file__", None):
            importlib.reload(sys.modules[name])
    yield
    _AnsibleCollectionFinder._remove()


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    """Collect the warnings of Ansible, which displays each one once in a process."""
    messages: list[str] = []

    def collect(_display: Display, msg: str, exception: object = "", **_: Any) -> None:
        messages.append(f"{msg} {exception}")

    with mock.patch.multiple(Display, warning=collect, error_as_warning=collect):
        yield messages


def _secrets(cloud: Emulators, text: str) -> list[str]:
    return [secret for secret in cloud.secrets() if secret in text]


def written(folder: Path, options: dict[str, Any]) -> str:
    """Write a file for the plugin."""
    path = folder / "accounts.aws_organization.yml"
    path.write_text(yaml.safe_dump({"plugin": PLUGIN, **options}, allow_unicode=True), encoding="utf-8")
    return str(path)


@pytest.fixture
def read(here: Emulators, plugins: None, warnings: list[str], tmp_path: Path) -> Read:
    """Have Ansible read a file with these options."""

    def run(**options: Any) -> InventoryManager:
        warnings.clear()
        return InventoryManager(DataLoader(), [written(tmp_path, options)])

    return run


@pytest.fixture
def listed(read: Read, warnings: list[str], cloud: Emulators) -> List:
    """Have Ansible read a file with these options, without a warning."""

    def run(**options: Any) -> Listed:
        inventory = read(**options)
        assert not warnings
        manager = VariableManager(inventory._loader, inventory)
        found = Listed(
            {host.name: _variables(manager, host) for host in inventory.get_hosts()},
            {name: _below(group) for name, group in inventory.groups.items()},
        )
        assert not _secrets(cloud, str(found))
        return found

    return run


def _variables(manager: VariableManager, host: Host) -> dict[str, Any]:
    """Return what `ansible-inventory --list` shows of a host."""
    whole: dict[str, Any] = manager.get_vars(host=host, include_hostvars=False, stage="all")
    return {key: value for key, value in whole.items() if key not in constants.INTERNAL_STATIC_VARS}


def _below(group: Group) -> tuple[list[str], list[str]]:
    return [child.name for child in group.child_groups], [host.name for host in group.hosts]


@pytest.fixture
def refused(read: Read, warnings: list[str], cloud: Emulators) -> Refuse:
    """Have Ansible read a file with these options, which fails, and return the warning."""

    def run(**options: Any) -> str:
        read(**options)
        text = " ".join(warnings)
        assert "as an inventory source" in text
        assert not _secrets(cloud, text)
        return text

    return run


@pytest.fixture
def command(cloud: Emulators, tmp_path: Path) -> Command:
    """Run ansible-inventory on a file with these options; `arguments` replace --list."""

    def run(*arguments: str, environment: dict[str, str] | None = None, **options: Any) -> Ended:
        settings = {
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
            "ANSIBLE_HOME": str(tmp_path),
        }
        done = subprocess.run(
            ["ansible-inventory", "-i", written(tmp_path, options), *(arguments or ["--list"])],
            cwd=tmp_path,
            env={**cloud.whole_environment(**settings), **(environment or {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "DEPRECATION" not in done.stderr, done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        assert not _secrets(cloud, done.stdout + done.stderr)
        return Ended(done.returncode, done.stdout, " ".join(done.stderr.split()))

    return run
