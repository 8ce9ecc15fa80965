# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of `fleet_ingestion_info`; plugins/action/fleet_ingestion_info.py does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_ingestion_info
short_description: Waits until the events of many AWS accounts arrive in Microsoft Sentinel
version_added: 1.0.0
description:
  - Asks in one query for all accounts of the batch whether their events arrive, again and again until all do or the
    time is over. Then evaluates each account.
  - Works in one task for all accounts. No process is started for an account, and nothing connects to its host.
  - The accounts are the hosts of the batch. Each host's variables are read by this plugin itself. C(aws_account_id) is
    the account (the host name where that is 12 digits), C(sentinel_<option>) says how to get in and which workspace.
    C(sentinel_allow_silent) and C(sentinel_verify_stale_after) set O(allow_silent) and O(stale_after) for a group or
    one host.
  - An account without a data connector that is enabled is not waited for.
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
      - How long to wait until the events of every account arrive, written as O(lookback). V(30m) when not given.
      - V(0) looks once. The first events of a new connector take 5 to 30 minutes.
    type: str
    default: 30m
  allow_silent:
    description:
      - Whether accounts may be silent or stale without being unexpected. They are not waited for then, unless with
        O(canary).
      - They may not, unless this is V(true).
    type: bool
    default: false
  canary:
    description:
      - Whether to cause a canary event in every account first. This is one C(sts:AssumeRole) by the roles of
        O(assume_role), with a session name that nobody else uses. The wait is then for events with that name, which
        also proves accounts in which little happens.
      - In the account of the source credentials no role is assumed. It is evaluated by its other events.
      - No event is caused, unless this is V(true).
    type: bool
    default: false
  concurrency:
    description: The most accounts that are worked on at the same time, for O(canary) and O(role_last_used).
    type: int
    default: 64
  max_fail_percentage:
    description:
      - How many per cent of the accounts may be listed under RV(failures) before the task fails. Everything is returned
        either way.
    type: float
    default: 0
  report_dir:
    description: Folder in which the run leaves its report. None is written when not given.
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
      - Whether accounts that are not as they should be are listed under RV(failures). V(never) lists none.
      - V(drift) and V(security) list them all; both are there because other plays share the variable.
    type: str
    choices: [drift, security, never]
    default: drift
notes:
  - It is an action plugin that runs once per batch. Its environment is that of C(ansible-playbook), and a C(when) on
    the task is asked of the first host alone.
  - The strategies C(free) and C(host_pinned) refuse it, since they would run it once per host.
seealso:
  - module: trailbridge.sentinel.ingestion_info
  - module: trailbridge.sentinel.fleet
"""

EXAMPLES = r"""
- name: Wait until the accounts of the inventory have events
  trailbridge.sentinel.fleet_ingestion_info:
    resource_group: security
    workspace: sentinel
    wait: 45m
  run_once: true

- name: Prove every account, also those that nobody uses
  trailbridge.sentinel.fleet_ingestion_info:
    resource_group: security
    workspace: sentinel
    assume_role: OrganizationAccountAccessRole
    canary: true
  run_once: true
"""

RETURN = r"""
summary:
  description: How many accounts were looked at, and how many have each ingestion status.
  returned: always, unless the run could not start
  type: dict
  contains:
    accounts:
      description: All accounts.
      type: int
      sample: 40
    receiving:
      description: Their events arrive.
      type: int
      sample: 37
    stale:
      description: Their last event is old.
      type: int
      sample: 1
    silent:
      description: No event arrived.
      type: int
      sample: 1
    unhealthy:
      description: Microsoft Sentinel reports that it cannot fetch their events.
      type: int
      sample: 1
    not_connected:
      description: No data connector that is enabled reads them.
      type: int
      sample: 0
    unknown:
      description: Log Analytics answered in part only, and not about them.
      type: int
      sample: 0
accounts:
  description:
    - The accounts that are not as they should be, or of which there is something else to say, by account id.
    - All others are only counted.
  returned: always, unless the run could not start
  type: dict
  contains:
    ingestion_status:
      description:
        - V(receiving), V(stale), V(silent), V(unhealthy), V(not_connected), or V(unknown) where Log Analytics answered
          in part only.
      type: str
      sample: receiving
    as_expected:
      description: Whether that is as it should be; accounts that are allowed to be silent may be silent or stale.
      type: bool
      sample: true
    message:
      description: Why, in a sentence, and what to do about it. Empty where events arrive.
      type: str
      sample: No event arrived in the last 7 d.
    last_event:
      description: When the last event arrived, V(null) for none.
      type: str
      sample: "2026-11-22T17:20:15Z"
    age_seconds:
      description: How many seconds ago that is, V(null) for none.
      type: int
      sample: 312
    events:
      description: How many events arrived within O(lookback).
      type: int
      sample: 18034
    regions:
      description: The Regions that they are of, at most 50.
      type: list
      elements: str
      sample: [eu-central-1, us-east-1]
    connector_id:
      description: ARM id of the data connector, empty for none.
      type: str
      sample: /subscriptions/…/providers/Microsoft.SecurityInsights/dataConnectors/9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d
    role_arn:
      description: ARN of the role that the data connector names.
      type: str
      sample: arn:aws:iam::111111111111:role/MicrosoftSentinelRole
    health:
      description: What Microsoft Sentinel last said of the data connector. Empty where it said nothing.
      type: dict
      contains:
        failed:
          description: Whether it cannot fetch events.
          type: bool
          sample: true
        time:
          description: When it said so.
          type: str
          sample: "2026-11-22T16:00:00Z"
        reason:
          description: Code of the first failure.
          type: str
          sample: AccessDenied
        message:
          description: Text of the first failure.
          type: str
          sample: Access denied
    canary:
      description: Whether the canary event arrived.
      returned: with O(canary), where one was left
      type: bool
      sample: true
    role_last_used:
      description: When (C(time)) and in which Region (C(region)) the role was used last. Empty for never.
      returned: with O(role_last_used)
      type: dict
      sample: {"time": "2026-11-22T17:20:00+00:00", "region": "us-east-1"}
    error:
      description: Why the account could not be entered, with C(class) and C(message).
      returned: when it could not
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
      sample: "Account 111111111111 is silent: No event arrived in the last 7 d."
notes:
  description: What is to be said of the workspaces, such as that one has no table C(SentinelHealth).
  returned: always, unless the run could not start
  type: list
  elements: str
  sample: []
error:
  description: Why the run could not start, or not end.
  returned: when it could not
  type: dict
  contains:
    class:
      description: Class of the error.
      type: str
      sample: azure_denied
"""
