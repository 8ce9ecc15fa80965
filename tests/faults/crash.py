# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One crash: kill a run at one of its requests, then let a clean one do the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from .cells import ACCOUNT, Crash
from .check import Figures
from .world import VICTIM, Phase, World

ROOT = Path(__file__).parents[2]
DONE: dict[Phase, list[str]] = {
    phase: [request.operation for request in requests if request.writes or "DataConnectors" in request.operation]
    for phase, requests in ACCOUNT.items()
}
"""What an undisturbed run writes, in order."""


def check_crash(world: World, crash: Crash, count: Figures) -> None:
    """Kill a run, and assert that the next one does what was left to do, and nothing twice."""
    right = world.right(crash.phase, 1)
    world.prepare(crash.phase, 1)
    before = world.seen()
    world.e.forget()
    command = [sys.executable, "-m", "tests.faults.child", crash.phase, str(crash.number), crash.moment]
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    killed = subprocess.run(
        command, cwd=ROOT, env=world.e.whole_environment(PYTHONPATH=paths), capture_output=True, timeout=60, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    done = world.writes()

    clean = world.run(crash.phase, 1)
    final = world.seen()
    count("cells", 1)
    count("runs killed", 1)
    count("accounts lost", int(not clean.failed and final.ours != right.ours))
    count("wrong deletes", len([thing for thing in before.neighbours if thing not in final.neighbours]))
    count("duplicates", len(world.twins()))
    assert (clean.error, clean.failed) == (None, {})
    rest = [name for name in clean.calls.get(VICTIM, "").split(", ") if name]
    assert done + rest == DONE[crash.phase], "changed only for the remainder"
    assert final.ours == right.ours
    assert final.neighbours == before.neighbours
    assert world.twins() == []
