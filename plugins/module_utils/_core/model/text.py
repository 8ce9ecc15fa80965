# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strings that others wrote, made safe to display: nothing that moves, hides or reorders what stands around it. Pure.

Source: Unicode Standard Annex #44, "General Category Values".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

# Controls, format characters (bidirectional ones, zero width), halves of surrogate pairs, line and paragraph
# separators, unassigned and private ones. Wide spaces, which Python does not call printable either, do no harm.
_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp", "Cn", "Co"}
# Category "letter" or "mark", and yet nothing is seen of them.
_BLANK = frozenset(
    (
        *"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0",
        # selectors of variants
        *map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))),
    )
)
_KEPT_IN_DATA = frozenset("\t\n")


def one_line(text: str) -> str:
    r"""Return the text on one line, with an escape such as \n or \u202e for each character that cannot be seen."""
    return _escape_invisible(text, frozenset())


def visible(value: Any) -> Any:
    """Return data with such escapes in every string, keys included; line ends stay, as JSON and YAML escape them."""
    if isinstance(value, str):
        return _escape_invisible(value, _KEPT_IN_DATA)
    if isinstance(value, Mapping):
        return {visible(key): visible(item) for key, item in value.items()}
    return [visible(item) for item in value] if isinstance(value, list | tuple) else value


def _escape_invisible(text: str, kept: frozenset[str]) -> str:
    if text.isprintable() and _BLANK.isdisjoint(text):
        return text
    return "".join(letter if letter in kept or _is_visible(letter) else _escape(letter) for letter in text)


def _is_visible(letter: str) -> bool:
    return unicodedata.category(letter) not in _INVISIBLE and letter not in _BLANK


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode() if not letter.isprintable() else f"\\u{ord(letter):04x}"
