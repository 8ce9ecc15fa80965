# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions of policy documents: whether a request meets one, and whether one is as strict as another. Pure.

Source, in the IAM User Guide: "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .patterns import includes, is_wild, matches, overlap
from .statements import Condition

PRINCIPAL_ARN = "aws:principalarn"
_EXACT = {"StringEquals", "StringLike"}
_EQUAL = {*_EXACT, "StringEqualsIgnoreCase"}
_ARN = {"ArnLike", "ArnEquals"}
_ARN_COLONS = 5
# Keys of a request. None is a key that the request does not have; of several values any may be the one.
RequestKeys = Mapping[str, tuple["str | None", ...]]


def is_met(condition: Condition, keys: RequestKeys, *, unknown: bool) -> bool:
    """Whether a request meets a condition; `unknown` is the answer where that depends on more than its keys."""
    if condition.key not in keys or has_variable(condition):
        return unknown
    answers = {is_met_by(condition, value, unknown=unknown) for value in keys[condition.key]}
    return answers.pop() if len(answers) == 1 else unknown


def is_met_by(condition: Condition, value: str | None, *, unknown: bool) -> bool:
    """Whether a request whose key has that value, or none, meets a condition without variables."""
    base, if_exists = condition.operator.removesuffix("IfExists"), condition.operator.endswith("IfExists")
    operator = base.rpartition(":")[2]
    if operator == "Null":
        return any((value is None) == (one.lower() == "true") for one in condition.values)
    if value is None:
        # A test of a missing key fails, unless it must not equal something, or is one of all values of the key.
        negated = "Not" in operator and not base.startswith("ForAnyValue:")
        return if_exists or negated or base.startswith("ForAllValues:")
    if condition.key == PRINCIPAL_ARN:
        return _is_met_by_arn(operator, condition.values, value, unknown=unknown)
    return _passes(operator, condition.values, value, unknown=unknown)


def _passes(operator: str, values: frozenset[str], value: str, *, unknown: bool) -> bool:
    """Whether a value passes a test."""
    if operator == "Bool":
        return value in map(str.lower, values)
    if operator.startswith("Arn") and _is_arn(value):
        return _is_accepted_arn(value, values) != ("Not" in operator)
    return _hits(operator, values, value) if operator.startswith("String") else unknown


def may_meet(condition: Condition, key: str, value: str) -> bool:
    """Whether a request whose key has that value can meet a condition; one on another key can always be met."""
    return is_met(condition, {key: (value,)}, unknown=True)


def implies(condition: Condition, other: Condition) -> bool:
    """Whether every request that meets a condition meets the other one; "no" where that is hard to decide."""
    if condition.key != other.key or not condition.values:
        return False
    if condition == other:
        return True
    # A test of a key that has to exist is stricter than the same test of one that may be missing.
    if_exists = condition.operator.endswith("IfExists")
    operator = other.operator if if_exists else other.operator.removesuffix("IfExists")
    if condition.operator == operator and _is_stricter(operator, condition.values, other.values):
        return True
    return all(_is_accepted(condition.operator, value, operator, other.values) for value in condition.values)


def _is_stricter(operator: str, values: frozenset[str], others: frozenset[str]) -> bool:
    """Whether a test is stricter by its values: fewer of which one must be met, or more of which none may."""
    return (bool(others) and others <= values) if "Not" in operator else values <= others


def has_variable(condition: Condition) -> bool:
    """Whether a value is a policy variable, which stands for what the caller sends: ${sts:ExternalId} equals itself."""
    return any("${" in value for value in condition.values)


def accepts_only_listed(condition: Condition) -> bool:
    """Whether a request must have one of the values literally."""
    wild = condition.operator == "StringLike" and any(is_wild(value) for value in condition.values)
    exact = condition.operator in {"StringEquals", "StringLike"} and condition.values
    return bool(exact) and not wild and not has_variable(condition)


def _is_accepted(operator: str, value: str, other: str, accepted: frozenset[str]) -> bool:
    """Whether what passes a test with one value passes another test, for tests of strings that must succeed."""
    if "${" in value:
        return False
    if other in _ARN:
        return operator in {*_ARN, "StringEquals"} and _is_accepted_arn(value, accepted)
    if operator == "StringLike" and is_wild(value):
        return other == "StringLike" and any(includes(one, value) for one in accepted)
    return operator in _EXACT and other in _EQUAL and _hits(other, accepted, value)


def _is_arn(value: str) -> bool:
    return value.count(":") >= _ARN_COLONS


def _is_accepted_arn(value: str, accepted: Iterable[str]) -> bool:
    return any(_includes_arn(one, value) for one in accepted)


def _includes_arn(general: str, special: str) -> bool:
    """Whether the first pattern of ARNs includes the second one; the six parts are compared each by itself."""
    if not (_is_arn(general) and _is_arn(special)):
        return general == special
    pairs = zip(general.split(":", _ARN_COLONS), special.split(":", _ARN_COLONS), strict=True)
    return all(includes(one, other) for one, other in pairs)


def _hits(operator: str, values: frozenset[str], value: str) -> bool:
    """Whether a value passes a test of strings; a test that the value must fail is one of all values."""
    if "Like" in operator:
        hit = any(matches(one, value) for one in values)
    elif operator.endswith("IgnoreCase"):
        hit = any(one.lower() == value.lower() for one in values)
    else:
        hit = value in values
    return hit != ("Not" in operator)


def _is_met_by_arn(operator: str, values: Iterable[str], account_id: str, *, unknown: bool) -> bool:
    """Whether the caller's ARN passes a test; of whoever acts for that account only the account is known."""
    fold = operator.endswith("IgnoreCase")
    any_caller = f"arn:aws*:iam::{account_id}:*"
    literal = operator in {"StringEquals", "StringNotEquals"} or fold
    patterns = [value.lower() if fold else value for value in values]
    if operator.startswith("Arn"):  # compares each of the six parts by itself
        patterns = [f"arn:*:iam::{one.split(':')[4]}:*" if one.count(":") > 4 else one for one in patterns]
    possible = any(matches(any_caller, one) if literal else overlap(one, any_caller, ":") for one in patterns)
    return unknown if possible else "Not" in operator
