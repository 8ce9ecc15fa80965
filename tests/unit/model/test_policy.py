# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When two policy documents mean the same, and everything that can be wrong with a trust."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import CODES, ordered
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.policy.policy import (
    admits,
    admitted_ids,
    canonical,
    external_ids,
    same,
    trust_findings,
    trusts,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.policy.trust_findings import MAX_MESSAGE
from tests.resources import SENTINEL, A, B, pinned
from tests.resources import document as trust
from tests.resources import trust_statement as allow

OTHER = "111122223333"
DELETED = "AROAJQABLZS4A3QDU576Q"


def root(account: str = SENTINEL, partition: str = "aws") -> str:
    return f"arn:{partition}:iam::{account}:root"


def deny(**elements: Any) -> dict[str, Any]:
    return allow(**{"Effect": "Deny", "Principal": "*", "Condition": None, **elements})


def look(action: Any = "cloudtrail:LookupEvents", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


DESIRED = trust(allow())

EQUAL = {
    "a string and a one-element list": (
        DESIRED,
        trust(allow(Action=["sts:AssumeRole"], Condition={"StringEquals": {"sts:ExternalId": [A]}})),
    ),
    "a statement and a list of one": (DESIRED, {"Version": "2012-10-17", "Statement": allow()}),
    "the order of principals": (
        trust(allow(Principal={"AWS": [SENTINEL, OTHER]})),
        trust(allow(Principal={"AWS": [OTHER, SENTINEL]})),
    ),
    "the order of principal types": (
        trust(allow(Principal={"AWS": OTHER, "Service": "ec2.amazonaws.com"})),
        trust(allow(Principal={"Service": "ec2.amazonaws.com", "AWS": OTHER})),
    ),
    "the order of actions": (
        trust(look(["s3:GetObject", "s3:PutObject"])),
        trust(look(["s3:PutObject", "s3:GetObject"])),
    ),
    "the order of statements": (trust(allow(), deny()), trust(deny(), allow())),
    "the order of values": (trust(allow(Condition=pinned(A, B))), trust(allow(Condition=pinned(B, A)))),
    "root ARN and account id": (DESIRED, trust(allow(Principal={"AWS": SENTINEL}))),
    "root ARN of GovCloud": (DESIRED, trust(allow(Principal={"AWS": root(partition="aws-us-gov")}))),
    "root ARN of China": (DESIRED, trust(allow(Principal={"AWS": root(partition="aws-cn")}))),
    "root ARN of an isolated partition": (DESIRED, trust(allow(Principal={"AWS": root(partition="aws-iso-b")}))),
    "both forms of one account": (DESIRED, trust(allow(Principal={"AWS": [root(), SENTINEL]}))),
    "anyone, written in two ways": (trust(allow(Principal="*")), trust(allow(Principal={"AWS": "*"}))),
    "the case of an action": (DESIRED, trust(allow(Action="STS:assumerole"))),
    "the case of a condition key": (DESIRED, trust(allow(Condition=pinned(A, key="STS:externalID")))),
    "an empty Sid": (DESIRED, trust(allow(Sid=""))),
    "any Sid": (DESIRED, trust(allow(Sid="Sentinel"))),
    "the document's Id": (DESIRED, trust(allow(), Id="trust")),
    "a statement twice": (DESIRED, trust(allow(), allow(Sid="Again"))),
    "a value twice": (DESIRED, trust(allow(Condition=pinned(A, A)))),
    "a bool and its text": (
        trust(allow(Condition={"Bool": {"aws:MultiFactorAuthPresent": True}})),
        trust(allow(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})),
    ),
    "a number and its text": (
        trust(allow(Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": 3600}})),
        trust(allow(Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": ["3600"]}})),
    ),
    "two actions in one statement and in two": (
        trust(look(["s3:GetObject", "s3:PutObject"])),
        trust(look("s3:GetObject"), look("s3:PutObject")),
    ),
    "two principals in one statement and in two": (
        trust(allow(Principal={"AWS": [SENTINEL, OTHER]})),
        trust(allow(), allow(Principal={"AWS": OTHER})),
    ),
    "two resources in one statement and in two": (
        trust(look(resource=["a", "b"])),
        trust(look(resource="a"), look(resource="b")),
    ),
    "two external ids in one statement and in two": (
        trust(allow(Condition=pinned(A, B))),
        trust(allow(), allow(Condition=pinned(B))),
    ),
    "overlapping statements": (
        trust(look(["s3:GetObject", "s3:PutObject"])),
        trust(look(["s3:GetObject", "s3:PutObject"]), look("s3:GetObject")),
    ),
    "a statement with NotAction, by resource": (
        trust({"Effect": "Deny", "NotAction": ["s3:Get*", "s3:List*"], "Resource": ["a", "b"]}),
        trust(
            {"Effect": "Deny", "NotAction": ["s3:list*", "s3:get*"], "Resource": "a"},
            {"Effect": "Deny", "NotAction": ["s3:get*", "s3:list*"], "Resource": "b"},
        ),
    ),
    "an absent Version and 2008-10-17": ({"Statement": [allow()]}, {"Version": "2008-10-17", "Statement": [allow()]}),
    "an empty condition and none": (trust(look(Condition={})), trust(look())),
    "an empty operator and none": (trust(look(Condition={"StringEquals": {}})), trust(look())),
}

DIFFERENT = {
    "another principal": trust(allow(Principal={"AWS": OTHER})),
    "an additional principal": trust(allow(Principal={"AWS": [SENTINEL, OTHER]})),
    "a role of the account": trust(allow(Principal={"AWS": f"arn:aws:iam::{SENTINEL}:role/root"})),
    "anyone": trust(allow(Principal="*")),
    "anyone beside the account": trust(allow(Principal={"AWS": [root(), "*"]})),
    "Federated for AWS": trust(allow(Principal={"Federated": root()})),
    "an account id as a service": trust(allow(Principal={"Service": SENTINEL})),
    "NotPrincipal": trust(allow(Principal=None, NotPrincipal={"AWS": root()})),
    "no principal": trust(allow(Principal=None)),
    "a dropped condition": trust(allow(Condition=None)),
    "StringLike for StringEquals": trust(allow(Condition=pinned(A, operator="StringLike"))),
    "another external id": trust(allow(Condition=pinned(B))),
    "an external id in upper case": trust(allow(Condition=pinned(A.upper()))),
    "an additional external id": trust(allow(Condition=pinned(A, B))),
    "no external id in the list": trust(allow(Condition={"StringEquals": {"sts:ExternalId": []}})),
    "a condition key twice": trust(allow(Condition={"StringEquals": {"sts:ExternalId": A, "sts:externalid": A}})),
    "one more condition": trust(allow(Condition={**pinned(A), "Bool": {"aws:SecureTransport": "true"}})),
    "an extra statement": trust(allow(), allow(Action="sts:TagSession")),
    "an extra Deny": trust(allow(), deny()),
    "Deny for Allow": trust(allow(Effect="Deny")),
    "another action": trust(allow(Action="sts:TagSession")),
    "a wildcard action": trust(allow(Action="sts:*")),
    "NotAction": trust(allow(Action=None, NotAction="sts:AssumeRole")),
    "a resource": trust(allow(Resource="*")),
    "the older language": {"Version": "2008-10-17", "Statement": [allow()]},
    "no Version": {"Statement": [allow()]},
    "no statement": trust(),
    "an unknown element": trust(allow(Foo=1)),
    "an unknown statement beside it": trust(allow(), "Allow"),
    "an unknown key of the document": trust(allow(), Foo=1),
    "None": None,
    "nothing": {},
    "the document as text": json.dumps(DESIRED),
    "a list of documents": [DESIRED],
    "an effect in lower case": trust(allow(Effect="allow")),
    "an account id that is a number": trust(allow(Principal={"AWS": int(SENTINEL)})),
    "an action that is None": trust({**allow(), "Action": None}),
    "a condition that is a list": trust(allow(Condition=[])),
}

DIFFERENT_PAIRS = {
    "what NotAction names, in one statement and in two": (
        trust({"Effect": "Allow", "NotAction": ["s3:*", "ec2:*"], "Resource": "*"}),
        trust(
            {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},
            {"Effect": "Allow", "NotAction": "ec2:*", "Resource": "*"},
        ),
    ),
    "what NotPrincipal names, in one statement and in two": (
        trust(deny(Principal=None, NotPrincipal={"AWS": [SENTINEL, OTHER]})),
        trust(deny(Principal=None, NotPrincipal={"AWS": OTHER}), deny(Principal=None, NotPrincipal={"AWS": SENTINEL})),
    ),
    "what NotResource names, in one statement and in two": (
        trust({"Effect": "Deny", "Action": "s3:*", "NotResource": ["a", "b"]}),
        trust(
            {"Effect": "Deny", "Action": "s3:*", "NotResource": "a"},
            {"Effect": "Deny", "Action": "s3:*", "NotResource": "b"},
        ),
    ),
    "negated values, in one statement and in two": (
        trust(allow(Condition=pinned(A, B, operator="StringNotEquals"))),
        trust(
            allow(Condition=pinned(A, operator="StringNotEquals")),
            allow(Condition=pinned(B, operator="StringNotEquals")),
        ),
    ),
    "the case of a resource": (trust(look(resource="arn:aws:s3:::a")), trust(look(resource="arn:aws:s3:::A"))),
    "the pairs of actions and resources": (
        trust(look(["s3:GetObject", "s3:PutObject"], ["a", "b"])),
        trust(look("s3:GetObject", "a"), look("s3:PutObject", "b")),
    ),
    "None and nothing": (None, {}),
    "null and its text": (None, "null"),
    "true and one": (trust(True), trust(1)),
}

# The document, then every code that is found, the most severe first.
FINDINGS = {
    "as desired": (DESIRED, []),
    "anyone": (trust(allow(Principal="*")), ["trust_anyone"]),
    "anyone, as an AWS principal": (trust(allow(Principal={"AWS": "*"})), ["trust_anyone"]),
    "anyone, in a list": (trust(allow(Principal={"AWS": [root(), "*"]})), ["trust_anyone"]),
    "a partial wildcard": (trust(allow(), allow(Principal={"AWS": f"arn:aws:iam::{OTHER}:role/*"})), ["trust_anyone"]),
    "the root of any account": (trust(allow(), allow(Principal={"AWS": root("*")})), ["trust_anyone"]),
    "any service": (trust(allow(), allow(Principal={"Service": "*.amazonaws.com"})), ["trust_anyone"]),
    "NotPrincipal": (trust(allow(Principal=None, NotPrincipal={"AWS": OTHER})), ["trust_not_principal"]),
    "a service": (trust(allow(Principal={"AWS": root(), "Service": "ec2.amazonaws.com"})), ["trust_principal_type"]),
    "an identity provider": (
        trust(allow(), allow(Principal={"Federated": "accounts.google.com"})),
        ["trust_principal_type"],
    ),
    "a canonical user": (trust(allow(), allow(Principal={"CanonicalUser": "79a5"})), ["trust_principal_type"]),
    "a federated principal of Sentinel's account": (
        trust(allow(Principal={"Federated": f"arn:aws:iam::{SENTINEL}:oidc-provider/x"})),
        ["trust_principal_type", "trust_sentinel_missing"],
    ),
    "another account": (trust(allow(Principal={"AWS": [root(), root(OTHER)]})), ["trust_account_foreign"]),
    "another account alone": (
        trust(allow(Principal={"AWS": OTHER})),
        ["trust_account_foreign", "trust_sentinel_missing"],
    ),
    "a role of another account": (
        trust(allow(), allow(Principal={"AWS": f"arn:aws:iam::{OTHER}:role/a/b"})),
        ["trust_account_foreign"],
    ),
    "a user of another account": (
        trust(allow(), allow(Principal={"AWS": f"arn:aws:iam::{OTHER}:user/b"})),
        ["trust_account_foreign"],
    ),
    "an assumed role of another account": (
        trust(allow(), allow(Principal={"AWS": f"arn:aws:sts::{OTHER}:assumed-role/r/s"})),
        ["trust_account_foreign"],
    ),
    "a principal of no known form": (trust(allow(), allow(Principal={"AWS": "somebody"})), ["trust_account_foreign"]),
    "a role of Sentinel's account": (
        trust(allow(Principal={"AWS": f"arn:aws:iam::{SENTINEL}:role/r"})),
        ["trust_principal_narrowed"],
    ),
    "a role of Sentinel's account without an external id": (
        trust(allow(), allow(Principal={"AWS": f"arn:aws:iam::{SENTINEL}:role/r"}, Condition=None)),
        ["trust_external_id_missing", "trust_principal_narrowed"],
    ),
    "no condition": (trust(allow(Condition=None)), ["trust_external_id_missing"]),
    "no condition, beside the desired statement": (
        trust(allow(), allow(Condition=None)),
        ["trust_external_id_missing"],
    ),
    "a condition on something else": (
        trust(allow(Condition=pinned(A, key="aws:PrincipalOrgID"))),
        ["trust_external_id_missing", "trust_condition_extra"],
    ),
    "StringLike with a wildcard": (
        trust(allow(Condition=pinned("*", operator="StringLike"))),
        ["trust_external_id_weak"],
    ),
    "StringLike with a question mark": (
        trust(allow(Condition=pinned(A[:-1] + "?", operator="StringLike"))),
        ["trust_external_id_weak"],
    ),
    "StringLike with wildcards that miss the id": (
        trust(allow(Condition=pinned("x*", operator="StringLike"))),
        ["trust_external_id_weak", "trust_workspace_missing"],
    ),
    "StringLike without a wildcard": (trust(allow(Condition=pinned(A, operator="StringLike"))), ["trust_differs"]),
    "StringLike with a foreign id": (
        trust(allow(Condition=pinned(A, B, operator="StringLike"))),
        ["trust_external_id_foreign"],
    ),
    "an empty list": (
        trust(allow(Condition={"StringEquals": {"sts:ExternalId": []}})),
        ["trust_external_id_weak", "trust_workspace_missing"],
    ),
    "a policy variable": (trust(allow(Condition=pinned("${sts:ExternalId}"))), ["trust_external_id_weak"]),
    "an additional id": (trust(allow(Condition=pinned(A, B))), ["trust_external_id_foreign"]),
    "another id": (trust(allow(Condition=pinned(B))), ["trust_external_id_foreign", "trust_workspace_missing"]),
    "the id in upper case": (
        trust(allow(Condition=pinned(A.upper()))),
        ["trust_external_id_foreign", "trust_workspace_missing"],
    ),
    "an asterisk, which is no wildcard here": (
        trust(allow(Condition=pinned("*"))),
        ["trust_external_id_foreign", "trust_workspace_missing"],
    ),
    "a further condition key": (
        trust(allow(Condition={**pinned(A), "Bool": {"aws:MultiFactorAuthPresent": "true"}})),
        ["trust_condition_extra"],
    ),
    "a second condition on the id": (
        trust(allow(Condition={**pinned(A), **pinned("1*", operator="StringLike")})),
        ["trust_condition_extra"],
    ),
    "two conditions that contradict each other": (
        trust(allow(Condition={**pinned(A), **pinned(B, operator="StringLike")})),
        ["trust_workspace_missing", "trust_differs"],
    ),
    "an extra action": (trust(allow(Action=["sts:AssumeRole", "sts:TagSession"])), ["trust_action_extra"]),
    "an extra statement": (trust(allow(), allow(Action="sts:SetSourceIdentity")), ["trust_action_extra"]),
    "a wildcard action": (trust(allow(Action="sts:*")), ["trust_action_extra"]),
    "every action": (trust(allow(Action="*")), ["trust_action_extra"]),
    "an action that allows nobody to assume the role": (
        trust(allow(Action="sts:TagSession")),
        ["trust_action_extra", "trust_sentinel_missing"],
    ),
    "NotAction": (trust(allow(Action=None, NotAction="sts:TagSession")), ["trust_not_action"]),
    "NotAction that excludes AssumeRole": (
        trust(allow(Action=None, NotAction="sts:Assume*")),
        ["trust_not_action", "trust_sentinel_missing"],
    ),
    "a Deny for everyone": (trust(allow(), deny()), ["trust_deny"]),
    "a Deny for Sentinel": (trust(allow(), deny(Principal={"AWS": SENTINEL})), ["trust_deny"]),
    "a Deny of every action": (trust(allow(), deny(Action="*")), ["trust_deny"]),
    "a Deny of all but another action": (trust(allow(), deny(Action=None, NotAction="sts:TagSession")), ["trust_deny"]),
    "a Deny for all but Sentinel's root": (
        trust(allow(), deny(Principal=None, NotPrincipal={"AWS": root()})),
        ["trust_deny"],
    ),
    "a Deny of the external id": (trust(allow(), deny(Condition=pinned(A))), ["trust_deny"]),
    "a Deny of every id but another": (
        trust(allow(), deny(Condition=pinned(B, operator="StringNotEquals"))),
        ["trust_deny"],
    ),
    "a Deny on something else": (
        trust(allow(), deny(Condition={"Bool": {"aws:SecureTransport": "false"}})),
        ["trust_deny"],
    ),
    "a Deny of every other id": (
        trust(allow(), deny(Condition=pinned(A, operator="StringNotEqualsIfExists"))),
        ["trust_statement_extra"],
    ),
    "a Deny of another id": (trust(allow(), deny(Condition=pinned(B))), ["trust_statement_extra"]),
    "a Deny for somebody else": (trust(allow(), deny(Principal={"AWS": OTHER})), ["trust_statement_extra"]),
    "a Deny of another action": (trust(allow(), deny(Action="sts:TagSession")), ["trust_statement_extra"]),
    "a deleted role": (trust(allow(Principal={"AWS": [root(), DELETED]})), ["trust_principal_deleted"]),
    "a deleted user": (trust(allow(), allow(Principal={"AWS": "AIDAJQABLZS4A3QDU576Q"})), ["trust_principal_deleted"]),
    "nobody": (trust(), ["trust_sentinel_missing"]),
    "no principal": (trust(allow(), allow(Principal=None)), ["trust_differs"]),
    "a resource": (trust(allow(Resource="*")), ["trust_differs"]),
    "the older language": (trust(allow(), Version="2008-10-17"), ["trust_version"]),
    "a statement of text": (trust(allow(), "Allow"), ["trust_unreadable"]),
    "an unknown element": (trust(allow(Foo=1)), ["trust_unreadable", "trust_sentinel_missing"]),
    "a condition key in two cases": (
        trust(allow(), allow(Condition={"StringEquals": {"sts:ExternalId": A, "sts:externalid": "*"}})),
        ["trust_unreadable"],
    ),
    "no document": (None, ["trust_unreadable", "trust_sentinel_missing"]),
    "several things": (
        trust(allow(Principal={"AWS": ["*", DELETED, root()]}, Condition=pinned(A, B)), deny()),
        ["trust_anyone", "trust_external_id_foreign", "trust_deny", "trust_principal_deleted"],
    ),
}

WEAK_OPERATORS = [
    "StringEqualsIfExists",
    "StringEqualsIgnoreCase",
    "StringLikeIfExists",
    "ForAnyValue:StringEquals",
    "ForAllValues:StringEquals",
    "ForAllValues:StringLike",
    "Null",
    "ArnLike",
    "stringequals",
]


def found(document: Any, *ids: str) -> list[str]:
    findings = trust_findings(document, trust(allow(Condition=pinned(*(ids or (A,))))))
    assert findings == ordered(findings)
    return [one.code for one in findings]


@pytest.mark.parametrize("rule", EQUAL)
def test_means_the_same(rule: str) -> None:
    one, other = EQUAL[rule]
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize("rule", DIFFERENT)
def test_a_different_policy_is_not_equal(rule: str) -> None:
    assert not same(DESIRED, DIFFERENT[rule])
    assert not same(DIFFERENT[rule], DESIRED)
    assert same(DIFFERENT[rule], copy.deepcopy(DIFFERENT[rule]))


@pytest.mark.parametrize("rule", DIFFERENT)
def test_every_difference_is_found(rule: str) -> None:
    assert found(DIFFERENT[rule])


@pytest.mark.parametrize("rule", DIFFERENT_PAIRS)
def test_means_something_else(rule: str) -> None:
    one, other = DIFFERENT_PAIRS[rule]
    assert not same(one, other)
    assert not same(other, one)


@pytest.mark.parametrize("rule", FINDINGS)
def test_finds(rule: str) -> None:
    document, codes = FINDINGS[rule]
    assert found(document) == codes


@pytest.mark.parametrize("operator", WEAK_OPERATORS)
def test_any_other_operator_weakens_the_external_id(operator: str) -> None:
    assert found(trust(allow(Condition=pinned(A, operator=operator)))) == ["trust_external_id_weak"]


@pytest.mark.parametrize("operator", ["StringNotEquals", "StringNotLike"])
def test_a_negated_operator_weakens_the_external_id_and_blocks_sentinel(operator: str) -> None:
    codes = ["trust_external_id_weak", "trust_workspace_missing"]
    assert found(trust(allow(Condition=pinned(A, operator=operator)))) == codes


@pytest.mark.parametrize("rule", EQUAL)
def test_what_means_the_same_has_the_same_findings(rule: str) -> None:
    one, other = EQUAL[rule]
    assert found(one) == found(other)


def test_every_trust_code_is_found_somewhere() -> None:
    seen = {code for _document, codes in FINDINGS.values() for code in codes}
    # Those of web identities are in test_policy_compare.py and test_s3_role.py.
    web_identity = {f"trust_condition_{what}" for what in ("missing", "weak", "foreign")} | {"trust_outdated"}
    assert seen == {code for code in CODES if code.startswith("trust_")} - web_identity


def test_several_workspaces_may_share_a_trust() -> None:
    assert found(trust(allow(Condition=pinned(B, A))), A, B) == []
    assert found(trust(allow(), allow(Condition=pinned(B))), A, B) == []
    assert found(DESIRED, A, B) == ["trust_workspace_missing"]


@pytest.mark.parametrize(
    ("document", "thing"),
    [
        (trust(allow(Principal={"AWS": root(OTHER)})), f"AWS {OTHER}"),
        (trust(allow(Principal={"AWS": f"arn:aws:iam::{OTHER}:role/r"})), f"AWS arn:aws:iam::{OTHER}:role/r"),
        (trust(allow(), allow(Principal={"AWS": DELETED})), f"AWS {DELETED}"),
        (trust(allow(Principal={"Service": "ec2.amazonaws.com"})), "Service ec2.amazonaws.com"),
        (trust(allow(Condition=pinned(B))), B),
        (trust(allow(Condition=pinned("x*", operator="StringLike"))), "StringLike sts:externalid [x*]"),
        (trust(allow(Action="sts:TagSession")), "sts:tagsession"),
        (trust(deny()), "Deny; Principal AWS *; Action sts:assumerole"),
    ],
)
def test_the_message_is_one_sentence_that_names_the_thing(document: Any, thing: str) -> None:
    first = trust_findings(document, DESIRED)[0]
    assert first.message.endswith(f": {thing}.")
    assert "\n" not in first.message


def test_the_normal_form_reads_well() -> None:
    document = {"Id": "x", "Statement": [deny(Sid="No"), allow(Condition=pinned(B, A)), allow(Condition=pinned(B, A))]}
    assert canonical(document) == {
        "Version": "2008-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": [SENTINEL]},
                "Action": ["sts:assumerole"],
                "Condition": {"StringEquals": {"sts:externalid": [A, B]}},
            },
            {"Effect": "Deny", "Principal": {"AWS": ["*"]}, "Action": ["sts:assumerole"]},
        ],
    }


def test_the_normal_form_keeps_what_cannot_be_parsed() -> None:
    assert canonical(None) == {"Document": None}
    assert canonical({"Foo": 1}) == {"Foo": 1}
    assert canonical(trust("Allow", allow(Effect="allow")))["Statement"] == ["Allow", allow(Effect="allow")]


@pytest.mark.parametrize(
    ("document", "ids"),
    [
        (DESIRED, {A}),
        (trust(allow(Condition=pinned(A, B))), {A, B}),
        (trust(allow(), allow(Condition=pinned(B))), {A, B}),
        (trust(allow(Condition=pinned(B, key="STS:EXTERNALID"))), {B}),
        (trust(allow(Principal={"AWS": [OTHER, f"arn:aws:iam::{SENTINEL}:role/r"]})), {A}),
        (trust(allow(Principal={"AWS": OTHER})), set()),
        (trust(allow(Principal="*")), set()),
        (trust(allow(Principal={"Federated": f"arn:aws:iam::{SENTINEL}:oidc-provider/x"})), set()),
        (trust(allow(Effect="Deny")), set()),
        (trust(allow(Condition=pinned(A, operator="StringLike"))), set()),
        (trust(allow(Condition=None)), set()),
        (None, set()),
    ],
)
def test_external_ids_are_those_that_the_account_is_pinned_to(document: Any, ids: set[str]) -> None:
    assert external_ids(document, SENTINEL) == ids


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        (DESIRED, True),
        (trust(allow(Principal={"AWS": [OTHER, SENTINEL]}, Condition=None)), True),
        (trust(allow(Principal={"AWS": root(partition="aws-us-gov")})), True),
        (trust(allow(Action="sts:*")), True),
        (trust(allow(Action="*")), True),
        (trust(allow(Action="STS:Assume????")), True),
        (trust(allow(Action=None, NotAction="sts:TagSession")), True),
        (trust(allow(Action="sts:[a]*")), False),
        (trust(allow(Action=None, NotAction="sts:Assume*")), False),
        (trust(allow(Action="sts:TagSession")), False),
        (trust(allow(Action="sts:AssumeRoleWithSAML")), False),
        (trust(allow(Effect="Deny")), False),
        (trust(allow(Principal={"AWS": OTHER})), False),
        (trust(allow(Principal={"AWS": f"arn:aws:iam::{SENTINEL}:role/r"})), False),
        (trust(allow(Principal="*")), False),
        (trust(allow(Principal={"Service": SENTINEL})), False),
        (None, False),
    ],
)
def test_a_role_trusts_an_account_if_the_whole_account_may_assume_it(document: Any, answer: bool) -> None:
    assert trusts(document, SENTINEL) is answer


# --- who may assume a role, by evaluation ---

ORGANIZATION = {"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}
ANYONE = {"Principal": "*", "Condition": None}
ADMITTED: dict[str, tuple[Any, bool]] = {
    "our id": (trust(allow()), True),
    "our id as one of two": (trust(allow(Condition=pinned(A, B))), True),
    "another id": (trust(allow(Condition=pinned(B))), False),
    "no condition": (trust(allow(Condition=None)), True),
    "any id": (trust(allow(Condition=pinned("*", operator="StringLike"))), True),
    "any id of a shape": (trust(allow(Condition=pinned("????????-*", operator="StringLike"))), True),
    "a part of our id": (trust(allow(Condition=pinned(f"{A[:8]}*", operator="StringLike"))), True),
    "our id in another case": (trust(allow(Condition=pinned(A.upper()))), False),
    "our id in any case": (trust(allow(Condition=pinned(A.upper(), operator="StringEqualsIgnoreCase"))), True),
    "our id if there is one": (trust(allow(Condition=pinned(A, operator="StringEqualsIfExists"))), True),
    "another id if there is one": (trust(allow(Condition=pinned(B, operator="StringEqualsIfExists"))), True),
    "any of the values": (trust(allow(Condition=pinned(A, B, operator="ForAnyValue:StringEquals"))), True),
    "all but another id": (trust(allow(Condition=pinned(B, operator="StringNotEquals"))), True),
    "no id at all": (trust(allow(Condition=pinned(True, operator="Null"))), True),
    "some id": (trust(allow(Condition=pinned(False, operator="Null"))), True),
    "a variable": (trust(allow(Condition=pinned("${aws:userid}"))), True),
    "an empty list": (trust(allow(Condition=pinned([]))), False),
    "anybody": (trust(allow(**ANYONE)), True),
    "anybody, in another form": (trust(allow(Principal={"AWS": "*"}, Condition=None)), True),
    "anybody with another id": (trust(allow(Principal="*", Condition=pinned(B))), False),
    "anybody with our id": (trust(allow(Principal="*")), True),
    "all but one": (trust(allow(Principal=None, NotPrincipal={"AWS": OTHER}, Condition=None)), True),
    "a part of the account": (trust(allow(Principal={"AWS": f"arn:aws:iam::{SENTINEL}:role/r"})), True),
    "an account": (trust(allow(Principal={"AWS": OTHER}, Condition=None)), False),
    "a service": (trust(allow(Principal={"Service": "*"}, Condition=None)), False),
    "an organization": (trust(allow(Principal="*", Condition=ORGANIZATION)), False),
    "any organization": (trust(allow(Principal="*", Condition={"StringLike": {"aws:PrincipalOrgID": "*"}})), True),
    "roles of another account": (
        trust(allow(Principal="*", Condition={"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/*"}})),
        False,
    ),
    "roles of any account": (
        trust(allow(Principal="*", Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}})),
        True,
    ),
    "another account's number": (
        trust(allow(Principal="*", Condition={"StringEquals": {"aws:PrincipalAccount": OTHER}})),
        False,
    ),
    "a device": (trust(allow(Condition={"Bool": {"aws:MultiFactorAuthPresent": True}})), False),
    "an address": (trust(allow(Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}, **pinned(A)})), True),
    "another action": (trust(allow(Action="sts:TagSession")), False),
    "every action": (trust(allow(Action="*")), True),
    "all but another action": (trust(allow(Action=None, NotAction="sts:TagSession")), True),
    "denied to everybody": (trust(allow(), deny()), False),
    "denied to Microsoft": (trust(allow(), deny(Principal={"AWS": root()})), False),
    "denied to a part of Microsoft": (trust(allow(), deny(Principal={"AWS": f"arn:aws:iam::{SENTINEL}:role/r"})), True),
    "denied to all but us": (trust(allow(**ANYONE), deny(Condition=pinned(A, operator="StringNotEquals"))), True),
    "denied to all but another": (trust(allow(**ANYONE), deny(Condition=pinned(B, operator="StringNotEquals"))), False),
    "denied outside of the organization": (
        trust(allow(**ANYONE), deny(Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-abc"}})),
        False,
    ),
    "denied from some address": (trust(allow(), deny(Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})), True),
    "denied to all but another account": (trust(allow(), deny(Principal=None, NotPrincipal={"AWS": OTHER})), False),
    **{
        f"callers like {one}": (trust(allow(Principal="*", Condition={"StringLike": {"aws:PrincipalArn": one}})), True)
        for one in (
            "arn:aws:*",
            "arn:*",
            "arn:aws:iam::*",
            "*:role/*",
            f"arn:*{SENTINEL}:*",
            "*",
            "arn:aws:iam::19785702652?:*",
            f"arn:aws-us-gov:iam::{SENTINEL}:role/x*",
        )
    },
    **{
        f"callers {operator} {one}": (trust(allow(Principal="*", Condition={operator: {"aws:PrincipalArn": one}})), may)
        for operator, one, may in (
            ("ArnLike", "arn:aws:*", True),
            ("ArnLike", "arn:*:iam::*:role/*", True),
            ("ArnLike", f"arn:*:iam::{OTHER}:*", False),
            ("StringLike", f"arn:aws:iam::{OTHER}:*", False),
            ("StringLike", f"arn:*:iam::{OTHER}:role/*", False),
            ("StringLike", "AROA*", False),
            ("StringEquals", f"arn:aws:iam::{SENTINEL}:role/x", True),
            ("StringEquals", "arn:aws:iam::*:role/x", False),
            ("StringEqualsIgnoreCase", f"ARN:AWS:IAM::{SENTINEL}:role/x", True),
        )
    },
    **{
        f"denied where {operator} {key} {value}": (
            trust(allow(Condition=None), deny(Condition={operator: {key: value}})),
            may,
        )
        for operator, key, value, may in (
            ("StringNotLike", "aws:PrincipalArn", "arn:aws:*", True),
            ("ArnNotLike", "aws:PrincipalArn", f"arn:aws:iam::{OTHER}:*", False),
            ("ForAnyValue:StringNotEquals", "aws:SourceAccount", OTHER, True),
            ("ForAnyValue:ArnNotLike", "aws:SourceArn", "arn:aws:*", True),
            ("ForAllValues:StringNotEquals", "aws:SourceAccount", OTHER, False),
            ("StringNotEquals", "aws:SourceAccount", OTHER, False),
            ("Bool", "aws:MultiFactorAuthPresent", "false", True),
            ("BoolIfExists", "aws:MultiFactorAuthPresent", "false", False),
            ("Null", "aws:MultiFactorAuthPresent", "true", True),
            ("Null", "sts:ExternalId", "true", True),
        )
    },
    "no id, or another": (trust(allow(Condition=pinned(B, operator="ForAllValues:StringEquals"))), True),
    "denied without an id": (
        trust(
            allow(Condition=pinned(B, operator="StringEqualsIfExists")), deny(Condition=pinned("true", operator="Null"))
        ),
        False,
    ),
    "nothing": (trust(), False),
    "an unparseable statement": (trust("Allow"), False),
    "no document": (None, False),
}


@pytest.mark.parametrize(("document", "answer"), ADMITTED.values(), ids=ADMITTED.keys())
def test_who_may_assume_a_role_is_evaluated(document: Any, answer: bool) -> None:
    assert admits(document, SENTINEL, [A]) is answer


# --- external ids that stay ---

CONDITIONAL = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
BOTH = allow(Condition=pinned(A, B))
KEPT: dict[str, tuple[Any, set[str]]] = {
    "exactly as desired": (trust(BOTH), {A, B}),
    "by the account's number, beside others": (trust(allow(), allow(Principal={"AWS": [OTHER, SENTINEL]})), {A}),
    "in another case": (trust(allow(Condition=pinned(A.upper()))), {A.upper()}),
    "denied to all but ours": (trust(BOTH, deny(Condition=pinned(A, operator="StringNotEquals"))), {A}),
    "denied to all but ours, if it is there": (
        trust(BOTH, deny(Condition=pinned(A, operator="StringNotEqualsIfExists"))),
        {A},
    ),
    "denied by a pattern": (trust(BOTH, deny(Condition=pinned(f"{B[:4]}*", operator="StringLike"))), {A}),
    "denied in any case": (trust(BOTH, deny(Condition=pinned(B.upper(), operator="StringEqualsIgnoreCase"))), {A}),
    "denied by any of the values": (trust(BOTH, deny(Condition=pinned(B, operator="ForAnyValue:StringEquals"))), {A}),
    "denied from somewhere": (trust(BOTH, deny(Condition={**pinned(B), **CONDITIONAL})), {A, B}),
    "denied to everybody": (trust(BOTH, deny()), set()),
    "until a day": (
        trust(allow(), allow(Condition={**pinned(B), "DateLessThan": {"aws:CurrentTime": "2024-01-01T00:00:00Z"}})),
        {A},
    ),
    "of an organization": (
        trust(allow(), allow(Condition={"StringEquals": {"sts:ExternalId": B, "aws:PrincipalOrgID": "o-abc"}})),
        {A},
    ),
    "but not": (trust(allow(), allow(Condition={**pinned(B), **pinned(B, operator="StringNotEquals")})), {A}),
    "for a role": (
        trust(allow(), allow(Principal={"AWS": f"arn:aws:iam::{SENTINEL}:role/r"}, Condition=pinned(B))),
        {A},
    ),
    "for every action": (trust(allow(), allow(Action="*", Condition=pinned(B))), {A}),
    "in what is no document": (None, set()),
}


@pytest.mark.parametrize(("document", "ids"), KEPT.values(), ids=KEPT.keys())
def test_only_ids_in_statements_like_those_of_the_collection_are_admitted(document: Any, ids: set[str]) -> None:
    assert admitted_ids(document, SENTINEL, bool) == ids
    assert admitted_ids(document, SENTINEL, [A].__contains__) == ids & {A}


# --- few characters with many combinations ---


def many(effect: str = "Allow", *more: str) -> Any:
    """Less than 2,000 characters that make 240,000 combinations."""
    ids = [f"{number:02}" for number in range(90)]
    accounts = [*(str(number) for number in range(100000000000, 100000000041)), *more]
    actions = ["sts:AssumeRole", *(f"sts:{number}" for number in range(66))]
    return allow(Effect=effect, Principal={"AWS": accounts}, Action=actions, Condition=pinned(*ids))


@pytest.mark.parametrize(
    ("document", "codes"),
    [
        (trust(allow(), many()), {"trust_account_foreign"}),
        (
            trust(allow(), many("Allow", "*", SENTINEL)),
            {"trust_account_foreign", "trust_anyone", "trust_external_id_foreign", "trust_action_extra"},
        ),
        (trust(allow(), many("Deny")), {"trust_statement_extra"}),
        (trust(*(many("Deny", str(number)) for number in range(200000000000, 200000000005))), None),
        (trust(*(look([f"s{n}:{a}" for a in range(15)], [f"r{r}" for r in range(16)]) for n in range(9))), None),
        (trust(allow(), {"Effect": "x" * 2000}), {"trust_unreadable"}),
    ],
)
def test_many_combinations_make_few_atoms_and_few_findings(document: Any, codes: set[str] | None) -> None:
    findings = trust_findings(document, DESIRED)
    assert codes is None or {one.code for one in findings} == codes
    assert codes is None or len(findings) == len(codes)
    assert all(len(one.message) < 2 * MAX_MESSAGE for one in findings)
    assert same(document, copy.deepcopy(document))
    assert not same(document, DESIRED)


def test_a_statement_with_many_combinations_is_parsed_like_a_smaller_one() -> None:
    large = trust(many("Allow", SENTINEL))
    assert trusts(large, SENTINEL)
    assert admits(large, SENTINEL, ["07"])
    assert "07" in external_ids(large, SENTINEL)
    assert not admits(trust(many("Deny", SENTINEL), allow(Condition=pinned("07"))), SENTINEL, ["07"])
    assert not same(large, trust(many("Allow", OTHER)))


# --- properties ---

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
jsons = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def some(*values: str) -> st.SearchStrategy[Any]:
    """One of them as it is, or several in a list."""
    return st.sampled_from(values) | st.lists(st.sampled_from(values), min_size=1, max_size=3)


principals = st.just("*") | st.dictionaries(
    st.sampled_from(["AWS", "AWS", "Service", "Federated"]),
    some(root(), SENTINEL, root(OTHER), f"arn:aws:iam::{SENTINEL}:role/r", DELETED, "*", "ec2.amazonaws.com"),
    min_size=1,
    max_size=2,
)
actions = some("sts:AssumeRole", "STS:ASSUMEROLE", "sts:TagSession", "sts:*", "s3:GetObject")
conditions: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(["StringEquals", "StringEquals", "StringLike", "StringNotEquals", "StringEqualsIfExists", "Bool"]),
    st.dictionaries(
        st.sampled_from(["sts:ExternalId", "sts:externalid", "aws:SourceArn"]),
        some(A, B, "*", "${x}") | st.just([]) | st.booleans(),
        max_size=2,
    ),
    max_size=2,
)
odd = {"Foo": jsons, "Action": jsons, "Condition": jsons, "Effect": jsons}
statements = st.builds(
    lambda fixed, who, what, more: {**fixed, **who, **what, **more},
    st.fixed_dictionaries({"Effect": st.sampled_from(["Allow", "Allow", "Deny"])}, optional={"Condition": conditions}),
    st.one_of(
        *(st.fixed_dictionaries({name: principals}) for name in ("Principal", "Principal", "NotPrincipal")), st.just({})
    ),
    st.one_of(*(st.fixed_dictionaries({name: actions}) for name in ("Action", "Action", "NotAction"))),
    st.one_of(
        st.just({}),
        st.just({"Sid": "x"}),
        st.just({"Resource": "*"}),
        *(st.fixed_dictionaries({name: value}) for name, value in odd.items()),
    ),
)
documents = st.builds(
    lambda inner, more: {"Statement": inner, **more},
    st.lists(statements | st.just(allow()) | jsons, max_size=3) | statements,
    st.sampled_from([{"Version": "2012-10-17"}, {"Version": "2012-10-17"}, {"Version": "2008-10-17"}, {}, {"Id": "x"}]),
)
anything = documents | jsons


@given(anything)
def test_a_document_means_the_same_as_itself(document: Any) -> None:
    assert same(document, copy.deepcopy(document))


@given(anything, anything)
def test_meaning_the_same_has_no_direction(one: Any, other: Any) -> None:
    assert same(one, other) == same(other, one)


@given(anything)
def test_the_normal_form_is_its_own_normal_form_and_leaves_its_input_alone(document: Any) -> None:
    before = copy.deepcopy(document)
    once = canonical(document)
    assert canonical(once) == once
    assert document == before


@given(documents)
def test_the_normal_form_means_the_same(document: Any) -> None:
    assert same(document, canonical(document))


def rewritten(value: Any, data: st.DataObject) -> Any:
    """The same meaning in other words: shuffled, repeated, one-element lists, other spellings."""
    if isinstance(value, dict):
        keys = data.draw(st.permutations(list(value)))
        return {key: rewritten(value[key], data) for key in keys}
    if isinstance(value, list):
        shuffled = data.draw(st.permutations(value))
        return [rewritten(one, data) for one in shuffled + shuffled[: data.draw(st.integers(0, 1))]]
    spelled = {
        SENTINEL: [root(partition="aws-cn"), [SENTINEL]],
        "sts:assumerole": ["sts:AssumeRole", ["STS:assumeRole"]],
    }
    return data.draw(st.sampled_from([value, *spelled.get(value, [])])) if isinstance(value, str) else value


def flattened(value: Any) -> Any:
    """A list inside a list back to one."""
    if isinstance(value, dict):
        return {key: flattened(one) for key, one in value.items()}
    if isinstance(value, list):
        return [one for inner in value for one in (inner if isinstance(inner, list) else [flattened(inner)])]
    return value


READABLE = [one for pair in EQUAL.values() for one in pair]


@given(st.sampled_from(READABLE), st.data())
def test_other_words_for_the_same_mean_the_same(document: Any, data: st.DataObject) -> None:
    other = flattened(rewritten(canonical(document), data))
    assert same(document, other)
    assert canonical(document) == canonical(other)


@given(st.lists(statements, max_size=3), st.data())
def test_statements_may_be_shuffled_and_repeated(inner: list[Any], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(inner))
    assert same(trust(*inner), trust(*shuffled, *shuffled[:1]))


@given(anything)
@example(None)
@example({"Statement": {1: 2, "a": 3}})
@example({1: 2, "a": 3})
@example({"Version": [], "Statement": []})
def test_no_document_is_too_odd(document: Any) -> None:
    assert same(document, document)
    assert isinstance(canonical(document), dict)
    assert isinstance(external_ids(document, SENTINEL), frozenset)
    assert admits(document, SENTINEL, [A]) in {True, False}
    assert trusts(document, SENTINEL) in {True, False}
    assert found(document) == found(canonical(document))


@given(jsons)
def test_a_document_that_cannot_be_parsed_never_equals_the_desired_one(document: Any) -> None:
    assert not same(DESIRED, document)
    assert found(document)


@given(anything, st.sampled_from([(A,), (B,), (A, B)]))
def test_findings_are_empty_exactly_when_the_trust_policy_is_as_desired(document: Any, ids: tuple[str, ...]) -> None:
    spec = trust(allow(Condition=pinned(*ids)))
    assert (found(document, *ids) == []) == same(document, spec)


@given(st.data())
def test_every_mutation_of_the_desired_policy_is_detected(data: st.DataObject) -> None:
    mutated = mutate(copy.deepcopy(trust(allow(Condition=pinned(A, B)))), data)
    assert (found(mutated, A, B) == []) == same(mutated, trust(allow(Condition=pinned(A, B))))


def mutate(value: Any, data: st.DataObject) -> Any:
    """One place of a document, at any depth, is replaced, removed or joined by another one."""
    if not isinstance(value, dict | list) or not value or data.draw(st.booleans()):
        return data.draw(jsons | st.sampled_from([[value, "*"], [value], {"AWS": value}, root(OTHER), B]))
    key = data.draw(st.sampled_from(list(value) if isinstance(value, dict) else list(range(len(value)))))
    if data.draw(st.integers(0, 4)) == 0:
        del value[key]
    else:
        value[key] = mutate(value[key], data)
    return value


def test_many_wildcards_do_not_take_long() -> None:
    slow = trust(allow(Action="*?" * 20 + "x"), deny(Condition=pinned("*?" * 30 + "x", operator="StringLike")))
    assert found(slow) == ["trust_action_extra", "trust_sentinel_missing", "trust_statement_extra"]
