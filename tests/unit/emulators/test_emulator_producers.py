# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated producers of objects, seen by real clients of AWS."""

from __future__ import annotations

from tests.emulators.client import Emulators
from tests.emulators.faults import SCP_DENIED

from .clients import client, refused

ACCOUNT, REGION = "222222222222", "us-east-1"
DESTINATION = {
    "destinationId": "d1",
    "destinationType": "S3",
    "status": "PUBLISHING",
    "destinationProperties": {"destinationArn": "arn:aws:s3:::logs", "kmsKeyArn": "arn:aws:kms:::key/1"},
}


def test_a_flow_log_has_what_was_put_there(e: Emulators) -> None:
    fields = {"FlowLogId": "fl-1", "LogFormat": "${start} <&>", "DestinationOptions": {"FileFormat": "parquet"}}
    e.control("flow_log", account=ACCOUNT, region=REGION, **fields)
    assert client(e, "ec2", ACCOUNT).describe_flow_logs()["FlowLogs"] == [fields]
    assert client(e, "ec2", ACCOUNT, "eu-west-1").describe_flow_logs()["FlowLogs"] == []
    e.fault(operation="DescribeFlowLogs", **SCP_DENIED)
    assert refused(client(e, "ec2", ACCOUNT).describe_flow_logs)[:2] == (403, "AccessDenied")


def test_a_detector_has_destinations(e: Emulators) -> None:
    guardduty = client(e, "guardduty", ACCOUNT)
    assert guardduty.list_detectors()["DetectorIds"] == []
    e.control("publishing_destination", account=ACCOUNT, region=REGION, **DESTINATION)
    [detector] = guardduty.list_detectors()["DetectorIds"]
    [listed] = guardduty.list_publishing_destinations(DetectorId=detector)["Destinations"]
    found = guardduty.describe_publishing_destination(DetectorId=detector, DestinationId=listed["DestinationId"])
    assert (listed["Status"], found["DestinationProperties"]["DestinationArn"]) == ("PUBLISHING", "arn:aws:s3:::logs")
    assert e.operations("guardduty")[-1] == "DescribePublishingDestination"


def test_the_status_of_a_trail_has_what_was_put_there(e: Emulators) -> None:
    own = e.boto("cloudtrail", ACCOUNT)
    e.boto("s3", ACCOUNT).create_bucket(Bucket="logs")
    arn = own.create_trail(Name="own", S3BucketName="logs")["TrailARN"]
    e.control("trail_status", arn=arn, LatestDeliveryError="AccessDenied")
    found = client(e, "cloudtrail", ACCOUNT).get_trail_status(Name=arn)
    assert (found["IsLogging"], found["LatestDeliveryError"]) == (False, "AccessDenied")


def test_cloudwatch_is_named_as_in_policies(e: Emulators) -> None:
    client(e, "cloudwatch", ACCOUNT).list_metrics()
    assert e.operations("cloudwatch") == ["ListMetrics"]
