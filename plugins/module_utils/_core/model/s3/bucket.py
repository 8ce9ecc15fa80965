# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bucket of an S3 source, if it belongs to another account. Pure.

Source: "Granting cross-account permissions" (Amazon S3 User Guide).
"""

from __future__ import annotations

import json

from ..errors import SentinelError


def other_account(bucket: str, account_id: str, role_arn: str) -> SentinelError:
    """Return the error for a bucket of another account, with the statement that its policy would need."""
    partition = role_arn.split(":")[1]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": role_arn},
        "Action": "s3:GetObject",
        "Resource": f"arn:{partition}:s3:::{bucket}/*",
    }
    return SentinelError(
        "bad_input",
        f"Cannot use bucket {bucket} in account {account_id}: it belongs to another account. List the source in the "
        "account that owns the bucket. To keep the queue in this account, the owner would have to add this statement "
        f"to the policy of the bucket: {json.dumps(statement)}, allow the same role kms:Decrypt on the key, if there "
        "is one, and add the queue to the notification of the bucket.",
    )
