# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a correct role is, whose a role is, what an overlay keeps and changes, what remains after offboarding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import ordered
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.policy import policy
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.role import (
    INLINE,
    LOOKUP_EVENTS,
    Role,
    RoleSpec,
    check_ownership,
    findings,
    ours,
    overlay,
    served,
    show,
    trust,
    without,
)

ACCOUNT = "111111111111"
SENTINEL = "197857026523"
OTHER = "222222222222"
A = "11111111-aaaa-4aaa-8aaa-111111111111"
B = "22222222-bbbb-4bbb-8bbb-222222222222"
C = "33333333-cccc-4ccc-8ccc-333333333333"
READ_ONLY = "arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
FENCE = f"arn:aws:iam::{ACCOUNT}:policy/fence"


def allow(
    *ids: str, operator: str = "StringEquals", principal: Any = f"arn:aws:iam::{SENTINEL}:root"
) -> dict[str, Any]:
    """A statement that lets the principal in on behalf of the ids; without a condition if there is none."""
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return {**statement, "Condition": {operator: {"sts:ExternalId": list(ids)}}} if ids else statement


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def marked(*ids: str, **more: str) -> dict[str, str]:
    """The tags of a role of ours."""
    return {"trailbridge.sentinel": "managed", "trailbridge.sentinel.workspace": " ".join(ids), **more}


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
    managed=frozenset({READ_ONLY}),
    inline={},
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
    "tags": ({"tags": {"owner": "us"}}, {"tags": marked(A, owner="us")}),
    "permission_mode": (
        {"permission_mode": "lookup_events"},
        {"managed": frozenset(), "inline": {"MicrosoftSentinelLookupEvents": LOOKUP_EVENTS}},
    ),
    "external_ids": ({"external_ids": (C, B)}, {"trust": document(allow(A, B, C)), "tags": marked(A, B, C)}),
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


def test_the_least_privilege_is_one_call() -> None:
    assert LOOKUP_EVENTS == {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "cloudtrail:LookupEvents", "Resource": "*"}],
    }


def test_a_role_of_another_partition_has_its_arns() -> None:
    role = overlay(spec(partition="aws-us-gov", microsoft_account_id=OTHER), None)
    assert role.arn == f"arn:aws-us-gov:iam::{ACCOUNT}:role/MicrosoftSentinelRole"
    assert role.managed == {"arn:aws-us-gov:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"}
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
    tags=marked(A, owner="us"),
)


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
        ({"permission_mode": "lookup_events"}, {"managed": frozenset(), "inline": {INLINE: LOOKUP_EVENTS}}),
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
def test_an_option_changes_its_attribute_alone(options: dict[str, Any], changes: dict[str, Any]) -> None:
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
        "none wished",
        "an empty wish",
        "one more",
        "another value",
        "purge without a wish",
        "purge to none",
        "purge the others",
        "purge spares those of AWS",
        "our tag has another value",
        "a wish for our tag",
        "a wish for our workspace tag",
    ],
)
def test_tags_are_added_and_purged_only_on_request(
    have: dict[str, str], options: dict[str, Any], after: dict[str, str]
) -> None:
    role = replace(RIGHT, tags={**RIGHT.tags, **have})
    assert overlay(spec(**options), role).tags == {**marked(A), **after}


@pytest.mark.parametrize("purge", [True, False])
def test_a_tag_in_another_case_is_the_same_tag(purge: bool) -> None:
    """AWS keeps the keys of a role's tags unique without case: wishing for both would never end, or end without it."""
    role = replace(RIGHT, tags=marked(A, owner="us"))
    changed = overlay(spec(tags={"Owner": "them"}, purge_tags=purge), role).tags
    assert sorted((key.lower(), changed[key]) for key in changed) == sorted(marked(A, owner="them").items())


@pytest.mark.parametrize("purge", [True, False])
def test_a_tag_that_differs_in_case_alone_is_left_alone(purge: bool) -> None:
    """AWS preserves the case that was there first, so a wish for another one would be tagged again every night."""
    role = replace(RIGHT, tags=marked(A, owner="us"))
    options = spec(tags={"OWNER": "us"}, purge_tags=purge)
    assert overlay(options, role) == role
    assert findings(options, role) == []


@pytest.mark.parametrize(
    "options",
    [
        {"external_ids": [f"{number:08}-aaaa-4aaa-8aaa-111111111111" for number in range(1, 9)]},
        {"role_tags": {f"tag{number}": "" for number in range(50)}},
    ],
    ids=["more workspaces than fit into a tag", "no room for our tags"],
)
def test_what_does_not_fit_into_the_tags_is_refused_before_aws_does(options: dict[str, Any]) -> None:
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
def test_another_spelling_of_the_trust_is_kept(spelling: dict[str, Any], exclusive: bool) -> None:
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
    ids=["a statement", "a principal", "a pattern", "no id", "a strange id", "anyone", "nothing", "an old version"],
)
def test_a_trust_beyond_the_wish_becomes_the_wished_one(trusted: dict[str, Any]) -> None:
    assert overlay(spec(), replace(RIGHT, trust=trusted)) == RIGHT


def test_a_changed_inline_policy_is_written_again_and_another_spelling_is_kept() -> None:
    option = spec(permission_mode="lookup_events")
    right = overlay(option, None)
    spelled = {"Version": "2012-10-17", "Statement": {**LOOKUP_EVENTS["Statement"][0], "Resource": ["*"]}}
    wider = {"Version": "2012-10-17", "Statement": {**LOOKUP_EVENTS["Statement"][0], "Action": "*"}}
    assert overlay(option, replace(right, inline={INLINE: spelled})).inline == {INLINE: spelled}
    assert overlay(option, replace(right, inline={INLINE: wider})) == right


# --- not exclusive ---


def test_extras_stay_where_the_wish_is_not_exclusive() -> None:
    both = document(allow(A), allow(principal=OTHER))
    role = replace(RIGHT, trust=both, managed=RIGHT.managed | {ADMIN}, inline={"more": LOOKUP_EVENTS})
    assert overlay(spec(exclusive=False), role) == role


def test_extras_go_where_the_wish_is_exclusive() -> None:
    both = document(allow(A), allow(principal=OTHER))
    role = replace(RIGHT, trust=both, managed=RIGHT.managed | {ADMIN}, inline={"more": LOOKUP_EVENTS})
    assert overlay(spec(), role) == RIGHT


@pytest.mark.parametrize("listed", [True, False], ids=["in a list", "alone"])
def test_what_is_missing_is_added_beside_the_extras(listed: bool) -> None:
    foreign = allow(principal=OTHER)
    role = replace(
        RIGHT,
        trust={"Version": "2012-10-17", "Statement": [foreign] if listed else foreign},
        managed=frozenset({ADMIN}),
        inline={"more": LOOKUP_EVENTS},
    )
    after = overlay(spec(exclusive=False, permission_mode="lookup_events"), role)
    assert after.trust == document(foreign, RIGHT.trust["Statement"][0])
    assert after.managed == {ADMIN}
    assert after.inline == {"more": LOOKUP_EVENTS, INLINE: LOOKUP_EVENTS}
    assert overlay(spec(exclusive=False, permission_mode="lookup_events"), after) == after


# --- whose it is ---


@pytest.mark.parametrize(
    ("tags", "answer"),
    [
        (marked(A), True),
        ({"trailbridge.sentinel": "managed"}, True),
        ({"trailbridge.sentinel": "Managed"}, True),
        ({"Trailbridge.Sentinel": "managed"}, True),
        ({"trailbridge.sentinel": ""}, False),
        ({"trailbridge.sentinel.workspace": A}, False),
        ({}, False),
    ],
)
def test_a_role_is_ours_by_its_tag(tags: dict[str, str], answer: bool) -> None:
    assert ours(replace(RIGHT, tags=tags)) is answer


@pytest.mark.parametrize(
    ("role", "ids"),
    [
        (None, set()),
        (RIGHT, {A}),
        (replace(RIGHT, tags=marked(A, B)), {A, B}),
        (replace(RIGHT, tags=marked()), set()),
        (replace(RIGHT, tags={"trailbridge.sentinel": "managed"}), set()),
        (replace(RIGHT, tags={"trailbridge.sentinel.workspace": A}), set()),
    ],
    ids=["no role", "one", "two", "an empty tag", "no tag", "not ours"],
)
def test_a_role_of_ours_names_the_workspaces_it_serves(role: Role | None, ids: set[str]) -> None:
    assert served(role) == ids


# What is there (its trust, its tags), the wish, and whether it may be taken over.
ADOPTION = {
    "ours, whatever it trusts": (document(allow(principal=OTHER)), marked(A), {}, True),
    "ours, with a strange id": (document(allow(A, C)), marked(A), {}, True),
    "ours, of another workspace": (document(allow(B)), marked(B), {}, True),
    "with our id": (document(allow(A)), {}, {}, True),
    "with our id in another case": (document(allow(A.upper())), {}, {}, True),
    "with our id and the account's short form": (document(allow(A, principal=SENTINEL)), {}, {}, True),
    "with any id": (document(allow("*", operator="StringLike")), {}, {}, False),
    "with our id as a pattern": (document(allow(A, operator="StringLike")), {}, {}, True),
    "with no id": (document(allow()), {}, {}, True),
    "with our id, beside another account": (document(allow(A), allow(principal=OTHER)), {}, {}, True),
    "with another's id": (document(allow(B)), {}, {}, False),
    "with another's id as a pattern": (document(allow(B, operator="StringLike")), {}, {}, False),
    "with another's id in any case": (document(allow(B, operator="StringEqualsIgnoreCase")), {}, {}, False),
    "with another's id if there is one": (document(allow(B, operator="StringEqualsIfExists")), {}, {}, False),
    "with ours and another's id": (document(allow(A, B)), {}, {}, False),
    "with ours and another's id, in two statements": (document(allow(A), allow(B)), {}, {}, False),
    "with another's id that external_ids names": (document(allow(B)), {}, {"external_ids": (B,)}, True),
    "with another's id, one more than external_ids names": (
        document(allow(B, C)),
        {},
        {"external_ids": (B,)},
        False,
    ),
    "with another's id, and adopt": (document(allow(B)), {}, {"adopt": True}, True),
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
    "trusts nobody": (document(), {}, {}, False),
    "has no trust that can be read": ({}, {}, {}, False),
    "of another Microsoft account": (document(allow(A)), {}, {"microsoft_account_id": OTHER}, False),
    "ours, but nobody knows for whom": (
        document(allow(B)),
        {"trailbridge.sentinel": "managed"},
        {},
        False,
    ),
    "our tag with another value": (document(allow(B)), {"trailbridge.sentinel": "no"}, {}, False),
    "only the workspace tag": (document(allow(B)), {"trailbridge.sentinel.workspace": f"{A} {B}"}, {}, False),
}


@pytest.mark.parametrize(("trusted", "tags", "options", "may"), ADOPTION.values(), ids=ADOPTION.keys())
def test_only_what_is_ours_is_taken_over(
    trusted: dict[str, Any], tags: dict[str, str], options: dict[str, Any], may: bool
) -> None:
    role = replace(RIGHT, trust=trusted, tags=tags)
    if may:
        after = overlay(spec(**options), role)
        assert ours(after)
        assert A in served(after)
    else:
        with pytest.raises(SentinelError) as caught:
            overlay(spec(**options), role)
        assert caught.value.kind == "role_conflict"


def test_there_is_nobody_to_ask_for_a_new_role() -> None:
    check_ownership(spec(), None)


@pytest.mark.parametrize(
    ("trusted", "reason"),
    [
        (document(allow(B)), f"it serves another workspace ({B})"),
        (document(allow(C, B)), f"it serves another workspace ({B}, {C})"),
        (document(allow(principal=OTHER)), f"it neither trusts Microsoft's account {SENTINEL}"),
    ],
)
def test_a_refusal_names_role_account_reason_and_way_out(trusted: dict[str, Any], reason: str) -> None:
    with pytest.raises(SentinelError) as caught:
        overlay(spec(), replace(RIGHT, trust=trusted, tags={}))
    text = str(caught.value)
    assert text.startswith(f"Cannot take over role MicrosoftSentinelRole in account {ACCOUNT}: {reason}")
    assert "another role name" in text
    assert "adopt" in text


def test_neighbours_stay_and_intruders_go() -> None:
    role = replace(RIGHT, trust=document(allow(A, B, C)), tags=marked(A, B))
    after = overlay(spec(), role)
    assert policy.external_ids(after.trust, SENTINEL) == {A, B}
    assert after.tags == marked(A, B)


def test_two_workspaces_that_share_a_role_never_cut_each_other_off() -> None:
    first = overlay(spec(workspace_id=A), None)
    second = overlay(spec(workspace_id=B), first)
    assert policy.external_ids(second.trust, SENTINEL) == {A, B}
    assert overlay(spec(workspace_id=A), second) == second
    assert overlay(spec(workspace_id=B), second) == second


# --- offboarding ---

WORKSPACES = "TrailBridge.Sentinel.Workspace"
# What is there, the wish, and what remains.
OTHERS = allow(principal="arn:aws:iam::999999999999:root")
REMAINS: dict[str, tuple[Role | None, dict[str, Any], Role | None]] = {
    "nothing": (None, {}, None),
    "ours alone": (RIGHT, {}, None),
    "ours, without a workspace tag": (replace(RIGHT, tags={"trailbridge.sentinel": "managed"}), {}, None),
    "ours, with a neighbour": (
        replace(RIGHT, trust=trust(SENTINEL, [A, B]), tags=marked(A, B, owner="us")),
        {},
        replace(RIGHT, trust=trust(SENTINEL, [B]), tags=marked(B, owner="us")),
    ),
    "ours, with two neighbours": (
        replace(RIGHT, trust=trust(SENTINEL, [A, B, C]), tags=marked(A, B, C)),
        {},
        replace(RIGHT, trust=trust(SENTINEL, [B, C]), tags=marked(B, C)),
    ),
    "of a neighbour alone": (
        replace(RIGHT, trust=trust(SENTINEL, [B]), tags=marked(B)),
        {},
        replace(RIGHT, trust=trust(SENTINEL, [B]), tags=marked(B)),
    ),
    "of a neighbour alone, spelled otherwise": (
        replace(RIGHT, trust=document(allow(B, principal=SENTINEL)), tags=marked(A, B)),
        {},
        replace(RIGHT, trust=document(allow(B, principal=SENTINEL)), tags=marked(B)),
    ),
    "ours, shared by external_ids": (
        replace(RIGHT, trust=trust(SENTINEL, [A, B]), tags=marked(A, B)),
        {"external_ids": (B,)},
        replace(RIGHT, trust=trust(SENTINEL, [B]), tags=marked(B)),
    ),
    "ours, with a neighbour that the tag alone names": (replace(RIGHT, tags=marked(A, B)), {}, None),
    "ours, with a tag that names another, and a trust that asks for no id": (
        replace(RIGHT, trust=document(allow(principal=SENTINEL)), tags=marked(A, B)),
        {},
        None,
    ),
    "ours, with a tag that names another, and a trust that takes any id": (
        replace(RIGHT, trust=document(allow("*", operator="StringLike")), tags=marked(A, B)),
        {},
        None,
    ),
    "ours, by tags in another case, with a neighbour": (
        replace(RIGHT, trust=trust(SENTINEL, [A, B]), tags={"Trailbridge.Sentinel": "managed", WORKSPACES: f"{A} {B}"}),
        {},
        replace(RIGHT, trust=trust(SENTINEL, [B]), tags={"Trailbridge.Sentinel": "managed", WORKSPACES: B}),
    ),
    "ours, beside a statement of others that is not exclusive": (
        replace(RIGHT, trust=document(allow(A, B, principal=SENTINEL), OTHERS), tags=marked(A, B)),
        {"exclusive": False},
        replace(RIGHT, trust=document(OTHERS, *trust(SENTINEL, [B])["Statement"]), tags=marked(B)),
    ),
    "a neighbour's, beside a statement of others that is not exclusive": (
        replace(RIGHT, trust=document(OTHERS, allow(B, principal=SENTINEL)), tags=marked(A, B)),
        {"exclusive": False},
        replace(RIGHT, trust=document(OTHERS, allow(B, principal=SENTINEL)), tags=marked(B)),
    ),
    "not ours, and adopt": (replace(RIGHT, tags={}), {"adopt": True}, None),
    "not ours but Microsoft's, and adopt": (
        replace(RIGHT, trust=document(allow(principal=f"arn:aws:iam::{SENTINEL}:role/x")), tags={}),
        {"adopt": True},
        None,
    ),
}


@pytest.mark.parametrize(("role", "options", "remains"), REMAINS.values(), ids=REMAINS.keys())
def test_the_role_goes_only_when_no_other_workspace_remains(
    role: Role | None, options: dict[str, Any], remains: Role | None
) -> None:
    assert without(spec(**options), role) == remains


def test_a_neighbour_in_an_unmarked_role_remains_even_with_adopt() -> None:
    remains = without(spec(adopt=True), replace(RIGHT, trust=trust(SENTINEL, [A, B]), tags={}))
    assert remains is not None
    assert policy.external_ids(remains.trust, SENTINEL) == {B}


def test_an_unmarked_role_that_says_our_id_in_upper_case_serves_nobody_else() -> None:
    assert without(spec(adopt=True), replace(RIGHT, trust=trust(SENTINEL, [A.upper()]), tags={})) is None


def also(statement: dict[str, Any], **condition: Any) -> dict[str, Any]:
    """The statement with further conditions."""
    return {**statement, "Condition": {**statement.get("Condition", {}), **condition}}


def spare(*ids: str, operator: str = "StringNotEquals") -> dict[str, Any]:
    """A statement that denies everybody but the ids."""
    return {**allow(*ids, operator=operator, principal="*"), "Effect": "Deny"}


PARTLY = f"arn:aws:iam::{SENTINEL}:role/old"
UNKNOWN = {
    "beside ours": (trust(SENTINEL, [A, B]), marked(A)),
    "alone": (trust(SENTINEL, [B]), marked(A)),
    "without a workspace tag": (trust(SENTINEL, [A, B]), {"trailbridge.sentinel": "managed"}),
    "with a tag that names nobody": (trust(SENTINEL, [A, B]), marked("nobody", "*")),
    "in another statement": (document(allow(A), allow(B)), marked(A)),
    "that is denied by nothing exact": (document(allow(A, B), {**allow(B), "Effect": "Deny"}), marked(A, B)),
    "as a pattern": (document(allow(A), allow("22222222-*", operator="StringLike")), marked(A, B)),
    "in any case": (document(allow(A), allow(B, operator="StringEqualsIgnoreCase")), marked(A, B)),
    "if there is one": (document(allow(A, B, operator="StringEqualsIfExists")), marked(A, B)),
    "by any of its values": (document(allow(A, B, operator="ForAnyValue:StringEquals")), marked(A, B)),
    "for anybody": (document(allow(A), allow(B, principal="*")), marked(A, B)),
    "for another account": (document(allow(A), allow(B, principal=OTHER)), marked(A, B)),
    "beside a neighbour": (trust(SENTINEL, [A, B, C]), marked(A, B)),
    "beside a neighbour, of another tool": (document(allow(A, B), allow("vendor-7", principal=OTHER)), marked(A, B)),
    "that is spared by a Deny": (document(allow(), spare(A, B)), marked(A)),
    "that is spared by a Deny, beside a neighbour": (document(allow(A, B), spare(A, B, C)), marked(A, B)),
    "that is spared as a pattern": (document(allow(), spare(A, "2222*", operator="StringNotLike")), marked(A)),
    "that is spared if there is one": (document(allow(), spare(A, B, operator="StringNotEqualsIfExists")), marked(A)),
    "that is spared in any case": (document(allow(), spare(A, B, operator="StringNotEqualsIgnoreCase")), marked(A)),
    "that is spared by any value": (document(allow(), spare(A, B, operator="ForAnyValue:StringNotEquals")), marked(A)),
    "as the value that a variable has else": (document(allow(f"${{aws:PrincipalTag/x, '{B}'}}")), marked(A)),
    "in another case": (trust(SENTINEL, [A, B.upper()]), marked(A, B)),
    "until a day": (document(allow(A), also(allow(B), DateLessThan={"aws:CurrentTime": "2024-01-01"})), marked(A, B)),
    "for a part of the account": (document(allow(A), allow(B, principal=PARTLY)), marked(A, B)),
    "that a Deny keeps out": (document(allow(A, B), spare(A)), marked(A, B)),
    "of another tool": (document(allow(A), allow("vendor-7", principal=OTHER)), marked(A)),
    "and what cannot be read": (document(allow(A), {**allow(A), "Effect": "Perhaps"}), marked(A)),
}


@pytest.mark.parametrize(("trusted", "tags"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_a_role_whose_trust_names_somebody_whom_the_tag_does_not_is_not_removed(
    trusted: dict[str, Any], tags: dict[str, str]
) -> None:
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
    ids=["twice", "a pattern", "a variable", "anybody", "a Deny for another", "all but one"],
)
def test_a_role_that_was_widened_and_names_nobody_else_is_removed(trusted: dict[str, Any]) -> None:
    assert without(spec(), replace(RIGHT, trust=trusted, tags=marked(A, B, C))) is None


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
    ids=["a service", "another account", "anybody", "a Deny", "another action", "nothing"],
)
def test_adopt_removes_only_what_trusts_microsoft_or_is_tagged(trusted: dict[str, Any]) -> None:
    role = replace(RIGHT, trust=trusted, tags={"owner": "us"})
    with pytest.raises(SentinelError) as caught:
        without(spec(adopt=True), role)
    assert caught.value.kind == "role_conflict"


def test_adopt_that_was_left_on_keeps_no_role_open_for_somebody_whom_the_tag_does_not_name() -> None:
    with pytest.raises(SentinelError) as caught:
        without(spec(adopt=True), replace(RIGHT, trust=trust(SENTINEL, [A, B])))
    assert caught.value.kind == "role_conflict"


def test_a_role_that_is_not_ours_is_never_removed() -> None:
    with pytest.raises(SentinelError, match=f"Cannot remove role MicrosoftSentinelRole in account {ACCOUNT}") as caught:
        without(spec(), replace(RIGHT, tags={}))
    assert caught.value.kind == "role_conflict"


def test_a_role_of_an_instance_profile_is_not_removed_but_left_by_this_workspace() -> None:
    used = replace(RIGHT, instance_profiles=("web",))
    with pytest.raises(SentinelError, match="instance profile web") as caught:
        without(spec(), used)
    assert caught.value.kind == "role_conflict"
    shared = replace(used, trust=trust(SENTINEL, [A, B]), tags=marked(A, B))
    remains = without(spec(), shared)
    assert remains is not None
    assert served(remains) == {B}


# --- as shown, and what is wrong ---


def test_a_role_is_shown_in_one_form() -> None:
    role = replace(
        RIGHT, tags=marked(A, b="2", a="1"), managed=RIGHT.managed | {ADMIN}, inline={"z": LOOKUP_EVENTS, "y": {}}
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
                    "Principal": {"AWS": [SENTINEL]},
                    "Action": ["sts:assumerole"],
                    "Condition": {"StringEquals": {"sts:externalid": [A]}},
                }
            ],
        },
        "permissions_boundary": None,
        "tags": {"a": "1", "b": "2", "trailbridge.sentinel": "managed", "trailbridge.sentinel.workspace": A},
        "managed_policies": [READ_ONLY, ADMIN],
        "inline_policies": {"y": {}, "z": policy.canonical(LOOKUP_EVENTS)},
    }
    assert list(show(role)["tags"]) == sorted(role.tags)
    assert list(show(role)["inline_policies"]) == ["y", "z"]


def test_no_role_is_shown_as_nothing() -> None:
    assert show(None) == {}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_spellings_are_shown_alike(spelling: dict[str, Any]) -> None:
    assert show(replace(RIGHT, trust=spelling)) == show(RIGHT)


def test_findings_name_the_thing_and_put_security_first() -> None:
    role = replace(
        RIGHT,
        description="By hand",
        trust=document(allow(A), allow(principal=OTHER)),
        managed=frozenset({ADMIN}),
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
    told = {item.code: item.message for item in found}
    assert OTHER in told["trust_account_foreign"]
    assert ADMIN in told["permission_policy_extra"]
    assert READ_ONLY in told["permission_policy_missing"]
    assert "43200" in told["role_session_raised"]
    assert "'By hand'" in told["role_description"]


def test_a_neighbour_is_told_until_it_is_named_and_an_intruder_is_worse() -> None:
    shared = replace(RIGHT, trust=trust(SENTINEL, [A, B]), tags=marked(A, B))
    [told] = findings(spec(), shared)
    assert (told.code, B in told.message) == ("role_shared", True)
    assert findings(spec(external_ids=(B,)), shared) == []
    found = findings(spec(), replace(RIGHT, trust=trust(SENTINEL, [A, B])))
    assert [item.code for item in found] == ["trust_external_id_foreign"]
    assert B in found[0].message


# --- what a tag can do ---


def test_a_tag_lets_nobody_in() -> None:
    tagged = replace(RIGHT, tags=marked(A, B))
    role = overlay(spec(), tagged)
    assert policy.same(role.trust, trust(SENTINEL, [A]))
    assert served(role) == {A, B}
    assert findings(spec(), tagged) == []


OPEN = {
    "a deleted principal": document(allow(A), allow(principal="AROAJQABLZS4A3QDU576Q")),
    "another account": document(allow(A), allow(principal=OTHER)),
    "the other id for another account": document(allow(A), allow(B, principal=OTHER)),
    "the other id for anybody": document(allow(A), allow(B, principal="*")),
    "no id": document(allow()),
    "any id": document(allow("*", operator="StringLike")),
    "a part of the other id": document(allow(A), allow(f"{B[:8]}*", operator="StringLike")),
    "the other id in any case": document(allow(A), allow(B, operator="StringEqualsIgnoreCase")),
    "the other id if there is one": document(allow(A), allow(B, operator="StringEqualsIfExists")),
    "any of the values": document(allow(A), allow(B, operator="ForAnyValue:StringEquals")),
    "all but the other id": document(allow(A), allow(B, operator="StringNotEquals")),
    "the other id for another action": document(allow(A), {**allow(B), "Action": "sts:TagSession"}),
    "a Deny for the other id": document(allow(A, B), {**allow(B), "Effect": "Deny"}),
    "everybody but one": document({"Effect": "Allow", "NotPrincipal": {"AWS": OTHER}, "Action": "sts:AssumeRole"}),
    "what cannot be read": document({**allow(A, B), "Effect": "Perhaps"}),
}


@pytest.mark.parametrize("trusted", OPEN.values(), ids=OPEN.keys())
@pytest.mark.parametrize("exclusive", [True, False])
def test_a_tag_lets_nobody_in_however_open_the_trust_is(trusted: dict[str, Any], exclusive: bool) -> None:
    role = replace(RIGHT, trust=trusted, tags=marked(A, B))
    after = overlay(spec(exclusive=exclusive), role)
    kept = [] if exclusive else trusted["Statement"]
    assert policy.external_ids(after.trust, SENTINEL) == {A} | policy.external_ids(document(*kept), SENTINEL)
    assert {one.code for one in findings(spec(), role)} - {"role_tags", "role_shared"}
    assert "role_shared" not in {one.code for one in findings(spec(), role)}


SOMETIMES = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
DENIED = {
    "by its id": {**allow(B), "Effect": "Deny"},
    "to all but ours": spare(A),
    "to all but ours if there is one": spare(A, operator="StringNotEqualsIfExists"),
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
def test_a_tag_beside_a_condition_that_lets_nobody_in_lets_nobody_in(statement: dict[str, Any]) -> None:
    allowed = [allow(A, B) if statement["Effect"] == "Deny" else allow(A), statement]
    role = replace(RIGHT, trust=document(*allowed), tags=marked(A, B))
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
    ids=["its id", "a pattern", "all but ours"],
)
@pytest.mark.parametrize("exclusive", [True, False])
def test_a_neighbour_that_is_sometimes_denied_stays_and_stays_so(condition: dict[str, Any], exclusive: bool) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "*", "Condition": {**condition, **SOMETIMES}}
    role = replace(RIGHT, trust=document(allow(A, B), deny), tags=marked(A, B))
    assert overlay(spec(exclusive=exclusive), role) == role
    assert {"role_shared", "trust_deny"} == {one.code for one in findings(spec(), role)}
    assert overlay(spec(), replace(role, trust=document(allow(A, B, C), deny))).trust["Statement"][1:] == [deny]
    remains = without(spec(exclusive=exclusive), role)
    assert remains is not None
    assert policy.same(remains.trust, document(allow(B), deny))


@pytest.mark.parametrize("operator", ["StringNotEquals", "StringNotLike", "StringNotEqualsIfExists"])
def test_a_role_that_serves_whom_a_deny_spares_is_not_taken_over(operator: str) -> None:
    role = replace(RIGHT, trust=document(allow(), spare(A, B, operator=operator)), tags={})
    with pytest.raises(SentinelError, match=B) as caught:
        overlay(spec(), role)
    assert caught.value.kind == "role_conflict"
    assert ours(overlay(spec(), replace(role, trust=document(allow(), spare(A, operator=operator)))))


@pytest.mark.parametrize("exclusive", [True, False])
def test_nobody_is_cut_off_beside_a_neighbour(exclusive: bool) -> None:
    role = replace(RIGHT, trust=trust(SENTINEL, [A, B, C]), tags=marked(A, B))
    with pytest.raises(SentinelError, match=C) as caught:
        without(spec(exclusive=exclusive), role)
    assert caught.value.kind == "role_conflict"


@pytest.mark.parametrize(
    ("values", "stays"), [(["1111*"], False), (["*"], True), (["2222*"], True)], ids=["a pattern", "anybody", "another"]
)
def test_what_lets_this_workspace_in_goes_where_the_wish_is_not_exclusive(values: list[str], stays: bool) -> None:
    like = allow(*values, operator="StringLike")
    role = replace(RIGHT, trust=document(allow(A, B), like), tags=marked(A, B))
    remains = without(spec(exclusive=False), role)
    assert remains is not None
    assert policy.same(remains.trust, document(allow(B), *([like] if stays else [])))


def test_a_pattern_beside_another_id_is_not_taken_out_for_both() -> None:
    like = allow("1111*", C, operator="StringLike")
    with pytest.raises(SentinelError, match=C):
        without(spec(exclusive=False), replace(RIGHT, trust=document(allow(A, B), like), tags=marked(A, B)))


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
def test_only_the_policy_of_aws_is_outdated(arn: str, kept: bool) -> None:
    role = replace(RIGHT, managed=RIGHT.managed | {arn})
    assert (arn in overlay(spec(exclusive=False), role).managed) is kept


# --- what does not fit into the tags of a role that is there ---


def many(number: int) -> list[str]:
    return [f"{n:08}-aaaa-4aaa-8aaa-999999999999" for n in range(number)]


FULL = {
    "six ids": marked(*many(6)),
    "six ids beside ours": marked(A, *many(5), B),
    "49 other tags": {**{f"t{n}": "" for n in range(49)}, "trailbridge.sentinel": "managed"},
    "50 other tags": {f"t{n}": "" for n in range(50)},
    "our tags gone": {},
    "our tag in another case": {"TRAILBRIDGE.sentinel": "managed", "trailbridge.SENTINEL.workspace": A},
}


@pytest.mark.parametrize("tags", FULL.values(), ids=FULL.keys())
def test_whatever_the_tags_are_the_trust_is_judged_and_repaired(tags: dict[str, str]) -> None:
    role = replace(RIGHT, trust=document(allow(), allow(principal="*")), tags=tags, managed=RIGHT.managed | {ADMIN})
    found = {one.code for one in findings(spec(), role)}
    assert found >= {"trust_anyone", "trust_external_id_missing", "permission_policy_extra"}
    after = overlay(spec(), role)
    assert policy.same(after.trust, trust(SENTINEL, [A]))
    assert after.managed == RIGHT.managed
    assert len(after.tags) <= 50
    assert all(len(value) <= 256 for value in after.tags.values())
    assert {key for key in tags if key.startswith("t")} <= set(after.tags)
    assert overlay(spec(), after) == after
    assert not {one.code for one in findings(spec(), after)} & found - {"role_tags_full", "role_unmanaged"}


@pytest.mark.parametrize("name", ["six ids", "six ids beside ours", "49 other tags", "50 other tags"])
def test_what_has_no_room_in_the_tags_is_a_finding(name: str) -> None:
    assert "role_tags_full" in {one.code for one in findings(spec(), replace(RIGHT, tags=FULL[name]))} or name == (
        "six ids beside ours"
    )


def test_six_who_share_a_role_by_trust_and_tag_are_not_cut_off_by_a_seventh() -> None:
    role = replace(RIGHT, trust=trust(SENTINEL, many(6)), tags=marked(*many(6)))
    after = overlay(spec(), role)
    assert policy.external_ids(after.trust, SENTINEL) == {A, *many(6)}
    assert served(after) == set(many(6))
    assert overlay(spec(), after) == after
    assert "role_tags_full" in {one.code for one in findings(spec(), after)}


def test_tags_in_another_case_keep_it_and_converge() -> None:
    tags = {"Trailbridge.Sentinel": "managed", WORKSPACES: A}
    role = replace(RIGHT, tags=tags)
    assert overlay(spec(tags={"TRAILBRIDGE.SENTINEL": "x"}, purge_tags=True), role) == role
    assert findings(spec(), role) == []
    assert without(spec(), role) is None
    shared = overlay(spec(workspace_id=B), role)
    assert shared.tags == {"Trailbridge.Sentinel": "managed", WORKSPACES: f"{A} {B}"}


def test_a_tag_in_upper_case_names_the_same_workspace() -> None:
    role = replace(RIGHT, tags=marked(A.upper()))
    assert policy.same(overlay(spec(), role).trust, RIGHT.trust)
    assert without(spec(), role) is None


@pytest.mark.parametrize("text", ["", "nobody", "*"])
def test_a_tag_that_names_nobody_protects_nobody(text: str) -> None:
    role = replace(RIGHT, trust=trust(SENTINEL, [A, B]), tags=marked(text))
    with pytest.raises(SentinelError, match=B) as caught:
        overlay(spec(), role)
    assert caught.value.kind == "role_conflict"


def test_a_role_that_does_not_tell_whom_it_serves_is_not_removed() -> None:
    odd = document({**allow(A), "Effect": "Perhaps"})
    role = replace(RIGHT, trust=odd, tags={"trailbridge.sentinel": "managed"})
    with pytest.raises(SentinelError, match="whom it serves") as caught:
        without(spec(), role)
    assert caught.value.kind == "role_conflict"
    assert without(spec(adopt=True), role) is None
