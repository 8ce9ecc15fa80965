#!/usr/bin/python
# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_role_info
short_description: IAM roles that trust Microsoft Sentinel, and what is wrong with them
version_added: 1.0.0
description:
  - Reads the roles of one AWS account that let Microsoft's AWS account in, whoever made them; those that let in
    everybody, on whatever conditions, are among them.
  - Each comes with its findings, measured by the workspace if one is given, else by the workspaces that it serves.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.aws
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.workspace
attributes:
  diff_mode:
    support: none
options:
  account_id:
    description:
      - AWS account to look at, as a text of 12 digits (quote it in YAML).
      - The account of the credentials when not given.
    type: str
  name:
    description: Name of the only role to look at, whether or not it trusts Microsoft's account.
    type: str
  microsoft_account_id:
    description: AWS account of Microsoft. V(197857026523), that of the Azure commercial cloud, when not given.
    type: str
seealso:
  - module: trailbridge.sentinel.aws_role
"""

EXAMPLES = r"""
- name: Look for roles that let Microsoft Sentinel in
  trailbridge.sentinel.aws_role_info:
    account_id: "111111111111"
    assume_role: OrganizationAccountAccessRole
  register: sentinel
"""

RETURN = r"""
roles:
  description: The roles that were found.
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
      description: Longest session in seconds.
      type: int
      sample: 3600
    assume_role_policy_document:
      description: The trust policy, in one form for all its spellings.
      type: dict
      sample: {"Version": "2012-10-17", "Statement": []}
    permissions_boundary:
      description: ARN of the permissions boundary, or null.
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
      description: What is wrong with the role, security first.
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
          description: What was found, in one sentence.
          type: str
          sample: Account 197857026523 may assume the role without an external id.
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    class:
      description: Class of the error, for example V(assume_denied) or V(role_conflict).
      type: str
      sample: assume_denied
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import modules
from ..module_utils._core.model.errors import SentinelError
from ..module_utils._core.options import AWS, AZURE, ROLE_INFO, WORKSPACE


def main() -> None:
    module = AnsibleModule(argument_spec=AWS | AZURE | WORKSPACE | ROLE_INFO, supports_check_mode=True)
    try:
        result = modules.aws_role_info(module.params)
    except SentinelError as error:
        module.fail_json(msg=str(error), error={"class": error.kind})
    module.exit_json(**result)


if __name__ == "__main__":
    main()
