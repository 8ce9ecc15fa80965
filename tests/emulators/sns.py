# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SNS where moto differs: topics of other accounts, who owns a subscription, and that some are not confirmed.

Sources: "Subscribe" and "ListSubscriptionsByTopic" (Amazon SNS API Reference). A subscription is no resource of
policies, and only the account that created it may read or change it.
"""

from __future__ import annotations

import dataclasses
import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from aiohttp import web

from .faults import Call, Fault
from .policies import Access, decide, names_of
from .state import State

if TYPE_CHECKING:
    from .extensions import Proxy

NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
DENIED = Fault(
    status=403,
    code="AuthorizationError",
    message="User: {caller} is not authorized to perform: {action} on resource: {resource} because no "
    "resource-based policy allows the {action} action",
)
NOT_OWNED = Fault(status=403, code="AuthorizationError", message="Not authorized to access this subscription")
ELSEWHERE = Fault(status=400, code="InvalidParameter", message="Invalid parameter: TopicArn")
OTHER_ATTRIBUTES = Fault(
    status=400,
    code="InvalidParameter",
    message="Invalid parameter: Attributes Reason: Subscription already exists with different attributes",
)
PENDING = "PendingConfirmation"


def parameters(body: bytes) -> dict[str, str]:
    """The parameters of a request."""
    return {name: values[0] for name, values in parse_qs(body.decode()).items()}


def with_resource(call: Call, body: bytes) -> Call:
    """Name the topic, as policies do; a subscription has no name there."""
    return dataclasses.replace(call, resource=parameters(body).get("TopicArn", "*"))


async def act(proxy: Proxy, request: web.BaseRequest, body: bytes, call: Call) -> web.Response:
    """Let moto answer in the account of the topic."""
    sent = parameters(body)
    arn = sent.get("TopicArn") or sent.get("SubscriptionArn", "")
    if not arn:
        return await proxy.forward(request, body, call)
    _arn, _partition, _sns, region, owner, *_rest = arn.split(":")
    refused = await _refusal(proxy, call, sent, owner, region)
    if region != proxy.region(request):
        refused = ELSEWHERE
    if refused is not None:
        return proxy.refuse(call, refused)
    response = await proxy.forward(request, body, dataclasses.replace(call, accounts=(owner,)))
    return _after(proxy.state, call, sent, response) if response.status == 200 else response


async def _refusal(proxy: Proxy, call: Call, sent: dict[str, str], owner: str, region: str) -> Fault | None:
    caller = call.accounts[0]
    if "SubscriptionArn" in sent:
        subscriber = proxy.state.s3.subscribers.get(sent["SubscriptionArn"], owner)
        return None if subscriber == caller else NOT_OWNED
    if caller != owner and not await _is_shared(proxy, call, owner, region):
        return DENIED
    return await _existing(proxy, sent, owner, region) if call.operation == "Subscribe" else None


async def _is_shared(proxy: Proxy, call: Call, owner: str, region: str) -> bool:
    """Whether the policy of the topic lets somebody of another account do this."""
    answer = await proxy.state.moto.find(owner, "sns", "get_topic_attributes", region, TopicArn=call.resource)
    access = Access(call.action, call.resource, names_of(call.caller))
    return answer is not None and decide([json.loads(answer["Attributes"]["Policy"])], access) == "allow"


async def _existing(proxy: Proxy, sent: dict[str, str], owner: str, region: str) -> Fault | None:
    """Whether the endpoint has a subscription with another setting."""
    moto = proxy.state.moto
    listed = await moto.find(owner, "sns", "list_subscriptions_by_topic", region, TopicArn=sent["TopicArn"])
    for one in (listed or {}).get("Subscriptions", []):
        arn = one["SubscriptionArn"]
        if one["Endpoint"] == sent["Endpoint"] and arn not in proxy.state.s3.pending_subscriptions:
            found = await moto.call(owner, "sns", "get_subscription_attributes", region, SubscriptionArn=arn)
            if found["Attributes"]["RawMessageDelivery"] != sent.get("Attributes.entry.1.value", "false"):
                return OTHER_ATTRIBUTES
    return None


def _after(state: State, call: Call, sent: dict[str, str], response: web.Response) -> web.Response:
    root = ET.fromstring(response.body if isinstance(response.body, bytes) else b"")
    if call.operation == "Subscribe":
        _learn(state, call.accounts[0], sent["Endpoint"], root)
    for entry in root.iter(f"{{{NAMESPACE}}}member"):
        _correct(state, {child.tag.rpartition("}")[2]: child for child in entry})
    attributes = {_text(entry, "key"): _child(entry, "value") for entry in root.iter(f"{{{NAMESPACE}}}entry")}
    if "SubscriptionArn" in attributes:
        attributes["Owner"].text = _owner(state, attributes["SubscriptionArn"].text or "", attributes["Owner"].text)
    response.body = bytes(ET.tostring(root))
    return response


def _learn(state: State, caller: str, endpoint: str, root: ET.Element) -> None:
    """The account of the queue need not confirm what it subscribes itself."""
    [shown] = root.iter(f"{{{NAMESPACE}}}SubscriptionArn")
    arn = shown.text or ""
    state.s3.subscribers[arn] = caller
    if endpoint.split(":")[4] == caller:
        state.s3.pending_subscriptions.discard(arn)
    else:
        state.s3.pending_subscriptions.add(arn)
        shown.text = "pending confirmation"


def _correct(state: State, member: dict[str, ET.Element]) -> None:
    """An entry of a list, with its owner."""
    if "SubscriptionArn" not in member:
        return
    arn = member["SubscriptionArn"].text or ""
    member["Owner"].text = _owner(state, arn, member["Owner"].text)
    if arn in state.s3.pending_subscriptions:
        member["SubscriptionArn"].text = PENDING


def _owner(state: State, arn: str, known: str | None) -> str:
    return state.s3.subscribers.get(arn, known or "")


def _child(entry: ET.Element, name: str) -> ET.Element:
    return next(child for child in entry if child.tag.rpartition("}")[2] == name)


def _text(entry: ET.Element, name: str) -> str:
    return _child(entry, name).text or ""
