# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps this machine from a service (proxy, certificate, name): class, cause and what to do about each. Pure.

Sources: RFC 9110, 9.3.6 and 15.5.8 (proxies); "openssl-verification-options" (reasons of a certificate).
"""

from __future__ import annotations

from typing import NamedTuple

# For how long, in seconds, a service is tried again that never answered: a wrong setting is reported soon, and a name
# server or proxy that restarts has some time.
UNREACHABLE_TIMEOUT = 10.0
_BUNDLES = (
    "Give a file with the certificate authorities of this network: REQUESTS_CA_BUNDLE for both clouds, for AWS alone "
    "AWS_CA_BUNDLE or the option aws_ca_bundle."
)
_PROXY = "HTTPS_PROXY and NO_PROXY"


class Fault(NamedTuple):
    """What is wrong with a connection; `lasting` where another try cannot help."""

    kind: str
    cause: str
    advice: str
    permanent: bool


def proxy_refusal(proxy: str, host: str, status: int) -> Fault:
    """Return what the status means with which a proxy answers instead of connecting to the host."""
    if status == 407:
        return Fault(
            "bad_input",
            f"the proxy {proxy} requires authentication (407)",
            "Give user name and password in HTTPS_PROXY (http://user:password@host:port), or except the service from "
            "the proxy by NO_PROXY.",
            permanent=True,
        )
    if 400 <= status < 500 and status not in (408, 429):
        return Fault(
            "bad_input",
            f"the proxy {proxy} refuses to connect to {host} ({status})",
            f"Have the proxy allow {host}, or correct {_PROXY}.",
            permanent=True,
        )
    return Fault(
        "transient",
        f"the proxy {proxy} cannot connect to {host} ({status})",
        f"Check the proxy, {_PROXY} and the name {host}, then run it again.",
        permanent=False,
    )


def proxy_unreachable(proxy: str, reason: str) -> Fault:
    """Return what is wrong where nobody answers at the address of the proxy, or its name cannot be resolved."""
    return Fault(
        "transient",
        f"the proxy {proxy} cannot be reached: {reason}",
        f"Correct {_PROXY}, or run it again when the proxy works.",
        permanent=False,
    )


def proxy_unusable(proxy: str) -> Fault:
    """Return what is wrong where the address of the proxy is none, or of a kind that is not supported."""
    return Fault("bad_input", f"the address of the proxy {proxy} cannot be used", f"Correct {_PROXY}.", permanent=True)


def unresolved(host: str) -> Fault:
    """Return what is wrong where the name of a service cannot be resolved."""
    return Fault(
        "transient",
        f"the name {host} cannot be resolved",
        "Check the address (Region, endpoint_url, cloud_environment, adfs_authority_url) and the name servers of this "
        "machine, then run it again; behind a proxy, set HTTPS_PROXY.",
        permanent=False,
    )


def no_tls(host: str) -> Fault:
    """Return what is wrong where something answers that is no server of TLS."""
    return Fault(
        "transient",
        f"what answers for {host} does not use TLS",
        f"Check the address of the service, {_PROXY}, then run it again.",
        permanent=False,
    )


def untrusted(host: str, reason: str) -> Fault:
    """Return what is wrong where the certificate of a service is not accepted, for the reason that OpenSSL gives."""
    reason = reason.strip().rstrip(".")
    return Fault(
        "bad_input",
        f"SSL certificate verify failed for {host}: {reason}",
        _certificate_advice(reason.lower()),
        permanent=True,
    )


def _certificate_advice(reason: str) -> str:
    if "expired" in reason:
        return "Have it renewed by whoever runs this address, be it a proxy that inspects TLS; check the clock as well."
    if "not yet valid" in reason:
        return "Set the clock of this machine."
    if "mismatch" in reason or "match" in reason:
        return f"Correct the address: the certificate is for another name. Check {_PROXY} as well."
    return _BUNDLES


def bad_bundle(path: str, source: str, reason: str) -> Fault:
    """Return what is wrong with a file or folder of certificates to trust; `source` is where it was given."""
    return Fault(
        "bad_input",
        f"{path} ({source}) {reason}",
        f"Correct or unset {source}. {_BUNDLES}",
        permanent=True,
    )
