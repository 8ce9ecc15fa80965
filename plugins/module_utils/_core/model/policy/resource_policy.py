# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may use a resource by its own policy, such as that of a queue: AWS services, and all other principals. Pure.

Sources, in the IAM User Guide: "AWS global condition context keys", "The confused deputy problem".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .callers import limits_caller
from .conditions import PRINCIPAL_ARN, RequestKeys, is_met
from .elements import ANYONE, account_of, includes_element, may_overlap
from .merge import raw_statements
from .patterns import is_wild
from .statements import VERSION, Condition, Element, Statement, parse

SOURCE_ARN = "aws:sourcearn"
_ACCOUNT_KEYS = {"aws:principalaccount", "aws:sourceaccount", "aws:sourceowner"}
# Keys that a request of a service does not have.
_ABSENT = (PRINCIPAL_ARN, "aws:principalaccount", "aws:principalorgid", "aws:sourcevpc", "aws:sourcevpce")


class ServiceRequest(NamedTuple):
    """A request that an AWS service makes by itself on behalf of a resource."""

    service: str
    """Its principal, such as s3.amazonaws.com."""
    action: str
    """In lower case, such as sqs:sendmessage."""
    resource: str
    source_arn: str
    source_account: str

    @property
    def keys(self) -> RequestKeys:
        """The condition keys of the request."""
        return {
            **dict.fromkeys(_ABSENT, (None,)),
            SOURCE_ARN: (self.source_arn,),
            "aws:sourceaccount": (self.source_account,),
            "aws:securetransport": ("true",),
            "aws:principalisawsservice": ("true",),
            "aws:principalservicename": (self.service,),
        }


class Grant(NamedTuple):
    """What one principal may do by one statement of a policy."""

    statement_number: int
    """The position of the statement in the document."""
    principal: str
    """As "AWS 111122223333" or "Service sns.amazonaws.com"; empty for a statement with NotPrincipal."""
    statement: Statement

    @property
    def is_for_anyone(self) -> bool:
        """Whether the principal is a wildcard, or everybody but some."""
        return not self.principal or is_wild(self.principal)

    @property
    def is_limited(self) -> bool:
        """Whether a condition limits who sends the request."""
        return any(map(limits_caller, self.statement.conditions))

    def may(self, *actions: str) -> bool:
        """Whether it allows one of these actions, which are in lower case."""
        return any(may_overlap("action", self.statement.action, Element(frozenset({one}))) for one in actions)

    def admits(self, request: ServiceRequest) -> bool:
        """Whether it certainly allows a request of a service."""
        named = self.principal in {ANYONE, f"Service {request.service}"}
        return named and _allows(self.statement, request)

    def is_within(self, account_id: str) -> bool:
        """Whether the principal belongs to an account, by itself or by a condition, or was deleted."""
        return (
            account_of(self.principal) == account_id
            or _is_deleted(self.principal)
            or any(_names_account(one, account_id) for one in self.statement.conditions)
        )


def allows_service(document: object, request: ServiceRequest) -> bool:
    """Whether an Allow statement certainly allows the request."""
    return any(_allows(one, request) for one in parse(document).statements if one.effect == "Allow")


def may_deny_service(document: object, request: ServiceRequest) -> bool:
    """Whether a Deny statement denies the request, or may deny it by a condition that is hard to decide."""
    return any(_may_deny(one, request) for one in parse(document).statements if one.effect == "Deny")


def grants(document: object) -> Iterator[Grant]:
    """Yield what the Allow statements of a document grant to each of their principals."""
    if not isinstance(document, Mapping):
        return
    for number, raw in enumerate(raw_statements(document)):
        for statement in parse({"Version": VERSION, "Statement": [raw]}).statements:
            if statement.effect == "Allow":
                principal = statement.principal
                names = [""] if principal.negated else sorted(principal.values)
                yield from (Grant(number, name, statement) for name in names)


def _allows(statement: Statement, request: ServiceRequest) -> bool:
    principal = statement.principal
    return (
        not principal.negated
        and not principal.values.isdisjoint({ANYONE, f"Service {request.service}"})
        and includes_element("action", statement.action, Element(frozenset({request.action})))
        and includes_element("resource", statement.resource, Element(frozenset({request.resource})))
        and all(is_met(one, request.keys, unknown=False) for one in statement.conditions)
    )


def _may_deny(statement: Statement, request: ServiceRequest) -> bool:
    principal, service = statement.principal, f"Service {request.service}"
    named = service in principal.values if principal.negated else principal.values.isdisjoint({ANYONE, service})
    return (
        not named
        and may_overlap("action", statement.action, Element(frozenset({request.action})))
        and may_overlap("resource", statement.resource, Element(frozenset({request.resource})))
        and all(is_met(one, request.keys, unknown=True) for one in statement.conditions)
    )


def _names_account(condition: Condition, account_id: str) -> bool:
    return (
        condition.operator == "StringEquals"
        and condition.key in _ACCOUNT_KEYS
        and condition.values == frozenset({account_id})
    )


def _is_deleted(principal: str) -> bool:
    """Whether it is the unique id that AWS shows for a role or user that was deleted."""
    return principal.startswith(("AWS AROA", "AWS AIDA"))
