# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the desired IAM role, by the names of the modules for one account."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  account_id:
    description:
      - ID of the AWS account, as a string of 12 digits. Quote it in YAML.
      - If not set, the account of the source credentials is used.
    type: str
  name:
    description: Name of the role.
    type: str
    default: MicrosoftSentinelRole
  path:
    description:
      - Path of the role.
      - AWS cannot change the path of an existing role. A difference is reported as a finding.
    type: str
  description:
    description: Description of the role.
    type: str
  max_session_duration:
    description: Maximum session duration of the role in seconds, from 3600 to 43200.
    type: int
  permissions_boundary:
    description:
      - ARN of the managed policy to set as the permissions boundary.
      - An empty string removes the boundary.
    type: str
    aliases: [boundary]
  tags:
    description:
      - Tags of the role. The two tags of this collection, whose keys begin with C(trailbridge.sentinel), are added.
      - An empty dictionary means that the role is to have no other tags, see O(purge_tags).
    type: dict
  purge_tags:
    description:
      - Whether tags that are not in O(tags) are removed, if O(tags) is given.
      - The modules in amazon.aws remove them by default.
    type: bool
    default: false
  permission_mode:
    description:
      - V(managed) attaches the managed policy C(AWSCloudTrail_ReadOnlyAccess), as documented by Microsoft.
      - V(lookup_events) allows C(cloudtrail:LookupEvents) alone, by an inline policy.
    type: str
    choices: [managed, lookup_events]
    default: managed
  microsoft_account_id:
    description:
      - Microsoft's AWS account, which the role trusts.
      - Defaults to V(197857026523), the account of the Azure commercial cloud.
      - V(123412341234) is a placeholder of outdated documentation and is refused.
    type: str
  external_ids:
    description:
      - Workspace IDs of other workspaces that may use the role.
      - An empty list means that no other workspace may use it.
    type: list
    elements: str
  exclusive:
    description: Whether to remove unexpected principals from the trust policy, and unexpected permissions policies.
    type: bool
    default: true
  adopt:
    description:
      - Whether to adopt an existing role of that name that is not managed by this collection. Otherwise it is refused.
      - Such a role is removed only if it trusts Microsoft's account or has the tag C(trailbridge.sentinel).
    type: bool
    default: false
"""
