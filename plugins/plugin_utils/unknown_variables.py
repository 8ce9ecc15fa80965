# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables whose names look like options of this collection and are none, such as a misspelt one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ansible.errors import AnsibleError

from ..module_utils._core.model import validation
from ..module_utils._core.model.errors import Mistake
from ..module_utils._core.model.run_options import (
    KNOWN_VARIABLES,
    closest_variable,
    is_unknown,
    option_names,
    option_type,
)
from .variables import Known, Variables

_NAME = re.compile(r"\bsentinel_\w+", re.IGNORECASE)


# So many names are warned of.
MAX_NAMES = 10


class Unknown(NamedTuple):
    """What to say of unknown names: those whose option is not given are mistakes, of others it is only to be warned."""

    mistakes: list[Mistake]
    warnings: list[str]


def find(
    variables: Variables,
    hosts: Collection[str],
    inventory: Collection[str],
    given: Mapping[str, Any],
    only: Collection[str] | None = None,
) -> Unknown:
    """Look at the names in inventory, play, roles and extra variables; `given` are options that the task itself gives.

    Left alone are names that a value anywhere in the `inventory`, or the play, refers to, those that the run registered
    or set, and those that `sentinel_known_variables` lists. With `only`, others than these variables cannot be meant.
    """
    places = _places(variables, hosts)
    if not places:
        return Unknown([], [])
    in_use = _in_use(variables, inventory, places.keys())
    wanted = {name: closest_variable(name) for name in sorted(places) if name not in in_use}
    if only is not None:
        wanted = {name: variable for name, variable in wanted.items() if variable in only}
    missing: dict[str, list[str]] = {}
    owned = set[str]()
    by_host: dict[str, list[str]] = {}
    for name in wanted:
        for host in places[name]:
            by_host.setdefault(host, []).append(name)
    for host, names in by_host.items():
        known = variables.raw(host)
        owned |= _listed(variables, host, known)
        for name in names:
            if name not in owned and wanted[name] and not _has(variables, host, known, wanted[name], given):
                missing.setdefault(name, []).append(host)
    warned = [name for name in wanted if name not in missing and name not in owned] if only is None else []
    warnings = [_warning(name, wanted[name]) for name in warned[:MAX_NAMES]]
    if more := warned[MAX_NAMES:]:
        warnings.append(f"And {len(more)} more variables that no option is called by.")
    return Unknown([_mistake(name, wanted[name], host) for name, found in missing.items() for host in found], warnings)


def _mistake(name: str, wanted: str, host: str) -> Mistake:
    rule = f"no option is called so; {wanted} is meant, and it is not given"
    return Mistake(f"Cannot use {name}", f"host {host}", rule)


def _warning(name: str, wanted: str) -> str:
    hint = f"{wanted} is meant." if wanted else "List it in sentinel_known_variables if it is yours."
    return f"The variable {name} is read by nothing of this collection: no option is called so. {hint}"


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
    used, fresh = set(_references(variables.play, bare=True)), {name for name in referred if name not in unknown}
    fresh |= used
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


def _references(value: Any, *, bare: bool = False) -> Iterator[str]:
    """Yield the names in templates; with `bare` also those without braces, as conditions have them."""
    if isinstance(value, str):
        if bare or "{" in value:
            yield from _NAME.findall(value)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            # The names that a play sets are not used by that.
            yield from () if bare and key == "vars" else _references(one, bare=bare)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one, bare=bare)


def _listed(variables: Variables, host: str, known: Known) -> set[str]:
    """Return the names that are the user's own."""
    try:
        given = variables.filled(host, known, [KNOWN_VARIABLES]).get(KNOWN_VARIABLES)
    except AnsibleError:
        return set()
    listed = validation.convert("list", given)
    return {str(one).strip() for one in listed} if isinstance(listed, tuple) else set()


def _has(variables: Variables, host: str, known: Known, name: str, given: Mapping[str, Any]) -> bool:
    """Whether the option of a variable is given for a host, by the variable, the playbook or the task."""
    kind, empty_counts = option_type(name)
    if option_names(name) & given.keys():
        return True
    try:
        found = variables.filled(host, known, (name, f"__{name}"))
    except AnsibleError:
        return True
    return any(validation.is_given(value, kind, empty_counts=empty_counts) for value in found.values())
