# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that a trail puts into its bucket, for tests: keys, content, and the put itself.

Source: "CloudTrail log file examples" and "Finding your CloudTrail log files" (CloudTrail User Guide).
"""

from __future__ import annotations

import gzip
import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import Emulators

Json = dict[str, Any]


def key(
    account: str,
    *,
    organization: str = "",
    prefix: str = "",
    region: str = "us-east-1",
    kind: str = "CloudTrail",
    when: datetime | None = None,
) -> str:
    """Where a trail's file lies; a digest has the kind `CloudTrail-Digest`."""
    when = when or datetime.now(UTC)
    folder = "/".join(filter(None, (prefix, "AWSLogs", organization, account, kind, region, when.strftime("%Y/%m/%d"))))
    return f"{folder}/{account}_{kind}_{region}_{when:%Y%m%dT%H%MZ}_{uuid.uuid4().hex[:16]}.json.gz"


def event(account: str, name: str = "GetCallerIdentity", **changed: Any) -> Json:
    """One record, as CloudTrail writes it."""
    role = f"arn:aws:iam::{account}:role/Admin"
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLE:alice",
            "arn": f"arn:aws:sts::{account}:assumed-role/Admin/alice",
            "accountId": account,
            "accessKeyId": "ASIAEXAMPLE",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAEXAMPLE",
                    "arn": role,
                    "accountId": account,
                    "userName": "Admin",
                },
                "attributes": {"creationDate": "2026-01-01T00:00:00Z", "mfaAuthenticated": "false"},
            },
        },
        "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "sts.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "aws-cli/2",
        "requestParameters": None,
        "responseElements": None,
        "requestID": str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()),
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
        **changed,
    }


def content(events: list[Json]) -> bytes:
    """A file of events."""
    return gzip.compress(json.dumps({"Records": events}).encode())


def digest(account: str) -> bytes:
    """A digest file, which lies beside the events and has none."""
    return gzip.compress(json.dumps({"awsAccountId": account, "logFiles": []}).encode())


def deliver(e: Emulators, bucket: str, owner: str, account: str, events: list[Json] | None = None, **where: Any) -> str:
    """Put a file of an account's events into a bucket of `owner`, as the trail does; returns its key."""
    place = key(account, **where)
    is_digest = where.get("kind") == "CloudTrail-Digest"
    body = digest(account) if is_digest else content([event(account)] if events is None else events)
    e.boto("s3", owner).put_object(Bucket=bucket, Key=place, Body=body)
    return place
