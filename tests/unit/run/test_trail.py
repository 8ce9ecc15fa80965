# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The prefix of a trail's objects in a bucket of the emulator."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AwsCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3 import permissions
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.trail import TrailSource
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.session_policy import session_policy
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.sources import SourceSpec
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.trail import find_trail_source
from tests.emulators.client import Emulators
from tests.faults.engine import short_pauses
from tests.unit.cloud.s3_clients import ADMIN, ONE

ID = "o-abcdefghij"


@pytest.fixture(autouse=True)
def quick(here: Emulators) -> Iterator[None]:
    ONE.make_bucket(here)
    with short_pauses():
        yield


def find(*account_ids: str) -> TrailSource:
    source = SourceSpec("s3", (("bucket", ONE.bucket), ("account_ids", account_ids)))

    async def work() -> TrailSource:
        with closing(Aws(AwsCredentials())) as aws:
            policy = session_policy(permissions.bucket_read("arn:aws:s3:::*"))
            keys = await aws.assume_role_in(ONE.account, ADMIN, lambda _partition: policy)
            clients = {name: aws.service(name).client(keys) for name in ("cloudtrail", "s3", "organizations")}
            return await find_trail_source(source, ONE.account, **clients)

    return asyncio.run(work())


def make_trail(here: Emulators, **options: Any) -> None:
    here.boto("cloudtrail", ONE.account).create_trail(
        **{"Name": "all", "S3BucketName": ONE.bucket, "IsMultiRegionTrail": True, **options}
    )


def put(here: Emulators, *keys: str) -> None:
    for key in keys:
        here.boto("s3", ONE.account).put_object(Bucket=ONE.bucket, Key=key, Body=b"")


def test_an_account_trail_has_the_folder_of_its_account(here: Emulators) -> None:
    make_trail(here)
    assert find() == TrailSource(f"AWSLogs/{ONE.account}/CloudTrail/")
    here.forget()
    assert find(ONE.account) == TrailSource("AWSLogs/")
    assert here.operations("aws") == ["GetCallerIdentity", "AssumeRole", "DescribeTrails"]


def test_the_organization_is_found_in_the_bucket(here: Emulators) -> None:
    make_trail(here, S3KeyPrefix=ID, IsOrganizationTrail=True)
    put(here, f"{ID}/AWSLogs/{ID}/{ONE.account}/CloudTrail/x")
    assert find() == TrailSource(f"{ID}/AWSLogs/{ID}/")
    assert "DescribeOrganization" not in here.operations("aws")


@pytest.mark.parametrize("keys", [(), ("AWSLogs/o-aaaaaaaaaa/x", "AWSLogs/o-bbbbbbbbbb/x")])
def test_an_organization_that_the_bucket_does_not_tell_is_asked_for(here: Emulators, keys: tuple[str, ...]) -> None:
    make_trail(here, IsOrganizationTrail=True)
    put(here, *keys)
    here.organization([{"Id": ONE.account}], id=ID)
    assert find() == TrailSource(f"AWSLogs/{ID}/")


def test_an_organization_that_may_not_be_read_needs_a_prefix(here: Emulators) -> None:
    make_trail(here, IsOrganizationTrail=True)
    for operation, service in (("ListObjectsV2", "s3"), ("DescribeOrganization", "organizations")):
        here.fault(operation=operation, service=service, status=403, code="AccessDenied", message="Access Denied")
    with pytest.raises(SentinelError, match="is an organization trail") as caught:
        find()
    assert caught.value.kind == "bad_input"


def test_a_bucket_without_a_trail_needs_a_prefix() -> None:
    with pytest.raises(SentinelError, match="no trail") as caught:
        find()
    assert caught.value.kind == "bad_input"
