#!/usr/bin/python
# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_role
short_description: IAM role that Microsoft Sentinel assumes to read AWS CloudTrail
version_added: 1.0.0
description:
  - Creates, updates or removes the IAM role that Microsoft Sentinel assumes in one AWS account.
  - The role trusts Microsoft's AWS account with the external ID of the workspace, and may read AWS CloudTrail.
  - Policy documents are compared by their normalized statements, so an equivalent document is not changed.
  - An existing role of that name that is not managed by this collection is refused, see O(adopt).
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.interpreter
  - trailbridge.sentinel.aws
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.role
  - trailbridge.sentinel.workspace
options:
  state:
    description:
      - V(present) creates the role or updates it to the desired state.
      - V(absent) removes the workspace from the trust policy, and removes the role if no other workspace uses it.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: trailbridge.sentinel.aws_connector
  - module: trailbridge.sentinel.fleet
"""

EXAMPLES = r"""
- name: Create the role for Microsoft Sentinel in an account
  trailbridge.sentinel.aws_role:
    account_id: "111111111111"
    assume_role: OrganizationAccountAccessRole
    workspace_id: 00aa00aa-1111-2222-3333-444455556666
    tags:
      owner: security
"""

RETURN = r"""
role:
  description: The role after the run. Empty if it was removed.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the role.
      type: str
      sample: MicrosoftSentinelRole
    arn:
      description: ARN of the role.
      type: str
      sample: arn:aws:iam::111111111111:role/MicrosoftSentinelRole
    path:
      description: Path of the role.
      type: str
      sample: /
    description:
      description: Description of the role.
      type: str
      sample: Lets Microsoft Sentinel read AWS CloudTrail
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
      sample: ["arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"]
    inline_policies:
      description: Inline policies by name.
      type: dict
      sample: {}
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
      sample: trust_external_id_missing
    message:
      description: The finding in one sentence.
      type: str
      sample: "The trust policy trusts Microsoft's account without an external id: AWS 197857026523."
calls:
  description: API calls that were made, or in check mode would be made.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the operation in the API of the service.
      type: str
      sample: AttachRolePolicy
    args:
      description: Arguments of the operation.
      type: dict
      sample: {"RoleName": "MicrosoftSentinelRole"}
error:
  description: The error that failed the module.
  returned: failure
  type: dict
  contains:
    class:
      description: Class of the error, for example V(assume_denied) or V(role_conflict).
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
from ..module_utils._core.options import AWS_SPEC, AZURE_SPEC, ROLE_SPEC, STATE_SPEC, WORKSPACE_SPEC


def main() -> None:
    module = AnsibleModule(
        argument_spec=AWS_SPEC | AZURE_SPEC | WORKSPACE_SPEC | ROLE_SPEC | STATE_SPEC, supports_check_mode=True
    )
    try:
        result = modules.aws_role(module.params, check_mode=module.check_mode)
    except SentinelError as error:
        module.fail_json(**modules.failure(error, module._verbosity))  # noqa: SLF001 nothing else knows it
    module.exit_json(**result)


if __name__ == "__main__":
    main()
