# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulators' own evaluation of policies, against cases of the IAM User Guide."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulators.policies import Access, decide, names_of, parse

ROLE = "arn:aws:iam::111111111111:role/R"
SESSION = "arn:aws:sts::111111111111:assumed-role/R/session"
QUEUE = "arn:aws:sqs:us-east-1:111111111111:q"
ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": QUEUE}
CONTEXT = {"aws:SourceArn": "arn:aws:s3:::logs", "aws:SourceAccount": "111111111111"}


def decided(*statements: dict[str, Any], principals: frozenset[str] = names_of(SESSION), **context: str) -> str:
    access = Access("sqs:ReceiveMessage", QUEUE, principals, {**CONTEXT, **context})
    return decide([{"Version": "2012-10-17", "Statement": list(statements)}], access)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "allow"),
        ({"Effect": "Deny"}, "deny"),
        ({"Action": "SQS:receive*"}, "allow"),
        ({"Action": ["sqs:SendMessage", "sqs:DeleteMessage"]}, "none"),
        ({"Action": "*"}, "allow"),
        ({"Resource": "*"}, "allow"),
        ({"Resource": QUEUE[:-1] + "?"}, "allow"),
        ({"Resource": QUEUE.upper()}, "none"),
        ({"Resource": f"{QUEUE}[a]"}, "none"),
        ({"Principal": "*"}, "allow"),
        ({"Principal": {"AWS": "*"}}, "allow"),
        ({"Principal": {"AWS": ROLE}}, "allow"),
        ({"Principal": {"AWS": [SESSION]}}, "allow"),
        ({"Principal": {"AWS": "111111111111"}}, "allow"),
        ({"Principal": {"AWS": "arn:aws:iam::111111111111:root"}}, "allow"),
        ({"Principal": {"AWS": "222222222222"}}, "none"),
        ({"Principal": {"Service": "s3.amazonaws.com"}}, "none"),
        ({"Principal": {"AWS": "AROAEXAMPLE"}}, "none"),
    ],
)
def test_statements(changed: dict[str, Any], expected: str) -> None:
    assert decided({**ALLOW, **changed}) == expected


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"StringEquals": {"aws:SourceAccount": "111111111111"}}, True),
        ({"StringEquals": {"AWS:SourceAccount": ["222222222222", "111111111111"]}}, True),
        ({"StringEquals": {"aws:SourceAccount": "1*"}}, False),
        ({"StringLike": {"aws:SourceAccount": "1*"}}, True),
        ({"StringNotEquals": {"aws:SourceAccount": "111111111111"}}, False),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-abc"}}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}, False),
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-abc"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:logs"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:*:logs"}}, False),
        ({"ArnLike": {"aws:SourceArn": "*"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}, True),
        ({"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::logs"}}, True),
        ({"ArnNotLike": {"aws:SourceArn": "arn:aws:s3:::logs"}}, False),
        ({"Bool": {"aws:SecureTransport": False}}, False),
        ({"Null": {"aws:SourceArn": "false"}}, True),
        ({"Null": {"aws:SourceArn": "true"}}, False),
        ({"ForAnyValue:StringLike": {"aws:SourceArn": "arn:*"}}, True),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, False),
        ({"ArnLike": {"aws:SourceArn": "*"}, "StringEquals": {"aws:SourceAccount": "2"}}, False),
    ],
)
def test_conditions(condition: dict[str, Any], holds: bool) -> None:
    assert decided({**ALLOW, "Condition": condition}) == ("allow" if holds else "none")


def test_a_deny_wins_and_what_is_excluded_is_not_meant() -> None:
    assert decided(ALLOW, {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}) == "deny"
    assert decided(ALLOW, {"Effect": "Deny", "NotAction": "sqs:*", "Resource": "*"}) == "allow"
    assert decided(ALLOW, {"Effect": "Deny", "Action": "*", "NotResource": QUEUE}) == "allow"
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": insecure}
    assert decided(ALLOW, deny, **{"aws:SecureTransport": "true"}) == "allow"


def test_a_service_is_not_everybody() -> None:
    service = frozenset({"Service:s3.amazonaws.com"})
    assert decided({**ALLOW, "Principal": {"AWS": "*"}}, principals=service) == "none"
    assert decided({**ALLOW, "Principal": "*"}, principals=service) == "allow"
    assert decided({**ALLOW, "Principal": {"Service": "s3.amazonaws.com"}}, principals=service) == "allow"


@pytest.mark.parametrize("text", ["", "no", "[]", "{}", '{"Statement": [1]}', '{"Statement": {"Effect": "Allow"}}'])
def test_what_is_no_policy(text: str) -> None:
    assert parse(text) is None
