# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of an attacker, or a careless colleague, in an account, and the findings that must report them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.role import (
    MANAGED_POLICY,
    MICROSOFT_ACCOUNT,
    REPLACED_POLICY,
)
from tests.emulators.client import CUSTOMER_ID, Emulators
from tests.faults.world import OTHER_ROLE, ROLE, arn_of, connector, name_of
from tests.resources import document, trust_statement

Json = dict[str, Any]
Plant = Callable[[Emulators, str], object]

INTRUDER = "666666666666"
OTHER_ID = "99999999-9999-4999-8999-999999999999"
BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
MANAGED = f"arn:aws:iam::aws:policy/{MANAGED_POLICY}"
USER = f"arn:aws:iam::{INTRUDER}:user/u"
ROOT = f"arn:aws:iam::{INTRUDER}:root"
GONE = "AROAJQABLZS4A3QDU576Q"
ANYONE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ROOT}}],
}
ANYTHING = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


class Attack(NamedTuple):
    """One change: its findings, and the value that must be reported before the repair."""

    name: str
    plant: Plant
    found: tuple[str, ...]
    """Severity and code of each finding."""
    shown: str


def statement(**changes: Any) -> Json:
    """The desired statement, changed; None removes an element."""
    return trust_statement(**{"Condition": pinned(CUSTOMER_ID), **changes})


def pinned(value: Any, operator: str = "StringEquals") -> Json:
    """A condition on the external id."""
    return {operator: {"sts:ExternalId": value}}


class _Hand:
    """One client for all accounts, since creating one takes longer than all its requests."""

    def __init__(self, cloud: Emulators) -> None:
        self._account = ""
        self._client = cloud.boto("iam")
        self._client.meta.events.register("before-send", self._sign)

    def _sign(self, request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = self._account

    def of(self, account: str) -> Any:
        """The client, with credentials of that account."""
        self._account = account
        return self._client


_hand = cache(_Hand)


def at(cloud: Emulators, account: str) -> Any:
    """A client of IAM in that account that bypasses the proxy; the next call changes its account."""
    return _hand(cloud).of(account)


def standing(cloud: Emulators, accounts: Iterable[str]) -> dict[str, list[Any]]:
    """Every role of these accounts, with its policies and tags."""
    found: dict[str, list[Any]] = {}
    for account in accounts:
        answer = at(cloud, account).get_account_authorization_details(Filter=["Role"])
        found[account] = [{**role, "RoleId": None, "CreateDate": None} for role in answer["RoleDetailList"]]
    return found


def iam(operation: str, **args: Any) -> Plant:
    """A call of IAM that the proxy does not count."""
    given = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in args.items()}
    return lambda cloud, account: getattr(at(cloud, account), operation)(RoleName=ROLE, **given)


def trusting(*statements: Json) -> Plant:
    """Another trust policy. If moto refuses one that AWS stores, the next three reads return it."""
    trust = document(*statements)

    def plant(cloud: Emulators, account: str) -> None:
        client = at(cloud, account)
        try:
            client.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(trust))
        except client.exceptions.MalformedPolicyDocumentException:
            answer = get_role_answer(client.get_role(RoleName=ROLE)["Role"], json.dumps(trust))
            cloud.fault(operation="GetRole", account=account, times=3, status=200, body=answer)

    return plant


def get_role_answer(role: Json, document: str) -> str:
    """The response to GetRole, with another trust policy."""
    tags = "".join(f"<member><Key>{tag['Key']}</Key><Value>{tag['Value']}</Value></member>" for tag in role["Tags"])
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
    bound = f"<PermissionsBoundary><PermissionsBoundaryArn>{boundary}</PermissionsBoundaryArn></PermissionsBoundary>"
    return (
        '<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetRoleResult><Role>'
        f"<Path>{role['Path']}</Path><RoleName>{role['RoleName']}</RoleName><RoleId>AROAEMULATED</RoleId>"
        f"<Arn>{role['Arn']}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate>"
        f"<AssumeRolePolicyDocument>{quote(document)}</AssumeRolePolicyDocument>"
        f"<Description>{role.get('Description', '')}</Description>"
        f"<MaxSessionDuration>{role['MaxSessionDuration']}</MaxSessionDuration>"
        f"{bound if boundary else ''}<Tags>{tags}</Tags></Role></GetRoleResult>"
        "<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></GetRoleResponse>"
    )


def attach_namesake(cloud: Emulators, account: str) -> None:
    """A policy of the account with the name of the one that AWS replaced."""
    policy = json.dumps(document(ANYTHING))
    made = at(cloud, account).create_policy(PolicyName=REPLACED_POLICY, PolicyDocument=policy)
    iam("attach_role_policy", PolicyArn=made["Policy"]["Arn"])(cloud, account)


def reads(arn: Callable[[str], str], state: str = "enabled") -> Plant:
    """The managed connector with another role, or disabled."""
    return lambda cloud, account: cloud.seed_connector(connector(name_of(account), arn(account), state))


def _trusting(name: str, code: str, principal: Any, shown: str) -> Attack:
    return Attack(name, trusting(statement(), statement(Principal=principal)), (f"critical {code}",), shown)


def _weak(name: str, condition: Json | None, shown: str, *codes: str) -> Attack:
    return Attack(name, trusting(statement(Condition=condition)), codes or ("high trust_external_id_weak",), shown)


_ANY, _FOREIGN = {"AWS": "*"}, "trust_account_foreign"
_MISSING = "high trust_workspace_missing"
_DENY = {**statement(Effect="Deny", Principal=_ANY, Condition=None)}
_INLINE = document(ANYTHING)

TRUST = (
    _trusting("anyone", "trust_anyone", "*", "*"),
    _trusting("any account", "trust_anyone", _ANY, "*"),
    _trusting("an account", _FOREIGN, {"AWS": ROOT}, INTRUDER),
    _trusting("a role", _FOREIGN, {"AWS": f"arn:aws:iam::{INTRUDER}:role/r"}, f"{INTRUDER}:role/r"),
    _trusting("a user beside Microsoft", _FOREIGN, {"AWS": [MICROSOFT_ACCOUNT, USER]}, USER),
    _trusting("a service", "trust_principal_type", {"Service": "ec2.amazonaws.com"}, "ec2.amazonaws.com"),
    _trusting("an identity provider", "trust_principal_type", {"Federated": "accounts.google.com"}, "accounts.google"),
    Attack("everyone but one", trusting(statement(), statement(Principal=None, NotPrincipal={"AWS": ROOT})),
           ("critical trust_not_principal",), "NotPrincipal"),
    _weak("no condition", None, MICROSOFT_ACCOUNT, "high trust_external_id_missing"),
    _weak("a wildcard", pinned("*", "StringLike"), "StringLike"),
    _weak("half a wildcard", pinned(f"{CUSTOMER_ID[:8]}*", "StringLike"), f"{CUSTOMER_ID[:8]}*"),
    _weak("if it exists", pinned(CUSTOMER_ID, "StringEqualsIfExists"), "StringEqualsIfExists"),
    _weak("whatever the case", pinned(CUSTOMER_ID, "StringEqualsIgnoreCase"), "StringEqualsIgnoreCase"),
    _weak("any of the values", pinned(CUSTOMER_ID, "ForAnyValue:StringEquals"), "ForAnyValue:StringEquals"),
    _weak("all of no values", pinned(CUSTOMER_ID, "ForAllValues:StringEquals"), "ForAllValues:StringEquals"),
    _weak("no id at all", pinned([]), "sts:externalid", "high trust_external_id_weak", _MISSING),
    _weak("one id more", pinned([CUSTOMER_ID, OTHER_ID]), OTHER_ID, "high trust_external_id_foreign"),
    _weak("another id", pinned(OTHER_ID), OTHER_ID, "high trust_external_id_foreign", _MISSING),
    Attack("another statement", trusting(statement(), statement(Action="sts:TagSession")),
           ("medium trust_action_extra",), "sts:tagsession"),
    Attack("more actions", trusting(statement(Action=["sts:AssumeRole", "sts:TagSession"])),
           ("medium trust_action_extra",), "sts:tagsession"),
    Attack("every action", trusting(statement(Action="sts:*")), ("medium trust_action_extra",), "sts:*"),
    Attack("all but one action", trusting(statement(Action=None, NotAction="sts:TagSession")),
           ("medium trust_not_action",), "NotAction"),
    Attack("a Deny", trusting(statement(), _DENY), ("medium trust_deny",), "Deny"),
    Attack("a deleted role", trusting(statement(), statement(Principal={"AWS": GONE})),
           ("low trust_principal_deleted",), GONE),
)  # fmt: skip

PERMISSIONS = (
    Attack("more rights", iam("attach_role_policy", PolicyArn=ADMIN), ("high permission_policy_extra",), ADMIN),
    Attack("the old policy", iam("attach_role_policy", PolicyArn=f"arn:aws:iam::aws:policy/{REPLACED_POLICY}"),
           ("high permission_policy_outdated",), f"/{REPLACED_POLICY}"),
    Attack("a policy called like the old one", attach_namesake, ("high permission_policy_extra",),
           f"/{REPLACED_POLICY}"),
    Attack("an inline policy", iam("put_role_policy", PolicyName="helper", PolicyDocument=_INLINE),
           ("high permission_inline_extra",), "s3:*"),
    Attack("no rights", iam("detach_role_policy", PolicyArn=MANAGED), ("high permission_policy_missing",), MANAGED),
    Attack("no boundary", iam("delete_role_permissions_boundary"), ("high role_boundary_missing",), BOUNDARY),
    Attack("a wider boundary", iam("put_role_permissions_boundary", PermissionsBoundary=ADMIN),
           ("medium role_boundary_changed",), ADMIN),
    Attack("longer sessions", iam("update_role", MaxSessionDuration=43200), ("medium role_session_raised",), "43200"),
)  # fmt: skip

CONNECTORS = (
    Attack("the connector off", reads(arn_of, "Disabled"), ("high connector_disabled",), "Disabled"),
    Attack("the connector of another account", reads(lambda _account: arn_of(INTRUDER)),
           ("high connector_wrong_account", "high connector_missing"), arn_of(INTRUDER)),
    Attack("the connector with another role", reads(lambda account: arn_of(account, OTHER_ROLE)),
           ("medium connector_stale",), OTHER_ROLE),
    Attack("no connector", lambda cloud, account: cloud.delete_connector(name_of(account)),
           ("high connector_missing",), ""),
)  # fmt: skip

ATTACKS = {f"7777777777{number:02}": attack for number, attack in enumerate((*TRUST, *PERMISSIONS, *CONNECTORS))}
"""Attacks by account."""
