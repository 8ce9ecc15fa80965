# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts of an organization as inventory hosts: their names, groups and variables. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from .organization import ACTIVE, Organization, OrganizationAccount, unique_names

Tag = tuple[str, str]

ALL_ACCOUNTS, INACTIVE_ACCOUNTS = "aws_accounts", "aws_accounts_inactive"
RESERVED_NAMES = ("all", "ungrouped", "localhost", "127.0.0.1", "::1")
_UNSAFE_IN_HOSTS, _UNSAFE_IN_GROUPS = re.compile(r"[^\w.-]+"), re.compile(r"\W")


class HostFormat(NamedTuple):
    """The options for hosts: `units` is "names", "ids" or "none", `group_by` a subset of "state", "ou" and "tag"."""

    prefix: str = "aws_"
    email: bool = False
    units: str = "names"
    group_by: Collection[str] = ("state", "ou", "tag")


class Groups(NamedTuple):
    """The groups of each account by its id, and the parent of each group."""

    of: dict[str, list[str]]
    parents: dict[str, str]


def variables(account: OrganizationAccount, organization: Organization, options: HostFormat) -> dict[str, Any]:
    """Return the host variables of an account."""
    own: dict[str, Any] = {
        "account_name": account.name,
        "account_state": account.state,
        "account_joined": account.joined,
        "management_account": account.is_management,
    }
    if options.email:
        own["account_email"] = account.email
    if account.units and options.units != "none":
        own |= {"ou_ids": list(account.units), "ou_path": _displayed(organization, options).path(account.units)}
    if account.account_id in organization.tags:
        own["account_tags"] = dict(organization.tags[account.account_id])
    if account.state != ACTIVE:
        own["account_reason"] = f"its state is {account.state}"
    return {
        "aws_account_id": account.account_id,
        **{_variable_name(name, options): value for name, value in own.items()},
    }


def _variable_name(name: str, options: HostFormat) -> str:
    """Return the name of a variable: without the prefix of the user where the roles read it."""
    return f"aws_{name}" if name in ("account_name", "account_joined", "ou_path") else f"{options.prefix}{name}"


def free_text_variables(options: HostFormat) -> set[str]:
    """Return the names of the variables with free text from users of AWS, which is untrusted."""
    return {_variable_name(name, options) for name in ("account_name", "account_email", "account_tags", "ou_path")}


def groups(accounts: Collection[OrganizationAccount], organization: Organization, options: HostFormat) -> Groups:
    """Return the groups of the accounts; accounts that are not active are also in a group of their own."""
    chains = {one.units for one in accounts} if "ou" in options.group_by and options.units != "none" else set()
    by_unit = unit_groups(chains, _displayed(organization, options))
    tags = {one.account_id: organization.tags.get(one.account_id, {}) for one in accounts}
    by_tag = tag_groups(tags.values()) if "tag" in options.group_by else {}
    of = {one.account_id: _groups_of(one, tags[one.account_id], by_unit, by_tag, options) for one in accounts}
    parents = {ALL_ACCOUNTS: "", **_unit_parents(chains, by_unit)}
    for names in of.values():
        for name in names:
            parents.setdefault(name, ALL_ACCOUNTS)
    return Groups(of, parents)


def _groups_of(
    account: OrganizationAccount,
    tags: Mapping[str, str],
    by_unit: Mapping[str, str],
    by_tag: Mapping[Tag, str],
    options: HostFormat,
) -> list[str]:
    state = f"state_{_group_name(account.state.lower())}" if "state" in options.group_by else ALL_ACCOUNTS
    found = [state] if account.state == ACTIVE else [state, INACTIVE_ACCOUNTS]
    if by_unit and account.units:
        found.append(by_unit[account.units[-1]])
    if by_tag:
        found += sorted(by_tag[tag] for tag in tags.items())
    return found


def _unit_parents(chains: Iterable[tuple[str, ...]], by_unit: Mapping[str, str]) -> dict[str, str]:
    """Return the group of the unit above by the group of each unit in these chains."""
    return {
        by_unit[unit]: by_unit.get(above, ALL_ACCOUNTS)
        for units in sorted(chains)
        for unit, above in zip(units, ("", *units), strict=False)
    }


def unit_groups(chains: Iterable[tuple[str, ...]], organization: Organization) -> dict[str, str]:
    """Return the group names of all units in these chains: by path, or by id where the names are unknown."""
    names: dict[str, str] = {}
    for chain in chains:
        for depth, unit in enumerate(chain, 1):
            path = organization.names(chain[:depth]).strip("/")
            names[unit] = _group_name(f"ou_{path or 'root'}" if organization.units else unit)
    return unique_names(names, {unit: f"{name}_{_group_name(unit)}" for unit, name in names.items()})


def tag_groups(tags: Iterable[Mapping[str, str]]) -> dict[Tag, str]:
    """Return the group names of all tags; where several would be equal, with a digest of key and value appended."""
    found = {tag for own in tags for tag in own.items()}
    names = {(key, value): _group_name(f"tag_{key}_{value}" if value else f"tag_{key}") for key, value in found}
    return unique_names(names, {tag: f"{name}_{_digest(tag)}" for tag, name in names.items()})


def _digest(tag: Tag) -> str:
    return hashlib.sha256(json.dumps(tag).encode()).hexdigest()[:12]


def host_names(names: Mapping[str, str], existing_groups: Iterable[str]) -> dict[str, str]:
    """Return host names from names by account id: safe in host patterns, unique, and no existing group or localhost.

    Account names may contain any character and need not be unique.
    """
    safe = {key: _UNSAFE_IN_HOSTS.sub("-", text).strip("-.") or key for key, text in names.items()}
    qualified = {key: f"{name}-{key}" for key, name in safe.items()}
    return unique_names(safe, qualified, {*RESERVED_NAMES, *existing_groups, *names})


def _displayed(organization: Organization, options: HostFormat) -> Organization:
    return organization if options.units == "names" else replace(organization, units={})


def _group_name(name: str) -> str:
    return _UNSAFE_IN_GROUPS.sub("_", name)
