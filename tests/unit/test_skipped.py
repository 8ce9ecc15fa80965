# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No test is skipped silently: the last line of a run says which were, and what to install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.skipped import NO_CHROMIUM, skipped_line

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("reasons", "line"),
    [
        ([], ""),
        (["no x"], "Skipped: 1 test (no x)."),
        (["no y", "no x", "no y"], "Skipped: 1 test (no x), 2 tests (no y)."),
    ],
)
def test_the_line_counts_the_tests_of_each_reason(reasons: list[str], line: str) -> None:
    assert skipped_line(reasons) == line


@pytest.mark.parametrize("workers", ["0", "1"])
def test_it_is_the_last_line_of_a_run(workers: str, tmp_path: Path) -> None:
    lines = ("import pytest", f"pytestmark = pytest.mark.skip(reason={NO_CHROMIUM!r})", "def test(): pass")
    (tmp_path / "test_page.py").write_text("\n".join(lines))
    arguments = ("-p", "tests.unit.conftest", "-p", "no:cacheprovider", "-n", workers, "-c", "/dev/null")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"Skipped: 1 test ({NO_CHROMIUM})."
