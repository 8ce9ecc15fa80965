# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to the network settings of this machine: proxies, certificates to trust, what they break."""

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
_HOST = re.compile(r"host='([^']+)'|Failed to resolve '([^']+)'|https?://([^/:\s'\"]+)")
# How OpenSSL names the files of a folder: by the hash of the subject ("openssl-rehash").
_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
# Of requests and urllib3, which need not be installed here.
_UNUSABLE = {"InvalidProxyURL", "InvalidSchema", "InvalidURL", "LocationParseError", "ProxySchemeUnknown"}
_NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}


class FaultError(Exception):
    """A connection that another try cannot make."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.cause)
        self.fault = fault


def refused(fault: Fault, what: str) -> SentinelError:
    """Return the fault as our error: "Cannot <what>: <cause>. <advice>"."""
    return cannot(fault.kind, what, fault.cause, advice=fault.advice)


def expanded(path: str) -> str:
    """Return a path as Ansible's own type `path` does, with the home folder and variables of the environment."""
    return os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111 pathlib would spell the path anew


def proxy_name(url: str | None = None, scheme: str = "https") -> str:
    """Return host and port of a proxy, by default that of the environment, without its password."""
    known = getproxies()
    text = url or known.get(scheme) or known.get("all") or ""
    name = (text.rpartition("//")[2] or text).rpartition("@")[2].strip("/")
    return name or "of this machine"


def fault_of(error: BaseException) -> Fault | None:
    """Return what is wrong with the connection, by an error of requests, urllib3, botocore or azure-core; else None."""
    chain = list(_chain(error))
    known = next((one.fault for one in chain if isinstance(one, FaultError)), None)
    host, proxied = _host(chain), any("Proxy" in type(one).__name__ for one in chain)
    faults = (_fault(one, host, proxied=proxied) for one in reversed(chain))
    fallback = network_errors.proxy_unreachable(proxy_name(), _reason(chain[-1])) if proxied else None
    return known or next(filter(None, faults), fallback)


def _fault(error: BaseException, host: str, *, proxied: bool) -> Fault | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return network_errors.untrusted(proxy_name() if proxied else host, error.verify_message)
    if type(error).__name__ == "CertificateError":
        return network_errors.untrusted(proxy_name() if proxied else host, str(error))
    if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
        return network_errors.no_tls(proxy_name() if proxied else host)
    if isinstance(error, socket.gaierror):
        unknown = network_errors.proxy_unreachable(proxy_name(), "its name cannot be resolved")
        return unknown if proxied else network_errors.unresolved(host)
    if found := _TUNNEL.search(str(error)):
        return network_errors.proxy_refusal(proxy_name(), host, int(found[1]))
    unusable = type(error).__name__ in _UNUSABLE or str(error) == "Invalid IPv6 URL"
    return network_errors.proxy_unusable(proxy_name()) if unusable else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        # azure-core raises its errors outside of the `except` in which it caught their cause.
        error = error.__cause__ or error.__context__ or getattr(error, "inner_exception", None)


def _host(chain: list[BaseException]) -> str:
    # What botocore raises of a proxy names that alone.
    texts = [str(one) for one in reversed(chain) if type(one).__name__ != "ProxyConnectionError"]
    found = next((match for text in texts if (match := _HOST.search(text))), None)
    return next(filter(None, found.groups()), "") if found else "the service"


def _reason(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "it does not answer"


def certificates(path: str, source: str) -> str:
    """Return a file or folder of certificates that can be used; raises bad_input. `source` is where it was given.

    In a folder only those files count that OpenSSL finds there, by the hashes of their subjects.
    """
    written, path = path, expanded(path)
    try:
        why = _unusable_folder(Path(path)) if Path(path).is_dir() else _unusable_file(path)
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
    if why:
        # A variable of the environment in the path may be a secret, and so may what is no path at all.
        shown = written if "/" in written else "the file"
        raise refused(network_errors.bad_bundle(shown, source, why), "check certificates")
    return path


def _unusable_file(path: str) -> str:
    with Path(path).open("rb"):
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except ssl.SSLError:
            return "holds no certificate in PEM"
    return ""


def _unusable_folder(folder: Path) -> str:
    hashed = any(_HASHED.fullmatch(one.name) for one in folder.iterdir())
    return "" if hashed else f"is a folder without hashed certificates, which `openssl rehash {folder}` makes"


def joined(folder: str) -> str:
    """Return the text of all certificates of a folder, for those who only read a file."""
    paths = sorted(one for one in Path(folder).iterdir() if _HASHED.fullmatch(one.name))
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in paths)
