# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to AWS IAM: reads the role of one account and makes the calls of a plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.aws import explained
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import ChangedError
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.role import SESSION, Role

# Right after its creation a role may not be known everywhere yet.
NEW = timedelta(minutes=5)
_DOCUMENTS = ("AssumeRolePolicyDocument", "PolicyDocument")


class Roles:
    """The role of one name in the account that the client's credentials belong to.

    `client` is botocore's IAM client; with `writes` false no call that changes anything can be made. Who is `removing`
    also needs to know who else holds on to the role.
    """

    def __init__(self, client: Any, account_id: str, name: str, *, writes: bool, removing: bool = False) -> None:
        self._client = client
        self._name = name
        self._account_id = account_id
        self._writes = writes
        self._removing = removing

    def read(self) -> Role | None:
        """Return the role with its policies and tags, None if AWS says that there is none."""
        try:
            with self._explained("read"):
                raw = self._client.get_role(RoleName=self._name)["Role"]
        except ChangedError:
            return None
        with self._explained("read the policies of"):
            managed = self._pages("list_attached_role_policies", "AttachedPolicies")
            inline = self._pages("list_role_policies", "PolicyNames")
            profiles = self._pages("list_instance_profiles_for_role", "InstanceProfiles") if self._removing else []
            return replace(
                _role(raw),
                managed=frozenset(item["PolicyArn"] for item in managed),
                inline={name: self._inline(name) for name in inline},
                instance_profiles=tuple(item["InstanceProfileName"] for item in profiles),
            )

    def apply(self, call: Call) -> None:
        """Make one call of a plan. Raises NotYetError or ChangedError where another try can succeed."""
        if not self._writes:
            raise RuntimeError(f"{call.name} in check mode")
        args = {key: json.dumps(value) if key in _DOCUMENTS else value for key, value in call.args.items()}
        with self._explained(f"make {call.name} of"):
            self._operation(call.name)(**args)

    def _operation(self, name: str) -> Callable[..., Any]:
        methods: Mapping[str, str] = self._client.meta.method_to_api_mapping
        found: Callable[..., Any] = getattr(self._client, next(key for key, api in methods.items() if api == name))
        return found

    def _pages(self, method: str, key: str) -> list[Any]:
        pages = self._client.get_paginator(method).paginate(RoleName=self._name)
        return [item for page in pages for item in page[key]]

    def _inline(self, name: str) -> Any:
        return self._client.get_role_policy(RoleName=self._name, PolicyName=name)["PolicyDocument"]

    def _explained(self, what: str) -> Any:
        return explained(f"{what} role {self._name} in account {self._account_id}")


def trusting(client: Any, account_id: str, trusted: Callable[[Any], bool]) -> list[str]:
    """Return the names of the roles in the client's account whose trust policy passes `trusted`."""
    with explained(f"list the roles in account {account_id}"):
        pages = client.get_paginator("list_roles").paginate()
        return [
            raw["RoleName"] for page in pages for raw in page["Roles"] if trusted(raw.get("AssumeRolePolicyDocument"))
        ]


def _role(raw: Mapping[str, Any]) -> Role:
    return Role(
        name=raw["RoleName"],
        arn=raw["Arn"],
        path=raw["Path"],
        description=raw.get("Description", ""),
        max_session_duration=raw.get("MaxSessionDuration", SESSION),
        trust=raw.get("AssumeRolePolicyDocument") or {},
        permissions_boundary=raw.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        tags={tag["Key"]: tag["Value"] for tag in raw.get("Tags", [])},
        is_new=datetime.now(tz=UTC) - raw["CreateDate"] < NEW,
    )
