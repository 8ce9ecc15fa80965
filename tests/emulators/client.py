# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A synchronous client of the emulators, for tests and demonstrations.

with emulators() as e:
    e.fault(operation="CreateRole", account="111111111111", times=2, **THROTTLED)
    subprocess.run(command, env=e.whole_environment())
    assert e.requests(service="iam", write=True) == []
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypedDict
from urllib.parse import urlsplit

from .environment import merged
from .serving import CONTROL
from .state import CALLER_ACCOUNT, CUSTOMER_ID, RESOURCE_GROUP, WORKSPACE

__all__ = ["CALLER_ACCOUNT", "CUSTOMER_ID", "RESOURCE_GROUP", "WORKSPACE", "Emulators", "Request", "emulators"]

Json = dict[str, Any]
Policies = Literal["all", "few"]


class Request(TypedDict):
    """One entry of the request log; status 0 is a connection that was reset."""

    service: str
    operation: str
    account: str
    method: str
    path: str
    status: int
    write: bool
    action: str
    """The right that it takes, as policies name it."""
    resource: str


class Emulators:
    """Running emulators. `environment` contains the variables with which real clients use them."""

    def __init__(self, url: str) -> None:
        self.url = url
        about = self.control("about")
        self.environment: dict[str, str] = about["environment"]
        self.aws: str = about["aws"]
        self.azure: str = about["azure"]
        self.moto: str = about["moto"]
        self.pid: int = about["pid"]
        self.moto_pid: int = about["moto_pid"]
        self.user_assigned: str = about["user_assigned"]

    def control(self, command: str, **arguments: Any) -> Any:
        """Run a command of the control API; raises ValueError if it fails."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=120)
        with contextlib.closing(connection):
            connection.request("POST", CONTROL + command, json.dumps(arguments))
            response = connection.getresponse()
            answer = json.loads(response.read())
        if response.status != 200:
            raise ValueError(answer["error"])
        return answer

    def whole_environment(self, **more: str) -> dict[str, str]:
        """Return an environment for a child process: this one's and the emulators', without interfering variables."""
        return {**merged(os.environ, self.environment), **more}

    # Requests and secrets

    def requests(self, service: str | None = None, write: bool | None = None) -> list[Request]:
        """Return the request log, oldest first. Services: `aws` (all), `iam`, `sts`, `organizations`, `azure`."""
        log: list[Request] = self.control("requests", service=service, write=write)
        return log

    def operations(self, service: str | None = None, write: bool | None = None) -> list[str]:
        """Return the names of the logged operations, in order."""
        return [request["operation"] for request in self.requests(service, write)]

    def forget(self) -> None:
        """Clear the request log."""
        self.control("forget")

    def secrets(self) -> list[str]:
        """Return every secret: client secret, secret keys, bearer and session tokens."""
        found: list[str] = self.control("secrets")
        return found

    # Faults and settings

    def fault(self, **rule: Any) -> None:
        """Add a fault; the keys are the fields of `faults.Fault`."""
        self.control("fault", **rule)

    def heal(self) -> None:
        """Remove every fault."""
        self.control("heal")

    def struck(self) -> int:
        """Return how many requests a fault was applied to since the last reset."""
        hits: int = self.control("struck")
        return hits

    def settings(self, **values: Any) -> None:
        """Change settings; the names are the fields of `state.Settings`."""
        self.control("settings", **values)

    def reset(self) -> None:
        """Reset everything, including moto, to the state after the start; issued credentials stay valid."""
        self.control("reset")

    # State of the services

    def connectors(self, workspace: str | None = None) -> list[Json]:
        """Return the connectors of a workspace (name, ARM id or customer id; default: the first one)."""
        found: list[Json] = self.control("connectors", workspace=workspace)
        return found

    def seed_connector(self, raw: Json, workspace: str | None = None) -> Json:
        """Add a connector of any kind without validation; return it with id, name, type and etag."""
        stored: Json = self.control("seed_connector", raw=raw, workspace=workspace)
        return stored

    def delete_connector(self, name: str, workspace: str | None = None) -> None:
        """Delete a connector without a request."""
        self.control("delete_connector", name=name, workspace=workspace)

    def add_workspace(self, **values: Any) -> Json:
        """Add a workspace: `subscription_id`, `resource_group`, `name`, `customer_id`, `onboarded`, `permissions`."""
        added: Json = self.control("add_workspace", **values)
        return added

    def change_workspace(self, workspace: str | None = None, **values: Any) -> None:
        """Change `onboarded`, `permissions` or `location`."""
        self.control("change_workspace", workspace=workspace, **values)

    def put_rows(self, table: str, rows: list[Json], workspace: str | None = None) -> None:
        """Add raw rows, by column name, to a table, which exists from then on.

        `TimeGenerated` is the emulated time by default; `ingestion_time()` as a key is the time of the ingestion.
        """
        self.control("put_rows", table=table, rows=rows, workspace=workspace)

    def move_clock(self, **forward: float) -> None:
        """Move the clock of Log Analytics; the keys are those of `timedelta`."""
        self.control("move_clock", seconds=timedelta(**forward).total_seconds())

    def read_queues(self, workspace: str | None = None) -> list[Json]:
        """Let the connectors of the S3 kind read their queues now: what each did, with the code of what stopped it."""
        done: list[Json] = self.control("read_queues", workspace=workspace)
        return done

    def rows(self, table: str, workspace: str | None = None) -> list[Json]:
        """The rows of a table, oldest first."""
        found: list[Json] = self.control("rows", table=table, workspace=workspace)
        return found

    def credentials(self, account_id: str) -> dict[str, str]:
        """Return new access keys of a user of that account, as keyword arguments for boto3."""
        keys: dict[str, str] = self.control("credentials", account=account_id)
        return keys

    def sessions(self, account_id: str) -> list[str]:
        """Return the names of the sessions of assumed roles in that account, oldest first."""
        names: list[str] = self.control("sessions", account=account_id)
        return names

    def organization(self, accounts: list[Json], **settings: Any) -> None:
        """Create an AWS organization with these accounts; `settings` are the fields of `organization.Organization`."""
        self.control("organization", **settings)
        for start in range(0, len(accounts), 2000):
            self.control("add_accounts", accounts=accounts[start : start + 2000])

    def trust_certificate(self, pem: str) -> None:
        """Register a certificate (PEM, without key) at the service principal."""
        self.control("trust_certificate", pem=pem)

    def trust_issuer(self, issuer: str, subject: str, key: str) -> None:
        """Add a federated credential: tokens of this issuer and subject, signed with this key (PEM)."""
        self.control("trust_issuer", issuer=issuer, subject=subject, key=key)

    def boto(self, service: str, account_id: str | None = None, region: str = "us-east-1") -> Any:
        """A boto3 client inside that account, straight at moto: not counted, never refused."""
        from botocore.config import Config

        client = _session().client(
            service,
            region_name=region,
            endpoint_url=self.moto,
            aws_access_key_id="direct",
            aws_secret_access_key="direct",
            config=Config(proxies={}),
        )

        def sign(request: Any, **_: Any) -> None:
            request.headers["x-moto-account-id"] = account_id or CALLER_ACCOUNT

        client.meta.events.register("before-send", sign)
        return client


@cache
def _session() -> Any:
    """Return one session for all clients: each session loads the service models again, which is slow."""
    import boto3

    return boto3.session.Session()


def launch(*options: str, watched: bool = True) -> tuple[subprocess.Popen[str], Emulators]:
    """Start the server process. With `watched` it ends with this process, else after its idle time."""
    root = Path(__file__).parents[len(__name__.split(".")) - 1]
    package = __name__.rpartition(".")[0]
    paths = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH", "")]))
    process = subprocess.Popen(
        [sys.executable, "-m", f"{package}.server", *(["--watch-stdin"] if watched else []), *options],
        stdin=subprocess.PIPE if watched else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if watched else subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": paths},
        text=True,
        start_new_session=True,
    )
    ready = process.stdout.readline() if process.stdout else ""
    if not ready:
        raise RuntimeError(f"The emulators did not start (exit code {process.wait()}).")
    return process, Emulators(json.loads(ready)["aws"])


@contextlib.contextmanager
def emulators(*, managed_policies: Policies = "all") -> Iterator[Emulators]:
    """Start both services, and stop them at the end, even if this process is killed."""
    process, running = launch("--managed-policies", managed_policies)
    try:
        yield running
    finally:
        process.communicate()
