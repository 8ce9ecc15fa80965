# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log Analytics: executes queries over the rows of a workspace, and returns them in the service's format."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

from .answers import ServiceError
from .state import Json, Workspace
from .tables import Answer, QueryError, UnresolvedError

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII)


def query(workspace: Workspace, body: bytes, now: datetime, max_rows: int) -> Json:
    """Return the result of a query; more than `max_rows` rows make it a partial one."""
    try:
        sent = json.loads(body)
        text, since = str(sent["query"]), _start(sent.get("timespan"), now)
    except (ValueError, KeyError, TypeError):
        raise ServiceError(400, "BadArgumentError", "The request had some invalid properties.") from None
    try:
        return _result(workspace.tables.query(text, now, since), max_rows)
    except UnresolvedError as unresolved:
        message = f"Failed to resolve table or column expression named '{unresolved}'"
        raise _refused("SemanticError", "A semantic error occurred.", "SEM0100", message) from None
    except QueryError as error:
        raise _refused("SyntaxError", "A recognition error occurred in the query.", "SYN0002", str(error)) from None


def _start(timespan: str | None, now: datetime) -> datetime | None:
    """Return the start of a duration that ends now; whether the service drops rows from later than now is not known."""
    if timespan is None:
        return None
    found = _DURATION.fullmatch(timespan)
    if not found:
        raise ValueError(timespan)
    days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
    return now - timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _result(found: Answer, max_rows: int) -> Json:
    rows = found.rows[:max_rows]
    answer: Json = {"tables": [{"name": "PrimaryResult", "columns": found.columns, "rows": rows}]}
    if len(found.rows) > max_rows:
        message = "There were some errors when processing your query."
        answer["error"] = {"code": "PartialError", "message": message, "details": []}
    return answer


def _refused(kind: str, meaning: str, code: str, message: str) -> ServiceError:
    """Return the error for a query that cannot be executed; its cause is nested two levels deep."""
    refused = ServiceError(400, "BadArgumentError", "The request had some invalid properties")
    cause = {"code": code, "message": message}
    refused.body["error"]["innererror"] = {"code": kind, "message": meaning, "innererror": cause}
    return refused
