# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan is data that can be shown; a difference has only what changes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call, difference

# Before and after, and both sides of the difference.
DIFFERENCES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}, {}, {}),
    "nothing changed": ({"a": 1, "b": [1]}, {"a": 1, "b": [1]}, {}, {}),
    "something new": ({}, {"a": 1, "b": 2}, {}, {"a": 1, "b": 2}),
    "something removed": ({"a": 1, "b": 2}, {}, {"a": 1, "b": 2}, {}),
    "one of two changed": ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 2}, {"b": 3}),
    "one removed and one new": ({"a": 1}, {"b": 1}, {"a": 1}, {"b": 1}),
    "a value that is empty": ({"a": 1}, {"a": None}, {"a": 1}, {"a": None}),
    "a value deep inside": ({"a": {"b": [1]}}, {"a": {"b": [2]}}, {"a": {"b": [1]}}, {"a": {"b": [2]}}),
    "another order": ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {}, {}),
}


@pytest.mark.parametrize(("before", "after", "left", "right"), DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_a_difference_has_only_the_keys_that_change(
    before: dict[str, Any], after: dict[str, Any], left: dict[str, Any], right: dict[str, Any]
) -> None:
    assert difference("role x", before, after) == {
        "before_header": "role x",
        "after_header": "role x",
        "before": left,
        "after": right,
    }


things = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2) | st.lists(st.integers(0, 1)))


def unordered(thing: dict[str, Any]) -> dict[str, Any]:
    """Without the order of lists: what both sides have comes last."""
    return {key: sorted(value) if isinstance(value, list) else value for key, value in thing.items()}


@given(things, things)
def test_a_difference_applied_to_one_side_gives_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = difference("x", before, after)
    kept = {key: value for key, value in before.items() if key not in found["before"]}
    assert unordered(kept | found["after"]) == unordered(after)
    assert (found["before"], found["after"]) == ({}, {}) or before != after


@given(things, things)
def test_the_reverse_difference_is_symmetric(before: dict[str, Any], after: dict[str, Any]) -> None:
    there, back = difference("x", before, after), difference("x", after, before)
    assert (there["before"], there["after"]) == (back["after"], back["before"])


def test_a_call_is_shown_by_name_and_arguments() -> None:
    call = Call("AttachRolePolicy", {"RoleName": "Eyes", "PolicyArn": "arn"})
    assert call.show() == {"name": "AttachRolePolicy", "args": {"RoleName": "Eyes", "PolicyArn": "arn"}}


def test_calls_are_equal_by_name_and_arguments() -> None:
    assert Call("A", {"x": 1}) == Call("A", {"x": 1})
    assert Call("A", {"x": 1}) != Call("A", {"x": 2})
    assert Call("A", {"x": 1}) != Call("B", {"x": 1})
