# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Entra ID: who we are there, and the tokens that say so."""

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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..model import validation
from ..model.credentials.cloud import Cloud
from ..model.credentials.credentials import AzureCredentials
from ..model.credentials.sign_in import CREDENTIAL_TYPES, CREDENTIALS_FILE, ENVIRONMENT, SignIn, choose_sign_in
from ..model.errors import SentinelError
from .network import FaultError, expanded, fault_of, refused

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from azure.core.pipeline.transport import RequestsTransport

CLI_SECONDS = 30
# As azure-identity: a token is renewed so long before its end, and no more often than that.
EARLY_SECONDS, AGAIN_SECONDS = 300, 30
_HTTP_STATUS = re.compile(r"HTTP (?:Error|status): (\d{3})")
_AADSTS = re.compile(r"AADSTS\d+: [^\"\\\r\n]+")
_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)

# It logs every error that it raises; ours are said once, and without a handler Python prints them.
logging.getLogger("azure.identity").addHandler(logging.NullHandler())


def find_way(options: AzureCredentials) -> SignIn:
    """Return how to sign in, by the options, the environment, the credentials file and whether `az` is there."""
    az = shutil.which("az") is not None
    return choose_sign_in(options, _environment(), _read_section, az=az)


def _environment() -> dict[str, Any]:
    """Return the options that the environment sets, as Ansible's own fallbacks convert them."""
    found: dict[str, Any] = {}
    for option, variables in ENVIRONMENT.items():
        if text := next(filter(None, map(os.environ.get, variables)), None):
            name = next(one for one in variables if os.environ.get(one))
            if option in validation.RULES and option != "disable_instance_discovery":
                validation.check("the environment", name, text, option)
            found[option] = expanded(text) if option.endswith("_path") else text
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
        raise _bad(f"the credentials file {path}", f"cannot be read: {error.strerror}") from error
    except (BadFile, UnicodeDecodeError):
        # Their text has lines of the file in it, and so perhaps a secret.
        raise _bad(f"the credentials file {path}", "is not in the INI format") from None
    if not needed and not parser.has_section(name):
        return {}
    if not parser.has_section(name):
        raise _bad(f"the credentials file {path}", f"has no section {name}")
    return dict(parser.items(name))


def _bad(what: str, why: str) -> SentinelError:
    return SentinelError("bad_input", f"Cannot sign in to Azure: {what} {why}.")


def _read(option: str, path: str) -> bytes:
    try:
        return Path(expanded(path)).read_bytes()
    except OSError as error:
        raise _bad(f"{option} {path}", f"cannot be read: {error.strerror}") from error


class Credential:
    """One identity for all threads; to azure-core it is a credential like any other.

    azure-identity asks once per thread when a token has expired, and does not keep tokens of the Azure CLI at all:
    so a lock, and the tokens by their scopes.
    """

    def __init__(self, sign_in: SignIn, cloud: Cloud, transport: RequestsTransport) -> None:
        self._sign_in = sign_in
        self._transport = _Watched(transport)
        self._credential = _credential(sign_in, cloud, self._transport)
        self._lock = threading.Lock()
        self._tokens: dict[tuple[str, ...], tuple[AccessTokenInfo, float]] = {}

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token that is good for a while; raises SentinelError."""
        with self._lock:
            known = self._tokens.get(scopes)
            if known and _good(*known) and not (options or {}).get("claims"):
                return known[0]
            token = self._ask(scopes, options)
            self._tokens[scopes] = token, time.time()
            return token

    def get_token(self, *scopes: str, claims: str | None = None, **_: Any) -> AccessToken:
        """Return the same to those who ask as one did before `get_token_info` was there."""
        from azure.core.credentials import AccessToken

        token = self.get_token_info(*scopes, options={"claims": claims} if claims else None)
        return AccessToken(token.token, token.expires_on)

    def _ask(self, scopes: tuple[str, ...], options: TokenRequestOptions | None) -> AccessTokenInfo:
        from azure.core.exceptions import AzureError

        try:
            token: AccessTokenInfo = self._credential.get_token_info(*scopes, options=options)
        except (AzureError, FaultError, ValueError) as error:
            raise _explained(error, self._sign_in, self._transport.status) from error
        return token


class _Watched:
    """The transport, and the status of the last answer that it brought: azure-identity's errors may not tell it."""

    def __init__(self, transport: RequestsTransport) -> None:
        self._transport = transport
        self.status = 0

    def send(self, request: Any, **more: Any) -> Any:
        """Send a request."""
        self.status = 0
        response = self._transport.send(request, **more)
        self.status = response.status_code
        return response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def _good(token: AccessTokenInfo, asked: float) -> bool:
    now = time.time()
    renewed = token.refresh_on or token.expires_on - EARLY_SECONDS
    return now < renewed or (now < token.expires_on and now < asked + AGAIN_SECONDS)


def _credential(sign_in: SignIn, cloud: Cloud, transport: _Watched) -> Any:
    """Return azure-identity's own credential of that way."""
    identity, found = _identity(), sign_in.credentials
    if sign_in.credential_type == "msi":
        # Without our transport: what runs on the machine itself is asked with shorter time-outs.
        verify = transport.connection_config.verify
        return identity.ManagedIdentityCredential(client_id=found.client_id, connection_verify=verify)
    if sign_in.credential_type == "cli":
        return identity.AzureCliCredential(tenant_id=found.tenant or "", process_timeout=CLI_SECONDS)
    authority, tenant = _authority(found, cloud)
    common: dict[str, Any] = {
        "tenant_id": tenant,
        "client_id": found.client_id,
        "authority": authority,
        "transport": transport,
    }
    if sign_in.credential_type in ("oidc_token", "oidc_token_file_path"):
        return identity.ClientAssertionCredential(func=_assertion(sign_in), **common)
    common["disable_instance_discovery"] = _undiscovered(found, cloud)
    if sign_in.credential_type == "secret":
        return identity.ClientSecretCredential(client_secret=found.secret, **common)
    return _certificate(found.x509_certificate_path or "", found.thumbprint, identity, common)


def _identity() -> Any:
    try:
        from azure import identity  # late, for its import takes long
    except ImportError as error:
        raise _bad("the Python package azure-identity", "is not installed") from error
    return identity


def _authority(found: AzureCredentials, cloud: Cloud) -> tuple[str, str]:
    """Return address and tenant; at AD FS the tenant is always called adfs, and its address may end in that."""
    authority = (found.adfs_authority_url or cloud.authority).rstrip("/")
    if authority.lower().endswith("/adfs"):
        return authority[: -len("/adfs")], "adfs"
    return authority, found.tenant or ""


def _undiscovered(found: AzureCredentials, cloud: Cloud) -> bool:
    """Tell whether the public cloud is left out, which knows no private authority."""
    if found.disable_instance_discovery is not None:
        return found.disable_instance_discovery
    return not cloud.predefined or found.adfs_authority_url is not None


def _assertion(sign_in: SignIn) -> Callable[[], str]:
    """Return what returns the federated token, read anew each time from a file: whoever wrote it renews it."""
    token, path = sign_in.credentials.oidc_token or "", sign_in.credentials.oidc_token_file_path or ""
    if sign_in.credential_type == "oidc_token":
        return token.strip
    _read("oidc_token_file_path", path)
    return lambda: _read("oidc_token_file_path", path).decode("utf-8", "replace").strip()


def _certificate(path: str, thumbprint: str | None, identity: Any, common: Mapping[str, Any]) -> Any:
    data = _read("x509_certificate_path", path)
    try:
        credential = identity.CertificateCredential(certificate_data=data, **common)
    except (ValueError, TypeError) as error:
        why = "does not hold a certificate and its RSA key, both in PEM and without a password"
        raise _bad(f"x509_certificate_path {path}", why) from error
    if thumbprint and thumbprint.replace(":", "").lower() != _thumbprint(data):
        raise _bad(f"thumbprint {thumbprint}", f"is not that of x509_certificate_path {path}")
    return credential


def _thumbprint(data: bytes) -> str:
    found = _CERTIFICATE.search(data.decode("ascii", "replace"))
    return hashlib.sha1(ssl.PEM_cert_to_DER_cert(found[0]), usedforsecurity=False).hexdigest() if found else ""


def _explained(error: Exception, sign_in: SignIn, status: int) -> SentinelError:
    """Return the error in our words: Entra's sentence, wherever in the chain it is, and never a secret."""
    if fault := fault_of(error):
        return refused(fault, f"sign in to Azure with {CREDENTIAL_TYPES[sign_in.credential_type]}")
    chain = list(_chain(error))
    told = next((found[0] for one in chain if (found := _AADSTS.search(str(one)))), str(error))
    told = next(filter(None, map(str.strip, told.splitlines())), "no reason given").rstrip(".")
    for hidden in filter(None, (sign_in.credentials.secret, sign_in.credentials.oidc_token, _token_in_file(sign_in))):
        told = told.replace(hidden, "***")
    return SentinelError(
        _kind(chain, status), f"Cannot sign in to Azure with {CREDENTIAL_TYPES[sign_in.credential_type]}: {told}."
    )


def _token_in_file(sign_in: SignIn) -> str:
    """Return the token that was sent from a file, so that nobody's answer shows it."""
    if sign_in.credential_type == "oidc_token_file_path":
        with suppress(SentinelError):
            return _assertion(sign_in)()
    return ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _kind(chain: list[BaseException], status: int) -> str:
    from azure.core.exceptions import ServiceRequestError, ServiceResponseError

    if isinstance(chain[0], _identity().CredentialUnavailableError):
        return "azure_denied"
    status = _told_status(chain) or status
    lost = any(isinstance(one, ServiceRequestError | ServiceResponseError) for one in chain)
    return "throttled" if status == 429 else "transient" if lost or status >= 500 else "azure_denied"


def _told_status(chain: list[BaseException]) -> int:
    """Return the HTTP status that the errors tell; MSAL tells it only in words."""
    told = next((found[1] for one in chain if (found := _HTTP_STATUS.search(str(one)))), 0)
    return getattr(chain[0], "status_code", None) or int(told)
