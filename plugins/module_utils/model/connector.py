# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CloudTrail data connector of one AWS account in one workspace: which one it is, which calls make it right. Pure.

Source: "Data Connectors - Create Or Update" (Microsoft Sentinel REST API).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.finding import Finding, finding
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.plan import Call

KIND = "AmazonWebServicesCloudTrail"


@dataclass(frozen=True, slots=True)
class Connector:
    """A data connector of the kind AmazonWebServicesCloudTrail."""

    name: str
    role_arn: str
    enabled: bool = True
    etag: str | None = None
    id: str = ""

    @property
    def account_id(self) -> str:
        """The AWS account that the connector reads: 12 digits, or empty if its role ARN is none."""
        return account_of(self.role_arn)


def account_of(arn: str) -> str:
    """Return the account id of an ARN, empty if it is none."""
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 else ""


def parse(raw: Mapping[str, Any]) -> Connector | None:
    """Return the connector of an answer of the API, None for another kind."""
    if raw.get("kind") != KIND:
        return None
    properties = raw.get("properties") or {}
    logs = ((properties.get("dataTypes") or {}).get("logs")) or {}
    return Connector(
        name=str(raw.get("name") or ""),
        role_arn=str(properties.get("awsRoleArn") or ""),
        enabled=str(logs.get("state")).lower() == "enabled",
        etag=raw.get("etag"),
        id=str(raw.get("id") or ""),
    )


def new_name(workspace_id: str, account_id: str) -> str:
    """Return the name of a connector that we create: the same for every run and every operator."""
    return str(uuid.uuid5(uuid.UUID(workspace_id), f"{KIND}/{account_id}"))


def choose(connectors: Iterable[Connector], role_arn: str) -> Connector | None:
    """Return the connector that serves the role: the same ARN, else the same AWS account; enabled before disabled."""
    account = account_of(role_arn)
    found = [connector for connector in connectors if connector.account_id == account]
    return min(found, key=lambda item: (item.role_arn != role_arn, not item.enabled, item.name), default=None)


def overlay(role_arn: str, have: Connector | None, *, workspace: str, workspace_id: str) -> Connector:
    """Return the connector that shall be: the one that is there, enabled and with this role, else a new one.

    `workspace` is the ARM id of the workspace, `workspace_id` its customer id (GUID).
    """
    name = have.name if have else new_name(workspace_id, account_of(role_arn))
    return Connector(
        name=name,
        role_arn=role_arn,
        enabled=True,
        etag=have.etag if have else None,
        id=have.id if have else f"{workspace}/providers/Microsoft.SecurityInsights/dataConnectors/{name}",
    )


def plan(have: Connector | None, want: Connector | None) -> list[Call]:
    """List the calls that turn one connector into the other; nothing to do is an empty list."""
    if have == want:
        return []
    if want is None:
        return [Call("DataConnectors_Delete", {"data_connector_id": have.name})] if have else []
    body: dict[str, Any] = {
        "kind": KIND,
        "properties": {
            "awsRoleArn": want.role_arn,
            "dataTypes": {"logs": {"state": "Enabled" if want.enabled else "Disabled"}},
        },
    }
    if have and have.etag:
        body["etag"] = have.etag
    return [Call("DataConnectors_CreateOrUpdate", {"data_connector_id": want.name, "data_connector": body})]


def findings(have: Connector | None, role_arn: str) -> list[Finding]:
    """Say what is wrong with the connector that is there, or that none is."""
    if have is None:
        return [finding("connector_missing", f"No data connector reads role {role_arn}.")]
    found = []
    if have.role_arn != role_arn:
        found.append(finding("connector_stale", f"Data connector {have.name} reads {have.role_arn}, not {role_arn}."))
    if not have.enabled:
        found.append(finding("connector_disabled", f"Data connector {have.name} is disabled."))
    return found


def show(connector: Connector | None) -> dict[str, Any]:
    """Return the connector as it appears in results; {} for none."""
    if connector is None:
        return {}
    return {
        "id": connector.id,
        "name": connector.name,
        "kind": KIND,
        "role_arn": connector.role_arn,
        "state": "Enabled" if connector.enabled else "Disabled",
    }
