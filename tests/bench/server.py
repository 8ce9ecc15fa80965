# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of AWS and Azure for the benchmark: both on one event loop, over TLS, with one state.

Prints one line of JSON when it is ready; ends when stdin is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import resource
import socket
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import certifi
import trustme
import uvicorn
import uvloop
from aiohttp import web

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.connector.connector import ConnectorSpec
from tests.emulators import connectors
from tests.emulators.azure import Azure
from tests.emulators.control import Control
from tests.emulators.environment import variables
from tests.emulators.faults import Call
from tests.emulators.server import listen, server_tls
from tests.emulators.state import State

from .aws_server import Aws, expected_role


class SlowAzure(Azure):
    """Azure, with the same latency as AWS."""

    def __init__(self, state: State, base: str, aws: Aws) -> None:
        super().__init__(state, base)
        self.aws = aws

    async def act(self, request: web.BaseRequest, body: bytes, call: Call) -> web.Response:
        """Return the response after the latency."""
        response = await super().act(request, body, call)
        if self.aws.latency:
            await asyncio.sleep(self.aws.latency)
        return response


class BenchControl(Control):
    """The emulators' control API, with commands of the benchmark."""

    def __init__(self, state: State, about: dict[str, Any], aws: Aws) -> None:
        self.aws = aws
        super().__init__(state, about, self._reset_aws)

    async def _reset_aws(self) -> None:
        self.aws.reset()

    def do_prepare(
        self,
        accounts: list[str],
        drifted: list[str],
        there: bool,
        latency: float,
        throttle_every: int = 0,
        **settings: Any,
    ) -> None:
        """Reset everything: the accounts are connected or not, some of them drifted."""
        self.aws.reset()
        self.state.reset()
        self.state.settings.change(settings)
        if there:
            workspace = self.state.workspaces[0]
            self.aws.add_roles(accounts, set(drifted), workspace.customer_id)
            for account in accounts:
                arn = expected_role(account, workspace.customer_id).arn
                connectors.seed(self.state, workspace, _connector(arn, workspace.id, workspace.customer_id))
        self.aws.latency, self.aws.throttle_every = latency, throttle_every
        # Exclude existing objects from garbage collection, which would be measured as latency.
        gc.collect()
        gc.freeze()

    def do_figures(self) -> dict[str, Any]:
        """Return requests by operation, throttled requests, existing resources and the CPU time of this process."""
        log = self.state.log
        used = resource.getrusage(resource.RUSAGE_SELF)
        azure = Counter(record["operation"] for record in log)
        return {
            "requests": {**self.aws.counts, **azure},
            "refused": sum(record["status"] == 429 for record in log),
            "throttled": self.aws.throttled,
            "errors": sum(record["status"] >= 400 for record in log),
            "roles": len(self.aws.roles),
            "connectors": len(self.state.workspaces[0].connectors),
            "cpu": used.ru_utime + used.ru_stime,
        }


def _connector(arn: str, workspace: str, workspace_id: str) -> dict[str, Any]:
    return {
        "name": ConnectorSpec(arn, workspace, workspace_id).name,
        "kind": connectors.CLOUDTRAIL,
        "properties": {"awsRoleArn": arn, "dataTypes": {"logs": {"state": "enabled"}}},
    }


async def serve(folder: Path, bundle: Path, authority: trustme.CA) -> None:
    """Start both, print their addresses, wait for the end of stdin."""
    async with contextlib.AsyncExitStack() as stack:
        print(json.dumps(await _start(stack, authority, folder, str(bundle))), flush=True)
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
        await ended.wait()


async def _start(stack: contextlib.AsyncExitStack, authority: trustme.CA, folder: Path, bundle: str) -> dict[str, Any]:
    state, about = State(), dict[str, Any]()
    aws = Aws(state)
    control = BenchControl(state, about, aws)
    aws_url = f"https://127.0.0.1:{await _listen_aws(stack, aws, authority, folder)}"
    tls = server_tls(authority)
    azure = await listen(stack, state, control, lambda port: SlowAzure(state, f"https://localhost:{port}", aws), tls)
    plain = await listen(stack, state, control, lambda port: Azure(state, f"http://127.0.0.1:{port}"))
    environment = variables(state.identity, aws_url, f"https://localhost:{azure}", bundle)
    about |= {"environment": environment, "control": f"127.0.0.1:{plain}", "pid": os.getpid()}
    return about


class Uvicorn(uvicorn.Server):
    """uvicorn with an event for when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        await super().startup(sockets)
        self.ready.set()


async def _listen_aws(stack: contextlib.AsyncExitStack, aws: Aws, authority: trustme.CA, folder: Path) -> int:
    certificate = folder / "server.pem"
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(
        aws,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        ssl_certfile=certificate,
        timeout_keep_alive=300,
    )
    server = Uvicorn(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    await server.ready.wait()

    async def stop() -> None:
        server.should_exit = server.force_exit = True
        await serving

    stack.push_async_callback(stop)
    port: int = listening.getsockname()[1]
    return port


def main() -> None:
    """Write the certificates and serve."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        authority = trustme.CA()
        bundle = Path(name) / "bundle.pem"
        # As large as the bundle that real clients load.
        bundle.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
        uvloop.run(serve(Path(name), bundle, authority))


if __name__ == "__main__":
    main()
