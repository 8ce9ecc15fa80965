# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host names, groups and variables of accounts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import FIELDS
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.organization.inventory import (
    ALL_ACCOUNTS,
    INACTIVE_ACCOUNTS,
    RESERVED_NAMES,
    HostFormat,
    free_text_variables,
    groups,
    host_names,
    variables,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.organization.organization import (
    Organization,
    OrganizationAccount,
    Unit,
)

MANAGER, ONE, TWO, THREE = "123456789012", "111111111111", "222222222222", "333333333333"
ROOT, WORK, PROD, TWIN = "r-ab12", "ou-ab12-11111111", "ou-ab12-22222222", "ou-ab12-33333333"
ACCOUNT = OrganizationAccount(
    ONE, "one", "one@example.com", "ACTIVE", "2026-01-01T00:00:00Z", MANAGER, (ROOT, WORK, PROD)
)


def organization(*accounts: OrganizationAccount, units: dict[str, Unit] | None = None, **tags: Any) -> Organization:
    known = {ROOT: Unit("Root", ""), WORK: Unit("Work loads", ROOT), PROD: Unit("Prod/EU", WORK)}
    found = {one.account_id: one for one in accounts or [ACCOUNT]}
    return Organization(found, known if units is None else units, tags.get("tags", {}))


NAMES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "ids": ({ONE: ONE, TWO: TWO}, {ONE: ONE, TWO: TWO}),
    "names": ({ONE: "prod-a", TWO: "prod_b.c"}, {ONE: "prod-a", TWO: "prod_b.c"}),
    "odd ones": (
        {ONE: "a\nb", TWO: "🚀 lab", THREE: "x:y,z&[1]!*"},
        {ONE: "a-b", TWO: "lab", THREE: "x-y-z-1"},
    ),
    "letters with accents": ({ONE: "Sécurité"}, {ONE: "Sécurité"}),
    "nothing left": ({ONE: "🚀", TWO: ""}, {ONE: ONE, TWO: TWO}),
    "two equal names": ({ONE: "a", TWO: "a", THREE: "b"}, {ONE: f"a-{ONE}", TWO: f"a-{TWO}", THREE: "b"}),
    "two names equal after escaping": ({ONE: "a b", TWO: "a-b"}, {ONE: f"a-b-{ONE}", TWO: f"a-b-{TWO}"}),
    "the id of another": ({ONE: TWO, TWO: "b"}, {ONE: f"{TWO}-{ONE}", TWO: "b"}),
    "a name made of another": (
        {ONE: "a", TWO: "a", THREE: f"a-{ONE}"},
        {ONE: f"a-{ONE}", TWO: f"a-{TWO}", THREE: f"a-{ONE}-{THREE}"},
    ),
    "the control node": ({ONE: "localhost", TWO: "127.0.0.1"}, {ONE: f"localhost-{ONE}", TWO: f"127.0.0.1-{TWO}"}),
    "a group": ({ONE: "all", TWO: "state_active"}, {ONE: f"all-{ONE}", TWO: f"state_active-{TWO}"}),
}


@pytest.mark.parametrize("case", NAMES)
def test_a_host_is_named(case: str) -> None:
    names, named = NAMES[case]
    assert host_names(names, ["state_active"]) == named


WANTED = st.dictionaries(
    st.from_regex("[0-9]{12}", fullmatch=True),
    st.one_of(st.text(max_size=15), st.sampled_from(["a", "a b", "a-b", "localhost", "group", ONE, f"a-{ONE}", TWO])),
    max_size=8,
)


@given(WANTED, st.booleans())
def test_host_names_are_safe_and_unique(names: dict[str, str], both: bool) -> None:
    if both:
        names |= {ONE: "a", TWO: "a"}
    named = host_names(names, ["group"])
    assert named.keys() == names.keys()
    assert len(set(named.values())) == len(named)
    for key, name in named.items():
        assert re.fullmatch(r"[\w.-]+", name)
        assert name == key or name not in {*RESERVED_NAMES, "group", *names}


def test_groups_are_nested_as_the_units_are() -> None:
    found = groups([ACCOUNT], organization(), HostFormat())
    assert found.of == {ONE: ["state_active", "ou_Work_loads_Prod_EU"]}
    assert found.parents == {
        ALL_ACCOUNTS: "",
        "state_active": ALL_ACCOUNTS,
        "ou_root": ALL_ACCOUNTS,
        "ou_Work_loads": "ou_root",
        "ou_Work_loads_Prod_EU": "ou_Work_loads",
    }


def test_units_with_the_same_group_name_get_their_ids_appended() -> None:
    units = {ROOT: Unit("Root", ""), WORK: Unit("a b", ROOT), PROD: Unit("a_b", ROOT), TWIN: Unit("root", ROOT)}
    accounts = [
        ACCOUNT._replace(account_id=key, units=(ROOT, unit)) for key, unit in ((ONE, WORK), (TWO, PROD), (THREE, TWIN))
    ]
    found = groups(accounts, organization(*accounts, units=units), HostFormat(group_by=["ou"]))
    assert [names[-1] for names in found.of.values()] == [
        "ou_a_b_ou_ab12_11111111",
        "ou_a_b_ou_ab12_22222222",
        "ou_root_ou_ab12_33333333",
    ]
    assert found.parents["ou_a_b_ou_ab12_11111111"] == "ou_root_r_ab12"


def test_units_with_the_same_path_are_distinct_in_groups_and_paths() -> None:
    slash = "ou-ab12-44444444"
    units = {ROOT: Unit("Root", ""), WORK: Unit("Work", ROOT), PROD: Unit("Prod", WORK), slash: Unit("Work/Prod", ROOT)}
    accounts = [ACCOUNT, ACCOUNT._replace(account_id=TWO, units=(ROOT, slash))]
    whole = organization(*accounts, units=units)
    paths = [variables(one, whole, HostFormat())["aws_ou_path"] for one in accounts]
    assert paths == [f"/Work/Prod ({PROD})", f"/Work/Prod ({slash})"]
    assert whole.path((ROOT, WORK)) == "/Work"
    found = groups(accounts, whole, HostFormat(group_by=["ou"]))
    assert [own[-1] for own in found.of.values()] == ["ou_Work_Prod_ou_ab12_22222222", "ou_Work_Prod_ou_ab12_44444444"]


TWINS = [
    ({"env": "a b"}, {"env": "a_b"}),
    ({"a": "b_c"}, {"a_b": "c"}),
    ({"a b": ""}, {"a": "b"}),
    ({"env": "é🚀"}, {"env": "é💥"}),
]


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_tags_with_the_same_group_name_are_distinct(one: dict[str, str], other: dict[str, str]) -> None:
    accounts = [ACCOUNT, ACCOUNT._replace(account_id=TWO)]
    whole = organization(*accounts, tags={ONE: one, TWO: other})
    found = groups(accounts, whole, HostFormat(group_by=["tag"]))
    assert found.of[ONE][-1] != found.of[TWO][-1]
    assert groups(accounts[:1], whole, HostFormat(group_by=["tag"])).of[ONE][-1] == found.of[ONE][-1].rpartition("_")[0]
    both = groups([ACCOUNT], organization(tags={ONE: {**one, "x": "y"}}), HostFormat(group_by=["tag"]))
    assert len(set(both.of[ONE])) == len(one) + 2


NAMED = st.sampled_from(["a", "b", "a/b", "a b", "a_b", "root", "all", "/", "ungrouped", ""])


@given(st.lists(NAMED, min_size=3, max_size=3), st.dictionaries(NAMED, NAMED, max_size=3))
def test_groups_are_unique(names: list[str], tags: dict[str, str]) -> None:
    units = {ROOT: Unit("Root", ""), WORK: Unit(names[0], ROOT), PROD: Unit(names[1], WORK), TWIN: Unit(names[2], ROOT)}
    accounts = [ACCOUNT, ACCOUNT._replace(account_id=TWO, units=(ROOT, TWIN)), ACCOUNT._replace(account_id=THREE)]
    whole = organization(*accounts, units=units, tags={ONE: tags, TWO: tags, THREE: {}})
    found = groups(accounts, whole, HostFormat())
    assert len(set(found.of[ONE])) == len(found.of[ONE]) == 2 + len(tags)
    assert found.of[ONE][1] != found.of[TWO][1]
    assert not {"all", "ungrouped", ALL_ACCOUNTS, INACTIVE_ACCOUNTS, ONE} & set(found.of[ONE])
    assert len({variables(one, whole, HostFormat())["aws_ou_path"] for one in accounts}) == 2
    chain = found.of[ONE][1]
    for _step in found.parents:
        chain = found.parents.get(chain, "")
    assert chain == ""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (HostFormat(units="ids"), ["state_active", "ou_ab12_22222222", "tag_a_b_x_y", "tag_empty"]),
        (HostFormat(units="none"), ["state_active", "tag_a_b_x_y", "tag_empty"]),
        (HostFormat(group_by=["state"]), ["state_active"]),
        (HostFormat(group_by=[]), [ALL_ACCOUNTS]),
        (HostFormat(group_by=["tag"]), [ALL_ACCOUNTS, "tag_a_b_x_y", "tag_empty"]),
    ],
)
def test_only_requested_groups_exist(options: HostFormat, expected: list[str]) -> None:
    tags = {ONE: {"a b": "x/y", "empty": ""}}
    found = groups([ACCOUNT], organization(tags=tags), options)
    assert found.of[ONE] == expected
    assert set(expected) <= found.parents.keys()


def test_inactive_accounts_are_in_a_group_of_their_own() -> None:
    closed = ACCOUNT._replace(state="PENDING_CLOSURE")
    assert groups([closed], organization(closed), HostFormat(units="none")).of == {
        ONE: ["state_pending_closure", INACTIVE_ACCOUNTS]
    }
    assert variables(closed, organization(closed), HostFormat())["aws_account_reason"] == "its state is PENDING_CLOSURE"


@pytest.mark.parametrize(
    ("options", "more"),
    [
        (HostFormat(), {"aws_ou_ids": [ROOT, WORK, PROD], "aws_ou_path": "/Work loads/Prod/EU"}),
        (HostFormat(units="ids"), {"aws_ou_ids": [ROOT, WORK, PROD], "aws_ou_path": f"/{WORK}/{PROD}"}),
        (HostFormat(units="none"), {}),
        (HostFormat(units="none", email=True), {"aws_account_email": "one@example.com"}),
    ],
)
def test_only_requested_variables_exist(options: HostFormat, more: dict[str, Any]) -> None:
    assert variables(ACCOUNT, organization(), options) == {
        "aws_account_id": ONE,
        "aws_account_name": "one",
        "aws_account_state": "ACTIVE",
        "aws_account_joined": "2026-01-01T00:00:00Z",
        "aws_management_account": False,
        **more,
    }


def test_variables_with_free_text_are_listed() -> None:
    options = HostFormat(prefix="x_", email=True)
    own = variables(ACCOUNT, organization(tags={ONE: {"a": "b"}}), options)
    assert own.keys() - free_text_variables(options) == {
        "aws_account_id",
        "x_account_state",
        "aws_account_joined",
        "x_management_account",
        "x_ou_ids",
    }
    assert free_text_variables(options) <= own.keys()


def test_the_prefix_is_of_all_variables_but_those_that_the_roles_read() -> None:
    own = variables(ACCOUNT, organization(tags={ONE: {"a": "b"}}), HostFormat(prefix="x_"))
    read = {field.variable for field in FIELDS}
    assert {name for name in own if not name.startswith("x_")} == own.keys() & read
    assert own.keys() & read == {"aws_account_id", "aws_account_name", "aws_account_joined", "aws_ou_path"}
    assert own["x_account_tags"] == {"a": "b"}
