# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module `aws_stackset` against the emulators, and `aws_role` with the role of its template."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from tests.emulators.client import CALLER_ACCOUNT, CUSTOMER_ID, Emulators

from .conftest import Module, Result, life_cycle, written

ROLE = "MicrosoftSentinelRole"
BOUNDARY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


class Tree(NamedTuple):
    """An organization: two units, and an account in each."""

    units: tuple[str, str]
    accounts: tuple[str, str]


@pytest.fixture
def tree(here: Emulators) -> Tree:
    api = here.boto("organizations")
    api.create_organization(FeatureSet="ALL")
    root = api.list_roots()["Roots"][0]["Id"]
    units, accounts = [], []
    for name in ("pay", "web"):
        unit = api.create_organizational_unit(ParentId=root, Name=name)["OrganizationalUnit"]["Id"]
        made = api.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]["AccountId"]
        api.move_account(AccountId=made, SourceParentId=root, DestinationParentId=unit)
        units.append(unit)
        accounts.append(made)
    here.forget()
    return Tree((units[0], units[1]), (accounts[0], accounts[1]))


def names(result: Result) -> list[str]:
    return [call["name"] for call in result["calls"]]


def attach_policies_that_moto_omits(cloud: Emulators, result: Result, account: str) -> None:
    """Attach the policies of the template: moto omits the managed ones and garbles the inline ones."""
    (resource,) = result["stackset"]["template"]["Resources"].values()
    iam = cloud.boto("iam", account)
    for arn in resource["Properties"].get("ManagedPolicyArns", []):
        iam.attach_role_policy(RoleName=ROLE, PolicyArn=arn)
    for policy in resource["Properties"].get("Policies", []):
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=ROLE, PolicyName=policy["PolicyName"], PolicyDocument=document)


def has_role(cloud: Emulators, account: str) -> bool:
    return ROLE in {role["RoleName"] for role in cloud.boto("iam", account).list_roles()["Roles"]}


def test_the_life_cycle_of_a_stackset(here: Emulators, aws_stackset: Module, tree: Tree) -> None:
    pay, web = tree.units
    create, move, change, delete = life_cycle(
        here,
        aws_stackset,
        [
            {"organizational_units": [pay], "role_tags": {"owner": "security"}},
            {"organizational_units": [web], "role_tags": {"owner": "security"}},
            {"role_tags": {"owner": "blue"}, "retain": True, "permission_mode": "lookup_events"},
            {"state": "absent", "retain": False},
        ],
    )
    assert names(create) == ["CreateStackSet", "CreateStackInstances"]
    assert names(move) == ["DeleteStackInstances", "CreateStackInstances"]
    assert [item["after"] for item in move["diff"]] == [{"organizational_units": [web]}]
    assert names(change) == ["UpdateStackSet"]
    assert change["stackset"]["organizational_units"] == [web]
    assert change["stackset"]["retain"] is True
    assert names(delete) == ["DeleteStackInstances", "DeleteStackSet"]
    assert delete["stackset"] == {}


def test_it_deploys_only_to_the_accounts_of_its_units(here: Emulators, aws_stackset: Module, tree: Tree) -> None:
    aws_stackset(organizational_units=[tree.units[0]])
    assert [has_role(here, account) for account in (*tree.accounts, CALLER_ACCOUNT)] == [True, False, False]


@pytest.mark.parametrize("mode", ["managed", "lookup_events"])
def test_its_role_is_as_aws_role_expects(
    here: Emulators, aws_stackset: Module, aws_role: Module, tree: Tree, mode: str
) -> None:
    spec: dict[str, Any] = {"permission_mode": mode, "external_ids": ["99999999-aaaa-4bbb-8ccc-dddddddddddd"]}
    role = {"tags": {"owner": "security"}, "max_session_duration": 7200, "permissions_boundary": BOUNDARY}
    made = aws_stackset(
        organizational_units=[tree.units[0]], **spec, **{f"role_{name}": value for name, value in role.items()}
    )
    attach_policies_that_moto_omits(here, made, tree.accounts[0])
    result = aws_role(account_id=tree.accounts[0], **spec, **role)
    assert (result["calls"], result["findings"], result["diff"]) == ([], [], [])


def test_more_than_fifty_units_take_several_calls(here: Emulators, aws_stackset: Module) -> None:
    units = [f"ou-ab12-{number:08}" for number in range(120)]
    result = aws_stackset(organizational_units=units)
    sizes = [
        len(call["args"]["DeploymentTargets"]["OrganizationalUnitIds"])
        for call in result["calls"]
        if call["name"] == "CreateStackInstances"
    ]
    assert sizes == [50, 50, 20]
    assert aws_stackset(organizational_units=units)["changed"] is False


def test_an_unmanaged_stackset_is_refused(here: Emulators, aws_stackset: Module) -> None:
    body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    api = here.boto("cloudformation")
    api.create_stack_set(StackSetName=ROLE, TemplateBody=body, PermissionModel="SERVICE_MANAGED")
    here.forget()
    for state in ("present", "absent"):
        with pytest.raises(SentinelError) as caught:
            aws_stackset(state=state)
        assert caught.value.kind == "stackset_conflict"
    assert written(here) == []
    assert names(aws_stackset(adopt=True)) == ["UpdateStackSet"]


def test_a_self_managed_stackset_cannot_be_adopted(here: Emulators, aws_stackset: Module) -> None:
    here.boto("cloudformation").create_stack_set(StackSetName=ROLE, TemplateBody="{}", PermissionModel="SELF_MANAGED")
    with pytest.raises(SentinelError) as caught:
        aws_stackset(adopt=True)
    assert caught.value.kind == "stackset_conflict"


def test_an_operation_in_progress_is_waited_for(here: Emulators, aws_stackset: Module, tree: Tree) -> None:
    here.fault(
        operation="CreateStackInstances",
        times=2,
        status=409,
        code="OperationInProgressException",
        message="Another operation is in progress.",
    )
    assert aws_stackset(organizational_units=[tree.units[0]])["changed"] is True
    assert here.operations("cloudformation").count("CreateStackInstances") == 3


def test_a_denied_read_does_not_count_as_absent(here: Emulators, aws_stackset: Module) -> None:
    here.fault(operation="DescribeStackSet", status=403, code="AccessDenied", message="Not authorized.")
    with pytest.raises(SentinelError) as caught:
        aws_stackset()
    assert caught.value.kind == "aws_denied"
    assert written(here) == []


def test_delegated_administrator_is_part_of_every_call(here: Emulators, aws_stackset: Module) -> None:
    aws_stackset(delegated_administrator=True)
    assert aws_stackset(delegated_administrator=True)["changed"] is False


@pytest.mark.parametrize(
    ("option", "value"),
    [("name", "1st"), ("name", "x" * 129), ("organizational_units", ["pay"]), ("assume_role", ["JustAName"])],
)
def test_invalid_options_fail_before_the_first_request(
    here: Emulators, aws_stackset: Module, option: str, value: object
) -> None:
    with pytest.raises(SentinelError) as caught:
        aws_stackset(**{option: value})
    assert caught.value.kind == "bad_input"
    assert option in str(caught.value)
    assert here.requests("cloudformation") == []


def test_the_workspace_id_is_read_from_the_workspace(here: Emulators, aws_stackset: Module) -> None:
    made = aws_stackset(workspace_id=None, resource_group="security", workspace="sentinel", check_mode=True)
    assert CUSTOMER_ID in json.dumps(made["stackset"]["template"])


def test_removal_needs_no_workspace(here: Emulators, aws_stackset: Module) -> None:
    assert aws_stackset(state="absent", workspace_id=None)["changed"] is False
    assert here.requests("azure") == []
