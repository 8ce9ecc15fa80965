# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a whole run: their inventory variables, types, rules and empty values. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from . import validation
from .account import FIELDS
from .errors import InputError, Mistake

KNOWN_VARIABLES = "sentinel_known_variables"


class OptionSpec(NamedTuple):
    """An option of an action plugin, and the variable that sets it. `rule` is a key of `validation.RULES`.

    None and blank values mean "not given". If the option narrows the run (`narrows`), they are invalid: the run would
    include more accounts than intended.
    """

    option: str
    variable: str
    type: str
    rule: str = ""
    narrows: bool = False


def _stackset_option(option: str, kind: str, *, narrows: bool = False) -> OptionSpec:
    return OptionSpec(option, f"sentinel_stackset_{option}", kind, narrows=narrows)


# The only table of run options. Options that may differ by account are in `account.FIELDS`.
RUN_OPTIONS = (
    OptionSpec("concurrency", "sentinel_concurrency", "int", "concurrency"),
    OptionSpec("fail_on", "sentinel_fail_on", "str", "fail_on"),
    OptionSpec("find_orphans", "sentinel_find_orphans", "bool"),
    OptionSpec("find_unconnected_roles", "sentinel_find_unconnected_roles", "bool"),
    OptionSpec("max_change_percent", "sentinel_max_change_percent", "float", "percent"),
    OptionSpec("max_fail_percentage", "sentinel_max_fail_percentage", "float", "percent"),
    OptionSpec("minimum_accounts", "sentinel_minimum_accounts", "int", "minimum_accounts"),
    OptionSpec("offboard_orphans", "sentinel_offboard_orphans", "bool"),
    OptionSpec("orphan_account_ids", "sentinel_departed", "list", "account_id", narrows=True),
    OptionSpec("report_dir", "sentinel_report_dir", "str"),
    OptionSpec("report_name", "sentinel_report_name", "str", "report_name"),
    OptionSpec("hosts", "sentinel_hosts", "list", narrows=True),
    OptionSpec("lookback", "sentinel_verify_lookback", "str", "duration"),
    OptionSpec("canary", "sentinel_verify_canary", "bool"),
    OptionSpec("role_last_used", "sentinel_verify_role_last_used", "bool"),
    OptionSpec("wait", "sentinel_verify_wait", "str", "duration"),
)
STACKSET_OPTIONS = (
    _stackset_option("name", "str"),
    _stackset_option("organizational_units", "list", narrows=True),
    _stackset_option("auto_deployment", "bool"),
    _stackset_option("retain", "bool"),
    _stackset_option("delegated_administrator", "bool"),
    _stackset_option("adopt", "bool"),
    _stackset_option("state", "str"),
    _stackset_option("assume_role", "list"),
    _stackset_option("assume_role_external_id", "str"),
    _stackset_option("assume_role_session_name", "str"),
)
# Options of verification that may differ by host.
HOST_OPTIONS = (
    OptionSpec("allow_silent", "sentinel_allow_silent", "bool"),
    OptionSpec("stale_after", "sentinel_verify_stale_after", "str", "duration"),
)
# Variables that set no option: names of the user's own variables, the failure of a host, and the SQS queue of events.
_OTHER_VARIABLES = (KNOWN_VARIABLES, "sentinel_failure", "sentinel_queue")

COLLECTION_VARIABLES = frozenset(
    (
        *(one.variable for one in (*RUN_OPTIONS, *STACKSET_OPTIONS, *HOST_OPTIONS)),
        *(field.variable for field in FIELDS),
        *_OTHER_VARIABLES,
    )
)
# Likely wrong names of a variable: those of its option.
_VARIABLES_BY_OPTION = {
    f"sentinel_{name}": field.variable for field in FIELDS for name in (field.option, field.short)
} | {f"sentinel_{one.option}": one.variable for one in (*RUN_OPTIONS, *HOST_OPTIONS)}
_PREFIX = re.compile("sentinel_", re.IGNORECASE)
# The similarity (difflib's ratio) of two names without prefix from which one is suggested for the other; lower for
# variables that narrow or guard a run.
_MIN_SIMILARITY, _MIN_GUARD_SIMILARITY = 0.75, 0.65
_GUARDS = frozenset(
    (
        "sentinel_max_change_percent",
        "sentinel_minimum_accounts",
        *(one.variable for one in (*RUN_OPTIONS, *STACKSET_OPTIONS) if one.narrows),
    )
)


def read_option(option: OptionSpec, given: Any, where: str = "", name: str = "") -> Any:
    """Return the converted and validated value of an option, None if it is not given; raises InputError.

    `name` is the option's name for messages, by default that of its variable.
    """
    name = name or option.variable
    if validation.is_blank(given, option.type):
        _check_may_be_blank(option, given, where, name)
        return None
    is_list = option.type == "list"
    value = _string_list(given) if is_list else _single_value(option.type, given)
    if is_list and (rule := _broken_list_rule(value, narrows=option.narrows)):
        raise InputError([Mistake(f"Cannot use {name} {given!r}", where, rule)])
    validation.check(where, name, value, option.type, given)
    if option.rule:
        for item in value if is_list else (value,):
            validation.check(where, name, item, option.rule)
    return list(value) if is_list else value


def _check_may_be_blank(option: OptionSpec, given: Any, where: str, name: str) -> None:
    if option.narrows:
        rule = "it must not be empty, or the run would include more accounts than intended"
        raise InputError([Mistake(f"Cannot use {name} {given!r}", where, rule)])


def _broken_list_rule(items: Iterable[Any], *, narrows: bool) -> str:
    """Return the rule for lists that one of the items breaks, empty if none does."""
    if any(map(validation.has_lost_zeros, items)):
        return "an integer of fewer than twelve digits is not an account id (it may have lost leading zeros); quote it"
    if narrows and any(validation.is_blank(item, "list") for item in items):
        return "one of its items is empty"
    return ""


def _string_list(given: Any) -> Any:
    """Return a list of strings; account ids may also be integers, and a single one needs no list."""
    listed = validation.convert("list", [given] if isinstance(given, int) else given)
    return tuple(map(validation.account_id, _flattened(listed))) if isinstance(listed, tuple) else (listed,)


def _flattened(given: Iterable[Any]) -> Iterator[Any]:
    for one in given:
        yield from _flattened(one) if isinstance(one, list) and one else [one]


def _single_value(kind: str, given: Any) -> Any:
    """Return a value converted to the type; an integer is a valid string, such as the id of a job."""
    is_number = isinstance(given, int) and not isinstance(given, bool)
    return str(given) if kind == "str" and is_number else validation.convert(kind, given)


def read_options(options: Iterable[OptionSpec], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the options that these variables set; raises InputError with all mistakes."""
    found, mistakes = dict[str, Any](), list[Mistake]()
    for option in options:
        if option.variable not in given:
            continue
        try:
            value = read_option(option, given[option.variable])
        except InputError as error:
            mistakes += error.mistakes
        else:
            found |= {} if value is None else {option.option: value}
    if mistakes:
        raise InputError(mistakes)
    return found


def is_unknown(name: str) -> bool:
    """Whether a variable has the prefix of this collection and is not one of its variables."""
    return name not in COLLECTION_VARIABLES and _PREFIX.match(name) is not None


def closest_variable(name: str) -> str:
    """Return the variable that an unknown name probably stands for, empty if none is similar."""
    lower = name.lower()
    if lower in COLLECTION_VARIABLES or lower in _VARIABLES_BY_OPTION:
        return _VARIABLES_BY_OPTION.get(lower, lower)
    guard = next((one for one in sorted(_GUARDS) if one.startswith(lower) or lower.startswith(f"{one}_")), "")
    return (
        _most_similar(lower, COLLECTION_VARIABLES, _MIN_SIMILARITY)
        or guard
        or _most_similar(lower, _GUARDS, _MIN_GUARD_SIMILARITY)
    )


def _most_similar(name: str, variables: Collection[str], similarity: float) -> str:
    by_rest = {_without_prefix(variable): variable for variable in sorted(variables)}
    return next(
        (by_rest[rest] for rest in get_close_matches(_without_prefix(name), by_rest, n=1, cutoff=similarity)), ""
    )


def option_names(variable: str) -> set[str]:
    """Return the names of the options that a variable sets."""
    every = (*FIELDS, *RUN_OPTIONS, *STACKSET_OPTIONS, *HOST_OPTIONS)
    return {one.option for one in every if one.variable == variable}


def option_type(variable: str) -> tuple[str, bool]:
    """Return the type of a variable's option, and whether its empty value is a value to set."""
    field = next((one for one in FIELDS if one.variable == variable), None)
    if field:
        return field.type, field.empty_counts
    run = next((one for one in (*RUN_OPTIONS, *STACKSET_OPTIONS, *HOST_OPTIONS) if one.variable == variable), None)
    return run.type if run else "str", False


def _without_prefix(name: str) -> str:
    return _PREFIX.sub("", name, count=1)
