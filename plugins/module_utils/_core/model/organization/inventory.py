# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts of an organization as hosts: their names, groups and variables. Pure."""

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
    """What hosts look like: `units` is "names", "ids" or "none", `group_by` has some of "state", "ou" and "tag"."""

    prefix: str = "aws_"
    email: bool = False
    units: str = "names"
    group_by: Collection[str] = ("state", "ou", "tag")


class Groups(NamedTuple):
    """The groups of each account by its id, and the parent of each group."""

    of: dict[str, list[str]]
    parents: dict[str, str]


def variables(account: OrganizationAccount, organization: Organization, shape: HostFormat) -> dict[str, Any]:
    """Return the host variables of an account."""
    own: dict[str, Any] = {
        "account_name": account.name,
        "account_state": account.state,
        "account_joined": account.joined,
        "management_account": account.is_management,
    }
    if shape.email:
        own["account_email"] = account.email
    if account.units and shape.units != "none":
        own |= {"ou_ids": list(account.units), "ou_path": _displayed(organization, shape).path(account.units)}
    if account.account_id in organization.tags:
        own["account_tags"] = dict(organization.tags[account.account_id])
    if account.state != ACTIVE:
        own["account_reason"] = f"its state is {account.state}"
    return {"aws_account_id": account.account_id, **{_variable_name(name, shape): value for name, value in own.items()}}


def _variable_name(name: str, shape: HostFormat) -> str:
    """Return the variable of that name: what the roles read is called the same everywhere."""
    return f"aws_{name}" if name in ("account_joined", "ou_path") else f"{shape.prefix}{name}"


def free_text_variables(shape: HostFormat) -> set[str]:
    """Return the names of the variables whose values hold any text; of the others AWS decides."""
    return {_variable_name(name, shape) for name in ("account_name", "account_email", "account_tags", "ou_path")}


def groups(accounts: Collection[OrganizationAccount], organization: Organization, shape: HostFormat) -> Groups:
    """Group the accounts; what is not at work is in a group of its own as well."""
    parents = {ALL_ACCOUNTS: ""}
    chains = {one.units for one in accounts} if "ou" in shape.group_by and shape.units != "none" else set()
    by_unit = unit_groups(chains, _displayed(organization, shape))
    for units in sorted(chains):
        for unit, above in zip(units, ("", *units), strict=False):
            parents[by_unit[unit]] = by_unit.get(above, ALL_ACCOUNTS)
    own_tags = [organization.tags.get(one.account_id, {}) for one in accounts]
    by_tag = tag_groups(own_tags) if "tag" in shape.group_by else {}
    of = {}
    for one in accounts:
        state = f"state_{_group_name(one.state.lower())}" if "state" in shape.group_by else ALL_ACCOUNTS
        found = [state] if one.state == ACTIVE else [state, INACTIVE_ACCOUNTS]
        if by_unit and one.units:
            found.append(by_unit[one.units[-1]])
        found += sorted(by_tag[tag] for tag in organization.tags.get(one.account_id, {}).items() if by_tag)
        for name in found:
            parents.setdefault(name, ALL_ACCOUNTS)
        of[one.account_id] = found
    return Groups(of, parents)


def unit_groups(chains: Iterable[tuple[str, ...]], organization: Organization) -> dict[str, str]:
    """Name the groups of all units in these chains: by their path, or by their ids where names are not known."""
    wanted: dict[str, str] = {}
    for chain in chains:
        for depth, unit in enumerate(chain, 1):
            path = organization.names(chain[:depth]).strip("/")
            wanted[unit] = _group_name(f"ou_{path or 'root'}" if organization.units else unit)
    return unique_names(wanted, {unit: f"{name}_{_group_name(unit)}" for unit, name in wanted.items()})


def tag_groups(tags: Iterable[Mapping[str, str]]) -> dict[Tag, str]:
    """Name the groups of all tags; those that would share one have a digest of key and value behind it."""
    found = {tag for own in tags for tag in own.items()}
    wanted = {(key, value): _group_name(f"tag_{key}_{value}" if value else f"tag_{key}") for key, value in found}
    return unique_names(wanted, {tag: f"{name}_{_digest(tag)}" for tag, name in wanted.items()})


def _digest(tag: Tag) -> str:
    return hashlib.sha256(json.dumps(tag).encode()).hexdigest()[:12]


def host_names(wanted: Mapping[str, str], groups_there: Iterable[str]) -> dict[str, str]:
    """Turn texts by account id into host names: safe in patterns, all different, none that means something else.

    Names of accounts hold any character, and several may have the same.
    """
    safe = {key: _UNSAFE_IN_HOSTS.sub("-", text).strip("-.") or key for key, text in wanted.items()}
    whole = {key: f"{name}-{key}" for key, name in safe.items()}
    return unique_names(safe, whole, {*RESERVED_NAMES, *groups_there, *wanted})


def _displayed(organization: Organization, shape: HostFormat) -> Organization:
    return organization if shape.units == "names" else replace(organization, units={})


def _group_name(name: str) -> str:
    return _UNSAFE_IN_GROUPS.sub("_", name)
