# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role of S3 sources: trust, inline policies, ownership, removal and findings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import CODES, MANUAL
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.role import Role
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.role import trust as older_trust
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.role import (
    WEB_IDENTITY_ROLE,
    source_of,
    workspace_of,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import (
    S3SourceSpec,
    default_queue_name,
)

ACCOUNT = "222222222222"
MICROSOFT = "197857026523"
A = "11111111-aaaa-4aaa-8aaa-111111111111"
B = "22222222-bbbb-4bbb-8bbb-222222222222"
C = "33333333-cccc-4ccc-8ccc-333333333333"
TENANT = "33e01921-4d64-4f8c-a055-5bdaffd5e33d"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/sts.windows.net/{TENANT}/"
AUD = f"sts.windows.net/{TENANT}/:aud"
AUDIENCE = "api://1462b192-27f7-4cb9-8523-0f4ecb54b47e"
NAME, OTHER_NAME, UNKNOWN_NAME = (f"MicrosoftSentinel_{one}" for one in (A, B, C))
SQS_READ_ONLY = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"

SPEC = S3SourceSpec(ACCOUNT, "eu-west-1", "logs", "o-abc/AWSLogs/o-abc/", A, "sentinel-trail")
FLOWS = replace(SPEC, table="AWSVPCFlow", bucket="flows", prefix="", queue_name="sentinel-flows")
ADOPT = replace(SPEC, adopt=True)


def identity(*names: str, **changes: Any) -> dict[str, Any]:
    """A statement of the trust policy."""
    return {
        "Effect": "Allow",
        "Principal": {"Federated": PROVIDER},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {AUD: AUDIENCE, "sts:RoleSessionName": list(names)}},
        **changes,
    }


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: Any, resource: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def tags(*ids: str) -> dict[str, str]:
    return {"trailbridge.sentinel": "managed", "trailbridge.sentinel.workspace": " ".join(sorted(ids))}


RIGHT = Role(
    name="OIDC_MicrosoftSentinelRole",
    arn=f"arn:aws:iam::{ACCOUNT}:role/OIDC_MicrosoftSentinelRole",
    description="Lets Microsoft Sentinel read logs in Amazon S3",
    trust=document(identity(NAME)),
    tags=tags(A),
    inline_policies={SPEC.policy_name: SPEC.role_policy},
)
PORTAL = replace(RIGHT, tags={}, description="", inline_policies={"SentinelPolicy": SPEC.role_policy})
SHARED = replace(RIGHT, trust=document(identity(NAME, OTHER_NAME)), tags=tags(A, B))
TWO = replace(RIGHT, inline_policies={SPEC.policy_name: SPEC.role_policy, FLOWS.policy_name: FLOWS.role_policy})
OLDER = older_trust(MICROSOFT, [A])
EVERYTHING = document(allow("s3:*", "*"))


def overlay(spec: S3SourceSpec, have: Role | None) -> Role:
    found = WEB_IDENTITY_ROLE.overlay(spec, have)
    assert found
    return found


def codes(spec: S3SourceSpec, have: Role | None) -> list[str]:
    return [one.code for one in WEB_IDENTITY_ROLE.findings(spec, have)]


def names(spec: S3SourceSpec, have: Role | None, want: Role | None) -> list[str]:
    return [call.name for call in WEB_IDENTITY_ROLE.plan(have, want)]


# --- the desired role ---


def test_a_new_role_is_as_documented() -> None:
    assert overlay(SPEC, None) == RIGHT
    assert names(SPEC, None, RIGHT) == ["CreateRole", "PutRolePolicy"]
    assert codes(SPEC, None) == ["role_missing"]


def test_the_session_name_is_a_list() -> None:
    [statement] = overlay(SPEC, None).trust["Statement"]
    assert statement["Condition"]["StringEquals"]["sts:RoleSessionName"] == [NAME]


def test_given_session_names_replace_the_default() -> None:
    given = (f"MicrosoftDefenderForClouds_{A}", NAME)
    assert overlay(replace(SPEC, session_names=given), None).trust == document(identity(*given))


AS_DESIRED = {
    "managed": RIGHT,
    "of the portal": PORTAL,
    "of the portal, one name as a string": replace(
        PORTAL,
        trust=document(identity(Condition={"StringEquals": {AUD.upper(): [AUDIENCE], "STS:RoleSessionName": NAME}})),
    ),
    "shared": SHARED,
    "another source": TWO,
    "the policy twice": replace(RIGHT, inline_policies={**RIGHT.inline_policies, "copy": SPEC.role_policy}),
}


@pytest.mark.parametrize("have", AS_DESIRED.values(), ids=list(AS_DESIRED))
def test_a_role_as_desired_gets_no_write_and_no_tag(have: Role) -> None:
    assert names(SPEC, have, overlay(SPEC, have)) == []
    assert [one for one in codes(SPEC, have) if one != "role_shared"] == []


DRIFT: dict[str, tuple[Role, list[str], list[str]]] = {
    "no session name": (
        replace(RIGHT, trust=document(identity(Condition={"StringEquals": {AUD: AUDIENCE}}))),
        ["trust_condition_missing"],
        ["UpdateAssumeRolePolicy"],
    ),
    "no audience": (
        replace(RIGHT, trust=document(identity(Condition={"StringEquals": {"sts:RoleSessionName": [NAME]}}))),
        ["trust_condition_missing"],
        ["UpdateAssumeRolePolicy"],
    ),
    "a wildcard": (
        replace(
            RIGHT,
            trust=document(
                identity(
                    Condition={
                        "StringEquals": {AUD: AUDIENCE},
                        "StringLike": {"sts:RoleSessionName": "MicrosoftSentinel_*"},
                    }
                )
            ),
        ),
        ["trust_condition_weak"],
        ["UpdateAssumeRolePolicy"],
    ),
    "the session name of an unknown workspace": (
        replace(RIGHT, trust=document(identity(NAME, UNKNOWN_NAME))),
        ["trust_condition_foreign"],
        ["UpdateAssumeRolePolicy"],
    ),
    "a tag alone lets nobody in": (
        replace(RIGHT, trust=document(identity(UNKNOWN_NAME)), tags=tags(A, B)),
        ["trust_condition_foreign", "trust_workspace_missing"],
        ["UpdateAssumeRolePolicy"],
    ),
    "another audience": (
        replace(
            RIGHT,
            trust=document(
                identity(Condition={"StringEquals": {AUD: [AUDIENCE, "api://x"], "sts:RoleSessionName": [NAME]}})
            ),
        ),
        ["trust_condition_foreign"],
        ["UpdateAssumeRolePolicy"],
    ),
    "the provider without slash": (
        replace(RIGHT, trust=document(identity(NAME, Principal={"Federated": PROVIDER.rstrip("/")}))),
        ["trust_principal_type", "trust_sentinel_missing"],
        ["UpdateAssumeRolePolicy"],
    ),
    "another account": (
        replace(RIGHT, trust=document(identity(NAME), {**OLDER["Statement"][0], "Principal": {"AWS": "9" * 12}})),
        ["trust_account_foreign"],
        ["UpdateAssumeRolePolicy"],
    ),
    "the older trust besides": (
        replace(RIGHT, trust=document(identity(NAME), *OLDER["Statement"])),
        ["trust_outdated"],
        ["UpdateAssumeRolePolicy"],
    ),
    "the older trust of another workspace": (
        replace(RIGHT, trust=document(identity(NAME), *older_trust(MICROSOFT, [B])["Statement"])),
        ["trust_account_foreign"],
        ["UpdateAssumeRolePolicy"],
    ),
    "a Deny": (
        replace(RIGHT, trust=document(identity(NAME), identity(NAME, Effect="Deny"))),
        ["trust_deny"],
        ["UpdateAssumeRolePolicy"],
    ),
    "more actions": (
        replace(RIGHT, trust=document(identity(NAME, Action=["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]))),
        ["trust_action_extra"],
        ["UpdateAssumeRolePolicy"],
    ),
    "an account-wide managed policy": (
        replace(RIGHT, managed_policies=frozenset({SQS_READ_ONLY})),
        ["permission_policy_extra"],
        ["DetachRolePolicy"],
    ),
    "no inline policy": (replace(RIGHT, inline_policies={}), ["permission_inline_missing"], ["PutRolePolicy"]),
    "beyond the prefix": (
        replace(RIGHT, inline_policies={SPEC.policy_name: replace(SPEC, prefix="").role_policy}),
        ["permission_inline_changed"],
        ["PutRolePolicy"],
    ),
    "a part is missing": (
        replace(
            RIGHT,
            inline_policies={SPEC.policy_name: document(allow("s3:GetObject", f"{SPEC.bucket_arn}/{SPEC.prefix}*"))},
        ),
        ["permission_inline_incomplete"],
        ["PutRolePolicy"],
    ),
    "another inline policy": (
        replace(RIGHT, inline_policies={**RIGHT.inline_policies, "more": EVERYTHING}),
        ["permission_inline_extra"],
        ["DeleteRolePolicy"],
    ),
    "one under the name of another source": (
        replace(RIGHT, inline_policies={**RIGHT.inline_policies, FLOWS.policy_name: EVERYTHING}),
        ["permission_inline_extra"],
        ["DeleteRolePolicy"],
    ),
    "the name without the policy": (
        replace(RIGHT, inline_policies={SPEC.policy_name: EVERYTHING, "portal": SPEC.role_policy}),
        ["permission_inline_extra"],
        ["DeleteRolePolicy"],
    ),
    "tags": (replace(RIGHT, tags={"trailbridge.sentinel": "managed"}), ["role_tags"], ["TagRole"]),
}


@pytest.mark.parametrize(("have", "found", "calls"), DRIFT.values(), ids=list(DRIFT))
def test_drift_is_found_and_repaired(have: Role, found: list[str], calls: list[str]) -> None:
    assert codes(SPEC, have) == found
    want = overlay(SPEC, have)
    assert names(SPEC, have, want) == calls
    assert codes(SPEC, want) == []
    repairs = [set(CODES[code].repaired_by) - {MANUAL} for code in found]
    assert all(one & set(calls) for one in repairs)
    assert names(SPEC, want, overlay(SPEC, want)) == []


def test_the_resources_beyond_the_prefix_are_named() -> None:
    have = DRIFT["beyond the prefix"][0]
    [found] = WEB_IDENTITY_ROLE.findings(SPEC, have)
    assert "arn:aws:s3:::logs/*" in found.message


def test_settings_that_no_option_sets_stay_and_are_shown() -> None:
    have = replace(RIGHT, permissions_boundary=SQS_READ_ONLY, max_session_duration=7200, description="Mine")
    assert overlay(SPEC, have) == have
    assert codes(SPEC, have) == ["role_boundary_unexpected", "role_session_long"]


def test_a_role_that_has_to_be_changed_gets_the_tags() -> None:
    have = replace(PORTAL, managed_policies=frozenset({SQS_READ_ONLY}))
    assert codes(SPEC, have) == ["permission_policy_extra", "role_unmanaged"]
    assert names(SPEC, have, overlay(SPEC, have)) == ["TagRole", "DetachRolePolicy"]


# --- several sources, several workspaces ---


def test_a_second_source_adds_its_policy_to_the_role() -> None:
    want = overlay(FLOWS, RIGHT)
    assert want == TWO
    assert codes(FLOWS, RIGHT) == ["permission_inline_missing"]


def test_the_policy_of_a_listed_source_stays_under_any_name() -> None:
    have = replace(PORTAL, inline_policies={"SentinelPolicy": SPEC.role_policy, "Flows": FLOWS.role_policy})
    assert codes(SPEC, have) == ["permission_inline_extra", "role_unmanaged"]
    both = replace(SPEC, other_queue_arns=(FLOWS.queue_arn,))
    assert codes(both, have) == []
    assert overlay(both, have) == have


NOT_OF_A_SOURCE = {
    "more actions": document(*FLOWS.role_policy["Statement"], allow("s3:ListBucket", FLOWS.bucket_arn)),
    "every queue": document(allow(FLOWS.role_policy["Statement"][0]["Action"], "*"), FLOWS.role_policy["Statement"][1]),
    "another bucket": replace(FLOWS, bucket="others").role_policy,
    "another account's queue": replace(FLOWS, account_id="333333333333").role_policy,
    "two buckets": document(
        FLOWS.role_policy["Statement"][0], allow("s3:GetObject", ["arn:aws:s3:::flows/*", "arn:aws:s3:::logs/*"])
    ),
    "every key": document(*FLOWS.role_policy["Statement"], allow("kms:Decrypt", "*")),
    "every bucket": document(FLOWS.role_policy["Statement"][0], allow("s3:GetObject", "*")),
    "no statements": document(),
    "not parseable": {"Statement": "x"},
}


@pytest.mark.parametrize("other", NOT_OF_A_SOURCE.values(), ids=list(NOT_OF_A_SOURCE))
def test_only_the_exact_policy_of_another_source_stays(other: dict[str, Any]) -> None:
    have = replace(RIGHT, inline_policies={**RIGHT.inline_policies, FLOWS.policy_name: other})
    assert codes(SPEC, have) == ["permission_inline_extra"]
    assert overlay(SPEC, have) == RIGHT


def test_the_policy_of_a_source_with_a_queue_of_any_name_and_keys_is_recognized() -> None:
    keys = tuple(f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{number}" for number in (2, 1))
    other = replace(FLOWS, queue_name="any", region="us-east-1", kms_key_arns=keys)
    assert source_of(SPEC, FLOWS.policy_name, other.role_policy) is None
    found = source_of(SPEC, other.policy_name, other.role_policy)
    assert found
    assert (found.queue_arn, found.bucket, sorted(found.kms_key_arns)) == (other.queue_arn, "flows", sorted(keys))


SAME_OBJECTS: dict[str, S3SourceSpec] = {
    "for another workspace": replace(SPEC, queue_name="second", workspace_id=B),
    "of other accounts": replace(SPEC, queue_name="second", account_ids=("111111111111",)),
    "with the default queue": replace(SPEC, queue_name=default_queue_name(SPEC.table, SPEC.bucket, SPEC.prefix)),
}


@pytest.mark.parametrize("second", SAME_OBJECTS.values(), ids=list(SAME_OBJECTS))
def test_two_sources_of_the_same_objects_have_a_policy_each(second: S3SourceSpec) -> None:
    both = overlay(second, SHARED)
    assert both.inline_policies == {SPEC.policy_name: SPEC.role_policy, second.policy_name: second.role_policy}
    assert overlay(SPEC, both) == overlay(second, both) == both
    assert codes(SPEC, both) == ["role_shared"]
    after = WEB_IDENTITY_ROLE.without(second, both)
    assert after
    assert after.inline_policies == SHARED.inline_policies


def test_the_policy_of_a_source_with_the_default_queue_is_named_like_the_queue() -> None:
    default = default_queue_name(SPEC.table, SPEC.bucket, SPEC.prefix)
    assert replace(SPEC, queue_name=default).policy_name == default


def test_the_region_of_the_queue_of_another_source_may_be_unknown() -> None:
    policies = {"SentinelPolicy": SPEC.role_policy, "Flows": replace(FLOWS, region="us-east-1").role_policy}
    have = replace(PORTAL, inline_policies=policies)
    both = replace(SPEC, other_queue_arns=(replace(FLOWS, region="*").queue_arn,))
    assert codes(both, have) == []
    assert overlay(both, have) == have


def test_another_workspace_stays_where_tag_and_condition_name_it() -> None:
    have = replace(SHARED, trust=document(identity(NAME, OTHER_NAME, UNKNOWN_NAME)))
    assert codes(SPEC, have) == ["trust_condition_foreign", "role_shared"]
    assert overlay(SPEC, have) == replace(have, trust=document(identity(NAME, OTHER_NAME)))


NOT_EXACT = {
    "tag only": document(identity(NAME)),
    "a wildcard": document(
        identity(NAME),
        identity(
            Condition={"StringEquals": {AUD: AUDIENCE}, "StringLike": {"sts:RoleSessionName": f"*_{B}"}},
        ),
    ),
    "without audience": document(
        identity(NAME), identity(Condition={"StringEquals": {"sts:RoleSessionName": [OTHER_NAME]}})
    ),
    "denied": document(identity(NAME, OTHER_NAME), identity(OTHER_NAME, Effect="Deny")),
    "another provider": document(identity(NAME), identity(OTHER_NAME, Principal={"Federated": f"{PROVIDER}x"})),
    "in upper case": document(identity(NAME, OTHER_NAME.upper())),
}


@pytest.mark.parametrize("trust", NOT_EXACT.values(), ids=list(NOT_EXACT))
def test_another_workspace_is_not_trusted_otherwise(trust: dict[str, Any]) -> None:
    assert overlay(SPEC, replace(SHARED, trust=trust)).trust == document(identity(NAME))


def test_what_restricts_another_workspace_stays() -> None:
    deny = identity(
        OTHER_NAME,
        Effect="Deny",
        Condition={
            "StringEquals": {"sts:RoleSessionName": [OTHER_NAME]},
            "NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"},
        },
    )
    have = replace(SHARED, trust=document(identity(NAME, OTHER_NAME, UNKNOWN_NAME), deny))
    assert overlay(SPEC, have).trust == document(identity(NAME, OTHER_NAME), deny)


def test_a_new_workspace_is_added_to_a_managed_role() -> None:
    second = replace(FLOWS, workspace_id=B)
    want = overlay(second, RIGHT)
    assert want.trust == document(identity(NAME, OTHER_NAME))
    assert want.tags == tags(A, B)
    assert want.inline_policies.keys() == {SPEC.policy_name, FLOWS.policy_name}


@pytest.mark.parametrize(
    ("name", "workspace"),
    [(NAME, A), (f"MicrosoftDefenderForClouds_{A}", A), (NAME.upper(), ""), ("MicrosoftSentinel", ""), (A, A)],
)
def test_the_workspace_of_a_session_name(name: str, workspace: str) -> None:
    assert workspace_of(name) == workspace


# --- ownership ---

REFUSED: dict[str, Role] = {
    "of another purpose": replace(
        PORTAL, trust=document(allow("sts:AssumeRole", "*") | {"Principal": {"AWS": "9" * 12}})
    ),
    "of another workspace": replace(PORTAL, trust=document(identity(OTHER_NAME))),
    "of two workspaces": replace(PORTAL, trust=document(identity(NAME, OTHER_NAME))),
    "for every workspace": replace(PORTAL, trust=document(identity(Condition={"StringEquals": {AUD: AUDIENCE}}))),
    "with another audience": replace(
        PORTAL,
        trust=document(
            identity(Condition={"StringEquals": {AUD: ["api://x"], "sts:RoleSessionName": [NAME]}}),
        ),
    ),
    "with another principal besides": replace(
        PORTAL, trust=document(identity(NAME), {**OLDER["Statement"][0], "Principal": {"AWS": "9" * 12}})
    ),
    "the older trust": replace(PORTAL, trust=OLDER),
    "the older trust besides": replace(PORTAL, trust=document(identity(NAME), *OLDER["Statement"])),
    "not parseable": replace(PORTAL, trust=document(identity(NAME), {"Effect": "x"})),
    "the tag without workspaces, of another workspace": replace(
        RIGHT, tags={"trailbridge.sentinel": "managed"}, trust=document(identity(OTHER_NAME))
    ),
    "the tag without workspaces, not parseable": replace(
        RIGHT, tags={"trailbridge.sentinel": "managed"}, trust={"Statement": "x"}
    ),
}


@pytest.mark.parametrize("have", REFUSED.values(), ids=list(REFUSED))
def test_a_role_that_may_be_of_others_is_refused_unless_adopted(have: Role) -> None:
    with pytest.raises(SentinelError) as caught:
        overlay(SPEC, have)
    assert caught.value.kind == "role_conflict"
    assert WEB_IDENTITY_ROLE.findings(SPEC, have)
    adopted = overlay(ADOPT, have)
    assert (adopted.trust, adopted.tags) == (document(identity(NAME)), tags(A))


def test_the_older_trust_is_found_before_it_is_refused() -> None:
    assert "trust_outdated" in codes(SPEC, replace(PORTAL, trust=OLDER))


@pytest.mark.parametrize("name", ["MicrosoftSentinelRole", "oidc_Role", "xOIDC_Role"])
def test_the_name_of_the_role_begins_with_oidc(name: str) -> None:
    with pytest.raises(SentinelError) as caught:
        overlay(replace(SPEC, role_name=name), None)
    assert caught.value.kind == "bad_input"


def test_a_role_under_another_path_is_refused_even_with_adopt() -> None:
    have = replace(RIGHT, path="/sentinel/")
    assert codes(SPEC, have) == ["role_path"]
    with pytest.raises(SentinelError, match="path") as caught:
        overlay(ADOPT, have)
    assert caught.value.kind == "role_conflict"


# --- removal ---

BOTH = replace(SHARED, inline_policies=TWO.inline_policies)
REMOVALS: dict[str, tuple[S3SourceSpec, Role | None, Role | None]] = {
    "none": (SPEC, None, None),
    "the last source": (SPEC, RIGHT, None),
    "adopted, the last source": (ADOPT, PORTAL, None),
    "another source": (SPEC, TWO, replace(RIGHT, inline_policies={FLOWS.policy_name: FLOWS.role_policy})),
    "a source that was removed before": (
        SPEC,
        overlay(FLOWS, None),
        overlay(FLOWS, None),
    ),
    "another workspace": (
        SPEC,
        BOTH,
        replace(
            BOTH,
            trust=document(identity(OTHER_NAME)),
            tags=tags(B),
            inline_policies={FLOWS.policy_name: FLOWS.role_policy},
        ),
    ),
    "another workspace, another source of this one": (
        replace(SPEC, other_queue_arns=(FLOWS.queue_arn,)),
        BOTH,
        replace(BOTH, inline_policies={FLOWS.policy_name: FLOWS.role_policy}),
    ),
    "another workspace that reads by other policies": (
        SPEC,
        SHARED,
        replace(SHARED, trust=document(identity(OTHER_NAME)), tags=tags(B), inline_policies={}),
    ),
    "its own policy under another name": (SPEC, replace(RIGHT, inline_policies=PORTAL.inline_policies), None),
}


@pytest.mark.parametrize(("spec", "have", "expected"), REMOVALS.values(), ids=list(REMOVALS))
def test_a_removal_leaves_what_others_use(spec: S3SourceSpec, have: Role | None, expected: Role | None) -> None:
    after = WEB_IDENTITY_ROLE.without(spec, have)
    assert after == expected
    if after and after != have:
        assert names(spec, after, WEB_IDENTITY_ROLE.without(spec, after)) == []


NOT_REMOVED: dict[str, tuple[S3SourceSpec, Role]] = {
    "not managed": (SPEC, PORTAL),
    "not managed, not trusting the provider": (ADOPT, replace(PORTAL, trust=OLDER)),
    "an unknown workspace": (SPEC, replace(RIGHT, trust=document(identity(NAME, UNKNOWN_NAME)))),
    "an unknown external id": (
        SPEC,
        replace(RIGHT, trust=document(identity(NAME), *older_trust(MICROSOFT, [C])["Statement"])),
    ),
    "an unknown workspace beside another one": (
        SPEC,
        replace(SHARED, trust=document(identity(NAME, OTHER_NAME, UNKNOWN_NAME))),
    ),
    "not parseable": (SPEC, replace(RIGHT, trust=document(identity(NAME), {"Effect": "x"}))),
    "an instance profile": (SPEC, replace(RIGHT, instance_profiles=("web",))),
}


@pytest.mark.parametrize(("spec", "have"), NOT_REMOVED.values(), ids=list(NOT_REMOVED))
def test_a_role_that_may_serve_others_is_not_removed(spec: S3SourceSpec, have: Role) -> None:
    with pytest.raises(SentinelError) as caught:
        WEB_IDENTITY_ROLE.without(spec, have)
    assert caught.value.kind == "role_conflict"


@pytest.mark.parametrize("trust", [document(identity(NAME, NAME.upper())), DRIFT["a wildcard"][0].trust, OLDER])
def test_other_spellings_of_this_workspace_do_not_keep_the_role(trust: dict[str, Any]) -> None:
    assert WEB_IDENTITY_ROLE.without(SPEC, replace(RIGHT, trust=trust)) is None


# --- results ---


def test_results_show_it() -> None:
    shown = WEB_IDENTITY_ROLE.show(SPEC, RIGHT)
    assert shown["inline_policies"].keys() == {SPEC.policy_name}
    assert WEB_IDENTITY_ROLE.show(SPEC, None) == {}
    assert (WEB_IDENTITY_ROLE.id(SPEC, RIGHT), WEB_IDENTITY_ROLE.id(SPEC, None)) == (RIGHT.arn, "")
    assert SPEC.role_name in WEB_IDENTITY_ROLE.title(SPEC)
