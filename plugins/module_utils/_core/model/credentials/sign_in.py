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

CREDENTIALS_FILE = "~/.azure/credentials"

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
CREDENTIAL_OPTIONS = ("secret", "x509_certificate_path", "oidc_token", "oidc_token_file_path")
_CREDENTIAL_PARTS = (*CREDENTIAL_OPTIONS, "thumbprint")
# Those that options can hold, or that never leave this machine.
_BOUND_TO_OPTIONS = ("secret", "x509_certificate_path", "oidc_token")
_IDENTITY_PARTS = (*_CREDENTIAL_PARTS, "tenant", "client_id")

# The ways to sign in, in words.
CREDENTIAL_TYPES = {
    "secret": "the secret",
    "x509_certificate_path": "the certificate",
    "oidc_token": "the federated token",
    "oidc_token_file_path": "the federated token",
    "msi": "the managed identity",
    "cli": "the Azure CLI",
}
# The variable that sets an address for credentials of this machine.
_ADDRESS_VARIABLES = {
    "cloud_environment": "AZURE_CLOUD_ENVIRONMENT",
    "adfs_authority_url": "AZURE_ADFS_AUTHORITY_URL",
    "endpoint_url": "AWS_ENDPOINT_URL",
}
# Where AWS itself answers, endpoints in a VPC included; other names below its domains may be anybody's.
_AWS_ENDPOINT = re.compile(
    r"https://(?:vpce-[a-z0-9-]+\.)?(?:sts|iam|organizations|cloudformation)(?:-fips)?(?:\.[a-z]{2}(?:-[a-z]+)+-[0-9]+)?(?:\.vpce)?"
    r"\.(?:amazonaws\.com(?:\.cn)?|api\.aws)/?"
)
_NO_CREDENTIALS = (
    "Cannot sign in to Azure: no credentials are given. Give tenant and client_id with secret, x509_certificate_path, "
    "oidc_token or oidc_token_file_path, as options, in the environment (AZURE_TENANT, AZURE_CLIENT_ID, AZURE_SECRET "
    f"...) or in the section default of {CREDENTIALS_FILE}; or name another section with azure_profile, sign in with "
    "az login, or set auth_source to msi for the managed identity of this machine."
)

Options = dict[str, Any]
ReadSection = Callable[[str, bool], Mapping[str, str]]


class SignIn(NamedTuple):
    """How to sign in: `way` is one of WAYS, `found` has what belongs to it, wherever it came from."""

    credential_type: str
    credentials: AzureCredentials


def check_address(option: str, address: str, *, of_options: bool, why: str) -> None:
    """Raise bad_input for an address of the options to which a credential that is not of the options would be sent.

    Whoever may write variables of a host shall not choose where a credential of this machine goes. `of_options` is
    whether the credential comes from the options as well, `why` where it comes from instead.
    """
    if not of_options:
        raise SentinelError(
            "bad_input",
            f"Cannot use {option} {address!r}: an address given as an option or variable needs a credential given in "
            f"the same way, and {why}. Give the credential as well, or set {_ADDRESS_VARIABLES[option]} in the "
            "environment.",
        )


def check_endpoint(base: AwsCredentials, of_environment: str | None) -> None:
    """Raise bad_input for an endpoint of the options, other than AWS's own, without keys of the options."""
    url = base.endpoint_url
    if url and url != of_environment and not _AWS_ENDPOINT.fullmatch(url):
        keys = bool(base.access_key and base.secret_key)
        check_address("endpoint_url", url, of_options=keys, why="access_key and secret_key are not")


def _check_addresses(found: SignIn, own: Options, environment: Options) -> None:
    """Refuse a private cloud or an authority of the options for a credential that is not of the options.

    The path of a token is no credential: whoever may name a file does not own what is in it, and it is sent as it is.
    """
    way = found.credential_type
    of_options = (
        way in _BOUND_TO_OPTIONS and own.get(way) is not None and own.get(way) == getattr(found.credentials, way)
    )
    for option in ("cloud_environment", "adfs_authority_url"):
        address, of_environment = (str(given.get(option) or "").rstrip("/") for given in (own, environment))
        known = {*clouds.CLOUDS, *(cloud.authority for cloud in clouds.CLOUDS.values()), of_environment}
        if address and clouds.cloud_name(address) not in known and address not in known:
            check_address(option, address, of_options=of_options, why=f"{CREDENTIAL_TYPES[way]} is not")


def choose_sign_in(options: AzureCredentials, environment: Options, read_section: ReadSection, *, az: bool) -> SignIn:
    """Return the way to sign in; raises azure_denied when there is none, bad_input for a bad credentials file.

    `environment` has the options that it sets, `az` tells whether the Azure CLI is there. `read_section` returns a
    section of the credentials file: of that name, and whether it must be there.
    """
    own = _set_options(options)
    if own.get("cloud_environment") == environment.get("cloud_environment"):
        # The only option that Ansible fills in from the environment: accounts are checked by it before all else.
        own.pop("cloud_environment", None)
    found = _first_sign_in(options.auth_source, own, environment, read_section, az=az)
    _check_addresses(found, own, environment)
    return found


def _first_sign_in(source: str, own: Options, environment: Options, read_section: ReadSection, *, az: bool) -> SignIn:
    profile = own.get("azure_profile") or environment.get("azure_profile")
    if source in ("msi", "cli"):
        return SignIn(source, AzureCredentials(**{**environment, **own}))
    places: list[tuple[str, Options]] = []
    for where, given in _candidates(source, profile, own, environment, read_section):
        if way := next((name for name in CREDENTIAL_OPTIONS if given.get(name)), None):
            return _checked_sign_in(way, given, where)
        places.append((where, given))
    # An application that is named is not replaced by whoever az signed in.
    if az and source == "auto" and not profile and not any(given.get("client_id") for _where, given in places):
        return SignIn("cli", AzureCredentials(**{**environment, **own}))
    raise SentinelError("azure_denied", _missing_credential(places, free=source == "auto" and not profile))


def _missing_credential(places: list[tuple[str, Options]], *, free: bool) -> str:
    """Say what is missing beside what is given; `free` where every place would do."""
    if not free:
        return f"Cannot sign in to Azure: none of {', '.join(CREDENTIAL_OPTIONS)} is given{places[-1][0]}."
    halves = (
        _incomplete(given, where) for name in ("client_id", "tenant") for where, given in places if given.get(name)
    )
    return next(halves, _NO_CREDENTIALS)


def _incomplete(given: Options, where: str) -> str:
    there = [name for name in ("tenant", "client_id") if given.get(name)]
    missing = [name for name in ("tenant", "client_id") if name not in there]
    also = f", and {missing[0]} not given{_environment_hint(missing, where)}" if missing else ""
    return (
        f"Cannot sign in to Azure: {' and '.join(there)} given{where}, but none of {', '.join(CREDENTIAL_OPTIONS)}"
        f"{_environment_hint(CREDENTIAL_OPTIONS, where)}{also}."
    )


def _environment_hint(names: Iterable[str], where: str) -> str:
    """Say where what is missing could be given as well; nothing of the environment is mixed into a file's section."""
    variables = ", ".join(ENVIRONMENT[name][0] for name in names)
    return "" if CREDENTIALS_FILE in where else f" ({variables} in the environment would serve as well)"


def _set_options(options: AzureCredentials) -> Options:
    pairs = ((one.name, getattr(options, one.name)) for one in fields(options) if one.name != "auth_source")
    return {name: value for name, value in pairs if value is not None}


def _candidates(
    source: str, profile: str | None, own: Options, environment: Options, read_section: ReadSection
) -> Iterator[tuple[str, Options]]:
    """Yield where a proof may be, in order, each place with what lies below and above it."""
    above = {name: value for name, value in own.items() if name not in CREDENTIAL_OPTIONS}
    if source == "auto":
        yield "", _without(environment, _CREDENTIAL_PARTS) | own
    if source == "credential_file" or (source == "auto" and profile):
        yield _section(profile or "default", read_section, needed=True, below=environment, above=above)
    elif source in ("auto", "env"):
        yield " in the environment", environment | above
    if source == "auto" and not profile:
        yield _section("default", read_section, needed=False, below=environment, above=above)


def _section(
    name: str, read_section: ReadSection, *, needed: bool, below: Options, above: Options
) -> tuple[str, Options]:
    where = f"section {name} of {CREDENTIALS_FILE}"
    found: Options = {key: text for key, text in read_section(name, needed).items() if key in ENVIRONMENT and text}
    if text := found.get("disable_instance_discovery"):
        found["disable_instance_discovery"] = ConfigParser.BOOLEAN_STATES.get(text.lower(), text)
    for key in found.keys() & validation.RULES.keys():
        validation.check(where, key, found[key], key)
    _check_cloud(clouds.cloud_name(found.get("cloud_environment")), {**below, **above}, where)
    return f" in {where}", _without(below, _IDENTITY_PARTS) | found | above


def _without(given: Options, names: Iterable[str]) -> Options:
    return {name: value for name, value in given.items() if name not in names}


def _check_cloud(name: str, others: Options, where: str) -> None:
    """Refuse a file that alone names a special cloud: `model.account` checks the accounts by the options."""
    if name in (clouds.GOVERNMENT, clouds.CHINA) and name != clouds.cloud_name(others.get("cloud_environment")):
        raise SentinelError(
            "bad_input",
            f"Cannot use cloud_environment {name!r} of {where}: give the option cloud_environment, too, since AWS "
            "accounts are connected differently there.",
        )


def _checked_sign_in(way: str, given: Options, where: str) -> SignIn:
    missing = [name for name in ("tenant", "client_id") if not given.get(name)]
    if missing:
        lacks = f"{' and '.join(missing)} not given{_environment_hint(missing, where)}"
        raise SentinelError("azure_denied", f"Cannot sign in to Azure with {CREDENTIAL_TYPES[way]}{where}: {lacks}.")
    return SignIn(way, AzureCredentials(**given))
