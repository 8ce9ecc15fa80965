# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy documents as normalized statements: the same for all documents that differ only in writing. Pure.

``canonical`` writes a document in one form, for people. ``parse`` reads it into statements whose elements are sets.
``same`` compares combinations (one effect, principal, action, resource and external id each), because documents mean
the same when they consist of the same combinations, however those were put into statements.
Sources, in the IAM User Guide: "IAM JSON policy elements reference", "AWS JSON policy elements: Principal".
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any, NamedTuple, TypeGuard

VERSION = "2012-10-17"
VERSION_IF_ABSENT = "2008-10-17"
EXTERNAL_ID = "sts:externalid"
SESSION_NAME = "sts:rolesessionname"
PAIRS = ("Principal", "Action", "Resource")
ELEMENTS = frozenset({"Sid", "Effect", "Condition", *PAIRS, *(f"Not{name}" for name in PAIRS)})

# The longest policies of real roles have some dozens of combinations. Without a bound, 2,000 characters make 300,000.
MAX_COMBINATIONS = 256
# Characters of a document whose statements are kept: a trust policy has at most 2,048 by default.
MAX_CACHED = 2048
# A test for equality with one of these keys is split by value, because each value names somebody.
SPLIT_KEYS = (EXTERNAL_ID, SESSION_NAME)


class Condition(NamedTuple):
    """One line of a Condition element; the key is in lower case."""

    operator: str
    key: str
    values: frozenset[str]


class Element(NamedTuple):
    """The values of Principal ("AWS 111122223333"), Action (in lower case) or Resource, or of their Not… forms."""

    values: frozenset[str]
    negated: bool = False


class Statement(NamedTuple):
    """A normalized statement. An element that is absent has no values."""

    effect: str
    principal: Element
    action: Element
    resource: Element
    conditions: frozenset[Condition]


class Document(NamedTuple):
    """A policy document; ``unparseable`` holds as text what is no statement as documented."""

    version: str
    statements: tuple[Statement, ...]
    unparseable: frozenset[str]


def canonical(document: object) -> dict[str, Any]:
    """One form for all documents that differ only in writing, for showing and for diffs; the input is left alone.

    ``Version`` is filled in; ``Statement`` and all values are sorted lists without duplicates; actions and condition
    keys are in lower case; an account is its bare id; condition values are strings; ``Sid`` and ``Id`` mean nothing and
    are left out. What cannot be parsed stays as it is; what is not even a dict is shown as ``{"Document": …}``.
    """
    if not _is_document(document):
        return dict(document) if isinstance(document, dict) else {"Document": document}
    statements = [_written(s) if _is_statement(s) else s for s in listed(document["Statement"])]
    unique = {_text(statement): statement for statement in statements}
    return {"Version": document.get("Version", VERSION_IF_ABSENT), "Statement": [unique[key] for key in sorted(unique)]}


def parse(document: Any) -> Document:
    """Read a document into normalized statements, in an order that does not depend on how it was written."""
    written = repr(document)
    if len(written) > MAX_CACHED:
        return _parse(document)
    try:
        # The same document may be in thousands of accounts.
        return _parse_written(written)
    except (ValueError, SyntaxError):  # no literal of Python
        return _parse(document)


def is_parseable(document: object) -> bool:
    """Whether all of a document can be parsed."""
    return not parse(document).unparseable


def same(a: object, b: object) -> bool:
    """Whether two documents mean the same; what cannot be parsed equals only itself. Never raises."""
    one, other = parse(a), parse(b)
    if one == other or (one.version, one.unparseable) != (other.version, other.unparseable):
        return one == other
    numbers: dict[object, int] = {}
    return combinations(one.statements, numbers) == combinations(other.statements, numbers)


def contains(document: object, statement: object) -> bool:
    """Whether the document has all of one statement of another document, be it in other words or split."""
    numbers: dict[object, int] = {}
    wanted = combinations(parse({"Version": VERSION, "Statement": [statement]}).statements, numbers)
    return wanted <= combinations(parse(document).statements, numbers)


def combinations(statements: Iterable[Statement], numbers: dict[object, int]) -> frozenset[tuple[int, ...]]:
    """All combinations of the smallest statements; of those that are too many for that one each, for the whole.

    Each part of a combination is a number, which ``numbers`` keeps: what is compared has to share it.
    """
    found: set[tuple[int, ...]] = set()
    left = MAX_COMBINATIONS
    for statement in sorted(statements, key=size):
        left -= size(statement)
        parts = split(statement) if left >= 0 else [[part] for part in statement]
        numbered = ([numbers.setdefault(one, len(numbers)) for one in part] for part in parts)
        found.update(product(*numbered))
    return frozenset(found)


def size(statement: Statement) -> int:
    """How many combinations a statement has."""
    line = split_line(statement)
    elements = (statement.principal, statement.action, statement.resource)
    return prod(1 if one.negated else len(one.values) or 1 for one in elements) * (len(line.values) if line else 1)


def split(statement: Statement) -> list[list[Any]]:
    """The parts of a statement whose combinations it stands for: effect, three elements, values, other conditions."""
    line = split_line(statement)
    values = sorted(line.values) if line else [None]
    others = statement.conditions - {line} if line else statement.conditions
    key = line.key if line else None
    elements = [single(element) for element in statement[1:4]]
    return [[statement.effect], *elements, [(key, value) for value in values], [others]]


def single(element: Element) -> list[Element]:
    """An element value by value; those of a Not… element, and none at all, belong together."""
    if element.negated or not element.values:
        return [element]
    return [Element(frozenset({value})) for value in sorted(element.values)]


def split_line(statement: Statement) -> Condition | None:
    """The condition that is split by value. To split every one would multiply without bound."""
    found = {one.key: one for one in statement.conditions if one.operator == "StringEquals" and one.values}
    return next((found[key] for key in SPLIT_KEYS if key in found), None)


def listed(value: Any) -> list[Any]:
    """A list, or a value as a list of one, as policy documents may have it nearly everywhere."""
    return value if isinstance(value, list) else [value]


def principal_value(kind: str, name: str) -> str:
    """A principal in one form: the root of an account is the account."""
    root = re.fullmatch(r"arn:aws[a-z0-9-]*:iam::([0-9]{12}):root", name)
    return root[1] if root and kind == "AWS" else name


def condition_value(value: object) -> str:
    """A value of a condition as a string."""
    return str(value).lower() if isinstance(value, bool) else str(value)


# --- what is documented ---


def _is_document(value: object) -> TypeGuard[dict[str, Any]]:
    return (
        isinstance(value, dict)
        and value.keys() <= {"Version", "Id", "Statement"}
        and value.get("Version", VERSION) in (VERSION, VERSION_IF_ABSENT)
        and isinstance(value.get("Id", ""), str)
        and isinstance(value.get("Statement"), dict | list)
    )


def _is_statement(value: object) -> TypeGuard[dict[str, Any]]:
    return (
        isinstance(value, dict)
        and value.keys() <= ELEMENTS
        and value.get("Effect") in ("Allow", "Deny")
        and isinstance(value.get("Sid", ""), str)
        and not any({name, f"Not{name}"} <= value.keys() for name in PAIRS)
        and any(_is_strings(value.get(name)) for name in ("Action", "NotAction"))
        and all(_is_strings(value[name]) for name in ("Resource", "NotResource") if name in value)
        and all(_is_principal(value[name]) for name in ("Principal", "NotPrincipal") if name in value)
        and _is_condition(value.get("Condition", {}))
    )


def _is_strings(value: object) -> bool:
    return value != [] and all(isinstance(one, str) for one in listed(value))


def _is_principal(value: object) -> bool:
    if not isinstance(value, dict) or not value:
        return value == "*"
    return all(isinstance(kind, str) and kind.isalpha() and _is_strings(names) for kind, names in value.items())


def _is_condition(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(op, str) and _is_block(block) for op, block in value.items())


def _is_block(value: object) -> bool:
    """Keys that differ only in case are unparseable: which of them counts is not documented."""
    return (
        isinstance(value, dict)
        and all(isinstance(key, str) for key in value)
        and len({key.lower() for key in value}) == len(value)
        and all(isinstance(v, str | int | float) for values in value.values() for v in listed(values))
    )


# --- one form ---


def _text(value: object) -> str:
    try:
        return json.dumps(value, sort_keys=True, default=repr)
    except (TypeError, ValueError):
        return repr(value)


def _written(raw: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"Effect": raw["Effect"]}
    for name in (prefix + pair for pair in PAIRS for prefix in ("", "Not")):
        if name in raw:
            shown[name] = _principals(raw[name]) if "Principal" in name else sorted(_values(name, raw[name]))
    condition = {op: _block(block) for op, block in sorted(raw.get("Condition", {}).items()) if block}
    return {**shown, "Condition": condition} if condition else shown


def _values(name: str, raw: Any) -> set[str]:
    return {value.lower() if "Action" in name else value for value in listed(raw)}


def _principals(raw: Any) -> dict[str, list[str]]:
    by_type = {"AWS": "*"} if raw == "*" else raw
    return {kind: sorted({principal_value(kind, n) for n in listed(names)}) for kind, names in sorted(by_type.items())}


def _block(raw: dict[str, Any]) -> dict[str, list[str]]:
    keys = sorted(raw, key=str.lower)
    return {key.lower(): sorted({condition_value(value) for value in listed(raw[key])}) for key in keys}


# --- statements ---


@lru_cache(maxsize=128)
def _parse_written(written: str) -> Document:
    return _parse(ast.literal_eval(written))


def _parse(document: object) -> Document:
    if not _is_document(document):
        return Document("", (), frozenset({_text(document)}))
    shown = canonical(document)
    parsed = tuple(dict.fromkeys(_statement(one) for one in shown["Statement"] if _is_statement(one)))
    unparseable = frozenset(_text(one) for one in shown["Statement"] if not _is_statement(one))
    return Document(shown["Version"], parsed, unparseable)


def _statement(written: dict[str, Any]) -> Statement:
    principal, action, resource = (_element(written, name) for name in PAIRS)
    return Statement(written["Effect"], principal, action, resource, frozenset(_conditions(written)))


def _element(written: dict[str, Any], name: str) -> Element:
    negated = f"Not{name}" in written
    return Element(frozenset(_flat(written.get(f"Not{name}" if negated else name, []))), negated)


def _flat(values: Any) -> list[str]:
    return [f"{kind} {v}" for kind, vs in values.items() for v in vs] if isinstance(values, dict) else values


def _conditions(written: dict[str, Any]) -> Iterator[Condition]:
    for operator, block in written.get("Condition", {}).items():
        for key, values in block.items():
            yield Condition(operator, key, frozenset(values))
