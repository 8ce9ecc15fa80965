# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of a workspace that AWS data connectors fill: their columns for account and Region. Pure.

Sources: "AWSCloudTrail", "AWSVPCFlow", "AWSGuardDuty" and "AWSCloudWatch" (Azure Monitor Logs table reference).
"""

from __future__ import annotations

from typing import NamedTuple

from ..connector import connector as connectors


class Table(NamedTuple):
    """A table: the KQL expressions for the account and the Region of a row.

    `may_be_silent` where no events for weeks are normal.
    """

    name: str
    account: str
    region: str
    may_be_silent: bool = False


EVENTS, HEALTH = connectors.CLOUDTRAIL_TABLE, "SentinelHealth"
TABLES = {
    table.name: table
    for table in (
        Table(EVENTS, "coalesce(RecipientAccountId, UserIdentityAccountId)", "AWSRegion"),
        Table("AWSVPCFlow", "AccountId", "Region"),
        Table("AWSGuardDuty", "AccountId", "Region", may_be_silent=True),
        # Its rows have neither account nor Region.
        Table("AWSCloudWatch", '""', '""'),
    )
}
