# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to AWS CloudTrail: which trails there are, and what they deliver."""

from __future__ import annotations

from ..model.s3.trail import Trail
from ..model.s3.trail_status import EventSelectors, TrailStatus
from .aws_errors import Code, translate_aws_errors
from .response import parse
from .service import Response, ServiceClient

CODES = (Code("CloudTrailAccessNotEnabledException", "bad_input"),)


async def describe_trails(cloudtrail: ServiceClient, account_id: str) -> list[Trail]:
    """Return the trails of the account in the Region of the client, with those of other Regions and its organization.

    Trails of a single other Region are not among them.
    """
    with translate_aws_errors(f"read the trails of account {account_id}", CODES, expired=cloudtrail.expired):
        return parse(_parse_trails, await cloudtrail("DescribeTrails", includeShadowTrails=True))


async def trail_status(cloudtrail: ServiceClient, trail: Trail) -> TrailStatus:
    """Return whether a trail logs and delivers; the client is in its home Region."""
    with translate_aws_errors(f"read the status of trail {trail.arn}", CODES, expired=cloudtrail.expired):
        return parse(_parse_status, await cloudtrail("GetTrailStatus", Name=trail.arn))


async def event_selectors(cloudtrail: ServiceClient, trail: Trail) -> EventSelectors:
    """Return the event selectors of a trail; the client is in its home Region."""
    with translate_aws_errors(f"read the event selectors of trail {trail.arn}", CODES, expired=cloudtrail.expired):
        return parse(_parse_selectors, await cloudtrail("GetEventSelectors", TrailName=trail.arn))


def _parse_status(response: Response) -> TrailStatus:
    started, delivered = response.get("StartLoggingTime"), response.get("LatestDeliveryTime")
    return TrailStatus(
        is_logging=bool(response["IsLogging"]),
        started=started.timestamp() if started else None,
        delivered=delivered.timestamp() if delivered else None,
        error=response.get("LatestDeliveryError") or "",
    )


def _parse_selectors(response: Response) -> EventSelectors:
    basic, advanced = response.get("EventSelectors") or [], response.get("AdvancedEventSelectors") or []
    return EventSelectors(tuple(map(dict, basic)), tuple(map(dict, advanced)))


def _parse_trails(response: Response) -> list[Trail]:
    return [
        Trail(
            arn=raw["TrailARN"],
            bucket=raw["S3BucketName"],
            prefix=raw.get("S3KeyPrefix", "").strip("/"),
            is_organization=bool(raw.get("IsOrganizationTrail")),
            kms_key_arn=raw.get("KmsKeyId", ""),
            is_multi_region=bool(raw.get("IsMultiRegionTrail")),
            home_region=raw.get("HomeRegion", ""),
        )
        for raw in response["trailList"]
    ]
