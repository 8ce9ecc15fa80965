# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix of the S3 source: each operation gets every group of faults, at one of the places where it is requested.

All kinds of faults at all places would take hours. What is specific to an operation, and a lost response of a
write, are there as every kind; of other groups each operation gets one kind, in turn. Operations that the CloudTrail
source requests as well, which have every kind in `cells.py`, get two.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TypeVar

from .cells import ACCOUNT, FOR_ALL, Cell, Crash
from .kinds import KINDS, Kind, Request
from .s3_kinds import S3_KINDS, Group, group_of
from .world import PHASES, Phase

Place = tuple[Phase, Request]
T = TypeVar("T")


def _requests(text: str) -> tuple[Request, ...]:
    """The requests of a text of services, each with its operations."""
    found: list[Request] = []
    for word in text.split():
        service, _colon, operation = word.partition(":")
        found.append(Request(service, operation, sum(one.operation == operation for one in found)))
    return tuple(found)


_OPEN = "sts:AssumeRole s3:GetBucketLocation cloudtrail:DescribeTrails s3:ListObjectsV2"
_NOTIFY = (
    "s3:GetBucketNotificationConfiguration s3:PutBucketNotificationConfiguration s3:GetBucketNotificationConfiguration"
)
_POLICIES = "iam:ListAttachedRolePolicies iam:ListRolePolicies"
_QUEUE = "sqs:GetQueueAttributes sqs:ListQueueTags"
_REPAIR_QUEUE = "sqs:TagQueue sqs:SetQueueAttributes"
REQUESTS: dict[Phase, tuple[Request, ...]] = {
    "create": _requests(
        f"""{_OPEN} s3:GetBucketNotificationConfiguration sqs:GetQueueUrl iam:GetOpenIDConnectProvider iam:GetRole
        sqs:GetQueueAttributes sqs:GetQueueAttributes sts:AssumeRole iam:CreateOpenIDConnectProvider iam:CreateRole
        iam:PutRolePolicy sqs:GetQueueAttributes sqs:GetQueueAttributes sqs:CreateQueue sqs:CreateQueue {_NOTIFY}
        azure:DataConnectors_CreateOrUpdate"""
    ),
    "repair": _requests(
        f"""{_OPEN} s3:GetBucketNotificationConfiguration iam:GetOpenIDConnectProvider
        iam:GetRole {_POLICIES} iam:GetRolePolicy iam:GetRolePolicy {_QUEUE} {_QUEUE}
        iam:GetOpenIDConnectProvider sts:AssumeRole iam:AddClientIDToOpenIDConnectProvider
        iam:GetRole {_POLICIES} iam:GetRolePolicy iam:GetRolePolicy iam:TagRole iam:UpdateAssumeRolePolicy
        iam:PutRolePolicy iam:DetachRolePolicy iam:DeleteRolePolicy
        {_QUEUE} {_QUEUE} {_REPAIR_QUEUE} {_QUEUE} {_REPAIR_QUEUE} {_NOTIFY} azure:DataConnectors_CreateOrUpdate"""
    ),
    "remove": _requests(
        f"""{_OPEN} s3:GetBucketNotificationConfiguration iam:GetOpenIDConnectProvider iam:ListRoles
        iam:GetRole {_POLICIES} iam:GetRolePolicy iam:ListInstanceProfilesForRole {_QUEUE} {_QUEUE}
        azure:DataConnectors_Get azure:DataConnectors_Delete s3:GetBucketNotificationConfiguration sts:AssumeRole
        s3:PutBucketNotificationConfiguration s3:GetBucketNotificationConfiguration {_QUEUE} sqs:DeleteQueue
        {_QUEUE} sqs:GetQueueAttributes sqs:DeleteQueue
        iam:GetRole {_POLICIES} iam:GetRolePolicy iam:ListInstanceProfilesForRole iam:DeleteRolePolicy iam:DeleteRole
        iam:GetOpenIDConnectProvider iam:ListRoles iam:DeleteOpenIDConnectProvider sts:AssumeRole iam:GetRole"""
    ),
}
"""The requests in the log archive account, in order."""


_KNOWN = {one.operation for requests in ACCOUNT.values() for one in requests if one.service != "azure"}
# The S3 connector has codes instead: "role not usable yet".
_OF_CLOUDTRAIL = "role rejected"
_TRANSLATED: tuple[Group, ...] = ("failed", "throttled", "denied")
"""The groups of which an operation gets one kind only, since all operations of a service share their translation."""


def _places() -> dict[str, list[Place]]:
    """The places at which each operation is requested."""
    found: dict[str, list[Place]] = {}
    for phase in PHASES:
        for request in REQUESTS[phase]:
            found.setdefault(request.operation, []).append((phase, request))
    return found


def every() -> Iterator[Cell]:
    """The matrix."""
    turn = count()
    for places in _places().values():
        for kind, times in _faults(places[0][1], turn):
            phase, request = places[next(turn) % len(places)]
            yield Cell(phase, request, kind, times)


def _faults(request: Request, turn: Iterator[int]) -> Iterator[tuple[Kind, int | None]]:
    """The faults of an operation, and how often they are applied."""
    groups: dict[Group, list[Kind]] = {}
    for kind in (*KINDS, *S3_KINDS):
        if kind.at(request) and kind.name != _OF_CLOUDTRAIL:
            groups.setdefault(group_of(kind), []).append(kind)
    translated = [groups[group] for group in _TRANSLATED if group in groups]
    if request.operation in _KNOWN:
        for kinds in (groups["lost"], _next(translated, turn)):
            yield _next(kinds, turn), 1
        return
    for kinds in (*translated, groups["late"]):
        yield _next(kinds, turn), 1
    for kind in groups["lost"] if request.writes else [_next(groups["lost"], turn)]:
        yield kind, 1
    for kind in groups.get("specific", ()):
        yield kind, 1
        if kind.once != kind.always:
            yield kind, None
    yield _next(_next(translated, turn), turn), None


def _next(choices: list[T], turn: Iterator[int]) -> T:
    return choices[next(turn) % len(choices)]


def sample() -> list[Cell]:
    """One cell for each kind of fault that the S3 source adds, applied once."""
    found = {cell.kind: cell for cell in every() if cell.kind in S3_KINDS and cell.times}
    return list(found.values())


def crashes() -> Iterator[Crash]:
    """A process that is killed before each request in the account that a new source or a removal makes."""
    for phase in ("create", "remove"):
        for number in range(len(REQUESTS[phase])):
            yield Crash(phase, len(FOR_ALL) + number + 1, "before")


def interruptions() -> Iterator[Crash]:
    """A run that is interrupted before each write of a repair."""
    for number, request in enumerate(REQUESTS["repair"]):
        if request.writes:
            yield Crash("repair", len(FOR_ALL) + number + 1, "before")
