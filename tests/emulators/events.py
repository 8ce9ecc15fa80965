# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows that connectors and Microsoft Sentinel write, for tests to put into the tables of a workspace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from . import cloudtrail_rows, trail
from .tables import iso

Json = dict[str, Any]


def ago(hours: float) -> str:
    """Return the time so many hours ago, by the clock of this machine."""
    return iso(datetime.now(UTC) - timedelta(hours=hours))


def cloudtrail(account: str, hours: float = 0.0, *, session_name: str = "", **columns: Any) -> Json:
    """Return a row of AWSCloudTrail that arrived so many hours ago; with `session_name`, an AssumeRole of that name."""
    record = trail.event(account)
    if session_name:
        role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
        parameters = {"roleArn": role, "roleSessionName": session_name}
        record = trail.event(account, "AssumeRole", requestParameters=parameters)
    return {**cloudtrail_rows.row(record), "TimeGenerated": ago(hours), **columns}


def vpc_flow(account: str, hours: float = 0.0, **columns: Any) -> Json:
    """Return a row of AWSVPCFlow that arrived so many hours ago; AWS writes `unknown` for some accounts."""
    return {"AccountId": account, "Region": "us-east-1", "Action": "ACCEPT", "TimeGenerated": ago(hours), **columns}


def guard_duty(account: str, hours: float = 0.0, **columns: Any) -> Json:
    """Return a row of AWSGuardDuty that arrived so many hours ago."""
    kind = "Recon:EC2/PortProbeUnprotectedPort"
    return {"AccountId": account, "Region": "us-east-1", "ActivityType": kind, "TimeGenerated": ago(hours), **columns}


def status_change(connector: str, status: str, hours: float = 0.0, **columns: Any) -> Json:
    """Return a row of SentinelHealth: since when a connector fetches events (`Success`) or fails to (`Failure`)."""
    return _health(connector, "Data fetch status change", hours, Status=status) | columns


def failure_summary(connector: str, summary: Any, hours: float = 0.0, **columns: Any) -> Json:
    """Return a row of SentinelHealth: the failures of the last hour, by default a list of codes and messages."""
    properties = {"FailureSummary": summary}
    row = _health(connector, "Data fetch failure summary", hours, Status="Informational", ExtendedProperties=properties)
    return row | columns


def failure(code: str, message: str) -> list[Json]:
    """Return the usual form of a failure summary."""
    return [{"StatusCode": code, "StatusMessage": message}]


def _health(connector: str, operation: str, hours: float, **columns: Any) -> Json:
    kind = "AmazonWebServicesCloudTrail"
    row = {"OperationName": operation, "SentinelResourceName": connector, "SentinelResourceKind": kind}
    return {**row, "SentinelResourceType": "Data connector", "TimeGenerated": ago(hours), **columns}
