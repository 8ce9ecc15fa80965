#!/usr/bin/python
# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workspace_info
short_description: Log Analytics workspace of Microsoft Sentinel
version_added: 1.0.0
description:
  - Reads the workspace ID, whether Microsoft Sentinel is enabled, and the permissions on data connectors.
  - Reads whether the solution "Amazon Web Services" of the Content hub is installed, and whether health monitoring is
    on. Neither is changed by this collection. What the credentials may not read is unknown, which is not an error.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.interpreter
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.workspace
attributes:
  diff_mode:
    support: none
notes:
  - Requires the permissions C(Microsoft.SecurityInsights/contentPackages/read) and
    C(Microsoft.Insights/diagnosticSettings/read) for RV(workspace.solution) and RV(workspace.health_monitoring). The
    role "Microsoft Sentinel Reader" has the first one, "Monitoring Reader" both.
seealso:
  - module: trailbridge.sentinel.aws_connector
"""

EXAMPLES = r"""
- name: Read the workspace
  trailbridge.sentinel.workspace_info:
    resource_group: security
    workspace: sentinel
  register: sentinel
"""

RETURN = r"""
workspace:
  description: The workspace.
  returned: success
  type: dict
  contains:
    id:
      description: ARM id of the workspace.
      type: str
      sample: /subscriptions/…/providers/Microsoft.OperationalInsights/workspaces/sentinel
    name:
      description: Name of the workspace.
      type: str
      sample: sentinel
    customer_id:
      description: Workspace ID, which Microsoft Sentinel sends to AWS as external ID.
      type: str
      sample: 00aa00aa-1111-2222-3333-444455556666
    location:
      description: Azure region of the workspace.
      type: str
      sample: westeurope
    onboarded:
      description: Whether Microsoft Sentinel is enabled on the workspace.
      type: bool
      sample: true
    rights:
      description: Whether the credentials may read, write and delete data connectors.
      type: dict
      sample: {"read": true, "write": true, "delete": true}
    solution:
      description: The solution "Amazon Web Services" of the Content hub.
      type: dict
      contains:
        installed:
          description: Whether the solution is installed, V(null) if that is unknown.
          type: bool
          sample: true
        version:
          description: Installed version, empty if there is none.
          type: str
          sample: 3.0.7
        message:
          description: What is missing without the solution, or why it is unknown. Empty if it is installed.
          type: str
          sample: ""
    health_monitoring:
      description: Whether Microsoft Sentinel reports the health of data connectors to the workspace.
      type: dict
      contains:
        enabled:
          description: Whether a diagnostic setting of Microsoft Sentinel does that, V(null) if that is unknown.
          type: bool
          sample: true
        message:
          description: What is missing without health monitoring, or why it is unknown. Empty if it is on.
          type: str
          sample: ""
error:
  description: The error that failed the module.
  returned: failure
  type: dict
  contains:
    class:
      description: Class of the error.
      type: str
      sample: azure_denied
    traceback:
      description: Traceback of an error of the class V(unexpected), without secrets.
      returned: with C(-vvv), for the class V(unexpected)
      type: str
      sample: "Traceback (most recent call last): …"
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import modules
from ..module_utils._core.model.errors import SentinelError
from ..module_utils._core.options import AZURE_SPEC, WORKSPACE_SPEC


def main() -> None:
    module = AnsibleModule(argument_spec=AZURE_SPEC | WORKSPACE_SPEC, supports_check_mode=True)
    try:
        result = modules.workspace_info(module.params)
    except SentinelError as error:
        module.fail_json(**modules.failure(error, module._verbosity))  # noqa: SLF001 nothing else knows it
    module.exit_json(**result)


if __name__ == "__main__":
    main()
