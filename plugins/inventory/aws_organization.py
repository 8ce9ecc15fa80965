# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of an AWS organization: reads the options and the cache, has accounts listed, makes hosts of them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: aws_organization
short_description: Accounts of an AWS organization as hosts
version_added: 1.0.0
description:
  - Lists the accounts of an AWS organization, one host for each, for the playbooks of this collection.
  - Reads a YAML file whose name ends with C(aws_organization.yml) or C(aws_organization.yaml).
  - Only accounts in state V(ACTIVE) are hosts, unless O(include_inactive=true).
  - All hosts are in the group C(aws_accounts), which sets C(ansible_connection=local) and the Python of the controller.
    Below it are groups by state such as C(state_active), by organizational unit such as C(ou_Workloads_Production), and
    by tag such as C(tag_env_prod). Characters that names of groups cannot have become underscores. Units that would
    share a group by that have their ids behind the name, tags a digest of key and value, so that no two are one group.
  - Host variables are C(aws_account_id), C(aws_account_name), C(aws_account_state), C(aws_account_joined) (a time in
    UTC), C(aws_management_account), C(aws_ou_ids) (from the root down), C(aws_ou_path), and if asked for
    C(aws_account_email) and C(aws_account_tags). Accounts that are not active have C(aws_account_reason). Of two units
    with the same C(aws_ou_path), such as one that is called C(a/b) and one that is called C(b) below C(a), both have
    their id behind it.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.aws
  - constructed
  - inventory_cache
options:
  plugin:
    description: Name of this plugin.
    type: str
    required: true
    choices: [trailbridge.sentinel.aws_organization]
  hostname:
    description:
      - Template of the host name, with the host variables to choose from. The account id when not given.
      - Characters that host patterns cannot have become hyphens. Where two accounts would have the same name, both have
        their id behind it.
      - A template costs about a millisecond of CPU for each account.
    type: str
  hostvars_prefix:
    description:
      - What the names of host variables start with.
      - C(aws_account_id), C(aws_account_joined) and C(aws_ou_path), which the roles read, keep their names.
    type: str
    default: aws_
  include_filters:
    description:
      - The accounts to have. Every account when empty.
      - An account is meant if it meets all conditions of one of the filters.
    type: list
    elements: dict
    default: []
    suboptions: &filter
      id:
        description: Account ids of 12 digits. Quote them, since YAML reads some as octal numbers.
        type: list
        elements: str
      name:
        description:
          - Patterns such as C(prod-*) for the name of the account, in its upper and lower case.
          - The name itself is always a match, also where it holds brackets, asterisks or question marks.
        type: list
        elements: str
      ou:
        description:
          - Organizational units that the account is in, at any depth.
          - Ids such as C(ou-ab12-11111111), or paths such as C(/Workloads/Production). V(/) is the root.
          - A path that two units have is refused. The message has their ids.
        type: list
        elements: str
      tags:
        description:
          - Tags that the account has, all of them; each with a pattern for its value or a list of patterns.
          - The value itself is always a match.
        type: dict
      joined_after:
        description: A day, or a time in UTC, on or after which the account joined the organization.
        type: str
      joined_before:
        description: A day, or a time in UTC, before which the account joined the organization.
        type: str
  exclude_filters:
    description: The accounts not to have, though O(include_filters) has them.
    type: list
    elements: dict
    default: []
    suboptions: *filter
  include_inactive:
    description: Whether accounts in other states than V(ACTIVE) are hosts too, in the group C(aws_accounts_inactive).
    type: bool
    default: false
  include_management_account:
    description:
      - Whether the management account of the organization is a host.
      - It has no C(OrganizationAccountAccessRole). Set this to V(false), or make a role there, unless the run has
        credentials of that account, which it works on without assuming a role.
    type: bool
    default: true
  organizational_units:
    description:
      - V(names) shows organizational units as they are called, for one request for each of them.
      - V(ids) shows them by their ids, for no request.
      - V(none) does not show them.
      - AWS says where an account stands when it lists accounts, but botocore older than 1.42.80 drops that. Then the
        accounts of every organizational unit are listed as well, unless this is V(none).
    type: str
    choices: [names, ids, none]
    default: names
  tags:
    description:
      - Whether tags are read, by one request for each account that the filters leave. AWS allows some ten in a second.
      - Where a filter needs tags, they are read in any case.
    type: bool
    default: false
  email:
    description: Whether hosts have the e-mail address of the account's owner.
    type: bool
    default: false
  group_by:
    description: What to group hosts by. Groups by tag need O(tags=true), groups by unit O(organizational_units).
    type: list
    elements: str
    choices: [state, ou, tag]
    default: [state, ou, tag]
  assume_role:
    description:
      - ARN of a role in the management account, or in a delegated administrator, to list the accounts with.
      - The base credentials list them when not given.
    type: list
    elements: str
  assume_role_session_policy:
    description: Has no effect here. What is read is the same in every case.
    type: bool
notes:
  - The caller needs C(organizations:ListAccounts); for organizational units C(organizations:ListRoots) and
    C(organizations:ListOrganizationalUnitsForParent), with an old botocore C(organizations:ListAccountsForParent); for
    tags C(organizations:ListTagsForResource). A useful error takes C(organizations:DescribeOrganization).
  - Accounts are listed by 20, so 10,000 of them take 500 requests.
  - All options of AWS, and O(hostname), may be templates. What others wrote, in AWS or in the cache, never is one.
  - With O(cache=true) a listing is kept for each caller, as C(sts:GetCallerIdentity) names it, by endpoint and
    O(assume_role). That is one request, in about 0.2 seconds. A cache that holds anything odd is read anew.
  - Ansible goes on with a warning when an inventory cannot be read. E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) makes
    that an error, C(sentinel_minimum_accounts) makes the playbooks of this collection stop.
  - O(compose), O(groups) and O(keyed_groups) cost several times what the rest of the inventory does.
seealso:
  - module: trailbridge.sentinel.fleet
"""

EXAMPLES = r"""
# accounts.aws_organization.yml: every active account, with the credentials of the environment.
plugin: trailbridge.sentinel.aws_organization

---
# Production alone, but for the sandbox in it and what joined today; the listing is kept for an hour.
plugin: trailbridge.sentinel.aws_organization
include_filters:
  - ou: /Workloads/Production
  - tags: {env: [prod, "prod-*"]}
exclude_filters:
  - id: "222222222222"
  - name: sandbox-*
  - joined_after: 2026-11-22
cache: true
cache_plugin: jsonfile
cache_connection: ~/.cache/aws_organization

---
# By a role in the management account; hosts have the name of the account.
plugin: trailbridge.sentinel.aws_organization
profile: "{{ lookup('env', 'SECURITY_PROFILE') }}"
assume_role: arn:aws:iam::111111111111:role/ListAccounts
hostname: "{{ aws_account_name }}"
include_management_account: false

---
# What is closed or suspended, to be looked at: ansible-inventory -i … --graph aws_accounts_inactive
plugin: trailbridge.sentinel.aws_organization
include_inactive: true
organizational_units: none

---
# Another wish for each account by its tags.
plugin: trailbridge.sentinel.aws_organization
tags: true
group_by: [state]
keyed_groups:
  - key: aws_account_tags.owner
    prefix: owner
compose:
  sentinel_role_tags: "{'owner': aws_account_tags.owner}"
"""

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.template import trust_as_template

from ..module_utils._core.cloud.organizations import ListingOptions, read
from ..module_utils._core.model import account
from ..module_utils._core.model.errors import SentinelError
from ..module_utils._core.model.organization import account_filter
from ..module_utils._core.model.organization import inventory as hosts
from ..module_utils._core.model.organization.account_filter import AccountFilter
from ..module_utils._core.model.organization.organization import Account, Organization, from_data, to_data
from ..module_utils._core.options import AWS

SUFFIXES = ("aws_organization.yml", "aws_organization.yaml")
_PLAIN = re.compile("[A-Za-z0-9_:. -]*")
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


class _Kept:
    """A listing in Ansible's cache, under a name of its own for each caller. With `reads` off it is only written."""

    def __init__(self, cache: MutableMapping[str, Any], name: str, *, reads: bool) -> None:
        self._cache = cache
        self._name = name
        self._reads = reads
        self.known: Organization | None = None

    def recall(self, listed_by: str) -> Organization | None:
        """Return what this caller listed; None where nothing is kept, or what nobody wrote there in good faith."""
        self._name += f"_{hashlib.sha256(listed_by.encode()).hexdigest()[:16]}"
        try:
            self.known = from_data(self._cache.get(self._name)) if self._reads else None
        except Exception:  # noqa: BLE001 of Ansible, for whatever else a file may hold: it is read anew
            self.known = None
        return self.known

    def store(self, organization: Organization) -> None:
        """Keep what was read."""
        self._cache[self._name] = to_data(organization)


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Accounts as hosts."""

    NAME = "trailbridge.sentinel.aws_organization"

    def verify_file(self, path: str) -> bool:
        """Tell by its name whether a file is for this plugin."""
        readable: Callable[[str], bool] = super().verify_file
        return path.endswith(SUFFIXES) and readable(path)

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Fill the inventory; raises AnsibleParserError before the first host, or for an expression with `strict`."""
        super().parse(inventory, loader, path, cache)
        read_config: Callable[[str], Mapping[str, Any]] = self._read_config_data
        config = read_config(path)
        try:
            self._check_names(config)
            chosen = self._spec()
            organization = self._organization(path, chosen, cache=cache)
            wanted, out = account_filter.sift(organization, chosen)
            for account_id, reason in out.items():
                self.display.vvv(f"Account {account_id} is no host: {reason}.")
            self._fill(inventory, wanted, organization)
        except SentinelError as error:
            raise AnsibleParserError(str(error)) from None

    # What is asked for

    def _option(self, name: str) -> Any:
        get: Callable[[str], Any] = self.get_option
        return get(name)

    def _check_names(self, config: Mapping[str, Any]) -> None:
        """Raise bad_input for an option that does not exist: a filter with a wrong letter would let everything in."""
        known = self.option_definitions
        names = set(known).union(*(option.get("aliases") or [] for option in known.values()))
        if unknown := sorted(map(str, config.keys() - names)):
            raise SentinelError("bad_input", f"Cannot use {', '.join(unknown)}: the inventory has no such option.")

    def _spec(self) -> AccountFilter:
        return AccountFilter(
            account_filter.parse("include_filters", self._option("include_filters")),
            account_filter.parse("exclude_filters", self._option("exclude_filters")),
            inactive=self._option("include_inactive"),
            management=self._option("include_management_account"),
        )

    def _access(self, path: str) -> account.Account:
        """Return how to get into AWS, with templates filled."""
        self.templar.available_variables = self._vars or {}
        given = {name: self._filled(name) for name in AWS}
        return account.parse(given, f"the inventory {Path(path).name}", names="short")

    def _filled(self, name: str) -> Any:
        try:
            return self.templar.template(self._option(name))
        except AnsibleError as error:
            why = "its template fails" if AWS[name].get("no_log") else str(error)
            raise SentinelError("bad_input", f"Cannot use {name} of the inventory: {why}.") from None

    # What there is

    def _organization(self, path: str, chosen: AccountFilter, *, cache: bool) -> Organization:
        """Return the organization from the cache, with what is missing there read from AWS."""
        keeps, units = self._option("cache"), self._option("organizational_units")
        tags = self._option("tags")

        def tagged(organization: Organization) -> list[str]:
            if not (tags or chosen.by_tags):
                return []
            return [one.account_id for one in account_filter.sift(organization, chosen.whatever_tags())[0]]

        paths = any(unit.startswith("/") for unit in chosen.units)
        order = ListingOptions(
            units != "none" or bool(chosen.units), unit_names=units == "names" or paths, tagged=tagged
        )
        access = self._access(path)
        if not keeps:
            return asyncio.run(read(access.aws, access.assume_role, order))
        kept = _Kept(self._cache, self.get_cache_key(path), reads=cache)
        found = asyncio.run(read(access.aws, access.assume_role, order, kept.recall))
        if found is not kept.known:
            kept.store(found)
        return found

    # What becomes of it

    def _fill(self, inventory: InventoryData, accounts: list[Account], organization: Organization) -> None:
        options = ("hostvars_prefix", "email", "organizational_units", "group_by")
        shape = hosts.Shape(*map(self._option, options))
        variables = {one.account_id: _variables(one, organization, shape) for one in accounts}
        groups = hosts.groups(accounts, organization, shape)
        names = hosts.host_names(self._wanted_names(variables), groups.parents)
        _add_groups(inventory, groups.parents)
        for account_id, own in variables.items():
            name = inventory.add_host(names[account_id])
            for key, value in own.items():
                inventory.set_variable(name, key, value)
            for group in groups.of[account_id]:
                inventory.add_child(group, name)
        self._construct({names[account_id]: own for account_id, own in variables.items()})

    def _wanted_names(self, variables: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        template = self._option("hostname")
        if not template:
            return {account_id: account_id for account_id in variables}
        wanted = {}
        for account_id, own in variables.items():
            self.templar.available_variables = {**own, **(self._vars or {})}
            try:
                wanted[account_id] = str(self.templar.template(template))
            except AnsibleError as error:
                raise SentinelError(
                    "bad_input", f"Cannot name the host of account {account_id} by hostname: {error}"
                ) from error
        return wanted

    def _construct(self, variables: Mapping[str, dict[str, Any]]) -> None:
        """Do what `constructed` offers, for those who ask: it is slow."""
        compose, groups, keyed = (self._option(name) for name in ("compose", "groups", "keyed_groups"))
        if not (compose or groups or keyed):
            return
        strict = self._option("strict")
        steps: list[tuple[Callable[..., None], Any]] = [
            (self._set_composite_vars, compose),
            (self._add_host_to_composed_groups, groups),
            (self._add_host_to_keyed_groups, keyed),
        ]
        for host, own in variables.items():
            for step, asked in steps:
                step(asked, own, host, strict=strict)


def _variables(one: Account, organization: Organization, shape: hosts.Shape) -> dict[str, Any]:
    """Return the host variables. What people wrote stays untrusted: Ansible never takes it for a template."""
    free = hosts.written_by_people(shape)
    own = hosts.variables(one, organization, shape)
    return {key: value if key in free else _trusted(value) for key, value in own.items()}


def _trusted(value: Any) -> Any:
    """Mark what is made of letters, digits and a few signs, as ids, states and times are: it cannot be a template."""
    if isinstance(value, list):
        return [_trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) and _PLAIN.fullmatch(value) else value


def _add_groups(inventory: InventoryData, parents: Mapping[str, str]) -> None:
    for group in parents:
        inventory.add_group(group)
    for group, parent in parents.items():
        if parent:
            inventory.add_child(parent, group)
    for key, value in LOCAL.items():
        inventory.set_variable(hosts.EVERYONE, key, trust_as_template(value))
