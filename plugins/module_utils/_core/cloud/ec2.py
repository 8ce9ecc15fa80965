# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Amazon EC2: the flow logs that publish to S3."""

from __future__ import annotations

import re

from ..model.s3.producers import FlowLog
from .aws_errors import translate_aws_errors
from .response import parse
from .service import Response, ServiceClient


async def describe_flow_logs(ec2: ServiceClient, account_id: str) -> list[FlowLog]:
    """Return the flow logs of the account that publish to S3, in the Region of the client."""
    with translate_aws_errors(f"read the flow logs of account {account_id}", expired=ec2.expired):
        found = await ec2.pages(
            "DescribeFlowLogs",
            "FlowLogs",
            cursor="NextToken",
            absent_if_empty=True,
            Filters=[{"Name": "log-destination-type", "Values": ["s3"]}],
        )
        return [parse(_parse_flow_log, one) for one in found]


def _parse_flow_log(raw: Response) -> FlowLog:
    failed = raw.get("DeliverLogsStatus") == "FAILED"
    return FlowLog(
        id=raw["FlowLogId"],
        destination_arn=raw["LogDestination"],
        fields=tuple(re.findall(r"[$]{([a-z0-9-]+)}", raw.get("LogFormat", ""))),
        file_format=raw.get("DestinationOptions", {}).get("FileFormat", "plain-text"),
        error=raw.get("DeliverLogsErrorMessage") or "delivery failed" if failed else "",
    )
