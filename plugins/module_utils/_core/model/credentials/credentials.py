# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credentials for AWS and Azure, as data: nothing here opens a connection. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class AssumeRole:
    """The roles to try in order in one account (names or ARNs); none to use the source credentials as they are."""

    roles: tuple[str, ...] = ()
    external_id: str | None = None
    session_name: str = SESSION_NAME
    session_policy: bool = True
    """Whether a session policy limits sessions to the permissions that the run needs."""
