# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of OIDC provider, role and connector of an S3 source, in the emulators, with the sessions of a run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.arm import Azure
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.iam import ProviderAdapter, RoleAdapter
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.sentinel import Sentinel
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.service import ServiceClient
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountReport
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AssumeRole,
    AwsCredentials,
    AzureCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.resource import Resource
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3 import permissions
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.connector import (
    S3_CONNECTOR,
    S3ConnectorSpec,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.provider import PROVIDER
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.role import WEB_IDENTITY_ROLE
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import S3SourceSpec
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.session_policy import session_policy
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.pacing import AzureRateLimit
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.reconcile import (
    Adapter,
    Mode,
    Outcome,
    reconcile,
)
from tests.emulators import faults
from tests.emulators.client import RESOURCE_GROUP, WORKSPACE, Emulators
from tests.emulators.s3_connection import S3Connection

T = TypeVar("T")
Statements = list[dict[str, Any]]

ONE = S3Connection()
DEFENDER = "api://6610e979-c931-41ec-adc7-b9920c9d52f1"
SPEC = S3SourceSpec(ONE.account, ONE.region, ONE.bucket, ONE.prefix, ONE.workspace_id, ONE.queue_name)
FLOWS = replace(SPEC, table="AWSVPCFlow", prefix="flows/", queue_name="sentinel-flows")
REMOVING = replace(SPEC, remove_provider=True, role_stays=False)


class World:
    """The account and the workspace; each call of a plan has a session of its own that may make this call alone."""

    def __init__(self, cloud: Emulators, runner: asyncio.Runner) -> None:
        self.cloud = cloud
        self.runner = runner
        self.aws, self.azure = self.do(self._open())
        self.slept: list[float] = []

    @staticmethod
    async def _open() -> tuple[Aws, Azure]:
        return Aws(AwsCredentials()), Azure(AzureCredentials())

    def close(self) -> None:
        self.aws.close()
        self.azure.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def client(self, statements: Statements) -> ServiceClient:
        assume = AssumeRole(("OrganizationAccountAccessRole",))
        keys = await self.aws.assume_role_in(ONE.account, assume, lambda _partition: session_policy(statements))
        return self.aws.service("iam").client(keys)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0.05)

    def run(
        self,
        resource: Resource[Any, T],
        spec: Any,
        adapter: Callable[[bool, bool], Coroutine[Any, Any, Adapter[T]]],
        *,
        check_mode: bool,
        absent: bool,
    ) -> tuple[Outcome[T], AccountReport]:
        report = AccountReport()

        async def work() -> Outcome[T]:
            mode = Mode(check_mode, absent, self.sleep)
            return await reconcile(report, resource, spec, await adapter(not check_mode, absent), mode)

        return self.do(work()), report

    def provider(self, spec: S3SourceSpec = SPEC, *, check_mode: bool = False, absent: bool = False) -> list[str]:
        """Reconcile the provider; returns the names of the calls."""

        async def write(call: Call) -> ServiceClient:
            return await self.client(permissions.provider_write(spec, [call]))

        async def adapter(writes: bool, removing: bool) -> ProviderAdapter:
            iam = await self.client(permissions.provider_read(spec))
            return ProviderAdapter(iam, spec, writes=writes, removing=removing, write=write)

        outcome, _report = self.run(PROVIDER, spec, adapter, check_mode=check_mode, absent=absent)
        return [call.name for call in outcome.calls]

    def role(self, spec: S3SourceSpec = SPEC, *, check_mode: bool = False, absent: bool = False) -> list[str]:
        """Reconcile the role; returns the names of the calls."""

        async def write(call: Call) -> ServiceClient:
            return await self.client(permissions.role_write(spec, [call]))

        async def adapter(writes: bool, removing: bool) -> RoleAdapter:
            iam = await self.client(permissions.role_read(spec))
            return RoleAdapter(iam, ONE.account, spec.role_name, writes=writes, removing=removing, write=write)

        outcome, _report = self.run(WEB_IDENTITY_ROLE, spec, adapter, check_mode=check_mode, absent=absent)
        return [call.name for call in outcome.calls]

    def connector(
        self, spec: S3SourceSpec = SPEC, *, check_mode: bool = False, absent: bool = False, is_new: bool = False
    ) -> list[str]:
        """Reconcile the connector; returns the names of the calls. `is_new`: AWS was changed in this run."""
        place = self.cloud.environment["AZURE_SUBSCRIPTION_ID"], RESOURCE_GROUP, WORKSPACE
        sentinel = Sentinel(self.azure, *place, AzureRateLimit())
        given = S3ConnectorSpec(spec.role_arn, spec.queue_url, spec.table, sentinel.id, spec.workspace_id)

        async def adapter(writes: bool, _removing: bool) -> Adapter[Any]:
            return sentinel.s3_connector_adapter(writes=writes, until_usable=nullcontext if is_new else None)

        outcome, _report = self.run(S3_CONNECTOR, given, adapter, check_mode=check_mode, absent=absent)
        return [call.name.removeprefix("DataConnectors_") for call in outcome.calls]

    def audiences(self) -> list[str]:
        arn = {"OpenIDConnectProviderArn": ONE.provider_arn}
        found: list[str] = self.iam.get_open_id_connect_provider(**arn)["ClientIDList"]
        return found

    @property
    def iam(self) -> Any:
        return self.cloud.boto("iam", ONE.account)

    def queue(self, spec: S3SourceSpec = SPEC) -> None:
        """Make the queue of a source."""
        replace(ONE, queue_name=spec.queue_name).make_queue(self.cloud)


@pytest.fixture
def world(here: Emulators) -> Iterator[World]:
    with asyncio.Runner() as runner:
        found = World(here, runner)
        yield found
        found.close()


def live(step: Callable[..., list[str]], made: list[str], removed: list[str], **removal: Any) -> None:
    """Preview, make, nothing to do; preview, remove, nothing to do."""
    assert [step(check_mode=True), step(), step()] == [made, made, []]
    gone = [step(**removal, absent=True, check_mode=check_mode) for check_mode in (True, False, False)]
    assert gone == [removed, removed, []]


# --- OIDC provider ---


def test_the_life_of_a_provider(world: World) -> None:
    live(world.provider, ["CreateOpenIDConnectProvider"], ["DeleteOpenIDConnectProvider"], spec=REMOVING)


def test_a_provider_stays_without_a_request_for_its_removal(world: World) -> None:
    world.provider()
    assert world.provider(absent=True) == []
    assert world.audiences() == [SPEC.identity.audience]


def test_a_provider_shared_with_defender_keeps_its_audiences(world: World) -> None:
    ONE.make_provider(world.cloud, DEFENDER)
    live(
        world.provider,
        ["AddClientIDToOpenIDConnectProvider"],
        ["RemoveClientIDFromOpenIDConnectProvider"],
        spec=REMOVING,
    )
    assert world.audiences() == [DEFENDER]


def test_a_provider_that_a_role_uses_stays(world: World) -> None:
    world.provider()
    trust = json.dumps(ONE.trust())
    world.iam.create_role(RoleName="OIDC_Other", AssumeRolePolicyDocument=trust)
    assert world.provider(REMOVING, absent=True) == []
    world.iam.delete_role(RoleName="OIDC_Other")
    assert world.provider(REMOVING, absent=True) == ["DeleteOpenIDConnectProvider"]


def test_a_concurrent_change_of_a_provider_is_repeated(world: World) -> None:
    ONE.make_provider(world.cloud, DEFENDER)
    world.cloud.fault(operation="AddClientID*", times=2, **faults.CONCURRENT_MODIFICATION)
    assert world.provider() == ["AddClientIDToOpenIDConnectProvider"]
    assert len(world.slept) == 2
    assert world.audiences() == [DEFENDER, SPEC.identity.audience]


def test_a_denied_read_of_a_provider_is_not_absence(world: World) -> None:
    world.cloud.fault(operation="GetOpenIDConnectProvider", **faults.SCP_DENIED)
    with pytest.raises(SentinelError) as caught:
        world.provider()
    assert caught.value.kind == "scp_denied"
    assert world.cloud.operations("iam", write=True) == []


# --- role ---


def test_the_life_of_a_role(world: World) -> None:
    world.provider()
    live(world.role, ["CreateRole", "PutRolePolicy"], ["DeleteRolePolicy", "DeleteRole"])


def test_two_sources_share_the_role_until_the_last_is_removed(world: World) -> None:
    world.provider()
    assert world.role() == ["CreateRole", "PutRolePolicy"]
    assert [world.role(FLOWS), world.role(FLOWS), world.role()] == [["PutRolePolicy"], [], []]
    assert world.role(absent=True) == ["DeleteRolePolicy"]
    assert world.role(FLOWS, absent=True) == ["DeleteRolePolicy", "DeleteRole"]


def test_a_role_of_the_portal_is_adopted_without_a_write(world: World) -> None:
    ONE.make_provider(world.cloud)
    ONE.make_role(world.cloud)
    assert world.role() == []
    with pytest.raises(SentinelError) as caught:
        world.role(absent=True)
    assert caught.value.kind == "role_conflict"
    assert world.role(replace(SPEC, adopt=True), absent=True) == ["DeleteRolePolicy", "DeleteRole"]


def test_every_drift_of_a_role_is_repaired_in_one_run(world: World) -> None:
    world.provider()
    world.role()
    iam, name = world.iam, SPEC.role_name
    wide = ONE.trust(StringLike={"sts:RoleSessionName": "MicrosoftSentinel_*"})
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(wide))
    policy = json.dumps(replace(SPEC, prefix="").role_policy)
    for key in (SPEC.policy_name, "more"):
        iam.put_role_policy(RoleName=name, PolicyName=key, PolicyDocument=policy)
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    repairs = ["UpdateAssumeRolePolicy", "PutRolePolicy", "DetachRolePolicy", "DeleteRolePolicy"]
    assert [world.role(check_mode=True), world.role(), world.role()] == [repairs, repairs, []]


# --- connector ---


@pytest.fixture
def chain(world: World) -> World:
    """A provider and a role as they are made here, and the queue."""
    world.provider()
    world.role()
    world.queue()
    return world


def test_the_life_of_a_connector(chain: World) -> None:
    live(chain.connector, ["CreateOrUpdate"], ["Delete"])


def test_codeless_connectors_and_other_queues_survive(chain: World) -> None:
    chain.queue(FLOWS)
    codeless = replace(ONE, queue_name="waf")
    chain.cloud.seed_connector({"name": "codeless", **codeless.codeless()})
    chain.role(FLOWS)
    before = chain.cloud.connectors()
    assert chain.connector() == ["CreateOrUpdate"]
    assert chain.connector(FLOWS) == ["CreateOrUpdate"]
    assert [one["properties"]["destinationTable"] for one in chain.cloud.connectors()] == [
        "",
        "AWSCloudTrail",
        "AWSVPCFlow",
    ]
    assert [chain.connector(absent=True), chain.connector(FLOWS, absent=True)] == [["Delete"], ["Delete"]]
    assert chain.cloud.connectors() == before


def test_a_second_queue_with_the_same_role_and_table_is_a_second_connection(chain: World) -> None:
    second = replace(SPEC, prefix="more/", queue_name="second")
    chain.queue(second)
    chain.role(second)
    assert [chain.connector(), chain.connector(second)] == [["CreateOrUpdate"], ["CreateOrUpdate"]]
    assert len(chain.cloud.connectors()) == 2
    assert [chain.connector(), chain.connector(second)] == [[], []]


def test_a_codeless_connector_on_the_queue_is_a_refusal(chain: World) -> None:
    chain.cloud.seed_connector({"name": "codeless", **ONE.codeless()})
    before = chain.cloud.connectors()
    for absent in (False, True):
        with pytest.raises(SentinelError) as caught:
            chain.connector(absent=absent)
        assert caught.value.kind == "connector_conflict"
    assert chain.cloud.connectors() == before


def test_a_connector_that_someone_disabled_and_pointed_elsewhere_is_repaired(chain: World) -> None:
    chain.connector()
    [raw] = chain.cloud.connectors()
    body = replace(ONE, queue_name="elsewhere").connector(dataTypes={"logs": {"state": "Disabled"}})
    chain.cloud.seed_connector({"name": raw["name"], **body})
    assert [chain.connector(), chain.connector()] == [["CreateOrUpdate"], []]
    [after] = chain.cloud.connectors()
    assert after["properties"]["sqsUrls"] == [SPEC.queue_url]


def test_a_connector_that_cannot_be_changed_in_place_is_removed_and_created(chain: World) -> None:
    chain.cloud.settings(s3_change_in_place=False)
    chain.connector()
    [raw] = chain.cloud.connectors()
    chain.cloud.seed_connector({"name": raw["name"], **replace(ONE, queue_name="elsewhere").connector()})
    assert [chain.connector(), chain.connector()] == [["Delete", "CreateOrUpdate"], []]
    [after] = chain.cloud.connectors()
    assert (after["name"], after["properties"]["sqsUrls"]) == (raw["name"], [SPEC.queue_url])


def test_a_connector_that_is_refused_for_another_reason_is_refused_once(chain: World) -> None:
    chain.connector()
    before = chain.cloud.connectors()
    [raw] = before
    chain.cloud.seed_connector({"name": raw["name"], **ONE.connector(dataTypes={"logs": {"state": "Disabled"}})})
    refusal = {"service": "azure", "status": 400, "code": "BadRequest", "message": "No."}
    chain.cloud.fault(operation="DataConnectors_CreateOrUpdate", **refusal)
    with pytest.raises(SentinelError) as caught:
        chain.connector()
    assert caught.value.kind == "bad_input"
    assert len(chain.cloud.connectors()) == 1


def test_the_check_is_repeated_until_a_new_role_is_known_everywhere(world: World) -> None:
    world.cloud.settings(role_propagation_seconds=1.0)
    world.provider()
    world.role()
    world.queue()
    assert world.connector(is_new=True) == ["CreateOrUpdate"]
    assert len(world.slept) > 1


def test_the_check_of_a_role_that_is_not_new_fails_at_once(world: World) -> None:
    world.provider()
    world.role()
    with pytest.raises(SentinelError, match="S3B40012") as caught:
        world.connector()
    assert caught.value.kind == "connectivity_check_failed"
    assert world.slept == []


def test_a_put_whose_response_was_lost_makes_one_connector(chain: World) -> None:
    chain.cloud.fault(operation="DataConnectors_CreateOrUpdate", times=1, reset="after")
    assert chain.connector() == ["CreateOrUpdate"]
    assert len(chain.cloud.connectors()) == 1
    assert chain.connector() == []
