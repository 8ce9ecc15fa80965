# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources that Microsoft Sentinel reads in an account: types, options, and the list of an account. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from . import validation
from .errors import InputError, Mistake
from .findings import Finding, finding


class SourceOption(NamedTuple):
    """An option of a source: its type and rule as in `validation`, and its documentation."""

    name: str
    type: str
    description: str
    rule: str = ""
    required: bool = False


class SourceType(NamedTuple):
    """A type of source: its documentation in a sentence, and its options beside `type`."""

    description: str
    options: tuple[SourceOption, ...] = ()


# The documentation of the option is written from this table: run make specs after a change.
SOURCE_TYPES: dict[str, SourceType] = {
    "cloudtrail": SourceType(
        "An IAM role that trusts Microsoft with the workspace id as external id, and a data connector of the kind "
        "C(AmazonWebServicesCloudTrail). Its options are those of the account, such as O(role_name).",
    ),
}


class SourceSpec(NamedTuple):
    """One source of an account, with the options that were given, by name."""

    type: str
    options: tuple[tuple[str, Any], ...] = ()

    def get(self, option: str, default: Any = None) -> Any:
        """Return the value of an option, or the default where it was not given."""
        return dict(self.options).get(option, default)


CLOUDTRAIL = SourceSpec("cloudtrail")
DEFAULT = (CLOUDTRAIL,)


def parse(given: Any) -> Any:
    """Return the list of sources; a value that is none stays unchanged, and `check` reports it."""
    listed = given.split(",") if isinstance(given, str) else given if isinstance(given, list | tuple) else [given]
    return tuple(_parse(one) for one in listed)


def _parse(given: Any) -> Any:
    if isinstance(given, str):
        return SourceSpec(given.strip())
    if not isinstance(given, Mapping) or not isinstance(given.get("type"), str):
        return given
    known = _options(given["type"])
    options = {
        name: validation.convert(known[name].type, value) if name in known else value
        for name, value in given.items()
        if name != "type" and value is not None
    }
    return SourceSpec(given["type"], tuple(sorted(options.items())))


def _options(source_type: str) -> dict[str, SourceOption]:
    """Return the options of a type of source by name; none for an unknown type."""
    options = SOURCE_TYPES[source_type].options if source_type in SOURCE_TYPES else ()
    return {option.name: option for option in options}


def missing_source() -> Finding:
    """Return the finding for an account without sources whose events no other connection ingests."""
    return finding("source_missing", "No source is listed, and no enabled S3 connector brings events.")


def check(sources: Iterable[Any], where: str, name: str) -> None:
    """Raise InputError with every mistake in a list of sources; `name` is that of the option or variable."""
    listed = list(sources)
    found = [mistake for one in listed for mistake in _mistakes(one, where, name)]
    for number, one in enumerate(listed):
        if isinstance(one, SourceSpec) and one in listed[:number]:
            found.append(Mistake(f"Cannot use {name} {one.type!r}", where, "it is listed twice"))
    if found:
        raise InputError(found)


def _mistakes(source: Any, where: str, name: str) -> list[Mistake]:
    if not isinstance(source, SourceSpec):
        rule = "each source is the name of a type, or a dictionary with type and the options of that type"
        return [Mistake(f"Cannot use {name} {source!r}", where, rule)]
    what = f"Cannot use {name} {source.type!r}"
    if source.type not in SOURCE_TYPES:
        return [Mistake(what, where, f"unknown type, the types are {', '.join(SOURCE_TYPES)}")]
    options = _options(source.type)
    unknown = f"the options are {', '.join(options) or 'none'}"
    found = [
        Mistake(what, where, f"unknown option {option}, {unknown}")
        for option, _value in source.options
        if option not in options
    ]
    for option in options.values():
        value = source.get(option.name)
        if value is not None:
            found += _option_mistakes(option, value, where, f"{option.name} of {name} {source.type!r}")
        elif option.required:
            found.append(Mistake(what, where, f"{option.name} is not set"))
    return found


def _option_mistakes(option: SourceOption, value: Any, where: str, name: str) -> tuple[Mistake, ...]:
    try:
        validation.check(where, name, value, option.type)
        for item in value if isinstance(value, tuple) else (value,):
            if option.rule:
                validation.check(where, name, item, option.rule)
    except InputError as error:
        return error.mistakes
    return ()
