# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts that filters select: a table of filters, a table of invalid ones, and properties."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.organization.account_filter import (
    AccountFilter,
    Filter,
    parse,
    select_accounts,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.organization.organization import (
    Organization,
    OrganizationAccount,
    Unit,
)

MANAGER, ONE, TWO, THREE = "123456789012", "111111111111", "222222222222", "333333333333"
ROOT, WORK, PROD, OTHER = "r-ab12", "ou-ab12-11111111", "ou-ab12-22222222", "ou-ab12-33333333"
UNITS = {
    ROOT: Unit("Root", ""),
    WORK: Unit("Workloads", ROOT),
    PROD: Unit("Production", WORK),
    OTHER: Unit("Production", ROOT),
}
ACCOUNTS = (
    OrganizationAccount(ONE, "prod-payments", "", "ACTIVE", "2026-01-01T12:00:00Z", MANAGER, (ROOT, WORK, PROD)),
    OrganizationAccount(TWO, "Prod\nline 🚀", "", "ACTIVE", "2026-02-01T00:00:00Z", MANAGER, (ROOT, WORK)),
    OrganizationAccount(THREE, "", "", "ACTIVE", "", MANAGER, (ROOT, OTHER)),
)
TAGS = {ONE: {"env": "prod", "owner": "payments"}, TWO: {"env": "test"}}
ORGANIZATION = Organization({one.account_id: one for one in ACCOUNTS}, UNITS, TAGS)
MATCHES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "an id": ({"id": ONE}, {ONE}),
    "ids": ({"id": [ONE, THREE, "999999999999"]}, {ONE, THREE}),
    "a name": ({"name": "prod-payments"}, {ONE}),
    "a pattern": ({"name": "prod*"}, {ONE}),
    "a pattern over lines": ({"name": "Prod*"}, {TWO}),
    "a pattern in brackets": ({"name": "[pP]rod*"}, {ONE, TWO}),
    "an empty name": ({"name": ""}, {THREE}),
    "a unit by id": ({"ou": PROD}, {ONE}),
    "a unit with those below": ({"ou": WORK}, {ONE, TWO}),
    "a unit by path": ({"ou": "/Workloads/Production"}, {ONE}),
    "a path with an end": ({"ou": "/Workloads/"}, {ONE, TWO}),
    "the same name elsewhere": ({"ou": "/Production"}, {THREE}),
    "the root": ({"ou": "/"}, {ONE, TWO, THREE}),
    "the root by id": ({"ou": ROOT}, {ONE, TWO, THREE}),
    "units": ({"ou": [PROD, "/Production"]}, {ONE, THREE}),
    "a tag": ({"tags": {"env": "prod"}}, {ONE}),
    "a tag of some values": ({"tags": {"env": ["prod", "test"]}}, {ONE, TWO}),
    "a tag of any value": ({"tags": {"env": "*"}}, {ONE, TWO}),
    "tags": ({"tags": {"env": "*", "owner": "pay*"}}, {ONE}),
    "a key in another case": ({"tags": {"Env": "prod"}}, set()),
    "joined since a day": ({"joined_after": "2026-01-01"}, {ONE, TWO}),
    "joined since a day in YAML": ({"joined_after": date(2026, 1, 2)}, {TWO}),
    "joined since a time": ({"joined_after": "2026-01-01T12:00:01Z"}, {TWO}),
    "joined at a time in YAML": ({"joined_after": datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)}, {ONE, TWO}),
    "joined before": ({"joined_before": "2026-02-01", "joined_after": "2026-01-01"}, {ONE}),
    "two conditions": ({"ou": WORK, "name": "prod*"}, {ONE}),
    "two that exclude each other": ({"id": TWO, "name": "prod*"}, set()),
}


def ids(accounts: list[OrganizationAccount]) -> set[str]:
    return {one.account_id for one in accounts}


@pytest.mark.parametrize("case", MATCHES)
def test_a_filter_matches_the_same_accounts_for_include_and_exclude(case: str) -> None:
    given_, matching = MATCHES[case]
    filters = parse("include_filters", [given_])
    selected, excluded = select_accounts(ORGANIZATION, AccountFilter(include=filters))
    assert ids(selected) == matching
    assert excluded == dict.fromkeys({ONE, TWO, THREE} - matching, "include_filters")
    selected, excluded = select_accounts(ORGANIZATION, AccountFilter(exclude=filters))
    assert ids(selected) == {ONE, TWO, THREE} - matching
    assert excluded == dict.fromkeys(matching, "exclude_filters")


@pytest.mark.parametrize("name", ["Sandbox [EU]", "a*b", "what?", "[!a]", "[", "]x[", "[]", "\\d", "prod-[0-9]"])
def test_a_literal_name_with_brackets_matches(name: str) -> None:
    one = ACCOUNTS[0]._replace(name=name)
    whole = Organization({ONE: one, TWO: ACCOUNTS[1]}, UNITS, {ONE: {name: name}})
    for condition in ({"name": name}, {"tags": {name: name}}, {"tags": {name: ["x", name]}}):
        filters = parse("exclude_filters", [condition])
        assert ids(select_accounts(whole, AccountFilter(exclude=filters))[0]) == {TWO}
        assert ids(select_accounts(whole, AccountFilter(include=filters))[0]) == {ONE}


def test_an_ambiguous_path_is_rejected_with_the_ids_of_its_units() -> None:
    slash = Unit("Workloads/Production", ROOT)
    whole = Organization(
        ORGANIZATION.accounts, {**UNITS, "ou-ab12-44444444": slash, "ou-ab12-55555555": Unit("a/", ROOT)}
    )
    with pytest.raises(SentinelError) as caught:
        select_accounts(whole, AccountFilter(exclude=parse("exclude_filters", [{"ou": "/Workloads/Production"}])))
    assert caught.value.kind == "bad_input"
    assert all(
        part in str(caught.value) for part in ("exclude_filters", "/Workloads/Production", PROD, "ou-ab12-44444444")
    )
    assert ids(select_accounts(whole, AccountFilter(include=parse("include_filters", [{"ou": PROD}])))[0]) == {ONE}
    assert select_accounts(whole, AccountFilter(include=parse("include_filters", [{"ou": "/a/"}])))[0] == []


def test_an_id_may_be_a_number_of_twelve_digits() -> None:
    filters = parse("include_filters", [{"id": [111111111111, TWO]}])
    assert ids(select_accounts(ORGANIZATION, AccountFilter(include=filters))[0]) == {ONE, TWO}


def test_one_of_several_filters_is_enough_and_exclude_wins() -> None:
    include = parse("include_filters", [{"id": ONE}, {"id": TWO}])
    exclude = parse("exclude_filters", [{"name": "Prod*"}])
    selected, excluded = select_accounts(ORGANIZATION, AccountFilter(include, exclude))
    assert ids(selected) == {ONE}
    assert excluded == {TWO: "exclude_filters", THREE: "include_filters"}


def test_inactive_accounts_are_selected_only_on_request_and_filtered() -> None:
    closed = Organization({one.account_id: one._replace(state="CLOSED") for one in ACCOUNTS})
    selected, excluded = select_accounts(closed, AccountFilter())
    assert selected == []
    assert set(excluded.values()) == {"its state is CLOSED"}
    assert ids(select_accounts(closed, AccountFilter(inactive=True, exclude=(Filter(id=(ONE,)),)))[0]) == {TWO, THREE}


def test_the_management_account_can_be_left_out() -> None:
    manager = ACCOUNTS[0]._replace(account_id=MANAGER)
    whole = Organization({MANAGER: manager})
    assert ids(select_accounts(whole, AccountFilter())[0]) == {MANAGER}
    assert select_accounts(whole, AccountFilter(management=False)) == ([], {MANAGER: "it is the management account"})


INVALID: dict[str, tuple[Any, str]] = {
    "no list": ({"id": ONE}, "it must be a list of filters"),
    "no dictionary": ([ONE], "it must be a dictionary with one or more of id, name"),
    "empty": ([{}], "it must be a dictionary with one or more of id, name"),
    "an unknown condition": ([{"nmae": "x"}], "a filter must have no other keys than id, name"),
    "a short number": ([{"id": [ONE, 11111111111]}], "it must be a string; quote it in YAML"),
    "11 digits": ([{"id": "11111111111"}], "it must be a string of 12 digits"),
    "full-width digits": ([{"id": "\uff11" * 12}], "it must be a string of 12 digits"),
    "a line end": ([{"id": f"{ONE}\n"}], "it must be a string of 12 digits"),
    "no ids": ([{"id": []}], "it must not be empty"),
    "no unit": ([{"ou": "Workloads"}], "it must be an id such as ou-ab12-11111111, or a path"),
    "an unknown path": ([{"ou": "/Nowhere"}], "the organization has no such organizational unit"),
    "an unknown id": ([{"ou": "ou-ab12-99999999"}], "the organization has no such organizational unit"),
    "tags as a string": ([{"tags": "env"}], "it must be a dictionary of tags"),
    "a tag that is true": ([{"tags": {"env": True}}], "it must be a string; quote it in YAML"),
    "no day": ([{"joined_after": "yesterday"}], "it must be a date such as"),
    "month 13": ([{"joined_after": "2026-13-01"}], "it must be a date such as"),
    "another time zone": ([{"joined_after": "2026-01-01T00:00:00+02:00"}], "it must be a date such as"),
    "null": ([{"joined_before": None}], "it must be a date such as"),
}


@pytest.mark.parametrize("option", ["include_filters", "exclude_filters"])
@pytest.mark.parametrize("case", INVALID)
def test_an_invalid_filter_is_rejected(case: str, option: str) -> None:
    given_, rule = INVALID[case]
    with pytest.raises(SentinelError) as caught:
        select_accounts(ORGANIZATION, AccountFilter(**{option.removesuffix("_filters"): parse(option, given_)}))
    assert caught.value.kind == "bad_input"
    assert str(caught.value).startswith("Cannot use ")
    assert option in str(caught.value)
    assert rule in str(caught.value)


def test_a_unit_id_is_accepted_if_the_units_are_unknown() -> None:
    unnamed = Organization(ORGANIZATION.accounts)
    assert ids(select_accounts(unnamed, AccountFilter(include=parse("include_filters", [{"ou": WORK}])))[0]) == {
        ONE,
        TWO,
    }
    assert select_accounts(unnamed, AccountFilter(include=(Filter(ou=("ou-ab12-99999999",)),)))[0] == []


FILTERS = st.builds(
    Filter,
    id=st.sampled_from([(), (ONE,), (ONE, TWO)]),
    name=st.sampled_from([(), ("prod*",), ("*o*",)]),
    ou=st.sampled_from([(), (WORK,), ("/Production",)]),
    tags=st.sampled_from([(), (("env", ("prod",)),), (("env", ("*",)),)]),
    joined_after=st.sampled_from(["", "2026-01-15"]),
    joined_before=st.sampled_from(["", "2026-01-15"]),
)
ACCOUNT_FILTERS = st.builds(
    AccountFilter, include=st.lists(FILTERS, max_size=2).map(tuple), exclude=st.lists(FILTERS, max_size=2).map(tuple)
)


@given(ACCOUNT_FILTERS)
def test_every_account_is_either_selected_or_excluded(account_filter: AccountFilter) -> None:
    selected, excluded = select_accounts(ORGANIZATION, account_filter)
    assert sorted([*ids(selected), *excluded]) == [ONE, TWO, THREE]


@given(ACCOUNT_FILTERS, st.dictionaries(st.sampled_from([ONE, TWO, THREE]), st.dictionaries(st.just("env"), st.text())))
def test_ignoring_tags_selects_all_accounts_whose_tags_matter(
    account_filter: AccountFilter, tags: dict[str, Any]
) -> None:
    asked = ids(select_accounts(Organization(ORGANIZATION.accounts, UNITS), account_filter.ignoring_tags())[0])
    assert ids(select_accounts(Organization(ORGANIZATION.accounts, UNITS, tags), account_filter)[0]) <= asked


@given(ACCOUNT_FILTERS, FILTERS)
def test_another_exclude_filter_never_adds_accounts(account_filter: AccountFilter, more: Filter) -> None:
    narrower = AccountFilter(account_filter.include, (*account_filter.exclude, more))
    assert ids(select_accounts(ORGANIZATION, narrower)[0]) <= ids(select_accounts(ORGANIZATION, account_filter)[0])
