# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An AWS organization: its accounts, where they stand in the tree of organizational units, which are gone. Pure.

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


class Account(NamedTuple):
    """An account: `joined` is text in UTC such as "2026-11-22T17:00:00Z", `units` the ids from the root down to its OU.

    `units` is empty as long as nobody knows them.
    """

    account_id: str
    name: str
    email: str
    state: str
    joined: str
    manager: str
    """The id of the management account."""
    units: tuple[str, ...] = ()

    @property
    def manages(self) -> bool:
        """Whether this is the management account."""
        return self.account_id == self.manager


class Unit(NamedTuple):
    """The root (`parent` is empty) or an organizational unit."""

    name: str
    parent: str


@dataclass(frozen=True, slots=True)
class Organization:
    """The whole listing: every account by its id. Units by id, and tags by account id, as far as somebody asked."""

    accounts: Mapping[str, Account]
    units: Mapping[str, Unit] = field(default_factory=dict)
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    _paths: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Name every unit by a path that no other one has: a unit may be called "a/b" beside a unit b below a."""
        paths = self.paths()
        object.__setattr__(self, "_paths", unique(paths, {unit: f"{path} ({unit})" for unit, path in paths.items()}))

    @property
    def placed(self) -> bool:
        """Whether it is known of every account where in the tree it stands."""
        return all(account.units for account in self.accounts.values())

    def path(self, units: Sequence[str]) -> str:
        """Return where the last of a chain of units is: "/Workloads/Production"; its id is behind where two share it.

        The root is "/"; where names are not known ids stand for them.
        """
        return self._paths.get(units[-1], "") or self.names(units)

    def names(self, units: Iterable[str]) -> str:
        """Return the names of a chain of units as a path, which another unit may have as well."""
        below = [unit for unit in units if not unit.startswith("r-")]
        return "/" + "/".join(self.units[unit].name if unit in self.units else unit for unit in below)

    def paths(self) -> dict[str, str]:
        """Return the path of every unit by its id, as people write it; several units may have the same."""
        return {unit: self.names(self._chain(unit)) for unit in self.units}

    def place(self, parents: Mapping[str, str]) -> Organization:
        """Return it with every account put below its parent; raises transient for one that moved meanwhile."""
        lost = next((one for one in self.accounts if one not in parents), None)
        if lost:
            raise SentinelError(
                "transient",
                f"Cannot tell where account {lost} stands: it moved while the tree was read. Run it again.",
            )
        chains = {unit: self._chain(unit) for unit in set(parents.values())}
        accounts = {key: one._replace(units=chains[parents[key]]) for key, one in self.accounts.items()}
        return replace(self, accounts=accounts)

    def _chain(self, unit: str) -> tuple[str, ...]:
        parent = self.units[unit].parent
        return (*self._chain(parent), unit) if parent else (unit,)

    def outside(self, account_ids: Container[str]) -> list[ExcludedRow]:
        """List the accounts of the organization but these, each with the reason that is known."""
        return [
            {
                "account_id": one.account_id,
                "reason": "not in this run" if one.state == ACTIVE else f"its state is {one.state}",
            }
            for one in self.accounts.values()
            if one.account_id not in account_ids
        ]

    def gone(self, account_ids: Iterable[str], minimum: int) -> dict[str, str]:
        """Tell which of these accounts are gone, and why: "closed", or "left" for those that are not listed.

        A listing with fewer than `minimum` accounts at work is not believed: by it nobody is gone. A suspended account
        can come back, one whose closure is pending is still there.
        """
        if sum(account.state == ACTIVE for account in self.accounts.values()) < max(minimum, 1):
            return {}
        states = {one: self.accounts[one].state if one in self.accounts else None for one in account_ids}
        reasons = {None: "left", CLOSED: "closed"}
        return {one: reasons[state] for one, state in states.items() if state in reasons}


def unique(wanted: Mapping[K, str], whole: Mapping[K, str], taken: Collection[str] = ()) -> dict[K, str]:
    """Give every key the name it wants; where several want the same, or it is taken, each has its `whole` name.

    A name that is its own key may be taken.
    """
    named = dict(wanted)
    while True:
        counted = Counter(named.values())
        clashing = [
            key
            for key, name in named.items()
            if (counted[name] > 1 or (name in taken and name != key)) and name != whole[key]
        ]
        if not clashing:
            return named
        named |= {key: whole[key] for key in clashing}


def parse(raw: Mapping[str, Any], joined: str) -> Account:
    """Return an account as the API describes it; raises KeyError, or bad_input where no state is to be found."""
    state = raw.get("State") or raw.get("Status")
    if not state:
        raise SentinelError(
            "bad_input",
            f"Cannot tell the state of account {raw['Id']}: the answer of AWS Organizations has neither State nor "
            "Status. Update botocore to 1.40.27 or newer.",
        )
    return Account(
        account_id=raw["Id"],
        name=raw.get("Name", ""),
        email=raw.get("Email", ""),
        state=state,
        joined=joined,
        manager=raw["Arn"].split(":")[4],
        units=_units(raw.get("Paths") or ()),
    )


def _units(paths: Iterable[str]) -> tuple[str, ...]:
    """Read the ids off "o-…/r-…/ou-…/ou-…/<account id>/"."""
    return tuple(part for path in list(paths)[:1] for part in path.split("/") if part.startswith(("r-", "ou-")))


# --- in a cache ---

_FORMAT = 1
# AWS allows five levels of units below the root.
DEEPEST = 16
_ID, _UNIT = re.compile("[0-9]{12}"), re.compile("r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}")
_JOINED = re.compile("(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?")
_RULES = (_ID, _ID, re.compile("[A-Z_]{1,40}"), _JOINED)


def to_data(organization: Organization) -> dict[str, Any]:
    """Return it as JSON can hold it."""
    return {
        "format": _FORMAT,
        "accounts": [list(account) for account in organization.accounts.values()],
        "units": {key: list(unit) for key, unit in organization.units.items()},
        "tags": {key: dict(tags) for key, tags in organization.tags.items()},
    }


def from_data(data: Any) -> Organization | None:
    """Return what `to_data` made of it; None for anything else, such as what another version or somebody else wrote."""
    try:
        # Ansible's cache keeps marks of strings, such as the one that makes a template of it; JSON keeps none.
        data = json.loads(json.dumps(data))
        if data["format"] != _FORMAT:
            return None
        accounts = {row[0]: Account._make((*row[:-1], tuple(row[-1]))) for row in data["accounts"]}
        units = {key: Unit(*row) for key, row in data["units"].items()}
        tags = {key: dict(own) for key, own in data["tags"].items()}
        whole = len(accounts) == len(data["accounts"]) and all(map(_is_account, accounts.values()))
        return Organization(accounts, units, tags) if whole and _are_units(units) and _are_tags(tags) else None
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        return None


def _is_account(one: Any) -> bool:
    """Tell whether it has the form in which AWS describes accounts."""
    names = isinstance(one.name, str) and isinstance(one.email, str)
    return (
        names
        and all(rule.fullmatch(text) for rule, text in zip(_RULES, _ruled(one), strict=True))
        and all(map(_UNIT.fullmatch, one.units))
    )


def _ruled(one: Any) -> tuple[str, ...]:
    return one.account_id, one.manager, one.state, one.joined


def _are_units(units: Mapping[Any, Any]) -> bool:
    """Tell whether the units are a tree."""
    above = {unit: one.parent for unit, one in units.items()}
    for _level in range(DEEPEST):
        above = {unit: units[parent].parent for unit, parent in above.items() if parent}
    return not above and all(isinstance(one.name, str) and _UNIT.fullmatch(unit) for unit, one in units.items())


def _are_tags(tags: Mapping[Any, Mapping[Any, Any]]) -> bool:
    return all(
        _ID.fullmatch(account_id) and isinstance(key, str) and isinstance(value, str)
        for account_id, own in tags.items()
        for key, value in own.items()
    )
