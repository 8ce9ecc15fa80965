# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log Analytics: any query returns the rows of the first table that it names."""

from __future__ import annotations

import json
import re
from typing import Any

from .answers import ServiceError
from .state import Json, Workspace

Table = dict[str, Any]
"""`columns` (name and type), `rows`, and `partial` for an incomplete result."""


def query(workspace: Workspace, body: bytes) -> Json:
    """Return the rows of the first table in the query."""
    try:
        text = str(json.loads(body)["query"])
    except (ValueError, KeyError, TypeError):
        raise ServiceError(400, "BadArgumentError", "The request had some invalid properties.") from None
    named = [name for name in re.findall(r"\w+", text) if name in workspace.tables]
    if not named:
        raise _unresolved(text)
    return _result(workspace.tables[named[0]])


def _result(table: Table) -> Json:
    answer: Json = {"tables": [{"name": "PrimaryResult", "columns": table["columns"], "rows": table["rows"]}]}
    if table.get("partial"):
        message = "There were some errors when processing your query."
        answer["error"] = {"code": "PartialError", "message": message, "details": []}
    return answer


def _unresolved(text: str) -> ServiceError:
    """Return the error for a table that does not exist: a semantic error, nested two levels deep."""
    first = re.search(r"\w+", text)
    cause = f"'{first[0] if first else ''}': Failed to resolve table or column expression"
    refused = ServiceError(400, "BadArgumentError", "The request had some invalid properties")
    refused.body["error"]["innererror"] = {
        "code": "SemanticError",
        "message": "A semantic error occurred.",
        "innererror": {"code": "SEM0100", "message": f"'where' operator: Failed to resolve. {cause}"},
    }
    return refused
