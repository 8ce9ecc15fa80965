# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses in the published documentation of each finding code and each error class. Pure."""

from __future__ import annotations

from .errors import CLASSES
from .findings import CODES

# The value of `documentation` in galaxy.yml.
DOCUMENTATION = "https://trailbridge.github.io/sentinel/"
FINDINGS_PAGE = f"{DOCUMENTATION}docsite/findings.html"
ERRORS_PAGE = f"{DOCUMENTATION}docsite/troubleshooting.html"
VERIFICATION_PAGE = f"{DOCUMENTATION}docsite/verification.html"


def finding_url(code: str) -> str:
    """Return the address of the section about a finding code, "" for a code that this release does not know."""
    return f"{FINDINGS_PAGE}#finding-{_anchor(code)}" if code in CODES else ""


def error_url(kind: str) -> str:
    """Return the address of the section about an error class, "" for a class that this release does not know."""
    return f"{ERRORS_PAGE}#error-{_anchor(kind)}" if kind in CLASSES else ""


def pages_line(*, findings: bool, errors: bool) -> str:
    """Return one line with the pages that explain the findings and the errors of a run, "" for a run without both."""
    pages = [page for page, is_needed in ((FINDINGS_PAGE, findings), (ERRORS_PAGE, errors)) if is_needed]
    return f"Documentation: {' and '.join(pages)}" if pages else ""


def _anchor(name: str) -> str:
    return name.replace("_", "-")
