# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide "Moving from the portal": roles and connectors of the portal are listed, and adopted as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role import role
from tests.emulators.client import CUSTOMER_ID, Emulators
from tests.faults.world import arn_of, connector
from tests.unit.playbooks.test_examples import run

INVENTORY = "by_hand.inventory.yml"
ROLES = {"111111111111": "AzureSentinelRole", "111111111112": "sentinel-cloudtrail"}
OTHER_WORKSPACE = "22222222-aaaa-4aaa-8aaa-222222222222"
FINDINGS = {"111111111111": "role_unmanaged", "111111111112": "trust_external_id_foreign, role_unmanaged"}
POLICY = "arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"


def connect_in_the_portal(cloud: Emulators) -> None:
    """Connect two accounts as the pages of the portal describe it; the second role also serves another workspace."""
    for account, name in ROLES.items():
        ids = [CUSTOMER_ID] if account == "111111111111" else [CUSTOMER_ID, OTHER_WORKSPACE]
        document = json.dumps(role.trust(role.MICROSOFT_ACCOUNT, ids))
        iam = cloud.boto("iam", account)
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
        iam.attach_role_policy(RoleName=name, PolicyArn=POLICY)
        cloud.seed_connector(connector(f"by-hand-{account}", arn_of(account, name)))


def roles_by_connector(cloud: Emulators) -> dict[str, Any]:
    return {raw["name"]: raw["properties"]["awsRoleArn"] for raw in cloud.connectors()}


def test_roles_and_connectors_of_the_portal_are_listed_and_adopted(cloud: Emulators, tmp_path: Path) -> None:
    connect_in_the_portal(cloud)
    before = roles_by_connector(cloud)
    cloud.forget()
    output = run(cloud, tmp_path, INVENTORY, "by_hand.yml")
    assert [one for one in cloud.requests(write=True) if one["service"] != "sts"] == []
    for account, name in ROLES.items():
        assert f"by-hand-{account}" in output
        assert f'"{arn_of(account, name)}: {FINDINGS[account]}"' in output
    cloud.forget()
    run(cloud, tmp_path, INVENTORY, "trailbridge.sentinel.onboard")
    written = [one["operation"] for one in cloud.requests(write=True) if one["service"] != "sts"]
    assert written == ["TagRole", "TagRole"]
    assert roles_by_connector(cloud) == before
