# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data connectors of the kind AmazonWebServicesS3: built-in ones and codeless ones, which share it.

Only previews describe the kind (azure-rest-api-specs); Microsoft's own templates also PUT it with 2024-09-01.
"""

from __future__ import annotations

import json
from typing import Any

from . import connectors
from .answers import ServiceError, bad_request
from .s3_access import RefusedError, connectivity
from .sqs import queue_of
from .state import Json, State, Workspace

KIND = "AmazonWebServicesS3"
PREVIEWS = (
    "2021-09-01-preview",
    "2022-12-01-preview",
    "2023-02-01-preview",
    "2024-10-01-preview",
    "2025-07-01-preview",
)
"""Beside those that the emulator had before."""
TEMPLATES = "2024-09-01"
TABLES = ("AWSCloudTrail", "AWSVPCFlow", "AWSGuardDuty", "AWSCloudWatch")
BUILT_IN = {"destinationTable", "sqsUrls", "roleArn", "dataTypes"}
CODELESS = {"connectorDefinitionName", "dcrConfig", "dataFormat"}
MORE = {"sqsConfig"}


def is_meant(body: bytes) -> bool:
    """Whether a PUT is about this kind."""
    try:
        sent = json.loads(body)
    except ValueError:
        return False
    return isinstance(sent, dict) and sent.get("kind") == KIND


def hidden(state: State, version: str) -> str:
    """The kind that reads with an API version leave out, or nothing."""
    return "" if state.settings.stable_lists_s3 or version.endswith("-preview") else KIND


async def put(
    state: State, workspace: Workspace, name: str, body: bytes, if_match: str, version: str
) -> tuple[int, Json]:
    """Create or replace, after the check of role and queues: the status and the connector."""
    if not version.endswith("-preview") and version != TEMPLATES:
        raise bad_request(f"The data connector kind '{KIND}' is not supported.")
    sent = _parse(body)
    properties = sent["properties"]
    _check_state(state, workspace, name, sent, if_match)
    if state.settings.connectivity_check:
        refused = await connectivity(state, properties["roleArn"], properties["sqsUrls"], workspace.customer_id)
        if refused is not None:
            raise _failed(state, refused)
        # The check took a while; what others stored meanwhile counts.
        _check_state(state, workspace, name, sent, if_match)
    return connectors.store(state, workspace, name, {"kind": KIND, "properties": properties})


def _parse(body: bytes) -> Json:
    """The body, if the schema allows it; everything under `properties` is wanted."""
    sent: Json = json.loads(body)
    connectors.check_keys(sent, "the connector", {"kind", "properties"}, {"etag"})
    properties = sent["properties"]
    connectors.check_keys(properties, "properties", BUILT_IN, CODELESS | MORE)
    connectors.check_keys(properties["dataTypes"], "dataTypes", {"logs"})
    connectors.check_keys(properties["dataTypes"]["logs"], "logs", {"state"})
    if str(properties["dataTypes"]["logs"]["state"]).lower() not in ("enabled", "disabled"):
        raise bad_request("'state' must be 'Enabled' or 'Disabled'.")
    if not is_codeless(sent) and properties["destinationTable"] not in TABLES:
        raise bad_request(f"The destination table '{properties['destinationTable']}' is not supported.")
    if not connectors.account_of(sent):
        raise bad_request(f"'{properties['roleArn']}' is not a valid AWS role ARN.")
    _check_urls(properties["sqsUrls"])
    return sent


def _check_urls(urls: Any) -> None:
    if not isinstance(urls, list) or not urls:
        raise bad_request("'sqsUrls' must be a list of at least one URL.")
    for url in urls:
        if not isinstance(url, str) or queue_of(url) is None:
            raise bad_request(f"'{url}' is not a valid SQS URL.")


def is_codeless(raw: Json) -> bool:
    """Whether a connector belongs to a solution's own definition."""
    return bool(CODELESS & raw.get("properties", {}).keys())


def _check_state(state: State, workspace: Workspace, name: str, sent: Json, if_match: str) -> None:
    """What is there already: this connector, and others like it."""
    old = workspace.connectors.get(name.lower())
    if old is not None:
        connectors.check_replace(state, old.raw, sent, if_match)
        if not state.settings.s3_change_in_place and _identity(old.raw) != _identity(sent):
            raise bad_request("Role, queues and table of a data connector cannot be changed.")
    others = [
        other.raw
        for key, other in workspace.connectors.items()
        if key != name.lower() and other.raw.get("kind") == KIND
    ]
    if any(_collide(state, other, sent) for other in others):
        raise bad_request(connectors.DUPLICATE)


def _identity(raw: Json) -> tuple[Any, frozenset[str], Any]:
    properties = raw["properties"]
    return properties.get("roleArn"), frozenset(properties.get("sqsUrls", [])), properties.get("destinationTable")


def _collide(state: State, one: Json, other: Json) -> bool:
    (role, queues, table), (role2, queues2, table2) = _identity(one), _identity(other)
    shared = bool(queues & queues2)
    scopes: dict[str, bool] = {
        "role_table_queue": (role, table) == (role2, table2) and shared,
        "role_table": (role, table) == (role2, table2),
        "role": role == role2,
        "queue": shared,
        "none": False,
    }
    return scopes[state.settings.s3_duplicate_scope]


def _failed(state: State, refused: RefusedError) -> ServiceError:
    settings = state.settings
    text = f"Connectivity check failed: Status code:{refused.code}, Message: {refused}"
    return ServiceError(settings.connectivity_status, settings.connectivity_code, text)
