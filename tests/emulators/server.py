# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of both services: starts moto, serves, and ends by itself.

Prints one line of JSON when it is ready. Ends on SIGTERM, after `--idle` seconds without a request, when moto ends,
or (`--watch-stdin`) when stdin is closed, which also happens when the parent is killed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import trustme
from aiohttp import web

from .aws import Aws
from .azure import Azure
from .control import Control
from .environment import variables
from .moto import Moto
from .serving import Emulator, handler
from .state import State


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle", type=float, default=0.0, help="end after this many seconds without a request")
    parser.add_argument("--watch-stdin", action="store_true", help="end when stdin is closed")
    parser.add_argument(
        "--managed-policies", choices=["all", "few"], default="all", help="managed policies of every account"
    )
    asyncio.run(serve(parser.parse_args()))


async def serve(options: argparse.Namespace) -> None:
    """Start everything, wait for a reason to end, stop everything."""
    folder = tempfile.mkdtemp(prefix="emulators-")
    moto = start_moto(options.managed_policies, folder)
    try:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(f"{folder}/ca.pem")
        async with servers(authority, moto, f"{folder}/ca.pem") as (state, about):
            print(json.dumps(about), flush=True)
            await end(options, state, moto)
    finally:
        moto.communicate()
        shutil.rmtree(folder, ignore_errors=True)


def start_moto(policies: str, folder: str) -> subprocess.Popen[str]:
    """Start moto as a child that ends when its stdin is closed, even if this process is killed."""
    command = [sys.executable, "-m", f"{__package__}.moto_child", policies, folder]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)


@contextlib.asynccontextmanager
async def servers(
    authority: trustme.CA, moto: subprocess.Popen[str], bundle: str
) -> AsyncIterator[tuple[State, dict[str, Any]]]:
    """Start both servers on free ports, with one state."""
    state, about = State(), dict[str, Any]()
    async with contextlib.AsyncExitStack() as stack:
        port = await asyncio.to_thread(moto.stdout.readline) if moto.stdout else ""
        moto_url = f"http://127.0.0.1:{int(port)}"
        state.moto = Moto(moto_url)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64), auto_decompress=False)
        )

        async def reset_aws() -> None:
            await (await session.post(f"{moto_url}/moto-api/reset")).read()

        control = Control(state, about, reset_aws)
        aws = await listen(stack, state, control, lambda _: Aws(state, moto_url, session))
        tls = server_tls(authority)
        azure = await listen(stack, state, control, lambda port: Azure(state, f"https://localhost:{port}"), tls)
        urls = {"aws": f"http://127.0.0.1:{aws}", "azure": f"https://localhost:{azure}", "moto": moto_url}
        environment = variables(state.identity, urls["aws"], urls["azure"], bundle)
        about |= {**urls, "pid": os.getpid(), "moto_pid": moto.pid, "environment": environment}
        about["user_assigned"] = state.identity.user_assigned
        yield state, about


def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """Return a TLS context with a certificate for localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


async def listen(
    stack: contextlib.AsyncExitStack,
    state: State,
    control: Control,
    make: Callable[[int], Emulator],
    tls: ssl.SSLContext | None = None,
) -> int:
    """Serve on a free port, and return it; `make` gets the port."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    port: int = listening.getsockname()[1]
    web_server = web.Server(handler(state, make(port), control), access_log=None)
    listener = await asyncio.get_running_loop().create_server(web_server, sock=listening, ssl=tls)
    stack.push_async_callback(web_server.shutdown, 0.2)
    stack.callback(listener.close)
    return port


async def end(options: argparse.Namespace, state: State, moto: subprocess.Popen[str]) -> None:
    """Wait until there is a reason to end."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    state.touched = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if options.watch_stdin:
        loop.add_reader(sys.stdin.fileno(), stop.set)
    while not stop.is_set() and moto.poll() is None:
        if options.idle and time.monotonic() - state.touched > options.idle:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1.0)


if __name__ == "__main__":
    main()
