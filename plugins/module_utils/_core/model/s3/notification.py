# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notification of a bucket: one document for all destinations; the entries of our queue are ours. Pure.

Where the queue is subscribed to a topic, the bucket has to notify the topic, whose entry is that of others.
A put replaces the whole document, so everything of others is repeated as it was read.
Sources, in the Amazon S3 User Guide: "Amazon S3 event notifications", "Configuring event notifications using object key
name filtering". Limit of entries: "Enabling event notifications".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import quote_plus, unquote_plus

from ..errors import SentinelError
from ..findings import Finding, finding, ordered
from ..plan import Call
from ..resource import Resource
from .source import EVENTS, S3SourceSpec

MAX_ENTRIES = 100
QUEUES = "QueueConfigurations"
EVENT_BRIDGE = "EventBridgeConfiguration"
# The lists of the document, and the key of the destination in their entries.
DESTINATIONS = {
    QUEUES: "QueueArn",
    "TopicConfigurations": "TopicArn",
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
}
# All events of the type s3:ObjectCreated:*.
_CREATED = frozenset(f"s3:ObjectCreated:{one}" for one in ("Put", "Post", "Copy", "CompleteMultipartUpload"))

# "Safe characters" (Amazon S3 User Guide, "Naming Amazon S3 objects"): all others are encoded in the value of a filter.
_SAFE = "/!*'()"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Notification:
    """The notification of a bucket: the document as S3 returns it, empty if there is none. `owner` is an account id."""

    bucket: str
    owner: str
    document: Json = field(default_factory=dict)


class Rule(NamedTuple):
    """Of which objects an entry reports which events."""

    prefix: str
    suffix: str
    events: frozenset[str] = frozenset({EVENTS})

    def overlaps(self, other: Rule) -> bool:
        """Return whether S3 refuses both in one document: the same event of some object could fit both."""
        return (
            any(_includes(one, two) or _includes(two, one) for one in self.events for two in other.events)
            and (self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix))
            and (self.suffix.endswith(other.suffix) or other.suffix.endswith(self.suffix))
        )

    def includes(self, other: Rule) -> bool:
        """Return whether the rule reports everything that the other one does."""
        return (
            all(any(_includes(one, two) for one in self.events) for two in other.events)
            and other.prefix.startswith(self.prefix)
            and other.suffix.endswith(self.suffix)
        )

    def __str__(self) -> str:
        """Return the rule for a message."""
        return f"prefix {self.prefix!r}, suffix {self.suffix!r}, events {', '.join(sorted(self.events))}"


class Entry(NamedTuple):
    """An entry of the document; its rule has prefix and suffix as keys have them, not encoded."""

    id: str
    destination: str
    rule: Rule
    is_encoded: bool = True
    """Whether the values of the filter are encoded: S3 finds no object by one that has to be and is not."""

    def reports(self, rule: Rule) -> bool:
        """Return whether the entry reports everything that a rule does."""
        return self.is_encoded and self.rule.includes(rule)


def _includes(event: str, other: str) -> bool:
    return event == other or (event.endswith(":*") and other.startswith(event[:-1]))


def entries(document: Json) -> list[Entry]:
    """Return all entries of a document."""
    return [_entry(raw, key) for name, key in DESTINATIONS.items() for raw in document.get(name, ())]


def _entry(raw: Json, key: str) -> Entry:
    rules = raw.get("Filter", {}).get("Key", {}).get("FilterRules", ())
    by_name = {str(one.get("Name", "")).lower(): str(one.get("Value", "")) for one in rules}
    prefix, suffix = by_name.get("prefix", ""), by_name.get("suffix", "")
    rule = Rule(unquote_plus(prefix), unquote_plus(suffix), _events(raw.get("Events", ())))
    is_encoded = all(quote_plus(one, safe=f"{_SAFE}+%") == one for one in (prefix, suffix))
    return Entry(str(raw.get("Id", "")), str(raw.get(key, "")), rule, is_encoded)


def _events(events: Iterable[str]) -> frozenset[str]:
    found = frozenset(events)
    return found - _CREATED | {EVENTS} if found >= _CREATED or EVENTS in found else found


def _is_ours(spec: S3SourceSpec, raw: Json) -> bool:
    return raw.get("QueueArn") == spec.queue_arn


def desired_rules(spec: S3SourceSpec) -> list[Rule]:
    """Return the rules of our entries, one for each prefix."""
    return [Rule(prefix, spec.suffix) for prefix in dict.fromkeys(spec.prefixes)]


def _own(spec: S3SourceSpec, document: Json) -> list[Entry]:
    return [_entry(raw, "QueueArn") for raw in document.get(QUEUES, ()) if _is_ours(spec, raw)]


def overlay(spec: S3SourceSpec, have: Notification | None) -> Notification:
    """Return the notification with our entries; raises notification_conflict if S3 would refuse them.

    With a topic it is without our entries, as soon as the topic is notified in their place.
    """
    have = have or Notification(spec.bucket, spec.account_id)
    if not spec.topic_arn:
        return _with_own(spec, have)
    return _without_own(spec, have) if _is_topic_notified(spec, have.document) else have


def _with_own(spec: S3SourceSpec, have: Notification) -> Notification:
    desired = desired_rules(spec)
    rules = [one.rule for one in _own(spec, have.document) if one.is_encoded]
    if set(rules) == set(desired):
        return have
    kept = [raw for raw in have.document.get(QUEUES, ()) if not _is_ours(spec, raw) or _is_desired(raw, desired)]
    base = {**have.document, QUEUES: kept}
    added = _new_entries(spec, [one for one in desired if one not in rules], entries(base))
    return replace(have, document={**base, QUEUES: [*kept, *added]})


def _new_entries(spec: S3SourceSpec, rules: Sequence[Rule], existing: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return entries for the queue beside the existing ones; raises notification_conflict."""
    _check_overlap(spec, rules, existing)
    _check_count(spec, len(existing) + len(rules))
    taken = {one.id for one in existing}
    return [_new_entry(spec, one, taken) for one in rules]


def _of_topic(spec: S3SourceSpec, document: Json) -> list[Entry]:
    return [one for one in entries(document) if one.destination == spec.topic_arn]


def _is_topic_notified(spec: S3SourceSpec, document: Json) -> bool:
    """Return whether the bucket notifies the topic of all objects of the source."""
    topic = _of_topic(spec, document)
    return all(any(one.reports(rule) for one in topic) for rule in desired_rules(spec))


def _is_desired(raw: Json, desired: Sequence[Rule]) -> bool:
    found = _entry(raw, "QueueArn")
    return found.is_encoded and found.rule in desired


def _check_overlap(spec: S3SourceSpec, added: Iterable[Rule], existing: Iterable[Entry]) -> None:
    """Raise notification_conflict naming the entry that S3 does not accept together with ours."""
    for rule in added:
        for one in existing:
            if one.destination != spec.queue_arn and rule.overlaps(one.rule):
                raise _conflict(
                    spec,
                    f"entry {one.id!r} notifies {one.destination} of the same objects ({one.rule}), and S3 accepts one "
                    f"entry for them only. {_way_out(one.destination)}, or use a prefix or suffix that does not "
                    "overlap",
                )


def _way_out(destination: str) -> str:
    """Return what to do about an entry that notifies someone else of the same objects."""
    if destination.split(":")[2:3] == ["sns"]:
        return f"Subscribe the queue to that topic: set topic_arn of the source to {destination}"
    return (
        "Let the owner of the bucket replace the entry by one for an SNS topic to which that destination is subscribed "
        "too, and set topic_arn of the source to the topic"
    )


def _check_count(spec: S3SourceSpec, count: int) -> None:
    if count > MAX_ENTRIES:
        raise _conflict(
            spec,
            f"it would have {count} entries, and S3 allows {MAX_ENTRIES}. Use one prefix instead of account ids, or "
            "remove entries that are not needed",
        )


def _conflict(spec: S3SourceSpec, reason: str) -> SentinelError:
    message = f"Cannot add queue {spec.queue_name} to the notification of bucket {spec.bucket}: {reason}."
    return SentinelError("notification_conflict", message)


def _new_entry(spec: S3SourceSpec, rule: Rule, taken: set[str]) -> dict[str, Any]:
    """Return an entry for the queue with a fixed id, or the next one that is not `taken`; it is added to these."""
    accounts = dict(zip(spec.prefixes, spec.account_ids, strict=False))
    name = f"{spec.queue_name}-{accounts[rule.prefix]}" if rule.prefix in accounts else spec.queue_name
    free = next(one for one in (name, *(f"{name}-{n}" for n in range(2, MAX_ENTRIES + 2))) if one not in taken)
    taken.add(free)
    parts = (("prefix", rule.prefix), ("suffix", rule.suffix))
    rules = [{"Name": part, "Value": quote_plus(value, safe=_SAFE)} for part, value in parts if value]
    filtered = {"Filter": {"Key": {"FilterRules": rules}}} if rules else {}
    return {"Id": free, "QueueArn": spec.queue_arn, "Events": [EVENTS], **filtered}


def without(spec: S3SourceSpec, have: Notification | None) -> Notification | None:
    """Return the notification without our entries."""
    return _without_own(spec, have) if have else None


def _without_own(spec: S3SourceSpec, have: Notification) -> Notification:
    if not _own(spec, have.document):
        return have
    rest = {name: value for name, value in have.document.items() if name != QUEUES}
    others = [raw for raw in have.document[QUEUES] if not _is_ours(spec, raw)]
    return replace(have, document={**rest, QUEUES: others} if others else rest)


def removable(spec: S3SourceSpec, have: Notification | None) -> Notification | None:
    """Return the notification with nothing but our entries, None if there are none."""
    if have is None or not _own(spec, have.document):
        return None
    return replace(have, document={QUEUES: [raw for raw in have.document[QUEUES] if _is_ours(spec, raw)]})


def plan(have: Notification | None, want: Notification | None) -> list[Call]:
    """Return the call of S3 that turns one notification into the other."""
    if want is None or (have or replace(want, document={})) == want:
        return []
    args = {"Bucket": want.bucket, "ExpectedBucketOwner": want.owner, "NotificationConfiguration": want.document}
    return [Call("PutBucketNotificationConfiguration", args)]


def is_in_force(spec: S3SourceSpec, put: Json, now: Json) -> bool:
    """Return whether what was put is there now: all of others, and of our entries exactly these."""
    remaining = {(one.destination, one.rule) for one in entries(now)}
    return (
        all((one.destination, one.rule) in remaining for one in entries(put))
        and {one[2:] for one in _own(spec, put)} == {one[2:] for one in _own(spec, now)}
        and (EVENT_BRIDGE in now or EVENT_BRIDGE not in put)
    )


def findings(spec: S3SourceSpec, have: Notification | None) -> list[Finding]:
    """Return the differences between our entries and the desired ones, the most severe first."""
    own = _own(spec, have.document) if have else []
    if spec.topic_arn:
        return ordered(_topic_findings(spec, have.document if have else {}))
    if not own:
        message = f"Bucket {spec.bucket} does not notify queue {spec.queue_name}."
        return [finding("notification_missing", message)]
    return ordered([*_narrower(spec, own), *_wider(spec, own)])


def _narrower(spec: S3SourceSpec, own: Iterable[Entry]) -> Iterator[Finding]:
    for rule in desired_rules(spec):
        if not any(one.reports(rule) for one in own):
            message = f"No entry of bucket {spec.bucket} notifies queue {spec.queue_name} of all objects with {rule}."
            yield finding("notification_narrower", message)


def _wider(spec: S3SourceSpec, own: Iterable[Entry]) -> Iterator[Finding]:
    desired = desired_rules(spec)
    for one in own:
        if one.is_encoded and not any(rule.includes(one.rule) for rule in desired):
            message = f"Entry {one.id!r} of bucket {spec.bucket} notifies queue {spec.queue_name} of more: {one.rule}."
            yield finding("notification_wider", message)


def _topic_findings(spec: S3SourceSpec, document: Json) -> Iterator[Finding]:
    """Yield the findings about the entries of the topic, and about ours that these replace."""
    topic, desired = _of_topic(spec, document), desired_rules(spec)
    if not topic:
        message = f"Bucket {spec.bucket} does not notify topic {spec.topic_arn}."
        yield finding("notification_topic_missing", message)
    elif missing := [rule for rule in desired if not any(one.reports(rule) for one in topic)]:
        message = f"Bucket {spec.bucket} does not notify topic {spec.topic_arn} of all objects with {missing[0]}."
        yield finding("notification_topic_narrower", message)
    elif own := _own(spec, document):
        message = f"Entry {own[0].id!r} of bucket {spec.bucket} notifies queue {spec.queue_name} besides the topic."
        yield finding("notification_wider", message)
    yield from _wider_topic(spec, topic, desired)


def _wider_topic(spec: S3SourceSpec, topic: Iterable[Entry], desired: Iterable[Rule]) -> Iterator[Finding]:
    for one in topic:
        if one.is_encoded and not any(one.rule.prefix.startswith(rule.prefix) for rule in desired):
            message = f"Entry {one.id!r} of bucket {spec.bucket} notifies topic {spec.topic_arn} of more: {one.rule}."
            yield finding("notification_topic_wider", message)


def show(have: Notification | None) -> dict[str, Any]:
    """Return the notification as it appears in results; {} for None."""
    if have is None:
        return {}
    return {
        "bucket": have.bucket,
        "event_bridge": EVENT_BRIDGE in have.document,
        "entries": [
            {
                "id": one.id,
                "destination": one.destination,
                "events": sorted(one.rule.events),
                "prefix": one.rule.prefix,
                "suffix": one.rule.suffix,
            }
            for one in entries(have.document)
        ],
    }


NOTIFICATION: Resource[S3SourceSpec, Notification] = Resource(
    name="notification",
    title=lambda spec: f"notification of bucket {spec.bucket} in account {spec.account_id}",
    overlay=overlay,
    without=without,
    plan=plan,
    findings=findings,
    show=lambda _spec, have: show(have),
    id=lambda spec, have: spec.bucket_arn if have and _own(spec, have.document) else "",
    removable=removable,
)
