# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The prefix of an S3 source that does not set one: from the trail that delivers into the bucket."""

from __future__ import annotations

from ..cloud.cloudtrail import describe_trails
from ..cloud.organizations import organization_id
from ..cloud.s3 import organization_ids
from ..cloud.service import ServiceClient
from ..model.errors import SentinelError
from ..model.s3.trail import Trail, TrailSource, delivering, find_source
from ..model.sources import SourceSpec


async def find_trail_source(
    source: SourceSpec, account_id: str, *, cloudtrail: ServiceClient, s3: ServiceClient, organizations: ServiceClient
) -> TrailSource:
    """Return prefix and keys of the objects that trails deliver into the bucket of a source.

    `cloudtrail` and `s3` are in the Region of the bucket. Raises bad_input if there is no trail, or if there are
    several with other prefixes.
    """
    bucket = source.get("bucket")
    trails = delivering(await describe_trails(cloudtrail, account_id), bucket)
    trail = next((one for one in trails if one.is_organization), None)
    found = await _organization_id(bucket, account_id, trail, s3, organizations) if trail else ""
    return find_source(bucket, trails, found, of_accounts=bool(source.get("account_ids")))


async def _organization_id(
    bucket: str, account_id: str, trail: Trail, s3: ServiceClient, organizations: ServiceClient
) -> str:
    """Return the id of the organization of a trail by its folder in the bucket, else by asking AWS Organizations.

    The ARN of the trail does not have it, and a member account may not be allowed to read its organization. A bucket
    has no folder before the first delivery, and several after a change of the organization.
    """
    try:
        found = await organization_ids(s3, bucket, account_id, trail.folder)
    except SentinelError as error:
        if error.kind != "aws_denied":
            raise
        found = []
    return found[0] if len(found) == 1 else await organization_id(organizations)
