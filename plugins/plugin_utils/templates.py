# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates of many hosts, rendered once where hosts have the same values of all variables that a template names.

This includes lookups: one that is set for all hosts, such as a secret from a vault, is evaluated once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from ansible.errors import AnsibleError
from ansible.template import Templar

from .internals import lookup_variables

_WORD = re.compile(r"[^\W\d]\w*")
# A lookup; without name, where the plugin is not written literally.
_LOOKUP = re.compile(r"""\b(?:lookup|query|q)\b(?:\s*\(\s*(["'])(?P<name>[\w.]+)\1)?""")
# These give another value each time, or read variables by names that are not in the template.
_DYNAMIC = {"vars", "now", "random", "shuffle", "varnames", "hostvars"}
_DYNAMIC_LOOKUPS = {"vars", "varnames", "template", "config", "merge_variables"}
_UNDEFINED = object()
MAX_RESULTS = 8


class RenderedTemplate(NamedTuple):
    """A rendered value, or the error of its template, with all variables that it depends on."""

    raw: Any
    dependencies: Mapping[str, Any]
    result: Mapping[str, Any] | AnsibleError

    def value(self) -> Mapping[str, Any]:
        """Return the value; raises AnsibleError, also for later hosts: a vault that does not answer is asked once."""
        if isinstance(self.result, AnsibleError):
            raise self.result.with_traceback(None)
        return self.result

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
            rendered |= self._render(self._results.setdefault(name, []), name, raw, host_vars)
        return rendered

    def _render(
        self, results: list[RenderedTemplate], name: str, raw: Any, host_vars: dict[str, Any]
    ) -> Mapping[str, Any]:
        """Return one variable rendered, if possible from its recent `results`, of which the last used is the first."""
        found = next((number for number, one in enumerate(results) if one.is_valid_for(raw, host_vars)), None)
        if found is not None:
            results.insert(0, results.pop(found))
            return results[0].value()
        self._templar.available_variables = host_vars
        result: Mapping[str, Any] | AnsibleError
        try:
            result = self._templar.template({name: raw})
        except AnsibleError as error:
            result = error
        dependencies = _dependencies(raw, host_vars)
        if dependencies is not None:
            results[:] = [RenderedTemplate(raw, dependencies, result), *results[: MAX_RESULTS - 1]]
        return RenderedTemplate(raw, {}, result).value()


def _is_identical(one: Any, other: Any) -> bool:
    return one is other or (one.__class__ is other.__class__ and bool(one == other))


def _dependencies(raw: Any, host_vars: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return all variables that a value may refer to, directly or not; None where that cannot be determined."""
    found: dict[str, Any] = {}
    pending: list[Any] = [raw]
    while pending:
        texts = list(_templates(pending))
        of_lookups = [_lookup_variables(match["name"]) for text in texts for match in _LOOKUP.finditer(text)]
        words = {word for text in texts for word in _WORD.findall(text)}
        if words & _DYNAMIC or None in of_lookups:
            return None
        names = words.union(*filter(None, of_lookups)) - found.keys()
        values = {name: host_vars.get(name, _UNDEFINED) for name in names}
        found |= values
        pending = list(values.values())
    return found


@cache
def _lookup_variables(plugin: str | None) -> frozenset[str] | None:
    """Return the variables that options of a lookup plugin read by themselves; None where that is unknown."""
    if plugin is None or plugin.rpartition(".")[2] in _DYNAMIC_LOOKUPS:
        return None
    return lookup_variables(plugin)


def _templates(value: Any) -> Iterator[str]:
    """Yield the strings in a value that may be templates."""
    if isinstance(value, str):
        if "{" in value:
            yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _templates(key)
            yield from _templates(one)
    elif isinstance(value, list):
        for one in value:
            yield from _templates(one)
