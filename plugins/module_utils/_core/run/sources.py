# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources by type: a new one is an entry here, its options are in `model/sources.py`."""

from __future__ import annotations

from collections.abc import Callable

from .step import Source


def _cloudtrail() -> Source:
    from .cloudtrail_source import CLOUDTRAIL_SOURCE

    return CLOUDTRAIL_SOURCE


def _s3() -> Source:
    from .s3_source import S3_SOURCE

    return S3_SOURCE


SOURCES: dict[str, Callable[[], Source]] = {
    "cloudtrail": _cloudtrail,
    "s3": _s3,
}
"""A function for each type, so that a run loads the sources that its accounts list."""
