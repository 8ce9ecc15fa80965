# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Microsoft Sentinel: the workspace, its data connectors, the permissions on them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

from ..model.backoff import CONNECTIVITY_RETRY_TIMEOUT
from ..model.connector import connector as model
from ..model.connector import s3
from ..model.connector import workspace as workspaces
from ..model.connector import workspace_content as contents
from ..model.connector.connector import Connector, Connectors, ConnectorSpec
from ..model.connector.data_connector import DELETE, JsonObject
from ..model.connector.s3 import S3Connector, S3Connectors
from ..model.connector.workspace import Workspace
from ..model.connector.workspace_content import HealthMonitoring, Solution, WorkspaceContent
from ..model.errors import ChangedError, NotYetError, OutdatedError, SentinelError, cannot
from ..model.plan import Call
from ..model.s3 import error_codes
from ..model.validation import RULES
from .arm import Azure, RateLimit, azure_message, translate_azure_errors
from .response import parse

with suppress(ImportError):  # reported by `cloud.arm.Azure`
    from azure.core.exceptions import HttpResponseError

# By resource type, of connectors also by kind. Only previews describe the S3 kind; whether a stable version lists it is
# not documented, so lists use a preview, too.
API_VERSIONS = {
    "workspaces": "2023-09-01",
    "permissions": "2022-04-01",
    "onboardingStates": "2021-10-01",
    "dataConnectors": "2022-10-01-preview",
    "contentPackages": "2024-09-01",
    "diagnosticSettings": "2021-05-01-preview",
    model.KIND: "2021-10-01",
    s3.KIND: "2022-10-01-preview",
}
_PARSERS: dict[str, Callable[[JsonObject], Connector | S3Connector | None]] = {
    model.KIND: model.parse,
    s3.KIND: s3.parse,
}
_DUPLICATE = "two connectors with different names"
# Tries before a conflict with a connector that no listing contains is reported.
MAX_HIDDEN_CONNECTOR_ERRORS = 4
_UNREGISTERED = "MissingSubscriptionRegistration"

T = TypeVar("T")
C = TypeVar("C", bound=Connector | S3Connector)
UntilUsable = Callable[[], AbstractAsyncContextManager[None]]


class Sentinel:
    """One workspace. Its connectors are listed once and cached until `invalidate`."""

    def __init__(
        self, azure: Azure, subscription_id: str, resource_group: str, name: str, rate_limit: RateLimit
    ) -> None:
        self._azure = azure
        self._rate_limit = rate_limit
        self.name = name
        self.id = workspaces.arm_id(subscription_id, resource_group, name)
        self.customer_id = ""
        """The workspace id, "" until `workspace` has read it."""
        self._list_lock = asyncio.Lock()
        self._listing: _Listing | None = None
        self._list_action = f"list the data connectors of workspace {name}"

    async def _get(self, path: str, kind: str, action: str) -> JsonObject:
        """GET an ARM path or nextLink; `kind` is a key of API_VERSIONS."""
        return await self._azure.request("GET", path, API_VERSIONS[kind], action=action, rate_limit=self._rate_limit)

    def _connector_path(self, name: str) -> str:
        return f"{self.id}/providers/Microsoft.SecurityInsights/dataConnectors/{quote(name, safe='')}"

    async def workspace(self) -> Workspace:
        """Return the workspace without `onboarded` and `rights`; raises SentinelError."""
        action = f"read workspace {self.name}"
        try:
            raw = await self._get(self.id, "workspaces", action)
        except SentinelError as error:
            if _is_not_found(error) and isinstance(error.__cause__, HttpResponseError):
                raise cannot("workspace_not_found", action, azure_message(error.__cause__)) from error.__cause__
            raise
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
            await self._get(path, "onboardingStates", action)
        except SentinelError as error:
            if _is_not_found(error):
                return False
            raise
        return True

    async def rights(self) -> dict[str, bool]:
        """Return which permissions on data connectors the credential has: read, write, delete."""
        path = f"{self.id}/providers/Microsoft.Authorization/permissions"
        action = f"read the permissions on workspace {self.name}"
        raw = await self._get(path, "permissions", action)
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

    async def s3_connectors(self) -> S3Connectors:
        """Return the connectors of the kind AmazonWebServicesS3, also codeless ones."""
        return tuple(chain.from_iterable((await self._list()).s3.values()))

    async def connectors_reading(self, account_id: str) -> list[dict[str, Any]]:
        """Return the CloudTrail and S3 connectors that read an account, as they appear in results."""
        listing = await self._list()
        return [*map(model.show, listing.cloudtrail.get(account_id, ())), *map(s3.show, listing.s3.get(account_id, ()))]

    async def connected_role_arns(self) -> frozenset[str]:
        """Return the ARNs of the roles of all CloudTrail and S3 connectors."""
        cloudtrail = (connector.role_arn for connector in await self.all_connectors())
        return frozenset(chain(cloudtrail, (connector.role_arn for connector in await self.s3_connectors())))

    async def is_fed_by_s3(self, table: str) -> bool:
        """Whether an enabled S3 connector ingests into a table."""
        return any(one.destination_table == table and one.enabled for one in await self.s3_connectors())

    async def _list(self) -> _Listing:
        async with self._list_lock:
            if self._listing is None:
                self._listing = await self.list_connectors(_index)
            return self._listing

    def invalidate(self) -> None:
        """Discard the cached list of connectors."""
        self._listing = None

    async def check_unchanged(self, connector: Connector | S3Connector, kind: str) -> None:
        """Raise OutdatedError if the connector reads something else than when it was listed."""
        action = f"remove data connector {connector.name} in workspace {self.name}"
        try:
            raw = await self._get(self._connector_path(connector.name), kind, action)
        except SentinelError as error:
            if _is_not_found(error):
                return  # a delete of a missing connector succeeds
            raise
        with translate_azure_errors(action):
            current = parse(_PARSERS[kind], raw)
        if current is None or current.identity != connector.identity:
            raise cannot("connector_conflict", action, "it was changed since it was listed", OutdatedError)

    async def list_connectors(self, read: Callable[[list[JsonObject]], T]) -> T:
        """Return `read` of the data connectors of every kind, as the API returns them; raises SentinelError.

        `read` is a parse function: what it raises for malformed connectors becomes SentinelError as well.
        """
        path = f"{self.id}/providers/Microsoft.SecurityInsights/dataConnectors"
        return await self._read_list(path, "dataConnectors", self._list_action, _parse_resources, read)

    async def _read_list(
        self,
        path: str,
        kind: str,
        action: str,
        parse_page: Callable[[JsonObject], list[Any]],
        read: Callable[[list[Any]], T],
    ) -> T:
        """Return `read` of the items of all pages of a list; `kind` is a key of API_VERSIONS. Raises SentinelError."""
        page: str | None = path
        seen: set[str] = set()
        items: list[Any] = []
        while page:
            if page in seen:
                raise cannot("transient", action, "a page links to itself as the next page")
            seen.add(page)
            raw = await self._get(page, kind, action)
            with translate_azure_errors(action):
                items += parse(parse_page, raw)
                page = parse(_parse_next_page, raw)
        with translate_azure_errors(action):
            return parse(read, items)

    async def content(self) -> WorkspaceContent:
        """Return the solution and the health monitoring of the workspace; what cannot be read is unknown."""
        solution, health = await asyncio.gather(self._solution(), self._health_monitoring())
        return WorkspaceContent(solution, health)

    async def _solution(self) -> Solution:
        path = f"{self.id}/providers/Microsoft.SecurityInsights/contentPackages"
        action = f"list the solutions of workspace {self.name}"
        try:
            return await self._read_list(path, "contentPackages", action, _list_of, contents.parse_solution)
        except SentinelError as error:
            return Solution(error=str(error))

    async def _health_monitoring(self) -> HealthMonitoring:
        """Return whether health monitoring is enabled, which Sentinel stores as diagnostic settings of its own."""
        path = f"{self.id}/providers/Microsoft.SecurityInsights/settings/SentinelHealth"
        action = f"read the diagnostic settings of Microsoft Sentinel on workspace {self.name}"
        read = partial(contents.parse_health_monitoring, workspace=self.id)
        try:
            return await self._read_list(
                f"{path}/providers/Microsoft.Insights/diagnosticSettings", "diagnosticSettings", action, _list_of, read
            )
        except SentinelError as error:
            return HealthMonitoring(error=str(error))

    def connector_adapter(
        self, spec: ConnectorSpec, *, writes: bool, until_usable: UntilUsable | None = None
    ) -> ConnectorAdapter[Connector]:
        """Return the adapter for the CloudTrail connectors of one role's account, for `run.reconcile`.

        They include the connector with the generated name even if it was changed to read another account.
        """
        read = partial(self.connectors, model.account_id_of(spec.role_arn), spec.name)
        return ConnectorAdapter(self, model.KIND, read, writes=writes, until_usable=until_usable)

    def s3_connector_adapter(
        self, *, writes: bool, until_usable: UntilUsable | None = None
    ) -> ConnectorAdapter[S3Connector]:
        """Return the adapter for all S3 connectors of the workspace, for `run.reconcile`."""
        return ConnectorAdapter(self, s3.KIND, self.s3_connectors, writes=writes, until_usable=until_usable)

    async def apply(self, call: Call, kind: str, *, role_is_new: bool) -> None:
        """Make one call of a plan. Raises NotYetError or ChangedError where another try can succeed."""
        name, body = call.args["data_connector_id"], call.args.get("data_connector")
        action = f"call {call.name} for data connector {name} in workspace {self.name}"
        method, path = "DELETE" if call.name == DELETE else "PUT", self._connector_path(name)
        try:
            await self._azure.request(
                method, path, API_VERSIONS[kind], body, action=action, rate_limit=self._rate_limit
            )
        except SentinelError as error:
            cause = error.__cause__
            known = _known_error(cause, call, action, role_is_new) if isinstance(cause, HttpResponseError) else None
            if known:
                raise known from cause
            raise


def _is_not_found(error: SentinelError) -> bool:
    return getattr(error.__cause__, "status_code", None) == HTTPStatus.NOT_FOUND


def _known_error(error: HttpResponseError, call: Call, action: str, role_is_new: bool) -> SentinelError | None:
    """Return the error for a response that Sentinel has for connectors only, else None.

    It is NotYetError or ChangedError if another try can succeed.
    """
    text, status = azure_message(error), error.status_code
    if code := error_codes.find(text):
        return _connectivity_error(code, text, action, role_is_new)
    if status == HTTPStatus.PRECONDITION_FAILED or (status == HTTPStatus.CONFLICT and _UNREGISTERED not in text):
        return cannot("connector_conflict", action, text, ChangedError)
    if status != HTTPStatus.BAD_REQUEST:
        return None
    if _DUPLICATE in text:
        return cannot("connector_conflict", action, text, _DuplicateError)
    return cannot("transient", action, text, NotYetError) if role_is_new and _names_role(call, text) else None


def _connectivity_error(code: str, text: str, action: str, role_is_new: bool) -> SentinelError:
    known = error_codes.explain(code)
    kind = NotYetError if role_is_new and known.temporary else SentinelError
    cause = f"{code}, {known.cause} ({text})"
    found = cannot("connectivity_check_failed", action, cause, kind, advice=known.fix)
    found.retry_timeout = CONNECTIVITY_RETRY_TIMEOUT
    return found


def _names_role(call: Call, text: str) -> bool:
    role = _role_arn(call)
    return bool(role) and role in text


def _refuses_change(target: S3Connector, call: Call, error: SentinelError) -> bool:
    """Return whether the service refused to change what an S3 connector reads, be it for good or for now.

    A connector that reads something else is of no use as it is. That role, queues and table can be changed is not
    documented; a connector that was marked once is removed and created, and not marked again.
    """
    refused = error.kind == "bad_input" and getattr(error.__cause__, "status_code", None) == HTTPStatus.BAD_REQUEST
    desired = s3.parse(call.args.get("data_connector", {}))
    return refused and not target.fixed and desired is not None and desired.identity != target.identity


def _role_arn(call: Call) -> str:
    """Return the role that a connector is to read, empty for a removal."""
    properties = call.args.get("data_connector", {}).get("properties", {})
    return str(properties.get("awsRoleArn") or properties.get("roleArn") or "")


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
    s3: dict[str, S3Connectors]


def _index(connectors: Iterable[JsonObject]) -> _Listing:
    listing = _Listing({}, {})
    for raw in connectors:
        if (connector := model.parse(raw)) is not None:
            for key in (connector.account_id, connector.name.lower()):
                listing.cloudtrail[key] = (*listing.cloudtrail.get(key, ()), connector)
        elif (in_s3 := s3.parse(raw)) is not None:
            account_id = model.account_id_of(in_s3.role_arn)
            listing.s3[account_id] = (*listing.s3.get(account_id, ()), in_s3)
    return listing


class _DuplicateError(ChangedError):
    """Another connector for the same account exists already."""


class ConnectorAdapter(Generic[C]):
    """Some connectors of one kind in one workspace, for `run.reconcile`.

    `read` returns them from the list of the workspace. For a new role, `until_usable` returns a context in which the
    role can be used by Sentinel; writes wait for it.
    """

    def __init__(
        self,
        sentinel: Sentinel,
        kind: str,
        read: Callable[[], Awaitable[tuple[C, ...]]],
        *,
        writes: bool,
        until_usable: UntilUsable | None,
    ) -> None:
        self._sentinel = sentinel
        self._kind = kind
        self._read = read
        self._writes = writes
        self._until_usable = until_usable
        self._reads = 0
        self._last_read: tuple[C, ...] = ()
        self._fixed: set[str] = set()
        self._hidden_errors = 0

    async def read(self) -> tuple[C, ...]:
        """Return the connectors; from the second read on, list the workspace again."""
        if self._reads:
            self._sentinel.invalidate()
        self._reads += 1
        self._last_read = tuple(map(self._marked, await self._read()))
        return self._last_read

    def _marked(self, connector: C) -> C:
        """Return the connector with the mark that the service refused to change what it reads."""
        found: Any = connector
        return replace(found, fixed=True) if found.name in self._fixed else connector

    async def refresh(self, have: tuple[C, ...] | None, _calls: Sequence[Call]) -> tuple[C, ...] | None:
        """Return them as they were listed: `apply` reads a connector again before it is deleted."""
        return have

    async def apply(self, call: Call) -> None:
        """Make one call of a plan; a connector is read again before it is deleted.

        Raises NotYetError or ChangedError where another try can succeed.
        """
        target = next((one for one in self._last_read if one.name == call.args["data_connector_id"]), None)
        if not self._writes or (isinstance(target, S3Connector) and target.codeless):
            raise RuntimeError(f"{call.name} in check mode or for a codeless connector")
        if target and call.name == DELETE:
            await self._sentinel.check_unchanged(target, self._kind)
        try:
            async with self._until_usable() if self._until_usable else nullcontext():
                await self._sentinel.apply(call, self._kind, role_is_new=self._until_usable is not None)
        except SentinelError as error:
            self._check_visible(call, error)
            self._check_changeable(target, call, error)
            raise

    def _check_changeable(self, target: Connector | S3Connector | None, call: Call, error: SentinelError) -> None:
        """Raise ChangedError if the service refused to change what a connector reads: the next plan replaces it."""
        if isinstance(target, S3Connector) and _refuses_change(target, call, error):
            self._fixed.add(target.name)
            raise ChangedError(error.kind, str(error)) from error

    def _check_visible(self, call: Call, error: SentinelError) -> None:
        """Raise connector_conflict if Sentinel keeps reporting a duplicate that its list does not contain."""
        if not isinstance(error, _DuplicateError):
            return
        self._hidden_errors += 1
        if self._hidden_errors < MAX_HIDDEN_CONNECTOR_ERRORS:
            return
        raise SentinelError(
            "connector_conflict",
            f"Cannot create data connector {call.args['data_connector_id']} for role {_role_arn(call)} in workspace "
            f"{self._sentinel.name}: Microsoft Sentinel reports that another connector for the same source exists, but "
            "does not list it. Find it on the connector's page in the Azure portal and remove it there, or contact "
            "Microsoft support.",
        ) from error
