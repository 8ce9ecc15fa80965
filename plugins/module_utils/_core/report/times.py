# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The times of a report: ISO 8601 in its header and rows, seconds since 1970 in what other programs read."""

from __future__ import annotations

from datetime import UTC, datetime


def epoch_seconds(iso: str) -> float:
    """Return the seconds since 1970 of a time in ISO 8601, in UTC if it has no offset; raises ValueError."""
    moment = datetime.fromisoformat(iso)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
