# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An AWS organization: its accounts, where they stand in the tree of organizational units, which are gone. Pure.

Sources: "Account", "ListAccounts" and "Managing the state of accounts" (AWS Organizations API reference, user guide).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import SentinelError

ACTIVE, CLOSED = "ACTIVE", "CLOSED"


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

    @property
    def placed(self) -> bool:
        """Whether it is known of every account where in the tree it stands."""
        return all(account.units for account in self.accounts.values())

    def path(self, units: Iterable[str]) -> str:
        """Return a chain of units as text: "/" for the root, "/Workloads/Production"; ids where names are not known."""
        below = [unit for unit in units if not unit.startswith("r-")]
        return "/" + "/".join(self.units[unit].name if unit in self.units else unit for unit in below)

    def paths(self) -> dict[str, str]:
        """Return the path of every unit by its id."""
        return {unit: self.path(self._chain(unit)) for unit in self.units}

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

    def outside(self, account_ids: Container[str]) -> list[dict[str, str]]:
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


def to_data(organization: Organization) -> dict[str, Any]:
    """Return it as JSON can hold it."""
    return {
        "format": _FORMAT,
        "accounts": [list(account) for account in organization.accounts.values()],
        "units": {key: list(unit) for key, unit in organization.units.items()},
        "tags": {key: dict(tags) for key, tags in organization.tags.items()},
    }


def from_data(data: Any) -> Organization | None:
    """Return what `to_data` made of it; None for anything else, such as what another version kept."""
    if not isinstance(data, Mapping) or data.get("format") != _FORMAT:
        return None
    accounts = (Account._make((*row[:-1], tuple(row[-1]))) for row in data["accounts"])
    return Organization(
        {account.account_id: account for account in accounts},
        {key: Unit(*row) for key, row in data["units"].items()},
        data["tags"],
    )
