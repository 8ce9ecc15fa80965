# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The codes of findings, and their order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import (
    CHECKS,
    CODES,
    MANUAL,
    SEVERITIES,
    Finding,
    finding,
    is_security,
    ordered,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.sources import SOURCES

PLUGINS = Path(__file__).parents[3] / "plugins"
MODEL = PLUGINS / "module_utils/_core/model"

findings = st.builds(finding, st.sampled_from(sorted(CODES)), st.sampled_from(["One.", "Another."]))


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_has_the_prefix_of_its_resource(code: str) -> None:
    sources = [load() for load in SOURCES.values()]
    kinds = {step.resource.name for source in sources for step in (*source.in_aws, *source.in_workspace)}
    assert re.fullmatch(f"({'|'.join(kinds | set(CHECKS))}|source|acceptance)_[a-z]+(_[a-z]+)*", code)


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_has_a_known_severity_and_one_sentence(code: str) -> None:
    assert CODES[code].severity in SEVERITIES
    assert re.fullmatch(r"[A-Z][^\n]*[^.]\.", CODES[code].summary)


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_has_a_check(code: str) -> None:
    prefix = code.partition("_")[0]
    assert CODES[code].check in ({prefix} & CHECKS.keys() or CHECKS)


def test_every_check_but_those_of_run_and_events_has_codes() -> None:
    assert {one.check for one in CODES.values()} == set(CHECKS) - {"run", "events"}


def test_checks_have_distinct_labels_and_descriptions() -> None:
    assert len({one.label for one in CHECKS.values()}) == len(CHECKS)
    assert len({one.description for one in CHECKS.values()}) == len(CHECKS)


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_has_calls_that_repair_it_or_is_manual(code: str) -> None:
    assert CODES[code].repaired_by
    assert [one for one in CODES[code].repaired_by if one != MANUAL and not re.fullmatch(r"[A-Z]\w+", one)] == []


def test_no_run_repairs_what_is_informational_or_concerns_entries() -> None:
    listed = [one.repaired_by for one in CODES.values() if one.informational or one.about_acceptance]
    assert set(listed) == {(MANUAL,)}


def test_a_broken_connection_is_at_least_a_medium_finding() -> None:
    assert {one.severity for one in CODES.values() if one.breaking} <= {"high", "medium"}


def test_no_code_is_named_outside_of_the_model() -> None:
    """What a code means is in its table: nothing else lists codes."""
    quoted = re.compile(f"[\"'`]({'|'.join(CODES)})[\"'`]")
    files = [path for path in PLUGINS.rglob("*") if path.is_file() and path.suffix in {".py", ".js", ".j2", ".css"}]
    named = {
        f"{path.relative_to(PLUGINS)}: {code}"
        for path in files
        if MODEL not in path.parents
        for code in quoted.findall(path.read_text(encoding="utf-8"))
    }
    assert len(files) > 100
    assert named == set()


def test_no_code_is_listed_beside_the_table() -> None:
    """In the model a code is named where it is found, and nowhere in a set or a tuple of codes."""
    listed = re.compile(f"[{{(\\[,]\\s*[\"']({'|'.join(CODES)})[\"'],\\s*[\"']({'|'.join(CODES)})[\"']")
    files = [path for path in MODEL.rglob("*.py") if path.name != "findings.py"]
    assert [path.name for path in files if listed.search(path.read_text(encoding="utf-8"))] == []


def test_summaries_are_unique() -> None:
    assert len({code.summary for code in CODES.values()}) == len(CODES)


def test_security_findings_are_at_least_medium() -> None:
    assert {code.severity for code in CODES.values() if code.security} <= {"critical", "high", "medium"}


def test_only_security_is_critical() -> None:
    assert all(code.security for code in CODES.values() if code.severity == "critical")


@pytest.mark.parametrize(
    "code",
    [
        "trust_anyone",
        "trust_external_id_missing",
        "permission_policy_extra",
        "role_boundary_missing",
        "connector_disabled",
    ],
)
def test_additional_permissions_and_hidden_accounts_are_security(code: str) -> None:
    assert is_security(finding(code, "It."))


@pytest.mark.parametrize("code", ["role_missing", "connector_missing", "role_tags", "trust_sentinel_missing"])
def test_missing_resources_are_drift(code: str) -> None:
    assert not is_security(finding(code, "It."))


def test_a_finding_has_the_severity_of_its_code() -> None:
    assert finding("trust_anyone", "It.") == Finding("critical", "trust_anyone", "It.")


def test_an_unknown_code_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="trust_typo"):
        finding("trust_typo", "It.")


def test_findings_are_ordered_by_security_severity_code_and_message() -> None:
    expected = [
        finding("trust_anyone", "It."),
        finding("connector_disabled", "It."),
        finding("trust_deny", "It."),
        finding("connector_missing", "It."),
        finding("role_missing", "It."),
        finding("connector_stale", "It."),
        finding("role_tags", "A."),
        finding("role_tags", "B."),
    ]
    assert ordered(reversed(expected)) == expected


def test_the_same_finding_is_reported_once() -> None:
    assert ordered([finding("role_tags", "It."), finding("role_tags", "It.")]) == [finding("role_tags", "It.")]


@given(st.lists(findings, max_size=12))
def test_ordering_loses_nothing_and_is_stable(found: list[Finding]) -> None:
    once = ordered(found)
    assert set(once) == set(found)
    assert ordered(once) == once == ordered(reversed(found))


@given(st.lists(findings, max_size=12))
def test_security_comes_before_drift(found: list[Finding]) -> None:
    flags = [is_security(one) for one in ordered(found)]
    assert flags == sorted(flags, reverse=True)
