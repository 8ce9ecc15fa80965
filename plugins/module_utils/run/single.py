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
from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.sentinel import Sentinel
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import value as values
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import workspace as workspaces
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.account import Account, parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import SentinelError
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
    report = Report()
    converge_role(report, account, aws, check_mode=check_mode, absent=params["state"] == "absent")
    return report.result()


def aws_connector(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Run the module `aws_connector`."""
    role_arn = params["role_arn"]
    values.check("", "role_arn", role_arn, "role_arn")
    account = parse(params, "", names="short")
    sentinel = _sentinel(account)
    report = Report()
    converge_connector(
        report,
        sentinel,
        role_arn,
        workspace_id=account.wish.workspace_id or sentinel.workspace().customer_id,
        check_mode=check_mode,
        absent=params["state"] == "absent",
    )
    return report.result()


def workspace_info(params: Mapping[str, Any]) -> dict[str, Any]:
    """Run the module `workspace_info`."""
    sentinel = _sentinel(parse(params, "", names="short"))
    workspace = replace(sentinel.workspace(), onboarded=sentinel.onboarded(), rights=sentinel.rights())
    return {"changed": False, "workspace": workspaces.show(workspace)}


def _sentinel(account: Account) -> Sentinel:
    missing = [name for name in ("subscription_id", "resource_group", "workspace") if not getattr(account, name)]
    if missing:
        raise SentinelError("bad_input", f"Cannot find the workspace: {' and '.join(missing)} not given.")
    return Sentinel(Azure(account.azure), account.subscription_id, account.resource_group, account.workspace)
