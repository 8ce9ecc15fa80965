# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data connectors in plain JSON: lists of every kind, S3 connectors, and Microsoft Sentinel's connectivity check."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing, nullcontext
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.arm import Azure
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.sentinel import Sentinel
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.connector import s3
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.connector.data_connector import removal
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.connector.s3 import (
    S3Connector,
    S3Connectors,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AzureCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import (
    ChangedError,
    NotYetError,
    OutdatedError,
    SentinelError,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.pacing import AzureRateLimit
from tests.emulators import faults
from tests.emulators.client import RESOURCE_GROUP, WORKSPACE, Emulators
from tests.emulators.s3_connection import S3Connection, document

T = TypeVar("T")
ONE = S3Connection()
NEW = S3Connector("first", ONE.role_arn, (ONE.queue.url,), ONE.table)
CLOUDTRAIL = {
    "name": "cloudtrail",
    "kind": "AmazonWebServicesCloudTrail",
    "properties": {"awsRoleArn": ONE.role_arn, "dataTypes": {"logs": {"state": "enabled"}}},
}


def of(cloud: Emulators, work: Callable[[Sentinel], Awaitable[T]]) -> T:
    """The result of work on the workspace."""

    async def run() -> T:
        with closing(Azure(AzureCredentials())) as azure:
            place = cloud.environment["AZURE_SUBSCRIPTION_ID"], RESOURCE_GROUP, WORKSPACE
            return await work(Sentinel(azure, *place, AzureRateLimit()))

    return asyncio.run(run())


def connectors(cloud: Emulators) -> S3Connectors:
    return of(cloud, Sentinel.s3_connectors)


def apply(cloud: Emulators, call: Call, *, is_new: bool = False, meanwhile: Callable[[], Any] | None = None) -> None:
    """Make a call after the connectors were read, and something else happened meanwhile."""

    async def work(sentinel: Sentinel) -> None:
        adapter = sentinel.s3_connector_adapter(writes=True, until_usable=nullcontext if is_new else None)
        await adapter.read()
        if meanwhile:
            meanwhile()
        await adapter.apply(call)

    of(cloud, work)


def error_of(cloud: Emulators, call: Call, **given: Any) -> SentinelError:
    with pytest.raises(SentinelError) as caught:
        apply(cloud, call, **given)
    return caught.value


@pytest.fixture
def chain(here: Emulators) -> Emulators:
    """Everything in AWS that the connector needs."""
    ONE.make(here)
    return here


# --- lists ---


def test_connectors_of_every_kind_are_listed_with_all_that_they_have(here: Emulators) -> None:
    here.settings(stable_lists_s3=False, page_size=2)
    poller = {"connectorDefinitionName": "Own", "auth": {"type": "Basic"}, "request": {"apiEndpoint": "https://x"}}
    here.seed_connector(CLOUDTRAIL)
    here.seed_connector({"name": "poller", "kind": "RestApiPoller", "properties": poller, "more": [{"a": None}]})
    here.seed_connector({"name": "office", "kind": "Office365", "properties": {"tenantId": "x"}})
    here.seed_connector({"name": "codeless", **ONE.codeless()})
    here.seed_connector({"name": "built-in", **ONE.connector()})
    assert of(here, lambda sentinel: sentinel.list_connectors(list)) == here.connectors()
    assert [(one.name, one.codeless) for one in connectors(here)] == [("codeless", True), ("built-in", False)]


def test_an_s3_connector_reads_its_account(here: Emulators) -> None:
    here.seed_connector({"name": "built-in", **ONE.connector()})

    async def work(sentinel: Sentinel) -> tuple[Any, ...]:
        [shown] = await sentinel.connectors_reading(ONE.account)
        return shown["name"], await sentinel.connected_role_arns(), await sentinel.is_fed_by_s3("AWSCloudTrail")

    assert of(here, work) == ("built-in", {ONE.role_arn}, True)
    assert len(here.requests("azure")) == len(set(here.operations("azure")))


# --- writes ---


def test_an_s3_connector_is_created_changed_and_removed(chain: Emulators) -> None:
    apply(chain, s3.put(NEW))
    [created] = connectors(chain)
    assert created == replace(NEW, etag=created.etag, id=created.id)
    apply(chain, s3.put(replace(created, enabled=False)))
    [changed] = connectors(chain)
    assert (changed.enabled, changed.etag != created.etag) == (False, True)
    apply(chain, removal("first"))
    assert connectors(chain) == ()


def test_a_put_keeps_what_is_not_known(chain: Emulators) -> None:
    chain.seed_connector({"name": "first", **ONE.connector(sqsConfig={"batch": 10}, destinationTable="AWSVPCFlow")})
    [found] = connectors(chain)
    apply(chain, s3.put(replace(found, destination_table="AWSCloudTrail")))
    [after] = chain.connectors()
    assert after["properties"] == ONE.connector(sqsConfig={"batch": 10})["properties"]


@pytest.mark.parametrize("status", [409, 412])
def test_a_stale_etag_means_that_it_is_read_again(chain: Emulators, status: int) -> None:
    chain.settings(stale_etag_status=status)
    apply(chain, s3.put(NEW))
    [found] = connectors(chain)
    apply(chain, s3.put(found))
    assert isinstance(error_of(chain, s3.put(found)), ChangedError)


@pytest.mark.parametrize(
    "changed",
    [{"roleArn": f"{ONE.role_arn}2"}, {"sqsUrls": [f"{ONE.queue.url}2"]}, {"destinationTable": "AWSVPCFlow"}],
    ids=["role", "queue", "table"],
)
def test_a_connector_that_reads_something_else_by_now_is_not_removed(here: Emulators, changed: dict[str, Any]) -> None:
    here.seed_connector({"name": "first", **ONE.connector()})
    other = {"name": "first", **ONE.connector(**changed)}
    error = error_of(here, removal("first"), meanwhile=lambda: here.seed_connector(other))
    assert isinstance(error, OutdatedError)
    assert len(here.connectors()) == 1


@pytest.mark.parametrize("call", [removal("first"), s3.put(NEW)], ids=["delete", "put"])
def test_a_codeless_connector_is_never_written(here: Emulators, call: Call) -> None:
    here.seed_connector({"name": "first", **ONE.codeless()})
    with pytest.raises(RuntimeError):
        apply(here, call)
    assert here.operations("azure", write=True) == []


def test_a_connector_that_is_gone_already_counts_as_removed(here: Emulators) -> None:
    here.seed_connector({"name": "first", **ONE.connector()})
    apply(here, removal("first"), meanwhile=lambda: here.delete_connector("first"))


@pytest.mark.parametrize("status", [202, 302])
def test_a_put_counts_only_with_the_documented_status(chain: Emulators, status: int) -> None:
    chain.fault(operation="DataConnectors_CreateOrUpdate", status=status, body="{}")
    assert error_of(chain, s3.put(NEW)).kind == "bad_input"


# --- the connectivity check ---


def break_trust(cloud: Emulators) -> None:
    ONE.make_role(cloud, trust=document())


def break_policy(cloud: Emulators) -> None:
    ONE.make_provider(cloud)
    ONE.make_role(cloud, policy=document({"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}))
    ONE.make_queue(cloud)


def forget_queue(cloud: Emulators) -> None:
    ONE.make_provider(cloud)
    ONE.make_role(cloud)


BROKEN: dict[str, tuple[Callable[[Emulators], None], bool]] = {
    "S3B40029": (break_trust, True),
    "S3B40011": (break_policy, True),
    "S3B40012": (forget_queue, False),
}


@pytest.mark.parametrize(("code", "broken", "temporary"), [(code, *given) for code, given in BROKEN.items()])
def test_a_failed_connectivity_check_names_code_cause_and_fix(
    here: Emulators, code: str, broken: Callable[[Emulators], None], temporary: bool
) -> None:
    broken(here)
    error, of_a_new_role = error_of(here, s3.put(NEW)), error_of(here, s3.put(NEW), is_new=True)
    assert {error.kind, of_a_new_role.kind} == {"connectivity_check_failed"}
    assert code in str(error)
    assert [isinstance(one, NotYetError) for one in (error, of_a_new_role)] == [False, temporary]
    assert here.connectors() == []


@pytest.mark.parametrize("status", [400, 422, 500, 503])
def test_a_failed_connectivity_check_is_not_repeated_whatever_its_status(here: Emulators, status: int) -> None:
    here.settings(connectivity_status=status)
    assert error_of(here, s3.put(NEW)).kind == "connectivity_check_failed"
    assert here.operations("azure", write=True) == ["DataConnectors_CreateOrUpdate"]


def test_an_outage_during_the_check_is_repeated(chain: Emulators) -> None:
    chain.fault(operation="DataConnectors_CreateOrUpdate", times=1, **faults.AZURE_UNAVAILABLE)
    apply(chain, s3.put(NEW))
    assert len(chain.connectors()) == 1
