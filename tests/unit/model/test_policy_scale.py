# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work and memory for a policy document grow with its length, whatever somebody wrote into it.

All accounts share one event loop, so a slow document of one account would delay all of them. Work is counted as lines
of Python that run, which is the same on every machine.
"""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
import uuid
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.policy import policy, statements
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role import role as roles
from tests.resources import SENTINEL, document

ACCOUNT = "111122223333"
# A role's trust policy has 2,048 characters, up to 8,192 with a raised quota.
SHORT, LONG = 2048, 8192
MIB = 2**20

Document = dict[str, Any]


def allow(**elements: Any) -> Document:
    return {"Effect": "Allow", "Principal": {"AWS": SENTINEL}, "Action": "sts:AssumeRole", **elements}


def deny(**elements: Any) -> Document:
    return {"Effect": "Deny", "Principal": "*", "Action": "sts:*", **elements}


def on_id(values: Any, operator: str = "StringEquals") -> Document:
    return {"Condition": {operator: {"sts:ExternalId": values}}}


def ids(count: int) -> list[str]:
    return [str(uuid.UUID(int=10**37 + number)) for number in range(count)]


def some(count: int, pattern: str = "{}") -> list[str]:
    return [pattern.format(f"{number:x}") for number in range(count)]


def combined(count: int, **elements: Any) -> Document:
    """Few ids beside many conditions: each combination of one id would hold all conditions."""
    others = {key: [] for key in some(count)}
    return allow(**elements, Condition={"StringEquals": {"sts:ExternalId": some(min(256, count))}, "x": others})


FAMILIES: dict[str, Callable[[int], Document]] = {
    "ids": lambda n: document(allow(**on_id(ids(n)))),
    "a statement for each id": lambda n: document(*(allow(**on_id(one)) for one in ids(n))),
    "patterns of ids": lambda n: document(allow(**on_id(some(n, "*{}?"), "StringLike"))),
    "one long pattern": lambda n: document(allow(**on_id("*?" * n + "x", "StringLike"))),
    "ids and denied patterns": lambda n: document(
        allow(**on_id(ids(n // 6 + 1))), deny(**on_id(some(n, "*{}?"), "StringLike"))
    ),
    "ids and denied ids": lambda n: document(allow(**on_id(ids(n))), deny(**on_id(some(n), "StringEqualsIgnoreCase"))),
    "ids and denied actions": lambda n: document(allow(**on_id(ids(n))), *(deny(Action=one) for one in some(n, "*{}"))),
    "patterns of callers": lambda n: document(allow(Condition={"StringLike": {"aws:PrincipalArn": some(n, "*{}?")}})),
    "one pattern of callers": lambda n: document(allow(Condition={"StringLike": {"aws:PrincipalArn": "*?" * n}})),
    "begun variables": lambda n: document(allow(**on_id("${" * n))),
    "begun variables with defaults": lambda n: document(allow(**on_id("${'a'" * n))),
    "actions": lambda n: document(allow(Action=some(n, "s*{}"))),
    "one action": lambda n: document(allow(Action="*?" * n)),
    "principals": lambda n: document(allow(Principal={"AWS": some(n, "a*{}")})),
    "roles of the account": lambda n: document(
        allow(Principal={"AWS": [SENTINEL, *(some(n, f"arn:aws:iam::{SENTINEL}:role/{{}}"))]}, **on_id(some(n)))
    ),
    "accounts": lambda n: document(allow(Principal={"AWS": [str(10**11 + number) for number in range(n)]})),
    "ids, principals and actions": lambda n: document(
        allow(Principal={"AWS": some(n, "1000000000{}")}, Action=some(n, "s{}"), **on_id(some(n)))
    ),
    "conditions": lambda n: document(allow(Condition={"StringEquals": dict.fromkeys(some(n), "v")})),
    "ids and conditions": lambda n: document(combined(n)),
    "denied ids and conditions": lambda n: document(combined(n, Effect="Deny")),
    "roles and conditions": lambda n: document(
        combined(n, Principal={"AWS": some(n, f"arn:aws:iam::{SENTINEL}:role/{{}}")})
    ),
    "operators on the id": lambda n: document(
        allow(Action=some(n), Condition={one: {"sts:ExternalId": "x"} for one in some(n, "o{}")})
    ),
    "small statements": lambda n: document(*({"Effect": "Deny", "Action": one} for one in some(n))),
    "no statements": lambda n: document(*some(n)),
    "one thing that is no statement": lambda n: document({"Effect": "x" * n}),
    "nothing in lists": lambda n: document(*([] for _number in range(n))),
}


def of_length(family: str, length: int) -> Document:
    """The longest document of a family that has at most so many characters."""
    few, many = 1, length
    while many - few > 1:
        middle = (few + many) // 2
        fits = len(json.dumps(FAMILIES[family](middle), separators=(",", ":"))) <= length
        few, many = (middle, many) if fits else (few, middle)
    return FAMILIES[family](few)


def use(trust: Document) -> None:
    """Everything that is done with a trust policy."""
    first, second = ids(2)
    desired = roles.trust(SENTINEL, [first, second])
    policy.compare(trust, desired)
    policy.same(trust, desired)
    policy.add_statements(trust, desired)
    policy.remove_statements(trust, desired)
    policy.admitted_ids(trust, SENTINEL, bool)
    policy.admits(trust, SENTINEL, [first, second])
    policy.allows_account(trust, SENTINEL)
    tags = {roles.TAG: "managed", roles.TAG_WORKSPACE: second}
    have = roles.Role("x", f"arn:aws:iam::{ACCOUNT}:role/x", trust=trust, tags=tags)
    roles.show(have)
    for exclusive in (True, False):
        spec = roles.RoleSpec(ACCOUNT, first, exclusive=exclusive, adopt=True)
        roles.findings(spec, have)
        for change in (roles.overlay, roles.without):
            with suppress(SentinelError):
                change(spec, have)


def work(trust: Document) -> int:
    """How many lines run for a document that was not parsed before."""
    statements._parse_written.cache_clear()
    count = 0

    def trace(_frame: FrameType, _event: str, _argument: object) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        use(trust)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("family", FAMILIES)
def test_work_grows_with_the_length_of_a_trust(family: str) -> None:
    short, long = work(of_length(family, SHORT)), work(of_length(family, LONG))
    assert long < 6 * short + 20_000


@pytest.mark.parametrize("family", FAMILIES)
def test_a_long_trust_takes_little_memory_and_keeps_none(family: str) -> None:
    trust = of_length(family, LONG)
    use(trust)
    gc.collect()
    tracemalloc.start()
    try:
        use(trust)
        gc.collect()
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < MIB / 4
    assert peak < 4 * MIB


def test_many_different_trusts_keep_little_memory() -> None:
    trusts = [of_length(family, SHORT) for family in FAMILIES]
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(300):
            policy.is_parseable({**trusts[number % len(trusts)], "Id": str(number)})
        gc.collect()
        kept, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 16 * MIB
