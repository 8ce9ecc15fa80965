# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates of many hosts, filled once where hosts have the same values of all that a template refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ansible.template import Templar

_WORD = re.compile(r"[^\W\d]\w*")
# What gives another value each time, or reads variables by names that are not in the template.
_OPEN = {"lookup", "query", "q", "vars", "now", "random", "shuffle", "varnames", "hostvars"}
_NOTHING = object()
MAX_KEPT = 8


class Filled(NamedTuple):
    """A value as it was filled, with everything that it was made of."""

    raw: Any
    referred: Mapping[str, Any]
    found: Mapping[str, Any]

    def serves(self, raw: Any, known: Mapping[str, Any]) -> bool:
        """Whether it is what this value would be filled to."""
        return _same(raw, self.raw) and all(
            _same(known.get(name, _NOTHING), value) for name, value in self.referred.items()
        )


class Templates:
    """Fills by Ansible's own templating; raises AnsibleError."""

    def __init__(self, templar: Templar) -> None:
        self._templar = templar
        self._kept: dict[str, list[Filled]] = {}

    def fill(self, given: Mapping[str, Any], known: dict[str, Any]) -> dict[str, Any]:
        """Return these variables filled; what is omitted is left out."""
        found: dict[str, Any] = {}
        for name, raw in given.items():
            kept = self._kept.setdefault(name, [])
            filled = next((one for one in kept if one.serves(raw, known)), None)
            if filled is None:
                self._templar.available_variables = known
                referred = _referred(raw, known)
                filled = Filled(raw, referred or {}, self._templar.template({name: raw}))
                if referred is not None:
                    kept[:] = [filled, *kept[: MAX_KEPT - 1]]
            found |= filled.found
        return found


def _same(one: Any, other: Any) -> bool:
    return one is other or (one.__class__ is other.__class__ and bool(one == other))


def _referred(raw: Any, known: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return all variables that a value may refer to, also by others; None where nobody can tell."""
    found: dict[str, Any] = {}
    fresh = set(_words(raw))
    while fresh:
        if fresh & _OPEN:
            return None
        values = {name: known.get(name, _NOTHING) for name in fresh}
        found |= values
        fresh = {word for value in values.values() for word in _words(value)} - found.keys()
    return found


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if "{" in value:
            yield from _WORD.findall(value)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _words(key)
            yield from _words(one)
    elif isinstance(value, list):
        for one in value:
            yield from _words(one)
