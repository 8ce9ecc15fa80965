# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy document measured by a desired one, checked against an independent evaluation of who is allowed what."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import is_security
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.policy.policy import (
    add_statements,
    compare,
    remove_statements,
    same,
    trust_findings,
)
from tests.resources import SENTINEL, A, B
from tests.resources import document as policy
from tests.resources import trust_statement as account_trust
from tests.unit.model.iam import Caller, Request, allowed, denied

ACCOUNT = "111122223333"
OTHER = "444455556666"
TENANT = "sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d/"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{TENANT}"
AUDIENCE = "api://1462b192-27f7-4cb9-8523-0f4ecb54b47e"
AUD = f"{TENANT}:aud"
SESSION_A, SESSION_B = f"MicrosoftSentinel_{A}", f"MicrosoftSentinel_{B}"
BUCKET, QUEUE = "arn:aws:s3:::logs", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:sentinel"

Json = dict[str, Any]


def identity_trust(**elements: Any) -> Json:
    """The statement of the S3 connector with other elements; None drops one."""
    desired = {
        "Effect": "Allow",
        "Principal": {"Federated": PROVIDER},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {AUD: AUDIENCE, "sts:RoleSessionName": [SESSION_A]}},
    }
    return {name: value for name, value in {**desired, **elements}.items() if value is not None}


def limited(audience: Any = AUDIENCE, session: Any = SESSION_A, operator: str = "StringEquals") -> Json:
    """A condition on audience and session name; None drops one."""
    block = {AUD: audience, "sts:RoleSessionName": session}
    return {operator: {key: value for key, value in block.items() if value is not None}}


SENDER = {
    "Sid": "S3",
    "Effect": "Allow",
    "Principal": {"Service": "s3.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": QUEUE,
    "Condition": {"ArnLike": {"aws:SourceArn": BUCKET}, "StringEquals": {"aws:SourceAccount": ACCOUNT}},
}
READER = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/OIDC_MicrosoftSentinelRole"},
    "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueUrl"],
    "Resource": QUEUE,
}
TLS_ONLY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [BUCKET, f"{BUCKET}/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
OBJECTS = {
    "Effect": "Allow",
    "Principal": {"AWS": ACCOUNT},
    "Action": "s3:GetObject",
    "Resource": f"{BUCKET}/AWSLogs/*",
}
ACCOUNT_TRUST, IDENTITY_TRUST = policy(account_trust()), policy(identity_trust())
QUEUE_POLICY, BUCKET_POLICY = policy(SENDER, READER), policy(OBJECTS, TLS_ONLY)

# --- the trust of a web identity ---

IDENTITY: dict[str, tuple[Json, list[str]]] = {
    "as desired": (IDENTITY_TRUST, []),
    "in another form": (policy(identity_trust(Condition=limited([AUDIENCE], SESSION_A), Sid="x")), []),
    "no session name": (policy(identity_trust(Condition=limited(session=None))), ["trust_condition_missing"]),
    "no audience": (policy(identity_trust(Condition=limited(None))), ["trust_condition_missing"]),
    "no condition": (policy(identity_trust(Condition=None)), ["trust_condition_missing", "trust_condition_missing"]),
    "any session name": (
        policy(
            identity_trust(
                Condition={
                    "StringEquals": {AUD: AUDIENCE},
                    "StringLike": {"sts:RoleSessionName": "MicrosoftSentinel_*"},
                }
            )
        ),
        ["trust_condition_weak"],
    ),
    "a session name if there is one": (
        policy(
            identity_trust(
                Condition={
                    "StringEquals": {AUD: AUDIENCE},
                    "StringEqualsIfExists": {"sts:RoleSessionName": SESSION_A},
                }
            )
        ),
        ["trust_condition_weak"],
    ),
    "another session name": (
        policy(identity_trust(Condition=limited(session=SESSION_B))),
        ["trust_condition_foreign", "trust_workspace_missing"],
    ),
    "one more session name": (
        policy(identity_trust(Condition=limited(session=[SESSION_A, SESSION_B]))),
        ["trust_condition_foreign"],
    ),
    "one more audience": (
        policy(identity_trust(Condition=limited([AUDIENCE, "api://x"]))),
        ["trust_condition_foreign"],
    ),
    "another audience": (
        policy(identity_trust(Condition=limited("api://x"))),
        ["trust_condition_foreign", "trust_workspace_missing"],
    ),
    "an exact pattern": (
        policy(identity_trust(Condition={**limited(session=None), **limited(None, operator="StringLike")})),
        ["trust_differs"],
    ),
    "one more condition": (
        policy(identity_trust(Condition={**limited(), "StringLike": {f"{TENANT}:sub": "x"}})),
        ["trust_condition_extra"],
    ),
    "another provider": (
        policy(identity_trust(Principal={"Federated": PROVIDER.rstrip("/")})),
        ["trust_principal_type", "trust_sentinel_missing"],
    ),
    "any provider": (policy(identity_trust(Principal={"Federated": "*"})), ["trust_anyone"]),
    "every action": (policy(identity_trust(Action="sts:*")), ["trust_action_extra"]),
    "one more action": (
        policy(identity_trust(Action=["sts:AssumeRoleWithWebIdentity", "sts:TagSession"])),
        ["trust_action_extra"],
    ),
    "denied": (
        policy(identity_trust(), identity_trust(Effect="Deny", Principal="*", Condition=None)),
        ["trust_deny"],
    ),
    "another session denied": (
        policy(identity_trust(), identity_trust(Effect="Deny", Condition=limited(session=SESSION_B))),
        ["trust_statement_extra"],
    ),
    "the trust that came before it": (
        policy(account_trust()),
        ["trust_account_foreign", "trust_sentinel_missing"],
    ),
    "both": (policy(identity_trust(), account_trust()), ["trust_account_foreign"]),
    "nothing": (policy(), ["trust_sentinel_missing"]),
}


@pytest.mark.parametrize("rule", IDENTITY)
def test_the_trust_of_a_web_identity_is_measured_by_the_desired_one(rule: str) -> None:
    document, codes = IDENTITY[rule]
    assert [one.code for one in trust_findings(document, IDENTITY_TRUST)] == codes


def test_a_web_identity_that_is_not_desired_is_critical() -> None:
    found = trust_findings(policy(account_trust(), identity_trust()), ACCOUNT_TRUST)
    assert [(one.severity, one.code) for one in found] == [("critical", "trust_principal_type")]


# --- queue, bucket and key policies ---

COMPARED: dict[str, tuple[Json, Json, list[set[str]]]] = {
    "as desired": (QUEUE_POLICY, QUEUE_POLICY, []),
    "split": (
        policy(SENDER, *({**READER, "Action": one} for one in READER["Action"])),
        QUEUE_POLICY,
        [],
    ),
    "narrower": (policy(SENDER, READER, {**READER, "Resource": f"{QUEUE}-x"[:-2]}), QUEUE_POLICY, []),
    "anyone may read": (policy(SENDER, {**READER, "Principal": "*"}), QUEUE_POLICY, [{"Principal"}]),
    "any sender": (policy(READER, {**SENDER, "Condition": {}}), QUEUE_POLICY, [{"Condition"}]),
    "no account of the sender": (
        policy(READER, {**SENDER, "Condition": {"ArnLike": {"aws:SourceArn": BUCKET}}}),
        QUEUE_POLICY,
        [{"Condition"}],
    ),
    "a pattern of buckets": (
        policy(
            READER, {**SENDER, "Condition": {**SENDER["Condition"], "ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}}
        ),
        QUEUE_POLICY,
        [{"Condition"}],
    ),
    "an exact bucket": (
        policy(
            READER, {**SENDER, "Condition": {"StringEquals": {"aws:SourceArn": BUCKET, "aws:SourceAccount": ACCOUNT}}}
        ),
        QUEUE_POLICY,
        [],
    ),
    "any action": (policy(SENDER, {**READER, "Action": "sqs:*"}), QUEUE_POLICY, [{"Action"}]),
    "one more action": (policy(SENDER, READER, {**READER, "Action": "sqs:PurgeQueue"}), QUEUE_POLICY, [{"Action"}]),
    "actions of the one for the other": (
        policy(READER, {**SENDER, "Action": READER["Action"]}),
        QUEUE_POLICY,
        [{"Action"}],
    ),
    "another queue": (policy(SENDER, READER, {**READER, "Resource": f"{QUEUE}2"}), QUEUE_POLICY, [{"Resource"}]),
    "any queue": (policy(SENDER, {**READER, "Resource": "*"}), QUEUE_POLICY, [{"Resource"}]),
    "several": (policy(SENDER, {**READER, "Resource": "*", "Action": "*"}), QUEUE_POLICY, [{"Action", "Resource"}]),
    "a folder of the folder": (policy({**OBJECTS, "Resource": f"{BUCKET}/AWSLogs/1/*"}, TLS_ONLY), BUCKET_POLICY, []),
    "the folder above": (policy({**OBJECTS, "Resource": f"{BUCKET}/*"}, TLS_ONLY), BUCKET_POLICY, [{"Resource"}]),
    "a role of the account": (
        policy({**OBJECTS, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/x"}}, TLS_ONLY),
        BUCKET_POLICY,
        [],
    ),
    "a variable": (
        policy({**OBJECTS, "Resource": f"{BUCKET}/${{aws:username}}"}, TLS_ONLY),
        BUCKET_POLICY,
        [{"Resource"}],
    ),
}


@pytest.mark.parametrize("rule", COMPARED)
def test_what_is_wider_is_found_with_its_elements(rule: str) -> None:
    document, desired, widened = COMPARED[rule]
    found = compare(document, desired)
    assert [set(one.widened) for one in found.unexpected] == widened
    assert found.blocking == ()


def test_what_is_missing_is_found() -> None:
    without = policy(SENDER, {**READER, "Action": READER["Action"][:2]})
    (missing,) = compare(without, QUEUE_POLICY).missing
    assert missing.statement.action.values == {"sqs:getqueueurl"}
    assert missing.widened == {"Action"}
    (no_deny,) = compare(policy(OBJECTS), BUCKET_POLICY).missing
    assert no_deny.statement.effect == "Deny"


@pytest.mark.parametrize(
    ("deny", "blocks"),
    [
        ({"Action": "sqs:Send*"}, True),
        ({"Action": "sqs:Purge*"}, False),
        ({"Resource": f"{QUEUE}2"}, False),
        ({"Principal": {"AWS": OTHER}}, False),
        ({"Principal": {"AWS": ACCOUNT}, "Action": "sqs:*"}, True),
        ({"Condition": {"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}}, False),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}, True),
        ({"NotAction": "sqs:*", "Action": None}, False),
        ({"NotAction": "sqs:Get*", "Action": None}, True),
    ],
)
def test_a_deny_that_may_block_what_is_desired_is_found(deny: Json, blocks: bool) -> None:
    statement = {**SENDER, "Effect": "Deny", "Principal": "*", "Condition": {}, **deny}
    found = compare(
        policy(SENDER, READER, {name: value for name, value in statement.items() if value is not None}), QUEUE_POLICY
    )
    assert bool(found.blocking) is blocks
    assert len(found.unexpected) == 1


def test_several_statements_may_include_one_together() -> None:
    desired = policy(*({**READER, "Action": f"sqs:{n}", "Resource": ["a", f"r{n}"]} for n in range(4)))
    assert not compare(policy({**READER, "Action": ["sqs:0", "sqs:1"], "Resource": ["a"]}), desired).unexpected
    found = compare(policy({**READER, "Action": ["sqs:0", "sqs:1"], "Resource": ["a", "r1"]}), desired).unexpected
    assert [(one.statement.action.values, one.statement.resource.values) for one in found] == [({"sqs:0"}, {"r1"})]


def test_what_would_be_split_into_too_many_parts_has_to_be_included_as_a_whole() -> None:
    few, many = ([f"r{number}" for number in range(1, 2**bits)] for bits in (7, 8))
    parts = [{**READER, "Resource": [one for one in many if int(one[1:]) >> bit & 1]} for bit in range(8)]
    assert not compare(policy({**READER, "Resource": few}), policy(*parts)).unexpected
    assert [one.widened for one in compare(policy({**READER, "Resource": many}), policy(*parts)).unexpected] == [
        {"Resource"}
    ]
    assert not compare(policy({**READER, "Resource": many}), policy(*parts, {**READER, "Resource": many})).unexpected


# --- adding and removing statements ---

FOREIGN = {"Sid": "S3", "Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "SQS:*", "Resource": QUEUE}


def test_statements_of_others_stay_as_they_were_written() -> None:
    before = {"Version": "2008-10-17", "Id": "x", "Statement": FOREIGN}
    kept = copy.deepcopy(before)
    after = add_statements(before, QUEUE_POLICY)
    assert after == {"Version": "2008-10-17", "Id": "x", "Statement": [FOREIGN, SENDER, READER]}
    assert remove_statements(after, QUEUE_POLICY) == {**kept, "Statement": [FOREIGN]}
    assert before == kept


def test_only_what_is_lacking_is_added() -> None:
    split = policy(SENDER, *({**READER, "Action": one.upper()} for one in READER["Action"]))
    assert add_statements(split, QUEUE_POLICY) is split
    assert add_statements(policy(READER), QUEUE_POLICY) == policy(READER, SENDER)
    some = {**READER, "Action": READER["Action"][1:]}
    assert add_statements(policy(SENDER, some), QUEUE_POLICY) == policy(SENDER, some, READER)
    assert add_statements(None, QUEUE_POLICY) == QUEUE_POLICY
    assert add_statements({}, QUEUE_POLICY) == QUEUE_POLICY


NOT_OURS: list[Any] = [
    policy(FOREIGN),
    policy("odd", {**READER, "Principal": "*"}),
    policy({**READER, "Effect": "Deny"}),
    policy({**READER, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
    policy({**READER, "Condition": {"StringEquals": {"sts:ExternalId": A}}}),
    policy({**READER, "NotAction": READER["Action"], "Action": None}),
    policy({**READER, "Resource": "*"}),
    policy({**SENDER, "Condition": {}}),
    policy(),
    {},
    None,
    "odd",
]


@pytest.mark.parametrize("document", NOT_OURS)
def test_a_document_without_our_statements_is_left_alone(document: Any) -> None:
    assert remove_statements(document, QUEUE_POLICY) is document


def test_another_external_id_is_not_ours() -> None:
    document = policy(account_trust(Condition={"StringEquals": {"sts:ExternalId": B}}))
    assert remove_statements(document, ACCOUNT_TRUST) is document


def test_nothing_remains_of_a_document_of_ours() -> None:
    assert remove_statements(QUEUE_POLICY, QUEUE_POLICY) == policy()


def test_the_rest_of_a_shared_statement_stays() -> None:
    shared = {
        **READER,
        "Sid": "x",
        "Principal": {"AWS": [READER["Principal"]["AWS"], OTHER], "Service": "x.amazonaws.com"},
        "Action": [*READER["Action"], "sqs:PurgeQueue"],
    }
    after = remove_statements(policy(shared), QUEUE_POLICY)
    assert after == policy(
        {**shared, "Principal": {"AWS": [OTHER], "Service": ["x.amazonaws.com"]}},
        {**READER, "Action": ["sqs:PurgeQueue"], "Principal": {"AWS": [READER["Principal"]["AWS"]]}},
    )


def test_the_other_external_ids_of_a_statement_stay() -> None:
    both = policy(account_trust(Condition={"StringEquals": {"sts:externalID": [A, B], "aws:SourceIp": "x"}}))
    assert remove_statements(both, ACCOUNT_TRUST) is both
    both = policy(account_trust(Condition={"StringEquals": {"sts:externalID": [A, B]}}))
    assert remove_statements(both, ACCOUNT_TRUST) == policy(
        account_trust(Condition={"StringEquals": {"sts:externalID": [B]}})
    )


# --- against an independent evaluation ---

ROLE_ARNS = [f"arn:aws:iam::{account}:role/{name}" for account in (SENTINEL, OTHER) for name in ("x", "y")]
AWS_REQUESTS = [
    Request(Caller("AWS", arn), action, keys={key: value for key, value in keys if value is not None})
    for arn, action, *keys in product(
        ROLE_ARNS,
        ("sts:AssumeRole", "sts:TagSession"),
        [("sts:externalid", one) for one in (None, A, B, A.upper(), "*")],
        [("aws:sourceip", one) for one in (None, "10.0.0.1")],
    )
]
OTHER_REQUESTS = [
    Request(Caller(kind, name), action, keys={key: value for key, value in keys if value is not None})
    for (kind, name), action, *keys in product(
        [("Federated", PROVIDER), ("Federated", "accounts.google.com"), ("Service", "ec2.amazonaws.com")],
        ("sts:AssumeRoleWithWebIdentity", "sts:AssumeRole"),
        [(AUD.lower(), one) for one in (None, AUDIENCE, "api://x")],
        [("sts:rolesessionname", one) for one in (None, SESSION_A, SESSION_B)],
    )
]
TRUST_REQUESTS = AWS_REQUESTS + OTHER_REQUESTS
QUEUE_REQUESTS = [
    Request(caller, action, resource, {key: value for key, value in keys if value is not None})
    for caller, action, resource, *keys in product(
        [
            Caller("Service", "s3.amazonaws.com"),
            Caller("AWS", READER["Principal"]["AWS"]),
            Caller("AWS", ROLE_ARNS[2]),
        ],
        ("sqs:SendMessage", "sqs:ReceiveMessage", "sqs:PurgeQueue"),
        (QUEUE, f"{QUEUE}2"),
        [("aws:sourcearn", one) for one in (None, BUCKET, f"{BUCKET}2")],
        [("aws:sourceaccount", one) for one in (None, ACCOUNT, OTHER)],
    )
]
# The evaluation that is compared with knows the operators of strings.
SENDER_OF_STRINGS = {**SENDER, "Condition": {"StringEquals": {"aws:SourceArn": BUCKET, "aws:SourceAccount": ACCOUNT}}}
DENY_FOREIGN = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sqs:*",
    "Resource": "*",
    "Condition": {"StringNotEqualsIfExists": {"aws:SourceAccount": ACCOUNT}},
}
DESIRED: dict[str, tuple[Json, list[Request]]] = {
    "the trust of an account": (ACCOUNT_TRUST, TRUST_REQUESTS),
    "the trust of an account for two": (
        policy(account_trust(Condition={"StringEquals": {"sts:ExternalId": [A, B]}})),
        TRUST_REQUESTS,
    ),
    "the trust of a web identity": (IDENTITY_TRUST, TRUST_REQUESTS),
    "both": (policy(account_trust(), identity_trust()), TRUST_REQUESTS),
    "a queue": (policy(SENDER_OF_STRINGS, READER), QUEUE_REQUESTS),
    "a queue with a Deny": (policy(SENDER_OF_STRINGS, READER, DENY_FOREIGN), QUEUE_REQUESTS),
}

OPERATORS = ["StringEquals", "StringLike", "StringNotEquals", "StringNotLike", "StringEqualsIgnoreCase"]
QUANTIFIERS, SUFFIXES = ["", "ForAnyValue:", "ForAllValues:"], ["", "IfExists"]
EVERY_OPERATOR = ["".join(parts) for parts in product(QUANTIFIERS, OPERATORS, SUFFIXES)]
TRUST_VALUES = {
    "sts:ExternalId": [A, B, A.upper(), f"{A[:8]}*", "*", "${sts:ExternalId}", "1111111?-*"],
    AUD: [AUDIENCE, "api://x", "api://*", "*"],
    "sts:RoleSessionName": [SESSION_A, SESSION_B, "MicrosoftSentinel_*", "${sts:RoleSessionName}"],
    "aws:SourceIp": ["10.0.0.1", "10.*"],
}
QUEUE_VALUES = {
    "aws:SourceArn": [BUCKET, f"{BUCKET}2", f"{BUCKET}*", "${aws:SourceArn}"],
    "aws:SourceAccount": [ACCOUNT, OTHER, "*"],
}


def one_or_more(values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values) | st.lists(st.sampled_from(values), min_size=1, max_size=3)


def joined(one: Any, other: Any) -> Any:
    """The values of both, of an element or a condition."""
    if one == "*" or not one or not other:
        return one or other
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: joined(one.get(key, []), other.get(key, [])) for key in {**one, **other}}
    lists = [value if isinstance(value, list) else [value] for value in (one, other)]
    return list(dict.fromkeys(lists[0] + lists[1]))


def conditions(values: dict[str, list[str]]) -> st.SearchStrategy[Json]:
    operators = st.sampled_from(OPERATORS) | st.sampled_from(EVERY_OPERATOR)
    block = st.lists(
        st.sampled_from(sorted(values)).flatmap(lambda key: st.tuples(st.just(key), one_or_more(values[key]))),
        min_size=1,
        max_size=2,
    ).map(dict)
    null = st.dictionaries(st.sampled_from(sorted(values)), st.sampled_from(["true", "false", True, False]), max_size=1)
    return st.builds(
        lambda tests, nulls: {**tests, **({"Null": nulls} if nulls else {})},
        st.dictionaries(operators, block, max_size=2),
        null,
    )


def statements(
    desired: Json, principals: list[Any], actions: list[str], resources: list[str], values: dict[str, list[str]]
) -> st.SearchStrategy[Any]:
    """Statements of the desired document as they are or with other elements, and any others."""

    def element(name: str, choice: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
        return st.sampled_from([name, name, name, f"Not{name}"]).flatmap(
            lambda key: st.fixed_dictionaries({key: choice})
        )

    elements = [
        element("Principal", st.sampled_from(principals)),
        element("Action", one_or_more(actions)),
        st.fixed_dictionaries({"Condition": conditions(values)}),
    ]
    if resources:
        elements.append(element("Resource", one_or_more(resources)))

    def changed(base: Json, changes: list[Json]) -> Json:
        for change in changes:
            (name,) = change
            other = name.removeprefix("Not") if name.startswith("Not") else f"Not{name}"
            base = {**{key: value for key, value in base.items() if key != other}, **change}
        return base

    def extended(base: Json, more: list[Json]) -> Json:
        return changed(base, [{name: joined(base.get(name, []), value)} for one in more for name, value in one.items()])

    exact = st.sampled_from(sorted(values)).flatmap(
        lambda key: st.fixed_dictionaries({"StringEquals": st.fixed_dictionaries({key: one_or_more(values[key])})})
    )
    more = [
        st.fixed_dictionaries({"Principal": st.sampled_from([one for one in principals if one != "*"])}),
        st.fixed_dictionaries({"Action": one_or_more(actions)}),
        st.fixed_dictionaries({"Condition": exact}),
    ]
    bases = st.sampled_from(desired["Statement"])
    wider = st.builds(extended, bases, st.lists(st.one_of(more), min_size=1, max_size=2, unique_by=min))
    effects = st.sampled_from(["Allow", "Allow", "Allow", "Deny"])
    varied = st.builds(changed, bases, st.lists(st.one_of(elements), max_size=2))
    free = st.builds(
        lambda base, effect, all_of: changed({**base, "Effect": effect}, list(all_of)),
        bases,
        effects,
        st.tuples(*elements),
    )
    return bases | varied | wider | free


TRUST_PRINCIPALS = [
    "*",
    {"AWS": "*"},
    {"AWS": SENTINEL},
    {"AWS": [f"arn:aws:iam::{SENTINEL}:root", OTHER]},
    {"AWS": ROLE_ARNS[0]},
    {"AWS": "arn:aws:iam::*:role/x"},
    {"Federated": PROVIDER},
    {"Federated": ["accounts.google.com", PROVIDER], "AWS": SENTINEL},
    {"Service": "ec2.amazonaws.com"},
    {"Service": "*"},
]
TRUST_ACTIONS = [
    "sts:AssumeRole",
    "STS:assumerole",
    "sts:AssumeRoleWithWebIdentity",
    "sts:TagSession",
    "sts:*",
    "*",
    "sts:Assume*",
]
QUEUE_PRINCIPALS = [
    "*",
    {"Service": "s3.amazonaws.com"},
    READER["Principal"],
    {"AWS": [ACCOUNT, OTHER]},
    {"AWS": ROLE_ARNS[2], "Service": "s3.amazonaws.com"},
]
QUEUE_ACTIONS = ["sqs:SendMessage", "sqs:ReceiveMessage", "SQS:*", "sqs:Purge*", "sqs:?e*", "*"]
QUEUE_RESOURCES = [QUEUE, f"{QUEUE}2", f"{QUEUE}*", "*", f"{QUEUE[:-1]}?"]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Json, Json, list[Request]]:
    """A document, a desired one, and the requests by which they are compared."""
    desired, requests = DESIRED[draw(st.sampled_from(sorted(DESIRED)))]
    if requests is TRUST_REQUESTS:
        some = statements(desired, TRUST_PRINCIPALS, TRUST_ACTIONS, [], TRUST_VALUES)
    else:
        some = statements(desired, QUEUE_PRINCIPALS, QUEUE_ACTIONS, QUEUE_RESOURCES, QUEUE_VALUES)
    return policy(*draw(st.lists(some, max_size=3))), desired, requests


def written(statement: Any) -> Json:
    """A normalized statement as a policy has it."""
    raw: Json = {"Effect": statement.effect}
    for name in ("principal", "action", "resource"):
        element = getattr(statement, name)
        key = f"{'Not' * element.negated}{name.capitalize()}"
        if name == "principal":
            pairs = [value.partition(" ") for value in element.values]
            raw[key] = {kind: [name for one, _space, name in pairs if one == kind] for kind, _space, _name in pairs}
        elif element.values:
            raw[key] = list(element.values)
    raw["Condition"] = {}
    for line in statement.conditions:
        raw["Condition"].setdefault(line.operator, {})[line.key] = list(line.values)
    return raw


def check_beyond(document: Json, desired: Json, requests: list[Request]) -> None:
    """Every unexpected request that is allowed is allowed by a part that is found, or was to be denied."""
    found = compare(document, desired)
    allows = policy(*(written(one.statement) for one in found.unexpected if one.statement.effect == "Allow"))
    denies = policy(*(written(one.statement) for one in found.missing if one.statement.effect == "Deny"))
    unexpected = [one for one in requests if allowed(document, one) and not allowed(desired, one)]
    assert [one for one in unexpected if not allowed(allows, one) and not denied(denies, one)] == []
    if unexpected and requests is TRUST_REQUESTS:
        assert any(is_security(one) for one in trust_findings(document, desired))


def check_lacking(document: Json, desired: Json, requests: list[Request]) -> None:
    """What is desired and not allowed is a part that is missing, or is denied by one that is found."""
    found = compare(document, desired)
    missing = policy(*(written(one.statement) for one in found.missing if one.statement.effect == "Allow"))
    blocking = policy(*(written(one.statement) for one in found.blocking))
    lacking = [one for one in requests if allowed(desired, one) and not allowed(document, one)]
    assert [one for one in lacking if not allowed(missing, one) and not denied(blocking, one)] == []
    if requests is TRUST_REQUESTS:
        findings = trust_findings(document, desired)
        assert not lacking or findings
        assert bool(findings) != same(document, desired)


@given(cases())
def test_whoever_is_allowed_beyond_the_desired_document_is_found(case: tuple[Json, Json, list[Request]]) -> None:
    check_beyond(*case)


@given(cases())
def test_what_is_desired_and_not_allowed_is_found(case: tuple[Json, Json, list[Request]]) -> None:
    check_lacking(*case)


def single_changes(statement: Json, name: str) -> Iterator[Json]:
    """The statement with one condition, principal or action in every other form."""
    values = QUEUE_VALUES if name.startswith("a queue") else TRUST_VALUES
    principals = QUEUE_PRINCIPALS if values is QUEUE_VALUES else TRUST_PRINCIPALS
    actions = QUEUE_ACTIONS if values is QUEUE_VALUES else TRUST_ACTIONS
    condition = statement.get("Condition", {})
    for operator, block in condition.items():
        for key in block:
            rest = {**condition, operator: {one: value for one, value in block.items() if one != key}}
            yield {**statement, "Condition": rest}
            for other, value in product(EVERY_OPERATOR, [*values[key], values[key][:2]]):
                yield {**statement, "Condition": {**rest, other: {**rest.get(other, {}), key: value}}}
            yield from ({**statement, "Condition": {**rest, "Null": {key: value}}} for value in ("true", "false"))
    for prefix, (element, choices) in product(("", "Not"), (("Principal", principals), ("Action", actions))):
        rest = {key: value for key, value in statement.items() if key != element}
        yield from ({**rest, f"{prefix}{element}": value} for value in choices)


@pytest.mark.parametrize(
    "name", ["the trust of an account for two", "the trust of a web identity", "a queue with a Deny"]
)
def test_every_single_change_is_judged_as_it_is_evaluated(name: str) -> None:
    desired, requests = DESIRED[name]
    for at, statement in enumerate(desired["Statement"]):
        for changed in single_changes(statement, name):
            others = [one for number, one in enumerate(desired["Statement"]) if number != at]
            kept = others if statement["Effect"] == "Deny" else desired["Statement"]
            check_beyond(policy(*kept, changed), desired, requests)
            check_lacking(policy(*others, changed), desired, requests)


def rewritten(draw: st.DrawFn, desired: Json) -> Json:
    """The desired document in other words: split by values, repeated, in another order, named."""
    pieces = []
    for statement in desired["Statement"]:
        splits = [statement]
        for name in ("Action", "Resource"):
            if draw(st.booleans()) and isinstance(statement.get(name), list):
                splits = [{**one, name: value} for one in splits for value in statement[name]]
        block = statement.get("Condition", {}).get("StringEquals", {})
        for key, values in block.items():
            if isinstance(values, list) and draw(st.booleans()):
                splits = [
                    {
                        **one,
                        "Condition": {
                            **one["Condition"],
                            "StringEquals": {**one["Condition"]["StringEquals"], key: value},
                        },
                    }
                    for one in splits
                    for value in values
                ]
        pieces += splits
    repeated = pieces + draw(st.lists(st.sampled_from(pieces), max_size=2))
    shuffled = draw(st.permutations(repeated))
    return policy(*({**one, "Sid": f"S{number}"} for number, one in enumerate(shuffled)))


@given(st.sampled_from(sorted(DESIRED)), st.data())
def test_a_document_that_allows_exactly_the_desired_has_no_findings(name: str, data: st.DataObject) -> None:
    desired, requests = DESIRED[name]
    document = data.draw(st.composite(rewritten)(desired))
    found = compare(document, desired)
    assert (found.missing, found.unexpected, found.blocking, found.unparseable) == ((), (), (), frozenset())
    if requests is TRUST_REQUESTS:
        assert trust_findings(document, desired) == []
    assert remove_statements(document, desired) == policy()
    assert add_statements(document, desired) is document


@given(cases())
def test_what_is_added_is_allowed_and_nothing_else_changes(case: tuple[Json, Json, list[Request]]) -> None:
    document, desired, requests = case
    before = json.dumps(document)
    after = add_statements(document, desired)
    assert json.dumps(document) == before
    kept = after["Statement"][: len(document["Statement"])]
    assert json.dumps(kept) == json.dumps(document["Statement"])
    assert add_statements(after, desired) is after
    assert not compare(after, desired).missing
    for one in requests:
        if allowed(desired, one) and not denied(document, one):
            assert allowed(after, one)
        elif not allowed(desired, one) and not denied(desired, one):
            assert allowed(after, one) == allowed(document, one)


@given(cases())
def test_what_is_removed_is_all_of_ours_and_nothing_else(case: tuple[Json, Json, list[Request]]) -> None:
    document, ours, requests = case
    before = json.dumps(document)
    after: Any = remove_statements(document, ours)
    assert json.dumps(document) == before
    assert remove_statements(after, ours) is after
    foreign = [one for one in document["Statement"] if remove_statements(policy(one), ours) == policy(one)]
    assert [one for one in after["Statement"] if one in foreign] == foreign
    for one in requests:
        if not allowed(policy(*(s for s in ours["Statement"] if s["Effect"] == "Allow")), one) and not denied(
            ours, one
        ):
            assert allowed(after, one) == allowed(document, one)


@given(st.sampled_from(sorted(set(DESIRED) - {"a queue with a Deny"})), st.data())
def test_what_is_removed_of_a_shared_statement_is_allowed_no_longer(name: str, data: st.DataObject) -> None:
    ours, requests = DESIRED[name]
    more = {
        "Principal": data.draw(st.sampled_from([{}, {"AWS": ROLE_ARNS[2]}, {"Service": ["ec2.amazonaws.com"]}])),
        "Action": data.draw(st.sampled_from([[], "sqs:PurgeQueue", ["sts:TagSession"]])),
    }
    shared = [{**one, **{name: joined(one[name], value) for name, value in more.items()}} for one in ours["Statement"]]
    ids = data.draw(st.sampled_from([{}, {"sts:ExternalId": B}, {"sts:RoleSessionName": [SESSION_B]}]))
    for one in shared:
        block = one.get("Condition", {}).get("StringEquals", {})
        added = {key: joined(block[key], value) for key, value in ids.items() if key in block}
        if added:
            one["Condition"] = {**one["Condition"], "StringEquals": {**block, **added}}
    document = policy(*shared)
    after: Any = remove_statements(document, ours)
    for one in requests:
        assert allowed(after, one) == (allowed(document, one) and not allowed(ours, one))


@given(cases())
def test_what_was_added_can_be_removed(case: tuple[Json, Json, list[Request]]) -> None:
    document, ours, _requests = case
    foreign: Any = remove_statements(document, ours)
    assert remove_statements(add_statements(foreign, ours), ours) == foreign
