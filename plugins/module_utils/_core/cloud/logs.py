# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Log Analytics: one query, the rows of its answer.

Limits of the service for each user: 5 queries at once, 200 in 30 seconds.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

from ..model.errors import SentinelError
from .arm import Allowance, Azure, Hook, explained

with suppress(ImportError):  # `cloud.azure.Azure` says so in one sentence
    from azure.core.exceptions import HttpResponseError
    from azure.core.rest import HttpRequest

AT_ONCE = 5
# The service gives up before we do, and says so.
SERVICE_SECONDS = 50
_UNRESOLVED = "SEM0100"


T = TypeVar("T")
Rows = list[dict[str, Any]]


class Answer(NamedTuple, Generic[T]):
    """What the rows of an answer say; `has_table` is false where the table does not exist (yet)."""

    said: T
    has_table: bool = True
    partial: bool = False


class Logs:
    """Log Analytics for one credential, for all workspaces that it can read."""

    def __init__(self, azure: Azure, allowance: Allowance) -> None:
        self._azure = azure
        self._allowance = allowance
        self._client = azure.logs()
        self._free = asyncio.Semaphore(AT_ONCE)

    async def query(
        self, workspace_id: str, text: str, lookback: int, read: Callable[[Rows], T], *, what: str
    ) -> Answer[T]:
        """Ask the tables of a workspace about the last `lookback` seconds; `what` says in words what is done.

        `read` gets the rows by column.
        """

        def work(hook: Hook) -> Mapping[str, Any]:
            request = HttpRequest(
                "POST",
                self._client.format_url(f"/v1/workspaces/{workspace_id}/query"),
                json={"query": text, "timespan": f"PT{lookback}S"},
                headers={"Prefer": f"wait={SERVICE_SECONDS}"},
            )
            response = self._client.send_request(request, raw_response_hook=hook)
            response.raise_for_status()
            answer: Mapping[str, Any] = response.json()
            return answer

        async with self._free:
            try:
                raw = await self._azure.ask(work, "queries", what=what, allowance=self._allowance)
            except SentinelError as error:
                if _is_unresolved(error.__cause__):
                    return Answer(read([]), has_table=False)
                raise
        with explained(what):
            return Answer(read(_rows(raw)), partial=bool(raw.get("error")))


def _rows(raw: Mapping[str, Any]) -> Rows:
    [table] = [table for table in raw["tables"] if table["name"] == "PrimaryResult"]
    names = [column["name"] for column in table["columns"]]
    return [dict(zip(names, row, strict=True)) for row in table["rows"]]


def _is_unresolved(error: BaseException | None) -> bool:
    """Tell whether the service knows no table of that name; it says so two errors deep."""
    if not isinstance(error, HttpResponseError) or error.status_code != 400 or error.response is None:
        return False
    try:
        inner = json.loads(error.response.text())["error"]
        while isinstance(inner, dict):
            if inner.get("code") == _UNRESOLVED:
                return True
            inner = inner.get("innererror")
    except (ValueError, KeyError, TypeError):
        pass
    return False
