# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each host may have its own Azure credential, and no secret is displayed."""

from __future__ import annotations

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from tests.emulators.client import Emulators

from .conftest import Play, parsed

FIRST, SECOND = "111111111101", "111111111102"


def test_every_host_signs_in_with_its_own_credential(cloud: Emulators, play: Play) -> None:
    hosts = {
        "first": {"aws_account_id": FIRST},
        "second": {
            "aws_account_id": SECOND,
            "sentinel_auth_source": "msi",
            "sentinel_client_id": cloud.user_assigned,
        },
    }
    run = play("onboard", hosts, "-vvv")
    assert (run.code, run.failed) == (0, {}), run.output
    assert [cloud.operations().count(name) for name in ("Token", "ManagedIdentity_AppService")] == [1, 1]
    assert [secret for secret in cloud.secrets() if secret in run.output] == []


def test_a_refused_secret_of_a_host_is_not_displayed(cloud: Emulators, play: Play) -> None:
    secrets = {"sentinel_secret": "hush-hush-secret", "sentinel_oidc_token": "hush-hush-token"}
    run = play("onboard", {"first": {"aws_account_id": FIRST, **secrets}}, "-vvv")
    assert run.code != 0
    assert "AADSTS7000215" in run.output
    assert "hush-hush" not in run.output


def test_variables_of_a_host_send_no_secret_of_the_environment_elsewhere(cloud: Emulators, play: Play) -> None:
    elsewhere = {"sentinel_cloud_environment": cloud.azure.replace("localhost", "127.0.0.1")}
    run = play("onboard", {"first": {"aws_account_id": FIRST, **elsewhere}})
    assert run.code != 0
    assert "AZURE_CLOUD_ENVIRONMENT" in run.output
    assert cloud.operations("azure") == []


@pytest.mark.parametrize(
    ("name", "word"),
    [("AzureUSGovernment", "sentinel_microsoft_account_id"), ("AzureChinaCloud", "AWS connector")],
)
def test_an_unsupported_cloud_is_refused_before_the_first_call(here: Emulators, name: str, word: str) -> None:
    with pytest.raises(SentinelError, match=word) as caught:
        parsed(here, {"first": {"aws_account_id": FIRST, "sentinel_cloud_environment": name}})
    assert caught.value.kind == "bad_input"
    assert f"sentinel_cloud_environment '{name}' of host first" in str(caught.value)
