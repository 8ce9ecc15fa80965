# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way to sign in to Azure: the options, the environment and the credentials file, weighed as data. Pure.

The order and the names are those of azure.azcollection; AWX and azure-identity name some variables differently.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from configparser import ConfigParser
from dataclasses import fields
from typing import Any, NamedTuple

from .. import validation
from ..errors import SentinelError
from . import cloud as clouds
from .credentials import AwsCredentials, AzureCredentials

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
# Those that options can hold, or that never leave this machine.
_IN_OPTIONS = ("secret", "x509_certificate_path", "oidc_token")
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
# The variable that sets an address for credentials of this machine.
_ADDRESSES = {
    "cloud_environment": "AZURE_CLOUD_ENVIRONMENT",
    "adfs_authority_url": "AZURE_ADFS_AUTHORITY_URL",
    "endpoint_url": "AWS_ENDPOINT_URL",
}
# Where AWS itself answers, endpoints in a VPC included; other names below its domains may be anybody's.
_OF_AWS = re.compile(
    r"https://(?:vpce-[a-z0-9-]+\.)?(?:sts|iam|organizations|cloudformation)(?:-fips)?(?:\.[a-z]{2}(?:-[a-z]+)+-[0-9]+)?(?:\.vpce)?"
    r"\.(?:amazonaws\.com(?:\.cn)?|api\.aws)/?"
)
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


def check_address(option: str, address: str, *, of_options: bool, why: str) -> None:
    """Raise bad_input for an address of the options to which a credential that is not of the options would be sent.

    Whoever may write variables of a host shall not choose where a credential of this machine goes. `of_options` is
    whether the credential comes from the options as well, `why` where it comes from instead.
    """
    if not of_options:
        raise SentinelError(
            "bad_input",
            f"Cannot use {option} {address!r}: an address given as an option or variable needs a credential given in "
            f"the same way, and {why}. Give the credential as well, or set {_ADDRESSES[option]} in the environment.",
        )


def check_endpoint(base: AwsCredentials, of_environment: str | None) -> None:
    """Raise bad_input for an endpoint of the options, other than AWS's own, without keys of the options."""
    url = base.endpoint_url
    if url and url != of_environment and not _OF_AWS.fullmatch(url):
        keys = bool(base.access_key and base.secret_key)
        check_address("endpoint_url", url, of_options=keys, why="access_key and secret_key are not")


def _check_addresses(found: SignIn, own: Given, environment: Given) -> None:
    """Refuse a private cloud or an authority of the options for a credential that is not of the options.

    The path of a token is no credential: whoever may name a file does not own what is in it, and it is sent as it is.
    """
    way = found.way
    of_options = way in _IN_OPTIONS and own.get(way) is not None and own.get(way) == getattr(found.found, way)
    for option in ("cloud_environment", "adfs_authority_url"):
        address, of_environment = (str(given.get(option) or "").rstrip("/") for given in (own, environment))
        known = {*clouds.CLOUDS, *(cloud.authority for cloud in clouds.CLOUDS.values()), of_environment}
        if address and clouds.name_of(address) not in known and address not in known:
            check_address(option, address, of_options=of_options, why=f"{WAYS[way]} is not")


def choose(options: AzureCredentials, environment: Given, read_section: ReadSection, *, az: bool) -> SignIn:
    """Return the way to sign in; raises azure_denied when there is none, bad_input for a bad credentials file.

    `environment` has the options that it sets, `az` tells whether the Azure CLI is there. `read_section` returns a
    section of the credentials file: of that name, and whether it must be there.
    """
    own = _given(options)
    if own.get("cloud_environment") == environment.get("cloud_environment"):
        # The only option that Ansible fills in from the environment: accounts are checked by it before all else.
        own.pop("cloud_environment", None)
    found = _chosen(options.auth_source, own, environment, read_section, az=az)
    _check_addresses(found, own, environment)
    return found


def _chosen(source: str, own: Given, environment: Given, read_section: ReadSection, *, az: bool) -> SignIn:
    profile = own.get("azure_profile") or environment.get("azure_profile")
    if source in ("msi", "cli"):
        return SignIn(source, AzureCredentials(**{**environment, **own}))
    places: list[tuple[str, Given]] = []
    for where, given in _places(source, profile, own, environment, read_section):
        if way := next((name for name in PROOFS if given.get(name)), None):
            return _whole(way, given, where)
        places.append((where, given))
    # An application that is named is not replaced by whoever az signed in.
    if az and source == "auto" and not profile and not any(given.get("client_id") for _where, given in places):
        return SignIn("cli", AzureCredentials(**{**environment, **own}))
    raise SentinelError("azure_denied", _unproven(places, free=source == "auto" and not profile))


def _unproven(places: list[tuple[str, Given]], *, free: bool) -> str:
    """Say what is missing beside what is given; `free` where every place would do."""
    if not free:
        return f"Cannot sign in to Azure: none of {', '.join(PROOFS)} is given{places[-1][0]}."
    halves = (_half(given, where) for name in ("client_id", "tenant") for where, given in places if given.get(name))
    return next(halves, _NOTHING_FOUND)


def _half(given: Given, where: str) -> str:
    there = [name for name in ("tenant", "client_id") if given.get(name)]
    missing = [name for name in ("tenant", "client_id") if name not in there]
    also = f", and {missing[0]} not given{_hint(missing, where)}" if missing else ""
    return (
        f"Cannot sign in to Azure: {' and '.join(there)} given{where}, but none of {', '.join(PROOFS)}"
        f"{_hint(PROOFS, where)}{also}."
    )


def _hint(names: Iterable[str], where: str) -> str:
    """Say where what is missing could be given as well; nothing of the environment is mixed into a file's section."""
    variables = ", ".join(ENVIRONMENT[name][0] for name in names)
    return "" if FILE in where else f" ({variables} in the environment would serve as well)"


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
    for key in found.keys() & validation.RULES.keys():
        validation.check(where, key, found[key], key)
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
        lacks = f"{' and '.join(missing)} not given{_hint(missing, where)}"
        raise SentinelError("azure_denied", f"Cannot sign in to Azure with {WAYS[way]}{where}: {lacks}.")
    return SignIn(way, AzureCredentials(**given))
