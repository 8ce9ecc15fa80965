# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""S3 where moto differs: owners, Regions, bucket policies, and the bucket's notification."""

from __future__ import annotations

import dataclasses
import json
import uuid
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from aiohttp import web

from . import s3_notification
from .destinations import Bucket, accepts
from .faults import Call, Fault
from .moto import REGIONS
from .policies import Access, decide, names_of
from .s3_notification import UNVERIFIED, Document
from .s3_operations import action_of, name_of, target

if TYPE_CHECKING:
    from .extensions import Proxy, Signed

READS = ("Get", "List", "Head", "Select")
ANYWHERE = ("CreateBucket", "GetBucketLocation", "ListBuckets", "Unknown")
"""Operations that every Region answers."""
DENIED = Fault(status=403, code="AccessDenied", message="Access Denied")
NOT_ALLOWED = Fault(
    status=403,
    code="AccessDenied",
    message='User: {caller} is not authorized to perform: {action} on resource: "{resource}" because no '
    "resource-based policy allows the {action} action",
)
OWNER = "x-amz-expected-bucket-owner"
NO_CHECK = "x-amz-skip-destination-validation"


def identify(request: web.BaseRequest, body: bytes, signed: Signed) -> Call:
    """Name the operation, its IAM action and the resource of it."""
    operation = name_of(request.method, request.rel_url.raw_path, request.rel_url.raw_query_string, request.headers)
    bucket, key = target(request.rel_url.raw_path)
    arn = f"arn:{signed.partition}:s3:::{bucket}"
    return Call(
        service="s3",
        operation=operation,
        method=request.method,
        path=request.path,
        write=not operation.startswith(READS),
        accounts=(signed.caller.account,),
        caller=signed.caller.arn,
        action=action_of(operation),
        resource="*" if not bucket else f"{arn}/{key}" if key else arn,
    )


async def act(proxy: Proxy, request: web.BaseRequest, body: bytes, call: Call) -> web.Response:
    """Refuse what S3 would; let moto do the rest."""
    name, _key = target(request.rel_url.raw_path)
    if not name or call.operation == "CreateBucket":
        return await proxy.forward(request, body, call)
    bucket = await _find(proxy, name, call, request.headers.get(OWNER, ""))
    if bucket is None:
        return await proxy.forward(request, body, call)
    refused = await _refusal(proxy, request, call, bucket)
    if refused is not None:
        return refused
    if call.operation == "PutBucketNotificationConfiguration":
        return await _put_notification(proxy, request, body, call, bucket)
    response = await proxy.forward(request, body, _as_owner(call, bucket))
    return _after(proxy, call, bucket, response)


def refuse(call: Call, fault: Fault) -> web.Response:
    """An error as S3 words it; an answer to HEAD has no body."""
    request_id = uuid.uuid4().hex[:16].upper()
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{escape(fault.code)}</Code>'
        f"<Message>{escape(call.fill(fault.message))}</Message><RequestId>{request_id}</RequestId>"
        f"<HostId>{uuid.uuid4().hex}</HostId></Error>"
    )
    text = "" if call.method == "HEAD" else fault.text(text)
    headers = {"x-amz-request-id": request_id, **fault.headers}
    return web.Response(status=fault.status or 400, text=text, content_type="application/xml", headers=headers)


async def _find(proxy: Proxy, name: str, call: Call, expected: str) -> Bucket | None:
    """The bucket, if there is one. Its owner is the first of those who may be it that has it; else it is unknown."""
    partition = call.resource.split(":")[1]
    home = REGIONS.get(partition, "us-east-1")
    located = await proxy.state.moto.find(call.accounts[0], "s3", "get_bucket_location", home, Bucket=name)
    if located is None:
        return None
    owner = ""
    for account in dict.fromkeys((call.accounts[0], *([expected] if expected else []))):
        listing = await proxy.state.moto.find(account, "s3", "list_buckets", home)
        if any(one["Name"] == name for one in (listing or {}).get("Buckets", [])):
            owner = account
    return Bucket(name, owner, located.get("LocationConstraint") or "us-east-1", partition)


async def _refusal(proxy: Proxy, request: web.BaseRequest, call: Call, bucket: Bucket) -> web.Response | None:
    if call.operation not in ANYWHERE and proxy.region(request) != bucket.region:
        return refuse(call, _elsewhere(bucket))
    expected = request.headers.get(OWNER, "")
    if expected and bucket.owner != expected:
        return refuse(call, DENIED)
    if bucket.owner != call.accounts[0] and not await _shared(proxy, call, bucket):
        return refuse(call, NOT_ALLOWED)
    return None


def _elsewhere(bucket: Bucket) -> Fault:
    return Fault(
        status=301,
        code="PermanentRedirect",
        message="The bucket you are attempting to access must be addressed using the specified endpoint. "
        "Please send all future requests to this endpoint.",
        headers={"x-amz-bucket-region": bucket.region},
    )


async def _shared(proxy: Proxy, call: Call, bucket: Bucket) -> bool:
    """Whether the bucket's policy lets somebody of another account do this."""
    answer = await proxy.state.moto.find(call.accounts[0], "s3", "get_bucket_policy", bucket.region, Bucket=bucket.name)
    access = Access(call.action, call.resource, names_of(call.caller))
    return answer is not None and decide([json.loads(answer["Policy"])], access) == "allow"


async def _put_notification(
    proxy: Proxy, request: web.BaseRequest, body: bytes, call: Call, bucket: Bucket
) -> web.Response:
    """All of it or nothing: one destination that fails its check is enough."""
    document = s3_notification.parse(body)
    if not isinstance(document, Document):
        return refuse(call, document)
    if request.headers.get(NO_CHECK, "").lower() != "true":
        for arn in dict.fromkeys(entry.arn for entry in document.entries):
            if not await accepts(proxy.state, proxy.state.moto, bucket, arn):
                return refuse(call, UNVERIFIED)
    response = await proxy.forward(request, document.for_moto(), _as_owner(call, bucket))
    if response.status == 200:
        _remember(proxy, bucket.name, document.event_bridge)
    return response


def _after(proxy: Proxy, call: Call, bucket: Bucket, response: web.Response) -> web.Response:
    """What moto's answer lacks."""
    if call.operation == "GetBucketNotificationConfiguration" and response.status == 200:
        text = response.body if isinstance(response.body, bytes) else b""
        response.body = s3_notification.shown(text, bucket.name in proxy.state.s3.event_bridge)
    elif call.operation == "DeleteBucket" and response.status == 204:
        _remember(proxy, bucket.name, event_bridge=False)
    elif call.operation == "HeadBucket":
        response.headers["x-amz-bucket-region"] = bucket.region
    return response


def _remember(proxy: Proxy, name: str, event_bridge: bool) -> None:
    if event_bridge:
        proxy.state.s3.event_bridge.add(name)
    else:
        proxy.state.s3.event_bridge.discard(name)


def _as_owner(call: Call, bucket: Bucket) -> Call:
    """Moto sends a bucket's events to queues of the account that asks: let that be the owner's."""
    return dataclasses.replace(call, accounts=(bucket.owner or call.accounts[0],))
