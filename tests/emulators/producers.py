# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What writes objects into buckets and moto has not: flow logs with a file format, destinations of GuardDuty.

A test puts them there as the API returns them; they deliver nothing.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from aiohttp import web

from .faults import Call, Fault
from .s3_state import Json

if TYPE_CHECKING:
    from .extensions import Proxy, Signed

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
DETECTOR = "12abc34d567e8fa901bc2d34e56789f0"
PATHS = {
    r"/detector": "ListDetectors",
    r"/detector/[^/]+/publishingDestination": "ListPublishingDestinations",
    r"/detector/[^/]+/publishingDestination/[^/]+": "DescribePublishingDestination",
}


async def describe_flow_logs(proxy: Proxy, request: web.BaseRequest, body: bytes, call: Call) -> web.Response:
    """The flow logs that a test put there; all else of EC2 is moto's."""
    if call.operation != "DescribeFlowLogs":
        return await proxy.forward(request, body, call)
    found = proxy.state.s3.flow_logs.get((call.accounts[0], proxy.region(request)), [])
    items = "".join(f"<item>{_elements(one)}</item>" for one in found)
    text = (
        f'<DescribeFlowLogsResponse xmlns="{NAMESPACE}"><requestId>{uuid.uuid4()}</requestId>'
        f"<flowLogSet>{items}</flowLogSet></DescribeFlowLogsResponse>"
    )
    return web.Response(text=text, content_type="text/xml")


def _elements(value: Json) -> str:
    """Names of elements begin with a small letter."""
    parts = ((f"{name[0].lower()}{name[1:]}", one) for name, one in value.items())
    return "".join(
        f"<{name}>{_elements(one) if isinstance(one, dict) else escape(one)}</{name}>" for name, one in parts
    )


def refuse_ec2(call: Call, fault: Fault) -> web.Response:
    """An error as EC2 words it."""
    text = (
        f"<Response><Errors><Error><Code>{escape(fault.code)}</Code><Message>{escape(call.fill(fault.message))}"
        f"</Message></Error></Errors><RequestID>{uuid.uuid4()}</RequestID></Response>"
    )
    return web.Response(status=fault.status or 400, text=fault.text(text), content_type="text/xml")


def identify_guardduty(request: web.BaseRequest, _body: bytes, signed: Signed) -> Call:
    """Name the operation by its path."""
    found = (name for path, name in PATHS.items() if request.method == "GET" and re.fullmatch(path, request.path))
    operation = next(found, "Unknown")
    return Call(
        service="guardduty",
        operation=operation,
        method=request.method,
        path=request.path,
        write=not operation.startswith(("Describe", "List")),
        accounts=(signed.caller.account,),
        caller=signed.caller.arn,
        action=f"guardduty:{operation}",
        resource="*",
    )


async def guardduty(proxy: Proxy, request: web.BaseRequest, body: bytes, call: Call) -> web.Response:
    """One detector with the destinations that a test put there, where there are any."""
    found = proxy.state.s3.destinations.get((call.accounts[0], proxy.region(request)), [])
    if call.operation == "ListDetectors":
        return web.json_response({"detectorIds": [DETECTOR] if found else []})
    if call.operation == "ListPublishingDestinations":
        listed = [{name: one[name] for name in ("destinationId", "destinationType", "status")} for one in found]
        return web.json_response({"destinations": listed})
    if call.operation == "DescribePublishingDestination":
        wanted = request.path.rpartition("/")[2]
        return web.json_response(next(one for one in found if one["destinationId"] == wanted))
    return await proxy.forward(request, body, call)
