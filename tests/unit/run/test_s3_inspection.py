# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inspection of an S3 source: every finding by a planted fault and by nothing else, none of a healthy chain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.inspection import Inspection
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.clients import Clients
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.s3_inspection import inspect_account
from tests.emulators import trail
from tests.emulators.client import Emulators
from tests.emulators.s3_connection import S3Connection
from tests.faults import engine

ARCHIVE, ORGANIZATION = "222222222222", "o-abc1234567"
LOGS = S3Connection(bucket="logs", prefix=f"AWSLogs/{ORGANIZATION}/", suffix=".gz")
ONE = {"type": "s3", "bucket": LOGS.bucket}
TRAIL = "organization"

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def quick(here: Emulators) -> Iterator[None]:
    with engine.short_pauses():
        yield


def make_trail(here: Emulators, at: S3Connection = LOGS, **more: Any) -> str:
    """An organization trail that logs and has delivered into the bucket; returns its ARN."""
    at.make_bucket(here)
    cloudtrail = here.boto("cloudtrail")
    place = {"S3BucketName": at.bucket, "IsOrganizationTrail": True, "IsMultiRegionTrail": True, **more}
    arn: str = cloudtrail.create_trail(Name=TRAIL, **place)["TrailARN"]
    cloudtrail.start_logging(Name=TRAIL)
    trail.deliver(here, at.bucket, at.account, at.account, organization=ORGANIZATION)
    return arn


def onboard(*sources: Json, **variables: Any) -> None:
    """Connect the sources."""
    accounts = engine.accounts_of({"archive": _host(sources, variables)})
    done = engine.run(accounts, fleet.RunOptions())
    assert (done.error, done.failed) == (None, {})


def inspect(*sources: Json, organization: bool = False, **variables: Any) -> list[Inspection]:
    """The inspection of each source."""
    accounts = engine.accounts_of({"archive": _host(sources, variables)})

    async def work() -> list[Inspection]:
        with Clients(accounts) as clients:
            return await inspect_account(accounts[0], clients, serves_organization=organization)

    return asyncio.run(work())


def _host(sources: tuple[Json, ...], variables: Json) -> Json:
    return {"aws_account_id": ARCHIVE, "sentinel_sources": list(sources), **variables}


def codes(found: Inspection) -> set[str]:
    return {one.code for one in found.findings}


def test_the_chain_of_an_organization_trail_is_healthy(here: Emulators) -> None:
    make_trail(here)
    onboard(ONE)
    [found] = inspect(ONE, organization=True)
    assert (codes(found), found.unknown, found.broken_link) == (set(), [], "")
