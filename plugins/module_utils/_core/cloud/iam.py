# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to AWS IAM: reads the role of one account and makes the calls of a plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from ..model.connector.connector import account_id_of
from ..model.errors import ChangedError, SentinelError
from ..model.plan import Call
from ..model.role.role import DEFAULT_SESSION_SECONDS, Role
from ..model.validation import RULES
from .aws import explained
from .service import Caller

# Right after its creation a role may not be known everywhere yet.
NEW = timedelta(minutes=5)
# So many times a new role is refused because it exists, and then not found, before that is believed.
UNSEEN = 4
_DOCUMENTS = ("AssumeRolePolicyDocument", "PolicyDocument")


class Roles:
    """The role of one name in one account.

    `iam` makes calls in that account; with `writes` false none that changes anything. Who is `removing` also needs to
    know who else holds on to the role.
    """

    def __init__(self, iam: Caller, account_id: str, name: str, *, writes: bool, removing: bool = False) -> None:
        self._iam = iam
        self._name = name
        self._account_id = account_id
        self._writes = writes
        self._removing = removing
        self._unseen = 0

    async def read(self) -> Role | None:
        """Return the role with its policies and tags, None if AWS says that there is none."""
        raw = await self._raw()
        if raw is None:
            return None
        with self._explained("read the policies of"):
            managed = await self._pages("ListAttachedRolePolicies", "AttachedPolicies")
            inline = await self._pages("ListRolePolicies", "PolicyNames")
            return replace(
                self._role(raw),
                managed_policies=frozenset(item["PolicyArn"] for item in managed),
                inline_policies={name: await self._inline(name) for name in inline},
                instance_profiles=await self._profiles(),
            )

    async def refresh(self, have: Role | None, calls: Sequence[Call]) -> Role | None:
        """Return the role as it is by now, in one request where nothing changed but perhaps its policies.

        These are read again as well where the calls remove or overwrite some; a removal also asks who uses the role.
        """
        if have is None or _touches_policies(calls):
            return await self.read()
        raw = await self._raw()
        if raw is None:
            return None
        with self._explained("read"):
            profiles = await self._profiles()
            now = replace(
                self._role(raw),
                managed_policies=have.managed_policies,
                inline_policies=have.inline_policies,
                instance_profiles=profiles,
            )
        is_same = now == have
        return have if is_same else await self.read()

    async def _profiles(self) -> tuple[str, ...]:
        if not self._removing:
            return ()
        found = await self._pages("ListInstanceProfilesForRole", "InstanceProfiles")
        return tuple(item["InstanceProfileName"] for item in found)

    async def apply(self, call: Call) -> None:
        """Make one call of a plan. Raises NotYetError or ChangedError where another try can succeed."""
        if not self._writes:
            raise RuntimeError(f"{call.name} in check mode")
        args = {key: json.dumps(value) if key in _DOCUMENTS else value for key, value in call.args.items()}
        try:
            with self._explained(f"make {call.name} of"):
                await self._iam(call.name, **args)
        except ChangedError as error:
            if call.name == "CreateRole":
                self._check_visible(error)
            raise

    def _check_visible(self, error: ChangedError) -> None:
        """Raise role_conflict for a role that is said to exist, and that no read shows."""
        self._unseen += 1
        if self._unseen < UNSEEN:
            return
        raise SentinelError(
            "role_conflict",
            f"Cannot create role {self._name} in account {self._account_id}: AWS says that it exists, and finds no "
            "role of exactly that name. One is there whose name differs in upper and lower case alone: give it as it "
            "is written there, choose another one, or remove that role.",
        ) from error

    async def _raw(self) -> Mapping[str, Any] | None:
        try:
            with self._explained("read"):
                raw: Mapping[str, Any] = (await self._iam("GetRole", RoleName=self._name))["Role"]
                return raw
        except ChangedError:
            return None

    async def _pages(self, operation: str, key: str) -> list[Any]:
        return await self._iam.pages(operation, key, RoleName=self._name)

    def _role(self, raw: Mapping[str, Any]) -> Role:
        role = _role(raw)
        if account_id_of(role.arn) != self._account_id or not RULES["role_arn"].holds(role.arn):
            raise KeyError("Arn")
        return role

    async def _inline(self, name: str) -> Any:
        return _document((await self._iam("GetRolePolicy", RoleName=self._name, PolicyName=name))["PolicyDocument"])

    def _explained(self, what: str) -> Any:
        # A session that ends is that of this account alone.
        expired = "transient" if self._iam.keys.assumed else "expired_credentials"
        return explained(f"{what} role {self._name} in account {self._account_id}", expired=expired)


def _touches_policies(calls: Iterable[Call]) -> bool:
    """Tell whether calls remove or overwrite policies, so that a change that was made meanwhile would be lost.

    Not so where the whole role is deleted: AWS refuses that as long as it has a policy that was not seen.
    """
    names = {call.name for call in calls}
    return bool(names & {"DeleteRolePolicy", "PutRolePolicy"}) or names & {"DetachRolePolicy", "DeleteRole"} == {
        "DetachRolePolicy"
    }


async def trusting(iam: Caller, account_id: str, trusted: Callable[[Any], bool]) -> list[str]:
    """Return the names of the roles in an account whose trust policy passes `trusted`."""
    return [arn.rpartition("/")[2] for arn, document in (await trusts(iam, account_id)).items() if trusted(document)]


async def trusts(iam: Caller, account_id: str) -> dict[str, Any]:
    """Return the trust policy of every role in an account by the role's ARN."""
    with explained(f"list the roles in account {account_id}"):
        roles = await iam.pages("ListRoles", "Roles")
        return {raw["Arn"]: _document(raw["AssumeRolePolicyDocument"]) for raw in roles}


async def arn_of(iam: Caller, account_id: str, name: str) -> str:
    """Return the ARN of the role of that name in an account, empty if AWS says that there is none."""
    try:
        with explained(f"read role {name} in account {account_id}"):
            arn: str = (await iam("GetRole", RoleName=name))["Role"]["Arn"]
            return arn
    except ChangedError:
        return ""


async def last_used(iam: Caller, account_id: str, name: str) -> dict[str, str]:
    """Return when (ISO 8601) and in which Region a role was used last, {} if never or longer ago than AWS remembers."""
    with explained(f"read role {name} in account {account_id}"):
        found = (await iam("GetRole", RoleName=name))["Role"].get("RoleLastUsed") or {}
    if "LastUsedDate" not in found:
        return {}
    return {"time": found["LastUsedDate"].isoformat(), "region": found.get("Region", "")}


@lru_cache(maxsize=512)
def _document(text: str) -> Any:
    """Return a policy document as data, not to be changed: a fleet has thousands that are the same."""
    try:
        found = json.loads(unquote(text))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise KeyError("policy document")
    return found


def _role(raw: Mapping[str, Any]) -> Role:
    return Role(
        name=raw["RoleName"],
        arn=raw["Arn"],
        path=raw["Path"],
        description=raw.get("Description", ""),
        max_session_duration=raw.get("MaxSessionDuration", DEFAULT_SESSION_SECONDS),
        trust=_document(raw["AssumeRolePolicyDocument"]),
        permissions_boundary=raw.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        tags={tag["Key"]: tag["Value"] for tag in raw.get("Tags", [])},
        is_new=datetime.now(tz=UTC) - raw["CreateDate"] < NEW,
    )
