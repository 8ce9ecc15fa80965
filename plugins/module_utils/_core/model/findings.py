# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can be found wrong, by its stable code: how bad it is, and whether it concerns security. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .text import one_line

SEVERITIES = ("critical", "high", "medium", "low")


class Code(NamedTuple):
    """What a code stands for; ``security``: somebody else gets in, somebody gets more, or somebody hid the account."""

    severity: str
    security: bool
    summary: str
    informational: bool = False
    """Whether nothing differs from the wish: somebody ought to know, no run repairs it, none fails for it."""


class Finding(NamedTuple):
    """One thing that is wrong; ``message`` is one sentence that names it (the principal, the policy ARN, the value)."""

    severity: str
    code: str
    message: str


def _security(severity: str, summary: str) -> Code:
    return Code(severity, security=True, summary=summary)


def _drift(severity: str, summary: str) -> Code:
    return Code(severity, security=False, summary=summary)


def _note(summary: str) -> Code:
    return Code("low", security=False, summary=summary, informational=True)


# Public and frozen: reports, dashboards and other people's playbooks compare these codes.
CODES: dict[str, Code] = {
    "trust_anyone": _security("critical", "The trust lets in any principal (a wildcard)."),
    "trust_not_principal": _security("critical", "The trust lets in everyone but those it names (NotPrincipal)."),
    "trust_principal_type": _security("critical", "The trust lets in a service or an identity provider."),
    "trust_account_foreign": _security("critical", "The trust lets in an account that is not Sentinel's."),
    "trust_external_id_missing": _security("high", "The trust lets in Sentinel's account without an external id."),
    "trust_external_id_weak": _security("high", "The condition on the external id also accepts other ids, or none."),
    "trust_external_id_foreign": _security("high", "The trust accepts an external id of no wished workspace."),
    "trust_condition_missing": _security("high", "The trust lacks the condition on the audience or the session name."),
    "trust_condition_weak": _security("high", "The condition on audience or session name can be met by others."),
    "trust_condition_foreign": _security("high", "The trust accepts an unexpected audience or session name."),
    "trust_unreadable": _security("high", "A part of the trust cannot be read, so nobody knows whom it lets in."),
    "trust_not_action": _security("medium", "The trust allows everything but the actions it names (NotAction)."),
    "trust_action_extra": _security("medium", "The trust allows more than sts:AssumeRole."),
    "trust_deny": _security("medium", "A Deny in the trust blocks Sentinel."),
    "trust_sentinel_missing": _drift("high", "The trust does not let in Sentinel's account."),
    "trust_workspace_missing": _drift("high", "The trust does not accept the external id of a wished workspace."),
    "trust_condition_extra": _drift("medium", "The trust has a further condition, which may block Sentinel."),
    "trust_principal_narrowed": _drift("medium", "The trust names a part of Sentinel's account, not the account."),
    "trust_principal_deleted": _drift("low", "The trust names a principal that was deleted since."),
    "trust_statement_extra": _drift("low", "The trust holds a Deny that does not block a wished workspace."),
    "trust_version": _drift("low", "The trust is written in another version of the policy language."),
    "trust_differs": _drift("low", "The trust differs from the wish in a way that has no code of its own."),
    "permission_policy_extra": _security("high", "A managed policy beyond the wish is attached."),
    "permission_policy_outdated": _security("high", "The policy that AWS replaced in 2022 is attached."),
    "permission_inline_extra": _security("high", "The role has an inline policy beyond the wish."),
    "permission_inline_changed": _security("high", "The inline policy does not say what is wished."),
    "permission_policy_missing": _drift("high", "The wished managed policy is not attached."),
    "permission_inline_missing": _drift("high", "The wished inline policy is missing."),
    "role_boundary_missing": _security("high", "The role lacks the wished permissions boundary."),
    "role_boundary_changed": _security("medium", "The role has another permissions boundary than the wished one."),
    "role_session_raised": _security("medium", "Sessions of the role may last longer than wished."),
    "role_refused": _security("high", "A data connector reads a role that is refused, so nobody repairs it."),
    "role_missing": _drift("high", "The role does not exist."),
    "role_boundary_extra": _drift("medium", "The role has a permissions boundary though none is wished."),
    "role_tags_full": _drift("medium", "The tags of the role have no room for all that they should hold."),
    "role_boundary_unexpected": _note("The role has a permissions boundary, and no option names one."),
    "role_session_long": _note("Sessions of the role may last longer than those of a new role, and no option says so."),
    "role_session_lowered": _drift("low", "Sessions of the role may not last as long as wished."),
    "role_description": _drift("low", "The role has another description."),
    "role_shared": _drift("low", "The role also serves a workspace that its tag names, and no option."),
    "role_tags": _drift("low", "The tags of the role differ from the wished ones."),
    "role_path": _drift("low", "The role has another path, which AWS cannot change."),
    "role_unmanaged": _drift("low", "The role trusts Sentinel but does not carry the collection's tag."),
    "connector_disabled": _security("high", "The connector is there but switched off."),
    "connector_wrong_account": _security("high", "The connector of the account reads a role of another account."),
    "connector_missing": _drift("high", "The workspace has no connector for the account."),
    "connector_stale": _drift("medium", "The connector of the account names another role."),
    "connector_remaining": _drift("medium", "Another data connector goes on reading the account that was offboarded."),
    "connector_duplicate": _drift("low", "The workspace has more than one connector for the account."),
    "acceptance_expired": _drift("low", "A finding was accepted, and the day until which it was is over."),
    "acceptance_unused": _drift("low", "A finding is accepted that the account does not have."),
}


def finding(code: str, message: str) -> Finding:
    """A finding with the severity of its code, on one line; raises KeyError for a code that is not in the table."""
    return Finding(CODES[code].severity, code, one_line(message))


def is_security(found: Finding) -> bool:
    """Whether the finding is a matter of security and not only of drift."""
    return CODES[found.code].security


def is_informational(found: Finding) -> bool:
    """Whether the finding only lets somebody know."""
    return CODES[found.code].informational


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once: security first, then the most severe, then by code and message."""
    return sorted(set(findings), key=_rank)


def repaired(before: Iterable[Finding], after: Iterable[Finding]) -> frozenset[Finding]:
    """Return the findings that are not found any more; of a code with a new message nobody knows which went."""
    before, after = set(before), set(after)
    changed = {one.code for one in after - before}
    return frozenset(one for one in before - after if one.code not in changed)


def _rank(found: Finding) -> tuple[bool, int, str, str]:
    return not is_security(found), SEVERITIES.index(found.severity), found.code, found.message
