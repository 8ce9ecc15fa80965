#!/usr/bin/python
# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ingestion_info
short_description: Whether the events of AWS accounts arrive in Microsoft Sentinel
version_added: 1.0.0
description:
  - Asks table C(AWSCloudTrail) of a workspace which events arrived, by account, in one query for all of them.
  - Asks table C(SentinelHealth) how the connectors are doing. That the workspace keeps none is said in RV(notes).
  - A table C(AWSCloudTrail) that does not exist yet is no error. Nothing was ever ingested then.
  - To wait until events arrive, use the role C(verify).
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
  account_ids:
    description:
      - The AWS accounts to look at, each a text of 12 digits (quote them in YAML).
      - Without it, all that have a data connector or events.
    type: list
    elements: str
  allow_silent_account_ids:
    description: Accounts that may be silent or stale without being unexpected.
    type: list
    elements: str
    default: []
notes:
  - Needs the rights to query the workspace, C(Microsoft.OperationalInsights/workspaces/query/read), and the tables
    C(AWSCloudTrail) and C(SentinelHealth), such as C(…/query/AWSCloudTrail/read). Without the right on the second one,
    why a connector fails is not known.
seealso:
  - module: trailbridge.sentinel.fleet_ingestion_info
  - module: trailbridge.sentinel.aws_connector_info
"""

EXAMPLES = r"""
- name: See which accounts have events
  trailbridge.sentinel.ingestion_info:
    resource_group: security
    workspace: sentinel
  register: ingestion

- name: Look at two accounts, one of which is hardly used
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
  description: How many accounts were looked at, and how many have each ingestion status.
  returned: success
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
  description: The accounts, by account id.
  returned: success
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
notes:
  description: What is to be said of the workspace, such as that it has no table C(SentinelHealth).
  returned: success
  type: list
  elements: str
  sample: []
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    class:
      description: Class of the error.
      type: str
      sample: azure_denied
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import modules
from ..module_utils._core.model.errors import SentinelError
from ..module_utils._core.options import AWS, AZURE, INGESTION, INGESTION_INFO, WORKSPACE


def main() -> None:
    spec = AWS | AZURE | INGESTION | WORKSPACE | INGESTION_INFO
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    try:
        result = modules.ingestion_info(module.params)
    except SentinelError as error:
        module.fail_json(msg=str(error), error={"class": error.kind})
    module.exit_json(**result)


if __name__ == "__main__":
    main()
