# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One crash: kill a run at one of its requests, or end it there as Ctrl-C does; then let a clean one do the rest."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import (
    AccountReport,
    AccountResult,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet

from .cells import ACCOUNT, Crash
from .check import Figures
from .hook import Moment, watched
from .world import VICTIM, Phase, Snapshot, World

ROOT = Path(__file__).parents[2]
DONE: dict[Phase, list[str]] = {
    phase: [request.operation for request in requests if request.writes] for phase, requests in ACCOUNT.items()
}
"""What an undisturbed run writes, in order."""


def check_crash(world: World, crash: Crash, count: Figures) -> None:
    """Kill a run, and assert that the next one does what was left to do, and nothing twice."""
    right = world.expected(crash.phase, 1)
    world.prepare(crash.phase, 1)
    before = world.seen()
    world.e.forget()
    command = [sys.executable, "-m", "tests.faults.child", crash.phase, str(crash.number), crash.moment]
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    killed = subprocess.run(
        command, cwd=ROOT, env=world.e.whole_environment(PYTHONPATH=paths), capture_output=True, timeout=60, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    count("runs killed", 1)
    _assert_finished(world, crash, (before, right), count)


def check_interrupt(world: World, crash: Crash, count: Figures) -> None:
    """End a run as Ctrl-C does, without the seconds to finish what is under way, and assert the same."""
    right = world.expected(crash.phase, 1)
    world.prepare(crash.phase, 1)
    before = world.seen()
    world.e.forget()
    with mock.patch.object(fleet, "GRACE", 0.0):
        done = asyncio.run(_interrupted(world, crash))
    # The service may still be at what was under way.
    time.sleep(0.3)
    assert done.status in ("failed", "skipped") or world.seen().ours == right.ours
    assert done.error is None or done.error.kind == "interrupted", str(done.error)
    count("runs interrupted", 1)
    _assert_finished(world, crash, (before, right), count)


async def _interrupted(world: World, crash: Crash) -> AccountResult:
    stop, loop, number = fleet.Cancellation(), asyncio.get_running_loop(), itertools.count(1)

    def see(moment: Moment, _operation: str) -> None:
        if moment == crash.moment and next(number) == crash.number:
            loop.call_soon_threadsafe(stop.interrupt, "it got SIGINT")

    order = fleet.Order(absent=crash.phase == "remove")
    [account] = world.accounts(crash.phase, 1)
    done, ended = AccountResult(account, AccountReport(), skipped=True), None
    with watched(see):
        try:
            async for one in fleet.run([account], order, stop):
                done = one
        except SentinelError as error:
            ended = error  # it had not begun with the account
    assert stop.interrupted
    assert ended in (None, stop.interrupted)
    return done


def _assert_finished(world: World, crash: Crash, seen: tuple[Snapshot, Snapshot], count: Figures) -> None:
    """The next run does what was left to do, and nothing twice."""
    before, right = seen
    done = world.writes()
    clean = world.run(crash.phase, 1)
    final = world.seen()
    count("cells", 1)
    count("accounts lost", int(not clean.failed and final.ours != right.ours))
    count("wrong deletes", len([thing for thing in before.other_workspaces if thing not in final.other_workspaces]))
    count("duplicates", len(world.duplicates()))
    assert (clean.error, clean.failed) == (None, {})
    rest = [name for name in clean.calls.get(VICTIM, "").split(", ") if name]
    assert done + rest == DONE[crash.phase], "changed only for the remainder"
    assert final.ours == right.ours
    assert final.other_workspaces == before.other_workspaces
    assert world.duplicates() == []
