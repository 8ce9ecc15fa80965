# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The selection of accounts of an organization, with the reason for each excluded account. Pure."""

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
    """Conditions that must all hold; one of the values of a condition is enough."""

    id: Patterns = ()
    name: Patterns = ()
    ou: Patterns = ()
    tags: tuple[tuple[str, Patterns], ...] = ()
    joined_after: str = ""
    joined_before: str = ""

    def matches(self, account: OrganizationAccount, tags: Mapping[str, str]) -> bool:
        """Return whether an account matches; `ou` must contain ids only (`AccountFilter.resolved`)."""
        return (
            (not self.id or account.account_id in self.id)
            and (not self.name or _matches_any_pattern(account.name, self.name))
            and (not self.ou or not set(self.ou).isdisjoint(account.units))
            and self._matches_tags(tags)
            and self._matches_joined(account.joined)
        )

    def _matches_tags(self, tags: Mapping[str, str]) -> bool:
        return all(key in tags and _matches_any_pattern(tags[key], patterns) for key, patterns in self.tags)

    def _matches_joined(self, joined: str) -> bool:
        return joined >= self.joined_after and (not self.joined_before or joined < self.joined_before)


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Selects the accounts that match `include` (all if it is empty) and do not match `exclude`."""

    include: tuple[Filter, ...] = ()
    exclude: tuple[Filter, ...] = ()
    inactive: bool = False
    management: bool = True

    @property
    def by_tags(self) -> bool:
        """Whether a filter has tags."""
        return any(one.tags for one in (*self.include, *self.exclude))

    @property
    def units(self) -> Patterns:
        """The organizational units of the filters, as given: ids or paths."""
        return tuple(unit for one in (*self.include, *self.exclude) for unit in one.ou)

    def ignoring_tags(self) -> AccountFilter:
        """Return the filter that selects all accounts which this one could select, whatever their tags are."""
        return replace(
            self,
            include=tuple(one._replace(tags=()) for one in self.include),
            exclude=tuple(one for one in self.exclude if not one.tags),
        )

    def resolved(self, organization: Organization) -> AccountFilter:
        """Return the filter with ids instead of paths of units; raises bad_input for a unit that does not exist."""
        if not self.units:
            return self
        known = organization.paths()
        return replace(
            self,
            include=tuple(_resolved(one, known, "include_filters") for one in self.include),
            exclude=tuple(_resolved(one, known, "exclude_filters") for one in self.exclude),
        )

    def reason(self, account: OrganizationAccount, tags: Mapping[str, str]) -> str:
        """Return why an account is excluded; empty if it is selected."""
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
    """Return the selected accounts in order of their ids, and the reason for the id of each excluded account."""
    account_filter = account_filter.resolved(organization)
    selected, excluded = [], {}
    for key, account in sorted(organization.accounts.items()):
        if reason := account_filter.reason(account, organization.tags.get(key, {})):
            excluded[key] = reason
        else:
            selected.append(account)
    return selected, excluded


def parse(option: str, given: Any) -> tuple[Filter, ...]:
    """Return the filters of an option; raises bad_input with the option, the value and the rule."""
    if not isinstance(given, list):
        raise _unusable(option, given, "it must be a list of filters")
    return tuple(_filter(f"{option}[{number}]", one) for number, one in enumerate(given))


def _filter(where: str, given: Any) -> Filter:
    if not isinstance(given, Mapping) or not given:
        raise _unusable(where, given, f"it must be a dictionary with one or more of {', '.join(_CONDITIONS)}")
    if unknown := sorted(set(map(str, given)) - set(_CONDITIONS)):
        raise _unusable(where, ", ".join(unknown), f"a filter must have no other keys than {', '.join(_CONDITIONS)}")
    return Filter(**{key: _CONDITIONS[key](f"{where}.{key}", value) for key, value in given.items()})


def _ids(where: str, given: Any) -> Patterns:
    listed = given if isinstance(given, list) else [given]
    return _ACCOUNT_IDS(where, [validation.account_id(one) for one in listed])


def _strings(where: str, given: Any) -> Patterns:
    listed = given if isinstance(given, list) else [given]
    for value in listed:
        if not isinstance(value, str):
            raise _unusable(where, value, "it must be a string; quote it in YAML")
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


def _utc_time(where: str, given: Any) -> str:
    """Return a day or a time in UTC as a string; YAML parses an unquoted one as a date, whose text is the same."""
    text = str(given).replace(" ", "T").replace("+00:00", "Z")
    if len(text) == len("2026-11-22T17:00:00"):
        text += "Z"
    if not _TIME.fullmatch(text):
        raise _unusable(where, given, "it must be a date such as 2026-11-22, or a time such as 2026-11-22T17:00:00Z")
    return text


_ACCOUNT_IDS = _matching(_ACCOUNT, "it must be a string of 12 digits; quote it in YAML")
_CONDITIONS: dict[str, Callable[[str, Any], Any]] = {
    "id": _ids,
    "name": _strings,
    "ou": _matching(_UNIT, "it must be an id such as ou-ab12-11111111, or a path such as /Workloads/Production"),
    "tags": _tag_conditions,
    "joined_after": _utc_time,
    "joined_before": _utc_time,
}


def _resolved(one: Filter, known: Mapping[str, str], option: str) -> Filter:
    found: list[str] = []
    for given in one.ou:
        ids = _units_at(given, known) if given.startswith("/") else [given]
        if not ids or (known and not known.keys() & set(ids)):
            raise _unusable(f"ou of {option}", given, "the organization has no such organizational unit")
        if len(ids) > 1:
            raise _unusable(
                f"ou of {option}",
                given,
                f"several organizational units have this path; use one of the ids {', '.join(ids)}",
            )
        found += ids
    return one._replace(ou=tuple(found))


def _units_at(path: str, known: Mapping[str, str]) -> list[str]:
    """Return the ids of the units with this path; a final slash may be part of the name or not."""
    return sorted(unit for unit, own in known.items() if own in (path, path.rstrip("/") or "/"))


def _matches_any_pattern(text: str, patterns: Iterable[str]) -> bool:
    """Return whether a string equals or matches one of the patterns; names may contain brackets."""
    return any(text == pattern or fnmatchcase(text, pattern) for pattern in patterns)


def _unusable(where: str, given: Any, rule: str) -> SentinelError:
    return SentinelError("bad_input", f"Cannot use {where} {given!r}: {rule}.")
