# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bucket of an S3 source in the emulator: its Region, its folders, its notification, and its trails."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud import s3 as adapters
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws_errors import code_of
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.cloudtrail import describe_trails
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.s3 import NotificationAdapter
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountReport
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import NotYetError, SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3 import permissions
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.notification import NOTIFICATION
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import S3SourceSpec
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.trail import Trail
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.reconcile import Mode, reconcile
from tests.emulators.client import Emulators
from tests.faults.engine import short_pauses, short_timeouts
from tests.unit.cloud.s3_clients import ONE, Sessions, spec, with_sessions
from tests.unit.emulators.clients import client

SPEC = spec()
OTHER = "333333333333"
READ = [*permissions.notification_read(SPEC), *permissions.bucket_read("arn:aws:s3:::*")]
Json = dict[str, Any]


@pytest.fixture(autouse=True)
def quick(here: Emulators) -> Iterator[None]:
    with short_pauses():
        yield


def stored(here: Emulators) -> Json:
    """The document as S3 returns it: moto alone has no EventBridge."""
    found: Json = client(here, "s3", ONE.account).get_bucket_notification_configuration(Bucket=ONE.bucket)
    here.forget()
    return {name: value for name, value in found.items() if name != "ResponseMetadata"}


def run(
    of: S3SourceSpec = SPEC,
    *,
    absent: bool = False,
    check_mode: bool = False,
    new: bool = False,
    missing: tuple[str, ...] = (),
    before_put: Callable[[], object] | None = None,
) -> AccountReport:
    """Reconcile the notification; `before_put` is called once, when the session for the put is opened."""
    hooks = [before_put] if before_put else []

    async def find_missing(arns: Any) -> list[str]:
        return [arn for arn in arns if arn in missing]

    async def work(sessions: Sessions) -> AccountReport:
        open_session = sessions.for_calls(lambda calls: permissions.notification_write(of, calls))

        async def write(call: Call) -> Any:
            if hooks:
                hooks.pop()()
            return await open_session(call)

        s3, report = await sessions.limited(READ), AccountReport()
        adapter = NotificationAdapter(
            s3, of, writes=not check_mode, queue_changed=lambda: new, find_missing=find_missing, write=write
        )
        await reconcile(report, NOTIFICATION, of, adapter, Mode(check_mode, absent))
        return report

    return with_sessions("s3", work)


def names(report: AccountReport) -> list[str]:
    return [call.name for call in report.calls]


PUT = "PutBucketNotificationConfiguration"
GET = "GetBucketNotificationConfiguration"


def test_everything_of_others_is_kept_through_life(here: Emulators) -> None:
    ONE.make_bucket(here)
    ONE.make_queue(here)
    others = ONE.make_others(here)
    found = stored(here)
    assert names(run(check_mode=True)) == [PUT]
    assert here.operations("s3", write=True) == []
    here.forget()
    assert names(run()) == [PUT]
    assert here.operations("s3") == [GET, GET, PUT, GET]
    now = stored(here)
    [*queues, ours] = now["QueueConfigurations"]
    assert {**now, "QueueConfigurations": queues} == found
    assert (ours["Id"], ours["QueueArn"]) == ("sentinel", SPEC.queue_arn)
    assert now["EventBridgeConfiguration"] == others["EventBridgeConfiguration"] == {}
    here.forget()
    assert names(run()) == []
    assert here.operations("s3") == [GET]
    assert names(run(absent=True)) == [PUT]
    assert stored(here) == found
    assert names(run(absent=True)) == []


def test_an_entry_of_microsofts_script_is_right(here: Emulators) -> None:
    replace(ONE, suffix=SPEC.suffix).make(here)
    report = run()
    assert (names(report), report.findings) == ([], [])


def test_an_entry_in_the_way_is_named_and_nothing_is_written(here: Emulators) -> None:
    ONE.make_bucket(here)
    replace(ONE, queue_name="theirs").make_queue(here)
    replace(ONE, queue_name="theirs", suffix=".json.gz").make_notification(here)
    for check_mode in (True, False):
        with pytest.raises(SentinelError, match=f"entry 'sentinel' notifies {SPEC.queue_arn[:-8]}theirs") as caught:
            run(check_mode=check_mode)
        assert caught.value.kind == "notification_conflict"
    assert here.operations("s3", write=True) == []


def add_entry(here: Emulators, name: str) -> None:
    """Another team adds its entry to what is there."""
    other = replace(ONE, queue_name=name, prefix=f"{name}/")
    other.make_queue(here)
    document = stored(here)
    queues = [*document.get("QueueConfigurations", []), other.entry(Id=name)]
    here.boto("s3", ONE.account).put_bucket_notification_configuration(
        Bucket=ONE.bucket, NotificationConfiguration={**document, "QueueConfigurations": queues}
    )


def ids(here: Emulators) -> list[str]:
    return [one["Id"] for one in stored(here)["QueueConfigurations"]]


def test_what_others_add_before_a_repeated_put_is_kept(here: Emulators) -> None:
    """The first put is refused for a while, and somebody else adds an entry meanwhile."""
    ONE.make_bucket(here)
    ONE.make_queue(here)
    text = "Unable to validate the following destination configurations"
    here.fault(operation=PUT, times=1, status=400, code="InvalidArgument", message=text, service="s3")
    assert names(run(new=True, before_put=lambda: add_entry(here, "theirs"))) == [PUT]
    assert ids(here) == ["theirs", "sentinel"]


def test_what_is_lost_after_the_put_is_put_again(here: Emulators) -> None:
    """Somebody else replaces the document at the same time."""
    ONE.make_bucket(here)
    ONE.make_queue(here)
    replace(ONE, queue_name="theirs").make_queue(here)
    theirs = replace(ONE, queue_name="theirs", prefix="theirs/").entry(Id="theirs")
    calls: list[str] = []

    async def work(sessions: Sessions) -> AccountReport:
        s3 = await sessions.limited([*READ, *permissions.notification_write(SPEC, [Call(PUT, {})])])
        report = AccountReport()

        async def write(_call: Call) -> Any:
            return replacing

        async def replacing(operation: str, **args: Any) -> Any:
            response = await s3(operation, **args)
            if not calls:
                here.boto("s3", ONE.account).put_bucket_notification_configuration(
                    Bucket=ONE.bucket, NotificationConfiguration={"QueueConfigurations": [theirs]}
                )
            calls.append(operation)
            return response

        adapter = NotificationAdapter(
            s3, SPEC, writes=True, queue_changed=lambda: False, find_missing=no_queues, write=write
        )
        await reconcile(report, NOTIFICATION, SPEC, adapter, Mode(check_mode=False))
        return report

    assert names(with_sessions("s3", work)) == [PUT, PUT]
    assert calls == [PUT, PUT]
    assert ids(here) == ["theirs", "sentinel"]


async def no_queues(_arns: Any) -> list[str]:
    return []


def test_a_queue_that_s3_does_not_see_yet_is_waited_for(here: Emulators) -> None:
    ONE.make_bucket(here)
    ONE.make_queue(here, policy={"Version": "2012-10-17", "Statement": [DENY]})
    here.settings(queue_lag_seconds=1.5)
    here.boto("sqs", ONE.account).set_queue_attributes(
        QueueUrl=SPEC.queue_url, Attributes={"Policy": json.dumps(SPEC.queue_policy)}
    )
    assert names(run(new=True)) == [PUT]


DENY = {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": SPEC.queue_arn}


@pytest.mark.parametrize("new", [True, False])
def test_a_queue_to_which_s3_cannot_send_is_reported(here: Emulators, new: bool) -> None:
    ONE.make_bucket(here)
    with short_timeouts(), pytest.raises(SentinelError, match=f"cannot send .*{SPEC.queue_arn}") as caught:
        run(new=new)
    assert caught.value.kind == "notification_conflict"


def test_destinations_of_others_that_do_not_exist_are_named_at_once(here: Emulators) -> None:
    ONE.make_bucket(here)
    ONE.make_queue(here)
    add_entry(here, "gone")
    here.boto("sqs", ONE.account).delete_queue(QueueUrl=f"{SPEC.queue_url.removesuffix('sentinel')}gone")
    gone = SPEC.queue_arn.replace(":sentinel", ":gone")
    with pytest.raises(SentinelError, match=f"these do not exist: {gone}") as caught:
        run(new=True, missing=(gone,))
    assert caught.value.kind == "notification_conflict"
    assert ids(here) == ["gone"]


def test_a_lost_response_puts_nothing_twice(here: Emulators) -> None:
    ONE.make_bucket(here)
    ONE.make_queue(here)
    here.fault(service="s3", operation=PUT, reset="after", times=1)
    assert names(run()) == [PUT]
    assert here.operations("s3", write=True) == [PUT]


def test_a_conflicting_operation_is_reported_with_its_cause(here: Emulators) -> None:
    ONE.make_bucket(here)
    code, text = "OperationAborted", "A conflicting conditional operation is currently in progress"
    here.fault(service="s3", operation=PUT, status=409, code=code, message=text)
    put = Call(PUT, {"Bucket": ONE.bucket, "NotificationConfiguration": {}})

    async def work(sessions: Sessions) -> None:
        s3 = await sessions.limited([*READ, *permissions.notification_write(SPEC, [put])])
        adapter = NotificationAdapter(s3, SPEC, writes=True, queue_changed=lambda: False, find_missing=no_queues)
        await adapter.read()
        with pytest.raises(NotYetError) as caught:
            await adapter.apply(put)
        assert (caught.value.kind, code_of(caught.value)) == ("transient", code)

    with_sessions("s3", work)


def test_check_mode_cannot_put(here: Emulators) -> None:
    ONE.make_bucket(here)

    async def work(sessions: Sessions) -> None:
        adapter = NotificationAdapter(
            await sessions.limited(READ), SPEC, writes=False, queue_changed=lambda: False, find_missing=no_queues
        )
        have = await adapter.read()
        assert await adapter.refresh(have, []) == have
        with pytest.raises(RuntimeError):
            await adapter.apply(Call(PUT, {}))

    with_sessions("s3", work)


# --- the bucket and its trails ---


def read(work: Callable[[Any], Awaitable[Any]], service: str = "s3", account: str = ONE.account) -> Any:
    async def opened(sessions: Sessions) -> Any:
        return await work(await sessions.limited(permissions.bucket_read("arn:aws:s3:::*")))

    return with_sessions(service, opened, account)


def region(bucket: str, account: str = ONE.account) -> str:
    found: str = read(lambda s3: adapters.bucket_region(s3, bucket, account, SPEC.role_arn), account=account)
    return found


def test_the_region_of_a_bucket_is_found_from_any_region(here: Emulators) -> None:
    ONE.make_bucket(here)
    there = replace(ONE, bucket="logs-in-ireland", region="eu-west-1")
    there.make_bucket(here)
    assert [region(ONE.bucket), region(there.bucket)] == ["us-east-1", "eu-west-1"]


def test_a_bucket_that_does_not_exist_is_a_wrong_option(here: Emulators) -> None:
    with pytest.raises(SentinelError, match=f"Cannot find bucket not-there in account {ONE.account}") as caught:
        region("not-there")
    assert caught.value.kind == "bad_input"


@pytest.mark.parametrize("shared", [True, False])
def test_a_bucket_of_another_account_is_refused_with_the_statement_it_needs(here: Emulators, shared: bool) -> None:
    ONE.make_bucket(here)
    if shared:
        root = {"AWS": f"arn:aws:iam::{OTHER}:root"}
        bucket = f"arn:aws:s3:::{ONE.bucket}"
        statement = {"Effect": "Allow", "Principal": root, "Action": "s3:GetBucketLocation", "Resource": bucket}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        here.boto("s3", ONE.account).put_bucket_policy(Bucket=ONE.bucket, Policy=policy)
    with pytest.raises(SentinelError, match=r"it belongs to another account.*s3:GetObject") as caught:
        region(ONE.bucket, OTHER)
    assert caught.value.kind == "bad_input"


def test_a_denied_read_of_a_bucket_is_not_another_account(here: Emulators) -> None:
    ONE.make_bucket(here)
    text = "not authorized to perform: s3:GetBucketLocation because no identity-based policy allows it"
    here.fault(service="s3", operation="GetBucketLocation", status=403, code="AccessDenied", message=text)
    with pytest.raises(SentinelError) as caught:
        region(ONE.bucket)
    assert caught.value.kind == "aws_denied"


def test_the_organization_is_found_by_its_folder(here: Emulators) -> None:
    ONE.make_bucket(here)
    s3 = here.boto("s3", ONE.account)
    for key in (
        f"AWSLogs/{ONE.account}/x",
        "AWSLogs/o-abcdefghij/1/x",
        "AWSLogs/o-abcdefghij/2/x",
        "ct/AWSLogs/o-other/x",
    ):
        s3.put_object(Bucket=ONE.bucket, Key=key, Body=b"")

    def found(folder: str) -> Any:
        return read(lambda client: adapters.organization_ids(client, ONE.bucket, ONE.account, folder))

    assert [found("AWSLogs/"), found("ct/AWSLogs/"), found("none/")] == [["o-abcdefghij"], ["o-other"], []]


def test_trails_of_the_account_are_read(here: Emulators) -> None:
    ONE.make_bucket(here)
    trails = here.boto("cloudtrail", ONE.account)
    trails.create_trail(Name="one", S3BucketName=ONE.bucket, S3KeyPrefix="ct", IsMultiRegionTrail=True)
    there = here.boto("cloudtrail", ONE.account, "eu-west-1")
    there.create_trail(Name="two", S3BucketName=ONE.bucket, IsMultiRegionTrail=True)
    arn = f"arn:aws:cloudtrail:us-east-1:{ONE.account}:trail/one"
    found = read(lambda client: describe_trails(client, ONE.account), "cloudtrail")
    assert sorted(found) == [
        Trail(
            arn.replace("us-east-1:", "eu-west-1:").replace("/one", "/two"),
            ONE.bucket,
            is_multi_region=True,
            home_region="eu-west-1",
        ),
        Trail(arn, ONE.bucket, "ct", is_multi_region=True, home_region="us-east-1"),
    ]
