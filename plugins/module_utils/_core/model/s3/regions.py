# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions that have to be enabled in an account: all that AWS opened after March 2019. Pure.

Source: "Managing AWS STS in an AWS Region" (IAM User Guide); "AWS Regions" (AWS Account Management).
"""

from __future__ import annotations

_ENABLED_BY_DEFAULT = frozenset(
    {
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
        *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1"),
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    }
)
# Partitions without such Regions.
_OTHER_PARTITIONS = ("cn-", "us-gov-")


def needs_opt_in(region: str) -> bool:
    """Return whether session tokens of version 1 are not valid in a Region."""
    return region not in _ENABLED_BY_DEFAULT and not region.startswith(_OTHER_PARTITIONS)
