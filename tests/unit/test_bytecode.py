# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the collection are loaded with their bytecode, and without it where it cannot be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COLLECTIONS = Path(__file__).parents[5]
LOAD = """
import sys
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
_AnsibleCollectionFinder([sys.argv[1]])._install()
from ansible_collections.trailbridge.sentinel.plugins.action import fleet
core = "ansible_collections.trailbridge.sentinel.plugins.module_utils._core."
print(len([name for name in sys.modules if name.startswith(core)]))
assert sys.modules[core + "run.fleet"].__cached__.endswith(".pyc")
assert sys.modules[core + "run"].__spec__ is not None
"""


def loaded(cache: Path) -> int:
    """Load `fleet` as Ansible does; return the number of modules of the core."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", LOAD, str(COLLECTIONS)]
    done = subprocess.run(
        command,
        env={**environment, "PYTHONPYCACHEPREFIX": str(cache)},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return int(done.stdout)


def kept(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*.pyc") if "_core" in path.parts]


def test_the_bytecode_is_kept_and_used(tmp_path: Path) -> None:
    number = loaded(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in kept(tmp_path)}
    assert number > len(before) > number / 2  # folders are modules as well
    assert loaded(tmp_path) == number
    assert {path: path.stat().st_mtime_ns for path in kept(tmp_path)} == before


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert loaded(tmp_path / "file")
    assert kept(tmp_path) == []


def test_only_the_files_of_the_collection_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.bytecode import keep_bytecode

    class Finder:
        __module__ = "ansible.example"

    first, last = object(), object()
    monkeypatch.setattr(sys, "meta_path", [first, Finder(), last])
    keep_bytecode("ansible_collections.trailbridge.sentinel.plugins")
    ours = sys.meta_path[1]
    assert [sys.meta_path[0], sys.meta_path[-1]] == [first, last]
    assert ours.find_spec("ansible_collections.community.general.plugins.x", [str(Path(__file__).parent)]) is None
    assert ours.find_spec("ansible_collections.trailbridge.sentinel.plugins.action", None) is None
    monkeypatch.setattr(sys, "meta_path", [first, last])
    keep_bytecode("ansible_collections.trailbridge.sentinel.plugins")
    assert sys.meta_path == [first, last]
