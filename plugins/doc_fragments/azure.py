# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to sign in to Azure."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  tenant:
    description: Tenant of the service principal. E(AZURE_TENANT) and E(AZURE_TENANT_ID) serve as well.
    type: str
  client_id:
    description: Application id of the service principal. E(AZURE_CLIENT_ID) serves as well.
    type: str
  secret:
    description: Secret of the service principal. E(AZURE_SECRET) and E(AZURE_CLIENT_SECRET) serve as well.
    type: str
  cloud_environment:
    description:
      - V(AzureCloud), V(AzureUSGovernment), or the https address of Azure Resource Manager in a private cloud.
      - V(AzureCloud) when not given. E(AZURE_CLOUD_ENVIRONMENT) serves as well.
      - V(AzureChinaCloud) is refused, since Microsoft Sentinel has no AWS connector there.
    type: str
requirements:
  - azure-mgmt-securityinsight >= 1.0.0
  - azure-identity
"""
