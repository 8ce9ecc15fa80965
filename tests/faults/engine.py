# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine in this process, with little patience: what takes minutes in earnest takes a second here."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple
from unittest import mock

import botocore.session

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud import arm, aws, curl, service
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.console import account_lines
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model import backoff
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import FIELDS, Account, parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountResult
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import account, fleet, pacing, reconcile

Hosts = dict[str, dict[str, Any]]
WORKSPACE = {
    "sentinel_resource_group": "security",
    "sentinel_workspace": "sentinel",
    "sentinel_assume_role": "OrganizationAccountAccessRole",
}
LONGEST = 30.0
"""No run of a few accounts takes longer, whatever goes wrong."""
_PAUSES = (
    (backoff, "FIRST", 0.05),
    (backoff, "LONGEST", 0.2),
    (arm, "LONGEST_PAUSE", 0.05),
)
_PATIENCE = (
    (reconcile, "PATIENCE", 1.0),
    (pacing, "PATIENCE", 1.0),
    (service, "DEADLINE", 1.0),
    (account, "LONGEST", 20.0),
    (arm, "DEADLINE", 2.5),
)
_SHORT = (
    (service, "DEADLINE", 3.0),
    (curl, "REQUEST_SECONDS", 1),
    (arm, "DEADLINE", 3.0),
    (arm, "READ_SECONDS", 1.0),
)


@cache
def _session(_aws_key: str) -> botocore.session.Session:
    return botocore.session.Session()


class Ended(NamedTuple):
    """How a run ended: the results by account id, and the error that ended all of it."""

    done: dict[str, AccountResult]
    error: SentinelError | None = None

    @property
    def calls(self) -> dict[str, str]:
        """The calls of each account that was changed."""
        return {account: account_lines.call_names(done) for account, done in self.done.items() if done.report.calls}

    @property
    def failed(self) -> dict[str, SentinelError]:
        """The error of each account that failed."""
        return {account: done.error for account, done in self.done.items() if done.error}


@contextlib.contextmanager
def brisk() -> Iterator[None]:
    """Try again soon, for as long as in earnest."""
    # Each session of botocore reads its descriptions of the services anew, half the time of a run.
    session = mock.patch.object(aws.Aws, "_new_session", return_value=_session(os.environ["AWS_ACCESS_KEY_ID"]))
    with session, _set(_PAUSES):
        yield


@contextlib.contextmanager
def hurried() -> Iterator[None]:
    """Try again soon, and give up after a second or two."""
    with brisk(), _set(_PATIENCE):
        yield


@contextlib.contextmanager
def impatient() -> Iterator[None]:
    """Wait only a second for an answer: a busy machine may take as long, so only where answers do not come."""
    with _set(_SHORT):
        yield


@contextlib.contextmanager
def clock_put_forward(operation: str, seconds: float) -> Iterator[None]:
    """Let so much time pass for this process right before its first call of an operation of AWS."""
    ahead, real, call = 0.0, time.time, service.Service.call

    async def called(self: service.Service, keys: service.Keys, name: str, params: Any) -> Any:
        nonlocal ahead
        ahead = seconds if name == operation else ahead
        return await call(self, keys, name, params)

    clock = mock.patch.object(time, "time", side_effect=lambda: real() + ahead)
    with clock, mock.patch.object(service.Service, "call", called):
        yield


@contextlib.contextmanager
def _set(values: Iterable[tuple[Any, str, Any]]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for module, name, value in values:
            stack.enter_context(mock.patch.object(module, name, value))
        yield


def listed(hosts: Hosts, **variables: Any) -> list[Account]:
    """The accounts of an inventory; who signs in where is in the environment."""
    return [_account(host, {**variables, **own}) for host, own in hosts.items()]


def _account(host: str, variables: dict[str, Any]) -> Account:
    given = {**WORKSPACE, "sentinel_subscription_id": os.environ["AZURE_SUBSCRIPTION_ID"], **variables}
    options = {field.option: given.get(field.variable) for field in FIELDS}
    for option in ("tenant", "client_id", "secret", "cloud_environment"):
        options[option] = options[option] or os.environ[f"AZURE_{option.upper()}"]
    return parse(options, f"host {host}", host=host, names="variable")


async def everything(accounts: list[Account], order: fleet.Order) -> list[AccountResult]:
    """All results of a run."""
    return [done async for done in fleet.run(accounts, order)]


async def ended(accounts: list[Account], order: fleet.Order, seconds: float = LONGEST) -> Ended:
    """All results of a run, also of one that broke off."""
    done: dict[str, AccountResult] = {}

    async def work() -> None:
        async for one in fleet.run(accounts, order):
            done[one.account.account_id] = one

    try:
        await asyncio.wait_for(work(), seconds)
    except SentinelError as error:
        return Ended(done, error)
    return Ended(done)


def run(accounts: list[Account], order: fleet.Order) -> Ended:
    """Run it to its end."""
    return asyncio.run(ended(accounts, order))
