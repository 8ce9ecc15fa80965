# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module `aws_role` against the emulators."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from tests.emulators import faults
from tests.emulators.client import CALLER_ACCOUNT, CUSTOMER_ID, Emulators
from tests.resources import SENTINEL, document, pinned, trust_statement

from .conftest import ACCOUNT, ARN, Module, life_cycle, written

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
OTHER_WORKSPACE = "99999999-aaaa-4bbb-8ccc-dddddddddddd"


def names(result: dict[str, Any]) -> list[str]:
    return [call["name"] for call in result["calls"]]


def trust(*ids: str, principal: str = f"arn:aws:iam::{SENTINEL}:root") -> str:
    condition = pinned([*ids]) if ids else None
    return json.dumps(document(trust_statement(Principal={"AWS": principal}, Condition=condition)))


def create_by_hand(cloud: Emulators, document: str, tags: dict[str, str] | None = None) -> Any:
    iam = cloud.boto("iam", ACCOUNT)
    pairs = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
    iam.create_role(RoleName="MicrosoftSentinelRole", AssumeRolePolicyDocument=document, Tags=pairs)
    return iam


def test_the_life_cycle_of_a_role(here: Emulators, aws_role: Module) -> None:
    create, modify, mode, delete = life_cycle(
        here,
        aws_role,
        [
            {"tags": {"owner": "security"}},
            {
                "tags": {"team": "blue"},
                "purge_tags": True,
                "description": "Other",
                "max_session_duration": 7200,
                "permissions_boundary": READ_ONLY,
                "external_ids": [OTHER_WORKSPACE],
            },
            {"permission_mode": "lookup_events", "permissions_boundary": "", "external_ids": [OTHER_WORKSPACE]},
            {"state": "absent"},
        ],
    )
    assert names(create) == ["CreateRole", "AttachRolePolicy"]
    assert create["role"]["arn"] == ARN
    assert names(modify) == [
        "TagRole",
        "UntagRole",
        "UpdateAssumeRolePolicy",
        "UpdateRole",
        "PutRolePermissionsBoundary",
    ]
    assert set(modify["role"]["tags"]) == {"team", "trailbridge.sentinel", "trailbridge.sentinel.workspace"}
    assert names(mode) == ["DeleteRolePermissionsBoundary", "PutRolePolicy", "DetachRolePolicy"]
    assert names(delete) == ["TagRole", "UpdateAssumeRolePolicy"]
    assert delete["role"]["tags"]["trailbridge.sentinel.workspace"] == OTHER_WORKSPACE


def test_a_role_that_serves_no_other_workspace_is_deleted(here: Emulators, aws_role: Module) -> None:
    _created, removed = life_cycle(here, aws_role, [{}, {"state": "absent"}])
    assert names(removed) == ["DetachRolePolicy", "DeleteRole"]
    assert removed["role"] == {}


def test_the_result_is_the_role_in_aws(here: Emulators, aws_role: Module) -> None:
    aws_role(tags={"owner": "security"}, path="/sentinel/", description="Mine")
    found = aws_role()["role"]
    assert (found["path"], found["description"], found["tags"]["owner"]) == ("/sentinel/", "Mine", "security")
    assert found["arn"] == f"arn:aws:iam::{ACCOUNT}:role/sentinel/MicrosoftSentinelRole"


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(trust(CUSTOMER_ID), id="the external id of the workspace"),
        pytest.param(trust(CUSTOMER_ID, principal="197857026523"), id="the principal as a plain account id"),
        pytest.param(trust(), id="no external id"),
    ],
)
def test_a_role_created_by_hand_for_this_workspace_is_adopted(here: Emulators, aws_role: Module, document: str) -> None:
    create_by_hand(here, document)
    result = aws_role()
    assert "TagRole" in names(result)
    assert ("UpdateAssumeRolePolicy" in names(result)) == ("sts:ExternalId" not in document)
    assert result["role"]["tags"]["trailbridge.sentinel"] == "managed"
    assert aws_role()["changed"] is False


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        pytest.param(trust(OTHER_WORKSPACE), OTHER_WORKSPACE, id="another workspace"),
        pytest.param(trust(principal="arn:aws:iam::666666666666:root"), "Microsoft", id="not Microsoft"),
        pytest.param(
            trust(OTHER_WORKSPACE).replace("StringEquals", "StringLike"),
            OTHER_WORKSPACE,
            id="another workspace, by a pattern",
        ),
    ],
)
def test_a_role_for_another_purpose_is_refused(here: Emulators, aws_role: Module, document: str, reason: str) -> None:
    create_by_hand(here, document)
    with pytest.raises(SentinelError) as caught:
        aws_role()
    assert caught.value.kind == "role_conflict"
    assert reason in str(caught.value)
    assert written(here) == []
    assert aws_role(adopt=True)["changed"] is True


def test_removal_refuses_an_unmanaged_role(here: Emulators, aws_role: Module) -> None:
    create_by_hand(here, trust(CUSTOMER_ID))
    with pytest.raises(SentinelError) as caught:
        aws_role(state="absent")
    assert caught.value.kind == "role_conflict"
    assert written(here) == []


def test_a_missing_workspace_tag_does_not_remove_other_workspaces(here: Emulators, aws_role: Module) -> None:
    aws_role(external_ids=[OTHER_WORKSPACE])
    iam = here.boto("iam", ACCOUNT)
    iam.untag_role(RoleName="MicrosoftSentinelRole", TagKeys=["trailbridge.sentinel.workspace"])
    with pytest.raises(SentinelError, match=OTHER_WORKSPACE):
        aws_role()
    assert names(aws_role(external_ids=[OTHER_WORKSPACE])) == ["TagRole"]


def test_a_role_in_an_instance_profile_is_not_changed(here: Emulators, aws_role: Module) -> None:
    aws_role()
    iam = here.boto("iam", ACCOUNT)
    iam.create_instance_profile(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="MicrosoftSentinelRole")
    here.forget()
    with pytest.raises(SentinelError, match="instance profile web") as caught:
        aws_role(state="absent")
    assert caught.value.kind == "role_conflict"
    assert written(here) == []


def test_a_missing_boundary_is_not_retried(here: Emulators, aws_role: Module) -> None:
    here.fault(
        operation="CreateRole",
        status=404,
        code="NoSuchEntity",
        message="Scope ARN: arn:aws:iam::111111111111:policy/x does not exist or is not attachable.",
    )
    with pytest.raises(SentinelError) as caught:
        aws_role()
    assert caught.value.kind == "bad_input"
    assert here.operations("iam").count("CreateRole") == 1


def test_an_error_has_the_partial_result(here: Emulators, aws_role: Module) -> None:
    here.fault(operation="AttachRolePolicy", **faults.SCP_DENIED)
    with pytest.raises(SentinelError) as caught:
        aws_role()
    assert names(caught.value.partial) == ["CreateRole"]
    assert caught.value.partial["changed"] is True


def test_removal_of_a_missing_role_changes_nothing(here: Emulators, aws_role: Module) -> None:
    assert aws_role(state="absent")["changed"] is False


def test_no_role_is_assumed_in_the_account_of_the_credentials(here: Emulators, aws_role: Module) -> None:
    result = aws_role(account_id=None, assume_role=None)
    assert result["role"]["arn"] == f"arn:aws:iam::{CALLER_ACCOUNT}:role/MicrosoftSentinelRole"
    assert "AssumeRole" not in here.operations()


def test_another_account_without_a_role_to_assume_is_refused(here: Emulators, aws_role: Module) -> None:
    with pytest.raises(SentinelError) as caught:
        aws_role(assume_role=None)
    assert caught.value.kind == "wrong_account"
    assert here.operations("iam") == []


def test_roles_to_assume_are_tried_in_order(here: Emulators, aws_role: Module) -> None:
    result = aws_role(assume_role=["AWSControlTowerExecution", "OrganizationAccountAccessRole"])
    assert result["changed"] is True
    assert here.operations("sts").count("AssumeRole") == 2


def test_a_given_workspace_id_needs_no_azure(here: Emulators, aws_role: Module) -> None:
    aws_role(workspace_id=CUSTOMER_ID, workspace=None)
    assert here.operations("azure") == []


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        pytest.param({"operation": "AttachRolePolicy", **faults.NO_SUCH_ROLE}, 2, id="the new role is not visible yet"),
        pytest.param({"operation": "CreateRole", **faults.INVALID_PRINCIPAL}, 2, id="the principal is not known yet"),
        pytest.param({"operation": "AttachRolePolicy", **faults.CONCURRENT_MODIFICATION}, 3, id="modified meanwhile"),
        pytest.param({"operation": "*Role*", **faults.THROTTLED, "service": "iam"}, 3, id="throttled"),
        pytest.param({"operation": "CreateRole", "reset": "after"}, 1, id="the response of CreateRole was lost"),
        pytest.param({"operation": "CreateRole", "reset": "before"}, 1, id="CreateRole was lost"),
        pytest.param({"operation": "AttachRolePolicy", **faults.FAILURE}, 2, id="a failure inside of IAM"),
    ],
)
def test_transient_errors_are_retried(here: Emulators, aws_role: Module, fault: dict[str, Any], times: int) -> None:
    here.fault(times=times, **fault)
    result = aws_role()
    assert result["changed"] is True
    here.heal()
    assert aws_role()["changed"] is False


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (faults.SCP_DENIED, "scp_denied"),
        (faults.BOUNDARY_DENIED, "boundary_denied"),
        (faults.IDENTITY_DENIED, "aws_denied"),
        (faults.EXPIRED_TOKEN, "transient"),
        (faults.QUOTA, "quota"),
        (faults.CLOCK_SKEW, "clock_skew"),
    ],
)
def test_each_denial_has_its_error_class(here: Emulators, aws_role: Module, refusal: dict[str, Any], kind: str) -> None:
    here.fault(operation="CreateRole", **refusal)
    with pytest.raises(SentinelError) as caught:
        aws_role()
    assert caught.value.kind == kind
    assert "CreateRole" in str(caught.value)
    assert ACCOUNT in str(caught.value)
