# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions in the account of an S3 connection for its adapters: one that reads, one for each call of a plan."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any, TypeVar

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.service import ServiceClient
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AssumeRole,
    AwsCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import S3SourceSpec
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.session_policy import session_policy
from tests.emulators.s3_connection import S3Connection

T = TypeVar("T")
Statements = list[dict[str, Any]]
ADMIN = AssumeRole(("OrganizationAccountAccessRole",))
ONE = S3Connection(suffix=".gz", queue_name="sentinel")


def spec(**changes: Any) -> S3SourceSpec:
    values = {
        "account_id": ONE.account,
        "region": ONE.region,
        "bucket": ONE.bucket,
        "prefix": ONE.prefix,
        "workspace_id": ONE.workspace_id,
        "queue_name": ONE.queue_name,
    }
    return S3SourceSpec(**{**values, **changes})


class Sessions:
    """Clients of one service in the account, each limited to the statements that an adapter names."""

    def __init__(self, aws: Aws, service: str, account: str = ONE.account) -> None:
        self._aws = aws
        self._service = service
        self._account = account

    async def limited(self, statements: Statements) -> ServiceClient:
        """Return a client that may do this only."""
        keys = await self._aws.assume_role_in(self._account, ADMIN, lambda _partition: session_policy(statements))
        return self._aws.service(self._service, ONE.region).client(keys)

    def for_calls(self, statements: Callable[[list[Call]], Statements]) -> Callable[[Call], Awaitable[ServiceClient]]:
        """Return what opens a session for one call."""
        return lambda call: self.limited(statements([call]))


def with_sessions(service: str, work: Callable[[Sessions], Awaitable[T]], account: str = ONE.account) -> T:
    """Return the result of work with sessions in the account, on an event loop of its own."""

    async def opened() -> T:
        with closing(Aws(AwsCredentials())) as aws:
            return await work(Sessions(aws, service, account))

    return asyncio.run(opened())
