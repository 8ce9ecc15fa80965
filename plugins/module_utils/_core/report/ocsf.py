# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings of a run as events of the Open Cybersecurity Schema Framework, one JSON object per line.

Source: OCSF 1.8.0, class Compliance Finding (2003) with the profile cloud,
https://schema.ocsf.io/1.8.0/classes/compliance_finding.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ..model.docs_links import DOCUMENTATION, error_url, finding_url
from ..model.errors import CLASSES
from ..model.findings import CHECKS, MANUAL, Code, properties_of
from ..model.report_row import AccountRow, ErrorRow, FindingRow, ReportHeader, account_key
from ..model.text import one_line
from .statistics import (
    ACCEPTED,
    OPEN,
    REPAIRED,
    STATE_BY_INGESTION_STATUS,
    STATE_BY_SEVERITY,
    UNKNOWN,
    Statistics,
    finding_states,
    ingestion_status_of,
    is_unexpected,
)
from .times import epoch_seconds

VERSION = "1.8.0"
CATEGORY_UID, CLASS_UID = 2, 2003
AWS_ACCOUNT = 10

SEVERITIES = {"low": (2, "Low"), "medium": (3, "Medium"), "high": (4, "High"), "critical": (5, "Critical")}
ACTIVITIES = {1: "Create", 3: "Close"}
STATUSES = {OPEN: (1, "New"), ACCEPTED: (3, "Suppressed"), REPAIRED: (4, "Resolved")}
COMPLIANCE_UNKNOWN, COMPLIANCE_PASS, COMPLIANCE_WARNING, COMPLIANCE_FAIL = (
    (0, "Unknown"),
    (1, "Pass"),
    (2, "Warning"),
    (3, "Fail"),
)

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, DOCUMENTATION)
_SEVERITY_BY_STATE = {state: severity for severity, state in STATE_BY_SEVERITY.items()}


class Result(NamedTuple):
    """The content of an event about an account; `code` is a finding code, an error class or an ingestion status."""

    code: str
    check: str
    """A key of CHECKS."""
    severity: str
    title: str
    message: str
    url: str
    state: str = OPEN
    compliance: tuple[int, str] = COMPLIANCE_FAIL
    remediation: str = ""
    accepted: str = ""
    identity: str = ""
    """What distinguishes it from others of the same code in the same account."""


def event_lines(header: ReportHeader, rows: Sequence[AccountRow], statistics: Statistics) -> Iterator[str]:
    """Return the lines: one for a finding, an account that failed or was skipped, or one whose events are missing."""
    common = _common(header)
    for row, account in zip(rows, statistics.account_states, strict=True):
        states = finding_states(row, account)
        for result in _results(row, states):
            yield json.dumps({**common, **_event(row, result)}, separators=(",", ":")) + "\n"


def _common(header: ReportHeader) -> dict[str, Any]:
    """Return what all events of a run have in common."""
    return {
        "category_uid": CATEGORY_UID,
        "category_name": "Findings",
        "class_uid": CLASS_UID,
        "class_name": "Compliance Finding",
        "time": int(epoch_seconds(header["finished"]) * 1000),
        "metadata": {
            "version": VERSION,
            "profiles": ["cloud"],
            "product": {"name": "trailbridge.sentinel", "vendor_name": "trailbridge", "url_string": DOCUMENTATION},
            "log_name": one_line(header["playbook"]),
            "labels": ["check_mode"] if header.get("check_mode") else [],
        },
    }


def _results(row: AccountRow, states: Iterable[str]) -> Iterator[Result]:
    if "error" in row:
        yield _error_result(row["error"])
    elif row["status"] == "skipped":
        title = "The run ended before it came to the account."
        yield Result("skipped", "run", "low", title, title, "", compliance=COMPLIANCE_UNKNOWN)
    for finding, state in zip(row.get("findings", ()), states, strict=True):
        yield _finding_result(finding, state)
    if is_unexpected(row):
        yield _ingestion_result(row, ingestion_status_of(row))


def _error_result(error: ErrorRow) -> Result:
    title, advice = CLASSES.get(error["class"], ("The account failed.", ""))
    return Result(
        error["class"],
        "run",
        "high",
        title,
        error["message"],
        error_url(error["class"]),
        compliance=COMPLIANCE_UNKNOWN,
        remediation=advice,
    )


def _finding_result(finding: FindingRow, state: str) -> Result:
    code = properties_of(finding["code"])
    open_compliance = COMPLIANCE_WARNING if code.informational else COMPLIANCE_FAIL
    return Result(
        finding["code"],
        code.check,
        finding["severity"],
        code.summary or finding["code"],
        finding["message"],
        finding_url(finding["code"]),
        state,
        COMPLIANCE_PASS if state == REPAIRED else open_compliance,
        remediation=_remediation(code),
        accepted=finding.get("accepted", ""),
        identity=finding["message"],
    )


def _remediation(code: Code) -> str:
    calls = ", ".join(call for call in code.repaired_by if call != MANUAL)
    playbook = "offboard" if code.offboarding else "onboard"
    parts = [f"The playbook {playbook} repairs it: {calls}."] if calls else []
    parts += ["The owner of the account has to act, always or in some cases."] if MANUAL in code.repaired_by else []
    return " ".join(parts)


def _ingestion_result(row: AccountRow, ingestion_status: str) -> Result:
    state = STATE_BY_INGESTION_STATUS.get(ingestion_status, UNKNOWN)
    title = "Microsoft Sentinel does not receive the events of the account as expected."
    return Result(
        ingestion_status,
        "events",
        _SEVERITY_BY_STATE.get(state, "medium"),
        title,
        row["ingestion"].get("message") or title,
        f"{DOCUMENTATION}docsite/verification.html",
        compliance=COMPLIANCE_UNKNOWN if state == UNKNOWN else COMPLIANCE_FAIL,
    )


def _event(row: AccountRow, result: Result) -> dict[str, Any]:
    """Return what is special to the event of a result."""
    event = {
        **_classified(result),
        "message": one_line(result.message),
        "cloud": _cloud(row),
        "compliance": _compliance(result),
        "finding_info": _finding_info(account_key(row), result),
        "resources": _resources(row),
    }
    if result.accepted:
        event["status_detail"] = one_line(f"Accepted: {result.accepted}")
    if result.remediation:
        event["remediation"] = {"desc": result.remediation} | ({"references": [result.url]} if result.url else {})
    return event


def _classified(result: Result) -> dict[str, Any]:
    activity_id = 3 if result.state == REPAIRED else 1
    severity_id, severity = SEVERITIES[result.severity]
    status_id, status = STATUSES[result.state]
    return {
        "activity_id": activity_id,
        "activity_name": ACTIVITIES[activity_id],
        "type_uid": CLASS_UID * 100 + activity_id,
        "type_name": f"Compliance Finding: {ACTIVITIES[activity_id]}",
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
    }


def _compliance(result: Result) -> dict[str, Any]:
    status_id, status = result.compliance
    check = CHECKS[result.check]
    return {
        "control": one_line(result.code),
        "category": check.label,
        "desc": check.description,
        "status_id": status_id,
        "status": status,
    }


def _finding_info(account: str, result: Result) -> dict[str, Any]:
    """Return title and id; the same finding of the same account has the same id in each run."""
    identity = one_line(f"{account} {result.check} {result.code} {result.identity}")
    return {
        "uid": str(uuid.uuid5(NAMESPACE, identity)),
        "title": one_line(result.title),
        "desc": one_line(result.message),
        **({"src_url": result.url} if result.url else {}),
    }


def _cloud(row: AccountRow) -> dict[str, Any]:
    account: dict[str, Any] = {**_identity(row), "type_id": AWS_ACCOUNT, "type": "AWS Account"}
    if ou := one_line(row.get("ou") or ""):
        # The schema has `org.ou_name` only beside the name or id of the organization.
        account["tags"] = [{"name": "ou", "value": ou}]
    return {"provider": "AWS", "account": account}


def _resources(row: AccountRow) -> list[dict[str, Any]]:
    """Return the resources of the account, or the account itself where the run found none."""
    return [{"uid": one["id"], "type": one["kind"]} for one in row.get("resources", ())] or [
        {**_identity(row), "type": "AWS Account"}
    ]


def _identity(row: AccountRow) -> dict[str, str]:
    """Return id and name of an account, as far as they are known; without a name it is that of the host."""
    name = one_line(row.get("account_name") or row.get("host") or "")
    return {key: value for key, value in (("uid", row["account_id"]), ("name", name)) if value}
