# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of a verification: lines for the terminal, the result of the task, header and rows of the report."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import NotRequired, TypedDict

from ..console.account_lines import Failure
from ..model.docs_links import pages_line
from ..model.ingestion.ingestion import INGESTION_STATUSES, IngestionResult
from ..model.ingestion.queries import EVENTS, HEALTH
from ..model.report_row import AccountRow, ReportHeader
from .ingestion import AccountIngestion, Workspaces

# Accounts that the terminal lists without `verbose`.
MAX_LISTED_ACCOUNTS = 20


class VerifyResult(TypedDict):
    """The result of `fleet_ingestion_info`."""

    changed: bool
    summary: dict[str, int]
    accounts: dict[str, IngestionResult]
    failures: list[Failure]
    notes: list[str]
    failed: NotRequired[bool]
    msg: NotRequired[str]


def summary(accounts: list[AccountIngestion]) -> dict[str, int]:
    """Return the number of accounts by ingestion status."""
    counts = Counter(item.ingestion_status.name for item in accounts)
    return {"accounts": len(accounts)} | {name: counts[name] for name in INGESTION_STATUSES}


def summary_line(accounts: list[AccountIngestion]) -> str:
    """Return the number of accounts by ingestion status in one line."""
    counts = summary(accounts)
    noun = "account" if len(accounts) == 1 else "accounts"
    parts = [f"{counts[name]} {name}" for name in INGESTION_STATUSES if counts[name] or name == "receiving"]
    return f"{len(accounts)} {noun}: {', '.join(parts)}"


def status_lines(accounts: list[AccountIngestion], *, verbose: bool = False) -> list[str]:
    """Return one line per account that is not as expected or has an error, with `verbose` all accounts.

    If there are errors, the last line is the address of their documentation.
    """
    lines = [*_unexpected_lines(accounts), *_error_lines(accounts)]
    if verbose:
        expected = [item for item in accounts if item.ingestion_status.as_expected]
        lines += [f"{item.ingestion_status.name}: [{item.account.name}]" for item in expected]
    elif (more := len(lines) - MAX_LISTED_ACCOUNTS) > 0:
        lines = [*lines[:MAX_LISTED_ACCOUNTS], f"and {more} more, listed with -v"]
    page = pages_line(findings=False, errors=any(item.error for item in accounts))
    return [*lines, page] if page else lines


def _unexpected_lines(accounts: list[AccountIngestion]) -> list[str]:
    return [
        f"{item.ingestion_status.name}: [{item.account.name}] {item.ingestion_status.message}"
        for item in accounts
        if not item.ingestion_status.as_expected
    ]


def _error_lines(accounts: list[AccountIngestion]) -> list[str]:
    """Return the errors of the accounts that their status does not have as its message."""
    return [
        f"note: [{item.account.name}] {item.error}"
        for item in accounts
        if item.error and str(item.error) != item.ingestion_status.message
    ]


def workspace_notes(workspaces: Workspaces) -> list[str]:
    """Return notes about the workspaces: missing tables, partial answers, unknown health."""
    notes = []
    for workspace in workspaces.values():
        if workspace.error:
            continue  # the lines of its accounts have the error
        if not workspace.snapshot.has_table:
            notes.append(f"Workspace {workspace.name} has no table {EVENTS} yet: no event has been ingested.")
        if workspace.snapshot.partial:
            notes.append(f"Log Analytics returned only a partial answer for workspace {workspace.name}.")
        if workspace.health_error:
            notes.append(workspace.health_error)
        elif workspace.snapshot.health is None:
            notes.append(
                f"Workspace {workspace.name} has no table {HEALTH}: turn on health monitoring in the settings of "
                "Microsoft Sentinel to see why a connector fails."
            )
    return notes


def unexpected(accounts: list[AccountIngestion], fail_on: str) -> list[Failure]:
    """Return the accounts that are not as expected, each with one message; none where `fail_on` is "never"."""
    return [
        {
            "account_id": item.account.account_id,
            "host": item.account.host,
            "message": f"Account {item.account.account_id} is {status.name}: {status.message}",
        }
        for item in accounts
        if fail_on != "never" and not (status := item.ingestion_status).as_expected
    ]


def task_result(
    accounts: list[AccountIngestion], notes: list[str], fail_on: str, max_fail_percentage: float
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
        "summary": summary(accounts),
    }


def report_row(item: AccountIngestion) -> AccountRow:
    """Return an account as a row of the report."""
    shown = item.shown
    return {
        "account_id": item.account.account_id,
        "host": item.account.host,
        "ou": item.account.ou,
        "status": "ok",
        "resources": [
            {"kind": kind, "id": resource_id, "changed": False}
            for kind, resource_id in (("role", shown["role_arn"]), ("connector", shown["connector_id"]))
            if resource_id
        ],
        "findings": [],
        "calls": [],
        "diff": [],
        "ingestion": {
            "ingestion_status": shown["ingestion_status"],
            "as_expected": shown["as_expected"],
            "message": shown["message"],
            "last_event": shown["last_event"],
            "events": shown["events"],
            "regions": shown["regions"],
        },
    }
