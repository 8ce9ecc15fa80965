# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudTrail where moto differs: members of an organization see its trail, and ask for it by ARN."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .faults import Call
from .policies import Json
from .state import CALLER_ACCOUNT

if TYPE_CHECKING:
    from .extensions import Proxy

TRAIL_ARN = re.compile(r"arn:[\w-]+:cloudtrail:([\w-]+):(\d{12}):trail/(.+)")
BY_NAME = {
    "GetTrail": "Name",
    "GetTrailStatus": "Name",
    "GetEventSelectors": "TrailName",
    "GetInsightSelectors": "TrailName",
}


async def act(proxy: Proxy, request: web.BaseRequest, body: bytes, call: Call) -> web.Response:
    """Answer for a member with what its management account has."""
    sent: Json = json.loads(body or b"{}")
    if call.operation == "DescribeTrails":
        return await _describe(proxy, request, body, call, sent)
    found = TRAIL_ARN.fullmatch(str(sent.get(BY_NAME.get(call.operation, ""), "")))
    if found and found[2] == management(proxy):
        trails = await _trails(proxy, found[2], found[1])
        if any(one["TrailARN"] == found[0] and _is_seen(one, call.accounts[0]) for one in trails):
            # moto knows a trail's selectors in its home Region alone.
            answer = await proxy.state.moto.call(
                found[2], "cloudtrail", _python_name(call.operation), _home(trails, found[0]), **sent
            )
            return _answer({**answer, **_planted(proxy, call, found[0])})
    response = await proxy.forward(request, body, call)
    planted = _planted(proxy, call, found[0]) if found else {}
    if not (planted and response.status == 200 and isinstance(response.body, bytes)):
        return response
    return _answer({**json.loads(response.body), **planted})


def _planted(proxy: Proxy, call: Call, arn: str) -> Json:
    return proxy.state.s3.trail_status.get(arn, {}) if call.operation == "GetTrailStatus" else {}


def management(proxy: Proxy) -> str:
    """The organization's management account."""
    return proxy.state.organization.management if proxy.state.organization else CALLER_ACCOUNT


async def _describe(proxy: Proxy, request: web.BaseRequest, body: bytes, call: Call, sent: Json) -> web.Response:
    """Moto ignores the list of names, and knows no organization."""
    response = await proxy.forward(request, body, call)
    if response.status != 200 or not isinstance(response.body, bytes):
        return response
    trails = json.loads(response.body)["trailList"]
    account, home = call.accounts[0], management(proxy)
    if account != home and sent.get("includeShadowTrails", True):
        trails += [one for one in await _trails(proxy, home, proxy.region(request)) if _is_seen(one, account)]
    names = sent.get("trailNameList") or []
    if names:
        trails = [one for one in trails if one["TrailARN"] in names or one["Name"] in names]
    return _answer({"trailList": trails})


async def _trails(proxy: Proxy, account: str, region: str) -> list[Json]:
    answer = await proxy.state.moto.call(account, "cloudtrail", "describe_trails", region)
    found: list[Json] = answer["trailList"]
    return found


def _is_seen(trail: Json, account: str) -> bool:
    """Whether an account sees a trail: its own, or its organization's."""
    return bool(trail["IsOrganizationTrail"]) or trail["TrailARN"].split(":")[4] == account


def _home(trails: list[Json], arn: str) -> str:
    return str(next(one["HomeRegion"] for one in trails if one["TrailARN"] == arn))


def _python_name(operation: str) -> str:
    return re.sub("(?<!^)(?=[A-Z])", "_", operation).lower()


def _answer(answer: Json) -> web.Response:
    def plain(value: Any) -> Any:
        return value.timestamp() if hasattr(value, "timestamp") else str(value)

    body = json.dumps({key: value for key, value in answer.items() if key != "ResponseMetadata"}, default=plain)
    return web.Response(text=body, content_type="application/x-amz-json-1.1")


def with_resource(call: Call, body: bytes, account: str) -> Call:
    """Name the trail of a request, as policies do."""
    sent: Json = json.loads(body or b"{}")
    arn = str(sent.get(BY_NAME.get(call.operation, ""), ""))
    return dataclasses.replace(call, resource=arn if TRAIL_ARN.fullmatch(arn) else "*")
