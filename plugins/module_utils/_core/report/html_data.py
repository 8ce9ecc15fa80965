# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts as data of the HTML report: what its table shows of each, and all of them compressed."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..model.console_links import resource_url
from ..model.docs_links import error_url, finding_url
from ..model.errors import CLASSES
from ..model.findings import CHECKS
from ..model.report_row import AccountRow, ReportHeader, account_key
from ..model.text import visible
from .comparison import Comparison
from .statistics import (
    PASSED,
    STATE_BY_INGESTION_STATUS,
    STATE_BY_SEVERITY,
    UNKNOWN,
    AccountState,
    Statistics,
    broken_link_text,
    health_text,
    ingestion_status_of,
    is_unexpected,
    is_verification,
    message_of,
)

# Accounts on one page of the table. Those of the first one are plain HTML, which needs no JavaScript.
PAGE_SIZE = 200

MARKS = {
    **{state: (state, state.upper(), name) for name, state in STATE_BY_SEVERITY.items()},
    **{state.upper(): (state.upper(),) * 2 + (f"{name}, repaired",) for name, state in STATE_BY_SEVERITY.items()},
    PASSED: ("fine", "✓", "passed"),
    UNKNOWN: ("unknown", "\u2013", "not checked or unknown"),
}
"""The mark of each state of a check, most urgent first: class, character and meaning."""

_TONES = {PASSED: "good", STATE_BY_SEVERITY["medium"]: "warn", UNKNOWN: "soft"}
COLUMNS = {
    "ou": "OU",
    "last_event": "Last event",
    "regions": "Regions",
    "health": "Health",
    "broken_link": "Broken link",
    "details": "Details",
}

# JSON without these escapes contains neither invisible characters nor others than ASCII.
_ESCAPES = ("\\u", "\\b", "\\f", "\\r", "\x7f")
_to_json: Callable[[object], str] = json.JSONEncoder(separators=(",", ":"), default=str).encode


def page_rows(
    header: ReportHeader, rows: Sequence[AccountRow], statistics: Statistics, since: Comparison | None
) -> list[Mapping[str, Any]]:
    """Return the accounts with everything that the page shows of them, the most urgent ones first."""
    pairs = zip(rows, statistics.account_states, strict=True)
    by_urgency = sorted(pairs, key=lambda pair: (pair[1].priority, pair[0]["account_id"]))
    new = since.new if since else {}
    return [_page_row(header, row, state, is_new=account_key(row) in new) for row, state in by_urgency]


def _page_row(header: ReportHeader, row: AccountRow, state: AccountState, *, is_new: bool) -> Mapping[str, Any]:
    portal, error, ingestion = header.get("azure_portal", ""), _error(row), _ingestion(row)
    findings: list[dict[str, Any]] = [
        {**finding, "message": message_of(finding), "open": is_open, "url": finding_url(finding["code"])}
        for finding, is_open in zip(row.get("findings", ()), state.open, strict=True)
    ]
    label, tone = _status(row, state, ingestion.get("ingestion_status", "") if _is_about_events(header, row) else "")
    return {
        "calls": (),
        "diff": (),
        **row,
        "resources": [{**one, "url": resource_url(one["kind"], one["id"], portal)} for one in row.get("resources", ())],
        "host": row.get("host") or "",
        "account_name": row.get("account_name") or "",
        "label": label,
        "tone": tone,
        "states": state.states,
        "connected": state.connected,
        "drifted": state.drifted,
        "attention": state.attention,
        "new": is_new,
        "error": error,
        "findings": findings,
        "ingestion": ingestion,
        "cells": _cells(row, ingestion, [error.get("message"), *(finding["message"] for finding in findings)]),
    }


def _cells(row: AccountRow, ingestion: Mapping[str, Any], messages: Sequence[str | None]) -> Mapping[str, str]:
    """Return the texts of the columns of COLUMNS."""
    return {
        "ou": row.get("ou") or "",
        "last_event": str(ingestion.get("last_event") or "")[:16].replace("T", " "),
        "regions": ", ".join(ingestion.get("regions") or ()),
        # The message of the account has the rest.
        "health": health_text(row["ingestion"], with_message=False) if "ingestion" in row else "",
        "broken_link": ingestion.get("broken_link", ""),
        "details": "\n".join(dict.fromkeys(filter(None, (*messages, ingestion.get("message"))))),
    }


def _is_about_events(header: ReportHeader, row: AccountRow) -> bool:
    """Whether nothing but its events decides the status of an account."""
    return is_verification(header) or (row["status"] == "ok" and is_unexpected(row) and not row.get("findings"))


def _status(row: AccountRow, state: AccountState, ingestion_status: str) -> tuple[str, str]:
    """Return the status of an account as the page shows it, and its color: good, changed, warn, bad or soft.

    `ingestion_status` is "" where something else matters more.
    """
    status = row["status"]
    if ingestion_status:
        tone = _TONES.get(STATE_BY_INGESTION_STATUS.get(ingestion_status, UNKNOWN), "bad")
        return ingestion_status.replace("_", " "), tone
    if status == "ok":
        return ("open findings", "warn") if state.attention else ("ok", "good")
    return status, {"failed": "bad"}.get(status, "warn" if state.attention else "changed")


def columns(rows: Sequence[Mapping[str, Any]], *, verified: bool) -> list[tuple[str, str]]:
    """Return name and title of the columns of text that are not empty in all accounts."""
    names = [name for name in COLUMNS if verified or name not in ("regions", "health", "broken_link")]
    return [(name, COLUMNS[name]) for name in names if any(row["cells"][name] for row in rows)]


def _error(row: AccountRow) -> Mapping[str, Any]:
    if "error" not in row:
        return {}
    kind, message = row["error"]["class"], row["error"]["message"]
    _meaning, advice = CLASSES.get(kind, ("", ""))
    return {"class": kind, "message": message, "advice": "" if advice in message else advice, "url": error_url(kind)}


def _ingestion(row: AccountRow) -> Mapping[str, Any]:
    ingestion = row.get("ingestion")
    if not ingestion:
        return {}
    texts = {"health": health_text(ingestion), "broken_link": broken_link_text(ingestion)}
    return {**ingestion, **texts, "ingestion_status": ingestion_status_of(row)}


def compressed(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows of `page_rows` and what their table needs: JSON, compressed by gzip, in base64; no invisible text."""
    head = _to_json({"pageSize": PAGE_SIZE, "checks": list(CHECKS), "marks": MARKS})
    text = f'{head[:-1]},"rows":[{",".join(map(_visible_json, rows))}]}}'
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()


def _visible_json(row: Mapping[str, Any]) -> str:
    text = _to_json(row)
    return _to_json(visible(json.loads(text))) if any(escape in text for escape in _ESCAPES) else text
