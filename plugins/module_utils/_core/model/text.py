# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Untrusted strings made safe to display: invisible and reordering characters are escaped. Pure.

Source: Unicode Standard Annex #44, "General Category Values".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

# Control characters, format characters (bidirectional, zero width), surrogates, line and paragraph separators,
# unassigned and private use characters. Wide spaces, which Python also calls not printable, are harmless.
_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp", "Cn", "Co"}
# Invisible although their category is letter, mark or symbol.
_BLANK = frozenset(
    (
        *"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0",
        # variation selectors
        *map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))),
    )
)
_KEPT_IN_DATA = frozenset("\t\n")


def one_line(text: str) -> str:
    r"""Return the text on one line, with an escape such as \n or \u202e for each invisible character."""
    return _escape_invisible(text, frozenset())


def visible(value: Any) -> Any:
    """Return data with such escapes in all strings and keys, except line feeds and tabs: JSON and YAML escape those."""
    if isinstance(value, str):
        return _escape_invisible(value, _KEPT_IN_DATA)
    if isinstance(value, Mapping):
        return {visible(key): visible(item) for key, item in value.items()}
    return [visible(item) for item in value] if isinstance(value, list | tuple) else value


def _escape_invisible(text: str, kept: frozenset[str]) -> str:
    if text.isprintable() and _BLANK.isdisjoint(text):
        return text
    return "".join(char if char in kept or _is_visible(char) else _escape(char) for char in text)


def _is_visible(char: str) -> bool:
    return unicodedata.category(char) not in _INVISIBLE and char not in _BLANK


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode() if not char.isprintable() else f"\\u{ord(char):04x}"
