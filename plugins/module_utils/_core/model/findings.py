# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings by their stable code: severity, summary, and whether they concern security. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .text import one_line

SEVERITIES = ("critical", "high", "medium", "low")


class Code(NamedTuple):
    """The properties of a code; ``security``: unwanted access, too many permissions, or an account that was hidden."""

    severity: str
    security: bool
    summary: str
    informational: bool = False
    """Whether it is only for information: nothing differs from the desired state, no run repairs it or fails for it."""


class Finding(NamedTuple):
    """A deviation in one account; ``message`` is one sentence with the principal, policy ARN or value."""

    severity: str
    code: str
    message: str


def _security(severity: str, summary: str) -> Code:
    return Code(severity, security=True, summary=summary)


def _drift(severity: str, summary: str) -> Code:
    return Code(severity, security=False, summary=summary)


def _note(summary: str) -> Code:
    return Code("low", security=False, summary=summary, informational=True)


# Public and stable: reports, dashboards and playbooks of users compare these codes.
CODES: dict[str, Code] = {
    "trust_anyone": _security("critical", "The trust policy trusts any principal (a wildcard)."),
    "trust_not_principal": _security(
        "critical", "The trust policy trusts everyone except the principals it names (NotPrincipal)."
    ),
    "trust_principal_type": _security("critical", "The trust policy trusts an AWS service or an identity provider."),
    "trust_account_foreign": _security("critical", "The trust policy trusts an AWS account other than Microsoft's."),
    "trust_external_id_missing": _security(
        "high", "The trust policy trusts Microsoft's account without an external id."
    ),
    "trust_external_id_weak": _security("high", "The condition on the external id also accepts other ids, or no id."),
    "trust_external_id_foreign": _security("high", "The trust policy accepts an unknown external id."),
    "trust_condition_missing": _security(
        "high", "The trust policy lacks the condition on the audience or the session name."
    ),
    "trust_condition_weak": _security(
        "high", "The condition on the audience or the session name accepts other values, or none."
    ),
    "trust_condition_foreign": _security("high", "The trust policy accepts an unknown audience or session name."),
    "trust_unreadable": _security(
        "high", "A part of the trust policy cannot be parsed, so it is unclear whom it trusts."
    ),
    "trust_not_action": _security("medium", "The trust policy allows all actions except those it names (NotAction)."),
    "trust_action_extra": _security("medium", "The trust policy allows more than sts:AssumeRole."),
    "trust_deny": _security("medium", "A Deny in the trust policy blocks Microsoft Sentinel."),
    "trust_sentinel_missing": _drift("high", "The trust policy does not trust Microsoft's account."),
    "trust_workspace_missing": _drift(
        "high", "The trust policy does not accept the external id of an expected workspace."
    ),
    "trust_condition_extra": _drift(
        "medium", "The trust policy has an additional condition, which may block Microsoft Sentinel."
    ),
    "trust_principal_narrowed": _drift(
        "medium", "The trust policy names a user or role of Microsoft's account instead of the account."
    ),
    "trust_principal_deleted": _drift("low", "The trust policy names a principal that has been deleted."),
    "trust_statement_extra": _drift("low", "The trust policy has a Deny that does not block an expected workspace."),
    "trust_version": _drift("low", "The trust policy uses another version of the policy language."),
    "trust_differs": _drift(
        "low", "The trust policy differs from the desired one in a way that has no code of its own."
    ),
    "permission_policy_extra": _security("high", "An unexpected managed policy is attached."),
    "permission_policy_outdated": _security("high", "The managed policy that AWS replaced in 2022 is attached."),
    "permission_inline_extra": _security("high", "The role has an unexpected inline policy."),
    "permission_inline_changed": _security("high", "The inline policy differs from the desired one."),
    "permission_policy_missing": _drift("high", "The required managed policy is not attached."),
    "permission_inline_missing": _drift("high", "The required inline policy is missing."),
    "role_boundary_missing": _security("high", "The role lacks the desired permissions boundary."),
    "role_boundary_changed": _security("medium", "The role has another permissions boundary than the desired one."),
    "role_session_raised": _security("medium", "The maximum session duration is longer than desired."),
    "role_refused": _security(
        "high", "A data connector reads a role that this collection does not manage, so no run repairs it."
    ),
    "role_missing": _drift("high", "The role does not exist."),
    "role_boundary_extra": _drift("medium", "The role has a permissions boundary although none is desired."),
    "role_tags_full": _drift("medium", "The role has no room for all desired tags."),
    "role_boundary_unexpected": _note("The role has a permissions boundary, and no option sets one."),
    "role_session_long": _note(
        "The maximum session duration is longer than that of a new role, and no option sets it."
    ),
    "role_session_lowered": _drift("low", "The maximum session duration is shorter than desired."),
    "role_description": _drift("low", "The description differs from the desired one."),
    "role_shared": _drift("low", "The role also serves a workspace that its tag names and external_ids does not."),
    "role_tags": _drift("low", "The tags differ from the desired ones."),
    "role_path": _drift("low", "The path differs from the desired one, and AWS cannot change it."),
    "role_unmanaged": _drift(
        "low", "The role trusts Microsoft Sentinel but does not carry the tag of this collection."
    ),
    "source_missing": _drift("high", "The account lists no source, and no S3 connector ingests its events."),
    "source_not_listed": _drift("low", "A CloudTrail connector reads the account, and its list of sources has none."),
    "connector_disabled": _security("high", "The data connector is disabled."),
    "connector_wrong_account": _security("high", "The data connector of the account reads a role of another account."),
    "connector_missing": _drift("high", "The workspace has no data connector for the account."),
    "connector_stale": _drift("medium", "The data connector of the account reads another role."),
    "connector_remaining": _drift("medium", "Another data connector still reads the account that was offboarded."),
    "connector_duplicate": _drift("low", "The workspace has more than one data connector for the account."),
    "acceptance_expired": _drift("low", "The acceptance of a finding has expired."),
    "acceptance_unused": _drift("low", "A finding is accepted that the account does not have."),
}


def finding(code: str, message: str) -> Finding:
    """Return a finding with the severity of its code, on one line; raises KeyError for an unknown code."""
    return Finding(CODES[code].severity, code, one_line(message))


def is_security(found: Finding) -> bool:
    """Whether the finding concerns security and is not only drift."""
    return CODES[found.code].security


def is_informational(found: Finding) -> bool:
    """Whether the finding is only for information."""
    return CODES[found.code].informational


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Return each finding once: security first, then by severity, code and message."""
    return sorted(set(findings), key=_sort_key)


def repaired(before: Iterable[Finding], after: Iterable[Finding]) -> frozenset[Finding]:
    """Return the findings that were repaired; none of a code that still has another message, which may be the same."""
    before, after = set(before), set(after)
    changed = {one.code for one in after - before}
    return frozenset(one for one in before - after if one.code not in changed)


def _sort_key(found: Finding) -> tuple[bool, int, str, str]:
    return not is_security(found), SEVERITIES.index(found.severity), found.code, found.message
