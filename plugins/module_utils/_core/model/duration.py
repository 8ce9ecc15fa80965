# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations: parsed from options, and formatted for messages. Pure."""

from __future__ import annotations

from . import validation

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def seconds(given: str, option: str, where: str = "") -> int:
    """Return the seconds of a duration such as 7d, 6h, 30m or 90; raises bad_input."""
    text = str(given)
    validation.check(where, option, text, "duration", given)
    return int(text.rstrip("dhms")) * _UNITS.get(text[-1], 1)


def format_duration(length: float) -> str:
    """Return a duration in seconds as text in its two largest units, such as "2 h 5 min"."""
    rest = round(length)
    parts: list[str] = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        parts += [f"{count} {name}"] if count or parts else []
    return " ".join(part for part in parts[:2] if not part.startswith("0 ")) or "0 s"
