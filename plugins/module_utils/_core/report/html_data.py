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

from ..model.docs_links import error_url, finding_url
from ..model.errors import CLASSES
from ..model.findings import CHECKS
from ..model.report_row import AccountRow
from ..model.text import visible
from .statistics import PASSED, STATE_BY_SEVERITY, UNKNOWN, AccountState, Statistics, ingestion_status_of, message_of

# Accounts on one page of the table. Those of the first one are plain HTML, which needs no JavaScript.
PAGE_SIZE = 200

MARKS = {
    **{state: (state, state.upper(), name) for name, state in STATE_BY_SEVERITY.items()},
    **{state.upper(): (state.upper(),) * 2 + (f"{name}, repaired",) for name, state in STATE_BY_SEVERITY.items()},
    PASSED: ("fine", "✓", "passed"),
    UNKNOWN: ("unknown", "\u2013", "not checked or unknown"),
}
"""The mark of each state of a check, most urgent first: class, character and meaning."""

# JSON without these escapes contains neither invisible characters nor others than ASCII.
_ESCAPES = ("\\u", "\\b", "\\f", "\\r", "\x7f")
_to_json: Callable[[object], str] = json.JSONEncoder(separators=(",", ":"), default=str).encode


def page_rows(rows: Sequence[AccountRow], statistics: Statistics) -> list[Mapping[str, Any]]:
    """Return the accounts with everything that the page shows of them, the most urgent ones first."""
    pairs = zip(rows, statistics.account_states, strict=True)
    by_urgency = sorted(pairs, key=lambda pair: (pair[1].priority, pair[0]["account_id"]))
    return [_page_row(row, state) for row, state in by_urgency]


def _page_row(row: AccountRow, state: AccountState) -> Mapping[str, Any]:
    error, ingestion = _error(row), _ingestion(row)
    findings: list[dict[str, Any]] = [
        {**finding, "message": message_of(finding), "open": is_open, "url": finding_url(finding["code"])}
        for finding, is_open in zip(row.get("findings", ()), state.open, strict=True)
    ]
    status = ingestion.get("ingestion_status", "receiving")
    messages = [
        error.get("message"),
        *(finding["message"] for finding in findings),
        ingestion.get("message") or ("" if status == "receiving" else status),
    ]
    return {
        "resources": (),
        "calls": (),
        "diff": (),
        **row,
        "host": row.get("host") or "",
        "ou": row.get("ou") or "",
        "states": state.states,
        "connected": state.connected,
        "drifted": state.drifted,
        "error": error,
        "findings": findings,
        "ingestion": ingestion,
        "last_event": str(ingestion.get("last_event") or "")[:16].replace("T", " "),
        "summary": "\n".join(filter(None, messages)),
    }


def _error(row: AccountRow) -> Mapping[str, Any]:
    if "error" not in row:
        return {}
    kind, message = row["error"]["class"], row["error"]["message"]
    _meaning, advice = CLASSES.get(kind, ("", ""))
    return {"class": kind, "message": message, "advice": "" if advice in message else advice, "url": error_url(kind)}


def _ingestion(row: AccountRow) -> Mapping[str, Any]:
    ingestion = row.get("ingestion")
    return {**ingestion, "ingestion_status": ingestion_status_of(row)} if ingestion else {}


def compressed(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows of `page_rows` and what their table needs: JSON, compressed by gzip, in base64; no invisible text."""
    head = _to_json({"pageSize": PAGE_SIZE, "checks": list(CHECKS), "marks": MARKS})
    text = f'{head[:-1]},"rows":[{",".join(map(_visible_json, rows))}]}}'
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()


def _visible_json(row: Mapping[str, Any]) -> str:
    text = _to_json(row)
    return _to_json(visible(json.loads(text))) if any(escape in text for escape in _ESCAPES) else text
