# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens: azure-identity runs unchanged; wrong secrets and bad tokens are refused as Entra and ARM do."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential

from tests.emulators.client import Emulators


def credential_with(e: Emulators, **changed: str) -> ClientSecretCredential:
    values = {"tenant": "AZURE_TENANT", "client": "AZURE_CLIENT_ID", "secret": "AZURE_SECRET"}
    tenant, client, secret = (changed.get(name, e.environment[key]) for name, key in values.items())
    verify = e.environment["REQUESTS_CA_BUNDLE"]
    return ClientSecretCredential(
        tenant, client, secret, authority=e.azure, disable_instance_discovery=True, connection_verify=verify
    )


def test_metadata_names_every_endpoint(e: Emulators, bundle: str) -> None:
    url = f"{e.azure}/metadata/endpoints?api-version=2022-09-01"
    cloud = requests.get(url, verify=bundle, timeout=10).json()
    assert cloud["authentication"]["loginEndpoint"] == cloud["resourceManager"] == cloud["logAnalyticsResourceId"]
    assert cloud["authentication"]["audiences"] == [e.azure]


def test_a_token_costs_two_requests_and_is_a_secret(e: Emulators) -> None:
    token = credential_with(e).get_token(f"{e.azure}/.default").token
    assert e.operations() == ["OpenId", "Token"]
    assert {token, e.environment["AZURE_SECRET"], e.environment["AWS_SECRET_ACCESS_KEY"]} <= set(e.secrets())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"secret": "wrong"}, "AADSTS7000215"),
        ({"client": "11111111-1111-1111-1111-111111111111"}, "AADSTS700016"),
        ({"tenant": "11111111-1111-1111-1111-111111111111"}, "."),
    ],
)
def test_wrong_credentials_are_refused(e: Emulators, changed: dict[str, str], message: str) -> None:
    with pytest.raises((ClientAuthenticationError, ValueError), match=message):
        credential_with(e, **changed).get_token(f"{e.azure}/.default")


def test_a_wrong_secret_is_401(e: Emulators) -> None:
    with pytest.raises(ClientAuthenticationError):
        credential_with(e, secret="wrong").get_token(f"{e.azure}/.default")
    assert e.requests()[-1]["status"] == 401


def test_a_token_is_for_this_cloud_only(e: Emulators) -> None:
    with pytest.raises(ClientAuthenticationError, match="AADSTS70011"):
        credential_with(e).get_token("https://management.azure.com/.default")


@pytest.mark.parametrize(
    ("header", "code"), [("", "AuthenticationFailed"), ("Bearer nonsense", "InvalidAuthenticationToken")]
)
def test_a_bad_token_is_challenged(e: Emulators, arm: Any, header: str, code: str) -> None:
    answer = arm("GET", "/providers/Microsoft.SecurityInsights/dataConnectors", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")


def test_a_token_expires(e: Emulators, arm: Any) -> None:
    e.settings(token_seconds=0.05)
    token = credential_with(e).get_token(f"{e.azure}/.default").token
    time.sleep(0.06)
    answer = arm("GET", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "ExpiredAuthenticationToken")


def test_the_token_endpoint_can_fail_in_its_own_words(e: Emulators) -> None:
    e.fault(operation="Token", status=400, code="invalid_client", message="AADSTS7000222: expired", times=1)
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000222"):
        credential_with(e).get_token(f"{e.azure}/.default")
