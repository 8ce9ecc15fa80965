# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy documents, evaluated as AWS does: a deny wins, else an allow, else nothing.

Written for the emulators alone: what the product thinks of a document must never decide what these services answer.
Sources: "Policy evaluation logic" and "IAM JSON policy elements: Condition operators" (IAM User Guide).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Decision = Literal["allow", "deny", "none"]


@dataclass(frozen=True)
class Access:
    """One request, and all names under which a policy may mean the caller.

    Such as `AWS:arn:aws:iam::111111111111:root`, `Service:s3.amazonaws.com` or `Federated:arn:…`.
    """

    action: str
    resource: str
    principals: frozenset[str] = frozenset()
    context: dict[str, str] = field(default_factory=dict)


def parse(text: str) -> Json | None:
    """A document that AWS would store, or None."""
    try:
        document: Any = json.loads(text)
    except ValueError:
        return None
    if not isinstance(document, dict) or "Statement" not in document:
        return None
    return document if all(_is_statement(one) for one in _statements(document)) else None


def decide(documents: Iterable[Json], access: Access) -> Decision:
    """What documents on one side, the caller's or the resource's, decide."""
    effects = {
        statement.get("Effect")
        for document in documents
        for statement in _statements(document)
        if _applies(statement, access)
    }
    if "Deny" in effects:
        return "deny"
    return "allow" if "Allow" in effects else "none"


def names_of(arn: str) -> frozenset[str]:
    """The names of a role, session or user: its own ARN, for a session its role's, its account's."""
    found = re.fullmatch(r"arn:([\w-]+):(?:sts|iam)::(\d{12}):(assumed-role|role|user|root)/?(.*)", arn)
    if not found:
        return frozenset()
    partition, account, kind, name = found.groups()
    root = f"arn:{partition}:iam::{account}:root"
    names = {arn, root, account}
    if kind == "assumed-role":
        names.add(f"arn:{partition}:iam::{account}:role/{name.split('/')[0]}")
    return frozenset(f"AWS:{one}" for one in names)


def matches(pattern: str, value: str) -> bool:
    """Whether a value fits a pattern with `*` and `?`."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value, re.DOTALL) is not None


def listed(value: Any) -> list[Any]:
    """A value that may stand for a list of one."""
    return list(value) if isinstance(value, list) else [value]


def _statements(document: Json) -> list[Any]:
    return listed(document.get("Statement", []))


def _is_statement(one: Any) -> bool:
    return isinstance(one, dict) and one.get("Effect") in ("Allow", "Deny") and ("Action" in one or "NotAction" in one)


def _applies(statement: Json, access: Access) -> bool:
    return (
        _names(statement, "Action", lambda pattern: matches(pattern.lower(), access.action.lower()))
        and _names(statement, "Resource", lambda pattern: matches(pattern, access.resource))
        and _is_meant(statement, access.principals)
        and all(_holds(name, keys, access.context) for name, keys in statement.get("Condition", {}).items())
    )


def _names(statement: Json, element: str, fits: Callable[[str], bool]) -> bool:
    """Whether an element, or its negation, covers the request; trust policies have no resource."""
    if f"Not{element}" in statement:
        return not any(fits(one) for one in listed(statement[f"Not{element}"]))
    return element not in statement or any(fits(one) for one in listed(statement[element]))


def _is_meant(statement: Json, principals: frozenset[str]) -> bool:
    """Whether the statement is about the caller; those of identities name nobody."""
    if "Principal" not in statement:
        return True
    principal = statement["Principal"]
    if principal == "*":
        return True
    named = {f"{kind}:{one}" for kind, value in principal.items() for one in listed(value)}
    return bool(named & principals) or ("AWS:*" in named and any(one.startswith("AWS:") for one in principals))


def _holds(name: str, keys: Json, context: dict[str, str]) -> bool:
    operator = name.rpartition(":")[2]
    optional = operator.endswith("IfExists")
    known = {key.lower(): value for key, value in context.items()}
    return all(
        _compare(operator.removesuffix("IfExists"), known.get(key.lower()), listed(expected), optional)
        for key, expected in keys.items()
    )


def _matches_arn(pattern: str, value: str) -> bool:
    """Part by part; a wildcard does not reach over a colon."""
    patterns, values = pattern.split(":", 5), value.split(":", 5)
    if len(patterns) != len(values):
        return pattern == "*"
    return all(matches(one, part) for one, part in zip(patterns, values, strict=True))


COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, expected: value == expected,
    "StringEqualsIgnoreCase": lambda value, expected: value.lower() == expected.lower(),
    "StringLike": lambda value, expected: matches(expected, value),
    "ArnEquals": lambda value, expected: _matches_arn(expected, value),
    "ArnLike": lambda value, expected: _matches_arn(expected, value),
    "Bool": lambda value, expected: value.lower() == expected.lower(),
}


def _compare(operator: str, value: str | None, expected: list[Any], optional: bool) -> bool:
    """One key. An operator that is not known here does not hold."""
    if operator == "Null":
        return (value is None) == (str(expected[0]).lower() == "true")
    positive = operator.replace("Not", "", 1)
    if positive not in COMPARISONS:
        return False
    negated = positive != operator
    if value is None:
        return optional or negated
    return any(COMPARISONS[positive](value, str(one)) for one in expected) != negated
