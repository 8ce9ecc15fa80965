# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client assertions: tokens signed by the service principal with its certificate, or by a trusted issuer.

Sources: "Microsoft identity platform application authentication certificate credentials" and "Workload identity
federation" (Microsoft Learn); RFC 7523.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from .answers import LoginError
from .state import Federation, State

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
REQUIRED_CLAIMS = ["aud", "exp", "iss", "sub"]


def check(state: State, endpoint: str, form: dict[str, str]) -> None:
    """Raise LoginError for an assertion that is not valid for the service principal at this token `endpoint`."""
    assertion = form["client_assertion"]
    state.secrets.add(assertion)
    if form.get("client_assertion_type") != JWT_BEARER:
        raise _refused("AADSTS50027: The type of the client assertion is not supported.")
    try:
        header = jwt.get_unverified_header(assertion)
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise _refused("AADSTS50027: JWT token is invalid or malformed.") from None
    if claims.get("iss") == form["client_id"]:
        _check_own(state, endpoint, assertion, header)
    else:
        _check_federated(state, assertion, claims)


def _check_own(state: State, endpoint: str, assertion: str, header: dict[str, Any]) -> None:
    """Check an assertion that is signed with the key of a registered certificate."""
    client = state.identity.client_id
    certificate = next((one for one in _certificates(state) if _is_named(one, header)), None)
    if certificate is None:
        name = header.get("x5t#S256") or header.get("x5t")
        raise _refused(
            f"AADSTS700027: The certificate with identifier '{name}' used to sign the client assertion is not "
            "registered on application. [Reason - The key was not found.]"
        )
    key: Any = certificate.public_key()
    algorithms = ["PS256"] if "x5t#S256" in header else ["RS256"]
    claims = _verified(state, assertion, key, algorithms, endpoint)
    if claims["sub"] != client:
        raise _refused("AADSTS700021: Client assertion application identifier doesn't match 'client_id' parameter.")


def _certificates(state: State) -> list[x509.Certificate]:
    return [x509.load_pem_x509_certificate(pem.encode()) for pem in state.certificates]


def _is_named(certificate: x509.Certificate, header: dict[str, Any]) -> bool:
    """Return whether the header contains the thumbprint of the certificate; AD FS supports only SHA-1."""
    prints = {"x5t": hashes.SHA1(), "x5t#S256": hashes.SHA256()}
    named = {
        name: urlsafe_b64encode(certificate.fingerprint(kind)).decode().rstrip("=") for name, kind in prints.items()
    }
    return any(str(header.get(name, "")).rstrip("=") == value for name, value in named.items())


def _check_federated(state: State, assertion: str, claims: dict[str, Any]) -> None:
    """Check an assertion of an issuer and subject that are trusted (federated credential)."""
    trusts = [trust for trust in state.federations if trust.issuer == claims.get("iss")]
    if not trusts:
        raise _unmatched("AADSTS700211", "issuer", claims.get("iss"))
    trusts = [trust for trust in trusts if trust.subject == claims.get("sub")]
    if not trusts:
        raise _unmatched("AADSTS700213", "subject", claims.get("sub"))
    trust: Federation = trusts[0]
    if claims.get("aud") != trust.audience:
        raise _unmatched("AADSTS700212", "audience", claims.get("aud"))
    _verified(state, assertion, trust.key, ["RS256"], trust.audience)


def _verified(state: State, assertion: str, key: Any, algorithms: list[str], audience: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            assertion,
            key,
            algorithms=algorithms,
            audience=audience,
            leeway=state.settings.clock_ahead,
            options={"require": REQUIRED_CLAIMS},
        )
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
        raise _refused("AADSTS700024: Client assertion is not within its valid time range.") from None
    except jwt.InvalidAudienceError:
        raise _refused("AADSTS700023: Client assertion audience claim does not match Realm issuer.") from None
    except jwt.InvalidTokenError:
        raise _refused("AADSTS50013: Assertion failed signature validation.") from None
    return claims


def _unmatched(code: str, what: str, value: object) -> LoginError:
    return _refused(f"{code}: No matching federated identity record found for presented assertion {what} '{value}'.")


def _refused(message: str) -> LoginError:
    return LoginError(401, "invalid_client", message)
