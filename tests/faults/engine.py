# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the engine in this process, with short pauses and timeouts: seconds instead of minutes."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, NamedTuple
from unittest import mock

import botocore.session

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud import aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.console import account_lines
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import FIELDS, Account, parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountResult
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from tests.clock import wall_clock

from .hook import Once, watched
from .timing import SHORT, SHORT_PAUSES, Timing

Hosts = dict[str, dict[str, Any]]
WORKSPACE = {
    "sentinel_resource_group": "security",
    "sentinel_workspace": "sentinel",
    "sentinel_assume_role": "OrganizationAccountAccessRole",
}
RUN_TIMEOUT_SECONDS = 30.0
"""A run of a few accounts never takes longer, whatever fails."""


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
def timed(timing: Timing) -> Iterator[None]:
    """Run everything within this context with these pauses and time limits, and load service models once."""
    # Each session of botocore loads its service models again, which takes half the time of a run.
    session = mock.patch.object(aws.Aws, "_new_session", return_value=_session(os.environ["AWS_ACCESS_KEY_ID"]))
    with session, timing.applied():
        yield


def short_pauses() -> AbstractContextManager[None]:
    """Shorten the pauses between retries; timeouts are as in production."""
    return timed(SHORT_PAUSES)


def short_timeouts() -> AbstractContextManager[None]:
    """Shorten pauses and timeouts: retries end after a second or two."""
    return timed(SHORT)


@contextlib.contextmanager
def clock_ahead(operation: str, seconds: float) -> Iterator[None]:
    """Set the clock of this process forward right before its first call of an operation of AWS."""
    with wall_clock() as clock, watched(Once("before", operation, lambda: setattr(clock, "ahead", seconds))):
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
