# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adding our statements to a policy document and removing them; statements of others stay exactly as they are. Pure.

A trust, queue, bucket or key policy is one document that several owners share, and AWS replaces it as a whole.
Statements are recognized by what they mean, not by their Sid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .statements import (
    PAIRS,
    VERSION,
    Element,
    Statement,
    condition_value,
    contains,
    listed,
    parse,
    principal_value,
    split_line,
)


def add_statements(document: object, desired: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the document with the desired statements that it does not have yet; itself, if it has all of them.

    Statements that are there keep their place and form, so a Deny among them still denies. What is no document is
    replaced by the desired one.
    """
    if not isinstance(document, dict) or not document:
        return desired
    lacking = [one for one in listed(desired["Statement"]) if not contains(document, one)]
    if not lacking:
        return document
    return {**document, "Statement": [*raw_statements(document), *lacking]}


def remove_statements(document: object, ours: Mapping[str, Any]) -> object:
    """Return the document without our statements; itself, if it has none of them.

    A statement that holds something else as well keeps the rest, in up to four statements for each of ours. Whatever
    allows more than ours (a wildcard) is not ours and stays. ``Statement`` is an empty list if nothing remains.
    """
    if not isinstance(document, dict):
        return document
    removed = parse(ours).statements
    before = raw_statements(document)
    after = before
    for one in removed:
        after = [piece for raw in after for piece in _without(raw, one)]
    return document if after == before else {**document, "Statement": after}


def remove_principals(document: Mapping[str, Any], removed: Mapping[int, Iterable[str]]) -> Mapping[str, Any]:
    """Return the document without principals of statements, which are given by the number of the statement.

    A statement that has no principal left is removed as a whole, and so is one of NotPrincipal. Without statements
    left, ``Statement`` is an empty list.
    """
    after = [
        piece
        for number, raw in enumerate(raw_statements(document))
        for piece in ([raw] if number not in removed else _without_principals(raw, frozenset(removed[number])))
    ]
    return {**document, "Statement": after} if removed else document


def _without_principals(raw: Mapping[str, Any], removed: frozenset[str]) -> Iterator[Any]:
    [parsed] = parse({"Version": VERSION, "Statement": [raw]}).statements
    if not parsed.principal.negated and (kept := parsed.principal.values - removed):
        yield _only(raw, "Principal", kept)


def raw_statements(document: Mapping[str, Any]) -> list[Any]:
    """The statements of a document as they were written."""
    return listed(document.get("Statement", []))


def _without(raw: Any, ours: Statement) -> Iterator[Any]:
    """Yield the statement as it is, or what remains of it without ours."""
    parsed = parse({"Version": VERSION, "Statement": [raw]}).statements
    if len(parsed) != 1 or not _has_some(parsed[0], ours):
        yield raw
        return
    for name, element, own in zip(PAIRS, parsed[0][1:4], ours[1:4], strict=True):
        if outside := element.values - own.values:
            yield _only(raw, name, outside)
            raw = {key: value for key, value in _only(raw, name, own.values).items() if key != "Sid"}
    line, own_line = split_line(parsed[0]), split_line(ours)
    if line and own_line and (others := line.values - own_line.values):
        yield _only_condition(raw, line.key, others)


def _has_some(statement: Statement, ours: Statement) -> bool:
    """Whether some combinations of a statement are combinations of ours."""
    line, own = split_line(statement), split_line(ours)
    if (line is None) != (own is None) or statement.effect != ours.effect:
        return False
    if line and own and (line.key != own.key or line.values.isdisjoint(own.values)):
        return False
    others = statement.conditions - {line} == ours.conditions - {own}
    return others and all(_share(a, b) for a, b in zip(statement[1:4], ours[1:4], strict=True))


def _share(one: Element, other: Element) -> bool:
    return one == other or not (one.negated or other.negated or one.values.isdisjoint(other.values))


def _only(raw: Mapping[str, Any], name: str, values: frozenset[str]) -> dict[str, Any]:
    """The statement with those values of an element alone; who has one value or a Not… element has all of them."""
    kept = raw.get(name)
    if isinstance(kept, dict):
        found = {kind: _only_names(kind, listed(names), values) for kind, names in kept.items()}
        return {**raw, name: {kind: names for kind, names in found.items() if names}}
    if isinstance(kept, list):
        return {**raw, name: [one for one in kept if (one.lower() if name == "Action" else one) in values]}
    return dict(raw)


def _only_names(kind: str, names: list[str], values: frozenset[str]) -> list[str]:
    return [one for one in names if f"{kind} {principal_value(kind, one)}" in values]


def _only_condition(raw: Mapping[str, Any], key: str, values: frozenset[str]) -> dict[str, Any]:
    block = {
        name: [one for one in listed(found) if condition_value(one) in values] if name.lower() == key else found
        for name, found in raw["Condition"]["StringEquals"].items()
    }
    return {**raw, "Condition": {**raw["Condition"], "StringEquals": block}}
