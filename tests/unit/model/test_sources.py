# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of sources: what is accepted, and the error for everything else."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model import sources
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import InputError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.sources import (
    CLOUDTRAIL,
    SourceOption,
    SourceSpec,
    SourceType,
)

LOGS = SourceType(
    "A bucket.",
    (
        SourceOption("bucket", "str", "The bucket.", required=True),
        SourceOption("account_ids", "list", "Accounts.", rule="account_id"),
        SourceOption("connector", "bool", "Whether to make the connector."),
    ),
)


@pytest.fixture(autouse=True)
def logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sources.SOURCE_TYPES, "logs", LOGS)


def listed(given: Any) -> tuple[SourceSpec, ...]:
    return parse({"sources": given}, "host log").sources


@pytest.mark.parametrize("given", [None, "", "  "])
def test_cloudtrail_is_the_default(given: Any) -> None:
    assert listed(given) == (CLOUDTRAIL,)


@pytest.mark.parametrize("given", ["cloudtrail", ["cloudtrail"], [{"type": "cloudtrail"}], {"type": "cloudtrail"}])
def test_a_source_is_a_name_or_a_dictionary(given: Any) -> None:
    assert listed(given) == (CLOUDTRAIL,)


def test_an_empty_list_counts() -> None:
    assert listed([]) == ()


def test_options_are_converted_as_those_of_accounts() -> None:
    [one] = listed([{"type": "logs", "bucket": "a", "account_ids": "111111111111,022222222222", "connector": "no"}])
    assert one.get("account_ids") == ("111111111111", "022222222222")
    assert (one.get("bucket"), one.get("connector"), one.get("none", 7)) == ("a", False, 7)


def test_a_type_may_be_listed_with_different_options() -> None:
    assert len(listed(["cloudtrail", {"type": "logs", "bucket": "a"}, {"type": "logs", "bucket": "b"}])) == 3


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["everything"], "'everything'"),
        (["cloudtrail", "everything"], "'everything'"),
        (["cloudtrail", {"type": "cloudtrail"}], "twice"),
        (7, "7"),
        ([False, False], "False"),
        ([None], "None"),
        ([{"bucket": "logs"}], "'bucket'"),
        ([{"type": "cloudtrail", "bucket": "logs"}], "bucket"),
        ([["cloudtrail"]], "['cloudtrail']"),
        ([{"type": "logs"}], "bucket is not set"),
        ([{"type": "logs", "bucket": "a", "bukket": "a"}], "bukket"),
        ([{"type": "logs", "bucket": "a", "account_ids": ["111111111111", "1"]}], "'1'"),
        ([{"type": "logs", "bucket": "a", "connector": "maybe"}], "'maybe'"),
        ([{"type": "logs", "bucket": ["a"]}], "['a']"),
    ],
)
def test_everything_else_is_refused_by_name(given: Any, named: str) -> None:
    with pytest.raises(InputError) as caught:
        listed(given)
    assert caught.value.kind == "bad_input"
    assert named in str(caught.value)
    assert "sources" in str(caught.value)
    assert "host log" in str(caught.value)


S3 = {"type": "s3", "bucket": "logs"}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ([{"type": "s3"}], "bucket is not set"),
        ([{**S3, "table": "AWSVPCFlow"}], "prefix is not set"),
        ([{**S3, "table": "AWSWAF", "prefix": "waf/"}], "'AWSWAF'"),
        ([{**S3, "role_name": "MicrosoftSentinelRole"}], "'MicrosoftSentinelRole'"),
        ([{**S3, "kms_key_arns": ["alias/logs"]}], "alias/logs"),
        ([{**S3, "account_ids": ["12"]}], "12 digits"),
        ([{**S3, "account_ids": [f"{number:012}" for number in range(101)]}], "101 items"),
        ([{**S3, "table": "AWSCloudWatch", "prefix": "cw/", "account_ids": ["111111111111"]}], "account_ids"),
        *(
            ([{**S3, "prefix": one, "account_ids": ["111111111111"]}], f"prefix {one},")
            for one in (
                "o-abc/AWSLogs/o-abc",
                "AWSLogs",
                "AWSLogs/111111111111/",
                "AWSLogs/111111111111/CloudTrail/",
                "AWSLogs/o-abc/111111111111/CloudTrail/",
                "AWSLogs/aws-account-id=111111111111/",
                "logs/",
            )
        ),
        ([S3, {**S3, "suffix": ".json.gz"}], "same queue"),
        ([S3, {**S3, "table": "AWSCloudTrail"}], "same queue"),
        ([{**S3, "prefix": "a/", "table": "AWSCloudTrail"}, {**S3, "prefix": "a/", "suffix": ""}], "same queue"),
        ([{**S3, "queue_name": "q"}, {**S3, "bucket": "more", "queue_name": "q-dlq"}], "same queue"),
        (
            [S3, {**S3, "bucket": "more"}, {**S3, "bucket": "most", "queue_name": "q"}, {**S3, "queue_name": "q"}],
            "same",
        ),
    ],
)
def test_options_of_an_s3_source_that_cannot_be_used(given: Any, named: str) -> None:
    with pytest.raises(InputError) as caught:
        listed(given)
    assert named in str(caught.value)
    assert "host log" in str(caught.value)


@pytest.mark.parametrize("prefix", [None, "AWSLogs/", "AWSLogs/o-abc/", "o-abc/AWSLogs/o-abc/", "flows/AWSLogs/"])
def test_the_folders_of_accounts_are_below_those_that_aws_writes(prefix: str | None) -> None:
    [one] = listed([{**S3, "account_ids": ["111111111111"], "prefix": prefix}])
    assert one.get("prefix") == prefix


def test_s3_sources_of_one_bucket_with_different_prefixes() -> None:
    assert (
        len(listed([{**S3, "prefix": "a/"}, {**S3, "prefix": "b/"}, {**S3, "prefix": "b/", "table": "AWSVPCFlow"}]))
        == 3
    )


def test_a_blank_option_of_a_source_is_not_given() -> None:
    assert listed([{**S3, "prefix": " ", "queue_name": None, "account_ids": []}]) == listed([S3])


def test_an_account_id_of_a_source_may_be_a_number() -> None:
    assert listed([{**S3, "account_ids": [111111111111]}])[0].get("account_ids") == ("111111111111",)
