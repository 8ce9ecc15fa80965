# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Entra ID: the credential to sign in with, and its tokens."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from configparser import Error as BadFile
from configparser import RawConfigParser
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..model import validation
from ..model.credentials.cloud import Cloud
from ..model.credentials.credentials import AzureCredentials
from ..model.credentials.sign_in import CREDENTIAL_TYPES, CREDENTIALS_FILE, ENVIRONMENT, SignIn, choose_sign_in
from ..model.errors import SentinelError
from . import known_secrets, packages, request_log
from .network import FaultError, connection_error, expand_path, find_fault
from .response import called_by_sdk

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from azure.core.pipeline.transport import RequestsTransport

CLI_TIMEOUT_SECONDS = 30
# As in azure-identity: how long before its expiry a token is renewed, and how long until a failed renewal is retried.
REFRESH_BEFORE_SECONDS, REFRESH_RETRY_SECONDS = 300, 30
_HTTP_STATUS = re.compile(r"HTTP (?:Error|status): (\d{3})")
_AADSTS = re.compile(r"AADSTS\d+: [^\"\\\r\n]+")
# Unknown tenant, or unknown or disabled application: with every secret ("Microsoft Entra authentication error codes").
_WITH_ANY_SECRET = ("AADSTS90002:", "AADSTS900023:", "AADSTS700016:", "AADSTS7000112:")
_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)

# azure-identity logs every error that it raises, which Python prints on stderr if there is no handler.
logging.getLogger("azure.identity").addHandler(logging.NullHandler())


def find_sign_in(options: AzureCredentials) -> SignIn:
    """Return how to sign in: from options, environment, credentials file and whether the Azure CLI is installed."""
    az = shutil.which("az") is not None
    known_secrets.add(options.secret, options.oidc_token, *options.other_secrets)
    sign_in = choose_sign_in(options, _read_environment(), _read_section, az=az)
    known_secrets.add(sign_in.credentials.secret, sign_in.credentials.oidc_token)
    return sign_in


def _read_environment() -> dict[str, Any]:
    """Return the options set by environment variables, converted as by Ansible's env fallbacks."""
    found: dict[str, Any] = {}
    for option, variables in ENVIRONMENT.items():
        if text := next(filter(None, map(os.environ.get, variables)), None):
            name = next(one for one in variables if os.environ.get(one))
            if option in validation.RULES and option != "disable_instance_discovery":
                validation.check("the environment", name, text, option)
            found[option] = expand_path(text) if option.endswith("_path") else text
    if text := found.get("disable_instance_discovery"):
        found["disable_instance_discovery"] = RawConfigParser.BOOLEAN_STATES.get(text.lower(), text)
    return found


def _read_section(name: str, needed: bool) -> Mapping[str, str]:
    path, parser = Path(CREDENTIALS_FILE).expanduser(), RawConfigParser()
    if not needed and not path.exists():
        return {}
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _sign_in_problem(f"the credentials file {path}", f"cannot be read: {error.strerror}") from error
    except (BadFile, UnicodeDecodeError):
        # No cause: its text quotes lines of the file, which may contain a secret.
        raise _sign_in_problem(f"the credentials file {path}", "is not in the INI format") from None
    if not needed and not parser.has_section(name):
        return {}
    if not parser.has_section(name):
        raise _sign_in_problem(f"the credentials file {path}", f"has no section {name}")
    return dict(parser.items(name))


def _sign_in_problem(what: str, why: str) -> SentinelError:
    return SentinelError("bad_input", f"Cannot sign in to Azure: {what} {why}.")


def _read_option_file(option: str, path: str) -> bytes:
    try:
        return Path(expand_path(path)).read_bytes()
    except OSError as error:
        raise _sign_in_problem(f"{option} {path}", f"cannot be read: {error.strerror}") from error


class Credential:
    """A thread-safe TokenCredential (azure-core) with a token cache.

    azure-identity requests an expired token once per thread, and does not cache tokens of the Azure CLI at all. Of
    several secrets the first that Entra ID accepts is used.
    """

    def __init__(self, sign_in: SignIn, cloud: Cloud, transport: RequestsTransport) -> None:
        self._transport = _StatusRecorder(transport)
        self._create = partial(_credential, cloud=cloud, transport=self._transport)
        self._attempts = sign_in.attempts()
        self._sign_in = next(self._attempts)
        self._credential = self._create(self._sign_in)
        self._lock = threading.Lock()
        self._tokens: dict[tuple[str, ...], tuple[AccessTokenInfo, float]] = {}

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token that does not expire soon; raises SentinelError."""
        with called_by_sdk(), self._lock:
            cached = self._tokens.get(scopes)
            if cached and _is_fresh(*cached) and not (options or {}).get("claims"):
                return cached[0]
            token = self._request_token(scopes, options)
            self._tokens[scopes] = token, time.time()
            known_secrets.add(token.token)
            return token

    def get_token(self, *scopes: str, claims: str | None = None, **_: Any) -> AccessToken:
        """Return the same token, for callers that use the older protocol of azure-core."""
        from azure.core.credentials import AccessToken

        token = self.get_token_info(*scopes, options={"claims": claims} if claims else None)
        return AccessToken(token.token, token.expires_on)

    def _request_token(self, scopes: tuple[str, ...], options: TokenRequestOptions | None) -> AccessTokenInfo:
        """Return a token with the current secret, or with the first of the next ones that is accepted."""
        first: SentinelError | None = None
        while True:
            try:
                return self._request(scopes, options)
            except SentinelError as error:
                first = first or error
                other = next(self._attempts, None) if _depends_on_secret(error) else None
                if other is None:
                    raise first from first.__cause__
            self._sign_in, self._credential = other, self._create(other)

    def _request(self, scopes: tuple[str, ...], options: TokenRequestOptions | None) -> AccessTokenInfo:
        from azure.core.exceptions import AzureError

        try:
            token: AccessTokenInfo = self._credential.get_token_info(*scopes, options=options)
        except (AzureError, FaultError, ValueError) as error:
            raise _sign_in_error(error, self._sign_in, self._transport.status) from error
        return token


def _depends_on_secret(error: SentinelError) -> bool:
    """Whether Entra ID refused the sign-in, and may accept another secret."""
    return error.kind == "azure_denied" and not any(code in str(error) for code in _WITH_ANY_SECRET)


class _StatusRecorder:
    """A transport that records the status of the last response: errors of azure-identity may not contain it."""

    def __init__(self, transport: RequestsTransport) -> None:
        self._transport = transport
        self.status = 0

    def send(self, request: Any, **more: Any) -> Any:
        """Send a request."""
        self.status, start = 0, time.monotonic()
        response = self._transport.send(request, **more)
        self.status = response.status_code
        what = f"sign in at {urlsplit(request.url).hostname}"
        request_log.azure(what, self.status, response.headers, time.monotonic() - start)
        return response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def _is_fresh(token: AccessTokenInfo, requested: float) -> bool:
    now = time.time()
    refresh = token.refresh_on or token.expires_on - REFRESH_BEFORE_SECONDS
    return now < refresh or (now < token.expires_on and now < requested + REFRESH_RETRY_SECONDS)


def _credential(sign_in: SignIn, cloud: Cloud, transport: _StatusRecorder) -> Any:
    """Return the credential of azure-identity for that credential type."""
    identity, found = _azure_identity(), sign_in.credentials
    if sign_in.credential_type == "msi":
        # Not on our transport: the endpoint is on this machine and needs shorter timeouts.
        verify = transport.connection_config.verify
        return identity.ManagedIdentityCredential(client_id=found.client_id, connection_verify=verify)
    if sign_in.credential_type == "cli":
        return identity.AzureCliCredential(tenant_id=found.tenant or "", process_timeout=CLI_TIMEOUT_SECONDS)
    authority, tenant = _authority(found, cloud)
    common: dict[str, Any] = {
        "tenant_id": tenant,
        "client_id": found.client_id,
        "authority": authority,
        "transport": transport,
    }
    if sign_in.credential_type in ("oidc_token", "oidc_token_file_path"):
        return identity.ClientAssertionCredential(func=_token_reader(sign_in), **common)
    common["disable_instance_discovery"] = _disable_discovery(found, cloud)
    if sign_in.credential_type == "secret":
        return identity.ClientSecretCredential(client_secret=found.secret, **common)
    return _certificate(found.x509_certificate_path or "", found.thumbprint, identity, common)


def _azure_identity() -> Any:
    try:
        from azure import identity  # late: slow to import
    except ImportError as error:
        raise packages.missing_packages("sign in to Azure") from error
    return identity


def _authority(found: AzureCredentials, cloud: Cloud) -> tuple[str, str]:
    """Return authority and tenant. For AD FS the tenant is "adfs", and the authority may end with that."""
    authority = (found.adfs_authority_url or cloud.authority).rstrip("/")
    if authority.lower().endswith("/adfs"):
        return authority[: -len("/adfs")], "adfs"
    return authority, found.tenant or ""


def _disable_discovery(found: AzureCredentials, cloud: Cloud) -> bool:
    """Return whether to skip instance discovery: the public cloud does not list private authorities."""
    if found.disable_instance_discovery is not None:
        return found.disable_instance_discovery
    return not cloud.predefined or found.adfs_authority_url is not None


def _token_reader(sign_in: SignIn) -> Callable[[], str]:
    """Return a function that returns the federated token; a file is read each time, because its token is renewed."""
    token, path = sign_in.credentials.oidc_token or "", sign_in.credentials.oidc_token_file_path or ""
    if sign_in.credential_type == "oidc_token":
        return token.strip
    _read_option_file("oidc_token_file_path", path)

    def read() -> str:
        found = _read_option_file("oidc_token_file_path", path).decode("utf-8", "replace").strip()
        known_secrets.add(found)
        return found

    return read


def _certificate(path: str, thumbprint: str | None, identity: Any, common: Mapping[str, Any]) -> Any:
    data = _read_option_file("x509_certificate_path", path)
    known_secrets.add(*(line for line in data.decode("utf-8", "replace").splitlines() if not line.startswith("-----")))
    try:
        credential = identity.CertificateCredential(certificate_data=data, **common)
    except (ValueError, TypeError) as error:
        why = "does not contain a certificate and its RSA key, both in PEM format and without password"
        raise _sign_in_problem(f"x509_certificate_path {path}", why) from error
    if thumbprint and thumbprint.replace(":", "").lower() != _thumbprint(data):
        raise _sign_in_problem(f"thumbprint {thumbprint}", f"does not match x509_certificate_path {path}")
    return credential


def _thumbprint(data: bytes) -> str:
    found = _CERTIFICATE.search(data.decode("ascii", "replace"))
    return hashlib.sha1(ssl.PEM_cert_to_DER_cert(found[0]), usedforsecurity=False).hexdigest() if found else ""


def _sign_in_error(error: Exception, sign_in: SignIn, status: int) -> SentinelError:
    """Return the error with the AADSTS message found in the chain of causes; secrets are masked."""
    if fault := find_fault(error):
        return connection_error(fault, f"sign in to Azure with {CREDENTIAL_TYPES[sign_in.credential_type]}")
    chain = list(_causes(error))
    message = next((found[0] for one in chain if (found := _AADSTS.search(str(one)))), str(error))
    message = next(filter(None, map(str.strip, message.splitlines())), "no reason given").rstrip(".")
    for secret in filter(None, (sign_in.credentials.secret, sign_in.credentials.oidc_token, _token_in_file(sign_in))):
        message = message.replace(secret, "***")
    kind = _sign_in_error_kind(chain, status)
    return SentinelError(kind, f"Cannot sign in to Azure with {CREDENTIAL_TYPES[sign_in.credential_type]}: {message}.")


def _token_in_file(sign_in: SignIn) -> str:
    """Return the federated token that was read from a file, to mask it in error messages."""
    if sign_in.credential_type == "oidc_token_file_path":
        with suppress(SentinelError):
            return _token_reader(sign_in)()
    return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _sign_in_error_kind(chain: list[BaseException], status: int) -> str:
    from azure.core.exceptions import ServiceRequestError, ServiceResponseError

    if isinstance(chain[0], _azure_identity().CredentialUnavailableError):
        return "azure_denied"
    status = _status_of(chain) or status
    lost = any(isinstance(one, ServiceRequestError | ServiceResponseError) for one in chain)
    return "throttled" if status == 429 else "transient" if lost or status >= 500 else "azure_denied"


def _status_of(chain: list[BaseException]) -> int:
    """Return the HTTP status of the error, else the one in the text of an MSAL error, 0 if unknown."""
    text = next((found[1] for one in chain if (found := _HTTP_STATUS.search(str(one)))), 0)
    return getattr(chain[0], "status_code", None) or int(text)
