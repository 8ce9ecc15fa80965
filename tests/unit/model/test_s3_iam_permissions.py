# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions of an S3 source: what they may do with OIDC provider and role."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3 import permissions
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.provider import PROVIDER, Provider
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.role import WEB_IDENTITY_ROLE
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import S3SourceSpec
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.session_policy import session_policy

SPEC = S3SourceSpec(
    "222222222222",
    "us-gov-west-1",
    "b" * 63,
    "p/" * 20,
    "11111111-aaaa-4aaa-8aaa-111111111111",
    "q" * 80,
    role_name=f"OIDC_{'r' * 59}",
    partition="aws-us-gov",
    remove_provider=True,
)
# What queue, notification and trail need of one session policy besides.
OTHERS = 1100


def test_reads_are_of_this_provider_and_this_role() -> None:
    provider, roles = permissions.provider_read(SPEC)
    assert (provider["Action"], provider["Resource"]) == (["iam:GetOpenIDConnectProvider"], SPEC.provider_arn)
    assert (roles["Action"], roles["Resource"]) == (["iam:ListRoles"], "*")
    [role] = permissions.role_read(SPEC)
    assert role["Resource"] == SPEC.role_arn
    assert all(one.startswith(("iam:Get", "iam:List")) for one in role["Action"])


def test_all_roles_are_listed_only_before_the_provider_is_removed() -> None:
    assert len(permissions.provider_read(replace(SPEC, remove_provider=False))) == 1


def test_writes_are_exactly_the_calls_of_the_plan() -> None:
    role = PROVIDER.plan(None, PROVIDER.overlay(SPEC, None))
    [provider] = permissions.provider_write(SPEC, role)
    assert provider["Action"] == ["iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"]
    assert provider["Resource"] == SPEC.provider_arn
    made = WEB_IDENTITY_ROLE.plan(None, WEB_IDENTITY_ROLE.overlay(SPEC, None))
    [written] = permissions.role_write(SPEC, made)
    assert (written["Action"], written["Resource"]) == (
        ["iam:CreateRole", "iam:PutRolePolicy", "iam:TagRole"],
        SPEC.role_arn,
    )


def test_no_call_needs_no_permission() -> None:
    assert permissions.provider_write(SPEC, []) == permissions.role_write(SPEC, []) == []


ROLE_CALLS = [
    Call(name, {})
    for name in (
        "CreateRole",
        "DeleteRole",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "PutRolePolicy",
        "TagRole",
        "UpdateAssumeRolePolicy",
    )
]


@pytest.mark.parametrize("have", [None, Provider(SPEC.provider_arn, SPEC.issuer)])
def test_both_sessions_leave_room_for_the_other_resources(have: Provider | None) -> None:
    writes = [
        *permissions.provider_write(SPEC, PROVIDER.plan(have, PROVIDER.overlay(SPEC, have))),
        *permissions.role_write(SPEC, ROLE_CALLS),
    ]
    reads = [*permissions.provider_read(SPEC), *permissions.role_read(SPEC)]
    for statements in (reads, writes):
        assert len(session_policy(statements)) + OTHERS <= 2048
