# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cell: run with the fault, check the result, run again without it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from .cells import Cell
from .engine import RunResult
from .timing import SHORT_REQUESTS
from .world import Snapshot, World

Figures = Callable[[str, Any], None]


def check(world: World, cell: Cell, count: Figures) -> None:
    """Run with the fault of a cell and assert what is documented; `count` receives the figures."""
    expected = world.expected(cell.phase)
    world.prepare(cell.phase)
    before = world.seen()
    world.e.fault(
        service=cell.request.service,
        operation=cell.request.operation,
        account="*" if cell.request.is_for_all else world.victim,
        skip=cell.request.skip,
        times=cell.times,
        **cell.kind.rule(),
    )
    world.e.forget()
    with SHORT_REQUESTS.applied() if cell.kind.lasts else nullcontext():
        ended = world.run(cell.phase)
    applied = world.e.struck()
    _wait_for_late_requests(cell)
    after = world.seen()
    _count(count, applied, ended, (before, after, expected), world)
    assert applied, "the fault was never applied"
    _assert_no_unexpected_requests(world)
    if cell.request.is_for_all and ended.error:
        _assert_stopped(cell, ended, before, after)
    else:
        _assert_isolated(world, cell, ended, after, expected)
    _assert_changes_reported(ended, before, after)
    assert after.other_workspaces == before.other_workspaces
    assert world.duplicates() == []
    _assert_next_run_repairs(world, cell, after, before)


def _wait_for_late_requests(cell: Cell) -> None:
    """Wait until the service has processed requests whose response was lost."""
    if cell.kind.lasts and "reset" not in cell.kind.rule():
        time.sleep(cell.kind.lasts + 0.2)


def _count(
    count: Figures, applied: int, ended: RunResult, seen: tuple[Snapshot, Snapshot, Snapshot], world: World
) -> None:
    before, after, expected = seen
    count("cells", 1)
    count("faults injected", applied)
    count("accounts lost", 0 if ended.error else len(lost(world, ended, after, expected)))
    count("wrong deletes", len([thing for thing in before.other_workspaces if thing not in after.other_workspaces]))
    count("duplicates", len(world.duplicates()))


def lost(world: World, ended: RunResult, after: Snapshot, expected: Snapshot) -> list[str]:
    """Accounts in an unexpected state that are not reported as failed or skipped."""
    reported = {account for account, results in ended.results.items() if results.status in ("failed", "skipped")}
    return [
        account
        for account in world.account_ids
        if account not in reported and after.ours[account] != expected.ours[account]
    ]


def _assert_no_unexpected_requests(world: World) -> None:
    """No unexpected requests, such as the registration of a resource provider."""
    assert "Unknown" not in world.e.operations()


def _assert_stopped(cell: Cell, ended: RunResult, before: Snapshot, after: Snapshot) -> None:
    """The whole run ended before its first write."""
    assert ended.error
    assert ended.error.kind in cell.classes, str(ended.error)
    assert ended.results == {}
    assert after.ours == before.ours
    _assert_readable(str(ended.error))


def _assert_isolated(world: World, cell: Cell, ended: RunResult, after: Snapshot, expected: Snapshot) -> None:
    """The account has the expected state or error class; the others always have the expected state."""
    assert ended.error is None, str(ended.error)
    assert set(ended.results) == set(world.account_ids)
    assert set(ended.failed) <= {world.victim}, {account: str(error) for account, error in ended.failed.items()}
    if error := ended.failed.get(world.victim):
        assert error.kind in cell.classes, f"{error.kind}: {error}"
        _assert_readable(str(error))
    else:
        assert after.ours[world.victim] == expected.ours[world.victim]
    for account in set(world.account_ids) - {world.victim}:
        assert after.ours[account] == expected.ours[account], account


def _assert_readable(sentence: str) -> None:
    assert sentence.startswith("Cannot ")
    assert '{"' not in sentence, "the message contains an unparsed message"


def _assert_changes_reported(ended: RunResult, before: Snapshot, after: Snapshot) -> None:
    """A changed account is never reported as unchanged."""
    unchanged = {account for account, results in ended.results.items() if results.status == "ok"}
    changed = {account for account in before.ours if before.ours[account] != after.ours[account]}
    assert unchanged & changed == set()


def _assert_next_run_repairs(world: World, cell: Cell, after: Snapshot, before: Snapshot) -> None:
    """The next run without faults completes the work, and the one after it changes nothing."""
    expected = world.expected(cell.phase)
    world.e.heal()
    if after.ours != expected.ours:
        next_run = world.run(cell.phase)
        assert (next_run.error, next_run.failed) == (None, {})
    world.e.forget()
    second_run = world.run(cell.phase)
    assert (second_run.error, second_run.failed, second_run.calls) == (None, {}, {})
    assert world.writes() == []
    final = world.seen()
    assert final.ours == expected.ours
    assert final.other_workspaces == before.other_workspaces
