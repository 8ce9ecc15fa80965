# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Amazon GuardDuty: where the detectors publish their findings."""

from __future__ import annotations

from ..model.s3.producers import Destination
from .aws_errors import Code, translate_aws_errors
from .response import parse
from .service import Response, ServiceClient

# GuardDuty has one code for all errors of a request.
CODES = (Code("BadRequestException", "bad_input"),)


async def publishing_destinations(guardduty: ServiceClient, account_id: str) -> list[Destination]:
    """Return the publishing destinations of the account, in the Region of the client."""
    with translate_aws_errors(
        f"read the publishing destinations of account {account_id}", CODES, expired=guardduty.expired
    ):
        found = []
        for detector in await guardduty.pages("ListDetectors", "DetectorIds", cursor="NextToken"):
            listed = await guardduty.pages(
                "ListPublishingDestinations", "Destinations", cursor="NextToken", DetectorId=detector
            )
            for one in listed:
                raw = await guardduty(
                    "DescribePublishingDestination", DetectorId=detector, DestinationId=one["DestinationId"]
                )
                found.append(parse(_parse_destination, raw, detector))
        return found


def _parse_destination(response: Response, detector: str) -> Destination:
    properties = response["DestinationProperties"]
    return Destination(
        detector_id=detector,
        destination_arn=properties["DestinationArn"],
        status=response["Status"],
        kms_key_arn=properties.get("KmsKeyArn", ""),
    )
