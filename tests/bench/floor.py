# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The floor: only the playbook's requests, signed by hand; responses are not checked.

python -m tests.bench.floor NUMBER CONCURRENCY
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import re
import sys
import time
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import uvloop

from .contestants import accounts
from .curl import Curl

REGION = "us-east-1"
IDENTITY = "Action=GetCallerIdentity&Version=2011-06-15"
ASSUME = (
    "Action=AssumeRole&Version=2011-06-15&RoleSessionName=floor&DurationSeconds=3600"
    "&RoleArn=arn%3Aaws%3Aiam%3A%3AACCOUNT%3Arole%2FOrganizationAccountAccessRole"
)
READS = [
    f"Action={operation}&Version=2010-05-08&RoleName=MicrosoftSentinelRole"
    for operation in ("GetRole", "ListAttachedRolePolicies", "ListRolePolicies")
]
FORM = "application/x-www-form-urlencoded; charset=utf-8"


class Keys(NamedTuple):
    """Credentials."""

    key: str
    secret: str
    token: str = ""


@lru_cache(maxsize=1)
def stamp(second: int) -> str:
    """Return the time in the format of signatures."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))


@lru_cache(maxsize=1024)
def signing_key(secret: str, scope: str) -> bytes:
    """Return the signing key of one day, Region and service."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def sign(keys: Keys, service: str, host: str, body: str) -> list[str]:
    """Return the headers with a Signature Version 4."""
    now = stamp(int(time.time()))
    scope = f"{now[:8]}/{REGION}/{service}/aws4_request"
    signed = {"content-type": FORM, "host": host, "x-amz-date": now}
    if keys.token:
        signed["x-amz-security-token"] = keys.token
    names = ";".join(signed)
    lines = "".join([f"{name}:{value}\n" for name, value in signed.items()])
    request = f"POST\n/\n\n{lines}\n{names}\n{sha256(body.encode()).hexdigest()}"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    signature = hmac.digest(signing_key(keys.secret, scope), text.encode(), "sha256").hex()
    authorization = f"AWS4-HMAC-SHA256 Credential={keys.key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return [*[f"{name}: {value}" for name, value in signed.items()], f"authorization: {authorization}"]


class Aws:
    """AWS, with the source credentials."""

    def __init__(self, curl: Curl) -> None:
        self.curl = curl
        self.url = os.environ["AWS_ENDPOINT_URL"]
        self.host = urlsplit(self.url).netloc
        self.source_keys = Keys(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])

    async def call(self, keys: Keys, service: str, body: str) -> bytes:
        """Make one call."""
        return await self.curl.send(f"{self.url}/", sign(keys, service, self.host, body), body)

    async def account(self, account: str) -> None:
        """Make the four requests of an account, in sequence."""
        answer = await self.call(self.source_keys, "sts", ASSUME.replace("ACCOUNT", account))
        keys = Keys(*(_element(answer, name) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")))
        for body in READS:
            await self.call(keys, "iam", body)


def _element(answer: bytes, name: str) -> str:
    found = re.search(f"<{name}>([^<]+)</{name}>".encode(), answer)
    return found[1].decode() if found else ""


async def azure(curl: Curl) -> int:
    """Sign in, read the workspace, list the connectors; return their number."""
    base, tenant = os.environ["AZURE_CLOUD_ENVIRONMENT"], os.environ["AZURE_TENANT"]
    await curl.send(f"{base}/metadata/endpoints?api-version=2022-09-01", [])
    await curl.send(f"{base}/{tenant}/v2.0/.well-known/openid-configuration", [])
    form = {"grant_type": "client_credentials", "client_id": os.environ["AZURE_CLIENT_ID"],
            "client_secret": os.environ["AZURE_SECRET"], "scope": f"{base}/.default"}  # fmt: skip
    answer = await curl.send(f"{base}/{tenant}/oauth2/v2.0/token", [], urlencode(form))
    headers = [f"Authorization: Bearer {json.loads(answer)['access_token']}"]
    group = f"{base}/subscriptions/{os.environ['AZURE_SUBSCRIPTION_ID']}/resourceGroups/security/providers"
    workspace = f"{group}/Microsoft.OperationalInsights/workspaces/sentinel"
    insights = f"{workspace}/providers/Microsoft.SecurityInsights"
    permissions = f"{workspace}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"
    await asyncio.gather(
        curl.send(f"{workspace}?api-version=2023-09-01", headers),
        curl.send(f"{insights}/onboardingStates/default?api-version=2024-03-01", headers),
        curl.send(permissions, headers),
    )
    listed, url = 0, f"{insights}/dataConnectors?api-version=2024-03-01"
    while url:
        page = json.loads(await curl.send(url, headers))
        listed += len(page["value"])
        url = page.get("nextLink", "")
    return listed


async def main(number: int, concurrency: int) -> None:
    """Make all requests."""
    curl = Curl(os.environ["AWS_CA_BUNDLE"])
    aws = Aws(curl)
    todo = iter(accounts(number))

    async def work() -> None:
        for account in todo:
            await aws.account(account)

    async def fleet() -> None:
        await aws.call(aws.source_keys, "sts", IDENTITY)
        await asyncio.gather(*(work() for _number in range(min(concurrency, number))))

    _unused, listed = await asyncio.gather(fleet(), azure(curl))
    print(f"{number} accounts, {listed} connectors")


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
