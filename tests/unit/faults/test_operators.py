# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two operators at the same time, and changes by somebody else during a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from tests.faults import engine
from tests.faults.hook import Moment, Once, watched
from tests.faults.kinds import DELETE, PUT
from tests.faults.timing import Timing
from tests.faults.world import ACCOUNTS, EXTRA_POLICY, PHASES, ROLE, VICTIM, Phase, World, arn_of, connector, name_of

POLICY = "arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"
Change = Callable[[World], object]


def two_at_once(world: World, phase: Phase) -> list[engine.RunResult]:
    options = fleet.RunOptions(absent=phase == "remove")

    async def both() -> list[engine.RunResult]:
        runs = [engine.run_async(world.accounts(phase), options) for _operator in range(2)]
        return list(await asyncio.gather(*runs))

    return asyncio.run(both())


@pytest.mark.parametrize("phase", PHASES)
def test_two_operators_with_the_same_options_do_no_harm(world: World, phase: Phase) -> None:
    expected = world.expected(phase)
    world.prepare(phase)
    # Responses are delayed, so that each of the two reads before the other one has written.
    world.e.fault(service="iam", delay=0.02)
    before = world.seen()
    # Two runs may be slow on a busy machine.
    with Timing(consistency=20.0).applied():
        both = two_at_once(world, phase)
    for ended in both:
        assert (ended.error, ended.failed) == (None, {})
    after = world.seen()
    assert (after.ours, after.other_workspaces, world.duplicates()) == (expected.ours, before.other_workspaces, [])
    world.e.heal()
    again = world.run(phase)
    assert (again.error, again.failed, again.calls) == (None, {}, {})


def adds_another_connector(world: World) -> None:
    world.e.seed_connector(connector("by-hand", arn_of(VICTIM)))


def changes_the_connector(world: World) -> None:
    world.e.seed_connector(connector(name_of(VICTIM), arn_of(VICTIM), "disabled"))


def removes_the_connector(world: World) -> None:
    world.e.delete_connector(name_of(VICTIM))


def attaches_too_much(world: World) -> None:
    world.make(VICTIM, "AttachRolePolicy", RoleName=ROLE, PolicyArn=EXTRA_POLICY)


def detaches_too_much(world: World) -> None:
    world.make(VICTIM, "DetachRolePolicy", RoleName=ROLE, PolicyArn=EXTRA_POLICY)


def creates_the_role(world: World) -> None:
    world.connect_role(VICTIM)


def removes_the_new_role(world: World) -> None:
    world.make(VICTIM, "DeleteRole", RoleName=ROLE)


def removes_the_role(world: World) -> None:
    world.make(VICTIM, "DetachRolePolicy", RoleName=ROLE, PolicyArn=POLICY)
    world.make(VICTIM, "DeleteRole", RoleName=ROLE)


CHANGES = (
    ("create", "before", "CreateRole", creates_the_role),
    ("create", "after", "CreateRole", removes_the_new_role),
    ("create", "before", PUT, adds_another_connector),
    ("repair", "before", PUT, changes_the_connector),
    ("repair", "before", PUT, removes_the_connector),
    ("repair", "before", "DetachRolePolicy", detaches_too_much),
    ("remove", "before", DELETE, removes_the_connector),
    ("remove", "before", "DeleteRole", attaches_too_much),
    ("remove", "before", "DetachRolePolicy", removes_the_role),
)


@pytest.mark.parametrize(
    ("phase", "moment", "operation", "change"),
    [pytest.param(*change, id=f"{change[3].__name__}-{change[1]}-{change[2]}") for change in CHANGES],
)
def test_a_concurrent_change_does_no_harm(
    world: World, phase: Phase, moment: Moment, operation: str, change: Change
) -> None:
    right = world.expected(phase)
    world.prepare(phase)
    before = world.seen()
    once = Once(moment, operation, lambda: change(world))
    with watched(once):
        ended = world.run(phase, 1)
    assert once.done
    assert (ended.error, ended.failed) == (None, {})
    shown = world.seen()
    assert shown.ours[VICTIM].get("role") == right.ours[VICTIM].get("role")
    found, expected = (len(seen.ours[VICTIM].get("connectors", [])) for seen in (shown, right))
    assert found == expected
    assert shown.other_workspaces == before.other_workspaces
    again = world.run(phase, 1)
    assert (again.error, again.failed, again.calls) == (None, {}, {})


def test_endless_concurrent_changes_are_a_conflict(world: World) -> None:
    world.prepare("repair")

    def see(moment: Moment, operation: str) -> None:
        if (moment, operation) == ("before", PUT):
            changes_the_connector(world)

    with watched(see):
        ended = world.run("repair")
    assert set(ended.failed) == {VICTIM}
    assert ended.failed[VICTIM].kind == "connector_conflict"
    assert world.run("repair").failed == {}
    assert set(ended.results) == set(ACCOUNTS)
