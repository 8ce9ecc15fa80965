# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run time, CPU time and memory of a program with all its processes."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SECONDS_BETWEEN_SAMPLES = 0.25
PROC = Path("/proc")


@dataclass
class Usage:
    """The resources of a program: seconds, seconds of CPU, peak MiB; exit code and output."""

    wall: float
    cpu: float
    memory: float
    code: int
    output: str


def run(command: list[str], environment: Mapping[str, str], folder: Path, output: Path) -> Usage:
    """Run a program and wait for it. CPU time includes the processes that it waited for."""
    with output.open("wb") as out:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, env=dict(environment), cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
        sampler = Sampler(process.pid)
        sampler.start()
        _pid, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    sampler.ended.set()
    sampler.join()
    text = output.read_text(errors="replace")
    return Usage(wall, used.ru_utime + used.ru_stime, sampler.peak / 1024, process.returncode, text)


class Sampler(threading.Thread):
    """Samples the memory (PSS) of a process and its descendants; shared pages count by their share."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.ended = threading.Event()
        self.peak = 0

    def run(self) -> None:
        """Sample until the program has ended; the first time early, for short programs."""
        pause = 0.1
        while not self.ended.wait(pause):
            self.peak = max(self.peak, sum(map(proportional, family(self.pid))))
            pause = SECONDS_BETWEEN_SAMPLES


def family(pid: int) -> list[int]:
    """Return the process and its descendants."""
    found = [pid]
    for listed in PROC.glob(f"{pid}/task/*/children"):
        try:
            children = listed.read_text().split()
        except OSError:
            continue
        for child in children:
            found += family(int(child))
    return found


def proportional(pid: int) -> int:
    """Return the PSS of a process in KiB, 0 if it has ended."""
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
