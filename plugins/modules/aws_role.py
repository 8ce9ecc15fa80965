#!/usr/bin/python
# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_role
short_description: IAM role that lets Microsoft Sentinel read AWS CloudTrail
version_added: 1.0.0
description:
  - Creates, corrects or removes the IAM role that Microsoft Sentinel assumes in one AWS account.
  - The role trusts Microsoft's AWS account on behalf of one workspace only, and may read AWS CloudTrail.
  - Policy documents are compared by what they mean, so other spellings of the same trust are left alone.
  - A role of that name that belongs to somebody else is refused, see O(adopt).
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.aws
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.role
  - trailbridge.sentinel.workspace
options:
  state:
    description:
      - V(present) brings the role to the wish.
      - V(absent) takes the workspace out of the role, and removes the role when it serves no other one.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: trailbridge.sentinel.aws_connector
  - module: trailbridge.sentinel.fleet
"""

EXAMPLES = r"""
- name: Let Microsoft Sentinel into an account
  trailbridge.sentinel.aws_role:
    account_id: "111111111111"
    assume_role: OrganizationAccountAccessRole
    workspace_id: 00aa00aa-1111-2222-3333-444455556666
    tags:
      owner: security
"""

RETURN = r"""
role:
  description: The role after the run. Empty when it was removed.
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
  description: What was wrong before the repair, security first.
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
calls:
  description: The API calls that were made, or would be made in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the operation, as the service documents it.
      type: str
      sample: AttachRolePolicy
    args:
      description: Arguments of the operation.
      type: dict
      sample: {"RoleName": "MicrosoftSentinelRole"}
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
from ..module_utils._core.options import AWS, AZURE, ROLE, STATE, WORKSPACE


def main() -> None:
    module = AnsibleModule(argument_spec=AWS | AZURE | WORKSPACE | ROLE | STATE, supports_check_mode=True)
    try:
        result = modules.aws_role(module.params, check_mode=module.check_mode)
    except SentinelError as error:
        module.fail_json(msg=str(error), error={"class": error.kind}, **error.partial)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
