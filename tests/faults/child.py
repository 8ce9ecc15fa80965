# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed: python -m tests.faults.child SOURCE PHASE NUMBER before|after; NUMBER is that of a request."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet

from . import engine
from .hook import Moment, watched
from .s3_world import S3World
from .world import Phase, World

WORLDS: dict[str, type[World]] = {world.source: world for world in (World, S3World)}


def main(source: str, phase: Phase, number: int, moment: Moment) -> None:
    """Run over one account until the end comes."""
    seen = {"before": itertools.count(1), "after": itertools.count(1)}

    def see(now: Moment, _operation: str) -> None:
        if next(seen[now]) == number and now == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    accounts = WORLDS[source].accounts(phase, 1)
    with engine.short_timeouts(), watched(see):
        asyncio.run(engine.all_results(accounts, fleet.RunOptions(absent=phase == "remove")))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])  # type: ignore[arg-type]
