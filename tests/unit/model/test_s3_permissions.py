# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two sessions of an S3 source fit what AWS takes, with the longest names and for every plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.resource import Resource
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.role import TAG, TAG_WORKSPACE, Role
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3 import permissions
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.dead_letter_queue import (
    DEAD_LETTER_QUEUE,
    DeadLetterQueue,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.notification import (
    NOTIFICATION,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.provider import PROVIDER, Provider
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.queue import QUEUE, Queue
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.role import WEB_IDENTITY_ROLE
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import (
    MAX_QUEUE_NAME,
    S3SourceSpec,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.subscription import (
    SUBSCRIPTION,
    Subscription,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.session_policy import session_policy
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import s3_source
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.s3_source import S3_SOURCE
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.step import SourceRun

from .s3 import ACCOUNT, OTHER_WORKSPACE, WORKSPACE

REGION = "us-gov-west-1"
KEYS = tuple(f"arn:aws-us-gov:kms:{REGION}:{ACCOUNT}:key/{WORKSPACE[:-2]}{number:02}" for number in range(10))
OPTIONS: dict[str, Any] = {
    "type": "s3",
    "bucket": "b" * 63,
    "bucket_region": REGION,
    "prefix": f"{'p' * 200}/AWSLogs/o-{'x' * 32}/",
    "suffix": ".json.gz",
    "queue_name": "q" * MAX_QUEUE_NAME,
    "role_name": f"OIDC_{'r' * 59}",
    "session_names": [f"MicrosoftSentinel_{one}" for one in (WORKSPACE, OTHER_WORKSPACE)],
    "kms_key_arns": list(KEYS),
    "topic_arn": f"arn:aws-us-gov:sns:{REGION}:{ACCOUNT}:{'t' * 256}",
    "account_ids": [f"{number:012}" for number in range(1, 101)],
    "remove_provider": True,
    "purge_queue": True,
}
SPEC = S3SourceSpec(
    ACCOUNT,
    REGION,
    OPTIONS["bucket"],
    OPTIONS["prefix"],
    WORKSPACE,
    OPTIONS["queue_name"],
    suffix=OPTIONS["suffix"],
    account_ids=tuple(OPTIONS["account_ids"]),
    kms_key_arns=KEYS,
    role_name=OPTIONS["role_name"],
    session_names=tuple(OPTIONS["session_names"]),
    partition="aws-us-gov",
    topic_arn=OPTIONS["topic_arn"],
    adopt=True,
    purge_queue=True,
    remove_provider=True,
    role_stays=False,
)
TAGS = {TAG: "managed", TAG_WORKSPACE: WORKSPACE}
ROLE = WEB_IDENTITY_ROLE.overlay(SPEC, None)
WORN_ROLE = Role(
    SPEC.role_name,
    SPEC.role_arn,
    "/",
    "",
    trust={"Version": "2012-10-17", "Statement": []},
    tags={TAG: "managed"},
    managed_policies=frozenset({"arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess"}),
    inline_policies={"more": SPEC.queue_policy},
)
PLAIN = Queue(SPEC.queue_arn, SPEC.queue_url, tags={TAG: "managed"})
DEAD = Queue(SPEC.dead_letter_queue_arn, SPEC.dead_letter_queue_url, tags={TAG: "managed"})
SUBSCRIBED = Subscription(SPEC.topic_arn, SPEC.queue_arn, f"{SPEC.topic_arn}:{WORKSPACE}", ACCOUNT)
DIRECT = replace(SPEC, topic_arn="")
STATES: tuple[tuple[Resource[Any, Any], tuple[Any, ...]], ...] = (
    (PROVIDER, (None, *(Provider(SPEC.provider_arn, SPEC.issuer, frozenset(one), TAGS) for one in ((), ("api://x",))))),
    (WEB_IDENTITY_ROLE, (None, ROLE, WORN_ROLE, replace(WORN_ROLE, inline_policies={SPEC.policy_name: {}}))),
    (DEAD_LETTER_QUEUE, (None, DeadLetterQueue(None, PLAIN), DeadLetterQueue(DEAD, PLAIN))),
    (QUEUE, (None, PLAIN, QUEUE.overlay(SPEC, None))),
    (SUBSCRIPTION, (None, SUBSCRIBED, replace(SUBSCRIBED, has_raw_delivery=False))),
    (NOTIFICATION, (None, *(NOTIFICATION.overlay(replace(DIRECT, suffix=one), None) for one in (".json.gz", ".gz")))),
)
"""Each resource of a source, and the states in which a run may find it."""


def calls_of(resource: Resource[Any, Any], have: Any, *, removing: bool) -> list[Call]:
    """The plan for a resource in some state."""
    spec = DIRECT if resource is NOTIFICATION else SPEC
    return resource.plan(have, (resource.without if removing else resource.overlay)(spec, have))


def write_policy(found: Iterable[Any], *, removing: bool) -> str:
    """The policy of the session that makes the calls of all plans."""
    statements = []
    for step, (resource, _states), have in zip(S3_SOURCE.in_aws, STATES, found, strict=True):
        assert step.resource is resource
        assert step.write_statements
        statements += step.write_statements(SPEC, calls_of(resource, have, removing=removing))
    return session_policy(statements)


def read_policy(**options: Any) -> str:
    """The policy of the session that reads."""
    account = parse({"account_id": ACCOUNT, "sources": [{**OPTIONS, **options}]}, "")
    run = SimpleNamespace(account=account, source=account.sources[0])
    return session_policy(s3_source._statements(cast(SourceRun, run), "aws-us-gov"))


@pytest.mark.parametrize("without", [(), ("queue_name",), ("role_name", "queue_name", "bucket_region")])
def test_the_session_that_reads_fits_with_the_longest_names(without: tuple[str, ...]) -> None:
    assert len(read_policy(**dict.fromkeys(without))) <= 2048


@given(st.tuples(*(st.sampled_from(states) for _resource, states in STATES)), st.booleans())
def test_the_session_that_writes_fits_for_every_plan(found: tuple[Any, ...], removing: bool) -> None:
    assert len(write_policy(found, removing=removing)) <= 2048


EVERY_CALL = {
    PROVIDER.name: ["CreateOpenIDConnectProvider"],
    WEB_IDENTITY_ROLE.name: [
        *("CreateRole", "DeleteRolePermissionsBoundary", "DeleteRolePolicy", "DetachRolePolicy", "PutRolePolicy"),
        *("TagRole", "UntagRole", "UpdateAssumeRolePolicy", "UpdateRole", "DeleteRole"),
    ],
}


def test_the_session_that_writes_fits_for_the_calls_of_all_plans_together() -> None:
    """A later plan may have calls that the first one did not have: they are added."""
    statements = []
    for step, (resource, states) in zip(S3_SOURCE.in_aws, STATES, strict=True):
        plan = partial(calls_of, resource)
        found = [call for have in states for removing in (False, True) for call in plan(have, removing=removing)]
        found += [Call(name, {}) for name in EVERY_CALL.get(resource.name, ())]
        assert step.write_statements
        statements += step.write_statements(SPEC, found)
    assert len(session_policy(statements)) <= 2048


def test_writes_are_allowed_on_the_resources_of_the_source_alone() -> None:
    for step, (resource, states) in zip(S3_SOURCE.in_aws, STATES, strict=True):
        for have in states:
            assert step.write_statements
            for one in step.write_statements(SPEC, calls_of(resource, have, removing=False)):
                # A subscription is no resource of policies: only the account that created it may change it.
                assert "*" not in one["Resource"] or one["Action"] == ["sns:SetSubscriptionAttributes"]
                assert not any("*" in action for action in one["Action"])


def test_reads_of_the_bucket_are_of_this_bucket() -> None:
    objects, _account_wide = permissions.bucket_read(SPEC.bucket_arn)
    assert objects["Resource"] == SPEC.bucket_arn
