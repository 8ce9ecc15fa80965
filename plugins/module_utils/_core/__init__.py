# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code behind the plugins. Its modules are loaded by Python's own loader, which keeps their bytecode.

Ansible's loader of collections compiles each module again in every run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType


class _Finder:
    """Finds the modules of this package in its folder ("The import system", Python Language Reference)."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module of this package is, None for all others."""
        return _folder(path[0]).find_spec(name) if path and name.startswith(f"{__name__}.") else None


@cache
def _folder(path: str) -> FileFinder:
    return FileFinder(path, (SourceFileLoader, SOURCE_SUFFIXES))


# A module that Ansible copies to a host is in an archive.
if Path(__file__).is_file():
    sys.meta_path.insert(0, _Finder)
