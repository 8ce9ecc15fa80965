# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of the clouds, and the clouds in which AWS accounts can be connected."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials import cloud
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError

HOST = "host payments"
OTHER = "222222222222"
METADATA: dict[str, Any] = {
    "authentication": {
        "loginEndpoint": "https://adfs.local.azurestack.external/adfs/",
        "audiences": ["https://management.adfs.azurestack.local/11111111/"],
    },
    "resourceManager": "https://management.local.azurestack.external/",
    "logAnalyticsResourceId": "https://logs.local.azurestack.external/",
}


def rejected(options: dict[str, Any], where: str = HOST, names: str = "option") -> str:
    with pytest.raises(SentinelError) as caught:
        parse(options, where, names=names)
    assert caught.value.kind == "bad_input"
    return str(caught.value)


@pytest.mark.parametrize("name", cloud.CLOUDS)
def test_a_predefined_cloud_has_the_same_name_by_its_address(name: str) -> None:
    known = cloud.CLOUDS[name]
    assert {cloud.cloud_name(text) for text in (name, known.arm, f"{known.arm}/")} == {name}
    assert all(address.startswith("https://") and not address.endswith("/") for address in known[:4])
    assert known.scope == f"{known.arm}/.default"


def test_the_default_is_the_public_cloud() -> None:
    assert cloud.cloud_name(None) == cloud.PUBLIC


def test_a_private_cloud_is_named_by_its_address() -> None:
    assert cloud.cloud_name("https://localhost:1/") == "https://localhost:1"


def test_metadata_describe_a_private_cloud() -> None:
    assert cloud.from_metadata(METADATA) == cloud.Cloud(
        arm="https://management.local.azurestack.external",
        authority="https://adfs.local.azurestack.external/adfs",
        scope="https://management.adfs.azurestack.local/11111111/.default",
        logs="https://logs.local.azurestack.external",
        predefined=False,
    )


@pytest.mark.parametrize("given", [{}, {"logAnalyticsResourceId": None}])
def test_a_private_cloud_may_have_no_log_analytics(given: dict[str, None]) -> None:
    without = {key: value for key, value in METADATA.items() if key != "logAnalyticsResourceId"}
    assert cloud.from_metadata({**without, **given}).logs == ""


@pytest.mark.parametrize("named", ["AzureChinaCloud", "https://management.chinacloudapi.cn/"])
def test_china_has_no_connector(named: str) -> None:
    sentence = rejected({"cloud_environment": named, "microsoft_account_id": OTHER})
    assert sentence.startswith(f"Cannot use cloud_environment 'AzureChinaCloud' of {HOST}: ")


@pytest.mark.parametrize("named", ["AzureUSGovernment", "https://management.usgovcloudapi.net"])
@pytest.mark.parametrize(
    ("names", "shown"), [("option", "microsoft_account_id"), ("variable", "sentinel_microsoft_account_id")]
)
def test_the_account_of_the_government_cloud_must_be_given(named: str, names: str, shown: str) -> None:
    assert f" of {HOST}: {shown} " in rejected({"cloud_environment": named}, names=names)
    given = {"cloud_environment": named, "microsoft_account_id": OTHER}
    assert parse(given, HOST, names=names).role_spec.microsoft_account_id == OTHER


def test_a_module_without_roles_needs_no_account_of_azure_government() -> None:
    cloud_only = {"cloud_environment": "AzureUSGovernment"}
    assert parse(cloud_only, "", names="short").azure.cloud_environment == "AzureUSGovernment"
    sentence = rejected({**cloud_only, "microsoft_account_id": None}, "", "short")
    assert sentence.startswith("Cannot use cloud_environment 'AzureUSGovernment': microsoft_account_id ")


@pytest.mark.parametrize(
    "option", ["tenant", "client_id", "secret", "oidc_token", "cloud_environment", "azure_profile"]
)
def test_an_empty_option_is_not_given(option: str) -> None:
    assert parse({option: ""}, HOST) == parse({}, HOST)
