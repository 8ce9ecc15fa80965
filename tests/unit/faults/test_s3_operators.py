# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An S3 source with two operators at the same time, changes by somebody else, keys, limits and delays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountResult
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from tests.faults import engine
from tests.faults.hook import Moment, Once, watched
from tests.faults.s3_world import ARCHIVE, LOGS, OTHER, SPEC, S3World
from tests.faults.timing import Timing
from tests.faults.world import PHASES, Json, Phase

READ, PUT = "GetBucketNotificationConfiguration", "PutBucketNotificationConfiguration"
Change = Callable[[S3World], object]


def below(prefix: str) -> Json:
    """The filter of an entry."""
    return {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}


ADDED = OTHER.entry(Id="added", Filter=below("added/"))


def of_archive(world: S3World, phase: Phase) -> AccountResult:
    """The result of a run over the log archive account."""
    ended = world.run(phase, 1)
    assert ended.error is None
    return ended.results[ARCHIVE]


def assert_unchanged(world: S3World, phase: Phase) -> None:
    """Nothing is left to do."""
    again = world.run(phase, 1)
    assert (again.error, again.failed, again.calls) == (None, {}, {})


@pytest.mark.parametrize("phase", PHASES)
def test_two_operators_with_the_same_options_do_no_harm(s3_world: S3World, phase: Phase) -> None:
    expected = s3_world.expected(phase)
    s3_world.prepare(phase)
    # Responses are delayed, so that each of the two reads before the other one has written.
    for service in ("iam", "s3", "sqs"):
        s3_world.e.fault(service=service, delay=0.02)
    before, options = s3_world.seen(), fleet.RunOptions(absent=phase == "remove")

    async def both() -> list[engine.RunResult]:
        runs = [engine.run_async(s3_world.accounts(phase), options, 60.0) for _operator in range(2)]
        return list(await asyncio.gather(*runs))

    with Timing(consistency=20.0).applied():
        results = asyncio.run(both())
    for ended in results:
        assert (ended.error, {one: str(error) for one, error in ended.failed.items()}) == (None, {})
    after = s3_world.seen()
    assert (after.ours, after.other_workspaces) == (expected.ours, before.other_workspaces)
    assert s3_world.duplicates() == []
    s3_world.e.heal()
    assert_unchanged(s3_world, phase)


# --- a colleague who changes the notification ---


def adds(world: S3World) -> None:
    world.put_entries([*world.entries(), ADDED])


def replaces(world: S3World) -> None:
    world.put_entries([OTHER.entry(Id="inventory"), ADDED])


@pytest.mark.parametrize("phase", ["create", "remove"])
@pytest.mark.parametrize(
    ("moment", "operation", "number"),
    [("after", READ, 1), ("before", READ, 2), ("after", PUT, 1), ("after", READ, 3)],
    ids=["after the first read", "before the second read", "after the put", "after the last read"],
)
@pytest.mark.parametrize("change", [adds, replaces])
def test_a_notification_that_a_colleague_changes_is_merged(
    s3_world: S3World, phase: Phase, moment: Moment, operation: str, number: int, change: Change
) -> None:
    expected = s3_world.expected(phase)
    s3_world.prepare(phase)
    once = Once(moment, operation, lambda: change(s3_world), number)
    with watched(once):
        result = of_archive(s3_world, phase)
    assert once.done
    assert result.error is None, str(result.error)
    if (number, change, phase) == (3, replaces, "create"):
        # Nobody looks any more: the next run finds it.
        result = of_archive(s3_world, phase)
        assert [one.code for one in result.report.findings] == ["notification_missing"]
    entries = s3_world.entries()
    assert [one for one in entries if one["QueueArn"] == OTHER.queue.arn] == [OTHER.entry(Id="inventory"), ADDED]
    assert [one for one in entries if one["QueueArn"] == SPEC.queue_arn] == expected.ours[ARCHIVE]["entries"]
    assert_unchanged(s3_world, phase)


def test_what_a_colleague_puts_between_our_read_and_our_put_is_lost(s3_world: S3World) -> None:
    """S3 has no condition for the put: docs/reliability.md."""
    s3_world.prepare("create")
    with watched(Once("before", PUT, lambda: adds(s3_world))):
        assert of_archive(s3_world, "create").error is None
    assert ADDED not in s3_world.entries()


def test_endless_changes_of_the_notification_are_a_conflict(s3_world: S3World) -> None:
    s3_world.prepare("create")

    def see(moment: Moment, operation: str) -> None:
        if (moment, operation) == ("after", PUT):
            s3_world.put_entries([OTHER.entry(Id="inventory")])

    with watched(see):
        error = of_archive(s3_world, "create").error
    assert error
    assert error.kind == "notification_conflict"
    assert not [one for one in s3_world.e.connectors() if s3_world.is_ours(one)]
    assert of_archive(s3_world, "create").error is None


# --- refusals ---


def refused(world: S3World, phase: Phase) -> AccountResult:
    """The result of a run that is refused before its first write, as in check mode."""
    before = world.seen()
    world.e.forget()
    done = of_archive(world, phase)
    options = fleet.RunOptions(absent=phase == "remove", check_mode=True)
    preview = engine.run(world.accounts(phase, 1), options).results[ARCHIVE]
    assert done.error
    assert preview.error
    assert (preview.error.kind, preview.report.findings) == (done.error.kind, done.report.findings)
    assert (world.writes(), world.seen()) == ([], before)
    return done


def test_a_bucket_with_100_entries_is_refused_before_the_first_write(s3_world: S3World) -> None:
    s3_world.prepare("create")
    s3_world.put_entries([OTHER.entry(Id=str(number), Filter=below(f"{number:03}/")) for number in range(100)])
    result = refused(s3_world, "create")
    assert result.error
    assert result.error.kind == "notification_conflict"
    assert {"role_missing", "queue_missing", "notification_missing"} <= {one.code for one in result.report.findings}
    s3_world.put_entries(s3_world.entries()[:-1])
    assert of_archive(s3_world, "create").error is None
    assert len(s3_world.entries()) == 100


def test_an_entry_in_the_way_is_named_before_the_first_write(s3_world: S3World) -> None:
    s3_world.prepare("create")
    # A connector of the table and of our role would make it a connection to adopt.
    s3_world.e.delete_connector("same-role")
    s3_world.put_entries([OTHER.entry(Id="in-the-way", Filter={})])
    error = refused(s3_world, "create").error
    assert error
    assert error.kind == "notification_conflict"
    assert "in-the-way" in str(error)


def test_a_refused_notification_does_not_keep_a_widened_role(s3_world: S3World) -> None:
    """Somebody else's entry in place of ours must not stop the repair of the role."""
    s3_world.prepare("repair")
    s3_world.put_entries([OTHER.entry(Id="in-the-way", Filter={})])
    result = of_archive(s3_world, "repair")
    assert result.error
    assert result.error.kind == "notification_conflict"
    assert s3_world.seen().ours[ARCHIVE]["role"] == s3_world.expected("repair").ours[ARCHIVE]["role"]


def test_a_role_by_which_a_connector_of_others_reads_is_not_removed(s3_world: S3World) -> None:
    s3_world.prepare("remove")
    s3_world.e.seed_connector({"name": "waf", **OTHER.codeless(roleArn=SPEC.role_arn)})
    error = refused(s3_world, "remove").error
    assert error
    assert error.kind == "role_conflict"
    assert "waf" in str(error)
    s3_world.e.delete_connector("waf")
    assert of_archive(s3_world, "remove").error is None


@pytest.mark.parametrize("phase", ["repair", "remove"])
@pytest.mark.parametrize("change", [{"onboarded": False}, {"permissions": []}])
def test_a_workspace_that_cannot_be_used_hides_no_finding(s3_world: S3World, phase: Phase, change: Json) -> None:
    s3_world.prepare("repair")
    policy = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": SPEC.queue_arn}
    document = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    LOGS.boto(s3_world.e, "sqs").set_queue_attributes(QueueUrl=SPEC.queue_url, Attributes={"Policy": document})
    s3_world.e.change_workspace(**change)
    # With a second workspace, one that cannot be used fails its accounts only.
    s3_world.e.add_workspace(name="second", customer_id="55555555-6666-4777-8888-999999999999")
    hosts: dict[str, Any] = {
        "archive": {"aws_account_id": ARCHIVE, "sentinel_sources": [{"type": "s3", "bucket": LOGS.bucket}]},
        "other": {"aws_account_id": "111111111102", "sentinel_workspace": "second"},
    }
    s3_world.e.forget()
    ended = engine.run(engine.accounts_of(hosts), fleet.RunOptions(absent=phase == "remove"))
    assert ended.error is None
    result = ended.results[ARCHIVE]
    assert result.error
    assert result.error.kind in ("bad_input", "azure_denied")
    codes = {one.code for one in result.report.findings}
    assert codes == {"trust_anyone", "permission_policy_extra", "permission_inline_changed", "queue_policy_open"}
    assert ARCHIVE not in [one["account"] for one in s3_world.e.requests(write=True)]


# --- keys and delays ---


def test_a_key_that_s3_may_not_use_is_named_and_nothing_else_is_changed(s3_world: S3World) -> None:
    s3_world.prepare("remove")
    kms = LOGS.boto(s3_world.e, "kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    own = {"Policy": json.dumps(SPEC.queue_policy), "KmsMasterKeyId": key, "SqsManagedSseEnabled": "false"}
    LOGS.boto(s3_world.e, "sqs").set_queue_attributes(QueueUrl=SPEC.queue_url, Attributes=own)
    s3_world.put_entries([OTHER.entry(Id="inventory")])
    before = s3_world.seen()
    error = of_archive(s3_world, "create").error
    assert error
    assert error.kind == "notification_conflict"
    assert SPEC.queue_arn in str(error)
    assert s3_world.seen() == before
    allowed = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Resource": "*"}
    statement = {**allowed, "Action": ["kms:GenerateDataKey", "kms:Decrypt"]}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(document))
    assert of_archive(s3_world, "create").status == "changed"
    assert_unchanged(s3_world, "create")


@pytest.mark.parametrize("reads", [False, True])
def test_attributes_of_a_queue_that_lag_are_waited_for(s3_world: S3World, reads: bool) -> None:
    s3_world.prepare("remove")
    LOGS.boto(s3_world.e, "sqs").set_queue_attributes(QueueUrl=SPEC.queue_url, Attributes={"DelaySeconds": "0"})
    s3_world.put_entries([OTHER.entry(Id="inventory")])
    s3_world.e.settings(queue_lag_seconds=1.5, queue_lag_reads=reads)
    with Timing(consistency=20.0).applied():
        result = of_archive(s3_world, "create")
    assert result.error is None, str(result.error)
    assert {"queue_policy_missing", "notification_missing"} <= {one.code for one in result.report.findings}
    assert s3_world.e.operations("s3").count(PUT) > 1
    assert [one for one in s3_world.entries() if one["QueueArn"] == SPEC.queue_arn]
    assert_unchanged(s3_world, "create")
