# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the proxy adds to moto, service by service."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from aiohttp import web

from . import cloudtrail, producers, s3, sns, sqs
from .faults import Call, Fault
from .state import AwsCaller, State


class Proxy(Protocol):
    """What an extension may use of the proxy."""

    state: State

    async def forward(self, request: web.BaseRequest, body: bytes, call: Call) -> web.Response:
        """Let moto answer, inside the call's first account."""

    def region(self, request: web.BaseRequest) -> str:
        """The Region that a request is signed for."""

    def refuse(self, call: Call, fault: Fault) -> web.Response:
        """An error as the service words it."""


class Signed(NamedTuple):
    """Who signed a request, and for which Region."""

    caller: AwsCaller
    region: str

    @property
    def partition(self) -> str:
        """The partition of the Region."""
        return sqs.partition_of(self.region)


Identify = Callable[[web.BaseRequest, bytes, Signed], Call]
Act = Callable[[Proxy, web.BaseRequest, bytes, Call], Awaitable[web.Response]]

IDENTIFY: dict[str, Identify] = {"s3": s3.identify, "sqs": sqs.identify, "guardduty": producers.identify_guardduty}
ACT: dict[str, Act] = {
    "s3": s3.act,
    "sqs": sqs.act,
    "sns": sns.act,
    "cloudtrail": cloudtrail.act,
    "ec2": producers.describe_flow_logs,
    "guardduty": producers.guardduty,
}
REFUSE: dict[str, Callable[[Call, Fault], web.Response]] = {
    "s3": s3.refuse,
    "sqs": sqs.refuse,
    "ec2": producers.refuse_ec2,
}


def refine(call: Call, body: bytes, signed: Signed) -> Call:
    """Name the resource of a request in JSON, as policies do."""
    if call.service == "cloudtrail":
        return cloudtrail.with_resource(call, body, signed.caller.account)
    if call.service == "sns":
        return sns.with_resource(call, body)
    if call.service == "monitoring":
        # CloudWatch signs with another name than its actions have.
        return dataclasses.replace(call, service="cloudwatch", action=f"cloudwatch:{call.operation}")
    if call.service == "kms":
        key = str(json.loads(body or b"{}").get("KeyId", "*"))
        name = key if key.startswith("alias/") else f"key/{key}"
        own = f"arn:{signed.partition}:kms:{signed.region}:{signed.caller.account}:{name}"
        return dataclasses.replace(call, resource=key if key.startswith(("arn:", "*")) else own)
    return call
