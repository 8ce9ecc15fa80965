# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON of data connectors of every kind, and the calls that change one. Pure.

Source: "Data Connectors - Create Or Update" (Microsoft Sentinel REST API).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from ..plan import Call

DELETE = "DataConnectors_Delete"

JsonObject = Mapping[str, Any]


class Body(TypedDict):
    """The body of a PUT; `properties` are those of the kind. An `etag` must be the current one."""

    kind: str
    etag: NotRequired[str]
    properties: dict[str, Any]


def properties_of(raw: JsonObject) -> JsonObject:
    """Return the properties of a connector, {} if it has none."""
    return raw.get("properties") or {}


def is_enabled(properties: JsonObject) -> bool:
    """Return whether the data type "logs" is enabled; responses have the state in any case."""
    logs = (properties.get("dataTypes") or {}).get("logs") or {}
    return str(logs.get("state")).lower() == "enabled"


def state(*, enabled: bool) -> str:
    """Return the state of a data type, as the API spells it."""
    return "Enabled" if enabled else "Disabled"


def with_state(properties: JsonObject, *, enabled: bool) -> dict[str, Any]:
    """Return the properties with this state of the data type "logs"; all others are kept."""
    types = properties.get("dataTypes") or {}
    logs = {**(types.get("logs") or {}), "state": state(enabled=enabled)}
    return {**properties, "dataTypes": {**types, "logs": logs}}


def put(name: str, kind: str, etag: str | None, properties: dict[str, Any]) -> Call:
    """Return the call that creates or replaces a connector."""
    body = Body(kind=kind, properties=properties)
    if etag:
        body["etag"] = etag
    return Call("DataConnectors_CreateOrUpdate", {"data_connector_id": name, "data_connector": body})


def removal(name: str) -> Call:
    """Return the call that removes a connector."""
    return Call(DELETE, {"data_connector_id": name})
