# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data connectors of a workspace by account and table, and their health. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..connector import connector as connectors
from ..connector import s3
from ..connector.connector import Connector, Connectors
from ..connector.s3 import S3Connector, S3Connectors
from .health import Health
from .tables import EVENTS, TABLES

Reader = Connector | S3Connector
Readers = tuple[Reader, ...]


@dataclass(frozen=True, slots=True)
class ConnectorsByAccount:
    """The CloudTrail connectors of a workspace by account id, and its S3 connectors by table.

    The latter may read events of any account.
    """

    by_id: Mapping[str, Connectors] = field(default_factory=dict)
    s3: Mapping[str, S3Connectors] = field(default_factory=dict)

    @property
    def tables(self) -> list[str]:
        """The known tables that connectors of the workspace fill, AWSCloudTrail first."""
        return [name for name in TABLES if name == EVENTS or name in self.s3]

    def own_s3(self, account_id: str, table: str) -> S3Connectors:
        """Return the S3 connectors of a table whose role is in the account."""
        return tuple(one for one in self.s3.get(table, ()) if connectors.account_id_of(one.role_arn) == account_id)


def connectors_by_account(answers: Iterable[Mapping[str, Any]]) -> ConnectorsByAccount:
    """Return the connectors in an answer of the API by account id and table."""
    by_id: dict[str, Connectors] = {}
    by_table: dict[str, S3Connectors] = {}
    for raw in answers:
        if found := connectors.parse(raw):
            by_id[found.account_id] = (*by_id.get(found.account_id, ()), found)
        if reader := s3.parse(raw):
            by_table[reader.destination_table] = (*by_table.get(reader.destination_table, ()), reader)
    return ConnectorsByAccount(by_id, by_table)


def enabled(readers: Iterable[Reader]) -> Readers:
    """Return the enabled connectors."""
    return tuple(one for one in readers if one.enabled)


def health_of(reader: Reader, health: Mapping[str, Health] | None) -> Health | None:
    """Return the last health report of a connector, None if there is none."""
    return (health or {}).get(reader.name.lower())


def failing(readers: Iterable[Reader], health: Mapping[str, Health] | None) -> Readers:
    """Return the enabled connectors that fail to fetch events."""
    return tuple(one for one in enabled(readers) if (report := health_of(one, health)) and report.failed)


def is_healthy(readers: Iterable[Reader], health: Mapping[str, Health] | None) -> bool:
    """Return whether Microsoft Sentinel reports of each enabled connector that it fetches events."""
    reports = [health_of(one, health) for one in enabled(readers)]
    return all(report and not report.failed for report in reports)
