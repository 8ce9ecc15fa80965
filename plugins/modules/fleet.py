# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of `fleet`; plugins/action/fleet.py does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet
short_description: Connects many AWS accounts to Microsoft Sentinel in one task
version_added: 1.0.0
description:
  - Brings the IAM role, then the data connector, of every account of the batch to the wish.
  - Works in one task for all accounts, in one event loop with shared connections. No process is started for an account,
    and nothing connects to its host.
  - Without O(accounts) the accounts are the hosts of the batch. Each host's variables are read by this plugin itself.
    C(aws_account_id) is the account (the host name where that is 12 digits), and C(sentinel_<option>) sets an option
    for all, a group or one host; O(profile) is set by C(sentinel_aws_profile). Such a variable wins over the option of
    the task.
  - Options that count for the whole run have variables as well, such as C(sentinel_concurrency) for O(concurrency).
    Their value is the one that C(localhost) has, else the one that all accounts have; where these differ, the task
    fails.
  - A value that is none or blank means "not given", in variables as in options, unless the option says that an empty
    value counts.
  - C(localhost), C(127.0.0.1) and C(::1) are left out. Two hosts that are the same account fail, whatever the limit of
    the run.
  - One account's failure never stops the others.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.aws
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.fleet_role
  - trailbridge.sentinel.workspace
options:
  accounts:
    description:
      - The accounts to work on, for a play on localhost. Each entry has C(account_id) and any of the options that
        may differ by account. What an entry lacks is taken from the variables of C(localhost), then from the task.
      - Without it the hosts of the batch are the accounts.
      - It may be empty to look for orphans alone, in the workspace of the task. With O(state=absent) they are removed.
    type: list
    elements: dict
  account_joined:
    description:
      - When the account joined its AWS organization, such as V(2026-11-22T17:00:00Z). The inventory plugin
        C(aws_organization) says it.
      - The role to assume in a new account can take some minutes to be there. As long as the account is younger than
        15 minutes, it is tried again, and holds up nobody else.
    type: str
  ou_path:
    description:
      - The organizational unit of the account, such as V(/Workloads/Production), by which reports group accounts. The
        inventory plugin C(aws_organization) says it.
    type: str
  deduplicate:
    description:
      - Whether further connectors of the same role are removed. They are only reported, unless this is V(true).
      - The enabled one is kept, among several the oldest.
    type: bool
  accepted_findings:
    description:
      - Findings that are known and accepted, each with C(code), C(reason) and C(until), the last day in the form
        V(2027-01-31).
      - They are counted and shown with the reason, and have no effect on the exit code. Critical ones are refused.
      - An entry that has expired, or that fits no finding of the account, is a finding itself.
    type: list
    elements: dict
  state:
    description:
      - V(present) brings role and connector to the wish.
      - V(absent) removes the connector, takes the workspace out of the role, and removes the role when it serves no
        other one. A role that does not carry the collection's tag is refused, unless O(adopt) is set.
    type: str
    choices: [present, absent]
    default: present
  concurrency:
    description:
      - The most accounts that are worked on at the same time. It begins with 32, grows while AWS answers quickly and
        shrinks when AWS refuses requests.
    type: int
    default: 64
  max_fail_percentage:
    description:
      - How many per cent of the accounts may fail before the task fails. Every account's result is returned either
        way.
    type: float
    default: 0
  max_change_percent:
    description:
      - How many per cent of the accounts may change. When more would, nothing is written and the task fails.
      - Measured by the accounts of the play's pattern before the limit of the run, with C(serial) by those of the
        batch, or by O(accounts). Accounts that cannot be read count as changed.
      - Any number, when not given. When given, everything is read once more before the first write. What is refused is
        returned as check mode would, with C(error.class) C(too_many_changes); check mode fails in the same way.
    type: float
  find_orphans:
    description:
      - Whether to list the AWS organization, and to say which connectors belong to accounts that are gone, see
        RV(orphans). An account that is only outside of the inventory, the batch or the limit is not gone.
      - Says as well which further connectors of the accounts read a role that does not exist.
      - Lists with the base credentials, which have to be those of the management account or of a delegated
        administrator, and the same for all accounts.
      - An account in which the roles cannot be looked at is in RV(failures).
    type: bool
  offboard_orphans:
    description:
      - Whether to remove these connectors as well. Only with O(state=absent); finds them by itself.
      - Only for a workspace whose accounts are all of this one organization. Where it also reads accounts of another
        one, or of none, name those that may go by O(orphan_account_ids).
      - Of a workspace's connectors at most O(max_change_percent) go as departed, at least one; 20 % when it is not
        given. None goes where the organization has none of the accounts that the workspace reads.
    type: bool
  orphan_account_ids:
    description:
      - Account ids among which to look for accounts that are gone, as texts or as numbers of 12 digits. All when not
        given. Its variable is C(sentinel_departed), which must not be empty once it is there.
    type: list
    elements: str
  find_unconnected_roles:
    description:
      - Whether to say which roles in the accounts let Microsoft Sentinel in although no connector reads them, see
        RV(orphans). They are never removed.
      - Roles whose external ids are only those of other workspaces are left out.
      - Where a workspace of the run cannot be used or listed, nobody knows what it reads. Then a line says so, and no
        role is named.
      - Needs C(iam:ListRoles) in the accounts, and for each account one session more and a page of roles.
    type: bool
  minimum_accounts:
    description: With fewer active accounts in the organization, nobody is taken for gone. V(1) when not given.
    type: int
    default: 1
  report_dir:
    description:
      - Folder in which the run leaves its report. None is written when not given.
      - A run that is ended from outside leaves its record there, or in C(trailbridge.sentinel) below Ansible's home.
    type: path
  report_name:
    description:
      - Name of the run that this is a part of, such as a job slice or a batch of C(serial).
      - Parts of the same name share one report in O(report_dir), to which each adds its accounts.
      - A name that comes again 6 hours after the last part was done is another run. The report of the former one is
        set aside, with its date behind the name of the folder.
      - Letters, digits and C(._-). Each run has a report of its own when not given.
    type: str
  fail_on:
    description:
      - Which accounts are listed under RV(failures) besides those that failed.
      - V(drift) adds those that differ from the wish, V(security) those with a security finding, V(never) none.
    type: str
    choices: [drift, security, never]
    default: never
notes:
  - It is an action plugin that runs once per batch. C(environment) counts, and is the same for all accounts; a C(when)
    on the task is asked of the first host alone.
  - The strategies C(free) and C(host_pinned) refuse it, since they would run it once per host.
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
  description: How many accounts there were, by status.
  returned: always, unless the run could not start
  type: dict
  sample: {"accounts": 12, "ok": 10, "changed": 1, "failed": 1, "skipped": 0}
accounts:
  description:
    - The accounts of which there is something to say, by account id. Those that are right are only counted, those that
      were not worked on as well.
  returned: always, unless the run could not start
  type: dict
  contains:
    status:
      description: V(ok), V(changed) or V(failed). V(ok) has something that only the owner of the role can correct.
      type: str
      sample: changed
    host:
      description: Name of the host in the inventory.
      type: str
      sample: payments-production
    role_arn:
      description: ARN of the role.
      type: str
      sample: arn:aws:iam::111111111111:role/MicrosoftSentinelRole
    connector_id:
      description: ARM id of the data connector.
      type: str
      sample: /subscriptions/…/providers/Microsoft.SecurityInsights/dataConnectors/0f2ad0b5-…
    findings:
      description: What was wrong before the repair, security first.
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
          description: What was found, in one sentence.
          type: str
          sample: Account 197857026523 may assume the role without an external id.
        repaired:
          description: Whether it is not found any more after the run, in check mode whether it would not be.
          type: bool
          sample: true
        accepted:
          description: Why it is accepted, and until when. Only where it is.
          type: str
          sample: Break-glass access, ticket 4711 (until 2027-01-31)
    calls:
      description: The API calls that were made, or would be made in check mode.
      returned: always
      type: list
      elements: dict
      contains:
        name:
          description: Name of the operation, as the service documents it.
          type: str
          sample: AttachRolePolicy
        args:
          description: Arguments of the operation. Only the first 100 accounts have them, and their part of the diff.
          returned: for the first 100 accounts
          type: dict
          sample: {"RoleName": "MicrosoftSentinelRole"}
    error:
      description: What went wrong in this account, with C(class) and C(message).
      returned: when the account failed
      type: dict
      sample: {"class": "assume_denied", "message": "Cannot assume role OrganizationAccountAccessRole."}
failures:
  description: The accounts to fail in the end, see O(fail_on).
  returned: always, unless the run could not start
  type: list
  elements: dict
  contains:
    account_id:
      description: The account.
      type: str
      sample: "111111111111"
    host:
      description: Name of the host in the inventory.
      type: str
      sample: payments-production
    message:
      description: The reason in one sentence.
      type: str
      sample: Cannot assume role OrganizationAccountAccessRole.
orphans:
  description: Connectors of accounts or roles that are gone, and roles that no connector reads, see O(find_orphans).
  returned: always, unless the run could not start
  type: list
  elements: dict
  contains:
    account_id:
      description: The account.
      type: str
      sample: "111111111111"
    workspace:
      description: Name of the workspace.
      type: str
      sample: sentinel
    connector_id:
      description: ARM id of the data connector, empty for a role without one.
      type: str
      sample: /subscriptions/…/providers/Microsoft.SecurityInsights/dataConnectors/0f2ad0b5-…
    role_arn:
      description: The role that the connector reads, or that has none.
      type: str
      sample: arn:aws:iam::111111111111:role/MicrosoftSentinelRole
    reason:
      description:
        - V(closed) or V(left) where the account is gone, V(role_gone) where the role does not exist,
          V(no_connector) for a role that no connector reads.
        - V(unknown) where the roles of an account could not be listed.
      type: str
      sample: closed
    removed:
      description: Whether it was removed.
      type: bool
      sample: false
    error:
      description: Why it could not be removed, or why it is unknown.
      returned: when something went wrong
      type: str
      sample: Cannot call DataConnectors_Delete for data connector 0f2ad0b5-….
error:
  description: Why the run could not start, as C(class).
  returned: when the run could not start
  type: dict
  sample: {"class": "bad_input"}
"""
