# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One start of the emulators for all of these tests; they are reset before each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import requests
from azure.identity import ClientSecretCredential
from azure.mgmt.securityinsight import SecurityInsights
from botocore.config import Config

from tests.emulators.client import RESOURCE_GROUP, WORKSPACE, Emulators, emulators

Boto = Callable[..., Any]
Arm = Callable[..., requests.Response]


@pytest.fixture(scope="session")
def running() -> Iterator[Emulators]:
    with emulators() as started:
        yield started


@pytest.fixture
def e(running: Emulators) -> Emulators:
    running.reset()
    return running


@pytest.fixture(scope="session")
def bundle(running: Emulators) -> str:
    return running.environment["REQUESTS_CA_BUNDLE"]


@pytest.fixture(scope="session")
def credential(running: Emulators, bundle: str) -> ClientSecretCredential:
    values = running.environment
    return ClientSecretCredential(
        values["AZURE_TENANT"],
        values["AZURE_CLIENT_ID"],
        values["AZURE_SECRET"],
        authority=running.azure,
        disable_instance_discovery=True,
        connection_verify=bundle,
        retry_total=0,
    )


@pytest.fixture(scope="session")
def sentinel(running: Emulators, bundle: str, credential: ClientSecretCredential) -> Any:
    """Microsoft's own client, without retries."""
    client = SecurityInsights(
        credential,
        running.environment["AZURE_SUBSCRIPTION_ID"],
        base_url=running.azure,
        credential_scopes=[f"{running.azure}/.default"],
        connection_verify=bundle,
        retry_total=0,
    )
    return client.data_connectors


@pytest.fixture(scope="session")
def arm(running: Emulators, bundle: str, credential: ClientSecretCredential) -> Arm:
    """A request below the path of the default workspace."""
    session = requests.Session()
    subscription = running.environment["AZURE_SUBSCRIPTION_ID"]
    group = f"/subscriptions/{subscription}/resourceGroups/{RESOURCE_GROUP}"
    workspace = f"{group}/providers/Microsoft.OperationalInsights/workspaces/{WORKSPACE}"

    def run_query(method: str, path: str = "", version: str | None = "2021-10-01", **options: Any) -> requests.Response:
        token = credential.get_token(f"{running.azure}/.default").token
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        url = (
            path
            if path.startswith("https:")
            else running.azure + (path if path.startswith("/sub") else workspace + path)
        )
        query = {} if version is None else {"api-version": version}
        return session.request(method, url, params=query, headers=headers, verify=bundle, timeout=10, **options)

    return run_query


@pytest.fixture(scope="session")
def boto(running: Emulators) -> Boto:
    """A boto3 client through the proxy, without retries; by default with the source credentials."""
    session: Any = boto3.session.Session()

    def client(service: str, **keys: Any) -> Any:
        base = {
            "aws_access_key_id": running.environment["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": running.environment["AWS_SECRET_ACCESS_KEY"],
        }
        config = Config(proxies={}, retries={"total_max_attempts": 1})
        return session.client(
            service, region_name="us-east-1", endpoint_url=running.aws, config=config, **(keys or base)
        )

    return client


@pytest.fixture(scope="session")
def inside(boto: Boto) -> Boto:
    """A boto3 client inside an account, by AssumeRole."""

    def client(service: str, account: str) -> Any:
        arn = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
        keys = boto("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        return boto(
            service,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    return client
