# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the IAM role shall be, under the names of `fleet`, where every host may say otherwise."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  role_name:
    description: Name of the role. V(MicrosoftSentinelRole) when not given.
    type: str
  role_path:
    description: Path of the role. AWS cannot change it on a role that exists; a difference is a finding.
    type: str
  role_description:
    description: Description of the role.
    type: str
  role_max_session_duration:
    description: Longest session of the role, in seconds, from 3600 to 43200.
    type: int
  role_permissions_boundary:
    description: ARN of the managed policy that is the permissions boundary. An empty text removes the boundary.
    type: str
  role_tags:
    description: Tags of the role. The two tags that mark it as ours come on top. Empty means that no others are wished.
    type: dict
  role_purge_tags:
    description:
      - Whether tags that are not in O(role_tags) are removed, if O(role_tags) is given.
      - They are kept, unless this is V(true). The modules in amazon.aws remove them by default.
    type: bool
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
      - V(123412341234) is a placeholder of old documents and is refused.
    type: str
  external_ids:
    description: Workspace ids of further workspaces that may use the role. An empty list means none.
    type: list
    elements: str
  exclusive:
    description: Whether trust and policies beyond the wish are removed. They are, unless this is V(false).
    type: bool
  adopt:
    description:
      - Whether a role of that name is taken over although it belongs to somebody else.
      - It is refused, unless this is V(true).
      - It is removed only if it trusts Microsoft or carries the tag C(trailbridge.sentinel).
    type: bool
"""
