# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentinel's way into AWS: it assumes the role with a web identity, then asks for queue and objects.

Judged by the policies that moto keeps, with the evaluation in policies.py. The messages are those that the service is
known to answer: Azure-Sentinel issues 10933 (S3B40011), 10888 (S3B40012), 11980 (S3B40029).
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import Any

from .moto import REGIONS, Moto
from .oidc import token_version
from .policies import Access, Json, decide, names_of
from .sqs import Queue, effective_attributes, queue_of
from .state import State

ROLE_ARN = re.compile(r"arn:(aws[\w-]*):iam::(\d{12}):role/(OIDC_[-_a-zA-Z0-9]+)")
QUEUE_ACTIONS = ("sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage")
OPT_IN = frozenset(
    {
        *("af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
        *("ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2"),
        *("il-central-1", "me-central-1", "me-south-1", "mx-central-1"),
    }
)
"""Regions that tokens of version 1 are not valid in."""


class RefusedError(Exception):
    """A step that failed, with Sentinel's code for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def untrusted(role_arn: str) -> RefusedError:
    """No token of the role."""
    return RefusedError(
        "S3B40029",
        f"Failed to fetch authentication token for {role_arn}. Please make sure that the OpenIDConnect provider and "
        "Assume role trust relationship are configured correctly to allow sts: AssumeRoleWithWebIdentity operation",
    )


def denied(url: str) -> RefusedError:
    """A token, but not for the queue."""
    return RefusedError(
        "S3B40011",
        f"Access to an SQS queue ({url}) was denied. Authentication succeeded but authorization failed. "
        "Ensure that the SQS has the required permissions listed in its access policy tab.",
    )


def missing_queue() -> RefusedError:
    """No queue."""
    return RefusedError(
        "S3B40012",
        "Data fetch failed due to missing credentials for the SQS queue. Delete the existing AWS S3 data connector and "
        "connect a new one. If only the SQS queue was deleted, create a new Amazon SQS queue and configure the "
        "necessary SQS policy.",
    )


@dataclass(frozen=True)
class Session:
    """Sentinel inside an account, and what its role may do."""

    arn: str
    role_arn: str
    account: str
    documents: tuple[Json, ...]
    boundary: Json | None

    def may(self, action: str, resource: str, policy: Json | None, *, same_account: bool) -> bool:
        """Whether the role's policies and the resource's together let it."""
        names = names_of(self.arn)
        root = frozenset(one for one in names if one.endswith(":root") or one == f"AWS:{self.account}")
        mine = decide(self.documents, self._access(action, resource))
        theirs, directly = (
            decide([policy] if policy else [], self._access(action, resource, who)) for who in (names, names - root)
        )
        if "deny" in (mine, theirs) or not self._bounded(action, resource):
            return False
        if same_account:
            return "allow" in (mine, directly)
        return mine == theirs == "allow"

    def may_decrypt(self, key_arn: str, policy: Json | None) -> bool:
        """A key's policy decides; it may leave it to its own account's policies."""
        names = names_of(self.arn)
        mine = decide(self.documents, self._access("kms:Decrypt", key_arn))
        theirs = decide([policy] if policy else [], self._access("kms:Decrypt", key_arn, names))
        return mine == theirs == "allow" or self.may("kms:Decrypt", key_arn, policy, same_account=False)

    def _access(self, action: str, resource: str, principals: frozenset[str] = frozenset()) -> Access:
        context = {
            "aws:PrincipalAccount": self.account,
            "aws:PrincipalArn": self.role_arn,
            "aws:SecureTransport": "true",
        }
        return Access(action, resource, principals, context)

    def _bounded(self, action: str, resource: str) -> bool:
        return self.boundary is None or decide([self.boundary], self._access(action, resource)) == "allow"


async def assume(state: State, moto: Moto, role_arn: str, workspace_id: str) -> Session:
    """A session of the role, or S3B40029."""
    found = ROLE_ARN.fullmatch(role_arn)
    if found is None:
        raise untrusted(role_arn)
    partition, account, name = found.groups()
    home = REGIONS.get(partition, "us-east-1")
    answer = await moto.find(account, "iam", "get_role", home, RoleName=name)
    if answer is None or answer["Role"]["Arn"] != role_arn or _is_new(state, role_arn):
        raise untrusted(role_arn)
    session_name = f"{state.settings.session_prefix}{workspace_id}"
    if not await _trusts(state, moto, answer["Role"], session_name):
        raise untrusted(role_arn)
    boundary = answer["Role"].get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return Session(
        arn=f"arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}",
        role_arn=role_arn,
        account=account,
        documents=tuple(await _documents(moto, account, home, name)),
        boundary=await _managed(moto, account, home, boundary) if boundary else None,
    )


def _is_new(state: State, role_arn: str) -> bool:
    seconds = state.settings.role_propagation_seconds
    created = time.monotonic() - state.roles_created.get(role_arn, float("-inf")) < seconds
    return created or state.s3.is_new(role_arn, seconds)


async def _trusts(state: State, moto: Moto, role: Json, session_name: str) -> bool:
    """Whether the provider is there, knows the audience, and the role trusts both."""
    partition, account = role["Arn"].split(":")[1], role["Arn"].split(":")[4]
    issuer = f"sts.windows.net/{state.settings.sentinel_tenant}/"
    audience = state.settings.sentinel_audience
    provider = f"arn:{partition}:iam::{account}:oidc-provider/{issuer}"
    home = REGIONS.get(partition, "us-east-1")
    known = await moto.find(account, "iam", "get_open_id_connect_provider", home, OpenIDConnectProviderArn=provider)
    if known is None or known["Url"] != issuer or audience not in known["ClientIDList"]:
        return False
    if state.s3.is_new(provider, state.settings.role_propagation_seconds):
        return False
    access = Access(
        "sts:AssumeRoleWithWebIdentity",
        role["Arn"],
        frozenset({f"Federated:{provider}"}),
        {f"{issuer}:aud": audience, "sts:RoleSessionName": session_name},
    )
    return decide([role["AssumeRolePolicyDocument"]], access) == "allow"


async def _documents(moto: Moto, account: str, home: str, role: str) -> list[Json]:
    """Everything that the role may do."""
    inline = await moto.call(account, "iam", "list_role_policies", home, RoleName=role)
    attached = await moto.call(account, "iam", "list_attached_role_policies", home, RoleName=role)
    found = [
        (await moto.call(account, "iam", "get_role_policy", home, RoleName=role, PolicyName=name))["PolicyDocument"]
        for name in inline["PolicyNames"]
    ]
    return [
        *found,
        *[await _managed(moto, account, home, one["PolicyArn"]) for one in attached["AttachedPolicies"]],
    ]


async def _managed(moto: Moto, account: str, home: str, arn: str) -> Json:
    policy = (await moto.call(account, "iam", "get_policy", home, PolicyArn=arn))["Policy"]
    version = await moto.call(
        account, "iam", "get_policy_version", home, PolicyArn=arn, VersionId=policy["DefaultVersionId"]
    )
    document: Json = version["PolicyVersion"]["Document"]
    return document


async def check_queue(state: State, moto: Moto, session: Session, url: str) -> Queue:
    """The queue, if the session may read it; else S3B40012 or S3B40011."""
    queue = queue_of(url)
    attributes = None if queue is None else await effective_attributes(state, moto, queue.arn)
    if queue is None or attributes is None:
        raise missing_queue()
    weak = queue.region in OPT_IN and token_version(state, session.account) == 1
    new = state.s3.is_new(f"{session.role_arn}#policies", state.settings.role_propagation_seconds)
    policy, same = _json(attributes.get("Policy")), queue.account == session.account
    if weak or new or not all(session.may(one, queue.arn, policy, same_account=same) for one in QUEUE_ACTIONS):
        raise denied(url)
    key = attributes.get("KmsMasterKeyId", "")
    if (
        key
        and not key.endswith("alias/aws/sqs")
        and not await may_decrypt(moto, session, queue.account, queue.region, key)
    ):
        raise denied(url)
    return queue


async def may_decrypt(moto: Moto, session: Session, account: str, region: str, key: str) -> bool:
    """Whether the session may use a key of an account; `key` is an id, an alias or an ARN."""
    owner = key.split(":")[4] if key.startswith("arn:") else account
    described = await moto.find(owner, "kms", "describe_key", region, KeyId=key)
    if described is None:
        return False
    arn = described["KeyMetadata"]["Arn"]
    answer = await moto.find(owner, "kms", "get_key_policy", region, KeyId=arn, PolicyName="default")
    return session.may_decrypt(arn, _json((answer or {}).get("Policy")))


def _json(text: Any) -> Json | None:
    document: Json | None = json.loads(text) if text else None
    return document


async def connectivity(state: State, role_arn: str, urls: list[str], workspace_id: str) -> RefusedError | None:
    """What a PUT of a connector finds out about role and queues."""
    try:
        session = await assume(state, state.moto, role_arn, workspace_id)
        for url in urls:
            await check_queue(state, state.moto, session, url)
    except RefusedError as refused:
        return refused
    return None
