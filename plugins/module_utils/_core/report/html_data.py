# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts as the HTML report holds them: compact, each text once, and never more than a browser likes to open."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from ..model.text import one_line, visible
from .statistics import Look, Record, Statistics, ingestion_status_of, message_of

# Bytes of text: from the first limit on arguments and differences are left to report.json, from the second on long
# texts are cut. With what a row itself takes, 10,000 accounts stay below 5 MB.
DETAILS, TEXTS = 1_600_000, 2_400_000
LONGEST, SHORTENED = 4_000, 60
LONGEST_DETAIL = 40_000

# Texts of different accounts are mostly the same but for these, so each stands for one: account, connector, host.
MARKS = "\ue000\ue001\ue002"

_WHOLE: Callable[[object], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
_ASCII: Callable[[object], str] = json.JSONEncoder(separators=(",", ":"), default=str).encode


def packed(value: object) -> str:
    """Return the JSON of a value; where that holds what cannot be seen, all but ASCII is escaped, and nothing lost."""
    text = _WHOLE(value)
    return text if text.isprintable() else _ASCII(value)


class Texts:
    """Every text once, in the order of their numbers."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._size = 0

    def number(self, text: str) -> int:
        """Return the number of a text that a reader cannot do without; it is cut when there is no room left."""
        most = LONGEST if self._size < TEXTS else SHORTENED
        return self._take(text if len(text) <= most else f"{text[:most]}…")

    def detail(self, text: str) -> int:
        """Return the number of a text that stands in report.json too, or -1 when there is no room for it."""
        known = self._numbers.get(text)
        if known is not None:
            return known
        return -1 if self._size > DETAILS or len(text) > LONGEST_DETAIL else self._take(text)

    def _take(self, text: str) -> int:
        if text not in self._numbers:
            self._size += len(text.encode(errors="replace")) + 3
            self._numbers[text] = len(self._numbers)
        return self._numbers[text]

    @property
    def all(self) -> list[str]:
        """Every text, by its number."""
        return list(self._numbers)


class _Marked:
    """The texts of one account, with marks in the place of what only this account has."""

    def __init__(self, record: Record) -> None:
        self._connector = one_line(str(record.get("connector_id") or "")).rpartition("/")[2]
        host = one_line(str(record.get("host") or ""))
        pairs = zip(MARKS, (str(record["account_id"]), self._connector, host), strict=True)
        self._marks = [(text, mark) for mark, text in pairs if len(text) > 5]

    def __call__(self, text: object) -> str:
        marked: str = visible(str(text))
        for own, mark in self._marks:
            marked = marked.replace(own, mark)
        return marked

    @property
    def connector(self) -> str:
        return self._connector


def data(records: Sequence[Record], statistics: Statistics) -> str:
    """Return the accounts as JSON that may stand inside a script element; who needs attention comes first."""
    texts = Texts()
    pairs = sorted(
        zip(records, statistics.looks, strict=True), key=lambda pair: (pair[1].attention, pair[0]["account_id"])
    )
    rows = [_row(record, seen, texts) for record, seen in pairs]
    # Nothing in it is hidden any more but the marks, which are many.
    return _WHOLE({"texts": texts.all, "rows": rows}).replace("<", "\\u003c")


def _row(record: Record, seen: Look, texts: Texts) -> list[Any]:
    marked = _Marked(record)
    error = record.get("error")
    row: list[Any] = [
        str(record["account_id"]),
        one_line(str(record.get("host") or ""))[:120],
        texts.number(one_line(str(record.get("ou") or ""))),
        record["status"],
        seen.states,
        seen.connected + 2 * seen.drifted,
        texts.number(marked(record.get("role_arn") or "")),
        texts.number(marked(record.get("connector_id") or "")),
        marked.connector,
        _findings(record, seen, texts, marked),
        [one_line(error["class"]), texts.number(marked(error["message"]))] if error else 0,
        _ingestion(record, texts, marked),
        [item for call in record.get("calls", ()) for item in _call(call, texts, marked)],
        [item for part in record.get("diff", ()) for item in _difference(part, texts, marked)],
    ]
    while row[-1] in (0, []):
        row.pop()
    return row


def _findings(record: Record, seen: Look, texts: Texts, marked: _Marked) -> list[Any]:
    row: list[Any] = []
    for one, still in zip(record.get("findings", ()), seen.open, strict=True):
        row += texts.number(f"{one['severity'][0]}{one['code']}"), texts.number(marked(message_of(one))), +still
    return row


def _ingestion(record: Record, texts: Texts, marked: _Marked) -> list[Any] | int:
    ingestion_status = ingestion_status_of(record)
    if not ingestion_status:
        return 0
    told = record["ingestion"]
    regions, message = one_line(", ".join(map(str, told.get("regions") or ()))), marked(told.get("message") or "")
    last = one_line(str(told.get("last_event") or ""))[:19]
    return [texts.number(ingestion_status), last, told.get("events") or 0, texts.number(regions), texts.number(message)]


def _call(call: dict[str, Any], texts: Texts, marked: _Marked) -> tuple[int, int]:
    return texts.number(call["name"]), texts.detail(marked(_packed(call.get("args"))))


def _difference(part: dict[str, Any], texts: Texts, marked: _Marked) -> tuple[int, int, int]:
    header = part.get("after_header") or part.get("before_header") or ""
    before, after = (texts.detail(marked(_packed(part.get(side)))) for side in ("before", "after"))
    return texts.number(marked(header)), before, after


def _packed(value: object) -> str:
    if not value:
        return ""
    return value if isinstance(value, str) else packed(value)
