# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to AWS CloudFormation: reads a StackSet and makes the calls of a plan."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..model.errors import ChangedError
from ..model.organization.stackset import StackSet
from ..model.plan import Call
from .aws import explained
from .service import Caller


class StackSets:
    """The StackSet of one name in the Region of the caller.

    With `writes` false no call changes anything. A delegated administrator sees the StackSets of the organization only
    when it says so in every call.
    """

    def __init__(self, call: Caller, name: str, *, writes: bool, delegated: bool = False) -> None:
        self._call = call
        self._name = name
        self._writes = writes
        self._as = {"CallAs": "DELEGATED_ADMIN"} if delegated else {}

    async def read(self) -> StackSet | None:
        """Return the StackSet, None if AWS says that there is none."""
        try:
            with explained(f"read StackSet {self._name}"):
                raw = (await self._call("DescribeStackSet", StackSetName=self._name, **self._as))["StackSet"]
        except ChangedError:
            return None
        return None if raw.get("Status") == "DELETED" else _stackset(raw)

    async def refresh(self, _have: StackSet | None, _calls: Sequence[Call]) -> StackSet | None:
        """Read the StackSet again."""
        return await self.read()

    async def apply(self, call: Call) -> None:
        """Make one call of a plan. Raises NotYetError or ChangedError where another try can succeed."""
        if not self._writes:
            raise RuntimeError(f"{call.name} in check mode")
        args = {key: json.dumps(value) if key == "TemplateBody" else value for key, value in call.args.items()}
        with explained(f"make {call.name} of StackSet {self._name}"):
            await self._call(call.name, **args, **self._as)


def _stackset(raw: Mapping[str, Any]) -> StackSet:
    deployment = raw.get("AutoDeployment", {})
    return StackSet(
        name=raw["StackSetName"],
        template=_template(raw.get("TemplateBody", "")),
        description=raw.get("Description", ""),
        tags={tag["Key"]: tag["Value"] for tag in raw.get("Tags", [])},
        units=frozenset(raw.get("OrganizationalUnitIds", [])),
        regions=frozenset(raw.get("Regions", [])),
        auto_deployment=deployment.get("Enabled", False),
        retain=deployment.get("RetainStacksOnAccountRemoval", False),
        managed_execution=raw.get("ManagedExecution", {}).get("Active", False),
        permission_model=raw.get("PermissionModel", ""),
    )


def _template(text: str) -> Any:
    """Return a template as data; one in YAML is not ours and stays a text."""
    with suppress(ValueError):
        return json.loads(text)
    return text
