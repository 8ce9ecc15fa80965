# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The producers of VPC flow logs and GuardDuty findings: whether they write what Microsoft Sentinel can read. Pure.

Sources: "Publish flow logs to Amazon S3" (Amazon VPC User Guide), "Exporting findings" (Amazon GuardDuty User Guide),
"Connect Microsoft Sentinel to Amazon Web Services to ingest AWS service log data" (Microsoft Learn).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..findings import Finding, finding
from .source import S3SourceSpec

PUBLISHING = "PUBLISHING"
FLOW_LOGS, GUARDDUTY, CLOUDWATCH = "AWSVPCFlow", "AWSGuardDuty", "AWSCloudWatch"
# Without it the time of an event is that of its ingestion.
_START = "start"


class FlowLog(NamedTuple):
    """A flow log that publishes to S3; `fields` are those of its record format, `error` is that of its delivery."""

    id: str
    destination_arn: str
    fields: tuple[str, ...] = ()
    file_format: str = "plain-text"
    error: str = ""


class Destination(NamedTuple):
    """A publishing destination of a GuardDuty detector, with the ARN of the key that encrypts its objects."""

    detector_id: str
    destination_arn: str
    status: str
    kms_key_arn: str = ""


def delivers(spec: S3SourceSpec, destination_arn: str) -> bool:
    """Return whether a destination, with or without a folder, is where the objects of the source are."""
    bucket_arn, _slash, folder = destination_arn.partition("/")
    place = f"{folder.rstrip('/')}/" if folder.strip("/") else ""
    delivered = f"{place}AWSLogs/"
    return bucket_arn == spec.bucket_arn and (delivered.startswith(spec.prefix) or spec.prefix.startswith(place))


def flow_log_findings(flow_logs: Iterable[FlowLog]) -> Iterator[Finding]:
    """Yield what is wrong with the flow logs of a source."""
    for one in flow_logs:
        if one.error:
            yield finding("delivery_flow_log_failed", f"Flow log {one.id} cannot deliver: {one.error}.")
        if one.file_format != "plain-text":
            text = f"Flow log {one.id} writes {one.file_format}, and Microsoft Sentinel reads plain text."
            yield finding("delivery_flow_log_format", text)
        elif _START not in one.fields:
            text = f"The record format of flow log {one.id} has no field {_START}, from which the time of an event is."
            yield finding("delivery_flow_log_fields", text)


def destination_findings(destinations: Iterable[Destination]) -> Iterator[Finding]:
    """Yield what is wrong with the publishing destinations of a source."""
    for one in destinations:
        if one.status != PUBLISHING:
            text = (
                f"Detector {one.detector_id} does not publish to {one.destination_arn}: its status is {one.status}. "
                "The bucket policy and the key policy have to allow guardduty.amazonaws.com s3:GetBucketLocation, "
                "s3:PutObject and kms:GenerateDataKey."
            )
            yield finding("delivery_findings_failed", text)


_NOT_VISIBLE = {
    FLOW_LOGS: "No flow log of this account in the Region of the bucket publishes into it; those of other accounts and "
    "Regions cannot be read. Required: plain text, and the field start in a custom record format.",
    GUARDDUTY: "No detector of this account in the Region of the bucket publishes into it; those of other accounts and "
    "Regions cannot be read. Required: a publishing destination with a key whose policy allows "
    "guardduty.amazonaws.com kms:GenerateDataKey.",
    CLOUDWATCH: "What writes the objects cannot be read. Required: gzip files with CSV and without a header, which an "
    "export task of CloudWatch Logs does not write.",
}


def not_visible(table: str) -> str:
    """Return what is unknown about the producers of a table if none is found, with what they need."""
    return _NOT_VISIBLE[table]
