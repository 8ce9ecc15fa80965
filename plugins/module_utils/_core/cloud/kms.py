# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to AWS KMS: the state and the policy of a key."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from ..model.errors import SentinelError
from ..model.s3.key import Key, account_id
from .aws_errors import Code, translate_aws_errors
from .response import parse
from .service import Response, ServiceClient

CODES = (Code("NotFoundException InvalidArnException", "bad_input"),)


async def read_key(kms: ServiceClient, key_id: str, own_account: str) -> Key | None:
    """Return a key by id, ARN or alias, None for a key of AWS; raises SentinelError.

    Its policy is None if it cannot be read, as that of a key of another account.
    """
    with translate_aws_errors(f"read key {key_id}", CODES, expired=kms.expired):
        found = parse(_parse_key, await kms("DescribeKey", KeyId=key_id))
    if found is None or account_id(found.arn) != own_account:
        return found
    with (
        suppress(SentinelError),
        translate_aws_errors(f"read the policy of key {found.arn}", CODES, expired=kms.expired),
    ):
        document = parse(_parse_policy, await kms("GetKeyPolicy", KeyId=found.arn, PolicyName="default"))
        return found._replace(policy=document)
    return found


def _parse_key(response: Response) -> Key | None:
    raw = response["KeyMetadata"]
    if raw.get("KeyManager") == "AWS":
        return None
    return Key(raw["Arn"], is_enabled=raw["KeyState"] == "Enabled")


def _parse_policy(response: Response) -> dict[str, Any]:
    document = json.loads(response["Policy"])
    if not isinstance(document, dict):
        raise TypeError(document)
    return document
