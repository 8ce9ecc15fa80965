# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The S3 sources in a verification: each inspected from the trail to the connector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..run.clients import Clients
from ..run.s3_inspection import inspect_accounts

if TYPE_CHECKING:
    from .ingestion import AccountIngestion


async def add_inspections(accounts: Sequence[AccountIngestion], clients: Clients) -> None:
    """Set `s3_sources` in the result of every account that lists S3 sources."""
    found = await inspect_accounts([item.account for item in accounts], clients)
    for item in accounts:
        if item.account.account_id in found:
            item.shown["s3_sources"] = found[item.account.account_id]


def source_notes(accounts: Iterable[AccountIngestion]) -> Iterator[str]:
    """Yield a line for every source with a broken link."""
    for item in accounts:
        for source in item.shown.get("s3_sources", ()):
            if source["broken_link"]:
                name = f"S3 source of bucket {source['bucket']}"
                yield f"broken: [{item.account.name}] {name}, {source['broken_link']}: {source['message']}"
