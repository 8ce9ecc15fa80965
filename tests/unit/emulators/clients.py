# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real clients of AWS inside an account, through the proxy, and what they are refused with."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.emulators.client import Emulators

SESSION: Any = boto3.session.Session()


def client(e: Emulators, service: str, account: str, region: str = "us-east-1", **keys: str) -> Any:
    """A client with the keys of a user of that account, without retries."""
    config = Config(proxies={}, retries={"total_max_attempts": 1})
    return SESSION.client(
        service, region_name=region, endpoint_url=e.aws, config=config, **(keys or e.credentials(account))
    )


def refused(call: Any, **arguments: Any) -> tuple[int, str, str]:
    """Status, code and message of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer: Any = caught.value.response
    error = answer["Error"]
    return answer["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error.get("Message", "")


def restricted(e: Emulators, account: str, *statements: dict[str, Any]) -> dict[str, str]:
    """The keys of a session that is limited by a session policy."""
    arn = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    sts = client(e, "sts", "123456789012")
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="test", Policy=policy)["Credentials"]
    return {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
