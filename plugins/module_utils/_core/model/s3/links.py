# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about an S3 source that are not differences of one of its resources. Pure.

Sources: "Set up your AWS environment to collect AWS logs to Microsoft Sentinel" (Microsoft Learn); "Managing AWS STS in
an AWS Region" (IAM User Guide).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..connector.s3 import S3Connector
from ..errors import SentinelError
from ..findings import Finding, finding
from .notification import NOTIFICATION, Notification, entries
from .queue_url import queue_arn_of
from .source import ROLE_PREFIX, S3SourceSpec

# Regions that are enabled in every account, which are all that AWS opened before March 2019.
_ENABLED_BY_DEFAULT = frozenset(
    {
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
        *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1"),
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    }
)
# Partitions without such Regions.
_OTHER_PARTITIONS = ("cn-", "us-gov-")


def bucket_missing(error: SentinelError) -> Finding:
    """Return the finding for a bucket that is not there, or belongs to another account."""
    return finding("delivery_bucket_missing", str(error))


def bucket_region(bucket: str, region: str, option: str) -> Iterator[Finding]:
    """Yield a finding if the bucket is in another Region than the option, which may be empty."""
    if option and option != region:
        yield finding("delivery_bucket_region", f"Bucket {bucket} is in {region}, and bucket_region is {option}.")


def no_trail(account_id: str, bucket: str) -> Finding:
    """Return the finding for a bucket into which no trail delivers."""
    text = f"No trail of account {account_id} or of its organization delivers into bucket {bucket}."
    return finding("delivery_trail_missing", text)


def role_name_findings(
    spec: S3SourceSpec, notification: Notification, connectors: Iterable[S3Connector]
) -> Iterator[Finding]:
    """Yield connectors that read a queue of the bucket into the table, by a role that cannot be assumed."""
    queues = {one.destination for one in entries(notification.document)}
    for one in connectors:
        name = one.role_arn.rpartition("/")[2]
        reads = not queues.isdisjoint(map(queue_arn_of, one.sqs_urls)) and one.destination_table == spec.table
        if reads and not name.startswith(ROLE_PREFIX):
            text = f"Data connector {one.name} reads role {name}, and Microsoft Sentinel assumes only {ROLE_PREFIX}…."
            yield finding("role_name", text)


def provider_without_slash(arn: str) -> Finding:
    """Return the finding for an OIDC provider whose URL lacks the slash at its end."""
    return finding("oidc_provider_slash", f"OIDC provider {arn} exists, and its URL has no slash at the end.")


def needs_new_tokens(region: str) -> bool:
    """Return whether session tokens of version 1 are not valid in a Region."""
    return region not in _ENABLED_BY_DEFAULT and not region.startswith(_OTHER_PARTITIONS)


def old_tokens(region: str, version: int) -> Iterator[Finding]:
    """Yield a finding if the tokens of an account have a version that is not valid in the Region of the queue."""
    if version == 1:
        text = (
            f"The global endpoint of STS issues session tokens of version 1, which are not valid in {region}. Set them "
            "to version 2 for the account: aws iam set-security-token-service-preferences "
            "--global-endpoint-token-version v2Token."
        )
        yield finding("role_token_version", text)


def blocked(spec: S3SourceSpec, notification: Notification) -> Iterator[Finding]:
    """Yield a finding if S3 does not accept an entry for the queue beside those of others."""
    try:
        NOTIFICATION.overlay(spec, notification)
    except SentinelError as error:
        yield finding("notification_blocked", str(error))
