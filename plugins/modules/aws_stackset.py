#!/usr/bin/python
# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_stackset
short_description: CloudFormation StackSet that makes the role for Microsoft Sentinel in every account
version_added: 1.0.0
description:
  - Keeps a service-managed StackSet that makes the IAM role for Microsoft Sentinel in the accounts of organizational
    units, and in accounts that come later. It is the role that M(trailbridge.sentinel.aws_role) would make.
  - For organizations whose accounts nobody may change from outside. The connectors still have to be made, by
    M(trailbridge.sentinel.fleet), which accepts these roles as they are.
  - CloudFormation never deploys to the management account. M(trailbridge.sentinel.fleet) makes the role there.
  - CloudFormation cannot make a role that is there already. Such an account is left as it is, the others go on.
  - Runs with the credentials of the management account or of a delegated administrator, see
    O(delegated_administrator). Trusted access of StackSets to the organization must be on.
  - Options that are not given are taken from the variables that the playbooks use, as C(localhost) has them. Those of
    the StackSet are called C(sentinel_stackset_<option>), as are the ways into the managing account (O(assume_role) and
    what belongs to it).
  - CloudFormation works on after the module has ended. A StackSet that goes is removed when its stacks are, at the
    latest by running the module again.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.aws
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.workspace
options:
  name:
    description: Name of the StackSet.
    type: str
    default: MicrosoftSentinelRole
  organizational_units:
    description:
      - Ids of the organizational units, or of the root, whose accounts get the role. Those below belong to them.
      - Stacks of units that are no longer listed are deleted. When not given, the units are left as they are. An empty
        list is refused; O(state=absent) deletes all stacks.
      - They are worked on 50 a call, as many as AWS allows.
    type: list
    elements: str
  auto_deployment:
    description:
      - Whether accounts that come into a unit get the role by themselves. They do, unless this is V(false).
    type: bool
  retain:
    description:
      - Whether the role stays in an account that leaves a unit, in units that are no longer listed, and when the
        StackSet is removed. It does not, unless this is V(true).
    type: bool
  delegated_administrator:
    description: Whether the credentials are of a delegated administrator and not of the management account.
    type: bool
    default: false
  adopt:
    description: Whether a StackSet of that name is taken over although it was not made here.
    type: bool
    default: false
  role_name:
    description: Name of the role. V(MicrosoftSentinelRole) when not given.
    type: str
  role_path:
    description: Path of the role.
    type: str
  role_description:
    description: Description of the role.
    type: str
  role_max_session_duration:
    description: Longest session of the role, in seconds, from 3600 to 43200.
    type: int
  role_permissions_boundary:
    description:
      - ARN of the managed policy that is the permissions boundary.
      - Of a policy of your own, that of the same name in each account is meant, whatever account the ARN names.
    type: str
  role_tags:
    description: Tags of the role. The two tags that mark it as ours come on top.
    type: dict
  permission_mode:
    description:
      - V(managed) attaches the managed policy C(AWSCloudTrail_ReadOnlyAccess), as Microsoft documents it.
        This is the default.
      - V(lookup_events) allows C(cloudtrail:LookupEvents) alone, by an inline policy.
    type: str
    choices: [managed, lookup_events]
  microsoft_account_id:
    description:
      - AWS account of Microsoft that the role trusts. V(197857026523), that of the Azure commercial cloud, when not
        given.
    type: str
  external_ids:
    description: Workspace ids of further workspaces that may use the role.
    type: list
    elements: str
  state:
    description:
      - V(present) brings the StackSet to the wish.
      - V(absent) deletes its stacks and then the StackSet.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: trailbridge.sentinel.aws_role
  - module: trailbridge.sentinel.fleet
"""

EXAMPLES = r"""
- name: Make the role in every account of two organizational units
  trailbridge.sentinel.aws_stackset:
    workspace_id: 00aa00aa-1111-2222-3333-444455556666
    organizational_units:
      - ou-ab12-11111111
      - ou-ab12-22222222
    role_tags:
      owner: security
"""

RETURN = r"""
stackset:
  description: The StackSet after the run. Empty when it was removed.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the StackSet.
      type: str
      sample: MicrosoftSentinelRole
    description:
      description: Description of the StackSet.
      type: str
      sample: The IAM role that lets Microsoft Sentinel read AWS CloudTrail
    template:
      description: The CloudFormation template.
      type: dict
      sample: {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {}}
    tags:
      description: Tags of the StackSet.
      type: dict
      sample: {"trailbridge.sentinel": "managed"}
    organizational_units:
      description: Ids of the organizational units whose accounts get the role.
      type: list
      elements: str
      sample: [ou-ab12-11111111]
    regions:
      description: The Region of the stacks. IAM is global, so there is only one.
      type: list
      elements: str
      sample: [us-east-1]
    auto_deployment:
      description: Whether accounts that come get the role by themselves.
      type: bool
      sample: true
    retain:
      description: Whether the role stays where its stack goes.
      type: bool
      sample: false
calls:
  description: The API calls that were made, or would be made in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the operation, as the service documents it.
      type: str
      sample: CreateStackSet
    args:
      description: Arguments of the operation.
      type: dict
      sample: {"StackSetName": "MicrosoftSentinelRole"}
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    class:
      description: Class of the error, for example V(aws_denied) or V(stackset_conflict).
      type: str
      sample: aws_denied
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import modules
from ..module_utils._core.model.errors import SentinelError
from ..module_utils._core.options import AWS, AZURE, STACKSET, STATE, WORKSPACE


def main() -> None:
    module = AnsibleModule(argument_spec=AWS | AZURE | WORKSPACE | STACKSET | STATE, supports_check_mode=True)
    try:
        result = modules.aws_stackset(module.params, check_mode=module.check_mode)
    except SentinelError as error:
        module.fail_json(msg=str(error), error={"class": error.kind}, **error.partial)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
