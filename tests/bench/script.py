# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A script as an expert would write it: 32 threads, boto3, the Azure SDK. It checks about the same as the playbook.

python -m tests.bench.script NUMBER
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from azure.identity import ClientSecretCredential
from azure.mgmt.securityinsight import SecurityInsights

from .contestants import accounts

THREADS = 32
ROLE = "MicrosoftSentinelRole"
POLICY = "arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"
MICROSOFT = "arn:aws:iam::197857026523:root"


def connected_roles() -> set[str]:
    """Return the ARNs of the roles of the data connectors."""
    arm = os.environ["AZURE_CLOUD_ENVIRONMENT"]
    credential = ClientSecretCredential(
        os.environ["AZURE_TENANT"], os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_SECRET"],
        authority=arm, disable_instance_discovery=True,
    )  # fmt: skip
    client = SecurityInsights(
        credential, os.environ["AZURE_SUBSCRIPTION_ID"], base_url=arm, credential_scopes=[f"{arm}/.default"]
    )
    found = client.data_connectors.list("security", "sentinel")
    return {getattr(connector, "aws_role_arn", "") for connector in found}


class Aws:
    """One session for all accounts, and a client for each."""

    def __init__(self) -> None:
        self.session = boto3.session.Session()
        self.sts = self.session.client("sts")
        self.lock = threading.Lock()

    def inside(self, account: str) -> Any:
        """Return an IAM client for that account. Creating clients is not thread-safe."""
        arn = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
        keys = self.sts.assume_role(RoleArn=arn, RoleSessionName="script")["Credentials"]
        with self.lock:
            return self.session.client(
                "iam",
                aws_access_key_id=keys["AccessKeyId"],
                aws_secret_access_key=keys["SecretAccessKey"],
                aws_session_token=keys["SessionToken"],
            )


def check(account: str, aws: Aws, connected: set[str]) -> str | None:
    """Return the problem of an account, None if there is none."""
    iam = aws.inside(account)
    role = iam.get_role(RoleName=ROLE)["Role"]
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]
    attached = iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]
    inline = iam.list_role_policies(RoleName=ROLE)["PolicyNames"]
    if statement["Principal"] != {"AWS": MICROSOFT} or "Condition" not in statement:
        return f"{account}: trust"
    if [policy["PolicyArn"] for policy in attached] != [POLICY] or inline:
        return f"{account}: policies"
    return None if role["Arn"] in connected else f"{account}: connector"


def main(number: int) -> None:
    """Check all accounts."""
    connected, aws = connected_roles(), Aws()
    with ThreadPoolExecutor(THREADS) as pool:
        wrong = list(filter(None, pool.map(lambda account: check(account, aws, connected), accounts(number))))
    print(f"{number} accounts, {len(wrong)} wrong", *wrong[:5], sep="\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
