# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Malformed responses lead to an error with a class, never to a traceback or a wrong write."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import CLASSES, SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.demands import Expected
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.ingestion import (
    INGESTION_STATUSES,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.role import TAG_WORKSPACE
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.verify import ingestion, results
from tests.emulators.client import CALLER_ACCOUNT
from tests.emulators.connectors import account_of
from tests.faults import engine
from tests.faults.world import (
    ACCOUNTS,
    OTHER_ACCOUNT,
    OTHER_ROLE,
    PHASE_VARIABLES,
    ROLE,
    VICTIM,
    Snapshot,
    World,
    arn_of,
    connector,
)
from tests.unit.modules.test_ingestion_info import arrived, unhealthy

from .mutants import RUBBISH, Answers, about, mutants, recorded
from .plants import ANYONE, at, standing

FOR_ALL = ("GetCallerIdentity", "Metadata_Endpoints", "OpenId", "Token", "Workspaces_Get", "DataConnectors_List")
FOR_ALL += ("SentinelOnboardingStates_Get", "Permissions_ListForResource")
READS = ("AssumeRole", "GetRole", "ListAttachedRolePolicies", "ListRolePolicies", "GetRolePolicy")
REMOVAL = ("GetRole", "ListAttachedRolePolicies", "ListRolePolicies", "ListInstanceProfilesForRole")
WRITES = ("CreateRole", "PutRolePolicy", "DataConnectors_CreateOrUpdate")
MANY = [f"5555555555{number:02}" for number in range(10)]
HOSTS = {account: {"aws_account_id": account} for account in MANY}
STATUSES = st.sampled_from([200, 200, 200, 200, 400, 403, 404])


def often(times: int) -> settings:
    """The number of examples; HYPOTHESIS_PROFILE=thorough has more."""
    most = (settings.default or settings()).max_examples * times // 30
    return settings(
        max_examples=most,
        derandomize=os.environ.get("HYPOTHESIS_PROFILE", "quick") == "quick",
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )


class Ready(NamedTuple):
    """A world in the desired state, and the responses that show it."""

    world: World
    right: Snapshot
    answers: Answers


@pytest.fixture(scope="module")
def recordings() -> Answers:
    return {}


@pytest.fixture
def ready(world: World, recordings: Answers) -> Ready:
    world.prepare("repair", 2)
    with recorded() as answers:
        ended = world.run("repair", 2)
    assert (ended.error, ended.failed) == (None, {})
    recordings |= answers
    return Ready(world, world.seen(), recordings)


def survived(ended: engine.RunResult) -> engine.RunResult:
    """Every error has a class and a message of one line."""
    for error in filter(None, (ended.error, *ended.failed.values())):
        assert_sentence(error)
    return ended


def assert_sentence(error: SentinelError) -> None:
    assert error.kind in CLASSES
    assert error.kind != "unexpected", repr(error.__cause__)
    assert str(error).startswith("Cannot ")
    assert len(str(error)) < 2000


@often(3)
@given(data=st.data())
def test_a_malformed_response_for_all_accounts_leads_to_no_wrong_write(ready: Ready, data: st.DataObject) -> None:
    world = ready.world
    for operation in FOR_ALL:
        world.e.heal()
        body, status = data.draw(mutants(ready.answers[operation][-1])), data.draw(STATUSES)
        world.e.fault(operation=operation, status=status, body=body)
        before = world.e.struck()
        ended = survived(world.run("repair", 2))
        assert world.e.struck() > before
        assert (ended.results == {}) if ended.error else (set(ended.results) == set(ACCOUNTS[:2]))
        assert (world.seen(), world.duplicates()) == (ready.right, [])


class Fleet(NamedTuple):
    """Many accounts in the desired state, the responses that show it, and the resources of each."""

    world: World
    answers: Answers
    right: dict[str, Any]

    def spoil(self, data: st.DataObject, operations: tuple[str, ...], statuses: Any = STATUSES) -> None:
        """Return a malformed response in each account, to one of the operations."""
        for account in MANY:
            operation = data.draw(st.sampled_from(operations))
            body = data.draw(mutants(about(account, self.answers[operation][-1])))
            self.world.e.fault(operation=operation, account=account, status=data.draw(statuses), body=body)

    def run(self, *, absent: bool = False) -> engine.RunResult:
        ended = survived(
            engine.run(engine.accounts_of(HOSTS, **PHASE_VARIABLES["repair"]), fleet.RunOptions(absent=absent))
        )
        assert ended.error is None
        assert set(ended.results) == set(MANY)
        return ended

    def settle(self, *, absent: bool = False) -> None:
        """Run it without faults."""
        self.world.e.heal()
        assert self.run(absent=absent).failed == {}

    def others(self) -> list[Any]:
        """The connectors of other accounts."""
        return [raw for raw in self.world.e.connectors() if account_of(raw) not in MANY]


@pytest.fixture(scope="module")
def right() -> dict[str, Any]:
    return {}


@pytest.fixture
def many(world: World, recordings: Answers, right: dict[str, Any]) -> Fleet:
    world.prepare("create", 0)
    for account in MANY:
        at(world.e, account).create_role(RoleName=OTHER_ROLE, AssumeRolePolicyDocument=json.dumps(ANYONE))
    fleet_of = Fleet(world, recordings, right)
    if not right:
        with recorded() as answers:
            fleet_of.settle()
            right |= standing(world.e, MANY)
            fleet_of.settle(absent=True)
        recordings |= answers
    return fleet_of


@often(2)
@given(data=st.data())
def test_a_malformed_response_in_an_account_leads_to_no_wrong_write(many: Fleet, data: st.DataObject) -> None:
    cloud = many.world.e
    many.settle()
    cloud.forget()
    many.spoil(data, READS)
    many.run()
    # After a wrong response the run may write, but only the desired state.
    written = {request["account"] for request in cloud.requests("iam", write=True)}
    assert standing(cloud, written) == {account: many.right[account] for account in written}
    assert many.world.duplicates() == []


@often(1)
@given(data=st.data())
def test_a_malformed_response_to_a_write_is_repaired_by_the_next_run(many: Fleet, data: st.DataObject) -> None:
    many.settle(absent=True)
    others = many.others()
    many.spoil(data, WRITES)
    many.run()
    assert (many.others(), many.world.duplicates()) == (others, [])
    many.settle()
    assert standing(many.world.e, MANY) == many.right
    assert len(many.world.e.connectors()) == len(others) + len(MANY)


@often(1)
@given(data=st.data())
def test_a_malformed_response_leads_to_no_wrong_removal(many: Fleet, data: st.DataObject) -> None:
    many.settle()
    others = many.others()
    many.spoil(data, REMOVAL, st.just(200))
    many.run(absent=True)
    many.settle(absent=True)
    assert many.world.e.connectors() == others
    left = {account: [role["RoleName"] for role in roles] for account, roles in standing(many.world.e, MANY).items()}
    assert left == {account: [OTHER_ROLE] for account in MANY}


@often(3)
@given(data=st.data())
def test_a_malformed_list_of_connectors_leads_to_no_wrong_removal(ready: Ready, data: st.DataObject) -> None:
    world = ready.world
    world.prepare("remove", 2)
    before = world.seen()
    world.e.fault(
        operation="DataConnectors_List", status=200, body=data.draw(mutants(ready.answers["DataConnectors_List"][-1]))
    )
    survived(world.run("remove", 2))
    assert world.seen().other_workspaces == before.other_workspaces
    world.e.heal()
    again = world.run("remove", 2)
    assert (again.error, again.failed) == (None, {})
    assert world.seen().ours[VICTIM] == {}


OURS = connector("x", arn_of(VICTIM), "Paused")


UNREADABLE: list[Any] = [
    {},
    {"value": None},
    {"value": {}},
    {"value": "text"},
    {"value": [None]},
    {"value": ["text"]},
    {"value": [{"kind": OURS["kind"], "properties": OURS["properties"]}]},
    {"value": [{**OURS, "name": ""}]},
    {"value": [{**OURS, "name": 5}]},
    {"value": [{**OURS, "properties": "text"}]},
    {"value": [{**OURS, "properties": {"awsRoleArn": arn_of(VICTIM), "dataTypes": [1]}}]},
    {"value": [], "nextLink": 5},
    {"value": [], "nextLink": ["x"]},
    {"value": [], "nextLink": "@localhost:1/elsewhere"},
    {"value": [], "nextLink": "https://localhost:1/elsewhere"},
]


def test_an_unreadable_list_is_not_an_empty_one(ready: Ready) -> None:
    ready.world.e.forget()
    for answer in UNREADABLE:
        ready.world.e.heal()
        ready.world.e.fault(operation="DataConnectors_List", status=200, body=json.dumps(answer))
        ended = survived(ready.world.run("repair", 2))
        assert ended.error, answer
        assert "data connectors of workspace sentinel" in str(ended.error)
    assert ready.world.writes() == []


def test_unknown_kinds_are_not_changed_and_unknown_states_are_repaired(ready: Ready) -> None:
    world = ready.world
    strange = world.e.seed_connector({"name": "new", "kind": "AmazonWebServicesQuantum", "properties": {"x": [1]}})
    [ours] = ready.right.ours[VICTIM]["connectors"]
    ours["properties"]["dataTypes"]["logs"]["state"] = "Hibernating"
    world.e.seed_connector(ours)
    ended = survived(world.run("repair", 2))
    assert ended.calls == {VICTIM: "DataConnectors_CreateOrUpdate"}
    assert [one.code for one in ended.results[VICTIM].report.findings] == ["connector_disabled"]
    assert strange in world.e.connectors()


def test_ten_megabytes_of_connectors_are_read(ready: Ready) -> None:
    for number in range(12):
        ready.world.e.seed_connector({"name": f"big{number}", "kind": "Office365", "properties": {"x": "x" * 900_000}})
    ready.world.e.forget()
    assert survived(ready.world.run("repair", 2)).calls == {}
    assert ready.world.writes() == []


class _Endless(BaseHTTPRequestHandler):
    """Responds to every request with ten megabytes."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        # The client closes the connection earlier.
        with contextlib.suppress(OSError):
            self.wfile.write(b"x" * (10 << 20))

    def log_message(self, *_: Any) -> None:
        pass


def test_ten_megabytes_from_aws_are_refused(ready: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Endless) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", f"http://127.0.0.1:{server.server_port}")
        ready.world.e.forget()
        ended = survived(ready.world.run("repair", 2))
        server.shutdown()
    assert {error.kind for error in ended.failed.values()} == {"transient"}
    assert len(ended.failed) == 2
    assert ready.world.writes() == []


def test_an_error_may_have_any_shape(many: Fleet) -> None:
    messages: tuple[Any, ...] = (5, {"error": ["x"]}, '{"error": {"code": 5, "message": ["x"]}}')
    shapes = [({"error": {"code": 7, "message": message}}, {"error": message}, message) for message in messages]
    bodies = [*map(json.dumps, itertools.chain(*shapes)), RUBBISH[-1]]
    for account, body in zip(MANY, bodies, strict=True):
        many.world.e.fault(operation="DataConnectors_CreateOrUpdate", account=account, status=403, body=body)
    failed = many.run().failed
    assert set(failed) == set(MANY)
    assert {error.kind for error in failed.values()} <= {"azure_denied", "transient"}


def test_a_response_for_another_account_is_refused(ready: Ready) -> None:
    body = about("666666666666", ready.answers["GetRole"][-1])
    ready.world.e.fault(operation="GetRole", account=VICTIM, status=200, body=body)
    ready.world.e.forget()
    ended = survived(ready.world.run("repair", 2))
    assert ended.failed[VICTIM].kind == "transient"
    assert ready.world.writes() == []
    assert ready.world.seen() == ready.right


def test_a_tag_without_a_workspace_allows_no_other_principal(ready: Ready) -> None:
    world = ready.world
    world.make(VICTIM, "TagRole", RoleName=ROLE, Tags=[{"Key": TAG_WORKSPACE, "Value": "x *"}])
    assert survived(world.run("repair", 2)).calls == {VICTIM: "TagRole"}
    assert world.seen() == ready.right


MEMBER: dict[str, Any] = {"Id": VICTIM, "Arn": "x", "Name": "x", "State": "ACTIVE"}
NO_LISTINGS: list[Any] = [
    {},
    {"Accounts": []},
    {"Accounts": "text"},
    {"Accounts": [None]},
    {"Accounts": [{**MEMBER, "Id": 5}]},
    {"Accounts": [{**MEMBER, "State": None}]},
    {"Accounts": [MEMBER], "NextToken": {}},
    "text",
]
LATER: list[Any] = [{}, {"NextToken": "x"}, {"Accounts": None}, ""]


def test_a_malformed_listing_of_the_organization_removes_no_orphan(ready: Ready) -> None:
    cloud = ready.world.e
    cloud.forget()
    for answer in NO_LISTINGS:
        cloud.heal()
        cloud.fault(operation="ListAccounts", status=200, body=json.dumps(answer))
        survived(ready.world.run("repair", 2, orphans="remove"))
    assert cloud.operations().count("ListAccounts") == len(NO_LISTINGS)
    assert ready.world.writes() == []


@pytest.mark.parametrize("answer", LATER, ids=str)
def test_a_malformed_later_page_of_the_organization_removes_no_orphan(ready: Ready, answer: Any) -> None:
    world = ready.world
    world.e.organization([{"Id": f"5555555555{number:02}", "Name": "x"} for number in range(20)] + [{"Id": VICTIM}])
    gone = {"awsRoleArn": arn_of("555555555590"), "dataTypes": {"logs": {"state": "enabled"}}}
    world.e.seed_connector({"name": "gone", "kind": OURS["kind"], "properties": gone})
    world.e.forget()
    world.e.fault(operation="ListAccounts", skip=1, status=200, body=json.dumps(answer) if answer != "" else "")
    ended = survived(world.run("repair", 2, orphans="remove"))
    assert ended.error
    assert world.writes() == []


@pytest.fixture
def organized(world: World) -> Ready:
    """A world with one account of its organization and one that left it, and the responses that show it."""
    world.prepare("remove", 2)
    members = (CALLER_ACCOUNT, OTHER_ACCOUNT, *ACCOUNTS)
    world.e.organization([{"Id": account, "Name": account} for account in members])
    world.e.seed_connector(connector("gone", arn_of("555555555590")))
    with recorded() as answers:
        ended = world.run("create", 2, orphans="report")
    assert (ended.error, ended.failed) == (None, {})
    return Ready(world, world.seen(), answers)


@often(2)
@given(data=st.data())
def test_a_malformed_listing_leads_to_no_wrong_removal(organized: Ready, data: st.DataObject) -> None:
    """Only the connector of the account that left is removed, if any."""
    world = organized.world
    operation = data.draw(st.sampled_from(["ListAccounts", "DataConnectors_List"]))
    world.e.heal()
    world.e.seed_connector(connector("gone", arn_of("555555555590")))
    body = data.draw(mutants(organized.answers[operation][-1]))
    assume(operation != "ListAccounts" or accounts_in(body) in (None, accounts_in(organized.answers[operation][-1])))
    world.e.fault(operation=operation, status=data.draw(STATUSES), body=body)
    survived(world.run("create", 2, orphans="remove", max_departed_percent=100.0))
    after, right = world.seen(), organized.right
    assert after.ours == right.ours
    removed = [one for one in right.other_workspaces if one not in after.other_workspaces]
    assert [one["name"] for one in removed] in ([], ["gone"])


def accounts_in(listing: str) -> int | None:
    """The number of accounts in a listing, None if it is none; fewer than before are valid: the others have left."""
    try:
        return len(json.loads(listing)["Accounts"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def look(world: World) -> list[ingestion.AccountIngestion]:
    """Read the ingestion status; raises SentinelError."""
    watched = [ingestion.AccountIngestion(account, Expected()) for account in world.accounts("create", 2)]
    asyncio.run(ingestion.verify(watched, ingestion.VerifyOptions(86400), print))
    return watched


@pytest.fixture
def telling(world: World) -> Ready:
    """A world with events of one account and not of the other, and the responses that show it."""
    world.prepare("remove", 2)
    arrived(world.e, {VICTIM: 0.1})
    unhealthy(world.e, ACCOUNTS[1], "AccessDenied")
    with recorded() as answers:
        look(world)
    return Ready(world, world.seen(), answers)


@often(8)
@given(data=st.data())
def test_a_malformed_response_about_events_leads_to_a_status_or_an_error(telling: Ready, data: st.DataObject) -> None:
    cloud = telling.world.e
    operation, skip = data.draw(st.sampled_from([("Query", 0), ("Query", 1), ("DataConnectors_List", 0)]))
    cloud.heal()
    body, status = data.draw(mutants(telling.answers[operation][skip])), data.draw(STATUSES)
    cloud.fault(operation=operation, skip=skip, times=2, status=status, body=body)
    try:
        watched = look(telling.world)
    except SentinelError as error:
        assert_sentence(error)
    else:
        assert {item.ingestion_status.name for item in watched} <= set(INGESTION_STATUSES)
        assert len(results.status_lines(watched)) <= len(watched)
        json.dumps([item.result() for item in watched])
