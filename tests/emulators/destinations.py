# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What S3 asks before it stores a notification: is there such a queue, topic or function, and may S3 send to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import sqs
from .policies import Access, Json, decide

if TYPE_CHECKING:
    from .moto import Moto
    from .state import State

S3 = frozenset({"Service:s3.amazonaws.com"})


@dataclass(frozen=True)
class Bucket:
    """A bucket as destinations see it."""

    name: str
    owner: str
    region: str
    partition: str

    @property
    def arn(self) -> str:
        """Its ARN, which names neither account nor Region."""
        return f"arn:{self.partition}:s3:::{self.name}"

    def access(self, action: str, resource: str) -> Access:
        """What S3 asks on behalf of this bucket."""
        context = {"aws:SourceArn": self.arn, "aws:SourceAccount": self.owner}
        return Access(action, resource, S3, context)


async def accepts(state: State, moto: Moto, bucket: Bucket, arn: str) -> bool:
    """Whether a destination is there, in the bucket's Region, and lets S3 send."""
    parts = arn.split(":")
    if len(parts) < 6 or parts[3] != bucket.region:
        return False
    check = {"sqs": _queue, "sns": _topic, "lambda": _function}.get(parts[2])
    return check is not None and await check(state, moto, bucket, arn)


async def _queue(state: State, moto: Moto, bucket: Bucket, arn: str) -> bool:
    attributes = await sqs.effective_attributes(state, moto, arn)
    if attributes is None or not _allowed(attributes.get("Policy"), bucket.access("sqs:SendMessage", arn)):
        return False
    key = attributes.get("KmsMasterKeyId")
    return not key or await _key(moto, bucket, arn.split(":")[4], key)


async def _key(moto: Moto, bucket: Bucket, account: str, key: str) -> bool:
    """S3 cannot use the key of SQS itself, whose policy nobody can change."""
    if key.endswith("alias/aws/sqs"):
        return False
    described = await moto.find(account, "kms", "describe_key", bucket.region, KeyId=key)
    if described is None:
        return False
    arn = described["KeyMetadata"]["Arn"]
    answer = await moto.find(account, "kms", "get_key_policy", bucket.region, KeyId=arn, PolicyName="default")
    actions = ("kms:GenerateDataKey", "kms:Decrypt")
    return all(_allowed((answer or {}).get("Policy"), bucket.access(action, arn)) for action in actions)


async def _topic(state: State, moto: Moto, bucket: Bucket, arn: str) -> bool:
    account = arn.split(":")[4]
    answer = await moto.find(account, "sns", "get_topic_attributes", bucket.region, TopicArn=arn)
    return answer is not None and _allowed(answer["Attributes"].get("Policy"), bucket.access("sns:Publish", arn))


async def _function(state: State, moto: Moto, bucket: Bucket, arn: str) -> bool:
    account, name = arn.split(":")[4], arn.split(":")[6]
    answer = await moto.find(account, "lambda", "get_policy", bucket.region, FunctionName=name)
    return answer is not None and _allowed(answer["Policy"], bucket.access("lambda:InvokeFunction", arn))


def _allowed(policy: Any, access: Access) -> bool:
    document: Json | None = json.loads(policy) if policy else None
    return document is not None and decide([document], access) == "allow"
