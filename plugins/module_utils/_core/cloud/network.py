# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that reads the network settings of this machine: proxies and CA bundles, and errors they cause."""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.request import getproxies

from ..model import network_errors
from ..model.errors import SentinelError, cannot
from ..model.network_errors import Fault

_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
_HOST_IN_TEXT = re.compile(r"host='([^']+)'|Failed to resolve '([^']+)'|https?://([^/:\s'\"]+)")
# File names of a certificate directory of OpenSSL: hashes of the subjects ("openssl-rehash").
_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
# Class names of requests and urllib3, which may not be installed.
_UNUSABLE_PROXY_ERRORS = {"InvalidProxyURL", "InvalidSchema", "InvalidURL", "LocationParseError", "ProxySchemeUnknown"}
_UNCONNECTED_ERRORS = {"ConnectTimeoutError", "EndpointConnectionError", "NewConnectionError"}
_NOT_TLS_REASONS = {
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "RECORD_LAYER_FAILURE",
    "PACKET_LENGTH_TOO_LONG",
}


class FaultError(Exception):
    """A lasting problem with the connection: a retry cannot succeed."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.cause)
        self.fault = fault


class RequestLostError(Exception):
    """The request or its response was lost; if it was `sent`, the service may have processed it.

    `fault` is the problem with the connection, if known; a retry can succeed if the error is `retryable`. Without a
    fault, `unconnected` is the address to which no connection was established.
    """

    def __init__(
        self,
        message: str,
        fault: Fault | None = None,
        *,
        retryable: bool = True,
        sent: bool = True,
        unconnected: str = "",
    ) -> None:
        super().__init__(fault.cause if fault else message)
        self.unconnected = unconnected
        self.fault = fault
        self.retryable = retryable and not (fault and fault.permanent)
        self.sent = sent


def connection_error(fault: Fault, action: str) -> SentinelError:
    """Return the SentinelError for a problem with the connection: "Cannot <action>: <cause>. <advice>"."""
    return cannot(fault.kind, action, fault.cause, advice=fault.advice)


def expand_path(path: str) -> str:
    """Return a path with home directory and environment variables expanded, as Ansible's type `path` does."""
    return os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111 pathlib would normalize the path


def proxy_name(url: str | None = None, scheme: str = "https") -> str:
    """Return host and port of a proxy URL, by default that of the environment, without credentials."""
    proxies = getproxies()
    text = url or proxies.get(scheme) or proxies.get("all") or ""
    name = (text.rpartition("//")[2] or text).rpartition("@")[2].strip("/")
    return name or "of this machine"


def find_fault(error: BaseException, service: str = "the service") -> Fault | None:
    """Return the problem with the connection by an error of requests, urllib3, botocore or azure-core, else None.

    `service` is the host that is named if the error does not.
    """
    chain = list(_error_chain(error))
    raised = next((one.fault for one in chain if isinstance(one, FaultError)), None)
    host, proxied = _host_of(chain) or service, any("Proxy" in type(one).__name__ for one in chain)
    faults = (_fault_of_error(one, host, proxied=proxied) for one in reversed(chain))
    fallback = network_errors.proxy_unreachable(proxy_name(), _reason_of(chain[-1])) if proxied else None
    return raised or next(filter(None, faults), fallback)


def find_unreachable(error: BaseException) -> Fault | None:
    """Return the fault of an error that a connection was not established for no other known reason, else None."""
    if isinstance(error, RequestLostError) and error.unconnected:
        return network_errors.unreachable(error.unconnected, str(error))
    chain = list(_error_chain(error))
    if not any(type(one).__name__ in _UNCONNECTED_ERRORS for one in chain):
        return None
    return network_errors.unreachable(_host_of(chain) or "the service", _reason_of(chain[-1]))


def _fault_of_error(error: BaseException, host: str, *, proxied: bool) -> Fault | None:
    if fault := _tls_fault(error, proxy_name() if proxied else host):
        return fault
    if isinstance(error, socket.gaierror):
        unresolved_proxy = network_errors.proxy_unreachable(proxy_name(), "its name cannot be resolved")
        return unresolved_proxy if proxied else network_errors.unresolved(host)
    if found := _TUNNEL.search(str(error)):
        return network_errors.proxy_refusal(proxy_name(), host, int(found[1]))
    unusable = type(error).__name__ in _UNUSABLE_PROXY_ERRORS or str(error) == "Invalid IPv6 URL"
    return network_errors.proxy_unusable(proxy_name()) if unusable else None


def _tls_fault(error: BaseException, peer: str) -> Fault | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return network_errors.untrusted(peer, error.verify_message)
    if type(error).__name__ == "CertificateError":
        return network_errors.untrusted(peer, str(error))
    if isinstance(error, ssl.SSLError) and error.reason in _NOT_TLS_REASONS:
        return network_errors.no_tls(peer)
    return None


def _error_chain(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        # azure-core sets no __cause__ on its errors.
        error = error.__cause__ or error.__context__ or getattr(error, "inner_exception", None)


def _host_of(chain: list[BaseException]) -> str:
    # botocore's ProxyConnectionError names only the proxy.
    texts = [str(one) for one in reversed(chain) if type(one).__name__ != "ProxyConnectionError"]
    found = next((match for text in texts if (match := _HOST_IN_TEXT.search(text))), None)
    return next(filter(None, found.groups()), "") if found else ""


def _reason_of(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "it does not respond"


def check_bundle(path: str, source: str) -> str:
    """Return the path of a CA bundle or directory, expanded and checked; raises bad_input.

    `source` is the option or variable that it comes from. In a directory only hashed names count, as in OpenSSL.
    """
    return load_bundle(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), path, source)


def load_bundle(context: ssl.SSLContext, path: str, source: str) -> str:
    """Load a CA bundle or directory, and return its path, expanded; raises bad_input (see `check_bundle`)."""
    written, path = path, expand_path(path)
    try:
        why = _folder_problem(context, Path(path)) if Path(path).is_dir() else _file_problem(context, path)
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
    if why:
        # An expanded variable may be a secret, and so may a value that is not a path.
        shown = written if "/" in written else "the file"
        raise connection_error(network_errors.bad_bundle(shown, source, why), "check certificates")
    return path


def _file_problem(context: ssl.SSLContext, path: str) -> str:
    with Path(path).open("rb"):
        try:
            context.load_verify_locations(path)
        except ssl.SSLError:
            return "contains no certificate in PEM format"
    return ""


def _folder_problem(context: ssl.SSLContext, folder: Path) -> str:
    context.load_verify_locations(capath=folder)
    hashed = any(_HASHED.fullmatch(path.name) for path in folder.iterdir())
    return "" if hashed else f"is a directory without hashed certificates (run `openssl rehash {folder}`)"


def join_certificates(folder: str) -> str:
    """Return the concatenated PEM text of all hashed certificates of a directory."""
    paths = sorted(path for path in Path(folder).iterdir() if _HASHED.fullmatch(path.name))
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in paths)
