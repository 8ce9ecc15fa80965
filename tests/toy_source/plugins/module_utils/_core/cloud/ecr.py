# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Amazon ECR: reads the repository of one account and makes the calls of a plan."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.errors import SentinelError
from ..model.plan import Call
from ..model.toy.repository import TAG, Repository
from .aws_errors import code_of, translate_aws_errors
from .service import ServiceClient


class Repositories:
    """The repository of one ARN."""

    def __init__(self, ecr: ServiceClient, arn: str, *, writes: bool) -> None:
        self._ecr = ecr
        self._arn = arn
        self._writes = writes

    async def read(self) -> Repository | None:
        """Return the repository, None if AWS reports that there is none."""
        try:
            with translate_aws_errors(f"read repository {self._arn}"):
                names = [self._arn.rpartition("/")[2]]
                [found] = (await self._ecr("DescribeRepositories", repositoryNames=names))["repositories"]
                tags = (await self._ecr("ListTagsForResource", resourceArn=self._arn))["tags"]
        except SentinelError as error:
            if code_of(error) == "RepositoryNotFoundException":
                return None
            raise
        return Repository(self._arn, found["imageTagMutability"], {"Key": TAG, "Value": "managed"} in tags)

    async def refresh(self, _have: Repository | None, _calls: Sequence[Call]) -> Repository | None:
        """Read the repository again."""
        return await self.read()

    async def apply(self, call: Call) -> None:
        """Make one call of a plan."""
        if not self._writes:
            raise RuntimeError(f"{call.name} in check mode")
        with translate_aws_errors(f"make {call.name} of repository {self._arn}"):
            await self._ecr(call.name, **call.args)
