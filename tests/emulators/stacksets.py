# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudFormation StackSets where moto falls short: it forgets their units and settings, and deletes no stacks by unit.

moto keeps the StackSets and makes the roles. What it does not make of a role is the managed policies; and where stacks
are to be retained, it deletes them all the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

import aiohttp
from aiohttp import web

Ask = Callable[[bytes], Awaitable[web.Response]]
NUMBERED = re.compile(r"(.+)\.member\.\d+")


@dataclass
class StackSet:
    """What moto does not keep of one."""

    auto_deployment: str = "false"
    retain: str = "false"
    managed: str = "false"
    units: list[str] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)

    def settings(self, sent: dict[str, list[str]]) -> None:
        """Take over what a call sets."""
        self.auto_deployment = sent.get("AutoDeployment.Enabled", [self.auto_deployment])[0]
        self.retain = sent.get("AutoDeployment.RetainStacksOnAccountRemoval", [self.retain])[0]
        self.managed = sent.get("ManagedExecution.Active", [self.managed])[0]

    def shown(self, text: str) -> str:
        """Return moto's answer with what it lacks."""
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
        self.known: dict[str, StackSet] = {}

    async def act(
        self, operation: str, body: bytes, ask: Ask, below: Callable[[str], Awaitable[list[str]]]
    ) -> web.Response:
        """Have moto do it by `ask`, and return its answer as AWS would give it; `below` tells a unit's accounts."""
        sent = _sent(body)
        name = sent.get("StackSetName", [""])[0]
        units = sent.get("DeploymentTargets.OrganizationalUnitIds", [])
        if operation == "DeleteStackInstances":
            accounts = [account for unit in units for account in await below(unit)]
            body = _with_accounts(body, accounts)
        response = await ask(body)
        if response.status == 200:
            self._learn(operation, name, sent, units)
            if operation == "DescribeStackSet" and isinstance(response.body, bytes):
                response.body = self.known[name].shown(response.body.decode()).encode()
        return response

    def _learn(self, operation: str, name: str, sent: dict[str, list[str]], units: list[str]) -> None:
        if operation == "DeleteStackSet":
            self.known.pop(name, None)
            return
        stackset = self.known.setdefault(name, StackSet())
        if operation in ("CreateStackSet", "UpdateStackSet"):
            stackset.settings(sent)
        elif operation == "CreateStackInstances":
            stackset.units = sorted({*stackset.units, *units})
            stackset.regions = sorted({*stackset.regions, *sent.get("Regions", [])})
        elif operation == "DeleteStackInstances":
            stackset.units = sorted(set(stackset.units) - set(units))


async def accounts_below(session: aiohttp.ClientSession, moto: str, management: str, unit: str) -> list[str]:
    """Return the accounts in a unit of moto's organization and in those below it."""

    async def asked(operation: str, key: str) -> list[str]:
        headers = {
            "X-Amz-Target": f"AWSOrganizationsV20161128.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": "AWS4-HMAC-SHA256 Credential=direct/20260101/us-east-1/organizations/aws4_request",
            "x-moto-account-id": management,
        }
        async with session.post(moto, data=json.dumps({"ParentId": unit}), headers=headers) as answer:
            return [one["Id"] for one in json.loads(await answer.read()).get(key, [])]

    found = await asked("ListAccountsForParent", "Accounts")
    for child in await asked("ListOrganizationalUnitsForParent", "OrganizationalUnits"):
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
