# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of VPC flow logs, GuardDuty and CloudWatch: keys, content, the put into a bucket, and their rows.

Sources: "Flow log files" (Amazon VPC User Guide); "Exporting findings" (Amazon GuardDuty User Guide); the formats that
the connector reads: "Connect Microsoft Sentinel to Amazon Web Services" (Microsoft Learn).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import Emulators

Json = dict[str, Any]

FLOW_FIELDS = {
    "version": "Version",
    "account-id": "AccountId",
    "interface-id": "InterfaceId",
    "srcaddr": "SrcAddr",
    "dstaddr": "DstAddr",
    "srcport": "SrcPort",
    "dstport": "DstPort",
    "protocol": "Protocol",
    "packets": "Packets",
    "bytes": "Bytes",
    "start": "Start",
    "end": "End",
    "action": "Action",
    "log-status": "LogStatus",
}
FINDING_FIELDS = {
    "schemaVersion": "SchemaVersion",
    "accountId": "AccountId",
    "region": "Region",
    "partition": "Partition",
    "id": "Id",
    "arn": "Arn",
    "type": "ActivityType",
    "resource": "ResourceDetails",
    "service": "ServiceDetails",
    "severity": "Severity",
    "createdAt": "TimeCreated",
    "title": "Title",
    "description": "Description",
}
FOLDERS = {"AWSVPCFlow": "vpcflowlogs", "AWSGuardDuty": "GuardDuty", "AWSCloudWatch": "cloudwatch"}
ENDINGS = {"AWSVPCFlow": ".log.gz", "AWSGuardDuty": ".jsonl.gz", "AWSCloudWatch": ".gz"}
_NUMBERS = {"Version", "SrcPort", "DstPort", "Protocol", "Packets", "Bytes"}


def key(table: str, account: str, *, prefix: str = "", region: str = "us-east-1") -> str:
    """Where a file of an account lies; `prefix` is the one before AWSLogs, of CloudWatch the whole one."""
    folder = prefix if table == "AWSCloudWatch" else f"{prefix}AWSLogs/{account}/{FOLDERS[table]}/{region}/"
    return f"{folder}{datetime.now(UTC):%Y/%m/%d}/{uuid.uuid4().hex}{ENDINGS[table]}"


def content(table: str, account: str) -> bytes:
    """A file with one record of an account."""
    return gzip.compress(_CONTENTS[table](account).encode())


def deliver(e: Emulators, table: str, bucket: str, owner: str, account: str, **where: Any) -> str:
    """Put a file of an account into a bucket of `owner`; returns its key."""
    place = key(table, account, **where)
    e.boto("s3", owner).put_object(Bucket=bucket, Key=place, Body=content(table, account))
    return place


def _flow_log(account: str) -> str:
    now = int(datetime.now(UTC).timestamp())
    record = f"2 {account} eni-1 192.0.2.1 192.0.2.2 443 50000 6 10 840 {now - 60} {now} ACCEPT OK"
    return f"{' '.join(FLOW_FIELDS)}\n{record}\n"


def _finding(account: str) -> str:
    found = {
        "schemaVersion": "2.0",
        "accountId": account,
        "region": "us-east-1",
        "partition": "aws",
        "id": uuid.uuid4().hex,
        "type": "Recon:EC2/PortProbeUnprotectedPort",
        "resource": {"resourceType": "Instance"},
        "service": {"serviceName": "guardduty"},
        "severity": 2,
        "createdAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "title": "Port probe",
        "description": "A port is probed.",
    }
    return f"{json.dumps(found)}\n"


def _messages(account: str) -> str:
    return f'{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ},"hello, {account}"\n'


_CONTENTS: dict[str, Callable[[str], str]] = {
    "AWSVPCFlow": _flow_log,
    "AWSGuardDuty": _finding,
    "AWSCloudWatch": _messages,
}


def _lines(data: bytes) -> list[str] | None:
    try:
        return gzip.decompress(data).decode().splitlines()
    except (OSError, EOFError, UnicodeDecodeError):
        return None


def flow_rows(data: bytes) -> list[Json] | None:
    """The rows of a flow log: text with a header line; None for another format, such as Parquet."""
    first, *records = _lines(data) or [""]
    names = first.split(" ")
    if "version" not in names:
        return None
    return [_flow_row(dict(zip(names, record.split(" "), strict=False))) for record in records]


def _flow_row(record: Json) -> Json:
    row = {column: record[name] for name, column in FLOW_FIELDS.items() if name in record}
    row |= {name: int(row[name]) for name in _NUMBERS & row.keys() if row[name] != "-"}
    row |= {name: _time(row[name]) for name in ("Start", "End") if name in row}
    return {**row, **({"TimeGenerated": row["Start"]} if "Start" in row else {}), "SourceSystem": "AWS"}


def _time(seconds: str) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def finding_rows(data: bytes) -> list[Json] | None:
    """The rows of findings: a JSON object in each line."""
    try:
        found = [json.loads(line) for line in _lines(data) or ["x"]]
    except ValueError:
        return None
    return [{column: one[name] for name, column in FINDING_FIELDS.items() if name in one} for one in found]


def message_rows(data: bytes) -> list[Json] | None:
    """The rows of exported log events: CSV of time and message without a header line."""
    lines = _lines(data)
    if lines is None:
        return None
    return [{"ExtractedTime": when, "Message": text} for when, text in csv.reader(io.StringIO("\n".join(lines)))]


PARSERS: dict[str, Callable[[bytes], list[Json] | None]] = {
    "AWSVPCFlow": flow_rows,
    "AWSGuardDuty": finding_rows,
    "AWSCloudWatch": message_rows,
}
"""How the files of a table are read."""
