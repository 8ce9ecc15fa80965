# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The subscription of an S3 source in the emulator: created, repaired and deleted by the calls of its plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.sns import SubscriptionAdapter
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountReport
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3 import permissions
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import S3SourceSpec
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.subscription import SUBSCRIPTION
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.reconcile import Mode, reconcile
from tests.emulators import faults
from tests.emulators.client import Emulators
from tests.faults.engine import short_pauses, short_timeouts
from tests.unit.cloud.s3_clients import ONE, Sessions, spec, with_sessions

OTHER = "333333333333"


@pytest.fixture(autouse=True)
def quick(here: Emulators) -> Iterator[None]:
    with short_pauses(), short_timeouts():
        yield


@pytest.fixture
def subscribed(here: Emulators) -> S3SourceSpec:
    """A source with a topic."""
    found = spec(topic_arn=ONE.make_topic(here))
    here.forget()
    return found


def run(of: S3SourceSpec, *, absent: bool = False, check_mode: bool = False, writes: bool = True) -> AccountReport:
    async def work(sessions: Sessions) -> AccountReport:
        report = AccountReport()
        sns = await sessions.limited(permissions.subscription_read(of))
        write = sessions.for_calls(lambda calls: permissions.subscription_write(of, calls))
        adapter = SubscriptionAdapter(sns, of, writes=writes and not check_mode, removing=absent, write=write)
        await reconcile(report, SUBSCRIPTION, of, adapter, Mode(check_mode, absent))
        return report

    return with_sessions("sns", work)


def names(report: AccountReport) -> list[str]:
    return [call.name for call in report.calls]


def error_of(of: S3SourceSpec, **how: Any) -> SentinelError:
    with pytest.raises(SentinelError) as raised:
        run(of, **how)
    return raised.value


def test_a_subscription_lives_and_goes(here: Emulators, subscribed: S3SourceSpec) -> None:
    assert names(run(subscribed, check_mode=True)) == ["Subscribe"]
    assert here.operations("sns", write=True) == []
    assert names(run(subscribed)) == ["Subscribe"]
    here.forget()
    again = run(subscribed)
    assert (names(again), again.findings) == ([], [])
    assert here.operations("sns") == ["ListSubscriptionsByTopic", "GetSubscriptionAttributes"]
    assert (
        names(run(subscribed, absent=True, check_mode=True)) == names(run(subscribed, absent=True)) == ["Unsubscribe"]
    )
    assert names(run(subscribed, absent=True)) == []
    assert here.boto("sns", ONE.account).list_subscriptions()["Subscriptions"] == []


def test_it_is_found_on_a_later_page(here: Emulators, subscribed: S3SourceSpec) -> None:
    sns = here.boto("sns", ONE.account)
    for number in range(120):
        endpoint = f"{subscribed.queue_arn}-{number}"
        sns.subscribe(TopicArn=subscribed.topic_arn, Protocol="sqs", Endpoint=endpoint)
    run(subscribed)
    here.forget()
    assert names(run(subscribed)) == []
    assert here.operations("sns").count("ListSubscriptionsByTopic") == 2
    run(subscribed, absent=True)
    endpoints = [one["Endpoint"] for one in sns.get_paginator("list_subscriptions").paginate().search("Subscriptions")]
    assert len(endpoints) == 120


def test_other_protocols_are_left_alone(here: Emulators, subscribed: S3SourceSpec) -> None:
    sns = here.boto("sns", ONE.account)
    sns.subscribe(TopicArn=subscribed.topic_arn, Protocol="email", Endpoint="soc@example.com")
    run(subscribed)
    run(subscribed, absent=True)
    assert [one["Protocol"] for one in sns.list_subscriptions()["Subscriptions"]] == ["email"]


def test_a_lost_response_creates_no_second_subscription(here: Emulators, subscribed: S3SourceSpec) -> None:
    here.fault(service="sns", operation="Subscribe", reset="after", times=1)
    assert names(run(subscribed)) == ["Subscribe"]
    assert len(here.boto("sns", ONE.account).list_subscriptions()["Subscriptions"]) == 1


def test_a_colleague_who_subscribes_the_queue_meanwhile_is_met(here: Emulators, subscribed: S3SourceSpec) -> None:
    """AWS refuses a second subscription with other settings: the first one is read and repaired."""
    refusal = {"code": "InvalidParameter", "message": "Subscription already exists with different attributes"}
    here.fault(service="sns", operation="Subscribe", status=400, times=1, **refusal)
    assert names(run(subscribed)) == ["Subscribe"]


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        ({"status": 403, "code": "AuthorizationError", "message": "no identity-based policy"}, "aws_denied"),
        ({"status": 403, "code": "AuthorizationError", "message": "a service control policy"}, "scp_denied"),
        ({"status": 200, "body": "<a/>"}, "transient"),
        (faults.FAILURE, "transient"),
    ],
)
@pytest.mark.parametrize("operation", ["ListSubscriptionsByTopic", "GetSubscriptionAttributes"])
def test_what_cannot_be_read_is_not_absent(
    here: Emulators, subscribed: S3SourceSpec, operation: str, refusal: dict[str, Any], kind: str
) -> None:
    run(subscribed)
    here.forget()
    here.fault(operation=operation, **{**refusal, "service": "sns"})
    for absent in (False, True):
        error = error_of(subscribed, absent=absent)
        assert error.kind == kind
        assert "Statement" not in str(error)
    assert here.operations("sns", write=True) == []


def test_a_subscription_of_a_queue_of_another_account_has_to_be_confirmed(here: Emulators) -> None:
    topic = ONE.make_topic(here)
    error = error_of(spec(topic_arn=topic, queue_name="x", account_id=OTHER))
    assert error.kind == "transient"
    assert "confirmed" in str(error)


def test_check_mode_cannot_write(subscribed: S3SourceSpec) -> None:
    with pytest.raises(RuntimeError, match="Subscribe"):
        run(subscribed, writes=False)
