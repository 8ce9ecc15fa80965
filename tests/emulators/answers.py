# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error responses of Azure, and the headers of every response."""

from __future__ import annotations

import json
import uuid
from typing import Any

from aiohttp import web


class ServiceError(Exception):
    """An error response of ARM or Log Analytics."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body: dict[str, Any] = {"error": {"code": code, "message": message}}

    def response(self) -> web.Response:
        """Return the HTTP response."""
        return web.json_response(self.body, status=self.status, headers=self.headers)


class LoginError(ServiceError):
    """An error response of the token endpoint, in the format of OAuth 2.0."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(status, error, message)
        self.body = {"error": error, "error_description": f"{message} Trace ID: {uuid.uuid4()}"}


def bad_request(message: str) -> ServiceError:
    """Return a 400 for an invalid request."""
    return ServiceError(400, "BadRequest", message)


def not_onboarded(name: str) -> ServiceError:
    """Return the 400 of Sentinel, whose message contains JSON again."""
    inner = {"error": {"code": "BadRequest", "message": f"Workspace '{name}' is not onboarded to Microsoft Sentinel."}}
    return bad_request(json.dumps(inner))


def trace_headers() -> dict[str, str]:
    """Return the headers with request and correlation ids."""
    return {"x-ms-request-id": str(uuid.uuid4()), "x-ms-correlation-request-id": str(uuid.uuid4())}
