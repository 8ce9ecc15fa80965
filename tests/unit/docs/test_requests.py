# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests of an S3 source are those of the page on performance."""

from __future__ import annotations

import re
from collections import Counter

from tests.emulators.client import Emulators
from tests.faults import engine

from . import s3_runs
from .test_guides import ROOT

COLUMNS = ("new", "unchanged", "removed")


def documented() -> dict[str, Counter[str]]:
    """The table of the page by column."""
    page = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    table = page.partition("### An S3 source\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \| (\d+) \|$", table, re.MULTILINE)
    return {name: Counter({row[0]: int(row[number]) for row in rows}) for number, name in enumerate(COLUMNS, 1)}


def test_the_requests_of_an_s3_source(here: Emulators) -> None:
    s3_runs.make_trail(here)
    measured = {}
    with engine.short_pauses():
        for name in COLUMNS:
            here.forget()
            s3_runs.run(absent=name == "removed")
            measured[name] = Counter(here.operations())
    assert documented() == measured
