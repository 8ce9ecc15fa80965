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
  - Lists the data connectors of both AWS kinds, C(AmazonWebServicesCloudTrail) and C(AmazonWebServicesS3).
  - The API is the truth, the list in the portal can hide connectors.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
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
  description: The connectors that were found.
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
      description: ARN of the IAM role that it uses.
      type: str
      sample: arn:aws:iam::111111111111:role/MicrosoftSentinelRole
    state:
      description: V(Enabled) or V(Disabled).
      type: str
      sample: Enabled
    sqs_urls:
      description: URLs of the queues, of a connector of the kind C(AmazonWebServicesS3).
      type: list
      elements: str
      sample: []
    destination_table:
      description: Table that the events go to, of a connector of the kind C(AmazonWebServicesS3).
      type: str
      sample: AWSVPCFlow
    codeless:
      description: Whether a connector of the kind C(AmazonWebServicesS3) belongs to a codeless one, such as AWS WAF.
      type: bool
      sample: false
findings:
  description: What is wrong with the connectors of the kind C(AmazonWebServicesCloudTrail), security first.
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
      description: What was found, in one sentence.
      type: str
      sample: Data connector 0f2ad0b5-62ad-5cf4-9f9a-0a1f2b3c4d5e is disabled.
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    class:
      description: Class of the error, for example V(assume_denied) or V(role_conflict).
      type: str
      sample: azure_denied
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import modules
from ..module_utils._core.model.errors import SentinelError
from ..module_utils._core.options import AZURE, WORKSPACE


def main() -> None:
    module = AnsibleModule(argument_spec=AZURE | WORKSPACE, supports_check_mode=True)
    try:
        result = modules.aws_connector_info(module.params)
    except SentinelError as error:
        module.fail_json(msg=str(error), error={"class": error.kind})
    module.exit_json(**result)


if __name__ == "__main__":
    main()
