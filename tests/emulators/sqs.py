# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQS where moto differs: addresses of queues, other accounts, attributes that it loses or does not check."""

from __future__ import annotations

import dataclasses
import json
import re
import time
import uuid
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from . import policies, sqs_query
from .faults import Call, Fault
from .moto import Moto
from .policies import Access, Json, names_of
from .s3_state import QueueChange
from .state import State

if TYPE_CHECKING:
    from .extensions import Proxy, Signed

READS = ("Get", "List")
URL = re.compile(
    r"https://(?:sqs\.(?P<region>[a-z0-9-]+)|(?P<older>[a-z0-9-]+)\.queue|queue)\.amazonaws\.com(?:\.cn)?"
    r"/(?P<account>\d{12})/(?P<name>[\w-]{1,80}(?:\.fifo)?)"
)
"""Today's address of a queue, the one before it, and the oldest, of us-east-1 alone."""
MOTO_URL = re.compile(r"http://[^/\"]+/(\d{12})/")
NAMED = "https://sqs.{region}.amazonaws.com{suffix}/{account}/{name}"

NOT_ALLOWED = Fault(
    status=403,
    code="AccessDenied",
    message="User: {caller} is not authorized to perform: {action} on resource: {resource} because no "
    "resource-based policy allows the {action} action",
)
MISSING = Fault(
    status=400, code="AWS.SimpleQueueService.NonExistentQueue", message="The specified queue does not exist."
)
ELSEWHERE = Fault(status=400, code="InvalidAddress", message="The address {name} is not valid for this endpoint.")
BAD_POLICY = Fault(status=400, code="InvalidAttributeValue", message="Invalid value for the parameter Policy.")
DELETED_RECENTLY = Fault(
    status=400,
    code="AWS.SimpleQueueService.QueueDeletedRecently",
    message="You must wait 60 seconds after deleting a queue before you can create another with the same name.",
)
SHAPES = {
    "AWS.SimpleQueueService.NonExistentQueue": "QueueDoesNotExist",
    "AWS.SimpleQueueService.QueueDeletedRecently": "QueueDeletedRecently",
}
"""The names that the JSON protocol has for codes of the older one."""


class Queue(NamedTuple):
    """Where a queue is."""

    partition: str
    region: str
    account: str
    name: str

    @property
    def arn(self) -> str:
        """As policies name it."""
        return f"arn:{self.partition}:sqs:{self.region}:{self.account}:{self.name}"

    @property
    def url(self) -> str:
        """As calls name it."""
        suffix = ".cn" if self.partition == "aws-cn" else ""
        return NAMED.format(region=self.region, suffix=suffix, account=self.account, name=self.name)


def queue_of(url: str) -> Queue | None:
    """The queue at an address."""
    found = URL.fullmatch(url)
    if found is None:
        return None
    region = found["region"] or found["older"] or "us-east-1"
    return Queue(partition_of(region), region, found["account"], found["name"])


def queue_named(arn: str) -> Queue:
    """The queue of an ARN."""
    _arn, partition, _sqs, region, account, name = arn.split(":")
    return Queue(partition, region, account, name)


def partition_of(region: str) -> str:
    """The partition of a Region."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


async def attributes(moto: Moto, queue: Queue) -> dict[str, str] | None:
    """A queue's attributes, or None where there is no queue."""
    answer = await moto.find(
        queue.account, "sqs", "get_queue_attributes", queue.region, QueueUrl=queue.url, AttributeNames=["All"]
    )
    return None if answer is None else answer["Attributes"]


async def effective_attributes(state: State, moto: Moto, arn: str) -> dict[str, str] | None:
    """The attributes that are in force: those before the last change, while it has not spread."""
    now = await attributes(moto, queue_named(arn))
    return now if now is None else _in_force(state, arn, now)


def _in_force(state: State, arn: str, now: dict[str, str]) -> dict[str, str]:
    change = state.s3.queue_changes.get(arn)
    return dict(change.before) if change and time.monotonic() < change.until else now


def identify(request: web.BaseRequest, body: bytes, signed: Signed) -> Call:
    """Name the operation and the queue, which may be another account's."""
    target = request.headers.get("X-Amz-Target", ".Unknown").rpartition(".")[2]
    in_query = sqs_query.is_query(body)
    operation = sqs_query.operation(body) if in_query else target
    sent = _sent(body)
    queue = _queue(sent, signed)
    accounts = (signed.caller.account, *([queue.account] if queue and queue.account != signed.caller.account else []))
    return Call(
        service="sqs",
        operation=operation,
        method=request.method,
        path=request.path,
        write=not operation.startswith(READS),
        accounts=accounts,
        caller=signed.caller.arn,
        action=f"sqs:{operation.removesuffix('Batch')}",
        resource=queue.arn if queue else "*",
        in_query=in_query,
    )


def _sent(body: bytes) -> Json:
    if sqs_query.is_query(body):
        return sqs_query.parameters(body)
    try:
        sent = json.loads(body or b"{}")
    except ValueError:
        return {}
    return sent if isinstance(sent, dict) else {}


def _queue(sent: Json, signed: Signed) -> Queue | None:
    if "QueueUrl" in sent:
        return queue_of(str(sent["QueueUrl"]))
    if "QueueName" in sent:
        account = str(sent.get("QueueOwnerAWSAccountId", signed.caller.account))
        return Queue(signed.partition, signed.region, account, str(sent["QueueName"]))
    return None


async def act(proxy: Proxy, request: web.BaseRequest, body: bytes, call: Call) -> web.Response:
    """Refuse what SQS would; let moto do the rest, in the account of the queue."""
    if call.resource == "*":
        return _with_urls(await proxy.forward(request, body, call), proxy.region(request))
    queue = queue_named(call.resource)
    if queue.region != proxy.region(request):
        return refuse(call, ELSEWHERE)
    before = await attributes(proxy.state.moto, queue)
    refused = _foreign(call, before) or await _check(proxy, call, queue, _sent(body), before)
    if refused is not None:
        return refuse(call, refused)
    response = await proxy.forward(request, _whole(call, body, before), _as_owner(call, queue))
    if response.status == 200:
        _learn(proxy.state, call, before)
    return _after(proxy.state, call, _with_urls(response, queue.region))


def _foreign(call: Call, before: dict[str, str] | None) -> Fault | None:
    """Whether the queue's policy keeps somebody of another account out."""
    if len(call.accounts) == 1:
        return None
    document = policies.parse((before or {}).get("Policy", ""))
    access = Access(call.action, call.resource, names_of(call.caller))
    if before is not None and document and policies.decide([document], access) == "allow":
        return None
    return NOT_ALLOWED if before is not None else MISSING


async def _check(proxy: Proxy, call: Call, queue: Queue, sent: Json, before: dict[str, str] | None) -> Fault | None:
    """What a create or a change may not hold."""
    if call.operation not in ("CreateQueue", "SetQueueAttributes"):
        return None
    deleted = proxy.state.s3.queues_deleted.get(queue.arn, float("-inf"))
    recently = time.monotonic() - deleted < proxy.state.settings.queue_deleted_seconds
    if call.operation == "CreateQueue" and before is None and recently:
        return DELETED_RECENTLY
    wanted = sent.get("Attributes", {})
    if wanted.get("Policy") and not await _acceptable(proxy.state.moto, wanted["Policy"]):
        return BAD_POLICY
    return await _dead_letters(proxy.state.moto, queue, wanted.get("RedrivePolicy", ""))


async def _acceptable(moto: Moto, text: str) -> bool:
    """Whether a policy is one, and the roles that it names are there."""
    document = policies.parse(text)
    if document is None:
        return False
    for statement in policies.listed(document["Statement"]):
        principal = statement.get("Principal", {})
        for arn in policies.listed(principal.get("AWS", [])) if isinstance(principal, dict) else []:
            found = re.fullmatch(r"arn:[\w-]+:iam::(\d{12}):role/(?:.*/)?([^/]+)", str(arn))
            if found and await moto.find(found[1], "iam", "get_role", RoleName=found[2]) is None:
                return False
    return True


async def _dead_letters(moto: Moto, queue: Queue, text: str) -> Fault | None:
    if not text:
        return None
    arn = str(_sent(text.encode()).get("deadLetterTargetArn", ""))
    place = arn.rpartition(":")[0] == queue.arn.rpartition(":")[0]
    if place and await attributes(moto, queue_named(arn)) is not None:
        return None
    reason = "Dead letter target does not exist." if place else "Dead-letter queue must be in the same account."
    message = f"Value {text} for parameter RedrivePolicy is invalid. Reason: {reason}"
    return Fault(status=400, code="InvalidParameterValue", message=message)


def _whole(call: Call, body: bytes, before: dict[str, str] | None) -> bytes:
    """Moto forgets a queue's policy when another attribute is set: send it along."""
    if call.operation != "SetQueueAttributes" or "Policy" not in (before or {}):
        return body
    sent = _sent(body)
    kept = {"Policy": (before or {})["Policy"]}
    if call.in_query:
        known = "Policy" in sent.get("Attributes", {})
        return body if known else sqs_query.with_attribute(body, "Policy", kept["Policy"])
    return json.dumps({**sent, "Attributes": {**kept, **sent.get("Attributes", {})}}).encode()


def _as_owner(call: Call, queue: Queue) -> Call:
    return dataclasses.replace(call, accounts=(queue.account,))


def _learn(state: State, call: Call, before: dict[str, str] | None) -> None:
    if call.operation == "DeleteQueue":
        state.s3.queues_deleted[call.resource] = time.monotonic()
    elif call.operation == "SetQueueAttributes" or (call.operation == "CreateQueue" and before is None):
        until = time.monotonic() + state.settings.queue_lag_seconds
        last = state.s3.queue_changes.get(call.resource)
        if last and time.monotonic() < last.until:
            state.s3.queue_changes[call.resource] = QueueChange(last.before, max(last.until, until))
        else:
            state.s3.queue_changes[call.resource] = QueueChange(before or {}, until)


def _after(state: State, call: Call, response: web.Response) -> web.Response:
    """While a change has not spread, reads may show what was there before."""
    change = state.s3.queue_changes.get(call.resource)
    reads = call.operation == "GetQueueAttributes" and response.status == 200
    if not (reads and state.settings.queue_lag_reads and change and time.monotonic() < change.until):
        return response
    text = response.body.decode() if isinstance(response.body, bytes) else ""
    old = {key: value for key, value in change.before.items() if not key.startswith("Approximate")}
    now = sqs_query.attributes(text) if call.in_query else json.loads(text).get("Attributes", {})
    shown = {key: old.get(key, now[key]) for key in now if key in old or key.startswith("Approximate")}
    changed = json.dumps({"Attributes": shown})
    response.body = (sqs_query.with_attributes(text, shown) if call.in_query else changed).encode()
    return response


def _with_urls(response: web.Response, region: str) -> web.Response:
    """Moto's addresses as those of SQS."""
    text = response.body.decode() if isinstance(response.body, bytes) else ""
    address = Queue(partition_of(region), region, r"\1", "").url
    response.body = MOTO_URL.sub(address, text).encode()
    return response


def refuse(call: Call, fault: Fault) -> web.Response:
    """An error as SQS words it; in the JSON protocol with its name, and the code of the query protocol in a header."""
    status = fault.status or 400
    side = "Sender" if status < 500 else "Receiver"
    if call.in_query:
        text = sqs_query.error(fault.code, call.fill(fault.message), side)
        return web.Response(status=status, text=fault.text(text), content_type="text/xml", headers=fault.headers)
    shape = SHAPES.get(fault.code, fault.code)
    text = json.dumps({"__type": f"com.amazonaws.sqs#{shape}", "message": call.fill(fault.message)})
    headers = {"x-amzn-RequestId": str(uuid.uuid4()), "x-amzn-query-error": f"{fault.code};{side}", **fault.headers}
    kind = "application/x-amz-json-1.0"
    return web.Response(status=status, text=fault.text(text), content_type=kind, headers=headers)
