# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The template creates the desired role, and a plan turns one StackSet into the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.organization.stackset import (
    MAX_TEMPLATE_BYTES,
    RESOURCE,
    StackSet,
    StackSetSpec,
    overlay,
    plan,
    show,
    template,
    validate,
    without,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role import plan as role_plan
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role import role as roles

WORKSPACE = "cccccccc-aaaa-4aaa-8aaa-cccccccccccc"
SPEC = StackSetSpec("Eyes", {"Resources": {}}, "eu-central-1")
UNITS = [f"ou-ab12-{number:08}" for number in range(120)]


def properties(**spec: Any) -> dict[str, Any]:
    role = roles.overlay(roles.RoleSpec("", WORKSPACE, **spec), None)
    found: dict[str, Any] = template(role)["Resources"][RESOURCE]["Properties"]
    return found


def made(**spec: Any) -> roles.Role:
    """The role that CloudFormation creates from the template, with its additional tags."""
    found = properties(**spec)
    return roles.Role(
        name=found["RoleName"],
        arn=f"arn:aws:iam::111111111111:role{found['Path']}{found['RoleName']}",
        path=found["Path"],
        description=found["Description"],
        max_session_duration=found["MaxSessionDuration"],
        trust=found["AssumeRolePolicyDocument"],
        permissions_boundary=found.get("PermissionsBoundary"),
        tags={tag["Key"]: tag["Value"] for tag in found["Tags"]} | {"aws:cloudformation:stack-name": "x"},
        managed_policies=frozenset(found.get("ManagedPolicyArns", [])),
        inline_policies={one["PolicyName"]: one["PolicyDocument"] for one in found.get("Policies", [])},
    )


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"permission_mode": "lookup_events"},
        {"tags": {"owner": "security"}, "purge_tags": True},
        {"path": "/a/", "description": "Other", "max_session_duration": 7200},
        {"permissions_boundary": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
        {"external_ids": ("22222222-aaaa-4aaa-8aaa-111111111111",)},
        {"microsoft_account_id": "222222222222"},
    ],
)
def test_the_role_of_the_template_needs_no_repair_with_the_same_options(spec: dict[str, Any]) -> None:
    have, spec_of_account = made(**spec), roles.RoleSpec("111111111111", WORKSPACE, **spec)
    assert role_plan.plan(have, roles.overlay(spec_of_account, have)) == []
    assert roles.findings(spec_of_account, have) == []


def test_a_customer_managed_boundary_is_that_of_each_account() -> None:
    found = properties(permissions_boundary="arn:aws:iam::111111111111:policy/a/${x}")
    assert found["PermissionsBoundary"] == {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:policy/a/${!x}"}


def test_a_template_names_no_account() -> None:
    assert "111111111111" not in str(properties(permissions_boundary="arn:aws:iam::111111111111:policy/a"))


def names(have: StackSet | None, want: StackSet | None) -> list[str]:
    return [call.name for call in plan(have, want)]


def test_omitted_options_are_left_alone() -> None:
    have = overlay(replace(SPEC, units=(UNITS[0],), auto_deployment=False, retain=True), None)
    assert plan(have, overlay(SPEC, have)) == []


def test_a_new_stackset_deploys_automatically_and_retains_nothing() -> None:
    (call,) = plan(None, overlay(SPEC, None))
    assert call.args["AutoDeployment"] == {"Enabled": True, "RetainStacksOnAccountRemoval": False}
    assert call.args["PermissionModel"] == "SERVICE_MANAGED"


def test_retain_is_sent_only_with_automatic_deployment() -> None:
    (call,) = plan(None, overlay(replace(SPEC, auto_deployment=False, retain=True), None))
    assert call.args["AutoDeployment"] == {"Enabled": False}


def test_retain_without_automatic_deployment_is_no_difference() -> None:
    want = overlay(replace(SPEC, auto_deployment=False, retain=True), None)
    assert plan(replace(want, retain=False), want) == []


def test_units_are_removed_before_others_are_added() -> None:
    """Deleting the stacks of a unit includes the units below it, and one of these may be desired."""
    have = overlay(replace(SPEC, units=("r-ab12",)), None)
    want = overlay(replace(SPEC, units=(UNITS[0],)), have)
    assert names(have, want) == ["DeleteStackInstances", "CreateStackInstances"]


def test_settings_are_changed_before_units_are_added() -> None:
    have = overlay(replace(SPEC, units=(UNITS[0],)), None)
    want = overlay(replace(SPEC, template={"Resources": {"x": {}}}, units=(UNITS[0], UNITS[1])), have)
    assert names(have, want) == ["UpdateStackSet", "CreateStackInstances"]


@given(st.sets(st.sampled_from(UNITS)), st.sets(st.sampled_from(UNITS)))
def test_a_plan_has_every_unit_once_and_at_most_fifty_per_call(before: set[str], after: set[str]) -> None:
    have = replace(overlay(SPEC, None), units=frozenset(before))
    found = {"DeleteStackInstances": set(), "CreateStackInstances": set()}  # type: dict[str, set[str]]
    for call in plan(have, replace(have, units=frozenset(after))):
        units = call.args["DeploymentTargets"]["OrganizationalUnitIds"]
        assert 0 < len(units) <= 50
        assert found[call.name].isdisjoint(units)
        found[call.name] |= set(units)
    assert found == {"DeleteStackInstances": before - after, "CreateStackInstances": after - before}


def test_the_region_of_existing_stacks_is_kept() -> None:
    have = replace(overlay(SPEC, None), regions=frozenset({"us-east-1"}))
    assert overlay(SPEC, have).regions == {"us-east-1"}


@pytest.mark.parametrize(("kept", "given_now", "sent"), [(True, None, True), (True, False, False), (False, True, True)])
def test_removal_retains_roles_as_last_set(kept: bool, given_now: bool | None, sent: bool) -> None:
    have = replace(overlay(replace(SPEC, units=(UNITS[0],)), None), retain=kept)
    instances, whole = plan(have, None, retain=given_now)
    assert instances.args["RetainStacks"] is sent
    assert whole.name == "DeleteStackSet"


def test_one_failing_account_does_not_stop_the_others() -> None:
    (_create, call) = plan(None, overlay(replace(SPEC, units=(UNITS[0],)), None))
    assert call.args["OperationPreferences"]["FailureTolerancePercentage"] == 100


@pytest.mark.parametrize("function", [overlay, without])
def test_a_stackset_that_is_not_managed_is_rejected(function: Any) -> None:
    foreign = StackSet("Eyes", {}, tags={"owner": "x"})
    with pytest.raises(SentinelError, match="does not carry the tag"):
        function(SPEC, foreign)
    function(replace(SPEC, adopt=True), foreign)


def test_a_template_that_is_too_long_is_rejected() -> None:
    long = {"Resources": {"x": "y" * MAX_TEMPLATE_BYTES}}
    with pytest.raises(SentinelError, match="51,200"):
        validate(replace(SPEC, template=long))


def test_a_missing_stackset_is_shown_as_an_empty_dict() -> None:
    assert show(None) == {}
    assert plan(None, None) == []
