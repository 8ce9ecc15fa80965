# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens: azure-identity runs unchanged; wrong secrets and bad tokens are refused as Entra and ARM do.

Valid requests of azure-identity are tested in tests/unit/cloud; here are the requests of a broken client.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.emulators.client import Emulators


def credential_with(e: Emulators, **changed: str) -> ClientSecretCredential:
    values = {"tenant": "AZURE_TENANT", "client": "AZURE_CLIENT_ID", "secret": "AZURE_SECRET"}
    tenant, client, secret = (changed.get(name, e.environment[key]) for name, key in values.items())
    verify = e.environment["REQUESTS_CA_BUNDLE"]
    return ClientSecretCredential(
        tenant, client, secret, authority=e.azure, disable_instance_discovery=True, connection_verify=verify
    )


def test_metadata_has_every_endpoint(e: Emulators, bundle: str) -> None:
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
def test_wrong_credentials_are_rejected(e: Emulators, changed: dict[str, str], message: str) -> None:
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
def test_an_invalid_token_gets_a_challenge(e: Emulators, arm: Any, header: str, code: str) -> None:
    answer = arm("GET", "/providers/Microsoft.SecurityInsights/dataConnectors", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")


def test_a_token_expires(e: Emulators, arm: Any) -> None:
    e.settings(token_seconds=0.05)
    token = credential_with(e).get_token(f"{e.azure}/.default").token
    time.sleep(0.06)
    answer = arm("GET", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "ExpiredAuthenticationToken")


def test_errors_of_the_token_endpoint_have_its_format(e: Emulators) -> None:
    e.fault(operation="Token", status=400, code="invalid_client", message="AADSTS7000222: expired", times=1)
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000222"):
        credential_with(e).get_token(f"{e.azure}/.default")


# --- assertions ---

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def thumbprint(running: Emulators, key: rsa.RSAPrivateKey) -> str:
    """The thumbprint of a certificate that is registered at the service principal."""
    name, now = x509.Name.from_rfc4514_string("CN=test"), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    running.trust_certificate(certificate.public_bytes(Encoding.PEM).decode())
    return jwt.utils.base64url_encode(certificate.fingerprint(hashes.SHA256())).decode()


def token_response(e: Emulators, assertion: str, **changed: str) -> dict[str, Any]:
    """Return the response of the token endpoint to an assertion."""
    form = {
        "grant_type": "client_credentials",
        "client_id": e.environment["AZURE_CLIENT_ID"],
        "client_assertion_type": JWT_BEARER,
        "client_assertion": assertion,
        "scope": f"{e.azure}/.default",
    }
    answer: dict[str, Any] = requests.post(
        token_endpoint(e), {**form, **changed}, verify=e.environment["REQUESTS_CA_BUNDLE"], timeout=10
    ).json()
    return answer


def token_endpoint(e: Emulators) -> str:
    return f"{e.azure}/{e.environment['AZURE_TENANT']}/oauth2/v2.0/token"


def claims(e: Emulators, **changed: Any) -> dict[str, Any]:
    client, now = e.environment["AZURE_CLIENT_ID"], int(time.time())
    right = {"iss": client, "sub": client, "aud": token_endpoint(e), "nbf": now - 9, "exp": now + 99}
    return {name: value for name, value in {**right, **changed}.items() if value is not None}


def test_an_assertion_is_a_secret(e: Emulators, key: rsa.RSAPrivateKey, thumbprint: str) -> None:
    assertion = jwt.encode(claims(e), key, "PS256", {"x5t#S256": thumbprint})
    assert {token_response(e, assertion)["access_token"], assertion} <= set(e.secrets())


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"aud": "https://login.microsoftonline.com/"}, "AADSTS700023"),
        ({"sub": "somebody else"}, "AADSTS700021"),
        ({"exp": 1}, "AADSTS700024"),
        ({"nbf": int(time.time()) + 9999}, "AADSTS700024"),
        ({"exp": None}, "AADSTS50013"),
    ],
)
def test_the_claims_of_an_assertion_are_checked(
    e: Emulators, key: rsa.RSAPrivateKey, thumbprint: str, changed: dict[str, Any], code: str
) -> None:
    assertion = jwt.encode(claims(e, **changed), key, "PS256", {"x5t#S256": thumbprint})
    assert token_response(e, assertion)["error_description"].startswith(f"{code}: ")


def test_the_signature_of_an_assertion_is_checked(e: Emulators, thumbprint: str) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assertion = jwt.encode(claims(e), other, "PS256", {"x5t#S256": thumbprint})
    assert "AADSTS50013" in token_response(e, assertion)["error_description"]


@pytest.mark.parametrize(
    ("header", "algorithm", "code"),
    [("x5t#S256", "RS256", "AADSTS50013"), ("x5t", "RS256", "AADSTS700027"), ("kid", "RS256", "AADSTS700027")],
)
def test_the_certificate_header_of_an_assertion_is_checked(
    e: Emulators, key: rsa.RSAPrivateKey, thumbprint: str, header: str, algorithm: str, code: str
) -> None:
    assertion = jwt.encode(claims(e), key, algorithm, {header: thumbprint})
    assert code in token_response(e, assertion)["error_description"]


@pytest.mark.parametrize("changed", [{"client_assertion_type": "saml"}, {"client_assertion": "not.a.token"}])
def test_an_assertion_must_be_a_jwt(
    e: Emulators, key: rsa.RSAPrivateKey, thumbprint: str, changed: dict[str, str]
) -> None:
    assertion = jwt.encode(claims(e), key, "PS256", {"x5t#S256": thumbprint})
    assert "AADSTS50027" in token_response(e, assertion, **changed)["error_description"]


# --- managed identities ---


@pytest.mark.parametrize(
    ("path", "version", "headers", "status"),
    [
        ("/managed-identity/token", "2019-08-01", {}, 401),
        ("/managed-identity/token", "2019-08-01", {"X-IDENTITY-HEADER": "wrong"}, 401),
        ("/managed-identity/token", "2017-09-01", {"X-IDENTITY-HEADER": "right"}, 400),
        ("/managed-identity/token", "2019-08-01", {"X-IDENTITY-HEADER": "right"}, 200),
        ("/metadata/identity/oauth2/token", "2018-02-01", {}, 400),
        ("/metadata/identity/oauth2/token", "2018-02-01", {"Metadata": "true"}, 200),
    ],
)
def test_a_managed_identity_needs_the_right_request(
    e: Emulators, bundle: str, path: str, version: str, headers: dict[str, str], status: int
) -> None:
    secret = e.environment["IDENTITY_HEADER"]
    sent = {name: secret if value == "right" else value for name, value in headers.items()}
    query = {"api-version": version, "resource": e.azure}
    answer = requests.get(e.azure + path, query, headers=sent, verify=bundle, timeout=10)
    assert answer.status_code == status
    assert ("access_token" in answer.json()) is (status == 200)
    assert secret in e.secrets()


def test_a_managed_identity_is_for_this_cloud_only(e: Emulators, bundle: str) -> None:
    query = {"api-version": "2018-02-01", "resource": "https://management.azure.com"}
    url = f"{e.azure}/metadata/identity/oauth2/token"
    answer = requests.get(url, query, headers={"Metadata": "true"}, verify=bundle, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_resource")


# --- AD FS ---


def test_a_cloud_may_have_an_ad_fs_server(e: Emulators, bundle: str) -> None:
    e.settings(identity_provider="ADFS")
    cloud = requests.get(f"{e.azure}/metadata/endpoints", verify=bundle, timeout=10).json()
    login = cloud["authentication"]["loginEndpoint"]
    about = requests.get(f"{login}/.well-known/openid-configuration", verify=bundle, timeout=10).json()
    assert (login, about["token_endpoint"]) == (f"{e.azure}/adfs", f"{e.azure}/adfs/oauth2/token")
