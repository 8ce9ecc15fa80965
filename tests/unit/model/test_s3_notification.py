# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notification of a bucket: our entries, what S3 refuses, and that nothing of others is lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import CODES
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.notification import (
    MAX_ENTRIES,
    NOTIFICATION,
    Notification,
    Rule,
    entries,
    is_in_force,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.permissions import (
    bucket_read,
    notification_read,
    notification_write,
)
from tests.unit.model.s3 import ACCOUNT, BUCKET, OTHER, PREFIX, SPEC, Json, spec

CREATED = "s3:ObjectCreated:*"
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:fan-out"


def entry(
    prefix: str = PREFIX,
    suffix: str = ".gz",
    arn: str = SPEC.queue_arn,
    name: str = "sentinel",
    events: tuple[str, ...] = (CREATED,),
    key: str = "QueueArn",
) -> Json:
    """An entry as S3 returns it."""
    rules = [{"Name": rule, "Value": value} for rule, value in (("Prefix", prefix), ("Suffix", suffix)) if value]
    filtered = {"Filter": {"Key": {"FilterRules": rules}}} if rules else {}
    return {"Id": name, key: arn, "Events": list(events), **filtered}


OTHERS: Json = {
    "QueueConfigurations": [entry("inventory/", arn=f"arn:aws:sqs:eu-west-1:{ACCOUNT}:inventory", name="inventory")],
    "TopicConfigurations": [entry("", "", arn=TOPIC, name="removed", events=("s3:ObjectRemoved:*",), key="TopicArn")],
    "LambdaFunctionConfigurations": [
        entry("uploads/", "", arn=f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:scan", name="", key="LambdaFunctionArn")
    ],
    "EventBridgeConfiguration": {},
}


def have(*queues: Json, **others: Any) -> Notification:
    lists = {"QueueConfigurations": list(queues)} if queues else {}
    return Notification(BUCKET, ACCOUNT, {**others, **lists})


def after(before: Notification | None, **options: Any) -> list[Json]:
    want = NOTIFICATION.overlay(spec(**options), before)
    assert want
    found: list[Json] = want.document.get("QueueConfigurations", [])
    return found


def codes(*queues: Json, **options: Any) -> list[str]:
    return [one.code for one in NOTIFICATION.findings(spec(**options), have(*queues))]


OURS = {
    "Id": "sentinel",
    "QueueArn": SPEC.queue_arn,
    "Events": [CREATED],
    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": PREFIX}, {"Name": "suffix", "Value": ".gz"}]}},
}


def test_a_put_has_our_entry_and_everything_of_others() -> None:
    before = Notification(BUCKET, ACCOUNT, OTHERS)
    [call] = NOTIFICATION.plan(before, NOTIFICATION.overlay(SPEC, before))
    document = {**OTHERS, "QueueConfigurations": [*OTHERS["QueueConfigurations"], OURS]}
    args = {"Bucket": BUCKET, "ExpectedBucketOwner": ACCOUNT, "NotificationConfiguration": document}
    assert call == Call("PutBucketNotificationConfiguration", args)


@pytest.mark.parametrize("before", [None, have()])
def test_a_bucket_without_notification_gets_one_entry(before: Notification | None) -> None:
    assert after(before) == [OURS]
    assert NOTIFICATION.plan(before, NOTIFICATION.overlay(SPEC, before)) != []


def test_an_entry_without_prefix_and_suffix_has_no_filter() -> None:
    assert after(None, prefix="", suffix="") == [{key: OURS[key] for key in ("Id", "QueueArn", "Events")}]


ALL = tuple(f"s3:ObjectCreated:{one}" for one in ("Put", "Post", "Copy", "CompleteMultipartUpload"))


@pytest.mark.parametrize(
    "right",
    [
        entry(),
        entry(name="made by hand"),
        entry(events=ALL),
        entry(events=(CREATED, "s3:ObjectCreated:Put")),
        {
            **entry(),
            "Filter": {
                "Key": {"FilterRules": [{"Name": "SUFFIX", "Value": ".gz"}, {"Name": "prefix", "Value": PREFIX}]}
            },
        },
    ],
)
def test_an_entry_that_covers_exactly_what_is_needed_is_right(right: Json) -> None:
    before = have(right, entry("x/", arn="other"))
    assert NOTIFICATION.overlay(SPEC, before) is before
    assert NOTIFICATION.findings(SPEC, before) == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (entry(events=("s3:ObjectCreated:Put",)), "notification_narrower"),
        (entry(f"{PREFIX}222222222222/"), "notification_narrower"),
        (entry(suffix=".json.gz"), "notification_narrower"),
        (entry("elsewhere/"), "notification_narrower"),
        (entry(suffix=""), "notification_wider"),
        (entry("", ""), "notification_wider"),
        (entry(events=(CREATED, "s3:ObjectRemoved:*")), "notification_wider"),
    ],
)
def test_an_entry_of_our_queue_that_differs_is_replaced(wrong: Json, code: str) -> None:
    assert code in codes(wrong)
    assert after(have(wrong)) == [OURS]


HIVE = f"AWSLogs/aws-account-id={ACCOUNT}/my flows/"
ENCODED = f"AWSLogs/aws-account-id%3D{ACCOUNT}/my+flows/"


def test_the_values_of_a_filter_are_encoded() -> None:
    [found] = after(None, prefix=HIVE, suffix="(1)~%.gz")
    values = [one["Value"] for one in found["Filter"]["Key"]["FilterRules"]]
    assert values == [ENCODED, "(1)~%25.gz"]
    [one] = entries({"QueueConfigurations": [found]})
    assert (one.rule.prefix, one.rule.suffix) == (HIVE, "(1)~%.gz")


@pytest.mark.parametrize("encoded", [ENCODED, ENCODED.replace("%3D", "%3d"), ENCODED.replace("+", "%20")])
def test_an_encoded_entry_is_as_desired(encoded: str) -> None:
    assert codes(entry(encoded), prefix=HIVE) == []
    assert after(have(entry(encoded)), prefix=HIVE) == [entry(encoded)]
    with pytest.raises(SentinelError, match="entry 'theirs' notifies"):
        after(have(entry(encoded, arn="arn:aws:sqs:::theirs", name="theirs")), prefix=f"{HIVE}2026/")


@pytest.mark.parametrize(("prefix", "suffix"), [(HIVE, ".gz"), (f"AWSLogs/aws-account-id={ACCOUNT}/", ""), ("", "=")])
def test_an_entry_that_is_not_encoded_notifies_of_no_object(prefix: str, suffix: str) -> None:
    raw = entry(prefix, suffix)
    assert codes(raw, prefix=HIVE) == ["notification_narrower"]
    [found] = after(have(raw), prefix=HIVE)
    assert found["Filter"]["Key"]["FilterRules"][0]["Value"] == ENCODED
    both = have(raw, entry(ENCODED))
    assert codes(raw, entry(ENCODED), prefix=HIVE) == []
    assert NOTIFICATION.overlay(spec(prefix=HIVE), both) is both


def test_no_entry_is_a_broken_connection() -> None:
    assert codes() == codes(entry(arn="other")) == ["notification_missing"]
    assert [one.code for one in NOTIFICATION.findings(SPEC, None)] == ["notification_missing"]
    assert CODES["notification_missing"].breaking
    assert CODES["notification_narrower"].breaking


def test_each_account_has_an_entry_of_its_own() -> None:
    two = {"account_ids": (ACCOUNT, OTHER)}
    found = after(None, **two)
    assert [one["Id"] for one in found] == [f"sentinel-{ACCOUNT}", f"sentinel-{OTHER}"]
    assert [one.rule.prefix for one in entries({"QueueConfigurations": found})] == [
        f"{PREFIX}{ACCOUNT}/CloudTrail/",
        f"{PREFIX}{OTHER}/CloudTrail/",
    ]
    kept = entry(f"{PREFIX}{OTHER}/CloudTrail/", name="old")
    assert codes(kept, **two) == ["notification_narrower"]
    assert [one["Id"] for one in after(have(kept), **two)] == ["old", f"sentinel-{ACCOUNT}"]
    assert codes(entry(), **two) == ["notification_wider"]
    assert [one["Id"] for one in after(have(kept))] == ["sentinel"]


def test_an_id_that_others_use_gets_a_number() -> None:
    taken = [entry("a/", arn="other"), entry("b/", arn="other", name="sentinel-2")]
    assert [one["Id"] for one in after(have(*taken))] == ["sentinel", "sentinel-2", "sentinel-3"]


@pytest.mark.parametrize(
    "other",
    [
        entry("", "", arn="arn:aws:sqs:::theirs", name="theirs"),
        entry(f"{PREFIX}222222222222/", arn="arn:aws:sqs:::theirs", name="theirs"),
        entry(PREFIX[:4], ".json.gz", arn="arn:aws:sqs:::theirs", name="theirs"),
        entry(arn="arn:aws:sqs:::theirs", name="theirs", events=("s3:ObjectCreated:Put",)),
        entry("", "z", arn="arn:aws:sqs:::theirs", name="theirs"),
    ],
)
def test_an_entry_in_the_way_is_named(other: Json) -> None:
    topic = {**other, "TopicArn": other["QueueArn"]}
    for before in (
        have(other),
        have(TopicConfigurations=[topic]),
        have(entry(suffix=".json.gz"), TopicConfigurations=[topic]),
    ):
        with pytest.raises(SentinelError, match=r"entry 'theirs' notifies arn:aws:sqs:::theirs.*SNS topic") as caught:
            NOTIFICATION.overlay(SPEC, before)
        assert caught.value.kind == "notification_conflict"


@pytest.mark.parametrize(
    "other",
    [
        entry("elsewhere/", arn="other", name="other"),
        entry(suffix=".txt", arn="other", name="other"),
        entry(arn="other", name="other", events=("s3:ObjectRemoved:*", "s3:ObjectRestore:Post")),
    ],
)
def test_an_entry_for_other_objects_or_events_is_not_in_the_way(other: Json) -> None:
    assert after(have(other)) == [other, OURS]


def test_s3_allows_a_hundred_entries() -> None:
    others = [entry(f"{number}/", arn="other", name=str(number)) for number in range(MAX_ENTRIES)]
    assert len(after(have(*others[1:]))) == MAX_ENTRIES
    with pytest.raises(SentinelError, match="101 entries") as caught:
        after(have(*others))
    assert caught.value.kind == "notification_conflict"


def test_a_removal_leaves_everything_of_others() -> None:
    before = Notification(BUCKET, ACCOUNT, OTHERS)
    with_ours = NOTIFICATION.overlay(SPEC, before)
    assert NOTIFICATION.without(SPEC, with_ours) == before
    assert NOTIFICATION.without(SPEC, before) is before
    assert NOTIFICATION.without(SPEC, None) is None
    [call] = NOTIFICATION.plan(with_ours, before)
    assert call.args["NotificationConfiguration"] == OTHERS
    only = NOTIFICATION.removable(SPEC, with_ours)
    assert only
    assert only.document == {"QueueConfigurations": [OURS]}
    assert NOTIFICATION.removable(SPEC, before) is NOTIFICATION.removable(SPEC, None) is None
    alone = NOTIFICATION.without(SPEC, have(OURS))
    assert alone
    assert alone.document == {}
    assert NOTIFICATION.plan(before, None) == []


def test_it_is_shown_by_entries() -> None:
    before = have(OURS, EventBridgeConfiguration={})
    assert NOTIFICATION.show(SPEC, before) == {
        "bucket": BUCKET,
        "event_bridge": True,
        "entries": [
            {"id": "sentinel", "destination": SPEC.queue_arn, "events": [CREATED], "prefix": PREFIX, "suffix": ".gz"}
        ],
    }
    assert NOTIFICATION.show(SPEC, None) == {}
    assert NOTIFICATION.id(SPEC, before) == f"arn:aws:s3:::{BUCKET}"
    assert NOTIFICATION.id(SPEC, have()) == NOTIFICATION.id(SPEC, None) == ""
    assert BUCKET in NOTIFICATION.title(SPEC)


@pytest.mark.parametrize(
    ("put", "now", "kept"),
    [
        (have(OURS), have(entry(name="x")), True),
        (have(OURS), have(OURS, entry("x/", arn="new")), True),
        (have(OURS), have(), False),
        (have(OURS), have(entry(suffix="")), False),
        (have(), have(OURS), False),
        (have(OURS, entry("x/", arn="theirs")), have(OURS), False),
        (have(OURS, EventBridgeConfiguration={}), have(OURS), False),
        (have(OURS), have(OURS, EventBridgeConfiguration={}), True),
    ],
)
def test_what_was_put_has_to_be_there(put: Notification, now: Notification, kept: bool) -> None:
    assert is_in_force(SPEC, put.document, now.document) is kept


# --- any document ---

PARTS = st.sampled_from(["", "a", "ab", "b", "ba", "a=b", "a%3Db", PREFIX, PREFIX[:5]])
EVENTS = st.frozensets(
    st.sampled_from([CREATED, "s3:ObjectCreated:Put", "s3:ObjectRemoved:*", "s3:ObjectRemoved:Delete", "s3:TestEvent"]),
    min_size=1,
)
RULES = st.builds(Rule, PARTS, PARTS, EVENTS)


@given(RULES, RULES)
def test_overlap_is_symmetric_and_follows_from_inclusion(one: Rule, other: Rule) -> None:
    assert one.overlaps(other) == other.overlaps(one)
    assert one.overlaps(one)
    assert one.includes(one)
    if one.includes(other):
        assert one.overlaps(other)


@given(RULES, RULES, PARTS, PARTS)
def test_an_object_that_fits_two_rules_makes_them_overlap(one: Rule, other: Rule, begin: str, end: str) -> None:
    key = f"{begin}-{end}"
    fits = all(key.startswith(rule.prefix) and key.endswith(rule.suffix) for rule in (one, other))
    if fits and one.events & other.events:
        assert one.overlaps(other)


def lists() -> st.SearchStrategy[Json]:
    arns = st.sampled_from([SPEC.queue_arn, "theirs", "others"])
    found = st.builds(
        lambda rule, arn, name: entry(rule.prefix, rule.suffix, arn, name, tuple(sorted(rule.events))),
        RULES,
        arns,
        st.sampled_from(["sentinel", "sentinel-2", "x", ""]),
    )
    queues = st.lists(found, max_size=4)
    topics = st.lists(found.map(lambda one: {**one, "TopicArn": f"topic-{one['QueueArn']}"}), max_size=2)
    return st.builds(
        lambda one, two, bridge: {"QueueConfigurations": one, "TopicConfigurations": two, **bridge},
        queues,
        topics,
        st.sampled_from([{}, {"EventBridgeConfiguration": {}}]),
    )


def foreign(document: Json) -> Json:
    queues = [one for one in document.get("QueueConfigurations", []) if one["QueueArn"] != SPEC.queue_arn]
    return {**document, "QueueConfigurations": queues}


@given(lists(), st.sampled_from([(), (ACCOUNT,), (ACCOUNT, OTHER)]))
def test_a_put_loses_nothing_of_others_and_a_second_plan_is_empty(document: Json, accounts: tuple[str, ...]) -> None:
    options = spec(account_ids=accounts)
    before = Notification(BUCKET, ACCOUNT, document)
    removed = NOTIFICATION.without(options, before)
    assert removed
    assert foreign(dict(removed.document)) == foreign(document)
    assert NOTIFICATION.without(options, removed) is removed
    try:
        want = NOTIFICATION.overlay(options, before)
    except SentinelError as error:
        assert error.kind == "notification_conflict"  # noqa: PT017 the document is any
        return
    assert want
    assert foreign(dict(want.document)) == foreign(document)
    assert NOTIFICATION.findings(options, want) == []
    assert NOTIFICATION.plan(want, NOTIFICATION.overlay(options, want)) == []
    assert (NOTIFICATION.plan(before, want) == []) is (NOTIFICATION.findings(options, before) == [])
    assert is_in_force(options, want.document, want.document)


# --- permissions ---


def test_a_session_may_put_the_notification_of_this_bucket_only() -> None:
    put = NOTIFICATION.plan(have(), NOTIFICATION.overlay(SPEC, have()))
    resource = f"arn:aws:s3:::{BUCKET}"
    assert notification_write(SPEC, put) == [
        {"Effect": "Allow", "Action": ["s3:PutBucketNotification"], "Resource": resource}
    ]
    assert notification_write(SPEC, []) == []
    assert notification_read(SPEC) == [
        {"Effect": "Allow", "Action": ["s3:GetBucketNotification"], "Resource": resource}
    ]
    assert all(
        action.split(":")[1].startswith(("Get", "List", "Describe"))
        for one in bucket_read("arn:aws-cn:s3:::logs")
        for action in one["Action"]
    )
