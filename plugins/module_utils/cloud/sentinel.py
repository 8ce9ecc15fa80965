# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Microsoft Sentinel: the workspace, its data connectors, our rights on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import replace
from functools import cached_property
from http import HTTPStatus
from itertools import chain
from typing import Any, TypeVar

from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.azure import (
    Allowance,
    Azure,
    Hook,
    cause,
    explained,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import connector as model
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import workspace as workspaces
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.connector import (
    Connector,
    Connectors,
    ConnectorWish,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import (
    ChangedError,
    NotYetError,
    SentinelError,
    cannot,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.value import RULES
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.workspace import Workspace

with suppress(ImportError):  # `cloud.azure.Azure` says so in one sentence
    from azure.core.exceptions import HttpResponseError

SENTINEL_VERSION = "2021-10-01"
WORKSPACE_VERSION = "2023-09-01"
PERMISSIONS_VERSION = "2022-04-01"
_TWICE = "two connectors with different names"
_UNREGISTERED = "MissingSubscriptionRegistration"

T = TypeVar("T")
Turn = Callable[[], AbstractAsyncContextManager[None]]


class Sentinel:
    """One workspace. Its connectors are listed once for all who ask."""

    def __init__(
        self, azure: Azure, subscription_id: str, resource_group: str, name: str, allowance: Allowance
    ) -> None:
        self._azure = azure
        self._allowance = allowance
        self._subscription_id = subscription_id
        self._at = (resource_group, name)
        self.name = name
        self.id = workspaces.arm_id(subscription_id, resource_group, name)
        self._listing = asyncio.Lock()
        self._connectors: dict[str, Connectors] | None = None
        self._what = f"list the data connectors of workspace {name}"

    @cached_property
    def _operations(self) -> Any:
        return self._azure.insights(self._subscription_id).data_connectors

    async def _get(self, path: str, version: str, what: str) -> dict[str, Any]:
        return await self._azure.get(path, version, what=what, allowance=self._allowance)

    async def workspace(self) -> Workspace:
        """Read the workspace itself; its `onboarded` and `rights` stay empty."""
        what = f"read workspace {self.name}"
        raw = await self._get(self.id, WORKSPACE_VERSION, what)
        with explained(what):
            customer_id = str((raw.get("properties") or {}).get("customerId") or "").lower()
        if not RULES["workspace_id"].holds(customer_id):
            raise SentinelError("transient", f"Cannot use workspace {self.name}: it has no workspace id (yet).")
        return Workspace(self.id, self.name, customer_id, location=str(raw.get("location") or ""))

    async def onboarded(self) -> bool:
        """Tell whether Microsoft Sentinel is enabled on the workspace."""
        path = f"{self.id}/providers/Microsoft.SecurityInsights/onboardingStates/default"
        what = f"find out whether Microsoft Sentinel is enabled on workspace {self.name}"
        try:
            await self._get(path, SENTINEL_VERSION, what)
        except SentinelError as error:
            if getattr(error.__cause__, "status_code", None) == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    async def rights(self) -> dict[str, bool]:
        """Tell which rights on data connectors the credential holds: read, write, delete."""
        path = f"{self.id}/providers/Microsoft.Authorization/permissions"
        what = f"read our rights on workspace {self.name}"
        answer = await self._get(path, PERMISSIONS_VERSION, what)
        with explained(what):
            return workspaces.rights(_listed(answer))

    async def whole_workspace(self) -> Workspace:
        """Read the workspace with whether Sentinel is enabled on it and which rights are held."""
        workspace = await self.workspace()
        onboarded, rights = await asyncio.gather(self.onboarded(), self.rights())
        return replace(workspace, onboarded=onboarded, rights=rights)

    async def connectors(self, *keys: str) -> Connectors:
        """Return the CloudTrail connectors of AWS accounts, or of names; the workspace is listed once for all."""
        async with self._listing:
            if self._connectors is None:
                self._connectors = await self.raw_connectors(_by_account_and_name)
            found = (self._connectors.get(key, ()) for key in keys)
            return tuple(dict.fromkeys(chain.from_iterable(found)))

    async def known_connectors(self) -> list[Connector]:
        """Return the CloudTrail connectors of all AWS accounts."""
        await self.connectors("")
        return list({connector for found in (self._connectors or {}).values() for connector in found})

    def forget(self) -> None:
        """Have the connectors listed anew when they are asked for next."""
        self._connectors = None

    async def raw_connectors(self, read: Callable[[list[Mapping[str, Any]]], T]) -> T:
        """List the data connectors of every kind, as the API answers, and return what `read` makes of them."""
        page: str | None = f"{self.id}/providers/Microsoft.SecurityInsights/dataConnectors"
        seen: set[str] = set()
        found: list[Mapping[str, Any]] = []
        while page:
            if page in seen:
                raise cannot("transient", self._what, "a page names itself as the next one")
            seen.add(page)
            answer = await self._get(page, SENTINEL_VERSION, self._what)
            with explained(self._what):
                found += _resources(answer)
                page = _next(answer)
        with explained(self._what):
            return read(found)

    def connectors_of(self, wish: ConnectorWish, *, writes: bool, visible: Turn | None = None) -> ConnectorsOf:
        """Return the connectors of one role's account, as `run.converge` wants them."""
        return ConnectorsOf(self, wish, writes=writes, visible=visible)

    async def apply(self, call: Call, *, role_is_new: bool) -> None:
        """Make one call of a plan. Raises NotYetError or ChangedError where another try can succeed."""
        name = call.args["data_connector_id"]
        what = f"make {call.name} of data connector {name} in workspace {self.name}"
        deletes = call.name == "DataConnectors_Delete"

        def work(hook: Hook) -> None:
            if deletes:
                self._operations.delete(*self._at, name, raw_response_hook=hook)
            else:
                body = _body(call.args["data_connector"])
                self._operations.create_or_update(*self._at, name, body, raw_response_hook=hook)

        try:
            await self._azure.ask(work, "deletes" if deletes else "writes", what=what, allowance=self._allowance)
        except SentinelError as error:
            cause_of_it = error.__cause__
            if isinstance(cause_of_it, HttpResponseError) and (flow := _flow(cause_of_it, call, what, role_is_new)):
                raise flow from cause_of_it
            raise


def _body(raw: Mapping[str, Any]) -> Any:
    from azure.mgmt.securityinsight import models

    properties = raw["properties"]
    logs = models.AwsCloudTrailDataConnectorDataTypesLogs(state=properties["dataTypes"]["logs"]["state"])
    return models.AwsCloudTrailDataConnector(
        etag=raw.get("etag"),
        aws_role_arn=properties["awsRoleArn"],
        data_types=models.AwsCloudTrailDataConnectorDataTypes(logs=logs),
    )


def _flow(error: HttpResponseError, call: Call, what: str, role_is_new: bool) -> SentinelError | None:
    """Return the error that says how to go on, None where the error says all itself."""
    text = cause(error)
    twice = error.status_code == 400 and _TWICE in text
    if twice or error.status_code == 412 or (error.status_code == 409 and _UNREGISTERED not in text):
        return cannot("connector_conflict", what, text, ChangedError)
    role = call.args.get("data_connector", {}).get("properties", {}).get("awsRoleArn", "")
    if role_is_new and error.status_code == 400 and role and role in text:
        return cannot("transient", what, text, NotYetError)
    return None


def _listed(answer: Mapping[str, Any]) -> list[Any]:
    """Return what a list has. One that is missing, or none, is unknown and not empty; raises TypeError and the like."""
    found = answer["value"]
    if not isinstance(found, list):
        raise TypeError(found)
    return found


def _resources(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = _listed(answer)
    if not all(raw["name"] and isinstance(raw["name"], str) and isinstance(raw["kind"], str) for raw in found):
        raise TypeError(found)
    return found


def _next(answer: Mapping[str, Any]) -> str | None:
    page = answer.get("nextLink") or None
    if not isinstance(page, str | None):
        raise TypeError(page)
    return page


def _by_account_and_name(answers: Iterable[Mapping[str, Any]]) -> dict[str, Connectors]:
    found: dict[str, Connectors] = {}
    for connector in filter(None, map(model.parse, answers)):
        for key in (connector.account_id, connector.name.lower()):
            found[key] = (*found.get(key, ()), connector)
    return found


class ConnectorsOf:
    """The connectors of one role's account in one workspace, as `run.converge` wants them.

    The one under the name that we give is among them whatever account it reads: somebody may have pointed it elsewhere.
    Where the role is new, calls that write wait for their turn by `visible`.
    """

    def __init__(self, sentinel: Sentinel, wish: ConnectorWish, *, writes: bool, visible: Turn | None) -> None:
        self._sentinel = sentinel
        self._keys = model.account_of(wish.role_arn), wish.name
        self._writes = writes
        self._visible = visible
        self._reads = 0

    async def read(self) -> Connectors:
        """Return the connectors of the account; a second look lists those of the workspace anew."""
        if self._reads:
            self._sentinel.forget()
        self._reads += 1
        return await self._sentinel.connectors(*self._keys)

    async def apply(self, call: Call) -> None:
        """Make one call of a plan."""
        if not self._writes:
            raise RuntimeError(f"{call.name} in check mode")
        async with self._visible() if self._visible else nullcontext():
            await self._sentinel.apply(call, role_is_new=self._visible is not None)
