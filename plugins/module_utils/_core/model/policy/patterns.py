# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns with * and ? as policy documents have them, in linear time and without a cache. Pure.

``re`` and ``fnmatch`` keep hundreds of compiled patterns, of which a long one takes megabytes.
"""

from __future__ import annotations

import re

# Stands for a * of a pattern that is read as text. Policy documents cannot contain it.
_STAR = "\0"


def is_wild(value: str) -> bool:
    """Whether the value has a wildcard."""
    return "*" in value or "?" in value


def matches(pattern: str, value: str) -> bool:
    """Whether the pattern matches the whole value; the case counts."""
    first, *middle = pattern.split("*")
    if not middle:
        return len(first) == len(value) and _stands_at(first, value, 0)
    last = middle.pop()
    start, end = len(first), len(value) - len(last)
    if start > end or not _stands_at(first, value, 0) or not _stands_at(last, value, end):
        return False
    for part in middle:
        start = _after(part, value, start, end)
        if start < 0:
            return False
    return True


def includes(general: str, special: str) -> bool:
    """Whether the first pattern matches everything that the second one matches; "no" where that is hard to decide."""
    if general == special or not is_wild(general):
        return general == special
    return matches(_sorted_runs(general), _sorted_runs(special).replace("*", _STAR))


def overlap(one: str, other: str, barrier: str = "") -> bool:
    """Whether some value matches both patterns; a * of the second one does not match the barrier character.

    Bit n of a row is set if the first n characters of the second pattern and the first one so far can match the
    same.
    """
    if not is_wild(one + other):
        return one == other
    full, stars = (1 << len(other) + 1) - 1, [at for at, b in enumerate(other) if b == "*"]
    equal: dict[str, int] = {}
    for at, b in enumerate(other):
        equal[b] = equal.get(b, 0) | 1 << at
    any_one, stay = full >> 1 & ~equal.get("*", 0), equal.get("*", 0) << 1
    row = _past_stars(1, stars)
    for a in one:
        if a == "*":
            row = (row | -row) & full
        else:
            ahead = any_one if a == "?" else equal.get(a, 0) | equal.get("?", 0)
            row = _past_stars((row & ahead) << 1 | (row & stay if a != barrier else 0), stars)
        if not row:
            return False
    return row >> len(other) == 1


def _past_stars(row: int, stars: list[int]) -> int:
    """The row where each * of the second pattern may match nothing."""
    for at in stars:
        row |= (row >> at & 1) << at + 1
    return row


def _stands_at(part: str, value: str, at: int) -> bool:
    """Whether a part without * stands at that place of a value that is long enough."""
    if "?" not in part:
        return value.startswith(part, at)
    pairs = zip(part, value[at : at + len(part)], strict=True)
    return all(a == b or (a == "?" and b != _STAR) for a, b in pairs)


def _after(part: str, value: str, start: int, end: int) -> int:
    """Where the first match of a part without * ends, or -1."""
    if "?" not in part:
        at = value.find(part, start, end)
        return at + len(part) if at >= 0 else -1
    found = (at for at in range(start, end - len(part) + 1) if _stands_at(part, value, at))
    return next((at + len(part) for at in found), -1)


def _sorted_runs(pattern: str) -> str:
    """A run of wildcards in one form: each ?, then one *."""
    return re.sub(r"[*?]{2,}", lambda run: "?" * run[0].count("?") + "*" * ("*" in run[0]), pattern)
