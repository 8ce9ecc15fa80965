# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many AWS accounts at once: the shared clients, the threads, one result per account whatever happens to the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.azure import Azure
from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.sentinel import Sentinel
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.access import AwsCredentials, AzureCredentials
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.account import Account, check_unique
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.finding import is_security
from ansible_collections.trailbridge.sentinel.plugins.module_utils.run.account import Report, connect


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


class Clients:
    """Every client of the run, made once for all accounts that share credentials or workspace."""

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._aws: dict[AwsCredentials, Aws] = {}
        self._azure: dict[AzureCredentials, Azure] = {}
        self._sentinel: dict[tuple[AzureCredentials, str, str, str], Sentinel] = {}
        self._customer_ids: dict[Sentinel, str] = {}

    def aws(self, account: Account) -> Aws:
        """Return the AWS clients of the account's base credentials."""
        if account.aws not in self._aws:
            self._aws[account.aws] = Aws(account.aws, self._connections)
        return self._aws[account.aws]

    def sentinel(self, account: Account) -> Sentinel:
        """Return the workspace that the account is connected to."""
        key = (account.azure, account.subscription_id, account.resource_group, account.workspace)
        if key not in self._sentinel:
            if account.azure not in self._azure:
                self._azure[account.azure] = Azure(account.azure, self._connections)
            self._sentinel[key] = Sentinel(self._azure[account.azure], *key[1:])
        return self._sentinel[key]

    def workspace_id(self, account: Account) -> str:
        """Return the external id of the account's workspace: the given one, else read once from the workspace."""
        if account.wish.workspace_id:
            return account.wish.workspace_id
        sentinel = self.sentinel(account)
        if sentinel not in self._customer_ids:
            self._customer_ids[sentinel] = sentinel.workspace().customer_id
        return self._customer_ids[sentinel]


def run(accounts: Iterable[Account], *, concurrency: int, check_mode: bool) -> Iterator[Done]:
    """Connect all accounts, at most `concurrency` at the same time; yields each result when it is there.

    Raises SentinelError for what concerns the whole run, before the first write: bad input, base credentials, a
    workspace that cannot be read.
    """
    accounts = list(accounts)
    check_unique(accounts)
    clients = Clients(concurrency)
    ready = [_prepared(account, clients) for account in accounts]
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        futures = [pool.submit(_one, account, clients, check_mode) for account in ready]
        for future in as_completed(futures):
            yield future.result()


def _prepared(account: Account, clients: Clients) -> Account:
    partition = clients.aws(account).identity.partition
    clients.sentinel(account).connectors()
    return account.at(workspace_id=clients.workspace_id(account), partition=partition)


def _one(account: Account, clients: Clients, check_mode: bool) -> Done:
    done = Done(account, Report())
    try:
        connect(done.report, account, clients.aws(account), clients.sentinel(account), check_mode=check_mode)
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
