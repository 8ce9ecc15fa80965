# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a line is displayed: its color by what it begins with, and its parts if it is long."""

from __future__ import annotations

import re
import textwrap
from typing import Literal

Style = Literal["", "ok", "changed", "warn", "error", "diff_add", "diff_remove", "diff_lines"]

MAX_LENGTH = 300
MAX_INDENT = 40
_COUNTS = r"(\w+: )?\d+ accounts?: "
# Texts of others are never at the beginning of a line.
_STYLES: tuple[tuple[str, Style], ...] = (
    (rf"{_COUNTS}.*\b[1-9]\d* (failed|not[ _]ready|not as expected)", "error"),
    (rf"{_COUNTS}.*\b[1-9]\d* (would change|changed|skipped|with findings)", "changed"),
    (rf"{_COUNTS}|ok: |receiving: |\w+ as allowed: ", "ok"),
    (r"changed: |would change: ", "changed"),
    (r"failed: |unhealthy: |not_connected: |silent: |\w+, not as expected: |Failures$", "error"),
    (r" +(\d+  )?(critical|high) ", "error"),
    (r" +(\d+  )?medium |differs: |stale: |unknown: |orphan: |broken: ", "warn"),
    (r"[+]", "diff_add"),
    (r"-", "diff_remove"),
    (r"@@", "diff_lines"),
)
_COMPILED = tuple((re.compile(pattern), style) for pattern, style in _STYLES)


def style_of(line: str) -> Style:
    """Return the style of a line."""
    return next((style for pattern, style in _COMPILED if pattern.match(line)), "")


def wrapped(line: str) -> list[str]:
    """Return the line in parts of at most MAX_LENGTH characters, the later ones indented."""
    if len(line) <= MAX_LENGTH:
        return [line]
    indent = " " * min(len(line) - len(line.lstrip(" ")) + 4, MAX_INDENT)
    return textwrap.wrap(
        line,
        MAX_LENGTH,
        subsequent_indent=indent,
        expand_tabs=False,
        replace_whitespace=False,
        drop_whitespace=True,
        break_on_hyphens=False,
    )
