# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last line of a run of the tests: which were skipped, and what to install so that they run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

NO_CHROMIUM = "Chromium is not installed; make chromium installs it"
NO_NODE = "node or npm is not installed; Debian: nodejs, npm; others: https://nodejs.org/"
NO_CURL = "curl is not installed; Debian: curl"


def skipped_line(reasons: Iterable[str]) -> str:
    """Return the reasons, each with the number of its tests; "" if there are none."""
    counts = Counter(reasons)
    parts = [f"{count} {'test' if count == 1 else 'tests'} ({reason})" for reason, count in sorted(counts.items())]
    return f"Skipped: {', '.join(parts)}." if parts else ""
