# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every drift has its calls, its order and its finding; a plan that is carried out leaves nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Any

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import CODES, MANUAL, Finding
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.plan import plan
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.role import (
    INLINE_POLICY,
    LOOKUP_EVENTS,
    Role,
    RoleSpec,
    findings,
    overlay,
    trust,
    without,
)
from tests.resources import SENTINEL, A, B, C, managed_tags

ACCOUNT = "111111111111"
OTHER = "222222222222"
NAME = "MicrosoftSentinelRole"
READ_ONLY = "arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"
REPLACED = "arn:aws:iam::aws:policy/AWSCloudTrailReadOnlyAccess"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
FENCE = f"arn:aws:iam::{ACCOUNT}:policy/fence"
WALL = f"arn:aws:iam::{ACCOUNT}:policy/wall"
WIDE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
FOREIGN = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sts:AssumeRole"}


def spec(**changes: Any) -> RoleSpec:
    return RoleSpec(**{"account_id": ACCOUNT, "workspace_id": A, **changes})


def call(name: str, **args: Any) -> Call:
    return Call(name, {"RoleName": NAME, **args})


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


def repair(options: RoleSpec, have: Role | None) -> list[Call]:
    return plan(have, overlay(options, have))


RIGHT = overlay(spec(), None)
LEAST = overlay(spec(permission_mode="lookup_events"), None)
CREATE = call(
    "CreateRole",
    Path="/",
    AssumeRolePolicyDocument=trust(SENTINEL, [A]),
    Description="Lets Microsoft Sentinel read AWS CloudTrail",
    MaxSessionDuration=3600,
    Tags=pairs(managed_tags(A)),
)
TRUST = call("UpdateAssumeRolePolicy", PolicyDocument=trust(SENTINEL, [A]))
ATTACH = call("AttachRolePolicy", PolicyArn=READ_ONLY)
PUT = call("PutRolePolicy", PolicyName="MicrosoftSentinelLookupEvents", PolicyDocument=LOOKUP_EVENTS)


def tag(**tags: str) -> Call:
    return call("TagRole", Tags=pairs(tags))


def repairable(options: RoleSpec, have: Role | None) -> list[Finding]:
    """The findings that a run repairs."""
    return [one for one in findings(options, have) if CODES[one.code].repaired_by != (MANUAL,)]


def update(description: str = RIGHT.description, duration: int = 3600) -> Call:
    return call("UpdateRole", Description=description, MaxSessionDuration=duration)


def detach(arn: str) -> Call:
    return call("DetachRolePolicy", PolicyArn=arn)


def drop(name: str) -> Call:
    return call("DeleteRolePolicy", PolicyName=name)


# --- a new role ---


def test_a_new_role_is_created_with_trust_policy_and_tags_before_its_policy() -> None:
    assert repair(spec(), None) == [CREATE, ATTACH]


def test_a_new_role_in_the_mode_lookup_events_gets_the_inline_policy() -> None:
    assert repair(spec(permission_mode="lookup_events"), None) == [CREATE, PUT]


def test_a_new_role_is_created_with_all_settings() -> None:
    options = spec(
        name="Eyes",
        path="/security/",
        description="Sees",
        max_session_duration=7200,
        permissions_boundary=FENCE,
        tags={"owner": "us"},
        external_ids=(B,),
    )
    assert repair(options, None) == [
        Call(
            "CreateRole",
            {
                "RoleName": "Eyes",
                "Path": "/security/",
                "AssumeRolePolicyDocument": trust(SENTINEL, [A, B]),
                "Description": "Sees",
                "MaxSessionDuration": 7200,
                "Tags": pairs(managed_tags(A, B, owner="us")),
                "PermissionsBoundary": FENCE,
            },
        ),
        Call("AttachRolePolicy", {"RoleName": "Eyes", "PolicyArn": READ_ONLY}),
    ]


@pytest.mark.parametrize("boundary", [None, ""])
def test_a_new_role_without_a_boundary_has_no_empty_argument(boundary: str | None) -> None:
    assert "PermissionsBoundary" not in repair(spec(permissions_boundary=boundary), None)[0].args


def test_a_crash_after_the_creation_is_repaired_by_the_rest_of_the_plan() -> None:
    assert repair(spec(), replace(RIGHT, managed_policies=frozenset())) == [ATTACH]


# --- drift ---

# The options, the existing role, the codes of the findings, and the calls of the repair.
DRIFT: dict[str, tuple[RoleSpec, Role, list[str], list[Call]]] = {
    "nothing": (spec(), RIGHT, [], []),
    "nothing, least privilege": (spec(permission_mode="lookup_events"), LEAST, [], []),
    "nothing, with all options": (
        spec(
            path="/",
            description=RIGHT.description,
            max_session_duration=3600,
            permissions_boundary="",
            tags={},
            purge_tags=True,
        ),
        RIGHT,
        [],
        [],
    ),
    "the trust policy trusts another account": (
        spec(),
        replace(RIGHT, trust={**RIGHT.trust, "Statement": [*RIGHT.trust["Statement"], FOREIGN]}),
        ["trust_account_foreign"],
        [TRUST],
    ),
    "the trust policy has an unknown id": (
        spec(),
        replace(RIGHT, trust=trust(SENTINEL, [A, C])),
        ["trust_external_id_foreign"],
        [TRUST],
    ),
    "the trust policy lacks an expected workspace": (
        spec(external_ids=(B,)),
        replace(RIGHT, tags=managed_tags(A, B)),
        ["trust_workspace_missing"],
        [call("UpdateAssumeRolePolicy", PolicyDocument=trust(SENTINEL, [A, B]))],
    ),
    "the trust policy lacks the id": (
        spec(),
        replace(RIGHT, trust=trust(SENTINEL, [B]), tags=managed_tags(A, B)),
        ["trust_workspace_missing", "role_shared"],
        [call("UpdateAssumeRolePolicy", PolicyDocument=trust(SENTINEL, [A, B]))],
    ),
    "the trust policy is empty": (
        spec(),
        replace(RIGHT, trust={"Version": "2012-10-17", "Statement": []}),
        ["trust_sentinel_missing"],
        [TRUST],
    ),
    "the description": (
        spec(description="Sees"),
        RIGHT,
        ["role_description"],
        [update("Sees")],
    ),
    "a description to remove": (spec(description=""), RIGHT, ["role_description"], [update("")]),
    "a description left alone, beside a session": (
        spec(max_session_duration=3600),
        replace(RIGHT, description="By hand", max_session_duration=7200),
        ["role_session_raised"],
        [update("By hand")],
    ),
    "the session is longer": (
        spec(max_session_duration=3600),
        replace(RIGHT, max_session_duration=43200),
        ["role_session_raised"],
        [update()],
    ),
    "the session is shorter": (
        spec(max_session_duration=7200),
        RIGHT,
        ["role_session_lowered"],
        [update(duration=7200)],
    ),
    "the boundary is missing": (
        spec(permissions_boundary=FENCE),
        RIGHT,
        ["role_boundary_missing"],
        [call("PutRolePermissionsBoundary", PermissionsBoundary=FENCE)],
    ),
    "the boundary is another one": (
        spec(permissions_boundary=FENCE),
        replace(RIGHT, permissions_boundary=WALL),
        ["role_boundary_changed"],
        [call("PutRolePermissionsBoundary", PermissionsBoundary=FENCE)],
    ),
    "the boundary is to be removed": (
        spec(permissions_boundary=""),
        replace(RIGHT, permissions_boundary=WALL),
        ["role_boundary_extra"],
        [call("DeleteRolePermissionsBoundary")],
    ),
    "a boundary that no option sets": (
        spec(),
        replace(RIGHT, permissions_boundary=WALL),
        ["role_boundary_unexpected"],
        [],
    ),
    "a session that no option sets": (
        spec(),
        replace(RIGHT, max_session_duration=43200),
        ["role_session_long"],
        [],
    ),
    "a tag is missing": (spec(tags={"owner": "us"}), RIGHT, ["role_tags"], [tag(owner="us")]),
    "a tag has another value": (
        spec(tags={"owner": "us", "cost": "1"}),
        replace(RIGHT, tags=managed_tags(A, owner="them", cost="1")),
        ["role_tags"],
        [tag(owner="us")],
    ),
    "an additional tag": (
        spec(tags={}),
        replace(RIGHT, tags=managed_tags(A, owner="us")),
        [],
        [],
    ),
    "an additional tag, with purge": (
        spec(tags={}, purge_tags=True),
        replace(RIGHT, tags=managed_tags(A, owner="us", cost="1", **{"aws:stack": "x"})),
        ["role_tags"],
        [call("UntagRole", TagKeys=["cost", "owner"])],
    ),
    "tags to add and to remove": (
        spec(tags={"new": "1", "also": "2"}, purge_tags=True),
        replace(RIGHT, tags=managed_tags(A, old="1")),
        ["role_tags"],
        [tag(also="2", new="1"), call("UntagRole", TagKeys=["old"])],
    ),
    "a tag of AWS": (
        spec(tags={}, purge_tags=True),
        replace(RIGHT, tags=managed_tags(A, **{"aws:cloudformation:stack-name": "x"})),
        [],
        [],
    ),
    "the workspace tag": (
        spec(),
        replace(RIGHT, tags=managed_tags()),
        ["role_tags"],
        [tag(**{"trailbridge.sentinel.workspace": A})],
    ),
    "not tagged as managed": (
        spec(),
        replace(RIGHT, tags={"owner": "us"}),
        ["role_unmanaged"],
        [tag(**managed_tags(A))],
    ),
    "the policy is missing": (
        spec(),
        replace(RIGHT, managed_policies=frozenset()),
        ["permission_policy_missing"],
        [ATTACH],
    ),
    "an unexpected policy": (
        spec(),
        replace(RIGHT, managed_policies=RIGHT.managed_policies | {ADMIN}),
        ["permission_policy_extra"],
        [detach(ADMIN)],
    ),
    "the old policy instead of the new one": (
        spec(),
        replace(RIGHT, managed_policies=frozenset({REPLACED})),
        ["permission_policy_outdated", "permission_policy_missing"],
        [ATTACH, detach(REPLACED)],
    ),
    "the old policy beside the new one": (
        spec(),
        replace(RIGHT, managed_policies=RIGHT.managed_policies | {REPLACED}),
        ["permission_policy_outdated"],
        [detach(REPLACED)],
    ),
    "the new policy of another partition": (
        spec(),
        replace(RIGHT, managed_policies=frozenset({READ_ONLY.replace("arn:aws:", "arn:aws-cn:")})),
        ["permission_policy_extra", "permission_policy_missing"],
        [ATTACH, detach(READ_ONLY.replace("arn:aws:", "arn:aws-cn:"))],
    ),
    "an unexpected inline policy": (
        spec(),
        replace(RIGHT, inline_policies={"wide": WIDE}),
        ["permission_inline_extra"],
        [drop("wide")],
    ),
    "the inline policy is missing": (
        spec(permission_mode="lookup_events"),
        replace(LEAST, inline_policies={}),
        ["permission_inline_missing"],
        [PUT],
    ),
    "the inline policy was widened": (
        spec(permission_mode="lookup_events"),
        replace(LEAST, inline_policies={INLINE_POLICY: WIDE}),
        ["permission_inline_changed"],
        [PUT],
    ),
    "from managed to least privilege": (
        spec(permission_mode="lookup_events"),
        RIGHT,
        ["permission_policy_extra", "permission_inline_missing"],
        [PUT, detach(READ_ONLY)],
    ),
    "from least privilege to managed": (
        spec(),
        LEAST,
        ["permission_inline_extra", "permission_policy_missing"],
        [ATTACH, drop(INLINE_POLICY)],
    ),
    "the path": (spec(path="/security/"), RIGHT, ["role_path"], []),
    "extras, not exclusive": (
        spec(exclusive=False),
        replace(RIGHT, managed_policies=RIGHT.managed_policies | {ADMIN}, inline_policies={"wide": WIDE}),
        ["permission_inline_extra", "permission_policy_extra"],
        [],
    ),
    "the old policy, not exclusive": (
        spec(exclusive=False),
        replace(RIGHT, managed_policies=RIGHT.managed_policies | {REPLACED, ADMIN}),
        ["permission_policy_extra", "permission_policy_outdated"],
        [detach(REPLACED)],
    ),
    "a policy of the account with the old name, not exclusive": (
        spec(exclusive=False),
        replace(
            RIGHT,
            managed_policies=RIGHT.managed_policies | {f"arn:aws:iam::{ACCOUNT}:policy/AWSCloudTrailReadOnlyAccess"},
        ),
        ["permission_policy_extra"],
        [],
    ),
    "something missing beside extras, not exclusive": (
        spec(exclusive=False),
        replace(RIGHT, managed_policies=frozenset({ADMIN}), inline_policies={"wide": WIDE}),
        ["permission_inline_extra", "permission_policy_extra", "permission_policy_missing"],
        [ATTACH],
    ),
    "everything at once": (
        spec(description="Sees", permissions_boundary=FENCE, tags={"owner": "us"}, purge_tags=True),
        replace(
            RIGHT,
            trust=trust(SENTINEL, [A, C]),
            permissions_boundary=WALL,
            tags=managed_tags(A, old="1"),
            managed_policies=frozenset({ADMIN, REPLACED}),
            inline_policies={"wide": WIDE, "also": WIDE},
        ),
        [
            "permission_inline_extra",
            "permission_inline_extra",
            "permission_policy_extra",
            "permission_policy_outdated",
            "trust_external_id_foreign",
            "role_boundary_changed",
            "permission_policy_missing",
            "role_description",
            "role_tags",
        ],
        [
            tag(owner="us"),
            call("UntagRole", TagKeys=["old"]),
            TRUST,
            update("Sees"),
            call("PutRolePermissionsBoundary", PermissionsBoundary=FENCE),
            ATTACH,
            detach(REPLACED),
            detach(ADMIN),
            drop("also"),
            drop("wide"),
        ],
    ),
}


@pytest.mark.parametrize(("options", "have", "_codes", "calls"), DRIFT.values(), ids=DRIFT.keys())
def test_a_drift_has_exactly_its_calls(options: RoleSpec, have: Role, _codes: list[str], calls: list[Call]) -> None:
    assert repair(options, have) == calls


@pytest.mark.parametrize(("options", "have", "codes", "_calls"), DRIFT.values(), ids=DRIFT.keys())
def test_a_drift_has_exactly_its_findings(options: RoleSpec, have: Role, codes: list[str], _calls: list[Call]) -> None:
    assert [found.code for found in findings(options, have)] == codes


@pytest.mark.parametrize(("options", "_have", "codes", "calls"), DRIFT.values(), ids=DRIFT.keys())
def test_a_drift_has_the_calls_that_repair_its_findings(
    options: RoleSpec, _have: Role, codes: list[str], calls: list[Call]
) -> None:
    names = {one.name for one in calls}
    repairs = [set(CODES[code].repaired_by) for code in codes]
    assert names <= set().union(*repairs)
    assert not options.exclusive or all(one & {MANUAL, *names} for one in repairs)


@pytest.mark.parametrize(("options", "have", "_codes", "_calls"), DRIFT.values(), ids=DRIFT.keys())
def test_a_repaired_role_needs_no_calls(options: RoleSpec, have: Role, _codes: list[str], _calls: list[Call]) -> None:
    assert repair(options, performed(have, repair(options, have))) == []


def test_removals_come_first_where_a_quota_would_be_exceeded() -> None:
    full = replace(RIGHT, managed_policies=frozenset(f"arn:aws:iam::aws:policy/P{number}" for number in range(10)))
    assert [one.name for one in repair(spec(), full)] == ["DetachRolePolicy"] * 10 + ["AttachRolePolicy"]
    tagged = replace(RIGHT, tags=managed_tags(A, **{f"old{number}": "" for number in range(48)}))
    new = {f"new{number}": "" for number in range(40)}
    assert [one.name for one in repair(spec(tags=new, purge_tags=True), tagged)] == ["UntagRole", "TagRole"]


def test_a_missing_role_is_the_only_finding() -> None:
    assert [found.code for found in findings(spec(), None)] == ["role_missing"]


# --- removal ---


def test_a_role_is_emptied_before_it_is_deleted() -> None:
    have = replace(
        RIGHT, managed_policies=RIGHT.managed_policies | {ADMIN}, inline_policies={"wide": WIDE, "also": WIDE}
    )
    assert plan(have, None) == [detach(READ_ONLY), detach(ADMIN), drop("also"), drop("wide"), call("DeleteRole")]


@pytest.mark.parametrize(
    ("left", "calls"),
    [
        (replace(RIGHT, managed_policies=frozenset()), [call("DeleteRole")]),
        (replace(RIGHT, managed_policies=frozenset({ADMIN})), [detach(ADMIN), call("DeleteRole")]),
        (None, []),
    ],
    ids=["emptied", "half emptied", "deleted"],
)
def test_a_crash_while_removing_is_finished_by_the_next_run(left: Role | None, calls: list[Call]) -> None:
    assert plan(left, None) == calls


def test_a_shared_role_loses_only_one_id() -> None:
    have = replace(
        RIGHT, trust=trust(SENTINEL, [A, B]), tags=managed_tags(A, B), managed_policies=RIGHT.managed_policies | {ADMIN}
    )
    assert plan(have, without(spec(), have)) == [
        tag(**{"trailbridge.sentinel.workspace": B}),
        call("UpdateAssumeRolePolicy", PolicyDocument=trust(SENTINEL, [B])),
    ]


# --- properties, with an emulation of the IAM calls ---


def created(role: Role | None, args: dict[str, Any]) -> Role:
    assert role is None, "EntityAlreadyExists"
    return Role(
        name=args["RoleName"],
        arn=f"arn:aws:iam::{ACCOUNT}:role{args['Path']}{args['RoleName']}",
        path=args["Path"],
        description=args["Description"],
        max_session_duration=args["MaxSessionDuration"],
        trust=args["AssumeRolePolicyDocument"],
        permissions_boundary=args.get("PermissionsBoundary"),
        tags={one["Key"]: one["Value"] for one in args["Tags"]},
    )


def tagged(role: Role, args: dict[str, Any]) -> Role:
    return replace(role, tags={**role.tags, **{one["Key"]: one["Value"] for one in args["Tags"]}})


def untagged(role: Role, args: dict[str, Any]) -> Role:
    assert not any(key.startswith("aws:") for key in args["TagKeys"]), "InvalidInput"
    return replace(role, tags={key: value for key, value in role.tags.items() if key not in args["TagKeys"]})


def detached(role: Role, args: dict[str, Any]) -> Role:
    assert args["PolicyArn"] in role.managed_policies, "NoSuchEntity"
    return replace(role, managed_policies=role.managed_policies - {args["PolicyArn"]})


def dropped(role: Role, args: dict[str, Any]) -> Role:
    assert args["PolicyName"] in role.inline_policies, "NoSuchEntity"
    return replace(
        role, inline_policies={name: one for name, one in role.inline_policies.items() if name != args["PolicyName"]}
    )


def deleted(role: Role, args: dict[str, Any]) -> None:
    assert not role.managed_policies, "DeleteConflict"
    assert not role.inline_policies, "DeleteConflict"


IAM: dict[str, Callable[[Any, dict[str, Any]], Role | None]] = {
    "CreateRole": created,
    "UpdateAssumeRolePolicy": lambda role, args: replace(role, trust=args["PolicyDocument"]),
    "UpdateRole": lambda role, args: replace(
        role, description=args["Description"], max_session_duration=args["MaxSessionDuration"]
    ),
    "PutRolePermissionsBoundary": lambda role, args: replace(role, permissions_boundary=args["PermissionsBoundary"]),
    "DeleteRolePermissionsBoundary": lambda role, args: replace(role, permissions_boundary=None),
    "TagRole": tagged,
    "UntagRole": untagged,
    "AttachRolePolicy": lambda role, args: replace(role, managed_policies=role.managed_policies | {args["PolicyArn"]}),
    "DetachRolePolicy": detached,
    "PutRolePolicy": lambda role, args: replace(
        role, inline_policies={**role.inline_policies, args["PolicyName"]: args["PolicyDocument"]}
    ),
    "DeleteRolePolicy": dropped,
    "DeleteRole": deleted,
}


def perform(role: Role | None, one: Call) -> Role | None:
    assert one.args["RoleName"] == (role.name if role else NAME)
    return IAM[one.name](role, one.args)


def performed(role: Role | None, calls: list[Call]) -> Role | None:
    return reduce(perform, calls, role)


SAME_TRUST = {**trust(SENTINEL, [A]), "Statement": {**trust(SENTINEL, [A])["Statement"][0], "Sid": "x"}}
ids = st.lists(st.sampled_from([A, B, C]), unique=True, max_size=3)
trusts = st.one_of(
    ids.filter(bool).map(lambda some: trust(SENTINEL, some)),
    st.sampled_from([SAME_TRUST, {"Version": "2012-10-17", "Statement": [FOREIGN]}, {}]),
    st.just({**trust(SENTINEL, [A]), "Statement": [*trust(SENTINEL, [A])["Statement"], FOREIGN]}),
)
labels = st.dictionaries(st.sampled_from(["owner", "cost", "aws:stack"]), st.sampled_from(["1", "2"]))
tags = st.builds(
    lambda own, some, more: {**(managed_tags(*sorted(some)) if own else {}), **more},
    st.sampled_from([True, True, True, False]),
    ids,
    labels,
)
EQUIVALENT = {"Version": "2012-10-17", "Statement": {**LOOKUP_EVENTS["Statement"][0], "Resource": ["*"]}}
inline = st.dictionaries(st.sampled_from([INLINE_POLICY, "wide"]), st.sampled_from([LOOKUP_EVENTS, EQUIVALENT, WIDE]))
roles = st.builds(
    Role,
    name=st.just(NAME),
    arn=st.just(RIGHT.arn),
    description=st.sampled_from(["", RIGHT.description, "By hand"]),
    max_session_duration=st.sampled_from([3600, 7200]),
    trust=trusts,
    permissions_boundary=st.sampled_from([None, FENCE, WALL]),
    tags=tags,
    managed_policies=st.frozensets(st.sampled_from([READ_ONLY, REPLACED, ADMIN])),
    inline_policies=inline,
)
specs = st.builds(
    RoleSpec,
    account_id=st.just(ACCOUNT),
    workspace_id=st.sampled_from([A, B]),
    path=st.sampled_from([None, "/"]),
    description=st.sampled_from([None, "", "Sees"]),
    max_session_duration=st.sampled_from([None, 3600, 7200]),
    permissions_boundary=st.sampled_from([None, "", FENCE]),
    tags=st.none() | labels.map(lambda some: {key: value for key, value in some.items() if key != "aws:stack"}),
    purge_tags=st.booleans(),
    permission_mode=st.sampled_from(["managed", "lookup_events"]),
    external_ids=ids.map(tuple),
    exclusive=st.booleans(),
    adopt=st.booleans(),
)
some_role = st.none() | roles
PLENTY = settings(deadline=None, max_examples=60)
NEEDED = {"CreateRole", "UpdateAssumeRolePolicy", "AttachRolePolicy", "PutRolePolicy"}
TAKEN = {"DetachRolePolicy", "DeleteRolePolicy"}


def desired_role(options: RoleSpec, have: Role | None) -> Role:
    """The overlay; examples of roles that must not be adopted are discarded."""
    try:
        return overlay(options, have)
    except SentinelError:
        assume(False)
        raise


def remaining(options: RoleSpec, have: Role | None) -> Role | None:
    try:
        return without(options, have)
    except SentinelError:
        assume(False)
        raise


@PLENTY
@given(specs, some_role)
def test_an_applied_plan_gives_the_desired_role(options: RoleSpec, have: Role | None) -> None:
    assert performed(have, repair(options, have) if desired_role(options, have) else []) == overlay(options, have)


@PLENTY
@given(specs, some_role)
def test_a_second_plan_is_empty(options: RoleSpec, have: Role | None) -> None:
    want = desired_role(options, have)
    assert overlay(options, want) == want
    assert repair(options, want) == []


@PLENTY
@given(specs, some_role)
def test_additions_come_before_removals(options: RoleSpec, have: Role | None) -> None:
    names = [one.name for one in plan(have, desired_role(options, have))]
    last = max((place for place, name in enumerate(names) if name in NEEDED), default=-1)
    first = min((place for place, name in enumerate(names) if name in TAKEN), default=len(names))
    assert last < first


@PLENTY
@given(specs, some_role)
def test_a_role_is_created_only_if_none_exists(options: RoleSpec, have: Role | None) -> None:
    names = [one.name for one in plan(have, desired_role(options, have))]
    assert names.count("CreateRole") == (have is None)
    assert have is not None or names[0] == "CreateRole"


@PLENTY
@given(specs, some_role)
def test_no_call_is_made_twice_and_each_changes_something(options: RoleSpec, have: Role | None) -> None:
    for one in plan(have, desired_role(options, have)):
        after = perform(have, one)
        assert after != have
        have = after


@PLENTY
@given(specs.map(lambda options: replace(options, exclusive=True)), some_role)
def test_there_are_findings_if_and_only_if_there_is_a_plan(options: RoleSpec, have: Role | None) -> None:
    calls = plan(have, desired_role(options, have))
    event("a plan" if calls else "no plan")
    assert (repairable(options, have) == []) == (calls == [])
    assert repairable(options, performed(have, calls)) == []


@PLENTY
@given(specs, some_role)
def test_tags_of_aws_are_kept(options: RoleSpec, have: Role | None) -> None:
    kept = performed(have, plan(have, desired_role(options, have)))
    before = {key: value for key, value in (have.tags if have else {}).items() if key.startswith("aws:")}
    assert kept is not None
    assert before.items() <= kept.tags.items()


@PLENTY
@given(specs, some_role)
def test_applied_offboarding_leaves_the_remaining_role_and_no_calls(options: RoleSpec, have: Role | None) -> None:
    left = remaining(options, have)
    assert performed(have, plan(have, left)) == left
    assert plan(left, without(options, left)) == []


@PLENTY
@given(specs)
def test_offboarding_undoes_onboarding(options: RoleSpec) -> None:
    alone = replace(options, external_ids=())
    assert without(alone, overlay(alone, None)) is None


@PLENTY
@given(specs, roles)
def test_offboarding_adds_nothing(options: RoleSpec, have: Role) -> None:
    names = {one.name for one in plan(have, remaining(options, have))}
    assert names <= {"UpdateAssumeRolePolicy", "TagRole", "DetachRolePolicy", "DeleteRolePolicy", "DeleteRole"}
