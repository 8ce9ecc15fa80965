# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For random roles: applying the plan gives the planned role, and a second plan is empty."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Coroutine, Iterator
from functools import partial
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.iam import RoleAdapter
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountReport
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AssumeRole,
    AwsCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.permissions import policy_for
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.plan import ROLE, plan
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.role import (
    INLINE_POLICY,
    LOOKUP_EVENTS,
    Role,
    RoleSpec,
    overlay,
    show,
    trust,
    without,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.reconcile import Mode, reconcile
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
descriptions = st.sampled_from(["", "Mine", "Lets Microsoft Sentinel read AWS CloudTrail"])
sessions = st.sampled_from([3600, 7200, 43200])
trusts_microsoft = st.builds(trust, st.just(MICROSOFT), ids)
trusts_another = st.builds(trust, st.just("666666666666"), ids)
widened = st.builds(
    lambda one, two: {**one, "Statement": one["Statement"] + two["Statement"]}, trusts_microsoft, trusts_another
)
trusts = trusts_microsoft | trusts_another | widened
inlines = st.dictionaries(st.sampled_from([INLINE_POLICY, "other"]), st.sampled_from([LOOKUP_EVENTS, OTHER]))
management_tags = st.one_of(
    st.just({}),
    ids.map(lambda found: {"trailbridge.sentinel": "managed", "trailbridge.sentinel.workspace": " ".join(found)}),
)


@st.composite
def roles(draw: st.DrawFn) -> Role:
    return Role(
        name=NAME,
        arn=f"arn:aws:iam::{ACCOUNT}:role/{NAME}",
        description=draw(descriptions),
        max_session_duration=draw(sessions),
        trust=draw(trusts),
        permissions_boundary=draw(st.sampled_from([None, *POLICIES])),
        tags={**draw(tags), **draw(management_tags)},
        managed_policies=draw(st.frozensets(st.sampled_from(POLICIES))),
        inline_policies=draw(inlines),
    )


specs = st.builds(
    RoleSpec,
    account_id=st.just(ACCOUNT),
    workspace_id=st.sampled_from(IDS),
    description=st.none() | descriptions,
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
    """One account in which a role can be created, reconciled and read."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.runner = runner
        self.aws = self.do(self._assume_role())
        self.adapter = RoleAdapter(self.iam, ACCOUNT, NAME, writes=True)

    async def _assume_role(self) -> Aws:
        aws = Aws(AwsCredentials())
        self.iam = aws.service("iam").client(
            await aws.assume_role_in(
                ACCOUNT,
                AssumeRole(("OrganizationAccountAccessRole",), session_policy=False),
                policy_for(ACCOUNT, NAME, "write"),
            )
        )
        return aws

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def read(self) -> Role | None:
        return self.do(self.adapter.read())

    def replace(self, role: Role | None) -> None:
        self.apply(plan(self.read(), None))
        self.apply(plan(None, role) if role else [])

    def apply(self, calls: list[Call]) -> None:
        for call in calls:
            self.do(self.adapter.apply(call))

    def reconcile(self, desired: Any) -> Any:
        kind = dataclasses.replace(ROLE, overlay=lambda _spec, have: desired(have))
        return self.do(
            reconcile(AccountReport(), kind, RoleSpec(ACCOUNT, "", NAME), self.adapter, Mode(check_mode=False))
        )


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
    world.replace(have)
    outcome = world.reconcile(partial(overlay, spec))
    assert show(world.read()) == show(outcome.want)
    assert world.reconcile(partial(overlay, spec)).calls == []


@unhurried
@given(have=st.none() | roles(), spec=specs)
def test_removal_keeps_the_part_of_other_workspaces_and_a_second_removal_is_empty(
    world: World, have: Role | None, spec: RoleSpec
) -> None:
    world.replace(have)
    try:
        outcome = world.reconcile(partial(without, spec))
    except SentinelError:
        assert show(world.read()) == show(have)
        return
    assert show(world.read()) == show(outcome.want)
    assert world.reconcile(partial(without, spec)).calls == []
