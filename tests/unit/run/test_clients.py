# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts share a sign-in and a listing by the identity of their credentials, and no two principals share one."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import Account
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AwsCredentials,
    AzureCredentials,
    by_identity,
    with_other_secrets,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.clients import Clients
from tests.emulators import faults
from tests.emulators.client import CALLER_ACCOUNT, Emulators
from tests.faults.engine import short_pauses
from tests.unit.playbooks.conftest import all_results, parsed

AZURE = AzureCredentials(tenant="t", client_id="c", secret="one")
AWS = AwsCredentials(access_key="A", secret_key="one", session_token="one")
SAME_AZURE: list[dict[str, Any]] = [{"secret": "two"}]
OTHER_AZURE: list[dict[str, Any]] = [
    {"tenant": "u"},
    {"client_id": "d"},
    {"secret": None},
    {"secret": None, "oidc_token": "one"},
    {"secret": None, "x509_certificate_path": "one"},
    {"auth_source": "env"},
    {"azure_profile": "p"},
    {"cloud_environment": "AzureUSGovernment"},
    {"adfs_authority_url": "https://adfs"},
    {"cert_validation_mode": "ignore"},
]
OTHER_AWS: list[dict[str, Any]] = [
    {"access_key": "B"},
    {"access_key": None, "secret_key": None, "session_token": None},
    {"profile": "p"},
    {"region": "eu-west-1"},
    {"endpoint_url": "https://sts.amazonaws.com"},
    {"validate_certs": False},
]
NUMBERS = range(1, 7)


@pytest.mark.parametrize("own", OTHER_AZURE, ids=str)
def test_azure_credentials_of_another_principal_or_place_are_another_identity(own: dict[str, Any]) -> None:
    assert replace(AZURE, **own).identity != AZURE.identity


@pytest.mark.parametrize("own", OTHER_AWS, ids=str)
def test_aws_credentials_of_another_principal_or_place_are_another_identity(own: dict[str, Any]) -> None:
    assert replace(AWS, **own).identity != AWS.identity


def test_credentials_that_differ_in_the_secret_only_have_one_identity_without_it() -> None:
    assert replace(AZURE, secret="two").identity == AZURE.identity
    assert replace(AWS, secret_key="two", session_token="two").identity == AWS.identity
    assert "one" not in (AZURE.identity.secret, AWS.identity.secret_key, AWS.identity.session_token)
    two = replace(AZURE, secret="two")
    other = replace(two, client_id="d")
    assert by_identity([AZURE, two, other, AZURE]) == {AZURE.identity: [AZURE, two], other.identity: [other]}
    assert with_other_secrets([AZURE, two]).other_secrets == ("two",)


def test_limits_are_those_of_the_application_however_it_signs_in() -> None:
    certificate = replace(AZURE, secret=None, x509_certificate_path="one", cert_validation_mode="ignore", tenant="T")
    assert certificate.principal == AZURE.principal
    assert replace(AZURE, client_id="d").principal != AZURE.principal
    assert AzureCredentials(azure_profile="p").principal != AzureCredentials().principal


def accounts_with(here: Emulators, secrets: list[str | None], **own: Any) -> list[Account]:
    """Return an account for each of these secrets; None is the right one."""
    hosts = {
        f"host{number}": {"aws_account_id": f"11111111110{number}", **({"sentinel_secret": secret} if secret else {})}
        for number, secret in enumerate(secrets, 1)
    }
    return parsed(here, hosts, **own)


def ran(accounts: list[Account], **options: Any) -> Counter[str]:
    with short_pauses():
        results = asyncio.run(all_results(accounts, fleet.RunOptions(**options)))
    return Counter(one.error.kind if one.error else one.status for one in results)


def requested(here: Emulators) -> tuple[int, int]:
    """The sign-ins that Entra ID was asked for, and the listings of connectors."""
    found = Counter(one["operation"] for one in here.requests("azure"))
    return found["Token"], found["DataConnectors_List"]


@pytest.mark.parametrize("right", [0, 2, 5])
def test_accounts_whose_secrets_differ_share_a_sign_in_with_the_first_that_works(here: Emulators, right: int) -> None:
    secrets: list[str | None] = [f"wrong{number}" for number in NUMBERS]
    secrets[right] = None
    assert ran(accounts_with(here, secrets)) == {"changed": 6}
    assert requested(here) == (right + 1, 1)


def test_secrets_none_of_which_works_fail_their_accounts_alone(here: Emulators) -> None:
    wrong = accounts_with(here, ["wrong1", "wrong2", "wrong1"])
    good = parsed(here, {"good": {"aws_account_id": "111111111109"}})
    other = [replace(one, azure=replace(one.azure, cert_validation_mode="validate")) for one in wrong]
    assert ran([*other, *good]) == {"azure_denied": 3, "changed": 1}


def test_an_application_that_does_not_exist_is_tried_once(here: Emulators) -> None:
    unknown = accounts_with(here, ["a", "b", "c"], sentinel_client_id="99999999-9999-4999-8999-999999999998")
    with pytest.raises(SentinelError) as caught:
        ran(unknown)
    assert caught.value.kind == "azure_denied"
    assert requested(here)[0] == 1


@pytest.mark.parametrize("wrong", range(4))
def test_aws_keys_whose_secrets_differ_share_the_first_that_works(here: Emulators, wrong: int) -> None:
    keys = here.credentials(CALLER_ACCOUNT)
    given = AwsCredentials(keys["aws_access_key_id"], "x", keys.get("aws_session_token"))
    accounts = [
        replace(one, aws=replace(given, secret_key=f"secret{number}"))
        for number, one in enumerate(accounts_with(here, [None] * 3))
    ]
    if wrong:
        here.fault(operation="GetCallerIdentity", times=wrong, **faults.EXPIRED_TOKEN)
    if wrong == len(accounts):
        with pytest.raises(SentinelError) as caught:
            ran(accounts)
        assert caught.value.kind == "expired_credentials"
    else:
        assert ran(accounts) == {"changed": 3}
    assert here.operations("sts").count("GetCallerIdentity") == min(wrong + 1, 3)


def test_two_credentials_of_one_application_share_the_limits_of_subscription_and_logs(here: Emulators) -> None:
    one, other = accounts_with(here, [None, None])
    other = replace(other, azure=replace(other.azure, cert_validation_mode="validate"))

    async def work() -> None:
        with Clients([one, other]) as clients:
            for account in (one, other):
                await clients.sentinel(account)
                await clients.logs(account)
            assert len(clients._azure.values) == 2
            assert len(clients._limits) == 2
            assert await clients.sentinel(one) is await clients.sentinel(one)

    asyncio.run(work())
