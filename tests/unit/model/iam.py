# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An evaluation of policy documents as AWS documents it, which shares nothing with the code that it tests.

Source, in the IAM User Guide: "Policy evaluation logic", "IAM JSON policy elements reference".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any


@dataclass(frozen=True)
class Caller:
    """Who sends a request: of an AWS principal the ARN of its role or user, else the provider's ARN or service."""

    kind: str
    name: str

    @property
    def account(self) -> str:
        return self.name.split(":")[4] if self.kind == "AWS" else ""


@dataclass(frozen=True)
class Request:
    """One request; a key that it does not have is missing in `keys`, which are in lower case."""

    caller: Caller
    action: str
    resource: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)


def allowed(document: Mapping[str, Any], request: Request) -> bool:
    """Whether the document allows the request and does not deny it."""
    effects = {one["Effect"] for one in _list(document["Statement"]) if _applies(one, request)}
    return effects == {"Allow"}


def denied(document: Mapping[str, Any], request: Request) -> bool:
    """Whether the document denies the request explicitly."""
    return any(one["Effect"] == "Deny" and _applies(one, request) for one in _list(document["Statement"]))


def _applies(statement: Mapping[str, Any], request: Request) -> bool:
    return (
        _applies_to_caller(statement, request.caller)
        and _applies_to(statement, "Action", request.action.lower(), str.lower)
        and _applies_to(statement, "Resource", request.resource, str)
        and all(
            _meets(operator, request.keys.get(key.lower()), list(map(_string, _list(values))), request)
            for operator, block in statement.get("Condition", {}).items()
            for key, values in block.items()
        )
    )


def _applies_to_caller(statement: Mapping[str, Any], caller: Caller) -> bool:
    if "NotPrincipal" in statement:
        # To except a role, both it and its account have to be named; here callers are roles and never accounts.
        named = _principals(statement["NotPrincipal"])
        return ("AWS", "*") not in named and (caller.kind, caller.name) not in named
    return any(_is_caller(kind, name, caller) for kind, name in _principals(statement.get("Principal", {})))


def _is_caller(kind: str, name: str, caller: Caller) -> bool:
    if (kind, name) == ("AWS", "*"):
        return True
    root = re.fullmatch(r"(?:arn:aws:iam::)?(\d{12})(?::root)?", name)
    if kind == caller.kind == "AWS" and root:
        return caller.account == root[1]
    return kind == caller.kind and _like(name, caller.name)


def _principals(element: Any) -> set[tuple[str, str]]:
    by_kind = {"AWS": "*"} if element == "*" else element
    return {(kind, name) for kind, names in by_kind.items() for name in _list(names)}


def _applies_to(statement: Mapping[str, Any], name: str, value: str, fold: Any) -> bool:
    if f"Not{name}" in statement:
        return not any(_like(fold(one), value) for one in _list(statement[f"Not{name}"]))
    return name not in statement or any(_like(fold(one), value) for one in _list(statement[name]))


def _meets(operator: str, value: str | None, expected: list[str], request: Request) -> bool:
    quantifier, _colon, name = operator.rpartition(":")
    if name == "Null":
        return any((value is None) == (one == "true") for one in expected)
    if_exists, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    negated, name = "Not" in name, name.replace("Not", "")
    if value is None:
        return if_exists or quantifier == "ForAllValues" or (negated and quantifier != "ForAnyValue")
    return any(_equals(name, _filled(one, request), value) for one in expected) != negated


def _equals(operator: str, expected: str | None, value: str) -> bool:
    if expected is None:
        return False
    if operator == "StringLike":
        return _like(expected, value)
    if operator in {"StringEqualsIgnoreCase", "Bool"}:
        return expected.lower() == value.lower()
    assert operator == "StringEquals"
    return expected == value


def _filled(text: str, request: Request) -> str | None:
    """The text with its variables filled in; nothing where the request does not have one."""
    names = re.findall(r"\$\{([^}]*)\}", text)
    if any(name.lower() not in request.keys for name in names):
        return None
    return re.sub(r"\$\{([^}]*)\}", lambda found: request.keys[found[1].lower()], text)


@lru_cache(maxsize=4096)
def _like(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.DOTALL) is not None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _string(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
