# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument specs of the plugins: a dict for each doc fragment, named after it, and one for each module."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.parameters import env_fallback

from .model.account import FIELDS
from .model.credentials.sign_in import ENVIRONMENT
from .model.s3.source import CLOUDTRAIL_TABLE, TABLES
from .model.sources import S3, module_source_options

ArgumentSpec = dict[str, dict[str, Any]]


def _env(*names: str) -> tuple[Any, list[str]]:
    return env_fallback, list(names)


def _no_fallback(*_names: str) -> Any:
    """Set no value: these environment variables are read later, by `sign_in`."""
    return env_fallback()


def _azure(option: str) -> tuple[Any, list[str]]:
    return _no_fallback, list(ENVIRONMENT[option])


AWS_SPEC: ArgumentSpec = {
    "access_key": {"type": "str", "no_log": False, "aliases": ["aws_access_key_id", "aws_access_key"]},
    "secret_key": {"type": "str", "no_log": True, "aliases": ["aws_secret_access_key", "aws_secret_key"]},
    "session_token": {"type": "str", "no_log": True, "aliases": ["aws_session_token"]},
    "profile": {"type": "str", "aliases": ["aws_profile"]},
    "region": {"type": "str", "aliases": ["aws_region"]},
    "endpoint_url": {"type": "str", "aliases": ["aws_endpoint_url"]},
    "aws_ca_bundle": {"type": "path"},
    "validate_certs": {"type": "bool"},
    "assume_role": {"type": "list", "elements": "str"},
    "assume_role_external_id": {"type": "str"},
    "assume_role_session_name": {"type": "str"},
    "assume_role_session_policy": {"type": "bool"},
}


# `sign_in` reads the environment, because it has to distinguish options from variables. Only the cloud is filled in
# here: the accounts are validated by it first.
AZURE_SPEC: ArgumentSpec = {
    "auth_source": {"type": "str", "choices": ["auto", "cli", "env", "credential_file", "msi"]},
    "azure_profile": {"type": "str", "fallback": _azure("azure_profile")},
    "tenant": {"type": "str", "fallback": _azure("tenant")},
    "client_id": {"type": "str", "fallback": _azure("client_id")},
    "secret": {"type": "str", "no_log": True, "fallback": _azure("secret")},
    "x509_certificate_path": {"type": "path", "fallback": _azure("x509_certificate_path")},
    "thumbprint": {"type": "str", "fallback": _azure("thumbprint")},
    "oidc_token": {"type": "str", "no_log": True, "fallback": _azure("oidc_token")},
    "oidc_token_file_path": {"type": "path", "no_log": False, "fallback": _azure("oidc_token_file_path")},
    "cloud_environment": {"type": "str", "fallback": _env(*ENVIRONMENT["cloud_environment"])},
    "adfs_authority_url": {"type": "str", "fallback": _azure("adfs_authority_url")},
    "cert_validation_mode": {
        "type": "str",
        "choices": ["validate", "ignore"],
        "fallback": _azure("cert_validation_mode"),
    },
    "disable_instance_discovery": {"type": "bool", "fallback": _azure("disable_instance_discovery")},
}

WORKSPACE_SPEC: ArgumentSpec = {
    "subscription_id": {"type": "str", "fallback": _env("AZURE_SUBSCRIPTION_ID")},
    "resource_group": {"type": "str"},
    "workspace": {"type": "str"},
    "workspace_id": {"type": "str"},
}

ROLE_SPEC: ArgumentSpec = {
    "account_id": {"type": "str"},
    "name": {"type": "str", "default": "MicrosoftSentinelRole"},
    "path": {"type": "str"},
    "description": {"type": "str"},
    "max_session_duration": {"type": "int"},
    "permissions_boundary": {"type": "str", "aliases": ["boundary"]},
    "tags": {"type": "dict"},
    "purge_tags": {"type": "bool", "default": False},
    "permission_mode": {"type": "str", "choices": ["managed", "lookup_events"], "default": "managed"},
    "microsoft_account_id": {"type": "str"},
    "external_ids": {"type": "list", "elements": "str"},
    "exclusive": {"type": "bool", "default": True},
    "adopt": {"type": "bool", "default": False},
}

CONNECTOR_SPEC: ArgumentSpec = {
    "kind": {"type": "str", "choices": ["cloudtrail", "s3"], "default": "cloudtrail"},
    "role_arn": {"type": "str", "required": True},
    "queue_url": {"type": "str"},
    "table": {"type": "str", "choices": list(TABLES), "default": CLOUDTRAIL_TABLE},
    "deduplicate": {"type": "bool", "default": False},
}

ROLE_INFO_SPEC: ArgumentSpec = {
    "account_id": {"type": "str"},
    "name": {"type": "str"},
    "microsoft_account_id": {"type": "str"},
}

INGESTION_SPEC: ArgumentSpec = {
    "lookback": {"type": "str", "default": "7d"},
    "stale_after": {"type": "str", "default": "6h"},
    "role_last_used": {"type": "bool", "default": False},
}

INGESTION_INFO_SPEC: ArgumentSpec = {
    "account_ids": {"type": "list", "elements": "str"},
    "allow_silent_account_ids": {"type": "list", "elements": "str", "default": []},
}

FLEET_INGESTION_SPEC: ArgumentSpec = {
    "wait": {"type": "str", "default": "30m"},
    "allow_silent": {"type": "bool", "default": False},
    "canary": {"type": "bool", "default": False},
    "concurrency": {"type": "int", "default": 256},
    "max_fail_percentage": {"type": "float", "default": 0},
    "report_dir": {"type": "path"},
    "report_name": {"type": "str"},
    "fail_on": {"type": "str", "choices": ["drift", "security", "never"], "default": "drift"},
}

FLEET_PREFLIGHT_SPEC: ArgumentSpec = {
    "concurrency": {"type": "int", "default": 256},
    "max_fail_percentage": {"type": "float", "default": 0},
    "report_dir": {"type": "path"},
    "report_name": {"type": "str"},
}

STATE_SPEC: ArgumentSpec = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}


_FLEET_NAMES = {field.short: field.option for field in FIELDS if field.short != field.option}

# With fleet's names, and without defaults because host variables may set them, too.
FLEET_ROLE_SPEC: ArgumentSpec = {
    _FLEET_NAMES.get(name, name): {key: value for key, value in option.items() if key not in ("default", "aliases")}
    for name, option in ROLE_SPEC.items()
    if name != "account_id"
}

# The role of a StackSet: options for existing roles do not apply to a template.
_NOT_IN_TEMPLATE = {"role_purge_tags", "exclusive", "adopt"}
STACKSET_SPEC: ArgumentSpec = {
    "name": {"type": "str", "default": "MicrosoftSentinelRole"},
    "organizational_units": {"type": "list", "elements": "str"},
    "auto_deployment": {"type": "bool"},
    "retain": {"type": "bool"},
    "delegated_administrator": {"type": "bool", "default": False},
    "adopt": {"type": "bool", "default": False},
    **{name: option for name, option in FLEET_ROLE_SPEC.items() if name not in _NOT_IN_TEMPLATE},
}

FLEET_CHECK_SPEC: ArgumentSpec = {
    "hosts": {"type": "list", "elements": "str"},
    "minimum_accounts": {"type": "int", "default": 1},
}


def _source_options(*, for_removal: bool) -> ArgumentSpec:
    return {
        option.name: {
            "type": option.type,
            **({"elements": "str"} if option.type == "list" else {}),
            **({"required": True} if option.required else {}),
            # The ARN of a key is no secret.
            **({"no_log": False} if "key" in option.name else {}),
        }
        for option in module_source_options(S3, for_removal=for_removal)
    }


S3_SOURCE_INFO_SPEC: ArgumentSpec = {
    "account_id": {"type": "str"},
    "organization": {"type": "bool", "default": False},
    **_source_options(for_removal=False),
}

S3_SOURCE_SPEC: ArgumentSpec = {
    "account_id": {"type": "str"},
    "adopt": {"type": "bool", "default": False},
    **_source_options(for_removal=False),
    **_source_options(for_removal=True),
}

SOURCES_SPEC: ArgumentSpec = {"sources": {"type": "list", "elements": "raw"}}

FLEET_SPEC: ArgumentSpec = {
    "account_joined": {"type": "str"},
    "account_name": {"type": "str"},
    "ou_path": {"type": "str"},
    "deduplicate": {"type": "bool"},
    "accepted_findings": {"type": "list", "elements": "dict"},
    **SOURCES_SPEC,
    "accounts": {"type": "list", "elements": "dict"},
    "concurrency": {"type": "int", "default": 256},
    "max_change_percent": {"type": "float"},
    "max_fail_percentage": {"type": "float", "default": 0},
    "find_orphans": {"type": "bool"},
    "offboard_orphans": {"type": "bool"},
    "orphan_account_ids": {"type": "list", "elements": "str"},
    "find_unconnected_roles": {"type": "bool"},
    "minimum_accounts": {"type": "int", "default": 1},
    "report_dir": {"type": "path"},
    "report_name": {"type": "str"},
    "fail_on": {"type": "str", "choices": ["drift", "security", "never"], "default": "never"},
}
