# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every credential type of Azure, by its real protocol: azure-identity runs unchanged against the emulator."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, NamedTuple

import jwt
import pytest
import requests
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core import options
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud import arm
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.pacing import AzureRateLimit
from tests.clock import wall_clock
from tests.emulators import faults
from tests.emulators.client import CUSTOMER_ID, Emulators
from tests.faults.timing import Timing

ISSUER, SUBJECT = "https://ci.example", "repo:trailbridge/accounts:ref:refs/heads/main"
VARIABLES = ("AZURE_TENANT", "AZURE_CLIENT_ID", "AZURE_SECRET")


@pytest.fixture(autouse=True)
def no_pauses() -> Iterator[None]:
    """azure-core retries as often as usual, with hardly any pause."""
    with Timing(max_azure_pause=0.05).applied():
        yield


# --- credentials and helpers ---


class KeyPair(NamedTuple):
    """A private key with a self-signed certificate."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def public(self) -> str:
        """Return the certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def private(self, encryption: KeySerializationEncryption = NoEncryption()) -> str:  # noqa: B008 it has no state
        """Return the key in PEM."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()

    @property
    def public_key(self) -> str:
        """Return the public key in PEM."""
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def key_pair() -> KeyPair:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name.from_rfc4514_string("CN=trailbridge")
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return KeyPair(key, builder.sign(key, hashes.SHA256()))


@pytest.fixture(scope="module")
def registered(clouds: Emulators) -> KeyPair:
    """A certificate that is registered at the service principal."""
    pair = key_pair()
    clouds.trust_certificate(pair.public)
    return pair


@pytest.fixture(scope="module")
def issuer(clouds: Emulators) -> KeyPair:
    """An issuer whose tokens are trusted."""
    pair = key_pair()
    clouds.trust_issuer(ISSUER, SUBJECT, pair.public_key)
    return pair


def federated(issuer: KeyPair, **changed: Any) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": SUBJECT, "aud": "api://AzureADTokenExchange", "nbf": now - 9, "exp": now + 300}
    return jwt.encode({**claims, **changed}, issuer.private(), "RS256")


@pytest.fixture
def signed_out(here: Emulators, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Emulators:
    """The emulators, without credentials in the environment, home directory or Azure CLI."""
    for name in VARIABLES:
        monkeypatch.delenv(name)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return here


def application(cloud: Emulators) -> dict[str, str]:
    return {"tenant": cloud.environment["AZURE_TENANT"], "client_id": cloud.environment["AZURE_CLIENT_ID"]}


def service_principal(cloud: Emulators) -> dict[str, str]:
    return {**application(cloud), "secret": cloud.environment["AZURE_SECRET"]}


def azure(**given: Any) -> arm.Azure:
    """Return the client that a module creates from these options."""
    found = ArgumentSpecValidator(options.AZURE_SPEC).validate(given)
    assert not found.error_messages
    return arm.Azure(parse(found.validated_parameters, "", names="short").azure)


def read(client: arm.Azure, cloud: Emulators) -> str:
    """Read the workspace, which needs a valid token."""
    group = f"/subscriptions/{cloud.environment['AZURE_SUBSCRIPTION_ID']}/resourceGroups/security"
    path = f"{group}/providers/Microsoft.OperationalInsights/workspaces/sentinel"
    customer_id: str = asyncio.run(
        client.request("GET", path, "2023-09-01", action="read the workspace", rate_limit=AzureRateLimit())
    )["properties"]["customerId"]
    return customer_id


def check_sign_in(cloud: Emulators, **given: Any) -> None:
    assert read(azure(**given), cloud) == CUSTOMER_ID


def error_of(cloud: Emulators, **given: Any) -> SentinelError:
    with pytest.raises(SentinelError) as caught:
        read(azure(**given), cloud)
    return caught.value


# --- a secret ---


def test_a_secret_given_as_an_option(signed_out: Emulators) -> None:
    check_sign_in(signed_out, **service_principal(signed_out))


@pytest.mark.parametrize(
    "names",
    [
        ("AZURE_TENANT", "AZURE_CLIENT_ID", "AZURE_SECRET"),
        ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"),
    ],
    ids=["as AWX and azure.azcollection name it", "as azure-identity names it"],
)
@pytest.mark.parametrize("source", ["auto", "env"])
def test_a_secret_from_the_environment(
    signed_out: Emulators, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], source: str
) -> None:
    for name, value in zip(names, service_principal(signed_out).values(), strict=True):
        monkeypatch.setenv(name, value)
    check_sign_in(signed_out, auth_source=source)


def test_a_wrong_secret(signed_out: Emulators) -> None:
    error = error_of(signed_out, **{**service_principal(signed_out), "secret": "not~the~secret"})
    assert error.kind == "azure_denied"
    assert "AADSTS7000215: Invalid client secret" in str(error)
    assert "not~the~secret" not in str(error)


@pytest.mark.parametrize(("name", "code"), [("tenant", "AADSTS90002"), ("client_id", "AADSTS700016")])
def test_an_unknown_tenant_or_application(signed_out: Emulators, name: str, code: str) -> None:
    error = error_of(signed_out, **{**service_principal(signed_out), name: "11111111-1111-4111-8111-111111111111"})
    assert error.kind == "azure_denied"
    assert f"{code}: " in str(error)
    assert "\n" not in str(error)


def test_a_secret_without_tenant(signed_out: Emulators) -> None:
    error = error_of(signed_out, client_id=signed_out.environment["AZURE_CLIENT_ID"], secret="hush-hush")
    assert "tenant not given" in str(error)
    assert "AZURE_TENANT" in str(error)
    assert signed_out.requests() == []


# --- a certificate ---


@pytest.fixture
def pem(registered: KeyPair, tmp_path: Path) -> Path:
    path = tmp_path / "certificate.pem"
    path.write_text(registered.private() + registered.public)
    return path


def test_a_certificate(signed_out: Emulators, pem: Path) -> None:
    check_sign_in(signed_out, **application(signed_out), x509_certificate_path=str(pem))


@pytest.mark.parametrize(
    "spelled", [str.upper, str.lower, lambda text: ":".join(text[i : i + 2] for i in range(0, 40, 2))]
)
def test_a_certificate_with_its_thumbprint(
    signed_out: Emulators, registered: KeyPair, pem: Path, spelled: Callable[[str], str]
) -> None:
    thumbprint = hashlib.sha1(registered.certificate.public_bytes(Encoding.DER)).hexdigest()
    check_sign_in(
        signed_out,
        **application(signed_out),
        x509_certificate_path=str(pem),
        thumbprint=spelled(thumbprint),
    )


def test_a_certificate_in_the_home_directory_from_the_environment(
    signed_out: Emulators, pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in zip(VARIABLES, application(signed_out).values(), strict=False):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", f"~/{pem.name}")
    check_sign_in(signed_out)


def test_a_certificate_with_another_thumbprint(signed_out: Emulators, pem: Path) -> None:
    error = error_of(signed_out, **application(signed_out), x509_certificate_path=str(pem), thumbprint="ab" * 20)
    assert error.kind == "bad_input"
    assert f"thumbprint {'ab' * 20} " in str(error)
    assert f"x509_certificate_path {pem}" in str(error)


def test_a_certificate_that_is_not_registered(signed_out: Emulators, pem: Path) -> None:
    other = key_pair()
    pem.write_text(other.private() + other.public)
    error = error_of(signed_out, **application(signed_out), x509_certificate_path=str(pem))
    assert error.kind == "azure_denied"
    assert "with the certificate: AADSTS700027: " in str(error)
    assert [secret for secret in signed_out.secrets() if secret in str(error)] == []


@pytest.mark.parametrize(
    "content", ["no key", "no certificate", "another kind of file", "empty", "a password", "binary"]
)
def test_a_file_without_usable_certificate(signed_out: Emulators, registered: KeyPair, pem: Path, content: str) -> None:
    texts = {
        "no key": registered.public,
        "no certificate": registered.private(),
        "another kind of file": "hello",
        "empty": "",
        "a password": registered.private(BestAvailableEncryption(b"x")) + registered.public,
    }
    pem.write_bytes(texts[content].encode() if content in texts else bytes(range(256)))
    error = error_of(signed_out, **application(signed_out), x509_certificate_path=str(pem))
    assert error.kind == "bad_input"
    assert f"x509_certificate_path {pem} " in str(error)


@pytest.mark.parametrize("option", ["x509_certificate_path", "oidc_token_file_path"])
@pytest.mark.parametrize(
    ("content", "reason"), [("missing", "No such file or directory"), ("a folder", "Is a directory")]
)
def test_a_file_that_cannot_be_read(
    signed_out: Emulators, tmp_path: Path, option: str, content: str, reason: str
) -> None:
    path = tmp_path / "here"
    if content == "a folder":
        path.mkdir()
    error = error_of(signed_out, **application(signed_out), **{option: str(path)})
    assert error.kind == "bad_input"
    assert f"{option} {path} " in str(error)
    assert reason in str(error)
    assert "Token" not in signed_out.operations()


# --- a federated token ---


def test_a_federated_token(signed_out: Emulators, issuer: KeyPair) -> None:
    check_sign_in(signed_out, **application(signed_out), oidc_token=federated(issuer))
    assert signed_out.operations().count("Token") == 1


def test_a_federated_token_from_the_environment(
    signed_out: Emulators, issuer: KeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN", federated(issuer))
    check_sign_in(signed_out, **application(signed_out))


@pytest.mark.parametrize("given_by", ["option", "environment"])
def test_a_federated_token_from_a_file(
    signed_out: Emulators, issuer: KeyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given_by: str
) -> None:
    path = tmp_path / "token"
    path.write_text(federated(issuer) + "\n")
    if given_by == "environment":
        monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(path))
    check_sign_in(
        signed_out,
        **application(signed_out),
        **({"oidc_token_file_path": str(path)} if given_by == "option" else {}),
    )


def test_a_federated_token_file_is_read_for_every_sign_in(
    signed_out: Emulators, issuer: KeyPair, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text(federated(issuer))
    client = azure(**application(signed_out), oidc_token_file_path=str(path))
    read(client, signed_out)
    path.write_text(federated(issuer, sub="somebody else"))
    read(client, signed_out)
    with wall_clock() as clock:
        clock.ahead = 2 * 3600
        with pytest.raises(SentinelError, match="AADSTS700213"):
            read(client, signed_out)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"exp": 1}, "AADSTS700024"),
        ({"iss": "https://elsewhere.example"}, "AADSTS700211"),
        ({"sub": "repo:somebody/else"}, "AADSTS700213"),
        ({"aud": "somebody else"}, "AADSTS700212"),
    ],
)
def test_a_federated_token_that_is_not_accepted(
    signed_out: Emulators, issuer: KeyPair, changed: dict[str, Any], code: str
) -> None:
    token = federated(issuer, **changed)
    error = error_of(signed_out, **application(signed_out), oidc_token=token)
    assert error.kind == "azure_denied"
    assert f"with the federated token: {code}: " in str(error)
    assert token not in str(error)


def test_a_federated_token_with_another_signature(signed_out: Emulators, issuer: KeyPair) -> None:
    error = error_of(signed_out, **application(signed_out), oidc_token=federated(key_pair()))
    assert "AADSTS50013: " in str(error)


def test_an_invalid_federated_token(signed_out: Emulators) -> None:
    error = error_of(signed_out, **application(signed_out), oidc_token="hush-hush")
    assert "AADSTS50027: " in str(error)
    assert "hush-hush" not in str(error)


# --- a managed identity ---


@pytest.fixture(params=["App Service", "virtual machine"])
def machine(signed_out: Emulators, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Emulators:
    """The emulators, for a machine with managed identities."""
    if request.param == "virtual machine":
        monkeypatch.delenv("IDENTITY_ENDPOINT")
        monkeypatch.delenv("IDENTITY_HEADER")
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", signed_out.azure)
    return signed_out


def test_a_system_assigned_identity(machine: Emulators) -> None:
    check_sign_in(machine, auth_source="msi")
    assert {name for name in machine.operations() if name.startswith(("ManagedIdentity_", "Token"))} in (
        {"ManagedIdentity_AppService"},
        {"ManagedIdentity_Machine"},
    )


def test_a_user_assigned_identity(machine: Emulators) -> None:
    check_sign_in(machine, auth_source="msi", client_id=machine.user_assigned)


def test_an_unknown_user_assigned_identity(machine: Emulators) -> None:
    error = error_of(machine, auth_source="msi", client_id="11111111-1111-4111-8111-111111111111")
    assert error.kind == "azure_denied"
    assert "with the managed identity: " in str(error)


def test_a_managed_identity_needs_auth_source(machine: Emulators) -> None:
    assert "no credentials are given" in str(error_of(machine))
    assert machine.requests() == []


# --- the Azure CLI ---

AZ = """#!/bin/sh
echo "$@" >> {log}
{body}
"""


class AzureCli:
    """A replacement of `az` on the path with the output of the real one."""

    def __init__(self, folder: Path) -> None:
        self._file, self._log = folder / "bin/az", folder / "az.log"

    def _write(self, body: str) -> None:
        self._file.write_text(AZ.format(log=self._log, body=body))
        self._file.chmod(0o755)

    def signed_in(self, cloud: Emulators) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": cloud.environment["AZURE_CLIENT_ID"],
            "client_secret": cloud.environment["AZURE_SECRET"],
            "scope": f"{cloud.azure}/.default",
        }
        url = f"{cloud.azure}/{cloud.environment['AZURE_TENANT']}/oauth2/v2.0/token"
        answer = requests.post(url, form, verify=cloud.environment["REQUESTS_CA_BUNDLE"], timeout=10).json()
        expires = int(time.time()) + answer["expires_in"]
        printed = {
            "accessToken": answer["access_token"],
            "expiresOn": datetime.fromtimestamp(expires).strftime("%Y-%m-%d %H:%M:%S.%f"),  # noqa: DTZ006 as az does
            "expires_on": expires,
            "subscription": cloud.environment["AZURE_SUBSCRIPTION_ID"],
            "tenant": cloud.environment["AZURE_TENANT"],
            "tokenType": "Bearer",
        }
        self._write(f"printf '%s' '{json.dumps(printed)}'")
        cloud.forget()

    def failing(self, message: str) -> None:
        self._write(f'echo "{message}" >&2; exit 1')

    @property
    def calls(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []


@pytest.fixture
def cli(signed_out: Emulators, tmp_path: Path) -> AzureCli:
    return AzureCli(tmp_path)


@pytest.mark.parametrize("source", ["auto", "cli"])
def test_the_azure_cli(signed_out: Emulators, cli: AzureCli, source: str) -> None:
    cli.signed_in(signed_out)
    client = azure(auth_source=source)
    assert read(client, signed_out) == read(client, signed_out) == CUSTOMER_ID
    assert cli.calls == [f"account get-access-token --output json --resource {signed_out.azure}"]


def test_the_azure_cli_gets_the_tenant(signed_out: Emulators, cli: AzureCli) -> None:
    cli.signed_in(signed_out)
    check_sign_in(signed_out, tenant=application(signed_out)["tenant"])
    assert cli.calls[0].endswith(f"--tenant {application(signed_out)['tenant']}")


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("ERROR: Please run 'az login' to setup account.", "Please run 'az login' to set up an account"),
        (
            "ERROR: AADSTS70043: The refresh token has expired.\nTrace ID: 1",
            "AADSTS70043: The refresh token has expired",
        ),
    ],
)
def test_an_azure_cli_that_is_not_signed_in(signed_out: Emulators, cli: AzureCli, printed: str, expected: str) -> None:
    cli.failing(printed)
    error = error_of(signed_out, auth_source="cli")
    assert error.kind == "azure_denied"
    assert str(error).endswith(f" with the Azure CLI: {expected}.")


def test_a_missing_azure_cli(signed_out: Emulators) -> None:
    error = error_of(signed_out, auth_source="cli")
    assert "Azure CLI not found on path" in str(error)


def test_the_azure_cli_is_not_used_for_an_application_without_credential(signed_out: Emulators, cli: AzureCli) -> None:
    cli.signed_in(signed_out)
    assert "none of secret, " in str(error_of(signed_out, **application(signed_out)))
    assert cli.calls == []


# --- the credentials file ---


@pytest.fixture
def file(signed_out: Emulators, tmp_path: Path) -> Path:
    path = tmp_path / ".azure/credentials"
    path.parent.mkdir()
    return path


def section(name: str, values: dict[str, str]) -> str:
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in values.items()), ""])


@pytest.mark.parametrize("given", [{}, {"auth_source": "credential_file"}], ids=["auto", "credential_file"])
def test_the_default_section(signed_out: Emulators, file: Path, given: dict[str, str]) -> None:
    file.write_text(section("default", service_principal(signed_out)))
    check_sign_in(signed_out, **given)


@pytest.mark.parametrize("given_by", ["option", "environment"])
def test_a_section_by_its_name(
    signed_out: Emulators, file: Path, monkeypatch: pytest.MonkeyPatch, given_by: str
) -> None:
    wrong = {**service_principal(signed_out), "secret": "wrong"}
    file.write_text(section("default", wrong) + section("security", service_principal(signed_out)))
    monkeypatch.setenv("AZURE_SECRET", "wrong-as-well")
    if given_by == "environment":
        monkeypatch.setenv("AZURE_PROFILE", "security")
    check_sign_in(signed_out, **({"azure_profile": "security"} if given_by == "option" else {}))


def test_a_section_with_certificate_and_cloud(
    signed_out: Emulators, file: Path, pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {
        "x509_certificate_path": f"~/{pem.name}",
        "cloud_environment": signed_out.azure,
        "disable_instance_discovery": "True",
        "subscription_id": "is not read",
    }
    file.write_text(section("default", {**application(signed_out), **more}))
    monkeypatch.delenv("AZURE_CLOUD_ENVIRONMENT")
    check_sign_in(signed_out)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "cannot be read: No such file or directory"),
        ("[other]\nsecret=hush-hush\n", "has no section security"),
        ("secret=hush-hush\n", "is not in the INI format"),
        ("[security]\nsecret=hush-hush\nsecret=hush-hush\n", "is not in the INI format"),
    ],
    ids=["no file", "no such section", "no section at all", "duplicate option"],
)
def test_an_unusable_credentials_file(signed_out: Emulators, file: Path, text: str | None, expected: str) -> None:
    if text is not None:
        file.write_text(text)
    error = error_of(signed_out, azure_profile="security")
    assert error.kind == "bad_input"
    assert f"the credentials file {file} {expected}" in str(error)
    cause: BaseException | None = error
    while cause:
        assert "hush-hush" not in str(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


# --- no credentials ---


def test_without_credentials_every_option_is_listed(signed_out: Emulators) -> None:
    error = error_of(signed_out)
    assert error.kind == "azure_denied"
    for word in ("secret", "x509_certificate_path", "oidc_token", "az login", "~/.azure/credentials", "msi"):
        assert word in str(error)
    assert signed_out.requests() == []


# --- many threads ---


def read_in_threads(client: arm.Azure, cloud: Emulators, threads: int = 16) -> None:
    """Read the workspace in many threads at the same time."""
    barrier = threading.Barrier(threads)

    def work(_number: int) -> str:
        barrier.wait()
        return read(client, cloud)

    with ThreadPoolExecutor(threads) as pool:
        assert set(pool.map(work, range(threads))) == {CUSTOMER_ID}


def credential_types(cloud: Emulators, issuer: KeyPair, pem: Path) -> dict[str, dict[str, Any]]:
    return {
        "secret": service_principal(cloud),
        "certificate": {**application(cloud), "x509_certificate_path": str(pem)},
        "token": {**application(cloud), "oidc_token": federated(issuer)},
        "identity": {"auth_source": "msi"},
    }


def test_an_expired_token_is_renewed_once_for_all_threads(signed_out: Emulators, issuer: KeyPair, pem: Path) -> None:
    clients = {
        credential_type: azure(**given) for credential_type, given in credential_types(signed_out, issuer, pem).items()
    }
    with wall_clock() as clock:
        for client in clients.values():
            read(client, signed_out)
        clock.ahead = 3601.0
        signed_out.settings(clock_ahead=clock.ahead)
        for credential_type, client in clients.items():
            signed_out.forget()
            read_in_threads(client, signed_out)
            operation = "ManagedIdentity_AppService" if credential_type == "identity" else "Token"
            assert signed_out.operations().count(operation) == 1, credential_type


def test_the_azure_cli_is_called_once_for_all_threads(signed_out: Emulators, cli: AzureCli) -> None:
    cli.signed_in(signed_out)
    read_in_threads(azure(), signed_out)
    assert len(cli.calls) == 1


def test_a_token_that_expires_soon_is_not_renewed_for_every_request(signed_out: Emulators) -> None:
    signed_out.settings(token_seconds=60)
    client = azure(**service_principal(signed_out))
    for _number in range(3):
        read(client, signed_out)
    assert signed_out.operations().count("Token") == 1


# --- clouds ---


def test_an_ad_fs_server_from_the_cloud_metadata(signed_out: Emulators) -> None:
    signed_out.settings(identity_provider="ADFS")
    check_sign_in(signed_out, **{**service_principal(signed_out), "tenant": "adfs"})


@pytest.mark.parametrize("end", ["", "/", "/adfs", "/adfs/"])
def test_an_ad_fs_server_of_the_option(signed_out: Emulators, end: str, pem: Path) -> None:
    given = {**application(signed_out), "tenant": "adfs", "x509_certificate_path": str(pem)}
    check_sign_in(signed_out, **given, adfs_authority_url=f"{signed_out.azure}{end}")


def test_the_metadata_of_known_clouds_is_not_requested() -> None:
    for name in ("AzureCloud", "https://management.azure.com/", "AzureUSGovernment"):
        assert azure(cloud_environment=name, tenant="adfs", client_id="x", secret="x")._cloud.predefined


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"body": "{}", "status": 200}, "does not contain 'authentication'"),
        (
            {"body": '{"authentication": {"audiences": []}, "resourceManager": ""}', "status": 200},
            "does not contain 'loginEndpoint'",
        ),
        ({"body": "<html>", "status": 200}, "unexpected format"),
        (faults.AZURE_UNAVAILABLE, "(ServiceUnavailable)"),
    ],
)
def test_unusable_cloud_metadata(signed_out: Emulators, fault: dict[str, Any], expected: str) -> None:
    signed_out.fault(**{**fault, "operation": "Metadata_Endpoints", "headers": {"Retry-After": "0"}})
    error = error_of(signed_out, **service_principal(signed_out))
    assert error.kind == "transient"
    assert signed_out.azure in str(error)
    assert expected in str(error)


# --- failures ---


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize("credential_type", ["secret", "token"])
def test_an_unreachable_authority_is_transient(
    signed_out: Emulators, issuer: KeyPair, pem: Path, credential_type: str
) -> None:
    error = error_of(
        signed_out,
        **credential_types(signed_out, issuer, pem)[credential_type],
        adfs_authority_url=f"https://localhost:{closed_port()}",
    )
    assert error.kind == "transient"
    assert "sign in to Azure with the " in str(error)


@pytest.mark.parametrize("credential_type", ["secret", "token"])
def test_an_unavailable_authority_is_transient(
    signed_out: Emulators, issuer: KeyPair, pem: Path, credential_type: str
) -> None:
    down = {"status": 503, "code": "temporarily_unavailable", "message": "AADSTS90033: A transient error has occurred."}
    signed_out.fault(operation="Token", headers={"Retry-After": "0"}, **down)
    error = error_of(signed_out, **credential_types(signed_out, issuer, pem)[credential_type])
    assert error.kind == "transient"
    assert "503" in str(error) or "AADSTS90033: " in str(error)


def test_a_transient_failure_is_retried(signed_out: Emulators) -> None:
    signed_out.fault(
        operation="Token", times=1, status=503, code="temporarily_unavailable", message="AADSTS90033: Later."
    )
    check_sign_in(signed_out, **service_principal(signed_out))


def test_no_secret_is_logged(
    signed_out: Emulators,
    issuer: KeyPair,
    pem: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    for given in credential_types(signed_out, issuer, pem).values():
        check_sign_in(signed_out, **given)
    captured = "".join([caplog.text, *capfd.readouterr()])
    assert [secret for secret in signed_out.secrets() if secret in captured] == []


def test_the_repr_of_credentials_has_no_secret(signed_out: Emulators) -> None:
    client = azure(**service_principal(signed_out))
    assert signed_out.environment["AZURE_SECRET"] not in repr(client._credential._sign_in)


ALONE = """
import asyncio
import json
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in sys.argv[1].split(","):
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Missing())
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.arm import Azure
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials import credentials
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.pacing import AzureRateLimit

try:
    azure = Azure(credentials.AzureCredentials(**json.loads(sys.argv[2])))
    asyncio.run(azure.request("GET", "/subscriptions/1", "1", action="read it", rate_limit=AzureRateLimit()))
except SentinelError as error:
    print(error)
"""


def run_alone(given: dict[str, str], missing: str = "") -> str:
    """Return the output of a new process: its error, and nothing on stderr."""
    command = [sys.executable, "-c", ALONE, missing, json.dumps(given)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout


def test_all_missing_packages_are_reported_at_once(signed_out: Emulators) -> None:
    shown = run_alone(service_principal(signed_out), missing="boto3,pycurl,azure.mgmt.core")
    assert f"{sys.executable} -m pip install boto3 pycurl azure-mgmt-core\n" in shown
    assert "boto3, pycurl, azure-mgmt-core" in shown


@pytest.mark.parametrize("package", ["azure.identity", "azure.mgmt.core"])
def test_a_missing_package_is_reported_on_one_line(signed_out: Emulators, package: str) -> None:
    expected = run_alone(service_principal(signed_out), missing=package)
    assert package.replace(".", "-") in expected
    assert f"{sys.executable} -m pip install {package.replace('.', '-')}\n" in expected
    assert expected.count("\n") == 1


def test_an_error_is_reported_once(signed_out: Emulators) -> None:
    expected = run_alone({**service_principal(signed_out), "secret": "wrong"})
    assert expected.count("AADSTS7000215: ") == 1


# --- proxies, certificates of endpoints ---


class Proxy(ThreadingTCPServer):
    """A proxy with tunnels to this machine only."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.requested: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Tunnel(StreamRequestHandler):
    """One connection through the proxy."""

    def handle(self) -> None:
        target = self.rfile.readline().split()[1].decode()
        while self.rfile.readline().strip():
            pass
        assert isinstance(self.server, Proxy)
        self.server.requested.append(target)
        host, _colon, port = target.rpartition(":")
        if host != "localhost":
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", int(port))) as upstream:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=copy, args=(upstream, self.connection), daemon=True)
            back.start()
            copy(self.connection, upstream)
            back.join(5)


def copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy(signed_out: Emulators, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)
    with Proxy() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", server.url)
        yield server
        server.shutdown()


@pytest.mark.parametrize("credential_type", ["secret", "token"])
def test_the_proxy_is_used_for_all_requests(
    signed_out: Emulators, proxy: Proxy, issuer: KeyPair, pem: Path, credential_type: str
) -> None:
    check_sign_in(signed_out, **credential_types(signed_out, issuer, pem)[credential_type])
    assert set(proxy.requested) == {signed_out.azure.removeprefix("https://")}
    assert "Token" in signed_out.operations()


def test_no_proxy_is_honoured(signed_out: Emulators, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost")
    check_sign_in(signed_out, **service_principal(signed_out))
    assert proxy.requested == []


@pytest.mark.parametrize(
    ("given", "requested"),
    [({}, False), ({"disable_instance_discovery": True}, False), ({"disable_instance_discovery": False}, True)],
)
def test_instance_discovery_is_only_used_on_request(
    signed_out: Emulators, proxy: Proxy, given: dict[str, bool], requested: bool
) -> None:
    with contextlib.suppress(SentinelError) if requested else contextlib.nullcontext():
        check_sign_in(signed_out, **service_principal(signed_out), **given)
    assert ("login.microsoftonline.com:443" in proxy.requested) is requested


@pytest.fixture
def without_ca_bundle(signed_out: Emulators, monkeypatch: pytest.MonkeyPatch) -> Emulators:
    """The emulators, with a certificate of an unknown authority."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    return signed_out


def test_an_endpoint_with_an_unknown_certificate_is_not_trusted(without_ca_bundle: Emulators) -> None:
    error = error_of(without_ca_bundle, **service_principal(without_ca_bundle))
    assert "certificate verify failed" in str(error)
    assert without_ca_bundle.requests() == []


@pytest.mark.parametrize("credential_type", ["secret", "certificate", "token", "identity"])
def test_certificates_can_be_ignored(
    without_ca_bundle: Emulators, issuer: KeyPair, pem: Path, credential_type: str
) -> None:
    check_sign_in(
        without_ca_bundle,
        **credential_types(without_ca_bundle, issuer, pem)[credential_type],
        cert_validation_mode="ignore",
    )


def test_ignored_certificates_cause_no_warnings(without_ca_bundle: Emulators) -> None:
    expected = run_alone({**service_principal(without_ca_bundle), "cert_validation_mode": "ignore"})
    assert expected.startswith("Cannot ")
