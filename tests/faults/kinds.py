# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of faults: at which requests they are applied, and the error classes they may cause."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, NamedTuple

from tests.emulators import faults
from tests.emulators.connectors import DUPLICATE

Rule = dict[str, Any]
HANG_SECONDS = 1.6
"""Longer than the request timeout of these tests."""


class Request(NamedTuple):
    """A request of a run: the one after `skip` requests of the same operation."""

    service: str
    operation: str
    skip: int = 0

    @property
    def writes(self) -> bool:
        """Whether it is a write."""
        reads = ("Get", "List", "Describe", "AssumeRole", GET)
        return not self.operation.startswith(reads) and not self.is_for_all

    @property
    def is_for_all(self) -> bool:
        """Whether it is made once per run."""
        azure = self.service == "azure" and self.operation not in (GET, PUT, DELETE)
        return azure or self.operation == "GetCallerIdentity"


GET, PUT, DELETE = "DataConnectors_Get", "DataConnectors_CreateOrUpdate", "DataConnectors_Delete"
Where = Callable[[Request], bool]


@dataclass(frozen=True)
class Kind:
    """A fault: requests that it is applied to, and the error classes with which an account (or the run) may fail.

    Applied once, the run succeeds unless `once` has classes; applied always, it fails with one of `always`.
    """

    name: str
    rule: Callable[[], Rule]
    at: Where
    always: tuple[str, ...]
    once: tuple[str, ...] = ()
    lasts: float = 0.0
    """How long the service may still process the request after the fault, in seconds."""


def everywhere(_request: Request) -> bool:
    """At every request."""
    return True


def aws(request: Request) -> bool:
    """At every request to AWS."""
    return request.service != "azure"


def azure(request: Request) -> bool:
    """At every request to Azure."""
    return request.service == "azure"


def arm(request: Request) -> bool:
    """At every request to Azure Resource Manager that needs a token."""
    return azure(request) and request.operation not in ("Metadata_Endpoints", "OpenId", "Token")


def sentinel(request: Request) -> bool:
    """At every request to Microsoft Sentinel."""
    return request.operation.startswith(("DataConnectors", "SentinelOnboarding"))


def iam(request: Request) -> bool:
    """At every request to IAM."""
    return request.service == "iam"


def iam_write(request: Request) -> bool:
    """At every write in IAM."""
    return iam(request) and request.writes


def connector_write(request: Request) -> bool:
    """At every write of a connector."""
    return request.operation in (PUT, DELETE)


def at(*operations: str) -> Where:
    """At these operations."""
    return lambda request: request.operation in operations


def unless(where: Where, *operations: str) -> Where:
    """At these requests, except for these operations."""
    return lambda request: where(request) and request.operation not in operations


def same(rule: Rule) -> Callable[[], Rule]:
    """The rule at whatever request."""
    return lambda: {name: value for name, value in rule.items() if name not in ("service", "operation")}


def _later(retry_after: Callable[[], str]) -> Callable[[], Rule]:
    return lambda: {**same(faults.AZURE_THROTTLED)(), "headers": {"Retry-After": retry_after()}}


def error(status: int, code: str, message: str) -> Callable[[], Rule]:
    """The rule that responds with an error."""
    return lambda: {"status": status, "code": code, "message": message}


_TRANSIENT = ("transient",)
_INNER = {"error": {"code": "BadRequest", "message": "Workspace 'sentinel' is not onboarded to Microsoft Sentinel."}}
_ROLE_REJECTED = "connector validation failed: the role 'arn:aws:iam::111111111101:role/MicrosoftSentinelRole' cannot."
_UNREGISTERED = "The subscription is not registered to use namespace 'Microsoft.SecurityInsights'."

KINDS = (
    Kind("reset before", same({"reset": "before"}), everywhere, _TRANSIENT),
    Kind("reset after", same({"reset": "after"}), everywhere, _TRANSIENT),
    Kind("time-out", same({"delay": HANG_SECONDS, "reset": "before"}), everywhere, _TRANSIENT, lasts=HANG_SECONDS),
    Kind("time-out, processed late", same({"delay": HANG_SECONDS}), everywhere, _TRANSIENT, lasts=HANG_SECONDS),
    Kind("500", same(faults.FAILURE), aws, _TRANSIENT),
    Kind("503", same(faults.UNAVAILABLE), aws, _TRANSIENT),
    Kind("ARM 500", same(faults.AZURE_FAILURE), azure, _TRANSIENT),
    Kind("ARM 503", same(faults.AZURE_UNAVAILABLE), azure, _TRANSIENT),
    Kind("throttling", same(faults.THROTTLED), aws, ("throttled",)),
    Kind("429", error(429, "TooManyRequestsException", "Too many requests."), aws, ("throttled",)),
    Kind("ARM 429", error(429, "TooManyRequests", "Please retry."), azure, ("throttled",)),
    Kind("ARM 429, in seconds", _later(lambda: "1"), azure, ("throttled",)),
    Kind("ARM 429, at a date", _later(lambda: formatdate(time.time() + 2, usegmt=True)), azure, ("throttled",)),
    Kind("ARM 429, tomorrow", _later(lambda: "86400"), azure, ("throttled",), ("throttled",)),
    Kind("concurrent modification", same(faults.CONCURRENT_MODIFICATION), iam_write, ("transient",)),
    Kind("already exists", same(faults.ENTITY_EXISTS), at("CreateRole"), ("role_conflict",)),
    Kind("delete conflict", same(faults.DELETE_CONFLICT), at("DeleteRole"), ("role_conflict",)),
    Kind("not visible yet", same(faults.NO_SUCH_ROLE), unless(iam_write, "CreateRole"), ("transient",)),
    Kind(
        "deleted while read",
        same(faults.NO_SUCH_ROLE),
        lambda request: iam(request) and request.operation.startswith("List"),
        ("transient",),
        ("transient",),
    ),
    Kind("invalid principal", same(faults.INVALID_PRINCIPAL), at("CreateRole", "UpdateAssumeRolePolicy"), _TRANSIENT),
    Kind("expired session", same(faults.EXPIRED_TOKEN), iam, _TRANSIENT, _TRANSIENT),
    Kind("not trusted", same(faults.TRUST_DENIED), at("AssumeRole"), ("assume_denied",), ("assume_denied",)),
    Kind("no permission", same(faults.IDENTITY_DENIED), iam, ("aws_denied",), ("aws_denied",)),
    Kind("denied by SCP", same(faults.SCP_DENIED), unless(aws, "GetCallerIdentity", "ListObjectsV2"),
         ("scp_denied",), ("scp_denied",)),
    Kind("denied by boundary", same(faults.BOUNDARY_DENIED), iam, ("boundary_denied",), ("boundary_denied",)),
    Kind("quota", same(faults.QUOTA), at("CreateRole", "AttachRolePolicy", "PutRolePolicy"), ("quota",), ("quota",)),
    Kind("ARM 409", same(faults.AZURE_CONFLICT), connector_write, ("connector_conflict",)),
    Kind("ARM 412", error(412, "PreconditionFailed", "Newer exists."), connector_write, ("connector_conflict",)),
    Kind("duplicate rejected", error(400, "BadRequest", DUPLICATE), at(PUT), ("connector_conflict",)),
    Kind("role rejected", error(400, "BadRequest", _ROLE_REJECTED), at(PUT), ("transient",)),
    Kind("ARM 403", same(faults.AZURE_DENIED), arm, ("azure_denied",), ("azure_denied",)),
    Kind("expired token", error(401, "ExpiredAuthenticationToken", "The access token expired."), arm,
         ("azure_denied",), ("azure_denied",)),
    Kind("not registered", error(409, "MissingSubscriptionRegistration", _UNREGISTERED), sentinel,
         ("bad_input",), ("bad_input",)),
    Kind("not onboarded", error(400, "BadRequest", json.dumps(_INNER)), sentinel, ("bad_input",), ("bad_input",)),
)  # fmt: skip
