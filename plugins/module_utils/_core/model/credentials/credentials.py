# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credentials for AWS and Azure, as data: nothing here opens a connection. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeVar

from .cloud import cloud_name

GIVEN = "***"
"""Stands for a secret in an `identity`."""
SESSION_NAME = "trailbridge.sentinel"


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    """The source credentials of AWS: None is left to botocore's credential provider chain."""

    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    aws_ca_bundle: str | None = None
    validate_certs: bool = True

    @property
    def identity(self) -> AwsCredentials:
        """These credentials without secrets: equal for all that sign in as the same principal in the same way.

        An access key id belongs to one principal; whether its secret is right only the service knows.
        """
        return _aws_identity(self)


@dataclass(frozen=True, slots=True)
class AzureCredentials:
    """The options to sign in to Azure; `sign_in` combines them with the environment and the credentials file."""

    auth_source: str = "auto"
    azure_profile: str | None = None
    tenant: str | None = None
    client_id: str | None = None
    secret: str | None = field(default=None, repr=False)
    x509_certificate_path: str | None = None
    thumbprint: str | None = None
    oidc_token: str | None = field(default=None, repr=False)
    oidc_token_file_path: str | None = None
    cloud_environment: str | None = None
    adfs_authority_url: str | None = None
    cert_validation_mode: str | None = None
    disable_instance_discovery: bool | None = None
    other_secrets: tuple[str, ...] = field(default=(), repr=False)
    """More values of the secret or token, to try in this order where Entra ID refuses those before."""

    @property
    def identity(self) -> AzureCredentials:
        """These credentials without secrets: equal for all that sign in as the same principal in the same way."""
        return _azure_identity(self)

    @property
    def principal(self) -> Hashable:
        """The owner of rate limits: the application, however it signs in; without its id the `identity`."""
        if self.client_id and self.auth_source != "credential_file":
            return cloud_name(self.cloud_environment), (self.tenant or "").lower(), self.client_id.lower()
        return self.identity

    @property
    def own_secret(self) -> str:
        """The secret or token that these credentials sign in with, empty for credentials of another type."""
        return self.secret or self.oidc_token or ""


Credentials = TypeVar("Credentials", AwsCredentials, AzureCredentials)


def by_identity(credentials: Iterable[Credentials]) -> dict[Credentials, list[Credentials]]:
    """Return the distinct credentials of each identity, in their order."""
    found: dict[Credentials, dict[Credentials, None]] = {}
    for one in credentials:
        found.setdefault(one.identity, {})[one] = None
    return {identity: list(each) for identity, each in found.items()}


def with_other_secrets(credentials: Iterable[AzureCredentials]) -> AzureCredentials:
    """Return credentials of one identity as one, with all of their secrets."""
    first, *others = credentials
    return replace(first, other_secrets=tuple(dict.fromkeys(one.own_secret for one in others)))


@lru_cache
def _aws_identity(credentials: AwsCredentials) -> AwsCredentials:
    return replace(credentials, secret_key=_given(credentials.secret_key), session_token=None)


@lru_cache
def _azure_identity(credentials: AzureCredentials) -> AzureCredentials:
    secret, oidc_token = _given(credentials.secret), _given(credentials.oidc_token)
    return replace(credentials, secret=secret, oidc_token=oidc_token, other_secrets=())


def _given(secret: str | None) -> str | None:
    return GIVEN if secret else None


@dataclass(frozen=True, slots=True)
class AssumeRole:
    """The roles to try in order in one account (names or ARNs); none to use the source credentials as they are."""

    roles: tuple[str, ...] = ()
    external_id: str | None = None
    session_name: str = SESSION_NAME
    session_policy: bool = True
    """Whether a session policy limits sessions to the permissions that the run needs."""
