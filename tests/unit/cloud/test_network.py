# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems with proxies, certificates and names are reported quickly, with cause and advice, by every client."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from unittest import mock

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud import arm, network, service
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws_errors import translate_aws_errors
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.logs import Logs
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model import network_errors
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AwsCredentials,
    AzureCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.pacing import AzureRateLimit
from tests.emulators.client import CALLER_ACCOUNT, CUSTOMER_ID, Emulators

MAX_SECONDS = 8.0
"""Every error is raised within this time; transient ones are retried for one second here."""
Connect = Callable[[Emulators], object]


@pytest.fixture(autouse=True)
def short_retries() -> Iterator[None]:
    with ExitStack() as stack:
        for module, name, value in (
            (service, "UNREACHABLE_TIMEOUT", 1.0),
            (arm, "UNREACHABLE_TIMEOUT", 1.0),
            (arm, "MAX_PAUSE_SECONDS", 0.05),
        ):
            stack.enter_context(mock.patch.object(module, name, value))
        yield


@pytest.fixture
def here(here: Emulators, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Emulators:
    """The emulators; the environment has no proxy and no CA bundle for Azure other than theirs."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("NO_PROXY", "no_proxy", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return here


@pytest.fixture
def bundle(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> str:
    """The CA bundle of the emulators, removed from the environment."""
    found = os.environ["REQUESTS_CA_BUNDLE"]
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name)
    return found


# --- clients; those of AWS use the emulator of Azure, because only that has TLS ---


def signed_requests(cloud: Emulators, **given: object) -> None:
    """Signed requests over libcurl."""

    async def request() -> None:
        with closing(Aws(AwsCredentials(**given))) as aws:  # type: ignore[arg-type]
            await aws.identity()

    os.environ["AWS_ENDPOINT_URL"] = cloud.azure
    asyncio.run(request())


def sdk_requests(cloud: Emulators, **given: object) -> None:
    """Requests of botocore in threads."""

    async def request() -> None:
        with closing(Aws(AwsCredentials(**given))) as aws, translate_aws_errors("list the keys"):  # type: ignore[arg-type]
            await aws.with_source_credentials("kms")("ListKeys")

    os.environ["AWS_ENDPOINT_URL"] = cloud.azure
    asyncio.run(request())


def credential_chain(cloud: Emulators, **given: object) -> None:
    """Requests of botocore's credential chain, here to assume the role of a profile."""
    config = Path("~/config").expanduser()
    config.write_text(
        f"[profile other]\nrole_arn = arn:aws:iam::{CALLER_ACCOUNT}:role/Operator\nsource_profile = base\n"
        "[profile base]\naws_access_key_id = x\naws_secret_access_key = y\n"
    )
    with mock.patch.dict(os.environ, AWS_CONFIG_FILE=str(config), AWS_MAX_ATTEMPTS="2"):
        signed_requests(cloud, profile="other", **given)


def _azure(cloud: Emulators) -> arm.Azure:
    return arm.Azure(AzureCredentials())


def metadata(cloud: Emulators) -> None:
    """The first request to a private cloud."""
    _azure(cloud)


def sign_in(cloud: Emulators) -> None:
    """A token request for a known cloud."""
    with mock.patch.object(arm.Azure, "_find_cloud", return_value=_known(cloud)), closing(_azure(cloud)) as azure:
        azure._credential.get_token_info("https://management.azure.com/.default")


def resource_manager(cloud: Emulators) -> str:
    """A request to Azure Resource Manager with a token."""
    group = f"/subscriptions/{cloud.environment['AZURE_SUBSCRIPTION_ID']}/resourceGroups/security"
    path = f"{group}/providers/Microsoft.OperationalInsights/workspaces/sentinel"
    with _signed_in(cloud), closing(_azure(cloud)) as azure:
        found = asyncio.run(
            azure.request("GET", path, "2023-09-01", action="read the workspace", rate_limit=AzureRateLimit())
        )
        customer_id: str = found["properties"]["customerId"]
        return customer_id


def log_analytics(cloud: Emulators) -> None:
    """A query with a token."""

    async def request(azure: arm.Azure) -> None:
        await Logs(azure, AzureRateLimit()).query(
            CUSTOMER_ID, "AWSCloudTrail", 60, lambda rows: rows, action="query the logs"
        )

    with _signed_in(cloud), closing(_azure(cloud)) as azure:
        asyncio.run(request(azure))


def _known(cloud: Emulators) -> object:
    url = os.environ["AZURE_CLOUD_ENVIRONMENT"]
    return arm.Cloud(url, url, f"{cloud.azure}/.default", url, predefined=False)


@contextmanager
def _signed_in(cloud: Emulators) -> Iterator[None]:
    """Replace cloud metadata and token, so that neither is requested."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(arm.Azure, "_find_cloud", return_value=_known(cloud)))
        token = mock.Mock(token="token", expires_on=int(time.time()) + 3600, token_type="Bearer", refresh_on=None)
        stack.enter_context(mock.patch.object(arm.Credential, "get_token_info", return_value=token))
        yield


AWS_CLIENTS: list[Connect] = [signed_requests, sdk_requests, credential_chain]
AZURE_CLIENTS: list[Connect] = [metadata, sign_in, resource_manager, log_analytics]
every_client = pytest.mark.parametrize("connect", [*AWS_CLIENTS, *AZURE_CLIENTS])


def error_of(connect: Connect, cloud: Emulators) -> SentinelError:
    """Return the error of a client; it is raised quickly and contains no password."""
    began = time.monotonic()
    with pytest.raises(SentinelError) as caught:
        connect(cloud)
    assert time.monotonic() - began < MAX_SECONDS
    assert "hush" not in str(caught.value)
    return caught.value


# --- proxies ---


class Proxy(ThreadingTCPServer):
    """Responds to every request with one status."""

    daemon_threads = True

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), ProxyHandler)
        self.status = status
        self.requests = 0

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class ProxyHandler(StreamRequestHandler):
    """One request."""

    def handle(self) -> None:
        assert isinstance(self.server, Proxy)
        while self.rfile.readline().strip():
            pass
        self.server.requests += 1
        self.wfile.write(f"HTTP/1.1 {self.server.status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())


@pytest.fixture
def proxy(request: pytest.FixtureRequest) -> Iterator[Proxy]:
    with Proxy(request.param) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@every_client
@pytest.mark.parametrize("proxy", [407], indirect=True)
def test_a_proxy_that_requires_authentication(
    here: Emulators, connect: Connect, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://jane:hush@{proxy.name}")
    error = error_of(connect, here)
    assert error.kind == "bad_input"
    assert f"the proxy {proxy.name} requires authentication (407)" in str(error)
    assert "HTTPS_PROXY" in str(error)
    assert "Run it again" not in str(error)
    # Not retried, except by botocore itself (AWS_MAX_ATTEMPTS).
    assert proxy.requests <= (2 if connect is credential_chain else 1)


@pytest.mark.parametrize("proxy", [407], indirect=True)
def test_a_proxy_that_requires_authentication_for_plain_http(
    here: Emulators, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.name}")
    monkeypatch.setenv("http_proxy", f"http://{proxy.name}")
    with mock.patch.object(here, "azure", "http://sts.example"):
        error = error_of(signed_requests, here)
    assert (error.kind, proxy.requests) == ("bad_input", 1)
    assert "(407)" in str(error)


def host_of(connect: Connect) -> str:
    """Return the host in messages; botocore's own errors name only the proxy."""
    return "the service" if connect is credential_chain else "localhost"


@every_client
@pytest.mark.parametrize("proxy", [403], indirect=True)
def test_a_proxy_that_refuses_the_service(
    here: Emulators, connect: Connect, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.name}")
    error = error_of(connect, here)
    assert error.kind == "bad_input"
    assert f"the proxy {proxy.name} refuses to connect to {host_of(connect)} (403)" in str(error)


@every_client
@pytest.mark.parametrize("proxy", [502], indirect=True)
def test_a_proxy_that_cannot_reach_the_service(
    here: Emulators, connect: Connect, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.name}")
    error = error_of(connect, here)
    assert error.kind == "transient"
    assert f"the proxy {proxy.name} cannot connect to {host_of(connect)} (502)" in str(error)
    assert proxy.requests > 1, "retried: it may be transient"


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@every_client
@pytest.mark.parametrize("host", ["127.0.0.1", "proxy.invalid"])
def test_a_missing_proxy(here: Emulators, connect: Connect, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{host}:{closed_port()}"
    monkeypatch.setenv("HTTPS_PROXY", f"http://jane:hush@{name}")
    error = error_of(connect, here)
    assert error.kind == "transient"
    assert f"the proxy {name} cannot be reached" in str(error)
    assert "Correct HTTPS_PROXY" in str(error)


@every_client
@pytest.mark.parametrize("url", ["gopher://jane:hush@proxy.example:70", "http://jane:hush@[::1:3128"])
def test_an_invalid_proxy_url(here: Emulators, connect: Connect, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    error = error_of(connect, here)
    # botocore takes an unknown scheme for a host name.
    assert error.kind == "bad_input" or (url.startswith("gopher") and connect in AWS_CLIENTS)
    assert "Correct HTTPS_PROXY" in str(error)


# --- names ---


@every_client
def test_a_service_whose_name_cannot_be_resolved(
    here: Emulators, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_CLOUD_ENVIRONMENT", "https://service.invalid")
    with mock.patch.object(here, "azure", "https://service.invalid"):
        error = error_of(connect, here)
    assert error.kind == "transient"
    assert "service.invalid cannot be resolved" in str(error)
    assert "Run it again" not in str(error)


def test_a_service_that_responded_before_gets_the_full_retry_timeout(here: Emulators) -> None:
    fault = network_errors.unresolved("sts.example")

    async def request() -> None:
        with closing(Aws(AwsCredentials())) as aws:
            sts, lost = aws.service("sts"), network.RequestLostError("", fault)
            assert sts._retry_seconds(lost) == service.UNREACHABLE_TIMEOUT
            await aws.identity()
            assert sts._retry_seconds(lost) == service.AWS_RETRY_SECONDS
            assert aws.service("iam")._retry_seconds(lost) == service.UNREACHABLE_TIMEOUT

    asyncio.run(request())


# --- certificates ---


class Tls(ThreadingTCPServer):
    """A TLS server that only shows its certificate."""

    daemon_threads = True

    def __init__(self, pem: Path) -> None:
        super().__init__(("127.0.0.1", 0), StreamRequestHandler)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pem)

    def finish_request(self, request: object, _address: object) -> None:
        assert isinstance(request, socket.socket)
        with self.context.wrap_socket(request, server_side=True):
            pass

    def handle_error(self, _endpoint: object, _address: object) -> None:
        """Ignore clients that do not trust the certificate."""

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server_address[1]}"


def certificate(name: str = "localhost", since: int = -1, until: int = 1) -> bytes:
    """Return a self-signed certificate with its key in PEM; `since` and `until` are days from now."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject, now = x509.Name.from_rfc4514_string(f"CN={name}"), datetime.now(UTC)
    built = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now + timedelta(days=since))
        .not_valid_after(now + timedelta(days=until))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return built.public_bytes(Encoding.PEM) + private


@every_client
def test_a_certificate_of_an_unknown_authority(here: Emulators, connect: Connect, bundle: str) -> None:
    error = error_of(connect, here)
    assert error.kind == "untrusted_certificate"
    for word in ("localhost", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "aws_ca_bundle"):
        assert word in str(error)
    assert "Run it again" not in str(error)
    assert here.requests() == []


@every_client
@pytest.mark.parametrize(
    ("changes", "reason", "advice"),
    [
        ({"since": -3, "until": -1}, "has expired", "renew it"),
        ({"since": 1, "until": 3}, "not yet valid", "clock"),
        ({"name": "other.example"}, "match", "Correct the address"),
    ],
    ids=["expired", "not yet valid", "of another host"],
)
def test_an_invalid_certificate(
    here: Emulators,
    connect: Connect,
    changes: dict[str, object],
    reason: str,
    advice: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    pem = tmp_path / "made.pem"
    pem.write_bytes(certificate(**changes))  # type: ignore[arg-type]
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(pem))
    with Tls(pem) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("AZURE_CLOUD_ENVIRONMENT", server.url)
        with mock.patch.object(here, "azure", server.url):
            error = error_of(connect, here)
        server.shutdown()
    assert error.kind == "untrusted_certificate"
    assert reason in str(error)
    assert advice in str(error)


@every_client
def test_a_service_without_tls(here: Emulators, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    url = here.aws.replace("http://", "https://")
    monkeypatch.setenv("AZURE_CLOUD_ENVIRONMENT", url)
    with mock.patch.object(here, "azure", url):
        error = error_of(connect, here)
    assert error.kind == "transient"
    assert "does not use TLS" in str(error)


# --- CA bundles ---

BUNDLES: dict[str, Callable[[Path], object]] = {
    "not there": lambda _path: None,
    "empty": lambda path: path.write_text(""),
    "no certificate": lambda path: path.write_text("hello"),
    "a broken certificate": lambda path: path.write_text(
        "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----"
    ),
    "an empty folder": lambda path: path.mkdir(),
    "a folder without hashes": lambda path: (path.mkdir(), (path / "ours.pem").write_bytes(certificate())),
}


@pytest.mark.parametrize("make", BUNDLES.values(), ids=BUNDLES)
@pytest.mark.parametrize(
    ("connect", "name"),
    [
        (signed_requests, "AWS_CA_BUNDLE"),
        (signed_requests, "REQUESTS_CA_BUNDLE"),
        (credential_chain, "AWS_CA_BUNDLE"),
        (metadata, "REQUESTS_CA_BUNDLE"),
        (metadata, "CURL_CA_BUNDLE"),
    ],
)
def test_an_unusable_ca_bundle(
    here: Emulators,
    bundle: str,
    connect: Connect,
    name: str,
    make: Callable[[Path], object],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    make(tmp_path / "trusted")
    monkeypatch.setenv(name, str(tmp_path / "trusted"))
    error = error_of(connect, here)
    assert error.kind == "bad_input"
    assert f"{tmp_path / 'trusted'} ({name}) " in str(error)
    assert here.requests() == []


def test_an_unusable_ca_bundle_of_the_option(here: Emulators, bundle: str) -> None:
    error = error_of(lambda cloud: signed_requests(cloud, aws_ca_bundle="/no/such/file"), here)
    assert (error.kind, "/no/such/file (aws_ca_bundle) " in str(error)) == ("bad_input", True)


def trusted(connect: Connect, cloud: Emulators, **given: object) -> bool:
    """Whether the certificate is trusted; the emulator of Azure returns an error for AWS requests."""
    with suppress(SentinelError):
        connect(cloud, **given)  # type: ignore[call-arg]
    return bool(cloud.requests())


@pytest.fixture(params=["file", "directory", "file in the home directory", "variable"])
def authority(bundle: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of the emulators' CA bundle in every notation."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    shutil.copy(bundle, folder / "ca.pem")
    if request.param == "directory":
        command = ["openssl", "x509", "-hash", "-noout", "-in", bundle]
        hashed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        (folder / f"{hashed}.0").symlink_to("ca.pem")
    monkeypatch.setenv("CERTIFICATES", str(folder))
    return {
        "file": str(folder / "ca.pem"),
        "directory": str(folder),
        "file in the home directory": "~/certificates/ca.pem",
        "variable": "$CERTIFICATES/ca.pem",
    }[request.param]


@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "aws_ca_bundle"])
@pytest.mark.parametrize("connect", AWS_CLIENTS)
def test_the_ca_bundle_for_aws(
    here: Emulators, authority: str, connect: Connect, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name.isupper():
        monkeypatch.setenv(name, authority)
    assert trusted(connect, here, **({} if name.isupper() else {name: authority}))


@pytest.mark.parametrize("connect", [metadata, sign_in, resource_manager])
def test_the_ca_bundle_for_azure(
    here: Emulators, authority: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority)
    assert trusted(connect, here)


@pytest.mark.parametrize("connect", AWS_CLIENTS)
def test_aws_is_trusted_without_validation_of_certificates(here: Emulators, bundle: str, connect: Connect) -> None:
    assert trusted(connect, here, validate_certs=False)


def test_the_temporary_bundle_of_a_directory_is_deleted_on_close(here: Emulators, authority: str) -> None:
    async def bundle_file() -> str:
        with closing(Aws(AwsCredentials(aws_ca_bundle=authority))) as aws:
            return aws._bundle_file.name if aws._bundle_file else ""

    name = asyncio.run(bundle_file())
    assert bool(name) is Path(authority).is_dir()
    assert not name or not Path(name).exists()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://proxy.example:3128", "proxy.example:3128"),
        ("http://jane:p%40ss@proxy.example:3128/", "proxy.example:3128"),
        ("http://jane:p@ss@proxy.example", "proxy.example"),
        ("proxy.example:3128", "proxy.example:3128"),
    ],
)
def test_messages_name_a_proxy_without_its_password(url: str, name: str) -> None:
    assert network.proxy_name(url) == name
