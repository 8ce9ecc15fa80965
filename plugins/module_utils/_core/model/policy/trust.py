# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may assume a role by its trust policy, and with which external ids. Pure.

Questions about one account, Microsoft's, and about external ids, which name the workspaces that the account acts for.
Source, in the IAM User Guide: "How to use an external ID when granting access to your AWS resources to a third party".
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .conditions import PRINCIPAL_ARN, RequestKeys, has_variable, is_met, is_met_by, may_meet
from .elements import ANYONE, account_of
from .patterns import is_wild, matches
from .statements import EXTERNAL_ID, VERSION, Condition, Element, Statement, parse

ASSUME_ROLE = "sts:assumerole"
# External ids times values that may deny them. What a trust policy of 2,048 characters can hold stays below.
MAX_TESTS = 4096

# The keys of a request by Microsoft's account, whoever it acts for: an organization of its own, no MFA device, no
# service that passes the request on.
_REQUEST: RequestKeys = {
    "aws:principalorgid": ("o-another",),
    "aws:principalorgpaths": ("o-another/r-another/ou-another/",),
    "aws:principalisawsservice": ("false",),
    "aws:multifactorauthpresent": ("false", None),
    "aws:multifactorauthage": (None,),
    "aws:sourceaccount": (None,),
    "aws:sourcearn": (None,),
}


class _ByExternalId(NamedTuple):
    """The statements that apply to an account but for the external id: of each, the conditions on that."""

    allow: list[list[Condition]]
    deny: list[list[Condition]]


def external_ids(document: object, account_id: str) -> frozenset[str]:
    """The external ids with which that account may assume the role: those of exact (``StringEquals``) conditions.

    The account must be named, and no ``Deny`` may name the id as exactly: somebody removed that one.
    """
    found = [one for one in parse(document).statements if _assumes(one)]
    denied = _exact_ids(one for one in found if one.effect == "Deny" and concerns(one.principal, account_id))
    return _exact_ids(one for one in found if one.effect == "Allow" and _names(one.principal, account_id)) - denied


def admitted_ids(document: object, account_id: str, counts: Callable[[str], bool]) -> frozenset[str]:
    """The external ids for which a statement trusts that account exactly as a desired one does, and none denies it.

    A statement that is narrower (a part of the account, a further condition) would become wider if it were rewritten.
    Where ids and values of Deny statements have too many combinations, such a Deny counts for every id.
    """
    statements = parse(document).statements
    ids = list(filter(counts, _exact_ids(one for one in statements if _is_desired(one, account_id))))
    denies = _by_external_id(statements, account_id).deny
    if len(ids) * sum(len(line.values) for deny in denies for line in deny) > MAX_TESTS and denies:
        return frozenset()
    return frozenset(one for one in ids if not any(_meets(deny, one, unknown=False) for deny in denies))


def restricts(statement: object, account_id: str, external_ids: Iterable[str]) -> bool:
    """Whether a statement denies that account something by one of these external ids, be it only sometimes."""
    found = parse({"Version": VERSION, "Statement": [statement]}).statements
    denies = [one for one in found if one.effect == "Deny" and concerns(one.principal, account_id) and _assumes(one)]
    lines = [on_external_id(one) for one in denies]
    return any(all(may_meet(line, EXTERNAL_ID, one) for line in some) for some in lines if some for one in external_ids)


def named_ids(document: object, account_id: str) -> frozenset[str]:
    """The external ids, and patterns of some, for which a statement allows anything, or a Deny exempts that account.

    They show whether a role serves somebody else. What stands for everybody, such as ``*``, names nobody.
    """
    statements = parse(document).statements
    values = _values_on_id(one for one in statements if one.effect == "Allow") | _exempted(statements, account_id)
    # The default value of a variable is what counts where the caller has none.
    named = {re.sub(r"\$\{[^}'$]*(?:'([^'$]*)'[^}$]*)?\}", r"\1", value) for value in values}
    return frozenset(value for value in named if re.search(r"[0-9A-Za-z]", value))


def claimed_ids(document: object, account_id: str) -> frozenset[str]:
    """The values of every condition on the external id, exact or not, where a statement trusts or exempts that account.

    They show whose a role is: somebody whose id is there in an unusual way is somebody too.
    """
    statements = parse(document).statements
    allowed = (one for one in statements if one.effect == "Allow" and concerns(one.principal, account_id))
    return _values_on_id(allowed) | _exempted(statements, account_id)


def trusts(document: object, account_id: str) -> bool:
    """Whether a statement allows that whole account, as its root ARN or its bare id, to assume the role."""
    return any(
        f"AWS {account_id}" in one.principal.values
        for one in parse(document).statements
        if one.effect == "Allow" and not one.principal.negated and _assumes(one)
    )


def names_account(document: object, account_id: str) -> bool:
    """Whether a statement allows that account, or a part of it, to assume the role by naming it."""
    return any(
        one.effect == "Allow" and _names(one.principal, account_id) and _assumes(one)
        for one in parse(document).statements
    )


def allows_account(document: object, account_id: str) -> bool:
    """Whether a statement allows anybody of that account to assume the role, be it by allowing everybody."""
    return any(
        one.effect == "Allow" and concerns(one.principal, account_id) and _assumes(one)
        for one in parse(document).statements
    )


def matches_id(pattern: str, external_id: str) -> bool:
    """Whether a value of a condition stands for that external id, be it in another case or among others."""
    return matches(pattern.lower(), external_id.lower())


def admits(document: object, account_id: str, external_ids: Iterable[str]) -> bool:
    """Whether that account may assume the role with one of these external ids, or with one that nobody was given.

    A request without any external id counts too. The policy is evaluated as AWS does. What depends on more than is
    known here (a source address, a variable) counts as fulfilled where it allows, and as not fulfilled where it denies.
    What cannot be parsed allows nothing.
    """
    statements = parse(document).statements
    found = _by_external_id(statements, account_id)
    anybody = str(uuid.uuid5(uuid.NAMESPACE_URL, repr(sorted(_values_on_id(statements)))))
    return any(
        any(_meets(allow, one, unknown=True) for allow in found.allow)
        and not any(_meets(deny, one, unknown=False) for deny in found.deny)
        for one in (None, anybody, *external_ids)
    )


def concerns(principal: Element, account_id: str) -> bool:
    """Whether it can stand for the account; a NotPrincipal always can: it exempts the account without its roles."""
    return principal.negated or _names(principal, account_id) or any(is_wild(value) for value in principal.values)


def applies_to(action: Element, name: str) -> bool:
    """Whether an element applies to the action of that name, in lower case."""
    return any(matches(pattern, name) for pattern in action.values) != action.negated


def on_external_id(statement: Statement) -> list[Condition]:
    """The conditions of a statement on the external id."""
    return [one for one in statement.conditions if one.key == EXTERNAL_ID]


def _assumes(statement: Statement) -> bool:
    return applies_to(statement.action, ASSUME_ROLE)


def _names(principal: Element, account_id: str) -> bool:
    return not principal.negated and any(account_of(value) == account_id for value in principal.values)


def _is_desired(statement: Statement, account_id: str) -> bool:
    """Whether a statement holds the one by which the whole account is trusted for exact external ids, and no more."""
    exact = [one[:2] for one in statement.conditions] == [("StringEquals", EXTERNAL_ID)]
    principal, action = statement.principal, statement.action
    whole = not principal.negated and f"AWS {account_id}" in principal.values
    assumes = not action.negated and ASSUME_ROLE in action.values
    return statement.effect == "Allow" and whole and assumes and exact and statement.resource == Element(frozenset())


def _values_on_id(statements: Iterable[Statement]) -> frozenset[str]:
    return frozenset(value for one in statements for line in on_external_id(one) for value in line.values)


def _exempted(statements: Iterable[Statement], account_id: str) -> frozenset[str]:
    """The external ids that a Deny excepts: who is denied to all others is trusted by whatever allows it."""
    denies = [one for one in statements if one.effect == "Deny" and concerns(one.principal, account_id)]
    lines = [line for one in denies for line in on_external_id(one) if "not" in line.operator.lower()]
    return frozenset(value for line in lines for value in line.values)


def _exact_ids(statements: Iterable[Statement]) -> frozenset[str]:
    lines = [line for one in statements for line in on_external_id(one) if line.operator == "StringEquals"]
    return frozenset(value for line in lines for value in line.values)


# --- evaluating ---


def _by_external_id(statements: Iterable[Statement], account_id: str) -> _ByExternalId:
    """Evaluate all of the statements but what depends on the external id."""
    keys: RequestKeys = {**_REQUEST, "aws:principalaccount": (account_id,), PRINCIPAL_ARN: (account_id,)}
    found = _ByExternalId([], [])
    for one in statements:
        allows = one.effect == "Allow"
        if _assumes(one) and _is_of(one.principal, account_id, whole=not allows) and _may_apply(one, keys):
            # A test with a variable is met where it allows: what that stands for is unknown.
            tests = [line for line in on_external_id(one) if not has_variable(line)]
            (found.allow if allows else found.deny).append(tests)
    return found


def _may_apply(statement: Statement, keys: RequestKeys) -> bool:
    """Whether the conditions but those on the external id are met; one with a variable never is where it denies."""
    on_id, allows = on_external_id(statement), statement.effect == "Allow"
    if not allows and any(map(has_variable, on_id)):
        return False
    return all(is_met(line, keys, unknown=allows) for line in statement.conditions.difference(on_id))


def _meets(conditions: Iterable[Condition], external_id: str | None, *, unknown: bool) -> bool:
    return all(is_met_by(one, external_id, unknown=unknown) for one in conditions)


def _is_of(principal: Element, account_id: str, *, whole: bool) -> bool:
    """Whether a statement is about the whole account, or at least about a part of it."""
    values = principal.values
    if principal.negated:
        # It exempts the principals that it names, and not the roles of an account that it names.
        return ANYONE not in values and not (whole and _names(Element(values), account_id))
    if whole:
        return not values.isdisjoint({f"AWS {account_id}", ANYONE})
    root = f"AWS arn:aws:iam::{account_id}:root"
    return any(account_of(value) == account_id or matches(value, root) for value in values)
