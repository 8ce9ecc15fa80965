# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of `fleet_ingestion_info`, which plugins/action/fleet_ingestion_info.py implements."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_ingestion_info
short_description: Waits until the events of many AWS accounts arrive in Microsoft Sentinel
version_added: 1.0.0
description:
  - Queries the workspace for the events of all accounts of the batch, repeatedly until the events of all accounts
    arrive or O(wait) is over. Then evaluates each account.
  - The sources of an account, C(sentinel_sources), determine the tables in which events are expected, and the data
    connectors that have to bring them. One query covers all accounts and tables of a workspace.
  - An interruption (Ctrl-C, SIGTERM) ends the wait. The accounts are evaluated by the last answer, and the task fails.
  - One task works on all accounts. It starts no process for an account, and opens no connection to its host.
  - The accounts are the hosts of the batch. The plugin reads the variables of each host. The variable C(aws_account_id)
    is the account ID; it is not needed if the host name is the ID. The variables C(sentinel_<option>) set credentials
    and workspace, C(sentinel_allow_silent) and C(sentinel_verify_stale_after) set O(allow_silent) and O(stale_after),
    for all hosts, a group or one host.
  - Accounts without an enabled data connector are not waited for.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.aws
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.ingestion
  - trailbridge.sentinel.workspace
attributes:
  diff_mode:
    support: none
options:
  wait:
    description:
      - Maximum time to wait until the events of every account arrive. The format is that of O(lookback).
      - V(0) queries once. The first events of a new connector take 5 to 30 minutes.
    type: str
    default: 30m
  allow_silent:
    description:
      - Whether accounts are allowed to be silent or stale. They are not waited for then, except with O(canary).
    type: bool
    default: false
  canary:
    description:
      - Whether to cause a canary event in every account first, by assuming the role of O(assume_role) with a unique
        session name. The task then waits for the events with that name, which confirms the ingestion of accounts with
        little activity as well. An account whose canary event does not arrive is not as expected.
      - In the account of the source credentials no role is assumed, so it is evaluated by its other events.
    type: bool
    default: false
  concurrency:
    description: Maximum number of accounts to work on at the same time, for O(canary) and O(role_last_used).
    type: int
    default: 256
  max_fail_percentage:
    description:
      - Maximum percentage of accounts that may be listed in RV(failures) before the task fails. A failed task
        returns C(msg) and RV(error) only, since Ansible displays the whole result of a failed task.
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
  fail_on:
    description:
      - Whether to list accounts whose ingestion status is not as expected in RV(failures).
      - V(drift) and V(security) list all of them, V(never) none. Both choices exist because
        M(trailbridge.sentinel.fleet) shares the variable.
    type: str
    choices: [drift, security, never]
    default: drift
notes:
  - This action plugin runs once for the batch, on the control node. The keyword C(environment) applies, and must be the
    same for all accounts. The keyword C(when) is evaluated for the first host alone.
  - The strategies C(free) and C(host_pinned) cannot run it, since they run every task once for each host.
seealso:
  - module: trailbridge.sentinel.ingestion_info
  - module: trailbridge.sentinel.fleet
"""

EXAMPLES = r"""
- name: Wait until the events of all accounts of the inventory arrive
  trailbridge.sentinel.fleet_ingestion_info:
    resource_group: security
    workspace: sentinel
    wait: 45m
  run_once: true

- name: Verify every account by a canary event, including unused ones
  trailbridge.sentinel.fleet_ingestion_info:
    resource_group: security
    workspace: sentinel
    assume_role: OrganizationAccountAccessRole
    canary: true
  run_once: true
"""

RETURN = r"""
summary:
  description: Number of accounts in total and by ingestion status.
  returned: success
  type: dict
  contains:
    accounts:
      description: Number of all accounts.
      type: int
      sample: 40
    receiving:
      description: Number of accounts whose events arrive.
      type: int
      sample: 37
    stale:
      description: Number of accounts whose last event is older than O(stale_after).
      type: int
      sample: 1
    silent:
      description: Number of accounts without events within O(lookback).
      type: int
      sample: 1
    unhealthy:
      description: Number of accounts for which Microsoft Sentinel reports that it cannot fetch events.
      type: int
      sample: 1
    not_connected:
      description: Number of accounts of which a source has no enabled data connector.
      type: int
      sample: 0
    unknown:
      description: Number of accounts whose events are not known, such as after a partial result of Log Analytics.
      type: int
      sample: 0
accounts:
  description:
    - Accounts that are not as expected, have a message, or list S3 sources, by account ID. All other accounts are only
      counted.
  returned: success
  type: dict
  contains:
    ingestion_status:
      description:
        - V(receiving), V(stale), V(silent), V(unhealthy), V(not_connected), or V(unknown) if Log Analytics returned a
          partial result only, none, or no usable time of the last event, or if data connectors of several accounts fill
          a table, and nothing shows that the one of this account does.
      type: str
      sample: receiving
    as_expected:
      description:
        - Whether the ingestion status is as expected. Accounts that are allowed to be silent may be silent or stale.
      type: bool
      sample: true
    message:
      description: Cause and remedy. Empty if events arrive.
      type: str
      sample: No event arrived in the last 7 d.
    last_event:
      description: Time at which the last event arrived, V(null) if there is none.
      type: str
      sample: "2026-11-22T17:20:15Z"
    age_seconds:
      description: Time since the ingestion of the last event in seconds, V(null) if there is none.
      type: int
      sample: 312
    events:
      description: Number of events that arrived within O(lookback).
      type: int
      sample: 18034
    regions:
      description: Regions of the events, at most 50.
      type: list
      elements: str
      sample: [eu-central-1, us-east-1]
    connector_id:
      description:
        - ARM ID of the data connector, empty if there is none, or if one of several S3 connectors brings the events.
      type: str
      sample: /subscriptions/…/providers/Microsoft.SecurityInsights/dataConnectors/9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d
    role_arn:
      description: ARN of the role of the data connector.
      type: str
      sample: arn:aws:iam::111111111111:role/MicrosoftSentinelRole
    health:
      description:
        - Last health record of Microsoft Sentinel for the data connector, of several for one that fails. Empty if there
          is none.
      type: dict
      contains:
        failed:
          description: Whether the data connector fails to fetch events.
          type: bool
          sample: true
        time:
          description: Time of the health record.
          type: str
          sample: "2026-11-22T16:00:00Z"
        reason:
          description: Code of the first failure.
          type: str
          sample: AccessDenied
        message:
          description: Message of the first failure.
          type: str
          sample: Access denied
    tables:
      description:
        - The ingestion of each table, by its name. It has those in which events of the account are expected, and others
          with events of the account.
        - Events are expected in C(AWSCloudTrail), and in the tables of S3 connections of the account, where they may be
          those of other accounts. Silence is as expected in C(AWSGuardDuty).
        - Each table has C(ingestion_status), C(as_expected), C(message), C(last_event), C(age_seconds), C(events),
          C(regions) and C(connector_id). Those of the account are those of the table that its status depends on.
      type: dict
      sample: {"AWSCloudTrail": {"ingestion_status": "receiving", "events": 18034, "regions": ["us-east-1"]}}
    canary:
      description: Whether the canary event arrived.
      returned: with O(canary), if one was caused
      type: bool
      sample: true
    role_last_used:
      description: Time (C(time)) and Region (C(region)) of the last use of the role. Empty if it was never used.
      returned: with O(role_last_used)
      type: dict
      sample: {"time": "2026-11-22T17:20:00+00:00", "region": "us-east-1"}
    s3_sources:
      description:
        - The S3 sources of the account, inspected from the trail to the data connector. See
          M(trailbridge.sentinel.aws_s3_source_info).
      returned: for accounts that list S3 sources
      type: list
      elements: dict
      contains:
        table:
          description: Table of the workspace.
          type: str
          sample: AWSCloudTrail
        bucket:
          description: Name of the bucket.
          type: str
          sample: aws-controltower-logs-222222222222-eu-west-1
        broken_link:
          description:
            - The first link that is broken. V(delivery), V(notification), V(queue), V(role) or V(connector), V(null) if
              none is.
          type: str
          sample: notification
        message:
          description: What the broken link means, and its findings. Empty if no link is broken.
          type: str
          sample: "Objects arrive, nothing is sent: Bucket logs does not notify queue logs."
        findings:
          description: Everything that differs from a connection that works, each with severity, code and message.
          type: list
          elements: dict
          sample: []
        unknown:
          description: What could not be read, each with link and message.
          type: list
          elements: dict
          sample: []
        objects:
          description: The newest object, as in M(trailbridge.sentinel.aws_s3_source_info).
          type: dict
          sample: {}
        traffic:
          description: Counters of the queue, as in M(trailbridge.sentinel.aws_s3_source_info).
          type: dict
          sample: {"messages": 3, "in_flight": 1, "dead_letters": 0, "sent": 420, "received": 420, "deleted": 420}
    error:
      description: Why the role could not be assumed in the account, with C(class) and C(message).
      returned: if the role could not be assumed
      type: dict
      sample: {"class": "assume_denied", "message": "Cannot assume role OrganizationAccountAccessRole."}
failures:
  description: Accounts that O(fail_on) selects.
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
      sample: "Account 111111111111 is silent: No event arrived in the last 7 d."
failed_hosts:
  description:
    - The entries of RV(failures) for which a playbook fails the hosts, as the role does. These are all of them with
      C(-v) or if there are at most three. Otherwise it is the first one, whose message counts all of them.
  returned: success
  type: list
  elements: dict
  sample: [{"account_id": "111111111111", "host": "payments-production", "message": "90 of 1000 accounts failed."}]
notes:
  description:
    - Notes on the workspaces, such as that one has no table C(SentinelHealth), or lacks the solution "Amazon Web
      Services".
  returned: success
  type: list
  elements: str
  sample: []
error:
  description: The error for which the run could not start or not finish.
  returned: if the run could not start or not finish
  type: dict
  contains:
    class:
      description: Class of the error.
      type: str
      sample: azure_denied
"""
