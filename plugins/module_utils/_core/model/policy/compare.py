# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy document measured by a desired one: what is missing, what is unexpected, and in which element. Pure.

Trust, queue, bucket and key policies are compared alike. A statement is split where different statements of the other
document include it; its parts are sets of values, so the time grows with the documents and not with the combinations.
Where that is hard to decide (a NotPrincipal, a pattern), what may be wider counts as wider.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .conditions import implies, may_meet
from .elements import ELEMENT_NAMES, includes_element, may_overlap
from .statements import Condition, Element, Statement, parse, single

# Parts into which one statement is split. The elements of what would have more are compared as a whole.
MAX_PARTS = 128


class Difference(NamedTuple):
    """A part of a statement that the other document does not have like that.

    ``widened`` names the elements (``Principal``, ``Action``, ``Resource``, ``Condition``) that no statement includes
    together with the other ones; ``nearest`` are the statements of the other document that include the other ones.
    Without ``widened`` the part is included, in other words or narrower.
    """

    statement: Statement
    widened: frozenset[str]
    nearest: tuple[Statement, ...]


class Comparison(NamedTuple):
    """What a document has and lacks, measured by a desired one.

    ``missing``: parts of the desired document that no statement provides. ``unexpected``: parts that the desired
    document does not include. ``narrower``: parts that it includes, but does not have like that. ``blocking``:
    unexpected Deny statements that may deny something desired.
    """

    missing: tuple[Difference, ...]
    unexpected: tuple[Difference, ...]
    narrower: tuple[Difference, ...]
    blocking: tuple[Difference, ...]
    unparseable: frozenset[str]
    version: str


def compare(document: object, desired: object) -> Comparison:
    """Measure a document by the desired one. Never raises."""
    have, want = parse(document), parse(desired)
    found = list(differences(have.statements, want.statements))
    unexpected = _widened(found)
    return Comparison(
        missing=_widened(differences(want.statements, have.statements)),
        unexpected=unexpected,
        narrower=tuple(one for one in found if not one.widened),
        blocking=tuple(one for one in unexpected if _may_block_any(one.statement, want.statements)),
        unparseable=have.unparseable,
        version=have.version,
    )


def differences(statements: Iterable[Statement], others: Iterable[Statement]) -> Iterator[Difference]:
    """Yield the parts of statements that are not among the others as they are."""
    others = list(others)
    for statement in statements:
        candidates = tuple(one for one in others if one.effect == statement.effect)
        for part in _parts(Difference(statement, frozenset(), candidates)):
            if part.widened or not any(_is_part(part.statement, one) for one in part.nearest):
                yield part


def _widened(found: Iterable[Difference]) -> tuple[Difference, ...]:
    return tuple(one for one in found if one.widened)


def _parts(whole: Difference) -> list[Difference]:
    """Split a statement, element by element and key by key, by the candidates that include each value."""
    parts = [whole]
    for name in ELEMENT_NAMES:
        found = [smaller for part in parts for smaller in _by_element(part, name)]
        parts = found if len(found) <= MAX_PARTS else [_unsplit(part, name) for part in parts]
    for line in _limited_equalities(whole):
        found = [smaller for part in parts for smaller in _by_value(part, line)]
        parts = found if len(found) <= MAX_PARTS else parts
    return [_with_conditions(part) for part in parts]


def _by_element(part: Difference, name: str) -> Iterator[Difference]:
    """Yield parts of which each holds the values of the element that the same candidates include."""
    whole: Element = getattr(part.statement, name)
    groups: dict[tuple[Statement, ...], set[str]] = {}
    for one in single(whole):
        groups.setdefault(_including(part.nearest, name, one), set()).update(one.values)
    for including, values in groups.items():
        element: dict[str, Any] = {name: Element(frozenset(values), whole.negated)}
        smaller = part.statement._replace(**element)
        yield _limited(part._replace(statement=smaller), name.capitalize(), including)


def _unsplit(part: Difference, name: str) -> Difference:
    """The part unsplit: a candidate has to include the whole element."""
    return _limited(part, name.capitalize(), _including(part.nearest, name, getattr(part.statement, name)))


def _including(candidates: tuple[Statement, ...], name: str, element: Element) -> tuple[Statement, ...]:
    return tuple(one for one in candidates if includes_element(name, getattr(one, name), element))


def _limited(part: Difference, name: str, including: tuple[Statement, ...]) -> Difference:
    """The part with the candidates that are left; where none is, the element is wider, and all stay for the others."""
    return part._replace(nearest=including) if including else part._replace(widened=part.widened | {name})


def _limited_equalities(part: Difference) -> list[Condition]:
    """The conditions that can be split by value (each value alone meets the condition), on keys of the candidates."""
    keys = {line.key for one in part.nearest for line in one.conditions}
    found = (one for one in part.statement.conditions if one.operator == "StringEquals" and len(one.values) > 1)
    return sorted((one for one in found if one.key in keys), key=lambda one: one.key)


def _by_value(part: Difference, line: Condition) -> Iterator[Difference]:
    """Yield parts of which each holds the values of a condition that the same candidates accept."""
    others = [one for one in part.statement.conditions if one != line and one.key == line.key]
    rest = part.statement.conditions - {line}
    groups: dict[tuple[Statement, ...], set[str]] = {}
    for value in line.values:
        own = [*others, line._replace(values=frozenset({value}))]
        accepting = tuple(one for one in part.nearest if _limits(own, _on(one, line.key)))
        groups.setdefault(accepting, set()).add(value)
    for accepting, values in groups.items():
        smaller = part.statement._replace(conditions=rest | {line._replace(values=frozenset(values))})
        yield part._replace(statement=smaller, nearest=accepting or part.nearest)


def _with_conditions(part: Difference) -> Difference:
    by_key: dict[str, list[Condition]] = {}
    for line in part.statement.conditions:
        by_key.setdefault(line.key, []).append(line)
    limiting = (
        one
        for one in part.nearest
        if all(any(implies(own, line) for own in by_key.get(line.key, [])) for line in one.conditions)
    )
    return _limited(part, "Condition", tuple(limiting))


def _on(statement: Statement, key: str) -> list[Condition]:
    return [one for one in statement.conditions if one.key == key]


def _limits(conditions: list[Condition], others: list[Condition]) -> bool:
    """Whether conditions on one key are at least as strict as each of the others."""
    return all(any(implies(one, other) for one in conditions) for other in others)


def _is_part(statement: Statement, other: Statement) -> bool:
    """Whether a statement is another one, or holds some of its values."""
    lines = {one[:2]: one for one in other.conditions}
    return (
        all(_is_part_of_element(a, b) for a, b in zip(statement[1:4], other[1:4], strict=True))
        and len(statement.conditions) == len(other.conditions)
        and all(_is_part_of_line(one, lines.get(one[:2])) for one in statement.conditions)
    )


def _is_part_of_element(one: Element, other: Element) -> bool:
    return one == other or (not (one.negated or other.negated) and bool(one.values) and one.values <= other.values)


def _is_part_of_line(one: Condition, other: Condition | None) -> bool:
    some = one.operator == "StringEquals" and bool(one.values)
    return other is not None and (one == other or (some and one.values <= other.values))


def _may_block_any(statement: Statement, desired: Iterable[Statement]) -> bool:
    return statement.effect == "Deny" and any(_may_block(statement, one) for one in desired if one.effect == "Allow")


def _may_block(deny: Statement, allow: Statement) -> bool:
    """Whether a Deny may apply to something that is allowed."""
    if not all(may_overlap(name, getattr(deny, name), getattr(allow, name)) for name in ELEMENT_NAMES):
        return False
    required = {one.key: one.values for one in allow.conditions if one.operator == "StringEquals"}
    limited = [one for one in deny.conditions if one.key in required]
    return all(any(may_meet(one, one.key, value) for value in required[one.key]) for one in limited)
