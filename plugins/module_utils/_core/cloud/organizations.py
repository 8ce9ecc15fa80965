# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to AWS Organizations: accounts, the tree of organizational units, tags.

Only tags need a request for each account. AWS allows a few requests per second ("Quotas for AWS Organizations").
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC
from typing import Any, NamedTuple

from ..model.credentials.credentials import AssumeRole
from ..model.errors import SentinelError, cannot
from ..model.organization import organization as model
from ..model.organization.organization import Organization, OrganizationAccount, Unit
from .aws import Aws, caller_identity
from .aws_errors import Code, code_of, translate_aws_errors
from .response import parse
from .service import Response, ServiceClient

CacheLookup = Callable[[str], "Organization | None"]

PAGE_SIZE = 20
MAX_CONCURRENT_REQUESTS = 4
_NOT_IN_USE = "AWSOrganizationsNotInUseException"
CODES = (Code(_NOT_IN_USE, "wrong_account"),)
_LIST_ACCOUNTS = "list the accounts of the AWS organization"


class ListingOptions(NamedTuple):
    """What to read besides the accounts: their parent OUs, the names of the OUs, the tags of accounts `tagged`."""

    parents: bool = False
    unit_names: bool = False
    tagged: Callable[[Organization], Iterable[str]] = lambda _organization: ()
    """Returns the ids of the accounts whose tags to read."""

    def is_complete(self, organization: Organization) -> bool:
        """Return whether the organization has all that was asked for."""
        return not self.needs_tree(organization) and not self.accounts_without_tags(organization)

    def needs_tree(self, organization: Organization) -> bool:
        """Return whether the tree of organizational units has to be read."""
        return not organization.units and (self.unit_names or (self.parents and not organization.units_known))

    def accounts_without_tags(self, organization: Organization) -> list[str]:
        """Return the ids of the accounts whose tags have to be read."""
        return [account_id for account_id in self.tagged(organization) if account_id not in organization.tags]


async def read(
    aws: Aws, assume_role: AssumeRole, options: ListingOptions, cached: CacheLookup | None = None
) -> Organization:
    """Return the organization, with the source credentials or a role given by its ARN.

    `cached` returns an organization that was read before by the same caller, or None; only missing parts are read.
    Raises SentinelError; wrong_account names the management account if a member account may not list accounts.
    """
    organization = cached(await _cache_key(aws, assume_role)) if cached else None
    if organization and options.is_complete(organization):
        return organization
    keys = await aws.assume_administrator_role(assume_role)
    client, sts = (aws.service(name).client(keys) for name in ("organizations", "sts"))
    found = organization or await list_accounts(client, sts)
    if options.needs_tree(found):
        found = await _read_tree(client, found)
    if missing := options.accounts_without_tags(found):
        found = replace(found, tags={**found.tags, **await _read_tags(client, missing)})
    return found


async def _cache_key(aws: Aws, assume_role: AssumeRole) -> str:
    """Return a key of the caller identity without session name, the endpoints and the role to assume.

    Two runs with equal keys list the same organization, whatever profile or variables the credentials come from.
    """
    arn = (await aws.identity()).arn
    caller = arn.rpartition("/")[0] if ":assumed-role/" in arn else arn
    return repr(
        (caller, aws.service("sts").url, aws.service("organizations").url, assume_role.roles, assume_role.external_id)
    )


async def list_accounts(client: ServiceClient, sts: ServiceClient) -> Organization:
    """Return the organization with all its accounts, of any state; raises SentinelError."""
    try:
        with translate_aws_errors(_LIST_ACCOUNTS, CODES):
            raw = await client.pages("ListAccounts", "Accounts", cursor="NextToken", MaxResults=PAGE_SIZE)
    except SentinelError as error:
        raise await _listing_error(client, sts, error) from error.__cause__
    with translate_aws_errors(_LIST_ACCOUNTS, CODES):
        return parse(_parse_accounts, raw)


async def organization_id(client: ServiceClient) -> str:
    """Return the id of the organization that the account belongs to; empty if AWS does not allow reading it."""
    try:
        with translate_aws_errors("read the AWS organization", CODES, expired=client.expired):
            return parse(_parse_organization, await client("DescribeOrganization"))[0]
    except SentinelError as error:
        if error.kind in ("aws_denied", "scp_denied", "boundary_denied", "wrong_account"):
            return ""
        raise


def _parse_accounts(raw: Iterable[Mapping[str, Any]]) -> Organization:
    return Organization({account["Id"]: _parse_account(account) for account in raw})


def _parse_account(raw: Mapping[str, Any]) -> OrganizationAccount:
    joined = raw.get("JoinedTimestamp")
    return model.parse(raw, joined.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if joined else "")


async def _listing_error(client: ServiceClient, sts: ServiceClient, error: SentinelError) -> SentinelError:
    """Return the error for a failed listing: wrong_account if another account of the organization may list it."""
    not_a_member = code_of(error) == _NOT_IN_USE
    if not not_a_member and error.kind != "aws_denied":
        return error
    try:
        with translate_aws_errors(_LIST_ACCOUNTS, CODES):
            caller = (await caller_identity(sts)).account_id
            own_id, manager = (
                ("", "") if not_a_member else parse(_parse_organization, await client("DescribeOrganization"))
            )
    except SentinelError:
        return error
    if not_a_member:
        cause = f"account {caller} is not a member of an organization"
        instead = "credentials of the management account or of a delegated administrator, or a static inventory"
        return cannot("wrong_account", _LIST_ACCOUNTS, f"{cause}. Use {instead}")
    if manager == caller:
        return error
    return cannot(
        "wrong_account",
        f"list the accounts of AWS organization {own_id}",
        f"account {caller} is a member account without this permission, the management account is "
        f"{manager}. Use credentials of the management account or of a delegated "
        "administrator, or assume_role with the ARN of a role there",
    )


def _parse_organization(response: Response) -> tuple[str, str]:
    """Return the id of the organization and that of its management account."""
    raw = response["Organization"]
    return raw["Id"], raw["MasterAccountId"]


async def _read_tree(client: ServiceClient, organization: Organization) -> Organization:
    """Return it with all organizational units, and with the parents of accounts if the listing did not return them."""
    units: dict[str, Unit] = {}
    parents: dict[str, str] = {}

    async def descend(parent: str) -> None:
        with translate_aws_errors(f"read organizational unit {parent}", CODES):
            raw = await _pages(client, "ListOrganizationalUnitsForParent", "OrganizationalUnits", parent)
            children = parse(_parse_units, raw, parent)
            units.update(children)
            found.extend(children)
            if not organization.units_known:
                below = await _pages(client, "ListAccountsForParent", "Accounts", parent)
                parents.update(dict.fromkeys(parse(_parse_ids, below), parent))

    with translate_aws_errors("read the organizational units of the AWS organization", CODES):
        roots = await client.pages("ListRoots", "Roots", cursor="NextToken", MaxResults=PAGE_SIZE)
        units.update(parse(_parse_units, roots, ""))
    level = list(units)
    while level:
        found: list[str] = []
        await _for_each(level, descend)
        level = found
    whole = replace(organization, units=units)
    return whole if organization.units_known else whole.with_units(parents)


async def _pages(client: ServiceClient, operation: str, key: str, parent: str) -> list[Any]:
    return await client.pages(operation, key, cursor="NextToken", MaxResults=PAGE_SIZE, ParentId=parent)


def _parse_units(raw: Iterable[Mapping[str, Any]], parent: str) -> dict[str, Unit]:
    return {one["Id"]: Unit(one["Name"], parent) for one in raw}


def _parse_ids(raw: Iterable[Mapping[str, Any]]) -> list[str]:
    return [one["Id"] for one in raw]


async def _read_tags(client: ServiceClient, account_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    tags: dict[str, dict[str, str]] = {}

    async def ask(account_id: str) -> None:
        with translate_aws_errors(f"read the tags of account {account_id}", CODES):
            found = await client.pages("ListTagsForResource", "Tags", cursor="NextToken", ResourceId=account_id)
            tags[account_id] = parse(_parse_tags, found)

    await _for_each(account_ids, ask)
    return tags


def _parse_tags(raw: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in raw}


async def _for_each(items: Iterable[str], act: Callable[[str], Awaitable[None]]) -> None:
    """Await `act` for all items, MAX_CONCURRENT_REQUESTS at a time; raise the first error."""
    slots = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)

    async def work(item: str) -> None:
        async with slots:
            await act(item)

    tasks = [asyncio.ensure_future(work(item)) for item in items]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
