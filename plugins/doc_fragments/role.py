# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the IAM role shall be. An option that is not given leaves alone what is there."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  account_id:
    description:
      - AWS account of the role, as a text of 12 digits (quote it in YAML).
      - The account of the credentials when not given.
    type: str
  name:
    description: Name of the role.
    type: str
    default: MicrosoftSentinelRole
  path:
    description: Path of the role. AWS cannot change it on a role that exists; a difference is a finding.
    type: str
  description:
    description: Description of the role.
    type: str
  max_session_duration:
    description: Longest session of the role, in seconds, from 3600 to 43200.
    type: int
  permissions_boundary:
    description: ARN of the managed policy that is the permissions boundary. An empty string removes the boundary.
    type: str
    aliases: [boundary]
  tags:
    description: Tags of the role. The two tags that mark it as ours come on top.
    type: dict
  purge_tags:
    description:
      - Whether tags that are not in O(tags) are removed, if O(tags) is given.
      - The modules in amazon.aws remove them by default.
    type: bool
    default: false
  permission_mode:
    description:
      - V(managed) attaches the managed policy C(AWSCloudTrail_ReadOnlyAccess), as Microsoft documents it.
      - V(lookup_events) allows C(cloudtrail:LookupEvents) alone, by an inline policy.
    type: str
    choices: [managed, lookup_events]
    default: managed
  microsoft_account_id:
    description:
      - AWS account of Microsoft that the role trusts. V(197857026523), that of the Azure commercial cloud, when not
        given.
      - V(123412341234) is a placeholder of old documents and is refused.
    type: str
  external_ids:
    description: Workspace ids of further workspaces that may use the role.
    type: list
    elements: str
  exclusive:
    description: Whether trust and policies beyond the wish are removed.
    type: bool
    default: true
  adopt:
    description: Whether a role of that name is taken over although it belongs to somebody else.
    type: bool
    default: false
"""
