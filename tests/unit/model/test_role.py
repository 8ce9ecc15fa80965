# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The desired role, the ownership of a role, the overlay, and the role after offboarding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import ordered
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.policy import policy
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role import role as roles
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.role import (
    INLINE_POLICY,
    LOOKUP_EVENTS,
    Role,
    RoleSpec,
    check_ownership,
    findings,
    is_managed,
    overlay,
    show,
    tagged_workspaces,
    trust,
    without,
)
from tests.resources import SENTINEL, A, B, C, document, managed_tags

ACCOUNT = "111111111111"
OTHER = "222222222222"
READ_ONLY = "arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
FENCE = f"arn:aws:iam::{ACCOUNT}:policy/fence"


def allow(
    *ids: str, operator: str = "StringEquals", principal: Any = f"arn:aws:iam::{SENTINEL}:root"
) -> dict[str, Any]:
    """A statement that trusts the principal with these external ids, or without a condition."""
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return {**statement, "Condition": {operator: {"sts:ExternalId": list(ids)}}} if ids else statement


def spec(**changes: Any) -> RoleSpec:
    return RoleSpec(**{"account_id": ACCOUNT, "workspace_id": A, **changes})


RIGHT = Role(
    name="MicrosoftSentinelRole",
    arn=f"arn:aws:iam::{ACCOUNT}:role/MicrosoftSentinelRole",
    path="/",
    description="Lets Microsoft Sentinel read AWS CloudTrail",
    max_session_duration=3600,
    trust={
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{SENTINEL}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": A}},
            }
        ],
    },
    permissions_boundary=None,
    tags={"trailbridge.sentinel": "managed", "trailbridge.sentinel.workspace": A},
    managed_policies=frozenset({READ_ONLY}),
    inline_policies={},
)


# --- a new role ---


def test_a_new_role_is_what_microsoft_documents() -> None:
    assert overlay(spec(), None) == RIGHT


NEW: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "name": ({"name": "Eyes"}, {"name": "Eyes", "arn": f"arn:aws:iam::{ACCOUNT}:role/Eyes"}),
    "path": (
        {"path": "/security/"},
        {"path": "/security/", "arn": f"arn:aws:iam::{ACCOUNT}:role/security/MicrosoftSentinelRole"},
    ),
    "description": ({"description": "Eyes"}, {"description": "Eyes"}),
    "an empty description": ({"description": ""}, {"description": ""}),
    "max_session_duration": ({"max_session_duration": 7200}, {"max_session_duration": 7200}),
    "permissions_boundary": ({"permissions_boundary": FENCE}, {"permissions_boundary": FENCE}),
    "an empty permissions_boundary": ({"permissions_boundary": ""}, {"permissions_boundary": None}),
    "tags": ({"tags": {"owner": "us"}}, {"tags": managed_tags(A, owner="us")}),
    "permission_mode": (
        {"permission_mode": "lookup_events"},
        {"managed_policies": frozenset(), "inline_policies": {"MicrosoftSentinelLookupEvents": LOOKUP_EVENTS}},
    ),
    "external_ids": ({"external_ids": (C, B)}, {"trust": document(allow(A, B, C)), "tags": managed_tags(A, B, C)}),
    "microsoft_account_id": ({"microsoft_account_id": OTHER}, {"trust": trust(OTHER, [A])}),
    "exclusive": ({"exclusive": False}, {}),
    "adopt": ({"adopt": True}, {}),
    "purge_tags": ({"purge_tags": True, "tags": {}}, {}),
}


@pytest.mark.parametrize(("options", "changes"), NEW.values(), ids=NEW.keys())
def test_an_option_sets_its_attribute_of_a_new_role(options: dict[str, Any], changes: dict[str, Any]) -> None:
    role, expected = overlay(spec(**options), None), replace(RIGHT, **changes)
    assert policy.same(role.trust, expected.trust)
    assert replace(role, trust={}) == replace(expected, trust={})


def test_the_mode_lookup_events_allows_one_action() -> None:
    assert LOOKUP_EVENTS == {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "cloudtrail:LookupEvents", "Resource": "*"}],
    }


def test_a_role_of_another_partition_has_its_arns() -> None:
    role = overlay(spec(partition="aws-us-gov", microsoft_account_id=OTHER), None)
    assert role.arn == f"arn:aws-us-gov:iam::{ACCOUNT}:role/MicrosoftSentinelRole"
    assert role.managed_policies == {"arn:aws-us-gov:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"}
    assert role.trust["Statement"][0]["Principal"] == {"AWS": f"arn:aws-us-gov:iam::{OTHER}:root"}


@pytest.mark.parametrize("ids", [(A,), (A, B), (B, A), (A, A)], ids=["one", "two", "in any order", "twice"])
def test_the_trust_has_no_findings(ids: tuple[str, ...]) -> None:
    assert policy.trust_findings(trust(SENTINEL, set(ids)), trust(SENTINEL, ids)) == []


# --- an existing role ---

SETTLED = replace(
    RIGHT,
    path="/team/",
    description="By hand",
    max_session_duration=7200,
    permissions_boundary=FENCE,
    tags=managed_tags(A, owner="us"),
)


OPTIONS = {
    "tags": st.sampled_from([None, {}, {"Team": "x"}, {"trailbridge.sentinel": "other"}]),
    "purge_tags": st.booleans(),
    "external_ids": st.sampled_from([(), (B,), (A,)]),
    "permission_mode": st.sampled_from(["managed", "lookup_events", "none"]),
    "permissions_boundary": st.sampled_from([None, "", FENCE]),
    "max_session_duration": st.sampled_from([None, 3600, 7200]),
    "description": st.sampled_from([None, "", "Lets Microsoft Sentinel read AWS CloudTrail"]),
    "path": st.sampled_from([None, "/", "/security/"]),
    "exclusive": st.booleans(),
    "partition": st.sampled_from(["aws", "aws-us-gov"]),
}
ATTRIBUTES = {
    "tags": st.sampled_from([{}, managed_tags(A), managed_tags(A, B), {**managed_tags(A), "Team": "x"}]),
    "trust": st.sampled_from([trust(SENTINEL, ids) for ids in ((A,), (B,), (A, B))]),
    "managed_policies": st.sampled_from([frozenset(), frozenset({READ_ONLY}), frozenset({READ_ONLY, ADMIN})]),
    "inline_policies": st.sampled_from([{}, {INLINE_POLICY: LOOKUP_EVENTS}, {"other": LOOKUP_EVENTS}]),
    "permissions_boundary": st.sampled_from([None, FENCE]),
    "max_session_duration": st.sampled_from([3600, 7200]),
    "description": st.sampled_from(["", "Lets Microsoft Sentinel read AWS CloudTrail"]),
    "path": st.sampled_from(["/", "/security/"]),
}


@given(st.fixed_dictionaries({}, optional=OPTIONS), st.fixed_dictionaries({}, optional=ATTRIBUTES))
def test_the_shortcut_for_a_role_as_created_changes_no_result(options: Any, attributes: Any) -> None:
    desired = spec(**options)
    have = replace(overlay(desired, None), **attributes)
    with pytest.MonkeyPatch.context() as patch:
        results = findings(desired, have), _overlaid(desired, have)
        patch.setattr(roles, "_is_as_created", lambda _spec, _have: False)
        assert results == (findings(desired, have), _overlaid(desired, have))


def _overlaid(desired: RoleSpec, have: Role) -> Role | str:
    try:
        return overlay(desired, have)
    except SentinelError as error:
        return str(error)


@pytest.mark.parametrize(
    "options",
    [{}, {"tags": {"Team": "x"}}, {"permission_mode": "lookup_events"}, {"permissions_boundary": FENCE}],
    ids=str,
)
def test_most_roles_are_judged_by_the_shortcut(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    desired = spec(**options)
    have = overlay(desired, None)
    monkeypatch.setattr(roles, "expected_external_ids", None)
    assert overlay(desired, have) is have
    assert findings(desired, have) == []


def test_a_correct_role_stays_as_it_is() -> None:
    assert overlay(spec(), RIGHT) == RIGHT


def test_omitted_options_are_left_alone() -> None:
    assert overlay(spec(), SETTLED) == SETTLED


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({"description": "Eyes"}, {"description": "Eyes"}),
        ({"description": ""}, {"description": ""}),
        ({"max_session_duration": 3600}, {"max_session_duration": 3600}),
        ({"permissions_boundary": ""}, {"permissions_boundary": None}),
        ({"permissions_boundary": f"{FENCE}2"}, {"permissions_boundary": f"{FENCE}2"}),
        ({"path": "/other/"}, {}),
        (
            {"permission_mode": "lookup_events"},
            {"managed_policies": frozenset(), "inline_policies": {INLINE_POLICY: LOOKUP_EVENTS}},
        ),
    ],
    ids=[
        "a description",
        "an empty description",
        "a session",
        "no boundary",
        "another boundary",
        "a path",
        "the least privilege",
    ],
)
def test_an_option_changes_only_its_attribute(options: dict[str, Any], changes: dict[str, Any]) -> None:
    assert overlay(spec(**options), SETTLED) == replace(SETTLED, **changes)


@pytest.mark.parametrize(
    ("have", "options", "after"),
    [
        ({"owner": "us"}, {}, {"owner": "us"}),
        ({"owner": "us"}, {"tags": {}}, {"owner": "us"}),
        ({"owner": "us"}, {"tags": {"cost": "1"}}, {"owner": "us", "cost": "1"}),
        ({"owner": "us"}, {"tags": {"owner": "them"}}, {"owner": "them"}),
        ({"owner": "us"}, {"purge_tags": True}, {"owner": "us"}),
        ({"owner": "us"}, {"purge_tags": True, "tags": {}}, {}),
        ({"owner": "us"}, {"purge_tags": True, "tags": {"cost": "1"}}, {"cost": "1"}),
        ({"aws:stack": "x", "owner": "us"}, {"purge_tags": True, "tags": {}}, {"aws:stack": "x"}),
        ({"trailbridge.sentinel": "no"}, {"adopt": True}, {}),
        ({}, {"tags": {"trailbridge.sentinel": "mine"}}, {}),
        ({}, {"tags": {"trailbridge.sentinel.workspace": C}}, {}),
    ],
    ids=[
        "no tags desired",
        "empty tags desired",
        "one more",
        "another value",
        "purge without tags",
        "purge to none",
        "purge the others",
        "purge spares those of AWS",
        "the tag of the collection has another value",
        "the tag of the collection in the options",
        "the workspace tag in the options",
    ],
)
def test_tags_are_added_and_purged_only_on_request(
    have: dict[str, str], options: dict[str, Any], after: dict[str, str]
) -> None:
    role = replace(RIGHT, tags={**RIGHT.tags, **have})
    assert overlay(spec(**options), role).tags == {**managed_tags(A), **after}


@pytest.mark.parametrize("purge", [True, False])
def test_a_tag_in_another_case_is_the_same_tag(purge: bool) -> None:
    """Tag keys of a role are case-insensitive in AWS: setting both would change the tag in every run, or remove it."""
    role = replace(RIGHT, tags=managed_tags(A, owner="us"))
    changed = overlay(spec(tags={"Owner": "them"}, purge_tags=purge), role).tags
    assert sorted((key.lower(), changed[key]) for key in changed) == sorted(managed_tags(A, owner="them").items())


@pytest.mark.parametrize("purge", [True, False])
def test_a_tag_that_differs_in_case_alone_is_left_alone(purge: bool) -> None:
    """AWS keeps the case of the first key, so setting it in another case would change it in every run."""
    role = replace(RIGHT, tags=managed_tags(A, owner="us"))
    options = spec(tags={"OWNER": "us"}, purge_tags=purge)
    assert overlay(options, role) == role
    assert findings(options, role) == []


@pytest.mark.parametrize(
    "options",
    [
        {"external_ids": [f"{number:08}-aaaa-4aaa-8aaa-111111111111" for number in range(1, 9)]},
        {"role_tags": {f"tag{number}": "" for number in range(50)}},
    ],
    ids=["more workspaces than fit into a tag", "no room for the tags of the collection"],
)
def test_too_many_tags_are_rejected_before_any_call(options: dict[str, Any]) -> None:
    with pytest.raises(SentinelError) as caught:
        overlay(parse({"account_id": ACCOUNT, "workspace_id": A, **options}, "host payments").role_spec, None)
    assert caught.value.kind == "bad_input"


SPELLINGS = {
    "an account id for its root": document(allow(A, principal=SENTINEL)),
    "a statement without a list": {"Version": "2012-10-17", "Statement": allow(A)},
    "a Sid": document({**allow(A), "Sid": "Sentinel"}),
    "an action in another case": document({**allow(A), "Action": ["STS:assumerole"]}),
    "a condition key in another case": document(
        {**allow(A), "Condition": {"StringEquals": {"sts:externalid": A}}},
    ),
    "a statement twice": document(allow(A), allow(A)),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("exclusive", [True, False])
def test_an_equivalent_trust_policy_is_kept(spelling: dict[str, Any], exclusive: bool) -> None:
    role = replace(RIGHT, trust=spelling)
    assert overlay(spec(exclusive=exclusive), role) == role
    assert findings(spec(exclusive=exclusive), role) == []


@pytest.mark.parametrize(
    "trusted",
    [
        document(allow(A), allow(principal=OTHER)),
        document(allow(A, principal=[SENTINEL, OTHER])),
        document(allow(A, operator="StringLike")),
        document(allow()),
        document(allow(A, C)),
        document(allow(principal="*")),
        document(),
        {"Version": "2008-10-17", "Statement": [allow(A)]},
    ],
    ids=[
        "a statement",
        "a principal",
        "a pattern",
        "no id",
        "an unknown id",
        "any principal",
        "nothing",
        "an old version",
    ],
)
def test_an_unexpected_trust_policy_is_replaced(trusted: dict[str, Any]) -> None:
    assert overlay(spec(), replace(RIGHT, trust=trusted)) == RIGHT


def test_a_changed_inline_policy_is_replaced_and_an_equivalent_one_is_kept() -> None:
    option = spec(permission_mode="lookup_events")
    right = overlay(option, None)
    spelled = {"Version": "2012-10-17", "Statement": {**LOOKUP_EVENTS["Statement"][0], "Resource": ["*"]}}
    wider = {"Version": "2012-10-17", "Statement": {**LOOKUP_EVENTS["Statement"][0], "Action": "*"}}
    assert overlay(option, replace(right, inline_policies={INLINE_POLICY: spelled})).inline_policies == {
        INLINE_POLICY: spelled
    }
    assert overlay(option, replace(right, inline_policies={INLINE_POLICY: wider})) == right


# --- not exclusive ---


def test_additional_policies_stay_if_not_exclusive() -> None:
    both = document(allow(A), allow(principal=OTHER))
    role = replace(
        RIGHT, trust=both, managed_policies=RIGHT.managed_policies | {ADMIN}, inline_policies={"more": LOOKUP_EVENTS}
    )
    assert overlay(spec(exclusive=False), role) == role


def test_additional_policies_are_removed_if_exclusive() -> None:
    both = document(allow(A), allow(principal=OTHER))
    role = replace(
        RIGHT, trust=both, managed_policies=RIGHT.managed_policies | {ADMIN}, inline_policies={"more": LOOKUP_EVENTS}
    )
    assert overlay(spec(), role) == RIGHT


@pytest.mark.parametrize("listed", [True, False], ids=["in a list", "alone"])
def test_missing_policies_are_added_to_additional_ones(listed: bool) -> None:
    foreign = allow(principal=OTHER)
    role = replace(
        RIGHT,
        trust={"Version": "2012-10-17", "Statement": [foreign] if listed else foreign},
        managed_policies=frozenset({ADMIN}),
        inline_policies={"more": LOOKUP_EVENTS},
    )
    after = overlay(spec(exclusive=False, permission_mode="lookup_events"), role)
    assert after.trust == document(foreign, RIGHT.trust["Statement"][0])
    assert after.managed_policies == {ADMIN}
    assert after.inline_policies == {"more": LOOKUP_EVENTS, INLINE_POLICY: LOOKUP_EVENTS}
    assert overlay(spec(exclusive=False, permission_mode="lookup_events"), after) == after


# --- ownership ---


@pytest.mark.parametrize(
    ("tags", "answer"),
    [
        (managed_tags(A), True),
        ({"trailbridge.sentinel": "managed"}, True),
        ({"trailbridge.sentinel": "Managed"}, True),
        ({"Trailbridge.Sentinel": "managed"}, True),
        ({"trailbridge.sentinel": ""}, False),
        ({"trailbridge.sentinel.workspace": A}, False),
        ({}, False),
    ],
)
def test_a_role_is_managed_by_its_tag(tags: dict[str, str], answer: bool) -> None:
    assert is_managed(replace(RIGHT, tags=tags)) is answer


@pytest.mark.parametrize(
    ("role", "ids"),
    [
        (None, set()),
        (RIGHT, {A}),
        (replace(RIGHT, tags=managed_tags(A, B)), {A, B}),
        (replace(RIGHT, tags=managed_tags()), set()),
        (replace(RIGHT, tags={"trailbridge.sentinel": "managed"}), set()),
        (replace(RIGHT, tags={"trailbridge.sentinel.workspace": A}), set()),
    ],
    ids=["no role", "one", "two", "an empty tag", "no tag", "not managed"],
)
def test_a_managed_role_names_its_workspaces_in_a_tag(role: Role | None, ids: set[str]) -> None:
    assert tagged_workspaces(role) == ids


# Existing trust policy and tags, the options, and whether the role may be adopted.
ADOPTION = {
    "managed, with any trust policy": (document(allow(principal=OTHER)), managed_tags(A), {}, True),
    "managed, with an unknown id": (document(allow(A, C)), managed_tags(A), {}, True),
    "managed, for another workspace": (document(allow(B)), managed_tags(B), {}, True),
    "with the id": (document(allow(A)), {}, {}, True),
    "with the id in another case": (document(allow(A.upper())), {}, {}, True),
    "with the id and the short form of the account": (document(allow(A, principal=SENTINEL)), {}, {}, True),
    "with any id": (document(allow("*", operator="StringLike")), {}, {}, False),
    "with the id as a pattern": (document(allow(A, operator="StringLike")), {}, {}, True),
    "with no id": (document(allow()), {}, {}, True),
    "with the id, beside another account": (document(allow(A), allow(principal=OTHER)), {}, {}, True),
    "with another id": (document(allow(B)), {}, {}, False),
    "with another id as a pattern": (document(allow(B, operator="StringLike")), {}, {}, False),
    "with another id in any case": (document(allow(B, operator="StringEqualsIgnoreCase")), {}, {}, False),
    "with another id if there is one": (document(allow(B, operator="StringEqualsIfExists")), {}, {}, False),
    "with the id and another id": (document(allow(A, B)), {}, {}, False),
    "with the id and another id, in two statements": (document(allow(A), allow(B)), {}, {}, False),
    "with another id that external_ids names": (document(allow(B)), {}, {"external_ids": (B,)}, True),
    "with another id, one more than external_ids names": (
        document(allow(B, C)),
        {},
        {"external_ids": (B,)},
        False,
    ),
    "with another id, and adopt": (document(allow(B)), {}, {"adopt": True}, True),
    "trusts another account": (document(allow(A, principal=OTHER)), {}, {}, False),
    "trusts another account, and adopt": (document(allow(A, principal=OTHER)), {}, {"adopt": True}, True),
    "trusts a service": (
        document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}),
        {},
        {},
        False,
    ),
    "trusts a part of Microsoft's account": (
        document(allow(A, principal=f"arn:aws:iam::{SENTINEL}:role/x")),
        {},
        {},
        False,
    ),
    "denies Microsoft's account": (document({**allow(A), "Effect": "Deny"}), {}, {}, False),
    "trusts no principal": (document(), {}, {}, False),
    "has an empty trust policy": ({}, {}, {}, False),
    "of another Microsoft account": (document(allow(A)), {}, {"microsoft_account_id": OTHER}, False),
    "managed, without a workspace tag": (
        document(allow(B)),
        {"trailbridge.sentinel": "managed"},
        {},
        False,
    ),
    "the tag with another value": (document(allow(B)), {"trailbridge.sentinel": "no"}, {}, False),
    "only the workspace tag": (document(allow(B)), {"trailbridge.sentinel.workspace": f"{A} {B}"}, {}, False),
}


@pytest.mark.parametrize(("trusted", "tags", "options", "may"), ADOPTION.values(), ids=ADOPTION.keys())
def test_only_a_role_for_this_workspace_is_adopted(
    trusted: dict[str, Any], tags: dict[str, str], options: dict[str, Any], may: bool
) -> None:
    role = replace(RIGHT, trust=trusted, tags=tags)
    if may:
        after = overlay(spec(**options), role)
        assert is_managed(after)
        assert A in tagged_workspaces(after)
    else:
        with pytest.raises(SentinelError) as caught:
            overlay(spec(**options), role)
        assert caught.value.kind == "role_conflict"


def test_a_new_role_has_no_other_owner() -> None:
    check_ownership(spec(), None)


@pytest.mark.parametrize(
    ("trusted", "named"),
    [
        (document(allow(B)), [B]),
        (document(allow(C, B)), [f"{B}, {C}"]),
        (document(allow(principal=OTHER)), [SENTINEL, "trailbridge.sentinel"]),
    ],
)
def test_an_ownership_error_names_role_account_cause_and_solution(trusted: dict[str, Any], named: list[str]) -> None:
    with pytest.raises(SentinelError) as caught:
        overlay(spec(), replace(RIGHT, trust=trusted, tags={}))
    text = str(caught.value)
    assert caught.value.kind == "role_conflict"
    assert all(word in text for word in ("MicrosoftSentinelRole", ACCOUNT, *named, "set adopt"))


def test_other_workspaces_stay_and_unknown_external_ids_are_removed() -> None:
    role = replace(RIGHT, trust=document(allow(A, B, C)), tags=managed_tags(A, B))
    after = overlay(spec(), role)
    assert policy.external_ids(after.trust, SENTINEL) == {A, B}
    assert after.tags == managed_tags(A, B)


def test_two_workspaces_that_share_a_role_both_keep_access() -> None:
    first = overlay(spec(workspace_id=A), None)
    second = overlay(spec(workspace_id=B), first)
    assert policy.external_ids(second.trust, SENTINEL) == {A, B}
    assert overlay(spec(workspace_id=A), second) == second
    assert overlay(spec(workspace_id=B), second) == second


# --- offboarding ---

WORKSPACES = "TrailBridge.Sentinel.Workspace"
# The existing role, the options, and the role that remains.
OTHERS = allow(principal="arn:aws:iam::999999999999:root")
REMAINS: dict[str, tuple[Role | None, dict[str, Any], Role | None]] = {
    "nothing": (None, {}, None),
    "managed, for this workspace only": (RIGHT, {}, None),
    "managed, without a workspace tag": (replace(RIGHT, tags={"trailbridge.sentinel": "managed"}), {}, None),
    "managed, with another workspace": (
        replace(RIGHT, trust=trust(SENTINEL, [A, B]), tags=managed_tags(A, B, owner="us")),
        {},
        replace(RIGHT, trust=trust(SENTINEL, [B]), tags=managed_tags(B, owner="us")),
    ),
    "managed, with two other workspaces": (
        replace(RIGHT, trust=trust(SENTINEL, [A, B, C]), tags=managed_tags(A, B, C)),
        {},
        replace(RIGHT, trust=trust(SENTINEL, [B, C]), tags=managed_tags(B, C)),
    ),
    "for another workspace only": (
        replace(RIGHT, trust=trust(SENTINEL, [B]), tags=managed_tags(B)),
        {},
        replace(RIGHT, trust=trust(SENTINEL, [B]), tags=managed_tags(B)),
    ),
    "for another workspace only, equivalent": (
        replace(RIGHT, trust=document(allow(B, principal=SENTINEL)), tags=managed_tags(A, B)),
        {},
        replace(RIGHT, trust=document(allow(B, principal=SENTINEL)), tags=managed_tags(B)),
    ),
    "managed, shared by external_ids": (
        replace(RIGHT, trust=trust(SENTINEL, [A, B]), tags=managed_tags(A, B)),
        {"external_ids": (B,)},
        replace(RIGHT, trust=trust(SENTINEL, [B]), tags=managed_tags(B)),
    ),
    "managed, with another workspace that only the tag names": (replace(RIGHT, tags=managed_tags(A, B)), {}, None),
    "managed, with a tag that names another, and a trust policy without an id": (
        replace(RIGHT, trust=document(allow(principal=SENTINEL)), tags=managed_tags(A, B)),
        {},
        None,
    ),
    "managed, with a tag that names another, and a trust policy for any id": (
        replace(RIGHT, trust=document(allow("*", operator="StringLike")), tags=managed_tags(A, B)),
        {},
        None,
    ),
    "managed, by tags in another case, with another workspace": (
        replace(RIGHT, trust=trust(SENTINEL, [A, B]), tags={"Trailbridge.Sentinel": "managed", WORKSPACES: f"{A} {B}"}),
        {},
        replace(RIGHT, trust=trust(SENTINEL, [B]), tags={"Trailbridge.Sentinel": "managed", WORKSPACES: B}),
    ),
    "managed, beside another statement, not exclusive": (
        replace(RIGHT, trust=document(allow(A, B, principal=SENTINEL), OTHERS), tags=managed_tags(A, B)),
        {"exclusive": False},
        replace(RIGHT, trust=document(OTHERS, *trust(SENTINEL, [B])["Statement"]), tags=managed_tags(B)),
    ),
    "for another workspace, beside another statement, not exclusive": (
        replace(RIGHT, trust=document(OTHERS, allow(B, principal=SENTINEL)), tags=managed_tags(A, B)),
        {"exclusive": False},
        replace(RIGHT, trust=document(OTHERS, allow(B, principal=SENTINEL)), tags=managed_tags(B)),
    ),
    "not managed, and adopt": (replace(RIGHT, tags={}), {"adopt": True}, None),
    "not managed but trusting Microsoft, and adopt": (
        replace(RIGHT, trust=document(allow(principal=f"arn:aws:iam::{SENTINEL}:role/x")), tags={}),
        {"adopt": True},
        None,
    ),
}


@pytest.mark.parametrize(("role", "options", "remains"), REMAINS.values(), ids=REMAINS.keys())
def test_the_role_is_removed_only_without_other_workspaces(
    role: Role | None, options: dict[str, Any], remains: Role | None
) -> None:
    assert without(spec(**options), role) == remains


def test_another_workspace_of_an_untagged_role_remains_with_adopt() -> None:
    remains = without(spec(adopt=True), replace(RIGHT, trust=trust(SENTINEL, [A, B]), tags={}))
    assert remains is not None
    assert policy.external_ids(remains.trust, SENTINEL) == {B}


def test_an_untagged_role_with_the_id_in_upper_case_is_removed() -> None:
    assert without(spec(adopt=True), replace(RIGHT, trust=trust(SENTINEL, [A.upper()]), tags={})) is None


def also(statement: dict[str, Any], **condition: Any) -> dict[str, Any]:
    """The statement with further conditions."""
    return {**statement, "Condition": {**statement.get("Condition", {}), **condition}}


def deny_except(*ids: str, operator: str = "StringNotEquals") -> dict[str, Any]:
    """A statement that denies all external ids except these."""
    return {**allow(*ids, operator=operator, principal="*"), "Effect": "Deny"}


PARTLY = f"arn:aws:iam::{SENTINEL}:role/old"
UNKNOWN = {
    "beside this workspace": (trust(SENTINEL, [A, B]), managed_tags(A)),
    "alone": (trust(SENTINEL, [B]), managed_tags(A)),
    "without a workspace tag": (trust(SENTINEL, [A, B]), {"trailbridge.sentinel": "managed"}),
    "with a tag without workspace ids": (trust(SENTINEL, [A, B]), managed_tags("nobody", "*")),
    "in another statement": (document(allow(A), allow(B)), managed_tags(A)),
    "that is denied by nothing exact": (document(allow(A, B), {**allow(B), "Effect": "Deny"}), managed_tags(A, B)),
    "as a pattern": (document(allow(A), allow("22222222-*", operator="StringLike")), managed_tags(A, B)),
    "in any case": (document(allow(A), allow(B, operator="StringEqualsIgnoreCase")), managed_tags(A, B)),
    "if there is one": (document(allow(A, B, operator="StringEqualsIfExists")), managed_tags(A, B)),
    "by any of its values": (document(allow(A, B, operator="ForAnyValue:StringEquals")), managed_tags(A, B)),
    "for any principal": (document(allow(A), allow(B, principal="*")), managed_tags(A, B)),
    "for another account": (document(allow(A), allow(B, principal=OTHER)), managed_tags(A, B)),
    "beside another workspace": (trust(SENTINEL, [A, B, C]), managed_tags(A, B)),
    "beside another workspace, of another tool": (
        document(allow(A, B), allow("vendor-7", principal=OTHER)),
        managed_tags(A, B),
    ),
    "that a Deny exempts": (document(allow(), deny_except(A, B)), managed_tags(A)),
    "that a Deny exempts, beside another workspace": (document(allow(A, B), deny_except(A, B, C)), managed_tags(A, B)),
    "that a Deny exempts as a pattern": (
        document(allow(), deny_except(A, "2222*", operator="StringNotLike")),
        managed_tags(A),
    ),
    "that a Deny exempts if there is one": (
        document(allow(), deny_except(A, B, operator="StringNotEqualsIfExists")),
        managed_tags(A),
    ),
    "that a Deny exempts in any case": (
        document(allow(), deny_except(A, B, operator="StringNotEqualsIgnoreCase")),
        managed_tags(A),
    ),
    "that a Deny exempts by any value": (
        document(allow(), deny_except(A, B, operator="ForAnyValue:StringNotEquals")),
        managed_tags(A),
    ),
    "as the default of a policy variable": (document(allow(f"${{aws:PrincipalTag/x, '{B}'}}")), managed_tags(A)),
    "in another case": (trust(SENTINEL, [A, B.upper()]), managed_tags(A, B)),
    "until a day": (
        document(allow(A), also(allow(B), DateLessThan={"aws:CurrentTime": "2024-01-01"})),
        managed_tags(A, B),
    ),
    "for a part of the account": (document(allow(A), allow(B, principal=PARTLY)), managed_tags(A, B)),
    "that a Deny blocks": (document(allow(A, B), deny_except(A)), managed_tags(A, B)),
    "of another tool": (document(allow(A), allow("vendor-7", principal=OTHER)), managed_tags(A)),
    "and a statement that cannot be parsed": (document(allow(A), {**allow(A), "Effect": "Perhaps"}), managed_tags(A)),
}


@pytest.mark.parametrize(("trusted", "tags"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_a_role_that_trusts_ids_without_a_tag_is_not_removed(trusted: dict[str, Any], tags: dict[str, str]) -> None:
    with pytest.raises(SentinelError) as caught:
        without(spec(), replace(RIGHT, trust=trusted, tags=tags))
    assert caught.value.kind == "role_conflict"


@pytest.mark.parametrize(
    "trusted",
    [
        document(allow(A, A.upper())),
        document(allow("11111111-*", operator="StringLike")),
        document(allow("${aws:userid}")),
        document(allow(principal="*")),
        document(allow(A), {**allow(B), "Effect": "Deny"}),
        document(allow(A), {"Effect": "Allow", "NotPrincipal": {"AWS": OTHER}, "Action": "sts:AssumeRole"}),
    ],
    ids=["twice", "a pattern", "a variable", "any principal", "a Deny for another", "all but one"],
)
def test_a_widened_role_without_other_ids_is_removed(trusted: dict[str, Any]) -> None:
    assert without(spec(), replace(RIGHT, trust=trusted, tags=managed_tags(A, B, C))) is None


@pytest.mark.parametrize(
    "trusted",
    [
        document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}),
        document(allow(A, principal=OTHER)),
        document(allow(principal="*")),
        document({**allow(A), "Effect": "Deny"}),
        document({**allow(A), "Action": "sts:TagSession"}),
        {},
    ],
    ids=["a service", "another account", "any principal", "a Deny", "another action", "nothing"],
)
def test_adopt_removes_only_roles_that_trust_microsoft_or_are_tagged(trusted: dict[str, Any]) -> None:
    role = replace(RIGHT, trust=trusted, tags={"owner": "us"})
    with pytest.raises(SentinelError) as caught:
        without(spec(adopt=True), role)
    assert caught.value.kind == "role_conflict"


def test_adopt_does_not_keep_a_tagged_role_for_ids_without_a_tag() -> None:
    with pytest.raises(SentinelError) as caught:
        without(spec(adopt=True), replace(RIGHT, trust=trust(SENTINEL, [A, B])))
    assert caught.value.kind == "role_conflict"


def test_a_role_that_is_not_managed_is_never_removed() -> None:
    with pytest.raises(SentinelError, match=f"Cannot remove role MicrosoftSentinelRole in account {ACCOUNT}") as caught:
        without(spec(), replace(RIGHT, tags={}))
    assert caught.value.kind == "role_conflict"


def test_a_role_in_an_instance_profile_is_not_removed() -> None:
    used = replace(RIGHT, instance_profiles=("web",))
    with pytest.raises(SentinelError, match="instance profile web") as caught:
        without(spec(), used)
    assert caught.value.kind == "role_conflict"
    shared = replace(used, trust=trust(SENTINEL, [A, B]), tags=managed_tags(A, B))
    remains = without(spec(), shared)
    assert remains is not None
    assert tagged_workspaces(remains) == {B}


# --- results and findings ---


def test_a_role_is_shown_normalized() -> None:
    role = replace(
        RIGHT,
        tags=managed_tags(A, b="2", a="1"),
        managed_policies=RIGHT.managed_policies | {ADMIN},
        inline_policies={"z": LOOKUP_EVENTS, "y": {}},
    )
    assert show(role) == {
        "name": "MicrosoftSentinelRole",
        "arn": f"arn:aws:iam::{ACCOUNT}:role/MicrosoftSentinelRole",
        "path": "/",
        "description": "Lets Microsoft Sentinel read AWS CloudTrail",
        "max_session_duration": 3600,
        "assume_role_policy_document": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": [f"arn:aws:iam::{SENTINEL}:root"]},
                    "Action": ["sts:AssumeRole"],
                    "Condition": {"StringEquals": {"sts:ExternalId": [A]}},
                }
            ],
        },
        "permissions_boundary": None,
        "tags": {"a": "1", "b": "2", "trailbridge.sentinel": "managed", "trailbridge.sentinel.workspace": A},
        "managed_policies": [READ_ONLY, ADMIN],
        "inline_policies": {"y": {}, "z": policy.displayed(LOOKUP_EVENTS)},
    }
    assert list(show(role)["tags"]) == sorted(role.tags)
    assert list(show(role)["inline_policies"]) == ["y", "z"]


def test_a_missing_role_is_shown_as_an_empty_dict() -> None:
    assert show(None) == {}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_equivalent_trust_policies_are_shown_alike(spelling: dict[str, Any]) -> None:
    assert show(replace(RIGHT, trust=spelling)) == show(RIGHT)


def test_findings_name_the_resource_and_security_comes_first() -> None:
    role = replace(
        RIGHT,
        description="By hand",
        trust=document(allow(A), allow(principal=OTHER)),
        managed_policies=frozenset({ADMIN}),
        max_session_duration=43200,
    )
    found = findings(spec(description="Eyes", max_session_duration=3600), role)
    assert [item.code for item in found] == [
        "trust_account_foreign",
        "permission_policy_extra",
        "role_session_raised",
        "permission_policy_missing",
        "role_description",
    ]
    assert found == ordered(found)
    messages = {item.code: item.message for item in found}
    assert OTHER in messages["trust_account_foreign"]
    assert ADMIN in messages["permission_policy_extra"]
    assert READ_ONLY in messages["permission_policy_missing"]
    assert "43200" in messages["role_session_raised"]
    assert "'By hand'" in messages["role_description"]


def test_another_workspace_is_a_finding_until_external_ids_names_it() -> None:
    shared = replace(RIGHT, trust=trust(SENTINEL, [A, B]), tags=managed_tags(A, B))
    [found_shared] = findings(spec(), shared)
    assert (found_shared.code, B in found_shared.message) == ("role_shared", True)
    assert findings(spec(external_ids=(B,)), shared) == []
    found = findings(spec(), replace(RIGHT, trust=trust(SENTINEL, [A, B])))
    assert [item.code for item in found] == ["trust_external_id_foreign"]
    assert B in found[0].message


# --- tags grant nothing ---


def test_a_tag_grants_no_access() -> None:
    tagged = replace(RIGHT, tags=managed_tags(A, B))
    role = overlay(spec(), tagged)
    assert policy.same(role.trust, trust(SENTINEL, [A]))
    assert tagged_workspaces(role) == {A, B}
    assert findings(spec(), tagged) == []


OPEN = {
    "a deleted principal": document(allow(A), allow(principal="AROAJQABLZS4A3QDU576Q")),
    "another account": document(allow(A), allow(principal=OTHER)),
    "the other id for another account": document(allow(A), allow(B, principal=OTHER)),
    "the other id for any principal": document(allow(A), allow(B, principal="*")),
    "no id": document(allow()),
    "any id": document(allow("*", operator="StringLike")),
    "a part of the other id": document(allow(A), allow(f"{B[:8]}*", operator="StringLike")),
    "the other id in any case": document(allow(A), allow(B, operator="StringEqualsIgnoreCase")),
    "the other id if there is one": document(allow(A), allow(B, operator="StringEqualsIfExists")),
    "any of the values": document(allow(A), allow(B, operator="ForAnyValue:StringEquals")),
    "all but the other id": document(allow(A), allow(B, operator="StringNotEquals")),
    "the other id for another action": document(allow(A), {**allow(B), "Action": "sts:TagSession"}),
    "a Deny for the other id": document(allow(A, B), {**allow(B), "Effect": "Deny"}),
    "all principals except one": document(
        {"Effect": "Allow", "NotPrincipal": {"AWS": OTHER}, "Action": "sts:AssumeRole"}
    ),
    "a statement that cannot be parsed": document({**allow(A, B), "Effect": "Perhaps"}),
}


@pytest.mark.parametrize("trusted", OPEN.values(), ids=OPEN.keys())
@pytest.mark.parametrize("exclusive", [True, False])
def test_a_tag_grants_no_access_whatever_the_trust_policy_allows(trusted: dict[str, Any], exclusive: bool) -> None:
    role = replace(RIGHT, trust=trusted, tags=managed_tags(A, B))
    after = overlay(spec(exclusive=exclusive), role)
    kept = [] if exclusive else trusted["Statement"]
    assert policy.external_ids(after.trust, SENTINEL) == {A} | policy.external_ids(document(*kept), SENTINEL)
    assert {one.code for one in findings(spec(), role)} - {"role_tags", "role_shared"}
    assert "role_shared" not in {one.code for one in findings(spec(), role)}


SOMETIMES = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
DENIED = {
    "by its id": {**allow(B), "Effect": "Deny"},
    "to all other ids": deny_except(A),
    "to all other ids if there is one": deny_except(A, operator="StringNotEqualsIfExists"),
    "by a pattern": {**allow("2222*", operator="StringLike"), "Effect": "Deny"},
    "in any case": {**allow(B.upper(), operator="StringEqualsIgnoreCase"), "Effect": "Deny"},
}
NARROW = {
    "until a day": also(allow(B), DateLessThan={"aws:CurrentTime": "2024-01-01T00:00:00Z"}),
    "in an organization": also(allow(B), StringLike={"aws:PrincipalOrgID": "o-1"}),
    "but not": also(allow(B), StringNotEquals={"sts:ExternalId": B}),
    "for a part of the account": allow(B, principal=PARTLY),
    "in another case": allow(B.upper()),
}


@pytest.mark.parametrize("statement", [*DENIED.values(), *NARROW.values()], ids=[*DENIED, *NARROW])
def test_a_tag_grants_no_access_without_an_exact_condition(statement: dict[str, Any]) -> None:
    allowed = [allow(A, B) if statement["Effect"] == "Deny" else allow(A), statement]
    role = replace(RIGHT, trust=document(*allowed), tags=managed_tags(A, B))
    assert policy.same(overlay(spec(), role).trust, trust(SENTINEL, [A]))
    assert "role_shared" not in {one.code for one in findings(spec(), role)}
    with pytest.raises(SentinelError) as caught:
        without(spec(), role)
    assert caught.value.kind == "role_conflict"


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"sts:ExternalId": B}},
        {"StringLike": {"sts:ExternalId": "2222*"}},
        {"StringNotEquals": {"sts:ExternalId": A}},
    ],
    ids=["its id", "a pattern", "all other ids"],
)
@pytest.mark.parametrize("exclusive", [True, False])
def test_a_conditional_deny_for_another_workspace_is_kept(condition: dict[str, Any], exclusive: bool) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "*", "Condition": {**condition, **SOMETIMES}}
    role = replace(RIGHT, trust=document(allow(A, B), deny), tags=managed_tags(A, B))
    assert overlay(spec(exclusive=exclusive), role) == role
    assert {"role_shared", "trust_deny"} == {one.code for one in findings(spec(), role)}
    assert overlay(spec(), replace(role, trust=document(allow(A, B, C), deny))).trust["Statement"][1:] == [deny]
    remains = without(spec(exclusive=exclusive), role)
    assert remains is not None
    assert policy.same(remains.trust, document(allow(B), deny))


@pytest.mark.parametrize("operator", ["StringNotEquals", "StringNotLike", "StringNotEqualsIfExists"])
def test_a_role_for_an_id_that_a_deny_exempts_is_not_adopted(operator: str) -> None:
    role = replace(RIGHT, trust=document(allow(), deny_except(A, B, operator=operator)), tags={})
    with pytest.raises(SentinelError, match=B) as caught:
        overlay(spec(), role)
    assert caught.value.kind == "role_conflict"
    assert is_managed(overlay(spec(), replace(role, trust=document(allow(), deny_except(A, operator=operator)))))


@pytest.mark.parametrize("exclusive", [True, False])
def test_unknown_ids_beside_another_workspace_prevent_removal(exclusive: bool) -> None:
    role = replace(RIGHT, trust=trust(SENTINEL, [A, B, C]), tags=managed_tags(A, B))
    with pytest.raises(SentinelError, match=C) as caught:
        without(spec(exclusive=exclusive), role)
    assert caught.value.kind == "role_conflict"


@pytest.mark.parametrize(
    ("values", "stays"),
    [(["1111*"], False), (["*"], True), (["2222*"], True)],
    ids=["a pattern", "any principal", "another"],
)
def test_statements_for_this_workspace_are_removed_if_not_exclusive(values: list[str], stays: bool) -> None:
    like = allow(*values, operator="StringLike")
    role = replace(RIGHT, trust=document(allow(A, B), like), tags=managed_tags(A, B))
    remains = without(spec(exclusive=False), role)
    assert remains is not None
    assert policy.same(remains.trust, document(allow(B), *([like] if stays else [])))


def test_a_statement_with_a_pattern_and_another_id_prevents_removal() -> None:
    like = allow("1111*", C, operator="StringLike")
    with pytest.raises(SentinelError, match=C):
        without(spec(exclusive=False), replace(RIGHT, trust=document(allow(A, B), like), tags=managed_tags(A, B)))


@pytest.mark.parametrize("odd", ["${sts:ExternalId}", "${aws:userid}", "*", "vendor-7"])
def test_only_a_workspace_id_keeps_a_role(odd: str) -> None:
    role = replace(RIGHT, trust=document(allow(A), allow(odd)), tags={})
    if odd == "vendor-7":
        with pytest.raises(SentinelError, match=odd):
            without(spec(adopt=True), role)
    else:
        assert without(spec(adopt=True), role) is None


@pytest.mark.parametrize(
    ("arn", "kept"),
    [
        ("arn:aws:iam::aws:policy/AWSCloudTrailReadOnlyAccess", False),
        ("arn:aws-us-gov:iam::aws:policy/AWSCloudTrailReadOnlyAccess", False),
        (f"arn:aws:iam::{ACCOUNT}:policy/:iam::aws:policy/AWSCloudTrailReadOnlyAccess", True),
        (f"arn:aws:iam::{ACCOUNT}:policy/AWSCloudTrailReadOnlyAccess", True),
    ],
)
def test_only_the_policy_of_aws_is_the_replaced_one(arn: str, kept: bool) -> None:
    role = replace(RIGHT, managed_policies=RIGHT.managed_policies | {arn})
    assert (arn in overlay(spec(exclusive=False), role).managed_policies) is kept


# --- tags without room ---


def many(number: int) -> list[str]:
    return [f"{n:08}-aaaa-4aaa-8aaa-999999999999" for n in range(number)]


FULL = {
    "six ids": managed_tags(*many(6)),
    "six ids beside this workspace": managed_tags(A, *many(5), B),
    "49 other tags": {**{f"t{n}": "" for n in range(49)}, "trailbridge.sentinel": "managed"},
    "50 other tags": {f"t{n}": "" for n in range(50)},
    "no tags of the collection": {},
    "the tag in another case": {"TRAILBRIDGE.sentinel": "managed", "trailbridge.SENTINEL.workspace": A},
}


@pytest.mark.parametrize("tags", FULL.values(), ids=FULL.keys())
def test_the_trust_policy_is_evaluated_and_repaired_whatever_the_tags_are(tags: dict[str, str]) -> None:
    role = replace(
        RIGHT,
        trust=document(allow(), allow(principal="*")),
        tags=tags,
        managed_policies=RIGHT.managed_policies | {ADMIN},
    )
    found = {one.code for one in findings(spec(), role)}
    assert found >= {"trust_anyone", "trust_external_id_missing", "permission_policy_extra"}
    after = overlay(spec(), role)
    assert policy.same(after.trust, trust(SENTINEL, [A]))
    assert after.managed_policies == RIGHT.managed_policies
    assert len(after.tags) <= 50
    assert all(len(value) <= 256 for value in after.tags.values())
    assert {key for key in tags if key.startswith("t")} <= set(after.tags)
    assert overlay(spec(), after) == after
    assert not {one.code for one in findings(spec(), after)} & found - {"role_tags_full", "role_unmanaged"}


@pytest.mark.parametrize("name", ["six ids", "six ids beside this workspace", "49 other tags", "50 other tags"])
def test_tags_without_room_are_a_finding(name: str) -> None:
    assert "role_tags_full" in {one.code for one in findings(spec(), replace(RIGHT, tags=FULL[name]))} or name == (
        "six ids beside this workspace"
    )


def test_six_workspaces_keep_access_when_a_seventh_is_added() -> None:
    role = replace(RIGHT, trust=trust(SENTINEL, many(6)), tags=managed_tags(*many(6)))
    after = overlay(spec(), role)
    assert policy.external_ids(after.trust, SENTINEL) == {A, *many(6)}
    assert tagged_workspaces(after) == set(many(6))
    assert overlay(spec(), after) == after
    assert "role_tags_full" in {one.code for one in findings(spec(), after)}


def test_tags_in_another_case_keep_their_case() -> None:
    tags = {"Trailbridge.Sentinel": "managed", WORKSPACES: A}
    role = replace(RIGHT, tags=tags)
    assert overlay(spec(tags={"TRAILBRIDGE.SENTINEL": "x"}, purge_tags=True), role) == role
    assert findings(spec(), role) == []
    assert without(spec(), role) is None
    shared = overlay(spec(workspace_id=B), role)
    assert shared.tags == {"Trailbridge.Sentinel": "managed", WORKSPACES: f"{A} {B}"}


def test_a_tag_in_upper_case_names_the_same_workspace() -> None:
    role = replace(RIGHT, tags=managed_tags(A.upper()))
    assert policy.same(overlay(spec(), role).trust, RIGHT.trust)
    assert without(spec(), role) is None


@pytest.mark.parametrize("text", ["", "nobody", "*"])
def test_a_tag_without_workspace_ids_keeps_no_access(text: str) -> None:
    role = replace(RIGHT, trust=trust(SENTINEL, [A, B]), tags=managed_tags(text))
    with pytest.raises(SentinelError, match=B) as caught:
        overlay(spec(), role)
    assert caught.value.kind == "role_conflict"


def test_a_role_with_a_trust_policy_that_cannot_be_parsed_is_not_removed() -> None:
    odd = document({**allow(A), "Effect": "Perhaps"})
    role = replace(RIGHT, trust=odd, tags={"trailbridge.sentinel": "managed"})
    with pytest.raises(SentinelError, match="trust policy") as caught:
        without(spec(), role)
    assert caught.value.kind == "role_conflict"
    assert without(spec(adopt=True), role) is None
