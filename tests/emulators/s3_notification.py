# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notification document of a bucket: what S3 refuses in it, and how it shows it where moto does not.

Sources: "Configuring event notifications using object key name filtering" and "Granting permissions to publish event
notification messages to a destination" (Amazon S3 User Guide). The refusals are in S3's own words.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from urllib.parse import unquote_plus

from .faults import Fault

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
DESTINATIONS = {
    "QueueConfiguration": "Queue",
    "TopicConfiguration": "Topic",
    "CloudFunctionConfiguration": "CloudFunction",
}
EVENT_BRIDGE = "EventBridgeConfiguration"
RULE_NAMES = ("prefix", "suffix")
ET.register_namespace("", NAMESPACE)


def invalid(message: str) -> Fault:
    """400 for what is in the document."""
    return Fault(status=400, code="InvalidArgument", message=message)


UNVERIFIED = invalid("Unable to validate the following destination configurations")
AMBIGUOUS = invalid(
    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are "
    "overlapping for the same event type."
)
COMMON_EVENT = invalid("Configurations overlap. Configurations on the same bucket cannot share a common event type.")
SAME_ID = invalid("Same ID used for multiple configurations. IDs must be unique.")
RULE_NAME = invalid("filter rule name must be either prefix or suffix")
RULE_TWICE = invalid("Cannot specify more than one prefix rule and one suffix rule in a filter.")
MALFORMED = Fault(
    status=400,
    code="MalformedXML",
    message="The XML you provided was not well-formed or did not validate against our published schema",
)


@dataclass(frozen=True)
class Entry:
    """One destination and what is sent to it."""

    id: str
    arn: str
    events: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True)
class Document:
    """A parsed notification document."""

    root: ET.Element
    entries: tuple[Entry, ...]
    event_bridge: bool

    def for_moto(self) -> bytes:
        """As moto understands it: rule names in small letters, no EventBridge."""
        for name in _rule_names(self.root):
            name.text = (name.text or "").lower()
        for child in [one for one in self.root if _tag(one) == EVENT_BRIDGE]:
            self.root.remove(child)
        return ET.tostring(self.root)


def parse(body: bytes) -> Document | Fault:
    """The document of a put, or the refusal."""
    try:
        root = ET.fromstring(body)
    except ET.ParseError:
        return MALFORMED
    for one in root:
        rules = [(name.text or "").lower() for name in _rule_names(one)]
        if set(rules) - set(RULE_NAMES):
            return RULE_NAME
        if len(rules) != len(set(rules)):
            return RULE_TWICE
    entries = tuple(_entry(one, DESTINATIONS[_tag(one)]) for one in root if _tag(one) in DESTINATIONS)
    return _conflict(entries) or Document(root, entries, any(_tag(one) == EVENT_BRIDGE for one in root))


def shown(text: bytes, event_bridge: bool) -> bytes:
    """Moto's answer as S3 words it."""
    root = ET.fromstring(text)
    root.tag = f"{{{NAMESPACE}}}NotificationConfiguration"
    for name in _rule_names(root):
        name.text = (name.text or "").capitalize()
    if event_bridge:
        ET.SubElement(root, f"{{{NAMESPACE}}}{EVENT_BRIDGE}")
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _entry(element: ET.Element, destination: str) -> Entry:
    rules = {
        (_texts(rule, "Name") or [""])[0].lower(): (_texts(rule, "Value") or [""])[0]
        for rule in element.iter()
        if _tag(rule) == "FilterRule"
    }
    return Entry(
        id="".join(_texts(element, "Id")),
        arn="".join(_texts(element, destination)),
        events=tuple(_texts(element, "Event")),
        prefix=unquote_plus(rules.get("prefix", "")),
        suffix=unquote_plus(rules.get("suffix", "")),
    )


def _conflict(entries: tuple[Entry, ...]) -> Fault | None:
    """What two entries may not have in common."""
    ids = [one.id for one in entries if one.id]
    if len(ids) != len(set(ids)):
        return SAME_ID
    for one, other in combinations(entries, 2):
        if _share_events(one, other) and _overlap(one, other):
            plain = not any((one.prefix, one.suffix, other.prefix, other.suffix))
            return COMMON_EVENT if plain else AMBIGUOUS
    return None


def _share_events(one: Entry, other: Entry) -> bool:
    """`s3:ObjectCreated:*` holds `s3:ObjectCreated:Put`."""

    def holds(event: str, part: str) -> bool:
        return event == part or (event.endswith(":*") and part.startswith(event[:-1]))

    return any(holds(mine, theirs) or holds(theirs, mine) for mine in one.events for theirs in other.events)


def _overlap(one: Entry, other: Entry) -> bool:
    """Whether a key could fit both; no prefix begins every key."""
    prefixes = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
    suffixes = one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix)
    return prefixes and suffixes


def _rule_names(root: ET.Element) -> Iterator[ET.Element]:
    return (part for rule in root.iter() if _tag(rule) == "FilterRule" for part in rule if _tag(part) == "Name")


def _texts(element: ET.Element, tag: str) -> list[str]:
    return [one.text or "" for one in element if _tag(one) == tag]


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
