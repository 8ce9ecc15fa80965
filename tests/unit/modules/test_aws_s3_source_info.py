# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module `aws_s3_source_info` against the emulators; its findings are in run/test_s3_inspection.py."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core import modules, options
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from tests.emulators import trail
from tests.emulators.client import CUSTOMER_ID, Emulators
from tests.emulators.faults import TRUST_DENIED
from tests.emulators.s3_connection import S3Connection

from .conftest import ACCOUNT, Module, Result, validated, written

BUCKET = "logs-111111111111"
SOURCE = S3Connection(account=ACCOUNT, bucket=BUCKET, prefix=f"AWSLogs/{ACCOUNT}/CloudTrail/", suffix=".gz")
WORKSPACE = {"resource_group": "security", "workspace": "sentinel"}
SPEC = options.AWS_SPEC | options.AZURE_SPEC | options.WORKSPACE_SPEC | options.S3_SOURCE_INFO_SPEC


def inspect(**given: Any) -> Result:
    base = {"account_id": ACCOUNT, "assume_role": ["OrganizationAccountAccessRole"], "bucket": BUCKET}
    return modules.aws_s3_source_info(validated(SPEC, {**base, **given}))


@pytest.fixture(autouse=True)
def own_trail(here: Emulators) -> None:
    """The trail of the account, which has delivered into the bucket."""
    SOURCE.make_bucket(here)
    cloudtrail = SOURCE.boto(here, "cloudtrail")
    cloudtrail.create_trail(Name="own", S3BucketName=BUCKET, IsMultiRegionTrail=True)
    cloudtrail.start_logging(Name="own")
    trail.deliver(here, BUCKET, ACCOUNT, ACCOUNT)


def test_a_source_is_shown_from_the_trail_to_the_connector(
    here: Emulators, aws_s3_source: Module, aws_connector: Module
) -> None:
    made = aws_s3_source(bucket=BUCKET)
    aws_connector(kind="s3", role_arn=made["role"]["arn"], queue_url=made["queue"]["url"])
    here.forget()
    found = inspect(**WORKSPACE)
    assert (found["changed"], found["findings"], found["unknown"], found["broken_link"]) == (False, [], [], None)
    names = ("oidc_provider", "role", "dead_letter_queue", "queue", "notification")
    assert {name: found[name] for name in names} == {name: made[name] for name in names}
    assert found["prefix"] == SOURCE.prefix
    assert found["connector"]["role_arn"] == made["role"]["arn"]
    assert [one["is_logging"] for one in found["trails"]] == [True]
    assert found["objects"]["newest_key"].startswith(SOURCE.prefix)
    assert found["traffic"]["messages"] == 1  # s3:TestEvent
    assert written(here) == []


def test_the_connector_is_not_inspected_without_a_workspace(here: Emulators, aws_s3_source: Module) -> None:
    aws_s3_source(bucket=BUCKET)
    here.forget()
    found = inspect(workspace_id=CUSTOMER_ID)
    assert (found["connector"], found["findings"], here.operations("azure")) == ({}, [], [])


def test_nothing_was_created_yet(here: Emulators) -> None:
    found = inspect(**WORKSPACE)
    assert {one["code"].partition("_")[2] for one in found["findings"]} >= {"missing"}
    assert (found["broken_link"], found["queue"]) == ("notification", {})


def test_a_workspace_that_is_not_given_is_missed(here: Emulators) -> None:
    here.forget()
    with pytest.raises(SentinelError) as caught:
        inspect()
    assert (caught.value.kind, here.operations("sts")) == ("bad_input", [])


def test_an_account_that_cannot_be_entered_fails_the_module(here: Emulators) -> None:
    here.fault(account=ACCOUNT, **TRUST_DENIED)
    with pytest.raises(SentinelError) as caught:
        inspect(workspace_id=CUSTOMER_ID)
    assert caught.value.kind == "assume_denied"
