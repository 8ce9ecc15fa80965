# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Amazon SQS: reads queues and makes the calls of a plan."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ..model.errors import ChangedError, NotFoundError, NotYetError, SentinelError
from ..model.plan import Call
from ..model.s3.dead_letter_queue import DeadLetterQueue
from ..model.s3.queue import Queue
from ..model.s3.source import S3SourceSpec
from .aws_errors import Code, translate_aws_errors
from .response import parse
from .service import Response, ServiceClient, Writer

# Changed attributes take up to 60 seconds to spread, the retention period 15 minutes ("SetQueueAttributes").
NEW_QUEUE_AGE = timedelta(minutes=2)
_DOCUMENTS = ("Policy", "RedrivePolicy")
_IN_FLIGHT = "ApproximateNumberOfMessagesNotVisible"
_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", _IN_FLIGHT)
_NOT_FOUND = "AWS.SimpleQueueService.NonExistentQueue QueueDoesNotExist"
CODES = (
    Code(_NOT_FOUND, "transient", NotFoundError),
    # A queue can be created again 60 seconds after its deletion ("CreateQueue").
    *(
        Code(name, "transient", NotYetError)
        for name in ("AWS.SimpleQueueService.QueueDeletedRecently", "QueueDeletedRecently")
    ),
    *(Code(name, "queue_conflict", ChangedError) for name in ("QueueAlreadyExists", "QueueNameExists")),
    # The dead-letter queue was created a moment ago.
    Code("InvalidParameterValue", "transient", NotYetError, phrase="dead letter target does not exist"),
    *(Code(name, "bad_input") for name in ("InvalidParameterValue", "InvalidAttributeName", "InvalidAttributeValue")),
)


class QueueAdapter:
    """The queue of an S3 source.

    `sqs` has credentials in the account and is in the Region of the bucket; the calls of a plan are made by the client
    that `write` returns, by default by the same one. With `writes` false, `apply` raises RuntimeError.
    """

    def __init__(self, sqs: ServiceClient, spec: S3SourceSpec, *, writes: bool, write: Writer | None = None) -> None:
        self._sqs = sqs
        self._spec = spec
        self._writes = writes
        self._write = write

    async def read(self) -> Queue | None:
        """Return the queue, None if AWS reports that there is none; raises SentinelError."""
        return await self._read(self._spec.queue_url)

    async def refresh(self, _have: Queue | None, _calls: Sequence[Call]) -> Queue | None:
        """Read the queue again, with the count of its messages."""
        return await self.read()

    async def apply(self, call: Call) -> None:
        """Make one call of a plan. Raises NotYetError or ChangedError where another try can succeed."""
        if not self._writes:
            raise RuntimeError(f"{call.name} in check mode")
        sqs = await self._write(call) if self._write else self._sqs
        with self._translate_errors(f"call {call.name} for", call.args.get("QueueUrl") or call.args["QueueName"]):
            await sqs(call.name, **_sent(call.args))

    async def _read(self, url: str) -> Queue | None:
        try:
            with self._translate_errors("read", url):
                found = await self._sqs("GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
                tags = await self._sqs("ListQueueTags", QueueUrl=url)
                return parse(_parse_queue, found, tags, url)
        except NotFoundError:
            return None

    def _translate_errors(self, action: str, url: str) -> AbstractContextManager[None]:
        what = f"{action} queue {url.rpartition('/')[2]} in account {self._spec.account_id}"
        return translate_aws_errors(what, CODES, expired=self._sqs.expired)


class DeadLetterQueueAdapter:
    """The dead-letter queue of an S3 source, read together with the queue that moves messages to it.

    The arguments are those of `QueueAdapter`.
    """

    def __init__(self, sqs: ServiceClient, spec: S3SourceSpec, *, writes: bool, write: Writer | None = None) -> None:
        self._queues = QueueAdapter(sqs, spec, writes=writes, write=write)
        self._url = spec.dead_letter_queue_url
        self.apply = self._queues.apply

    async def read(self) -> DeadLetterQueue:
        """Return both queues, None for one that does not exist; raises SentinelError."""
        return DeadLetterQueue(await self._queues._read(self._url), await self._queues.read())  # noqa: SLF001

    async def refresh(self, have: DeadLetterQueue | None, _calls: Sequence[Call]) -> DeadLetterQueue:
        """Read both queues again; a removal has deleted the queue itself before."""
        now = await self.read()
        return replace(now, source=now.source or (have.source if have else None))


# SQS answers the same for a queue of another account that may not be read.
_CODES_OF_OTHERS = (Code(_NOT_FOUND, "aws_denied", phrase="do not have access"), *CODES)


async def missing_queues(sqs: ServiceClient, arns: Iterable[str]) -> list[str]:
    """Return the ARNs of queues that do not exist; what cannot be read, or is in another Region, is left out."""
    place = ["sqs", sqs.service.region]
    return [arn for arn in arns if arn.split(":")[2:4] == place and await _is_missing(sqs, arn)]


async def _is_missing(sqs: ServiceClient, arn: str) -> bool:
    *_first, account_id, name = arn.split(":")
    try:
        with translate_aws_errors(f"find queue {arn}", _CODES_OF_OTHERS, expired=sqs.expired):
            await sqs("GetQueueUrl", QueueName=name, QueueOwnerAWSAccountId=account_id)
    except NotFoundError:
        return True
    except SentinelError:
        return False
    return False


def _sent(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call as SQS takes them: policies as text."""
    attributes = {
        name: json.dumps(value) if name in _DOCUMENTS and value else value
        for name, value in args.get("Attributes", {}).items()
    }
    return {**args, "Attributes": attributes} if attributes else dict(args)


# --- parse functions ---


def _parse_queue(response: Response, tags: Response, url: str) -> Queue:
    raw = response["Attributes"]
    redrive = _parse_document(raw.get("RedrivePolicy", "")) or {}
    modified = datetime.fromtimestamp(float(raw["LastModifiedTimestamp"]), UTC)
    return Queue(
        arn=raw["QueueArn"],
        url=url,
        policy=_parse_document(raw.get("Policy", "")),
        retention=int(raw["MessageRetentionPeriod"]),
        wait_time=int(raw["ReceiveMessageWaitTimeSeconds"]),
        has_sqs_encryption=raw.get("SqsManagedSseEnabled") == "true",
        kms_key_id=raw.get("KmsMasterKeyId", ""),
        dead_letter_arn=redrive.get("deadLetterTargetArn", ""),
        max_receive_count=int(redrive.get("maxReceiveCount", 0)),
        fifo=raw.get("FifoQueue") == "true",
        tags=dict(tags.get("Tags") or {}),
        messages=sum(int(raw[name]) for name in _COUNTS),
        in_flight=int(raw[_IN_FLIGHT]),
        is_new=datetime.now(tz=UTC) - modified < NEW_QUEUE_AGE,
    )


def _parse_document(text: str) -> dict[str, Any] | None:
    """Return a JSON object, None for an empty text."""
    document = json.loads(text) if text else None
    if not isinstance(document, dict | None):
        raise TypeError(text)
    return document
