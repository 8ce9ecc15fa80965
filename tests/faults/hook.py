# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Something that happens right before, or right after, a request: to be killed, or to meet a colleague."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Literal
from unittest import mock
from urllib.parse import urlsplit

from azure.core.pipeline.transport import RequestsTransport
from botocore.exceptions import ClientError

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.service import Keys, Service
from tests.emulators.operations import find

Moment = Literal["before", "after"]
See = Callable[[Moment, str], None]


@contextlib.contextmanager
def watched(see: See) -> Iterator[None]:
    """Call `see` with the name of each operation before the request is sent, and when it was answered."""
    attempt, send = Service.attempt, RequestsTransport.send

    async def attempted(service: Service, keys: Keys, operation: str, params: Any) -> Any:
        await asyncio.to_thread(see, "before", operation)
        try:
            answer = await attempt(service, keys, operation, params)
        except ClientError:
            await asyncio.to_thread(see, "after", operation)
            raise
        await asyncio.to_thread(see, "after", operation)
        return answer

    def sent(transport: RequestsTransport, request: Any, **more: Any) -> Any:
        name = find(request.method, urlsplit(request.url).path)[0].operation
        see("before", name)
        answer = send(transport, request, **more)
        see("after", name)
        return answer

    with mock.patch.object(Service, "attempt", attempted), mock.patch.object(RequestsTransport, "send", sent):
        yield


class Once:
    """Do something at the first request of an operation, and never again."""

    def __init__(self, moment: Moment, operation: str, act: Callable[[], object]) -> None:
        self._at = (moment, operation)
        self._act = act
        self.done = False

    def __call__(self, moment: Moment, operation: str) -> None:
        """Look at a request."""
        if not self.done and (moment, operation) == self._at:
            self.done = True
            self._act()
