# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random trust policies of a web identity, evaluated as AWS documents it: a repair lets nobody else in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.policy import policy
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.role import Role
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.role import (
    WEB_IDENTITY_ROLE,
    other_session_names,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import S3SourceSpec

from .iam import Caller, Request, allowed

A, B, C = (f"{digit * 8}-1111-4111-8111-111111111111" for digit in "abc")
NAMES = [f"MicrosoftSentinel_{one}" for one in (A, B, C)]
SPEC = S3SourceSpec("222222222222", "eu-west-1", "logs", "", A, "queue")
IDENTITY = SPEC.web_identity
AUD = IDENTITY.audience_key
PROVIDER = Caller("Federated", IDENTITY.provider_arn)
OTHERS = [
    Caller("Federated", IDENTITY.provider_arn.rstrip("/")),
    Caller("Service", "ec2.amazonaws.com"),
    Caller("AWS", "arn:aws:iam::999999999999:role/x"),
]
ASSUME = "sts:AssumeRoleWithWebIdentity"

values = st.lists(st.sampled_from([*NAMES, "MicrosoftSentinel_*", "*", NAMES[0].upper()]), min_size=1, max_size=3)
audiences = st.lists(st.sampled_from([IDENTITY.audience, "api://x"]), min_size=1, max_size=2)
operators = st.sampled_from(
    ["StringEquals", "StringLike", "StringNotEquals", "StringEqualsIfExists", "StringEqualsIgnoreCase"]
)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "name": st.tuples(operators, st.just("sts:RoleSessionName"), values),
        "audience": st.tuples(operators, st.just(AUD), audiences),
        "address": st.just(("StringEquals", "aws:RequestedRegion", ["eu-west-1"])),
    },
)
principals = st.sampled_from(
    [
        {"Federated": PROVIDER.name},
        {"Federated": [PROVIDER.name, OTHERS[0].name]},
        {"AWS": "arn:aws:iam::999999999999:role/x"},
        {"Federated": PROVIDER.name, "Service": "ec2.amazonaws.com"},
    ]
)
actions = st.sampled_from([ASSUME, "sts:*", [ASSUME, "sts:TagSession"], "sts:AssumeRole"])


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    effect = draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"]))
    found: dict[str, Any] = {"Effect": effect, "Principal": draw(principals), "Action": draw(actions)}
    condition: dict[str, Any] = {}
    for operator, key, given_values in draw(conditions).values():
        condition.setdefault(operator, {})[key] = given_values
    return {**found, "Condition": condition} if condition else found


exact = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True).map(
    lambda names: policy.identity_trust(IDENTITY, names)["Statement"][0]
)
documents = st.lists(statements() | exact, min_size=1, max_size=3).map(
    lambda found: {"Version": "2012-10-17", "Statement": found}
)
tags = st.sampled_from([{}, {"trailbridge.sentinel": "managed", "trailbridge.sentinel.workspace": f"{A} {B}"}])
REQUESTS = [
    Request(caller, ASSUME, "", {key: value for key, value in keys.items() if value})
    for caller in [PROVIDER, *OTHERS]
    for name in [*NAMES, "MicrosoftSentinel_x", NAMES[0].upper(), ""]
    for audience in (IDENTITY.audience, "api://x", "")
    for region in ("eu-west-1", "us-east-1")
    for keys in [{"sts:rolesessionname": name, AUD.lower(): audience, "aws:requestedregion": region}]
]


def role(trust: dict[str, Any], found: dict[str, str]) -> Role:
    return Role(SPEC.role_name, SPEC.role_arn, trust=trust, tags=found)


def is_desired(request: Request) -> bool:
    name, audience = request.keys.get("sts:rolesessionname"), request.keys.get(AUD.lower())
    return (request.caller, name, audience) == (PROVIDER, NAMES[0], IDENTITY.audience)


@given(documents)
def test_what_is_adopted_without_asking_trusts_this_workspace_only(trust: dict[str, Any]) -> None:
    try:
        WEB_IDENTITY_ROLE.overlay(SPEC, role(trust, {}))
    except SentinelError:
        return
    assert all(is_desired(request) for request in REQUESTS if allowed(trust, request))


def denies(statement: dict[str, Any]) -> bool:
    return bool(statement["Effect"] == "Deny")


def names_sessions(statement: dict[str, Any]) -> bool:
    return any("sts:RoleSessionName" in block for block in statement.get("Condition", {}).values())


@given(documents, tags)
def test_a_repair_lets_this_workspace_in_and_nobody_else_who_was_not(
    trust: dict[str, Any], found: dict[str, str]
) -> None:
    """A Deny that names sessions of another workspace stays, even if it denies this one too; others are removed."""
    after = WEB_IDENTITY_ROLE.overlay(replace(SPEC, adopt=True), role(trust, found))
    assert after
    kept = [one for one in trust["Statement"] if not denies(one) or names_sessions(one)]
    for request in REQUESTS:
        if is_desired(request):
            assert allowed(after.trust, request) or any(map(denies, after.trust["Statement"]))
        elif allowed(after.trust, request):
            assert allowed({**trust, "Statement": kept}, request)
            assert request.keys["sts:rolesessionname"] == NAMES[1]


@given(documents, tags)
def test_another_workspace_that_was_let_in_exactly_stays_so(trust: dict[str, Any], found: dict[str, str]) -> None:
    before = role(trust, found)
    names = other_session_names(SPEC, before)
    after = WEB_IDENTITY_ROLE.overlay(replace(SPEC, adopt=True), before)
    assert after
    for request in REQUESTS:
        name, audience = request.keys.get("sts:rolesessionname"), request.keys.get(AUD.lower())
        if (request.caller, audience) == (PROVIDER, IDENTITY.audience) and name in names and allowed(trust, request):
            assert allowed(after.trust, request)


@given(documents, tags)
def test_no_finding_means_no_difference(trust: dict[str, Any], found: dict[str, str]) -> None:
    have = role(trust, found)
    codes = {one.code for one in WEB_IDENTITY_ROLE.findings(SPEC, have)}
    if not any(code.startswith("trust_") for code in codes):
        after = WEB_IDENTITY_ROLE.overlay(replace(SPEC, adopt=True), have)
        assert after
        assert after.trust is have.trust


USERS = [
    ("exact", policy.identity_trust(IDENTITY, [NAMES[1]]), True),
    ("another audience", policy.identity_trust(IDENTITY._replace(audience="api://x"), [NAMES[0]]), False),
    ("another provider", policy.identity_trust(IDENTITY._replace(provider_arn="x", issuer="x"), [NAMES[0]]), False),
    (
        "any audience",
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:*"}},
        True,
    ),
    ("not parseable", {"Version": "2012-10-17", "Statement": [{"Effect": IDENTITY.provider_arn}]}, True),
    ("not parseable, of others", {"Version": "2012-10-17", "Statement": [{"Effect": "x"}]}, False),
]


@pytest.mark.parametrize(("document", "expected"), [one[1:] for one in USERS], ids=[one[0] for one in USERS])
def test_who_uses_the_audience(document: dict[str, Any], expected: bool) -> None:
    assert policy.may_use(document, IDENTITY) == expected
