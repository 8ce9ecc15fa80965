# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of a run for spreadsheets: one line per account, and no cell that a spreadsheet runs as a formula.

The separator of cells depends on the locale of the reader, in many countries it is a semicolon: a cell may begin
anywhere in the text.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence

from ..model.findings import SEVERITIES
from ..model.report_row import AccountRow, IngestionRow, account_key
from ..model.text import one_line
from .comparison import Comparison
from .statistics import (
    OPEN,
    AccountState,
    Statistics,
    broken_link_text,
    finding_states,
    health_text,
    ingestion_status_of,
    is_unexpected,
    message_of,
)

# Spreadsheets read a cell with such a beginning as a formula, also after blanks and in full-width or small form.
FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b]|[\t\r\n]")
# No cell begins after a letter or a digit, as in ARNs, GUIDs, times and addresses; after anything else one may.
EMBEDDED_FORMULA = re.compile(r"([=+\-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b])(?<![^\W_].)", re.DOTALL)
COLUMNS = (
    "account_id",
    "host",
    "account_name",
    "ou",
    "status",
    "attention",
    "new",
    "connected",
    "severity",
    "findings",
    "open",
    "messages",
    "calls",
    "ingestion_status",
    "last_event",
    "events",
    "regions",
    "health",
    "broken_link",
    "error_class",
    "error_message",
    "resources",
)


class _Echo:
    """A file whose `write` returns the line."""

    @staticmethod
    def write(text: str) -> str:
        return text


def csv_lines(rows: Sequence[AccountRow], statistics: Statistics, since: Comparison | None = None) -> Iterator[str]:
    """Return the lines of the file: one per account, with the columns of docs/report.md."""
    writer = csv.writer(_Echo())
    # The byte order mark makes Excel read the file as UTF-8.
    yield f"\ufeff{writer.writerow(COLUMNS)}"
    for row, state in zip(rows, statistics.account_states, strict=True):
        new = since.new.get(account_key(row), ()) if since else ()
        cells = {**_cells(row, state), "new": " ".join(sorted(new))}
        yield str(writer.writerow([cell(cells.get(column)) for column in COLUMNS]))


def _cells(row: AccountRow, state: AccountState) -> Mapping[str, object]:
    error, ingestion = row.get("error"), row.get("ingestion")
    return {
        **row,
        **(ingestion or {}),
        **(_ingestion_cells(ingestion) if ingestion else {}),
        **_finding_cells(row, state),
        "status": _status(row),
        "connected": "yes" if state.connected else "no",
        "attention": "yes" if state.attention else "no",
        "resources": " ".join(f"{one['kind']}={one['id']}" for one in row.get("resources", ())),
        "calls": " ".join(call["name"] for call in row.get("calls", ())),
        "error_class": error["class"] if error else "",
        "error_message": error["message"] if error else "",
    }


def _status(row: AccountRow) -> str:
    """Return the status; completed work is not ok where the events are not."""
    return ingestion_status_of(row) if row["status"] == "ok" and is_unexpected(row) else row["status"]


def _ingestion_cells(ingestion: IngestionRow) -> Mapping[str, object]:
    return {
        "regions": " ".join(ingestion.get("regions") or ()),
        "health": health_text(ingestion),
        "broken_link": broken_link_text(ingestion),
    }


def _finding_cells(row: AccountRow, state: AccountState) -> Mapping[str, object]:
    findings, ingestion = row.get("findings", ()), row.get("ingestion")
    messages = [*map(message_of, findings), ingestion.get("message") if ingestion else ""]
    return {
        "severity": min((finding["severity"] for finding in findings), key=SEVERITIES.index, default=""),
        "findings": " ".join(finding["code"] for finding in findings),
        "open": " ".join(
            finding["code"]
            for finding, became in zip(findings, finding_states(row, state), strict=True)
            if became == OPEN
        ),
        "messages": " | ".join(filter(None, messages)),
    }


def cell(value: object) -> object:
    """Return a value that a spreadsheet can open safely: on one line, and never a formula."""
    if not isinstance(value, str):
        return value
    text = EMBEDDED_FORMULA.sub(r"'\1", one_line(value))
    return f"'{text}" if FORMULA.match(value) and text[:1] != "'" else text
