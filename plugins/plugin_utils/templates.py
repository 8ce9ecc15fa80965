# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates of many hosts, rendered once where hosts have the same values of all variables that a template names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ansible.template import Templar

_WORD = re.compile(r"[^\W\d]\w*")
# These give another value each time, or read variables by names that are not in the template.
_DYNAMIC = {"lookup", "query", "q", "vars", "now", "random", "shuffle", "varnames", "hostvars"}
_UNDEFINED = object()
MAX_RESULTS = 8


class RenderedTemplate(NamedTuple):
    """A rendered value, with all variables that it depends on."""

    raw: Any
    dependencies: Mapping[str, Any]
    result: Mapping[str, Any]

    def is_valid_for(self, raw: Any, host_vars: Mapping[str, Any]) -> bool:
        """Whether this value would be rendered to the same result."""
        return _is_identical(raw, self.raw) and all(
            _is_identical(host_vars.get(name, _UNDEFINED), value) for name, value in self.dependencies.items()
        )


class TemplateCache:
    """Renders by Ansible's own templating; raises AnsibleError."""

    def __init__(self, templar: Templar) -> None:
        self._templar = templar
        self._results: dict[str, list[RenderedTemplate]] = {}

    def render(self, templates: Mapping[str, Any], host_vars: dict[str, Any]) -> dict[str, Any]:
        """Return these variables rendered, without omitted ones."""
        rendered: dict[str, Any] = {}
        for name, raw in templates.items():
            results = self._results.setdefault(name, [])
            cached = next((result for result in results if result.is_valid_for(raw, host_vars)), None)
            if cached is None:
                self._templar.available_variables = host_vars
                dependencies = _dependencies(raw, host_vars)
                cached = RenderedTemplate(raw, dependencies or {}, self._templar.template({name: raw}))
                if dependencies is not None:
                    results[:] = [cached, *results[: MAX_RESULTS - 1]]
            rendered |= cached.result
        return rendered


def _is_identical(one: Any, other: Any) -> bool:
    return one is other or (one.__class__ is other.__class__ and bool(one == other))


def _dependencies(raw: Any, host_vars: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return all variables that a value may refer to, directly or not; None where that cannot be determined."""
    found: dict[str, Any] = {}
    pending = set(_words(raw))
    while pending:
        if pending & _DYNAMIC:
            return None
        values = {name: host_vars.get(name, _UNDEFINED) for name in pending}
        found |= values
        pending = {word for value in values.values() for word in _words(value)} - found.keys()
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
