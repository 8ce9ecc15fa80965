# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Principal, Action and Resource: whether one element includes another, and whether both can apply at once. Pure.

Source, in the IAM User Guide: "AWS JSON policy elements: Principal", "NotPrincipal", "NotAction", "Resource".
"""

from __future__ import annotations

import re

from .patterns import includes, is_wild, overlap
from .statements import Element

ELEMENT_NAMES = ("principal", "action", "resource")
ANYONE = "AWS *"


def includes_element(name: str, general: Element, special: Element) -> bool:
    """Whether one element includes all of another one; "no" where that is hard to decide.

    A document without resources is about what it is attached to, so an absent Resource includes any.
    """
    if general == special:
        return True
    if is_absent(general) or is_absent(special):
        return name == "resource" and (is_absent(general) or "*" in general.values)
    if general.negated:
        return _excludes_less(name, general, special)
    if special.negated:
        return (ANYONE if name == "principal" else "*") in general.values
    return all(any(_includes(name, one, other) for one in general.values) for other in special.values)


def may_overlap(name: str, one: Element, other: Element) -> bool:
    """Whether both elements can be about the same; "yes" where that is hard to decide."""
    if is_absent(one) or is_absent(other):
        return True
    if one.negated or other.negated:
        return _may_be_outside(name, one, other) and _may_be_outside(name, other, one)
    return any(_may_be_same(name, a, b) for a in one.values for b in other.values)


def _may_be_outside(name: str, excluded: Element, other: Element) -> bool:
    """Whether a Not… element can be about something of another one."""
    if not excluded.negated or other.negated or name == "principal":
        # A NotPrincipal that names an account still applies to the roles of the account.
        return True
    return not includes_element(name, excluded._replace(negated=False), other)


def is_absent(element: Element) -> bool:
    """Whether a statement does not have the element."""
    return not element.values and not element.negated


def account_of(principal: str) -> str:
    """The account of a principal, or nothing; assumed roles and federated users are principals of STS."""
    found = re.fullmatch(r"AWS (?:arn:[^:]*:(?:iam|sts)::)?([0-9]{12})(?::.+)?", principal)
    return found[1] if found else ""


def _excludes_less(name: str, general: Element, special: Element) -> bool:
    """Whether nothing that a Not… element excludes is part of another element."""
    if name == "principal":  # an account that is excluded does not exclude its roles
        return special.negated and general.values <= special.values
    if special.negated:
        return all(any(_includes(name, one, other) for one in special.values) for other in general.values)
    pairs = ((one, other) for one in general.values for other in special.values)
    return not any(overlap(_opened(one), _opened(other)) for one, other in pairs)


def _includes(name: str, general: str, special: str) -> bool:
    if general == special:
        return True
    if name == "principal":
        if general == ANYONE:
            return special.startswith("AWS ")
        return not is_wild(special) and general == f"AWS {account_of(special)}"
    return "${" not in general and includes(general, _opened(special))


def _may_be_same(name: str, one: str, other: str) -> bool:
    if name == "principal":
        accounts = {account_of(one), account_of(other)}
        whole = any(f"AWS {account}" in {one, other} for account in accounts)
        return one == other or is_wild(one) or is_wild(other) or (len(accounts) == 1 and whole)
    return overlap(_opened(one), _opened(other))


def _opened(value: str) -> str:
    """A pattern for all that a value with policy variables can stand for."""
    return re.sub(r"\$\{[^}$]*\}", "*", value)
