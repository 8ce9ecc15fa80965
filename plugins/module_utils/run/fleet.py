# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many AWS accounts at once: the shared clients, the threads, one result per account whatever happens to the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.azure import Azure
from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.sentinel import Sentinel
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import workspace as workspaces
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.access import AwsCredentials, AzureCredentials
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.account import Account, check_unique
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.finding import is_security
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.workspace import Workspace
from ansible_collections.trailbridge.sentinel.plugins.module_utils.run.account import Report, connect, disconnect


@dataclass(slots=True)
class Done:
    """The result of one account: what was found and done there, and the error that ended it."""

    account: Account
    report: Report
    error: SentinelError | None = None

    @property
    def status(self) -> str:
        """One of ok, changed, failed."""
        if self.error:
            return "failed"
        return "changed" if self.report.calls else "ok"

    @property
    def insecure(self) -> bool:
        """Tell whether a finding is one of security."""
        return any(is_security(finding) for finding in self.report.findings)

    def result(self) -> dict[str, Any]:
        """Return it as an entry of fleet's `accounts`."""
        shown = self.report.shown
        answer: dict[str, Any] = {
            "status": self.status,
            "host": self.account.host,
            "role_arn": shown.get("role", {}).get("arn", ""),
            "connector_id": shown.get("connector", {}).get("id", ""),
            "findings": [finding._asdict() for finding in self.report.findings],
            "calls": [call.show() for call in self.report.calls],
        }
        if self.error:
            answer["error"] = self.error.show()
        return answer


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done with all accounts, and how."""

    absent: bool = False
    check_mode: bool = False
    concurrency: int = 16
    max_change: float | None = None
    """How many accounts may change; None for any number."""

    @property
    def right(self) -> str:
        """The right on data connectors that the run needs."""
        return "read" if self.check_mode else "delete" if self.absent else "write"


class Clients:
    """Every client of the run, made once for all accounts that share credentials or workspace."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._aws: dict[AwsCredentials, Aws] = {}
        self._azure: dict[AzureCredentials, Azure] = {}
        self._sentinel: dict[tuple[AzureCredentials, str, str, str], Sentinel] = {}
        self._workspaces: dict[Sentinel, Workspace] = {}

    def aws(self, account: Account) -> Aws:
        """Return the AWS clients of the account's base credentials."""
        if account.aws not in self._aws:
            self._aws[account.aws] = Aws(account.aws, self._order.concurrency)
        return self._aws[account.aws]

    def sentinel(self, account: Account) -> Sentinel:
        """Return the workspace that the account is connected to."""
        key = (account.azure, account.subscription_id, account.resource_group, account.workspace)
        if key not in self._sentinel:
            if account.azure not in self._azure:
                self._azure[account.azure] = Azure(account.azure, self._order.concurrency)
            self._sentinel[key] = Sentinel(self._azure[account.azure], *key[1:])
        return self._sentinel[key]

    def prepare(self, account: Account) -> Account:
        """Return the account with what the services know; checks its credentials and its workspace, each only once.

        Raises SentinelError where nothing can be written for the account.
        """
        partition = self.aws(account).identity.partition
        sentinel = self.sentinel(account)
        if sentinel not in self._workspaces:
            self._workspaces[sentinel] = preflight(sentinel, self._order.right)
        workspace = self._workspaces[sentinel]
        workspaces.check_id(workspace, account.wish.workspace_id, account.host or account.account_id)
        return account.at(workspace_id=workspace.customer_id, partition=partition)


def preflight(sentinel: Sentinel, right: str) -> Workspace:
    """Read what a run needs of its workspace, and list its connectors; raises SentinelError with what is missing."""
    workspace = sentinel.whole_workspace()
    workspaces.check_ready(workspace, right)
    sentinel.connectors("")
    return workspace


def run(accounts: Iterable[Account], order: Order) -> Iterator[Done]:
    """Bring all accounts to the wish, `order.concurrency` at the same time; yields each result when it is there.

    Raises SentinelError for what concerns the whole run, before the first write: bad input, base credentials, a
    workspace that cannot be used, more changes than allowed.
    """
    accounts = list(accounts)
    check_unique(accounts)
    clients = Clients(order)
    ready = [clients.prepare(account) for account in accounts]
    if order.max_change is not None and not order.check_mode:
        check_changes(list(_work(ready, clients, replace(order, check_mode=True))), order.max_change)
    yield from _work(ready, clients, order)


def check_changes(preview: list[Done], most: float) -> None:
    """Raise too_many_changes when more accounts would change than allowed; what cannot be read counts as changed."""
    changing = sum(done.status != "ok" for done in preview)
    if changing > int(most):
        raise SentinelError(
            "too_many_changes",
            f"Cannot start: {changing} accounts would change or cannot be read, max_change_percent allows {int(most)}. "
            "Nothing was written.",
        )


def _work(accounts: list[Account], clients: Clients, order: Order) -> Iterator[Done]:
    with ThreadPoolExecutor(max_workers=order.concurrency) as pool:
        futures = [pool.submit(_one, account, clients, order) for account in accounts]
        for future in as_completed(futures):
            yield future.result()


def _one(account: Account, clients: Clients, order: Order) -> Done:
    done = Done(account, Report())
    work = disconnect if order.absent else connect
    try:
        work(done.report, account, clients.aws(account), clients.sentinel(account), check_mode=order.check_mode)
    except SentinelError as error:
        done.error = error
    except Exception as error:  # noqa: BLE001 one account never stops the others
        done.error = SentinelError("unexpected", f"Cannot finish account {account.account_id}: {error!r}.")
        done.error.__cause__ = error
    return done


def summary(results: Iterable[Done]) -> dict[str, int]:
    """Count the results by status."""
    counts = {"accounts": 0, "ok": 0, "changed": 0, "failed": 0, "skipped": 0}
    for done in results:
        counts["accounts"] += 1
        counts[done.status] += 1
    return counts
