# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of an AWS organization: reads options and cache, lists the accounts, adds a host for each."""

from __future__ import annotations

DOCUMENTATION = r"""
name: aws_organization
short_description: Accounts of an AWS organization as hosts
version_added: 1.0.0
description:
  - Lists the accounts of an AWS organization and adds a host for each of them, for the playbooks of this collection.
  - Reads a YAML file whose name ends with C(aws_organization.yml) or C(aws_organization.yaml).
  - Adds only accounts in state V(ACTIVE), unless O(include_inactive=true).
  - All hosts are in the group C(aws_accounts), which sets C(ansible_connection=local) and the Python interpreter of the
    control node. Its child groups are by state such as C(state_active), by organizational unit such as
    C(ou_Workloads_Production), and by tag such as C(tag_env_prod). Characters that are invalid in group names are
    replaced by underscores. Units whose group names would be the same have their ID appended, tags a digest of key and
    value.
  - The host variables are C(aws_account_id), C(aws_account_name), C(aws_account_state), C(aws_account_joined) (a time
    in UTC), C(aws_management_account), C(aws_ou_ids) (from the root down) and C(aws_ou_path), with O(email) also
    C(aws_account_email), and with O(tags) also C(aws_account_tags). Inactive accounts have C(aws_account_reason). Units
    whose C(aws_ou_path) would be the same, such as one named C(a/b) and one named C(b) below C(a), have their ID
    appended.
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
      - Template of the host name, in which the host variables are available. If not set, the host name is the account
        ID.
      - Characters that are invalid in host patterns are replaced by hyphens. If two accounts would have the same name,
        the ID is appended to both.
      - A template takes about a millisecond of CPU time for each account.
    type: str
  hostvars_prefix:
    description:
      - Prefix of the host variables.
      - C(aws_account_id), C(aws_account_name), C(aws_account_joined) and C(aws_ou_path), which the roles read, always
        have the prefix C(aws_).
    type: str
    default: aws_
  include_filters:
    description:
      - Filters for the accounts to include. If empty, every account is included.
      - An account matches a filter if it meets all conditions of the filter.
    type: list
    elements: dict
    default: []
    suboptions: &filter
      id:
        description: Account IDs of 12 digits. Quote them, since YAML reads some IDs as octal numbers.
        type: list
        elements: str
      name:
        description:
          - Patterns such as C(prod-*) for the name of the account, which are case-sensitive.
          - The exact name always matches, even if it contains brackets, asterisks or question marks.
        type: list
        elements: str
      ou:
        description:
          - Organizational units that contain the account, at any depth.
          - IDs such as C(ou-ab12-11111111), or paths such as C(/Workloads/Production). V(/) is the root.
          - An ambiguous path is refused with a message that names the IDs of its units.
        type: list
        elements: str
      tags:
        description:
          - Tags that the account must have, each with a pattern for its value or a list of patterns.
          - The exact value always matches.
        type: dict
      joined_after:
        description: Date, or time in UTC, on or after which the account joined the organization.
        type: str
      joined_before:
        description: Date, or time in UTC, before which the account joined the organization.
        type: str
  exclude_filters:
    description: Filters for the accounts to exclude, even if O(include_filters) matches them.
    type: list
    elements: dict
    default: []
    suboptions: *filter
  include_inactive:
    description: Whether to add accounts in other states than V(ACTIVE), in the group C(aws_accounts_inactive).
    type: bool
    default: false
  include_management_account:
    description:
      - Whether to add the management account of the organization.
      - This account has no C(OrganizationAccountAccessRole). Set this option to V(false), or create a role there,
        unless the source credentials are those of that account, in which no role is assumed then.
    type: bool
    default: true
  organizational_units:
    description:
      - V(names) represents organizational units by their names, which takes one request for each unit.
      - V(ids) represents them by their IDs, which takes no request.
      - V(none) omits them.
      - botocore older than 1.42.80 does not return the path of an account. With such a version the accounts of every
        organizational unit are listed in addition, unless this is V(none).
    type: str
    choices: [names, ids, none]
    default: names
  tags:
    description:
      - Whether to read the tags, which takes one request for each account that the filters include. AWS allows about
        ten of them in a second.
      - Tags are always read if a filter needs them.
    type: bool
    default: false
  email:
    description: Whether to set C(aws_account_email), the e-mail address of the account's owner.
    type: bool
    default: false
  group_by:
    description:
      - Properties to group the hosts by. Groups by tag require O(tags=true), groups by unit O(organizational_units).
    type: list
    elements: str
    choices: [state, ou, tag]
    default: [state, ou, tag]
  assume_role:
    description:
      - ARN of a role to assume for listing the accounts, in the management account or a delegated administrator
        account.
      - If not set, the source credentials are used.
    type: list
    elements: str
  assume_role_session_policy:
    description: This option has no effect here.
    type: bool
notes:
  - The required permissions are C(organizations:ListAccounts); for organizational units C(organizations:ListRoots) and
    C(organizations:ListOrganizationalUnitsForParent), with an old botocore also C(organizations:ListAccountsForParent);
    for tags C(organizations:ListTagsForResource); for helpful error messages C(organizations:DescribeOrganization).
  - AWS lists 20 accounts in a request, so 10,000 accounts take 500 requests.
  - All options of the AWS credentials, and O(hostname), can be templates. Values from AWS or from the cache are never
    rendered as templates.
  - With O(cache=true) the accounts are cached for each caller, as returned by C(sts:GetCallerIdentity), endpoint and
    O(assume_role). That takes one request of about 0.2 seconds. A cache with invalid content is ignored.
  - Ansible continues with a warning if an inventory cannot be read. Set E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) to
    make that an error, or C(sentinel_minimum_accounts) to stop the playbooks of this collection.
  - O(compose), O(groups) and O(keyed_groups) take several times as long as the rest of the inventory.
seealso:
  - module: trailbridge.sentinel.fleet
"""

EXAMPLES = r"""
# accounts.aws_organization.yml: every active account, with the credentials of the environment.
plugin: trailbridge.sentinel.aws_organization

---
# The accounts of production, without sandboxes and new accounts; the list is cached for an hour.
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
# Lists the accounts by a role in the management account, and names the hosts after the accounts.
plugin: trailbridge.sentinel.aws_organization
profile: "{{ lookup('env', 'SECURITY_PROFILE') }}"
assume_role: arn:aws:iam::111111111111:role/ListAccounts
hostname: "{{ aws_account_name }}"
include_management_account: false

---
# Closed and suspended accounts, to be listed by: ansible-inventory -i … --graph aws_accounts_inactive
plugin: trailbridge.sentinel.aws_organization
include_inactive: true
organizational_units: none

---
# Sets the tags of the role for each account from the tags of the account.
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

from ..module_utils._core.cloud.organizations import CacheLookup, ListingOptions, read
from ..module_utils._core.model import account
from ..module_utils._core.model.errors import SentinelError
from ..module_utils._core.model.organization import account_filter
from ..module_utils._core.model.organization import inventory as hosts
from ..module_utils._core.model.organization.account_filter import AccountFilter
from ..module_utils._core.model.organization.organization import Organization, OrganizationAccount, from_data, to_data
from ..module_utils._core.model.text import visible
from ..module_utils._core.options import AWS_SPEC
from ..module_utils._core.run.clients import Clients
from ..module_utils._core.run.unexpected import unexpected_error
from ..plugin_utils.console import TaskConsole

SUFFIXES = ("aws_organization.yml", "aws_organization.yaml")
_PLUGIN = re.compile(r"^plugin:\s*[\"']?trailbridge\.sentinel\.aws_organization\b", re.MULTILINE)
_SAFE = re.compile("[A-Za-z0-9_:. -]*")
_GROUP_VARS = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


def _names_this_plugin(path: str) -> bool:
    """Whether the file has this plugin as its `plugin`; Ansible asks every enabled plugin about every file."""
    try:
        return _PLUGIN.search(Path(path).read_text(encoding="utf-8")) is not None
    except (OSError, ValueError):
        return False


class _CachedOrganization:
    """A listing in Ansible's cache, under a key of its own for each caller. Without `reads` it is only written."""

    def __init__(self, cache: MutableMapping[str, Any], key: str, *, reads: bool) -> None:
        self._cache = cache
        self._key = key
        self._reads = reads
        self.value: Organization | None = None

    def load(self, caller_arn: str) -> Organization | None:
        """Return the listing of this caller; None if there is none, or none that can be read."""
        self._key += f"_{hashlib.sha256(caller_arn.encode()).hexdigest()[:16]}"
        try:
            self.value = from_data(self._cache.get(self._key)) if self._reads else None
        except Exception:  # noqa: BLE001 a cache plugin may raise anything for a damaged file; it is read from AWS then
            self.value = None
        return self.value

    def store(self, organization: Organization) -> None:
        """Write a listing to the cache."""
        self._cache[self._key] = to_data(organization)


def _status(elapsed: float) -> str:
    return f"{elapsed:.0f} s: still listing the accounts of the organization."


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Accounts as hosts."""

    NAME = "trailbridge.sentinel.aws_organization"

    def verify_file(self, path: str) -> bool:
        """Whether a file is for this plugin, by its name."""
        readable: Callable[[str], bool] = super().verify_file
        if path.endswith(SUFFIXES) or not readable(path):
            return path.endswith(SUFFIXES) and readable(path)
        if _names_this_plugin(path):
            raise AnsibleParserError(
                f"Cannot read the inventory {Path(path).name}: the name of a file for {self.NAME} must end with "
                f"{' or '.join(SUFFIXES)}, such as accounts.{SUFFIXES[0]}. Rename the file."
            )
        return False

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Fill the inventory; raises AnsibleParserError before the first host, or for an expression with `strict`."""
        super().parse(inventory, loader, path, cache)
        read_config: Callable[[str], Mapping[str, Any]] = self._read_config_data
        config = read_config(path)
        try:
            self._check_names(config)
            spec = self._account_filter()
            # Stdout may be the inventory itself.
            with TaskConsole(self.display, on_stderr=True).reporting(_status):
                organization = self._organization(path, spec, cache=cache)
            accounts, excluded = account_filter.select_accounts(organization, spec)
            for account_id, reason in excluded.items():
                self.display.vvv(f"Account {account_id} is excluded: {reason}.")
            self._add_hosts(inventory, accounts, organization)
        except SentinelError as error:
            raise AnsibleParserError(str(error)) from None
        except AnsibleError:
            raise
        except Exception as error:  # noqa: BLE001 it is raised as an error that can be reported
            bug = unexpected_error(f"read the inventory {Path(path).name}", error)
            self.display.vvv(visible(bug.traceback))
            raise AnsibleParserError(str(bug)) from None

    def _option(self, name: str) -> Any:
        get: Callable[[str], Any] = self.get_option
        return get(name)

    def _check_names(self, config: Mapping[str, Any]) -> None:
        """Raise bad_input for an unknown option: a misspelt filter would include every account."""
        definitions = self.option_definitions
        names = set(definitions).union(*(option.get("aliases") or [] for option in definitions.values()))
        if unknown := sorted(map(str, config.keys() - names)):
            raise SentinelError("bad_input", f"Cannot use {', '.join(unknown)} of the inventory: unknown option.")

    def _account_filter(self) -> AccountFilter:
        return AccountFilter(
            account_filter.parse("include_filters", self._option("include_filters")),
            account_filter.parse("exclude_filters", self._option("exclude_filters")),
            inactive=self._option("include_inactive"),
            management=self._option("include_management_account"),
        )

    def _connection_account(self, path: str) -> account.Account:
        """Return an account with the options of AWS alone, rendered."""
        self.templar.available_variables = self._vars or {}
        given = {name: self._rendered(name) for name in AWS_SPEC}
        return account.parse(given, f"the inventory {Path(path).name}", names="short")

    def _rendered(self, name: str) -> Any:
        try:
            return self.templar.template(self._option(name))
        except AnsibleError as error:
            cause = "its template fails" if AWS_SPEC[name].get("no_log") else str(error)
            raise SentinelError("bad_input", f"Cannot use {name} of the inventory: {cause}.") from None

    def _organization(self, path: str, spec: AccountFilter, *, cache: bool) -> Organization:
        """Return the organization from the cache; AWS is read for whatever the cache lacks."""
        uses_cache, units = self._option("cache"), self._option("organizational_units")
        tags = self._option("tags")

        def accounts_with_tags(organization: Organization) -> list[str]:
            if not (tags or spec.by_tags):
                return []
            return [one.account_id for one in account_filter.select_accounts(organization, spec.ignoring_tags())[0]]

        paths = any(unit.startswith("/") for unit in spec.units)
        options = ListingOptions(
            parents=units != "none" or bool(spec.units), unit_names=units == "names" or paths, tagged=accounts_with_tags
        )
        connection = self._connection_account(path)
        if not uses_cache:
            return asyncio.run(_read(connection, options))
        cached = _CachedOrganization(self._cache, self.get_cache_key(path), reads=cache)
        organization = asyncio.run(_read(connection, options, cached.load))
        if organization is not cached.value:
            cached.store(organization)
        return organization

    def _add_hosts(
        self, inventory: InventoryData, accounts: list[OrganizationAccount], organization: Organization
    ) -> None:
        options = ("hostvars_prefix", "email", "organizational_units", "group_by")
        shape = hosts.HostFormat(*map(self._option, options))
        variables = {one.account_id: _host_variables(one, organization, shape) for one in accounts}
        groups = hosts.groups(accounts, organization, shape)
        names = hosts.host_names(self._requested_names(variables), groups.parents)
        _add_groups(inventory, groups.parents)
        for account_id, own in variables.items():
            name = inventory.add_host(names[account_id])
            for key, value in own.items():
                inventory.set_variable(name, key, value)
            for group in groups.of[account_id]:
                inventory.add_child(group, name)
        self._construct({names[account_id]: own for account_id, own in variables.items()})

    def _requested_names(self, variables: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        template = self._option("hostname")
        if not template:
            return {account_id: account_id for account_id in variables}
        requested = {}
        for account_id, own in variables.items():
            self.templar.available_variables = {**own, **(self._vars or {})}
            try:
                requested[account_id] = str(self.templar.template(template))
            except AnsibleError as error:
                raise SentinelError(
                    "bad_input", f"Cannot name the host of account {account_id} by hostname: {error}"
                ) from error
        return requested

    def _construct(self, variables: Mapping[str, dict[str, Any]]) -> None:
        """Apply the options of `constructed`, only if they are given: they are slow."""
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
            for step, expression in steps:
                step(expression, own, host, strict=strict)


async def _read(
    connection: account.Account, options: ListingOptions, cached: CacheLookup | None = None
) -> Organization:
    with Clients([connection]) as clients:
        return await read(await clients.aws(connection), connection.assume_role, options, cached)


def _host_variables(one: OrganizationAccount, organization: Organization, shape: hosts.HostFormat) -> dict[str, Any]:
    """Return the host variables. Text that people wrote stays untrusted, so Ansible never renders it as a template."""
    free_text = hosts.free_text_variables(shape)
    own = hosts.variables(one, organization, shape)
    return {key: value if key in free_text else _trusted(value) for key, value in own.items()}


def _trusted(value: Any) -> Any:
    """Trust strings of letters, digits and a few signs, such as ids, states and times: they cannot be templates."""
    if isinstance(value, list):
        return [_trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) and _SAFE.fullmatch(value) else value


def _add_groups(inventory: InventoryData, parents: Mapping[str, str]) -> None:
    for group in parents:
        inventory.add_group(group)
    for group, parent in parents.items():
        if parent:
            inventory.add_child(parent, group)
    for key, value in _GROUP_VARS.items():
        inventory.set_variable(hosts.ALL_ACCOUNTS, key, trust_as_template(value))
