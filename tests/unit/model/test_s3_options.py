# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The spec of an S3 source: from options and trail, and the names of a connection that was created by other means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import Account, parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.connector.s3 import S3Connector
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3 import options
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.connector import name_of
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.notification import (
    NOTIFICATION,
    Notification,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.options import Connection
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import (
    IDENTITIES,
    S3SourceSpec,
    is_among,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.trail import TrailSource
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.sources import SourceSpec

from .s3 import ACCOUNT, BUCKET, OTHER, PREFIX, WORKSPACE

REGION = "eu-west-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{WORKSPACE}"
TRAIL = TrailSource(PREFIX, (KEY,))
ROLE = f"arn:aws:iam::{ACCOUNT}:role/OIDC_ByHand"


def account_of(*sources: dict[str, Any], **more: Any) -> Account:
    listed = [{"type": "s3", "bucket": BUCKET, **one} for one in sources]
    found = parse({"account_id": ACCOUNT, "sources": listed, "workspace_id": WORKSPACE, **more}, "")
    return found.completed(partition=more.get("partition", "aws"))


def given(**source: Any) -> tuple[S3SourceSpec, SourceSpec]:
    """The spec by the options, and these."""
    account = account_of(source)
    [found] = account.sources
    return options.spec(account, found, REGION, TRAIL), found


def url_of(name: str, region: str = REGION, account: str = ACCOUNT) -> str:
    return f"https://sqs.{region}.amazonaws.com/{account}/{name}"


def entry(
    name: str = "by-hand",
    prefix: str = PREFIX,
    suffix: str = ".json.gz",
    *,
    region: str = REGION,
    account: str = ACCOUNT,
    id: str = "x",  # noqa: A002
) -> dict[str, Any]:
    rules = [{"Name": "Prefix", "Value": prefix}, {"Name": "Suffix", "Value": suffix}]
    return {
        "Id": id,
        "QueueArn": f"arn:aws:sqs:{region}:{account}:{name}",
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": rules}},
    }


def connector(*urls: str, role: str = ROLE, table: str = "AWSCloudTrail") -> S3Connector:
    return S3Connector("1", role, urls or (url_of("by-hand"),), table)


def find(*entries: dict[str, Any], readers: tuple[S3Connector, ...] = (connector(),), **source: Any) -> Any:
    desired, found = given(**source)
    notification = Notification(BUCKET, ACCOUNT, {"QueueConfigurations": list(entries)})
    return options.existing(desired, found, notification, readers)


BY_HAND = f"arn:aws:sqs:{REGION}:{ACCOUNT}:by-hand"
GIVEN = Connection("by-hand", "OIDC_ByHand", PREFIX, ".gz")
FOUND = Connection("by-hand", "OIDC_ByHand", PREFIX, ".json.gz")


# --- the spec ---


def test_what_options_do_not_give_is_that_of_the_trail() -> None:
    desired, _source = given()
    assert (desired.prefix, desired.kms_key_arns, desired.region) == (PREFIX, (KEY,), REGION)
    assert desired.queue_name.startswith("MicrosoftSentinel-AWSCloudTrail-")
    assert desired.role_name == "OIDC_MicrosoftSentinelRole"


def test_options_take_precedence_over_the_trail() -> None:
    own = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/own"
    desired, _source = given(prefix="mine/", kms_key_arns=[own], queue_name="queue", role_name="OIDC_Mine", suffix="")
    found = (desired.prefix, desired.kms_key_arns, desired.queue_name, desired.role_name)
    assert found == ("mine/", (own,), "queue", "OIDC_Mine")


def test_the_pattern_has_wildcards_for_what_is_not_known() -> None:
    account = account_of({})
    found = options.pattern(account, account.sources[0], "aws-us-gov")
    assert (found.queue_name, found.role_name, found.partition) == ("*", "OIDC_*", "aws-us-gov")
    account = account_of({"queue_name": "queue", "role_name": "OIDC_Mine"})
    found = options.pattern(account, account.sources[0], "aws")
    assert (found.queue_name, found.role_name) == ("queue", "OIDC_Mine")


def test_the_identity_is_that_of_the_cloud_of_the_workspace_in_any_partition() -> None:
    for environment, identity in IDENTITIES.items():
        for partition in ("aws", "aws-us-gov"):
            account = account_of({}, cloud_environment=environment).completed(partition=partition)
            found = options.spec(account, account.sources[0], REGION, TRAIL)
            assert found.identity == identity
            assert found.role_arn.startswith(f"arn:{partition}:")


# --- a connection that was created by other means ---


@pytest.mark.parametrize(
    ("entries", "expected"),
    {
        "the same prefix": ((entry(),), FOUND),
        "a prefix that covers it": ((entry(prefix="o-abc"),), FOUND._replace(prefix="o-abc")),
        "no filter": ((entry(prefix="", suffix=""),), FOUND._replace(prefix="", suffix="")),
        "the only one of several entries": ((entry(), entry("siem", suffix=".log")), FOUND),
        "a prefix below": ((entry(prefix=f"{PREFIX}{ACCOUNT}/"),), None),
        "another prefix": ((entry(prefix="other/"),), None),
        "a queue that no connector reads": ((entry("siem"),), None),
        "a queue in another account": ((entry(account=OTHER),), None),
        "a queue in another Region": ((entry(region="us-east-1"),), None),
        "no entry": ((), None),
    }.values(),
)
def test_a_connection_is_an_entry_whose_queue_a_connector_reads(
    entries: tuple[dict[str, Any], ...], expected: Connection | None
) -> None:
    places = [url_of("by-hand"), url_of("by-hand", account=OTHER), url_of("by-hand", "us-east-1")]
    assert find(*entries, readers=(connector(*places),)) == expected


@pytest.mark.parametrize(
    ("reader", "is_adopted"),
    [
        (connector(), True),
        (connector("https://eu-west-1.queue.amazonaws.com/222222222222/by-hand"), True),
        (connector(table=""), True),
        (connector(table="AWSVPCFlow"), False),
        (connector(role=f"arn:aws:iam::{ACCOUNT}:role/ByHand"), False),
        (connector(role=f"arn:aws:iam::{OTHER}:role/OIDC_ByHand"), False),
        (connector(role=f"arn:aws-us-gov:iam::{ACCOUNT}:role/OIDC_ByHand"), False),
    ],
)
def test_the_connector_reads_into_the_table_by_a_role_that_can_be_adopted(
    reader: S3Connector, *, is_adopted: bool
) -> None:
    assert find(entry(), readers=(reader,)) == (FOUND if is_adopted else None)


OWN = replace(connector(), name=name_of(WORKSPACE, BY_HAND))
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:trail"


@pytest.mark.parametrize(
    ("source", "entries", "readers", "uncertain"),
    {
        "all is known": ({}, (entry(),), (connector(),), False),
        "nothing is known": ({}, None, None, True),
        "nothing is known, and options give the names": ({"queue_name": "q", "role_name": "OIDC_r"}, None, None, False),
        "a connector may have an entry": ({}, None, (connector(),), True),
        "no connector can have one": ({}, None, (connector(url_of("by-hand", account=OTHER)),), False),
        "the named queue is read by another role": ({"queue_name": "by-hand"}, None, (connector(),), True),
        "the named queue is read by the own connector": ({"queue_name": "by-hand"}, None, (OWN,), False),
        "an entry may have a connector": ({}, (entry(),), None, True),
        "the entry of a queue elsewhere": ({}, (entry(account=OTHER), entry(region="us-east-1")), None, False),
        "the entry of other objects": ({}, (entry(prefix="other/"),), None, False),
        "the entry of the named queue": ({"queue_name": "by-hand"}, (entry(),), None, True),
        "the entry of another than the named queue": ({"queue_name": "mine"}, (entry(),), None, False),
        "the queues of a topic": ({"topic_arn": TOPIC}, (), None, True),
        "the named queue of a topic": ({"topic_arn": TOPIC, "queue_name": "by-hand"}, (), None, True),
    }.values(),
)
def test_names_are_certain_unless_an_unknown_part_can_give_other_ones(
    source: dict[str, Any],
    entries: tuple[dict[str, Any], ...] | None,
    readers: tuple[S3Connector, ...] | None,
    *,
    uncertain: bool,
) -> None:
    desired, found = given(**source)
    have = None if entries is None else Notification(BUCKET, ACCOUNT, {"QueueConfigurations": list(entries)})
    assert options.may_have_other_names(desired, found, have, readers) == uncertain


def test_the_function_of_another_service_hides_no_names() -> None:
    function = {"Id": "x", "LambdaFunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"}
    function |= {"Events": ["s3:ObjectCreated:*"], "Filter": entry()["Filter"]}
    have = Notification(BUCKET, ACCOUNT, {"LambdaFunctionConfigurations": [function]})
    assert not options.may_have_other_names(*given(), have, None)


def test_of_several_connections_none_is_adopted() -> None:
    both = (connector(), connector(url_of("second")))
    assert find(entry(), entry("second", suffix=".log"), readers=both) is None
    assert find(entry(), entry(suffix=".log")) is None


def test_options_take_precedence_over_a_connection() -> None:
    desired, source = given(role_name="OIDC_Mine", prefix=f"{PREFIX}more/")
    found = options.adopted(desired, source, FOUND)
    assert (found.queue_name, found.role_name, found.prefix, found.suffix) == (
        "by-hand",
        "OIDC_Mine",
        f"{PREFIX}more/",
        ".json.gz",
    )
    assert options.adopted(desired, source, None) is desired


def test_the_folders_of_accounts_are_below_the_prefix_of_the_trail() -> None:
    desired, source = given(account_ids=[OTHER])
    found = options.adopted(desired, source, FOUND._replace(prefix="o-abc"))
    assert (found.queue_name, found.prefixes) == ("by-hand", (f"{PREFIX}{OTHER}/CloudTrail/",))


def test_an_entry_of_the_default_queue_is_no_connection_of_others_whatever_its_prefix() -> None:
    name = given()[0].queue_name
    assert find(entry(name, prefix="o-abc"), readers=(connector(url_of(name)),)) is None


@pytest.mark.parametrize(
    ("name", "is_own"), [(name_of(WORKSPACE, BY_HAND), True), (name_of(WORKSPACE, f"{BY_HAND}2"), False), ("1", False)]
)
def test_a_queue_of_the_options_is_own_by_the_name_of_its_connector(name: str, *, is_own: bool) -> None:
    one = replace(connector(), name=name)
    found = find(entry(), readers=(one, replace(connector(), name="duplicate")), queue_name="by-hand")
    assert found == (None if is_own else FOUND)


@pytest.mark.parametrize(
    ("entries", "expected"),
    {
        "wider by its prefix": ((entry(prefix="o-abc"),), GIVEN),
        "wider by its suffix": ((entry(suffix=""),), GIVEN),
        "without a filter": ((entry(prefix="", suffix=""),), GIVEN),
        "of other objects": ((entry(suffix=".log"),), GIVEN),
        "with more events": (({**entry(), "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]},), GIVEN),
        "with fewer events": (({**entry(), "Events": ["s3:ObjectCreated:Put"]},), FOUND),
        "that differ": ((entry(), entry(suffix=".log")), GIVEN),
        "beside one of another queue": ((entry(), entry("second", suffix=".log")), FOUND),
        "of another queue alone": ((entry("second"),), None),
    }.values(),
)
def test_of_a_queue_of_the_options_no_entry_that_is_wider_is_adopted(
    entries: tuple[dict[str, Any], ...], expected: Connection | None
) -> None:
    both = (connector(), connector(url_of("second"), role=f"{ROLE}2"))
    assert find(*entries, readers=both, queue_name="by-hand") == expected


def test_an_entry_that_was_widened_is_repaired_and_stays_so() -> None:
    desired, source = given(queue_name="by-hand")
    have = Notification(BUCKET, ACCOUNT, {"QueueConfigurations": [entry(prefix="", suffix="")]})
    first = options.adopted(desired, source, options.existing(desired, source, have, [connector()]))
    assert [one.code for one in NOTIFICATION.findings(first, have)] == ["notification_wider"]
    want = NOTIFICATION.overlay(first, have)
    assert want
    second = options.adopted(desired, source, options.existing(desired, source, want, [connector()]))
    assert (second, NOTIFICATION.overlay(second, want)) == (first, want)


@pytest.mark.parametrize("named", [{}, {"queue_name": "by-hand"}])
@pytest.mark.parametrize("suffix", [".json.gz", ".gz", ""])
def test_entries_for_accounts_are_one_connection(named: dict[str, str], suffix: str) -> None:
    desired, source = given(account_ids=[ACCOUNT, OTHER], **named)
    have: Notification | None = Notification(BUCKET, ACCOUNT, {"QueueConfigurations": [entry(suffix=suffix)]})
    for _run in range(2):
        assert have
        found = options.existing(desired, source, have, [connector()])
        assert found
        assert (found.queue_name, found.role_name) == ("by-hand", "OIDC_ByHand")
        have = NOTIFICATION.overlay(options.adopted(desired, source, found), have)
    assert have
    assert [one["id"] for one in NOTIFICATION.show(desired, have)["entries"]] == [
        f"by-hand-{one}" for one in (ACCOUNT, OTHER)
    ]
    narrowed = {**have.document["QueueConfigurations"][0], "Filter": entry(suffix=".log")["Filter"]}
    changed = replace(have, document={"QueueConfigurations": [narrowed, have.document["QueueConfigurations"][1]]})
    again = options.existing(desired, source, changed, [connector()])
    assert again
    assert again.queue_name == "by-hand"


# --- removal ---


def test_a_connection_of_others_is_removed_only_by_its_names() -> None:
    desired, source = given()
    options.check_removable(desired, source, None)
    with pytest.raises(SentinelError) as caught:
        options.check_removable(desired, source, FOUND)
    assert caught.value.kind == "bad_input"
    for name in ("queue_name", "by-hand", "role_name", "OIDC_ByHand"):
        assert name in str(caught.value)
    assert "suffix" not in str(caught.value)
    options.check_removable(*given(queue_name="by-hand", role_name="OIDC_ByHand"), FOUND)


# --- several sources of one account ---


def test_queues_of_other_sources_are_those_that_options_determine() -> None:
    account = account_of({}, {"queue_name": "second"}, {"bucket": "third", "prefix": "flows/"}, {"bucket": "fourth"})
    found = options.queues_of_others(account, account.sources[0])
    assert len(found) == 2
    assert f"arn:aws:sqs:*:{ACCOUNT}:second" in found


@pytest.mark.parametrize(("given_region", "regions"), [({"bucket_region": "us-east-1"}, ["us-east-1"]), ({}, ["*"])])
def test_the_queue_of_another_source_is_in_the_region_of_its_bucket(
    given_region: dict[str, str], regions: list[str]
) -> None:
    account = account_of({"bucket_region": REGION}, {"queue_name": "second", **given_region})
    found = options.queues_of_others(account, account.sources[0])
    assert [one.split(":")[3] for one in found] == regions
    is_far = [is_among(f"arn:aws:sqs:{one}:{ACCOUNT}:second", found) for one in ("us-east-1", "eu-west-1")]
    assert is_far == [True, regions == ["*"]]
    assert not is_among(f"arn:aws:sqs:us-east-1:{OTHER}:second", found)
    assert not is_among("https://example.com/second", found)
