# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of a verification: lines for the terminal, the result of the task, header and rows of the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from ..console.account_lines import Failure, failed_hosts, ingestion_label
from ..model import sources
from ..model.connector.workspace_content import HealthMonitoring, show
from ..model.console_links import azure_portal
from ..model.docs_links import pages_line
from ..model.duration import format_duration
from ..model.ingestion.arrivals import ALL_ACCOUNTS, Snapshot
from ..model.ingestion.ingestion import INGESTION_STATUSES, WORST_FIRST, IngestionResult, TableResult
from ..model.ingestion.tables import EVENTS, HEALTH, TABLES
from ..model.report_row import AccountRow, BrokenLinkRow, IngestionRow, ReportHeader, TableRow, WorkspaceRow
from ..model.text import one_line
from .ingestion import AccountIngestion
from .workspace_queries import WorkspaceQueries, Workspaces

# Accounts that the terminal lists without `verbose`.
MAX_LISTED_ACCOUNTS = 20
WITHOUT_WAIT = "-e sentinel_verify_wait=0"


class VerifyResult(TypedDict):
    """The result of `fleet_ingestion_info`."""

    changed: bool
    summary: dict[str, int]
    accounts: dict[str, IngestionResult]
    failures: list[Failure]
    failed_hosts: list[Failure]
    notes: list[str]
    failed: NotRequired[bool]
    msg: NotRequired[str]
    error: NotRequired[dict[str, str]]


def summary(accounts: list[AccountIngestion]) -> dict[str, int]:
    """Return the number of accounts by ingestion status."""
    counts = Counter(item.ingestion_status.name for item in accounts)
    return {"accounts": len(accounts)} | {name: counts[name] for name in INGESTION_STATUSES}


def summary_line(accounts: list[AccountIngestion]) -> str:
    """Return in one line the number of accounts by ingestion status, and how many are not as expected."""
    counts = summary(accounts)
    noun = "account" if len(accounts) == 1 else "accounts"
    parts = [f"{counts[name]} {name}" for name in INGESTION_STATUSES if counts[name] or name == "receiving"]
    unexpected_accounts = len(_unexpected(accounts))
    parts += [f"{unexpected_accounts} not as expected"] if unexpected_accounts else []
    return f"{len(accounts)} {noun}: {', '.join(parts)}"


def _unexpected(accounts: list[AccountIngestion]) -> list[AccountIngestion]:
    """Return the accounts that are not as expected, the worst first."""
    found = [item for item in accounts if not item.ingestion_status.as_expected]
    return sorted(found, key=lambda item: (WORST_FIRST.index(item.ingestion_status.name), item.account.account_id))


def _label(item: AccountIngestion) -> str:
    return ingestion_label(item.ingestion_status.name, as_expected=item.ingestion_status.as_expected)


def _message(item: AccountIngestion) -> str:
    """Return the message of an account, with the error that left it an ingestion status."""
    message, error = item.ingestion_status.message, one_line(str(item.error or ""))
    return message if error in message else f"{message} {error}".lstrip()


def status_lines(accounts: list[AccountIngestion], *, verbose: bool = False) -> list[str]:
    """Return one line per account that is not as expected or has an error, with `verbose` all accounts.

    If there are errors, the last line is the address of their documentation.
    """
    lines = [f"{_label(item)}: [{item.account.name}] {_message(item)}" for item in _unexpected(accounts)]
    lines += _error_lines(accounts)
    if verbose:
        expected = [item for item in accounts if item.ingestion_status.as_expected]
        lines += [f"{_label(item)}: [{item.account.name}]" for item in expected]
    elif (more := len(lines) - MAX_LISTED_ACCOUNTS) > 0:
        lines = [*lines[:MAX_LISTED_ACCOUNTS], f"and {more} more, listed with -v"]
    page = pages_line(findings=False, errors=any(item.error for item in accounts))
    return [*lines, page] if page else lines


def _error_lines(accounts: list[AccountIngestion]) -> list[str]:
    """Return the errors of accounts that are as expected."""
    return [
        f"note: [{item.account.name}] {item.error}"
        for item in accounts
        if item.error and item.ingestion_status.as_expected
    ]


def workspace_notes(workspaces: Workspaces) -> list[str]:
    """Return notes about the workspaces: empty tables, partial or old answers, unknown health."""
    return [note for workspace in workspaces.values() if workspace.snapshot for note in _notes(workspace)]


def _notes(workspace: WorkspaceQueries) -> Iterator[str]:
    """Yield notes about a workspace that answered; otherwise the lines of its accounts have the error."""
    snapshot = workspace.snapshot or Snapshot({})
    if workspace.error:
        yield f"{workspace.error} The results are those of the last answer."
    for table in workspace.connectors.tables:
        if table not in snapshot.arrivals.get(ALL_ACCOUNTS, {}) and not TABLES[table].may_be_silent:
            yield f"Table {table} of workspace {workspace.name} has no events of this time, or does not exist yet."
    if snapshot.partial:
        yield f"Log Analytics returned only a partial answer for workspace {workspace.name}."
    if message := workspace.content.solution.message:
        yield f"Workspace {workspace.name}: {message}"
    if note := _health_note(workspace, snapshot):
        yield note


def _health_note(workspace: WorkspaceQueries, snapshot: Snapshot) -> str:
    """Return why the health of the connectors is not, or may not be, that of now."""
    monitoring = workspace.content.health_monitoring
    if workspace.health_error:
        return workspace.health_error
    if monitoring.enabled is False:
        return f"Workspace {workspace.name}: {monitoring.message}"
    if snapshot.health is not None:
        return ""
    if monitoring.enabled:
        return (
            f"Workspace {workspace.name} has no table {HEALTH}: health monitoring is on, and Microsoft Sentinel has "
            "reported nothing yet."
        )
    return (
        f"Workspace {workspace.name} has no table {HEALTH}: turn on health monitoring in the settings of "
        "Microsoft Sentinel to see why a connector fails."
    )


def wait_line(accounts: int, wait: int) -> str:
    """Return how long a verification waits at most, in `wait` seconds, and how to check only; "" if it does not."""
    if not wait or not accounts:
        return ""
    whose = "of 1 account" if accounts == 1 else f"of {accounts} accounts"
    return (
        f"Waiting up to {format_duration(wait)} for the events {whose}; {WITHOUT_WAIT} checks once and does not wait."
    )


def workspace_rows(workspaces: Workspaces) -> list[WorkspaceRow]:
    """Return the workspaces that answered as they appear in the header of the report."""
    answered = [workspace for workspace in workspaces.values() if workspace.snapshot]
    return sorted(map(_workspace_row, answered), key=lambda one: one["name"])


def _workspace_row(workspace: WorkspaceQueries) -> WorkspaceRow:
    content = workspace.content
    if content.health_monitoring.enabled is None and workspace.snapshot and workspace.snapshot.health:
        # Reports of the last days are proof where the diagnostic settings cannot be read.
        content = content._replace(health_monitoring=HealthMonitoring(enabled=True))
    shown = show(content)
    return {"name": workspace.name, "solution": shown["solution"], "health_monitoring": shown["health_monitoring"]}


def unexpected(accounts: list[AccountIngestion], fail_on: str) -> list[Failure]:
    """Return the accounts that are not as expected, the worst first, each with one message.

    Where `fail_on` is "never", there are none.
    """
    return [
        {
            "account_id": item.account.account_id,
            "host": item.account.host,
            "message": f"Account {item.account.account_id} is {_label(item)}: {_message(item)}",
        }
        for item in _unexpected(accounts)
        if fail_on != "never"
    ]


def task_result(
    accounts: list[AccountIngestion], notes: list[str], fail_on: str, max_fail_percentage: float, *, verbose: bool
) -> VerifyResult:
    """Return the result of `fleet_ingestion_info`: accounts as expected and without S3 sources are not listed.

    The task fails if more than `max_fail_percentage` per cent of the accounts are not as expected.
    """
    failed = unexpected(accounts, fail_on)
    result: VerifyResult = {
        "changed": False,
        "summary": summary(accounts),
        "accounts": {
            item.account.account_id: item.result()
            for item in accounts
            if not item.ingestion_status.as_expected or item.error or "s3_sources" in item.shown
        },
        "failures": failed,
        "failed_hosts": failed_hosts(failed, len(accounts), verbose=verbose),
        "notes": notes,
    }
    if len(failed) * 100 > max_fail_percentage * len(accounts):
        messages = [f"{len(failed)} of {len(accounts)} accounts are not as expected."]
        messages += [failure["message"] for failure in failed[:MAX_LISTED_ACCOUNTS]]
        result["failed"], result["msg"] = True, " ".join(messages)
    return result


def report_header(accounts: list[AccountIngestion], started: datetime, finished: datetime) -> ReportHeader:
    """Return the header of the report of a verification."""
    return {
        "playbook": "verify",
        "started": started.isoformat(timespec="milliseconds"),
        "finished": finished.isoformat(timespec="seconds"),
        "check_mode": False,
        "workspaces": sorted({item.account.workspace for item in accounts}),
        "azure_portal": azure_portal(item.account.azure.cloud_environment for item in accounts),
        "summary": summary(accounts),
    }


def add_workspaces(header: ReportHeader, workspaces: Workspaces) -> None:
    """Add to the header of the report what it has about the workspaces."""
    header["workspace_details"] = workspace_rows(workspaces)
    header["notes"] = workspace_notes(workspaces)


def report_row(item: AccountIngestion) -> AccountRow:
    """Return an account as a row of the report."""
    shown = item.shown
    # An error about the canary event or the role leaves an ingestion status.
    failed = item.error if item.ingestion_status.name == "unknown" else None
    row: AccountRow = {
        "account_id": item.account.account_id,
        "host": item.account.host,
        "ou": item.account.ou,
        "sources": sources.types(item.account.sources),
        "status": "failed" if failed else "ok",
        "resources": [
            {"kind": kind, "id": resource_id, "changed": False}
            for kind, resource_id in (("role", shown["role_arn"]), ("connector", shown["connector_id"]))
            if resource_id
        ],
        "findings": [],
        "calls": [],
        "diff": [],
        "ingestion": _ingestion_row(shown) | {"message": _message(item)},
    }
    if item.account.account_name:
        row["account_name"] = item.account.account_name
    if failed:
        row["error"] = {"class": failed.kind, "message": str(failed)}
    return row


def _ingestion_row(shown: IngestionResult) -> IngestionRow:
    optional = {"health": shown["health"], "canary": shown.get("canary"), "broken_link": _broken_link(shown)}
    tables = shown["tables"] if shown["tables"].keys() - {EVENTS} else {}
    row: Any = {
        "ingestion_status": shown["ingestion_status"],
        "as_expected": shown["as_expected"],
        "message": shown["message"],
        "last_event": shown["last_event"],
        "events": shown["events"],
        "regions": shown["regions"],
        **({"tables": [_table_row(table, one) for table, one in tables.items()]} if tables else {}),
        **{name: value for name, value in optional.items() if value not in (None, {})},
    }
    result: IngestionRow = row
    return result


def _broken_link(shown: IngestionResult) -> BrokenLinkRow | None:
    """Return the broken link of the first S3 source that has one."""
    for one in shown.get("s3_sources", ()):
        if one["broken_link"]:
            return {"link": one["broken_link"], "message": one["message"]}
    return None


def _table_row(table: str, one: TableResult) -> TableRow:
    return {
        "table": table,
        "ingestion_status": one["ingestion_status"],
        "as_expected": one["as_expected"],
        "message": one["message"],
        "last_event": one["last_event"],
        "events": one["events"],
        "regions": one["regions"],
    }
