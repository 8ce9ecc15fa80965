# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of an inspection of an S3 source: its links in order, the first broken one, and what is unknown. Pure.

Source of the symptoms: "Troubleshoot AWS S3 connector issues" (Microsoft Learn).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..findings import CODES, Finding, ordered
from ..session_policy import allow
from ..sources import SourceSpec
from .notification import Entry, Notification, entries
from .objects import Objects
from .objects import show as show_objects
from .producers import FLOW_LOGS, GUARDDUTY
from .source import CLOUDTRAIL_TABLE, S3SourceSpec, default_queue_name
from .traffic import Traffic
from .traffic import show as show_traffic
from .trail_status import TrailState
from .trail_status import show as show_trail

# The links of the chain in the direction of the events, by the check of the findings about them.
LINKS = {
    "delivery": "delivery",
    "notification": "notification",
    "queue": "queue",
    "role": "role",
    "trust": "role",
    "permission": "role",
    "connector": "connector",
}
LINKS_OF_RESOURCES = {
    "oidc_provider": "role",
    "role": "role",
    "dead_letter_queue": "queue",
    "queue": "queue",
    "subscription": "notification",
    "notification": "notification",
    "connector": "connector",
}
_ARRIVE = "Objects arrive, nothing is sent"
_SYMPTOMS = {
    "delivery": "No objects arrive",
    "notification": _ARRIVE,
    "queue": _ARRIVE,
    "role": "Messages are sent, and Microsoft Sentinel cannot read queue or objects",
    "connector": "Messages are sent, and Microsoft Sentinel does not process them",
}
_UNSEEN = "Nothing is sent"


class Unknown(NamedTuple):
    """A part of the chain that could not be read, and why."""

    link: str
    message: str


@dataclass(slots=True)
class Inspection:
    """What was read of an S3 source. `spec` is None if bucket or prefix are unknown, `shown` has the resources."""

    table: str
    bucket: str
    spec: S3SourceSpec | None = None
    trails: tuple[TrailState, ...] = ()
    objects: Objects | None = None
    traffic: Traffic = field(default_factory=Traffic)
    findings: list[Finding] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)
    shown: dict[str, Callable[[], dict[str, Any]]] = field(default_factory=dict)

    @property
    def objects_arrive(self) -> bool:
        """Whether new objects were seen."""
        return self.objects is not None and self.objects.are_recent

    @property
    def broken_link(self) -> str:
        """The first link of the chain that is broken, empty if none is."""
        broken = {LINKS[CODES[one.code].check] for one in self.findings if CODES[one.code].breaking}
        return next((link for link in _SYMPTOMS if link in broken), "")

    @property
    def message(self) -> str:
        """What the broken link means, with its findings; empty if no link is broken."""
        link = self.broken_link
        causes = [one.message for one in ordered(self.findings) if _breaks(one, link)]
        return f"{self._symptom(link)}: {' '.join(causes)}" if link else ""

    def _symptom(self, link: str) -> str:
        """Return the symptom of a broken link; it contains that objects arrive only if new objects were found."""
        symptom = _SYMPTOMS[link]
        return _UNSEEN if symptom == _ARRIVE and not self.objects_arrive else symptom


def unread(source: SourceSpec, reason: str) -> Inspection:
    """Return the inspection of a source of which nothing could be read."""
    table = source.get("table", CLOUDTRAIL_TABLE)
    return Inspection(table, source.get("bucket"), unknown=[Unknown(next(iter(_SYMPTOMS)), reason)])


def _breaks(found: Finding, link: str) -> bool:
    code = CODES[found.code]
    return code.breaking and LINKS[code.check] == link


_READS = (
    "cloudtrail:GetEventSelectors",
    "cloudtrail:GetTrailStatus",
    "cloudwatch:GetMetricData",
    "iam:GetAccountSummary",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
)
_READS_OF_TABLES = {
    FLOW_LOGS: ("ec2:DescribeFlowLogs",),
    GUARDDUTY: (
        "guardduty:DescribePublishingDestination",
        "guardduty:ListDetectors",
        "guardduty:ListPublishingDestinations",
    ),
}


def statements(spec: S3SourceSpec) -> list[dict[str, Any]]:
    """Return what an inspection needs in addition to the reads of a source, for the policy of its session."""
    return [
        allow([*_READS, *_READS_OF_TABLES.get(spec.table, ())], "*"),
        allow(["s3:GetEncryptionConfiguration"], spec.bucket_arn),
        allow(["iam:GetOpenIDConnectProvider"], spec.provider_arn.rstrip("/")),
    ]


def prefix_of_entry(table: str, bucket: str, notification: Notification | None) -> str | None:
    """Return the prefix of an entry whose queue has the name for it, None if there is no such entry."""
    found = entries(notification.document) if notification else []
    own = (one.rule.prefix for one in found if one.destination.endswith(_name(table, bucket, one)))
    return next(own, None)


def _name(table: str, bucket: str, entry: Entry) -> str:
    return f":{default_queue_name(table, bucket, entry.rule.prefix)}"


def _rows(found: Iterable[NamedTuple]) -> list[dict[str, Any]]:
    return [one._asdict() for one in found]


def summary(inspection: Inspection) -> dict[str, Any]:
    """Return what a verification has of an S3 source."""
    return {
        "table": inspection.table,
        "bucket": inspection.bucket,
        "broken_link": inspection.broken_link or None,
        "message": inspection.message,
        "findings": _rows(ordered(inspection.findings)),
        "unknown": _rows(inspection.unknown),
        "objects": show_objects(inspection.objects),
        "traffic": show_traffic(inspection.traffic),
    }


def show(inspection: Inspection) -> dict[str, Any]:
    """Return everything that was read, as the module returns it."""
    spec = inspection.spec
    names = ("oidc_provider", "role", "dead_letter_queue", "queue", "subscription", "notification", "connector")
    resources = {name: inspection.shown[name]() if name in inspection.shown else {} for name in names}
    return {
        **summary(inspection),
        "region": spec.region if spec else None,
        "prefix": spec.prefix if spec else None,
        "suffix": spec.suffix if spec else None,
        "trails": [show_trail(one) for one in inspection.trails],
        **resources,
    }
