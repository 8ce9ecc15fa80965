# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentinel's data connectors: list, get, put and delete, with all known error responses."""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
import uuid
from typing import Any
from urllib.parse import quote

from .answers import ServiceError, bad_request
from .state import Connector, Json, State, Workspace

CLOUDTRAIL = "AmazonWebServicesCloudTrail"
ROLE_ARN = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):role/[\x21-\x7e]+")
DUPLICATE = "connector validation failed there are two connectors with different names and the same kind and context id"


def account_of(raw: Any) -> str:
    """Return the AWS account of a connector of any kind, or ""."""
    properties = raw.get("properties") if isinstance(raw, dict) else None
    arn = (properties.get("awsRoleArn") or properties.get("roleArn")) if isinstance(properties, dict) else None
    found = ROLE_ARN.fullmatch(arn) if isinstance(arn, str) else None
    return found[1] if found else ""


def new_etag(state: State) -> str:
    """Return an opaque etag, in one of the two formats that the service uses."""
    tag = str(uuid.uuid4())
    return f'"{tag}"' if state.settings.etag_style == "quoted" else tag


def seed(state: State, workspace: Workspace, raw: Json) -> Json:
    """Store a connector without validation; add id, name, type and etag."""
    name = str(raw.get("name") or uuid.uuid4())
    frame = {
        "id": f"{workspace.id}/providers/Microsoft.SecurityInsights/dataConnectors/{name}",
        "name": name,
        "type": "Microsoft.SecurityInsights/dataConnectors",
        "etag": new_etag(state),
    }
    workspace.connectors[name.lower()] = Connector({**frame, **raw})
    return workspace.connectors[name.lower()].raw


def page(workspace: Workspace, size: int, token: str, url: str, hidden: str = "") -> Json:
    """One page; `url` is continued by the next one's token, and connectors of a hidden kind are left out."""
    read = [raw for connector in workspace.connectors.values() if (raw := connector.read()) is not None]
    seen = [raw for raw in read if raw.get("kind") != hidden]
    start = _offset(token)
    answer: Json = {"value": seen[start : start + size]}
    if start + size < len(seen):
        following = base64.urlsafe_b64encode(f"after:{start + size}".encode()).decode()
        answer["nextLink"] = f"{url}&$skipToken={quote(following)}"
    return answer


def _offset(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token).removeprefix(b"after:")) if token else 0
    except (ValueError, binascii.Error):
        raise bad_request(f"The skip token '{token}' is not valid.") from None


def get(workspace: Workspace, name: str, hidden: str = "") -> Json:
    """One connector, as reads see it."""
    connector = workspace.connectors.get(name.lower())
    raw = connector.read() if connector else None
    if raw is None or raw.get("kind") == hidden:
        raise ServiceError(404, "NotFound", f"Data connector '{name}' was not found.")
    return raw


def put(state: State, workspace: Workspace, name: str, body: bytes, if_match: str) -> tuple[int, Json]:
    """Create or replace a connector; return status and connector."""
    sent = _parse(body)
    old = workspace.connectors.get(name.lower())
    if old is not None:
        check_replace(state, old.raw, sent, if_match)
    _check_duplicate(state, workspace, name, sent)
    _check_role(state, sent["properties"]["awsRoleArn"])
    return store(state, workspace, name, {"kind": sent["kind"], "properties": _stored(sent["properties"])})


def store(state: State, workspace: Workspace, name: str, new: Json) -> tuple[int, Json]:
    """Put a connector in the place of what has its name: the status and the connector."""
    old = workspace.connectors.get(name.lower())
    raw = seed(state, workspace, {"name": old.raw["name"] if old else name, **new})
    connector = workspace.connectors[name.lower()]
    connector.before = old.raw if old else None
    connector.hidden_reads = state.settings.lag_reads
    connector.hidden_until = time.monotonic() + state.settings.lag_seconds
    return (200 if old else state.settings.create_status), raw


def delete(workspace: Workspace, name: str) -> int:
    """Delete a connector; return 200, or 204 if it does not exist."""
    return 200 if workspace.connectors.pop(name.lower(), None) else 204


def _parse(body: bytes) -> Json:
    """Return the parsed body; raise ServiceError if it does not match the schema."""
    try:
        sent = json.loads(body)
    except ValueError:
        raise ServiceError(400, "InvalidRequestContent", "The request content was invalid.") from None
    check_keys(sent, "the connector", {"kind", "properties"}, {"etag"})
    if sent["kind"] != CLOUDTRAIL:
        raise bad_request(f"The data connector kind '{sent['kind']}' is not supported.")
    check_keys(sent["properties"], "properties", {"awsRoleArn", "dataTypes"})
    check_keys(sent["properties"]["dataTypes"], "dataTypes", {"logs"})
    check_keys(sent["properties"]["dataTypes"]["logs"], "logs", {"state"})
    if str(sent["properties"]["dataTypes"]["logs"]["state"]).lower() not in ("enabled", "disabled"):
        raise bad_request("'state' must be 'Enabled' or 'Disabled'.")
    if not account_of(sent):
        raise bad_request(f"'{sent['properties']['awsRoleArn']}' is not a valid AWS role ARN.")
    return dict(sent)


def check_keys(value: Any, where: str, wanted: set[str], allowed: set[str] | None = None) -> None:
    if not isinstance(value, dict):
        raise bad_request(f"{where} must be an object.")
    if missing := wanted - set(value):
        raise bad_request(f"Required property '{min(missing)}' not found in {where}.")
    if unknown := set(value) - wanted - (allowed or set()):
        raise bad_request(f"Could not find member '{min(unknown)}' on {where}.")


def check_replace(state: State, old: Json, sent: Json, if_match: str) -> None:
    """An etag is not needed, but one that is sent must be the current one."""
    etags = {etag for etag in (sent.get("etag"), if_match) if etag and etag != "*"}
    if etags - {old["etag"]}:
        code = "Conflict" if state.settings.stale_etag_status == 409 else "PreconditionFailed"
        raise ServiceError(state.settings.stale_etag_status, code, "Newer instance of the data connector exists.")
    if old.get("kind") != sent["kind"]:
        raise bad_request(f"The kind of data connector '{old['name']}' cannot be changed.")


def _context(state: State, raw: Json) -> tuple[Any, str]:
    """Return the key of duplicates. It is not documented whether this is the role or its account."""
    whole_account = state.settings.duplicate_scope == "account"
    return raw.get("kind"), account_of(raw) if whole_account else str(raw.get("properties", {}).get("awsRoleArn"))


def _check_duplicate(state: State, workspace: Workspace, name: str, sent: Json) -> None:
    others = (other.raw for key, other in workspace.connectors.items() if key != name.lower())
    if any(_context(state, other) == _context(state, sent) for other in others):
        raise bad_request(DUPLICATE)


def _check_role(state: State, arn: str) -> None:
    """Reject a role that was created too recently (eventual consistency of IAM)."""
    age = time.monotonic() - state.roles_created.get(arn, float("-inf"))
    if age < state.settings.role_propagation_seconds:
        raise bad_request(f"connector validation failed: the role '{arn}' could not be assumed.")


def _stored(properties: Json) -> Json:
    """Return the stored properties: the service changes `Enabled` to `enabled`."""
    state = str(properties["dataTypes"]["logs"]["state"]).lower()
    return {"awsRoleArn": properties["awsRoleArn"], "dataTypes": {"logs": {"state": state}}}
