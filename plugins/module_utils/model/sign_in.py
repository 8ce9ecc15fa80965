# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way to sign in to Azure: the options, the environment and the credentials file, weighed as data. Pure.

The order and the names are those of azure.azcollection; AWX and azure-identity name some variables differently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
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

# What proves who we are, in the order in which it counts.
PROOFS = ("secret", "x509_certificate_path", "oidc_token", "oidc_token_file_path")
_OF_A_PROOF = (*PROOFS, "thumbprint")
_OF_AN_IDENTITY = (*_OF_A_PROOF, "tenant", "client_id")

# The ways to sign in, in words.
WAYS = {
    "secret": "the secret",
    "x509_certificate_path": "the certificate",
    "oidc_token": "the federated token",
    "oidc_token_file_path": "the federated token",
    "msi": "the managed identity",
    "cli": "the Azure CLI",
}
_NOTHING_FOUND = (
    "Cannot sign in to Azure: no credentials are given. Give tenant and client_id with secret, x509_certificate_path, "
    "oidc_token or oidc_token_file_path, as options, in the environment (AZURE_TENANT, AZURE_CLIENT_ID, AZURE_SECRET "
    f"...) or in the section default of {FILE}; or name another section with azure_profile, sign in with az login, or "
    "set auth_source to msi for the managed identity of this machine."
)

Given = dict[str, Any]
ReadSection = Callable[[str, bool], Mapping[str, str]]


class SignIn(NamedTuple):
    """How to sign in: `way` is one of WAYS, `found` has what belongs to it, wherever it came from."""

    way: str
    found: AzureCredentials


def choose(options: AzureCredentials, environment: Given, read_section: ReadSection, *, az: bool) -> SignIn:
    """Return the way to sign in; raises azure_denied when there is none, bad_input for a bad credentials file.

    `environment` has the options that it sets, `az` tells whether the Azure CLI is there. `read_section` returns a
    section of the credentials file: of that name, and whether it must be there.
    """
    # Ansible fills options in from the environment: one that only repeats it is not given as an option.
    own = {name: value for name, value in _given(options).items() if value != environment.get(name)}
    source, profile = options.auth_source, own.get("azure_profile") or environment.get("azure_profile")
    if source in ("msi", "cli"):
        return SignIn(source, AzureCredentials(**{**environment, **own}))
    where = ""
    for where, given in _places(source, profile, own, environment, read_section):
        if way := next((name for name in PROOFS if given.get(name)), None):
            return _whole(way, given, where)
    if source != "auto" or profile:
        raise SentinelError("azure_denied", f"Cannot sign in to Azure: none of {', '.join(PROOFS)} is given{where}.")
    if az and not own.get("client_id"):
        return SignIn("cli", AzureCredentials(**{**environment, **own}))
    raise SentinelError("azure_denied", _NOTHING_FOUND)


def _given(options: AzureCredentials) -> Given:
    pairs = ((one.name, getattr(options, one.name)) for one in fields(options) if one.name != "auth_source")
    return {name: value for name, value in pairs if value is not None}


def _places(
    source: str, profile: str | None, own: Given, environment: Given, read_section: ReadSection
) -> Iterator[tuple[str, Given]]:
    """Yield where a proof may be, in order, each place with what lies below and above it."""
    above = {name: value for name, value in own.items() if name not in PROOFS}
    if source == "auto":
        yield "", _without(environment, _OF_A_PROOF) | own
    if source == "credential_file" or (source == "auto" and profile):
        yield _section(profile or "default", read_section, needed=True, below=environment, above=above)
    elif source in ("auto", "env"):
        yield " in the environment", environment | above
    if source == "auto" and not profile:
        yield _section("default", read_section, needed=False, below=environment, above=above)


def _section(name: str, read_section: ReadSection, *, needed: bool, below: Given, above: Given) -> tuple[str, Given]:
    where = f"section {name} of {FILE}"
    found: Given = {key: text for key, text in read_section(name, needed).items() if key in ENVIRONMENT and text}
    if text := found.get("disable_instance_discovery"):
        found["disable_instance_discovery"] = ConfigParser.BOOLEAN_STATES.get(text.lower(), text)
    for key in found.keys() & values.RULES.keys():
        values.check(where, key, found[key], key)
    _check_cloud(clouds.name_of(found.get("cloud_environment")), {**below, **above}, where)
    return f" in {where}", _without(below, _OF_AN_IDENTITY) | found | above


def _without(given: Given, names: Iterable[str]) -> Given:
    return {name: value for name, value in given.items() if name not in names}


def _check_cloud(name: str, others: Given, where: str) -> None:
    """Refuse a file that alone names a special cloud: `model.account` checks the accounts by the options."""
    if name in (clouds.GOVERNMENT, clouds.CHINA) and name != clouds.name_of(others.get("cloud_environment")):
        raise SentinelError(
            "bad_input",
            f"Cannot use cloud_environment {name!r} of {where}: give the option cloud_environment, too, since AWS "
            "accounts are connected differently there.",
        )


def _whole(way: str, given: Given, where: str) -> SignIn:
    missing = [name for name in ("tenant", "client_id") if not given.get(name)]
    if missing:
        variables = " and ".join(ENVIRONMENT[name][0] for name in missing)
        raise SentinelError(
            "azure_denied",
            f"Cannot sign in to Azure with {WAYS[way]}{where}: {' and '.join(missing)} not given "
            f"({variables} in the environment would serve as well).",
        )
    return SignIn(way, AzureCredentials(**given))
