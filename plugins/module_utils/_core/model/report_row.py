# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The header and the rows of a report as data: the shapes that docs/report.schema.json describes. Pure."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class FindingRow(TypedDict):
    """One finding of an account; `accepted` is the reason for which it was accepted."""

    severity: str
    code: str
    message: str
    repaired: NotRequired[bool]
    accepted: NotRequired[str]


class CallRow(TypedDict):
    """One API call that was made, or in check mode would be made."""

    name: str
    args: NotRequired[dict[str, Any]]


class DiffRow(TypedDict, total=False):
    """One difference in the form of Ansible's diffs; each side is data or text."""

    before_header: str
    after_header: str
    before: Any
    after: Any


ErrorRow = TypedDict("ErrorRow", {"class": str, "message": str})


class ResourceRow(TypedDict):
    """One resource of an account: its kind, such as "role", its ARN, ARM id or URL, and whether it was changed."""

    kind: str
    id: str
    changed: bool


class TableRow(TypedDict):
    """The ingestion of one table for an account; `last_event` is a time in ISO 8601."""

    table: str
    ingestion_status: str
    as_expected: bool
    message: str
    last_event: str | None
    events: int
    regions: list[str]


class HealthRow(TypedDict):
    """What Microsoft Sentinel reports about a connector: whether fetching events `failed`, since when, and why."""

    failed: bool
    time: NotRequired[str]
    reason: NotRequired[str]
    message: NotRequired[str]


class BrokenLinkRow(TypedDict):
    """The first part of the chain from AWS to the workspace that does not work, such as "queue", and why."""

    link: str
    message: NotRequired[str]


class IngestionRow(TypedDict):
    """The ingestion of the events of one account; `last_event` is a time in ISO 8601.

    `tables` are there if the account has others than AWSCloudTrail.
    """

    ingestion_status: str
    as_expected: NotRequired[bool]
    message: NotRequired[str]
    last_event: NotRequired[str | None]
    events: NotRequired[int]
    regions: NotRequired[list[str]]
    tables: NotRequired[list[TableRow]]
    health: NotRequired[HealthRow]
    canary: NotRequired[bool]
    broken_link: NotRequired[BrokenLinkRow]


class AccountRow(TypedDict):
    """One account of a report; `status` is ok, changed, failed or skipped, `sources` the types of its sources."""

    account_id: str
    host: str
    account_name: NotRequired[str]
    ou: NotRequired[str]
    sources: NotRequired[list[str]]
    status: str
    resources: list[ResourceRow]
    findings: list[FindingRow]
    calls: list[CallRow]
    diff: list[DiffRow]
    error: NotRequired[ErrorRow]
    ingestion: NotRequired[IngestionRow]


def account_key(row: AccountRow) -> str:
    """Return what identifies an account: its id, or the name of a host that has none."""
    return str(row["account_id"] or row.get("host") or "")


class ExcludedRow(TypedDict):
    """An account of the organization that the run did not include."""

    account_id: str
    reason: str


class OrganizationRow(TypedDict):
    """The accounts that AWS Organizations lists: their number, and those that the run did not include."""

    accounts: int
    excluded: list[ExcludedRow]


class WorkspaceRow(TypedDict):
    """A workspace: its solution of the Content hub and its health monitoring, as in `workspace_info`."""

    name: str
    solution: dict[str, Any]
    health_monitoring: dict[str, Any]


class ReportHeader(TypedDict):
    """What a report contains about the run as a whole; `started` and `finished` are times in ISO 8601 with offset.

    `interrupted` is why a verification ended before its time, `skip_reasons` are why accounts were skipped.
    """

    playbook: str
    started: str
    finished: str
    check_mode: NotRequired[bool]
    workspaces: NotRequired[list[str]]
    workspace_details: NotRequired[list[WorkspaceRow]]
    notes: NotRequired[list[str]]
    interrupted: NotRequired[str]
    skip_reasons: NotRequired[list[ErrorRow]]
    user: NotRequired[str]
    limit: NotRequired[str]
    azure_portal: NotRequired[str]
    summary: NotRequired[dict[str, int]]
    organization: NotRequired[OrganizationRow | None]
    orphans: NotRequired[list[Any]]
    schema: NotRequired[int]
    run: NotRequired[str]


class StoredReport(ReportHeader):
    """The content of a report.json, as far as a later run reads it."""

    accounts: list[AccountRow]


class HistoryEntry(TypedDict):
    """One run in history.jsonl; a number is None where the run did not check it."""

    started: str
    finished: NotRequired[str]
    playbook: str
    check_mode: NotRequired[bool]
    run: NotRequired[str]
    numbers: dict[str, int | None]
