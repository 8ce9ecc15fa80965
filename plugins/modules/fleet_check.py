# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of `fleet_check`, which plugins/action/fleet_check.py implements."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_check
short_description: Checks the number of AWS accounts of a play
version_added: 1.0.0
description:
  - Fails if the hosts of a play are no AWS accounts, or fewer than expected. Ansible itself ends such a play without an
    error, so an inventory that cannot be read, or a misspelt group, would look like success.
  - The playbooks of this collection begin with it, in a play that runs under any limit.
  - Counts accounts, which are hosts with C(aws_account_id) or with a name of twelve digits. C(localhost) and other
    hosts are not counted.
  - Makes no requests to AWS or Azure.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
options:
  hosts:
    description:
      - Host patterns of the next play. If not set, all hosts are counted.
      - The variable C(sentinel_hosts) overrides this option. It must not be empty, and must not be set in the
        inventory, which Ansible does not read for the hosts of a play. Account IDs may be strings, or numbers of twelve
        digits.
    type: list
    elements: str
  minimum_accounts:
    description:
      - Minimum number of accounts before the limit of the run.
      - V(0) allows a play without accounts, before the limit and after it, such as a job slice.
      - The variable C(sentinel_minimum_accounts) overrides this option.
    type: int
    default: 1
notes:
  - This action plugin runs once for the batch, on the control node.
seealso:
  - module: trailbridge.sentinel.fleet
"""

EXAMPLES = r"""
- name: Require at least two accounts
  trailbridge.sentinel.fleet_check:
    minimum_accounts: 2
  run_once: true
"""

RETURN = r"""
accounts:
  description: Number of AWS accounts before the limit of the run.
  returned: success
  type: int
  sample: 247
limited_accounts:
  description: Number of AWS accounts after the limit of the run.
  returned: success
  type: int
  sample: 12
error:
  description: The error that failed the check, with its C(class).
  returned: failure
  type: dict
  sample: {"class": "bad_input"}
"""
