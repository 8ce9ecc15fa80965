#!/usr/bin/python
# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_role_info
short_description: IAM roles that trust Microsoft Sentinel, with their findings
version_added: 1.0.0
description:
  - Reads the roles of one AWS account that trust Microsoft's AWS account, by any creator. Roles that trust every
    principal, under any condition, are included.
  - Returns the findings of each role. The expected trust is that of the workspace, if one is set, otherwise that of the
    workspaces that the role serves.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.interpreter
  - trailbridge.sentinel.aws
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.workspace
attributes:
  diff_mode:
    support: none
options:
  account_id:
    description:
      - ID of the AWS account. Quote it, since YAML reads some IDs as octal numbers.
      - If not set, the account of the credentials is used.
    type: str
  name:
    description: Name of a single role to read, even if it does not trust Microsoft's account.
    type: str
  microsoft_account_id:
    description:
      - Microsoft's AWS account.
      - Defaults to V(197857026523), the account of the Azure commercial cloud.
    type: str
seealso:
  - module: trailbridge.sentinel.aws_role
"""

EXAMPLES = r"""
- name: List the roles that trust Microsoft Sentinel
  trailbridge.sentinel.aws_role_info:
    account_id: "111111111111"
    assume_role: OrganizationAccountAccessRole
  register: sentinel
"""

RETURN = r"""
roles:
  description: The roles that trust Microsoft's account.
  returned: success
  type: list
  elements: dict
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
      description: Findings of the role. Security findings come first.
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
from ..module_utils._core.options import AWS_SPEC, AZURE_SPEC, ROLE_INFO_SPEC, WORKSPACE_SPEC


def main() -> None:
    module = AnsibleModule(
        argument_spec=AWS_SPEC | AZURE_SPEC | WORKSPACE_SPEC | ROLE_INFO_SPEC, supports_check_mode=True
    )
    try:
        result = modules.aws_role_info(module.params)
    except SentinelError as error:
        module.fail_json(**modules.failure(error, module._verbosity))  # noqa: SLF001 nothing else knows it
    module.exit_json(**result)


if __name__ == "__main__":
    main()
