# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of everything that a run needs, by reading only: all problems at once, not the first of them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from ..cloud import packages
from ..console.account_lines import Progress
from ..model.account import Account, WorkspaceKey
from ..model.account_result import AccountReport
from ..model.connector import workspace as workspaces
from ..model.connector import workspace_content
from ..model.errors import SentinelError
from ..model.prerequisites import Checked, Prerequisites, Problem, unrepaired
from .account import inspect
from .preflight import Preflight
from .s3_inspection import inspect_within_limits, members_of
from .unexpected import kept_in

if TYPE_CHECKING:
    from ..cloud.sentinel import Sentinel

NEEDED_RIGHTS = ("read", "write")


def package_problems() -> list[Problem]:
    """Return the problem with Python packages, if there is one."""
    found = packages.problems()
    return [Problem("packages", packages.missing_packages("use the collection"))] if found else []


async def check(
    accounts: Sequence[Account], found: Prerequisites, concurrency: int, display: Callable[[str], None]
) -> None:
    """Add the accounts to `found` with the problems of each; `display` receives lines of progress."""
    clients = Preflight(accounts, concurrency, "read")
    try:
        for opening in (clients.start, clients.wait_until_open):
            with suppress(SentinelError):  # every account has the reason
                await opening()
        of_workspace = await _workspace_errors(accounts, clients, found)
        members = members_of(accounts)
        work = [_check_account(one, clients, of_workspace.get(one.workspace_key), members) for one in accounts]
        progress, classes = Progress(len(accounts)), Counter[str]()
        summary = {"accounts": 0, "changed": 0, "failed": 0}
        checked_accounts: list[Checked] = []
        for finished in asyncio.as_completed(work):
            checked = await finished
            checked_accounts.append(checked)
            summary["accounts"] += 1
            summary["failed"] += bool(checked.problems)
            classes.update(one.error.kind for one in checked.problems[:1])
            if line := progress.line(summary, classes, time.monotonic()):
                display(line)
        found.accounts += sorted(checked_accounts, key=lambda one: one.account.account_id)
    finally:
        clients.close()


async def _workspace_errors(
    accounts: Sequence[Account], clients: Preflight, found: Prerequisites
) -> dict[WorkspaceKey, SentinelError]:
    """Return by workspace what a run needs and the workspace lacks; its content is added to `found`."""
    errors: dict[WorkspaceKey, SentinelError] = {}
    for account in {one.workspace_key: one for one in reversed(accounts)}.values():
        with kept_in(errors, account.workspace_key, f"check workspace {account.workspace}"):
            sentinel = await clients.clients.sentinel(account)
            details = await sentinel.workspace_details()
            await _add_content(sentinel, found)
            workspaces.check_ready(details, *NEEDED_RIGHTS)
            if error := clients.workspace_error(account):
                raise error
    return errors


async def _add_content(sentinel: Sentinel, found: Prerequisites) -> None:
    """Add the content of a workspace, and notes about what it lacks that no run needs."""
    content = await sentinel.content()
    shown = workspace_content.show(content)
    found.workspaces.append({"name": sentinel.name, **shown})
    found.notes += [f"Workspace {sentinel.name}: {part.message}" for part in content if part.message]


async def _check_account(
    account: Account, clients: Preflight, of_workspace: SentinelError | None, members: set[WorkspaceKey]
) -> Checked:
    """Check an account: its workspace and credentials, then the role to assume and the resources of its sources."""
    checked, report, errors = Checked(account), AccountReport(), dict[str, SentinelError]()
    if of_workspace:
        checked.add("workspace", of_workspace)
    if error := clients.credentials_error(account):
        checked.add("credentials", error)
        return checked
    with kept_in(errors, "", f"check account {account.account_id}"):
        # An account that is too new for its role has to be repeated later, rather than waited for.
        context = await clients.context(account, check_mode=True)
        for error in await inspect(report, replace(account, joined=""), context):
            checked.add_of_sources(error)
        try:
            inspected = await inspect_within_limits(account, clients.clients, members)
            report.findings += chain.from_iterable(one.findings for one in inspected)
        except SentinelError as error:
            if not checked.problems:  # else the check of the source has most likely reported the cause
                checked.add_of_sources(error)
    if errors:
        checked.add_of_sources(errors[""])
    checked.findings = unrepaired(dict.fromkeys(report.findings))
    return checked
