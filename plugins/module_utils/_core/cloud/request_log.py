# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of requests: what was called for which account, status, time and request id; never a URL, header or body."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

log = logging.getLogger("trailbridge.sentinel")

current_account: ContextVar[str] = ContextVar("current_account", default="")
"""The account that the current asyncio task works on, "" for requests of the whole run."""

# Headers with the request id of Azure Resource Manager, Log Analytics and Entra ID; the first one that is there counts.
_AZURE_REQUEST_IDS = ("x-ms-correlation-request-id", "x-ms-request-id", "request-id")


def aws(what: str, response: Mapping[str, Any], code: str, seconds: float) -> None:
    """Log a response of AWS, as parsed by botocore, to an operation; `code` is its error code."""
    if log.isEnabledFor(logging.DEBUG):
        metadata = response["ResponseMetadata"]
        request_id = metadata.get("RequestId") or response.get("RequestId") or ""
        _write(what, f"{metadata['HTTPStatusCode']} {code}".rstrip(), seconds, request_id)


def azure(what: str, status: int, headers: Mapping[str, str], seconds: float) -> None:
    """Log a response of Azure."""
    if log.isEnabledFor(logging.DEBUG):
        request_id = next((headers[name] for name in _AZURE_REQUEST_IDS if headers.get(name)), "")
        _write(what, str(status), seconds, request_id)


def lost(what: str, seconds: float) -> None:
    """Log a request without a response."""
    _write(what, "no response", seconds, "")


def _write(what: str, outcome: str, seconds: float, request_id: str) -> None:
    account = current_account.get()
    more = f"{f', account {account}' if account else ''}{f', request {request_id}' if request_id else ''}"
    log.debug("%s: %s in %.0f ms%s", what, outcome, seconds * 1000, more)
