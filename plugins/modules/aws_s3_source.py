#!/usr/bin/python
# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_s3_source
short_description: AWS side of one S3 data connector of Microsoft Sentinel
version_added: 1.0.0
description:
  - Creates, updates or removes everything that Microsoft Sentinel needs to read the objects of a bucket, before the
    data connector. That is an OIDC provider, an IAM role, an SQS queue with a dead-letter queue, and an entry in the
    notification configuration of the bucket. With O(topic_arn), the queue is subscribed to this SNS topic instead, and
    the notification configuration is only read.
  - What others have in the provider, the role, the policy of the queue and the notification configuration is kept.
  - The results have the ARN of the role and the URL of the queue, for M(trailbridge.sentinel.aws_connector) or a
    connector of the Codeless Connector Framework.
  - Trails, buckets, bucket policies, topics and keys are never created or changed.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.interpreter
  - trailbridge.sentinel.aws
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.s3_source
  - trailbridge.sentinel.s3_source_removal
  - trailbridge.sentinel.workspace
options:
  account_id:
    description:
      - ID of the AWS account of the bucket. Quote it, since YAML reads some IDs as octal numbers.
      - If not set, the account of the credentials.
    type: str
  adopt:
    description:
      - Whether to manage a role or a queue of these names that this collection did not create.
      - Those that already serve this source are used without it.
    type: bool
    default: false
  state:
    description:
      - V(present) creates the resources or updates them to the desired state.
      - V(absent) removes them. The role stays as long as it has other sources or workspaces.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: trailbridge.sentinel.aws_s3_source_info
  - module: trailbridge.sentinel.aws_connector
  - module: trailbridge.sentinel.fleet
"""

EXAMPLES = r"""
- name: Prepare the log archive account of an organization
  trailbridge.sentinel.aws_s3_source:
    account_id: "222222222222"
    assume_role: OrganizationAccountAccessRole
    bucket: aws-controltower-logs-222222222222-eu-west-1
    workspace_id: 00aa00aa-1111-2222-3333-444455556666
  register: source

- name: Create the data connector
  trailbridge.sentinel.aws_connector:
    kind: s3
    resource_group: security
    workspace: sentinel
    role_arn: "{{ source.role.arn }}"
    queue_url: "{{ source.queue.url }}"
"""

RETURN = r"""
oidc_provider:
  description: The OIDC provider after the run. Empty if there is none.
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
  description: The role after the run. Empty if it was removed.
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
  description: The dead-letter queue after the run. Empty if there is none.
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
  description: The queue after the run. Empty if it was removed.
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
  description: The subscription of the queue to the topic after the run. Empty if it was removed.
  returned: success, with O(topic_arn)
  type: dict
  contains:
    arn:
      description: ARN of the subscription, V(null) if it is not confirmed or would be created.
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
  description: The notification configuration of the bucket after the run.
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
findings:
  description: Findings before the repair. Security findings come first.
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
      sample: queue_policy_missing
    message:
      description: The finding in one sentence.
      type: str
      sample: Amazon S3 may not send to queue MicrosoftSentinel-AWSCloudTrail-0a1b2c3d.
calls:
  description: API calls that were made, or in check mode would be made.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the operation in the API of the service.
      type: str
      sample: CreateQueue
    args:
      description: Arguments of the operation.
      type: dict
      sample: {"QueueName": "MicrosoftSentinel-AWSCloudTrail-0a1b2c3d"}
error:
  description: The error that failed the module.
  returned: failure
  type: dict
  contains:
    class:
      description: Class of the error, for example V(assume_denied) or V(notification_conflict).
      type: str
      sample: notification_conflict
    traceback:
      description: Traceback of an error of the class V(unexpected), without secrets.
      returned: with C(-vvv), for the class V(unexpected)
      type: str
      sample: "Traceback (most recent call last): …"
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import modules
from ..module_utils._core.model.errors import SentinelError
from ..module_utils._core.options import AWS_SPEC, AZURE_SPEC, S3_SOURCE_SPEC, STATE_SPEC, WORKSPACE_SPEC


def main() -> None:
    module = AnsibleModule(
        argument_spec=AWS_SPEC | AZURE_SPEC | WORKSPACE_SPEC | S3_SOURCE_SPEC | STATE_SPEC, supports_check_mode=True
    )
    try:
        result = modules.aws_s3_source(module.params, check_mode=module.check_mode)
    except SentinelError as error:
        module.fail_json(**modules.failure(error, module._verbosity))  # noqa: SLF001 nothing else knows it
    module.exit_json(**result)


if __name__ == "__main__":
    main()
