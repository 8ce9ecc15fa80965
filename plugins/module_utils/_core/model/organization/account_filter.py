# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which accounts of an organization are wanted, and why the others are not. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from .. import validation
from ..errors import SentinelError
from .organization import ACTIVE, Organization, OrganizationAccount

_DAY = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_TIME = re.compile(rf"{_DAY}(?:T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ)?", re.ASCII)
_ACCOUNT = re.compile("[0-9]{12}")
_UNIT = re.compile(r"/.*|r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}", re.DOTALL)
Patterns = tuple[str, ...]


class Filter(NamedTuple):
    """Conditions that all have to hold; of the values of one condition any."""

    id: Patterns = ()
    name: Patterns = ()
    ou: Patterns = ()
    tags: tuple[tuple[str, Patterns], ...] = ()
    joined_after: str = ""
    joined_before: str = ""

    def matches(self, account: OrganizationAccount, tags: Mapping[str, str]) -> bool:
        """Tell whether an account is meant; `ou` has to hold ids alone (`Wish.resolved`)."""
        return (
            (not self.id or account.account_id in self.id)
            and (not self.name or _matches_any_pattern(account.name, self.name))
            and (not self.ou or not set(self.ou).isdisjoint(account.units))
            and all(key in tags and _matches_any_pattern(tags[key], patterns) for key, patterns in self.tags)
            and account.joined >= self.joined_after
            and (not self.joined_before or account.joined < self.joined_before)
        )


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts are wanted: those that `include` has (if there is any) and `exclude` has not."""

    include: tuple[Filter, ...] = ()
    exclude: tuple[Filter, ...] = ()
    inactive: bool = False
    management: bool = True

    @property
    def by_tags(self) -> bool:
        """Whether tags decide."""
        return any(one.tags for one in (*self.include, *self.exclude))

    @property
    def units(self) -> Patterns:
        """The organizational units that decide, as they are given."""
        return tuple(unit for one in (*self.include, *self.exclude) for unit in one.ou)

    def ignoring_tags(self) -> AccountFilter:
        """Return the wish that has every account which some tags could make wanted."""
        return replace(
            self,
            include=tuple(one._replace(tags=()) for one in self.include),
            exclude=tuple(one for one in self.exclude if not one.tags),
        )

    def resolved(self, organization: Organization) -> AccountFilter:
        """Return the wish with ids for the paths of units; raises bad_input for a unit that does not exist."""
        if not self.units:
            return self
        known = organization.paths()
        return replace(
            self,
            include=tuple(_resolved(one, known, "include_filters") for one in self.include),
            exclude=tuple(_resolved(one, known, "exclude_filters") for one in self.exclude),
        )

    def reason(self, account: OrganizationAccount, tags: Mapping[str, str]) -> str:
        """Say why an account is not wanted; empty if it is."""
        if account.state != ACTIVE and not self.inactive:
            return f"its state is {account.state}"
        if account.is_management and not self.management:
            return "it is the management account"
        if any(one.matches(account, tags) for one in self.exclude):
            return "exclude_filters"
        if self.include and not any(one.matches(account, tags) for one in self.include):
            return "include_filters"
        return ""


def select_accounts(
    organization: Organization, account_filter: AccountFilter
) -> tuple[list[OrganizationAccount], dict[str, str]]:
    """Return the accounts that are wanted, by id, and for the ids of the others the reason why they are not."""
    account_filter = account_filter.resolved(organization)
    wanted, out = [], {}
    for key, account in sorted(organization.accounts.items()):
        if reason := account_filter.reason(account, organization.tags.get(key, {})):
            out[key] = reason
        else:
            wanted.append(account)
    return wanted, out


def parse(option: str, given: Any) -> tuple[Filter, ...]:
    """Return filters as a user wrote them; raises bad_input with the option, the value and the rule."""
    if not isinstance(given, list):
        raise _unusable(option, given, "it must be a list of filters")
    return tuple(_filter(f"{option}[{number}]", one) for number, one in enumerate(given))


def _filter(where: str, given: Any) -> Filter:
    if not isinstance(given, Mapping) or not given:
        raise _unusable(where, given, f"it must be a dictionary with one or more of {', '.join(_CONDITIONS)}")
    if unknown := sorted(set(map(str, given)) - set(_CONDITIONS)):
        raise _unusable(where, ", ".join(unknown), f"a filter has only {', '.join(_CONDITIONS)}")
    return Filter(**{key: _CONDITIONS[key](f"{where}.{key}", value) for key, value in given.items()})


def _ids(where: str, given: Any) -> Patterns:
    listed = given if isinstance(given, list) else [given]
    return _ACCOUNT_IDS(where, [validation.account_id(one) for one in listed])


def _strings(where: str, given: Any) -> Patterns:
    listed = given if isinstance(given, list) else [given]
    for value in listed:
        if not isinstance(value, str):
            raise _unusable(where, value, "it must be a text; quote it in YAML")
    if not listed:
        raise _unusable(where, given, "it must not be empty")
    return tuple(map(str, listed))


def _matching(rule: re.Pattern[str], text: str) -> Callable[[str, Any], Patterns]:
    def read(where: str, given: Any) -> Patterns:
        found = _strings(where, given)
        for value in found:
            if not rule.fullmatch(value):
                raise _unusable(where, value, text)
        return found

    return read


def _tag_conditions(where: str, given: Any) -> tuple[tuple[str, Patterns], ...]:
    if not isinstance(given, Mapping) or not given:
        raise _unusable(where, given, "it must be a dictionary of tags")
    return tuple((_strings(where, key)[0], _strings(f"{where}.{key}", value)) for key, value in given.items())


def _timestamp(where: str, given: Any) -> str:
    """Read a day or a time in UTC; YAML makes dates of them, which read the same as text."""
    text = str(given).replace(" ", "T").replace("+00:00", "Z")
    if len(text) == len("2026-11-22T17:00:00"):
        text += "Z"
    if not _TIME.fullmatch(text):
        raise _unusable(where, given, "it must be a day such as 2026-11-22, or a time such as 2026-11-22T17:00:00Z")
    return text


_ACCOUNT_IDS = _matching(_ACCOUNT, "it must be a text of 12 digits; quote it in YAML")
_CONDITIONS: dict[str, Callable[[str, Any], Any]] = {
    "id": _ids,
    "name": _strings,
    "ou": _matching(_UNIT, "it must be an id such as ou-ab12-11111111, or a path such as /Workloads/Production"),
    "tags": _tag_conditions,
    "joined_after": _timestamp,
    "joined_before": _timestamp,
}


def _resolved(one: Filter, known: Mapping[str, str], option: str) -> Filter:
    found: list[str] = []
    for given in one.ou:
        ids = _units_at(given, known) if given.startswith("/") else [given]
        if not ids or (known and not known.keys() & set(ids)):
            raise _unusable(f"ou of {option}", given, "the organization has no such organizational unit")
        if len(ids) > 1:
            raise _unusable(f"ou of {option}", given, f"give the id of one of those with this path, {', '.join(ids)}")
        found += ids
    return one._replace(ou=tuple(found))


def _units_at(path: str, known: Mapping[str, str]) -> list[str]:
    """Return the units of a path; one that ends with a slash may be called so, or be a path with an end."""
    return sorted(unit for unit, its in known.items() if its in (path, path.rstrip("/") or "/"))


def _matches_any_pattern(text: str, patterns: Iterable[str]) -> bool:
    """Tell whether a text is what one of the patterns says literally, or matches one: names may hold brackets."""
    return any(text == pattern or fnmatchcase(text, pattern) for pattern in patterns)


def _unusable(where: str, given: Any, rule: str) -> SentinelError:
    return SentinelError("bad_input", f"Cannot use {where} {given!r}: {rule}.")
