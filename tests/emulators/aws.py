# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS: a proxy in front of an unchanged moto that logs, rejects and breaks requests.

moto accepts any credentials for any role. Here an access key belongs to an account, and only some roles can be assumed.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from fnmatch import fnmatchcase
from functools import partial
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import aiohttp
from aiohttp import web

from . import extensions, oidc, policies
from .faults import INVALID_TOKEN, LONG_POLICY, SESSION_DENIED, TRUST_DENIED, Call, Fault
from .organization import Organization
from .stacksets import accounts_below
from .state import CALLER_ACCOUNT, AwsCaller, State

READS = ("Get", "List", "Describe", "AssumeRole", "Simulate", "Lookup")
NAMESPACES = {
    "cloudformation": "http://cloudformation.amazonaws.com/doc/2010-05-15/",
    "sns": "http://sns.amazonaws.com/doc/2010-03-31/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}
HOP_BY_HOP = {"connection", "content-length", "expect", "host", "keep-alive", "transfer-encoding", "x-moto-account-id"}
ROLE_ARN = re.compile(r"arn:[\w-]+:iam::(\d{12}):role/(?:.*/)?([^/]+)")
CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/")
SIGNED_REGION = re.compile(r"Credential=[^/]+/\d+/([^/]+)/")


class Aws:
    """The proxy."""

    def __init__(self, state: State, moto: str, session: aiohttp.ClientSession) -> None:
        self.state = state
        self.moto = moto
        self.session = session

    def identify(self, request: web.BaseRequest, body: bytes) -> Call:
        """Return operation, account and caller of a request."""
        found = CREDENTIAL.search(request.headers.get("Authorization", ""))
        key, service = found.groups() if found else ("", "unknown")
        signed = extensions.Signed(self._caller(key), self.region(request))
        if service in extensions.IDENTIFY:
            return extensions.IDENTIFY[service](request, body, signed)
        operation, parameters = _operation(request, body)
        caller = self._caller(key)
        account, resource = _target(operation, parameters, signed)
        call = Call(
            service=service,
            operation=operation,
            method=request.method,
            path=request.path,
            write=not operation.startswith(READS),
            accounts=(account,),
            caller=caller.arn,
            action=f"{service}:{operation}",
            resource=oidc.resource(parameters, account, signed.partition) or resource,
        )
        return extensions.refine(call, body, signed)

    def region(self, request: web.BaseRequest) -> str:
        """The Region that a request is signed for."""
        found = SIGNED_REGION.search(request.headers.get("Authorization", ""))
        return found[1] if found else "us-east-1"

    def _caller(self, key: str) -> AwsCaller:
        known = self.state.callers.get(key)
        return known or AwsCaller(CALLER_ACCOUNT, f"arn:aws:iam::{CALLER_ACCOUNT}:user/unknown")

    async def act(self, request: web.BaseRequest, body: bytes, call: Call) -> web.Response:
        """Return the response of moto, or the error that AWS would return."""
        refusal = self._refusal(request, body, call)
        if refusal is not None:
            return self.refuse(call, refusal)
        if call.service == "organizations" and self.state.organization:
            return self._organizations_response(self.state.organization, body, call)
        if call.service == "cloudformation":
            return await self._cloudformation_response(request, body, call)
        if call.service in extensions.ACT:
            return await extensions.ACT[call.service](self, request, body, call)
        parameters = _operation(request, body)[1]
        if call.service == "iam":
            response = await oidc.act(self, request, body, call, parameters)
        else:
            response = await self.forward(request, body, call)
        if response.status == 200:
            self._record(call, response, parameters)
        return response

    def _refusal(self, request: web.BaseRequest, body: bytes, call: Call) -> Fault | None:
        settings = self.state.settings
        found = CREDENTIAL.search(request.headers.get("Authorization", ""))
        if settings.refuse_unknown_keys and (not found or found[1] not in self.state.callers):
            return Fault(**INVALID_TOKEN)
        parameters = _operation(request, body)[1]
        if call.operation == "AssumeRole":
            role = ROLE_ARN.fullmatch(call.resource)
            sent = parameters.get("ExternalId", "")
            known = role and any(fnmatchcase(role[2], name) for name in settings.role_names)
            if not known or settings.external_id not in ("", sent):
                return Fault(**TRUST_DENIED)
            if len(parameters.get("Policy", "")) > 2048:
                return Fault(**LONG_POLICY)
        policy = self._caller(found[1] if found else "").policy
        return None if _allowed(policy, call, parameters) else Fault(**SESSION_DENIED)

    def _organizations_response(self, organization: Organization, body: bytes, call: Call) -> web.Response:
        """Return the response of AWS Organizations, where moto differs from it."""
        answer = organization.answer(call.operation, json.loads(body or b"{}"), call.accounts[0])
        if isinstance(answer, Fault):
            return self.refuse(call, answer)
        return web.json_response(answer, content_type="application/x-amz-json-1.1")

    async def _cloudformation_response(self, request: web.BaseRequest, body: bytes, call: Call) -> web.Response:
        return await self.state.stacksets.act(
            call.operation,
            body,
            lambda changed: self.forward(request, changed, call),
            partial(accounts_below, self.session, self.moto, call.accounts[0]),
        )

    async def forward(self, request: web.BaseRequest, body: bytes, call: Call) -> web.Response:
        """Pass it on. The account goes along: looking keys up costs moto a second per account."""
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        headers["x-moto-account-id"] = call.accounts[0]
        async with self.session.request(
            request.method, self.moto + request.raw_path, data=body, headers=headers, allow_redirects=False
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    def _record(self, call: Call, response: web.Response, parameters: dict[str, str]) -> None:
        """Record the account of new keys and the creation time of roles."""
        text = response.body.decode() if isinstance(response.body, bytes) else ""
        if call.operation == "AssumeRole":
            session = {name: _element(text, name) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken", "Arn")}
            self.state.secrets |= {session["SecretAccessKey"], session["SessionToken"]}
            self.state.callers[session["AccessKeyId"]] = AwsCaller(
                call.accounts[0], session["Arn"], parameters.get("Policy", "")
            )
            if self.state.settings.sessions_arrive:
                self.state.record_session(call.accounts[0], session["Arn"].rpartition("/")[2])
        elif call.operation == "CreateRole":
            self.state.roles_created[_element(text, "Arn")] = time.monotonic()

    def refuse(self, call: Call, fault: Fault) -> web.Response:
        """An error as the service words it: XML for the query protocol, JSON for the others."""
        if call.service in extensions.REFUSE:
            return extensions.REFUSE[call.service](call, fault)
        message, request_id = call.fill(fault.message), str(uuid.uuid4())
        if call.service in NAMESPACES:
            text = _xml_error(NAMESPACES[call.service], fault, message, request_id)
            kind = "text/xml"
        else:
            text = json.dumps({"__type": fault.code, "message": message})
            kind = "application/x-amz-json-1.1"
        headers = {"x-amzn-RequestId": request_id, **fault.headers}
        return web.Response(
            status=fault.status or 400,
            text=fault.text(text),
            content_type=kind,
            headers=headers,
        )


def _operation(request: web.BaseRequest, body: bytes) -> tuple[str, dict[str, str]]:
    """Return the operation and its parameters, in either protocol."""
    target = request.headers.get("X-Amz-Target")
    if target:
        return target.rsplit(".", 1)[-1], {}
    form: dict[str, Any] = parse_qs(body.decode("utf-8", "replace")) or dict(parse_qs(request.query_string))
    parameters = {name: values[0] for name, values in form.items()}
    return parameters.get("Action", "Unknown"), parameters


def _target(operation: str, parameters: dict[str, str], signed: extensions.Signed) -> tuple[str, str]:
    """Return the account of a request and the resource that a denial contains."""
    caller, role = signed.caller, ROLE_ARN.fullmatch(parameters.get("RoleArn", ""))
    if operation == "AssumeRole":
        return role[1] if role else caller.account, parameters.get("RoleArn", "")
    if "RoleName" in parameters:
        path = parameters.get("Path", "/")
        return caller.account, f"arn:{signed.partition}:iam::{caller.account}:role{path}{parameters['RoleName']}"
    return caller.account, "*"


def _allowed(policy: str, call: Call, parameters: dict[str, str]) -> bool:
    """Whether a session policy, if there is one, lets the call pass."""
    if not policy:
        return True
    context = {"iam:PolicyARN": parameters["PolicyArn"]} if "PolicyArn" in parameters else {}
    access = policies.Access(call.action, call.resource, context=context)
    return policies.decide([json.loads(policy)], access) == "allow"


def _element(text: str, name: str) -> str:
    found = re.search(f"<{name}>([^<]*)</{name}>", text)
    return found[1] if found else ""


def _xml_error(namespace: str, fault: Fault, message: str, request_id: str) -> str:
    side = "Sender" if (fault.status or 400) < 500 else "Receiver"
    return (
        f'<ErrorResponse xmlns="{namespace}"><Error><Type>{side}</Type><Code>{escape(fault.code)}</Code>'
        f"<Message>{escape(message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
