# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to libcurl: HTTP requests over connections that all accounts share, without a thread."""

from __future__ import annotations

import asyncio
import math
from urllib.parse import urlsplit

from ..model import network_errors
from ..model.network_errors import Fault
from . import network

try:
    import pycurl
except ImportError:  # `cloud.aws.Aws` says so in one sentence
    INSTALLED = False
else:
    INSTALLED = True

CONNECT_SECONDS, REQUEST_SECONDS = 10, 30
LARGEST = 8 << 20
"""An answer of more bytes than this is none of AWS."""
E_PROXY = 97  # CURLE_PROXY, which pycurl does not name
# What TLS libraries write of an answer that is none of TLS.
_NO_TLS = ("wrong version number", "http request", "record layer failure", "packet length too long", "unexpected tls")


class LostError(Exception):
    """The request or its answer was lost; the service may have acted.

    `fault` is what is wrong with the connection, where that is known; `again` whether another try can help.
    """

    def __init__(self, code: int, message: str, fault: Fault | None = None) -> None:
        super().__init__(fault.cause if fault else message)
        self.code = code
        self.message = message
        self.fault = fault

    @property
    def again(self) -> bool:
        """Whether another try can help."""
        return not (self.fault and self.fault.permanent) and self.code != pycurl.E_WRITE_ERROR


class Http:
    """A client for the running event loop: `bundle` is a file of certificates, None to trust any."""

    def __init__(self, bundle: str | None) -> None:
        self._bundle = bundle
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._due = math.inf
        self._watched: dict[int, int] = {}
        self._idle: list[pycurl.Curl] = []
        self._busy: set[pycurl.Curl] = set()
        self._waiting: dict[pycurl.Curl, asyncio.Future[None]] = {}
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)

    async def post(self, url: str, headers: list[str], body: bytes, proxy: str | None = None) -> tuple[int, bytes]:
        """Return status and body of the answer; raises LostError."""
        answer = _Answer()
        curl = self._idle.pop() if self._idle else self._new()
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.PROXY, proxy or "")
        if proxy and proxy.startswith("https:") and self._bundle:
            curl.setopt(pycurl.PROXY_CAINFO, self._bundle)
        # Old releases of libcurl would wait a second before a body of more than 1,024 bytes.
        curl.setopt(pycurl.HTTPHEADER, [*headers, "Expect:"])
        curl.setopt(pycurl.POSTFIELDS, body)
        curl.setopt(pycurl.WRITEFUNCTION, answer.take)
        done = self._waiting[curl] = self._loop.create_future()
        self._busy.add(curl)
        self._multi.add_handle(curl)
        try:
            await done
            status = curl.getinfo(pycurl.RESPONSE_CODE)
        except LostError as error:
            fault = _fault(error, curl.getinfo(pycurl.HTTP_CONNECTCODE), url, proxy)
            raise LostError(error.code, error.message, fault) from None
        else:
            if status == 407 and proxy:
                raise LostError(0, "", network_errors.proxy_refusal(network.proxy_name(proxy), "", status))
            return status, b"".join(answer.parts)
        finally:
            self._waiting.pop(curl, None)
            # After the end of everything there is nobody to give it back to.
            if curl in self._busy:
                self._busy.remove(curl)
                self._multi.remove_handle(curl)
                self._idle.append(curl)

    def close(self) -> None:
        """Close every connection; who still waits for an answer is told that there will be none."""
        for done in self._waiting.values():
            done.cancel()
        # libcurl wants its handles back before it is closed.
        while self._busy:
            self._multi.remove_handle(self._busy.pop())
        if self._timer:
            self._timer.cancel()
        for socket in list(self._watched):
            self._watch(pycurl.POLL_REMOVE, socket, None, None)
        for curl in self._idle:
            curl.close()
        self._multi.close()

    def _new(self) -> pycurl.Curl:
        curl = pycurl.Curl()
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.CONNECTTIMEOUT, CONNECT_SECONDS)
        curl.setopt(pycurl.TIMEOUT, REQUEST_SECONDS)
        if self._bundle is None:
            curl.setopt(pycurl.SSL_VERIFYPEER, 0)
            curl.setopt(pycurl.SSL_VERIFYHOST, 0)
        else:
            curl.setopt(pycurl.CAINFO, self._bundle)
        return curl

    def _watch(self, event: int, socket: int, _multi: object, _data: object) -> None:
        """Have the event loop watch a socket as libcurl asks."""
        before = self._watched.pop(socket, 0)
        after = 0 if event == pycurl.POLL_REMOVE else event
        if after:
            self._watched[socket] = after
        if after & pycurl.POLL_IN and not before & pycurl.POLL_IN:
            self._loop.add_reader(socket, self._act, socket, pycurl.CSELECT_IN)
        if before & pycurl.POLL_IN and not after & pycurl.POLL_IN:
            self._loop.remove_reader(socket)
        if after & pycurl.POLL_OUT and not before & pycurl.POLL_OUT:
            self._loop.add_writer(socket, self._act, socket, pycurl.CSELECT_OUT)
        if before & pycurl.POLL_OUT and not after & pycurl.POLL_OUT:
            self._loop.remove_writer(socket)

    def _set_timer(self, milliseconds: int) -> None:
        """Have libcurl called after that time; -1: no more. It asks for each request, mostly for later than it did."""
        self._due = self._loop.time() + milliseconds / 1000 if milliseconds >= 0 else math.inf
        if self._timer is None or self._timer.when() > self._due:
            self._arm()

    def _arm(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._due, self._ring) if self._due < math.inf else None

    def _ring(self) -> None:
        self._timer = None
        if self._loop.time() < self._due:
            self._arm()
        else:
            self._due = math.inf
            self._act(pycurl.SOCKET_TIMEOUT, 0)

    def _act(self, socket: int, event: int) -> None:
        """Let libcurl work, then wake up whose request is done."""
        self._multi.socket_action(socket, event)
        queued = 1
        while queued:
            queued, good, bad = self._multi.info_read()
            for curl in good:
                self._wake(curl, None)
            for curl, code, message in bad:
                self._wake(curl, LostError(code, message))

    def _wake(self, curl: pycurl.Curl, error: LostError | None) -> None:
        done = self._waiting.pop(curl, None)
        if done is None or done.done():
            return
        if error:
            done.set_exception(error)
        else:
            done.set_result(None)


def _fault(error: LostError, connect_status: int, url: str, proxy: str | None) -> Fault | None:
    """Return what is wrong with the connection, from what libcurl reports of it."""
    host = urlsplit(url).hostname or url
    if proxy and connect_status >= 300:
        return network_errors.proxy_refusal(network.proxy_name(proxy), host, connect_status)
    # libcurl before 7.62 has a code of its own for a certificate of an unknown authority.
    if error.code in (pycurl.E_SSL_CACERT_BADFILE, pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CACERT):
        return network_errors.untrusted(host, error.message)
    if error.code == pycurl.E_COULDNT_RESOLVE_HOST:
        return network_errors.unresolved(host)
    if error.code == pycurl.E_SSL_CONNECT_ERROR and any(word in error.message.lower() for word in _NO_TLS):
        return network_errors.no_tls(host)
    if proxy and not _is_address(proxy):
        return network_errors.proxy_unusable(network.proxy_name(proxy))
    return _fault_of_proxy(error, network.proxy_name(proxy)) if proxy else None


def _is_address(proxy: str) -> bool:
    """Whether the address of a proxy can be read; libcurl before 7.62 takes any text for one."""
    try:
        return urlsplit(proxy).port != 0
    except ValueError:
        return False


def _fault_of_proxy(error: LostError, proxy: str) -> Fault | None:
    if "unsupported proxy" in error.message.lower():
        return network_errors.proxy_unusable(proxy)
    if error.code == pycurl.E_COULDNT_RESOLVE_PROXY:
        return network_errors.proxy_unreachable(proxy, "its name cannot be resolved")
    unreachable = error.code in (pycurl.E_COULDNT_CONNECT, E_PROXY)
    return network_errors.proxy_unreachable(proxy, "nobody answers at this address") if unreachable else None


class _Answer:
    """Collects a body up to the largest that is let in."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._size = 0

    def take(self, part: bytes) -> int:
        self._size += len(part)
        if self._size > LARGEST:
            return 0
        self.parts.append(part)
        return len(part)
