#!/usr/bin/python
# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_s3_source_info
short_description: Inspect an S3 data connector of Microsoft Sentinel from the trail to the table
version_added: 1.0.0
description:
  - Reads every link between AWS and Microsoft Sentinel, and reports which one is broken. These are what delivers the
    objects, the objects themselves, the notification configuration of the bucket, the queues with their counters, the
    OIDC provider, the role, the KMS keys, and the data connector.
  - Nothing is changed. What cannot be read is listed in RV(unknown), and the other links are inspected all the same.
  - The data connector is inspected if O(workspace) is set. Otherwise O(workspace_id) is required.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.aws
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.interpreter
  - trailbridge.sentinel.s3_source
  - trailbridge.sentinel.workspace
attributes:
  diff_mode:
    support: none
options:
  account_id:
    description:
      - ID of the AWS account of the bucket. Quote it, since YAML reads some IDs as octal numbers.
      - If not set, the account of the credentials.
    type: str
  organization:
    description:
      - Whether the source has to bring the events of other accounts, so that a trail of one account is a finding.
    type: bool
    default: false
seealso:
  - module: trailbridge.sentinel.aws_s3_source
  - module: trailbridge.sentinel.fleet_ingestion_info
"""

EXAMPLES = r"""
- name: Inspect the S3 connection of the log archive account
  trailbridge.sentinel.aws_s3_source_info:
    account_id: "222222222222"
    assume_role: OrganizationAccountAccessRole
    bucket: aws-controltower-logs-222222222222-eu-west-1
    organization: true
    resource_group: security
    workspace: sentinel
  register: source
"""

RETURN = r"""
table:
  description: Table of the workspace.
  returned: success
  type: str
  sample: AWSCloudTrail
bucket:
  description: Name of the bucket.
  returned: success
  type: str
  sample: aws-controltower-logs-222222222222-eu-west-1
region:
  description: Region of the bucket, V(null) if it is unknown.
  returned: success
  type: str
  sample: eu-west-1
prefix:
  description: Beginning of the keys of the objects, V(null) if it is unknown.
  returned: success
  type: str
  sample: o-abc1234567/AWSLogs/o-abc1234567/
suffix:
  description: End of the keys of the objects, V(null) if the prefix is unknown.
  returned: success
  type: str
  sample: .gz
broken_link:
  description:
    - The first link that is broken, in the direction of the events. V(delivery), V(notification), V(queue), V(role) or
      V(connector), V(null) if none is.
  returned: success
  type: str
  sample: notification
message:
  description: What the broken link means, and its findings. Empty if no link is broken.
  returned: success
  type: str
  sample: "Objects arrive, nothing is sent: Bucket logs does not notify queue MicrosoftSentinel-AWSCloudTrail-0a1b2c3d."
unknown:
  description: What could not be read, or cannot be seen from this account.
  returned: success
  type: list
  elements: dict
  contains:
    link:
      description: The link, as in RV(broken_link).
      type: str
      sample: delivery
    message:
      description: The reason in a sentence.
      type: str
      sample: "Cannot read the status of trail arn:aws:cloudtrail:eu-west-1:123456789012:trail/organization: …"
trails:
  description: The trails that deliver into the bucket with the prefix.
  returned: success
  type: list
  elements: dict
  contains:
    arn:
      description: ARN of the trail.
      type: str
      sample: arn:aws:cloudtrail:eu-west-1:123456789012:trail/organization
    is_organization_trail:
      description: Whether it has the events of all accounts of the organization.
      type: bool
      sample: true
    is_multi_region_trail:
      description: Whether it has the events of all Regions.
      type: bool
      sample: true
    kms_key_arn:
      description: ARN of the KMS key that encrypts the objects, V(null) if there is none.
      type: str
      sample: null
    is_logging:
      description: Whether it logs, V(null) if that is unknown.
      type: bool
      sample: true
    latest_delivery_error:
      description: Error of the last delivery, V(null) if it succeeded or is unknown.
      type: str
      sample: null
    omitted_events:
      description: Management events that its selectors omit. Empty if there are none, V(null) if that is unknown.
      type: str
      sample: ""
objects:
  description: The newest object that was found with the prefix. Empty if none was found, or if that is unknown.
  returned: success
  type: dict
  contains:
    newest_key:
      description: Key of the object.
      type: str
      sample: o-abc1234567/AWSLogs/o-abc1234567/222222222222/CloudTrail/eu-west-1/2026/11/28/….json.gz
    age_seconds:
      description: Seconds since it was written.
      type: int
      sample: 240
traffic:
  description: Counters of the queue. V(null) for what is unknown.
  returned: success
  type: dict
  contains:
    messages:
      description: Messages that wait.
      type: int
      sample: 3
    in_flight:
      description: Messages that were received and not deleted yet.
      type: int
      sample: 1
    dead_letters:
      description: Messages in the dead-letter queue.
      type: int
      sample: 0
    sent:
      description: Messages that were sent to the queue in three hours.
      type: int
      sample: 420
    received:
      description: Messages that were received in three hours.
      type: int
      sample: 420
    deleted:
      description: Messages that were deleted in three hours, after their objects were read.
      type: int
      sample: 420
    oldest_seconds:
      description: Age of the oldest message in seconds.
      type: int
      sample: 45
oidc_provider:
  description: The OIDC provider. Empty if there is none, or if it is unknown.
  returned: success
  type: dict
  contains:
    arn:
      description: ARN of the provider.
      type: str
      sample: arn:aws:iam::222222222222:oidc-provider/sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d/
    url:
      description: URL of the provider, without C(https://).
      type: str
      sample: sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d/
    client_ids:
      description: Audiences of the provider, also those of others.
      type: list
      elements: str
      sample: ["api://1462b192-27f7-4cb9-8523-0f4ecb54b47e"]
    tags:
      description: Tags of the provider.
      type: dict
      sample: {"trailbridge.sentinel": "managed"}
role:
  description: The role. Empty if there is none, or if it is unknown.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the role.
      type: str
      sample: OIDC_MicrosoftSentinelRole
    arn:
      description: ARN of the role.
      type: str
      sample: arn:aws:iam::222222222222:role/OIDC_MicrosoftSentinelRole
    path:
      description: Path of the role.
      type: str
      sample: /
    description:
      description: Description of the role.
      type: str
      sample: Lets Microsoft Sentinel read logs in Amazon S3
    max_session_duration:
      description: Maximum session duration in seconds.
      type: int
      sample: 3600
    assume_role_policy_document:
      description: The trust policy, normalized.
      type: dict
      sample: {"Version": "2012-10-17", "Statement": []}
    permissions_boundary:
      description: ARN of the permissions boundary, V(null) if there is none.
      type: str
      sample: null
    tags:
      description: Tags of the role.
      type: dict
      sample: {"trailbridge.sentinel": "managed"}
    managed_policies:
      description: ARNs of the managed policies that are attached.
      type: list
      elements: str
      sample: []
    inline_policies:
      description: Inline policies by name, one for each source of the account.
      type: dict
      sample: {"MicrosoftSentinel-AWSCloudTrail-0a1b2c3d": {"Version": "2012-10-17", "Statement": []}}
dead_letter_queue:
  description: The dead-letter queue. Empty if there is none, or if it is unknown.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the queue.
      type: str
      sample: MicrosoftSentinel-AWSCloudTrail-0a1b2c3d-dlq
    arn:
      description: ARN of the queue.
      type: str
      sample: arn:aws:sqs:eu-west-1:222222222222:MicrosoftSentinel-AWSCloudTrail-0a1b2c3d-dlq
    url:
      description: URL of the queue.
      type: str
      sample: https://sqs.eu-west-1.amazonaws.com/222222222222/MicrosoftSentinel-AWSCloudTrail-0a1b2c3d-dlq
    policy:
      description: Policy of the queue, normalized, V(null) if it has none.
      type: dict
      sample: null
    message_retention_period:
      description: How long a message is kept, in seconds.
      type: int
      sample: 1209600
    receive_message_wait_time_seconds:
      description: How long a request waits for messages, in seconds.
      type: int
      sample: 0
    sqs_managed_sse_enabled:
      description: Whether SQS encrypts the messages by keys of its own (SSE-SQS).
      type: bool
      sample: true
    kms_master_key_id:
      description: KMS key that encrypts the messages, V(null) if there is none.
      type: str
      sample: null
    dead_letter_target_arn:
      description: ARN of the dead-letter queue, V(null) if there is none.
      type: str
      sample: null
    max_receive_count:
      description: After how many receives a message is moved to the dead-letter queue, V(null) if it never is.
      type: int
      sample: null
    fifo_queue:
      description: Whether it is a FIFO queue.
      type: bool
      sample: false
    tags:
      description: Tags of the queue.
      type: dict
      sample: {"trailbridge.sentinel": "managed"}
queue:
  description: The queue. Empty if there is none, or if it is unknown.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the queue.
      type: str
      sample: MicrosoftSentinel-AWSCloudTrail-0a1b2c3d
    arn:
      description: ARN of the queue.
      type: str
      sample: arn:aws:sqs:eu-west-1:222222222222:MicrosoftSentinel-AWSCloudTrail-0a1b2c3d
    url:
      description: URL of the queue.
      type: str
      sample: https://sqs.eu-west-1.amazonaws.com/222222222222/MicrosoftSentinel-AWSCloudTrail-0a1b2c3d
    policy:
      description: Policy of the queue, normalized, V(null) if it has none.
      type: dict
      sample: {"Version": "2012-10-17", "Statement": []}
    message_retention_period:
      description: How long a message is kept, in seconds.
      type: int
      sample: 1209600
    receive_message_wait_time_seconds:
      description: How long a request waits for messages, in seconds.
      type: int
      sample: 20
    sqs_managed_sse_enabled:
      description: Whether SQS encrypts the messages by keys of its own (SSE-SQS).
      type: bool
      sample: true
    kms_master_key_id:
      description: KMS key that encrypts the messages, V(null) if there is none.
      type: str
      sample: null
    dead_letter_target_arn:
      description: ARN of the dead-letter queue, V(null) if there is none.
      type: str
      sample: arn:aws:sqs:eu-west-1:222222222222:MicrosoftSentinel-AWSCloudTrail-0a1b2c3d-dlq
    max_receive_count:
      description: After how many receives a message is moved to the dead-letter queue, V(null) if it never is.
      type: int
      sample: 5
    fifo_queue:
      description: Whether it is a FIFO queue.
      type: bool
      sample: false
    tags:
      description: Tags of the queue.
      type: dict
      sample: {"trailbridge.sentinel": "managed"}
subscription:
  description: The subscription of the queue to O(topic_arn). Empty if there is none, or if it is unknown.
  returned: success
  type: dict
  contains:
    arn:
      description: ARN of the subscription, V(null) if it is not confirmed.
      type: str
      sample: arn:aws:sns:eu-west-1:222222222222:new-objects:5b1c9a3e-0000-4000-8000-000000000000
    topic_arn:
      description: ARN of the topic.
      type: str
      sample: arn:aws:sns:eu-west-1:222222222222:new-objects
    endpoint:
      description: ARN of the queue.
      type: str
      sample: arn:aws:sqs:eu-west-1:222222222222:MicrosoftSentinel-AWSCloudTrail-0a1b2c3d
    owner:
      description: ID of the AWS account that created the subscription.
      type: str
      sample: "222222222222"
    raw_message_delivery:
      description: Whether messages are delivered as S3 sent them.
      type: bool
      sample: true
    filter_policy:
      description: The filter policy, V(null) if there is none.
      type: dict
      sample: null
    pending_confirmation:
      description: Whether the subscription is not confirmed.
      type: bool
      sample: false
notification:
  description: The notification configuration of the bucket. Empty if it is unknown.
  returned: success
  type: dict
  contains:
    bucket:
      description: Name of the bucket.
      type: str
      sample: aws-controltower-logs-222222222222-eu-west-1
    event_bridge:
      description: Whether the bucket sends events to Amazon EventBridge.
      type: bool
      sample: false
    entries:
      description: All entries, also those of others.
      type: list
      elements: dict
      contains:
        id:
          description: ID of the entry.
          type: str
          sample: MicrosoftSentinel-AWSCloudTrail-0a1b2c3d
        destination:
          description: ARN of the queue, topic or function.
          type: str
          sample: arn:aws:sqs:eu-west-1:222222222222:MicrosoftSentinel-AWSCloudTrail-0a1b2c3d
        events:
          description: Types of events.
          type: list
          elements: str
          sample: ["s3:ObjectCreated:*"]
        prefix:
          description: Beginning of the keys of the objects.
          type: str
          sample: o-abc1234567/AWSLogs/o-abc1234567/
        suffix:
          description: End of the keys of the objects.
          type: str
          sample: .gz
connector:
  description: The data connector. Empty if there is none, if it is unknown, or without O(workspace).
  returned: success
  type: dict
  contains:
    id:
      description: ARM id of the connector.
      type: str
      sample: /subscriptions/…/providers/Microsoft.SecurityInsights/dataConnectors/0f2ad0b5-…
    name:
      description: Name of the connector, a GUID.
      type: str
      sample: 0f2ad0b5-62ad-5cf4-9f9a-0a1f2b3c4d5e
    kind:
      description: Kind of the connector.
      type: str
      sample: AmazonWebServicesS3
    sqs_urls:
      description: URLs of the queues that it reads.
      returned: for the kind V(s3)
      type: list
      elements: str
      sample: ["https://sqs.eu-west-1.amazonaws.com/222222222222/MicrosoftSentinel-AWSCloudTrail-0a1b2c3d"]
    destination_table:
      description: Table that it writes into.
      returned: for the kind V(s3)
      type: str
      sample: AWSCloudTrail
    codeless:
      description: Whether it is a connector of the Codeless Connector Framework, which is never changed.
      returned: for the kind V(s3)
      type: bool
      sample: false
    role_arn:
      description: ARN of the IAM role that the connector assumes.
      type: str
      sample: arn:aws:iam::222222222222:role/OIDC_MicrosoftSentinelRole
    state:
      description: V(Enabled) or V(Disabled).
      type: str
      sample: Enabled
findings:
  description: Everything that differs from a connection that works. Security findings come first.
  returned: success
  type: list
  elements: dict
  contains:
    severity:
      description: V(critical), V(high), V(medium) or V(low).
      type: str
      sample: high
    code:
      description: Stable code of the finding.
      type: str
      sample: notification_missing
    message:
      description: The finding in one sentence.
      type: str
      sample: Bucket logs does not notify queue MicrosoftSentinel-AWSCloudTrail-0a1b2c3d.
error:
  description: The error that failed the module.
  returned: failure
  type: dict
  contains:
    class:
      description: Class of the error, for example V(assume_denied).
      type: str
      sample: assume_denied
    traceback:
      description: Traceback of an error of the class V(unexpected), without secrets.
      returned: with C(-vvv), for the class V(unexpected)
      type: str
      sample: "Traceback (most recent call last): …"
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import modules
from ..module_utils._core.model.errors import SentinelError
from ..module_utils._core.options import AWS_SPEC, AZURE_SPEC, S3_SOURCE_INFO_SPEC, WORKSPACE_SPEC


def main() -> None:
    module = AnsibleModule(
        argument_spec=AWS_SPEC | AZURE_SPEC | WORKSPACE_SPEC | S3_SOURCE_INFO_SPEC, supports_check_mode=True
    )
    try:
        result = modules.aws_s3_source_info(module.params)
    except SentinelError as error:
        module.fail_json(**modules.failure(error, module._verbosity))  # noqa: SLF001 nothing else knows it
    module.exit_json(**result)


if __name__ == "__main__":
    main()
