# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The URLs of SQS queues in all partitions of AWS. Pure.

Source: "Amazon Simple Queue Service endpoints and quotas" (AWS General Reference), and the partitions of botocore.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class _Partition(NamedTuple):
    """The beginning of the names of its Regions, and the domains of its endpoints, the second one with IPv6."""

    regions: str
    domain: str
    dual_stack_domain: str


_PARTITIONS = {
    "aws-cn": _Partition("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    "aws-eusc": _Partition("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    "aws-iso": _Partition("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    "aws-iso-b": _Partition("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    "aws-iso-e": _Partition("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    "aws-iso-f": _Partition("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    "aws-us-gov": _Partition("us-gov-", "amazonaws.com", "api.aws"),
}
_COMMERCIAL = _Partition("", "amazonaws.com", "api.aws")

_PATH = re.compile(r"([0-9]{12})/([A-Za-z0-9_-]{1,80})/?")
_HOST = re.compile(r"sqs(?:-fips)?\.([a-z0-9-]+)\.(.+)")
_OLD_HOST = re.compile(r"([a-z0-9-]+)\.queue\.(.+)")
# The oldest form has no Region.
_OLDEST_HOST, _OLDEST_REGION = "queue.amazonaws.com", "us-east-1"


def queue_url(partition: str, region: str, account_id: str, name: str) -> str:
    """Return the URL of a queue, as Microsoft Sentinel takes it."""
    domain = _PARTITIONS.get(partition, _COMMERCIAL).domain
    return f"https://sqs.{region}.{domain}/{account_id}/{name}"


def queue_arn_of(url: str) -> str:
    """Return the ARN of the queue with that URL in any of its forms, empty if it is no URL of a standard queue."""
    host, _slash, path = url.removeprefix("https://").partition("/")
    found, region = _PATH.fullmatch(path), _region(host.lower())
    if not (url.startswith("https://") and found and region):
        return ""
    return f"arn:{_partition_of(region)}:sqs:{region}:{found[1]}:{found[2]}"


def _region(host: str) -> str:
    """Return the Region of an endpoint of SQS, empty for another host."""
    if host == _OLDEST_HOST:
        return _OLDEST_REGION
    found = _HOST.fullmatch(host) or _OLD_HOST.fullmatch(host)
    if not found:
        return ""
    partition = _PARTITIONS.get(_partition_of(found[1]), _COMMERCIAL)
    return found[1] if found[2] in (partition.domain, partition.dual_stack_domain) else ""


def _partition_of(region: str) -> str:
    return next((name for name, one in _PARTITIONS.items() if region.startswith(one.regions)), "aws")
