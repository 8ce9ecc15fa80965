# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to get into AWS and Azure, as data: nothing here opens a connection. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

SESSION_NAME = "trailbridge.sentinel"


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    """Where the run's own AWS credentials come from; what is None is left to botocore's chain."""

    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    aws_ca_bundle: str | None = None
    validate_certs: bool = True


@dataclass(frozen=True, slots=True)
class AzureCredentials:
    """How to sign in to Azure, and to which cloud; `model.sign_in` weighs it with the environment."""

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


@dataclass(frozen=True, slots=True)
class AssumeRole:
    """How to get into one account: the roles to try in order (names or ARNs), none for the credentials as they are."""

    roles: tuple[str, ...] = ()
    external_id: str | None = None
    session_name: str = SESSION_NAME
    session_policy: bool = True
    """Whether sessions are limited to what the run needs, by a session policy."""
