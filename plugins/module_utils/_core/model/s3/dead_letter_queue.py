# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dead-letter queue of an S3 source: messages that were received too often, such as those of digest files. Pure.

Only a queue that is managed gets one. It has to exist before the queue that moves messages to it.
Source: "Using dead-letter queues in Amazon SQS" (Amazon SQS Developer Guide).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import SentinelError
from ..findings import Finding, finding, ordered
from ..plan import Call
from ..resource import Resource
from ..role.role import TAG
from . import queue, queue_policy
from .queue import Queue, is_managed, is_removable
from .source import S3SourceSpec


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    """The dead-letter queue, and the queue whose messages it is for; None for one that does not exist."""

    queue: Queue | None
    source: Queue | None = None


def overlay(spec: S3SourceSpec, have: DeadLetterQueue | None) -> DeadLetterQueue:
    """Return the desired dead-letter queue; raises queue_conflict, also if the queue itself cannot be used."""
    have = have or DeadLetterQueue(None)
    queue.check_usable(spec, have.source)
    if have.source and not is_managed(have.source):
        return have
    _check_usable(spec, have)
    if have.queue and not is_managed(have.queue):
        return have
    base = queue.as_managed(spec, have.queue or Queue(spec.dead_letter_queue_arn, spec.dead_letter_queue_url))
    return replace(have, queue=replace(base, policy=queue_policy.without_open(spec, base.policy, narrow=True)))


def _check_usable(spec: S3SourceSpec, have: DeadLetterQueue) -> None:
    """Raise queue_conflict if messages would go to a queue of someone else."""
    if have.queue is None:
        return
    if have.queue.fifo:
        reason = "it is a FIFO queue"
    elif queue.serves_other_workspace(spec, have.queue) and not spec.adopt:
        reason = "it serves another workspace"
    elif not (is_managed(have.queue) or spec.adopt or _is_in_use(have)):
        reason = f"it does not carry the tag {TAG}"
    else:
        return
    raise SentinelError(
        "queue_conflict",
        f"Cannot use queue {have.queue.name} in account {spec.account_id} as dead-letter queue: {reason}. Choose "
        "another queue name, or set adopt if the queue is yours.",
    )


def _is_in_use(have: DeadLetterQueue) -> bool:
    """Whether the queue of the source moves messages to the dead-letter queue."""
    return bool(have.source and have.queue and have.source.dead_letter_arn == have.queue.arn)


def without(spec: S3SourceSpec, have: DeadLetterQueue | None) -> DeadLetterQueue | None:
    """Return what remains after the removal: None, or a queue that is not managed; raises queue_not_empty."""
    if have is None or have.queue is None:
        return None
    if not _is_removable(spec, have):
        return have
    queue.check_empty(spec, have.queue)
    return None


def _is_removable(spec: S3SourceSpec, have: DeadLetterQueue) -> bool:
    """Whether a removal may delete the dead-letter queue: with adopt also one without the tag that is in use."""
    if have.queue is None or not is_removable(spec, have.queue):
        return False
    return is_managed(have.queue) or _is_in_use(have)


def removable(spec: S3SourceSpec, have: DeadLetterQueue | None) -> DeadLetterQueue | None:
    """Return the dead-letter queue if a removal may delete it."""
    return have if have and _is_removable(spec, have) else None


def plan(have: DeadLetterQueue | None, want: DeadLetterQueue | None) -> list[Call]:
    """Return the calls of SQS that turn one dead-letter queue into the other."""
    return queue.plan(have.queue if have else None, want.queue if want else None)


def findings(spec: S3SourceSpec, have: DeadLetterQueue | None) -> list[Finding]:
    """Return the differences between the existing dead-letter queue and the desired one; security first."""
    source = have.source if have else None
    if have and have.queue:
        return ordered(queue.common_findings(spec, have.queue))
    if source and is_managed(source) and source.dead_letter_arn == spec.dead_letter_queue_arn:
        message = f"The dead-letter queue {spec.dead_letter_queue_name} of queue {source.name} does not exist."
        return [finding("queue_dead_letter_missing", message)]
    return []


DEAD_LETTER_QUEUE: Resource[S3SourceSpec, DeadLetterQueue] = Resource(
    name="dead_letter_queue",
    title=lambda spec: f"queue {spec.dead_letter_queue_name} in account {spec.account_id}",
    overlay=overlay,
    without=without,
    plan=plan,
    findings=findings,
    show=lambda _spec, have: queue.show(have.queue if have else None),
    id=lambda _spec, have: have.queue.arn if have and have.queue else "",
    removable=removable,
)
