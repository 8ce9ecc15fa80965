# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns, elements and conditions: what includes, overlaps or implies another one does so by evaluation, too."""

from __future__ import annotations

import re
from functools import cache
from itertools import combinations, product
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.policy import patterns
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.policy.conditions import (
    implies,
    may_meet,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.policy.elements import (
    includes_element,
    may_overlap,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.policy.statements import parse
from tests.unit.model.iam import Caller, Request, allowed

WORDS = ["".join(word) for length in range(5) for word in product("ab:", repeat=length)]
PATTERNS = ["".join(word) for length in range(4) for word in product("ab*?", repeat=length)] + ["a*b?", "*a?*", "?*?b"]


@cache
def matched(pattern: str) -> frozenset[str]:
    expression = re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."))
    return frozenset(word for word in WORDS if expression.fullmatch(word))


def test_a_pattern_matches_what_its_expression_matches() -> None:
    for pattern in PATTERNS:
        assert {word for word in WORDS if patterns.matches(pattern, word)} == matched(pattern)


def test_a_pattern_that_includes_another_matches_all_of_it() -> None:
    included = 0
    for one, other in product(PATTERNS, PATTERNS):
        if patterns.includes(one, other):
            included += 1
            assert matched(one) >= matched(other), (one, other)
    assert included > 500


@pytest.mark.parametrize(
    ("general", "special"),
    [("*", ""), ("*", "*?"), ("s3:*", "s3:Get*"), ("*?", "?*"), ("a*c", "a*b*c"), ("a?c", "abc"), ("??*", "*a?b")],
)
def test_a_pattern_includes_narrower_ones(general: str, special: str) -> None:
    if (general, special) != ("??*", "*a?b"):  # too hard to decide: "no" is the safe answer
        assert patterns.includes(general, special)
    assert patterns.includes(special, special)


def test_patterns_overlap_where_some_word_matches_both() -> None:
    for one, other in product(PATTERNS, PATTERNS):
        if matched(one) & matched(other):
            assert patterns.overlap(one, other), (one, other)
    assert not patterns.overlap("a*", "b*")
    assert not patterns.overlap("*a", "*b")
    assert not patterns.overlap("a?", "a")


def test_a_star_does_not_match_the_barrier() -> None:
    assert patterns.overlap("a:b", "a*b")
    assert not patterns.overlap("a:b", "a*b", ":")
    assert patterns.overlap("a*b", "a*b", ":")


# --- conditions ---

KEY = "sts:ExternalId"
OPERATORS = ["StringEquals", "StringLike", "StringNotEquals", "StringNotLike", "StringEqualsIgnoreCase"]
EVERY = ["".join(parts) for parts in product(["", "ForAnyValue:", "ForAllValues:"], OPERATORS, ["", "IfExists"])]
VALUES = ["ab", "AB", "a*", "*", "a?", "$*", f"${{{KEY}}}"]
SETS = [[one] for one in VALUES] + [list(pair) for pair in combinations(VALUES, 2)]
REQUESTS = [
    Request(Caller("AWS", "arn:aws:iam::111122223333:role/x"), "sts:AssumeRole", keys={KEY.lower(): one} if one else {})
    for one in ("", "ab", "AB", "a*", "ac", "b", "c", "abc", "a?")
]


def limited(condition: dict[str, Any]) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": condition}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_a_condition_that_implies_another_is_met_by_fewer_requests() -> None:
    raw = [{operator: {KEY: values}} for operator, values in product(EVERY, SETS)]
    raw += [{"Null": {KEY: value}} for value in ("true", "false", ["true", "false"])]
    lines = [min(parse(limited(one)).statements[0].conditions) for one in raw]
    met = [frozenset(at for at, request in enumerate(REQUESTS) if allowed(limited(one), request)) for one in raw]
    for (line, requests), (other, more) in product(zip(lines, met, strict=True), repeat=2):
        if implies(line, other):
            assert requests <= more, (line, other)
    for line, requests in zip(lines, met, strict=True):
        for at, request in enumerate(REQUESTS[1:], 1):
            assert at not in requests or may_meet(line, KEY.lower(), request.keys[KEY.lower()]), (line, request)


@pytest.mark.parametrize(
    ("stricter", "other"),
    [
        (("StringEquals", "a"), ("StringEqualsIfExists", "a")),
        (("StringEquals", "ab"), ("StringLike", "a*")),
        (("StringLike", "ab*"), ("StringLike", "a*")),
        (("StringLike", "ab"), ("StringEquals", "ab")),
        (("StringEquals", "ab"), ("StringEqualsIgnoreCase", "AB")),
        (("ArnEquals", "arn:aws:s3:::a"), ("ArnLike", "arn:aws:s3:::a")),
        (("StringEquals", "arn:aws:s3:::a"), ("ArnLike", "arn:aws:s3:::a")),
        (("ArnLike", "arn:aws:s3:::a"), ("ArnLike", "arn:aws:s3:*:*:a")),
        (("StringEquals", "arn:aws:s3:::a"), ("ArnEquals", "arn:aws:s3:::*")),
        (("StringEqualsIfExists", "a"), ("StringEqualsIfExists", ["a", "b"])),
        (("StringNotEquals", ["a", "b"]), ("StringNotEquals", "a")),
        (("Null", "true"), ("Null", ["true", "false"])),
    ],
)
def test_a_stricter_condition_implies_another(stricter: tuple[str, Any], other: tuple[str, Any]) -> None:
    one, two = (
        min(parse(limited({operator: {KEY: value}})).statements[0].conditions) for operator, value in (stricter, other)
    )
    assert implies(one, two)
    equal = {one.operator, two.operator} in ({"ArnEquals", "ArnLike"}, {"StringLike", "StringEquals"})
    assert not implies(two, one) or (equal and one.values == two.values)


def test_the_parts_of_an_arn_are_compared_each_by_itself() -> None:
    one, other = (
        min(parse(limited({"ArnLike": {KEY: value}})).statements[0].conditions)
        for value in ("arn:aws:s3:::a", "arn:aws:*:a")
    )
    assert not implies(one, other)


def test_a_condition_says_nothing_about_another_key() -> None:
    one, other = (
        min(parse(limited({"StringEquals": {key: "a"}})).statements[0].conditions) for key in (KEY, "aws:SourceIp")
    )
    assert not implies(one, other)


# --- elements ---

ACCOUNTS = ("111122223333", "444455556666")
PRINCIPALS = [
    "AWS *",
    *(f"AWS {account}" for account in ACCOUNTS),
    f"AWS arn:aws:iam::{ACCOUNTS[0]}:role/x",
    f"AWS arn:aws:iam::{ACCOUNTS[1]}:role/x",
    f"AWS arn:aws:iam::{ACCOUNTS[0]}:role/*",
    "Service x.amazonaws.com",
]
NAMES = {
    "principal": PRINCIPALS,
    "action": ["s3:getobject", "s3:get*", "s3:*", "*", "sqs:*", "s3:?etobject", "s3:putobject"],
    "resource": ["a/b", "a/*", "*", "a/?", "b", "a/${aws:username}"],
}
CALLERS = [Caller("AWS", f"arn:aws:iam::{account}:role/{name}") for account, name in product(ACCOUNTS, "xy")]
CALLS = [
    Request(caller, action, resource, {"aws:username": user})
    for caller, action, resource, user in product(
        [*CALLERS, Caller("Service", "x.amazonaws.com")],
        ("s3:GetObject", "s3:PutObject", "sqs:X"),
        ("a/b", "a/bc", "b"),
        ("b", "bc"),
    )
]


def with_element(name: str, values: tuple[str, ...], negated: bool) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    if name == "principal":
        pairs = [value.split(" ") for value in values]
        raw: Any = {kind: [one for other, one in pairs if other == kind] for kind, _one in pairs}
    else:
        raw = list(values)
    del statement[name.capitalize()]
    if name != "principal" and not any(value for value in values):
        return {"Version": "2012-10-17", "Statement": [statement]}
    statement[f"{'Not' * negated}{name.capitalize()}"] = raw
    return {"Version": "2012-10-17", "Statement": [statement]}


def filled(document: dict[str, Any], request: Request) -> dict[str, Any]:
    """The document with the policy variable of its resources replaced by what it stands for in that request."""
    user = request.keys["aws:username"]
    (statement,) = document["Statement"]
    names = [name for name in ("Resource", "NotResource") if name in statement]
    replaced = {name: [one.replace("${aws:username}", user) for one in statement[name]] for name in names}
    return {**document, "Statement": [{**statement, **replaced}]}


@pytest.mark.parametrize("name", NAMES)
def test_an_element_that_includes_another_applies_to_all_of_its_requests(name: str) -> None:
    sets = [(one,) for one in NAMES[name]] + list(combinations(NAMES[name], 2))
    documents = [with_element(name, values, negated) for values, negated in product(sets, (False, True))]
    elements = [getattr(parse(one).statements[0], name) for one in documents]
    applies = [frozenset(at for at, call in enumerate(CALLS) if allowed(filled(one, call), call)) for one in documents]
    for (element, requests), (other, some) in product(zip(elements, applies, strict=True), repeat=2):
        if includes_element(name, element, other):
            assert requests >= some, (element, other)
        if requests & some:
            assert may_overlap(name, element, other), (element, other)
