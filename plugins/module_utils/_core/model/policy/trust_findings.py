# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a trust policy, measured by a desired one. Pure.

The desired trust is that of the CloudTrail connector (an account with external ids) or of the S3 connector (a web
identity with audience and session name).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import product

from ..findings import CODES, Finding, finding, ordered
from .compare import Difference, differences
from .conditions import RequestKeys, accepts_only_listed, is_met
from .elements import ELEMENT_NAMES, account_of, is_absent, may_overlap
from .patterns import is_wild
from .statements import (
    EXTERNAL_ID,
    MAX_COMBINATIONS,
    VERSION,
    Condition,
    Element,
    Statement,
    parse,
    same,
    single,
    size,
    split_line,
)

MAX_LISTED = 10
MAX_MESSAGE = 1000

# The values of an element or condition: of each, its text and for each allowed statement whether both can apply.
Part = list[tuple[str, list[bool]]]


def trust_findings(document: object, desired: object) -> list[Finding]:
    """Everything in which a trust policy differs from the desired one, security first.

    Empty if and only if both mean the same. Never raises.
    """
    if same(document, desired):
        return []
    have, want = parse(document), parse(desired).statements
    found = _named_each("trust_unreadable", have.unparseable)
    if have.version not in {VERSION, ""}:
        found.append(_named("trust_version", have.version))
    for part in differences((one for one in have.statements if one.effect == "Allow"), want):
        found += _unexpected(part, want)
    found += _denies(have.statements, want)
    for one in (one for one in want if one.effect == "Allow"):
        found += _missing(have.statements, one)
    return ordered(found or [_named("trust_differs", "it has not all that is desired")])


# --- unexpected permissions ---


def _unexpected(part: Difference, desired: Iterable[Statement]) -> list[Finding]:
    by_code: dict[str | None, set[str]] = {}
    for element in single(part.statement.principal):
        by_code.setdefault(_principal_code(element, desired), set()).update(element.values)
    found = [_named(code, _listing(values)) for code, values in by_code.items() if code]
    if not by_code.keys().isdisjoint({None, "trust_principal_narrowed"}):
        found += _actions(part) + _conditions(part)
    return found or [_named("trust_differs", _shown(part.statement))]


def _principal_code(principal: Element, desired: Iterable[Statement]) -> str | None:
    """The code of a principal, or nothing for one that is desired."""
    if principal.negated:
        return "trust_not_principal"
    named = next(iter(principal.values), "")
    expected = {value for one in desired for value in one.principal.values}
    kind, _space, value = named.partition(" ")
    if named in expected:
        return None
    if is_wild(value):
        return "trust_anyone"
    if kind != "AWS":
        return "trust_principal_type" if kind else "trust_differs"
    if re.fullmatch(r"A(RO|ID)A[A-Z0-9]+", value):
        return "trust_principal_deleted"
    return "trust_principal_narrowed" if f"AWS {account_of(named)}" in expected else "trust_account_foreign"


def _actions(part: Difference) -> list[Finding]:
    if "Action" not in part.widened:
        return []
    if part.statement.action.negated:
        return [_named("trust_not_action", _listing(part.statement.action.values))]
    return _named_each("trust_action_extra", part.statement.action.values)


def _conditions(part: Difference) -> list[Finding]:
    """What is wrong with the conditions, measured by the first of the desired statements that are nearest."""
    expected = {one.key: one.values for statement in part.nearest[:1] for one in statement.conditions}
    others = (_line(one) for one in part.statement.conditions if one.key not in expected)
    found = _named_each("trust_condition_extra", others)
    for key, values in expected.items():
        found += _condition(part.statement, key, values)
    return found


def _condition(statement: Statement, key: str, expected: frozenset[str]) -> list[Finding]:
    lines = [one for one in statement.conditions if one.key == key]
    about = "trust_external_id" if key == EXTERNAL_ID else "trust_condition"
    if not lines:
        return [_named(f"{about}_missing", _about(key, _listing(statement.principal.values), " for "))]
    if not any(map(accepts_only_listed, lines)):
        return [_named(f"{about}_weak", _line(one)) for one in lines]
    return _exact_condition(key, about, lines, expected)


def _exact_condition(key: str, about: str, lines: list[Condition], expected: frozenset[str]) -> list[Finding]:
    """Return findings for the values that are not expected, and for each line beside the exact ones."""
    exact = [one for one in lines if accepts_only_listed(one)]
    unknown = frozenset.intersection(*(one.values for one in exact)) - expected
    found = _named_each(f"{about}_foreign", [_about(key, value, " ") for value in unknown])
    return found + [_named("trust_condition_extra", _line(one)) for one in lines if one not in exact]


def _about(key: str, value: str, between: str) -> str:
    return value if key == EXTERNAL_ID else f"{key}{between}{value}"


# --- what is denied ---


def _denies(statements: Iterable[Statement], desired: tuple[Statement, ...]) -> Iterator[Finding]:
    """Yield a finding for each combination of an unexpected Deny, or one for the whole of too many."""
    denies = [part.statement for part in differences((s for s in statements if s.effect == "Deny"), desired)]
    allowed = [one for one in desired if one.effect == "Allow"]
    left = MAX_COMBINATIONS
    for deny in sorted(denies, key=size):
        left -= size(deny)
        yield from _deny(deny, allowed, whole=left < 0)


def _deny(deny: Statement, allowed: list[Statement], *, whole: bool) -> Iterator[Finding]:
    parts = [
        *(_element_part(name, getattr(deny, name), allowed, whole=whole) for name in ELEMENT_NAMES),
        _conditions_part(deny, allowed, whole=whole),
    ]
    for combination in product(*parts):
        blocks = any(all(hits) for hits in zip(*(hits for _text, hits in combination), strict=True))
        text = "; ".join([deny.effect, *(text for text, _hits in combination if text)])
        yield _named("trust_deny" if blocks else "trust_statement_extra", text)


def _element_part(name: str, element: Element, allowed: list[Statement], *, whole: bool) -> Part:
    elements = [element] if whole else single(element)
    return [(_element(name, e), [may_overlap(name, e, getattr(one, name)) for one in allowed]) for e in elements]


def _conditions_part(deny: Statement, allowed: list[Statement], *, whole: bool) -> Part:
    line = None if whole else split_line(deny)
    others = deny.conditions - {line}
    text = _lines(others)[:MAX_MESSAGE]
    requests = [[request for request in _requests(one) if _may_pass(others, request)] for one in allowed]
    if not line:
        return [(text, [bool(some) for some in requests])]
    lines = [line._replace(values=frozenset({value})) for value in sorted(line.values)]
    return [("; ".join(filter(None, [_line(one), text])), _may_pass_each(one, requests)) for one in lines]


def _may_pass_each(line: Condition, requests: list[list[RequestKeys]]) -> list[bool]:
    return [any(_may_pass([line], request) for request in some) for some in requests]


# --- what is missing ---


def _missing(statements: Iterable[Statement], desired: Statement) -> Iterator[Finding]:
    allows = [one for one in statements if one.effect == "Allow" and may_overlap("action", one.action, desired.action)]
    for principal in single(desired.principal):
        ways = [one.conditions for one in allows if _concerns(one.principal, principal)]
        if ways:
            yield from _lost(ways, desired)
        else:
            yield _named("trust_sentinel_missing", ", ".join(one.partition(" ")[2] for one in principal.values))


def _lost(ways: list[frozenset[Condition]], desired: Statement) -> Iterator[Finding]:
    for request in _requests(desired):
        if not any(_may_pass(way, request) for way in ways):
            yield _named("trust_workspace_missing", _listing(value or "" for value in request.get(_key(desired), ())))


def _concerns(principal: Element, desired: Element) -> bool:
    return not is_absent(principal) and may_overlap("principal", principal, desired)


def _key(desired: Statement) -> str:
    line = split_line(desired)
    return line.key if line else ""


def _requests(desired: Statement) -> list[RequestKeys]:
    """The keys of requests that the statement allows: one for each external id or session name."""
    keys = {one.key: tuple(one.values) for one in desired.conditions if one.operator == "StringEquals"}
    key = _key(desired)
    return [{**keys, key: (value,)} for value in sorted(keys[key])] if key else [keys]


def _may_pass(conditions: Iterable[Condition], request: RequestKeys) -> bool:
    return all(is_met(one, request, unknown=True) for one in conditions)


# --- texts ---


def _named(code: str, thing: str) -> Finding:
    shown = thing if len(thing) <= MAX_MESSAGE else f"{thing[:MAX_MESSAGE]}…"
    return finding(code, f"{CODES[code].summary.removesuffix('.')}: {shown}.")


def _named_each(code: str, things: Iterable[str]) -> list[Finding]:
    """A finding for each thing, or one for all of too many."""
    things = list(things)
    return [_named(code, one) for one in things] if len(things) <= MAX_LISTED else [_named(code, _listing(things))]


def _listing(values: Iterable[str]) -> str:
    ordered_values = sorted(values)
    more = len(ordered_values) - MAX_LISTED
    return ", ".join([*ordered_values[:MAX_LISTED], *([f"and {more} more"] if more > 0 else [])])


def _shown(statement: Statement) -> str:
    elements = (_element(name, getattr(statement, name)) for name in ELEMENT_NAMES)
    return "; ".join(filter(None, [statement.effect, *elements, _lines(statement.conditions)]))


def _element(name: str, element: Element) -> str:
    return "" if is_absent(element) else f"{'Not' * element.negated}{name.capitalize()} {_listing(element.values)}"


def _lines(conditions: Iterable[Condition]) -> str:
    return "; ".join(sorted(map(_line, conditions)))


def _line(condition: Condition) -> str:
    return f"{condition.operator} {condition.key} [{_listing(condition.values)}]"
