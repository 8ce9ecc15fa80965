# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy documents: everything that other packages ask of them. Pure."""

from __future__ import annotations

from .compare import Comparison, Difference, compare
from .display import displayed
from .merge import add_statements, raw_statements, remove_principals, remove_statements
from .resource_policy import Grant, ServiceRequest, allows_service, grants, may_deny_service
from .statements import canonical, is_parseable, same
from .trust import (
    admits,
    admitted_ids,
    allows_account,
    claimed_ids,
    external_ids,
    matches_id,
    named_ids,
    names_account,
    restricts,
    trusts,
)
from .trust_findings import trust_findings
from .web_identity import (
    WebIdentity,
    admitted_names,
    claimed_names,
    identity_trust,
    may_use,
    names_provider,
    restricts_names,
    trusts_only,
)

__all__ = [
    "Comparison",
    "Difference",
    "Grant",
    "ServiceRequest",
    "WebIdentity",
    "add_statements",
    "admits",
    "admitted_ids",
    "admitted_names",
    "allows_account",
    "allows_service",
    "canonical",
    "claimed_ids",
    "claimed_names",
    "compare",
    "displayed",
    "external_ids",
    "grants",
    "identity_trust",
    "is_parseable",
    "matches_id",
    "may_deny_service",
    "may_use",
    "named_ids",
    "names_account",
    "names_provider",
    "raw_statements",
    "remove_principals",
    "remove_statements",
    "restricts",
    "restricts_names",
    "same",
    "trust_findings",
    "trusts",
    "trusts_only",
]
