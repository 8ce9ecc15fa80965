# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator of AWS Organizations, with boto3."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulators.client import CALLER_ACCOUNT, Emulators
from tests.unit.inventory.conftest import needs_paths

UNITS = {"ou-ab12-11111111": ["Workloads", "r-ab12"], "ou-ab12-22222222": ["Production", "ou-ab12-11111111"]}
ACCOUNTS: list[dict[str, Any]] = [
    {"Id": f"{number:012}", "Parent": "ou-ab12-22222222", "Tags": {"n": str(number)}} for number in range(45)
]


def code(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer: Any = caught.value.response
    return str(answer["Error"]["Code"])


def test_pages_have_20_accounts_and_may_be_empty(e: Emulators, boto: Any) -> None:
    e.organization(ACCOUNTS, units=UNITS, empty_every=2)
    pages = list(boto("organizations").get_paginator("list_accounts").paginate())
    assert [len(page["Accounts"]) for page in pages] == [20, 0, 20, 0, 5]
    assert code(boto("organizations").list_accounts, MaxResults=21) == "InvalidInputException"


@needs_paths
def test_an_account_has_path_and_state_unless_they_are_hidden(e: Emulators, boto: Any) -> None:
    e.organization([{**ACCOUNTS[1], "State": "CLOSED"}], units=UNITS)
    [account] = boto("organizations").list_accounts()["Accounts"]
    path = f"o-emulated01/r-ab12/ou-ab12-11111111/ou-ab12-22222222/{account['Id']}/"
    assert (account["Paths"], account["State"], account["Status"]) == ([path], "CLOSED", "SUSPENDED")
    e.organization(ACCOUNTS[1:2], units=UNITS, hidden=["Paths", "Status"])
    [account] = boto("organizations").list_accounts()["Accounts"]
    assert {"Paths", "Status"} & account.keys() == set()


def test_the_tree_and_the_tags_can_be_read(e: Emulators, boto: Any) -> None:
    e.organization(ACCOUNTS, units=UNITS)
    client = boto("organizations")
    [root] = client.list_roots()["Roots"]
    [unit] = client.list_organizational_units_for_parent(ParentId=root["Id"])["OrganizationalUnits"]
    assert unit["Name"] == "Workloads"
    assert client.list_accounts_for_parent(ParentId=unit["Id"])["Accounts"] == []
    assert len(client.list_accounts_for_parent(ParentId="ou-ab12-22222222")["Accounts"]) == 20
    assert client.list_tags_for_resource(ResourceId=ACCOUNTS[3]["Id"])["Tags"] == [{"Key": "n", "Value": "3"}]
    for listing in (client.list_accounts_for_parent, client.list_organizational_units_for_parent):
        assert code(listing, ParentId="ou-ab12-99999999") == "ParentNotFoundException"


def test_a_member_account_may_only_describe_the_organization(e: Emulators, boto: Any) -> None:
    e.organization(ACCOUNTS, units=UNITS, delegates=[ACCOUNTS[2]["Id"]])
    member = boto("organizations", **e.credentials(ACCOUNTS[1]["Id"]))
    assert code(member.list_accounts) == "AccessDeniedException"
    assert member.describe_organization()["Organization"]["MasterAccountId"] == CALLER_ACCOUNT
    assert boto("organizations", **e.credentials(ACCOUNTS[2]["Id"])).list_accounts()["Accounts"]
    outsider = boto("organizations", **e.credentials("999999999999"))
    assert code(outsider.describe_organization) == "AWSOrganizationsNotInUseException"


def test_without_an_organization_moto_responds(e: Emulators, boto: Any) -> None:
    e.organization(ACCOUNTS)
    e.reset()
    assert boto("organizations").list_accounts()["Accounts"] == []
    with pytest.raises(ValueError, match="There is no organization"):
        e.control("add_accounts", accounts=[])
