# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An expired session of a role concerns one account only, whatever an inspection reads with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud import (
    cloudtrail,
    cloudwatch,
    ec2,
    guardduty,
    iam,
    kms,
    s3,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.service import ServiceClient
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.trail import Trail
from tests.emulators import faults
from tests.emulators.client import Emulators

from .test_sdk import ONE, client, run

TRAIL = Trail(f"arn:aws:cloudtrail:us-east-1:{ONE.account}:trail/one", ONE.bucket, home_region="us-east-1")
KEY = f"arn:aws:kms:us-east-1:{ONE.account}:key/00000000-0000-4000-8000-000000000000"
READS: dict[str, tuple[str, Callable[[ServiceClient], Awaitable[Any]]]] = {
    "trail status": ("cloudtrail", lambda of: cloudtrail.trail_status(of, TRAIL)),
    "event selectors": ("cloudtrail", lambda of: cloudtrail.event_selectors(of, TRAIL)),
    "counts": ("cloudwatch", lambda of: cloudwatch.queue_counts(of, "queue")),
    "flow logs": ("ec2", lambda of: ec2.describe_flow_logs(of, ONE.account)),
    "destinations": ("guardduty", lambda of: guardduty.publishing_destinations(of, ONE.account)),
    "provider": ("iam", lambda of: iam.provider_exists(of, ONE.provider_arn)),
    "tokens": ("iam", lambda of: iam.token_version(of, ONE.account)),
    "key": ("kms", lambda of: kms.read_key(of, KEY, ONE.account)),
    "folder": ("s3", lambda of: s3.list_folder(of, ONE.bucket, ONE.account, "AWSLogs/")),
    "encryption": ("s3", lambda of: s3.default_key(of, ONE.bucket, ONE.account)),
}


@pytest.mark.parametrize("name", READS)
def test_an_expired_session_is_transient(here: Emulators, name: str) -> None:
    service, read = READS[name]
    here.fault(service=service, account=ONE.account, **faults.EXPIRED_TOKEN)

    async def work(aws: Aws) -> None:
        await read(await client(aws, service))

    with pytest.raises(SentinelError) as caught:
        run(work)
    assert caught.value.kind == "transient"
