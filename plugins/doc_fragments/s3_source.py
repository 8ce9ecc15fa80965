# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of one S3 source. Written by make specs from the table of source types."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  bucket:
    description:
      - The name of the bucket.
    type: str
    required: true
  table:
    description:
      - The table of the workspace, C(AWSCloudTrail) if not set. Others are C(AWSVPCFlow), C(AWSGuardDuty)
        and C(AWSCloudWatch).
    type: str
  prefix:
    description:
      - The beginning of the keys of the objects, up to a slash. If not set, that of the trail that delivers
        into the bucket. Required for other tables than C(AWSCloudTrail).
    type: str
  suffix:
    description:
      - The end of the keys of the objects, C(.gz) if not set.
    type: str
  account_ids:
    description:
      - Only these accounts, at most 100, by their folders below C(prefix). If not set, all accounts.
    type: list
    elements: str
  bucket_region:
    description:
      - The Region of the bucket. If not set, it is read from AWS.
    type: str
  topic_arn:
    description:
      - The ARN of an SNS topic that the bucket notifies. If set, the queue is subscribed to this topic,
        and the notification configuration of the bucket is not changed. If not set, the bucket notifies
        the queue.
    type: str
  queue_name:
    description:
      - The name of the queue. If not set, it is made of table, bucket and prefix, or that of a connection
        that exists for them.
    type: str
  role_name:
    description:
      - The name of the role, C(OIDC_MicrosoftSentinelRole) if not set, or that of a connection that exists.
    type: str
  session_names:
    description:
      - The names of the sessions of Microsoft Sentinel, C(MicrosoftSentinel_) and the workspace id if
        not set.
    type: list
    elements: str
  kms_key_arns:
    description:
      - The ARNs of the KMS keys that encrypt the objects. If not set, that of the trail.
    type: list
    elements: str
"""
