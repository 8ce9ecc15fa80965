# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to AWS Systems Manager: reads one parameter and makes the calls of a plan."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.errors import SentinelError
from ..model.plan import Call
from ..model.toy.parameter import Parameter
from .aws_errors import code_of, translate_aws_errors
from .service import ServiceClient


class Parameters:
    """The parameter of one name."""

    def __init__(self, ssm: ServiceClient, name: str, *, writes: bool) -> None:
        self._ssm = ssm
        self._name = name
        self._writes = writes

    async def read(self) -> Parameter | None:
        """Return the parameter, None if AWS reports that there is none."""
        try:
            with translate_aws_errors(f"read parameter {self._name}"):
                found = (await self._ssm("GetParameter", Name=self._name))["Parameter"]
                return Parameter(found["Name"], found["Value"])
        except SentinelError as error:
            if code_of(error) == "ParameterNotFound":
                return None
            raise

    async def refresh(self, _have: Parameter | None, _calls: Sequence[Call]) -> Parameter | None:
        """Read the parameter again."""
        return await self.read()

    async def apply(self, call: Call) -> None:
        """Make one call of a plan."""
        if not self._writes:
            raise RuntimeError(f"{call.name} in check mode")
        with translate_aws_errors(f"make {call.name} of parameter {self._name}"):
            await self._ssm(call.name, **call.args)
