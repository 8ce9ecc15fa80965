# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings that somebody accepted, for a reason and until a day: which those are, and when that is over. Pure."""

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


class Accepted(NamedTuple):
    """One entry; `until` is the last day on which it counts, in ISO 8601."""

    code: str
    reason: str
    until: str


def parse(given: Any) -> Any:
    """Return the entries, or what was given where one of them cannot be used."""
    if not isinstance(given, list | tuple):
        return given
    entries = [_entry(one) for one in given]
    return given if None in entries else tuple(entries)


def is_parsed(value: object) -> bool:
    """Tell whether it is what `parse` makes of entries that can be used."""
    return isinstance(value, tuple) and all(isinstance(one, Accepted) for one in value)


def _entry(given: Any) -> Accepted | None:
    if not isinstance(given, Mapping) or set(given) != KEYS:
        return None
    code, reason, until = given["code"], given["reason"], _iso_day(given["until"])
    known = isinstance(code, str) and code in CODES and CODES[code].severity != "critical"
    told = isinstance(reason, str) and reason.strip() and reason.isprintable() and len(reason) <= 500
    # Whether an entry counts is no finding that an entry can accept.
    return (
        Accepted(str(code), reason.strip(), until)
        if known and told and until and code not in _ACCEPTANCE_CODES
        else None
    )


def _iso_day(given: Any) -> str:
    """Return a day in ISO 8601, or nothing; YAML makes a date of one that is not quoted."""
    text = str(given.isoformat())[:10] if hasattr(given, "isoformat") else given
    found = re.fullmatch("([0-9]{4})-(0[1-9]|1[0-2])-([0-9]{2})", text) if isinstance(text, str) else None
    if found is None or not 1 <= int(found[3]) <= monthrange(int(found[1]), int(found[2]))[1]:
        return ""
    return found[0]


_ACCEPTANCE_CODES = {"acceptance_expired", "acceptance_unused"}
# Only when an account leaves there is a look for these, so that none was found says nothing.
_OFFBOARD_CODES = {"connector_remaining"}


def reasons(entries: Iterable[Accepted], found: Iterable[Finding], today: str) -> dict[Finding, str]:
    """Return why findings are accepted, for those that are, on that day (ISO 8601)."""
    counting = {one.code: one for one in sorted(entries, key=lambda one: one.until) if one.until >= today}
    return {
        one: f"{counting[one.code].reason} (until {counting[one.code].until})" for one in found if one.code in counting
    }


def entry_findings(
    entries: Collection[Accepted], found: Iterable[Finding], today: str, *, complete: bool
) -> list[Finding]:
    """Return a finding for each entry that has expired or that, where everything was looked at, fits nothing."""
    codes = {one.code for one in found} | _OFFBOARD_CODES
    counting = {one.code for one in entries if one.until >= today}
    told = []
    for one in dict.fromkeys(entries):
        if one.until < today and one.code not in counting:
            text = f"{one.code} was accepted until {one.until}: {one.reason}."
            told.append(finding("acceptance_expired", text))
        elif one.until >= today and complete and one.code not in codes:
            told.append(finding("acceptance_unused", f"{one.code} is accepted and not found: {one.reason}."))
    return told
