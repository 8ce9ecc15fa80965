# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accepted findings: which are accepted until when and why, and entries that expired or match nothing. Pure."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from .findings import CODES, Finding, finding

KEYS = {"code", "reason", "until"}
RULE = (
    "it must be a list of dictionaries, each with code (of a finding that is not critical), reason (up to 500 "
    "printable characters) and until (the last day, such as 2027-01-31)"
)
# In other runs the absence of what only offboarding looks for does not mean that an entry is unused.
_OFFBOARDING_CODES = {code for code, facts in CODES.items() if facts.offboarding}


class Accepted(NamedTuple):
    """One entry; `until` is its last day, in ISO 8601."""

    code: str
    reason: str
    until: str


def parse(given: Any) -> Any:
    """Return the entries, or the value unchanged if one of them is invalid (see `is_parsed`)."""
    if not isinstance(given, list | tuple):
        return given
    entries = [_entry(one) for one in given]
    return given if None in entries else tuple(entries)


def is_parsed(value: object) -> bool:
    """Return whether a value is the result of `parse` for valid entries."""
    return isinstance(value, tuple) and all(isinstance(one, Accepted) for one in value)


def _entry(given: Any) -> Accepted | None:
    if not isinstance(given, Mapping) or set(given) != KEYS:
        return None
    code, reason, until = given["code"], given["reason"], _iso_day(given["until"])
    valid = _is_acceptable(code) and _is_reason(reason) and until
    return Accepted(str(code), reason.strip(), until) if valid else None


def _is_acceptable(code: object) -> bool:
    """Whether it is the code of a finding that may be accepted: not a critical one, nor one about an entry."""
    return isinstance(code, str) and code in CODES and CODES[code].is_acceptable


def _is_reason(text: object) -> bool:
    return isinstance(text, str) and bool(text.strip()) and text.isprintable() and len(text) <= 500


def _iso_day(given: Any) -> str:
    """Return a day in ISO 8601, or an empty string; YAML parses an unquoted day as a date."""
    text = str(given.isoformat())[:10] if hasattr(given, "isoformat") else given
    found = re.fullmatch("([0-9]{4})-(0[1-9]|1[0-2])-([0-9]{2})", text) if isinstance(text, str) else None
    if found is None or not 1 <= int(found[3]) <= monthrange(int(found[1]), int(found[2]))[1]:
        return ""
    return found[0]


def reasons(entries: Iterable[Accepted], found: Iterable[Finding], today: str) -> dict[Finding, str]:
    """Return the reason of each finding that is accepted on the day `today` (ISO 8601)."""
    valid = {one.code: one for one in sorted(entries, key=lambda one: one.until) if one.until >= today}
    return {one: f"{valid[one.code].reason} (until {valid[one.code].until})" for one in found if one.code in valid}


def entry_findings(
    entries: Collection[Accepted], found: Iterable[Finding], today: str, *, complete: bool
) -> list[Finding]:
    """Return a finding for each entry that has expired or, if `complete` (all resources were read), matches nothing."""
    matched = {one.code for one in found} | _OFFBOARDING_CODES
    valid = {one.code for one in entries if one.until >= today}
    result = []
    for one in dict.fromkeys(entries):
        if one.until < today and one.code not in valid:
            text = f"The acceptance of {one.code} expired after {one.until}: {one.reason}."
            result.append(finding("acceptance_expired", text))
        elif one.until >= today and complete and one.code not in matched:
            result.append(finding("acceptance_unused", f"{one.code} is accepted but not found: {one.reason}."))
    return result
