# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state before a run with faults: three accounts, resources of others; and the expected state after it."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any, ClassVar, Literal, NamedTuple

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import Account
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.connector.connector import ConnectorSpec
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role import plan as role_plan
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role import role as roles
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from tests.emulators.client import CUSTOMER_ID, Emulators
from tests.emulators.connectors import CLOUDTRAIL, account_of
from tests.resources import ROLE, arn_of, connector

from . import engine

Json = dict[str, Any]
Phase = Literal["create", "repair", "remove"]

VICTIM = "111111111101"
ACCOUNTS = (VICTIM, "111111111102", "111111111103")
OTHER_ACCOUNT = "999999999999"
OTHER_ROLE = "OtherTeam"
EXTRA_POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"
_EXTRA: Json = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
PHASES: tuple[Phase, ...] = ("create", "repair", "remove")
PHASE_VARIABLES: dict[Phase, Json] = {
    "create": {},
    "repair": {
        "sentinel_permission_mode": "lookup_events",
        "sentinel_role_tags": {"owner": "security"},
        "sentinel_role_max_session_duration": 7200,
        "sentinel_role_permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess",
    },
    "remove": {},
}


class Snapshot(NamedTuple):
    """A snapshot: managed role and connectors by account, and the resources of others."""

    ours: dict[str, Json]
    other_workspaces: list[Json]


class World:
    """Three accounts and a workspace, on running emulators."""

    source: ClassVar = "cloudtrail"
    account_ids: ClassVar[tuple[str, ...]] = ACCOUNTS
    victim: ClassVar = VICTIM

    def __init__(self, emulators: Emulators) -> None:
        self.e = emulators
        self._boto = cache(lambda account: emulators.boto("iam", account))
        self._expected: dict[tuple[Phase, int], tuple[Snapshot, list[str]]] = {}

    def prepare(self, phase: Phase, number: int = len(ACCOUNTS)) -> None:
        """Set up the state before a run of that phase, for the first accounts."""
        self.e.reset()
        self._add_resources_of_others(phase)
        for account in ACCOUNTS[:number] if phase != "create" else ():
            self._connect(account)
        if phase == "repair":
            self._drift(VICTIM)

    def _add_resources_of_others(self, phase: Phase) -> None:
        self._boto(VICTIM).create_role(RoleName=OTHER_ROLE, AssumeRolePolicyDocument=_json(_trust()))
        self.e.seed_connector(connector("other-account", arn_of(OTHER_ACCOUNT)))
        self.e.seed_connector(
            {"name": "s3", "kind": "AmazonWebServicesS3", "properties": {"roleArn": arn_of(VICTIM, "OIDC_x")}}
        )
        if phase == "remove":
            # In other phases it would be adopted, as the account's connector with an outdated role.
            self.e.seed_connector(connector("other", arn_of(VICTIM, OTHER_ROLE)))

    def _connect(self, account: str) -> None:
        self.connect_role(account)
        self.e.seed_connector(connector(name_of(account), arn_of(account)))

    def connect_role(self, account: str) -> None:
        """Create the expected role."""
        wanted = roles.overlay(roles.RoleSpec(account_id=account, workspace_id=CUSTOMER_ID), None)
        for call in role_plan.plan(None, wanted):
            self.make(account, call.name, **call.args)

    def _drift(self, account: str) -> None:
        trust = copy.deepcopy(_trust())
        trust["Statement"][0]["Principal"] = {"AWS": [f"arn:aws:iam::{OTHER_ACCOUNT}:root"]}
        self.make(account, "UpdateAssumeRolePolicy", RoleName=ROLE, PolicyDocument=trust)
        self.make(account, "AttachRolePolicy", RoleName=ROLE, PolicyArn=EXTRA_POLICY)
        self.make(account, "PutRolePolicy", RoleName=ROLE, PolicyName="extra", PolicyDocument=_EXTRA)
        self.e.seed_connector(connector(name_of(account), arn_of(account), "disabled"))

    def make(self, account: str, operation: str, **args: Any) -> None:
        """Make a call of IAM that is not logged."""
        params = {name: _json(value) if name.endswith("Document") else value for name, value in args.items()}
        client = self._boto(account)
        methods = {value: name for name, value in client.meta.method_to_api_mapping.items()}
        getattr(client, methods[operation])(**params)

    @classmethod
    def accounts(cls, phase: Phase, number: int = len(ACCOUNTS)) -> list[Account]:
        """The accounts of a run, with the variables of the phase."""
        return engine.accounts_of(
            {account: {"aws_account_id": account} for account in ACCOUNTS[:number]}, **PHASE_VARIABLES[phase]
        )

    def run(self, phase: Phase, number: int = len(ACCOUNTS), **order: Any) -> engine.RunResult:
        """Run the engine over the first accounts."""
        return engine.run(self.accounts(phase, number), fleet.RunOptions(absent=phase == "remove", **order))

    def expected(self, phase: Phase, number: int = len(ACCOUNTS)) -> Snapshot:
        """The state after a run without faults."""
        return self._undisturbed(phase, number)[0]

    def expected_writes(self, phase: Phase) -> list[str]:
        """The write operations of a run without faults over the first account, in order."""
        return self._undisturbed(phase, 1)[1]

    def _undisturbed(self, phase: Phase, number: int) -> tuple[Snapshot, list[str]]:
        if (phase, number) not in self._expected:
            self.prepare(phase, number)
            self.e.forget()
            ended = self.run(phase, number)
            assert (ended.error, ended.failed) == (None, {})
            self._expected[phase, number] = self.seen(), self.writes()
        return self._expected[phase, number]

    def seen(self) -> Snapshot:
        """Take a snapshot of both services; these requests are not logged."""
        ours: dict[str, Json] = {account: {} for account in ACCOUNTS}
        other_workspaces: list[Json] = []
        for account in ACCOUNTS:
            answer = self._boto(account).get_account_authorization_details(Filter=["Role"])
            for raw in answer["RoleDetailList"]:
                shown = role_of(raw)
                if raw["RoleName"] == ROLE:
                    ours[account]["role"] = shown
                else:
                    other_workspaces.append({"account": account, **shown})
        for raw in self.e.connectors():
            if self.is_ours(raw):
                ours[account_of(raw)].setdefault("connectors", []).append(stripped(raw))
            else:
                other_workspaces.append(raw)
        return Snapshot(ours, other_workspaces)

    def is_ours(self, raw: Json) -> bool:
        """Whether a run may change the connector."""
        found = raw["properties"].get("awsRoleArn", "")
        return raw["kind"] == CLOUDTRAIL and found in map(arn_of, ACCOUNTS)

    def duplicates(self) -> list[str]:
        """Role ARNs that more than one connector has."""
        arns = [raw["properties"].get("awsRoleArn", "") for raw in self.e.connectors() if raw["kind"] == CLOUDTRAIL]
        return sorted(arn for arn in set(arns) if arns.count(arn) > 1)

    def writes(self) -> list[str]:
        """The successful write operations since the log was cleared."""
        return [request["operation"] for request in self.e.requests(write=True) if request["status"] in (200, 201)]


def name_of(account: str) -> str:
    """The generated name of the connector of an account."""
    return ConnectorSpec(arn_of(account), "", CUSTOMER_ID).name


def _trust() -> Json:
    return roles.trust(roles.MICROSOFT_ACCOUNT, [CUSTOMER_ID])


def _json(value: Any) -> str:
    return json.dumps(value)


def role_of(raw: Json) -> Json:
    """A role as tests compare it."""
    inline = {policy["PolicyName"]: policy["PolicyDocument"] for policy in raw.get("RolePolicyList", [])}
    return {
        "trust": raw["AssumeRolePolicyDocument"],
        "tags": {tag["Key"]: tag["Value"] for tag in raw.get("Tags", [])},
        "managed": sorted(policy["PolicyArn"] for policy in raw.get("AttachedManagedPolicies", [])),
        "inline": inline,
        "boundary": raw.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
    }


def stripped(raw: Json) -> Json:
    """A connector without what every write changes."""
    return {key: value for key, value in raw.items() if key not in ("etag", "systemData")}
