# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documented permissions are those that are used: the calls of runs are recorded and compared."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core import modules, options
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud import organizations
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AssumeRole,
    AwsCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.demands import Expected
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.tables import EVENTS, HEALTH
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.permissions import ACTIONS
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.verify import ingestion
from tests.emulators.client import CALLER_ACCOUNT, Emulators
from tests.emulators.operations import ROUTES
from tests.faults import engine
from tests.faults.world import ACCOUNTS, PHASES, VICTIM, World, arn_of
from tests.unit.inventory.conftest import ACCOUNTS as ORGANIZED
from tests.unit.inventory.conftest import ONE, UNITS
from tests.unit.modules.conftest import validated
from tests.unit.playbooks.test_stackset import organization

from . import s3_runs

ROOT = Path(__file__).parents[3]
POLICIES = ROOT / "examples/policies"
RIGHTS = {route.operation: route.right for route in ROUTES if route.right}
QUERY = "Microsoft.OperationalInsights/workspaces/query"
# Options that the phases omit: everything that was set before is removed.
REMOVE_OPTIONS = {"sentinel_role_permissions_boundary": "", "sentinel_role_tags": {}, "sentinel_role_purge_tags": True}


def document(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((POLICIES / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def allowed(name: str) -> list[str]:
    return [action for one in document(name)["Statement"] for action in listed(one["Action"])]


def called_in_aws(cloud: Emulators, service: str) -> set[str]:
    """The IAM actions of all calls; GetCallerIdentity needs no permission."""
    return {f"{service}:{name}" for name in cloud.operations(service)} - {"sts:GetCallerIdentity"}


def called_in_azure(cloud: Emulators) -> set[str]:
    """The ARM actions of all calls; signing in needs none."""
    return {RIGHTS[name] for name in cloud.operations("azure") if name in RIGHTS}


# Where the action has another name than the operation.
S3_ACTIONS = {
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:ListObjectsV2": "s3:ListBucket",
}
# Tags are sent with other calls; AWS requires the permission all the same.
WITH_TAGS = {
    "iam:CreateOpenIDConnectProvider": "iam:TagOpenIDConnectProvider",
    "iam:CreateRole": "iam:TagRole",
    "sqs:CreateQueue": "sqs:TagQueue",
}


def called_for_s3(cloud: Emulators, *others: str) -> set[str]:
    """The actions of all calls in the account since the last time, also of these other services."""
    services = ("iam", "s3", "sqs", "cloudtrail", "organizations", *others)
    called = {S3_ACTIONS.get(one, one) for service in services for one in called_in_aws(cloud, service)}
    cloud.forget()
    return called | {WITH_TAGS[one] for one in called & WITH_TAGS.keys()}


@pytest.fixture
def world(here: Emulators) -> Iterator[World]:
    with engine.short_timeouts():
        yield World(here)


def permit(cloud: Emulators, role: str) -> None:
    """Let the workspace allow exactly the actions of a custom role."""
    cloud.change_workspace(permissions=[{"actions": document(role)["Actions"], "notActions": []}])


def succeeded(ended: engine.RunResult) -> engine.RunResult:
    assert (ended.error, ended.failed) == (None, {})
    return ended


class Recorded:
    """The calls of several runs, each with clean emulators."""

    def __init__(self) -> None:
        self.iam: set[str] = set()
        self.sts: set[str] = set()
        self.azure: set[str] = set()
        self.attached: set[str] = set()

    def add(self, cloud: Emulators, *runs: engine.RunResult) -> None:
        self.iam |= called_in_aws(cloud, "iam")
        self.sts |= called_in_aws(cloud, "sts")
        self.azure |= called_in_azure(cloud)
        calls = [call for run in runs for result in run.results.values() for call in result.report.calls]
        self.attached |= {call.args["PolicyArn"] for call in calls if call.name == "AttachRolePolicy"}


def test_the_operator_policies_allow_exactly_the_calls_of_onboarding_and_offboarding(world: World) -> None:
    recorded = Recorded()
    for phase in PHASES:
        world.prepare(phase, 1)
        permit(world.e, "azure-operator")
        world.e.forget()
        runs = [succeeded(world.run(phase, 1))]
        if phase == "repair":
            bare = engine.accounts_of({VICTIM: {"aws_account_id": VICTIM}}, **REMOVE_OPTIONS)
            runs.append(succeeded(engine.run(bare, fleet.RunOptions())))
        recorded.add(world.e, *runs)
    assert recorded.iam == {*allowed("aws-operator"), *allowed("aws-lookup-events")}
    assert recorded.sts == set(allowed("aws-base"))
    assert recorded.azure == set(document("azure-operator")["Actions"])
    [statement] = [one for one in document("aws-operator")["Statement"] if one["Action"] == "iam:AttachRolePolicy"]
    assert recorded.attached == {statement["Condition"]["ArnEquals"]["iam:PolicyARN"]}


def test_the_preview_policies_allow_exactly_the_calls_of_a_preview(world: World) -> None:
    recorded = Recorded()
    for phase in PHASES:
        world.prepare(phase, 1)
        permit(world.e, "azure-preview")
        world.e.forget()
        recorded.add(world.e, succeeded(world.run(phase, 1, check_mode=True)))
    assert recorded.iam == set(allowed("aws-preview"))
    assert recorded.azure == set(document("azure-preview")["Actions"])


@pytest.mark.parametrize("missing", document("azure-operator")["Actions"])
def test_every_permission_on_the_workspace_is_needed(world: World, missing: str) -> None:
    remaining = [action for action in document("azure-operator")["Actions"] if action != missing]
    phase = PHASES[-1] if missing.endswith("/delete") else PHASES[0]
    world.prepare(phase, 1)
    world.e.change_workspace(permissions=[{"actions": remaining, "notActions": []}])
    world.e.forget()
    ended = world.run(phase, 1)
    assert ended.error
    assert ended.error.kind == "azure_denied"
    assert world.writes() == []


def test_the_policy_for_orphans_allows_exactly_their_calls(world: World) -> None:
    world.prepare("remove", 1)
    world.e.organization([{"Id": VICTIM, "Name": "one"}])
    world.e.forget()
    for order in ({"orphans": "report"}, {"find_unconnected_roles": True}):
        succeeded(world.run("remove", 1, check_mode=True, **order))
    assert called_in_aws(world.e, "iam") - set(allowed("aws-preview")) == {"iam:ListRoles"}
    assert set(allowed("aws-orphans")) == {"iam:GetRole", "iam:ListRoles"}
    assert called_in_aws(world.e, "organizations") == {"organizations:ListAccounts"}


def test_sessions_allow_only_documented_actions() -> None:
    """A session is more restricted than the assumed role, never less."""
    sessions = {f"iam:{action}" for actions in ACTIONS.values() for action in actions}
    assert sessions == {*allowed("aws-operator"), *allowed("aws-lookup-events")}
    assert {f"iam:{action}" for action in ACTIONS["read"]} == set(allowed("aws-preview"))


@pytest.mark.parametrize(
    ("name", "arn"),
    [
        ("aws-operator", arn_of(VICTIM)),
        ("aws-lookup-events", arn_of(VICTIM)),
        ("aws-preview", arn_of(VICTIM)),
        ("aws-base", arn_of(VICTIM, "OrganizationAccountAccessRole")),
    ],
)
def test_a_policy_is_for_one_role(name: str, arn: str) -> None:
    for statement in document(name)["Statement"]:
        assert fnmatchcase(arn, statement["Resource"])
        assert not fnmatchcase(f"{arn}2", statement["Resource"])


def test_the_verify_policy_allows_exactly_the_calls_of_verification(here: Emulators) -> None:
    permit(here, "azure-verify")
    here.forget()
    accounts = engine.accounts_of({account: {"aws_account_id": account} for account in ACCOUNTS})
    watched = [ingestion.AccountIngestion(account, Expected()) for account in accounts]
    asyncio.run(
        ingestion.verify(watched, ingestion.VerifyOptions(3600, canary=True, role_last_used=True), lambda _line: None)
    )
    queried = {f"{QUERY}/read", *(f"{QUERY}/{table}/read" for table in (EVENTS, HEALTH))}
    assert here.operations().count("Query") == len(queried) - 1
    assert called_in_azure(here) | queried == set(document("azure-verify")["Actions"])
    assert called_in_aws(here, "sts") <= set(allowed("aws-base"))
    assert called_in_aws(here, "iam") <= set(allowed("aws-preview"))


def test_the_organization_policy_allows_exactly_the_calls_of_a_listing(here: Emulators) -> None:
    def tagged(found: Iterable[str]) -> Iterable[str]:
        return [ONE]

    order = organizations.ListingOptions(parents=True, unit_names=True, tagged=tagged)  # type: ignore[arg-type]
    here.organization(ORGANIZED, units=UNITS, hidden=["Paths"])

    async def read() -> None:
        with closing(Aws(AwsCredentials())) as aws:
            await organizations.read(aws, AssumeRole(), order)

    asyncio.run(read())
    here.organization(ORGANIZED, units=UNITS, management=ONE)
    with pytest.raises(SentinelError, match=f"the management account is {ONE}"):
        asyncio.run(read())
    assert called_in_aws(here, "organizations") == set(allowed("aws-organization"))


def test_the_stackset_policy_allows_exactly_the_calls_for_a_stackset(here: Emulators) -> None:
    unit, _accounts = organization(here)
    permit(here, "azure-preview")
    spec = options.AWS_SPEC | options.AZURE_SPEC | options.WORKSPACE_SPEC | options.STACKSET_SPEC | options.STATE_SPEC
    place = {"resource_group": "security", "workspace": "sentinel"}
    here.forget()
    for step in (
        {"organizational_units": [unit], "role_tags": {"owner": "security"}},
        {"role_tags": {"owner": "blue"}},
        {"state": "absent"},
    ):
        assert modules.aws_stackset(validated(spec, {**place, **step}), check_mode=False)["changed"]
    # Tags are sent with other calls; AWS requires the permission all the same.
    tagging = {"cloudformation:TagResource"}
    assert called_in_aws(here, "cloudformation") | tagging == set(allowed("aws-stackset"))
    assert called_in_aws(here, "sts") == set()
    assert called_in_azure(here) == {"Microsoft.OperationalInsights/workspaces/read"}


def test_the_policies_for_s3_allow_exactly_the_calls_of_an_s3_source(here: Emulators) -> None:
    here.organization([{"Id": one, "Name": one} for one in (CALLER_ACCOUNT, s3_runs.ACCOUNT)])
    s3_runs.make_trail(here, delivered=False)
    here.forget()
    with engine.short_pauses():
        s3_runs.run(check_mode=True)
        read = called_for_s3(here)
        s3_runs.run()
        written = called_for_s3(here)
        s3_runs.drift(here)
        s3_runs.run(check_mode=True)
        read |= called_for_s3(here)
        s3_runs.run()
        written |= called_for_s3(here)
        s3_runs.run(check_mode=True, absent=True)
        read |= called_for_s3(here)
        s3_runs.run(absent=True)
        removed = called_for_s3(here)
        for prepare in (s3_runs.attach, s3_runs.share):
            s3_runs.run()
            prepare(here)
            here.forget()
            s3_runs.run(absent=True)
            removed |= called_for_s3(here)
    assert read == set(allowed("aws-s3-preview"))
    assert written - read == set(allowed("aws-s3-operator"))
    assert removed - read == set(allowed("aws-s3-offboard"))


def test_the_policy_for_the_provider_allows_exactly_the_calls_of_its_removal(here: Emulators) -> None:
    s3_runs.make_trail(here)
    here.forget()
    with engine.short_pauses():
        s3_runs.run()
        s3_runs.run(absent=True, remove_provider=True)
        s3_runs.SOURCE.make_provider(here, s3_runs.SOURCE.audience, "api://defender-for-cloud")
        s3_runs.run(absent=True, remove_provider=True)
    others = [allowed(f"aws-s3-{name}") for name in ("preview", "operator", "offboard")]
    assert called_for_s3(here) - {one for actions in others for one in actions} == set(allowed("aws-s3-provider"))


def test_the_policy_for_a_topic_allows_exactly_the_calls_of_a_subscription(here: Emulators) -> None:
    s3_runs.make_trail(here)
    topic = s3_runs.make_topic(here)
    here.forget()
    with engine.short_pauses():
        s3_runs.run(topic_arn=topic)
        created = called_in_aws(here, "sns")
        s3_runs.drift_of_subscription(here)
        here.forget()
        s3_runs.run(topic_arn=topic, check_mode=True)
        read = called_in_aws(here, "sns")
        s3_runs.run(topic_arn=topic)
        repaired = called_in_aws(here, "sns")
        here.forget()
        s3_runs.run(topic_arn=topic, absent=True)
        removed = called_in_aws(here, "sns")
    by_sid = {
        name: {one["Action"] for one in document("aws-s3-topic")["Statement"] if one["Sid"].startswith(name)}
        for name in ("Preview", "Onboard", "Offboard")
    }
    assert read == by_sid["Preview"]
    assert (created | repaired) - read == by_sid["Onboard"]
    assert removed - read == by_sid["Offboard"]


def test_the_policy_of_the_inspection_allows_exactly_its_calls(here: Emulators) -> None:
    others = ("cloudwatch", "kms", "ec2", "guardduty")
    s3_runs.make_trail(here)
    key = s3_runs.SOURCE.boto(here, "kms").create_key()["KeyMetadata"]["Arn"]
    place = {"destinationArn": f"arn:aws:s3:::{s3_runs.SOURCE.bucket}", "kmsKeyArn": key}
    fields = {"destinationId": "d1", "destinationType": "S3", "status": "PUBLISHING", "destinationProperties": place}
    where = {"account": s3_runs.ACCOUNT, "region": s3_runs.SOURCE.region}
    here.control("publishing_destination", **where, **fields)
    far = replace(s3_runs.SOURCE, bucket="far", region="me-south-1")
    far.make_bucket(here)
    inspected = [s3_runs.inspect(prefix="AWSLogs/", table=table) for table in ("AWSVPCFlow", "AWSGuardDuty")]
    inspected.append(s3_runs.inspect(bucket=far.bucket, prefix="AWSLogs/"))
    found = called_for_s3(here, *others)
    with engine.short_pauses():
        s3_runs.run()
    here.forget()
    inspected.append(s3_runs.inspect())
    found |= called_for_s3(here, *others)
    assert [one.message for each in inspected for one in each.unknown if "Cannot" in one.message] == []
    read = set(allowed("aws-s3-preview"))
    assert found - read == set(allowed("aws-s3-inspect"))


@pytest.mark.parametrize("path", sorted(POLICIES.iterdir()), ids=lambda path: path.stem)
def test_a_policy_is_in_the_guide_and_sorted(path: Path) -> None:
    assert f"examples/policies/{path.name}" in (ROOT / "docs/docsite/rst/rights.rst").read_text(encoding="utf-8")
    loaded = json.loads(path.read_text(encoding="utf-8"))
    actions = [loaded["Actions"]] if "Actions" in loaded else [listed(one["Action"]) for one in loaded["Statement"]]
    assert all(one == sorted(one) for one in actions)
