# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to AWS CloudFormation: reads a StackSet and makes the calls of a plan."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ..model.errors import ChangedError, NotFoundError, NotYetError
from ..model.organization.stackset import StackSet
from ..model.plan import Call
from .aws_errors import Code, translate_aws_errors
from .response import parse
from .service import Response, ServiceClient

CODES = (
    Code("InvalidOperationException", "bad_input"),
    Code("LimitExceededException", "quota"),
    Code("NameAlreadyExistsException", "stackset_conflict", ChangedError),
    Code("OperationIdAlreadyExistsException StaleRequestException", "transient", ChangedError),
    Code("OperationInProgressException StackSetNotEmptyException", "transient", NotYetError),
    Code("StackSetNotFoundException", "transient", NotFoundError),
)


class StackSetAdapter:
    """The StackSet of one name in the Region of the client.

    With `writes` false, `apply` raises RuntimeError. `delegated` adds CallAs=DELEGATED_ADMIN to every call, without
    which a delegated administrator does not see the StackSets of the organization.
    """

    def __init__(self, client: ServiceClient, name: str, *, writes: bool, delegated: bool = False) -> None:
        self._client = client
        self._name = name
        self._writes = writes
        self._call_as = {"CallAs": "DELEGATED_ADMIN"} if delegated else {}

    async def read(self) -> StackSet | None:
        """Return the StackSet, None if it does not exist or is deleted; raises SentinelError."""
        try:
            with translate_aws_errors(f"read StackSet {self._name}", CODES):
                response = await self._client("DescribeStackSet", StackSetName=self._name, **self._call_as)
                return parse(_parse_stackset, response)
        except NotFoundError:
            return None

    async def refresh(self, _have: StackSet | None, _calls: Sequence[Call]) -> StackSet | None:
        """Read the StackSet again."""
        return await self.read()

    async def apply(self, call: Call) -> None:
        """Make one call of a plan. Raises NotYetError or ChangedError where another try can succeed."""
        if not self._writes:
            raise RuntimeError(f"{call.name} in check mode")
        args = {key: json.dumps(value) if key == "TemplateBody" else value for key, value in call.args.items()}
        with translate_aws_errors(f"call {call.name} for StackSet {self._name}", CODES):
            await self._client(call.name, **args, **self._call_as)


def _parse_stackset(response: Response) -> StackSet | None:
    """Return the StackSet, None if it is deleted."""
    raw = response["StackSet"]
    if raw.get("Status") == "DELETED":
        return None
    deployment = raw.get("AutoDeployment", {})
    return StackSet(
        name=raw["StackSetName"],
        template=_parse_template(raw.get("TemplateBody", "")),
        description=raw.get("Description", ""),
        tags={tag["Key"]: tag["Value"] for tag in raw.get("Tags", [])},
        units=frozenset(raw.get("OrganizationalUnitIds", [])),
        regions=frozenset(raw.get("Regions", [])),
        auto_deployment=deployment.get("Enabled", False),
        retain=deployment.get("RetainStacksOnAccountRemoval", False),
        managed_execution=raw.get("ManagedExecution", {}).get("Active", False),
        permission_model=raw.get("PermissionModel", ""),
    )


def _parse_template(text: str) -> Any:
    """Return a JSON template as data. A YAML template stays a string: this collection writes JSON only."""
    with suppress(ValueError):
        return json.loads(text)
    return text
