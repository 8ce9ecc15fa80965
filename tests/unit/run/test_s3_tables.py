# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""S3 sources of other tables than AWSCloudTrail: from nothing to rows, removal, several of one account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import InputError
from tests.emulators import log_files
from tests.emulators.client import Emulators
from tests.faults import engine

from .test_s3_source import ARCHIVE, CREATED, LOGS, REMOVAL, REMOVED, calls, codes, live, run, writes

MEMBERS = ("111111111101", "111111111102")
PREFIXES = {"AWSVPCFlow": "AWSLogs/", "AWSGuardDuty": "AWSLogs/", "AWSCloudWatch": "exported/"}
FOLDERS = {"AWSVPCFlow": "", "AWSGuardDuty": "", "AWSCloudWatch": "exported/"}

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def quick(here: Emulators) -> Iterator[None]:
    LOGS.make_bucket(here)
    with engine.short_pauses():
        yield


def source_of(table: str, **more: Any) -> Json:
    return {"type": "s3", "bucket": LOGS.bucket, "prefix": PREFIXES[table], "table": table, **REMOVAL, **more}


@pytest.mark.parametrize("table", PREFIXES)
def test_the_life_of_a_source(here: Emulators, table: str) -> None:
    assert live(here, source_of(table)) == (CREATED, REMOVED)


@pytest.mark.parametrize("table", PREFIXES)
def test_files_become_rows_of_the_table(here: Emulators, table: str) -> None:
    here.forget()
    assert calls(run(source_of(table))) == CREATED
    assert {"DescribeTrails", "DescribeOrganization"}.isdisjoint(here.operations())
    [connector] = here.connectors()
    assert connector["kind"] == "AmazonWebServicesS3"
    properties = connector["properties"]
    assert properties.keys() == {"destinationTable", "roleArn", "sqsUrls", "dataTypes"}
    assert (properties["destinationTable"], properties["dataTypes"]) == (table, {"logs": {"state": "Enabled"}})
    for account in MEMBERS:
        log_files.deliver(here, table, LOGS.bucket, ARCHIVE, account, prefix=FOLDERS[table])
    assert [(one["code"], one["kept"]) for one in here.read_queues()] == [("", 0)]
    assert len(here.rows(table)) == len(MEMBERS)
    assert all(any(account in str(row) for row in here.rows(table)) for account in MEMBERS)
    again = run(source_of(table))
    assert (calls(again), codes(again)) == ([], set())


def test_the_prefix_of_flow_logs_with_hive_compatible_folders(here: Emulators) -> None:
    source = source_of("AWSVPCFlow", prefix=f"AWSLogs/aws-account-id={MEMBERS[0]}/aws-service=vpcflowlogs/")
    assert calls(run(source)) == CREATED
    again = run(source)
    assert (calls(again), codes(again)) == ([], set())
    here.read_queues()
    for account in MEMBERS:
        key = f"AWSLogs/aws-account-id={account}/aws-service=vpcflowlogs/aws-region=us-east-1/year=2026/a.log.gz"
        body = log_files.content("AWSVPCFlow", account)
        here.boto("s3", ARCHIVE).put_object(Bucket=LOGS.bucket, Key=key, Body=body)
    assert [(one["code"], one["kept"]) for one in here.read_queues()] == [("", 0)]
    assert [row["AccountId"] for row in here.rows("AWSVPCFlow")] == [MEMBERS[0]]


@pytest.mark.parametrize("table", ["AWSVPCFlow", "AWSGuardDuty"])
def test_account_ids_restrict_a_table_to_the_folders_of_accounts(here: Emulators, table: str) -> None:
    calls(run(source_of(table, account_ids=MEMBERS[:1])))
    here.read_queues()
    for account in MEMBERS:
        log_files.deliver(here, table, LOGS.bucket, ARCHIVE, account)
    here.read_queues()
    assert [row["AccountId"] for row in here.rows(table)] == [MEMBERS[0]]


def test_tables_of_several_buckets_have_one_role_and_a_queue_and_a_connector_each(here: Emulators) -> None:
    for name in ("flows", "findings"):
        replace(LOGS, bucket=name).make_bucket(here)
    sources = [
        source_of("AWSVPCFlow", bucket="flows"),
        source_of("AWSGuardDuty", bucket="findings"),
        source_of("AWSCloudWatch"),
    ]
    calls(run(*sources))
    properties = [one["properties"] for one in here.connectors()]
    assert {one["destinationTable"] for one in properties} == set(PREFIXES)
    assert len({one["roleArn"] for one in properties}) == 1
    assert len({one["sqsUrls"][0] for one in properties}) == len(sources)
    assert calls(run(*sources)) == []


def test_the_key_of_guardduty_is_allowed_to_the_role(here: Emulators) -> None:
    key = here.boto("kms", ARCHIVE).create_key()["KeyMetadata"]["Arn"]
    assert calls(run(source_of("AWSGuardDuty", kms_key_arns=[key]))) == CREATED
    iam = here.boto("iam", ARCHIVE)
    [name] = iam.list_role_policies(RoleName=LOGS.role_name)["PolicyNames"]
    document = iam.get_role_policy(RoleName=LOGS.role_name, PolicyName=name)["PolicyDocument"]
    assert {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": [key]} in document["Statement"]


@pytest.mark.parametrize("table", PREFIXES)
def test_a_table_without_prefix_is_one_error_before_the_first_request(here: Emulators, table: str) -> None:
    source = source_of(table)
    del source["prefix"]
    here.forget()
    with pytest.raises(InputError, match="prefix") as raised:
        run(source)
    assert len(raised.value.mistakes) == 1
    assert table in str(raised.value)
    assert writes(here) == []


def test_a_table_joins_a_topic_too(here: Emulators) -> None:
    topic = LOGS.make_topic(here)
    LOGS.notify_topic(here, topic, Filter={"Key": {"FilterRules": [{"Name": "prefix", "Value": "AWSLogs/"}]}})
    assert "Subscribe" in calls(run(source_of("AWSVPCFlow", topic_arn=topic)))
    log_files.deliver(here, "AWSVPCFlow", LOGS.bucket, ARCHIVE, MEMBERS[0])
    here.read_queues()
    assert [row["AccountId"] for row in here.rows("AWSVPCFlow")] == [MEMBERS[0]]
