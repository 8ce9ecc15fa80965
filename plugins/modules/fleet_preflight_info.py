# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of `fleet_preflight_info`, which plugins/action/fleet_preflight_info.py implements."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_preflight_info
short_description: Checks everything that a run over many AWS accounts needs
version_added: 1.0.0
description:
  - Checks Python packages, inventory and variables, AWS credentials, the sign-in to Azure, workspaces and the rights on
    them, the role to assume in each account, and what exists in the accounts.
  - Reports all problems at once. A problem of one account, workspace or credential keeps nothing else from being
    checked.
  - Only reads. Of each source it makes the reads of M(trailbridge.sentinel.fleet) in check mode, and so finds what a
    run would refuse, such as a role that is not managed by this collection, or an overlapping notification of a bucket.
  - One task checks all accounts. They are the hosts of the batch, with the same variables as for
    M(trailbridge.sentinel.fleet).
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.aws
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.workspace
attributes:
  diff_mode:
    support: none
options:
  concurrency:
    description: Maximum number of accounts to work on at the same time.
    type: int
    default: 256
  max_fail_percentage:
    description:
      - Maximum percentage of accounts that may be not ready before the task fails. The results of all accounts are
        returned in either case.
      - The task always fails for a problem with which no run can start, such as a missing package.
    type: float
    default: 0
  report_dir:
    description: Folder to write the report of the run to. If not set, no report is written.
    type: path
  report_name:
    description:
      - Name of a run that has several parts, such as job slices or batches of C(serial).
      - Parts with the same name share one report in O(report_dir), to which each part adds its accounts.
      - A part that starts more than 6 hours after the last one ended begins a new run. The folder of the previous
        report is renamed, with its date as suffix.
      - The name consists of letters, digits and C(._-). If not set, each run has a report of its own.
    type: str
notes:
  - This action plugin runs once for the batch, on the control node. The keyword C(environment) applies, and must be the
    same for all accounts. The keyword C(when) is evaluated for the first host alone.
  - The strategies C(free) and C(host_pinned) cannot run it, since they run every task once for each host.
seealso:
  - module: trailbridge.sentinel.fleet
  - module: trailbridge.sentinel.fleet_check
"""

EXAMPLES = r"""
- name: Check what a run over the accounts of the inventory needs
  trailbridge.sentinel.fleet_preflight_info:
    resource_group: security
    workspace: sentinel
    assume_role: OrganizationAccountAccessRole
  run_once: true
"""

RETURN = r"""
summary:
  description: Number of accounts in total, ready and not ready.
  returned: always, unless the checks cannot start
  type: dict
  contains:
    accounts:
      description: Number of all accounts, with hosts whose variables are invalid.
      type: int
      sample: 40
    ready:
      description: Number of accounts without a problem.
      type: int
      sample: 38
    not_ready:
      description: Number of accounts with a problem; all of them if no run can start.
      type: int
      sample: 2
problems:
  description: All problems. If no run can start, only the reasons for that.
  returned: always, unless the checks cannot start
  type: list
  elements: dict
  contains:
    check:
      description:
        - The check that found it, V(packages), V(inventory), V(credentials), V(workspace), V(role) or V(sources).
      type: str
      sample: role
    host:
      description: Name of the host, empty for a problem of the whole run.
      type: str
      sample: payments-production
    account_id:
      description: ID of the account, empty if unknown.
      type: str
      sample: "111111111111"
    class:
      description: Class of the error.
      type: str
      sample: assume_denied
    message:
      description: The problem in one sentence.
      type: str
      sample: "Cannot assume role arn:aws:iam::111111111111:role/OrganizationAccountAccessRole: …"
failures:
  description: Accounts that are not ready. Empty if no run can start.
  returned: always, unless the checks cannot start
  type: list
  elements: dict
  contains:
    account_id:
      description: ID of the account.
      type: str
      sample: "111111111111"
    host:
      description: Name of the host in the inventory.
      type: str
      sample: payments-production
    message:
      description: All problems of the account.
      type: str
      sample: "Cannot assume role arn:aws:iam::111111111111:role/OrganizationAccountAccessRole: …"
failed_hosts:
  description:
    - The entries of RV(failures) for which the playbook fails the hosts. These are all of them with C(-v) or if there
      are at most three. Otherwise it is the first one, whose message counts all of them.
  returned: always, unless the checks cannot start
  type: list
  elements: dict
  sample: [{"account_id": "111111111111", "host": "payments-production", "message": "90 of 1000 accounts are not …"}]
notes:
  description: What a workspace lacks that a run does not need, such as the solution of the Content hub.
  returned: always, unless the checks cannot start
  type: list
  elements: str
  sample: []
error:
  description: The error for which the checks could not start.
  returned: if the checks could not start
  type: dict
  contains:
    class:
      description: Class of the error.
      type: str
      sample: bad_input
"""
