# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts of an organization, their units, and the accounts that departed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.organization.organization import (
    Organization,
    OrganizationAccount,
    Unit,
    from_data,
    parse,
    to_data,
)

MANAGER, ONE, TWO, THREE = "123456789012", "111111111111", "222222222222", "333333333333"
ROOT, WORK, PROD = "r-ab12", "ou-ab12-11111111", "ou-ab12-22222222"
UNITS = {ROOT: Unit("Root", ""), WORK: Unit("Workloads", ROOT), PROD: Unit("Production", WORK)}
RAW: dict[str, Any] = {
    "Id": ONE,
    "Arn": f"arn:aws:organizations::{MANAGER}:account/o-emulated01/{ONE}",
    "Name": "one",
    "Email": "one@example.com",
    "State": "ACTIVE",
}


def account(account_id: str, state: str = "ACTIVE", units: tuple[str, ...] = ()) -> OrganizationAccount:
    return OrganizationAccount(account_id, f"name of {account_id}", "", state, "2026-01-01T00:00:00Z", MANAGER, units)


def organization(*accounts: OrganizationAccount, **more: Any) -> Organization:
    return Organization({one.account_id: one for one in accounts}, **more)


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"State": "ACTIVE"}, "ACTIVE"),
        ({"State": "CLOSED", "Status": "SUSPENDED"}, "CLOSED"),
        ({"Status": "SUSPENDED"}, "SUSPENDED"),
        ({"State": None, "Status": "ACTIVE"}, "ACTIVE"),
        ({"State": "SOMETHING_NEW"}, "SOMETHING_NEW"),
    ],
)
def test_the_state_is_read_and_else_the_status(fields: dict[str, Any], state: str) -> None:
    assert parse({**RAW, "State": None, **fields}, "").state == state


def test_without_state_and_status_the_error_names_the_botocore_version() -> None:
    with pytest.raises(SentinelError, match=r"neither State nor Status\. Update botocore to 1\.40\.27") as caught:
        parse({key: value for key, value in RAW.items() if key != "State"}, "")
    assert caught.value.kind == "bad_input"


@pytest.mark.parametrize(
    ("paths", "units"),
    [
        (None, ()),
        ([], ()),
        ([f"o-emulated01/{ROOT}/{ONE}/"], (ROOT,)),
        ([f"o-emulated01/{ROOT}/{WORK}/{PROD}/{ONE}/"], (ROOT, WORK, PROD)),
    ],
)
def test_units_are_read_from_the_path(paths: list[str] | None, units: tuple[str, ...]) -> None:
    assert parse({**RAW, "Paths": paths}, "").units == units


def test_the_management_account_is_in_the_arn() -> None:
    assert not parse(RAW, "").is_management
    assert parse({**RAW, "Id": MANAGER}, "").is_management


def test_paths_use_names_if_known() -> None:
    found = organization(units=UNITS)
    assert found.paths() == {ROOT: "/", WORK: "/Workloads", PROD: "/Workloads/Production"}
    assert organization().path((ROOT, WORK, PROD)) == f"/{WORK}/{PROD}"
    assert found.path((ROOT, WORK, "ou-ab12-99999999")) == "/Workloads/ou-ab12-99999999"


def test_accounts_get_the_units_of_their_parents() -> None:
    found = organization(account(ONE), account(TWO), units=UNITS)
    assert not found.units_known
    placed = found.with_units({ONE: PROD, TWO: ROOT, THREE: WORK})
    assert placed.units_known
    assert {key: one.units for key, one in placed.accounts.items()} == {ONE: (ROOT, WORK, PROD), TWO: (ROOT,)}
    with pytest.raises(SentinelError, match=TWO) as caught:
        found.with_units({ONE: PROD})
    assert caught.value.kind == "transient"


DEPARTED: dict[str, tuple[list[OrganizationAccount], int, dict[str, str]]] = {
    "not listed": ([account(ONE)], 1, {TWO: "left", THREE: "left"}),
    "closed": ([account(ONE), account(TWO, "CLOSED"), account(THREE)], 1, {TWO: "closed"}),
    "pending": (
        [account(ONE), account(TWO, "PENDING_CLOSURE"), account(THREE, "PENDING_ACTIVATION")],
        1,
        {},
    ),
    "suspended": ([account(ONE), account(TWO, "SUSPENDED"), account(THREE)], 1, {}),
    "an unknown state": ([account(ONE), account(TWO, "NEW"), account(THREE)], 1, {}),
    "no active account": ([account(ONE, "CLOSED")], 0, {}),
    "no account at all": ([], 0, {}),
    "fewer than expected": ([account(ONE), account(TWO, "CLOSED")], 2, {}),
    "as many as expected": ([account(ONE), account(THREE), account(TWO, "CLOSED")], 2, {TWO: "closed"}),
}


@pytest.mark.parametrize("case", DEPARTED)
def test_an_account_departed_only_by_a_plausible_listing(case: str) -> None:
    accounts, minimum, departed = DEPARTED[case]
    assert organization(*accounts).departed([TWO, THREE], minimum) == departed


STRINGS = st.text(max_size=20)


@given(
    names=st.lists(STRINGS, max_size=5),
    units=st.lists(st.sampled_from([ROOT, WORK, PROD]), max_size=3),
    tags=st.dictionaries(STRINGS, STRINGS, max_size=3),
)
def test_a_cached_organization_is_equal(names: list[str], units: list[str], tags: dict[str, str]) -> None:
    accounts = {
        f"{number:012}": account(f"{number:012}", units=tuple(units))._replace(name=name)
        for number, name in enumerate(names)
    }
    whole = Organization(accounts, UNITS, dict.fromkeys(accounts, tags))
    assert from_data(json.loads(json.dumps(to_data(whole)))) == whole


@pytest.mark.parametrize("kept", [None, [], "text", {}, {"format": 0}, {"accounts": []}])
def test_data_of_another_version_is_ignored(kept: Any) -> None:
    assert from_data(kept) is None
