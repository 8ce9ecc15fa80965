# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of the Azure credential from the options, the environment and the credentials file. Pure.

Order and names are those of azure.azcollection; some variables also have the names of AWX and azure-identity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from configparser import ConfigParser
from dataclasses import fields, replace
from typing import Any, NamedTuple

from .. import validation
from ..errors import SentinelError
from . import cloud as clouds
from .credentials import AwsCredentials, AzureCredentials

CREDENTIALS_FILE = "~/.azure/credentials"

# The environment variables of each option; the first that is set counts. The argument spec is built from it.
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

# The options that hold a credential, in order of precedence.
CREDENTIAL_OPTIONS = ("secret", "x509_certificate_path", "oidc_token", "oidc_token_file_path")
_CREDENTIAL_PARTS = (*CREDENTIAL_OPTIONS, "thumbprint")
# Credentials whose value is in the option itself, or that are never sent.
_BOUND_TO_OPTIONS = ("secret", "x509_certificate_path", "oidc_token")
_IDENTITY_PARTS = (*_CREDENTIAL_PARTS, "tenant", "client_id")

# The credential types, as messages name them.
CREDENTIAL_TYPES = {
    "secret": "the secret",
    "x509_certificate_path": "the certificate",
    "oidc_token": "the federated token",
    "oidc_token_file_path": "the federated token",
    "msi": "the managed identity",
    "cli": "the Azure CLI",
}
# The environment variable that sets an address for credentials of this machine.
_ADDRESS_VARIABLES = {
    "cloud_environment": "AZURE_CLOUD_ENVIRONMENT",
    "adfs_authority_url": "AZURE_ADFS_AUTHORITY_URL",
    "endpoint_url": "AWS_ENDPOINT_URL",
}
# Endpoints of AWS itself, VPC endpoints included; other names below its domains may belong to anyone.
_AWS_ENDPOINT = re.compile(
    r"https://(?:vpce-[a-z0-9-]+\.)?(?:sts|iam|organizations|cloudformation)(?:-fips)?(?:\.[a-z]{2}(?:-[a-z]+)+-[0-9]+)?(?:\.vpce)?"
    r"\.(?:amazonaws\.com(?:\.cn)?|api\.aws)/?"
)
_NO_CREDENTIALS = (
    "Cannot sign in to Azure: no credentials are given. Set tenant and client_id with secret, x509_certificate_path, "
    "oidc_token or oidc_token_file_path, as options, in the environment (AZURE_TENANT, AZURE_CLIENT_ID, AZURE_SECRET "
    f"...) or in the section default of {CREDENTIALS_FILE}; or name another section with azure_profile, sign in with "
    "az login, or set auth_source to msi for the managed identity of this machine."
)

# Options that are set, by name.
Settings = dict[str, Any]
ReadSection = Callable[[str, bool], Mapping[str, str]]


class SignIn(NamedTuple):
    """A key of CREDENTIAL_TYPES, and the credentials of that type with all settings that belong to them."""

    credential_type: str
    credentials: AzureCredentials
    other_secrets: tuple[str, ...] = ()
    """More values of the credential, to try in this order where Entra ID refuses those before."""

    def attempts(self) -> Iterator[SignIn]:
        """Yield this sign-in with each value of the credential."""
        yield self
        for one in self.other_secrets:
            changed: Settings = {self.credential_type: one}
            yield SignIn(self.credential_type, replace(self.credentials, **changed))


class Candidate(NamedTuple):
    """A source that may have a credential: its place for messages (" in the environment"), and the merged settings."""

    location: str
    settings: Settings


def check_address(option: str, address: str, *, of_options: bool, why: str) -> None:
    """Raise bad_input for an address from the options unless the credential is from the options, too (`of_options`).

    Host variables must not decide to which server a credential of this machine is sent. `why` names that credential in
    the message.
    """
    if not of_options:
        raise SentinelError(
            "bad_input",
            f"Cannot use {option} {address!r}: an address from an option or variable requires a credential from an "
            f"option or variable, and {why}. Set the credential as well, or set {_ADDRESS_VARIABLES[option]} in the "
            "environment.",
        )


def check_endpoint(source: AwsCredentials, from_environment: str | None) -> None:
    """Raise bad_input for an endpoint_url other than AWS's own where access_key and secret_key are no options."""
    url = source.endpoint_url
    if url and url != from_environment and not _AWS_ENDPOINT.fullmatch(url):
        keys = bool(source.access_key and source.secret_key)
        check_address("endpoint_url", url, of_options=keys, why="access_key and secret_key are not")


def _check_addresses(sign_in: SignIn, options: Settings, environment: Settings) -> None:
    """Raise bad_input for a private cloud or authority from the options with a credential from elsewhere.

    The path of a token is not a credential: whoever sets it need not own the file, whose content is sent as it is.
    """
    kind, of_options = sign_in.credential_type, _is_of_options(sign_in, options)
    for option in ("cloud_environment", "adfs_authority_url"):
        address, from_environment = (str(given.get(option) or "").rstrip("/") for given in (options, environment))
        allowed = {*clouds.CLOUDS, *(cloud.authority for cloud in clouds.CLOUDS.values()), from_environment}
        if address and clouds.cloud_name(address) not in allowed and address not in allowed:
            check_address(option, address, of_options=of_options, why=f"{CREDENTIAL_TYPES[kind]} is not")


def _is_of_options(sign_in: SignIn, options: Settings) -> bool:
    kind = sign_in.credential_type
    value = options.get(kind) if kind in _BOUND_TO_OPTIONS else None
    return value is not None and value == getattr(sign_in.credentials, kind)


def choose_sign_in(options: AzureCredentials, environment: Settings, read_section: ReadSection, *, az: bool) -> SignIn:
    """Return the credential to use; raises azure_denied if there is none, bad_input for an invalid credentials file.

    `environment` holds the options that environment variables set, `az` is whether the Azure CLI is installed.
    `read_section` returns a section of the credentials file by its name; the second argument is whether it must exist.
    """
    given = _set_options(options)
    if given.get("cloud_environment") == environment.get("cloud_environment"):
        # Ansible fills in this option from the environment, for the checks of the accounts: it is not from the user.
        given.pop("cloud_environment", None)
    found = _first_sign_in(options.auth_source, given, environment, read_section, az=az)
    _check_addresses(found, given, environment)
    has_others = found.credential_type in ("secret", "oidc_token") and _is_of_options(found, given)
    return found._replace(other_secrets=options.other_secrets) if has_others else found


def _first_sign_in(
    source: str, options: Settings, environment: Settings, read_section: ReadSection, *, az: bool
) -> SignIn:
    profile = options.get("azure_profile") or environment.get("azure_profile")
    if source in ("msi", "cli"):
        return SignIn(source, AzureCredentials(**{**environment, **options}))
    any_source = source == "auto" and not profile
    candidates: list[Candidate] = []
    for candidate in _candidates(source, profile, options, environment, read_section):
        if kind := _credential_type(candidate):
            return _checked_sign_in(kind, candidate)
        candidates.append(candidate)
    # Where an application is named, the user of the Azure CLI must not replace it.
    if az and any_source and not any(one.settings.get("client_id") for one in candidates):
        return SignIn("cli", AzureCredentials(**{**environment, **options}))
    raise SentinelError("azure_denied", _missing_credential(candidates, any_source=any_source))


def _credential_type(candidate: Candidate) -> str:
    """Return the credential option with the highest precedence that a candidate sets, empty if it sets none."""
    return next((name for name in CREDENTIAL_OPTIONS if candidate.settings.get(name)), "")


def _missing_credential(candidates: list[Candidate], *, any_source: bool) -> str:
    """Return the message for candidates none of which has a credential; `any_source` if all sources were searched."""
    if not any_source:
        return f"Cannot sign in to Azure: none of {', '.join(CREDENTIAL_OPTIONS)} is given{candidates[-1].location}."
    partial = (one for name in ("client_id", "tenant") for one in candidates if one.settings.get(name))
    return next(map(_incomplete, partial), _NO_CREDENTIALS)


def _incomplete(candidate: Candidate) -> str:
    given = [name for name in ("tenant", "client_id") if candidate.settings.get(name)]
    missing = [name for name in ("tenant", "client_id") if name not in given]
    where = candidate.location
    also = f", and {missing[0]} is not given{_environment_hint(missing, where)}" if missing else ""
    return (
        f"Cannot sign in to Azure: {' and '.join(given)} given{where}, but none of {', '.join(CREDENTIAL_OPTIONS)}"
        f"{_environment_hint(CREDENTIAL_OPTIONS, where)}{also}."
    )


def _environment_hint(names: Iterable[str], location: str) -> str:
    """Return the variables that could set these options; none for the file, whose sections ignore those variables."""
    variables = ", ".join(ENVIRONMENT[name][0] for name in names)
    return "" if CREDENTIALS_FILE in location else f" (or {variables} in the environment)"


def _set_options(options: AzureCredentials) -> Settings:
    pairs = ((one.name, getattr(options, one.name)) for one in fields(options) if one.name in ENVIRONMENT)
    return {name: value for name, value in pairs if value is not None}


def _candidates(
    source: str, profile: str | None, options: Settings, environment: Settings, read_section: ReadSection
) -> Iterator[Candidate]:
    """Yield the sources that may have a credential, in order of precedence, each merged with what it builds on."""
    overrides = _without(options, CREDENTIAL_OPTIONS)
    if source == "auto":
        yield Candidate("", _without(environment, _CREDENTIAL_PARTS) | options)
    if source == "credential_file" or (source == "auto" and profile):
        yield _section(profile or "default", read_section, required=True, defaults=environment, overrides=overrides)
    elif source in ("auto", "env"):
        yield Candidate(" in the environment", environment | overrides)
    if source == "auto" and not profile:
        yield _section("default", read_section, required=False, defaults=environment, overrides=overrides)


def _section(
    name: str, read_section: ReadSection, *, required: bool, defaults: Settings, overrides: Settings
) -> Candidate:
    where = f"section {name} of {CREDENTIALS_FILE}"
    found: Settings = {key: text for key, text in read_section(name, required).items() if key in ENVIRONMENT and text}
    if text := found.get("disable_instance_discovery"):
        found["disable_instance_discovery"] = ConfigParser.BOOLEAN_STATES.get(text.lower(), text)
    for key in found.keys() & validation.RULES.keys():
        validation.check(where, key, found[key], key)
    _check_cloud(clouds.cloud_name(found.get("cloud_environment")), {**defaults, **overrides}, where)
    return Candidate(f" in {where}", _without(defaults, _IDENTITY_PARTS) | found | overrides)


def _without(settings: Settings, names: Iterable[str]) -> Settings:
    return {name: value for name, value in settings.items() if name not in names}


def _check_cloud(name: str, others: Settings, where: str) -> None:
    """Raise bad_input where only the file names a sovereign cloud: accounts are checked by the option."""
    if name in (clouds.GOVERNMENT, clouds.CHINA) and name != clouds.cloud_name(others.get("cloud_environment")):
        raise SentinelError(
            "bad_input",
            f"Cannot use cloud_environment {name!r} of {where}: set the option cloud_environment as well, because AWS "
            "accounts are connected differently in that cloud.",
        )


def _checked_sign_in(kind: str, candidate: Candidate) -> SignIn:
    missing = [name for name in ("tenant", "client_id") if not candidate.settings.get(name)]
    if missing:
        where = candidate.location
        cause = f"{' and '.join(missing)} not given{_environment_hint(missing, where)}"
        raise SentinelError("azure_denied", f"Cannot sign in to Azure with {CREDENTIAL_TYPES[kind]}{where}: {cause}.")
    return SignIn(kind, AzureCredentials(**candidate.settings))
