#!/usr/bin/python
# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_connector
short_description: CloudTrail data connector of one AWS account in Microsoft Sentinel
version_added: 1.0.0
description:
  - Creates, updates or removes the data connector of kind C(AmazonWebServicesCloudTrail) of one IAM role.
  - An existing connector of the same role, or of the same AWS account, is found by any name, so that no second one is
    created.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.workspace
options:
  role_arn:
    description: ARN of the IAM role that Microsoft Sentinel assumes.
    type: str
    required: true
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
      sample: "KeyError: 'Arn'"
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import modules
from ..module_utils._core.model.errors import SentinelError
from ..module_utils._core.options import AZURE, CONNECTOR, STATE, WORKSPACE


def main() -> None:
    module = AnsibleModule(argument_spec=AZURE | WORKSPACE | CONNECTOR | STATE, supports_check_mode=True)
    try:
        result = modules.aws_connector(module.params, check_mode=module.check_mode)
    except SentinelError as error:
        module.fail_json(**modules.failure(error, module._verbosity))  # noqa: SLF001 nothing else knows it
    module.exit_json(**result)


if __name__ == "__main__":
    main()
