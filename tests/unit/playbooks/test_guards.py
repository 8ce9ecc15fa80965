# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards count accounts independent of the limit, and no empty, misspelt or misplaced value disables one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible import constants

from tests.emulators.client import CALLER_ACCOUNT, Emulators
from tests.resources import arn_of, connector
from tests.unit.playbooks.actions import Ran, act
from tests.unit.playbooks.conftest import WORKSPACE, Engine

ONE, TWO, THREE = "222222222201", "222222222202", "222222222203"
ACCOUNTS: dict[str, Any] = {number: {"aws_account_id": number} for number in (ONE, TWO, THREE)}
SERVERS: dict[str, Any] = {f"web{number}": {} for number in range(20)}
BLANK = [None, "", "  "]


def inventory(hosts: dict[str, Any], **variables: Any) -> dict[str, Any]:
    return {"hosts": hosts, "vars": {**WORKSPACE, **variables}}


def fleet(
    folder: Path, hosts: dict[str, Any] | None = None, variables: dict[str, Any] | None = None, **rest: Any
) -> Ran:
    return act(folder, "fleet", inventory(ACCOUNTS if hosts is None else hosts, **(variables or {})), **rest)


def offboard(folder: Path, hosts: dict[str, Any] | None = None, **rest: Any) -> Ran:
    """As in the playbook, whose limit is 20 %."""
    play = {"vars": {"__sentinel_max_change_percent": 20, **rest.pop("play_vars", {})}, **rest.pop("play", {})}
    return fleet(folder, hosts, args={"state": "absent", **rest.pop("args", {})}, play=play, **rest)


@pytest.fixture
def connected(here: Emulators, engine: Engine) -> Emulators:
    engine(ACCOUNTS)
    here.forget()
    return here


# --- empty values ---


@pytest.mark.parametrize("blank", BLANK, ids=repr)
@pytest.mark.parametrize("where", ["extra", "inventory", "host", "play", "task"])
def test_an_empty_value_does_not_switch_a_guard_off(
    connected: Emulators, tmp_path: Path, blank: Any, where: str
) -> None:
    empty = {"sentinel_max_change_percent": blank}
    rest: dict[str, dict[str, Any]] = {
        "extra": {"extra": empty},
        "inventory": {"variables": empty},
        "host": {"hosts": {name: dict(empty) for name in ACCOUNTS}},
        "play": {"play_vars": empty},
        "task": {"args": {"max_change_percent": blank}},
    }
    run = offboard(tmp_path, **rest[where])
    assert (run.kind, run["failed"]) == ("too_many_changes", True)
    assert connected.operations(write=True) == []


@pytest.mark.parametrize("blank", BLANK, ids=repr)
@pytest.mark.parametrize(
    "name",
    ["concurrency", "max_fail_percentage", "minimum_accounts", "fail_on", "report_dir", "report_name", "find_orphans"],
)
def test_an_empty_value_is_the_default(here: Emulators, tmp_path: Path, name: str, blank: Any) -> None:
    run = fleet(tmp_path, extra={f"sentinel_{name}": blank}, task={"check_mode": True})
    assert run["summary"] == {"accounts": 3, "ok": 0, "changed": 3, "failed": 0, "skipped": 0}


@pytest.mark.parametrize("blank", BLANK, ids=repr)
@pytest.mark.parametrize("name", ["role_name", "role_path", "exclusive", "adopt", "permission_mode", "aws_profile"])
def test_an_empty_value_of_an_account_is_the_default(here: Emulators, tmp_path: Path, name: str, blank: Any) -> None:
    run = fleet(tmp_path, variables={f"sentinel_{name}": blank}, task={"check_mode": True})
    assert run["summary"]["changed"] == 3


@pytest.mark.parametrize("blank", BLANK, ids=repr)
def test_an_empty_value_of_a_host_does_not_override_the_task(here: Emulators, tmp_path: Path, blank: Any) -> None:
    run = fleet(tmp_path, {ONE: {"sentinel_role_name": blank}}, args={"role_name": "Other"}, task={"check_mode": True})
    assert run["accounts"][ONE]["calls"][0]["args"]["RoleName"] == "Other"


def test_documented_empty_values_count(here: Emulators, tmp_path: Path, engine: Engine) -> None:
    fence = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    engine(
        {
            ONE: {
                "aws_account_id": ONE,
                "sentinel_role_permissions_boundary": fence,
                "sentinel_role_tags": {"owner": "x"},
            }
        }
    )
    own = {"sentinel_role_permissions_boundary": "", "sentinel_role_tags": {}, "sentinel_role_purge_tags": True}
    run = fleet(tmp_path, {ONE: own}, args={"role_permissions_boundary": fence, "role_tags": {"owner": "x"}})
    names = {call["name"] for call in run["accounts"][ONE]["calls"]}
    assert names == {"DeleteRolePermissionsBoundary", "UntagRole"}


@pytest.fixture
def departed(here: Emulators) -> Emulators:
    """Create the connectors of two departed accounts and of ten members."""
    members = [f"1111111111{number:02}" for number in range(10)]
    here.organization([{"Id": CALLER_ACCOUNT}, *({"Id": account} for account in members)])
    for account in (*members, "999999999991", "999999999992"):
        here.seed_connector(connector("", arn_of(account, "x")))
    here.forget()
    return here


def depart(folder: Path, whole: dict[str, Any] | None = None, **rest: Any) -> Ran:
    args = {"state": "absent", "accounts": [], **rest.pop("args", {})}
    return act(folder, "fleet", whole or inventory({}), args=args, play={"hosts": "localhost"}, **rest)


@pytest.mark.parametrize(
    "value",
    ["{{ nowhere }}", ["{{ nowhere }}"], "{{ nowhere | default(omit) }}", "{{ omit }}", None, "", "  ", [], [None]],
    ids=repr,
)
def test_an_empty_list_of_departed_accounts_never_means_all(departed: Emulators, tmp_path: Path, value: Any) -> None:
    named = {"sentinel_departed": value}
    group = {"vars": WORKSPACE, "children": {"aws": {"hosts": {ONE: {}}, "vars": named}}}
    runs = [depart(tmp_path, extra=named), depart(tmp_path, group)]
    if not isinstance(value, str) or "{" not in value:
        runs.append(depart(tmp_path, args={"orphan_account_ids": value}))
    assert [run.kind for run in runs] == ["bad_input"] * len(runs)
    assert departed.operations(write=True) == []


def test_a_misspelt_departed_variable_never_means_all_accounts(departed: Emulators, tmp_path: Path) -> None:
    for name in ("sentinel_departd", "sentinel_departed_accounts", "sentinel_departed_id"):
        group = {"vars": WORKSPACE, "children": {"aws": {"hosts": {ONE: {}}, "vars": {name: "999999999991"}}}}
        assert depart(tmp_path, group).kind == "bad_input"
        assert depart(tmp_path, extra={name: "999999999991"}).kind == "bad_input"
    assert departed.operations(write=True) == []
    run = depart(tmp_path, extra={"sentinel_departed": 999999999991})
    assert [orphan["account_id"] for orphan in run["orphans"] if orphan["removed"]] == ["999999999991"]


# --- guards count accounts ---


@pytest.mark.parametrize("others", ["one id", "no id", "a template"])
def test_a_percentage_counts_each_account_once_and_no_host_without_an_id(
    connected: Emulators, tmp_path: Path, others: str
) -> None:
    own: dict[str, Any] = {
        "one id": {"aws_account_id": "333333333333"},
        "no id": {"aws_account_id": "n/a"},
        "a template": {"aws_account_id": "{{ ids[inventory_hostname] }}"},
    }[others]
    hosts = {**ACCOUNTS, **{f"old{number}": own for number in range(12)}}
    run = offboard(tmp_path, hosts, limit=",".join(ACCOUNTS))
    assert run.kind == "too_many_changes"
    many = {**ACCOUNTS, **{f"old{number}": own for number in range(12)}}
    assert check(tmp_path, many, extra={"sentinel_minimum_accounts": 5}).kind == "bad_input"


@pytest.mark.parametrize("written", ["222222222201 ", "2222-2222-2201", 222222222201.0])
def test_an_id_in_another_notation_is_the_same_account(connected: Emulators, tmp_path: Path, written: Any) -> None:
    hosts = {ONE: {}, "old": {"aws_account_id": written}}
    run = offboard(tmp_path, hosts, play={"hosts": ONE}, extra={"sentinel_max_change_percent": 100})
    assert run["summary"]["failed"] == 1
    assert connected.operations(write=True) == []


@pytest.mark.parametrize("share", ["{{ share }}", "{{ 100 if inventory_hostname == 'localhost' else 10 }}"])
def test_a_template_with_another_value_for_accounts_is_refused(
    connected: Emulators, tmp_path: Path, share: str
) -> None:
    hosts = {
        "vars": {**WORKSPACE, "sentinel_max_change_percent": share, "share": 100},
        "children": {"aws": {"hosts": ACCOUNTS, "vars": {"share": 10}}},
    }
    assert act(tmp_path, "fleet", hosts, args={"state": "absent"}).kind == "bad_input"
    assert connected.operations(write=True) == []


def test_files_of_the_play_are_read_for_each_host(here: Emulators, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yml").write_text(f"sentinel_role_name: {name}\n")
    run = fleet(
        tmp_path, {ONE: {"stage": "one"}, TWO: {"stage": "two"}}, play={"vars_files": ["{{ stage }}.yml"]},
        task={"check_mode": True},
    )  # fmt: skip
    named = {one: run["accounts"][one]["calls"][0]["args"]["RoleName"] for one in (ONE, TWO)}
    assert named == {ONE: "one", TWO: "two"}


def test_a_percentage_is_of_accounts_and_not_of_other_hosts(connected: Emulators, tmp_path: Path) -> None:
    run = offboard(tmp_path, {**ACCOUNTS, **SERVERS}, play={"hosts": ",".join(ACCOUNTS)})
    assert run.kind == "too_many_changes"
    assert "20 % of 3 accounts is 0" in run["msg"]
    assert connected.operations(write=True) == []


def test_a_percentage_is_of_the_pattern_before_the_limit(connected: Emulators, tmp_path: Path) -> None:
    run = offboard(tmp_path, limit=ONE, extra={"sentinel_max_change_percent": 34})
    assert run["summary"] == {"accounts": 1, "ok": 0, "changed": 1, "failed": 0, "skipped": 0}
    run = offboard(tmp_path, play={"hosts": f"{ONE},{TWO}"}, extra={"sentinel_max_change_percent": 40})
    assert run.kind == "too_many_changes"


def test_with_serial_a_percentage_is_of_the_batch(connected: Emulators, tmp_path: Path) -> None:
    run = offboard(tmp_path, batch=[ONE], extra={"sentinel_max_change_percent": 50})
    assert run.kind == "too_many_changes"


def test_the_limit_is_not_read_for_the_first_host_alone(connected: Emulators, tmp_path: Path) -> None:
    """An explicit localhost comes first, and has none of the group's variables."""
    hosts: dict[str, Any] = {
        "hosts": {"localhost": {"ansible_connection": "local"}},
        "vars": WORKSPACE,
        "children": {"aws": {"hosts": ACCOUNTS, "vars": {"sentinel_max_change_percent": 10}}},
    }
    run = act(tmp_path, "fleet", hosts, args={"state": "absent"})
    assert run.kind == "too_many_changes"
    assert connected.operations(write=True) == []


def test_different_values_of_localhost_and_an_account_are_refused(here: Emulators, tmp_path: Path) -> None:
    hosts = {"localhost": {"sentinel_concurrency": 7}, ONE: {"sentinel_concurrency": 8}}
    run = fleet(tmp_path, hosts)
    assert run.kind == "bad_input"
    assert "sentinel_concurrency" in run["msg"]
    assert here.requests() == []


# --- which hosts are accounts ---


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_the_control_node_is_skipped(
    here: Emulators, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fleet(tmp_path, {name: {"aws_account_id": TWO}, ONE: {}}, task={"check_mode": True})
    assert run["summary"]["accounts"] == 1
    assert f"{name}: skipped" in capsys.readouterr().out


def test_every_other_host_is_an_error_that_names_the_remedy(here: Emulators, tmp_path: Path) -> None:
    run = fleet(tmp_path, {ONE: {}, "web1": {}, "web2": {"aws_account_id": None}})
    assert run.kind == "bad_input"
    assert all(word in run["msg"] for word in ("web1", "web2", "aws_account_id", "sentinel_hosts", "--limit"))
    assert here.requests() == []


def test_an_account_with_two_hosts_fails_and_the_others_continue(here: Emulators, tmp_path: Path) -> None:
    hosts = {"new": {"aws_account_id": ONE}, "old": {"aws_account_id": ONE}, TWO: {}}
    run = fleet(tmp_path, hosts, limit=f"old,{TWO}", args={"max_fail_percentage": 100})
    assert run["summary"] == {"accounts": 2, "ok": 0, "changed": 1, "failed": 1, "skipped": 0}
    assert [failure["host"] for failure in run["failures"]] == ["old"]
    assert "new" in run["failures"][0]["message"]
    assert {request["account"] for request in here.requests("iam", write=True)} == {TWO}
    for batch in (["new"], ["old"]):  # serial: 1 does not allow one after the other
        assert fleet(tmp_path, hosts, batch=batch)["summary"]["failed"] == 1


def test_for_a_removal_all_hosts_of_the_inventory_count(connected: Emulators, tmp_path: Path) -> None:
    hosts = {"old": {"aws_account_id": ONE}, "new": {"aws_account_id": int(ONE)}, TWO: {}}
    rest: dict[str, Any] = {"args": {"max_fail_percentage": 100}, "extra": {"sentinel_max_change_percent": 100}}
    run = offboard(tmp_path, hosts, play={"hosts": "old"}, limit="old", **rest)
    assert run["summary"] == {"accounts": 1, "ok": 0, "changed": 0, "failed": 1, "skipped": 0}
    assert connected.operations(write=True) == []


# --- the first play ---


def check(folder: Path, hosts: dict[str, Any] | None = None, **rest: Any) -> Ran:
    variables = rest.pop("variables", {})
    return act(folder, "fleet_check", inventory(ACCOUNTS if hosts is None else hosts, **variables), **rest)


@pytest.mark.parametrize(
    "empty", [None, "", "  ", [], ",", ":", "a,", [""], [None], [ONE, None], ["a", ""], {}, True], ids=repr
)
@pytest.mark.parametrize("minimum", [0, 1])
def test_an_empty_pattern_is_refused(tmp_path: Path, empty: Any, minimum: int) -> None:
    run = check(tmp_path, extra={"sentinel_hosts": empty, "sentinel_minimum_accounts": minimum})
    assert run.kind == "bad_input"
    assert "sentinel_hosts" in run["msg"]


@pytest.mark.parametrize(
    "pattern", [ONE, int(ONE), [int(ONE), TWO], f"{ONE},{TWO}", ["all", f"!{ONE}"], "all"], ids=repr
)
def test_a_pattern_of_strings_and_numbers_is_counted(tmp_path: Path, pattern: Any) -> None:
    run = check(tmp_path, extra={"sentinel_hosts": pattern})
    assert run["accounts"] in (1, 2, 3)
    assert "failed" not in run


@pytest.mark.parametrize("pattern", [12345670123, 0, [12345670123], "12345670123"], ids=repr)
@pytest.mark.parametrize("minimum", [0, 1])
def test_a_number_without_its_leading_zeros_is_refused(tmp_path: Path, pattern: Any, minimum: int) -> None:
    hosts = {"012345670123": {}}
    run = check(tmp_path, hosts, extra={"sentinel_hosts": pattern, "sentinel_minimum_accounts": minimum})
    assert run.kind == "bad_input"
    assert "zeros" in run["msg"]


def test_a_pattern_without_accounts_fails_unless_the_minimum_is_0(tmp_path: Path) -> None:
    for pattern in ("prodution", SERVERS.keys().__iter__().__next__()):
        rest = {"sentinel_hosts": pattern}
        assert check(tmp_path, {**ACCOUNTS, **SERVERS}, extra=rest).kind == "bad_input"
        allowed = check(tmp_path, {**ACCOUNTS, **SERVERS}, extra={**rest, "sentinel_minimum_accounts": 0})
        assert allowed["accounts"] == 0


def test_a_limit_that_excludes_all_accounts_fails(tmp_path: Path) -> None:
    run = check(tmp_path, {**ACCOUNTS, **SERVERS}, limit="web1")
    assert run.kind == "bad_input"
    assert check(tmp_path, {**ACCOUNTS, **SERVERS}, limit=f"web1,{ONE}")["limited_accounts"] == 1


def test_the_minimum_counts_accounts_of_the_pattern(tmp_path: Path) -> None:
    hosts = {**ACCOUNTS, **SERVERS, "localhost": {}}
    for extra in ({}, {"sentinel_hosts": f"{ONE},{TWO},{THREE}"}):
        assert check(tmp_path, hosts, extra={**extra, "sentinel_minimum_accounts": 4}).kind == "bad_input"
        assert check(tmp_path, hosts, limit=ONE, extra={**extra, "sentinel_minimum_accounts": 3})["accounts"] == 3


def test_the_minimum_of_a_group_of_accounts_counts(tmp_path: Path) -> None:
    groups = {"aws": {"hosts": ACCOUNTS, "vars": {"sentinel_minimum_accounts": 4}}}
    assert act(tmp_path, "fleet_check", {"children": groups}).kind == "bad_input"


@pytest.mark.parametrize("where", ["all", "host"])
def test_a_pattern_in_the_inventory_is_refused(tmp_path: Path, where: str) -> None:
    own = {"sentinel_hosts": ONE}
    run = check(tmp_path, {ONE: {}, TWO: own if where == "host" else {}}, variables=own if where == "all" else {})
    assert run.kind == "bad_input"
    assert "sentinel_hosts" in run["msg"]
    assert check(tmp_path, play={"vars": own})["accounts"] == 1


@pytest.mark.parametrize("where", ["localhost", "its group", "all"])
def test_a_pattern_set_for_localhost_alone_is_refused(tmp_path: Path, where: str) -> None:
    own: dict[str, Any] = {"sentinel_hosts": ONE, "sentinel_minimum_accounts": 0}
    hosts: dict[str, Any] = {"hosts": {**ACCOUNTS, "localhost": own if where == "localhost" else {}}}
    if where == "its group":
        hosts["children"] = {"control": {"hosts": {"localhost": {}}, "vars": own}}
    if where == "all":
        hosts["vars"] = own
    assert act(tmp_path, "fleet_check", hosts).kind == "bad_input"


@pytest.mark.parametrize(
    "pattern", ["!", "&", "~", "all,!", "all:&", "all:!~", "all:!prodution", "!prodution", "all:&x"]
)
def test_a_part_of_a_pattern_that_matches_no_or_all_hosts_is_refused(tmp_path: Path, pattern: str) -> None:
    run = check(tmp_path, extra={"sentinel_hosts": pattern})
    assert run.kind == "bad_input"
    assert "failed" not in check(tmp_path, extra={"sentinel_hosts": f"all:!{ONE}"})


# --- names ---


def test_a_variable_that_is_used_in_the_inventory_is_no_mistake(here: Emulators, tmp_path: Path) -> None:
    regions = {
        "vars": {**WORKSPACE, "sentinel_regions": {"eu": "eu-central-1"}},
        "children": {
            "eu": {"hosts": {ONE: {}}, "vars": {"sentinel_region": "{{ sentinel_regions.eu }}"}},
            "us": {"hosts": {TWO: {}}},
        },
    }
    for rest in ({}, {"limit": "us"}, {"batch": [TWO]}, {"play": {"hosts": "us"}}):
        run = act(tmp_path, "fleet", regions, task={"check_mode": True}, **rest)
        assert run.kind is None, run["msg"]


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("sentinel_words", {"args": {"role_description": "{{ sentinel_words }}"}}),
        ("sentinel_regions", {"task": {"when": "sentinel_regions is defined", "check_mode": True}}),
        ("sentinel_concurency", {"args": {"concurrency": 3}}),
        ("sentinel_regions", {"args": {"aws_region": "eu-central-1"}}),
        ("sentinel_role_permission_boundary", {"variables": {"sentinel_role_permissions_boundary": ""}}),
        ("sentinel_regions", {"variables": {"sentinel_known_variables": "sentinel_colour, sentinel_regions"}}),
        ("sentinel_regions", {"variables": {"sentinel_known_variables": "{{ mine }}", "mine": ["sentinel_regions"]}}),
    ],
)
def test_a_variable_that_is_used_or_whose_option_is_given_is_no_mistake(
    here: Emulators, tmp_path: Path, name: str, rest: dict[str, Any]
) -> None:
    variables = {name: "x", **rest.get("variables", {})}
    more = {"task": {"check_mode": True}, **{key: one for key, one in rest.items() if key != "variables"}}
    run = fleet(tmp_path, {ONE: {}}, variables, **more)
    assert run.kind is None, run["msg"]


@pytest.mark.parametrize("where", ["extra", "inventory", "host", "play"])
def test_a_misspelt_variable_is_refused_with_the_correct_name(here: Emulators, tmp_path: Path, where: str) -> None:
    wrong = {"sentinel_exlusive": False}
    rest: dict[str, dict[str, Any]] = {
        "extra": {"extra": wrong},
        "inventory": {"variables": wrong},
        "host": {"hosts": {ONE: {}, TWO: wrong}},
        "play": {"play": {"vars": wrong}},
    }
    run = fleet(tmp_path, **rest[where])
    assert run.kind == "bad_input"
    assert all(word in run["msg"] for word in ("sentinel_exlusive", "sentinel_exclusive"))
    assert here.requests() == []


@pytest.mark.parametrize(
    ("variables", "warned"),
    [
        ({"sentinel_workspaces": {"a": "sentinel"}}, True),  # the similar option is given
        ({"sentinel_workspaces": {"a": "sentinel"}, "sentinel_workspace": "{{ sentinel_workspaces.a }}"}, False),
        ({"sentinel_x": "sentinel", "y": "{{ sentinel_x }}", "sentinel_workspace": "{{ y }}"}, False),
        ({"sentinel_colour": "red"}, True),
        ({"sentinel_colour": "red", "sentinel_known_variables": ["sentinel_colour"]}, False),
        ({"sentinel_exlusive": False, "sentinel_known_variables": "sentinel_exlusive"}, False),
        ({"sentinel_colour": "{{ sentinel_shade }}", "sentinel_shade": 1}, True),
    ],
)
def test_other_unknown_variables_are_warnings_unless_they_are_used(
    here: Emulators, tmp_path: Path, variables: dict[str, Any], warned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fleet(tmp_path, {ONE: {}}, variables, task={"check_mode": True})
    assert run["summary"]["changed"] == 1
    assert ("sets no option of this collection" in " ".join(capsys.readouterr().err.split())) is warned


# --- all mistakes at once ---


def test_all_mistakes_of_an_inventory_are_reported_at_once(here: Emulators, tmp_path: Path) -> None:
    hosts: dict[str, Any] = {
        ONE: {"sentinel_role_name": "a b", "sentinel_exclusive": "maybe"},
        TWO: {"sentinel_workspace_id": "x"},
        "web": {},
    }
    run = fleet(tmp_path, hosts, {"sentinel_concurrency": "many"})
    wanted = ("sentinel_role_name 'a b'", "sentinel_exclusive 'maybe'", "sentinel_workspace_id 'x'", "web", "many")
    assert [word for word in wanted if word not in run["msg"]] == []
    assert here.requests() == []


def test_failing_templates_are_reported_with_other_mistakes(here: Emulators, tmp_path: Path) -> None:
    hosts = {
        ONE: {"sentinel_role_name": "{{ a }}"},
        TWO: {"sentinel_role_name": "{{ b }}"},
        THREE: {"sentinel_adopt": 7},
    }
    run = fleet(tmp_path, hosts, args={"concurrency": 1000})
    assert [word for word in (ONE, TWO, "sentinel_adopt", "concurrency 1000") if word not in run["msg"]] == []


def test_mistakes_of_verification_are_reported_at_once(here: Emulators, tmp_path: Path) -> None:
    hosts = {ONE: {"sentinel_allow_silent": "maybe"}, TWO: {"sentinel_verify_stale_after": "x"}, "web": {}}
    run = act(tmp_path, "fleet_ingestion_info", inventory(hosts))
    assert [word for word in ("'maybe'", "'x'", "web") if word not in run["msg"]] == []
    assert here.requests() == []


def test_many_mistakes_are_counted(here: Emulators, tmp_path: Path) -> None:
    hosts = {f"{number:012}": {"sentinel_role_name": f"a {number}"} for number in range(10**11, 10**11 + 25)}
    run = fleet(tmp_path, hosts)
    assert "And 15 more." in run["msg"]
    same = fleet(tmp_path, hosts, extra={"sentinel_role_name": "a b"})
    assert "and 22 more" in same["msg"]
    assert len(same["msg"]) < 300


# --- environment ---


def test_the_environment_of_the_play_applies_and_is_restored(
    here: Emulators, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = os.environ["AWS_SECRET_ACCESS_KEY"]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    play = {"environment": {"AWS_SECRET_ACCESS_KEY": "{{ key }}"}, "vars": {"key": key}}
    run = fleet(tmp_path, {ONE: {}}, play=play, task={"check_mode": True})
    assert run["summary"]["changed"] == 1
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "wrong"


def test_merged_dictionaries_are_merged_as_ansible_merges_them(
    here: Emulators, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_HASH_BEHAVIOUR", "merge")
    monkeypatch.setattr(constants, "DEFAULT_HASH_BEHAVIOUR", "merge")
    run = fleet(
        tmp_path, {ONE: {}}, {"sentinel_role_tags": {"a": "1"}}, extra={"sentinel_role_tags": {"b": "2"}},
        task={"check_mode": True},
    )  # fmt: skip
    tags = {tag["Key"] for tag in run["accounts"][ONE]["calls"][0]["args"]["Tags"]}
    assert tags >= {"a", "b"}


def test_an_environment_that_differs_by_account_is_refused(here: Emulators, tmp_path: Path) -> None:
    hosts = {ONE: {"profile": "one"}, TWO: {"profile": "two"}}
    run = fleet(tmp_path, hosts, play={"environment": {"AWS_PROFILE": "{{ profile }}"}})
    assert run.kind == "bad_input"
    assert "environment" in run["msg"]
    assert here.requests() == []
