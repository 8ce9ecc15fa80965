# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Organizations where moto differs from it: pages of 20 that may be empty, `Paths`, denials for member accounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .faults import Fault

Json = dict[str, Any]
PAGE = 20
ROOT = "r-ab12"
DENIED = Fault(status=400, code="AccessDeniedException", message="You don't have permissions to access this resource.")
NOT_A_MEMBER = Fault(
    status=400,
    code="AWSOrganizationsNotInUseException",
    message="Your account is not a member of an organization.",
)
INVALID = Fault(status=400, code="InvalidInputException", message="You specified an invalid value.")
NO_PARENT = Fault(
    status=400,
    code="ParentNotFoundException",
    message="We can't find a root or OU with the ParentId that you specified.",
)


@dataclass
class Organization:
    """An organization. `units` are {id: [name, parent]} below the root; an account without `Parent` is in the root."""

    management: str = "123456789012"
    id: str = "o-emulated01"
    units: dict[str, list[str]] = field(default_factory=dict)
    accounts: list[Json] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    """Fields of accounts that responses do not contain, such as `Paths`, `State` or `Status`."""
    empty_every: int = 0
    """Every n-th page has no entries but a token for the next page; 0: none."""
    delegates: list[str] = field(default_factory=list)
    pages_served: int = 0

    def answer(self, operation: str, parameters: Json, caller: str) -> Json | Fault:
        """Return the response of an operation, or the error."""
        if caller != self.management and all(account["Id"] != caller for account in self.accounts):
            return NOT_A_MEMBER
        if caller not in {self.management, *self.delegates} and operation != "DescribeOrganization":
            return DENIED
        handlers: dict[str, Callable[[Json], Json | Fault]] = {
            "DescribeOrganization": self._describe,
            "ListAccounts": lambda parameters: self._page("Accounts", self.accounts, parameters, self._shown),
            "ListAccountsForParent": self._below,
            "ListOrganizationalUnitsForParent": self._children,
            "ListRoots": lambda parameters: self._page("Roots", [{"Id": ROOT, "Name": "Root"}], parameters),
            "ListTagsForResource": self._tags,
        }
        return handlers[operation](parameters) if operation in handlers else INVALID

    def _describe(self, parameters: Json) -> Json:
        return {"Organization": {"Id": self.id, "MasterAccountId": self.management, "FeatureSet": "ALL"}}

    def _below(self, parameters: Json) -> Json | Fault:
        if parameters["ParentId"] not in {ROOT, *self.units}:
            return NO_PARENT
        found = [one for one in self.accounts if one.get("Parent", ROOT) == parameters["ParentId"]]
        return self._page("Accounts", found, parameters, self._shown)

    def _children(self, parameters: Json) -> Json | Fault:
        if parameters["ParentId"] not in {ROOT, *self.units}:
            return NO_PARENT
        found = [
            {"Id": key, "Name": name} for key, (name, parent) in self.units.items() if parent == parameters["ParentId"]
        ]
        return self._page("OrganizationalUnits", found, parameters)

    def _tags(self, parameters: Json) -> Json | Fault:
        found = next((one.get("Tags", {}) for one in self.accounts if one["Id"] == parameters["ResourceId"]), None)
        return INVALID if found is None else {"Tags": [{"Key": key, "Value": found[key]} for key in found]}

    def _shown(self, account: Json) -> Json:
        parent, chain = account.get("Parent", ROOT), [account["Id"]]
        while parent != ROOT:
            chain.append(parent)
            parent = self.units[parent][1]
        state = account.get("State", "ACTIVE")
        whole = {
            "Arn": f"arn:aws:organizations::{self.management}:account/{self.id}/{account['Id']}",
            "Email": f"{account['Id']}@example.com",
            "Name": account["Id"],
            "State": state,
            "Status": {"CLOSED": "SUSPENDED", "PENDING_ACTIVATION": "ACTIVE"}.get(state, state),
            "Paths": ["/".join((self.id, ROOT, *reversed(chain))) + "/"],
            "JoinedMethod": "CREATED",
            "JoinedTimestamp": 1735689600,
            **account,
        }
        return {key: value for key, value in whole.items() if key not in {"Parent", "Tags", *self.hidden}}

    def _page(self, key: str, found: list[Json], parameters: Json, show: Callable[[Json], Json] = dict) -> Json | Fault:
        size, start = parameters.get("MaxResults", PAGE), int(parameters.get("NextToken", "0").partition(".")[0])
        if not 1 <= size <= PAGE:
            return INVALID
        self.pages_served += 1
        if self.empty_every and self.pages_served % self.empty_every == 0:
            return {key: [], "NextToken": f"{start}.{self.pages_served}"}
        more = {"NextToken": str(start + size)} if start + size < len(found) else {}
        return {key: [show(one) for one in found[start : start + size]], **more}
