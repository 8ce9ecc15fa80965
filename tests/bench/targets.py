# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The targets, and whether they were met."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from .plan import DRIFTED
from .runs import Result, Results

REQUESTS_PER_ACCOUNT = {"AssumeRole", "GetRole", "ListAttachedRolePolicies", "ListRolePolicies"}
REQUESTS_PER_NEW_ACCOUNT = {"AssumeRole", "GetRole", "CreateRole", "AttachRolePolicy", "DataConnectors_CreateOrUpdate"}
WRITES = ("UpdateAssumeRolePolicy", "DetachRolePolicy", "AttachRolePolicy", "TagRole", "DataConnectors_CreateOrUpdate")
REQUESTS_PER_RUN = 7
"""GetCallerIdentity; cloud, tenant, token; workspace, onboarding state, permissions."""
PAGE = 100
MAX_THROTTLED = 10
"""Requests that may be throttled before the rate limit is known."""
EQUAL_RATIO = 1.1
"""Ratio that counts as equally fast: repetitions differ by as much."""
MAX_NEW_RATIO = 1.03
THOUSAND_ACCOUNTS = ("unchanged", 1000, 30)


class TargetResult(NamedTuple):
    """A target, the measured figure, and whether it is met."""

    target: str
    figure: str
    met: bool


def evaluate(results: Results) -> list[TargetResult]:
    """Evaluate all targets for which there are figures."""
    found: list[TargetResult] = []
    for check in (
        floor,
        script,
        cpu_time,
        growth,
        memory,
        new,
        propagation,
        drifted,
        requests,
        single_account,
        preview,
        reading,
        members,
    ):
        found += check(results)
    return found


def _beyond_start(results: Results, what: str, number: int, latency: int, phase: str = "unchanged") -> float | None:
    """Return what the playbook takes beyond Ansible's own start with the same inventory, None if not measured."""
    have, start = (results.best(what, phase, number, latency, who) for who in ("playbook", "ansible"))
    return None if have is None or start is None else have - start


def _ratio(target: str, have: float | None, other: float | None, most: float) -> Iterator[TargetResult]:
    if have is not None and other is not None:
        figure = f"{have:.2f} s against {other:.2f} s: {have / other:.2f} times"
        yield TargetResult(target, figure, have <= most * other)


def floor(results: Results) -> Iterator[TargetResult]:
    """Close to the time of the requests alone."""
    have, other = _beyond_start(results, "wall", 1000, 30), results.best("wall", *THOUSAND_ACCOUNTS, "floor")
    target = "1,000 accounts unchanged, 30 ms, beyond Ansible's own start: at most 1.3 times the floor"
    yield from _ratio(target, have, other, 1.3)


def script(results: Results) -> Iterator[TargetResult]:
    """Much faster than a threaded script."""
    have, other = (results.best("wall", *THOUSAND_ACCOUNTS, who) for who in ("playbook", "script"))
    if have is not None and other is not None:
        target = "1,000 accounts unchanged, 30 ms: at least 5 times faster than the threaded script"
        yield TargetResult(
            target, f"{have:.2f} s against {other:.2f} s: {other / have:.1f} times faster", other >= 5 * have
        )


def cpu_time(results: Results) -> Iterator[TargetResult]:
    """CPU time per account."""
    have, loading = (_beyond_start(results, "cpu", number, 0) for number in (1000, 1))
    if have is not None and loading is not None:
        each = have - loading  # ms an account, as it is a thousand of them
        target = "1,000 accounts unchanged, 0 ms: at most 1.2 ms CPU an account beyond start and loading"
        yield TargetResult(target, f"{each:.2f} ms ({have:.2f} s, {loading:.2f} s of it loading)", each <= 1.2)


def exponent(results: Results, what: str, latency: int, who: str) -> float | None:
    """Return the growth exponent from 1,000 to 10,000 accounts; 1 is proportional."""
    few, many = (results.best(what, "unchanged", number, latency, who) for number in (1000, 10000))
    return math.log10(many / few) if few and many else None


def growth(results: Results) -> Iterator[TargetResult]:
    """CPU time is proportional to the number of accounts."""
    for latency in (0, 30):
        found = exponent(results, "cpu", latency, "playbook")
        if found is not None:
            target = f"CPU from 1,000 to 10,000 accounts unchanged, {latency} ms: growth exponent at most 1.0"
            yield TargetResult(target, f"{found:.2f}", found <= 1.0)


def memory(results: Results) -> Iterator[TargetResult]:
    """The peak memory of all runs."""
    for number, most in ((1000, 200), (10000, 250)):
        runs = [r for r in results.all if r.contestant in ("playbook", "check") and r.number == number]
        if runs:
            peak = max(run.memory for run in runs)
            target = f"{number:,} accounts, every phase: at most {most} MiB (PSS of all processes)"
            yield TargetResult(target, f"{peak:.0f} MiB", peak <= most)


def bucket(number: int) -> float:
    """Return the minimum time of writes under ARM's limit: 200 at once, then 10 per second."""
    return max(0.0, (number - 200) / 10)


def new(results: Results) -> Iterator[TargetResult]:
    """The rate limit determines the time; below 1,000 accounts the start of the program matters more."""
    for run in results.all:
        if run.phase == "new" and run.number > 200:
            allowed = bucket(run.number)
            many = run.number >= 1000
            most = f"{MAX_NEW_RATIO} times what" if many else "3 s more than"
            target = f"{run.number:,} new accounts: at most {most} ARM's limit allows, few throttled, none lost"
            figure = f"{run.wall:.1f} s of {allowed:.0f} s ({run.wall / allowed:.2f} times)"
            fast = run.wall <= (MAX_NEW_RATIO * allowed if many else allowed + 3)
            met = fast and run.refused <= MAX_THROTTLED and not run.lost
            yield TargetResult(target, f"{figure}, {run.refused} throttled, {run.lost} lost", met)


def propagation(results: Results) -> Iterator[TargetResult]:
    """Waits for IAM's propagation do not add up."""
    for run in results.all:
        plain = results.best("wall", "new", run.number, run.latency, run.contestant)
        if run.phase == "propagation" and plain is not None:
            target = f"{run.number} new accounts whose roles become visible after 8 s: at most 10 s more, none lost"
            figure = f"{run.wall:.1f} s against {plain:.1f} s, {run.lost} lost"
            yield TargetResult(target, figure, run.wall <= plain + 10 and not run.lost)


def drifted(results: Results) -> Iterator[TargetResult]:
    """Repairs take no longer than their writes."""
    have, plain = (results.best("wall", phase, 1000, 30, "playbook") for phase in ("drifted", "unchanged"))
    if have is not None and plain is not None:
        run = results.of("drifted", 1000, 30, "playbook")[0]
        writes = _writes(run) / (run.number // DRIFTED) * run.latency / 1000
        most = 1.15 * plain + writes
        target = "1,000 accounts, 5 % drifted: at most 1.15 times the unchanged run and the writes' own latency"
        yield TargetResult(target, f"{have:.2f} s, at most {most:.2f} s ({writes:.2f} s of writes)", have <= most)


def _writes(run: Result) -> int:
    return sum(run.requests.get(name, 0) for name in WRITES)


def requests(results: Results) -> Iterator[TargetResult]:
    """No unnecessary requests."""
    for number in (1000, 10000):
        for run in results.of("unchanged", number, 30, "playbook")[:1]:
            yield _requested(run, "unchanged", REQUESTS_PER_ACCOUNT)
    for run in results.all:
        if run.phase == "new" and not run.refused:
            yield _requested(run, "new", REQUESTS_PER_NEW_ACCOUNT)


def _requested(run: Result, what: str, wanted: set[str]) -> TargetResult:
    total = sum(run.requests.get(name, 0) for name in wanted)
    others = {name: count for name, count in run.requests.items() if name not in wanted}
    pages = math.ceil(run.number / PAGE) if what == "unchanged" else 1
    allowed = REQUESTS_PER_RUN + pages
    target = f"{run.number:,} accounts {what}: {len(wanted)} requests an account, at most {allowed} for the run"
    met = total == len(wanted) * run.number and sum(others.values()) <= allowed
    return TargetResult(target, f"{total / run.number:.2f} an account and {sum(others.values())}", met)


def single_account(results: Results) -> Iterator[TargetResult]:
    """One account takes little more than the latency of its requests."""
    have = _beyond_start(results, "wall", 1, 30)
    if have is not None:
        run = results.of("unchanged", 1, 30, "playbook")[0]
        waited = sum(run.requests.values()) * 0.03
        target = "One account, 30 ms: at most 0.25 s beyond Ansible's own start and the requests' latency"
        yield TargetResult(target, f"{have:.2f} s, {waited:.2f} s of it latency", have <= waited + 0.25)


def preview(results: Results) -> Iterator[TargetResult]:
    """Check mode is as fast as a run without changes."""
    for number in (1000, 10000):
        have, other = (results.best("wall", "unchanged", number, 30, who) for who in ("check", "playbook"))
        target = f"{number:,} accounts unchanged, --check --diff: as fast (at most {EQUAL_RATIO} times)"
        yield from _ratio(target, have, other, EQUAL_RATIO)


def reading(results: Results) -> Iterator[TargetResult]:
    """Host variables are read quickly. Only the task is timed: the difference of whole programs would be noise."""
    have, empty = (results.best("task", "reading", 10000, 0, who) for who in ("reading", "ansible"))
    if have and empty:
        target = "10,000 hosts: reading their variables for the fleet at most 1.5 s"
        yield TargetResult(
            target, f"{have - empty:.2f} s (task {have:.2f} s, empty task {empty:.2f} s)", have - empty <= 1.5
        )


def members(results: Results) -> Iterator[TargetResult]:
    """One connection costs the same however many accounts are read through it, but for Ansible's time for the hosts."""
    one, many = (_beyond_start(results, "wall", number, 0, phase="members") for number in (1, 1000))
    if one is not None and many is not None:
        runs = [results.of("members", number, 0, "playbook")[0] for number in (1, 1000)]
        few, all_of_them = (sum(run.requests.values()) for run in runs)
        target = "One S3 connection, 1,000 accounts: the requests of one account, at most 0.3 s more"
        figure = f"{all_of_them} requests against {few}, {many:.2f} s against {one:.2f} s beyond Ansible's own start"
        yield TargetResult(target, figure, few == all_of_them and many <= one + 0.3)
