# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be reached, and whether it was."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from .plan import DRIFTED
from .runs import Result, Results

AN_ACCOUNT = {"AssumeRole", "GetRole", "ListAttachedRolePolicies", "ListRolePolicies"}
A_NEW_ACCOUNT = {"AssumeRole", "GetRole", "CreateRole", "AttachRolePolicy", "DataConnectors_CreateOrUpdate"}
WRITES = ("UpdateAssumeRolePolicy", "DetachRolePolicy", "AttachRolePolicy", "TagRole", "DataConnectors_CreateOrUpdate")
FOR_THE_RUN = 7
"""GetCallerIdentity; the cloud, the tenant, a token; the workspace, whether Sentinel is on, our rights."""
PAGE = 100
FEW = 10
"""So many requests may be refused before a pacer knows the limit."""
SAME = 1.1
"""What counts as equally fast: repetitions differ by as much."""
THOUSAND = ("unchanged", 1000, 30)


class IngestionStatus(NamedTuple):
    """A target, what was measured, whether it is met."""

    target: str
    figure: str
    met: bool


def target_results(results: Results) -> list[IngestionStatus]:
    """All targets for which there are figures."""
    found: list[IngestionStatus] = []
    for check in (floor, script, thrift, growth, memory, new, late, drifted, requests, one, preview, reading):
        found += check(results)
    return found


def _ratio(target: str, have: float | None, other: float | None, most: float) -> Iterator[IngestionStatus]:
    if have is not None and other is not None:
        figure = f"{have:.2f} s against {other:.2f} s: {have / other:.2f} times"
        yield IngestionStatus(target, figure, have <= most * other)


def floor(results: Results) -> Iterator[IngestionStatus]:
    """Near to what the requests themselves take."""
    have, other = (results.best("wall", *THOUSAND, who) for who in ("playbook", "floor"))
    yield from _ratio("1,000 accounts unchanged, 30 ms: at most 1.75 times the floor", have, other, 1.75)


def script(results: Results) -> Iterator[IngestionStatus]:
    """Far from what one would write oneself."""
    have, other = (results.best("wall", *THOUSAND, who) for who in ("playbook", "script"))
    if have is not None and other is not None:
        target = "1,000 accounts unchanged, 30 ms: at least 5 times faster than the threaded script"
        yield IngestionStatus(
            target, f"{have:.2f} s against {other:.2f} s: {other / have:.1f} times faster", other >= 5 * have
        )


def thrift(results: Results) -> Iterator[IngestionStatus]:
    """CPU time an account."""
    have, start = (results.best("cpu", "unchanged", 1000, 0, who) for who in ("playbook", "ansible"))
    if have is not None and start is not None:
        each = have - start  # ms an account, as it is a thousand of them
        target = "1,000 accounts unchanged, 0 ms: at most 2.5 ms CPU an account beyond Ansible's own start"
        yield IngestionStatus(target, f"{each:.2f} ms ({have:.2f} s - {start:.2f} s)", each <= 2.5)


def exponent(results: Results, what: str, latency: int, who: str) -> float | None:
    """By which power of the number of accounts it grows from 1,000 to 10,000: 1 is in proportion."""
    few, many = (results.best(what, "unchanged", number, latency, who) for number in (1000, 10000))
    return math.log10(many / few) if few and many else None


def growth(results: Results) -> Iterator[IngestionStatus]:
    """Ten times the accounts, ten times the work."""
    for latency in (0, 30):
        found = exponent(results, "cpu", latency, "playbook")
        if found is not None:
            target = f"CPU from 1,000 to 10,000 accounts unchanged, {latency} ms: growth exponent at most 1.05"
            yield IngestionStatus(target, f"{found:.2f}", found <= 1.05)


def memory(results: Results) -> Iterator[IngestionStatus]:
    """The most that any run took."""
    for number, most in ((1000, 200), (10000, 400)):
        runs = [r for r in results.all if r.contestant in ("playbook", "check") and r.number == number]
        if runs:
            peak = max(run.memory for run in runs)
            target = f"{number:,} accounts, every phase: at most {most} MiB (PSS of all processes)"
            yield IngestionStatus(target, f"{peak:.0f} MiB", peak <= most)


def bucket(number: int) -> float:
    """How long ARM's limit makes so many writes take: 200 at once, then 10 a second."""
    return max(0.0, (number - 200) / 10)


def new(results: Results) -> Iterator[IngestionStatus]:
    """Nothing but the limit. With fewer accounts than 1,000 the start of the program is a larger part."""
    for run in results.all:
        if run.phase == "new" and run.number > 200:
            allowed = bucket(run.number)
            many = run.number >= 1000
            most = "1.05 times what" if many else "3 s more than"
            target = f"{run.number:,} new accounts: at most {most} ARM's limit allows, few refused, none lost"
            figure = f"{run.wall:.1f} s of {allowed:.0f} s ({run.wall / allowed:.2f} times)"
            fast = run.wall <= (1.05 * allowed if many else allowed + 3)
            met = fast and run.refused <= FEW and not run.lost
            yield IngestionStatus(target, f"{figure}, {run.refused} refused, {run.lost} lost", met)


def late(results: Results) -> Iterator[IngestionStatus]:
    """Waiting for IAM does not add up."""
    for run in results.all:
        plain = results.best("wall", "new", run.number, run.latency, run.contestant)
        if run.phase == "propagation" and plain is not None:
            target = f"{run.number} new accounts whose roles become visible after 8 s: at most 10 s more, none lost"
            figure = f"{run.wall:.1f} s against {plain:.1f} s, {run.lost} lost"
            yield IngestionStatus(target, figure, run.wall <= plain + 10 and not run.lost)


def drifted(results: Results) -> Iterator[IngestionStatus]:
    """Repair costs what its writes cost."""
    have, plain = (results.best("wall", phase, 1000, 30, "playbook") for phase in ("drifted", "unchanged"))
    if have is not None and plain is not None:
        run = results.of("drifted", 1000, 30, "playbook")[0]
        writes = _writes(run) / (run.number // DRIFTED) * run.latency / 1000
        most = 1.15 * plain + writes
        target = "1,000 accounts, 5 % drifted: at most 1.15 times the unchanged run and the writes' own latency"
        yield IngestionStatus(target, f"{have:.2f} s, at most {most:.2f} s ({writes:.2f} s of writes)", have <= most)


def _writes(run: Result) -> int:
    return sum(run.requests.get(name, 0) for name in WRITES)


def requests(results: Results) -> Iterator[IngestionStatus]:
    """No more requests than needed."""
    for number in (1000, 10000):
        for run in results.of("unchanged", number, 30, "playbook")[:1]:
            yield _requested(run, "unchanged", AN_ACCOUNT)
    for run in results.all:
        if run.phase == "new" and not run.refused:
            yield _requested(run, "new", A_NEW_ACCOUNT)


def _requested(run: Result, what: str, wanted: set[str]) -> IngestionStatus:
    total = sum(run.requests.get(name, 0) for name in wanted)
    others = {name: count for name, count in run.requests.items() if name not in wanted}
    pages = math.ceil(run.number / PAGE) if what == "unchanged" else 1
    allowed = FOR_THE_RUN + pages
    target = f"{run.number:,} accounts {what}: {len(wanted)} requests an account, at most {allowed} for the run"
    met = total == len(wanted) * run.number and sum(others.values()) <= allowed
    return IngestionStatus(target, f"{total / run.number:.2f} an account and {sum(others.values())}", met)


def one(results: Results) -> Iterator[IngestionStatus]:
    """A single account is no trouble."""
    have = results.best("wall", "unchanged", 1, 30, "playbook")
    if have is not None:
        run = results.of("unchanged", 1, 30, "playbook")[0]
        waited = sum(run.requests.values()) * 0.03
        target = "One account, 30 ms: at most 0.9 s beyond the requests' latency"
        yield IngestionStatus(target, f"{have:.2f} s, {waited:.2f} s of it latency", have <= waited + 0.9)


def preview(results: Results) -> Iterator[IngestionStatus]:
    """Looking is not slower than doing nothing."""
    for number in (1000, 10000):
        have, other = (results.best("wall", "unchanged", number, 30, who) for who in ("check", "playbook"))
        target = f"{number:,} accounts unchanged, --check --diff: as fast (at most {SAME} times)"
        yield from _ratio(target, have, other, SAME)


def reading(results: Results) -> Iterator[IngestionStatus]:
    """Host variables are read quickly. The task is timed: the difference of two whole programs would be noise."""
    have, empty = (results.best("task", "reading", 10000, 0, who) for who in ("reading", "ansible"))
    if have and empty:
        target = "10,000 hosts: reading their variables for the fleet at most 1.5 s"
        yield IngestionStatus(
            target, f"{have - empty:.2f} s (task {have:.2f} s, empty task {empty:.2f} s)", have - empty <= 1.5
        )
