#!/usr/bin/python
# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_connector_info
short_description: AWS data connectors of a Microsoft Sentinel workspace
version_added: 1.0.0
description:
  - Lists the data connectors of the kinds C(AmazonWebServicesCloudTrail) and C(AmazonWebServicesS3).
  - The list is that of the API, which is complete. The list in the portal can lack connectors.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.interpreter
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.workspace
attributes:
  diff_mode:
    support: none
seealso:
  - module: trailbridge.sentinel.aws_connector
"""

EXAMPLES = r"""
- name: List the connectors of the workspace
  trailbridge.sentinel.aws_connector_info:
    resource_group: security
    workspace: sentinel
  register: sentinel
"""

RETURN = r"""
connectors:
  description: The connectors of the workspace.
  returned: success
  type: list
  elements: dict
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
    role_arn:
      description: ARN of the IAM role that the connector assumes.
      type: str
      sample: arn:aws:iam::111111111111:role/MicrosoftSentinelRole
    state:
      description: V(Enabled) or V(Disabled).
      type: str
      sample: Enabled
    sqs_urls:
      description: URLs of the SQS queues of a connector of kind C(AmazonWebServicesS3).
      type: list
      elements: str
      sample: []
    destination_table:
      description: Table that a connector of kind C(AmazonWebServicesS3) writes to.
      type: str
      sample: AWSVPCFlow
    codeless:
      description: Whether a connector of kind C(AmazonWebServicesS3) is a codeless connector, such as that of AWS WAF.
      type: bool
      sample: false
findings:
  description: Findings of the connectors of kind C(AmazonWebServicesCloudTrail). Security findings come first.
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
      sample: connector_disabled
    message:
      description: The finding in one sentence.
      type: str
      sample: Data connector 0f2ad0b5-62ad-5cf4-9f9a-0a1f2b3c4d5e is disabled.
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
from ..module_utils._core.options import AZURE_SPEC, WORKSPACE_SPEC


def main() -> None:
    module = AnsibleModule(argument_spec=AZURE_SPEC | WORKSPACE_SPEC, supports_check_mode=True)
    try:
        result = modules.aws_connector_info(module.params)
    except SentinelError as error:
        module.fail_json(**modules.failure(error, module._verbosity))  # noqa: SLF001 nothing else knows it
    module.exit_json(**result)


if __name__ == "__main__":
    main()
