# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of CloudTrail as rows of the table AWSCloudTrail, with Microsoft's column names and types."""

from __future__ import annotations

import gzip
import json
from typing import Any

Json = dict[str, Any]

COLUMNS: dict[str, str] = {
    "TimeGenerated": "datetime",
    "AwsEventId": "string",
    "EventName": "string",
    "EventSource": "string",
    "EventTypeName": "string",
    "EventVersion": "string",
    "AWSRegion": "string",
    "AwsRequestId_": "string",
    "APIVersion": "string",
    "Category": "string",
    "ErrorCode": "string",
    "ErrorMessage": "string",
    "ManagementEvent": "bool",
    "ReadOnly": "bool",
    "RecipientAccountId": "string",
    "RequestParameters": "string",
    "ResponseElements": "string",
    "Resources": "string",
    "AdditionalEventData": "string",
    "ServiceEventDetails": "string",
    "SharedEventId": "string",
    "SourceIpAddress": "string",
    "UserAgent": "string",
    "VpcEndpointId": "string",
    "UserIdentityType": "string",
    "UserIdentityPrincipalid": "string",
    "UserIdentityArn": "string",
    "UserIdentityAccountId": "string",
    "UserIdentityAccessKeyId": "string",
    "UserIdentityUserName": "string",
    "UserIdentityInvokedBy": "string",
    "SessionIssuerType": "string",
    "SessionIssuerPrincipalId": "string",
    "SessionIssuerArn": "string",
    "SessionIssuerAccountId": "string",
    "SessionIssuerUserName": "string",
    "SessionMfaAuthenticated": "bool",
    "SessionCreationDate": "datetime",
    "SourceSystem": "string",
    "Type": "string",
}
"""Those of Microsoft's reference that a record of CloudTrail fills."""
FIELDS = {
    "eventID": "AwsEventId",
    "eventName": "EventName",
    "eventSource": "EventSource",
    "eventType": "EventTypeName",
    "eventVersion": "EventVersion",
    "awsRegion": "AWSRegion",
    "requestID": "AwsRequestId_",
    "apiVersion": "APIVersion",
    "eventCategory": "Category",
    "errorCode": "ErrorCode",
    "errorMessage": "ErrorMessage",
    "managementEvent": "ManagementEvent",
    "readOnly": "ReadOnly",
    "recipientAccountId": "RecipientAccountId",
    "requestParameters": "RequestParameters",
    "responseElements": "ResponseElements",
    "resources": "Resources",
    "additionalEventData": "AdditionalEventData",
    "serviceEventDetails": "ServiceEventDetails",
    "sharedEventID": "SharedEventId",
    "sourceIPAddress": "SourceIpAddress",
    "userAgent": "UserAgent",
    "vpcEndpointId": "VpcEndpointId",
}
IDENTITY = {
    "type": "Type",
    "principalId": "Principalid",
    "arn": "Arn",
    "accountId": "AccountId",
    "accessKeyId": "AccessKeyId",
    "userName": "UserName",
    "invokedBy": "InvokedBy",
}
ISSUER = {
    "type": "Type",
    "principalId": "PrincipalId",
    "arn": "Arn",
    "accountId": "AccountId",
    "userName": "UserName",
}


def rows(data: bytes) -> list[Json] | None:
    """The rows of a file; None for one that is no list of events, such as a digest."""
    try:
        content: Any = json.loads(gzip.decompress(data))
    except (OSError, EOFError, ValueError):
        return None
    if not isinstance(content, dict) or not isinstance(content.get("Records"), list):
        return None
    return [row(record) for record in content["Records"]]


def row(record: Json) -> Json:
    """One event. `TimeGenerated` is added with the ingestion; what is nested becomes JSON text."""
    identity = record.get("userIdentity") or {}
    context = identity.get("sessionContext") or {}
    issuer, session = context.get("sessionIssuer") or {}, context.get("attributes") or {}
    found: Json = {column: _text(record[name]) for name, column in FIELDS.items() if name in record}
    found |= {f"UserIdentity{column}": identity[name] for name, column in IDENTITY.items() if name in identity}
    found |= {f"SessionIssuer{column}": issuer[name] for name, column in ISSUER.items() if name in issuer}
    if "mfaAuthenticated" in session:
        found["SessionMfaAuthenticated"] = str(session["mfaAuthenticated"]).lower() == "true"
    if "creationDate" in session:
        found["SessionCreationDate"] = session["creationDate"]
    return {**found, "SourceSystem": "AWS"}


def _text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value
