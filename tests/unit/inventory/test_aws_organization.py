# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin as a user runs it: hosts, groups, requests, the cache, errors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.template import is_trusted_as_template

from ansible_collections.trailbridge.sentinel.plugins.inventory import aws_organization
from tests.emulators import faults
from tests.emulators.client import CALLER_ACCOUNT, Emulators
from tests.faults.timing import Timing

from .conftest import (
    ACCOUNTS,
    CLOSED,
    ONE,
    PLUGIN,
    PROD,
    ROOT,
    TEST,
    THREE,
    TWO,
    UNITS,
    WORK,
    Command,
    List,
    Read,
    Refuse,
    needs_paths,
    plain,
)

ROOT_FOLDER = Path(__file__).parents[3]
ACTIVE = {CALLER_ACCOUNT, ONE, TWO, THREE}
TREE = {"ListRoots": 1, "ListOrganizationalUnitsForParent": 1 + len(UNITS)}


def asked(cloud: Emulators) -> Counter[str]:
    return Counter(cloud.operations())


# --- hosts ---


def test_active_accounts_are_hosts_with_groups_as_in_the_organization(organized: Emulators, listed: List) -> None:
    run = listed()
    assert run.hosts.keys() == ACTIVE
    assert run.members("aws_accounts") == run.members("state_active") == run.members("ou_root") == ACTIVE
    assert run.members("ou_Workloads") == {ONE, TWO, THREE}
    assert run.members("ou_Workloads_Production") == {ONE}
    assert run.members("ou_Workloads_Test___Co") == {TWO}
    assert {name: value for name, value in run.hosts[THREE].items() if name.startswith("aws_")} == {
        "aws_account_id": THREE,
        "aws_account_name": "payments",
        "aws_account_state": "ACTIVE",
        "aws_account_joined": "2026-06-01T00:00:00Z",
        "aws_management_account": False,
        "aws_ou_ids": [ROOT, WORK],
        "aws_ou_path": "/Workloads",
    }
    assert run.hosts[CALLER_ACCOUNT]["aws_management_account"] is True


def test_hosts_have_a_local_connection_and_the_python_of_the_control_node(organized: Emulators, listed: List) -> None:
    own = listed().hosts[ONE]
    assert own["ansible_connection"] == "local"
    assert own["ansible_python_interpreter"] == "{{ ansible_playbook_python }}"


def test_the_name_of_an_account_is_no_template(organized: Emulators, listed: List) -> None:
    own = listed().hosts[TWO]
    assert own["aws_account_name"] == "🚀 lab\n{{ 1 / 0 }}"
    assert is_trusted_as_template(own["aws_account_id"])
    assert not is_trusted_as_template(own["aws_account_name"])
    assert not is_trusted_as_template(own["aws_ou_path"])


def test_the_listing_can_be_read_as_an_inventory(
    organized: Emulators, listed: List, command: Command, tmp_path: Path
) -> None:
    """AWX stores the output of ansible-inventory, and passes it to Ansible by a script."""
    run = command()
    assert (run.code, run.messages) == (0, "")
    assert run.hosts == listed().hosts
    marked = json.loads(run.output)["_meta"]["hostvars"][TWO]
    by_people = {name for name, value in marked.items() if "__ansible_unsafe" in str(value)}
    assert by_people == {"aws_account_name", "aws_ou_path"}
    script = tmp_path / "kept"
    (tmp_path / "kept.json").write_text(run.output, encoding="utf-8")
    script.write_text(f"#!/bin/sh\nexec cat {tmp_path}/kept.json\n")
    script.chmod(0o755)
    again = subprocess.run(
        ["ansible-inventory", "-i", str(script), "--list"],
        cwd=tmp_path,
        env=organized.whole_environment(ANSIBLE_NOCOLOR="1"),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    kept = json.loads(again.stdout, object_hook=plain)["_meta"]["hostvars"]
    assert {host: own["aws_account_name"] for host, own in kept.items()} == {
        host: own["aws_account_name"] for host, own in run.hosts.items()
    }
    assert all(own["ansible_connection"] == "local" for own in kept.values())


def test_the_graph(organized: Emulators, command: Command) -> None:
    run = command("--graph", "ou_Workloads")
    assert [line.strip(" |-") for line in run.output.splitlines()] == [
        "@ou_Workloads:",
        "@ou_Workloads_Production:",
        ONE,
        "@ou_Workloads_Test___Co:",
        TWO,
        THREE,
    ]


def test_host_names_come_from_a_template(organized: Emulators, listed: List) -> None:
    run = listed(hostname="{{ aws_account_name }}", exclude_filters=[{"id": TWO}])
    assert run.hosts.keys() == {"management", f"payments-{ONE}", f"payments-{THREE}"}
    assert run.hosts[f"payments-{ONE}"]["aws_account_id"] == ONE


@needs_paths
def test_inactive_accounts_are_hosts_with_include_inactive(organized: Emulators, listed: List) -> None:
    run = listed(include_inactive=True, organizational_units="none", email=True)
    assert run.hosts.keys() == {*ACTIVE, CLOSED}
    assert run.members("aws_accounts_inactive") == run.members("state_closed") == {CLOSED}
    assert run.hosts[CLOSED]["aws_account_reason"] == "its state is CLOSED"
    assert run.hosts[CLOSED]["aws_account_email"] == f"{CLOSED}@example.com"
    assert "aws_ou_path" not in run.hosts[ONE]


@needs_paths
def test_excluded_accounts_are_logged_with_the_reason(organized: Emulators, command: Command) -> None:
    run = command("--list", "-vvv", include_management_account=False, exclude_filters=[{"name": "pay*"}])
    for account, reason in {
        CLOSED: "its state is CLOSED",
        CALLER_ACCOUNT: "it is the management account",
        ONE: "exclude_filters",
    }.items():
        assert f"Account {account} is excluded: {reason}." in run.output + run.messages


def test_the_options_of_constructed_apply(organized: Emulators, listed: List) -> None:
    run = listed(
        tags=True,
        compose={"sentinel_role_tags": "{'owner': aws_account_tags.owner | default('none')}"},
        groups={"paying": "aws_account_name == 'payments'"},
        keyed_groups=[{"key": "aws_account_tags.env", "prefix": "stage"}],
    )
    assert run.hosts[ONE]["sentinel_role_tags"] == {"owner": "pay"}
    assert run.members("paying") == {ONE, THREE}
    assert run.members("stage_prod") == run.members("tag_env_prod") == {ONE}


def test_groups_and_prefix_can_be_changed(organized: Emulators, listed: List) -> None:
    run = listed(group_by=[], hostvars_prefix="org_")
    assert run.groups["aws_accounts"] == ([], sorted(ACTIVE))
    kept = {"aws_account_id", "aws_account_joined", "aws_account_name", "aws_ou_path"}
    assert {name for name in run.hosts[THREE] if name.startswith("aws_")} == kept
    assert run.hosts[THREE]["aws_account_name"] == "payments"


def test_accounts_of_moto_are_listed(cloud: Emulators, listed: List) -> None:
    organizations: Any = cloud.boto("organizations")
    organizations.create_organization()
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name="Workloads")["OrganizationalUnit"]["Id"]
    made = [organizations.create_account(AccountName=f"a{n}", Email=f"a{n}@example.com") for n in range(3)]
    ids = [one["CreateAccountStatus"]["AccountId"] for one in made]
    organizations.move_account(AccountId=ids[0], SourceParentId=root, DestinationParentId=unit)
    organizations.close_account(AccountId=ids[1])
    run = listed()
    assert run.hosts.keys() == {CALLER_ACCOUNT, ids[0], ids[2]}
    assert run.members("ou_Workloads") == {ids[0]}


# --- requests ---


def many(count: int) -> list[dict[str, Any]]:
    units = [ROOT, *UNITS]
    return [{"Id": f"{number:012}", "Name": f"a{number}", "Parent": units[number % 4]} for number in range(count)]


@needs_paths
@pytest.mark.parametrize(
    ("hidden", "options", "more"),
    [
        ([], {"organizational_units": "none"}, {}),
        ([], {"organizational_units": "ids"}, {}),
        ([], {}, TREE),
        (["Paths"], {"organizational_units": "none"}, {}),
        (["Paths"], {}, {**TREE, "ListAccountsForParent": 4 * 3}),
        (["Paths"], {"organizational_units": "ids"}, {**TREE, "ListAccountsForParent": 4 * 3}),
        ([], {"organizational_units": "none", "include_filters": [{"ou": "/Workloads"}]}, TREE),
        ([], {"organizational_units": "none", "include_filters": [{"ou": WORK}]}, {}),
    ],
)
def test_accounts_are_listed_by_20_and_units_only_if_needed(
    cloud: Emulators, listed: List, hidden: list[str], options: dict[str, Any], more: dict[str, int]
) -> None:
    cloud.organization([{"Id": CALLER_ACCOUNT}, *many(200)], units=UNITS, hidden=hidden)
    run = listed(**options)
    assert len(run.hosts) == (150 if "include_filters" in options else 201)
    assert asked(cloud) == {"ListAccounts": 11, **more}


def test_units_are_the_same_with_and_without_paths(organized: Emulators, listed: List) -> None:
    known = listed(organizational_units="ids")
    organized.organization(ACCOUNTS, units=UNITS, hidden=["Paths"])
    assert listed(organizational_units="ids") == known


def test_an_empty_page_is_not_the_last(cloud: Emulators, listed: List) -> None:
    cloud.organization([{"Id": CALLER_ACCOUNT}, *many(100)], units=UNITS, empty_every=2, hidden=["Paths"])
    run = listed()
    assert len(run.hosts) == 101
    assert run.members("ou_Workloads_Production") == {f"{number:012}" for number in range(2, 100, 4)}


@needs_paths
def test_tags_are_read_after_filtering(organized: Emulators, listed: List) -> None:
    run = listed(tags=True, organizational_units="ids", include_filters=[{"ou": PROD}, {"ou": TEST}])
    assert asked(organized) == {"ListAccounts": 1, "ListTagsForResource": 2}
    assert run.hosts[ONE]["aws_account_tags"] == {"env": "prod", "owner": "pay"}
    organized.forget()
    run = listed(organizational_units="ids", include_filters=[{"name": "pay*", "tags": {"env": "prod"}}])
    assert run.hosts.keys() == {ONE}
    assert asked(organized)["ListTagsForResource"] == 2


@pytest.mark.parametrize("fault", [faults.ORGANIZATION_BUSY, faults.ORGANIZATION_THROTTLED, faults.FAILURE])
def test_throttling_is_retried_for_both_error_codes(organized: Emulators, listed: List, fault: dict[str, Any]) -> None:
    for operation in ("ListAccounts", "ListOrganizationalUnitsForParent", "ListTagsForResource"):
        organized.fault(**{**fault, "operation": operation, "times": 2})
    with Timing(first_pause=0.05).applied():
        run = listed(tags=True)
    assert run.hosts.keys() == ACTIVE
    assert organized.struck() == 6


@needs_paths
@pytest.mark.parametrize("hidden", [["State"], ["Status"]])
def test_the_state_is_read_from_either_field(cloud: Emulators, listed: List, hidden: list[str]) -> None:
    cloud.organization(ACCOUNTS, units=UNITS, hidden=hidden)
    assert listed(organizational_units="none").hosts.keys() == ACTIVE


# --- the cache ---


def test_the_unfiltered_listing_is_cached(organized: Emulators, listed: List, command: Command, tmp_path: Path) -> None:
    cache = {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(tmp_path / "cache")}
    assert listed(**cache).hosts.keys() == ACTIVE
    organized.forget()
    run = listed(**cache, exclude_filters=[{"ou": "/Workloads/Production"}], include_inactive=True)
    assert run.hosts.keys() == {CALLER_ACCOUNT, TWO, THREE, CLOSED}
    assert asked(organized) == {"GetCallerIdentity": 1}
    run = listed(**cache, tags=True, include_filters=[{"ou": PROD}])
    assert run.members("tag_env_prod") == {ONE}
    assert asked(organized) == {"GetCallerIdentity": 2, "ListTagsForResource": 1}
    assert listed(**cache, tags=True, include_filters=[{"ou": PROD}]).members("tag_env_prod") == {ONE}
    assert asked(organized) == {"GetCallerIdentity": 3, "ListTagsForResource": 1}
    assert command("--list", "--flush-cache", **cache).hosts.keys() == ACTIVE
    assert asked(organized)["ListAccounts"] == 1


WAYS = [
    (caller, variable) for variable in ("", "AWS_DEFAULT_PROFILE", "AWS_PROFILE") for caller in (CALLER_ACCOUNT, ONE)
]


def test_the_cache_of_one_caller_is_not_used_for_another(
    organized: Emulators, listed: List, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache = {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(tmp_path / "cache")}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    # Two callers whose credentials no option contains; each may list accounts that the other must not see.
    organized.organization(ACCOUNTS, units=UNITS, delegates=[ONE])
    organized.forget()
    for number, (caller, variable) in enumerate(WAYS):
        text = "".join(f"{key} = {value}\n" for key, value in organized.credentials(caller).items())
        file = tmp_path / f"credentials{number}"
        file.write_text(f"[default]\n{text}\n[other]\n{text}")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
        for name in ("AWS_DEFAULT_PROFILE", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        if variable:
            monkeypatch.setenv(variable, "other")
        listed(**cache)
    assert asked(organized)["ListAccounts"] == len({caller for caller, _variable in WAYS})


HOSTILE = "{{ lookup('ansible.builtin.pipe', 'touch ' ~ 'PLACE') }}"
ODD: dict[str, Any] = {
    "a template for a state": lambda kept: [row.__setitem__(3, HOSTILE) for row in kept["accounts"]],
    "a template for an id": lambda kept: [row.__setitem__(0, HOSTILE) for row in kept["accounts"][1:2]],
    "a template for a time": lambda kept: [row.__setitem__(4, HOSTILE) for row in kept["accounts"]],
    "a template for a unit": lambda kept: [row.__setitem__(6, [HOSTILE]) for row in kept["accounts"]],
    "a short id": lambda kept: [row.__setitem__(0, "11111111111") for row in kept["accounts"]],
    "a number": lambda kept: [row.__setitem__(1, 7) for row in kept["accounts"]],
    "a circle of units": lambda kept: kept["units"].update({WORK: ["a", PROD], PROD: ["b", WORK]}),
    "a unit below nothing": lambda kept: kept["units"].update({WORK: ["a", "ou-ab12-99999999"]}),
    "tags of an unknown account": lambda kept: kept["tags"].update({"x": {"a": "b"}}),
    "a tag of a number": lambda kept: kept["tags"].update({ONE: {"a": 5}}),
    "an account twice": lambda kept: kept["accounts"].append(kept["accounts"][0]),
    "no accounts": lambda kept: kept.pop("accounts"),
    "no list": lambda kept: kept.update({"accounts": 5}),
    "another format": lambda kept: kept.update({"format": 99}),
}


def cache_file(folder: Path) -> Path:
    [file] = [path for path in folder.iterdir() if path.is_file()]
    return file


@pytest.mark.parametrize("case", ODD)
def test_invalid_content_of_the_cache_is_read_again(
    organized: Emulators, listed: List, tmp_path: Path, case: str
) -> None:
    cache = {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(tmp_path / "cache")}
    whole = listed(**cache).hosts
    kept = json.loads(cache_file(tmp_path / "cache").read_text())
    payload = json.loads(kept["__payload__"])
    ODD[case](payload)
    cache_file(tmp_path / "cache").write_text(json.dumps({"__payload__": json.dumps(payload)}))
    organized.forget()
    assert listed(**cache).hosts == whole
    assert asked(organized)["ListAccounts"] == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\0", '"x"'])
def test_an_unreadable_cache_is_ignored(
    organized: Emulators, read: Read, warnings: list[str], tmp_path: Path, text: str
) -> None:
    cache = {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(tmp_path / "cache")}
    read(**cache)
    cache_file(tmp_path / "cache").write_text(text)
    organized.forget()
    assert {host.name for host in read(**cache).get_hosts()} == ACTIVE
    assert asked(organized)["ListAccounts"] == 1


def test_no_template_in_the_cache_is_executed(
    organized: Emulators, listed: List, command: Command, tmp_path: Path
) -> None:
    cache = {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(tmp_path / "cache")}
    listed(**cache, tags=True)
    place = tmp_path / "run"
    hostile = HOSTILE.replace("PLACE", str(place))
    file = cache_file(tmp_path / "cache")
    trusted = {
        "__ansible_type": "_AnsibleTaggedStr",
        "value": hostile,
        "tags": [{"__ansible_type": "TrustedAsTemplate"}],
    }
    payload = json.loads(json.loads(file.read_text())["__payload__"])
    for row in payload["accounts"]:
        row[1] = trusted
    payload["tags"][ONE]["owner"] = trusted
    payload["units"][WORK][0] = trusted
    file.write_text(json.dumps({"__payload__": json.dumps(payload)}))
    run = command("--list", **cache, tags=True, hostname="{{ aws_account_name }}", compose={"x": "aws_account_name"})
    assert run.code == 0, run.messages
    assert "pipe" in run.output
    assert not place.exists()


# --- credentials ---


def sign_in(monkeypatch: pytest.MonkeyPatch, keys: dict[str, str]) -> None:
    for name, value in keys.items():
        monkeypatch.setenv(name.upper(), value)


def test_credentials_may_be_templates(organized: Emulators, command: Command) -> None:
    keys = {
        "access_key": "{{ lookup('env', 'ONE') }}",
        "aws_secret_key": "{{ lookup('env', name_of_two) }}",
        "endpoint_url": organized.aws,
    }
    environment = {
        "ONE": organized.environment["AWS_ACCESS_KEY_ID"],
        "TWO": organized.environment["AWS_SECRET_ACCESS_KEY"],
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }
    run = command("--host", ONE, "-e", "name_of_two=TWO", environment=environment, **keys)
    assert run.code == 0, run.messages
    assert run.data["aws_account_id"] == ONE
    assert run.data["ansible_connection"] == "local"


def test_the_role_is_assumed_in_the_callers_own_account_as_well(organized: Emulators, listed: List) -> None:
    role = f"arn:aws:iam::{CALLER_ACCOUNT}:role/OrganizationAccountAccessRole"
    assert listed(assume_role=role).hosts.keys() == ACTIVE
    assert asked(organized)["AssumeRole"] == 1


def test_a_role_in_the_management_account_can_be_assumed_from_another_account(
    organized: Emulators, listed: List, refused: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(monkeypatch, organized.credentials(ONE))
    role = f"arn:aws:iam::{CALLER_ACCOUNT}:role/OrganizationAccountAccessRole"
    assert listed(assume_role=role).hosts.keys() == ACTIVE
    assert asked(organized)["AssumeRole"] == 1
    assert "OrganizationAccountAccessRole" in refused(assume_role="OrganizationAccountAccessRole")


def test_a_delegated_administrator_may_list(cloud: Emulators, listed: List, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.organization(ACCOUNTS, units=UNITS, delegates=[ONE])
    keys = cloud.credentials(ONE)
    monkeypatch.setenv("S", keys["aws_secret_access_key"])
    run = listed(access_key=keys["aws_access_key_id"], secret_key="{{ lookup('env', 'S') }}")
    assert run.hosts.keys() == ACTIVE


# --- errors ---


def test_the_error_for_a_member_names_the_management_account(organized: Emulators, command: Command) -> None:
    keys = organized.credentials(ONE)
    run = command(environment={name.upper(): value for name, value in keys.items()})
    assert run.code != 0
    assert all(word in run.messages for word in ("o-emulated01", ONE, CALLER_ACCOUNT))


def test_an_account_without_an_organization_is_an_error(
    organized: Emulators, refused: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(monkeypatch, organized.credentials("999999999999"))
    assert "999999999999" in refused()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exlude_filters": []}, "exlude_filters"),
        ({"exclude_filters": [{"ou": "/Nowhere"}]}, "/Nowhere"),
        ({"include_filters": [{"id": 11111111111}]}, "id 11111111111"),
        ({"region": "Frankfurt"}, "region 'Frankfurt' of the inventory accounts.aws_organization.yml"),
        ({"access_key": "x"}, "secret_key"),
        ({"secret_key": "{{ nothing }}"}, "secret_key of the inventory"),
        ({"profile": "{{ nothing }}"}, "profile of the inventory: 'nothing' is undefined"),
        ({"hostname": "{{ nothing }}"}, "Cannot name the host of account"),
        ({"organizational_units": "some"}, "organizational_units"),
        ({"compose": {"x": "nothing"}, "strict": True}, "Could not set x for host"),
    ],
)
def test_invalid_options_fail_with_the_reason(
    organized: Emulators, refused: Refuse, options: dict[str, Any], message: str
) -> None:
    assert message in refused(**options)


@needs_paths
def test_an_unreadable_part_is_reported_and_never_empty(organized: Emulators, refused: Refuse) -> None:
    for operation in ("ListAccounts", "ListRoots", "ListOrganizationalUnitsForParent", "ListTagsForResource"):
        organized.heal()
        organized.forget()
        organized.fault(operation=operation, **{**faults.IDENTITY_DENIED, "code": "AccessDeniedException"})
        assert f"is not authorized to perform: organizations:{operation}" in refused(tags=True)
        assert len(organized.operations()) < 12


def test_other_files_are_not_accepted(tmp_path: Path) -> None:
    plugin = aws_organization.InventoryModule()
    for name in ("x.aws_organization.yml", "aws_organization.yaml", "accounts.yml", "aws_organization.json"):
        path = tmp_path / name
        path.touch()
        assert plugin.verify_file(str(path)) == ("organization.y" in name)
    assert not plugin.verify_file(str(tmp_path / "missing.aws_organization.yml"))


# --- with the playbooks, and what is documented ---


def test_the_example_connects_the_accounts_of_the_organization(organized: Emulators, tmp_path: Path) -> None:
    example = ROOT_FOLDER / "examples/accounts.aws_organization.yml"
    run = subprocess.run(
        [
            "ansible-playbook",
            "trailbridge.sentinel.onboard",
            "-i",
            str(example),
            "--limit",
            "localhost,ou_Workloads",
            "-e",
            f"sentinel_subscription_id={organized.environment['AZURE_SUBSCRIPTION_ID']}",
        ],
        cwd=tmp_path,
        env=organized.whole_environment(ANSIBLE_NOCOLOR="1"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    connected = {raw["properties"]["awsRoleArn"].split(":")[4] for raw in organized.connectors()}
    assert connected == {ONE, TWO, THREE}


def test_a_module_runs_with_the_python_of_the_control_node(organized: Emulators, listed: List, tmp_path: Path) -> None:
    listed()
    play = {
        "hosts": ONE,
        "gather_facts": True,
        "gather_subset": ["!all", "!min", "python"],
        "tasks": [{"debug": {"msg": "{{ ansible_facts.python.executable }}"}}],
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    run = subprocess.run(
        ["ansible-playbook", "play.yml", "-i", "accounts.aws_organization.yml"],
        cwd=tmp_path,
        env=organized.whole_environment(ANSIBLE_NOCOLOR="1", ANSIBLE_HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert f'"msg": "{sys.executable}"' in run.stdout


EXAMPLES = list(yaml.safe_load_all(aws_organization.EXAMPLES))


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_of_the_documentation_works(
    organized: Emulators, listed: List, tmp_path: Path, example: dict[str, Any]
) -> None:
    options = {key: value for key, value in example.items() if key not in ("plugin", "profile", "cache_connection")}
    if "assume_role" in options:
        options["assume_role"] = f"arn:aws:iam::{CALLER_ACCOUNT}:role/ListAccounts"
        organized.settings(role_names=["ListAccounts"])
    if "cache" in options:
        options["cache_connection"] = str(tmp_path / "cache")
    assert example["plugin"] == PLUGIN
    assert listed(**options).hosts
