# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Microsoft Sentinel: the workspace, its data connectors, the permissions on them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import replace
from functools import cached_property
from http import HTTPStatus
from itertools import chain
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

from ..model.connector import connector as model
from ..model.connector import workspace as workspaces
from ..model.connector.connector import Connector, Connectors, ConnectorSpec
from ..model.connector.workspace import Workspace
from ..model.errors import ChangedError, NotYetError, OutdatedError, SentinelError, cannot
from ..model.plan import Call
from ..model.validation import RULES
from .arm import Azure, Hook, JsonObject, RateLimit, azure_message, translate_azure_errors
from .response import parse

with suppress(ImportError):  # reported by `cloud.arm.Azure`
    from azure.core.exceptions import HttpResponseError

SENTINEL_VERSION = "2021-10-01"
WORKSPACE_VERSION = "2023-09-01"
PERMISSIONS_VERSION = "2022-04-01"
_DUPLICATE = "two connectors with different names"
# Tries before a conflict with a connector that no listing contains is reported.
MAX_HIDDEN_CONNECTOR_ERRORS = 4
_UNREGISTERED = "MissingSubscriptionRegistration"

T = TypeVar("T")
UntilUsable = Callable[[], AbstractAsyncContextManager[None]]


class Sentinel:
    """One workspace. Its connectors are listed once and cached until `invalidate`."""

    def __init__(
        self, azure: Azure, subscription_id: str, resource_group: str, name: str, rate_limit: RateLimit
    ) -> None:
        self._azure = azure
        self._rate_limit = rate_limit
        self._subscription_id = subscription_id
        self._at = (resource_group, name)
        self.name = name
        self.id = workspaces.arm_id(subscription_id, resource_group, name)
        self.customer_id = ""
        """The workspace id, "" until `workspace` has read it."""
        self._list_lock = asyncio.Lock()
        self._listing: _Listing | None = None
        self._list_action = f"list the data connectors of workspace {name}"

    @cached_property
    def _operations(self) -> Any:
        return self._azure.insights(self._subscription_id).data_connectors

    async def _get(self, path: str, version: str, action: str) -> JsonObject:
        return await self._azure.get(path, version, action=action, rate_limit=self._rate_limit)

    async def workspace(self) -> Workspace:
        """Return the workspace without `onboarded` and `rights`; raises SentinelError."""
        action = f"read workspace {self.name}"
        raw = await self._get(self.id, WORKSPACE_VERSION, action)
        with translate_azure_errors(action):
            customer_id, location = parse(_parse_workspace, raw)
        if not RULES["workspace_id"].holds(customer_id):
            raise SentinelError("transient", f"Cannot use workspace {self.name}: it has no workspace id yet.")
        self.customer_id = customer_id
        return Workspace(self.id, self.name, customer_id, location=location)

    async def onboarded(self) -> bool:
        """Return whether Microsoft Sentinel is enabled on the workspace."""
        path = f"{self.id}/providers/Microsoft.SecurityInsights/onboardingStates/default"
        action = f"check whether Microsoft Sentinel is enabled on workspace {self.name}"
        try:
            await self._get(path, SENTINEL_VERSION, action)
        except SentinelError as error:
            if getattr(error.__cause__, "status_code", None) == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    async def rights(self) -> dict[str, bool]:
        """Return which permissions on data connectors the credential has: read, write, delete."""
        path = f"{self.id}/providers/Microsoft.Authorization/permissions"
        action = f"read the permissions on workspace {self.name}"
        raw = await self._get(path, PERMISSIONS_VERSION, action)
        with translate_azure_errors(action):
            return parse(_parse_rights, raw)

    async def workspace_details(self) -> Workspace:
        """Return the workspace with `onboarded` and `rights`; raises SentinelError."""
        workspace = await self.workspace()
        onboarded, rights = await asyncio.gather(self.onboarded(), self.rights())
        return replace(workspace, onboarded=onboarded, rights=rights)

    async def connectors(self, *keys: str) -> Connectors:
        """Return the CloudTrail connectors with one of these AWS account ids or (lower-case) names."""
        connectors = (await self._list()).cloudtrail
        return tuple(dict.fromkeys(chain.from_iterable(connectors.get(key, ()) for key in keys)))

    async def all_connectors(self) -> list[Connector]:
        """Return the CloudTrail connectors of all AWS accounts."""
        listing = await self._list()
        return list({connector for connectors in listing.cloudtrail.values() for connector in connectors})

    async def connectors_reading(self, account_id: str) -> list[dict[str, Any]]:
        """Return the CloudTrail and S3 connectors that read an account, as they appear in results."""
        listing = await self._list()
        return [*map(model.show, listing.cloudtrail.get(account_id, ())), *listing.s3.get(account_id, ())]

    async def connected_role_arns(self) -> frozenset[str]:
        """Return the ARNs of the roles of all CloudTrail and S3 connectors."""
        listing = await self._list()
        cloudtrail = (connector.role_arn for connector in chain.from_iterable(listing.cloudtrail.values()))
        s3 = (shown["role_arn"] for shown in chain.from_iterable(listing.s3.values()))
        return frozenset(chain(cloudtrail, s3))

    async def is_fed_by_s3(self, table: str) -> bool:
        """Whether an enabled S3 connector ingests into a table."""
        connectors = chain.from_iterable((await self._list()).s3.values())
        return any(one["destination_table"] == table and one["state"] == "Enabled" for one in connectors)

    async def _list(self) -> _Listing:
        async with self._list_lock:
            if self._listing is None:
                self._listing = await self.list_connectors(_index)
            return self._listing

    def invalidate(self) -> None:
        """Discard the cached list of connectors."""
        self._listing = None

    async def check_unchanged(self, connector: Connector) -> None:
        """Raise OutdatedError if the connector has another role than when it was listed."""
        action = f"remove data connector {connector.name} in workspace {self.name}"
        path = f"{self.id}/providers/Microsoft.SecurityInsights/dataConnectors/{quote(connector.name, safe='')}"
        try:
            raw = await self._get(path, SENTINEL_VERSION, action)
        except SentinelError as error:
            if getattr(error.__cause__, "status_code", None) == HTTPStatus.NOT_FOUND:
                return  # a delete of a missing connector succeeds
            raise
        with translate_azure_errors(action):
            current = parse(model.parse, raw)
        if current is None or current.role_arn != connector.role_arn:
            raise cannot("connector_conflict", action, "it was changed since it was listed", OutdatedError)

    async def list_connectors(self, read: Callable[[list[JsonObject]], T]) -> T:
        """Return `read` of the data connectors of every kind, as the API returns them; raises SentinelError.

        `read` is a parse function: what it raises for malformed connectors becomes SentinelError as well.
        """
        page: str | None = f"{self.id}/providers/Microsoft.SecurityInsights/dataConnectors"
        seen: set[str] = set()
        connectors: list[JsonObject] = []
        while page:
            if page in seen:
                raise cannot("transient", self._list_action, "a page links to itself as the next page")
            seen.add(page)
            raw = await self._get(page, SENTINEL_VERSION, self._list_action)
            with translate_azure_errors(self._list_action):
                connectors += parse(_parse_resources, raw)
                page = parse(_parse_next_page, raw)
        with translate_azure_errors(self._list_action):
            return parse(read, connectors)

    def connector_adapter(
        self, spec: ConnectorSpec, *, writes: bool, until_usable: UntilUsable | None = None
    ) -> ConnectorAdapter:
        """Return the adapter for the connectors of one role's account, for `run.reconcile`."""
        return ConnectorAdapter(self, spec, writes=writes, until_usable=until_usable)

    async def apply(self, call: Call, *, role_is_new: bool) -> None:
        """Make one call of a plan. Raises NotYetError or ChangedError where another try can succeed."""
        name, (resource_group, workspace) = call.args["data_connector_id"], self._at
        action = f"call {call.name} for data connector {name} in workspace {self.name}"
        deletes = call.name == "DataConnectors_Delete"

        def send(hook: Hook) -> None:
            # The SDK reads the body of the response, and raises any exception for a malformed one.
            if deletes:
                parse(self._operations.delete, resource_group, workspace, name, raw_response_hook=hook)
            else:
                body = _body(call.args["data_connector"])
                put = self._operations.create_or_update
                parse(put, resource_group, workspace, name, body, raw_response_hook=hook)

        try:
            await self._azure.call(send, "deletes" if deletes else "writes", action=action, rate_limit=self._rate_limit)
        except SentinelError as error:
            cause = error.__cause__
            retry = _retry_error(cause, call, action, role_is_new) if isinstance(cause, HttpResponseError) else None
            if retry:
                raise retry from cause
            raise


def _body(raw: JsonObject) -> Any:
    from azure.mgmt.securityinsight import models

    properties = raw["properties"]
    logs = models.AwsCloudTrailDataConnectorDataTypesLogs(state=properties["dataTypes"]["logs"]["state"])
    return models.AwsCloudTrailDataConnector(
        etag=raw.get("etag"),
        aws_role_arn=properties["awsRoleArn"],
        data_types=models.AwsCloudTrailDataConnectorDataTypes(logs=logs),
    )


def _retry_error(error: HttpResponseError, call: Call, action: str, role_is_new: bool) -> SentinelError | None:
    """Return the NotYetError or ChangedError for a response after which another try can succeed, else None."""
    text = azure_message(error)
    if error.status_code == 400 and _DUPLICATE in text:
        return cannot("connector_conflict", action, text, _DuplicateError)
    if error.status_code == 412 or (error.status_code == 409 and _UNREGISTERED not in text):
        return cannot("connector_conflict", action, text, ChangedError)
    role = call.args.get("data_connector", {}).get("properties", {}).get("awsRoleArn", "")
    if role_is_new and error.status_code == 400 and role and role in text:
        return cannot("transient", action, text, NotYetError)
    return None


def _parse_workspace(raw: JsonObject) -> tuple[str, str]:
    """Return the workspace id, "" if it has none yet, and the location."""
    customer_id = str((raw.get("properties") or {}).get("customerId") or "").lower()
    return customer_id, str(raw.get("location") or "")


def _parse_rights(raw: JsonObject) -> dict[str, bool]:
    return workspaces.rights(_list_of(raw))


def _list_of(raw: JsonObject) -> list[Any]:
    """Return the items of a list response; raises KeyError or TypeError: a malformed list is not an empty one."""
    items = raw["value"]
    if not isinstance(items, list):
        raise TypeError(items)
    return items


def _parse_resources(raw: JsonObject) -> list[JsonObject]:
    items = _list_of(raw)
    if not all(item["name"] and isinstance(item["name"], str) and isinstance(item["kind"], str) for item in items):
        raise TypeError(items)
    return items


def _parse_next_page(raw: JsonObject) -> str | None:
    """Return the nextLink; raises TypeError or ValueError if it is no URL."""
    page = raw.get("nextLink") or None
    if not isinstance(page, str | None):
        raise TypeError(page)
    urlsplit(page or "")
    return page


class _Listing(NamedTuple):
    """The connectors of a workspace: CloudTrail by account id and by lower-case name, S3 by account id of the role."""

    cloudtrail: dict[str, Connectors]
    s3: dict[str, tuple[dict[str, Any], ...]]


def _index(connectors: Iterable[JsonObject]) -> _Listing:
    listing = _Listing({}, {})
    for raw in connectors:
        if (connector := model.parse(raw)) is not None:
            for key in (connector.account_id, connector.name.lower()):
                listing.cloudtrail[key] = (*listing.cloudtrail.get(key, ()), connector)
        elif shown := model.describe(raw):
            account_id = model.account_id_of(shown["role_arn"])
            listing.s3[account_id] = (*listing.s3.get(account_id, ()), shown)
    return listing


class _DuplicateError(ChangedError):
    """Another connector for the same account exists already."""


class ConnectorAdapter:
    """The connectors of one role's account in one workspace, for `run.reconcile`.

    They include the connector with the generated name even if it was changed to read another account. For a new role,
    `until_usable` returns a context in which the role can be used by Sentinel; writes wait for it.
    """

    def __init__(
        self, sentinel: Sentinel, spec: ConnectorSpec, *, writes: bool, until_usable: UntilUsable | None
    ) -> None:
        self._sentinel = sentinel
        self._keys = model.account_id_of(spec.role_arn), spec.name
        self._writes = writes
        self._until_usable = until_usable
        self._reads = 0
        self._last_read: Connectors = ()
        self._hidden_errors = 0

    async def read(self) -> Connectors:
        """Return the connectors of the account; from the second read on, list the workspace again."""
        if self._reads:
            self._sentinel.invalidate()
        self._reads += 1
        self._last_read = await self._sentinel.connectors(*self._keys)
        return self._last_read

    async def refresh(self, have: Connectors | None, _calls: Sequence[Call]) -> Connectors | None:
        """Return them as they were listed: `apply` reads a connector again before it is deleted."""
        return have

    async def apply(self, call: Call) -> None:
        """Make one call of a plan; a connector is read again before it is deleted.

        Raises NotYetError or ChangedError where another try can succeed.
        """
        if not self._writes:
            raise RuntimeError(f"{call.name} in check mode")
        if call.name == "DataConnectors_Delete":
            [connector] = (one for one in self._last_read if one.name == call.args["data_connector_id"])
            await self._sentinel.check_unchanged(connector)
        try:
            async with self._until_usable() if self._until_usable else nullcontext():
                await self._sentinel.apply(call, role_is_new=self._until_usable is not None)
        except _DuplicateError as error:
            self._check_visible(error)
            raise

    def _check_visible(self, error: _DuplicateError) -> None:
        """Raise connector_conflict if Sentinel keeps reporting a duplicate that its list does not contain."""
        self._hidden_errors += 1
        if self._hidden_errors < MAX_HIDDEN_CONNECTOR_ERRORS:
            return
        account_id, name = self._keys
        raise SentinelError(
            "connector_conflict",
            f"Cannot create data connector {name} for account {account_id} in workspace {self._sentinel.name}: "
            "Microsoft Sentinel reports that another connector for this account exists, but does not list it. Find it "
            "on the connector's page in the Azure portal and remove it there, or contact Microsoft support.",
        ) from error
