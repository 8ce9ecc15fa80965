# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS's responses in XML, as botocore parses them. Source: "IAM API Reference", "STS API Reference" (AWS)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

IAM = "https://iam.amazonaws.com/doc/2010-05-08/"
STS = "https://sts.amazonaws.com/doc/2011-06-15/"
META = "<ResponseMetadata><RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId></ResponseMetadata>"
EXPIRES = "2099-01-01T00:00:00Z"
TOKEN = "FwoGZXIvYXdzEBYaDH" * 22
"""As long as a real session token: it is sent with every request."""


@dataclass
class Stored:
    """A role, as stored in IAM."""

    name: str
    arn: str
    path: str
    description: str
    max_session_duration: int
    created: str
    trust: Mapping[str, Any]
    tags: dict[str, str] = field(default_factory=dict)
    managed: list[str] = field(default_factory=list)


def document(text: str) -> Mapping[str, Any]:
    """Return the policy document of a request."""
    parsed: Mapping[str, Any] = json.loads(text)
    return parsed


def tags(form: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of a request: Tags.member.1.Key and so on."""
    keys = (name for name in form if name.startswith("Tags.member.") and name.endswith(".Key"))
    return {form[name]: form[f"{name[:-4]}.Value"] for name in keys}


def caller_identity(account: str) -> bytes:
    """Return the caller identity."""
    result = f"<UserId>AIDABENCH</UserId><Account>{account}</Account><Arn>arn:aws:iam::{account}:user/bench</Arn>"
    return _answer("GetCallerIdentity", STS, result)


def assumed(arn: str, session: str) -> bytes:
    """Return credentials in the role's account; the access key contains it."""
    account, name = arn.split(":")[4], arn.rpartition("/")[2]
    result = (
        f"<AssumedRoleUser><AssumedRoleId>AROABENCH:{session}</AssumedRoleId>"
        f"<Arn>arn:aws:sts::{account}:assumed-role/{name}/{session}</Arn></AssumedRoleUser>"
        f"<Credentials><AccessKeyId>ASIA{account}</AccessKeyId><SecretAccessKey>benchSecretKey{account}benchSecret"
        f"</SecretAccessKey><SessionToken>{TOKEN}{account}</SessionToken><Expiration>{EXPIRES}</Expiration>"
        "</Credentials>"
    )
    return _answer("AssumeRole", STS, result)


def role(operation: str, stored: Stored) -> bytes:
    """Return a role."""
    trust = _quoted(json.dumps(stored.trust))
    listed = "".join(
        f"<member><Key>{escape(key)}</Key><Value>{escape(value)}</Value></member>" for key, value in stored.tags.items()
    )
    result = (
        f"<Role><Path>{stored.path}</Path><RoleName>{stored.name}</RoleName><RoleId>AROABENCHBENCHBENCH</RoleId>"
        f"<Arn>{stored.arn}</Arn><CreateDate>{stored.created}</CreateDate>"
        f"<AssumeRolePolicyDocument>{trust}</AssumeRolePolicyDocument>"
        f"<Description>{escape(stored.description)}</Description>"
        f"<MaxSessionDuration>{stored.max_session_duration}</MaxSessionDuration>"
        f"<Tags>{listed}</Tags><RoleLastUsed/></Role>"
    )
    return _answer(operation, IAM, result)


@lru_cache(maxsize=1000)
def _quoted(text: str) -> str:
    """Cached: most accounts have the same trust policy."""
    return quote(text, safe="")


def attached(stored: Stored) -> bytes:
    """Return the attached managed policies."""
    members = "".join(
        f"<member><PolicyName>{arn.rpartition('/')[2]}</PolicyName><PolicyArn>{arn}</PolicyArn></member>"
        for arn in stored.managed
    )
    result = f"<IsTruncated>false</IsTruncated><AttachedPolicies>{members}</AttachedPolicies>"
    return _answer("ListAttachedRolePolicies", IAM, result)


def inline(_stored: Stored) -> bytes:
    """Return an empty list of inline policies."""
    return _answer("ListRolePolicies", IAM, "<IsTruncated>false</IsTruncated><PolicyNames/>")


def instance_profiles(_stored: Stored) -> bytes:
    """Return an empty list of instance profiles."""
    return _answer("ListInstanceProfilesForRole", IAM, "<IsTruncated>false</IsTruncated><InstanceProfiles/>")


def done(operation: str) -> bytes:
    """Return an empty response."""
    return f'<{operation}Response xmlns="{IAM}">{META}</{operation}Response>'.encode()


def error(code: str, message: str) -> bytes:
    """Return an error response."""
    return (
        f'<ErrorResponse xmlns="{IAM}"><Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}'
        "</Message></Error><RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId></ErrorResponse>"
    ).encode()


def _answer(operation: str, namespace: str, result: str) -> bytes:
    return (
        f'<{operation}Response xmlns="{namespace}"><{operation}Result>{result}</{operation}Result>{META}'
        f"</{operation}Response>"
    ).encode()
