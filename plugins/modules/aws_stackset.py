#!/usr/bin/python
# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_stackset
short_description: CloudFormation StackSet that creates the role for Microsoft Sentinel in every account
version_added: 1.0.0
description:
  - Manages a service-managed StackSet that creates the IAM role for Microsoft Sentinel in the accounts of
    organizational units, including accounts that are added later. The role is the one that
    M(trailbridge.sentinel.aws_role) creates.
  - Use it in organizations whose member accounts must not be changed by assumed roles. The connectors are still created
    by M(trailbridge.sentinel.fleet), which accepts these roles.
  - CloudFormation never deploys to the management account. M(trailbridge.sentinel.fleet) creates the role there.
  - CloudFormation cannot create a role that already exists. Such an account is not changed, and the others are still
    deployed.
  - Requires the credentials of the management account or of a delegated administrator, see O(delegated_administrator).
    Trusted access of StackSets to the organization must be enabled.
  - Options that are not set are read from the variables of the playbooks, for the host C(localhost). The variables of
    the StackSet are named C(sentinel_stackset_<option>), as are those of O(assume_role) and the options that belong to
    it, since they apply to the managing account.
  - CloudFormation continues after the module has ended. With O(state=absent) the StackSet is deleted when its stacks
    are deleted, if necessary by the next run of the module.
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
      - IDs of the organizational units, or of the root, in whose accounts to create the role. Units below them are
        included.
      - Stacks of units that are no longer listed are deleted. If not set, the units are not changed. An empty list is
        refused. Use O(state=absent) to delete all stacks.
      - Each call to AWS has at most 50 units, which is the limit of AWS.
    type: list
    elements: str
  auto_deployment:
    description:
      - Whether to create the role automatically in accounts that are added to a unit.
      - Defaults to V(true).
    type: bool
  retain:
    description:
      - Whether to retain the role in accounts that are removed from a unit, in units that are no longer listed, and
        when the StackSet is deleted.
      - Defaults to V(false).
    type: bool
  delegated_administrator:
    description: Whether the credentials are those of a delegated administrator instead of the management account.
    type: bool
    default: false
  adopt:
    description:
      - Whether to adopt an existing StackSet of that name that is not managed by this collection. Otherwise it is
        refused.
    type: bool
    default: false
  role_name:
    description:
      - Name of the role.
      - Defaults to V(MicrosoftSentinelRole).
    type: str
  role_path:
    description: Path of the role.
    type: str
  role_description:
    description: Description of the role.
    type: str
  role_max_session_duration:
    description: Maximum session duration of the role in seconds, from 3600 to 43200.
    type: int
  role_permissions_boundary:
    description:
      - ARN of the managed policy to set as the permissions boundary.
      - For a customer managed policy, the policy of that name in each account is used. The account in the ARN is
        ignored.
    type: str
  role_tags:
    description:
      - Tags of the role. The two tags of this collection, whose keys begin with C(trailbridge.sentinel), are added.
    type: dict
  permission_mode:
    description:
      - V(managed) attaches the managed policy C(AWSCloudTrail_ReadOnlyAccess), as documented by Microsoft.
      - V(lookup_events) allows C(cloudtrail:LookupEvents) alone, by an inline policy.
      - Defaults to V(managed).
    type: str
    choices: [managed, lookup_events]
  microsoft_account_id:
    description:
      - Microsoft's AWS account, which the role trusts.
      - Defaults to V(197857026523), the account of the Azure commercial cloud.
    type: str
  external_ids:
    description: Workspace IDs of other workspaces that may use the role.
    type: list
    elements: str
  state:
    description:
      - V(present) creates the StackSet or updates it to the desired state.
      - V(absent) deletes its stacks and then the StackSet.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: trailbridge.sentinel.aws_role
  - module: trailbridge.sentinel.fleet
"""

EXAMPLES = r"""
- name: Create the role in every account of two organizational units
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
  description: The StackSet after the run. Empty if it was deleted.
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
      description: IDs of the organizational units in whose accounts the role is created.
      type: list
      elements: str
      sample: [ou-ab12-11111111]
    regions:
      description: The Region of the stacks. One is enough, since IAM is global.
      type: list
      elements: str
      sample: [us-east-1]
    auto_deployment:
      description: Whether the role is created automatically in accounts that are added to a unit.
      type: bool
      sample: true
    retain:
      description: Whether the role is retained when its stack is deleted.
      type: bool
      sample: false
calls:
  description: API calls that were made, or in check mode would be made.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the operation in the API of the service.
      type: str
      sample: CreateStackSet
    args:
      description: Arguments of the operation.
      type: dict
      sample: {"StackSetName": "MicrosoftSentinelRole"}
error:
  description: The error that failed the module.
  returned: failure
  type: dict
  contains:
    class:
      description: Class of the error, for example V(aws_denied) or V(stackset_conflict).
      type: str
      sample: aws_denied
    traceback:
      description: Traceback of an error of the class V(unexpected), without secrets.
      returned: with C(-vvv), for the class V(unexpected)
      type: str
      sample: "KeyError: 'Arn'"
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
        module.fail_json(**modules.failure(error, module._verbosity))  # noqa: SLF001 nothing else knows it
    module.exit_json(**result)


if __name__ == "__main__":
    main()
