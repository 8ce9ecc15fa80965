# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Log Analytics: queries and their rows.

Limits of the service for each user: 5 concurrent queries, 200 in 30 seconds.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

from ..model.connector.data_connector import JsonObject
from ..model.errors import SentinelError, cannot
from .arm import Azure, RateLimit, translate_azure_errors
from .response import parse

with suppress(ImportError):  # reported by `cloud.arm.Azure`
    from azure.core.exceptions import HttpResponseError
    from azure.core.rest import HttpRequest

MAX_CONCURRENT_QUERIES = 5
# Shorter than the read timeout, so that the service responds with its own error.
QUERY_TIMEOUT_SECONDS = 50
_UNRESOLVED_NAME = "SEM0100"


T = TypeVar("T")
Rows = list[dict[str, Any]]


class QueryResult(NamedTuple, Generic[T]):
    """The parsed rows of a query; `has_table` is false if the optional table does not exist (yet).

    `partial` if the service returned only a part of the result.
    """

    value: T
    has_table: bool = True
    partial: bool = False


class Logs:
    """Log Analytics for one credential, for all workspaces that it can read."""

    def __init__(self, azure: Azure, rate_limit: RateLimit) -> None:
        self._azure = azure
        self._rate_limit = rate_limit
        self._client = azure.logs()
        self._free = asyncio.Semaphore(MAX_CONCURRENT_QUERIES)

    async def query(
        self,
        workspace_id: str,
        text: str,
        lookback: int,
        read: Callable[[Rows], T],
        *,
        action: str,
        optional_table: str = "",
    ) -> QueryResult[T]:
        """Run a KQL query over the last `lookback` seconds and return `read` of its rows.

        A row is a dict by column name; `read` is a parse function. If the `optional_table` does not exist, there are no
        rows. Raises SentinelError, "Cannot <action>: …".
        """
        request = HttpRequest(
            "POST",
            self._client.format_url(f"/v1/workspaces/{workspace_id}/query"),
            json={"query": text, "timespan": f"PT{lookback}S"},
            headers={"Prefer": f"wait={QUERY_TIMEOUT_SECONDS}"},
        )
        async with self._free:
            try:
                raw = await self._azure.send(
                    self._client, request, "queries", action=action, rate_limit=self._rate_limit
                )
            except SentinelError as error:
                causes = _causes(error.__cause__)
                if optional_table and _is_missing(optional_table, causes):
                    return QueryResult(read([]), has_table=False)
                raise _innermost(causes, error, action) from error.__cause__
        with translate_azure_errors(action):
            return QueryResult(parse(read, parse(_parse_rows, raw)), partial=bool(raw.get("error")))


def _parse_rows(raw: JsonObject) -> Rows:
    [table] = [table for table in raw["tables"] if table["name"] == "PrimaryResult"]
    names = [column["name"] for column in table["columns"]]
    return [dict(zip(names, row, strict=True)) for row in table["rows"]]


def _is_missing(table: str, causes: list[tuple[str, str]]) -> bool:
    """Return whether the service cannot resolve the name of a table.

    The same code stands for a column that does not exist, and for an operator that cannot be resolved.
    """
    return any(code == _UNRESOLVED_NAME and f"'{table}'" in message for code, message in causes)


def _innermost(causes: list[tuple[str, str]], error: SentinelError, action: str) -> SentinelError:
    """Return the error of a query with its innermost cause; the outer ones only name a class of errors."""
    if not causes:
        return error
    code, message = causes[-1]
    return cannot(error.kind, action, f"{message.rstrip('.')} ({code})")


def _causes(error: BaseException | None) -> list[tuple[str, str]]:
    """Return code and message of the inner errors of a refused query, the innermost last."""
    if not isinstance(error, HttpResponseError) or error.status_code != 400 or error.response is None:
        return []
    found = []
    try:
        inner = json.loads(error.response.text())["error"].get("innererror")
        while isinstance(inner, dict):
            found.append((str(inner.get("code")), str(inner.get("message") or "no reason given")))
            inner = inner.get("innererror")
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    return found
