# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One measurement: prepare the servers, run a program, read the servers' figures."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .contestants import Files, accounts, command
from .measure import Usage, run
from .plan import Case
from .services import Services

OUTPUT_KEPT = 2000
CALLBACKS = str(Path(__file__).parent / "callbacks")
TASK_SECONDS = re.compile(r"bench: the task took ([\d.]+) s")
MISSING_ACCOUNT = "Cannot work on host nobody: aws_account_id is not given"


@dataclass
class Result:
    """The figures of one run of one program: seconds, seconds of CPU, MiB, requests."""

    phase: str
    number: int
    latency: int
    contestant: str
    wall: float
    cpu: float
    memory: float
    server_cpu: float
    requests: dict[str, int]
    refused: int
    lost: int
    """Accounts without role or connector after the run."""
    task: float = 0.0
    """Seconds of the one task, in the phase `reading`."""
    throttled: int = 0
    """Requests that IAM throttled."""
    problem: str = ""


def prepare(services: Services, case: Case, folder: Path) -> Files:
    """Set up the servers for a run, and write the inventory."""
    files = Files(folder, case.number)
    files.write()
    listed = accounts(case.number)
    services.control(
        "prepare",
        accounts=listed,
        drifted=listed[:: case.number // case.drifted] if case.drifted else [],
        there=case.there,
        latency=case.latency / 1000,
        **case.settings,
    )
    return files


def measure(services: Services, case: Case, contestant: str, folder: Path) -> Result:
    """Run one program once."""
    files = prepare(services, case, folder)
    before = services.control("figures")
    environment = {
        **services.environment,
        **({"ANSIBLE_CALLBACK_PLUGINS": CALLBACKS} if case.phase == "reading" else {}),
    }
    used = run(command(contestant, files), environment, folder, folder / "output.txt")
    after = services.control("figures")
    result = Result(
        phase=case.phase,
        number=case.number,
        latency=case.latency,
        contestant=contestant,
        wall=used.wall,
        cpu=used.cpu,
        memory=used.memory,
        server_cpu=after["cpu"] - before["cpu"],
        requests=after["requests"],
        refused=after["refused"],
        lost=case.number - min(after["roles"], after["connectors"]),
        throttled=after["throttled"],
    )
    task = TASK_SECONDS.search(used.output)
    result.task = float(task[1]) if task else 0.0
    result.problem = problem(result, used)
    return result


def problem(result: Result, used: Usage) -> str:
    """Return why a measurement is not valid, "" if it is."""
    reading = result.contestant == "reading"
    if (used.code == 0) == reading:
        return f"exit code {used.code}: {used.output[-OUTPUT_KEPT:]}"
    if reading and (MISSING_ACCOUNT not in used.output or result.requests):
        return f"it did not end after reading: {used.output[-OUTPUT_KEPT:]}"
    if result.phase == "reading" and not result.task:
        return "the duration of the task is missing"
    return f"{result.lost} accounts lost" if result.lost else ""


def measured(services: Services, cases: list[Case], folder: Path, wanted: Callable[[str], bool]) -> Iterator[Result]:
    """Run everything, the programs in turn, so that load on the machine affects all of them."""
    for repetition in range(max((case.repetitions for case in cases), default=0)):
        for case in cases:
            for contestant in filter(wanted, case.contestants):
                if repetition < case.repetitions:
                    yield measure(services, case, contestant, folder)


class Results:
    """All results, with the best and the median of repetitions."""

    def __init__(self, results: list[Result]) -> None:
        self.all = results

    def of(self, phase: str, number: int, latency: int, contestant: str) -> list[Result]:
        """Return the repetitions."""
        key = (phase, number, latency, contestant)
        return [r for r in self.all if (r.phase, r.number, r.latency, r.contestant) == key]

    def best(self, what: str, phase: str, number: int, latency: int, contestant: str) -> float | None:
        """Return the minimum of `wall`, `cpu`, `memory` …, None if not measured."""
        return min((float(getattr(r, what)) for r in self.of(phase, number, latency, contestant)), default=None)

    def median(self, what: str, phase: str, number: int, latency: int, contestant: str) -> float | None:
        """Return the median, None if not measured."""
        found = [float(getattr(r, what)) for r in self.of(phase, number, latency, contestant)]
        return statistics.median(found) if found else None
