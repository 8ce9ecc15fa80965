# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thing at a time, as the single modules want it: their options in, their result out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.azure import Azure
from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.iam import Roles, trusting
from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.sentinel import Sentinel
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import connector as connectors
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import policy
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import role as roles
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import value as values
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import workspace as workspaces
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.account import Account, parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.connector import ConnectorWish
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.role import Role
from ansible_collections.trailbridge.sentinel.plugins.module_utils.run.account import (
    Report,
    converge_connector,
    converge_role,
)


def aws_role(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Run the module `aws_role`."""
    account = parse(params, "", names="short")
    workspace_id = account.wish.workspace_id or _sentinel(account).workspace().customer_id
    aws = Aws(account.aws)
    account = account.at(
        account_id=account.account_id or aws.identity.account_id,
        workspace_id=workspace_id,
        partition=aws.identity.partition,
    )
    absent = params["state"] == "absent"
    with aws.enter(account.account_id, account.entry), Report().kept() as report:
        edge = Roles(aws.iam, account.account_id, account.wish.name, writes=not check_mode, removing=absent)
        converge_role(report, account.wish, edge, check_mode=check_mode, absent=absent)
    return report.result()


def aws_role_info(params: Mapping[str, Any]) -> dict[str, Any]:
    """Run the module `aws_role_info`."""
    account = parse(params, "", names="short")
    workspace_id = account.wish.workspace_id
    if account.workspace and not workspace_id:
        workspace_id = _sentinel(account).workspace().customer_id
    aws = Aws(account.aws)
    account = account.at(
        account_id=account.account_id or aws.identity.account_id,
        workspace_id=workspace_id,
        partition=aws.identity.partition,
    )
    with aws.enter(account.account_id, account.entry):
        found = [
            role
            for name in _names(params["name"], account, aws)
            if (role := Roles(aws.iam, account.account_id, name, writes=False).read())
        ]
    return {"changed": False, "roles": [_inspected(role, account) for role in found]}


def _names(name: str | None, account: Account, aws: Aws) -> list[str]:
    if name:
        return [name]
    microsoft = account.wish.microsoft_account_id
    return trusting(aws.iam, account.account_id, lambda document: policy.trusts(document, microsoft))


def _inspected(role: Role, account: Account) -> dict[str, Any]:
    """Show a role with its findings, measured by the workspace if one is given, else by the ids that it serves."""
    known = roles.served(role) or policy.external_ids(role.trust, account.wish.microsoft_account_id)
    wish = replace(account.wish, name=role.name, workspace_id=account.wish.workspace_id or min(known, default=""))
    if not account.wish.workspace_id:
        wish = replace(wish, external_ids=tuple(known))
    return {**roles.show(role), "findings": [found._asdict() for found in roles.findings(wish, role)]}


def aws_connector(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Run the module `aws_connector`."""
    role_arn = params["role_arn"]
    values.check("", "role_arn", role_arn, "role_arn")
    account = parse(params, "", names="short")
    sentinel = _sentinel(account)
    workspace_id = account.wish.workspace_id or sentinel.workspace().customer_id
    wish = ConnectorWish(role_arn, sentinel.id, workspace_id, account.deduplicate)
    with Report().kept() as report:
        converge_connector(report, wish, sentinel, check_mode=check_mode, absent=params["state"] == "absent")
    return report.result()


def aws_connector_info(params: Mapping[str, Any]) -> dict[str, Any]:
    """Run the module `aws_connector_info`."""
    answers = _sentinel(parse(params, "", names="short")).raw_connectors()
    return {
        "changed": False,
        "connectors": [shown for raw in answers if (shown := connectors.describe(raw))],
        "findings": [found._asdict() for found in connectors.survey(filter(None, map(connectors.parse, answers)))],
    }


def workspace_info(params: Mapping[str, Any]) -> dict[str, Any]:
    """Run the module `workspace_info`."""
    sentinel = _sentinel(parse(params, "", names="short"))
    return {"changed": False, "workspace": workspaces.show(sentinel.whole_workspace())}


def _sentinel(account: Account) -> Sentinel:
    missing = [name for name in ("subscription_id", "resource_group", "workspace") if not getattr(account, name)]
    if missing:
        raise SentinelError("bad_input", f"Cannot find the workspace: {' and '.join(missing)} not given.")
    return Sentinel(Azure(account.azure), account.subscription_id, account.resource_group, account.workspace)
