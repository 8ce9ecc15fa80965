# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults: one type of rule for both services, and error messages of AWS and Azure."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal


@dataclass(frozen=True)
class Call:
    """One request, as used by rules and log."""

    service: str
    operation: str
    method: str
    path: str
    write: bool
    accounts: tuple[str, ...] = ()
    """Matched by a rule's `account`; the first one is logged."""
    caller: str = ""
    action: str = ""
    resource: str = ""
    in_query: bool = False
    """Whether SQS is asked by its older protocol."""

    def record(self, status: int) -> dict[str, Any]:
        """Return the entry of the request log; status 0 means that the connection was reset."""
        return {
            "service": self.service,
            "operation": self.operation,
            "account": self.accounts[0] if self.accounts else "",
            "method": self.method,
            "path": self.path,
            "status": status,
            "write": self.write,
            "action": self.action,
            "resource": self.resource,
        }

    def fill(self, text: str) -> str:
        """Return a message with its placeholders replaced; not by `format`, because messages may contain JSON."""
        names = {"caller": self.caller, "action": self.action, "resource": self.resource}
        names["name"] = self.resource.rsplit("/", 1)[-1]
        for name, value in names.items():
            text = text.replace("{" + name + "}", value)
        return text


@dataclass
class Fault:
    """A fault: for which requests, how often, and with which effect.

    `service`, `operation` and `account` may hold wildcards; service `aws` is every AWS service.
    The fault is not applied to the first `skip` matching requests, then to `times` ones (None: all).
    """

    service: str = "*"
    operation: str = "*"
    account: str = "*"
    skip: int = 0
    times: int | None = None
    status: int | None = None
    code: str = ""
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    """The response body, instead of an error built from `code` and `message`."""
    reset: Literal["before", "after"] | None = None
    """Reset the connection before, or after, the service has processed the request."""
    delay: float = 0.0

    def matches(self, call: Call) -> bool:
        """Return whether the rule matches a request."""
        return (
            (fnmatchcase(call.service, self.service) or (self.service == "aws" and call.service != "azure"))
            and fnmatchcase(call.operation, self.operation)
            and (self.account == "*" or any(fnmatchcase(account, self.account) for account in call.accounts))
        )

    def text(self, default: str) -> str:
        """Return the response body, `default` if the rule has none."""
        return default if self.body is None else self.body

    def applies(self) -> bool:
        """Count a matching request; return whether the fault applies to it."""
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """The active rules, oldest first; the first one that applies is used."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []
        self.struck = 0

    def plant(self, fault: Fault) -> None:
        """Add a rule."""
        self.rules.append(fault)

    def heal(self) -> None:
        """Remove every rule."""
        self.rules.clear()

    def strike(self, call: Call) -> Fault | None:
        """Return the rule that applies to a request, or None; a rule that is used up is removed."""
        fault = next((rule for rule in self.rules if rule.matches(call) and rule.applies()), None)
        if fault is not None:
            self.struck += 1
            if fault.times == 0:
                self.rules.remove(fault)
        return fault


# Ready-made errors: e.fault(operation="CreateRole", account="111111111111", **SCP_DENIED)

Refusal = dict[str, Any]


def _refusal(status: int, code: str, message: str, **more: Any) -> Refusal:
    return {"status": status, "code": code, "message": message, **more}


_DENIED = "User: {caller} is not authorized to perform: {action} on resource: {resource}"

TRUST_DENIED = _refusal(403, "AccessDenied", _DENIED, service="sts", operation="AssumeRole")
SCP_DENIED = _refusal(403, "AccessDenied", f"{_DENIED} with an explicit deny in a service control policy")
BOUNDARY_DENIED = _refusal(
    403, "AccessDenied", f"{_DENIED} because no permissions boundary allows the {{action}} action"
)
IDENTITY_DENIED = _refusal(
    403, "AccessDenied", f"{_DENIED} because no identity-based policy allows the {{action}} action"
)
SESSION_DENIED = _refusal(403, "AccessDenied", f"{_DENIED} because no session policy allows the {{action}} action")
EXPIRED_TOKEN = _refusal(403, "ExpiredToken", "The security token included in the request is expired")
INVALID_TOKEN = _refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
CLOCK_SKEW = _refusal(
    403,
    "SignatureDoesNotMatch",
    "Signature expired: 20260101T000000Z is now earlier than 20260101T001500Z (20260101T003000Z - 15 min.)",
)
THROTTLED = _refusal(400, "Throttling", "Rate exceeded")
UNAVAILABLE = _refusal(503, "ServiceUnavailable", "Service is unable to handle request.")
FAILURE = _refusal(500, "InternalFailure", "The request processing has failed because of an unknown error.")
CONCURRENT_MODIFICATION = _refusal(
    409,
    "ConcurrentModification",
    "The request was rejected because multiple requests to change this object were submitted simultaneously. "
    "Wait a few minutes and submit your request again.",
)
ENTITY_EXISTS = _refusal(409, "EntityAlreadyExists", "Role with name {name} already exists.")
NO_SUCH_ROLE = _refusal(404, "NoSuchEntity", "The role with name {name} cannot be found.")
DELETE_CONFLICT = _refusal(409, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
QUOTA = _refusal(409, "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000")
INVALID_PRINCIPAL = _refusal(
    400, "MalformedPolicyDocument", 'Invalid principal in policy: "AWS":"arn:aws:iam::197857026523:root"'
)
ORGANIZATION_THROTTLED = _refusal(
    400,
    "TooManyRequestsException",
    "You have sent too many requests in too short a period of time. The quota helps protect against "
    "denial-of-service attacks. Try again later.",
    service="organizations",
)
ORGANIZATION_BUSY = _refusal(
    400,
    "TooManyRequestsException",
    "AWS Organizations can't complete your request because another request is already in progress. Try again later.",
    service="organizations",
)

PACKED_POLICY = _refusal(
    400,
    "PackedPolicyTooLarge",
    "Packed policy consumes 104% of allotted space, please use smaller policy.",
    service="sts",
    operation="AssumeRole",
)
LONG_POLICY = _refusal(
    400,
    "ValidationError",
    "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or "
    "equal to 2048",
)
SLOW_DOWN = _refusal(503, "SlowDown", "Please reduce your request rate.", service="s3")
SQS_THROTTLED = _refusal(400, "ThrottlingException", "Rate exceeded", service="sqs")
S3_DENIED = _refusal(403, "AccessDenied", f"{_DENIED} with an explicit deny in a service control policy", service="s3")

AZURE_DENIED = _refusal(
    403,
    "AuthorizationFailed",
    "The client '{caller}' with object id '{caller}' does not have authorization to perform action '{action}' "
    "over scope '{resource}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
    service="azure",
)
AZURE_THROTTLED = _refusal(
    429, "TooManyRequests", "Too many requests. Please retry.", service="azure", headers={"Retry-After": "1"}
)
AZURE_UNAVAILABLE = _refusal(503, "ServiceUnavailable", "The service is unavailable.", service="azure")
AZURE_FAILURE = _refusal(500, "InternalServerError", "Internal server error", service="azure")
AZURE_CONFLICT = _refusal(409, "Conflict", "Newer instance of the resource exists.", service="azure")
AZURE_TIMEOUT = _refusal(
    504, "GatewayTimeout", "The gateway did not receive a response from 'Microsoft.SecurityInsights'.", service="azure"
)
