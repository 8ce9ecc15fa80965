#!/usr/bin/python
# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ingestion_info
short_description: Ingestion status of AWS accounts in Microsoft Sentinel
version_added: 1.0.0
description:
  - Queries the table C(AWSCloudTrail) of a workspace and the tables that its S3 connectors fill, which may be
    C(AWSVPCFlow), C(AWSGuardDuty) and C(AWSCloudWatch), for the events of all accounts, in one query.
  - Queries the table C(SentinelHealth) for the health of the connectors. RV(notes) reports if the workspace does not
    have it.
  - A table that does not exist has no events. This is not an error.
  - Use the role C(verify) to wait until events arrive.
author:
  - trailbridge contributors (@trailbridge)
extends_documentation_fragment:
  - trailbridge.sentinel.attributes
  - trailbridge.sentinel.interpreter
  - trailbridge.sentinel.aws
  - trailbridge.sentinel.azure
  - trailbridge.sentinel.ingestion
  - trailbridge.sentinel.workspace
attributes:
  diff_mode:
    support: none
options:
  account_ids:
    description:
      - IDs of the AWS accounts. Quote them, since YAML reads some IDs as octal numbers.
      - If not set, all accounts that have a CloudTrail connector, an S3 connection of another table than
        C(AWSCloudTrail), or events are evaluated.
    type: list
    elements: str
  allow_silent_account_ids:
    description: IDs of accounts that are allowed to be silent or stale.
    type: list
    elements: str
    default: []
notes:
  - Requires the permissions to query the workspace, C(Microsoft.OperationalInsights/workspaces/query/read), and the
    tables, such as C(…/query/AWSCloudTrail/read). Without the permission on C(SentinelHealth), the cause of a failing
    connector is not reported.
seealso:
  - module: trailbridge.sentinel.fleet_ingestion_info
  - module: trailbridge.sentinel.aws_connector_info
"""

EXAMPLES = r"""
- name: Read the ingestion status of all accounts
  trailbridge.sentinel.ingestion_info:
    resource_group: security
    workspace: sentinel
  register: ingestion

- name: Read the ingestion status of two accounts, one of which is rarely used
  trailbridge.sentinel.ingestion_info:
    resource_group: security
    workspace: sentinel
    account_ids:
      - "111111111111"
      - "222222222222"
    allow_silent_account_ids:
      - "222222222222"
    stale_after: 12h
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
  description: The accounts by account ID.
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
    role_last_used:
      description: Time (C(time)) and Region (C(region)) of the last use of the role. Empty if it was never used.
      returned: with O(role_last_used)
      type: dict
      sample: {"time": "2026-11-22T17:20:00+00:00", "region": "us-east-1"}
    error:
      description: Why the role could not be assumed in the account, with C(class) and C(message).
      returned: if the role could not be assumed
      type: dict
      sample: {"class": "assume_denied", "message": "Cannot assume role OrganizationAccountAccessRole."}
notes:
  description:
    - Notes on the workspace, such as that it has no table C(SentinelHealth), or not the solution "Amazon Web Services".
  returned: success
  type: list
  elements: str
  sample: []
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
from ..module_utils._core.options import AWS_SPEC, AZURE_SPEC, INGESTION_INFO_SPEC, INGESTION_SPEC, WORKSPACE_SPEC


def main() -> None:
    spec = AWS_SPEC | AZURE_SPEC | INGESTION_SPEC | WORKSPACE_SPEC | INGESTION_INFO_SPEC
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    try:
        result = modules.ingestion_info(module.params)
    except SentinelError as error:
        module.fail_json(**modules.failure(error, module._verbosity))  # noqa: SLF001 nothing else knows it
    module.exit_json(**result)


if __name__ == "__main__":
    main()
