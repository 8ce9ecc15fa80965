# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Microsoft Sentinel: the workspace, its data connectors, our rights on it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.azure import Azure, cause, explained
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import connector as model
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import workspace as workspaces
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.connector import Connectors
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import (
    ChangedError,
    NotYetError,
    SentinelError,
    cannot,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.value import RULES
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.workspace import Workspace

try:
    from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
    from azure.mgmt.securityinsight import models
except ImportError:  # `cloud.azure.Azure` says so in one sentence
    pass

WORKSPACE_VERSION = "2023-09-01"
PERMISSIONS_VERSION = "2022-04-01"
_TWICE = "two connectors with different names"


class Sentinel:
    """One workspace. Its connectors are listed once; safe for threads."""

    def __init__(self, azure: Azure, subscription_id: str, resource_group: str, name: str) -> None:
        self._azure = azure
        self._client = azure.insights(subscription_id)
        self._at = (resource_group, name)
        self.name = name
        self.id = workspaces.arm_id(subscription_id, resource_group, name)
        self._lock = threading.Lock()
        self._connectors: dict[str, Connectors] | None = None

    def workspace(self) -> Workspace:
        """Read the workspace itself; its `onboarded` and `rights` stay empty."""
        raw = self._azure.get(self.id, WORKSPACE_VERSION, what=f"read workspace {self.name}")
        customer_id = str((raw.get("properties") or {}).get("customerId") or "").lower()
        if not RULES["workspace_id"].holds(customer_id):
            raise SentinelError("transient", f"Cannot use workspace {self.name}: it has no workspace id (yet).")
        return Workspace(self.id, self.name, customer_id, location=str(raw.get("location") or ""))

    def onboarded(self) -> bool:
        """Tell whether Microsoft Sentinel is enabled on the workspace."""
        with explained(f"find out whether Microsoft Sentinel is enabled on workspace {self.name}"):
            try:
                self._client.sentinel_onboarding_states.get(*self._at, "default")
            except ResourceNotFoundError:
                return False
            return True

    def rights(self) -> dict[str, bool]:
        """Tell which rights on data connectors the credential holds: read, write, delete."""
        path = f"{self.id}/providers/Microsoft.Authorization/permissions"
        answer = self._azure.get(path, PERMISSIONS_VERSION, what=f"read our rights on workspace {self.name}")
        return workspaces.rights(answer.get("value") or [])

    def whole_workspace(self) -> Workspace:
        """Read the workspace with whether Sentinel is enabled on it and which rights are held."""
        return replace(self.workspace(), onboarded=self.onboarded(), rights=self.rights())

    def connectors(self, account_id: str) -> Connectors:
        """Return the CloudTrail connectors of an AWS account; the workspace is listed once for all who ask."""
        with self._lock:
            if self._connectors is None:
                self._connectors = _by_account(self.raw_connectors())
            return self._connectors.get(account_id, ())

    def forget(self) -> None:
        """Have the connectors listed anew when they are asked for next."""
        with self._lock:
            self._connectors = None

    def raw_connectors(self) -> list[Mapping[str, Any]]:
        """List the data connectors of every kind, as the API answers."""
        pages: list[str] = []

        def keep(response: Any) -> None:
            if response.http_response.status_code == HTTPStatus.OK:
                pages.append(response.http_response.text())

        what = f"list the data connectors of workspace {self.name}"
        with explained(what):
            for _connector in self._client.data_connectors.list(*self._at, raw_response_hook=keep):
                pass
            return [raw for page in pages for raw in json.loads(page).get("value") or []]

    def apply(self, call: Call, *, role_is_new: bool) -> None:
        """Make one call of a plan. Raises NotYetError or ChangedError where another try can succeed."""
        name = call.args["data_connector_id"]
        what = f"make {call.name} of data connector {name} in workspace {self.name}"
        with explained(what):
            try:
                if call.name == "DataConnectors_Delete":
                    self._client.data_connectors.delete(*self._at, name)
                else:
                    self._put(name, call.args["data_connector"])
            except HttpResponseError as error:
                if flow := _flow(error, call, what, role_is_new):
                    raise flow from error
                raise

    def _put(self, name: str, body: Mapping[str, Any]) -> None:
        properties = body["properties"]
        logs = models.AwsCloudTrailDataConnectorDataTypesLogs(state=properties["dataTypes"]["logs"]["state"])
        connector = models.AwsCloudTrailDataConnector(
            etag=body.get("etag"),
            aws_role_arn=properties["awsRoleArn"],
            data_types=models.AwsCloudTrailDataConnectorDataTypes(logs=logs),
        )
        self._client.data_connectors.create_or_update(*self._at, name, connector)


def _flow(error: HttpResponseError, call: Call, what: str, role_is_new: bool) -> SentinelError | None:
    """Return the error that says how to go on, None where the error says all itself."""
    text = cause(error)
    if error.status_code in (400, 409) and _TWICE in text:
        return cannot("connector_conflict", what, text, ChangedError)
    if error.status_code == 412 or (error.status_code == 409 and "MissingSubscriptionRegistration" not in text):
        return cannot("connector_conflict", what, text, ChangedError)
    role = call.args.get("data_connector", {}).get("properties", {}).get("awsRoleArn", "")
    if role_is_new and error.status_code == 400 and role and role in text:
        return cannot("transient", what, text, NotYetError)
    return None


def _by_account(answers: Iterable[Mapping[str, Any]]) -> dict[str, Connectors]:
    found: dict[str, Connectors] = {}
    for connector in filter(None, map(model.parse, answers)):
        found[connector.account_id] = (*found.get(connector.account_id, ()), connector)
    return found


class ConnectorsOf:
    """The connectors of one role's account in one workspace, as `run.converge` wants them."""

    def __init__(self, sentinel: Sentinel, role_arn: str, *, role_is_new: bool, writes: bool) -> None:
        self._sentinel = sentinel
        self._role_arn = role_arn
        self._role_is_new = role_is_new
        self._writes = writes
        self._reads = 0

    def read(self) -> Connectors:
        """Return the connectors of the account; a second look lists those of the workspace anew."""
        if self._reads:
            self._sentinel.forget()
        self._reads += 1
        return self._sentinel.connectors(model.account_of(self._role_arn))

    def apply(self, call: Call) -> None:
        """Make one call of a plan."""
        if not self._writes:
            raise RuntimeError(f"{call.name} in check mode")
        self._sentinel.apply(call, role_is_new=self._role_is_new)
