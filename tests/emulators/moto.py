# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls straight at moto inside any account: not counted, never refused. For what one service asks of another."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import Any

Json = dict[str, Any]
REGIONS = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}
"""Where global services are asked, by partition."""


class Moto:
    """Clients of botocore, one for each service and Region; the account goes along in a header."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.account: ContextVar[str] = ContextVar("account")
        self.clients: dict[tuple[str, str], Any] = {}
        self.lock = threading.Lock()

    async def call(
        self, account: str, service: str, operation: str, region: str = "us-east-1", **parameters: Any
    ) -> Json:
        """The answer to one call; botocore's ClientError where moto refuses."""
        return await asyncio.to_thread(self._call, account, service, operation, region, parameters)

    async def find(
        self, account: str, service: str, operation: str, region: str = "us-east-1", **parameters: Any
    ) -> Json | None:
        """The answer, or None where moto refuses: there is no such thing."""
        from botocore.exceptions import ClientError

        try:
            return await self.call(account, service, operation, region, **parameters)
        except ClientError:
            return None

    def _call(self, account: str, service: str, operation: str, region: str, parameters: Json) -> Json:
        self.account.set(account)
        answer: Json = getattr(self._client(service, region), operation)(**parameters)
        return answer

    def _client(self, service: str, region: str) -> Any:
        with self.lock:
            if (service, region) not in self.clients:
                self.clients[service, region] = self._new(service, region)
            return self.clients[service, region]

    def _new(self, service: str, region: str) -> Any:
        import botocore.session
        from botocore.config import Config

        client = botocore.session.get_session().create_client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id="direct",
            aws_secret_access_key="direct",
            config=Config(proxies={}, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
        client.meta.events.register("before-send", self._sign)
        return client

    def _sign(self, request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = self.account.get()
