# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to AWS Organizations: lists accounts, the tree of organizational units, tags.

Nothing is asked for each account but tags. AWS allows a few requests a second here ("Quotas for AWS Organizations").
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from typing import Any, NamedTuple

from ..model.credentials.credentials import AssumeRole, AwsCredentials
from ..model.errors import SentinelError, cannot
from ..model.organization.organization import Organization, OrganizationAccount, Unit, parse
from .aws import Aws, explained
from .service import Caller

Recall = Callable[[str], "Organization | None"]

PAGE = 20
CONCURRENCY = 4
_LIST = "list the accounts of the AWS organization"


class Order(NamedTuple):
    """What to read beside the accounts: the OU of each, the names of the OUs, the tags of those that `tagged` names."""

    placed: bool = False
    names: bool = False
    tagged: Callable[[Organization], Iterable[str]] = lambda _organization: ()

    def lacks(self, known: Organization) -> bool:
        """Tell whether anything of it is not known yet."""
        return self.lacks_tree(known) or bool(self.lacks_tags(known))

    def lacks_tree(self, known: Organization) -> bool:
        """Tell whether the tree has to be read."""
        return not known.units and (self.names or (self.placed and not known.units_known))

    def lacks_tags(self, known: Organization) -> list[str]:
        """Return the accounts whose tags have to be read."""
        return [one for one in self.tagged(known) if one not in known.tags]


async def read(
    base: AwsCredentials, assume_role: AssumeRole, order: Order, recall: Recall | None = None
) -> Organization:
    """Return the organization, as far as `recall` does not have it already from the same caller at the same place.

    Reads with the base credentials, or as a role that is given by its ARN. Raises SentinelError: wrong_account names
    the management account where the caller's is another that may not list accounts.
    """
    with closing(Aws(base)) as aws:
        known = recall(await _listed_by(aws, assume_role)) if recall else None
        if known and not order.lacks(known):
            return known
        keys = await aws.administer(assume_role)
        call, sts = (aws.service(name).of(keys) for name in ("organizations", "sts"))
        found = known or await listing(call, sts)
        if order.lacks_tree(found):
            found = await _with_tree(call, found)
        if missing := order.lacks_tags(found):
            found = replace(found, tags={**found.tags, **await _tags(call, missing)})
        return found


async def _listed_by(aws: Aws, assume_role: AssumeRole) -> str:
    """Return what decides which organization is listed: who asks whom, and in which role.

    Profiles, files and variables of the environment are only ways to get there. Of a role the name of the session,
    which changes from run to run, does not matter.
    """
    arn = (await aws.identity()).arn
    caller = arn.rpartition("/")[0] if ":assumed-role/" in arn else arn
    return repr(
        (caller, aws.service("sts").url, aws.service("organizations").url, assume_role.roles, assume_role.external_id)
    )


async def listing(call: Caller, sts: Caller) -> Organization:
    """Return every account of the organization, of any state: all pages, or an error."""
    try:
        with explained(_LIST):
            raw = await call.pages("ListAccounts", "Accounts", marker="NextToken", MaxResults=PAGE)
    except SentinelError as error:
        raise await _explained_denial(call, sts, error) from error.__cause__
    with explained(_LIST):
        return Organization({one["Id"]: _account(one) for one in raw})


def _account(raw: dict[str, Any]) -> OrganizationAccount:
    joined = raw.get("JoinedTimestamp")
    return parse(raw, joined.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if joined else "")


async def _explained_denial(call: Caller, sts: Caller, error: SentinelError) -> SentinelError:
    """Return what is said of an error: whom to ask instead, where the caller's account is not the one that may."""
    code = getattr(error.__cause__, "response", {}).get("Error", {}).get("Code")
    no_member = code == "AWSOrganizationsNotInUseException"
    if not no_member and error.kind != "aws_denied":
        return error
    try:
        with explained(_LIST):
            caller = (await sts("GetCallerIdentity"))["Account"]
            organization = {} if no_member else (await call("DescribeOrganization"))["Organization"]
    except SentinelError:
        return error
    if no_member:
        why = f"account {caller} is not a member of one"
        instead = "credentials of the management account or of a delegated administrator, or a static inventory"
        return cannot("wrong_account", _LIST, f"{why}. Use {instead}")
    if organization["MasterAccountId"] == caller:
        return error
    return cannot(
        "wrong_account",
        f"list the accounts of AWS organization {organization['Id']}",
        f"account {caller} is a member that may not, the management account is {organization['MasterAccountId']}. Use "
        "credentials of that one or of a delegated administrator, or assume_role with the ARN of a role there",
    )


async def _with_tree(call: Caller, organization: Organization) -> Organization:
    """Return it with the names of all units, and with the accounts in their places where the listing did not say."""
    units: dict[str, Unit] = {}
    parents: dict[str, str] = {}

    async def descend(parent: str) -> None:
        children = await _pages(call, "ListOrganizationalUnitsForParent", "OrganizationalUnits", parent)
        units.update({one["Id"]: Unit(one["Name"], parent) for one in children})
        found.extend(one["Id"] for one in children)
        if not organization.units_known:
            below = await _pages(call, "ListAccountsForParent", "Accounts", parent)
            parents.update({one["Id"]: parent for one in below})

    with explained("read the organizational units of the AWS organization"):
        roots = await call.pages("ListRoots", "Roots", marker="NextToken", MaxResults=PAGE)
        units.update({root["Id"]: Unit(root["Name"], "") for root in roots})
    level = list(units)
    while level:
        found: list[str] = []
        await _for_each(level, descend)
        level = found
    whole = replace(organization, units=units)
    return whole if organization.units_known else whole.with_units(parents)


async def _pages(call: Caller, operation: str, key: str, parent: str) -> list[Any]:
    with explained(f"read organizational unit {parent}"):
        return await call.pages(operation, key, marker="NextToken", MaxResults=PAGE, ParentId=parent)


async def _tags(call: Caller, account_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    tags: dict[str, dict[str, str]] = {}

    async def ask(account_id: str) -> None:
        with explained(f"read the tags of account {account_id}"):
            found = await call.pages("ListTagsForResource", "Tags", marker="NextToken", ResourceId=account_id)
            tags[account_id] = {tag["Key"]: tag["Value"] for tag in found}

    await _for_each(account_ids, ask)
    return tags


async def _for_each(items: Iterable[str], act: Callable[[str], Awaitable[None]]) -> None:
    """Do it for all, a few at a time; the first error ends it."""
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            await act(item)

    failed: BaseExceptionGroup[BaseException] | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for _number in range(CONCURRENCY):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        failed = errors
    if failed:
        raise failed.exceptions[0]
