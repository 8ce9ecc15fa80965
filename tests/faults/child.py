# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed: python -m tests.faults.child PHASE NUMBER before|after; NUMBER counts its requests from 1."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet

from . import engine
from .hook import Moment, watched
from .world import PHASE_VARIABLES, VICTIM, Phase


def main(phase: Phase, number: int, moment: Moment) -> None:
    """Run over one account until the end comes."""
    seen = {"before": itertools.count(1), "after": itertools.count(1)}

    def see(now: Moment, _operation: str) -> None:
        if next(seen[now]) == number and now == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    accounts = engine.accounts_of({VICTIM: {"aws_account_id": VICTIM}}, **PHASE_VARIABLES[phase])
    with engine.short_timeouts(), watched(see):
        asyncio.run(engine.all_results(accounts, fleet.RunOptions(absent=phase == "remove")))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])  # type: ignore[arg-type]
