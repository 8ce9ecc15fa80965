# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entra ID: cloud metadata, and tokens for the service principal and the managed identities."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from . import assertions
from .answers import LoginError, ServiceError
from .state import State

ADFS = "adfs"


def endpoints(state: State, base: str) -> dict[str, Any]:
    """Return the metadata of a cloud whose endpoints are all this server."""
    adfs = state.settings.identity_provider == "ADFS"
    host = base.removeprefix("https://")
    return {
        "name": "Emulated",
        "portal": base,
        "authentication": {
            "loginEndpoint": f"{base}/{ADFS}" if adfs else base,
            "audiences": [base],
            "tenant": ADFS if adfs else "common",
            "identityProvider": state.settings.identity_provider,
        },
        "resourceManager": base,
        "logAnalyticsResourceId": base,
        "microsoftGraphResourceId": base,
        "suffixes": {"storage": f"core.{host}", "keyVaultDns": f"vault.{host}"},
    }


def openid_configuration(state: State, base: str, tenant: str) -> dict[str, Any]:
    """Return the OpenID configuration of the tenant."""
    _check_tenant(state, tenant)
    version = "" if tenant == ADFS else "/v2.0"
    return {
        "issuer": f"{base}/{tenant}{version}",
        "authorization_endpoint": f"{base}/{tenant}/oauth2{version}/authorize",
        "token_endpoint": token_endpoint(base, tenant),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "jwks_uri": f"{base}/{tenant}/discovery{version}/keys",
        "response_types_supported": ["code", "token"],
    }


def token_endpoint(base: str, tenant: str) -> str:
    """Return the token endpoint of the tenant; AD FS has no versions."""
    return f"{base}/{tenant}/oauth2{'' if tenant == ADFS else '/v2.0'}/token"


def issue_token(state: State, base: str, tenant: str, body: bytes) -> dict[str, Any]:
    """Return a bearer token for a valid secret, certificate or federated token and a scope of this cloud."""
    _check_tenant(state, tenant)
    form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    _check_client(state, form)
    if "client_assertion" in form:
        assertions.check(state, token_endpoint(base, tenant), form)
    elif form.get("client_secret") != state.identity.client_secret:
        message = f"AADSTS7000215: Invalid client secret provided for app '{state.identity.client_id}'."
        raise LoginError(401, "invalid_client", message)
    _check_scope(base, form.get("scope", ""))
    seconds = int(state.settings.token_seconds)
    return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": _token(state)}


def of_app_service(state: State, base: str, headers: Mapping[str, str], query: Mapping[str, str]) -> dict[str, Any]:
    """Return a token of a managed identity, as in Functions and App Service (`IDENTITY_ENDPOINT`)."""
    if headers.get("X-IDENTITY-HEADER") != state.identity.identity_header:
        raise ManagedIdentityError(401, {"statusCode": 401, "message": "The identity header is missing or wrong."})
    if query.get("api-version") != "2019-08-01":
        raise ManagedIdentityError(400, {"statusCode": 400, "message": "The api-version is not supported."})
    if query.get("client_id", state.identity.user_assigned) != state.identity.user_assigned:
        raise ManagedIdentityError(400, {"statusCode": 400, "message": "No User Assigned Managed Identity found."})
    return _managed_token(state, base, query)


def of_machine(state: State, base: str, headers: Mapping[str, str], query: Mapping[str, str]) -> dict[str, Any]:
    """Return a token of a managed identity, as from the instance metadata service of a virtual machine."""
    if headers.get("Metadata") != "true":
        error = {"error": "invalid_request", "error_description": "Required metadata header not specified"}
        raise ManagedIdentityError(400, error)
    if query.get("client_id", state.identity.user_assigned) != state.identity.user_assigned:
        raise ManagedIdentityError(400, {"error": "invalid_request", "error_description": "Identity not found"})
    return {**_managed_token(state, base, query), "expires_in": str(int(state.settings.token_seconds))}


class ManagedIdentityError(ServiceError):
    """An error response of the token endpoints of managed identities."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(status, "", "")
        self.body = body


def _managed_token(state: State, base: str, query: Mapping[str, str]) -> dict[str, Any]:
    resource = query.get("resource", "")
    if resource.rstrip("/") != base:
        message = f"AADSTS500011: The resource principal named {resource} was not found in the tenant."
        raise ManagedIdentityError(400, {"error": "invalid_resource", "error_description": message})
    expires = str(int(_now(state) + state.settings.token_seconds))
    return {"access_token": _token(state), "expires_on": expires, "resource": resource, "token_type": "Bearer"}


def _now(state: State) -> float:
    return time.time() + state.settings.clock_ahead


def _token(state: State) -> str:
    token = f"emulated.bearer.{secrets.token_urlsafe(48)}"
    state.tokens[token] = _now(state) + state.settings.token_seconds
    state.secrets.add(token)
    return token


def _check_tenant(state: State, tenant: str) -> None:
    if tenant.lower() not in (state.identity.tenant, ADFS):
        raise LoginError(400, "invalid_request", f"AADSTS90002: Tenant '{tenant}' not found.")


def _check_client(state: State, form: dict[str, str]) -> None:
    client = form.get("client_id", "")
    if form.get("grant_type") != "client_credentials":
        raise LoginError(400, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
    if client != state.identity.client_id:
        message = f"AADSTS700016: Application with identifier '{client}' was not found in the directory."
        raise LoginError(400, "unauthorized_client", message)


def _check_scope(base: str, scope: str) -> None:
    """Check the scope; a double slash is from a resource with a trailing slash."""
    wanted = scope.partition(" ")[0]
    if wanted not in (f"{base}/.default", f"{base}//.default"):
        raise LoginError(400, "invalid_scope", f"AADSTS70011: The provided scope '{scope}' is not valid.")


def check_bearer(state: State, base: str, authorization: str) -> None:
    """Raise a 401 with a challenge for a missing, unknown or expired token."""
    scheme, _unused, token = authorization.partition(" ")
    expires = state.tokens.get(token)
    if scheme.lower() != "bearer" or not token:
        problem = ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
    elif expires is None:
        problem = ("InvalidAuthenticationToken", "The access token is invalid.")
    elif expires <= _now(state):
        problem = ("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.")
    else:
        return
    challenge = f'Bearer authorization_uri="{base}/{state.identity.tenant}", error="invalid_token"'
    raise ServiceError(401, *problem, headers={"WWW-Authenticate": challenge})
