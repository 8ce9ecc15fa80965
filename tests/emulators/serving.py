# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Request handling of both servers: apply faults, respond, log."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aiohttp import web

from .faults import Call, Fault
from .state import State

Act = Callable[[], Awaitable[web.Response]]
Control = Callable[[str, dict[str, Any]], Awaitable[Any]]

CONTROL = "/_emulator/"


class Emulator(Protocol):
    """A service: identifies requests, and returns responses and errors."""

    def identify(self, request: web.BaseRequest, body: bytes) -> Call:
        """Return operation, account and caller of a request."""

    async def act(self, request: web.BaseRequest, body: bytes, call: Call) -> web.Response:
        """Return the response."""

    def refuse(self, call: Call, fault: Fault) -> web.Response:
        """Return the error of a fault in the format of the service."""


def handler(state: State, emulator: Emulator, control: Control) -> Callable[[web.BaseRequest], Awaitable[web.Response]]:
    """Return the request handler of one server."""

    async def handle(request: web.BaseRequest) -> web.Response:
        state.touched = time.monotonic()
        # A request from before the log was cleared is not added to the new log, however late its response is.
        log = state.log
        await _continue(request)
        body = await request.read()
        if request.path.startswith(CONTROL):
            return await _control(control, request.path.removeprefix(CONTROL), body)
        call = emulator.identify(request, body)
        response = await _apply_fault(state.faults.strike(call), emulator, request, body, call)
        log.append(call.record(response.status if response is not None else 0))
        return response if response is not None else _reset_connection(request)

    return handle


async def _continue(request: web.BaseRequest) -> None:
    """Clients of S3 wait a second for this before they send an object."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _control(control: Control, command: str, body: bytes) -> web.Response:
    try:
        return web.json_response(await control(command, json.loads(body or b"{}")))
    except (ValueError, TypeError, KeyError) as error:
        return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)


async def _apply_fault(
    fault: Fault | None, emulator: Emulator, request: web.BaseRequest, body: bytes, call: Call
) -> web.Response | None:
    """Return the response, None if the connection is to be reset."""
    if fault is None:
        return await emulator.act(request, body, call)
    await asyncio.sleep(fault.delay)
    if fault.reset == "before":
        return None
    response = emulator.refuse(call, fault) if fault.status else await emulator.act(request, body, call)
    return None if fault.reset == "after" else response


def _reset_connection(request: web.BaseRequest) -> web.Response:
    """Reset the connection, as a crash or a middlebox does (linger 0 sends RST instead of FIN)."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response()
