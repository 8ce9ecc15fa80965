#!/usr/bin/python
# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_connector
short_description: AWS data connector in Microsoft Sentinel
version_added: 1.0.0
description:
  - Creates, updates or removes a data connector. It is of kind C(AmazonWebServicesCloudTrail) for one IAM role, or
    C(AmazonWebServicesS3) for one queue.
  - An existing connector is found by any name, so that no second one is created. One for CloudTrail by its role or the
    AWS account, one for S3 by its queue, otherwise by role and table if none reads the queue.
  - Connectors of the Codeless Connector Framework are never changed or removed.
  - Microsoft Sentinel checks role and queue of a connector of kind V(s3). As new ones pass only after a while, a check
    that fails because of them is repeated for up to 5 minutes.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.interpreter
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.workspace
options:
  kind:
    description: The kind of the connector, V(cloudtrail) or V(s3).
    type: str
    choices: [cloudtrail, s3]
    default: cloudtrail
  role_arn:
    description: ARN of the IAM role that Microsoft Sentinel assumes.
    type: str
    required: true
  queue_url:
    description: URL of the SQS queue that Microsoft Sentinel reads. Required for V(s3).
    type: str
  table:
    description: Table of the workspace that a connector of kind V(s3) writes into.
    type: str
    choices: [AWSCloudTrail, AWSVPCFlow, AWSGuardDuty, AWSCloudWatch]
    default: AWSCloudTrail
  deduplicate:
    description:
      - Whether to remove duplicate connectors of the same role. Otherwise they are only reported.
      - The enabled connector is kept. If several are enabled, the oldest one is kept.
    type: bool
    default: false
  state:
    description:
      - V(present) creates the connector or updates it to the desired state.
      - V(absent) removes the connector.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: trailbridge.sentinel.aws_role
  - module: trailbridge.sentinel.fleet
"""

EXAMPLES = r"""
- name: Create the data connector of an account
  trailbridge.sentinel.aws_connector:
    resource_group: security
    workspace: sentinel
    role_arn: arn:aws:iam::111111111111:role/MicrosoftSentinelRole

- name: Create the data connector of a bucket
  trailbridge.sentinel.aws_connector:
    kind: s3
    resource_group: security
    workspace: sentinel
    role_arn: arn:aws:iam::222222222222:role/OIDC_MicrosoftSentinelRole
    queue_url: https://sqs.eu-west-1.amazonaws.com/222222222222/MicrosoftSentinel-AWSCloudTrail-0a1b2c3d
"""

RETURN = r"""
connector:
  description: The data connector after the run. Empty if it was removed.
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
      sample: AmazonWebServicesCloudTrail
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
      sample: arn:aws:iam::111111111111:role/MicrosoftSentinelRole
    state:
      description: V(Enabled) or V(Disabled).
      type: str
      sample: Enabled
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
      sample: connector_missing
    message:
      description: The finding in one sentence.
      type: str
      sample: No data connector reads role arn:aws:iam::111111111111:role/MicrosoftSentinelRole.
calls:
  description: API calls that were made, or in check mode would be made.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the operation in the API of the service.
      type: str
      sample: DataConnectors_CreateOrUpdate
    args:
      description: Arguments of the operation.
      type: dict
      sample: {"data_connector_id": "0f2ad0b5-62ad-5cf4-9f9a-0a1f2b3c4d5e"}
error:
  description: The error that failed the module.
  returned: failure
  type: dict
  contains:
    class:
      description: Class of the error, for example V(assume_denied) or V(role_conflict).
      type: str
      sample: azure_denied
    traceback:
      description: Traceback of an error of the class V(unexpected), without secrets.
      returned: with C(-vvv), for the class V(unexpected)
      type: str
      sample: "Traceback (most recent call last): …"
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import modules
from ..module_utils._core.model.errors import SentinelError
from ..module_utils._core.options import AZURE_SPEC, CONNECTOR_SPEC, STATE_SPEC, WORKSPACE_SPEC


def main() -> None:
    module = AnsibleModule(
        argument_spec=AZURE_SPEC | WORKSPACE_SPEC | CONNECTOR_SPEC | STATE_SPEC,
        required_if=[("kind", "s3", ["queue_url"])],
        supports_check_mode=True,
    )
    try:
        result = modules.aws_connector(module.params, check_mode=module.check_mode)
    except SentinelError as error:
        module.fail_json(**modules.failure(error, module._verbosity))  # noqa: SLF001 nothing else knows it
    module.exit_json(**result)


if __name__ == "__main__":
    main()
