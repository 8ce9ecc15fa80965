# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way to sign in to Azure: the options, the environment and the credentials file, weighed as data. Pure.

The order and the names are those of azure.azcollection; AWX and azure-identity name some variables differently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from configparser import ConfigParser
from dataclasses import fields
from typing import Any, NamedTuple

from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import cloud as clouds
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import value as values
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.access import AzureCredentials
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import SentinelError

FILE = "~/.azure/credentials"

# The environment variables of each option, the first that is set counts. The argument spec comes from it.
ENVIRONMENT: dict[str, tuple[str, ...]] = {
    "azure_profile": ("AZURE_PROFILE",),
    "tenant": ("AZURE_TENANT", "AZURE_TENANT_ID"),
    "client_id": ("AZURE_CLIENT_ID",),
    "secret": ("AZURE_SECRET", "AZURE_CLIENT_SECRET"),
    "x509_certificate_path": ("AZURE_X509_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PATH"),
    "thumbprint": ("AZURE_THUMBPRINT",),
    "oidc_token": ("AZURE_FEDERATED_TOKEN",),
    "oidc_token_file_path": ("AZURE_FEDERATED_TOKEN_FILE",),
    "cloud_environment": ("AZURE_CLOUD_ENVIRONMENT",),
    "adfs_authority_url": ("AZURE_ADFS_AUTHORITY_URL",),
    "cert_validation_mode": ("AZURE_CERT_VALIDATION_MODE",),
    "disable_instance_discovery": ("AZURE_DISABLE_INSTANCE_DISCOVERY",),
}

# What proves who we are, in the order in which it counts; each is also the name of its way.
PROOFS = ("secret", "x509_certificate_path", "oidc_token", "oidc_token_file_path")
_OF_A_PROOF = (*PROOFS, "thumbprint")
_OF_ONE_IDENTITY = (*_OF_A_PROOF, "tenant", "client_id")

NOTHING_FOUND = (
    "Cannot sign in to Azure: no credentials are given. Give tenant and client_id with secret, x509_certificate_path, "
    "oidc_token or oidc_token_file_path, as options, in the environment (AZURE_TENANT, AZURE_CLIENT_ID, AZURE_SECRET, "
    f"...) or in the section default of {FILE}; or name another section with azure_profile, sign in with az login, or "
    "set auth_source to msi for the managed identity of this machine."
)

Given = dict[str, Any]
ReadSection = Callable[[str, bool], Mapping[str, str]]


class SignIn(NamedTuple):
    """How to sign in: `way` is one of PROOFS, msi or cli; `found` has what belongs to it, wherever it came from."""

    way: str
    found: AzureCredentials


def choose(
    options: AzureCredentials, environment: Mapping[str, Any], read_section: ReadSection, *, az: bool
) -> SignIn:
    """Return the way to sign in. `environment` has options by name; `az` tells whether the Azure CLI is there.

    `read_section` returns a section of the credentials file: of the name, and whether it must be there.
    An option that only repeats the environment is the environment's: Ansible fills options in from there.
    """
    own = {name: value for name, value in _given(options).items() if value != environment.get(name)}
    both = _over(environment, own)
    profile = both.get("azure_profile")

    def from_file(name: str, *, needed: bool) -> SignIn | None:
        section = _readable(read_section(name, needed), name, options)
        settings = {key: value for key, value in environment.items() if key not in _OF_ONE_IDENTITY}
        return _proven({**settings, **section}, own, where=f" of section {name} of {FILE}", needed=needed)

    match options.auth_source:
        case "msi" | "cli":
            return _checked(options.auth_source, both)
        case "env":
            return _proven(environment, {}, where=" of the environment", needed=True) or _nothing()
        case "credential_file":
            return from_file(profile or "default", needed=True) or _nothing()
    return (
        (_checked(way, both) if (way := _proof(own)) else None)
        or (from_file(profile, needed=True) if profile else None)
        or _proven(environment, own, where=" of the environment", needed=False)
        or from_file("default", needed=False)
        or (_checked("cli", both) if az and not own.get("client_id") else None)
        or _nothing()
    )


def _given(options: AzureCredentials) -> Given:
    pairs = ((one.name, getattr(options, one.name)) for one in fields(options) if one.name != "auth_source")
    return {name: value for name, value in pairs if value not in (None, "")}


def _over(lower: Mapping[str, Any], own: Given) -> Given:
    """Lay the options over what is below them; a proof among them replaces all that belongs to one."""
    covered = _OF_A_PROOF if _proof(own) else ()
    return {name: value for name, value in lower.items() if name not in covered} | own


def _proof(given: Mapping[str, Any]) -> str | None:
    return next((name for name in PROOFS if given.get(name)), None)


def _proven(lower: Mapping[str, Any], own: Given, *, where: str, needed: bool) -> SignIn | None:
    """Return the way that the proof in `lower` opens; None without one, where none is needed."""
    if way := _proof(lower):
        return _checked(way, {**lower, **{name: value for name, value in own.items() if name not in PROOFS}}, where)
    if needed:
        raise SentinelError("azure_denied", f"Cannot sign in to Azure: {', '.join(PROOFS[:-1])} or {PROOFS[-1]}{where} is not given.")
    return None


def _checked(way: str, given: Mapping[str, Any], where: str = "") -> SignIn:
    missing = [name for name in ("tenant", "client_id") if way in PROOFS and not given.get(name)]
    if missing:
        variables = ", ".join(ENVIRONMENT[name][0] for name in missing)
        raise SentinelError(
            "azure_denied",
            f"Cannot sign in to Azure with {way}{where}: {' and '.join(missing)} not given "
            f"({variables} in the environment would serve as well).",
        )
    return SignIn(way, AzureCredentials(**given))


def _readable(section: Mapping[str, str], name: str, options: AzureCredentials) -> Given:
    """Check a section of the credentials file: what it may say, and that it names no cloud on its own that is special."""
    where = f"section {name} of {FILE}"
    found: Given = {key: text for key, text in section.items() if key in ENVIRONMENT and text}
    if (text := found.get("disable_instance_discovery")) is not None:
        found["disable_instance_discovery"] = ConfigParser.BOOLEAN_STATES.get(text.lower(), text)
    for key, text in found.items():
        if key in values.RULES:
            values.check(where, key, text, key)
    meant = clouds.name_of(found.get("cloud_environment"))
    if not options.cloud_environment and meant in (clouds.GOVERNMENT, clouds.CHINA):
        raise SentinelError(
            "bad_input",
            f"Cannot use cloud_environment {meant!r} of {where}: set the option cloud_environment, too, since AWS "
            "accounts are connected differently there.",
        )
    return found


def _nothing() -> SignIn:
    raise SentinelError("azure_denied", NOTHING_FOUND)
