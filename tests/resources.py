# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles, policy documents and connectors as tests put them into the emulators and expect them."""

from __future__ import annotations

from typing import Any

from tests.emulators.connectors import CLOUDTRAIL

Json = dict[str, Any]

ROLE = "MicrosoftSentinelRole"
SENTINEL = "197857026523"
"""Microsoft's AWS account."""
A = "11111111-aaaa-4aaa-8aaa-111111111111"
B = "22222222-bbbb-4bbb-8bbb-222222222222"
C = "33333333-cccc-4ccc-8ccc-333333333333"
"""The ids of three workspaces."""


def arn_of(account: str, name: str = ROLE) -> str:
    """The ARN of a role."""
    return f"arn:aws:iam::{account}:role/{name}"


def connector(name: str, arn: str, state: str = "enabled") -> Json:
    """A connector for `seed_connector`, which generates a name if it is empty."""
    properties = {"awsRoleArn": arn, "dataTypes": {"logs": {"state": state}}}
    return {"kind": CLOUDTRAIL, "properties": properties, **({"name": name} if name else {})}


def document(*statements: Any, **more: Any) -> Json:
    """A policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements), **more}


def pinned(*ids: Any, operator: str = "StringEquals", key: str = "sts:ExternalId") -> Json:
    """A condition on the external id."""
    return {operator: {key: ids[0] if len(ids) == 1 else list(ids)}}


def trust_statement(**elements: Any) -> Json:
    """The statement by which a role trusts Microsoft for workspace A, with other elements; None drops one."""
    desired = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{SENTINEL}:root"},
        "Action": "sts:AssumeRole",
        "Condition": pinned(A),
    }
    return {name: value for name, value in {**desired, **elements}.items() if value is not None}


def managed_tags(*ids: str, **more: str) -> dict[str, str]:
    """The tags of a managed role that serves these workspaces."""
    return {"trailbridge.sentinel": "managed", "trailbridge.sentinel.workspace": " ".join(ids), **more}
