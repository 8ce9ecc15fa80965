# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options for the sources of an account. Written by make specs from the table of source types."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  sources:
    description:
      - The sources that Microsoft Sentinel reads in the account. Each is the name of a type, or a dictionary
        with C(type) and the options of that type.
      - An empty list is for an account whose events arrive through the S3 connector of an organization
        trail. Nothing is created in the account, and its events are expected from that connector.
      - Sources that are not listed are not changed. If not set, the list is V([cloudtrail]).
      - Type C(cloudtrail). An IAM role that trusts Microsoft with the workspace id as external id, and
        a data connector of the kind C(AmazonWebServicesCloudTrail). Its options are those of the account,
        such as O(role_name).
      - Type C(s3). A bucket into which AWS delivers logs, with an OIDC provider, an IAM role, two SQS
        queues, an entry in the notification configuration of the bucket, and a data connector of the
        kind C(AmazonWebServicesS3). One serves all accounts of an organization trail. The account is
        that of the bucket.
      - Option C(bucket) of C(s3), str, required. The name of the bucket.
      - Option C(table) of C(s3), str. The table of the workspace, C(AWSCloudTrail) if not set. Others
        are C(AWSVPCFlow), C(AWSGuardDuty) and C(AWSCloudWatch).
      - Option C(prefix) of C(s3), str. The beginning of the keys of the objects, up to a slash. If not
        set, that of the trail that delivers into the bucket. Required for other tables than C(AWSCloudTrail).
      - Option C(suffix) of C(s3), str. The end of the keys of the objects, C(.gz) if not set.
      - Option C(account_ids) of C(s3), list. Only these accounts, at most 100, by their folders below
        C(prefix). If not set, all accounts.
      - Option C(bucket_region) of C(s3), str. The Region of the bucket. If not set, it is read from AWS.
      - Option C(topic_arn) of C(s3), str. The ARN of an SNS topic that the bucket notifies. If set, the
        queue is subscribed to this topic, and the notification configuration of the bucket is not changed.
        If not set, the bucket notifies the queue.
      - Option C(connector) of C(s3), bool. Whether the data connector is created, C(true) if not set.
        With C(false) the account is prepared for a connector of the Codeless Connector Framework, which
        takes the role ARN and the queue URL of the result.
      - Option C(queue_name) of C(s3), str. The name of the queue. If not set, it is made of table, bucket
        and prefix, or that of a connection that exists for them.
      - Option C(role_name) of C(s3), str. The name of the role, C(OIDC_MicrosoftSentinelRole) if not
        set, or that of a connection that exists.
      - Option C(session_names) of C(s3), list. The names of the sessions of Microsoft Sentinel, C(MicrosoftSentinel_)
        and the workspace id if not set.
      - Option C(kms_key_arns) of C(s3), list. The ARNs of the KMS keys that encrypt the objects. If not
        set, that of the trail.
      - Option C(purge_queue) of C(s3), bool. Whether a removal deletes a queue that has messages, C(false)
        if not set.
      - Option C(remove_provider) of C(s3), bool. Whether a removal removes the audience of Microsoft
        Sentinel from the OIDC provider if no other role uses it, and the provider if this collection
        created it and it has no other audience, C(false) if not set.
    type: list
    elements: raw
"""
