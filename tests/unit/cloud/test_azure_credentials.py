# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way into Azure, by its real protocol: azure-identity runs unchanged against the emulator."""

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
from unittest import mock

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
from tests.emulators import faults
from tests.emulators.client import CUSTOMER_ID, Emulators

ISSUER, SUBJECT = "https://ci.example", "repo:trailbridge/accounts:ref:refs/heads/main"
SHORT = 2  # seconds that a token lives, where a test waits for its end
IDENTITY = ("AZURE_TENANT", "AZURE_CLIENT_ID", "AZURE_SECRET")


@pytest.fixture(autouse=True)
def hurried() -> Iterator[None]:
    """Have azure-core try again as often as ever, but at once."""
    with mock.patch.object(arm, "MAX_PAUSE_SECONDS", 0.05):
        yield


# --- what the tests sign in with ---


class Pair(NamedTuple):
    """A private key, and a certificate for it that it signed itself."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def public(self) -> str:
        """Return the certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def private(self, hidden: KeySerializationEncryption = NoEncryption()) -> str:  # noqa: B008 it has no state
        """Return the key in PEM."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden).decode()

    @property
    def public_key(self) -> str:
        """Return the public key in PEM."""
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def pair() -> Pair:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name.from_rfc4514_string("CN=trailbridge")
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return Pair(key, builder.sign(key, hashes.SHA256()))


@pytest.fixture(scope="module")
def known(clouds: Emulators) -> Pair:
    """A certificate that is registered at the service principal."""
    made = pair()
    clouds.trust_certificate(made.public)
    return made


@pytest.fixture(scope="module")
def issuer(clouds: Emulators) -> Pair:
    """Somebody whose tokens are trusted."""
    made = pair()
    clouds.trust_issuer(ISSUER, SUBJECT, made.public_key)
    return made


def federated(issuer: Pair, **changed: Any) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": SUBJECT, "aud": "api://AzureADTokenExchange", "nbf": now - 9, "exp": now + 300}
    return jwt.encode({**claims, **changed}, issuer.private(), "RS256")


@pytest.fixture
def clean(here: Emulators, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Emulators:
    """The emulators, for one who has no credentials, in an empty home, without the Azure CLI."""
    for name in IDENTITY:
        monkeypatch.delenv(name)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return here


def who(cloud: Emulators) -> dict[str, str]:
    return {"tenant": cloud.environment["AZURE_TENANT"], "client_id": cloud.environment["AZURE_CLIENT_ID"]}


def service_principal(cloud: Emulators) -> dict[str, str]:
    return {**who(cloud), "secret": cloud.environment["AZURE_SECRET"]}


def azure(**given: Any) -> arm.Azure:
    """Return what a module makes of these options."""
    found = ArgumentSpecValidator(options.AZURE).validate(given)
    assert not found.error_messages
    return arm.Azure(parse(found.validated_parameters, "", names="short").azure)


def read(one: arm.Azure, cloud: Emulators) -> str:
    """Read the workspace, which only those see who are signed in."""
    group = f"/subscriptions/{cloud.environment['AZURE_SUBSCRIPTION_ID']}/resourceGroups/security"
    path = f"{group}/providers/Microsoft.OperationalInsights/workspaces/sentinel"
    customer_id: str = asyncio.run(
        one.get(path, "2023-09-01", action="read the workspace", rate_limit=AzureRateLimit())
    )["properties"]["customerId"]
    return customer_id


def check_works(cloud: Emulators, **given: Any) -> None:
    assert read(azure(**given), cloud) == CUSTOMER_ID


def refused(cloud: Emulators, **given: Any) -> SentinelError:
    with pytest.raises(SentinelError) as caught:
        read(azure(**given), cloud)
    return caught.value


# --- a secret ---


def test_a_secret_given_as_an_option(clean: Emulators) -> None:
    check_works(clean, **service_principal(clean))


@pytest.mark.parametrize(
    "names",
    [
        ("AZURE_TENANT", "AZURE_CLIENT_ID", "AZURE_SECRET"),
        ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"),
    ],
    ids=["as AWX and azure.azcollection name it", "as azure-identity names it"],
)
@pytest.mark.parametrize("source", ["auto", "env"])
def test_a_secret_of_the_environment(
    clean: Emulators, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], source: str
) -> None:
    for name, value in zip(names, service_principal(clean).values(), strict=True):
        monkeypatch.setenv(name, value)
    check_works(clean, auth_source=source)


def test_a_wrong_secret(clean: Emulators) -> None:
    error = refused(clean, **{**service_principal(clean), "secret": "not~the~secret"})
    assert error.kind == "azure_denied"
    assert str(error).startswith("Cannot sign in to Azure with the secret: AADSTS7000215: Invalid client secret")
    assert "not~the~secret" not in str(error)


@pytest.mark.parametrize(("name", "code"), [("tenant", "AADSTS90002"), ("client_id", "AADSTS700016")])
def test_a_service_principal_that_is_not_there(clean: Emulators, name: str, code: str) -> None:
    error = refused(clean, **{**service_principal(clean), name: "11111111-1111-4111-8111-111111111111"})
    assert error.kind == "azure_denied"
    assert f"{code}: " in str(error)
    assert "\n" not in str(error)


def test_half_a_service_principal(clean: Emulators) -> None:
    error = refused(clean, client_id=clean.environment["AZURE_CLIENT_ID"], secret="hush-hush")
    assert str(error).startswith("Cannot sign in to Azure with the secret: tenant not given (AZURE_TENANT in ")
    assert clean.requests() == []


# --- a certificate ---


@pytest.fixture
def pem(known: Pair, tmp_path: Path) -> Path:
    path = tmp_path / "certificate.pem"
    path.write_text(known.private() + known.public)
    return path


def test_a_certificate(clean: Emulators, pem: Path) -> None:
    check_works(clean, **who(clean), x509_certificate_path=str(pem))


@pytest.mark.parametrize(
    "spelled", [str.upper, str.lower, lambda text: ":".join(text[i : i + 2] for i in range(0, 40, 2))]
)
def test_a_certificate_with_its_thumbprint(
    clean: Emulators, known: Pair, pem: Path, spelled: Callable[[str], str]
) -> None:
    thumbprint = hashlib.sha1(known.certificate.public_bytes(Encoding.DER)).hexdigest()
    check_works(clean, **who(clean), x509_certificate_path=str(pem), thumbprint=spelled(thumbprint))


def test_a_certificate_in_the_home_folder_of_the_environment(
    clean: Emulators, pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in zip(IDENTITY, who(clean).values(), strict=False):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", f"~/{pem.name}")
    check_works(clean)


def test_a_certificate_with_another_thumbprint(clean: Emulators, pem: Path) -> None:
    error = refused(clean, **who(clean), x509_certificate_path=str(pem), thumbprint="ab" * 20)
    assert (error.kind, str(error)) == (
        "bad_input",
        f"Cannot sign in to Azure: thumbprint {'ab' * 20} is not that of x509_certificate_path {pem}.",
    )


def test_a_certificate_that_is_not_registered(clean: Emulators, pem: Path) -> None:
    stranger = pair()
    pem.write_text(stranger.private() + stranger.public)
    error = refused(clean, **who(clean), x509_certificate_path=str(pem))
    assert error.kind == "azure_denied"
    assert "with the certificate: AADSTS700027: " in str(error)
    assert [secret for secret in clean.secrets() if secret in str(error)] == []


@pytest.mark.parametrize("made", ["no key", "no certificate", "another kind of file", "empty", "a password", "binary"])
def test_a_file_that_holds_no_usable_certificate(clean: Emulators, known: Pair, pem: Path, made: str) -> None:
    texts = {
        "no key": known.public,
        "no certificate": known.private(),
        "another kind of file": "hello",
        "empty": "",
        "a password": known.private(BestAvailableEncryption(b"x")) + known.public,
    }
    pem.write_bytes(texts[made].encode() if made in texts else bytes(range(256)))
    error = refused(clean, **who(clean), x509_certificate_path=str(pem))
    assert error.kind == "bad_input"
    assert str(error).startswith(f"Cannot sign in to Azure: x509_certificate_path {pem} does not hold a certificate ")


@pytest.mark.parametrize("option", ["x509_certificate_path", "oidc_token_file_path"])
@pytest.mark.parametrize(("made", "reason"), [("missing", "No such file or directory"), ("a folder", "Is a directory")])
def test_a_file_that_cannot_be_read(clean: Emulators, tmp_path: Path, option: str, made: str, reason: str) -> None:
    path = tmp_path / "here"
    if made == "a folder":
        path.mkdir()
    error = refused(clean, **who(clean), **{option: str(path)})
    assert (error.kind, str(error)) == (
        "bad_input",
        f"Cannot sign in to Azure: {option} {path} cannot be read: {reason}.",
    )
    assert "Token" not in clean.operations()


# --- a federated token ---


def test_a_federated_token(clean: Emulators, issuer: Pair) -> None:
    check_works(clean, **who(clean), oidc_token=federated(issuer))
    assert clean.operations().count("Token") == 1


def test_a_federated_token_of_the_environment(clean: Emulators, issuer: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN", federated(issuer))
    check_works(clean, **who(clean))


@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_file_with_a_federated_token(
    clean: Emulators, issuer: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    path = tmp_path / "token"
    path.write_text(federated(issuer) + "\n")
    if by == "environment":
        monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(path))
    check_works(clean, **who(clean), **({"oidc_token_file_path": str(path)} if by == "option" else {}))


def test_a_federated_token_is_read_anew_for_every_sign_in(clean: Emulators, issuer: Pair, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(federated(issuer))
    one = azure(**who(clean), oidc_token_file_path=str(path))
    read(one, clean)
    path.write_text(federated(issuer, sub="somebody else"))
    read(one, clean)
    later = time.time() + 2 * 3600
    with mock.patch.object(time, "time", return_value=later), pytest.raises(SentinelError, match="AADSTS700213"):
        read(one, clean)


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
    clean: Emulators, issuer: Pair, changed: dict[str, Any], code: str
) -> None:
    token = federated(issuer, **changed)
    error = refused(clean, **who(clean), oidc_token=token)
    assert error.kind == "azure_denied"
    assert f"with the federated token: {code}: " in str(error)
    assert token not in str(error)


def test_a_federated_token_that_somebody_else_signed(clean: Emulators, issuer: Pair) -> None:
    error = refused(clean, **who(clean), oidc_token=federated(pair()))
    assert "AADSTS50013: " in str(error)


def test_a_federated_token_that_is_none(clean: Emulators) -> None:
    error = refused(clean, **who(clean), oidc_token="hush-hush")
    assert "AADSTS50027: " in str(error)
    assert "hush-hush" not in str(error)


# --- a managed identity ---


@pytest.fixture(params=["App Service", "virtual machine"])
def machine(clean: Emulators, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Emulators:
    """The emulators, for one who works on a machine with an identity."""
    if request.param == "virtual machine":
        monkeypatch.delenv("IDENTITY_ENDPOINT")
        monkeypatch.delenv("IDENTITY_HEADER")
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", clean.azure)
    return clean


def test_the_identity_of_the_machine(machine: Emulators) -> None:
    check_works(machine, auth_source="msi")
    assert {name for name in machine.operations() if name.startswith(("ManagedIdentity_", "Token"))} in (
        {"ManagedIdentity_AppService"},
        {"ManagedIdentity_Machine"},
    )


def test_an_identity_that_is_assigned_to_the_machine(machine: Emulators) -> None:
    check_works(machine, auth_source="msi", client_id=machine.user_assigned)


def test_an_identity_that_is_not_assigned(machine: Emulators) -> None:
    error = refused(machine, auth_source="msi", client_id="11111111-1111-4111-8111-111111111111")
    assert error.kind == "azure_denied"
    assert str(error).startswith("Cannot sign in to Azure with the managed identity: ")


def test_a_managed_identity_is_only_taken_when_asked_for(machine: Emulators) -> None:
    assert "no credentials are given" in str(refused(machine))
    assert machine.requests() == []


# --- the Azure CLI ---

AZ = """#!/bin/sh
echo "$@" >> {log}
{body}
"""


class Cli:
    """A stand-in for `az` on the path, which prints what the real one prints."""

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
def cli(clean: Emulators, tmp_path: Path) -> Cli:
    return Cli(tmp_path)


@pytest.mark.parametrize("source", ["auto", "cli"])
def test_the_azure_cli(clean: Emulators, cli: Cli, source: str) -> None:
    cli.signed_in(clean)
    one = azure(auth_source=source)
    assert read(one, clean) == read(one, clean) == CUSTOMER_ID
    assert cli.calls == [f"account get-access-token --output json --resource {clean.azure}"]


def test_the_azure_cli_is_asked_for_the_tenant(clean: Emulators, cli: Cli) -> None:
    cli.signed_in(clean)
    check_works(clean, tenant=who(clean)["tenant"])
    assert cli.calls[0].endswith(f"--tenant {who(clean)['tenant']}")


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("ERROR: Please run 'az login' to setup account.", "Please run 'az login' to set up an account"),
        (
            "ERROR: AADSTS70043: The refresh token has expired.\nTrace ID: 1",
            "AADSTS70043: The refresh token has expired",
        ),
    ],
)
def test_an_azure_cli_that_is_not_signed_in(clean: Emulators, cli: Cli, printed: str, told: str) -> None:
    cli.failing(printed)
    error = refused(clean, auth_source="cli")
    assert (error.kind, str(error)) == ("azure_denied", f"Cannot sign in to Azure with the Azure CLI: {told}.")


def test_an_azure_cli_that_is_not_there(clean: Emulators) -> None:
    error = refused(clean, auth_source="cli")
    assert str(error) == "Cannot sign in to Azure with the Azure CLI: Azure CLI not found on path."


def test_the_azure_cli_is_no_replacement_for_an_application_without_a_secret(clean: Emulators, cli: Cli) -> None:
    cli.signed_in(clean)
    assert "none of secret, " in str(refused(clean, **who(clean)))
    assert cli.calls == []


# --- the credentials file ---


@pytest.fixture
def file(clean: Emulators, tmp_path: Path) -> Path:
    path = tmp_path / ".azure/credentials"
    path.parent.mkdir()
    return path


def section(name: str, values: dict[str, str]) -> str:
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in values.items()), ""])


@pytest.mark.parametrize("given", [{}, {"auth_source": "credential_file"}], ids=["auto", "credential_file"])
def test_the_default_section(clean: Emulators, file: Path, given: dict[str, str]) -> None:
    file.write_text(section("default", service_principal(clean)))
    check_works(clean, **given)


@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_section_by_its_name(clean: Emulators, file: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    wrong = {**service_principal(clean), "secret": "wrong"}
    file.write_text(section("default", wrong) + section("security", service_principal(clean)))
    monkeypatch.setenv("AZURE_SECRET", "wrong-as-well")
    if by == "environment":
        monkeypatch.setenv("AZURE_PROFILE", "security")
    check_works(clean, **({"azure_profile": "security"} if by == "option" else {}))


def test_a_section_names_certificate_and_cloud(
    clean: Emulators, file: Path, pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {
        "x509_certificate_path": f"~/{pem.name}",
        "cloud_environment": clean.azure,
        "disable_instance_discovery": "True",
        "subscription_id": "is not read",
    }
    file.write_text(section("default", {**who(clean), **more}))
    monkeypatch.delenv("AZURE_CLOUD_ENVIRONMENT")
    check_works(clean)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read: No such file or directory"),
        ("[other]\nsecret=hush-hush\n", "has no section security"),
        ("secret=hush-hush\n", "is not in the INI format"),
        ("[security]\nsecret=hush-hush\nsecret=hush-hush\n", "is not in the INI format"),
    ],
    ids=["no file", "no such section", "no section at all", "twice the same"],
)
def test_a_credentials_file_that_cannot_be_used(clean: Emulators, file: Path, text: str | None, told: str) -> None:
    if text is not None:
        file.write_text(text)
    error = refused(clean, azure_profile="security")
    assert (error.kind, str(error)) == ("bad_input", f"Cannot sign in to Azure: the credentials file {file} {told}.")
    cause: BaseException | None = error
    while cause:
        assert "hush-hush" not in str(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


# --- none of them ---


def test_without_anything_every_way_is_named(clean: Emulators) -> None:
    error = refused(clean)
    assert error.kind == "azure_denied"
    for word in ("secret", "x509_certificate_path", "oidc_token", "az login", "~/.azure/credentials", "msi"):
        assert word in str(error)
    assert clean.requests() == []


# --- many threads ---


def together(one: arm.Azure, cloud: Emulators, threads: int = 16) -> None:
    """Read the workspace in all threads at the same moment."""
    barrier = threading.Barrier(threads)

    def work(_number: int) -> str:
        barrier.wait()
        return read(one, cloud)

    with ThreadPoolExecutor(threads) as pool:
        assert set(pool.map(work, range(threads))) == {CUSTOMER_ID}


def ways(cloud: Emulators, issuer: Pair, pem: Path) -> dict[str, dict[str, Any]]:
    return {
        "secret": service_principal(cloud),
        "certificate": {**who(cloud), "x509_certificate_path": str(pem)},
        "token": {**who(cloud), "oidc_token": federated(issuer)},
        "identity": {"auth_source": "msi"},
    }


def test_an_expired_token_is_renewed_once_for_all_threads(clean: Emulators, issuer: Pair, pem: Path) -> None:
    every = {way: azure(**given) for way, given in ways(clean, issuer, pem).items()}
    clean.settings(token_seconds=SHORT)
    for one in every.values():
        read(one, clean)
    # However slow the machine is: until then they have ended, and the next ones last. A clock that is put forward would
    # spoil the assertions that are signed by a certificate.
    time.sleep(SHORT + 0.1)
    clean.settings(token_seconds=3600)
    for way, one in every.items():
        clean.forget()
        together(one, clean)
        operation = "ManagedIdentity_AppService" if way == "identity" else "Token"
        assert clean.operations().count(operation) == 1, way


def test_the_azure_cli_is_called_once_for_all_threads(clean: Emulators, cli: Cli) -> None:
    cli.signed_in(clean)
    together(azure(), clean)
    assert len(cli.calls) == 1


def test_a_token_that_ends_soon_is_not_renewed_for_every_request(clean: Emulators) -> None:
    clean.settings(token_seconds=60)
    one = azure(**service_principal(clean))
    for _number in range(3):
        read(one, clean)
    assert clean.operations().count("Token") == 1


# --- clouds ---


def test_metadata_name_an_ad_fs_server(clean: Emulators) -> None:
    clean.settings(identity_provider="ADFS")
    check_works(clean, **{**service_principal(clean), "tenant": "adfs"})


@pytest.mark.parametrize("end", ["", "/", "/adfs", "/adfs/"])
def test_an_ad_fs_server_can_be_named(clean: Emulators, end: str, pem: Path) -> None:
    given = {**who(clean), "tenant": "adfs", "x509_certificate_path": str(pem)}
    check_works(clean, **given, adfs_authority_url=f"{clean.azure}{end}")


def test_the_public_cloud_needs_no_look_at_metadata() -> None:
    for name in ("AzureCloud", "https://management.azure.com/", "AzureUSGovernment"):
        assert azure(cloud_environment=name, tenant="adfs", client_id="x", secret="x")._cloud.known


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"body": "{}", "status": 200}, "the answer is not as documented"),
        ({"body": '{"authentication": {"audiences": []}, "resourceManager": ""}', "status": 200}, "not as documented"),
        ({"body": "<html>", "status": 200}, "the answer cannot be read"),
        (faults.AZURE_UNAVAILABLE, "(ServiceUnavailable)"),
    ],
)
def test_metadata_that_say_nothing(clean: Emulators, fault: dict[str, Any], told: str) -> None:
    clean.fault(**{**fault, "operation": "Metadata_Endpoints", "headers": {"Retry-After": "0"}})
    error = refused(clean, **service_principal(clean))
    assert error.kind == "transient"
    assert str(error).startswith(f"Cannot read the cloud metadata of {clean.azure}: ")
    assert told in str(error)


# --- what goes wrong on the way ---


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize("way", ["secret", "token"])
def test_an_authority_that_cannot_be_reached_is_a_matter_of_time(
    clean: Emulators, issuer: Pair, pem: Path, way: str
) -> None:
    error = refused(clean, **ways(clean, issuer, pem)[way], adfs_authority_url=f"https://localhost:{closed_port()}")
    assert error.kind == "transient"
    assert str(error).startswith("Cannot sign in to Azure with the ")


@pytest.mark.parametrize("way", ["secret", "token"])
def test_an_authority_that_is_down_is_a_matter_of_time(clean: Emulators, issuer: Pair, pem: Path, way: str) -> None:
    down = {"status": 503, "code": "temporarily_unavailable", "message": "AADSTS90033: A transient error has occurred."}
    clean.fault(operation="Token", headers={"Retry-After": "0"}, **down)
    error = refused(clean, **ways(clean, issuer, pem)[way])
    assert error.kind == "transient"
    assert "503" in str(error) or "AADSTS90033: " in str(error)


def test_what_fails_once_is_tried_again(clean: Emulators) -> None:
    clean.fault(operation="Token", times=1, status=503, code="temporarily_unavailable", message="AADSTS90033: Later.")
    check_works(clean, **service_principal(clean))


def test_no_secret_is_logged(
    clean: Emulators, issuer: Pair, pem: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for given in ways(clean, issuer, pem).values():
        check_works(clean, **given)
    captured = "".join([caplog.text, *capfd.readouterr()])
    assert [secret for secret in clean.secrets() if secret in captured] == []


def test_no_secret_is_in_the_text_of_credentials(clean: Emulators) -> None:
    one = azure(**service_principal(clean))
    assert clean.environment["AZURE_SECRET"] not in repr(one._credential._sign_in)


ALONE = """
import asyncio
import json
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.arm import Azure
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials import credentials
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.pacing import Budget

try:
    azure = Azure(credentials.AzureCredentials(**json.loads(sys.argv[2])))
    asyncio.run(azure.get("/subscriptions/1", "1", action="look around", allowance=Budget()))
except SentinelError as error:
    print(error)
"""


def alone(given: dict[str, str], missing: str = "") -> str:
    """Return what a process of its own says, which must say nothing but its error."""
    command = [sys.executable, "-c", ALONE, missing, json.dumps(given)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("package", ["azure.identity", "azure.mgmt.securityinsight"])
def test_a_package_that_is_not_installed_is_told_in_one_sentence(clean: Emulators, package: str) -> None:
    told = alone(service_principal(clean), missing=package)
    assert package.replace(".", "-") in told
    assert "installed" in told
    assert told.count("\n") == 1


def test_what_goes_wrong_is_said_once(clean: Emulators) -> None:
    told = alone({**service_principal(clean), "secret": "wrong"})
    assert told.startswith("Cannot sign in to Azure with the secret: AADSTS7000215: ")


# --- proxies, certificates of endpoints ---


class Proxy(ThreadingTCPServer):
    """A tunnel to this machine; every other address is refused."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.asked: list[str] = []

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
        self.server.asked.append(target)
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
def proxy(clean: Emulators, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)
    with Proxy() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", server.url)
        yield server
        server.shutdown()


@pytest.mark.parametrize("way", ["secret", "token"])
def test_a_proxy_is_used_for_everything(clean: Emulators, proxy: Proxy, issuer: Pair, pem: Path, way: str) -> None:
    check_works(clean, **ways(clean, issuer, pem)[way])
    assert set(proxy.asked) == {clean.azure.removeprefix("https://")}
    assert "Token" in clean.operations()


def test_no_proxy_is_used_for_what_is_exempt(clean: Emulators, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost")
    check_works(clean, **service_principal(clean))
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("given", "asked"),
    [({}, False), ({"disable_instance_discovery": True}, False), ({"disable_instance_discovery": False}, True)],
)
def test_the_public_cloud_is_asked_about_a_private_one_only_by_request(
    clean: Emulators, proxy: Proxy, given: dict[str, bool], asked: bool
) -> None:
    with contextlib.suppress(SentinelError) if asked else contextlib.nullcontext():
        check_works(clean, **service_principal(clean), **given)
    assert ("login.microsoftonline.com:443" in proxy.asked) is asked


@pytest.fixture
def untrusted(clean: Emulators, monkeypatch: pytest.MonkeyPatch) -> Emulators:
    """The emulators, for one who does not know who signed their certificate."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    return clean


def test_an_endpoint_with_an_unknown_certificate_is_not_trusted(untrusted: Emulators) -> None:
    error = refused(untrusted, **service_principal(untrusted))
    assert "certificate verify failed" in str(error)
    assert untrusted.requests() == []


@pytest.mark.parametrize("way", ["secret", "certificate", "token", "identity"])
def test_it_is_trusted_when_certificates_are_to_be_ignored(
    untrusted: Emulators, issuer: Pair, pem: Path, way: str
) -> None:
    check_works(untrusted, **ways(untrusted, issuer, pem)[way], cert_validation_mode="ignore")


def test_ignored_certificates_are_not_complained_about_for_every_request(untrusted: Emulators) -> None:
    told = alone({**service_principal(untrusted), "cert_validation_mode": "ignore"})
    assert told.startswith("Cannot look around: ")
