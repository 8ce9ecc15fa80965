# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables whose names look like options of this collection and are none, such as a misspelt one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import value as values
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import Mistake
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.run_option import (
    KNOWN_VARIABLES,
    is_unknown,
    meant,
)
from ansible_collections.trailbridge.sentinel.plugins.plugin_utils.variables import Known, Variables

_NAME = re.compile(r"\bsentinel_\w+", re.IGNORECASE)


class Unknown(NamedTuple):
    """What to say of unknown names: those whose option is not given are mistakes, of others it is only to be warned."""

    mistakes: list[Mistake]
    warnings: list[str]


def find(variables: Variables, hosts: Collection[str], given: Collection[str]) -> Unknown:
    """Look at the names in inventory, play, roles and extra variables; `given` are variables that the task replaces.

    Left alone are names that a value in use refers to, those that the run registered or set, and those that
    `sentinel_known_variables` lists.
    """
    found = Unknown([], [])
    places = _places(variables, hosts)
    if not places:
        return found
    in_use = _in_use(variables, hosts, places.keys())
    for name, where in sorted(places.items()):
        raw = [(host, variables.raw(host)) for host in where]
        if name in in_use or any(name in _listed(known) for _host, known in raw):
            continue
        wanted = meant(name)
        missing = [host for host, known in raw if wanted and wanted not in given and not _has(known, wanted)]
        if missing:
            rule = f"no option is called so; {wanted} is meant, and it is not given"
            found.mistakes.extend(Mistake(f"Cannot use {name}", f"host {host}", rule) for host in missing)
        else:
            hint = f" {wanted} is meant." if wanted else " List it in sentinel_known_variables if it is yours."
            found.warnings.append(f"The variable {name} has no effect: no option is called so.{hint}")
    return found


def _places(variables: Variables, hosts: Collection[str]) -> dict[str, list[str]]:
    """Return the hosts that have each unknown name."""
    for_all = [name for name in variables.for_all if is_unknown(name)]
    places: dict[str, list[str]] = {name: list(hosts) for name in for_all}
    of_groups: dict[int, list[str]] = {}
    for host in hosts:
        groups, own = variables.known_of.sources(host)
        if id(groups) not in of_groups:
            of_groups[id(groups)] = [name for name in groups if is_unknown(name) and name not in for_all]
        for name in {*of_groups[id(groups)], *(one for one in own if is_unknown(one) and one not in for_all)}:
            places.setdefault(name, []).append(host)
    return places


def _in_use(variables: Variables, hosts: Iterable[str], unknown: Collection[str]) -> set[str]:
    """Return the names that are referred to by what is in use itself."""
    referred: dict[str, set[str]] = {}
    for source in _sources(variables, hosts):
        for name, value in source.items():
            referred.setdefault(name, set()).update(_references(value))
    used, fresh = set[str](), {name for name in referred if name not in unknown}
    while fresh:
        fresh = set[str]().union(*(referred.get(name, ()) for name in fresh)) - used
        used |= fresh
    return used


def _sources(variables: Variables, hosts: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the variables that are set for all, for each set of groups, and for each host."""
    yield variables.for_all
    seen = set[int]()
    for host in hosts:
        groups, own = variables.known_of.sources(host)
        if id(groups) not in seen:
            seen.add(id(groups))
            yield groups
        yield own


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if "{" in value:
            yield from _NAME.findall(value)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def _listed(known: Known) -> Collection[str]:
    listed = values.convert("list", known.get(KNOWN_VARIABLES))
    return listed if isinstance(listed, tuple) else ()


def _has(known: Known, name: str) -> bool:
    return any(not values.is_blank(known.get(one), "str") for one in (name, f"__{name}"))
