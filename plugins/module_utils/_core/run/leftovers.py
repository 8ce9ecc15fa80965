# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left over in accounts that are at work: connectors whose role is gone, roles that no connector reads.

Unknown is not gone: where a role cannot be read, nothing is said of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..cloud import iam
from ..model.account import Account
from ..model.connector import connector as connectors
from ..model.connector.connector import Connector, Connectors, ConnectorSpec
from ..model.errors import SentinelError
from ..model.policy import policy
from ..model.validation import RULES
from .account import Context, limited
from .clients import Clients
from .orphans import Orphan, Orphans

if TYPE_CHECKING:
    from ..cloud.sentinel import Sentinel
    from ..cloud.service import ServiceClient


class Ending(Protocol):
    """Who knows whether the run ends early."""

    @property
    def interrupted(self) -> object: ...


class Known(NamedTuple):
    """The roles that connectors of any kind read in the workspaces of the run, and the ids of these workspaces.

    Where one of them could not be listed it is not `complete`, and nobody knows which roles no connector reads.
    """

    arns: frozenset[str]
    workspace_ids: frozenset[str]
    complete: bool


async def find(
    orphans: Orphans, accounts: Iterable[Account], clients: Clients, ending: Ending, *, absent: bool, roles: bool
) -> None:
    """Add what is left over in these accounts; roles without a connector only where they are asked for."""
    known = await _known(orphans, clients) if roles else None

    async def look(account: Account) -> list[Orphan]:
        try:
            context = clients.context(account, check_mode=True)
            account, sentinel = await context.ready(account)
        except SentinelError:
            return []  # the work in the account fails as well, and tells
        spec = ConnectorSpec(account.role_spec.arn, sentinel.id, account.role_spec.workspace_id)
        others = connectors.elsewhere(spec, await sentinel.connectors(account.account_id), absent=absent)
        if not others and known is None:
            return []
        async with context.slots:
            if ending.interrupted:
                return []
            if known is None:
                return await _dead(account, sentinel, others, context)
            return await _whole(account, sentinel, others, known, context)

    found = await asyncio.gather(*map(look, accounts))
    orphans += sorted((one for some in found for one in some), key=lambda one: (one.sentinel.name, one.role_arn))


async def _known(orphans: Orphans, clients: Clients) -> Known:
    orphans.unlisted |= clients.unusable
    arns: set[str] = set()
    for sentinel in clients.sentinels:
        with orphans.listing(sentinel):
            arns |= await sentinel.connected_role_arns()
    return Known(frozenset(arns), frozenset(clients.workspace_ids), not orphans.unlisted)


async def _iam(account: Account, name: str | None, context: Context) -> ServiceClient:
    keys = await context.aws.assume_role_in(account.account_id, account.assume_role, name, "read")
    return context.aws.service("iam").client(keys)


async def _dead(account: Account, sentinel: Sentinel, others: Connectors, context: Context) -> list[Orphan]:
    """Look at one role after the other: the usual session allows no more."""
    found = []
    for connector in others:
        with suppress(SentinelError):
            if RULES["role_arn"].holds(connector.role_arn) and await _gone(account, connector, context):
                found.append(_dead_one(account, sentinel, connector, context))
    return found


def _dead_one(account: Account, sentinel: Sentinel, connector: Connector, context: Context) -> Orphan:
    return Orphan(sentinel, connector, "role_gone", gone=partial(_gone, account, connector, context))


async def _gone(account: Account, connector: Connector, context: Context) -> bool:
    """Tell whether the role that a connector reads does not exist."""
    name = connector.role_arn.rpartition("/")[2]
    async with limited(account):
        return (
            await iam.find_role_arn(await _iam(account, name, context), account.account_id, name) != connector.role_arn
        )


async def _whole(
    account: Account, sentinel: Sentinel, others: Connectors, known: Known, context: Context
) -> list[Orphan]:
    """Look at all roles at once, in a session that may."""
    try:
        caller = await _iam(account, None, context)
    except SentinelError:
        return []  # the work in the account fails as well, and tells
    try:
        async with limited(account):
            listed = await iam.list_trust_policies(caller, account.account_id)
    except SentinelError as error:
        return [Orphan(sentinel, None, "unknown", error=str(error), role=account.role_spec.arn, host=account.host)]
    dead = [_dead_one(account, sentinel, one, context) for one in others if one.role_arn not in listed]
    unread = _unread(account, listed, known) if known.complete else []
    return dead + [Orphan(sentinel, None, "no_connector", role=arn) for arn in unread]


def _unread(account: Account, listed: Mapping[str, Any], known: Known) -> list[str]:
    """Return the roles that let Microsoft in, for a workspace of this run or for whomever, and that nobody reads."""
    microsoft, own = account.role_spec.microsoft_account_id, f"/{account.role_spec.name}".lower()
    return [
        arn
        for arn, document in listed.items()
        if arn not in known.arns
        and not arn.lower().endswith(own)
        and policy.admits(document, microsoft, known.workspace_ids)
    ]
