# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures of the matrices."""

from __future__ import annotations

from tests.faults.fixtures import kept_s3_world, kept_world, s3_world, world
from tests.unit.playbooks.conftest import play

__all__ = ["kept_s3_world", "kept_world", "play", "s3_world", "world"]
