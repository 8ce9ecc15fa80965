# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the bytecode of this collection's files: Ansible's loader compiles each of them again in every run.

Python's own loader finds the bytecode by the time stamp and size of a file, and does without where it cannot write.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType


class _Finder(MetaPathFinder):
    """Finds the files of a package, and of the packages in it, for Python's own loader."""

    def __init__(self, package: str) -> None:
        self._prefix = f"{package}."

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to load a file; None for what Ansible has to find, such as a folder without `__init__.py`."""
        if not path or not fullname.startswith(self._prefix):
            return None
        found = _files_of(path[0]).find_spec(fullname)
        return found if found and found.loader else None


@lru_cache
def _files_of(folder: str) -> FileFinder:
    return FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES))


def keep_bytecode(package: str) -> None:
    """Keep the bytecode of a package that Ansible's finder would find; without that finder, change nothing."""
    for number, finder in enumerate(sys.meta_path):
        if type(finder).__module__.startswith("ansible."):
            sys.meta_path.insert(number, _Finder(package))
            return
