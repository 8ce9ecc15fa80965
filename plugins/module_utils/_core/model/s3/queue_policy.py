# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy of a queue: whether S3 or SNS may send, who else may use the queue, and what has to change. Pure.

Sources: "Granting permissions to publish event notification messages to a destination" (Amazon S3 User Guide);
"Amazon SQS API permissions" (Amazon SQS Developer Guide); "Fanout to Amazon SQS queues" (Amazon SNS Developer Guide).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..findings import Finding, finding
from ..policy import policy
from ..policy.policy import Grant, ServiceRequest
from .source import S3SourceSpec

SEND = "sqs:sendmessage"
# Actions by which messages are lost to Sentinel, or the queue is changed.
CONTROL = (
    "sqs:addpermission",
    "sqs:changemessagevisibility",
    "sqs:deletemessage",
    "sqs:deletequeue",
    "sqs:purgequeue",
    "sqs:receivemessage",
    "sqs:removepermission",
    "sqs:setqueueattributes",
    "sqs:startmessagemovetask",
    "sqs:tagqueue",
    "sqs:untagqueue",
)
# An account that owns no bucket of anybody.
_NO_ACCOUNT = "000000000000"
# Of another topic in the account and the Region of that of the source.
_ANOTHER = "-another"

Document = Mapping[str, Any]


def request(spec: S3SourceSpec) -> ServiceRequest:
    """Return the request by which S3 sends a message about the bucket to the queue, or SNS one of the topic."""
    return _request_of_sns(spec) if spec.topic_arn else _request_of_s3(spec)


def _request_of_s3(spec: S3SourceSpec) -> ServiceRequest:
    return ServiceRequest("s3.amazonaws.com", SEND, spec.queue_arn, spec.bucket_arn, spec.account_id)


def _request_of_sns(spec: S3SourceSpec) -> ServiceRequest:
    return ServiceRequest("sns.amazonaws.com", SEND, spec.queue_arn, spec.topic_arn, spec.topic_account_id)


def admits_sender(spec: S3SourceSpec, document: Document | None) -> bool:
    """Return whether the policy allows S3 to send messages about the bucket, or SNS those of the topic."""
    return policy.allows_service(document, request(spec))


def desired(spec: S3SourceSpec, document: Document | None, *, managed: bool) -> Document:
    """Return the policy by which S3 or SNS may send, and nobody else has access that nothing limits.

    A queue that is not managed keeps a statement for S3 that names the bucket but not its account, and one for SNS that
    names more than the topic.
    """
    after = without_open(spec, document, narrow=managed)
    return (
        (after or spec.queue_policy) if admits_sender(spec, after) else policy.add_statements(after, spec.queue_policy)
    )


def without_open(spec: S3SourceSpec, document: Document | None, *, narrow: bool) -> Document | None:
    """Return the policy without unlimited access of others; None if nothing is left.

    With `narrow`, statements for S3 and SNS that allow more than this bucket and topic are removed as well.
    """
    removed: dict[int, set[str]] = {}
    for grant in policy.grants(document):
        too_wide = narrow and (_ignores_account(spec, grant) or _ignores_topic(spec, grant))
        if _is_open(spec, grant) or too_wide:
            removed.setdefault(grant.statement_number, set()).add(grant.principal)
    if document is None or not removed:
        return document
    after = policy.remove_principals(document, removed)
    return after if after["Statement"] else None


def sending_findings(spec: S3SourceSpec, document: Document | None) -> Iterator[Finding]:
    """Yield findings about S3 or SNS, which has to send messages."""
    what = f"policy of queue {spec.queue_name}"
    if not admits_sender(spec, document):
        message = f"The {what} does not allow {spec.sender} to send messages of {spec.origin}."
        yield finding("queue_policy_missing", message)
    if policy.may_deny_service(document, request(spec)):
        message = f"A Deny in the {what} may block {spec.sender} from sending."
        yield finding("queue_policy_deny", message)


def access_findings(spec: S3SourceSpec, name: str, document: Document | None) -> Iterator[Finding]:
    """Yield findings about principals that have access to the queue of that name."""
    for grant in policy.grants(document):
        if code := _code(spec, grant):
            yield finding(code, f"The policy of queue {name} {_TEXTS[code].format(who=_who(grant))}.")
    if document and not policy.is_parseable(document):
        yield finding("queue_policy_unreadable", f"A part of the policy of queue {name} cannot be parsed.")


_TEXTS = {
    "queue_policy_open": "allows {who} to receive or delete messages or to change the queue",
    "queue_policy_foreign": "allows {who} to receive or delete messages or to change the queue",
    "queue_policy_sender": "allows {who} to send messages, and no condition limits the source",
    "queue_policy_reader": "allows {who} under a condition to receive or delete messages or to change the queue",
    "queue_policy_account": "allows {who} to send messages of the bucket whichever account owns it",
    "queue_policy_topic": "allows {who} to send messages of other topics",
}


def _is_open(spec: S3SourceSpec, grant: Grant) -> bool:
    """Return whether another principal may use the queue, and no condition limits it."""
    return not (grant.is_limited or grant.is_within(spec.account_id)) and grant.may(*CONTROL, SEND)


def _ignores_account(spec: S3SourceSpec, grant: Grant) -> bool:
    """Return whether S3 may send messages of a bucket of that name in any account."""
    return grant.admits(_request_of_s3(spec)._replace(source_account=_NO_ACCOUNT))


def _ignores_topic(spec: S3SourceSpec, grant: Grant) -> bool:
    """Return whether SNS may send messages of a topic that the source does not name."""
    another = f"{spec.topic_arn}{_ANOTHER}"
    return bool(spec.topic_arn) and grant.admits(_request_of_sns(spec)._replace(source_arn=another))


def _code(spec: S3SourceSpec, grant: Grant) -> str:
    """Return the code of the finding about a grant, empty if there is none."""
    controls = grant.may(*CONTROL)
    if _is_open(spec, grant):
        control = "queue_policy_open" if grant.is_for_anyone else "queue_policy_foreign"
        return control if controls else "queue_policy_sender"
    if controls and not grant.is_within(spec.account_id):
        return "queue_policy_reader"
    if _ignores_account(spec, grant):
        return "queue_policy_account"
    return "queue_policy_topic" if _ignores_topic(spec, grant) else ""


def _who(grant: Grant) -> str:
    if not grant.principal:
        return "everybody except some principals (NotPrincipal)"
    return "anyone (*)" if grant.is_for_anyone else grant.principal.partition(" ")[2]
