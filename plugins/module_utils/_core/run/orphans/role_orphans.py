# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orphans in active accounts: connectors whose role does not exist, and roles that no connector reads.

A role that cannot be read does not count as missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ...cloud import iam, request_log
from ...model.account import Account
from ...model.connector import connector as connectors
from ...model.connector.connector import Connector, Connectors, ConnectorSpec
from ...model.errors import SentinelError
from ...model.policy import policy as policies
from ...model.role.permissions import policy_for
from ...model.validation import RULES
from ..account import AccountTimeout, Context
from ..preflight import Preflight
from .orphans import Orphan, Orphans

if TYPE_CHECKING:
    from ...cloud.sentinel import Sentinel
    from ...cloud.service import ServiceClient


class Interruptible(Protocol):
    """Has the reason why the run was interrupted, if it was."""

    @property
    def interrupted(self) -> object: ...


class _ConnectedRoles(NamedTuple):
    """The roles that connectors of any kind read in the workspaces of the run, and the ids of these workspaces.

    It is not `complete` if a workspace could not be listed; then no role can be called unconnected.
    """

    arns: frozenset[str]
    workspace_ids: frozenset[str]
    complete: bool


async def find_in_accounts(
    accounts: Iterable[Account],
    clients: Preflight,
    run: Interruptible,
    *,
    absent: bool,
    find_unconnected_roles: bool,
) -> Orphans:
    """Return the connectors of these accounts whose role does not exist, and on request the roles without connector.

    Errors of an account are left to the work in that account, except for a denied listing of its roles ("unknown").
    """
    orphans = Orphans()
    connected = await _connected_roles(orphans, clients) if find_unconnected_roles else None

    async def search(account: Account) -> list[Orphan]:
        request_log.current_account.set(account.account_id)
        try:
            context = await clients.context(account, check_mode=True)
            account, sentinel = await context.ready(account)
        except SentinelError:
            return []
        spec = ConnectorSpec(account.role_spec.arn, sentinel.id, account.role_spec.workspace_id)
        others = connectors.readers_of_other_roles(spec, await sentinel.connectors(account.account_id), absent=absent)
        if not others and connected is None:
            return []
        async with context.slots:
            if run.interrupted:
                return []
            if connected is None:
                return await _search_each_role(account, sentinel, others, context)
            return await _search_all_roles(account, sentinel, others, connected, context)

    found = await asyncio.gather(*map(search, accounts))
    orphans += sorted((one for some in found for one in some), key=lambda one: (one.sentinel.name, one.role_arn))
    return orphans


async def _connected_roles(orphans: Orphans, clients: Preflight) -> _ConnectedRoles:
    """Return the connected roles; workspaces that cannot be listed are noted in `orphans`."""
    orphans.unlisted |= clients.unusable
    arns: set[str] = set()
    for sentinel in clients.sentinels:
        with orphans.note_unlisted(sentinel):
            arns |= await sentinel.connected_role_arns()
    return _ConnectedRoles(frozenset(arns), frozenset(clients.workspace_ids), not orphans.unlisted)


async def _iam_reader(account: Account, role_name: str | None, context: Context) -> ServiceClient:
    policy = policy_for(account.account_id, role_name, "read")
    keys = await context.aws.assume_role_in(account.account_id, account.assume_role, policy)
    return context.aws.service("iam").client(keys)


async def _search_each_role(account: Account, sentinel: Sentinel, others: Connectors, context: Context) -> list[Orphan]:
    """Read the role of each connector: the session policy of a usual run does not allow to list roles."""
    orphans = []
    for connector in others:
        with suppress(SentinelError):
            if RULES["role_arn"].holds(connector.role_arn) and await _is_role_missing(account, connector, context):
                orphans.append(_connector_without_role(account, sentinel, connector, context))
    return orphans


def _connector_without_role(account: Account, sentinel: Sentinel, connector: Connector, context: Context) -> Orphan:
    check = partial(_is_role_missing, account, connector, context)
    return Orphan(sentinel, connector, "no_role", is_role_missing=check)


async def _is_role_missing(account: Account, connector: Connector, context: Context) -> bool:
    name = connector.role_arn.rpartition("/")[2]
    async with AccountTimeout(account):
        caller = await _iam_reader(account, name, context)
        return await iam.find_role_arn(caller, account.account_id, name) != connector.role_arn


async def _search_all_roles(
    account: Account, sentinel: Sentinel, others: Connectors, connected: _ConnectedRoles, context: Context
) -> list[Orphan]:
    """List all roles of the account, in a session that may do so."""
    try:
        caller = await _iam_reader(account, None, context)
    except SentinelError:
        return []
    try:
        async with AccountTimeout(account):
            list_trust_policies = await iam.list_trust_policies(caller, account.account_id)
    except SentinelError as error:
        return [Orphan(sentinel, None, "unknown", error=str(error), role=account.role_spec.arn, host=account.host)]
    missing = [one for one in others if one.role_arn not in list_trust_policies]
    unconnected = _unconnected(account, list_trust_policies, connected) if connected.complete else []
    return [
        *(_connector_without_role(account, sentinel, one, context) for one in missing),
        *(Orphan(sentinel, None, "no_connector", role=arn) for arn in unconnected),
    ]


def _unconnected(account: Account, trusts: Mapping[str, Any], connected: _ConnectedRoles) -> list[str]:
    """Return the ARNs of roles that trust Microsoft, for a workspace of this run or any, and that no connector reads.

    `trusts` has the trust policies by ARN.
    """
    microsoft, own = account.role_spec.microsoft_account_id, f"/{account.role_spec.name}".lower()
    return [
        arn
        for arn, document in trusts.items()
        if arn not in connected.arns
        and not arn.lower().endswith(own)
        and policies.admits(document, microsoft, connected.workspace_ids)
    ]
