# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources by type: a new one is an entry here, its options are in `model/sources.py`."""

from __future__ import annotations

from .cloudtrail_source import CLOUDTRAIL_SOURCE
from .s3_source import S3_SOURCE
from .step import Source

SOURCES: dict[str, Source] = {
    "cloudtrail": CLOUDTRAIL_SOURCE,
    "s3": S3_SOURCE,
}
