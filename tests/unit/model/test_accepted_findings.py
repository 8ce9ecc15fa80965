# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accepted findings, and entries that expired or are unused."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.accepted_findings import (
    Accepted,
    entry_findings,
    is_parsed,
    parse,
    reasons,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import CODES, finding

TODAY = "2026-11-28"
TAGS = finding("role_tags", "The tags owner differ.")
ADMIN = finding("permission_policy_extra", "Admin is attached.")
READ = finding("permission_policy_extra", "ReadOnly is attached.")
ANYONE = finding("trust_anyone", "Anyone may.")


def entry(code: str = "permission_policy_extra", until: Any = "2027-01-31", reason: str = "Ticket 1") -> dict[str, Any]:
    return {"code": code, "reason": reason, "until": until}


@pytest.mark.parametrize("until", ["2027-01-31", date(2027, 1, 31), datetime(2027, 1, 31, 12, 0)])  # noqa: DTZ001
def test_until_may_be_a_string_or_a_date_of_yaml(until: Any) -> None:
    assert parse([entry(until=until)]) == (Accepted("permission_policy_extra", "Ticket 1", "2027-01-31"),)


@pytest.mark.parametrize("code", [code for code, kind in CODES.items() if kind.severity == "critical"])
def test_critical_findings_cannot_be_accepted(code: str) -> None:
    assert not is_parsed(parse([entry(code)]))


def test_an_empty_list_is_valid() -> None:
    assert parse([]) == ()


@pytest.mark.parametrize(("until", "counts"), [("2026-11-27", False), (TODAY, True), ("2026-11-29", True)])
def test_an_entry_is_valid_to_the_end_of_its_day(until: str, counts: bool) -> None:
    entries = parse([entry(until=until)])
    assert (set(reasons(entries, [ADMIN, READ, TAGS], TODAY)) == {ADMIN, READ}) is counts
    codes = [one.code for one in entry_findings(entries, [ADMIN], TODAY, complete=True)]
    assert codes == ([] if counts else ["acceptance_expired"])


def test_the_reason_and_the_day_are_reported() -> None:
    [codes] = reasons(parse([entry()]), [ADMIN], TODAY).values()
    assert "Ticket 1" in codes
    assert "2027-01-31" in codes


def test_the_later_of_two_entries_is_used() -> None:
    entries = parse([entry(until="2027-05-01", reason="Long"), entry(until="2026-12-01", reason="Short")])
    assert "Long" in reasons(entries, [ADMIN], TODAY)[ADMIN]


@pytest.mark.parametrize("complete", [True, False])
def test_an_unused_entry_is_a_finding_if_all_resources_were_read(complete: bool) -> None:
    codes = [one.code for one in entry_findings(parse([entry()]), [TAGS], TODAY, complete=complete)]
    assert codes == (["acceptance_unused"] if complete else [])


@pytest.mark.parametrize("newer", ["2026-11-28", "2099-01-31"])
def test_an_expired_entry_is_a_finding_unless_another_one_is_valid(newer: str) -> None:
    entries = parse([entry(until="2026-01-31", reason="Old"), entry(until=newer)])
    assert entry_findings(entries, [ADMIN], TODAY, complete=True) == []
    assert [one.code for one in entry_findings(entries, [], TODAY, complete=True)] == ["acceptance_unused"]
    other = parse([entry(until="2026-01-31"), entry("role_tags", newer)])
    assert [one.code for one in entry_findings(other, [TAGS], TODAY, complete=True)] == ["acceptance_expired"]


def test_findings_of_offboarding_are_never_unused() -> None:
    entries = parse([entry("connector_remaining")])
    assert entry_findings(entries, [TAGS], TODAY, complete=True) == []
    expired = parse([entry("connector_remaining", "2026-01-31")])
    assert [one.code for one in entry_findings(expired, [], TODAY, complete=True)] == ["acceptance_expired"]
