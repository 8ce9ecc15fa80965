# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever role is there and whatever is wished: applying the plan gives the planned role, and then nothing is left."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from functools import partial
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.iam import RoleAdapter
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AssumeRole,
    AwsCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.plan import plan
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.role import (
    INLINE,
    LOOKUP_EVENTS,
    Role,
    RoleSpec,
    overlay,
    show,
    trust,
    without,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.reconcile import reconcile
from tests.emulators.client import Emulators

ACCOUNT = "111111111111"
NAME = "MicrosoftSentinelRole"
MICROSOFT = "197857026523"
IDS = [f"{digit * 8}-1111-4111-8111-111111111111" for digit in "abc"]
POLICIES = [
    f"arn:aws:iam::aws:policy/{name}"
    for name in ("AWSCloudTrail_ReadOnlyAccess", "ReadOnlyAccess", "AdministratorAccess")
]
OTHER: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}

ids = st.sets(st.sampled_from(IDS), min_size=1)
tags = st.dictionaries(st.sampled_from(["owner", "team", "Stage"]), st.sampled_from(["", "a", "ä b"]))
texts = st.sampled_from(["", "Mine", "Lets Microsoft Sentinel read AWS CloudTrail"])
sessions = st.sampled_from([3600, 7200, 43200])
ours = st.builds(trust, st.just(MICROSOFT), ids)
theirs = st.builds(trust, st.just("666666666666"), ids)
widened = st.builds(lambda one, two: {**one, "Statement": one["Statement"] + two["Statement"]}, ours, theirs)
trusts = ours | theirs | widened
inlines = st.dictionaries(st.sampled_from([INLINE, "other"]), st.sampled_from([LOOKUP_EVENTS, OTHER]))
marks = st.one_of(
    st.just({}),
    ids.map(lambda found: {"trailbridge.sentinel": "managed", "trailbridge.sentinel.workspace": " ".join(found)}),
)


@st.composite
def roles(draw: st.DrawFn) -> Role:
    return Role(
        name=NAME,
        arn=f"arn:aws:iam::{ACCOUNT}:role/{NAME}",
        description=draw(texts),
        max_session_duration=draw(sessions),
        trust=draw(trusts),
        permissions_boundary=draw(st.sampled_from([None, *POLICIES])),
        tags={**draw(tags), **draw(marks)},
        managed=draw(st.frozensets(st.sampled_from(POLICIES))),
        inline=draw(inlines),
    )


specs = st.builds(
    RoleSpec,
    account_id=st.just(ACCOUNT),
    workspace_id=st.sampled_from(IDS),
    description=st.none() | texts,
    max_session_duration=st.none() | sessions,
    permissions_boundary=st.none() | st.sampled_from(["", *POLICIES]),
    tags=st.none() | tags,
    purge_tags=st.booleans(),
    permission_mode=st.sampled_from(["managed", "lookup_events"]),
    external_ids=ids.map(tuple) | st.just(()),
    exclusive=st.booleans(),
    adopt=st.just(True),
)
unhurried = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


T = TypeVar("T")


class World:
    """One account in which a role can be put, brought to a wish, and looked at."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.runner = runner
        self.aws = self.do(self._enter())
        self.adapter = RoleAdapter(self.iam, ACCOUNT, NAME, writes=True)

    async def _enter(self) -> Aws:
        aws = Aws(AwsCredentials())
        self.iam = aws.service("iam").client(
            await aws.assume_role_in(
                ACCOUNT, AssumeRole(("OrganizationAccountAccessRole",), session_policy=False), NAME, "write"
            )
        )
        return aws

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def read(self) -> Role | None:
        return self.do(self.adapter.read())

    def put(self, role: Role | None) -> None:
        self.apply(plan(self.read(), None))
        self.apply(plan(None, role) if role else [])

    def apply(self, calls: list[Call]) -> None:
        for call in calls:
            self.do(self.adapter.apply(call))

    def reach(self, decide: Any) -> Any:
        return self.do(reconcile(self.adapter, decide, plan, check_mode=False, made=[], seen=lambda _have: None))


@pytest.fixture
def world(here: Emulators) -> Iterator[World]:
    with asyncio.Runner() as runner:
        found = World(runner)
        yield found
        found.aws.close()


@unhurried
@given(have=st.none() | roles(), spec=specs)
def test_applying_a_plan_gives_the_planned_role_and_a_second_plan_is_empty(
    world: World, have: Role | None, spec: RoleSpec
) -> None:
    world.put(have)
    outcome = world.reach(partial(overlay, spec))
    assert show(world.read()) == show(outcome.want)
    assert world.reach(partial(overlay, spec)).calls == []


@unhurried
@given(have=st.none() | roles(), spec=specs)
def test_removing_leaves_what_others_need_and_a_second_removal_does_nothing(
    world: World, have: Role | None, spec: RoleSpec
) -> None:
    world.put(have)
    try:
        outcome = world.reach(partial(without, spec))
    except SentinelError:
        assert show(world.read()) == show(have)
        return
    assert show(world.read()) == show(outcome.want)
    assert world.reach(partial(without, spec)).calls == []
