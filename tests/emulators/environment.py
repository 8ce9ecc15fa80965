# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment variables with which real clients use the emulators, and those that interfere."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .state import Identity

INTERFERING = (
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_DEFAULT_PROFILE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AZURE_ADFS_AUTHORITY_URL",
    "AZURE_AUTHORITY_HOST",
    "AZURE_CERT_VALIDATION_MODE",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_SECRET",
    "AZURE_CREDENTIAL_FILE",
    "AZURE_DISABLE_INSTANCE_DISCOVERY",
    "AZURE_FEDERATED_TOKEN",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_PASSWORD",
    "AZURE_PROFILE",
    "AZURE_REGIONAL_AUTHORITY_NAME",
    "AZURE_TENANT_ID",
    "AZURE_THUMBPRINT",
    "AZURE_USERNAME",
    "AZURE_X509_CERTIFICATE_PATH",
    "IDENTITY_SERVER_THUMBPRINT",
)
"""To be unset: each of them overrides or changes the variables of the emulators."""


def variables(identity: Identity, aws: str, azure: str, bundle: str) -> dict[str, str]:
    """Return the variables to set."""
    return {
        "AWS_ENDPOINT_URL": aws,
        "AWS_ACCESS_KEY_ID": identity.access_key,
        "AWS_SECRET_ACCESS_KEY": identity.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_CA_BUNDLE": bundle,
        "AZURE_CLOUD_ENVIRONMENT": azure,
        "AZURE_TENANT": identity.tenant,
        "AZURE_CLIENT_ID": identity.client_id,
        "AZURE_SECRET": identity.client_secret,
        "AZURE_SUBSCRIPTION_ID": identity.subscription_id,
        "IDENTITY_ENDPOINT": f"{azure}/managed-identity/token",
        "IDENTITY_HEADER": identity.identity_header,
        "REQUESTS_CA_BUNDLE": bundle,
        "NO_PROXY": "localhost,127.0.0.1",
        "no_proxy": "localhost,127.0.0.1",
    }


def interfering(environment: Mapping[str, str]) -> list[str]:
    """Return the names of the variables to unset."""
    per_service = [name for name in environment if name.startswith("AWS_ENDPOINT_URL_")]
    return [name for name in INTERFERING if name in environment] + per_service


def merged(environment: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for a child process."""
    unwanted = set(interfering(environment))
    return {**{name: value for name, value in environment.items() if name not in unwanted}, **ours}
