# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connector of an S3 source: which one it is, what is repaired, and what is never touched."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import botocore.session
import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.connector.s3 import S3Connector
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.connector import (
    S3_CONNECTOR,
    S3ConnectorSpec,
    uncertain_queues,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.queue_url import queue_arn_of
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.validation import RULES
from tests.unit.model.s3 import spec as source

WORKSPACE_ID = "11111111-aaaa-4aaa-8aaa-111111111111"
WORKSPACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"
ROLE = "arn:aws:iam::222222222222:role/OIDC_MicrosoftSentinelRole"


def url(name: str) -> str:
    return f"https://sqs.eu-west-1.amazonaws.com/222222222222/{name}"


def arn(name: str) -> str:
    return f"arn:aws:sqs:eu-west-1:222222222222:{name}"


SPEC = S3ConnectorSpec(ROLE, url("trail"), "AWSCloudTrail", WORKSPACE, WORKSPACE_ID)
NAME = str(uuid.uuid5(uuid.UUID(WORKSPACE_ID), f"AmazonWebServicesS3/{arn('trail')}"))
PATH = f"{WORKSPACE}/providers/Microsoft.SecurityInsights/dataConnectors"
NEW = S3Connector(NAME, ROLE, (url("trail"),), "AWSCloudTrail", id=f"{PATH}/{NAME}")
RIGHT = replace(NEW, etag="1")
PORTAL = replace(RIGHT, name="portal", id=f"{PATH}/portal")
OTHER = replace(RIGHT, name="other", sqs_urls=(url("old"),))
CODELESS = replace(RIGHT, name="waf", codeless=True, definition="AwsS3WafCcpDefinition", destination_table="")
STRANGER = replace(RIGHT, name="stranger", role_arn="arn:aws:iam::333333333333:role/OIDC_x", sqs_urls=(url("x"),))
ABSENT = replace(SPEC, absent_queue_arns=frozenset({arn("old")}))

Connectors = tuple[S3Connector, ...]


def overlay(spec: S3ConnectorSpec, *have: S3Connector) -> Connectors:
    found = S3_CONNECTOR.overlay(spec, have)
    assert found is not None
    return found


def calls(have: Connectors, want: Connectors | None) -> list[tuple[str, str]]:
    made = S3_CONNECTOR.plan(have, want)
    return [(call.name.removeprefix("DataConnectors_"), call.args["data_connector_id"]) for call in made]


def codes(spec: S3ConnectorSpec, *have: S3Connector) -> list[str]:
    return [one.code for one in S3_CONNECTOR.findings(spec, have)]


# --- queues ---

URLS = {
    "https://sqs.eu-west-1.amazonaws.com/222222222222/trail": arn("trail"),
    "https://eu-west-1.queue.amazonaws.com/222222222222/trail": arn("trail"),
    "https://SQS.EU-WEST-1.amazonaws.com/222222222222/trail": arn("trail"),
    "https://sqs.eu-west-1.amazonaws.com/222222222222/Trail": arn("Trail"),
    "https://sqs-fips.us-east-2.amazonaws.com/222222222222/trail": "arn:aws:sqs:us-east-2:222222222222:trail",
    "https://queue.amazonaws.com/222222222222/trail": "arn:aws:sqs:us-east-1:222222222222:trail",
    "https://us-east-1.queue.amazonaws.com/222222222222/trail": "arn:aws:sqs:us-east-1:222222222222:trail",
    "https://sqs.us-east-1.api.aws/222222222222/trail": "arn:aws:sqs:us-east-1:222222222222:trail",
    "https://sqs.us-gov-west-1.amazonaws.com/222222222222/trail": "arn:aws-us-gov:sqs:us-gov-west-1:222222222222:trail",
    "https://sqs.us-gov-west-1.api.aws/222222222222/trail": "arn:aws-us-gov:sqs:us-gov-west-1:222222222222:trail",
    "https://sqs.cn-north-1.amazonaws.com.cn/222222222222/trail": "arn:aws-cn:sqs:cn-north-1:222222222222:trail",
    "https://cn-north-1.queue.amazonaws.com.cn/222222222222/trail": "arn:aws-cn:sqs:cn-north-1:222222222222:trail",
    "https://sqs.cn-north-1.api.amazonwebservices.com.cn/222222222222/trail": (
        "arn:aws-cn:sqs:cn-north-1:222222222222:trail"
    ),
    "https://sqs.eusc-de-east-1.amazonaws.eu/222222222222/trail": "arn:aws-eusc:sqs:eusc-de-east-1:222222222222:trail",
    "https://sqs.us-iso-east-1.c2s.ic.gov/222222222222/trail": "arn:aws-iso:sqs:us-iso-east-1:222222222222:trail",
    "https://sqs.cn-north-1.amazonaws.com/222222222222/trail": "",
    "https://sqs.eu-west-1.amazonaws.eu/222222222222/trail": "",
    "https://queue.amazonaws.com.cn/222222222222/trail": "",
    "http://sqs.eu-west-1.amazonaws.com/222222222222/trail": "",
    "https://sqs.eu-west-1.example.com/222222222222/trail": "",
    "https://sqs.eu-west-1.amazonaws.com/trail": "",
    "trail": "",
    "": "",
}


@pytest.mark.parametrize(("address", "expected"), URLS.items())
def test_all_forms_of_a_url_are_one_queue(address: str, expected: str) -> None:
    assert queue_arn_of(address) == expected
    assert RULES["queue_url"].holds(address) is bool(expected)


SESSION = botocore.session.get_session()
# A Region of each partition in which this version of botocore has SQS.
REGIONS = {
    partition: region
    for partition in SESSION.get_available_partitions()
    for region in SESSION.get_available_regions("sqs", partition)
    if "fips" not in region
}


@pytest.mark.parametrize("partition", REGIONS)
def test_the_url_of_a_queue_has_the_domain_of_its_partition(partition: str) -> None:
    spec = source(partition=partition, region=REGIONS[partition])
    client = SESSION.create_client("sqs", spec.region, aws_access_key_id="x", aws_secret_access_key="x")
    assert spec.queue_url.startswith(f"{client.meta.endpoint_url}/")
    assert queue_arn_of(spec.queue_url) == spec.queue_arn


# --- match before create ---


def test_a_new_connector_has_a_name_that_every_run_uses() -> None:
    assert overlay(SPEC) == (NEW,)
    assert S3_CONNECTOR.plan((), (NEW,)) == [
        Call(
            "DataConnectors_CreateOrUpdate",
            {
                "data_connector_id": NAME,
                "data_connector": {
                    "kind": "AmazonWebServicesS3",
                    "properties": {
                        "destinationTable": "AWSCloudTrail",
                        "roleArn": ROLE,
                        "sqsUrls": [url("trail")],
                        "dataTypes": {"logs": {"state": "Enabled"}},
                    },
                },
            },
        )
    ]
    assert codes(SPEC) == ["connector_missing"]


RIGHT_ONES: dict[str, Connectors] = {
    "by our name": (RIGHT,),
    "by the portal": (PORTAL,),
    "the other domain of the URL": (replace(PORTAL, sqs_urls=("https://sqs.eu-west-1.api.aws/222222222222/trail",)),),
    "the other spelling of the URL": (
        replace(PORTAL, sqs_urls=("https://eu-west-1.queue.amazonaws.com/222222222222/trail",)),
    ),
    "with another queue": (replace(PORTAL, sqs_urls=(url("x"), url("trail"))),),
    "among others": (STRANGER, OTHER, RIGHT, replace(CODELESS, sqs_urls=(url("waf"),))),
}


@pytest.mark.parametrize("have", RIGHT_ONES.values(), ids=list(RIGHT_ONES))
def test_a_connector_as_desired_gets_no_write(have: Connectors) -> None:
    assert calls(have, overlay(SPEC, *have)) == []
    assert codes(SPEC, *have) == []


DRIFT: dict[str, tuple[S3ConnectorSpec, Connectors, list[str], list[str]]] = {
    "disabled": (SPEC, (replace(PORTAL, enabled=False),), ["connector_disabled"], ["portal"]),
    "another role": (SPEC, (replace(PORTAL, role_arn=STRANGER.role_arn),), ["connector_stale"], ["portal"]),
    "our name, another table": (SPEC, (replace(RIGHT, destination_table="AWSVPCFlow"),), ["connector_stale"], [NAME]),
    "our name, another queue": (SPEC, (replace(RIGHT, sqs_urls=(url("x"),)),), ["connector_stale"], [NAME]),
    "its queue is gone": (ABSENT, (OTHER,), ["connector_stale"], ["other"]),
    "the absent queue of another source in an unknown Region": (
        replace(ABSENT, other_queue_arns=frozenset({arn("old").replace("eu-west-1", "*")})),
        (OTHER,),
        ["connector_missing"],
        [NAME],
    ),
    "no queue": (SPEC, (replace(OTHER, sqs_urls=()),), ["connector_stale"], ["other"]),
    "another source": (SPEC, (OTHER,), ["connector_missing"], [NAME]),
    "the absent queue of another source": (
        replace(ABSENT, other_queue_arns=frozenset({arn("old")})),
        (OTHER,),
        ["connector_missing"],
        [NAME],
    ),
    "one of two queues is gone": (
        ABSENT,
        (replace(OTHER, sqs_urls=(url("old"), url("x"))),),
        ["connector_missing"],
        [NAME],
    ),
    "a queue of an unknown form": (ABSENT, (replace(OTHER, sqs_urls=("x",)),), ["connector_missing"], [NAME]),
    "another table, its queue is gone": (
        ABSENT,
        (replace(OTHER, destination_table="AWSVPCFlow"),),
        ["connector_missing"],
        [NAME],
    ),
    "a codeless one whose queue is gone": (
        ABSENT,
        (replace(OTHER, codeless=True),),
        ["connector_missing"],
        [NAME],
    ),
    "the chosen of two is disabled": (
        SPEC,
        (replace(PORTAL, enabled=False, created="2"), replace(RIGHT, enabled=False, created="1")),
        ["connector_disabled", "connector_duplicate"],
        [NAME],
    ),
}


@pytest.mark.parametrize(("spec", "have", "found", "put"), DRIFT.values(), ids=list(DRIFT))
def test_drift_is_found_and_repaired(spec: S3ConnectorSpec, have: Connectors, found: list[str], put: list[str]) -> None:
    assert codes(spec, *have) == found
    want = overlay(spec, *have)
    assert calls(have, want) == [("CreateOrUpdate", name) for name in put]
    assert set(codes(spec, *want)) <= {"connector_duplicate"}
    assert overlay(spec, *want) == want
    assert {one.name for one in have} <= {one.name for one in want}


def test_the_etag_and_other_queues_are_kept() -> None:
    have = replace(PORTAL, enabled=False, sqs_urls=(url("x"), url("trail")))
    [call] = S3_CONNECTOR.plan((have,), overlay(SPEC, have))
    body = call.args["data_connector"]
    assert body["etag"] == "1"
    assert body["properties"]["sqsUrls"] == [url("x"), url("trail")]


def test_two_buckets_with_one_role_and_one_table_are_two_connections() -> None:
    second = replace(SPEC, queue_url=url("second"))
    want = overlay(second, RIGHT)
    assert len(want) == 2
    assert len({one.name for one in want}) == 2
    assert RIGHT in want


DUPLICATES: dict[str, tuple[S3Connector, list[tuple[str, str]]]] = {
    "the same": (PORTAL, [("Delete", "portal")]),
    "by another role": (replace(PORTAL, role_arn=STRANGER.role_arn), []),
    "with another queue": (replace(PORTAL, sqs_urls=(url("trail"), url("x"))), []),
}


@pytest.mark.parametrize(("other", "removed"), DUPLICATES.values(), ids=list(DUPLICATES))
def test_duplicates_are_removed_on_request_only(other: S3Connector, removed: list[tuple[str, str]]) -> None:
    have = (RIGHT, other)
    assert codes(SPEC, *have) == ["connector_duplicate"]
    assert calls(have, overlay(SPEC, *have)) == []
    assert calls(have, overlay(replace(SPEC, deduplicate=True), *have)) == removed


# --- queues whose existence decides ---

QUESTIONS: dict[str, tuple[S3ConnectorSpec, Connectors, tuple[str, ...]]] = {
    "none": (SPEC, (), ()),
    "by queue": (SPEC, (PORTAL, OTHER), ()),
    "by name": (SPEC, (replace(RIGHT, sqs_urls=(url("x"),)), OTHER), ()),
    "by role and table": (SPEC, (OTHER, STRANGER), (arn("old"),)),
    "of another source": (replace(SPEC, other_queue_arns=frozenset({arn("old")})), (OTHER,), ()),
    "of another source in an unknown Region": (
        replace(SPEC, other_queue_arns=frozenset({arn("old").replace("eu-west-1", "*")})),
        (OTHER,),
        (),
    ),
    "of an unknown form": (SPEC, (replace(OTHER, sqs_urls=("x",)),), ()),
    "codeless": (SPEC, (replace(OTHER, codeless=True),), ()),
}


@pytest.mark.parametrize(("spec", "have", "expected"), QUESTIONS.values(), ids=list(QUESTIONS))
def test_only_queues_that_decide_are_asked_for(
    spec: S3ConnectorSpec, have: Connectors, expected: tuple[str, ...]
) -> None:
    assert uncertain_queues(spec, have) == expected


# --- what is never touched ---

TAKEN: dict[str, S3Connector] = {
    "codeless": CODELESS,
    "codeless with our name": replace(CODELESS, name=NAME),
    "codeless, same table": replace(CODELESS, destination_table="AWSCloudTrail"),
    "another table": replace(PORTAL, destination_table="AWSVPCFlow"),
}


@pytest.mark.parametrize("other", TAKEN.values(), ids=list(TAKEN))
def test_a_queue_that_another_connector_reads_is_refused(other: S3Connector) -> None:
    assert codes(SPEC, other) == ["connector_missing", "connector_queue_shared"]
    for change in (S3_CONNECTOR.overlay, S3_CONNECTOR.without):
        with pytest.raises(SentinelError) as caught:
            change(SPEC, (STRANGER, other))
        assert caught.value.kind == "connector_conflict"


def test_the_right_connector_beside_one_of_another_table_stays() -> None:
    have = (RIGHT, TAKEN["another table"])
    assert codes(SPEC, *have) == ["connector_queue_shared"]
    assert calls(have, overlay(SPEC, *have)) == []
    assert calls(have, S3_CONNECTOR.without(SPEC, have)) == [("Delete", NAME)]


# --- removal ---

REMOVALS: dict[str, tuple[Connectors, list[tuple[str, str]]]] = {
    "none": ((), []),
    "ours": ((RIGHT, STRANGER, OTHER), [("Delete", NAME)]),
    "of the portal": ((PORTAL,), [("Delete", "portal")]),
    "duplicates": ((RIGHT, PORTAL), [("Delete", NAME), ("Delete", "portal")]),
    "with another queue": ((replace(PORTAL, sqs_urls=(url("x"), url("trail"))),), [("CreateOrUpdate", "portal")]),
    "same role and table": ((OTHER,), []),
    "our name, another queue": ((replace(RIGHT, sqs_urls=(url("x"),)),), []),
    "codeless, another queue": ((replace(CODELESS, sqs_urls=(url("x"),)),), []),
}


@pytest.mark.parametrize(("have", "expected"), REMOVALS.values(), ids=list(REMOVALS))
def test_only_the_connector_of_the_queue_is_removed(have: Connectors, expected: list[tuple[str, str]]) -> None:
    after = S3_CONNECTOR.without(SPEC, have)
    assert after is not None
    assert sorted(calls(have, after)) == sorted(expected)
    assert S3_CONNECTOR.without(SPEC, after) == after


def test_a_removal_keeps_the_queues_of_others() -> None:
    have = (replace(PORTAL, sqs_urls=(url("x"), url("trail"))),)
    [after] = S3_CONNECTOR.without(SPEC, have) or ()
    assert after.sqs_urls == (url("x"),)


def test_results_show_the_chosen_one() -> None:
    shown: dict[str, Any] = S3_CONNECTOR.show(SPEC, (OTHER, RIGHT))
    assert (shown["name"], shown["destination_table"]) == (NAME, "AWSCloudTrail")
    assert S3_CONNECTOR.id(SPEC, (OTHER, RIGHT)) == f"{PATH}/{NAME}"
    assert S3_CONNECTOR.show(SPEC, ()) == {}
    assert S3_CONNECTOR.removable(SPEC, (OTHER, RIGHT, CODELESS)) == (RIGHT,)
    assert arn("trail") in S3_CONNECTOR.title(SPEC)
