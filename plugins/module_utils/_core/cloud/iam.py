# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to AWS IAM: reads roles and makes the calls of a plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from ..model.connector.connector import account_id_of
from ..model.errors import ChangedError, NotFoundError, NotYetError, SentinelError
from ..model.plan import Call
from ..model.policy import policy
from ..model.role.role import DEFAULT_SESSION_SECONDS, Role
from ..model.s3.provider import Provider
from ..model.s3.source import S3SourceSpec
from ..model.validation import RULES
from .aws_errors import Code, translate_aws_errors
from .response import parse
from .service import Response, ServiceClient, Writer

# A new role may not be visible everywhere yet (eventual consistency).
NEW_ROLE_AGE = timedelta(minutes=5)
# Tries before a conflict with a role that no read returns is reported.
MAX_HIDDEN_ROLE_ERRORS = 4
CODES = (
    Code("ConcurrentModification EntityTemporarilyUnmodifiable", "transient", NotYetError),
    Code("DeleteConflict EntityAlreadyExists", "role_conflict", ChangedError),
    # Eventual consistency: a new principal may not exist everywhere yet. Account ids of the wrong format or partition
    # are rejected before.
    Code("MalformedPolicyDocument", "transient", NotYetError, phrase="invalid principal"),
    Code("InvalidInput MalformedPolicyDocument PolicyNotAttachable", "bad_input"),
    Code("NoSuchEntity", "bad_input", phrase="not attachable"),
    Code("NoSuchEntity", "transient", NotFoundError),
    Code("LimitExceeded", "quota"),
    Code("UnmodifiableEntity", "role_conflict"),
)
_DOCUMENT_ARGS = ("AssumeRolePolicyDocument", "PolicyDocument")

PolicyDocument = dict[str, Any]
"""A policy document as parsed JSON."""


class RoleAdapter:
    """The role of one name in one account.

    `iam` has credentials in that account. With `writes` false, `apply` raises RuntimeError. With `removing`, reads
    include the instance profiles that use the role. `write` returns the client for a call, by default `iam`.
    """

    def __init__(
        self,
        iam: ServiceClient,
        account_id: str,
        name: str,
        *,
        writes: bool,
        removing: bool = False,
        write: Writer | None = None,
    ) -> None:
        self._iam = iam
        self._write = write
        self._name = name
        self._account_id = account_id
        self._writes = writes
        self._removing = removing
        self._hidden_errors = 0

    async def read(self) -> Role | None:
        """Return the role with its policies and tags, None if AWS reports NoSuchEntity; raises SentinelError."""
        role = await self._get_role()
        if role is None:
            return None
        with self._translate_errors("read the policies of"):
            managed = await self._pages("ListAttachedRolePolicies", "AttachedPolicies")
            inline = await self._pages("ListRolePolicies", "PolicyNames")
            return replace(
                role,
                managed_policies=parse(_parse_policy_arns, managed),
                inline_policies={name: await self._read_inline_policy(name) for name in inline},
                instance_profiles=await self._list_instance_profiles(),
            )

    async def refresh(self, have: Role | None, calls: Sequence[Call]) -> Role | None:
        """Return the current role, in one request (two with `removing`) if nothing but its policies may differ.

        Policies are read again only if something else changed, or if the calls remove or overwrite some.
        """
        if have is None or _removes_policies(calls):
            return await self.read()
        role = await self._get_role()
        if role is None:
            return None
        with self._translate_errors("read"):
            profiles = await self._list_instance_profiles()
        now = replace(
            role,
            managed_policies=have.managed_policies,
            inline_policies=have.inline_policies,
            instance_profiles=profiles,
        )
        is_same = now == have
        return have if is_same else await self.read()

    async def _list_instance_profiles(self) -> tuple[str, ...]:
        if not self._removing:
            return ()
        found = await self._pages("ListInstanceProfilesForRole", "InstanceProfiles")
        return parse(_parse_profile_names, found)

    async def apply(self, call: Call) -> None:
        """Make one call of a plan. Raises NotYetError or ChangedError where another try can succeed."""
        if not self._writes:
            raise RuntimeError(f"{call.name} in check mode")
        args = {key: json.dumps(value) if key in _DOCUMENT_ARGS else value for key, value in call.args.items()}
        try:
            with self._translate_errors(f"call {call.name} for"):
                await (await self._write(call) if self._write else self._iam)(call.name, **args)
        except ChangedError as error:
            if call.name == "CreateRole":
                self._check_visible(error)
            raise

    def _check_visible(self, error: ChangedError) -> None:
        """Raise role_conflict if AWS keeps reporting that the role exists although no read returns it."""
        self._hidden_errors += 1
        if self._hidden_errors < MAX_HIDDEN_ROLE_ERRORS:
            return
        raise SentinelError(
            "role_conflict",
            f"Cannot create role {self._name} in account {self._account_id}: AWS reports that it exists but returns no "
            "role of exactly that name. A role exists whose name differs only in upper and lower case: use that "
            "spelling, choose another name, or remove that role.",
        ) from error

    async def _get_role(self) -> Role | None:
        """Return the role without its policies."""
        try:
            with self._translate_errors("read"):
                return parse(_parse_role, await self._iam("GetRole", RoleName=self._name), self._account_id)
        except NotFoundError:
            return None

    async def _pages(self, operation: str, key: str) -> list[Any]:
        return await self._iam.pages(operation, key, RoleName=self._name)

    async def _read_inline_policy(self, name: str) -> PolicyDocument:
        return parse(_parse_inline_policy, await self._iam("GetRolePolicy", RoleName=self._name, PolicyName=name))

    def _translate_errors(self, action: str) -> AbstractContextManager[None]:
        return translate_aws_errors(
            f"{action} role {self._name} in account {self._account_id}", CODES, expired=self._iam.expired
        )


def _removes_policies(calls: Iterable[Call]) -> bool:
    """Whether calls remove or overwrite policies, so that a policy added meanwhile must be read and reported first.

    Not if the whole role is deleted: AWS refuses to delete a role that still has a policy.
    """
    names = {call.name for call in calls}
    return bool(names & {"DeleteRolePolicy", "PutRolePolicy"}) or names & {"DetachRolePolicy", "DeleteRole"} == {
        "DetachRolePolicy"
    }


async def find_roles_by_trust(
    iam: ServiceClient, account_id: str, matches: Callable[[PolicyDocument], bool]
) -> list[str]:
    """Return the names of the roles in an account whose trust policy `matches`."""
    policies = await list_trust_policies(iam, account_id)
    return [arn.rpartition("/")[2] for arn, document in policies.items() if matches(document)]


async def list_trust_policies(iam: ServiceClient, account_id: str) -> dict[str, PolicyDocument]:
    """Return the trust policy (a dict) of every role in an account, by role ARN."""
    with translate_aws_errors(f"list the roles in account {account_id}", CODES, expired=iam.expired):
        return parse(_parse_trust_policies, await iam.pages("ListRoles", "Roles"))


async def find_role_arn(iam: ServiceClient, account_id: str, name: str) -> str:
    """Return the ARN of the role of that name in an account, "" if AWS reports NoSuchEntity."""
    try:
        with translate_aws_errors(f"read role {name} in account {account_id}", CODES, expired=iam.expired):
            return parse(_parse_role_arn, await iam("GetRole", RoleName=name))
    except NotFoundError:
        return ""


async def last_used(iam: ServiceClient, account_id: str, name: str) -> dict[str, str]:
    """Return `time` (ISO 8601) and `region` of the last use of a role (RoleLastUsed), {} if AWS has none."""
    with translate_aws_errors(f"read role {name} in account {account_id}", CODES, expired=iam.expired):
        return parse(_parse_last_used, await iam("GetRole", RoleName=name))


async def provider_exists(iam: ServiceClient, arn: str) -> bool:
    """Return whether there is an OIDC provider of this ARN."""
    try:
        with translate_aws_errors(f"read OIDC provider {arn}", CODES, expired=iam.expired):
            await iam("GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn)
    except ChangedError:
        return False
    return True


async def token_version(iam: ServiceClient, account_id: str) -> int:
    """Return the version of the session tokens that the global endpoint of STS issues (GlobalEndpointTokenVersion)."""
    with translate_aws_errors(f"read the summary of account {account_id}", CODES, expired=iam.expired):
        return parse(_parse_token_version, await iam("GetAccountSummary"))


class ProviderAdapter:
    """The OIDC provider of Microsoft Sentinel in the account of an S3 source.

    `iam` has credentials in that account, `write` returns the client for a call, by default `iam`. With `writes` false,
    `apply` raises RuntimeError. With `removing`, reads include the roles that use the audience, if it may be removed.
    """

    def __init__(
        self,
        iam: ServiceClient,
        spec: S3SourceSpec,
        *,
        writes: bool,
        removing: bool = False,
        write: Writer | None = None,
    ) -> None:
        self._iam = iam
        self._spec = spec
        self._writes = writes
        self._finds_roles = removing and spec.remove_provider
        self._write = write

    async def read(self) -> Provider | None:
        """Return the provider, None if AWS reports NoSuchEntity; raises SentinelError."""
        arn = self._spec.provider_arn
        try:
            with self._translate_errors("read"):
                raw = await self._iam("GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn)
                found = parse(_parse_provider, raw, arn)
        except ChangedError:
            return None
        return replace(found, roles=await self._list_roles()) if self._finds_roles else found

    async def _list_roles(self) -> tuple[str, ...]:
        spec = self._spec
        names = await find_roles_by_trust(
            self._iam, spec.account_id, lambda document: policy.may_use(document, spec.web_identity)
        )
        return tuple(sorted(names))

    async def refresh(self, _have: Provider | None, _calls: Sequence[Call]) -> Provider | None:
        """Return the current provider."""
        return await self.read()

    async def apply(self, call: Call) -> None:
        """Make one call of a plan. Raises NotYetError or ChangedError where another try can succeed."""
        if not self._writes:
            raise RuntimeError(f"{call.name} in check mode")
        with self._translate_errors(f"call {call.name} for"):
            await (await self._write(call) if self._write else self._iam)(call.name, **call.args)

    def _translate_errors(self, action: str) -> AbstractContextManager[None]:
        what = f"{action} OIDC provider {self._spec.issuer} in account {self._spec.account_id}"
        return translate_aws_errors(what, CODES, expired=self._iam.expired)


# --- parse functions ---


def _parse_provider(response: Response, arn: str) -> Provider:
    return Provider(
        arn=arn,
        url=response["Url"],
        client_ids=frozenset(response.get("ClientIDList", [])),
        tags={tag["Key"]: tag["Value"] for tag in response.get("Tags", [])},
    )


def _parse_token_version(response: Response) -> int:
    return int(response["SummaryMap"]["GlobalEndpointTokenVersion"])


def _parse_last_used(response: Response) -> dict[str, str]:
    found = response["Role"].get("RoleLastUsed") or {}
    if "LastUsedDate" not in found:
        return {}
    return {"time": found["LastUsedDate"].isoformat(), "region": found.get("Region", "")}


def _parse_role_arn(response: Response) -> str:
    arn: str = response["Role"]["Arn"]
    return arn


def _parse_trust_policies(roles: Iterable[Mapping[str, Any]]) -> dict[str, PolicyDocument]:
    return {raw["Arn"]: _parse_document(raw["AssumeRolePolicyDocument"]) for raw in roles}


def _parse_policy_arns(policies: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(item["PolicyArn"] for item in policies)


def _parse_profile_names(profiles: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(item["InstanceProfileName"] for item in profiles)


def _parse_inline_policy(response: Response) -> PolicyDocument:
    return _parse_document(response["PolicyDocument"])


@lru_cache(maxsize=512)
def _parse_document(text: str) -> PolicyDocument:
    """Return a policy document as a dict. It is cached and shared, so never change it."""
    try:
        document = json.loads(unquote(text))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise KeyError("policy document")
    return document


def _parse_role(response: Response, account_id: str) -> Role:
    """Return the role without its policies; raises KeyError for the role of another account."""
    raw = response["Role"]
    if account_id_of(raw["Arn"]) != account_id or not RULES["role_arn"].holds(raw["Arn"]):
        raise KeyError("Arn")
    return Role(
        name=raw["RoleName"],
        arn=raw["Arn"],
        path=raw["Path"],
        description=raw.get("Description", ""),
        max_session_duration=raw.get("MaxSessionDuration", DEFAULT_SESSION_SECONDS),
        trust=_parse_document(raw["AssumeRolePolicyDocument"]),
        permissions_boundary=raw.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        tags={tag["Key"]: tag["Value"] for tag in raw.get("Tags", [])},
        is_new=datetime.now(tz=UTC) - raw["CreateDate"] < NEW_ROLE_AGE,
    )
