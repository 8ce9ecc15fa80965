# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new source is new files and a line in three tables: shown with an ECR repository and an SSM parameter for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOY = ROOT / "tests/toy_source"
CORE = "plugins/module_utils/_core"
TABLES = {f"{CORE}/run/sources.py", f"{CORE}/model/sources.py", f"{CORE}/model/findings.py"}
GENERATED = {
    "plugins/doc_fragments/sources.py",
    "roles/offboard/meta/argument_specs.yml",
    "roles/onboard/meta/argument_specs.yml",
}


class Copy:
    """A copy of the tree that has the toy source."""

    def __init__(self, folder: Path) -> None:
        self.home = folder
        self.root = folder / "ansible_collections/trailbridge/sentinel"
        shutil.copytree(ROOT, self.root, ignore=shutil.ignore_patterns(".git", "build", "__pycache__"))
        self.before = self.files()
        shutil.copytree(TOY / "plugins", self.root / "plugins", dirs_exist_ok=True)
        subprocess.run(["git", "apply", str(TOY / "tables.patch")], cwd=self.root, env=self.environment(), check=True)

    def files(self) -> dict[str, bytes]:
        """Every file with its content."""
        paths = (path for path in self.root.rglob("*") if path.is_file() and path.suffix != ".pyc")
        return {str(path.relative_to(self.root)): path.read_bytes() for path in paths}

    def changed(self) -> set[str]:
        """The files of before that are different now."""
        now = self.files()
        return {name for name, content in self.before.items() if now.get(name) != content}

    def environment(self) -> Mapping[str, str]:
        """That of a process in the copy."""
        own = {
            "HOME": str(self.home),
            "PYTHONPATH": str(self.home),
            "MYPYPATH": str(self.home),
            "MYPY_CACHE_DIR": str(self.home / "mypy"),
            "ANSIBLE_HOME": str(self.home / ".ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.home),
            "GIT_CEILING_DIRECTORIES": str(self.home.parent),
        }
        return {**os.environ, **own}

    def run(self, *command: str, timeout: int = 300) -> str:
        """Run something there; returns its output."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("toy"))


def test_only_the_three_tables_change(copy: Copy) -> None:
    assert copy.changed() - GENERATED == TABLES


def test_its_documentation_is_generated(copy: Copy) -> None:
    copy.run(sys.executable, "-m", "tests.tools.argument_specs", str(copy.root))
    assert copy.changed() == TABLES | GENERATED
    assert "repository" in copy.run("ansible-doc", "-t", "module", "trailbridge.sentinel.fleet")


@pytest.mark.skipif(not shutil.which("mypy"), reason="the test matrix installs no checks")
def test_its_types_are_right(copy: Copy) -> None:
    copy.run("mypy", "-p", "ansible_collections.trailbridge.sentinel.plugins")


def test_the_tests_of_structure_need_no_change(copy: Copy) -> None:
    structure = ("tests/unit/test_architecture.py", "tests/unit/model/test_findings.py")
    copy.run("pytest", "-q", "-n0", "-p", "no:cacheprovider", *structure)


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param("live", id="previewed, made, repaired, reported and removed"),
        pytest.param("interrupted", id="kept in the journal of a run that ends early"),
        pytest.param("departed", id="left alone in an account whose connector is an orphan"),
    ],
)
def test_its_resources_are(copy: Copy, tmp_path: Path, scenario: str) -> None:
    copy.run(sys.executable, "-m", "tests.toy_source.life_cycle", str(tmp_path), scenario)
