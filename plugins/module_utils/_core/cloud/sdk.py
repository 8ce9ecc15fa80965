# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS services that botocore's own clients call, each request in a thread: all services but IAM and STS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import Lock, Thread
from typing import Any, TypeVar
from urllib.parse import urlsplit

from . import known_secrets, network
from .curl import MAX_RESPONSE_BYTES
from .network import RequestLostError
from .response import MalformedResponseError
from .service import Keys, Parameters, Response, ResponseObserver, Service

try:
    from botocore import exceptions, xform_name
    from botocore.exceptions import ClientError
except ImportError:  # reported by `cloud.aws.Aws`
    pass

T = TypeVar("T")

MAX_THREADS = 10


class SdkService(Service):
    """One service in one Region. `create` returns a botocore client with the given keys.

    A client belongs to its keys and is created by their first call. MAX_THREADS calls are made at a time.
    """

    def __init__(self, client: Any, create: Callable[[Keys], Any], observer: ResponseObserver) -> None:
        super().__init__(client, observer)
        self._create = create
        self._creating = Lock()
        self._threads = asyncio.Semaphore(MAX_THREADS)

    async def _send(self, keys: Keys, operation: str, params: Parameters) -> Response:
        async with self._threads:
            return await _in_thread(partial(self._call, keys, operation, params))

    def _call(self, keys: Keys, operation: str, params: Parameters) -> Response:
        try:
            response: Response = getattr(self._client(keys), xform_name(operation))(**params)
            return _with_body(response)
        except ClientError as error:
            return dict(error.response)
        except (exceptions.ConnectionError, exceptions.HTTPClientError, exceptions.IncompleteReadError) as error:
            fault = network.find_fault(error, urlsplit(self.url).hostname or self.url)
            sent = isinstance(error, exceptions.SSLError) or not isinstance(error, exceptions.ConnectionError)
            raise RequestLostError(known_secrets.scrub(str(error)), fault, sent=sent) from error

    def _client(self, keys: Keys) -> Any:
        with self._creating:
            if self not in keys.clients:
                keys.clients[self] = self._create(keys)
            return keys.clients[self]


def _with_body(response: Response) -> Response:
    """Return the response with its streaming body as bytes: it has to be read in the thread as well."""
    body: Any = response.get("Body")
    if not hasattr(body, "read"):
        return response
    content = body.read(MAX_RESPONSE_BYTES + 1)
    body.close()
    if len(content) > MAX_RESPONSE_BYTES:
        raise MalformedResponseError(f"the object is larger than {MAX_RESPONSE_BYTES} bytes")
    return {**response, "Body": content}


async def _in_thread(work: Callable[[], T]) -> T:
    """Return the result of `work` in a thread for which neither cancellation nor the end of the process waits.

    The threads of an executor would be waited for, as long as a request may take.
    """
    result: Future[T] = Future()

    def run() -> None:
        result.set_running_or_notify_cancel()
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 raised where the result is awaited
            result.set_exception(error)

    Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(result)
