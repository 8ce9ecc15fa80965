# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the matrices of the S3 source; tests/faults has all cells."""

from __future__ import annotations

import pytest

from tests.faults.cells import FOR_ALL, Cell, Crash
from tests.faults.check import check
from tests.faults.crash import check_crash
from tests.faults.s3_cells import REQUESTS, every, sample
from tests.faults.s3_kinds import S3_KINDS
from tests.faults.s3_world import ARCHIVE, S3World
from tests.faults.world import PHASES, Phase


def ignore(_name: str, _value: object) -> None:
    """Figures are collected by the whole matrix only."""


@pytest.mark.parametrize("cell", [pytest.param(cell, id=cell.id) for cell in sample()])
def test_a_fault_loses_no_account(s3_world: S3World, cell: Cell) -> None:
    check(s3_world, cell, ignore)


@pytest.mark.parametrize("phase", ["create", "remove"])
def test_a_killed_run_is_finished_by_the_next(s3_world: S3World, phase: Phase) -> None:
    write = [number for number, request in enumerate(REQUESTS[phase]) if request.writes][-2]
    check_crash(s3_world, Crash(phase, len(FOR_ALL) + write + 1, "after"), ignore)


@pytest.mark.parametrize("phase", PHASES)
def test_the_matrix_has_every_request_of_a_run(s3_world: S3World, phase: Phase) -> None:
    s3_world.prepare(phase)
    s3_world.e.forget()
    s3_world.run(phase)
    made = [(one["service"], one["operation"]) for one in s3_world.e.requests() if one["account"] == ARCHIVE]
    assert made == [(one.service, one.operation) for one in REQUESTS[phase]]


def test_the_matrix_has_every_operation_and_every_kind_of_the_s3_source() -> None:
    cells = list(every())
    assert len({cell.id for cell in cells}) == len(cells)
    assert {cell.request.operation for cell in cells} == {one.operation for of in REQUESTS.values() for one in of}
    assert {cell.kind for cell in cells} >= set(S3_KINDS)
    assert {cell.kind for cell in sample()} == set(S3_KINDS)
