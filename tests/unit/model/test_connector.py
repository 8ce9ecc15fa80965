# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which connector serves a role, which calls make it right, and that no other account is ever touched."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.connector.connector import (
    KIND,
    Connector,
    Connectors,
    ConnectorSpec,
    account_id_of,
    choose,
    describe,
    findings,
    overlay,
    parse,
    plan,
    show,
    without,
    workspace_findings,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import CODES, MANUAL
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call

ACCOUNT = "111111111111"
OTHER = "222222222222"
WORKSPACE_ID = "11111111-aaaa-4aaa-8aaa-111111111111"
WORKSPACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/MicrosoftSentinelRole"
OLD_ROLE = f"arn:aws:iam::{ACCOUNT}:role/old/Eyes"
OTHER_ROLE = f"arn:aws:iam::{OTHER}:role/MicrosoftSentinelRole"
EARLY, LATE = "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
RIGHT = Connector("mine", ROLE, enabled=True, etag='"1"', id=f"{WORKSPACE}/dataConnectors/mine", created=EARLY)
NEW_NAME = "21517b91-d0c8-5487-a00b-c4b1fd7b7bb0"


def spec(role_arn: str = ROLE, workspace_id: str = WORKSPACE_ID, **changes: Any) -> ConnectorSpec:
    return ConnectorSpec(role_arn, WORKSPACE, workspace_id, **changes)


def raw(state: Any = "Enabled", **changes: Any) -> dict[str, Any]:
    """A response of the API as Microsoft documents it."""
    return {
        "id": f"{WORKSPACE}/dataConnectors/mine",
        "etag": '"1"',
        "name": "mine",
        "type": "Microsoft.SecurityInsights/dataConnectors",
        "kind": "AmazonWebServicesCloudTrail",
        "properties": {"awsRoleArn": ROLE, "dataTypes": {"logs": {"state": state}}},
        "systemData": {"createdAt": EARLY, "createdByType": "Application"},
        **changes,
    }


# --- reading ---


@pytest.mark.parametrize("state", ["Enabled", "enabled", "ENABLED"])
def test_enabled_is_parsed_in_any_case(state: str) -> None:
    assert parse(raw(state)) == RIGHT


@pytest.mark.parametrize("state", ["Disabled", "disabled", "", None, True, 1])
def test_any_other_state_is_disabled(state: Any) -> None:
    assert parse(raw(state)) == replace(RIGHT, enabled=False)


@pytest.mark.parametrize(
    "kind", ["AmazonWebServicesS3", "Office365", "APIPolling", "RestApiPoller", "amazonwebservicess3", "", None]
)
def test_connectors_of_other_kinds_are_ignored(kind: Any) -> None:
    assert parse(raw(kind=kind)) is None


def test_a_response_without_a_kind_is_ignored() -> None:
    assert parse({}) is None


@pytest.mark.parametrize(
    ("answer", "connector"),
    [
        ({"kind": KIND}, Connector("", "", enabled=False)),
        ({"kind": KIND, "name": None, "id": None, "etag": None, "properties": None}, Connector("", "", enabled=False)),
        (raw(properties={"awsRoleArn": ROLE}), replace(RIGHT, enabled=False)),
        (raw(properties={"awsRoleArn": ROLE, "dataTypes": None}), replace(RIGHT, enabled=False)),
        (raw(properties={"awsRoleArn": ROLE, "dataTypes": {"logs": None}}), replace(RIGHT, enabled=False)),
        (raw(properties={"dataTypes": {"logs": {"state": "Enabled"}}}), replace(RIGHT, role_arn="")),
        (raw(etag=None), replace(RIGHT, etag=None)),
        (raw(systemData=None), replace(RIGHT, created="")),
        (raw(systemData={}), replace(RIGHT, created="")),
    ],
    ids=[
        "all parts",
        "all parts null",
        "data types",
        "null data types",
        "null logs",
        "the role",
        "the etag",
        "null system data",
        "the time",
    ],
)
def test_missing_fields_are_parsed_as_empty(answer: dict[str, Any], connector: Connector) -> None:
    assert parse(answer) == connector


@pytest.mark.parametrize(
    ("arn", "account"),
    [
        (ROLE, ACCOUNT),
        (OLD_ROLE, ACCOUNT),
        ("arn:aws-us-gov:iam::333333333333:role/x", "333333333333"),
        ("", ""),
        ("MicrosoftSentinelRole", ""),
        ("arn:aws:iam", ""),
        ("arn:aws:iam::1111-2222-3333:role/x", ""),
        ("arn:aws:iam::1111111111111:role/x", ""),
    ],
)
def test_the_account_is_that_of_the_arn(arn: str, account: str) -> None:
    assert account_id_of(arn) == account
    assert Connector("x", arn).account_id == account


# --- a connector of this name for another account ---


def test_a_connector_of_this_name_for_another_account_is_found_and_repaired() -> None:
    moved = replace(RIGHT, name=NEW_NAME, role_arn=OTHER_ROLE)
    assert choose(spec(), (moved,)) == moved
    assert [one.code for one in findings(spec(), (moved,))] == ["connector_wrong_account", "connector_missing"]
    assert overlay(spec(), (moved,)) == (replace(moved, role_arn=ROLE),)


def test_a_connector_of_this_name_for_another_account_is_kept_beside_the_correct_one() -> None:
    moved = replace(RIGHT, name=NEW_NAME, role_arn=OTHER_ROLE)
    assert choose(spec(), (moved, RIGHT)) == RIGHT
    assert [one.code for one in findings(spec(), (moved, RIGHT))] == ["connector_wrong_account"]
    assert plan((moved, RIGHT), overlay(spec(deduplicate=True), (moved, RIGHT))) == []


def test_offboarding_keeps_connectors_of_other_accounts() -> None:
    moved = replace(RIGHT, name=NEW_NAME, role_arn=OTHER_ROLE)
    assert without(spec(), (moved, RIGHT)) == (moved,)


# --- names ---


def test_a_new_name_is_always_the_same() -> None:
    assert spec().name == NEW_NAME


def test_a_new_name_does_not_depend_on_the_role_but_on_its_account() -> None:
    assert spec(OLD_ROLE).name == spec().name != spec(OTHER_ROLE).name


def test_a_new_name_does_not_depend_on_the_case_of_the_workspace_id() -> None:
    assert spec(workspace_id=WORKSPACE_ID.upper()).name == spec().name


@given(st.lists(st.tuples(st.uuids(), st.from_regex(r"[0-9]{12}", fullmatch=True)), unique=True, max_size=3))
def test_a_new_name_is_a_guid_of_workspace_and_account(pairs: list[tuple[uuid.UUID, str]]) -> None:
    names = {spec(f"arn:aws:iam::{account}:role/x", str(workspace)).name for workspace, account in pairs}
    assert len(names) == len(pairs)
    assert all(uuid.UUID(name).version == 5 for name in names)


# --- the choice of a connector ---

# The connectors of the account, and the name of the one that is chosen for ROLE.
CHOICE: dict[str, tuple[list[Connector], str | None]] = {
    "none at all": ([], None),
    "this role under any name": ([Connector("My portal connector", ROLE)], "My portal connector"),
    "this role though disabled": ([Connector("a", ROLE, enabled=False)], "a"),
    "another role of the account": ([Connector("a", OLD_ROLE)], "a"),
    "this role before another one": ([Connector("a", OLD_ROLE), Connector("b", ROLE)], "b"),
    "this role, disabled, before another one, enabled": (
        [Connector("a", OLD_ROLE), Connector("b", ROLE, enabled=False)],
        "b",
    ),
    "this role before an older one": (
        [Connector("a", OLD_ROLE, created=EARLY), Connector("b", ROLE, created=LATE)],
        "b",
    ),
    "enabled before disabled": ([Connector("a", ROLE, enabled=False), Connector("b", ROLE)], "b"),
    "enabled before older": (
        [Connector("a", ROLE, enabled=False, created=EARLY), Connector("b", ROLE, created=LATE)],
        "b",
    ),
    "stale: enabled before disabled": ([Connector("a", OLD_ROLE, enabled=False), Connector("b", OLD_ROLE)], "b"),
    "older before newer": ([Connector("a", ROLE, created=LATE), Connector("b", ROLE, created=EARLY)], "b"),
    "a known age before an unknown one": ([Connector("a", ROLE), Connector("b", ROLE, created=LATE)], "b"),
    "older before the name of the spec": (
        [Connector(NEW_NAME, ROLE, created=LATE), Connector("z", ROLE, created=EARLY)],
        "z",
    ),
    "the name of the spec before others": ([Connector("a", ROLE), Connector(NEW_NAME, ROLE)], NEW_NAME),
    "by name, where all else is equal": ([Connector("b", ROLE), Connector("a", ROLE)], "a"),
}


@pytest.mark.parametrize(("have", "name"), CHOICE.values(), ids=CHOICE.keys())
def test_the_connector_for_the_role_is_chosen(have: list[Connector], name: str | None) -> None:
    for order in (have, have[::-1]):
        found = choose(spec(), tuple(order))
        assert (found.name if found else None) == name


# --- overlay and plan ---

NEW = Connector(NEW_NAME, ROLE, id=f"{WORKSPACE}/providers/Microsoft.SecurityInsights/dataConnectors/{NEW_NAME}")
DUPLICATE = replace(RIGHT, name="twin", etag='"2"', created=LATE)
STALE = replace(RIGHT, name="stale", role_arn=OLD_ROLE)


def put(name: str, **body: Any) -> Call:
    properties = {"awsRoleArn": ROLE, "dataTypes": {"logs": {"state": "Enabled"}}}
    document = {"kind": "AmazonWebServicesCloudTrail", "properties": properties, **body}
    return Call("DataConnectors_CreateOrUpdate", {"data_connector_id": name, "data_connector": document})


def delete(name: str) -> Call:
    return Call("DataConnectors_Delete", {"data_connector_id": name})


def test_properties_that_are_not_known_are_kept() -> None:
    more = {"tier": {"x": [1]}, "dataTypes": {"metrics": {"state": "Disabled"}, "logs": {"state": "off", "y": 2}}}
    found = parse(raw(properties={"awsRoleArn": OLD_ROLE, **more}))
    assert found
    [call] = plan((found,), overlay(spec(), (found,)))
    assert call.args["data_connector"]["etag"] == found.etag
    assert call.args["data_connector"]["properties"] == {
        "awsRoleArn": ROLE,
        "tier": {"x": [1]},
        "dataTypes": {"metrics": {"state": "Disabled"}, "logs": {"state": "Enabled", "y": 2}},
    }


# The spec, the existing connectors, the findings, the desired connectors, and the calls.
DRIFT: dict[str, tuple[ConnectorSpec, Connectors, list[str], Connectors, list[Call]]] = {
    "nothing": (spec(), (RIGHT,), [], (RIGHT,), []),
    "missing": (spec(), (), ["connector_missing"], (NEW,), [put(NEW_NAME)]),
    "disabled": (
        spec(),
        (replace(RIGHT, enabled=False),),
        ["connector_disabled"],
        (RIGHT,),
        [put("mine", etag='"1"')],
    ),
    "stale": (spec(), (replace(RIGHT, role_arn=OLD_ROLE),), ["connector_stale"], (RIGHT,), [put("mine", etag='"1"')]),
    "stale and disabled": (
        spec(),
        (replace(RIGHT, role_arn=OLD_ROLE, enabled=False),),
        ["connector_disabled", "connector_stale"],
        (RIGHT,),
        [put("mine", etag='"1"')],
    ),
    "disabled, without an etag": (
        spec(),
        (replace(RIGHT, enabled=False, etag=None),),
        ["connector_disabled"],
        (replace(RIGHT, etag=None),),
        [put("mine")],
    ),
    "twice": (spec(), (RIGHT, DUPLICATE), ["connector_duplicate"], (RIGHT, DUPLICATE), []),
    "twice, to be deduplicated": (
        spec(deduplicate=True),
        (RIGHT, DUPLICATE),
        ["connector_duplicate"],
        (RIGHT,),
        [delete("twin")],
    ),
    "twice, the older one disabled, to be deduplicated": (
        spec(deduplicate=True),
        (replace(RIGHT, enabled=False), DUPLICATE),
        ["connector_duplicate"],
        (DUPLICATE,),
        [delete("mine")],
    ),
    "beside one of another role": (spec(), (RIGHT, STALE), ["connector_duplicate"], (RIGHT, STALE), []),
    "beside one of another role, which is no duplicate of this one": (
        spec(deduplicate=True),
        (RIGHT, STALE),
        ["connector_duplicate"],
        (RIGHT, STALE),
        [],
    ),
    "disabled and twice, to be deduplicated": (
        spec(deduplicate=True),
        (replace(RIGHT, enabled=False), replace(DUPLICATE, enabled=False)),
        ["connector_disabled", "connector_duplicate"],
        (RIGHT,),
        [put("mine", etag='"1"'), delete("twin")],
    ),
}
CASES = pytest.mark.parametrize(("options", "have", "codes", "want", "calls"), DRIFT.values(), ids=DRIFT.keys())


@CASES
def test_a_drift_has_exactly_its_findings(options: Any, have: Any, codes: Any, want: Any, calls: Any) -> None:
    assert [found.code for found in findings(options, have)] == codes


@CASES
def test_the_overlay_changes_one_connector(options: Any, have: Any, codes: Any, want: Any, calls: Any) -> None:
    assert overlay(options, have) == want


@CASES
def test_a_drift_has_exactly_its_calls(options: Any, have: Any, codes: Any, want: Any, calls: Any) -> None:
    assert plan(have, overlay(options, have)) == calls


@CASES
def test_a_drift_has_the_calls_that_repair_its_findings(
    options: Any, have: Any, codes: Any, want: Any, calls: Any
) -> None:
    names = {one.name for one in calls}
    repairs = [set(CODES[code].repaired_by) for code in codes]
    assert names <= set().union(*repairs)
    assert all(one & {MANUAL, *names} for one in repairs)


def test_the_first_desired_connector_reads_the_role() -> None:
    assert overlay(spec(), (STALE, DUPLICATE, RIGHT))[0].role_arn == ROLE
    assert overlay(spec(), (STALE,))[0] == replace(STALE, role_arn=ROLE)


def test_findings_name_the_connectors_and_the_roles() -> None:
    stale = findings(spec(), (replace(RIGHT, role_arn=OLD_ROLE),))[0].message
    assert all(text in stale for text in ("mine", OLD_ROLE, ROLE))
    double = findings(spec(), (RIGHT, STALE))[0].message
    assert all(text in double for text in ("mine", "stale", OLD_ROLE))
    assert ROLE in findings(spec(), ())[0].message
    assert "mine" in findings(spec(), (replace(RIGHT, enabled=False),))[0].message


# --- removal ---

# The existing connectors, and those without ROLE.
REMAINS: dict[str, tuple[Connectors, Connectors]] = {
    "nothing": ((), ()),
    "the one of the role": ((RIGHT,), ()),
    "the one of the role, disabled": ((replace(RIGHT, enabled=False),), ()),
    "both of the role": ((RIGHT, DUPLICATE), ()),
    "another role's": ((RIGHT, STALE), (STALE,)),
    "another role's, under the name of the spec": (
        (RIGHT, replace(STALE, name=NEW_NAME)),
        (replace(STALE, name=NEW_NAME),),
    ),
}


@pytest.mark.parametrize(("have", "remains"), REMAINS.values(), ids=REMAINS.keys())
def test_only_connectors_for_the_role_are_removed(have: Connectors, remains: Connectors) -> None:
    assert without(spec(), have) == remains
    removed = sorted({one.name for one in have} - {one.name for one in remains})
    assert plan(have, without(spec(), have)) == [delete(name) for name in removed]


@pytest.mark.parametrize("nothing", [None, ()])
def test_no_connectors_need_no_removal(nothing: Connectors | None) -> None:
    assert plan(nothing, None) == []
    assert plan((RIGHT,), nothing) == [delete("mine")]


# --- properties, with an emulation of the service ---

connector = st.builds(
    Connector,
    name=st.sampled_from(["a", "b", "c", NEW_NAME]),
    role_arn=st.sampled_from([ROLE, ROLE, OLD_ROLE]),
    enabled=st.booleans(),
    etag=st.sampled_from([None, "1"]),
    id=st.just("x"),
    created=st.sampled_from(["", EARLY, LATE]),
)
sets = st.lists(connector, unique_by=lambda one: one.name, max_size=4).map(tuple)
specs = st.booleans().map(lambda deduplicate: spec(deduplicate=deduplicate))


def perform(have: Connectors, call: Call) -> Connectors:
    """Apply a call as the service does."""
    name = call.args["data_connector_id"]
    before = next((one for one in have if one.name == name), None)
    others = tuple(one for one in have if one.name != name)
    if call.name == "DataConnectors_Delete":
        assert before is not None
        return others
    document = call.args["data_connector"]
    assert document.get("etag") == (before.etag if before else None)
    made = parse({**document, "name": name, "etag": "2", "systemData": {"createdAt": before.created if before else ""}})
    assert made is not None
    return (*others, made)


def performed(have: Connectors, calls: list[Call]) -> Connectors:
    for call in calls:
        have = perform(have, call)
    return have


@given(specs, sets)
def test_an_applied_plan_leaves_no_calls(options: ConnectorSpec, have: Connectors) -> None:
    after = performed(have, plan(have, overlay(options, have)))
    serving = choose(options, after)
    assert serving is not None
    assert (serving.role_arn, serving.enabled) == (ROLE, True)
    assert plan(after, overlay(options, after)) == []
    assert {found.code for found in findings(options, after)} <= {"connector_duplicate"}


@given(specs, sets)
def test_at_most_one_connector_is_written_and_only_duplicates_are_deleted(
    options: ConnectorSpec, have: Connectors
) -> None:
    names = [call.name for call in plan(have, overlay(options, have))]
    assert names.count("DataConnectors_CreateOrUpdate") <= 1
    assert names == sorted(names)
    after = performed(have, plan(have, overlay(options, have)))
    lost = {one.name: one for one in have if one.name not in {two.name for two in after}}
    assert options.deduplicate or not lost
    assert all(one.role_arn == ROLE for one in lost.values())


@given(specs, sets)
def test_every_repair_has_a_finding(options: ConnectorSpec, have: Connectors) -> None:
    assert findings(options, have) or not plan(have, overlay(options, have))


@given(specs, sets, st.randoms())
def test_the_order_of_the_response_does_not_matter(options: ConnectorSpec, have: Connectors, chance: Any) -> None:
    shuffled = list(have)
    chance.shuffle(shuffled)
    assert plan(have, overlay(options, have)) == plan(tuple(shuffled), overlay(options, tuple(shuffled)))


@given(specs, sets)
def test_an_applied_removal_leaves_no_calls(options: ConnectorSpec, have: Connectors) -> None:
    after = performed(have, plan(have, without(options, have)))
    assert after == without(options, have) == without(options, after)


# --- results ---


def test_a_connector_is_shown_with_the_names_of_azure() -> None:
    assert show(RIGHT) == {
        "id": f"{WORKSPACE}/dataConnectors/mine",
        "name": "mine",
        "kind": "AmazonWebServicesCloudTrail",
        "role_arn": ROLE,
        "state": "Enabled",
    }
    assert show(replace(RIGHT, enabled=False))["state"] == "Disabled"


def test_a_missing_connector_is_shown_as_an_empty_dict() -> None:
    assert show(None) == {}


def test_a_connector_of_either_kind_of_aws_is_described() -> None:
    assert describe(raw()) == show(RIGHT)
    properties = {
        "roleArn": ROLE,
        "destinationTable": "AWSVPCFlow",
        "sqsUrls": ["https://sqs.example/1"],
        "dataTypes": {"logs": {"state": "enabled"}},
    }
    assert describe(raw(kind="AmazonWebServicesS3", properties=properties)) == {
        "id": f"{WORKSPACE}/dataConnectors/mine",
        "name": "mine",
        "kind": "AmazonWebServicesS3",
        "role_arn": ROLE,
        "state": "Enabled",
        "sqs_urls": ["https://sqs.example/1"],
        "destination_table": "AWSVPCFlow",
        "codeless": False,
    }


@pytest.mark.parametrize("key", ["dcrConfig", "connectorDefinitionName", "dataFormat"])
def test_a_codeless_connector_is_marked(key: str) -> None:
    assert describe(raw(kind="AmazonWebServicesS3", properties={key: {}}))["codeless"] is True
    assert describe(raw(kind="AmazonWebServicesS3", properties={key: None}))["codeless"] is False


@pytest.mark.parametrize("kind", ["Office365", "", None])
def test_a_connector_of_another_kind_is_not_described(kind: Any) -> None:
    assert describe(raw(kind=kind)) == {}


@pytest.mark.parametrize("kind", ["AmazonWebServicesS3", KIND])
@pytest.mark.parametrize("properties", [None, {}, {"dataTypes": None}, {"dataTypes": {"logs": None}, "sqsUrls": None}])
def test_missing_fields_are_shown_as_empty(kind: str, properties: Any) -> None:
    shown = describe({"kind": kind, "properties": properties})
    assert (shown["name"], shown["role_arn"], shown["state"]) == ("", "", "Disabled")


# --- findings of a workspace ---


@pytest.mark.parametrize(
    ("have", "codes"),
    [
        ((), []),
        ((RIGHT,), []),
        ((RIGHT, Connector("theirs", OTHER_ROLE)), []),
        ((replace(RIGHT, enabled=False),), ["connector_disabled"]),
        ((RIGHT, DUPLICATE), ["connector_duplicate"]),
        ((RIGHT, STALE), ["connector_duplicate"]),
        ((RIGHT, DUPLICATE, replace(STALE, enabled=False)), ["connector_disabled", "connector_duplicate"]),
        ((Connector("a", ""), Connector("b", "")), []),
    ],
    ids=["none", "right", "two accounts", "disabled", "twice", "two roles", "three", "of no account"],
)
def test_findings_of_a_workspace_are_by_account(have: Connectors, codes: list[str]) -> None:
    assert [found.code for found in workspace_findings(have)] == codes


def test_findings_of_a_workspace_name_account_and_connectors() -> None:
    text = workspace_findings((DUPLICATE, RIGHT))[0].message
    assert all(word in text for word in (ACCOUNT, "mine", "twin"))
