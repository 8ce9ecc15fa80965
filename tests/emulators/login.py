# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entra: where a cloud's endpoints are, and tokens for its one service principal."""

from __future__ import annotations

import secrets
import time
from typing import Any
from urllib.parse import parse_qs

from .answers import LoginError, ServiceError
from .state import State


def endpoints(base: str) -> dict[str, Any]:
    """The metadata of a cloud whose every endpoint is this one."""
    host = base.removeprefix("https://")
    return {
        "name": "Emulated",
        "portal": base,
        "authentication": {
            "loginEndpoint": base,
            "audiences": [base],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": base,
        "logAnalyticsResourceId": base,
        "microsoftGraphResourceId": base,
        "suffixes": {"storage": f"core.{host}", "keyVaultDns": f"vault.{host}"},
    }


def openid_configuration(state: State, base: str, tenant: str) -> dict[str, Any]:
    """Where the tenant's tokens are."""
    _check_tenant(state, tenant)
    return {
        "issuer": f"{base}/{tenant}/v2.0",
        "authorization_endpoint": f"{base}/{tenant}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/{tenant}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "jwks_uri": f"{base}/{tenant}/discovery/v2.0/keys",
        "response_types_supported": ["code", "token"],
    }


def issue_token(state: State, base: str, tenant: str, body: bytes) -> dict[str, Any]:
    """A bearer token for the right secret and a scope of this cloud."""
    _check_tenant(state, tenant)
    form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    _check_credential(state, form)
    _check_scope(base, form.get("scope", ""))
    token = f"emulated.bearer.{secrets.token_urlsafe(48)}"
    state.tokens[token] = time.time() + state.settings.token_seconds
    state.secrets.add(token)
    seconds = int(state.settings.token_seconds)
    return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}


def _check_tenant(state: State, tenant: str) -> None:
    if tenant.lower() != state.identity.tenant:
        raise LoginError(400, "invalid_request", f"AADSTS90002: Tenant '{tenant}' not found.")


def _check_credential(state: State, form: dict[str, str]) -> None:
    """Only a client secret so far; a certificate or a federated token would come as `client_assertion`."""
    client = form.get("client_id", "")
    if form.get("grant_type") != "client_credentials":
        raise LoginError(400, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
    if client != state.identity.client_id:
        message = f"AADSTS700016: Application with identifier '{client}' was not found in the directory."
        raise LoginError(400, "unauthorized_client", message)
    if form.get("client_secret") != state.identity.client_secret:
        message = f"AADSTS7000215: Invalid client secret provided for app '{client}'."
        raise LoginError(401, "invalid_client", message)


def _check_scope(base: str, scope: str) -> None:
    """MSAL adds nothing for client credentials; a doubled slash is a resource that ends in one."""
    wanted = scope.partition(" ")[0]
    if wanted not in (f"{base}/.default", f"{base}//.default"):
        raise LoginError(400, "invalid_scope", f"AADSTS70011: The provided scope '{scope}' is not valid.")


def check_bearer(state: State, base: str, authorization: str) -> None:
    """Refuse, with a challenge, a token that is missing, unknown or expired."""
    scheme, _unused, token = authorization.partition(" ")
    expires = state.tokens.get(token)
    if scheme.lower() != "bearer" or not token:
        problem = ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
    elif expires is None:
        problem = ("InvalidAuthenticationToken", "The access token is invalid.")
    elif expires <= time.time():
        problem = ("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.")
    else:
        return
    challenge = f'Bearer authorization_uri="{base}/{state.identity.tenant}", error="invalid_token"'
    raise ServiceError(401, *problem, headers={"WWW-Authenticate": challenge})
