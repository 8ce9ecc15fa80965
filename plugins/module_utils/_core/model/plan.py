# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans: API calls as data, and the difference that they make. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .text import one_line


class Call(NamedTuple):
    """One API call, as data: the operation's name and arguments as AWS or Azure document them."""

    name: str
    args: dict[str, Any]

    def show(self) -> dict[str, Any]:
        """Return the call as it appears under `calls` in a result."""
        return {"name": self.name, "args": self.args}


def difference(header: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return one entry of Ansible's `diff`, with only the keys that change.

    In lists, what both sides have comes last: Ansible compares lines of JSON, where the item before the last one has a
    comma, and would show it as changed if only the last one was removed.
    """
    header = one_line(header)
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    sides = {key: _aligned(before.get(key), after.get(key)) for key in keys}
    return {
        "before_header": header,
        "after_header": header,
        "before": {key: sides[key][0] for key in keys if key in before},
        "after": {key: sides[key][1] for key in keys if key in after},
    }


def _aligned(before: Any, after: Any) -> tuple[Any, Any]:
    """Return both sides with the items of lists that both have at the end."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        pairs = {key: _aligned(before[key], after[key]) for key in before if key in after}
        firsts, seconds = ({key: pair[number] for key, pair in pairs.items()} for number in (0, 1))
        return {**before, **firsts}, {**after, **seconds}
    if isinstance(before, list) and isinstance(after, list):
        return _aligned_lists(before, after)
    return before, after


def _aligned_lists(before: list[Any], after: list[Any]) -> tuple[list[Any], list[Any]]:
    shared = _items(before, after, shared=True)
    if shared != _items(after, before, shared=True):  # the order differs, or how often an item occurs
        return before, after
    first, second = _items(before, after, shared=False), _items(after, before, shared=False)
    for number, pair in enumerate(zip(first, second, strict=False)):
        first[number], second[number] = _aligned(*pair)
    return [*first, *shared], [*second, *shared]


def _items(side: list[Any], other: list[Any], *, shared: bool) -> list[Any]:
    """Return the items of one side that the other has as well, or does not have."""
    return [one for one in side if (one in other) is shared]


def contains_new(now: Any, *versions: Any) -> bool:
    """Return whether some part of `now` is in none of the other `versions` of the same JSON document."""
    if isinstance(now, Mapping):
        return any(contains_new(value, *_values_of(key, versions)) for key, value in now.items())
    if isinstance(now, list):
        known = [item for one in versions if isinstance(one, list) for item in one]
        return any(item not in known for item in now)
    return now not in versions


def _values_of(key: str, versions: Iterable[Any]) -> list[Any]:
    return [one[key] for one in versions if isinstance(one, Mapping) and key in one]
