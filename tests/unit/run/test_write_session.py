# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session for the calls of plans: assumed once, and again only for calls that no plan had."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.service import Keys
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.session_policy import allow
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.write_session import WriteSession

CREATE, TAG, DELETE = (Call(f"{verb}Queue", {}) for verb in ("Create", "Tag", "Delete"))


class Sessions:
    """The policies of the sessions that were assumed."""

    def __init__(self) -> None:
        self.allowed: list[list[str]] = []

    async def assume(self, policy: Callable[[str], str]) -> Keys:
        statements = json.loads(policy("aws"))["Statement"]
        self.allowed.append([action for one in statements for action in one["Action"]])
        return Keys(f"key{len(self.allowed)}", "secret")


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


@pytest.fixture
def session(sessions: Sessions) -> WriteSession:
    found = WriteSession(sessions.assume)
    for name, calls in (("queue", [CREATE, TAG]), ("role", [Call("CreateRole", {})])):
        found.expect(name, lambda calls, name=name: [allow([one.name for one in calls], name)] if calls else [], calls)
    return found


def keys(session: WriteSession, *calls: tuple[str, Call]) -> list[str]:
    async def work() -> list[str]:
        return [(await session.keys(resource, call)).access_key for resource, call in calls]

    return asyncio.run(work())


def test_nothing_is_assumed_without_a_call(sessions: Sessions, session: WriteSession) -> None:
    assert sessions.allowed == []


def test_one_session_has_the_calls_of_all_plans(sessions: Sessions, session: WriteSession) -> None:
    assert keys(session, ("queue", CREATE), ("role", Call("CreateRole", {})), ("queue", TAG)) == ["key1"] * 3
    assert sessions.allowed == [["CreateQueue", "TagQueue", "CreateRole"]]


def test_a_call_that_no_plan_had_opens_another_one(sessions: Sessions, session: WriteSession) -> None:
    assert keys(session, ("queue", CREATE), ("queue", DELETE), ("queue", CREATE)) == ["key1", "key2", "key2"]
    assert sessions.allowed[1] == ["CreateQueue", "TagQueue", "DeleteQueue", "CreateRole"]


def test_a_call_of_another_resource_is_not_a_call_of_this_one(sessions: Sessions, session: WriteSession) -> None:
    assert keys(session, ("queue", CREATE), ("role", CREATE)) == ["key1", "key2"]


def test_a_policy_that_is_too_long_is_an_error_and_no_session(sessions: Sessions, session: WriteSession) -> None:
    session.expect("bucket", lambda _calls: [allow(["s3:GetObject"], "x" * 3000)], [])
    with pytest.raises(SentinelError) as caught:
        keys(session, ("queue", CREATE))
    assert caught.value.kind == "bad_input"
    assert sessions.allowed == []
