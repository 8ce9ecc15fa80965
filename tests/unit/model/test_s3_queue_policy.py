# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy of a queue: S3 may send, others are found, and what nothing limits is removed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import CODES
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.policy.policy import (
    Grant,
    grants,
    remove_principals,
    same,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.queue_policy import (
    access_findings,
    admits_sender,
    desired,
    sending_findings,
    without_open,
)
from tests.unit.model.s3 import ACCOUNT, BUCKET, OTHER, SPEC, Json, policy, spec

QUEUE = SPEC.queue_arn
OURS: Json = SPEC.queue_policy["Statement"][0]
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:fan-out"
ORG = {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}


def allow(principal: Any, *actions: str, **more: Any) -> Json:
    return {"Effect": "Allow", "Principal": principal, "Action": list(actions), "Resource": QUEUE, **more}


def deny(principal: Any, *actions: str, **more: Any) -> Json:
    return {**allow(principal, *actions, **more), "Effect": "Deny"}


def from_s3(**condition: Any) -> Json:
    return allow({"Service": "s3.amazonaws.com"}, "SQS:SendMessage", Condition=condition)


# The statements of Microsoft's script.
SCRIPT = policy(
    from_s3(ArnLike={"aws:SourceArn": f"arn:aws:s3:*:*:{BUCKET}"}),
    allow({"AWS": SPEC.role_arn}, "SQS:ChangeMessageVisibility", "SQS:DeleteMessage", "SQS:ReceiveMessage"),
    Id="__default_policy_ID",
    Version="2008-10-17",
)
HARMLESS = {
    "ours": OURS,
    "a role of the account": allow({"AWS": SPEC.role_arn}, "sqs:ReceiveMessage", "sqs:DeleteMessage"),
    "the account": allow({"AWS": ROOT}, "sqs:*"),
    "anyone of the account": allow("*", "sqs:*", Condition={"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}),
    "a role that was deleted": allow({"AWS": "AROAEXAMPLEEXAMPLE"}, "sqs:*"),
    "a topic": allow(
        {"Service": "sns.amazonaws.com"}, "sqs:SendMessage", Condition={"ArnEquals": {"aws:SourceArn": TOPIC}}
    ),
    "another account by its organization": allow({"AWS": OTHER}, "sqs:SendMessage", Condition=ORG),
    "anyone who looks": allow("*", "sqs:GetQueueUrl"),
    "another bucket": from_s3(
        ArnLike={"aws:SourceArn": "arn:aws:s3:::other"}, StringEquals={"aws:SourceAccount": ACCOUNT}
    ),
}
# By case: the statement, and the code of its finding.
REMOVED: dict[str, tuple[Json, str]] = {
    "anyone": (allow("*", "sqs:*"), "queue_policy_open"),
    "anyone in a list": (allow({"AWS": ["*"]}, "sqs:ReceiveMessage"), "queue_policy_open"),
    "everybody but one": (
        {"Effect": "Allow", "NotPrincipal": {"AWS": OTHER}, "Action": "sqs:DeleteMessage", "Resource": QUEUE},
        "queue_policy_open",
    ),
    "all but an action": (
        {"Effect": "Allow", "Principal": "*", "NotAction": "sqs:SendMessage", "Resource": QUEUE},
        "queue_policy_open",
    ),
    "anyone over TLS": (
        allow("*", "sqs:Receive*", Condition={"Bool": {"aws:SecureTransport": "true"}}),
        "queue_policy_open",
    ),
    "anyone whose account is any": (
        allow("*", "sqs:ReceiveMessage", Condition={"StringLike": {"aws:PrincipalArn": "*"}}),
        "queue_policy_open",
    ),
    "anyone but an account": (
        allow("*", "sqs:ReceiveMessage", Condition={"StringNotEquals": {"aws:PrincipalAccount": OTHER}}),
        "queue_policy_open",
    ),
    "anyone who may have an organization": (
        allow("*", "sqs:ReceiveMessage", Condition={"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-abcdefghij"}}),
        "queue_policy_open",
    ),
    "another account": (allow({"AWS": OTHER}, "sqs:ReceiveMessage"), "queue_policy_foreign"),
    "a role of another account": (
        allow({"AWS": f"arn:aws:iam::{OTHER}:role/x"}, "sqs:SetQueueAttributes"),
        "queue_policy_foreign",
    ),
    "anyone sends": (allow("*", "sqs:SendMessage"), "queue_policy_sender"),
    "another account sends": (allow({"AWS": OTHER}, "sqs:SendMessage"), "queue_policy_sender"),
    "any bucket": (from_s3(ArnLike={"aws:SourceArn": "arn:aws:s3:::*"}), "queue_policy_sender"),
    "any topic": (allow({"Service": "sns.amazonaws.com"}, "sqs:SendMessage"), "queue_policy_sender"),
}
KEPT: dict[str, tuple[Json, str]] = {
    "the organization": (allow("*", "sqs:ReceiveMessage", Condition=ORG), "queue_policy_reader"),
    "a bucket of any account": (SCRIPT["Statement"][0], "queue_policy_account"),
}


ROLE_OF_OTHER = f"arn:aws:iam::{OTHER}:role/reader"
# Conditions by case, each with "*" as the principal of its statement.
LIMITS: dict[str, Json] = {
    "an account": {"StringEquals": {"aws:PrincipalAccount": OTHER}},
    "accounts": {"StringLike": {"aws:SourceAccount": [ACCOUNT, OTHER]}},
    "an organization": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}},
    "an organization in any case": {"StringEqualsIgnoreCase": {"aws:SourceOrgID": "o-abcdefghij"}},
    "units of an organization": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-abc/r-1/ou-1/*", "o-abc/*"]}},
    "a unit of an organization": {"ForAnyValue:StringEquals": {"aws:SourceOrgPaths": "o-abc/r-1/ou-1/"}},
    "a role": {"ArnEquals": {"aws:PrincipalArn": ROLE_OF_OTHER}},
    "roles of an account": {"ArnLike": {"aws:PrincipalArn": f"arn:*:iam::{OTHER}:role/*"}},
    "an account by a string": {"StringLike": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:*"}},
    "topics of an account": {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:{OTHER}:*"}},
    "topics of an account by a string": {"StringLike": {"aws:SourceArn": f"arn:aws:sns:*:{OTHER}:*"}},
    "a bucket": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::theirs"}},
    "a bucket as by Microsoft's script": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:theirs"}},
    "an API, whose ARN has no account": {"ArnLike": {"aws:SourceArn": "arn:aws:apigateway:eu-west-1::/restapis/a1"}},
    "a role by its id": {"StringLike": {"aws:userid": "AROAEXAMPLEEXAMPLE:*"}},
    "a role by the beginning of its id": {"StringLike": {"aws:userid": "AROAEXAMPLEEXAMPLE*"}},
    "a user by its id": {"StringEquals": {"aws:userid": "AIDAEXAMPLEEXAMPLE"}},
    "a network": {"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "198.51.100.7", "10.0.0.0/8", "2001:db8::/32"]}},
    "a /8": {"IpAddress": {"aws:SourceIp": ["3.0.0.0/9", "3.128.0.0/9", "3.1.0.0/16"]}},
    "a VPC": {"StringEquals": {"aws:SourceVpc": "vpc-0a1b2c3d"}},
    "an endpoint among others": {"StringEquals": {"aws:SourceVpce": "vpce-1", "aws:PrincipalTag/team": "x"}},
}
NO_LIMITS: dict[str, Json] = {
    "a tag": {"StringEquals": {"aws:PrincipalTag/team": "x"}},
    "a name of a user": {"StringEquals": {"aws:username": "admin"}},
    "a source identity": {"StringEquals": {"aws:SourceIdentity": "x"}},
    "any AWS service": {"Bool": {"aws:PrincipalIsAWSService": "true"}},
    "a type of principal": {"StringEquals": {"aws:PrincipalType": "User"}},
    "any organization": {"StringLike": {"aws:PrincipalOrgID": "o-*"}},
    "units of any organization": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-*/r-1/*"}},
    "organizations that begin alike": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-abc*"}},
    "no unit at all": {"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-abc/r-1/*"}},
    "accounts that begin alike": {"StringLike": {"aws:PrincipalAccount": "2*"}},
    "one account and any": {"StringLike": {"aws:SourceAccount": [OTHER, "*"]}},
    "a role in any account": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}},
    "a role in accounts that begin alike": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::2*:role/admin"}},
    "a path that looks like an account": {"StringLike": {"aws:PrincipalArn": f"arn:aws:iam:*:{OTHER}:role/admin"}},
    "a topic in any account": {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:t"}},
    "no ARN": {"StringLike": {"aws:SourceArn": f"*:{OTHER}:*"}},
    "buckets that begin alike": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::their*"}},
    "any API": {"ArnLike": {"aws:SourceArn": "arn:aws:apigateway:eu-west-1::/restapis/*"}},
    "any id": {"StringLike": {"aws:userid": "A*"}},
    "any role session of a name": {"StringLike": {"aws:userid": "*:admin"}},
    "any VPC": {"StringLike": {"aws:SourceVpc": "vpc-*"}},
    "all addresses": {"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}},
    "many networks": {"IpAddress": {"aws:SourceIp": ["3.0.0.0/8", "52.0.0.0/8"]}},
    "much of IPv6": {"IpAddress": {"aws:SourceIp": "2600::/16"}},
    "no network": {"IpAddress": {"aws:SourceIp": "office"}},
    "any but a network": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
    "a variable": {"StringEquals": {"aws:PrincipalAccount": "${aws:SourceAccount}"}},
    "no value": {"StringEquals": {"aws:PrincipalAccount": []}},
}


def codes(document: Json | None) -> list[str]:
    found = [*sending_findings(SPEC, document), *access_findings(SPEC, "sentinel", document)]
    return [one.code for one in found]


@pytest.mark.parametrize("statement", HARMLESS.values(), ids=list(HARMLESS))
def test_what_is_limited_or_within_the_account_stays_without_a_finding(statement: Json) -> None:
    document = policy(statement, OURS)
    assert codes(document) == []
    assert desired(SPEC, document, managed=True) is document


@pytest.mark.parametrize(("statement", "code"), REMOVED.values(), ids=list(REMOVED))
def test_access_of_others_that_nothing_limits_is_found_and_removed(statement: Json, code: str) -> None:
    document = policy(statement, OURS)
    assert codes(document) == [code]
    for managed in (True, False):
        assert desired(SPEC, document, managed=managed) == policy(OURS)
    assert without_open(SPEC, policy(statement), narrow=True) is None


@pytest.mark.parametrize(("statement", "code"), KEPT.values(), ids=list(KEPT))
def test_what_a_condition_limits_is_found_and_stays(statement: Json, code: str) -> None:
    document = policy(statement, OURS)
    assert codes(document) == [code]
    assert desired(SPEC, document, managed=False) is document


@pytest.mark.parametrize("condition", LIMITS.values(), ids=list(LIMITS))
def test_a_condition_on_account_organization_or_network_limits_access(condition: Json) -> None:
    sends, receives = (allow("*", one, Condition=condition) for one in ("sqs:SendMessage", "sqs:ReceiveMessage"))
    assert codes(policy(OURS, sends)) == []
    assert codes(policy(OURS, receives)) == ["queue_policy_reader"]
    for managed in (True, False):
        document = policy(OURS, sends, receives)
        assert desired(SPEC, document, managed=managed) is document


@pytest.mark.parametrize("condition", NO_LIMITS.values(), ids=list(NO_LIMITS))
def test_a_condition_that_everybody_can_meet_limits_nothing(condition: Json) -> None:
    sends, receives = (allow("*", one, Condition=condition) for one in ("sqs:SendMessage", "sqs:ReceiveMessage"))
    assert codes(policy(OURS, sends, receives)) == ["queue_policy_sender", "queue_policy_open"]
    for managed in (True, False):
        assert desired(SPEC, policy(OURS, sends, receives), managed=managed) == policy(OURS)


def test_a_managed_queue_names_the_account_of_the_bucket() -> None:
    after = desired(SPEC, SCRIPT, managed=True)
    assert after["Statement"] == [SCRIPT["Statement"][1], OURS]
    assert codes(dict(after)) == []


def test_the_policy_of_the_script_stays_as_it_is() -> None:
    assert admits_sender(SPEC, SCRIPT)
    assert desired(SPEC, SCRIPT, managed=False) is SCRIPT


def test_only_the_open_principal_of_a_statement_is_removed() -> None:
    mixed = allow({"AWS": [ROOT, OTHER, "*"], "Service": "sns.amazonaws.com"}, "sqs:*", Sid="All")
    after = desired(SPEC, policy(mixed, OURS), managed=True)
    assert after["Statement"] == [{**mixed, "Principal": {"AWS": [ROOT]}}, OURS]


@pytest.mark.parametrize(
    "document",
    [
        None,
        policy(),
        policy(from_s3(ArnLike={"aws:SourceArn": "arn:aws:s3:::other"})),
        policy(from_s3(StringEquals={"aws:SourceAccount": OTHER})),
        policy(allow({"Service": "sns.amazonaws.com"}, "sqs:SendMessage", Condition=ORG)),
        policy({**OURS, "Resource": f"{QUEUE}-other"}),
        policy({**OURS, "Condition": {**OURS["Condition"], "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}),
    ],
)
def test_a_policy_without_s3_gets_our_statement(document: Json | None) -> None:
    assert codes(document) == ["queue_policy_missing"]
    after = desired(SPEC, document, managed=True)
    assert after["Statement"][-1] == OURS
    assert len(after["Statement"]) == len((document or policy())["Statement"]) + 1
    assert not codes(dict(after))


@pytest.mark.parametrize(
    "statement",
    [
        from_s3(ArnEquals={"aws:SourceArn": SPEC.bucket_arn}, StringEquals={"aws:SourceAccount": ACCOUNT}),
        from_s3(StringEquals={"aws:SourceAccount": ACCOUNT}),
        from_s3(StringLike={"aws:SourceArn": "arn:aws:s3:::log*"}, StringEquals={"aws:SourceAccount": [ACCOUNT]}),
        allow("*", "sqs:SendMessage", Condition=OURS["Condition"]),
        {key: value for key, value in OURS.items() if key != "Resource"},
    ],
)
def test_s3_may_send_in_other_words(statement: Json) -> None:
    document = policy(statement)
    assert codes(document) == []
    assert desired(SPEC, document, managed=True) is document


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (deny("*", "sqs:*", Condition={"Bool": {"aws:SecureTransport": "false"}}), False),
        (deny("*", "sqs:*", Condition={"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}), False),
        (deny("*", "sqs:*", Condition={"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}), False),
        (deny({"AWS": OTHER}, "sqs:*"), False),
        (deny("*", "sqs:ReceiveMessage"), False),
        (deny("*", "sqs:*", Condition={"ArnNotLike": {"aws:SourceArn": f"arn:aws:s3:*:*:{BUCKET}"}}), False),
        (deny("*", "sqs:*", Condition={"ArnNotLike": {"aws:SourceArn": "arn:aws:s3:::other"}}), True),
        (deny("*", "sqs:*", Condition={"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}), True),
        (deny("*", "sqs:*", Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}), True),
        (deny({"Service": "s3.amazonaws.com"}, "sqs:SendMessage"), True),
        (
            {"Effect": "Deny", "NotPrincipal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:*", "Resource": QUEUE},
            False,
        ),
        ({"Effect": "Deny", "NotPrincipal": {"AWS": ROOT}, "Action": "sqs:*", "Resource": QUEUE}, True),
    ],
)
def test_a_deny_that_may_block_s3_is_found_and_stays(statement: Json, found: bool) -> None:
    document = policy(OURS, statement)
    assert codes(document) == ["queue_policy_deny"] * found
    assert desired(SPEC, document, managed=True) is document


def test_what_cannot_be_parsed_is_found_and_stays() -> None:
    document = policy(OURS, {"Effect": "Maybe"})
    assert codes(document) == ["queue_policy_unreadable"]
    assert desired(SPEC, document, managed=True) is document


def test_every_security_finding_of_a_queue_has_a_case() -> None:
    seen = {code for _statement, code in (*REMOVED.values(), *KEPT.values())}
    seen |= {"queue_policy_deny", "queue_policy_unreadable", "queue_policy_topic"}
    assert {code for code, one in CODES.items() if one.security and one.check == "queue"} == seen


def statements() -> st.SearchStrategy[Json]:
    known = [*HARMLESS.values(), *(one for one, _code in (*REMOVED.values(), *KEPT.values()))]
    return st.sampled_from([*known, deny("*", "sqs:Purge*"), {"Effect": "Maybe"}])


@given(st.lists(statements(), max_size=5), st.booleans())
def test_a_repaired_policy_is_right_and_keeps_what_is_limited(found: list[Json], managed: bool) -> None:
    document = policy(*found)
    after = desired(SPEC, document, managed=managed)
    assert admits_sender(SPEC, after)
    assert same(desired(SPEC, after, managed=managed), after)
    removed = [one for one, _code in REMOVED.values()] + [SCRIPT["Statement"][0]] * managed
    assert [one for one in found if one not in removed] == [one for one in after["Statement"] if one in found]
    assert [one for one in after["Statement"] if one not in found] in ([], [OURS])


def test_a_document_without_principals_is_unchanged() -> None:
    document = policy(OURS)
    assert remove_principals(document, {}) is document
    assert list(grants("nonsense")) == []
    assert [(one.statement_number, one.principal) for one in grants(document)] == [(0, "Service s3.amazonaws.com")]
    assert all(isinstance(one, Grant) for one in grants(document))


# --- a queue that is subscribed to a topic ---


FAN_OUT = spec(topic_arn=TOPIC)
OF_TOPIC: Json = FAN_OUT.queue_policy["Statement"][0]


def from_sns(**condition: Any) -> Json:
    return allow({"Service": "sns.amazonaws.com"}, "sqs:SendMessage", Condition=condition)


def topic_codes(document: Json | None) -> list[str]:
    found = [*sending_findings(FAN_OUT, document), *access_findings(FAN_OUT, "sentinel", document)]
    return [one.code for one in found]


@pytest.mark.parametrize(
    ("statement", "expected"),
    {
        "ours": (OF_TOPIC, []),
        "a list with the topic": (from_sns(ArnLike={"aws:SourceArn": [TOPIC, f"{TOPIC}-of-others"]}), []),
        "the topic of an account": (
            from_sns(ArnEquals={"aws:SourceArn": TOPIC}, StringEquals={"aws:SourceAccount": ACCOUNT}),
            [],
        ),
        "topics that begin alike": (from_sns(ArnLike={"aws:SourceArn": f"{TOPIC}*"}), ["queue_policy_topic"]),
        "the topics of the account": (
            from_sns(ArnLike={"aws:SourceArn": f"arn:aws:sns:*:{ACCOUNT}:*"}),
            ["queue_policy_topic"],
        ),
        "the account alone": (from_sns(StringEquals={"aws:SourceAccount": ACCOUNT}), ["queue_policy_topic"]),
        "another topic": (from_sns(ArnEquals={"aws:SourceArn": f"{TOPIC}-of-others"}), ["queue_policy_missing"]),
        "S3": (OURS, ["queue_policy_missing"]),
        "any topic": (from_sns(), ["queue_policy_sender"]),
        "nobody": (deny("*", "sqs:SendMessage"), ["queue_policy_missing", "queue_policy_deny"]),
    }.values(),
)
def test_sns_may_send_messages_of_exactly_the_topic(statement: Json, expected: list[str]) -> None:
    document = policy(statement)
    assert topic_codes(document) == expected
    repaired = dict(desired(FAN_OUT, document, managed=True))
    assert topic_codes(repaired) == (["queue_policy_deny"] if "queue_policy_deny" in expected else [])


def test_a_queue_that_is_not_managed_keeps_a_statement_for_several_topics() -> None:
    document = policy(from_sns(ArnLike={"aws:SourceArn": f"{TOPIC}*"}))
    assert desired(FAN_OUT, document, managed=False) is document
