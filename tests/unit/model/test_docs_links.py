# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of the documentation of findings and error classes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.docs_links import (
    DOCUMENTATION,
    ERRORS_PAGE,
    FINDINGS_PAGE,
    error_url,
    finding_url,
    pages_line,
)

ROOT = Path(__file__).parents[3]


def test_the_address_is_that_of_galaxy_yml() -> None:
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["documentation"] == DOCUMENTATION


@pytest.mark.parametrize("page", [FINDINGS_PAGE, ERRORS_PAGE])
def test_the_pages_are_guides(page: str) -> None:
    folder, name = page.removeprefix(DOCUMENTATION).split("/")
    assert folder == "docsite"
    assert (ROOT / "docs/docsite/rst" / name.replace(".html", ".rst")).is_file()


def test_every_finding_and_error_class_has_an_anchor() -> None:
    assert finding_url("role_missing") == f"{FINDINGS_PAGE}#finding-role-missing"
    assert error_url("assume_denied") == f"{ERRORS_PAGE}#error-assume-denied"


def test_unknown_names_have_no_address() -> None:
    assert (finding_url("unknown"), error_url("<b>")) == ("", "")


@pytest.mark.parametrize(
    ("findings", "errors", "line"),
    [
        (False, False, ""),
        (True, False, f"Documentation: {FINDINGS_PAGE}"),
        (False, True, f"Documentation: {ERRORS_PAGE}"),
        (True, True, f"Documentation: {FINDINGS_PAGE} and {ERRORS_PAGE}"),
    ],
)
def test_one_line_has_the_pages_that_are_needed(findings: bool, errors: bool, line: str) -> None:
    assert pages_line(findings=findings, errors=errors) == line
