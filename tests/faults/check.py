# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cell: plant the fault, run, see what became of it, run again undisturbed."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from . import engine
from .cells import Cell
from .engine import Ended
from .world import ACCOUNTS, VICTIM, Snapshot, World

Figures = Callable[[str, Any], None]


def check(world: World, cell: Cell, count: Figures) -> None:
    """Let a fault strike, and assert what is promised; `count` takes the figures."""
    right = world.expected(cell.phase)
    world.prepare(cell.phase)
    before = world.seen()
    world.e.fault(
        service=cell.request.service,
        operation=cell.request.operation,
        account="*" if cell.request.is_for_all else VICTIM,
        skip=cell.request.skip,
        times=cell.times,
        **cell.kind.rule(),
    )
    world.e.forget()
    with engine.impatient() if cell.kind.lasts else nullcontext():
        ended = world.run(cell.phase)
    struck = world.e.struck()
    _settle(cell)
    after = world.seen()
    _count(count, struck, ended, (before, after, right), world)
    assert struck, "the fault never struck"
    _assert_nothing_foreign(world)
    if cell.request.is_for_all and ended.error:
        _assert_stopped(cell, ended, before, after)
    else:
        _assert_isolated(cell, ended, after, right)
    _assert_truthful(ended, before, after)
    assert after.other_workspaces == before.other_workspaces
    assert world.duplicates() == []
    _assert_repaired(world, cell, after, before)


def _settle(cell: Cell) -> None:
    """Wait until the service did what it was asked for and did not answer."""
    if cell.kind.lasts and "reset" not in cell.kind.rule():
        time.sleep(cell.kind.lasts + 0.2)


def _count(count: Figures, struck: int, ended: Ended, seen: tuple[Snapshot, Snapshot, Snapshot], world: World) -> None:
    before, after, right = seen
    count("cells", 1)
    count("faults injected", struck)
    count("accounts lost", 0 if ended.error else len(lost(ended, after, right)))
    count("wrong deletes", len([thing for thing in before.other_workspaces if thing not in after.other_workspaces]))
    count("duplicates", len(world.duplicates()))


def lost(ended: Ended, after: Snapshot, right: Snapshot) -> list[str]:
    """Accounts that are neither right nor reported as not done."""
    told = {account for account, done in ended.done.items() if done.status in ("failed", "skipped")}
    return [account for account in ACCOUNTS if account not in told and after.ours[account] != right.ours[account]]


def _assert_nothing_foreign(world: World) -> None:
    """No request but those that a run makes; above all no registration of a resource provider."""
    assert "Unknown" not in world.e.operations()


def _assert_stopped(cell: Cell, ended: Ended, before: Snapshot, after: Snapshot) -> None:
    """The run as a whole ended before its first write."""
    assert ended.error
    assert ended.error.kind in cell.classes, str(ended.error)
    assert ended.done == {}
    assert after.ours == before.ours
    _assert_readable(str(ended.error))


def _assert_isolated(cell: Cell, ended: Ended, after: Snapshot, right: Snapshot) -> None:
    """The account is right or failed with the right class; the others are right whatever happened."""
    assert ended.error is None, str(ended.error)
    assert set(ended.done) == set(ACCOUNTS)
    assert set(ended.failed) <= {VICTIM}, {account: str(error) for account, error in ended.failed.items()}
    if error := ended.failed.get(VICTIM):
        assert error.kind in cell.classes, f"{error.kind}: {error}"
        _assert_readable(str(error))
    else:
        assert after.ours[VICTIM] == right.ours[VICTIM]
    for account in set(ACCOUNTS) - {VICTIM}:
        assert after.ours[account] == right.ours[account], account


def _assert_readable(sentence: str) -> None:
    assert sentence.startswith("Cannot ")
    assert '{"' not in sentence, "a message within a message was not unwrapped"


def _assert_truthful(ended: Ended, before: Snapshot, after: Snapshot) -> None:
    """What was changed is never reported as untouched."""
    untouched = {account for account, done in ended.done.items() if done.status == "ok"}
    changed = {account for account in ACCOUNTS if before.ours[account] != after.ours[account]}
    assert untouched & changed == set()


def _assert_repaired(world: World, cell: Cell, after: Snapshot, before: Snapshot) -> None:
    """The next clean run does the rest, and the one after it nothing."""
    right = world.expected(cell.phase)
    world.e.heal()
    if after.ours != right.ours:
        clean = world.run(cell.phase)
        assert (clean.error, clean.failed) == (None, {})
    world.e.forget()
    last = world.run(cell.phase)
    assert (last.error, last.failed, last.calls) == (None, {}, {})
    assert world.writes() == []
    final = world.seen()
    assert final.ours == right.ours
    assert final.other_workspaces == before.other_workspaces
