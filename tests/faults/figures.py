# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a run of the matrices: summed up over all tests, written down, and put into the documentation."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest

NAMES = ("cells", "faults injected", "runs killed", "runs interrupted", "accounts lost", "wrong deletes", "duplicates")
BEGIN, END = "<!-- faults:begin -->", "<!-- faults:end -->"


class Figures:
    """A plugin of pytest that lives where all results arrive."""

    def __init__(self, folder: Path | None, docs: Path | None) -> None:
        self.sums: Counter[str] = Counter(dict.fromkeys(NAMES, 0))
        self.more: dict[str, str] = {}
        self.tests = Counter[str]()
        self._folder, self._docs = folder, docs
        self._began = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in the result of one test."""
        if report.when != "call":
            return
        self.tests[report.outcome] += 1
        for name, value in report.user_properties:
            if isinstance(value, int):
                self.sums[name] += value
            else:
                self.more[name] = str(value)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Display the figures and write them into files."""
        seconds = time.monotonic() - self._began
        lines = [*(f"{name}: {value}" for name, value in [*self.sums.items(), *self.more.items()])]
        lines.append(f"tests: {self.tests['passed']} passed, {self.tests['failed']} failed")
        lines.append(f"time: {seconds:.0f} s")
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(lines))
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / "figures.json").write_text(json.dumps({**self.sums, **self.more}, indent=1))
        if self._docs:
            renew(self._docs / "reliability.md", lines)


def renew(page: Path, lines: list[str]) -> None:
    """Put the figures between their marks."""
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    rows = "\n".join(f"| {name} | {value} |" for name, value in (line.split(": ", 1) for line in lines))
    table = f"| what | figure |\n|---|---|\n{rows}"
    page.write_text(f"{head}{BEGIN}\n\n{table}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")
