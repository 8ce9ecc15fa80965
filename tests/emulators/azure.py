# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure: maps requests to operations, and checks tokens, permissions and API versions."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from . import connectors, login
from .answers import ServiceError, trace_headers
from .faults import AZURE_DENIED, Call, Fault
from .operations import Route, RoutedRequest, find, granted
from .state import State
from .throttle import spend


class Azure:
    """The service."""

    def __init__(self, state: State, base: str) -> None:
        self.state = state
        self.base = base

    def identify(self, request: web.BaseRequest, body: bytes) -> Call:
        """Return the operation of a request and, for connectors, the AWS account."""
        route, names = find(request.method, request.path)
        subscription = names.get("subscription", "")
        return Call(
            service="azure",
            operation=route.operation,
            method=request.method,
            path=request.path,
            write=request.method not in ("GET", "HEAD", "POST"),
            accounts=tuple(filter(None, (self._account(names, body), subscription))),
            caller=self.state.identity.client_id,
            action=route.right,
            resource=request.path,
        )

    def _account(self, names: dict[str, str], body: bytes) -> str:
        """Return the AWS account of a connector: from the request body, else from the stored connector."""
        if "name" not in names:
            return ""
        try:
            sent: Any = json.loads(body) if body else None
        except ValueError:
            sent = None
        stored = (w.connectors.get(names["name"].lower()) for w in self.state.workspaces)
        return connectors.account_of(sent) or next((connectors.account_of(c.raw) for c in stored if c), "")

    async def act(self, request: web.BaseRequest, body: bytes, call: Call) -> web.Response:
        """Return the response, with the headers of every response."""
        route, names = find(request.method, request.path)
        routed = RoutedRequest(self.state, self.base, request, body, names)
        headers = trace_headers()
        try:
            if route.versions:
                headers |= self._admit(route, routed, call)
            answer = route.answer(routed)
            response = answer if isinstance(answer, web.Response) else await answer
        except ServiceError as refused:
            response = refused.response()
        response.headers.update({name: value for name, value in headers.items() if name not in response.headers})
        return response

    def _admit(self, route: Route, routed: RoutedRequest, call: Call) -> dict[str, str]:
        """Check token, API version, rate limit and permissions, as ARM does before the resource provider."""
        login.check_bearer(self.state, self.base, routed.request.headers.get("Authorization", ""))
        _check_version(route, routed.request.query.get("api-version", ""))
        headers = spend(self.state, routed.names["subscription"].lower(), route.method)
        workspace = routed.workspace
        if not granted(workspace, route.right):
            raise ServiceError(403, "AuthorizationFailed", call.fill(AZURE_DENIED["message"]))
        if not self.state.settings.provider_registered and "SecurityInsights" in route.right:
            message = "The subscription is not registered to use namespace 'Microsoft.SecurityInsights'."
            raise ServiceError(409, "MissingSubscriptionRegistration", message)
        return headers

    def refuse(self, call: Call, fault: Fault) -> web.Response:
        """Return the error of a fault; the token endpoint has its own format."""
        message = call.fill(fault.message)
        body: dict[str, Any] = {"error": {"code": fault.code, "message": message}}
        if call.operation == "Token":
            body = {"error": fault.code, "error_description": message}
        text = fault.text(json.dumps(body))
        headers = {**trace_headers(), **fault.headers}
        status = fault.status or 500
        return web.Response(status=status, text=text, content_type="application/json", headers=headers)


def _check_version(route: Route, version: str) -> None:
    if not version:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise ServiceError(400, "MissingApiVersionParameter", message)
    if version not in route.versions:
        kind = route.right.rsplit("/", 1)[0]
        message = f"No registered resource provider found for API version '{version}' for type '{kind}'."
        versions = ", ".join(route.versions)
        raise ServiceError(400, "NoRegisteredProviderFound", f"{message} The supported api-versions are '{versions}'.")
