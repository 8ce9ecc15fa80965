# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of a run for spreadsheets: one line per account, and no cell that is run as a formula.

Who opens the file decides what separates cells, in many countries a semicolon: a cell may begin wherever in the text.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..model.findings import SEVERITIES
from ..model.text import one_line
from .statistics import Look, Record, Statistics, message_of

# Spreadsheets take a cell that begins so for a formula, also after blanks and in full-width or small form.
FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b]|[\t\r\n]")
# After a letter or a digit, as in ARNs, GUIDs, times and addresses, no cell begins; after all else one may.
BEGIN = re.compile(r"([=+\-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b])(?<![^\W_].)", re.DOTALL)
COLUMNS = (
    "account_id",
    "host",
    "ou",
    "status",
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
    "error_class",
    "error_message",
    "role_arn",
    "connector_id",
)


class _Line:
    """A file whose `write` hands the line on."""

    @staticmethod
    def write(text: str) -> str:
        return text


def lines(records: Sequence[Record], statistics: Statistics) -> Iterator[str]:
    """Return the lines of the file: one account each, with the columns of docs/report.md."""
    writer = csv.writer(_Line())
    # The mark tells Excel that it is UTF-8.
    yield f"\ufeff{writer.writerow(COLUMNS)}"
    for record, seen in zip(records, statistics.looks, strict=True):
        values = _values(record, seen)
        yield str(writer.writerow([cell(values.get(key)) for key in COLUMNS]))


def _values(record: Record, seen: Look) -> dict[str, Any]:
    found, error = record.get("findings", ()), record.get("error", {})
    told = record.get("ingestion", {})
    return {
        **record,
        **told,
        "connected": "yes" if seen.connected else "no",
        "severity": min((one["severity"] for one in found), key=SEVERITIES.index, default=""),
        "findings": " ".join(one["code"] for one in found),
        "open": " ".join(one["code"] for one, still in zip(found, seen.open, strict=True) if still),
        "messages": " | ".join(map(message_of, found)),
        "calls": " ".join(call["name"] for call in record.get("calls", ())),
        "regions": " ".join(told.get("regions") or ()),
        "error_class": error.get("class", ""),
        "error_message": error.get("message", ""),
    }


def cell(value: object) -> object:
    """Return a value as a spreadsheet may open it: on one line, and never a formula."""
    if not isinstance(value, str):
        return value
    text = BEGIN.sub(r"'\1", one_line(value))
    return f"'{text}" if FORMULA.match(value) and text[:1] != "'" else text
