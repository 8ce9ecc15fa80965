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
    """Return one entry of Ansible's `diff`, with only the keys that change."""
    header = one_line(header)
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {
        "before_header": header,
        "after_header": header,
        "before": {key: before[key] for key in keys if key in before},
        "after": {key: after[key] for key in keys if key in after},
    }


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
