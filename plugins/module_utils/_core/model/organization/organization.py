# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An AWS organization: its accounts, their organizational units, and the accounts that left or were closed. Pure.

Sources: "Account", "ListAccounts" and "Managing the state of accounts" (AWS Organizations API reference, user guide).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

from ..errors import SentinelError
from ..report_row import ExcludedRow

ACTIVE, CLOSED = "ACTIVE", "CLOSED"

K = TypeVar("K")


class OrganizationAccount(NamedTuple):
    """An account: `joined` is a UTC time such as "2026-11-22T17:00:00Z", `units` the ids from the root to its OU.

    `units` is empty as long as it is unknown.
    """

    account_id: str
    name: str
    email: str
    state: str
    joined: str
    management_account_id: str
    """The id of the management account."""
    units: tuple[str, ...] = ()

    @property
    def is_management(self) -> bool:
        """Whether this is the management account."""
        return self.account_id == self.management_account_id


class Unit(NamedTuple):
    """The root (`parent` is empty) or an organizational unit."""

    name: str
    parent: str


@dataclass(frozen=True, slots=True)
class Organization:
    """The complete listing: all accounts by id. Units by id and tags by account id are present only if requested."""

    accounts: Mapping[str, OrganizationAccount]
    units: Mapping[str, Unit] = field(default_factory=dict)
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    _paths: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Give every unit a unique path: a unit may be named "a/b" beside a unit b below a."""
        paths = self.paths()
        object.__setattr__(
            self, "_paths", unique_names(paths, {unit: f"{path} ({unit})" for unit, path in paths.items()})
        )

    @property
    def units_known(self) -> bool:
        """Whether the organizational units of all accounts are known."""
        return all(account.units for account in self.accounts.values())

    def path(self, units: Sequence[str]) -> str:
        """Return the path of the last of a chain of units, such as "/Workloads/Production", with its id if ambiguous.

        The root is "/"; ids replace unknown names.
        """
        return self._paths.get(units[-1], "") or self.names(units)

    def names(self, units: Iterable[str]) -> str:
        """Return the names of a chain of units as a path, which need not be unique."""
        below = [unit for unit in units if not unit.startswith("r-")]
        return "/" + "/".join(self.units[unit].name if unit in self.units else unit for unit in below)

    def paths(self) -> dict[str, str]:
        """Return the path of every unit by its id; paths need not be unique."""
        return {unit: self.names(self._chain(unit)) for unit in self.units}

    def with_units(self, parents: Mapping[str, str]) -> Organization:
        """Return the organization with the units of all accounts; raises transient if an account was moved."""
        missing = next((one for one in self.accounts if one not in parents), None)
        if missing:
            raise SentinelError(
                "transient",
                f"Cannot find the organizational unit of account {missing}: it was moved during the listing. "
                "Run it again.",
            )
        chains = {unit: self._chain(unit) for unit in set(parents.values())}
        accounts = {key: one._replace(units=chains[parents[key]]) for key, one in self.accounts.items()}
        return replace(self, accounts=accounts)

    def _chain(self, unit: str) -> tuple[str, ...]:
        parent = self.units[unit].parent
        return (*self._chain(parent), unit) if parent else (unit,)

    def excluded(self, account_ids: Container[str]) -> list[ExcludedRow]:
        """Return the accounts of the organization except these, with the reason."""
        return [
            {
                "account_id": one.account_id,
                "reason": "not in this run" if one.state == ACTIVE else f"its state is {one.state}",
            }
            for one in self.accounts.values()
            if one.account_id not in account_ids
        ]

    def departed(self, account_ids: Iterable[str], minimum: int) -> dict[str, str]:
        """Return which of these accounts departed, and why: "closed", or "left" if they are not listed.

        A listing with fewer than `minimum` active accounts is not trusted: the result is empty. Suspended accounts and
        accounts with a pending closure have not departed.
        """
        if sum(account.state == ACTIVE for account in self.accounts.values()) < max(minimum, 1):
            return {}
        states = {one: self.accounts[one].state if one in self.accounts else None for one in account_ids}
        reasons = {None: "left", CLOSED: "closed"}
        return {one: reasons[state] for one, state in states.items() if state in reasons}


def unique_names(names: Mapping[K, str], qualified: Mapping[K, str], taken: Collection[str] = ()) -> dict[K, str]:
    """Return the name of each key, or its qualified name where several have the same one or it is taken.

    A name that equals its key may be taken.
    """
    named = dict(names)
    while True:
        counted = Counter(named.values())
        clashing = [
            key
            for key, name in named.items()
            if (counted[name] > 1 or (name in taken and name != key)) and name != qualified[key]
        ]
        if not clashing:
            return named
        named |= {key: qualified[key] for key in clashing}


def parse(raw: Mapping[str, Any], joined: str) -> OrganizationAccount:
    """Return an account from a response of the API; raises KeyError, or bad_input without a state."""
    state = raw.get("State") or raw.get("Status")
    if not state:
        raise SentinelError(
            "bad_input",
            f"Cannot read the state of account {raw['Id']}: the response of AWS Organizations has neither State nor "
            "Status. Update botocore to 1.40.27 or newer.",
        )
    return OrganizationAccount(
        account_id=raw["Id"],
        name=raw.get("Name", ""),
        email=raw.get("Email", ""),
        state=state,
        joined=joined,
        management_account_id=raw["Arn"].split(":")[4],
        units=_units(raw.get("Paths") or ()),
    )


def _units(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the unit ids in a path such as "o-…/r-…/ou-…/ou-…/<account id>/"."""
    return tuple(part for path in list(paths)[:1] for part in path.split("/") if part.startswith(("r-", "ou-")))


# --- the inventory cache ---

_FORMAT = 1
# AWS allows five levels of units below the root.
MAX_DEPTH = 16
_ID, _UNIT = re.compile("[0-9]{12}"), re.compile("r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}")
_JOINED = re.compile("(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?")
_ACCOUNT_PATTERNS = (_ID, _ID, re.compile("[A-Z_]{1,40}"), _JOINED)


def to_data(organization: Organization) -> dict[str, Any]:
    """Return the organization as JSON data: {format, accounts: [row], units: {id: row}, tags: {account id: tags}}."""
    return {
        "format": _FORMAT,
        "accounts": [list(account) for account in organization.accounts.values()],
        "units": {key: list(unit) for key, unit in organization.units.items()},
        "tags": {key: dict(tags) for key, tags in organization.tags.items()},
    }


def from_data(data: Any) -> Organization | None:
    """Return the organization from the data of `to_data`; None for other data, such as that of another version."""
    try:
        # Ansible's cache keeps tags of strings, such as the one that marks a template; JSON drops them.
        data = json.loads(json.dumps(data))
        if data["format"] != _FORMAT:
            return None
        accounts = {row[0]: OrganizationAccount._make((*row[:-1], tuple(row[-1]))) for row in data["accounts"]}
        units = {key: Unit(*row) for key, row in data["units"].items()}
        tags = {key: dict(own) for key, own in data["tags"].items()}
        complete = len(accounts) == len(data["accounts"]) and all(map(_is_valid_account, accounts.values()))
        return (
            Organization(accounts, units, tags)
            if complete and _are_valid_units(units) and _are_valid_tags(tags)
            else None
        )
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        return None


def _is_valid_account(one: Any) -> bool:
    """Return whether the fields have the format of AWS."""
    names = isinstance(one.name, str) and isinstance(one.email, str)
    return (
        names
        and all(rule.fullmatch(text) for rule, text in zip(_ACCOUNT_PATTERNS, _pattern_fields(one), strict=True))
        and all(map(_UNIT.fullmatch, one.units))
    )


def _pattern_fields(one: Any) -> tuple[str, ...]:
    return one.account_id, one.management_account_id, one.state, one.joined


def _are_valid_units(units: Mapping[Any, Any]) -> bool:
    """Return whether the units form a tree."""
    above = {unit: one.parent for unit, one in units.items()}
    for _level in range(MAX_DEPTH):
        above = {unit: units[parent].parent for unit, parent in above.items() if parent}
    return not above and all(isinstance(one.name, str) and _UNIT.fullmatch(unit) for unit, one in units.items())


def _are_valid_tags(tags: Mapping[Any, Mapping[Any, Any]]) -> bool:
    return all(
        _ID.fullmatch(account_id) and isinstance(key, str) and isinstance(value, str)
        for account_id, own in tags.items()
        for key, value in own.items()
    )
