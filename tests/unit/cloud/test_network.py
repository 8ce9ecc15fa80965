# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps this machine from both clouds is reported soon, with the cause and what to do, on every path to them."""

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
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.logs import Logs
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model import network_errors
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AwsCredentials,
    AzureCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.pacing import AzureRateLimit
from tests.emulators.client import CALLER_ACCOUNT, CUSTOMER_ID, Emulators

SOON = 8.0
"""Seconds in which all is reported here, where what may pass is tried for one."""
Work = Callable[[Emulators], object]


@pytest.fixture(autouse=True)
def hurried() -> Iterator[None]:
    with ExitStack() as stack:
        for module, name, value in ((service, "BRIEF", 1.0), (arm, "BRIEF", 1.0), (arm, "MAX_PAUSE_SECONDS", 0.05)):
            stack.enter_context(mock.patch.object(module, name, value))
        yield


@pytest.fixture
def here(here: Emulators, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Emulators:
    """The emulators, both by TLS; the environment names no proxy and no certificates."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("NO_PROXY", "no_proxy", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return here


@pytest.fixture
def bundle(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> str:
    """The file with the emulators' authority, which the environment names no more."""
    found = os.environ["REQUESTS_CA_BUNDLE"]
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name)
    return found


# --- the paths to both clouds; AWS is asked at the emulator of Azure, which alone has TLS, and answers what it does ---


def hot_path(cloud: Emulators, **given: object) -> None:
    """Signed requests over libcurl."""

    async def ask() -> None:
        with closing(Aws(AwsCredentials(**given))) as aws:  # type: ignore[arg-type]
            await aws.identity()

    os.environ["AWS_ENDPOINT_URL"] = cloud.azure
    asyncio.run(ask())


def credential_chain(cloud: Emulators, **given: object) -> None:
    """Requests that botocore sends by itself, here to assume the role of a profile."""
    config = Path("~/config").expanduser()
    config.write_text(
        f"[profile other]\nrole_arn = arn:aws:iam::{CALLER_ACCOUNT}:role/Operator\nsource_profile = base\n"
        "[profile base]\naws_access_key_id = x\naws_secret_access_key = y\n"
    )
    with mock.patch.dict(os.environ, AWS_CONFIG_FILE=str(config), AWS_MAX_ATTEMPTS="2"):
        hot_path(cloud, profile="other", **given)


def _azure(cloud: Emulators) -> arm.Azure:
    return arm.Azure(AzureCredentials())


def metadata(cloud: Emulators) -> None:
    """The first request to a private cloud."""
    _azure(cloud)


def sign_in(cloud: Emulators) -> None:
    """The token, where the cloud is known."""
    with mock.patch.object(arm.Azure, "_find_cloud", return_value=_known(cloud)), closing(_azure(cloud)) as azure:
        azure._credential.get_token_info("https://management.azure.com/.default")


def resource_manager(cloud: Emulators) -> str:
    """A request to Azure Resource Manager, where the token is there."""
    group = f"/subscriptions/{cloud.environment['AZURE_SUBSCRIPTION_ID']}/resourceGroups/security"
    path = f"{group}/providers/Microsoft.OperationalInsights/workspaces/sentinel"
    with _signed_in(cloud), closing(_azure(cloud)) as azure:
        found = asyncio.run(azure.get(path, "2023-09-01", action="read the workspace", rate_limit=AzureRateLimit()))
        customer_id: str = found["properties"]["customerId"]
        return customer_id


def log_analytics(cloud: Emulators) -> None:
    """A query."""

    async def ask(azure: arm.Azure) -> None:
        await Logs(azure, AzureRateLimit()).query(
            CUSTOMER_ID, "AWSCloudTrail", 60, lambda rows: rows, action="query the logs"
        )

    with _signed_in(cloud), closing(_azure(cloud)) as azure:
        asyncio.run(ask(azure))


def _known(cloud: Emulators) -> object:
    url = os.environ["AZURE_CLOUD_ENVIRONMENT"]
    return arm.Cloud(url, url, f"{cloud.azure}/.default", url, known=False)


@contextmanager
def _signed_in(cloud: Emulators) -> Iterator[None]:
    """Have cloud and tokens from before."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(arm.Azure, "_find_cloud", return_value=_known(cloud)))
        token = mock.Mock(token="token", expires_on=int(time.time()) + 3600, token_type="Bearer", refresh_on=None)
        stack.enter_context(mock.patch.object(arm.Credential, "get_token_info", return_value=token))
        yield


AWS_PATHS: list[Work] = [hot_path, credential_chain]
AZURE_PATHS: list[Work] = [metadata, sign_in, resource_manager, log_analytics]
every_path = pytest.mark.parametrize("path", [*AWS_PATHS, *AZURE_PATHS])


def refused(path: Work, cloud: Emulators) -> SentinelError:
    """Return the error of a path, which is there soon."""
    began = time.monotonic()
    with pytest.raises(SentinelError) as caught:
        path(cloud)
    assert time.monotonic() - began < SOON
    assert "hush" not in str(caught.value)
    return caught.value


# --- proxies ---


class Proxy(ThreadingTCPServer):
    """Answers every request with one status."""

    daemon_threads = True

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.status = status
        self.asked = 0

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Answer(StreamRequestHandler):
    """One request."""

    def handle(self) -> None:
        assert isinstance(self.server, Proxy)
        while self.rfile.readline().strip():
            pass
        self.server.asked += 1
        self.wfile.write(f"HTTP/1.1 {self.server.status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())


@pytest.fixture
def proxy(request: pytest.FixtureRequest) -> Iterator[Proxy]:
    with Proxy(request.param) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@every_path
@pytest.mark.parametrize("proxy", [407], indirect=True)
def test_a_proxy_that_wants_a_password(
    here: Emulators, path: Work, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://jane:hush@{proxy.name}")
    error = refused(path, here)
    assert error.kind == "bad_input"
    assert f"the proxy {proxy.name} requires authentication (407)" in str(error)
    assert "HTTPS_PROXY" in str(error)
    assert "Run it again" not in str(error)
    # At once: botocore alone tries again by itself, as often as it is set to.
    assert proxy.asked <= (2 if path is credential_chain else 1)


@pytest.mark.parametrize("proxy", [407], indirect=True)
def test_a_proxy_that_wants_a_password_for_what_needs_no_tunnel(
    here: Emulators, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.name}")
    monkeypatch.setenv("http_proxy", f"http://{proxy.name}")
    with mock.patch.object(here, "azure", "http://sts.example"):
        error = refused(hot_path, here)
    assert (error.kind, proxy.asked) == ("bad_input", 1)
    assert "(407)" in str(error)


def host_of(path: Work) -> str:
    """Return what messages name; botocore's own errors name the proxy alone."""
    return "the service" if path is credential_chain else "localhost"


@every_path
@pytest.mark.parametrize("proxy", [403], indirect=True)
def test_a_proxy_that_refuses_the_service(
    here: Emulators, path: Work, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.name}")
    error = refused(path, here)
    assert error.kind == "bad_input"
    assert f"the proxy {proxy.name} refuses to connect to {host_of(path)} (403)" in str(error)


@every_path
@pytest.mark.parametrize("proxy", [502], indirect=True)
def test_a_proxy_that_cannot_reach_the_service(
    here: Emulators, path: Work, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.name}")
    error = refused(path, here)
    assert error.kind == "transient"
    assert f"the proxy {proxy.name} cannot connect to {host_of(path)} (502)" in str(error)
    assert proxy.asked > 1, "it may be for the moment"


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@every_path
@pytest.mark.parametrize("host", ["127.0.0.1", "proxy.invalid"])
def test_a_proxy_that_is_not_there(here: Emulators, path: Work, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{host}:{closed_port()}"
    monkeypatch.setenv("HTTPS_PROXY", f"http://jane:hush@{name}")
    error = refused(path, here)
    assert error.kind == "transient"
    assert f"the proxy {name} cannot be reached" in str(error)
    assert "Correct HTTPS_PROXY" in str(error)


@every_path
@pytest.mark.parametrize("url", ["gopher://jane:hush@proxy.example:70", "http://jane:hush@[::1:3128"])
def test_an_address_of_a_proxy_that_is_none(
    here: Emulators, path: Work, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    error = refused(path, here)
    # botocore takes what it does not know for the name of a host.
    assert error.kind == "bad_input" or (url.startswith("gopher") and path in AWS_PATHS)
    assert "Correct HTTPS_PROXY" in str(error)


# --- names ---


@every_path
def test_a_service_whose_name_does_not_exist(here: Emulators, path: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLOUD_ENVIRONMENT", "https://service.invalid")
    with mock.patch.object(here, "azure", "https://service.invalid"):
        error = refused(path, here)
    assert error.kind == "transient"
    assert "service.invalid cannot be resolved" in str(error)
    assert "Run it again" not in str(error)


def test_what_answered_before_is_waited_for_as_long_as_ever(here: Emulators) -> None:
    fault = network_errors.unresolved("sts.example")

    async def ask() -> None:
        with closing(Aws(AwsCredentials())) as aws:
            sts, lost = aws.service("sts"), service.RequestLostError(6, "", fault)
            assert sts._retry_seconds(lost) == service.BRIEF
            await aws.identity()
            assert sts._retry_seconds(lost) == service.AWS_RETRY_SECONDS
            assert aws.service("iam")._retry_seconds(lost) == service.BRIEF

    asyncio.run(ask())


# --- certificates ---


class Tls(ThreadingTCPServer):
    """Shows a certificate, and that is all."""

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
        """Whoever does not trust it says so and goes."""

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server_address[1]}"


def certificate(name: str = "localhost", since: int = -1, until: int = 1) -> bytes:
    """Return a certificate that signed itself, with its key; `since` and `until` are days from now."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject, now = x509.Name.from_rfc4514_string(f"CN={name}"), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now + timedelta(days=since))
        .not_valid_after(now + timedelta(days=until))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.public_bytes(Encoding.PEM) + private


@every_path
def test_a_certificate_of_an_unknown_authority(here: Emulators, path: Work, bundle: str) -> None:
    error = refused(path, here)
    assert error.kind == "bad_input"
    for word in ("localhost", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "aws_ca_bundle"):
        assert word in str(error)
    assert "Run it again" not in str(error)
    assert here.requests() == []


@every_path
@pytest.mark.parametrize(
    ("made", "reason", "advice"),
    [
        ({"since": -3, "until": -1}, "has expired", "renewed"),
        ({"since": 1, "until": 3}, "not yet valid", "clock"),
        ({"name": "other.example"}, "match", "Correct the address"),
    ],
    ids=["expired", "of the future", "of another host"],
)
def test_a_certificate_that_does_not_hold(
    here: Emulators,
    path: Work,
    made: dict[str, object],
    reason: str,
    advice: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    pem = tmp_path / "made.pem"
    pem.write_bytes(certificate(**made))  # type: ignore[arg-type]
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(pem))
    with Tls(pem) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("AZURE_CLOUD_ENVIRONMENT", server.url)
        with mock.patch.object(here, "azure", server.url):
            error = refused(path, here)
        server.shutdown()
    assert error.kind == "bad_input"
    assert reason in str(error)
    assert advice in str(error)


@every_path
def test_a_service_without_tls(here: Emulators, path: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    url = here.aws.replace("http://", "https://")
    monkeypatch.setenv("AZURE_CLOUD_ENVIRONMENT", url)
    with mock.patch.object(here, "azure", url):
        error = refused(path, here)
    assert error.kind == "transient"
    assert "does not use TLS" in str(error)


# --- the certificates to trust ---

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
    ("path", "name"),
    [
        (hot_path, "AWS_CA_BUNDLE"),
        (hot_path, "REQUESTS_CA_BUNDLE"),
        (credential_chain, "AWS_CA_BUNDLE"),
        (metadata, "REQUESTS_CA_BUNDLE"),
        (metadata, "CURL_CA_BUNDLE"),
    ],
)
def test_certificates_to_trust_that_are_none(
    here: Emulators,
    bundle: str,
    path: Work,
    name: str,
    make: Callable[[Path], object],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    make(tmp_path / "trusted")
    monkeypatch.setenv(name, str(tmp_path / "trusted"))
    error = refused(path, here)
    assert error.kind == "bad_input"
    assert f"{tmp_path / 'trusted'} ({name}) " in str(error)
    assert here.requests() == []


def test_certificates_to_trust_of_the_option(here: Emulators, bundle: str) -> None:
    error = refused(lambda cloud: hot_path(cloud, aws_ca_bundle="/no/such/file"), here)
    assert (error.kind, "/no/such/file (aws_ca_bundle) " in str(error)) == ("bad_input", True)


def trusted(path: Work, cloud: Emulators, **given: object) -> bool:
    """Whether the certificate is trusted; the emulator of Azure answers AWS with an error."""
    with suppress(SentinelError):
        path(cloud, **given)  # type: ignore[call-arg]
    return bool(cloud.requests())


@pytest.fixture(params=["a file", "a folder", "a file in the home folder", "by a variable"])
def place(bundle: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the authority of the emulators is, as people write it."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    shutil.copy(bundle, folder / "ours.pem")
    if request.param == "a folder":
        command = ["openssl", "x509", "-hash", "-noout", "-in", bundle]
        hashed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        (folder / f"{hashed}.0").symlink_to("ours.pem")
    monkeypatch.setenv("OURS", str(folder))
    return {
        "a file": str(folder / "ours.pem"),
        "a folder": str(folder),
        "a file in the home folder": "~/certificates/ours.pem",
        "by a variable": "$OURS/ours.pem",
    }[request.param]


@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "aws_ca_bundle"])
@pytest.mark.parametrize("path", AWS_PATHS)
def test_certificates_that_aws_is_trusted_by(
    here: Emulators, place: str, path: Work, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name.isupper():
        monkeypatch.setenv(name, place)
    assert trusted(path, here, **({} if name.isupper() else {name: place}))


@pytest.mark.parametrize("path", [metadata, sign_in, resource_manager])
def test_certificates_that_azure_is_trusted_by(
    here: Emulators, place: str, path: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", place)
    assert trusted(path, here)


@pytest.mark.parametrize("path", AWS_PATHS)
def test_aws_is_trusted_without_certificates_where_that_is_wanted(here: Emulators, bundle: str, path: Work) -> None:
    assert trusted(path, here, validate_certs=False)


def test_files_of_a_folder_are_gone_when_all_is_closed(here: Emulators, place: str) -> None:
    async def look() -> str:
        with closing(Aws(AwsCredentials(aws_ca_bundle=place))) as aws:
            return aws._joined.name if aws._joined else ""

    made = asyncio.run(look())
    assert bool(made) is Path(place).is_dir()
    assert not made or not Path(made).exists()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://proxy.example:3128", "proxy.example:3128"),
        ("http://jane:p%40ss@proxy.example:3128/", "proxy.example:3128"),
        ("http://jane:p@ss@proxy.example", "proxy.example"),
        ("proxy.example:3128", "proxy.example:3128"),
    ],
)
def test_a_proxy_is_named_without_its_password(url: str, name: str) -> None:
    assert network.proxy_name(url) == name
