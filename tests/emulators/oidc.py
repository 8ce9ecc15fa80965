# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM where moto differs for web identities: client ids of a provider, the version of tokens."""

from __future__ import annotations

import re
import time
import uuid
from typing import TYPE_CHECKING

from aiohttp import web

from .faults import Call, Fault
from .moto import REGIONS
from .policies import Json
from .state import State

if TYPE_CHECKING:
    from .extensions import Proxy

NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
PARAMETER = "OpenIDConnectProviderArn"
CLIENT_IDS = ("AddClientIDToOpenIDConnectProvider", "RemoveClientIDFromOpenIDConnectProvider")
TOKEN_VERSION = re.compile(r"(<key>GlobalEndpointTokenVersion</key><value>)\d(</value>)")
CHANGES = {
    "AddClientIDToOpenIDConnectProvider": PARAMETER,
    "RemoveClientIDFromOpenIDConnectProvider": PARAMETER,
    "CreateOpenIDConnectProvider": PARAMETER,
    "UpdateAssumeRolePolicy": "RoleName",
    "PutRolePolicy": "RolePolicy",
    "DeleteRolePolicy": "RolePolicy",
}
"""What takes a while to be known everywhere, and under which name it is remembered."""


def token_version(state: State, account: str) -> int:
    """The version of an account's tokens."""
    return state.s3.token_versions.get(account, state.settings.token_version)


def resource(parameters: dict[str, str], account: str, partition: str) -> str:
    """The provider that a request is about, or nothing."""
    if parameters.get("Action") == "CreateOpenIDConnectProvider":
        return f"arn:{partition}:iam::{account}:oidc-provider/{parameters.get('Url', '').removeprefix('https://')}"
    return parameters.get(PARAMETER, "")


async def act(
    proxy: Proxy, request: web.BaseRequest, body: bytes, call: Call, parameters: dict[str, str]
) -> web.Response:
    """Do what moto does not, and remember when something changed."""
    response = await _act(proxy, request, body, call, parameters)
    if response.status == 200 and call.operation in CHANGES:
        suffix = "#policies" if CHANGES[call.operation] == "RolePolicy" else ""
        proxy.state.s3.iam_changes[f"{call.resource}{suffix}"] = time.monotonic()
    return response


async def _act(
    proxy: Proxy, request: web.BaseRequest, body: bytes, call: Call, parameters: dict[str, str]
) -> web.Response:
    if call.operation in CLIENT_IDS:
        return await _change_client_ids(proxy, call, parameters.get("ClientID", ""))
    if call.operation == "SetSecurityTokenServicePreferences":
        version = 2 if parameters.get("GlobalEndpointTokenVersion") == "v2Token" else 1
        proxy.state.s3.token_versions[call.accounts[0]] = version
        return _done(call.operation)
    if call.operation == "DeleteOpenIDConnectProvider" and await _get(proxy, call) is None:
        return proxy.refuse(call, _missing(call))
    response = await proxy.forward(request, body, call)
    if call.operation == "GetAccountSummary" and isinstance(response.body, bytes):
        version = token_version(proxy.state, call.accounts[0])
        response.body = TOKEN_VERSION.sub(rf"\g<1>{version}\2", response.body.decode()).encode()
    return response


async def _get(proxy: Proxy, call: Call) -> Json | None:
    region = REGIONS[call.resource.split(":")[1]] if call.resource.startswith("arn:") else "us-east-1"
    return await proxy.state.moto.find(
        call.accounts[0], "iam", "get_open_id_connect_provider", region, OpenIDConnectProviderArn=call.resource
    )


async def _change_client_ids(proxy: Proxy, call: Call, client_id: str) -> web.Response:
    """Moto has no such call: make the provider anew, with all that it had. Both operations may be repeated."""
    async with proxy.state.s3.iam_lock:
        known = await _get(proxy, call)
        if known is None:
            return proxy.refuse(call, _missing(call))
        old = [str(one) for one in known.get("ClientIDList", [])]
        if call.operation.startswith("Add"):
            new = old if client_id in old else [*old, client_id]
        else:
            new = [one for one in old if one != client_id]
        if len(new) > 100:
            return proxy.refuse(call, TOO_MANY)
        if new != old:
            await _replace(proxy, call, known, new)
    return _done(call.operation)


async def _replace(proxy: Proxy, call: Call, known: Json, client_ids: list[str]) -> None:
    account, region = call.accounts[0], REGIONS[call.resource.split(":")[1]]
    await proxy.state.moto.call(
        account, "iam", "delete_open_id_connect_provider", region, OpenIDConnectProviderArn=call.resource
    )
    await proxy.state.moto.call(
        account,
        "iam",
        "create_open_id_connect_provider",
        region,
        Url=f"https://{known['Url']}",
        ClientIDList=client_ids,
        ThumbprintList=known.get("ThumbprintList", []),
        Tags=known.get("Tags", []),
    )


TOO_MANY = Fault(
    status=409, code="LimitExceeded", message="Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100"
)


def _missing(call: Call) -> Fault:
    return Fault(status=404, code="NoSuchEntity", message=f"OpenIDConnect Provider not found for arn {call.resource}")


def _done(operation: str) -> web.Response:
    text = (
        f'<{operation}Response xmlns="{NAMESPACE}"><ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId>'
        f"</ResponseMetadata></{operation}Response>"
    )
    return web.Response(text=text, content_type="text/xml")
