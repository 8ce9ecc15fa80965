# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Microsoft Sentinel: the workspace, its data connectors, our rights on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import replace
from functools import cached_property
from http import HTTPStatus
from itertools import chain
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from ..model.connector import connector as model
from ..model.connector import workspace as workspaces
from ..model.connector.connector import Connector, Connectors, ConnectorSpec
from ..model.connector.workspace import Workspace
from ..model.errors import ChangedError, NotYetError, OutdatedError, SentinelError, cannot
from ..model.plan import Call
from ..model.validation import RULES
from .arm import Allowance, Azure, Hook, cause, explained

with suppress(ImportError):  # `cloud.azure.Azure` says so in one sentence
    from azure.core.exceptions import HttpResponseError

SENTINEL_VERSION = "2021-10-01"
WORKSPACE_VERSION = "2023-09-01"
PERMISSIONS_VERSION = "2022-04-01"
_TWICE = "two connectors with different names"
# So many times a connector is refused because of another one, and that is not listed, before it is believed.
UNSEEN = 4
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
        self.customer_id = ""
        """The workspace id, as soon as it was read."""
        self._listing = asyncio.Lock()
        self._listed: _Listing | None = None
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
        self.customer_id = customer_id
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
        listed = (await self._list()).cloudtrail
        return tuple(dict.fromkeys(chain.from_iterable(listed.get(key, ()) for key in keys)))

    async def known_connectors(self) -> list[Connector]:
        """Return the CloudTrail connectors of all AWS accounts."""
        listed = await self._list()
        return list({connector for found in listed.cloudtrail.values() for connector in found})

    async def readers(self, account_id: str) -> list[dict[str, Any]]:
        """Return the connectors of either AWS kind that read an account, as they appear in results."""
        listed = await self._list()
        return [*map(model.show, listed.cloudtrail.get(account_id, ())), *listed.s3.get(account_id, ())]

    async def read_roles(self) -> frozenset[str]:
        """Return the ARNs of the roles that the connectors of either AWS kind read."""
        listed = await self._list()
        ours = (connector.role_arn for connector in chain.from_iterable(listed.cloudtrail.values()))
        return frozenset(chain(ours, (shown["role_arn"] for shown in chain.from_iterable(listed.s3.values()))))

    async def is_fed_by_s3(self, table: str) -> bool:
        """Tell whether an enabled S3 connector brings events into a table."""
        listed = chain.from_iterable((await self._list()).s3.values())
        return any(one["destination_table"] == table and one["state"] == "Enabled" for one in listed)

    async def _list(self) -> _Listing:
        async with self._listing:
            if self._listed is None:
                self._listed = await self.raw_connectors(_sorted)
            return self._listed

    def forget(self) -> None:
        """Have the connectors listed anew when they are asked for next."""
        self._listed = None

    async def check_same(self, connector: Connector) -> None:
        """Raise OutdatedError when a connector reads another role than it did when it was listed."""
        what = f"remove data connector {connector.name} in workspace {self.name}"
        path = f"{self.id}/providers/Microsoft.SecurityInsights/dataConnectors/{quote(connector.name, safe='')}"
        try:
            raw = await self._get(path, SENTINEL_VERSION, what)
        except SentinelError as error:
            if getattr(error.__cause__, "status_code", None) == HTTPStatus.NOT_FOUND:
                return  # to remove it once more does no harm
            raise
        with explained(what):
            found = model.parse(raw)
        if found is None or found.role_arn != connector.role_arn:
            raise cannot("connector_conflict", what, "it was changed since it was listed", OutdatedError)

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

    def connectors_of(self, spec: ConnectorSpec, *, writes: bool, visible: Turn | None = None) -> ConnectorsOf:
        """Return the connectors of one role's account, as `run.converge` wants them."""
        return ConnectorsOf(self, spec, writes=writes, visible=visible)

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
    if error.status_code == 400 and _TWICE in text:
        return cannot("connector_conflict", what, text, _TwinError)
    if error.status_code == 412 or (error.status_code == 409 and _UNREGISTERED not in text):
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


class _Listing(NamedTuple):
    """The connectors of a workspace: of CloudTrail by account and by name, of S3 by the account of their role."""

    cloudtrail: dict[str, Connectors]
    s3: dict[str, tuple[dict[str, Any], ...]]


def _sorted(answers: Iterable[Mapping[str, Any]]) -> _Listing:
    listed = _Listing({}, {})
    for raw in answers:
        if (connector := model.parse(raw)) is not None:
            for key in (connector.account_id, connector.name.lower()):
                listed.cloudtrail[key] = (*listed.cloudtrail.get(key, ()), connector)
        elif shown := model.describe(raw):
            account_id = model.account_id_of(shown["role_arn"])
            listed.s3[account_id] = (*listed.s3.get(account_id, ()), shown)
    return listed


class _TwinError(ChangedError):
    """There is another connector of the same account already."""


class ConnectorsOf:
    """The connectors of one role's account in one workspace, as `run.converge` wants them.

    The one under the name that we give is among them whatever account it reads: somebody may have pointed it elsewhere.
    Where the role is new, calls that write wait for their turn by `visible`.
    """

    def __init__(self, sentinel: Sentinel, spec: ConnectorSpec, *, writes: bool, visible: Turn | None) -> None:
        self._sentinel = sentinel
        self._keys = model.account_id_of(spec.role_arn), spec.name
        self._writes = writes
        self._visible = visible
        self._reads = 0
        self._seen: Connectors = ()
        self._unseen = 0

    async def read(self) -> Connectors:
        """Return the connectors of the account; a second look lists those of the workspace anew."""
        if self._reads:
            self._sentinel.forget()
        self._reads += 1
        self._seen = await self._sentinel.connectors(*self._keys)
        return self._seen

    async def refresh(self, have: Connectors | None, _calls: Sequence[Call]) -> Connectors | None:
        """Return them as they were listed: `apply` looks again at what it removes."""
        return have

    async def apply(self, call: Call) -> None:
        """Make one call of a plan. What was listed some time ago is looked at again before it is removed."""
        if not self._writes:
            raise RuntimeError(f"{call.name} in check mode")
        if call.name == "DataConnectors_Delete":
            [old] = (one for one in self._seen if one.name == call.args["data_connector_id"])
            await self._sentinel.check_same(old)
        try:
            async with self._visible() if self._visible else nullcontext():
                await self._sentinel.apply(call, role_is_new=self._visible is not None)
        except _TwinError as error:
            self._check_visible(error)
            raise

    def _check_visible(self, error: _TwinError) -> None:
        """Raise connector_conflict for a connector that is in the way, and that no list shows."""
        self._unseen += 1
        if self._unseen < UNSEEN:
            return
        account_id, name = self._keys
        raise SentinelError(
            "connector_conflict",
            f"Cannot make data connector {name} of account {account_id} in workspace {self._sentinel.name}: Microsoft "
            "Sentinel says that another one reads the account already, and its list of connectors does not show it. "
            "Look for it on the connector's page in the portal, and remove it there; else ask Microsoft's support.",
        ) from error
