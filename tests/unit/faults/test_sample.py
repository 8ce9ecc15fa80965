# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the fault matrix and of the crash matrix with every kind of cell; tests/faults has all cells."""

from __future__ import annotations

import pytest

from tests.faults.cells import ACCOUNT, FOR_ALL, PHASES, Cell, Crash, sample, sample_of_crashes
from tests.faults.check import check
from tests.faults.crash import check_crash, check_interrupt
from tests.faults.kinds import KINDS
from tests.faults.world import ACCOUNTS, VICTIM, Phase, World


def ignore(_name: str, _value: object) -> None:
    """Figures are collected by the whole matrix only."""


@pytest.mark.parametrize("cell", [pytest.param(cell, id=cell.id) for cell in sample()])
def test_a_fault_loses_no_account(world: World, cell: Cell) -> None:
    check(world, cell, ignore)


@pytest.mark.parametrize("crash", [pytest.param(crash, id=crash.id) for crash in sample_of_crashes()])
def test_a_killed_run_is_finished_by_the_next(world: World, crash: Crash) -> None:
    check_crash(world, crash, ignore)


@pytest.mark.parametrize("crash", [pytest.param(crash, id=crash.id) for crash in sample_of_crashes()])
def test_an_interrupted_run_is_finished_by_the_next(world: World, crash: Crash) -> None:
    check_interrupt(world, crash, ignore)


@pytest.mark.parametrize("phase", PHASES)
def test_the_matrix_has_every_request_of_a_run(world: World, phase: Phase) -> None:
    world.prepare(phase)
    world.e.forget()
    world.run(phase)
    log = world.e.requests()
    for_all = sorted(request.operation for request in FOR_ALL)
    assert sorted(r["operation"] for r in log if r["account"] not in ACCOUNTS) == for_all
    assert [r["operation"] for r in log if r["account"] == VICTIM] == [r.operation for r in ACCOUNT[phase]]


def test_the_sample_has_every_kind_of_cell() -> None:
    once, always = ([cell for cell in sample() if cell.times == times] for times in (1, None))
    assert {cell.kind.name for cell in once} == {kind.name for kind in KINDS}
    assert {cell.classes for cell in once} == {kind.once for kind in KINDS}
    assert {cell.classes for cell in always} == {kind.always for kind in KINDS if kind.once != kind.always}
    assert {cell.request.service for cell in always} == {"iam", "azure"}
    assert {cell.phase for cell in once} == {cell.phase for cell in always} == set(PHASES)
