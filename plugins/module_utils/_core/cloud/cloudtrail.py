# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to AWS CloudTrail: which trails there are."""

from __future__ import annotations

from ..model.s3.trail import Trail
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


def _parse_trails(response: Response) -> list[Trail]:
    return [
        Trail(
            arn=raw["TrailARN"],
            bucket=raw["S3BucketName"],
            prefix=raw.get("S3KeyPrefix", "").strip("/"),
            is_organization=bool(raw.get("IsOrganizationTrail")),
            kms_key_arn=raw.get("KmsKeyId", ""),
        )
        for raw in response["trailList"]
    ]
