# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure's operations: path, API versions, required permission and handler of each."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple
from urllib.parse import quote

from aiohttp import web

from . import connectors, login, logs, s3_connectors, s3_reader, workspace_content
from .answers import ServiceError, not_onboarded
from .state import State, Workspace

WORKSPACE = (
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.OperationalInsights/workspaces/(?P<workspace>[^/]+)"
)
SENTINEL = rf"{WORKSPACE}/providers/Microsoft\.SecurityInsights"
CONNECTORS = rf"{SENTINEL}/dataConnectors"
CONNECTOR = rf"{CONNECTORS}/(?P<name>[^/]+)"

SENTINEL_VERSIONS: tuple[str, ...] = (
    "2021-10-01",
    "2022-10-01-preview",
    "2022-11-01",
    "2024-01-01-preview",
    "2024-03-01",
    "2024-09-01",
    "2025-09-01",
    *s3_connectors.PREVIEWS,
)


@dataclass(frozen=True)
class RoutedRequest:
    """One request with the names in its path."""

    state: State
    base: str
    request: web.BaseRequest
    body: bytes
    names: dict[str, str]

    @property
    def workspace(self) -> Workspace:
        """The workspace in the path; raises ARM's error for the part that does not exist."""
        subscription, group, name = (self.names[part] for part in ("subscription", "group", "workspace"))
        mine = [w for w in self.state.workspaces if w.subscription_id == subscription.lower()]
        if not mine:
            raise ServiceError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
        mine = [w for w in mine if w.resource_group.lower() == group.lower()]
        if not mine:
            raise ServiceError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
        for workspace in mine:
            if workspace.name.lower() == name.lower():
                return workspace
        message = f"The Resource 'Microsoft.OperationalInsights/workspaces/{name}' under resource group '{group}'"
        raise ServiceError(404, "ResourceNotFound", f"{message} was not found.")


def get_workspace(routed: RoutedRequest) -> web.Response:
    """Return the workspace."""
    workspace = routed.workspace
    return web.json_response(
        {
            "id": workspace.id,
            "name": workspace.name,
            "type": "Microsoft.OperationalInsights/workspaces",
            "location": workspace.location,
            "properties": {
                "customerId": workspace.customer_id,
                "provisioningState": "Succeeded",
                "sku": {"name": "PerGB2018"},
                "retentionInDays": 90,
            },
        }
    )


def get_table(routed: RoutedRequest) -> web.Response:
    """Return a table, 404 if it does not exist."""
    workspace, name = routed.workspace, routed.names["table"]
    if name not in workspace.tables.rows:
        raise ServiceError(404, "ResourceNotFound", f"Table '{name}' was not found.")
    kind = "Microsoft.OperationalInsights/workspaces/tables"
    return web.json_response({"id": f"{workspace.id}/tables/{name}", "name": name, "type": kind, "properties": {}})


def get_onboarding(routed: RoutedRequest) -> web.Response:
    """Return the onboarding state, 404 if Sentinel is not enabled."""
    workspace = routed.workspace
    if not workspace.onboarded:
        raise ServiceError(404, "NotFound", "Sentinel onboarding state 'default' was not found.")
    kind = "Microsoft.SecurityInsights/onboardingStates"
    resource = f"{workspace.id}/providers/{kind}/default"
    properties = {"customerManagedKey": False}
    return web.json_response({"id": resource, "name": "default", "type": kind, "properties": properties})


def list_permissions(routed: RoutedRequest) -> web.Response:
    """Return the permissions of the caller."""
    return web.json_response({"value": routed.workspace.permissions})


def _onboarded(routed: RoutedRequest) -> Workspace:
    workspace = routed.workspace
    if not workspace.onboarded:
        raise not_onboarded(workspace.name)
    return workspace


def list_packages(routed: RoutedRequest) -> web.Response:
    """Return the installed packages of the Content hub."""
    return web.json_response(workspace_content.packages(_onboarded(routed)))


def list_diagnostic_settings(routed: RoutedRequest) -> web.Response:
    """Return the diagnostic settings of Microsoft Sentinel."""
    return web.json_response(workspace_content.diagnostic_settings(_onboarded(routed)))


def list_connectors(routed: RoutedRequest) -> web.Response:
    """Return one page of connectors."""
    query = routed.request.query
    url = f"{routed.base}{routed.request.path}?api-version={quote(query['api-version'])}"
    token = query.get("$skipToken", "")
    hidden = s3_connectors.hidden(routed.state, query["api-version"])
    return web.json_response(connectors.page(_onboarded(routed), routed.state.settings.page_size, token, url, hidden))


def get_connector(routed: RoutedRequest) -> web.Response:
    """One of them."""
    hidden = s3_connectors.hidden(routed.state, routed.request.query["api-version"])
    return web.json_response(connectors.get(_onboarded(routed), routed.names["name"], hidden))


async def put_connector(routed: RoutedRequest) -> web.Response:
    """Create or replace one."""
    etag = routed.request.headers.get("If-Match", "")
    where = (routed.state, _onboarded(routed), routed.names["name"], routed.body, etag)
    if s3_connectors.is_meant(routed.body):
        status, raw = await s3_connectors.put(*where, routed.request.query["api-version"])
    else:
        status, raw = connectors.put(*where)
    return web.json_response(raw, status=status)


def delete_connector(routed: RoutedRequest) -> web.Response:
    """Delete a connector."""
    status = connectors.delete(_onboarded(routed), routed.names["name"])
    return web.json_response({}) if status == 200 else web.Response(status=status)


def get_endpoints(routed: RoutedRequest) -> web.Response:
    """Return the cloud metadata."""
    return web.json_response(login.endpoints(routed.state, routed.base))


def get_openid(routed: RoutedRequest) -> web.Response:
    """Return the OpenID configuration."""
    return web.json_response(login.openid_configuration(routed.state, routed.base, routed.names["tenant"]))


def post_token(routed: RoutedRequest) -> web.Response:
    """Return a token."""
    return web.json_response(login.issue_token(routed.state, routed.base, routed.names["tenant"], routed.body))


def get_app_service_token(routed: RoutedRequest) -> web.Response:
    """Return a token of a managed identity."""
    request = routed.request
    return web.json_response(login.of_app_service(routed.state, routed.base, request.headers, request.query))


def get_machine_token(routed: RoutedRequest) -> web.Response:
    """Return a token of a managed identity."""
    request = routed.request
    return web.json_response(login.of_machine(routed.state, routed.base, request.headers, request.query))


async def post_query(routed: RoutedRequest) -> web.Response:
    """An answer of Log Analytics."""
    login.check_bearer(routed.state, routed.base, routed.request.headers.get("Authorization", ""))
    for workspace in routed.state.workspaces:
        if workspace.customer_id == routed.names["customer"].lower():
            if not granted(workspace, "Microsoft.OperationalInsights/workspaces/query/read"):
                message = "The provided credentials have insufficient access to perform the requested operation"
                raise ServiceError(403, "InsufficientAccessError", message)
            if routed.state.settings.reading == "on_query":
                await s3_reader.read(routed.state, workspace)
            now, max_rows = routed.state.now(), routed.state.settings.max_rows
            return web.json_response(logs.query(workspace, routed.body, now, max_rows))
    raise ServiceError(404, "WorkspaceNotFoundError", "The workspace could not be found")


class Route(NamedTuple):
    """An operation: method, path, handler, API versions and required permission (ARM only)."""

    operation: str
    method: str
    path: str
    answer: Callable[[RoutedRequest], web.Response | Awaitable[web.Response]]
    versions: tuple[str, ...] = ()
    right: str = ""


ROUTES = [
    Route("Metadata_Endpoints", "GET", "/metadata/endpoints", get_endpoints),
    Route("OpenId", "GET", r"/(?P<tenant>[^/]+)/v2\.0/\.well-known/openid-configuration", get_openid),
    Route("Token", "POST", r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token", post_token),
    Route("OpenId", "GET", r"/(?P<tenant>adfs)/\.well-known/openid-configuration", get_openid),
    Route("Token", "POST", r"/(?P<tenant>adfs)/oauth2/token", post_token),
    Route("ManagedIdentity_AppService", "GET", "/managed-identity/token", get_app_service_token),
    Route("ManagedIdentity_Machine", "GET", "/metadata/identity/oauth2/token", get_machine_token),
    Route("Query", "POST", "/v1/workspaces/(?P<customer>[^/]+)/query", post_query),
    Route("Workspaces_Get", "GET", WORKSPACE, get_workspace, ("2022-10-01", "2023-09-01", "2025-02-01"),
          "Microsoft.OperationalInsights/workspaces/read"),
    Route("Tables_Get", "GET", f"{WORKSPACE}/tables/(?P<table>[^/]+)", get_table, ("2022-10-01", "2023-09-01"),
          "Microsoft.OperationalInsights/workspaces/tables/read"),
    Route("Permissions_ListForResource", "GET", rf"{WORKSPACE}/providers/Microsoft\.Authorization/permissions",
          list_permissions, ("2022-04-01",), "Microsoft.Authorization/permissions/read"),
    Route("SentinelOnboardingStates_Get", "GET", f"{SENTINEL}/onboardingStates/default", get_onboarding,
          SENTINEL_VERSIONS, "Microsoft.SecurityInsights/onboardingStates/read"),
    Route("ContentPackages_List", "GET", f"{SENTINEL}/contentPackages", list_packages,
          ("2024-03-01", "2024-09-01", "2025-09-01"), "Microsoft.SecurityInsights/contentPackages/read"),
    Route("DiagnosticSettings_List", "GET",
          rf"{SENTINEL}/settings/SentinelHealth/providers/Microsoft\.Insights/diagnosticSettings",
          list_diagnostic_settings, ("2021-05-01-preview",), "Microsoft.Insights/diagnosticSettings/read"),
    Route("DataConnectors_List", "GET", CONNECTORS, list_connectors, SENTINEL_VERSIONS,
          "Microsoft.SecurityInsights/dataConnectors/read"),
    Route("DataConnectors_Get", "GET", CONNECTOR, get_connector, SENTINEL_VERSIONS,
          "Microsoft.SecurityInsights/dataConnectors/read"),
    Route("DataConnectors_CreateOrUpdate", "PUT", CONNECTOR, put_connector, SENTINEL_VERSIONS,
          "Microsoft.SecurityInsights/dataConnectors/write"),
    Route("DataConnectors_Delete", "DELETE", CONNECTOR, delete_connector, SENTINEL_VERSIONS,
          "Microsoft.SecurityInsights/dataConnectors/delete"),
]  # fmt: skip
PATTERNS = [(route, re.compile(route.path, re.IGNORECASE)) for route in ROUTES]


def not_emulated(routed: RoutedRequest) -> web.Response:
    """Return 404 for everything else."""
    raise ServiceError(404, "NotFound", f"There is no {routed.request.method} {routed.request.path}.")


UNKNOWN = Route("Unknown", "", "", not_emulated)


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """Return the route of a request and the names in its path."""
    for route, pattern in PATTERNS:
        if route.method == method and (found := pattern.fullmatch(path)):
            return route, found.groupdict()
    return UNKNOWN, {}


def granted(workspace: Workspace, action: str) -> bool:
    """Return whether one entry allows an action and does not exclude it."""

    def covers(patterns: list[str]) -> bool:
        return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)

    return any(covers(entry["actions"]) and not covers(entry.get("notActions", [])) for entry in workspace.permissions)
