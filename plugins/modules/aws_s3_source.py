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
    notification configuration of the bucket.
  - What others have in the provider, the role, the policy of the queue and the notification configuration is kept.
  - The results have the ARN of the role and the URL of the queue, for M(trailbridge.sentinel.aws_connector) or a
    connector of the Codeless Connector Framework.
  - Trails, buckets, bucket policies and keys are never created or changed.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.aws
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.s3_source
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
  sample: {"arn": "arn:aws:iam::222222222222:oidc-provider/sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d/"}
role:
  description: The role after the run, as M(trailbridge.sentinel.aws_role) returns it. Empty if it was removed.
  returned: success
  type: dict
  sample: {"arn": "arn:aws:iam::222222222222:role/OIDC_MicrosoftSentinelRole"}
dead_letter_queue:
  description: The dead-letter queue after the run. Empty if there is none.
  returned: success
  type: dict
  sample: {"arn": "arn:aws:sqs:eu-west-1:222222222222:MicrosoftSentinel-AWSCloudTrail-0a1b2c3d-dlq"}
queue:
  description: The queue after the run. Empty if it was removed.
  returned: success
  type: dict
  sample: {"url": "https://sqs.eu-west-1.amazonaws.com/222222222222/MicrosoftSentinel-AWSCloudTrail-0a1b2c3d"}
notification:
  description: The entries of the queue in the notification configuration of the bucket.
  returned: success
  type: dict
  sample: {"bucket": "aws-controltower-logs-222222222222-eu-west-1"}
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
