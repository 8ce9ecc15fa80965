# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network errors (proxy, TLS certificate, name resolution): the class, cause and advice of each. Pure.

Sources: RFC 9110, 9.3.6 and 15.5.8 (proxies); "openssl-verification-options" (reasons of a certificate).
"""

from __future__ import annotations

from typing import NamedTuple

# For how many seconds a service that never answered is retried: long enough for a name server or proxy to restart, and
# short enough to report a wrong setting soon.
UNREACHABLE_TIMEOUT = 10.0
_BUNDLES = (
    "Provide a file with the certificate authorities of this network: REQUESTS_CA_BUNDLE for AWS and Azure, or "
    "AWS_CA_BUNDLE or the option aws_ca_bundle for AWS alone."
)
_PROXY = "HTTPS_PROXY and NO_PROXY"


class Fault(NamedTuple):
    """Why a connection failed; `permanent` if a retry cannot succeed."""

    kind: str
    cause: str
    advice: str
    permanent: bool


def proxy_refusal(proxy: str, host: str, status: int) -> Fault:
    """Return the fault for a proxy that answers with this HTTP status instead of connecting to the host."""
    if status == 407:
        return Fault(
            "bad_input",
            f"the proxy {proxy} requires authentication (407)",
            "Set user name and password in HTTPS_PROXY (http://user:password@host:port), or exempt the service from "
            "the proxy with NO_PROXY.",
            permanent=True,
        )
    if 400 <= status < 500 and status not in (408, 429):
        return Fault(
            "bad_input",
            f"the proxy {proxy} refuses to connect to {host} ({status})",
            f"Allow {host} on the proxy, or correct {_PROXY}.",
            permanent=True,
        )
    return Fault(
        "transient",
        f"the proxy {proxy} cannot connect to {host} ({status})",
        f"Check the proxy, {_PROXY} and the name {host}, then run it again.",
        permanent=False,
    )


def proxy_unreachable(proxy: str, reason: str) -> Fault:
    """Return the fault for a proxy that cannot be reached or whose name cannot be resolved."""
    return Fault(
        "transient",
        f"the proxy {proxy} cannot be reached: {reason}",
        f"Correct {_PROXY}, or run it again when the proxy is available.",
        permanent=False,
    )


def proxy_unusable(proxy: str) -> Fault:
    """Return the fault for an invalid or unsupported proxy address."""
    return Fault(
        "bad_input",
        f"the address of the proxy {proxy} is invalid or not supported",
        f"Correct {_PROXY}.",
        permanent=True,
    )


def unresolved(host: str) -> Fault:
    """Return the fault for a host name that cannot be resolved."""
    return Fault(
        "transient",
        f"the host name {host} cannot be resolved",
        "Check the address (Region, endpoint_url, cloud_environment, adfs_authority_url) and the name servers of this "
        "machine, then run it again. Behind a proxy, set HTTPS_PROXY.",
        permanent=False,
    )


def unreachable(host: str, reason: str) -> Fault:
    """Return the fault for a service to which no connection can be established."""
    return Fault(
        "transient",
        f"{host} cannot be reached: {reason.strip().rstrip('.')}",
        f"Check the network of this machine (firewall, proxy in {_PROXY}), then run it again.",
        permanent=False,
    )


def no_tls(host: str) -> Fault:
    """Return the fault for an address where something other than a TLS server answers."""
    return Fault(
        "transient",
        f"the server that answers for {host} does not use TLS",
        f"Check the address of the service, {_PROXY}, then run it again.",
        permanent=False,
    )


def untrusted(host: str, reason: str) -> Fault:
    """Return the fault for a certificate that is not accepted, with the reason that OpenSSL gives."""
    reason = reason.strip().rstrip(".")
    return Fault(
        "untrusted_certificate",
        f"SSL certificate verify failed for {host}: {reason}",
        _certificate_advice(reason.lower()),
        permanent=True,
    )


def _certificate_advice(reason: str) -> str:
    if "expired" in reason:
        return (
            "Ask the operator of this address, or of a proxy that inspects TLS, to renew it. Check the clock as well."
        )
    if "not yet valid" in reason:
        return "Synchronize the clock of this machine (NTP)."
    if "mismatch" in reason or "match" in reason:
        return f"Correct the address: the certificate is for another host name. Check {_PROXY} as well."
    return _BUNDLES


def bad_bundle(path: str, source: str, reason: str) -> Fault:
    """Return the fault for an unusable file or directory of CA certificates; `source` is the setting that names it."""
    return Fault(
        "bad_input",
        f"{path} ({source}) {reason}",
        f"Correct or unset {source}. {_BUNDLES}",
        permanent=True,
    )
