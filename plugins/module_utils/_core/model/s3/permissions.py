# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The permissions of the two sessions of an S3 source: one reads, one makes exactly the calls of a plan. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..plan import Call
from ..role import permissions as roles
from ..session_policy import allow
from .source import S3SourceSpec

# Calls that AWS allows only together with another action: those that set tags.
_ALSO = {"CreateOpenIDConnectProvider": ("TagOpenIDConnectProvider",), "CreateRole": ("TagRole",)}


def provider_read(spec: S3SourceSpec) -> list[dict[str, Any]]:
    """Return the statements for reading the OIDC provider; before it is removed, also for finding its roles."""
    found = [allow(["iam:GetOpenIDConnectProvider"], spec.provider_arn)]
    return [*found, allow(["iam:ListRoles"], "*")] if spec.remove_provider else found


def provider_write(spec: S3SourceSpec, calls: Iterable[Call]) -> list[dict[str, Any]]:
    """Return the statements for these calls on the OIDC provider."""
    return _write(calls, spec.provider_arn)


def role_read(spec: S3SourceSpec) -> list[dict[str, Any]]:
    """Return the statements for reading the role."""
    return [allow([f"iam:{one}" for one in roles.ACTIONS["read"]], spec.role_arn)]


def role_write(spec: S3SourceSpec, calls: Iterable[Call]) -> list[dict[str, Any]]:
    """Return the statements for these calls on the role."""
    return _write(calls, spec.role_arn)


def _write(calls: Iterable[Call], resource: str) -> list[dict[str, Any]]:
    actions = {f"iam:{name}" for call in calls for name in (call.name, *_ALSO.get(call.name, ()))}
    return [allow(sorted(actions), resource)] if actions else []
