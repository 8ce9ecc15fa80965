# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault matrix and the crash matrix of the S3 source."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.cells import Cell, Crash
from tests.faults.check import check
from tests.faults.crash import check_crash, check_interrupt
from tests.faults.s3_cells import crashes, every, interruptions
from tests.faults.s3_world import S3World

Property = Callable[[str, object], None]


@pytest.mark.parametrize("cell", [pytest.param(cell, id=cell.id) for cell in every()])
def test_a_fault_costs_no_account(s3_world: S3World, cell: Cell, record_property: Property) -> None:
    check(s3_world, cell, record_property)


@pytest.mark.parametrize("crash", [pytest.param(crash, id=crash.id) for crash in crashes()])
def test_a_killed_run_is_finished_by_the_next(s3_world: S3World, crash: Crash, record_property: Property) -> None:
    check_crash(s3_world, crash, record_property)


@pytest.mark.parametrize("crash", [pytest.param(crash, id=crash.id) for crash in interruptions()])
def test_an_interrupted_run_is_finished_by_the_next(s3_world: S3World, crash: Crash, record_property: Property) -> None:
    check_interrupt(s3_world, crash, record_property)
