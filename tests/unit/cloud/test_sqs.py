# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queues of an S3 source in the emulator: created, repaired and deleted by the calls of their plans."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.sqs import (
    DeadLetterQueueAdapter,
    QueueAdapter,
    missing_queues,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountReport
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3 import permissions
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.dead_letter_queue import (
    DEAD_LETTER_QUEUE,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.queue import QUEUE, Queue
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import S3SourceSpec
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.reconcile import Mode, reconcile
from tests.emulators import faults
from tests.emulators.client import Emulators
from tests.faults.engine import short_pauses, short_timeouts
from tests.unit.cloud.s3_clients import ONE, Sessions, spec, with_sessions

SPEC = spec()
URL = SPEC.queue_url


@pytest.fixture(autouse=True)
def quick(here: Emulators) -> Iterator[None]:
    with short_pauses():
        yield


async def adapters(sessions: Sessions, of: S3SourceSpec, *, writes: bool = True) -> tuple[Any, Any]:
    """The adapters of both queues, with a session that reads and one for each call."""
    sqs = await sessions.limited(permissions.queue_read(of))
    write = sessions.for_calls(lambda calls: permissions.queue_write(of, calls))
    return tuple(kind(sqs, of, writes=writes, write=write) for kind in (DeadLetterQueueAdapter, QueueAdapter))


def run(of: S3SourceSpec = SPEC, *, absent: bool = False, check_mode: bool = False) -> AccountReport:
    """Reconcile dead-letter queue and queue; remove them in the reverse order."""

    async def work(sessions: Sessions) -> AccountReport:
        report, mode = AccountReport(), Mode(check_mode, absent)
        steps = zip((DEAD_LETTER_QUEUE, QUEUE), await adapters(sessions, of, writes=not check_mode), strict=True)
        for resource, adapter in sorted(steps, key=lambda step: (step[0] is QUEUE) != absent):
            await reconcile(report, resource, of, adapter, mode)
        return report

    return with_sessions("sqs", work)


def names(report: AccountReport) -> list[str]:
    return [call.name for call in report.calls]


def read(url: str = URL) -> Queue | None:
    async def work(sessions: Sessions) -> Queue | None:
        sqs = await sessions.limited(permissions.queue_read(SPEC))
        return await QueueAdapter(sqs, spec(queue_name=url.rpartition("/")[2]), writes=False).read()

    return with_sessions("sqs", work)


def attributes(here: Emulators, url: str = URL) -> dict[str, str]:
    found: dict[str, str] = here.boto("sqs", ONE.account).get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
        "Attributes"
    ]
    return found


def test_queues_live_and_go(here: Emulators) -> None:
    preview = run(check_mode=True)
    assert here.operations("sqs", write=True) == []
    made = run()
    assert [names(preview), names(made)] == [["CreateQueue", "CreateQueue"]] * 2
    assert preview.calls == made.calls
    assert here.operations("sqs", write=True) == ["CreateQueue", "CreateQueue"]
    found = attributes(here)
    assert json.loads(found["Policy"]) == SPEC.queue_policy
    assert json.loads(found["RedrivePolicy"])["deadLetterTargetArn"] == SPEC.dead_letter_queue_arn
    have = read()
    assert have == QUEUE.overlay(SPEC, None)
    assert have
    assert have.is_new
    here.forget()
    assert names(run()) == []
    assert here.operations("sqs") == ["GetQueueAttributes", "ListQueueTags"] * 3
    assert names(run(absent=True, check_mode=True)) == names(run(absent=True)) == ["DeleteQueue", "DeleteQueue"]
    assert here.boto("sqs", ONE.account).list_queues().get("QueueUrls", []) == []
    assert names(run(absent=True)) == []


def test_drift_is_repaired(here: Emulators) -> None:
    run()
    sqs = here.boto("sqs", ONE.account)
    open_to_all = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": SPEC.queue_arn}
    policy = {"Version": "2012-10-17", "Statement": [open_to_all]}
    for url in (URL, SPEC.dead_letter_queue_url):
        wrong = {"Policy": json.dumps(policy), "MessageRetentionPeriod": "60"}
        sqs.set_queue_attributes(QueueUrl=url, Attributes=wrong)
    report = run()
    assert names(report) == ["SetQueueAttributes", "SetQueueAttributes"]
    assert {one.code for one in report.findings} == {"queue_policy_open", "queue_settings"}
    assert report.repaired == set(report.findings)
    assert json.loads(attributes(here)["Policy"]) == SPEC.queue_policy
    assert "Policy" not in attributes(here, SPEC.dead_letter_queue_url)
    assert names(run()) == []


def test_a_queue_of_the_script_is_adopted_without_a_write(here: Emulators) -> None:
    ONE.make_queue(here)
    report = run()
    assert (names(report), report.findings) == ([], [])
    assert names(run(absent=True)) == []
    assert here.operations("sqs", write=True) == []
    assert names(run(spec(adopt=True), absent=True)) == ["DeleteQueue"]


def test_a_queue_with_messages_is_counted_right_before_it_would_be_deleted(here: Emulators) -> None:
    run()
    sqs = here.boto("sqs", ONE.account)
    for _number in range(3):
        sqs.send_message(QueueUrl=URL, MessageBody="x")
    sqs.receive_message(QueueUrl=URL)
    with pytest.raises(SentinelError, match="it has 3 messages") as caught:
        run(absent=True)
    assert caught.value.kind == "queue_not_empty"
    assert here.operations("sqs", write=True).count("DeleteQueue") == 0
    assert names(run(spec(purge_queue=True), absent=True)) == ["DeleteQueue", "DeleteQueue"]


def test_a_queue_that_was_deleted_a_moment_ago_is_created_later(here: Emulators) -> None:
    run()
    here.settings(queue_deleted_seconds=1.0)
    run(absent=True)
    assert names(run()) == ["CreateQueue", "CreateQueue"]
    refused = [one for one in here.requests("sqs", write=True) if one["status"] == 400]
    assert {one["operation"] for one in refused} == {"CreateQueue"}


def test_another_queue_of_that_name_is_read_again(here: Emulators) -> None:
    """Somebody creates the queue between read and call: the call counts as made, because its change exists."""
    here.boto("sqs", ONE.account).create_queue(QueueName=SPEC.dead_letter_queue_name)

    async def work(sessions: Sessions) -> AccountReport:
        [_dead, adapter] = await adapters(sessions, SPEC)
        original, report = adapter.read, AccountReport()

        async def read() -> Queue | None:
            have: Queue | None = await original()
            if have is None:
                ONE.make_queue(here, ReceiveMessageWaitTimeSeconds="1")
            return have

        adapter.read = read
        await reconcile(report, QUEUE, SPEC, adapter, Mode(check_mode=False))
        return report

    assert names(with_sessions("sqs", work)) == ["CreateQueue"]
    assert len([one for one in here.requests("sqs", write=True) if one["status"] == 200]) == 0
    assert attributes(here)["ReceiveMessageWaitTimeSeconds"] == "1"


def test_a_lost_response_creates_no_second_queue(here: Emulators) -> None:
    here.fault(service="sqs", operation="CreateQueue", reset="after", times=1)
    assert names(run()) == ["CreateQueue", "CreateQueue"]
    assert names(run()) == []


def test_what_is_denied_is_not_absent(here: Emulators) -> None:
    run()
    here.forget()
    here.fault(service="sqs", operation="ListQueueTags", status=403, code="AccessDenied", message="no identity-based")
    with pytest.raises(SentinelError, match=f"Cannot read queue sentinel-dlq in account {ONE.account}") as caught:
        run()
    assert caught.value.kind == "aws_denied"
    assert here.operations("sqs", write=True) == []


def test_a_response_that_is_not_as_documented_is_no_bug(here: Emulators) -> None:
    run()
    here.fault(service="sqs", operation="GetQueueAttributes", status=200, body="{}")
    with pytest.raises(SentinelError) as caught:
        read()
    assert caught.value.kind == "transient"


def test_check_mode_cannot_write(here: Emulators) -> None:
    async def work(sessions: Sessions) -> None:
        for adapter in await adapters(sessions, SPEC, writes=False):
            with pytest.raises(RuntimeError):
                await adapter.apply(Call("DeleteQueue", {"QueueUrl": URL}))

    with_sessions("sqs", work)
    assert here.operations("sqs", write=True) == []


def test_queues_that_do_not_exist_are_told_from_those_that_cannot_be_read(here: Emulators) -> None:
    ONE.make_queue(here)
    gone, other = f"{SPEC.queue_arn}-gone", SPEC.queue_arn.replace(ONE.account, "333333333333")
    topic = SPEC.queue_arn.replace(":sqs:", ":sns:")

    far = gone.replace(ONE.region, "eu-west-1")

    async def work(sessions: Sessions) -> list[str]:
        sqs = await sessions.limited(permissions.queue_read(SPEC))
        return await missing_queues(sqs, [SPEC.queue_arn, gone, other, topic, far])

    assert with_sessions("sqs", work) == [gone]


def test_a_queue_of_another_account_that_may_not_be_read_is_not_missing(here: Emulators) -> None:
    text = "The specified queue does not exist or you do not have access to it."
    code = "AWS.SimpleQueueService.NonExistentQueue"
    here.fault(service="sqs", operation="GetQueueUrl", status=400, code=code, message=text)
    theirs = SPEC.queue_arn.replace(ONE.account, "333333333333")

    async def work(sessions: Sessions) -> list[str]:
        return await missing_queues(await sessions.limited(permissions.queue_read(SPEC)), [theirs])

    assert with_sessions("sqs", work) == []


def test_an_outage_is_reported(here: Emulators) -> None:
    here.fault(operation="GetQueueAttributes", **{**faults.FAILURE, "service": "sqs"})
    with short_timeouts(), pytest.raises(SentinelError) as caught:
        read()
    assert caught.value.kind == "transient"
