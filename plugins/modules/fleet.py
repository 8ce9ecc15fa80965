# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of `fleet`, which plugins/action/fleet.py implements."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet
short_description: Connects many AWS accounts to Microsoft Sentinel in one task
version_added: 1.0.0
description:
  - Creates, updates or removes what the sources of every account need in AWS, and their data connectors, see
    O(sources).
  - One task works on all accounts in parallel, with shared connections. It starts no process for an account, and opens
    no connection to its host.
  - Without O(accounts), the accounts are the hosts of the batch. The plugin reads the variables of each host. The
    variable C(aws_account_id) is the account ID; it is not needed if the host name is the ID. The variables
    C(sentinel_<option>) set options for all hosts, a group or one host; that of O(profile) is C(sentinel_aws_profile).
    These variables override the options of the task.
  - Options that apply to the whole run have variables as well, such as C(sentinel_concurrency) for O(concurrency). They
    are read for C(localhost), otherwise for the accounts. The task fails if they differ.
  - Empty values, in variables and in options, mean that the option is not set, except where the documentation of the
    option describes an empty value.
  - C(localhost), C(127.0.0.1) and C(::1) are skipped. Two hosts with the same account ID fail, independent of the limit
    of the run.
  - The failure of one account never stops the others.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.aws
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.fleet_role
  - trailbridge.sentinel.sources
  - trailbridge.sentinel.workspace
options:
  accounts:
    description:
      - The accounts to work on, for a play on C(localhost). Each entry has C(account_id) and any of the options that
        can be set for a single host. Options that an entry does not set are read from the variables of C(localhost),
        otherwise from the task.
      - If not set, the hosts of the batch are the accounts.
      - With an empty list, only orphans in the workspace of the task are found. With O(state=absent) they are removed.
    type: list
    elements: dict
  account_joined:
    description:
      - Time at which the account joined its AWS organization, such as V(2026-11-22T17:00:00Z). The inventory plugin
        C(aws_organization) sets it.
      - It can take some minutes until the role to assume exists in a new account. Assuming it is retried until the
        account is 15 minutes old, without delaying other accounts.
    type: str
  account_name:
    description:
      - Name of the account, which messages and results have beside its ID. The inventory plugin C(aws_organization)
        sets it.
    type: str
  ou_path:
    description:
      - Path of the organizational unit of the account, such as V(/Workloads/Production), by which reports group the
        accounts. The inventory plugin C(aws_organization) sets it.
    type: str
  deduplicate:
    description:
      - Whether to remove duplicate connectors of the same role. Otherwise they are only reported.
      - The enabled connector is kept. If several are enabled, the oldest one is kept.
      - Defaults to V(false).
    type: bool
  accepted_findings:
    description:
      - Findings that are accepted, each with C(code), C(reason) and C(until), which is the last day in the format
        V(2027-01-31).
      - Accepted findings are counted and displayed with the reason, and do not affect the exit code. Critical findings
        cannot be accepted.
      - An expired entry, or one that matches no finding of the account, is a finding itself.
    type: list
    elements: dict
  state:
    description:
      - V(present) creates the resources of the sources or updates them to the desired state.
      - V(absent) removes the connector, removes the workspace from the trust policy of the role, and removes the role
        if no other workspace uses it. A role without the tag of this collection is refused, unless O(adopt) is V(true).
    type: str
    choices: [present, absent]
    default: present
  concurrency:
    description:
      - Maximum number of accounts to work on at the same time, from 1 to 256. The run begins with 32, adds more
        while AWS responds quickly, and works on fewer when AWS throttles requests.
    type: int
    default: 256
  max_fail_percentage:
    description:
      - Maximum percentage of accounts that may fail before the task fails. A failed task returns C(msg) and RV(error)
        only, since Ansible displays the whole result of a failed task; set it to 100 to process RV(failures).
    type: float
    default: 0
  max_change_percent:
    description:
      - Maximum percentage of accounts that may change. If more would change, nothing is written and the task fails.
      - It is a percentage of the accounts of the play's pattern before the limit of the run, with C(serial) of those of
        the batch, or of O(accounts). Accounts that cannot be read count as changed.
      - If set, all accounts are read once more before the first write. A refused run displays and reports the result of
        check mode, and returns C(error.class) C(too_many_changes). Check mode fails in the same way.
      - If not set, any number of accounts may change.
    type: float
  find_orphans:
    description:
      - Whether to list the accounts of the AWS organization, and to report the connectors of accounts that are closed
        or left it, see RV(orphans). Being outside of the inventory, the batch or the limit does not make an account an
        orphan.
      - Additional connectors of the accounts whose roles do not exist are reported as well.
      - The source credentials must be those of the management account or of a delegated administrator, and the same for
        all accounts.
      - An account whose roles cannot be read is listed in RV(failures).
      - Defaults to V(false).
    type: bool
  offboard_orphans:
    description:
      - Whether to remove the connectors that O(find_orphans) reports. It requires O(state=absent), and implies
        O(find_orphans).
      - Use it only for a workspace whose accounts all belong to this organization. If the workspace also reads accounts
        of another organization, or of none, restrict the removal by O(orphan_account_ids).
      - At most O(max_change_percent) of the connectors of a workspace are removed as orphans, but at least one. If
        O(max_change_percent) is not set, the limit is 20 %. None is removed if the organization has none of the
        accounts that the workspace reads.
      - Defaults to V(false).
    type: bool
  orphan_account_ids:
    description:
      - IDs of the accounts to check for being closed or having left, as strings or as numbers of 12 digits.
      - Its variable is C(sentinel_departed), which must not be set to an empty value.
      - If not set, all accounts that the workspace reads are checked.
    type: list
    elements: str
  find_unconnected_roles:
    description:
      - Whether to report roles in the accounts that trust Microsoft Sentinel but belong to no connector, see
        RV(orphans). They are never removed.
      - Roles that trust only other workspaces are not reported.
      - If the connectors of a workspace of the run cannot be listed, no role is reported, and a message explains that.
      - This requires C(iam:ListRoles) in the accounts, and one more session and C(ListRoles) request for each account.
      - Defaults to V(false).
    type: bool
  minimum_accounts:
    description: Minimum number of active accounts in the organization. With fewer, no account is considered an orphan.
    type: int
    default: 1
  report_dir:
    description:
      - Folder to write the report of the run to. If not set, no report is written.
      - An interrupted run leaves the journal of its changes in this folder, or in C(trailbridge.sentinel) below the
        home folder of Ansible (E(ANSIBLE_HOME)).
    type: path
  report_name:
    description:
      - Name of a run that has several parts, such as job slices or batches of C(serial).
      - Parts with the same name share one report in O(report_dir), to which each part adds its accounts.
      - A part that starts more than 6 hours after the last one ended begins a new run. The folder of the previous
        report is renamed, with its date as suffix.
      - The name consists of letters, digits and C(._-). If not set, each run has a report of its own.
    type: str
  fail_on:
    description:
      - Which accounts to list in RV(failures) in addition to those that failed.
      - V(drift) adds accounts that differ from the desired state, V(security) accounts with a security finding,
        V(never) none.
    type: str
    choices: [drift, security, never]
    default: never
notes:
  - This action plugin runs once for the batch, on the control node. The keyword C(environment) applies, and must be the
    same for all accounts. The keyword C(when) is evaluated for the first host alone.
  - The strategies C(free) and C(host_pinned) cannot run it, since they run every task once for each host.
seealso:
  - module: trailbridge.sentinel.aws_role
  - module: trailbridge.sentinel.aws_connector
"""

EXAMPLES = r"""
- name: Connect the accounts of the inventory
  trailbridge.sentinel.fleet:
    resource_group: security
    workspace: sentinel
    assume_role: OrganizationAccountAccessRole
  run_once: true

- name: Connect two accounts from a play on localhost
  trailbridge.sentinel.fleet:
    resource_group: security
    workspace: sentinel
    assume_role: OrganizationAccountAccessRole
    accounts:
      - account_id: "111111111111"
      - account_id: "222222222222"
        role_tags:
          owner: payments
"""

RETURN = r"""
summary:
  description: Number of accounts in total and by status.
  returned: success
  type: dict
  sample: {"accounts": 12, "ok": 10, "changed": 1, "failed": 1, "skipped": 0}
accounts:
  description:
    - Accounts that changed, failed or have findings, by account ID. All other accounts are only counted, as are those
      that were skipped.
  returned: success
  type: dict
  contains:
    status:
      description:
        - V(ok), V(changed) or V(failed). An account listed here as V(ok) has findings that only the owner can repair.
      type: str
      sample: changed
    host:
      description: Name of the host in the inventory.
      type: str
      sample: payments-production
    account_name:
      description: Name of the account.
      returned: if the variable C(aws_account_name) is set
      type: str
      sample: Payments Production
    resources:
      description: The resources of the account in the order of their sources.
      returned: always
      type: list
      elements: dict
      contains:
        kind:
          description: The kind of resource, such as V(role) or V(connector).
          type: str
          sample: role
        id:
          description: Its ARN, ARM ID or URL. A resource that was removed has the one that it had.
          type: str
          sample: arn:aws:iam::111111111111:role/MicrosoftSentinelRole
        changed:
          description: Whether it was changed, created or removed.
          type: bool
          sample: true
    findings:
      description: Findings before the repair. Security findings come first.
      returned: always
      type: list
      elements: dict
      contains:
        severity:
          description: V(critical), V(high), V(medium) or V(low).
          type: str
          sample: high
        code:
          description: Stable code of the finding.
          type: str
          sample: trust_external_id_missing
        message:
          description: The finding in one sentence.
          type: str
          sample: "The trust policy trusts Microsoft's account without an external id: AWS 197857026523."
        repaired:
          description: Whether the run repaired it, or in check mode would repair it.
          type: bool
          sample: true
        accepted:
          description: Reason and last day of the acceptance.
          type: str
          sample: Break-glass access, ticket 4711 (until 2027-01-31)
    calls:
      description: API calls that were made, or in check mode would be made.
      returned: always
      type: list
      elements: dict
      contains:
        name:
          description: Name of the operation in the API of the service.
          type: str
          sample: AttachRolePolicy
        args:
          description: Arguments of the operation.
          returned: for the first 100 accounts
          type: dict
          sample: {"RoleName": "MicrosoftSentinelRole"}
    diff:
      description: The differences, each with C(before) and C(after). They are displayed in diff mode.
      returned: for the first 100 accounts that changed
      type: list
      elements: dict
      sample: [{"before": {"path": "/"}, "after": {"path": "/x/"}}]
    error:
      description: The error that failed the account, with C(class) and C(message).
      returned: if the account failed
      type: dict
      sample: {"class": "assume_denied", "message": "Cannot assume role OrganizationAccountAccessRole."}
failures:
  description: Accounts that failed or that O(fail_on) selects.
  returned: success
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
      description: Reason in one sentence.
      type: str
      sample: Cannot assume role OrganizationAccountAccessRole.
failed_hosts:
  description:
    - The entries of RV(failures) for which a playbook fails the hosts, as the roles do. These are all of them with
      C(-v), or if there are at most three.
    - Otherwise it is the first one, whose message counts all of them, since Ansible displays ten lines for each host.
  returned: success
  type: list
  elements: dict
  sample: [{"account_id": "111111111111", "host": "payments-production", "message": "90 of 1000 accounts failed."}]
orphans:
  description: >-
    Connectors whose account is closed or left the organization, or whose role does not exist, and roles without a
    connector. See O(find_orphans) and O(find_unconnected_roles).
  returned: success
  type: list
  elements: dict
  contains:
    account_id:
      description: ID of the account.
      type: str
      sample: "111111111111"
    workspace:
      description: Name of the workspace.
      type: str
      sample: sentinel
    connector_id:
      description: ARM ID of the data connector, empty for a role without a connector.
      type: str
      sample: /subscriptions/…/providers/Microsoft.SecurityInsights/dataConnectors/0f2ad0b5-…
    role_arn:
      description: ARN of the role of the connector, or of the role without a connector.
      type: str
      sample: arn:aws:iam::111111111111:role/MicrosoftSentinelRole
    reason:
      description:
        - V(closed) or V(left) for the account, V(no_role) if the role does not exist, V(no_connector) for a role
          without a connector.
        - V(unknown) if the roles of the account could not be listed.
      type: str
      sample: closed
    removed:
      description: Whether the connector was removed.
      type: bool
      sample: false
    error:
      description: Why the connector could not be removed, or the roles not be listed.
      returned: on error
      type: str
      sample: Cannot call DataConnectors_Delete for data connector 0f2ad0b5-….
error:
  description: The error for which the run could not start, or orphans not be searched, with its C(class).
  returned: if the run could not start, or orphans could not be searched because of a bug
  type: dict
  sample: {"class": "bad_input"}
"""
