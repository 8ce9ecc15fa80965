# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts as data inside the HTML report: compact, each string once, and limited to a size that browsers open."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from ..model.findings import CHECKS
from ..model.report_row import AccountRow, CallRow, DiffRow, ResourceRow
from ..model.text import one_line, visible
from .statistics import AccountState, Statistics, ingestion_status_of, message_of

# Bytes of all strings. Above the first limit the page leaves arguments and differences to report.json, above the second
# one it cuts long strings. Together with the rows themselves 10,000 accounts stay below 5 MB.
MAX_DETAILS_SIZE, MAX_STRINGS_SIZE = 1_600_000, 2_400_000
MAX_STRING, MAX_CUT_STRING = 4_000, 60
MAX_DETAIL = 40_000

# The strings of different accounts differ mostly in these three values, so a placeholder stands for each of them:
# account id, connector id, host.
PLACEHOLDERS = "\ue000\ue001\ue002"
MIN_REPLACED = 6

Item = TypeVar("Item")

_UNICODE_JSON: Callable[[object], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
_ASCII_JSON: Callable[[object], str] = json.JSONEncoder(separators=(",", ":"), default=str).encode


def to_json(value: object) -> str:
    """Return the JSON of a value; if it has invisible characters, everything but ASCII is escaped, without loss."""
    text = _UNICODE_JSON(value)
    return text if text.isprintable() else _ASCII_JSON(value)


class StringTable:
    """Every string once; rows refer to strings by their index."""

    def __init__(self) -> None:
        self._indexes: dict[str, int] = {}
        self._size = 0

    def index(self, text: str) -> int:
        """Return the index of a string that the page needs; a long one is cut when the table is full."""
        limit = MAX_STRING if self._size < MAX_STRINGS_SIZE else MAX_CUT_STRING
        return self._add(text if len(text) <= limit else f"{text[:limit]}…")

    def detail_index(self, text: str) -> int:
        """Return the index of a string that is also in report.json, or -1 if the table has no room for it."""
        known = self._indexes.get(text)
        if known is not None:
            return known
        return -1 if self._size > MAX_DETAILS_SIZE or len(text) > MAX_DETAIL else self._add(text)

    def _add(self, text: str) -> int:
        if text not in self._indexes:
            self._size += len(text.encode(errors="replace")) + 3
            self._indexes[text] = len(self._indexes)
        return self._indexes[text]

    @property
    def strings(self) -> list[str]:
        """Every string, by its index."""
        return list(self._indexes)


class _Template:
    """Turns the strings of one account into templates: placeholders instead of the values that only it has."""

    def __init__(self, row: AccountRow) -> None:
        # Of the ids of resources the last part alone may be unique, such as the name of a connector.
        names = (one_line(str(one["id"])).partition("/")[2].rpartition("/")[2] for one in row.get("resources", ()))
        self.name = max(names, key=len, default="")
        values = (str(row["account_id"]), self.name, one_line(str(row.get("host") or "")))
        pairs = zip(PLACEHOLDERS, values, strict=True)
        self._replacements = [(value, placeholder) for placeholder, value in pairs if len(value) >= MIN_REPLACED]

    def __call__(self, text: object) -> str:
        template: str = visible(str(text))
        for value, placeholder in self._replacements:
            template = template.replace(value, placeholder)
        return template


def accounts_json(rows: Sequence[AccountRow], statistics: Statistics) -> str:
    """Return the accounts as JSON that may stand inside a script element, the most urgent ones first."""
    strings = StringTable()
    pairs = sorted(
        zip(rows, statistics.account_states, strict=True), key=lambda pair: (pair[1].priority, pair[0]["account_id"])
    )
    packed = [_row(row, state, strings) for row, state in pairs]
    # The placeholders, which are many, are the only invisible characters in it.
    return _UNICODE_JSON({"checks": list(CHECKS), "strings": strings.strings, "rows": packed}).replace("<", "\\u003c")


def _row(row: AccountRow, state: AccountState, strings: StringTable) -> list[Any]:
    template = _Template(row)
    error = row.get("error")

    def flat(pack: Callable[[Item, StringTable, _Template], tuple[int, ...]], items: Iterable[Item]) -> list[int]:
        return [number for item in items for number in pack(item, strings, template)]

    packed: list[Any] = [
        str(row["account_id"]),
        one_line(str(row.get("host") or ""))[:120],
        strings.index(one_line(str(row.get("ou") or ""))),
        row["status"],
        state.states,
        state.connected + 2 * state.drifted,
        flat(_resource, row.get("resources", ())),
        template.name,
        _findings(row, state, strings, template),
        [one_line(error["class"]), strings.index(template(error["message"]))] if error else 0,
        _ingestion(row, strings, template),
        flat(_call, row.get("calls", ())),
        flat(_diff, row.get("diff", ())),
    ]
    while packed[-1] in (0, []):
        packed.pop()
    return packed


def _resource(one: ResourceRow, strings: StringTable, template: _Template) -> tuple[int, int]:
    return strings.index(one_line(one["kind"])), strings.index(template(one["id"]))


def _findings(row: AccountRow, state: AccountState, strings: StringTable, template: _Template) -> list[Any]:
    packed: list[Any] = []
    for finding, is_open in zip(row.get("findings", ()), state.open, strict=True):
        name = strings.index(f"{finding['severity'][0]}{finding['code']}")
        packed += name, strings.index(template(message_of(finding))), +is_open
    return packed


def _ingestion(row: AccountRow, strings: StringTable, template: _Template) -> list[Any] | int:
    ingestion, ingestion_status = row.get("ingestion"), ingestion_status_of(row)
    if not ingestion or not ingestion_status:
        return 0
    regions = one_line(", ".join(map(str, ingestion.get("regions") or ())))
    return [
        strings.index(ingestion_status),
        one_line(str(ingestion.get("last_event") or ""))[:19],
        ingestion.get("events") or 0,
        strings.index(regions),
        strings.index(template(ingestion.get("message") or "")),
    ]


def _call(call: CallRow, strings: StringTable, template: _Template) -> tuple[int, int]:
    return strings.index(call["name"]), strings.detail_index(template(_as_text(call.get("args"))))


def _diff(diff: DiffRow, strings: StringTable, template: _Template) -> tuple[int, int, int]:
    header = diff.get("after_header") or diff.get("before_header") or ""
    before, after = (strings.detail_index(template(_as_text(side))) for side in (diff.get("before"), diff.get("after")))
    return strings.index(template(header)), before, after


def _as_text(value: object) -> str:
    if not value:
        return ""
    return value if isinstance(value, str) else to_json(value)
