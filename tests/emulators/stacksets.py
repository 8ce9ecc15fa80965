# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudFormation StackSets where moto differs: units and settings are missing, and stacks cannot be deleted by unit.

moto stores the StackSets and creates the roles, but without managed policies, and it deletes stacks that should be
retained.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

import aiohttp
from aiohttp import web

Forward = Callable[[bytes], Awaitable[web.Response]]
NUMBERED = re.compile(r"(.+)\.member\.\d+")


@dataclass
class StackSet:
    """The properties of a StackSet that moto does not store."""

    auto_deployment: str = "false"
    retain: str = "false"
    managed: str = "false"
    units: list[str] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)

    def settings(self, sent: dict[str, list[str]]) -> None:
        """Update the settings from the parameters of a call."""
        self.auto_deployment = sent.get("AutoDeployment.Enabled", [self.auto_deployment])[0]
        self.retain = sent.get("AutoDeployment.RetainStacksOnAccountRemoval", [self.retain])[0]
        self.managed = sent.get("ManagedExecution.Active", [self.managed])[0]

    def shown(self, text: str) -> str:
        """Return moto's response with the missing properties."""
        text = re.sub("<ManagedExecution>.*?</ManagedExecution>", "", text, flags=re.DOTALL)
        more = (
            f"<ManagedExecution><Active>{self.managed}</Active></ManagedExecution>"
            f"<AutoDeployment><Enabled>{self.auto_deployment}</Enabled>"
            f"<RetainStacksOnAccountRemoval>{self.retain}</RetainStacksOnAccountRemoval></AutoDeployment>"
            f"<OrganizationalUnitIds>{_members(self.units)}</OrganizationalUnitIds>"
            f"<Regions>{_members(self.regions if self.units else [])}</Regions>"
        )
        return text.replace("</StackSet>", f"{more}</StackSet>")


class StackSets:
    """All StackSets, by name."""

    def __init__(self) -> None:
        self.stacksets: dict[str, StackSet] = {}

    async def act(
        self, operation: str, body: bytes, forward: Forward, below: Callable[[str], Awaitable[list[str]]]
    ) -> web.Response:
        """Forward a call to moto and return the response as AWS would; `below` returns the accounts of a unit."""
        sent = _sent(body)
        name = sent.get("StackSetName", [""])[0]
        units = sent.get("DeploymentTargets.OrganizationalUnitIds", [])
        if operation == "DeleteStackInstances":
            accounts = [account for unit in units for account in await below(unit)]
            body = _with_accounts(body, accounts)
        response = await forward(body)
        if response.status == 200:
            self._record(operation, name, sent, units)
            if operation == "DescribeStackSet" and isinstance(response.body, bytes):
                response.body = self.stacksets[name].shown(response.body.decode()).encode()
        return response

    def _record(self, operation: str, name: str, sent: dict[str, list[str]], units: list[str]) -> None:
        if operation == "DeleteStackSet":
            self.stacksets.pop(name, None)
            return
        stackset = self.stacksets.setdefault(name, StackSet())
        if operation in ("CreateStackSet", "UpdateStackSet"):
            stackset.settings(sent)
        elif operation == "CreateStackInstances":
            stackset.units = sorted({*stackset.units, *units})
            stackset.regions = sorted({*stackset.regions, *sent.get("Regions", [])})
        elif operation == "DeleteStackInstances":
            stackset.units = sorted(set(stackset.units) - set(units))


async def accounts_below(session: aiohttp.ClientSession, moto: str, management: str, unit: str) -> list[str]:
    """Return the accounts below a unit of moto's organization, at any level."""

    async def list_ids(operation: str, key: str) -> list[str]:
        headers = {
            "X-Amz-Target": f"AWSOrganizationsV20161128.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": "AWS4-HMAC-SHA256 Credential=direct/20260101/us-east-1/organizations/aws4_request",
            "x-moto-account-id": management,
        }
        async with session.post(moto, data=json.dumps({"ParentId": unit}), headers=headers) as answer:
            return [one["Id"] for one in json.loads(await answer.read()).get(key, [])]

    found = await list_ids("ListAccountsForParent", "Accounts")
    for child in await list_ids("ListOrganizationalUnitsForParent", "OrganizationalUnits"):
        found += await accounts_below(session, moto, management, child)
    return found


def _sent(body: bytes) -> dict[str, list[str]]:
    """Return the parameters of a call, lists under their names."""
    sent: dict[str, list[str]] = {}
    for key, value in parse_qsl(body.decode()):
        found = NUMBERED.fullmatch(key)
        sent.setdefault(found[1] if found else key, []).append(value)
    return sent


def _with_accounts(body: bytes, accounts: list[str]) -> bytes:
    pairs = [pair for pair in parse_qsl(body.decode()) if not pair[0].startswith("DeploymentTargets")]
    return urlencode([*pairs, *((f"Accounts.member.{at}", one) for at, one in enumerate(accounts, 1))]).encode()


def _members(values: list[str]) -> str:
    return "".join(f"<member>{value}</member>" for value in values)
