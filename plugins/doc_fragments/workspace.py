# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Log Analytics workspace Microsoft Sentinel runs on."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  subscription_id:
    description: Azure subscription of the workspace. E(AZURE_SUBSCRIPTION_ID) serves as well.
    type: str
  resource_group:
    description: Resource group of the workspace.
    type: str
  workspace:
    description: Name of the Log Analytics workspace.
    type: str
  workspace_id:
    description:
      - Workspace id (the C(customerId) GUID) that Microsoft Sentinel sends to AWS as external id.
      - Read from the workspace when not given.
    type: str
"""
