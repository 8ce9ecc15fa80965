# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Amazon SNS: reads the topic of one account and makes the calls of a plan."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.errors import SentinelError
from ..model.plan import Call
from ..model.toy.topic import TAG, Topic
from .aws_errors import code_of, translate_aws_errors
from .service import ServiceClient


class Topics:
    """The topic of one ARN."""

    def __init__(self, sns: ServiceClient, arn: str, *, writes: bool) -> None:
        self._sns = sns
        self._arn = arn
        self._writes = writes

    async def read(self) -> Topic | None:
        """Return the topic, None if AWS reports that there is none."""
        try:
            with translate_aws_errors(f"read topic {self._arn}"):
                found = (await self._sns("GetTopicAttributes", TopicArn=self._arn))["Attributes"]
                tags = (await self._sns("ListTagsForResource", ResourceArn=self._arn))["Tags"]
        except SentinelError as error:
            if code_of(error) == "NotFound":
                return None
            raise
        return Topic(self._arn, found.get("DisplayName", ""), {"Key": TAG, "Value": "managed"} in tags)

    async def refresh(self, _have: Topic | None, _calls: Sequence[Call]) -> Topic | None:
        """Read the topic again."""
        return await self.read()

    async def apply(self, call: Call) -> None:
        """Make one call of a plan."""
        if not self._writes:
            raise RuntimeError(f"{call.name} in check mode")
        with translate_aws_errors(f"make {call.name} of topic {self._arn}"):
            await self._sns(call.name, **call.args)
