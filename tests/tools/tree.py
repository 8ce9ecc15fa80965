# Copyright (c) trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy the checkout to where Ansible's tools expect a collection: python tree.py DESTINATION.

Tracked files and new ones that git does not ignore. Unchanged files keep their time stamp, so caches stay valid.
"""

from __future__ import annotations

import filecmp
import shutil
import subprocess
import sys
from pathlib import Path


def listed() -> list[Path]:
    """Return the files of the checkout, relative to it; deleted ones are still in git's index."""
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(git, check=True, capture_output=True, text=True).stdout.split("\0")
    return [path for path in map(Path, filter(None, names)) if path.exists() or path.is_symlink()]


def same(source: Path, target: Path) -> bool:
    """Whether a copy is up to date, including its executable bit."""
    return (
        target.is_file()
        and not target.is_symlink()
        and source.stat().st_mode == target.stat().st_mode
        and filecmp.cmp(source, target, shallow=False)
    )


def prune(root: Path, wanted: set[Path]) -> None:
    """Remove files that are not in the checkout, and empty folders."""
    for path in sorted(root.rglob("*"), reverse=True):
        relative = path.relative_to(root)
        if relative.parts[0] == ".git" or relative in wanted:
            continue
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        else:
            path.unlink()


def main(destination: str) -> None:
    """Make the copy identical to the checkout."""
    root = Path(destination)
    root.mkdir(parents=True, exist_ok=True)
    files = listed()
    prune(root, set(files))
    for path in files:
        target = root / path
        if not same(path, target):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    if not (root / ".git").exists():
        # The tools ask git for the files; without a repository here they find the one around build/, which ignores it.
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main", destination], check=True)


if __name__ == "__main__":
    main(sys.argv[1])
