# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The differences of an account as lines of a unified diff."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def lines(differences: Iterable[Mapping[str, Any]], context: int) -> Iterator[str]:
    """Yield each difference (entries of Ansible's `diff`), with `context` unchanged lines around each change."""
    for entry in differences:
        yield from difflib.unified_diff(
            _json_lines(entry["before"]),
            _json_lines(entry["after"]),
            f"before: {entry.get('before_header', '')}",
            f"after: {entry.get('after_header', '')}",
            n=context,
            lineterm="",
        )


def _json_lines(value: Any) -> list[str]:
    return json.dumps(value, sort_keys=True, indent=4, default=str).splitlines()
