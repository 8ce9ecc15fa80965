# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the engine in this process, with short pauses and timeouts: seconds instead of minutes."""

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

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud import arm, aws, curl, sentinel, service
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
RUN_TIMEOUT_SECONDS = 30.0
"""A run of a few accounts never takes longer, whatever fails."""
_PAUSES = (
    (backoff, "INITIAL_PAUSE", 0.05),
    (backoff, "MAX_PAUSE", 0.2),
    (arm, "MAX_PAUSE_SECONDS", 0.05),
)
_TIMEOUTS = (
    (reconcile, "RETRY_TIMEOUT", 1.0),
    (pacing, "RETRY_TIMEOUT", 1.0),
    (sentinel, "CONNECTIVITY_RETRY_TIMEOUT", 1.0),
    (service, "AWS_RETRY_SECONDS", 1.0),
    (account, "ACCOUNT_TIMEOUT_SECONDS", 20.0),
    (arm, "ARM_RETRY_SECONDS", 2.5),
)
_REQUEST_TIMEOUTS = (
    (service, "AWS_RETRY_SECONDS", 3.0),
    (curl, "AWS_REQUEST_TIMEOUT_SECONDS", 1),
    (arm, "ARM_RETRY_SECONDS", 3.0),
    (arm, "AZURE_READ_TIMEOUT_SECONDS", 1.0),
)


@cache
def _session(_aws_key: str) -> botocore.session.Session:
    return botocore.session.Session()


class RunResult(NamedTuple):
    """The results of a run by account id, and the error that ended it early."""

    results: dict[str, AccountResult]
    error: SentinelError | None = None

    @property
    def calls(self) -> dict[str, str]:
        """The calls of each account that was changed."""
        return {account: account_lines.call_names(one) for account, one in self.results.items() if one.report.calls}

    @property
    def failed(self) -> dict[str, SentinelError]:
        """The error of each account that failed."""
        return {account: one.error for account, one in self.results.items() if one.error}


@contextlib.contextmanager
def short_pauses() -> Iterator[None]:
    """Shorten the pauses between retries; timeouts are as in production."""
    # Each session of botocore loads its service models again, which takes half the time of a run.
    session = mock.patch.object(aws.Aws, "_new_session", return_value=_session(os.environ["AWS_ACCESS_KEY_ID"]))
    with session, _set(_PAUSES):
        yield


@contextlib.contextmanager
def short_timeouts() -> Iterator[None]:
    """Shorten pauses and timeouts: retries end after a second or two."""
    with short_pauses(), _set(_TIMEOUTS):
        yield


@contextlib.contextmanager
def short_request_timeouts() -> Iterator[None]:
    """Shorten request timeouts to a second; only for faults without any response, as a busy machine may be as slow."""
    with _set(_REQUEST_TIMEOUTS):
        yield


@contextlib.contextmanager
def clock_ahead(operation: str, seconds: float) -> Iterator[None]:
    """Set the clock of this process forward right before its first call of an operation of AWS."""
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


def accounts_of(hosts: Hosts, **variables: Any) -> list[Account]:
    """The accounts of an inventory; credentials and subscription come from the environment."""
    return [_account(host, {**variables, **own}) for host, own in hosts.items()]


def _account(host: str, variables: dict[str, Any]) -> Account:
    given = {**WORKSPACE, "sentinel_subscription_id": os.environ["AZURE_SUBSCRIPTION_ID"], **variables}
    options = {field.option: given.get(field.variable) for field in FIELDS}
    for option in ("tenant", "client_id", "secret", "cloud_environment"):
        options[option] = options[option] or os.environ[f"AZURE_{option.upper()}"]
    return parse(options, f"host {host}", host=host, names="variable")


async def all_results(accounts: list[Account], options: fleet.RunOptions) -> list[AccountResult]:
    """All results of a run."""
    return [result async for result in fleet.run(accounts, options)]


async def run_async(
    accounts: list[Account], options: fleet.RunOptions, seconds: float = RUN_TIMEOUT_SECONDS
) -> RunResult:
    """All results of a run, also of one that ended early."""
    results: dict[str, AccountResult] = {}

    async def work() -> None:
        async for result in fleet.run(accounts, options):
            results[result.account.account_id] = result

    try:
        await asyncio.wait_for(work(), seconds)
    except SentinelError as error:
        return RunResult(results, error)
    return RunResult(results)


def run(accounts: list[Account], options: fleet.RunOptions) -> RunResult:
    """Run the engine over the accounts."""
    return asyncio.run(run_async(accounts, options))
