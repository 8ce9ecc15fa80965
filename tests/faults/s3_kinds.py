# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of faults that S3, SQS, CloudTrail and the OIDC provider add, and the groups of all kinds."""

from __future__ import annotations

from typing import Literal

from tests.emulators import faults
from tests.emulators.s3_notification import UNVERIFIED
from tests.emulators.sqs import DELETED_RECENTLY, MISSING

from .kinds import DELETE, PUT, Kind, Request, at, error, same, unless

Group = Literal["lost", "late", "failed", "throttled", "denied", "specific"]
NOTIFY = "PutBucketNotificationConfiguration"
_OVERLAP = "Configurations overlap. Configurations on the same bucket cannot share a common event type."
_NO_TARGET = "Value {} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist."
_CHECK = "Connectivity check failed: Status code:{}, Message: {}."
_TRANSIENT = ("transient",)


def new_service(request: Request) -> bool:
    """At every request to the services that the S3 source adds."""
    return request.service in ("s3", "sqs", "cloudtrail")


def provider(request: Request) -> bool:
    """At every request about the OIDC provider."""
    return request.operation.endswith("OpenIDConnectProvider")


def new_read(request: Request) -> bool:
    """At every read that the S3 source adds."""
    return (new_service(request) or provider(request)) and not request.writes


S3_KINDS = (
    Kind("slow down", same(faults.SLOW_DOWN), lambda request: request.service == "s3", ("throttled",)),
    Kind("no permission in S3", same(faults.IDENTITY_DENIED), unless(new_service, "ListObjectsV2"),
         ("aws_denied",), ("aws_denied",)),
    Kind("folders denied", same(faults.IDENTITY_DENIED), at("ListObjectsV2"), ("bad_input",), ("bad_input",)),
    Kind("expired session in S3", same(faults.EXPIRED_TOKEN), new_service, _TRANSIENT, _TRANSIENT),
    Kind("unparseable", lambda: {"status": 200, "body": "<html>Sign in</html>"}, new_read, _TRANSIENT, _TRANSIENT),
    Kind("no such bucket", error(404, "NoSuchBucket", "The specified bucket does not exist"),
         at("GetBucketLocation"), ("bad_input",), ("bad_input",)),
    Kind("operation aborted", error(409, "OperationAborted", "A conflicting conditional operation is in progress."),
         at(NOTIFY), _TRANSIENT),
    Kind("destination unverified", error(400, UNVERIFIED.code, UNVERIFIED.message), at(NOTIFY),
         ("notification_conflict",), ("notification_conflict",)),
    Kind("overlap", error(400, "InvalidArgument", _OVERLAP), at(NOTIFY), ("notification_conflict",)),
    Kind("deleted recently", error(400, DELETED_RECENTLY.code, DELETED_RECENTLY.message), at("CreateQueue"),
         _TRANSIENT),
    Kind("queue exists", error(400, "QueueAlreadyExists", "A queue already exists with the same name."),
         at("CreateQueue"), ("queue_conflict",)),
    Kind("queue not visible yet", error(400, MISSING.code, MISSING.message),
         at("SetQueueAttributes", "TagQueue", "DeleteQueue"), _TRANSIENT),
    Kind("no dead-letter queue yet", error(400, "InvalidParameterValue", _NO_TARGET),
         at("CreateQueue", "SetQueueAttributes"), _TRANSIENT),
    Kind("provider exists", error(409, "EntityAlreadyExists", "Provider with url already exists."),
         at("CreateOpenIDConnectProvider"), ("role_conflict",)),
    Kind("quota of providers", same(faults.QUOTA),
         at("CreateOpenIDConnectProvider", "AddClientIDToOpenIDConnectProvider"), ("quota",), ("quota",)),
    Kind("role not usable yet", error(400, "BadRequest", _CHECK.format("S3B40029", "the role cannot be assumed")),
         at(PUT), ("connectivity_check_failed",)),
    Kind("queue not readable yet", error(400, "BadRequest", _CHECK.format("S3B40011", "Access to the queue is denied")),
         at(PUT), ("connectivity_check_failed",)),
    Kind("queue missing", error(400, "BadRequest", _CHECK.format("S3B40012", "the queue does not exist")),
         at(PUT), ("connectivity_check_failed",), ("connectivity_check_failed",)),
    Kind("gateway time-out", same(faults.AZURE_TIMEOUT), at(PUT, DELETE), _TRANSIENT),
)  # fmt: skip
_FAILED = ("500", "503", "ARM 500", "ARM 503", "gateway time-out")


def group_of(kind: Kind) -> Group:
    """The group of a kind of fault: what it means for the caller."""
    if kind.lasts:
        return "late"
    if kind.name.startswith("reset"):
        return "lost"
    if kind.name in _FAILED:
        return "failed"
    if kind.always == ("throttled",):
        return "throttled"
    return "denied" if kind.always[0].endswith("denied") else "specific"
