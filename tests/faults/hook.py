# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Something that happens right before, or right after, a request: to be killed, or to meet a colleague."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any, Literal
from unittest import mock
from urllib.parse import parse_qs, urlsplit

from azure.core.pipeline.transport import RequestsTransport
from botocore.endpoint import Endpoint

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.curl import Http
from tests.emulators.operations import find

Moment = Literal["before", "after"]
See = Callable[[Moment, str], None]
SeeAnswer = Callable[[Moment, str, str], None]


@contextlib.contextmanager
def watched(see: See) -> Iterator[None]:
    """Call `see` with the name of each operation before the request is sent, and when it was answered."""
    with watched_answers(lambda moment, name, _body: see(moment, name)):
        yield


@contextlib.contextmanager
def watched_answers(see: SeeAnswer) -> Iterator[None]:
    """Like `watched`, with the body of the response, which is empty before the request is sent."""
    with (
        mock.patch.object(Http, "post", _signed(see)),
        mock.patch.object(Endpoint, "make_request", _by_botocore(see)),
        mock.patch.object(RequestsTransport, "send", _to_azure(see)),
    ):
        yield


def _signed(see: SeeAnswer) -> Any:
    post = Http.post

    async def posted(http: Http, url: str, headers: list[str], body: bytes, *more: Any) -> Any:
        # A service with a JSON protocol has the name of the operation in a header.
        target = next((line for line in headers if line.lower().startswith("x-amz-target:")), "")
        name = parse_qs(body.decode()).get("Action", [target.rpartition(".")[2]])[0]
        await asyncio.to_thread(see, "before", name, "")
        answer = await post(http, url, headers, body, *more)
        await asyncio.to_thread(see, "after", name, answer[1].decode())
        return answer

    return posted


def _by_botocore(see: SeeAnswer) -> Any:
    make_request = Endpoint.make_request

    def made(endpoint: Endpoint, operation: Any, request: Any) -> Any:
        # The tests' own clients go straight to moto.
        if not endpoint.host.startswith(os.environ["AWS_ENDPOINT_URL"]):
            return make_request(endpoint, operation, request)
        see("before", operation.name, "")
        response, parsed = make_request(endpoint, operation, request)
        see("after", operation.name, "" if operation.has_streaming_output else response.text)
        return response, parsed

    return made


def _to_azure(see: SeeAnswer) -> Any:
    send = RequestsTransport.send

    def sent(transport: RequestsTransport, request: Any, **more: Any) -> Any:
        name = find(request.method, urlsplit(request.url).path)[0].operation
        see("before", name, "")
        answer = send(transport, request, **more)
        see("after", name, answer.text())
        return answer

    return sent


class Once:
    """Do something at the first request of an operation, or the one of that number, and never again."""

    def __init__(self, moment: Moment, operation: str, act: Callable[[], object], number: int = 1) -> None:
        self._at = (moment, operation)
        self._act = act
        self._remaining = number
        self.done = False

    def __call__(self, moment: Moment, operation: str) -> None:
        """Look at a request."""
        if not self.done and (moment, operation) == self._at:
            self._remaining -= 1
            if not self._remaining:
                self.done = True
                self._act()
