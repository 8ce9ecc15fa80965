# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A data connector of the kind AmazonWebServicesS3, as the API returns it. Pure.

Built-in and codeless connectors share the kind. Source: "AwsS3DataConnector" in the preview versions of the API.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..plan import Call
from . import data_connector
from .data_connector import JsonObject

KIND = "AmazonWebServicesS3"
# What a solution's own connector has, and a built-in one does not.
CODELESS = ("connectorDefinitionName", "dcrConfig", "dataFormat")


@dataclass(frozen=True, slots=True)
class S3Connector:
    """A connector that reads SQS queues; `created` is a time in ISO 8601, or empty.

    `codeless` if it belongs to the connector definition of a solution, whose name is `definition`: such a connector
    must not be changed or removed.
    """

    name: str
    role_arn: str
    sqs_urls: tuple[str, ...]
    destination_table: str
    enabled: bool = True
    etag: str | None = None
    id: str = ""
    created: str = ""
    codeless: bool = False
    definition: str = ""
    fixed: bool = field(default=False, compare=False)
    """Whether the service refused to change role, queues or table: then it has to be removed and created."""
    properties: JsonObject = field(default_factory=dict, compare=False, repr=False)
    """The properties as they were read, also those that this collection does not know."""

    @property
    def identity(self) -> tuple[str | bool, ...]:
        """What it reads, and how. A connector that reads something else is another one."""
        return self.role_arn, self.destination_table, self.codeless, *sorted(self.sqs_urls)


# All connectors of the kind in one workspace.
S3Connectors = tuple[S3Connector, ...]


def parse(raw: JsonObject) -> S3Connector | None:
    """Return a connector from a response of the API, None for another kind."""
    if raw.get("kind") != KIND:
        return None
    properties = data_connector.properties_of(raw)
    return S3Connector(
        name=_text(raw, "name"),
        role_arn=_text(properties, "roleArn"),
        sqs_urls=tuple(map(str, properties.get("sqsUrls") or ())),
        destination_table=_text(properties, "destinationTable"),
        enabled=data_connector.is_enabled(properties),
        etag=raw.get("etag"),
        id=_text(raw, "id"),
        created=_text(raw.get("systemData") or {}, "createdAt"),
        codeless=any(properties.get(key) is not None for key in CODELESS),
        definition=_text(properties, "connectorDefinitionName"),
        properties=properties,
    )


def _text(raw: JsonObject, key: str) -> str:
    return str(raw.get(key) or "")


def put(connector: S3Connector) -> Call:
    """Return the call that creates or replaces a connector, with its etag and the properties that are not known."""
    properties = {
        **data_connector.with_state(connector.properties, enabled=connector.enabled),
        "roleArn": connector.role_arn,
        "sqsUrls": list(connector.sqs_urls),
        "destinationTable": connector.destination_table,
    }
    return data_connector.put(connector.name, KIND, connector.etag, properties)


def show(connector: S3Connector | None) -> dict[str, Any]:
    """Return a connector as it appears in results; {} for none."""
    if connector is None:
        return {}
    return {
        "id": connector.id,
        "name": connector.name,
        "kind": KIND,
        "role_arn": connector.role_arn,
        "state": data_connector.state(enabled=connector.enabled),
        "sqs_urls": list(connector.sqs_urls),
        "destination_table": connector.destination_table,
        "codeless": connector.codeless,
    }
