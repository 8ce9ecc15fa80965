# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of an S3 source, from which Microsoft Sentinel reads which objects are new. Pure.

A queue is managed if it carries the tag of this collection. One that is not, such as that of Microsoft's script, is
adopted as it is if it serves the source: only its policy is repaired, and it is never deleted without `adopt`.
Sources: "Amazon Simple Queue Service API Reference"; "Amazon S3 event notifications" (Amazon S3 User Guide).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import SentinelError
from ..findings import Finding, finding, ordered
from ..plan import Call
from ..policy import policy
from ..resource import Resource
from ..role.role import TAG, TAG_WORKSPACE
from . import queue_policy
from .source import S3SourceSpec

RETENTION_SECONDS = 1_209_600
WAIT_SECONDS = 20
MAX_RECEIVE_COUNT = 5
# What a queue has if it is created without these attributes.
DEFAULT_RETENTION_SECONDS = 345_600
# The key of SQS itself, whose policy does not allow S3 and SNS to use it.
AWS_KEY = "alias/aws/sqs"


@dataclass(frozen=True, slots=True)
class Queue:
    """An SQS queue, with the attributes that this collection reads; retention and wait time in seconds.

    `policy` is decoded JSON, None if the queue has none. `messages` counts all that are not deleted yet.
    """

    arn: str
    url: str
    policy: Mapping[str, Any] | None = None
    retention: int = DEFAULT_RETENTION_SECONDS
    wait_time: int = 0
    has_sqs_encryption: bool = False
    kms_key_id: str = ""
    dead_letter_arn: str = ""
    max_receive_count: int = 0
    fifo: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    messages: int = field(default=0, compare=False)
    in_flight: int = field(default=0, compare=False)
    """The messages that were received and not deleted yet; they are counted by `messages`, too."""
    is_new: bool = field(default=False, compare=False)
    """Whether an attribute was changed so recently that other services may not see it yet."""

    @property
    def name(self) -> str:
        """The name of the queue."""
        return self.arn.rpartition(":")[2]

    @property
    def has_aws_key(self) -> bool:
        """Whether it is encrypted by the key of SQS itself, with which S3 and SNS cannot send."""
        return self.kms_key_id.endswith(AWS_KEY)


def is_managed(queue: Queue) -> bool:
    """Return whether this collection created the queue."""
    return _tag_value(queue, TAG) == "managed"


def serves_other_workspace(spec: S3SourceSpec, queue: Queue) -> bool:
    """Return whether the queue is managed for another workspace: each message is read once only."""
    workspaces = _tag_value(queue, TAG_WORKSPACE).split()
    return is_managed(queue) and bool(workspaces) and spec.workspace_id.lower() not in workspaces


def _tag_value(queue: Queue, key: str) -> str:
    return queue.tags.get(_existing_key(queue.tags, key), "").lower()


def _existing_key(tags: Mapping[str, str], key: str) -> str:
    """Return a key of this collection in its existing case."""
    return key if key in tags else next((one for one in tags if one.lower() == key), key)


def is_removable(spec: S3SourceSpec, queue: Queue) -> bool:
    """Return whether a removal of the source may delete the queue."""
    return spec.adopt or (is_managed(queue) and not serves_other_workspace(spec, queue))


def check_usable(spec: S3SourceSpec, have: Queue | None) -> None:
    """Raise queue_conflict if the existing queue belongs to someone else, or S3 or SNS cannot send to it."""
    if have is None:
        return
    if have.fifo:
        reason = f"it is a FIFO queue, and {spec.sender} sends to standard queues only. Choose another queue name"
    elif serves_other_workspace(spec, have) and not spec.adopt:
        reason = (
            f"it serves the workspace {_tag_value(have, TAG_WORKSPACE)}, and two workspaces cannot read one queue. "
            "Choose another queue name, or set adopt if that workspace does not read it any more"
        )
    elif is_managed(have):
        return
    elif not (spec.adopt or queue_policy.admits_sender(spec, have.policy)):
        reason = (
            f"it does not carry the tag {TAG}, and its policy does not allow {spec.sender} to send messages of "
            f"{spec.origin}. Choose another queue name, or set adopt if the queue is yours"
        )
    elif have.has_aws_key:
        reason = (
            f"it is encrypted by {AWS_KEY}, which {spec.sender} cannot use, and does not carry the tag {TAG}. Encrypt "
            "it by SQS (SSE-SQS) or by a key of your own"
        )
    else:
        return
    message = f"Cannot use queue {have.name} in account {spec.account_id}: {reason}."
    raise SentinelError("queue_conflict", message)


def check_empty(spec: S3SourceSpec, queue: Queue) -> None:
    """Raise queue_not_empty if a deletion would lose messages, and purge_queue is not set."""
    if queue.messages and not spec.purge_queue:
        raise SentinelError(
            "queue_not_empty",
            f"Cannot delete queue {queue.name} in account {spec.account_id}: it has {queue.messages:,} messages. Wait "
            "until they are read, or set purge_queue to lose them.",
        )


def overlay(spec: S3SourceSpec, have: Queue | None) -> Queue:
    """Return the desired queue; raises queue_conflict."""
    check_usable(spec, have)
    if have and not is_managed(have):
        return replace(have, policy=queue_policy.desired(spec, have.policy, managed=False))
    base = as_managed(spec, have or Queue(spec.queue_arn, spec.queue_url))
    return replace(
        base,
        policy=queue_policy.desired(spec, base.policy, managed=True),
        wait_time=WAIT_SECONDS,
        dead_letter_arn=spec.dead_letter_queue_arn,
        max_receive_count=MAX_RECEIVE_COUNT,
    )


def as_managed(spec: S3SourceSpec, queue: Queue) -> Queue:
    """Return a queue with the settings and tags that all managed queues have; a key of the user's own stays."""
    own_key = "" if queue.has_aws_key else queue.kms_key_id
    tags = {TAG: "managed", TAG_WORKSPACE: spec.workspace_id}
    return replace(
        queue,
        retention=RETENTION_SECONDS,
        kms_key_id=own_key,
        has_sqs_encryption=not own_key,
        tags={**queue.tags, **{_existing_key(queue.tags, key): value for key, value in tags.items()}},
    )


def without(spec: S3SourceSpec, have: Queue | None) -> Queue | None:
    """Return the queue after the removal: None, or the queue if it is not managed; raises queue_not_empty."""
    if have is None or not is_removable(spec, have):
        return have
    check_empty(spec, have)
    return None


def removable(spec: S3SourceSpec, have: Queue | None) -> Queue | None:
    """Return the queue if a removal may delete it."""
    return have if have and is_removable(spec, have) else None


def plan(have: Queue | None, want: Queue | None) -> list[Call]:
    """Return the calls of SQS that turn one queue into the other; tags come first, and only additions are made."""
    if want is None:
        return [Call("DeleteQueue", {"QueueUrl": have.url})] if have else []
    if have is None:
        attributes = _changed_attributes(Queue(want.arn, want.url), want)
        return [Call("CreateQueue", {"QueueName": want.name, "Attributes": attributes, "tags": dict(want.tags)})]
    calls = []
    if tags := {key: value for key, value in want.tags.items() if have.tags.get(key) != value}:
        calls.append(Call("TagQueue", {"QueueUrl": want.url, "Tags": tags}))
    if attributes := _changed_attributes(have, want):
        calls.append(Call("SetQueueAttributes", {"QueueUrl": want.url, "Attributes": attributes}))
    return calls


def _changed_attributes(have: Queue, want: Queue) -> dict[str, Any]:
    """Return the attributes to set; policies as JSON documents, an empty string removes one."""
    before, after = _attributes(have), _attributes(want)
    return {name: value for name, value in after.items() if value != before[name]}


def _attributes(queue: Queue) -> dict[str, Any]:
    redrive = {"deadLetterTargetArn": queue.dead_letter_arn, "maxReceiveCount": queue.max_receive_count}
    return {
        "Policy": queue.policy or "",
        "MessageRetentionPeriod": str(queue.retention),
        "ReceiveMessageWaitTimeSeconds": str(queue.wait_time),
        "RedrivePolicy": redrive if queue.dead_letter_arn else "",
        "KmsMasterKeyId": queue.kms_key_id,
        "SqsManagedSseEnabled": str(queue.has_sqs_encryption).lower(),
    }


def findings(spec: S3SourceSpec, have: Queue | None) -> list[Finding]:
    """Return the differences between the existing queue and the desired one; security first."""
    if have is None:
        message = f"Account {spec.account_id} has no queue {spec.queue_name} in {spec.region}."
        return [finding("queue_missing", message)]
    return ordered(
        [
            *queue_policy.sending_findings(spec, have.policy),
            *common_findings(spec, have),
            *_type_findings(have),
            *(_redrive_findings(spec, have) if is_managed(have) else ()),
        ]
    )


def common_findings(spec: S3SourceSpec, have: Queue) -> Iterator[Finding]:
    """Yield the findings of a queue and of a dead-letter queue."""
    yield from queue_policy.access_findings(spec, have.name, have.policy)
    if is_managed(have):
        yield from _setting_findings(spec, have)


def _type_findings(have: Queue) -> Iterator[Finding]:
    if have.fifo:
        yield finding("queue_fifo", f"{have.name} is a FIFO queue.")
    if have.has_aws_key:
        yield finding("queue_encryption_key", f"Queue {have.name} is encrypted by {have.kms_key_id}.")


def _setting_findings(spec: S3SourceSpec, have: Queue) -> Iterator[Finding]:
    want = as_managed(spec, have)
    if not (have.kms_key_id or have.has_sqs_encryption):
        yield finding("queue_encryption_missing", f"Queue {have.name} is not encrypted.")
    if have.retention != want.retention:
        yield _setting(have, "keeps messages", have.retention, want.retention)
    if have.tags != want.tags:
        yield finding("queue_tags", f"The tags of queue {have.name} do not name the workspace {spec.workspace_id}.")


def _redrive_findings(spec: S3SourceSpec, have: Queue) -> Iterator[Finding]:
    if have.wait_time != WAIT_SECONDS:
        yield _setting(have, "waits for messages", have.wait_time, WAIT_SECONDS)
    if not have.dead_letter_arn:
        yield finding("queue_dead_letter_missing", f"Queue {have.name} has no dead-letter queue.")
    elif (have.dead_letter_arn, have.max_receive_count) != (spec.dead_letter_queue_arn, MAX_RECEIVE_COUNT):
        message = (
            f"Queue {have.name} moves messages to {have.dead_letter_arn} after {have.max_receive_count} attempts, not "
            f"to {spec.dead_letter_queue_name} after {MAX_RECEIVE_COUNT}."
        )
        yield finding("queue_settings", message)


def _setting(have: Queue, verb: str, now: int, desired: int) -> Finding:
    return finding("queue_settings", f"Queue {have.name} {verb} for {now} seconds, not {desired}.")


def show(queue: Queue | None) -> dict[str, Any]:
    """Return the queue as it appears in results, with a normalized policy; {} for None."""
    if queue is None:
        return {}
    return {
        "name": queue.name,
        "arn": queue.arn,
        "url": queue.url,
        "policy": policy.displayed(queue.policy) if queue.policy else None,
        "message_retention_period": queue.retention,
        "receive_message_wait_time_seconds": queue.wait_time,
        "sqs_managed_sse_enabled": queue.has_sqs_encryption,
        "kms_master_key_id": queue.kms_key_id or None,
        "dead_letter_target_arn": queue.dead_letter_arn or None,
        "max_receive_count": queue.max_receive_count or None,
        "fifo_queue": queue.fifo,
        "tags": dict(sorted(queue.tags.items())),
    }


QUEUE: Resource[S3SourceSpec, Queue] = Resource(
    name="queue",
    title=lambda spec: f"queue {spec.queue_name} in account {spec.account_id}",
    overlay=overlay,
    without=without,
    plan=plan,
    findings=findings,
    show=lambda _spec, have: show(have),
    id=lambda spec, have: spec.queue_url if have else "",
    removable=removable,
)
