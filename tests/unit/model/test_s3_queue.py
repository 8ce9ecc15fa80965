# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queue and dead-letter queue of an S3 source: desired state, ownership, calls and findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import CODES, MANUAL
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.dead_letter_queue import (
    DEAD_LETTER_QUEUE,
    DeadLetterQueue,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.permissions import (
    queue_read,
    queue_write,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.queue import (
    MAX_RECEIVE_COUNT,
    QUEUE,
    Queue,
    is_managed,
)
from tests.unit.model.s3 import ACCOUNT, OTHER, OTHER_WORKSPACE, SPEC, WORKSPACE, policy, spec

TAGS = {"trailbridge.sentinel": "managed", "trailbridge.sentinel.workspace": WORKSPACE}
RIGHT = Queue(
    arn=f"arn:aws:sqs:eu-west-1:{ACCOUNT}:sentinel",
    url=f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/sentinel",
    policy=SPEC.queue_policy,
    retention=1_209_600,
    wait_time=20,
    has_sqs_encryption=True,
    dead_letter_arn=f"arn:aws:sqs:eu-west-1:{ACCOUNT}:sentinel-dlq",
    max_receive_count=5,
    tags=TAGS,
)
DEAD = Queue(arn=f"{RIGHT.arn}-dlq", url=f"{RIGHT.url}-dlq", retention=1_209_600, has_sqs_encryption=True, tags=TAGS)
# As Microsoft's script leaves it.
FOREIGN = Queue(RIGHT.arn, RIGHT.url, policy=SPEC.queue_policy)
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": RIGHT.arn}
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"
OTHERS_TAGS = {**TAGS, "trailbridge.sentinel.workspace": OTHER_WORKSPACE}


def calls(have: Queue | None, **options: Any) -> list[Call]:
    return QUEUE.plan(have, QUEUE.overlay(spec(**options), have))


def names(found: Iterable[Call]) -> list[str]:
    return [one.name for one in found]


def codes(have: Queue | None) -> list[str]:
    return [one.code for one in QUEUE.findings(SPEC, have)]


def test_a_new_queue_is_created_by_one_call() -> None:
    assert QUEUE.overlay(SPEC, None) == RIGHT
    [call] = calls(None)
    assert call == Call(
        "CreateQueue",
        {
            "QueueName": "sentinel",
            "Attributes": {
                "Policy": SPEC.queue_policy,
                "MessageRetentionPeriod": "1209600",
                "ReceiveMessageWaitTimeSeconds": "20",
                "RedrivePolicy": {"deadLetterTargetArn": DEAD.arn, "maxReceiveCount": MAX_RECEIVE_COUNT},
                "SqsManagedSseEnabled": "true",
            },
            "tags": TAGS,
        },
    )


# By case: the attributes of a managed queue, the attributes that are set, and the code of the finding.
DRIFT: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "policy": ({"policy": None}, {"Policy": SPEC.queue_policy}, "queue_policy_missing"),
    "open": (
        {"policy": policy(OPEN, *SPEC.queue_policy["Statement"])},
        {"Policy": SPEC.queue_policy},
        "queue_policy_open",
    ),
    "retention": ({"retention": 60}, {"MessageRetentionPeriod": "1209600"}, "queue_settings"),
    "wait": ({"wait_time": 0}, {"ReceiveMessageWaitTimeSeconds": "20"}, "queue_settings"),
    "encryption": ({"has_sqs_encryption": False}, {"SqsManagedSseEnabled": "true"}, "queue_encryption_missing"),
    "key of SQS": (
        {"has_sqs_encryption": False, "kms_key_id": "alias/aws/sqs"},
        {"KmsMasterKeyId": "", "SqsManagedSseEnabled": "true"},
        "queue_encryption_key",
    ),
    "no dead letters": (
        {"dead_letter_arn": "", "max_receive_count": 0},
        {"RedrivePolicy": {"deadLetterTargetArn": DEAD.arn, "maxReceiveCount": 5}},
        "queue_dead_letter_missing",
    ),
    "other dead letters": (
        {"max_receive_count": 1},
        {"RedrivePolicy": {"deadLetterTargetArn": DEAD.arn, "maxReceiveCount": 5}},
        "queue_settings",
    ),
}


@pytest.mark.parametrize(("changes", "attributes", "code"), DRIFT.values(), ids=list(DRIFT))
def test_a_managed_queue_is_repaired(changes: dict[str, Any], attributes: dict[str, Any], code: str) -> None:
    have = replace(RIGHT, **changes)
    assert codes(have) == [code]
    assert calls(have) == [Call("SetQueueAttributes", {"QueueUrl": RIGHT.url, "Attributes": attributes})]
    assert "SetQueueAttributes" in CODES[code].repaired_by


def test_tags_of_others_stay() -> None:
    have = replace(RIGHT, tags={"Trailbridge.Sentinel": "Managed", "team": "a"})
    assert codes(have) == ["queue_tags"]
    tags = {"Trailbridge.Sentinel": "managed", "trailbridge.sentinel.workspace": WORKSPACE}
    assert calls(have) == [Call("TagQueue", {"QueueUrl": RIGHT.url, "Tags": tags})]
    assert is_managed(have)


def test_a_key_of_the_user_stays() -> None:
    have = replace(RIGHT, kms_key_id=KEY, has_sqs_encryption=False)
    assert (codes(have), calls(have)) == ([], [])


def test_a_queue_of_others_that_serves_the_source_is_adopted_as_it_is() -> None:
    assert (codes(FOREIGN), calls(FOREIGN)) == ([], [])
    have = replace(FOREIGN, policy=policy(OPEN, *SPEC.queue_policy["Statement"]))
    assert codes(have) == ["queue_policy_open"]
    [call] = calls(have)
    assert call.args["Attributes"] == {"Policy": SPEC.queue_policy}


@pytest.mark.parametrize(
    ("have", "reason"),
    [
        (replace(FOREIGN, policy=None), "does not allow S3"),
        (replace(RIGHT, fifo=True), "FIFO"),
        (replace(FOREIGN, fifo=True), "FIFO"),
        (replace(FOREIGN, kms_key_id="alias/aws/sqs"), "alias/aws/sqs"),
        (replace(RIGHT, tags=OTHERS_TAGS), OTHER_WORKSPACE),
    ],
)
def test_a_queue_that_cannot_be_used_is_refused(have: Queue, reason: str) -> None:
    with pytest.raises(SentinelError, match=f"(?s)Cannot use queue sentinel in account {ACCOUNT}.*{reason}") as caught:
        QUEUE.overlay(SPEC, have)
    assert caught.value.kind == "queue_conflict"
    with pytest.raises(SentinelError):
        DEAD_LETTER_QUEUE.overlay(SPEC, DeadLetterQueue(None, have))


def test_adopt_uses_a_queue_without_settings_or_tags() -> None:
    have = replace(FOREIGN, policy=None)
    assert calls(have, adopt=True) == [
        Call("SetQueueAttributes", {"QueueUrl": RIGHT.url, "Attributes": {"Policy": SPEC.queue_policy}})
    ]
    assert names(calls(replace(RIGHT, tags=OTHERS_TAGS), adopt=True)) == ["TagQueue"]


@pytest.mark.parametrize("code", ["queue_fifo", "queue_encryption_key"])
def test_what_s3_cannot_send_to_breaks_the_connection(code: str) -> None:
    assert CODES[code].breaking
    assert MANUAL in CODES[code].repaired_by
    assert codes(replace(FOREIGN, fifo=True, kms_key_id="alias/aws/sqs")) == ["queue_encryption_key", "queue_fifo"]


def test_a_missing_queue_is_found() -> None:
    assert codes(None) == ["queue_missing"]
    assert CODES["queue_missing"].breaking


@pytest.mark.parametrize(
    ("have", "options", "deleted"),
    [
        (RIGHT, {}, True),
        (FOREIGN, {}, False),
        (FOREIGN, {"adopt": True}, True),
        (replace(RIGHT, tags=OTHERS_TAGS), {}, False),
        (replace(RIGHT, tags=OTHERS_TAGS), {"adopt": True}, True),
        (replace(RIGHT, messages=3), {"purge_queue": True}, True),
        (replace(FOREIGN, messages=3), {}, False),
    ],
)
def test_only_a_managed_or_adopted_queue_is_deleted(have: Queue, options: dict[str, Any], deleted: bool) -> None:
    after = QUEUE.without(spec(**options), have)
    assert (after is None) is deleted
    assert QUEUE.plan(have, after) == [Call("DeleteQueue", {"QueueUrl": RIGHT.url})] * deleted
    assert QUEUE.removable(spec(**options), have) == (have if deleted else None)


def test_a_queue_with_messages_stays() -> None:
    for remove in (
        lambda have: QUEUE.without(SPEC, have),
        lambda have: DEAD_LETTER_QUEUE.without(SPEC, DeadLetterQueue(have)),
    ):
        with pytest.raises(SentinelError, match="1,234 messages") as caught:
            remove(replace(RIGHT, messages=1234))
        assert caught.value.kind == "queue_not_empty"


def test_messages_are_no_difference() -> None:
    assert replace(RIGHT, messages=7, is_new=True) == RIGHT
    assert calls(replace(RIGHT, messages=7)) == []


def test_nothing_is_removed_that_is_not_there() -> None:
    assert QUEUE.without(SPEC, None) is None
    assert QUEUE.removable(SPEC, None) is None
    assert QUEUE.plan(None, None) == []
    assert (QUEUE.show(SPEC, None), QUEUE.id(SPEC, None)) == ({}, "")


def test_a_queue_is_shown_with_the_names_of_sqs() -> None:
    shown = QUEUE.show(SPEC, RIGHT)
    assert (shown["name"], shown["arn"], shown["url"]) == ("sentinel", RIGHT.arn, RIGHT.url)
    assert shown["policy"]["Statement"][0]["Action"] == ["sqs:SendMessage"]
    assert (shown["dead_letter_target_arn"], shown["kms_master_key_id"]) == (DEAD.arn, None)
    assert QUEUE.id(SPEC, RIGHT) == SPEC.queue_url
    assert QUEUE.title(SPEC) == f"queue sentinel in account {ACCOUNT}"
    assert QUEUE.show(SPEC, replace(RIGHT, policy=None))["policy"] is None


# --- the dead-letter queue ---


def dead_calls(have: DeadLetterQueue | None, **options: Any) -> list[Call]:
    return DEAD_LETTER_QUEUE.plan(have, DEAD_LETTER_QUEUE.overlay(spec(**options), have))


def dead_codes(have: DeadLetterQueue | None) -> list[str]:
    return [one.code for one in DEAD_LETTER_QUEUE.findings(SPEC, have)]


@pytest.mark.parametrize("have", [None, DeadLetterQueue(None), DeadLetterQueue(None, RIGHT)])
def test_a_managed_queue_gets_a_dead_letter_queue(have: DeadLetterQueue | None) -> None:
    attributes = {"MessageRetentionPeriod": "1209600", "SqsManagedSseEnabled": "true"}
    args = {"QueueName": "sentinel-dlq", "Attributes": attributes, "tags": TAGS}
    assert dead_calls(have) == [Call("CreateQueue", args)]
    assert DEAD_LETTER_QUEUE.overlay(SPEC, have).queue == DEAD


def test_a_queue_of_others_gets_none() -> None:
    have = DeadLetterQueue(None, FOREIGN)
    assert (dead_calls(have), dead_codes(have)) == ([], [])


def test_a_missing_dead_letter_queue_is_found_where_the_queue_needs_it() -> None:
    assert dead_codes(DeadLetterQueue(None, RIGHT)) == ["queue_dead_letter_missing"]
    assert dead_codes(DeadLetterQueue(None, replace(RIGHT, dead_letter_arn=""))) == []
    assert dead_codes(DeadLetterQueue(None)) == dead_codes(None) == []


def test_a_dead_letter_queue_is_repaired() -> None:
    assert (dead_codes(DeadLetterQueue(DEAD, RIGHT)), dead_calls(DeadLetterQueue(DEAD, RIGHT))) == ([], [])
    have = DeadLetterQueue(replace(DEAD, policy=policy(OPEN), retention=60, has_sqs_encryption=False), RIGHT)
    assert dead_codes(have) == ["queue_policy_open", "queue_encryption_missing", "queue_settings"]
    [call] = dead_calls(have)
    attributes = {"Policy": "", "MessageRetentionPeriod": "1209600", "SqsManagedSseEnabled": "true"}
    assert call == Call("SetQueueAttributes", {"QueueUrl": DEAD.url, "Attributes": attributes})


@pytest.mark.parametrize(
    ("queue", "source", "options", "used"),
    [
        (replace(DEAD, tags={}), None, {}, False),
        (replace(DEAD, tags={}), RIGHT, {}, True),
        (replace(DEAD, tags={}), replace(RIGHT, dead_letter_arn=""), {}, False),
        (replace(DEAD, tags={}), None, {"adopt": True}, True),
        (replace(DEAD, fifo=True), RIGHT, {}, False),
        (replace(DEAD, tags=OTHERS_TAGS), None, {}, False),
        (replace(DEAD, tags=OTHERS_TAGS), None, {"adopt": True}, True),
    ],
)
def test_messages_never_go_to_a_queue_of_someone_else(
    queue: Queue, source: Queue | None, options: dict[str, Any], used: bool
) -> None:
    have = DeadLetterQueue(queue, source)
    if used:
        assert set(names(dead_calls(have, **options))) <= {"TagQueue"}
        return
    with pytest.raises(SentinelError) as caught:
        dead_calls(have, **options)
    assert caught.value.kind == "queue_conflict"


def test_a_dead_letter_queue_is_deleted_if_it_is_managed() -> None:
    have = DeadLetterQueue(DEAD, RIGHT)
    assert DEAD_LETTER_QUEUE.without(SPEC, have) is None
    assert DEAD_LETTER_QUEUE.plan(have, None) == [Call("DeleteQueue", {"QueueUrl": DEAD.url})]
    assert DEAD_LETTER_QUEUE.removable(SPEC, have) is have
    other = DeadLetterQueue(replace(DEAD, tags={}), RIGHT)
    assert DEAD_LETTER_QUEUE.without(SPEC, other) is other
    assert DEAD_LETTER_QUEUE.removable(SPEC, other) is None
    assert DEAD_LETTER_QUEUE.without(SPEC, None) is DEAD_LETTER_QUEUE.without(SPEC, DeadLetterQueue(None)) is None


@pytest.mark.parametrize(
    ("letters", "source", "is_deleted"),
    [
        (replace(DEAD, tags={}), replace(FOREIGN, dead_letter_arn=DEAD.arn), True),
        (replace(DEAD, tags={}), FOREIGN, False),
        (replace(DEAD, tags={}), replace(FOREIGN, dead_letter_arn=f"{DEAD.arn}x"), False),
        (replace(DEAD, tags={}), None, False),
        (DEAD, FOREIGN, True),
        (DEAD, None, True),
    ],
)
def test_adopt_deletes_a_dead_letter_queue_without_the_tag_only_if_the_queue_uses_it(
    letters: Queue, source: Queue | None, *, is_deleted: bool
) -> None:
    have = DeadLetterQueue(letters, source)
    assert DEAD_LETTER_QUEUE.without(spec(adopt=True), have) == (None if is_deleted else have)
    assert DEAD_LETTER_QUEUE.removable(spec(adopt=True), have) == (have if is_deleted else None)


def test_a_dead_letter_queue_is_shown_as_a_queue() -> None:
    have = DeadLetterQueue(DEAD, RIGHT)
    assert DEAD_LETTER_QUEUE.show(SPEC, have)["name"] == "sentinel-dlq"
    assert DEAD_LETTER_QUEUE.id(SPEC, have) == DEAD.arn
    assert (DEAD_LETTER_QUEUE.show(SPEC, None), DEAD_LETTER_QUEUE.id(SPEC, DeadLetterQueue(None))) == ({}, "")
    assert "sentinel-dlq" in DEAD_LETTER_QUEUE.title(SPEC)


# --- any queue ---

QUEUES = st.builds(
    Queue,
    st.just(RIGHT.arn),
    st.just(RIGHT.url),
    policy=st.sampled_from([None, SPEC.queue_policy, policy(OPEN), policy(OPEN, *SPEC.queue_policy["Statement"])]),
    retention=st.sampled_from([60, 1_209_600]),
    wait_time=st.sampled_from([0, 20]),
    has_sqs_encryption=st.booleans(),
    kms_key_id=st.sampled_from(["", KEY, "alias/aws/sqs"]),
    dead_letter_arn=st.sampled_from(["", DEAD.arn, f"arn:aws:sqs:eu-west-1:{OTHER}:x"]),
    max_receive_count=st.sampled_from([0, 5]),
    fifo=st.booleans(),
    tags=st.sampled_from([{}, {"team": "a"}, TAGS, OTHERS_TAGS, {"trailbridge.sentinel": "managed"}]),
)


@given(QUEUES, st.booleans())
def test_a_second_plan_is_empty_and_has_no_findings_that_a_run_repairs(have: Queue, adopt: bool) -> None:
    options = spec(adopt=adopt)
    try:
        want = QUEUE.overlay(options, have)
    except SentinelError:
        return
    assert QUEUE.plan(want, QUEUE.overlay(options, want)) == []
    left = {one.code for one in QUEUE.findings(options, want)}
    assert all(MANUAL in CODES[code].repaired_by for code in left)
    assert (QUEUE.plan(have, want) == []) is (have == want)
    if have == want:
        assert left == {one.code for one in QUEUE.findings(options, have)}


# --- permissions ---


def test_a_session_may_make_exactly_the_calls_of_a_plan() -> None:
    found = [*dead_calls(None), *calls(replace(RIGHT, retention=60, tags={"trailbridge.sentinel": "managed"}))]
    assert queue_write(SPEC, found) == [
        {"Effect": "Allow", "Action": ["sqs:SetQueueAttributes", "sqs:TagQueue"], "Resource": RIGHT.arn},
        {"Effect": "Allow", "Action": ["sqs:CreateQueue", "sqs:TagQueue"], "Resource": DEAD.arn},
    ]
    assert queue_write(SPEC, []) == []
    assert queue_write(SPEC, [Call("DeleteQueue", {"QueueUrl": RIGHT.url})]) == [
        {"Effect": "Allow", "Action": ["sqs:DeleteQueue"], "Resource": RIGHT.arn}
    ]


def test_reading_writes_nothing() -> None:
    assert all(action.split(":")[1].startswith(("Get", "List")) for one in queue_read(SPEC) for action in one["Action"])
