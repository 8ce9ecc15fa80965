# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to libcurl: HTTP requests on the event loop, over connections that all accounts share."""

from __future__ import annotations

import asyncio
import math
import selectors
from http import HTTPStatus
from urllib.parse import urlsplit

from ..model import network_errors
from ..model.network_errors import Fault
from . import network
from .network import RequestLostError

try:
    import pycurl
except ImportError:  # reported by `cloud.aws.Aws`
    INSTALLED = False
else:
    INSTALLED = True

AWS_CONNECT_TIMEOUT_SECONDS, AWS_REQUEST_TIMEOUT_SECONDS = 10, 30
MAX_RESPONSE_BYTES = 8 << 20
"""No response of AWS is longer."""
E_PROXY = 97  # CURLE_PROXY, which pycurl does not name
# Phrases of TLS libraries for a peer that does not use TLS.
_NOT_TLS_MESSAGES = (
    "wrong version number",
    "http request",
    "record layer failure",
    "packet length too long",
    "unexpected tls",
)

_Failure = tuple[int, str]
"""The error code and message of libcurl."""


class Http:
    """An HTTP client for the running event loop; `bundle` is a CA bundle, None disables the validation."""

    def __init__(self, bundle: str | None) -> None:
        self._bundle = bundle
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._due = math.inf
        # The event loop watches this selector only: to watch each socket takes it twice as long.
        self._sockets = selectors.DefaultSelector()
        self._loop.add_reader(self._sockets.fileno(), self._on_ready)
        self._watched = set[int]()
        self._idle: list[pycurl.Curl] = []
        self._busy: set[pycurl.Curl] = set()
        self._waiting: dict[pycurl.Curl, asyncio.Future[_Failure | None]] = {}
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)

    async def post(self, url: str, headers: list[str], body: bytes, proxy: str | None = None) -> tuple[int, bytes]:
        """Return status and body of the response; raises RequestLostError."""
        response = _ResponseBody()
        curl = self._idle.pop() if self._idle else self._new()
        curl.setopt(pycurl.URL, url)
        self._set_proxy(curl, proxy)
        # Without this, old releases of libcurl wait a second before they send a body of more than 1,024 bytes.
        curl.setopt(pycurl.HTTPHEADER, [*headers, "Expect:"])
        curl.setopt(pycurl.POSTFIELDS, body)
        curl.setopt(pycurl.WRITEFUNCTION, response.write)
        finished = self._waiting[curl] = self._loop.create_future()
        self._busy.add(curl)
        self._multi.add_handle(curl)
        try:
            if failure := await finished:
                raise _lost(failure, curl.getinfo(pycurl.HTTP_CONNECTCODE), url, proxy)
            return curl.getinfo(pycurl.RESPONSE_CODE), b"".join(response.parts)
        finally:
            self._waiting.pop(curl, None)
            # `close` has removed it already.
            if curl in self._busy:
                self._busy.remove(curl)
                self._multi.remove_handle(curl)
                self._idle.append(curl)

    def close(self) -> None:
        """Close every connection and cancel the requests that wait for a response."""
        for finished in self._waiting.values():
            finished.cancel()
        # Handles have to be removed before the multi handle is closed.
        while self._busy:
            self._multi.remove_handle(self._busy.pop())
        if self._timer:
            self._timer.cancel()
        for curl in self._idle:
            curl.close()
        self._multi.close()
        self._loop.remove_reader(self._sockets.fileno())
        self._sockets.close()

    def _new(self) -> pycurl.Curl:
        curl = pycurl.Curl()
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.CONNECTTIMEOUT, AWS_CONNECT_TIMEOUT_SECONDS)
        curl.setopt(pycurl.TIMEOUT, AWS_REQUEST_TIMEOUT_SECONDS)
        if self._bundle is None:
            curl.setopt(pycurl.SSL_VERIFYPEER, 0)
            curl.setopt(pycurl.SSL_VERIFYHOST, 0)
        else:
            curl.setopt(pycurl.CAINFO, self._bundle)
        return curl

    def _set_proxy(self, curl: pycurl.Curl, proxy: str | None) -> None:
        curl.setopt(pycurl.PROXY, proxy or "")
        if proxy and proxy.startswith("https:") and self._bundle:
            curl.setopt(pycurl.PROXY_CAINFO, self._bundle)

    def _watch(self, event: int, socket: int, _multi: object, _data: object) -> None:
        """Watch a socket, or no longer, as libcurl requests (CURLMOPT_SOCKETFUNCTION).

        libcurl's bits for reading and writing are those of Python's selectors.
        """
        is_watched = socket in self._watched
        if event not in (pycurl.POLL_NONE, pycurl.POLL_REMOVE):
            (self._sockets.modify if is_watched else self._sockets.register)(socket, event)
            self._watched.add(socket)
        elif is_watched:
            self._sockets.unregister(socket)
            self._watched.remove(socket)

    def _on_ready(self) -> None:
        """Let libcurl process what has arrived, then finish the requests that are complete."""
        for key, event in self._sockets.select(0):
            self._multi.socket_action(key.fd, event)
        self._finish_all()

    def _set_timer(self, milliseconds: int) -> None:
        """Schedule the next timeout of libcurl, -1 for none (CURLMOPT_TIMERFUNCTION).

        Most calls move it to a later time; the event loop's timer then stays and is rescheduled when it expires.
        """
        self._due = self._loop.time() + milliseconds / 1000 if milliseconds >= 0 else math.inf
        if self._timer is None or self._timer.when() > self._due:
            self._schedule_timer()

    def _schedule_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._due, self._on_timer) if self._due < math.inf else None

    def _on_timer(self) -> None:
        self._timer = None
        if self._loop.time() < self._due:
            self._schedule_timer()
        else:
            self._due = math.inf
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
            self._finish_all()

    def _finish_all(self) -> None:
        """Finish the requests that are complete."""
        queued = 1
        while queued:
            queued, succeeded, failed = self._multi.info_read()
            for curl in succeeded:
                self._finish(curl)
            for curl, code, message in failed:
                self._finish(curl, (code, message))

    def _finish(self, curl: pycurl.Curl, failure: _Failure | None = None) -> None:
        finished = self._waiting.pop(curl, None)
        if finished and not finished.done():
            finished.set_result(failure)


def _lost(failure: _Failure, connect_status: int, url: str, proxy: str | None) -> RequestLostError:
    """Return the error for a failure; `connect_status` is the response of the proxy."""
    code, message = failure
    host = urlsplit(url).hostname or url
    if proxy and connect_status >= HTTPStatus.MULTIPLE_CHOICES:
        fault: Fault | None = network_errors.proxy_refusal(network.proxy_name(proxy), host, connect_status)
    else:
        fault = _fault_of_host(code, message, host) or (_fault_of_proxy(code, message, proxy) if proxy else None)
    unconnected = host if code == pycurl.E_COULDNT_CONNECT else ""
    return RequestLostError(message, fault, retryable=code != pycurl.E_WRITE_ERROR, unconnected=unconnected)


def _fault_of_host(code: int, message: str, host: str) -> Fault | None:
    # libcurl before 7.62 has a separate code for a certificate of an unknown authority.
    if code in (pycurl.E_SSL_CACERT_BADFILE, pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CACERT):
        return network_errors.untrusted(host, message)
    if code == pycurl.E_COULDNT_RESOLVE_HOST:
        return network_errors.unresolved(host)
    if code == pycurl.E_SSL_CONNECT_ERROR and any(word in message.lower() for word in _NOT_TLS_MESSAGES):
        return network_errors.no_tls(host)
    return None


def _is_address(proxy: str) -> bool:
    """Return whether the proxy has a valid URL; libcurl before 7.62 accepts any string."""
    try:
        return urlsplit(proxy).port != 0
    except ValueError:
        return False


def _fault_of_proxy(code: int, message: str, proxy: str) -> Fault | None:
    name = network.proxy_name(proxy)
    if not _is_address(proxy) or "unsupported proxy" in message.lower():
        return network_errors.proxy_unusable(name)
    if code == pycurl.E_COULDNT_RESOLVE_PROXY:
        return network_errors.proxy_unreachable(name, "its name cannot be resolved")
    unreachable = code in (pycurl.E_COULDNT_CONNECT, E_PROXY)
    return network_errors.proxy_unreachable(name, "no response at this address") if unreachable else None


class _ResponseBody:
    """Collects a response body of at most MAX_RESPONSE_BYTES."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._size = 0

    def write(self, part: bytes) -> int:
        self._size += len(part)
        if self._size > MAX_RESPONSE_BYTES:
            return 0
        self.parts.append(part)
        return len(part)
