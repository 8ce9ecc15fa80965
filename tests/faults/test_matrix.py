# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole fault matrix and the whole crash matrix."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.cells import Cell, Crash, crashes, every
from tests.faults.check import check
from tests.faults.crash import check_crash, check_interrupt
from tests.faults.world import World

Property = Callable[[str, object], None]


@pytest.mark.parametrize("cell", [pytest.param(cell, id=cell.id) for cell in every()])
def test_a_fault_costs_no_account(world: World, cell: Cell, record_property: Property) -> None:
    check(world, cell, record_property)


@pytest.mark.parametrize("crash", [pytest.param(crash, id=crash.id) for crash in crashes()])
def test_a_killed_run_is_finished_by_the_next(world: World, crash: Crash, record_property: Property) -> None:
    check_crash(world, crash, record_property)


@pytest.mark.parametrize("crash", [pytest.param(crash, id=crash.id) for crash in crashes()])
def test_an_interrupted_run_is_finished_by_the_next(world: World, crash: Crash, record_property: Property) -> None:
    check_interrupt(world, crash, record_property)
