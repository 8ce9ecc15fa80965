# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Usual mistakes of a first run: the class of each, and the words without which its message does not help."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleParserError

from ansible_collections.trailbridge.sentinel.plugins.inventory.aws_organization import SUFFIXES, InventoryModule
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountResult
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from ansible_collections.trailbridge.sentinel.plugins.plugin_utils import versions
from tests.emulators.client import Emulators
from tests.faults.timing import Timing

from .actions import act
from .conftest import all_results, parsed

ACCOUNT = {"payments": {"aws_account_id": "111111111111"}}

# By mistake: variables of the account, environment variables (None: not set), the class, words of the message.
MISTAKES: dict[str, tuple[dict[str, Any], dict[str, str | None], str, tuple[str, ...]]] = {
    "resource group": ({"sentinel_resource_group": "securty"}, {}, "workspace_not_found", ("securty",)),
    "workspace": ({"sentinel_workspace": "sentinl"}, {}, "workspace_not_found", ("sentinl",)),
    "subscription": (
        {"sentinel_subscription_id": "11111111-2222-4333-8444-555555555555"},
        {},
        "workspace_not_found",
        ("tenant",),
    ),
    "profile": ({"sentinel_aws_profile": "prod"}, {}, "profile_not_found", ("(prod)", "list-profiles")),
    "profile of the environment": ({}, {"AWS_PROFILE": "prod"}, "profile_not_found", ("AWS_PROFILE",)),
    "no AWS credentials": (
        {},
        {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
        "expired_credentials",
        ("AWS_ACCESS_KEY_ID",),
    ),
    "untrusted certificate": (
        {},
        {"REQUESTS_CA_BUNDLE": None, "AWS_CA_BUNDLE": None},
        "untrusted_certificate",
        ("REQUESTS_CA_BUNDLE",),
    ),
    "AWS not reachable": (
        {},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
        "transient",
        ("127.0.0.1 cannot be reached", "HTTPS_PROXY"),
    ),
    "Azure not reachable": (
        {"sentinel_cloud_environment": "https://127.0.0.1:9", "sentinel_secret": "x"},
        {},
        "transient",
        ("127.0.0.1 cannot be reached", "Connection refused", "HTTPS_PROXY"),
    ),
    "no role": ({"sentinel_assume_role": []}, {}, "wrong_account", ("sentinel_assume_role",)),
    "a role that does not exist": ({"sentinel_assume_role": "Nope"}, {}, "assume_denied", ("Nope", "trust policy")),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_usual_mistake(here: Emulators, monkeypatch: pytest.MonkeyPatch, mistake: str) -> None:
    variables, environment, kind, words = MISTAKES[mistake]
    accounts = parsed(here, ACCOUNT, **variables)
    for name, value in environment.items():
        monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    error = error_of(accounts)
    assert error.kind == kind
    assert [word for word in words if word not in str(error)] == []


def error_of(accounts: list[Any]) -> SentinelError:
    """The error of a preview of one account, or of the whole run."""
    try:
        with Timing(azure_retries=0.5, aws_retries=0.5).applied():
            [result] = asyncio.run(all_results(accounts, fleet.RunOptions(check_mode=True)))
    except SentinelError as error:
        return error
    assert isinstance(result, AccountResult)
    assert result.error
    return result.error


def test_an_unquoted_id_of_the_only_account(tmp_path: Path) -> None:
    ran = act(tmp_path, "fleet_check", {"hosts": {"payments": {"aws_account_id": 1227133513}}})
    assert ran.kind == "bad_input"
    assert [word for word in ("1227133513", "payments", "quote") if word not in ran["msg"]] == []


def test_an_inventory_file_of_another_name(tmp_path: Path) -> None:
    path = tmp_path / "accounts.yml"
    path.write_text("---\nplugin: trailbridge.sentinel.aws_organization\n")
    with pytest.raises(AnsibleParserError) as caught:
        InventoryModule().verify_file(str(path))
    assert [suffix for suffix in SUFFIXES if suffix not in str(caught.value)] == []


@pytest.mark.parametrize("content", ["plugin: amazon.aws.aws_ec2\n", "all: {}\n", "[accounts]\n", "\udcff"])
def test_files_of_others_are_left_to_them(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.yml"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert InventoryModule().verify_file(str(path)) is False
    assert InventoryModule().verify_file(str(tmp_path)) is False


def test_the_oldest_ansible_is_that_of_the_metadata() -> None:
    runtime = yaml.safe_load((Path(__file__).parents[3] / "meta/runtime.yml").read_text())
    assert runtime["requires_ansible"] == f">={'.'.join(map(str, versions.OLDEST_ANSIBLE))}"


@pytest.mark.parametrize(
    ("ansible", "python", "supported"),
    [
        ("2.19.4", (3, 11), True),
        ("2.22.0rc1", (3, 13), True),
        ("2.19.3", (3, 12), False),
        ("2.18.19", (3, 11), False),
        ("2.19.4", (3, 10), False),
    ],
)
def test_old_versions_are_reported_in_one_sentence(ansible: str, python: tuple[int, int], supported: bool) -> None:
    if supported:
        versions.check(ansible, python)
        return
    with pytest.raises(versions.Unsupported) as caught:
        versions.check(ansible, python)
    assert [word for word in (ansible, "2.19.4", "Python 3.11") if word not in str(caught.value)] == []
