# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables with the prefix of this collection that set no option, such as misspelt ones."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
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
from .host_variables import HostVars
from .variables import TaskVariables

_SENTINEL_NAME = re.compile(r"\bsentinel_\w+", re.IGNORECASE)
MAX_WARNINGS = 10


class UnknownVariables(NamedTuple):
    """Unknown names: mistakes where a similar option is not given, warnings for all others."""

    mistakes: list[Mistake]
    warnings: list[str]


def find_unknown(
    variables: TaskVariables,
    hosts: Collection[str],
    inventory: Collection[str],
    given: Mapping[str, Any],
    only: Collection[str] | None = None,
) -> UnknownVariables:
    """Check the names in inventory, play, roles and extra variables; `given` are the options of the task itself.

    Ignored are names that a value anywhere in the `inventory`, or the play, refers to, those that the run registered
    or set, and those that `sentinel_known_variables` lists. `only` restricts the check to misspellings of these
    variables.
    """
    hosts_by_name = _hosts_by_name(variables, hosts)
    if not hosts_by_name:
        return UnknownVariables([], [])
    unreferenced = hosts_by_name.keys() - _referenced(variables, inventory, hosts_by_name.keys())
    suggestions = _suggestions(unreferenced, only)
    missing, known = _missing_and_known(variables, suggestions, hosts_by_name, given)
    mistakes = [_misspelt(name, suggestions[name], host) for name, found in missing.items() for host in found]
    if only is not None:
        return UnknownVariables(mistakes, [])
    handled = missing.keys() | known
    unused = {name: suggestion for name, suggestion in suggestions.items() if name not in handled}
    return UnknownVariables(mistakes, _warnings(unused))


def _suggestions(names: Iterable[str], only: Collection[str] | None) -> dict[str, str]:
    """Return the variable that each name probably stands for, empty for none; with `only`, names of these alone."""
    suggestions = {name: closest_variable(name) for name in sorted(names)}
    if only is None:
        return suggestions
    return {name: suggestion for name, suggestion in suggestions.items() if suggestion in only}


def _missing_and_known(
    variables: TaskVariables,
    suggestions: Mapping[str, str],
    hosts_by_name: Mapping[str, Iterable[str]],
    given: Mapping[str, Any],
) -> tuple[dict[str, list[str]], set[str]]:
    """Return the hosts of each name that lack the option probably meant, and the names that users list as their own."""
    missing: dict[str, list[str]] = {}
    known = set[str]()
    for host, names in _names_by_host(suggestions, hosts_by_name).items():
        host_vars = variables.raw(host)
        known |= _known_variables(variables, host, host_vars)
        for name in names:
            suggestion = suggestions[name]
            if name not in known and suggestion and not _has_option(variables, host, host_vars, suggestion, given):
                missing.setdefault(name, []).append(host)
    return missing, known


def _names_by_host(names: Iterable[str], hosts_by_name: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    names_by_host: dict[str, list[str]] = {}
    for name in names:
        for host in hosts_by_name[name]:
            names_by_host.setdefault(host, []).append(name)
    return names_by_host


def _misspelt(name: str, suggestion: str, host: str) -> Mistake:
    rule = f"unknown variable; {suggestion}, which is probably meant, is not set"
    return Mistake(f"Cannot use {name}", f"host {host}", rule)


def _warnings(suggestions: Mapping[str, str]) -> list[str]:
    """Return a warning for each of the first names, and their number for the others."""
    warnings = [_warning(name, suggestion) for name, suggestion in islice(suggestions.items(), MAX_WARNINGS)]
    if (more := len(suggestions) - MAX_WARNINGS) > 0:
        warnings.append(f"{more} more variables set no option of this collection.")
    return warnings


def _warning(name: str, suggestion: str) -> str:
    hint = f"Did you mean {suggestion}?" if suggestion else "If it is your own, list it in sentinel_known_variables."
    return f"The variable {name} sets no option of this collection. {hint}"


def _hosts_by_name(variables: TaskVariables, hosts: Collection[str]) -> dict[str, list[str]]:
    """Return the hosts that have each unknown name."""
    for_all = _unknown_names(variables.for_all_hosts)
    hosts_by_name: dict[str, list[str]] = {name: list(hosts) for name in for_all}
    of_groups: dict[int, set[str]] = {}
    for host in hosts:
        groups, own = variables.host_variables.sources(host)
        if id(groups) not in of_groups:
            of_groups[id(groups)] = _unknown_names(groups)
        for name in (of_groups[id(groups)] | _unknown_names(own)) - for_all:
            hosts_by_name.setdefault(name, []).append(host)
    return hosts_by_name


def _unknown_names(variables: Iterable[str]) -> set[str]:
    return {name for name in variables if is_unknown(name)}


def _referenced(variables: TaskVariables, hosts: Iterable[str], unknown: Collection[str]) -> set[str]:
    """Return the names that the play refers to, or a variable that is in use itself."""
    references: dict[str, set[str]] = {}
    for source in _sources(variables, hosts):
        for name, value in source.items():
            references.setdefault(name, set()).update(_names_in(value))
    found, pending = set(_names_in(variables.play, bare=True)), {name for name in references if name not in unknown}
    pending |= found
    while pending:
        pending = set[str]().union(*(references.get(name, ()) for name in pending)) - found
        found |= pending
    return found


def _sources(variables: TaskVariables, hosts: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the variables that are set for all, for each set of groups, and for each host."""
    yield variables.for_all_hosts
    seen = set[int]()
    for host in hosts:
        groups, own = variables.host_variables.sources(host)
        if id(groups) not in seen:
            seen.add(id(groups))
            yield groups
        yield own


def _names_in(value: Any, *, bare: bool = False) -> Iterator[str]:
    """Yield the names in templates; with `bare` also those without braces, as in conditions."""
    if isinstance(value, str):
        if bare or "{" in value:
            yield from _SENTINEL_NAME.findall(value)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            # Setting a variable in a play does not use it.
            yield from () if bare and key == "vars" else _names_in(one, bare=bare)
    elif isinstance(value, list):
        for one in value:
            yield from _names_in(one, bare=bare)


def _known_variables(variables: TaskVariables, host: str, host_vars: HostVars) -> set[str]:
    """Return the names that `sentinel_known_variables` lists for a host."""
    try:
        given = variables.rendered(host, host_vars, [KNOWN_VARIABLES]).get(KNOWN_VARIABLES)
    except AnsibleError:
        return set()
    names = validation.convert("list", given)
    return {str(name).strip() for name in names} if isinstance(names, tuple) else set()


def _has_option(
    variables: TaskVariables, host: str, host_vars: HostVars, variable: str, given: Mapping[str, Any]
) -> bool:
    """Whether the option of a variable is given for a host, by the variable, the playbook or the task."""
    kind, empty_counts = option_type(variable)
    if option_names(variable) & given.keys():
        return True
    try:
        found = variables.rendered(host, host_vars, (variable, f"__{variable}"))
    except AnsibleError:
        return True
    return any(validation.is_given(value, kind, empty_counts=empty_counts) for value in found.values())
