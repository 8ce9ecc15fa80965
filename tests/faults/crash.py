# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One crash: kill a run at one of its requests, or interrupt it there as Ctrl-C does; then run again."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import (
    AccountReport,
    AccountResult,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet

from .cells import Crash
from .check import Figures
from .hook import Moment, watched
from .timing import Timing
from .world import Snapshot, World

ROOT = Path(__file__).parents[2]


def check_crash(world: World, crash: Crash, count: Figures) -> None:
    """Kill a run, and assert that the next one completes it without duplicates."""
    expected = world.expected(crash.phase, 1)
    world.prepare(crash.phase, 1)
    before = world.seen()
    world.e.forget()
    command = [sys.executable, "-m", "tests.faults.child", world.source, crash.phase, str(crash.number), crash.moment]
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    killed = subprocess.run(
        command, cwd=ROOT, env=world.e.whole_environment(PYTHONPATH=paths), capture_output=True, timeout=60, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    count("runs killed", 1)
    _assert_finished(world, crash, (before, expected), count)


def check_interrupt(world: World, crash: Crash, count: Figures) -> None:
    """Interrupt a run as Ctrl-C does, without grace period, and assert the same."""
    expected = world.expected(crash.phase, 1)
    world.prepare(crash.phase, 1)
    before = world.seen()
    world.e.forget()
    with Timing(grace=0.0).applied():
        result = asyncio.run(_interrupted(world, crash))
    # The service may still process the last request.
    time.sleep(0.3)
    assert result.status in ("failed", "skipped") or world.seen().ours == expected.ours
    assert result.error is None or result.error.kind == "interrupted", str(result.error)
    count("runs interrupted", 1)
    _assert_finished(world, crash, (before, expected), count)


async def _interrupted(world: World, crash: Crash) -> AccountResult:
    cancellation, loop, number = fleet.Cancellation(), asyncio.get_running_loop(), itertools.count(1)

    def see(moment: Moment, _operation: str) -> None:
        if moment == crash.moment and next(number) == crash.number:
            loop.call_soon_threadsafe(cancellation.interrupt, "it got SIGINT")

    options = fleet.RunOptions(absent=crash.phase == "remove")
    [account] = world.accounts(crash.phase, 1)
    result, error = AccountResult(account, AccountReport(), skipped=True), None
    with watched(see):
        try:
            async for one in fleet.run([account], options, cancellation):
                result = one
        except SentinelError as raised:
            error = raised  # before the account was started
    assert cancellation.interrupted
    assert error in (None, cancellation.interrupted)
    return result


def _assert_finished(world: World, crash: Crash, seen: tuple[Snapshot, Snapshot], count: Figures) -> None:
    """Assert that the next run completes the interrupted one without duplicates."""
    before, right = seen
    written = world.writes()
    clean = world.run(crash.phase, 1)
    final = world.seen()
    count("cells", 1)
    count("accounts lost", int(not clean.failed and final.ours != right.ours))
    count("wrong deletes", len([thing for thing in before.other_workspaces if thing not in final.other_workspaces]))
    count("duplicates", len(world.duplicates()))
    assert (clean.error, clean.failed) == (None, {})
    rest = [name for name in clean.calls.get(world.victim, "").split(", ") if name]
    assert written + rest == world.expected_writes(crash.phase), "the next run makes only the missing calls"
    assert final.ours == right.ours
    assert final.other_workspaces == before.other_workspaces
    assert world.duplicates() == []
