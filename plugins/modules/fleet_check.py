# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of `fleet_check`; plugins/action/fleet_check.py does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_check
short_description: Checks that a play is about as many AWS accounts as it should
version_added: 1.0.0
description:
  - Fails where the hosts of a play are no AWS accounts, or fewer than expected. Ansible itself ends such a play without
    an error, so an inventory that cannot be read, or a group with a misspelt name, looks like success.
  - The playbooks of this collection begin with it, in a play of its own that runs under any limit.
  - Counts accounts, that is hosts with C(aws_account_id) or with twelve digits as their name. C(localhost) and other
    hosts do not count.
  - Makes no request, neither to AWS nor to Azure.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
options:
  hosts:
    description:
      - Patterns of the hosts that the next play is about. All hosts when not given.
      - The variable C(sentinel_hosts) wins over it. It must not be empty, nor be set in the inventory, where Ansible
        does not look for the hosts of a play. Account ids may be texts, or numbers of twelve digits.
    type: list
    elements: str
  minimum_accounts:
    description:
      - How many accounts there must be at least before the limit of the run. V(1) when not given.
      - With V(0), there may be none, before the limit and after it, as in a job slice.
      - The variable C(sentinel_minimum_accounts) wins over it.
    type: int
    default: 1
notes:
  - It is an action plugin that runs once per batch, in the process of C(ansible-playbook).
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
  description: How many AWS accounts the hosts are, before the limit of the run.
  returned: success
  type: int
  sample: 247
limited_accounts:
  description: How many of them the limit leaves.
  returned: success
  type: int
  sample: 12
error:
  description: Why the run cannot start, as C(class).
  returned: failure
  type: dict
  sample: {"class": "bad_input"}
"""
