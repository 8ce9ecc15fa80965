# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook `stackset`, and `onboard` after it: the roles are accepted, the management account is covered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core import options
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import FIELDS
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.organization import stackset
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.run_options import STACKSET_OPTIONS
from tests.emulators.client import CALLER_ACCOUNT, Emulators

from .actions import act
from .conftest import Engine, Play

ROLE = "MicrosoftSentinelRole"


def organization(cloud: Emulators) -> tuple[str, list[str]]:
    """Create an organization with two accounts in a unit."""
    api = cloud.boto("organizations")
    api.create_organization(FeatureSet="ALL")
    root = api.list_roots()["Roots"][0]["Id"]
    unit = api.create_organizational_unit(ParentId=root, Name="pay")["OrganizationalUnit"]["Id"]
    accounts = []
    for name in ("one", "two"):
        made = api.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]["AccountId"]
        api.move_account(AccountId=made, SourceParentId=root, DestinationParentId=unit)
        accounts.append(made)
    return unit, accounts


def test_onboard_accepts_the_roles_and_covers_the_management_account(
    here: Emulators, play: Play, engine: Engine
) -> None:
    unit, accounts = organization(here)
    variables = {"sentinel_stackset_organizational_units": [unit], "sentinel_role_tags": {"owner": "security"}}
    here.forget()
    preview = play("stackset", {}, "--check", "--diff", **variables)
    assert preview.code == 0, preview.output
    assert unit in preview.output
    assert here.operations("cloudformation") == ["DescribeStackSet"]
    run = play("stackset", {}, **variables)
    assert run.code == 0, run.output
    assert run.recap["localhost"]["changed"] == 1
    for account in accounts:  # moto does not attach the policies of the template
        policy = "arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"
        here.boto("iam", account).attach_role_policy(RoleName=ROLE, PolicyArn=policy)

    hosts: dict[str, dict[str, Any]] = {account: {} for account in (*accounts, CALLER_ACCOUNT)}
    calls = engine(
        {host: {"aws_account_id": host, **own} for host, own in hosts.items()},
        sentinel_role_tags={"owner": "security"},
    )
    assert [calls[account] for account in accounts] == ["DataConnectors_CreateOrUpdate"] * 2
    assert "CreateRole" in calls[CALLER_ACCOUNT]
    assert "AttachRolePolicy" in calls[CALLER_ACCOUNT]


def test_every_option_has_a_variable() -> None:
    spec = options.AWS_SPEC | options.AZURE_SPEC | options.WORKSPACE_SPEC | options.STACKSET_SPEC | options.STATE_SPEC
    own = {option.option for option in STACKSET_OPTIONS}
    assert own | {field.option for field in FIELDS} >= spec.keys() - {"assume_role_session_policy"}
    assert own <= spec.keys()


@pytest.mark.parametrize("empty", [None, "", [], ","], ids=repr)
def test_an_empty_list_of_units_is_refused(here: Emulators, tmp_path: Path, empty: Any) -> None:
    """Without units the roles of all accounts would be removed."""
    run = act(tmp_path, "aws_stackset", {}, extra={"sentinel_stackset_organizational_units": empty})
    assert run.kind == "bad_input"
    assert "sentinel_stackset_organizational_units" in run["msg"]
    assert here.requests() == []


def test_the_module_refuses_an_empty_list_of_units() -> None:
    with pytest.raises(SentinelError) as caught:
        stackset.check_units([])
    assert caught.value.kind == "bad_input"
    stackset.check_units(None)
