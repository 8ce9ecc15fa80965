# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive contains the files that users need, works when installed, and has the documented requirements."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from pathlib import Path
from tempfile import gettempdir

import pytest
import yaml

from tests.emulators.client import Emulators
from tests.tools.matrix import ENVIRONMENTS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WANTED = {
    "CHANGELOG.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "bindep.txt", "changelogs", "docs",
    "examples", "extensions", "meta", "playbooks", "plugins", "requirements.txt", "roles",
}  # fmt: skip


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive for Ansible Galaxy."""
    folder = tmp_path_factory.mktemp("package")
    galaxy("build", str(ROOT), "--output-path", str(folder))
    [found] = folder.glob("trailbridge-sentinel-*.tar.gz")
    return found


def galaxy(*arguments: str) -> None:
    command = ["ansible-galaxy", "collection", *arguments]
    # With the paths of the tests it would find the checkout.
    environment = {**os.environ, "PYTHONPATH": "", "ANSIBLE_COLLECTIONS_PATH": gettempdir()}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_archive_contains_the_files_that_users_need(archive: Path) -> None:
    with tarfile.open(archive) as packed:
        names = [name for name in packed.getnames() if packed.getmember(name).isfile()]
    assert {name.split("/")[0] for name in names} == WANTED
    folders = {"/".join(name.split("/")[:2]) for name in names}
    assert "extensions/molecule" not in folders
    assert "extensions/eda" in folders
    assert not [name for name in names if name.endswith((".pyc", ".pyi")) or "/.." in name]


def test_the_installed_collection_works(cloud: Emulators, archive: Path, tmp_path: Path) -> None:
    galaxy("install", str(archive), "--collections-path", str(tmp_path), "--offline")
    galaxy("verify", "trailbridge.sentinel", "--collections-path", str(tmp_path), "--offline")
    [accounts] = [text for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "aws_account_id" in text]
    (tmp_path / "accounts.yml").write_text(accounts)
    done = subprocess.run(
        [
            *("ansible-playbook", "trailbridge.sentinel.onboard", "-i", "accounts.yml"),
            *("-e", f"sentinel_subscription_id={cloud.environment['AZURE_SUBSCRIPTION_ID']}"),
        ],
        cwd=tmp_path,
        env=cloud.whole_environment(ANSIBLE_COLLECTIONS_PATH=str(tmp_path), PYTHONPATH=""),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    hosts = yaml.safe_load(accounts)["all"]["hosts"].values()
    wanted = {f"arn:aws:iam::{host['aws_account_id']}:role/MicrosoftSentinelRole" for host in hosts}
    assert {one["properties"]["awsRoleArn"] for one in cloud.connectors()} == wanted


def test_the_oldest_documented_releases_are_the_tested_ones() -> None:
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))
    lines = [f"ansible-core{runtime['requires_ansible']}", *(ROOT / "requirements.txt").read_text().splitlines()]
    promised = dict(found.groups() for line in lines if (found := re.match(r"([a-z0-9-]+)>=([0-9.]+)", line)))
    assert promised == dict(package.split("==") for package in ENVIRONMENTS["oldest"].packages)
    for role in (ROOT / "roles").iterdir():
        about = yaml.safe_load((role / "meta/main.yml").read_text(encoding="utf-8"))["galaxy_info"]
        assert about["min_ansible_version"] == promised["ansible-core"]
    for page in ("README.md", "docs/support.md", "docs/docsite/rst/quick_start.rst"):
        found = re.findall(r"ansible-core \|? ?([0-9.]+) (?:and|or) newer", (ROOT / page).read_text(encoding="utf-8"))
        assert found == [promised["ansible-core"]], page


def test_the_documented_versions_of_ansible_are_the_tested_ones() -> None:
    packages = [package for one in ENVIRONMENTS.values() for package in one.packages]
    tested = {found[1] for package in packages if (found := re.match(r"ansible-core[=>]=(2\.\d+)", package))}
    (row,) = re.findall(r"^\| ansible-core \|.*\|(.*)\|$", README, re.MULTILINE)
    assert set(re.findall(r"2\.\d+", row)) == tested
