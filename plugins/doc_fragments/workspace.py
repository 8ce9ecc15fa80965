# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the Log Analytics workspace of Microsoft Sentinel."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  subscription_id:
    description:
      - Azure subscription of the workspace.
      - If not set, E(AZURE_SUBSCRIPTION_ID) is used.
    type: str
  resource_group:
    description: Resource group of the workspace.
    type: str
  workspace:
    description: Name of the Log Analytics workspace.
    type: str
  workspace_id:
    description:
      - Workspace ID (the C(customerId) GUID), which Microsoft Sentinel sends to AWS as external ID.
      - If not set, it is read from the workspace.
    type: str
"""
