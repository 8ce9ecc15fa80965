# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the attacks: the engine with short timeouts, and real playbooks."""

from __future__ import annotations

from tests.faults.fixtures import kept_world, world
from tests.unit.modules.conftest import aws_role
from tests.unit.playbooks.conftest import engine, play, twelve

__all__ = ["aws_role", "engine", "kept_world", "play", "twelve", "world"]
