# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of each account have Ansible's precedence."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible import constants
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import EncryptedString, VaultLib, VaultSecret, VaultSecretsContext
from ansible.playbook.play import Play as AnsiblePlay
from ansible.template import Templar, trust_as_template
from ansible.utils.vars import load_extra_vars
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.action.fleet import OPTION_BY_VARIABLE, ActionModule
from ansible_collections.trailbridge.sentinel.plugins.plugin_utils.host_variables import HostVariables, is_plain
from ansible_collections.trailbridge.sentinel.plugins.plugin_utils.variables import TaskVariables
from tests.emulators.client import Emulators

from .conftest import Play
from .test_onboard import NEW, role

ROOT = Path(__file__).parents[3]
ROLES = ("onboard", "offboard", "verify")
PLAY = """
- hosts: {hosts}
  gather_facts: false
  {play}
  roles:
    - role: {name}
      run_once: true
      {role}
"""
READER = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def text(
    play: str = "vars: {}", role: str = "tags: []", hosts: str = "all", name: str = "trailbridge.sentinel.onboard"
) -> str:
    return PLAY.format(play=play, role=role, hosts=hosts, name=name)


def pair(first: str, **own: Any) -> dict[str, dict[str, Any]]:
    """Two hosts in the order of the alphabet, of which only the first has variables of the role."""
    return {
        first: {
            "aws_account_id": f"11111111110{len(first)}",
            "sentinel_role_tags": {"owner": first},
            "sentinel_role_permissions_boundary": READER,
        },
        f"other_{first}": {"aws_account_id": f"22222222220{len(first)}", **own},
    }


TWO = pair("one")


def tags(cloud: Emulators, account: str) -> dict[str, str]:
    found = {tag["Key"]: tag["Value"] for tag in role(cloud, account)["Tags"]}
    return {key: value for key, value in found.items() if not key.startswith("trailbridge.")}


def owners(cloud: Emulators, hosts: dict[str, dict[str, Any]]) -> list[str | None]:
    return [tags(cloud, own["aws_account_id"]).get("owner") for own in hosts.values()]


def write_wrapper(folder: Path) -> None:
    """A role of a user that includes onboard, with defaults."""
    for part, content in (
        ("defaults", {"sentinel_role_tags": {"owner": "default"}}),
        ("meta", {"dependencies": []}),
        ("tasks", [{"ansible.builtin.include_role": {"name": "trailbridge.sentinel.onboard"}}]),
    ):
        (folder / part).mkdir(parents=True)
        (folder / part / "main.yml").write_text(yaml.safe_dump(content))


def test_every_host_has_its_own_values(cloud: Emulators, play: Play, tmp_path: Path) -> None:
    password, secret = "open sesame", cloud.environment["AZURE_SECRET"]
    (tmp_path / "password").write_text(password)
    vaulted = VaultLib().encrypt(secret, VaultSecret(password.encode())).decode()
    (tmp_path / "group_vars").mkdir()
    block = "\n    ".join(vaulted.split())
    (tmp_path / "group_vars/all.yml").write_text(f"sentinel_secret: !vault |\n    {block}\n")
    hosts = {
        **TWO,
        "a": {"aws_account_id": "111111111109", "team": "red", "sentinel_role_tags": {"owner": "{{ team }}"}},
    }
    run = play("onboard", hosts, "--vault-password-file", "password", AZURE_SECRET="")
    assert run.code == 0, run.output
    assert owners(cloud, hosts) == ["one", None, "red"]
    assert ["PermissionsBoundary" in role(cloud, own["aws_account_id"]) for own in TWO.values()] == [True, False]
    assert secret not in run.output


def test_variables_of_role_play_and_files_have_ansibles_precedence(
    cloud: Emulators, play: Play, tmp_path: Path
) -> None:
    write_wrapper(tmp_path / "roles/wrapper")
    defaults, per_host, same, filled, by_role = (
        pair("a"),
        pair("bb"),
        pair("ccc", sentinel_role_tags={"owner": "other"}),
        pair("dddd", sentinel_role_tags={"owner": "{{ hostvars['dddd'].aws_account_id }}"}),
        pair("eeeee"),
    )
    each = pair("ffffff")
    filled["dddd"]["sentinel_role_tags"] = {"owner": "{{ prefix }}-first"}
    (tmp_path / "bb.yml").write_text("sentinel_role_name: OfTheFirst\n")
    (tmp_path / "other_bb.yml").write_text("sentinel_role_name: OfTheSecond\n")
    plays = (
        text(hosts="a:other_a", name="wrapper"),
        text(hosts="bb:other_bb", play="vars_files: ['{{ inventory_hostname }}.yml']"),
        text(hosts="ccc:other_ccc", play="vars: {sentinel_role_tags: {owner: ccc}}"),
        text(hosts="dddd:other_dddd", play="vars: {prefix: team}"),
        text(hosts="eeeee:other_eeeee", role="vars: {sentinel_role_tags: {owner: all}}"),
        text(hosts="ffffff:other_ffffff", play="vars: {sentinel_role_tags: {owner: '{{ inventory_hostname }}'}}"),
    )
    hosts = {**defaults, **per_host, **same, **filled, **by_role, **each}
    run = play("".join(plays), hosts, prefix="inventory")
    assert run.code == 0, run.output
    assert owners(cloud, defaults) == ["a", "default"]
    names = [found["RoleName"] for found in cloud.boto("iam", "222222222202").list_roles()["Roles"]]
    assert "OfTheFirst" not in names
    assert owners(cloud, same) == ["ccc", "ccc"]
    assert owners(cloud, filled) == ["team-first", "111111111104"]
    assert owners(cloud, by_role) == ["all", "all"]
    assert owners(cloud, each) == ["ffffff", "other_ffffff"]


RUN = """
- hosts: one:other_one
  gather_facts: false
  vars: {sentinel_role_tags: {owner: play}}
  tasks:
    - set_fact: {sentinel_role_tags: {owner: "fact of {{ inventory_hostname }}"}}
      when: inventory_hostname == "one"
    - trailbridge.sentinel.fleet:
      vars: {sentinel_role_name: "{{ item }}"}
      loop: [First, Second]
"""


def test_a_fact_of_a_host_wins_over_the_play_and_loop_variables_are_rendered(cloud: Emulators, play: Play) -> None:
    run = play(RUN, TWO)
    assert run.code == 0, run.output
    for name in ("First", "Second"):
        found = [cloud.boto("iam", own["aws_account_id"]).get_role(RoleName=name)["Role"] for own in TWO.values()]
        owner_tags = [tag["Value"] for one in found for tag in one["Tags"] if tag["Key"] == "owner"]
        assert owner_tags == ["fact of one", "play"]


@pytest.mark.parametrize("own", [{}, {"sentinel_max_change_percent": 50}])
def test_a_variable_of_the_whole_run_must_be_the_same_for_all_hosts(
    cloud: Emulators, play: Play, own: dict[str, Any]
) -> None:
    hosts = pair("one", **own)
    hosts["one"]["sentinel_max_change_percent"] = 100
    run = play("onboard", hosts)
    assert run.code == 2
    assert "sentinel_max_change_percent" in run.output
    assert "bad_input" in run.output
    assert cloud.requests() == []


def test_roles_pass_only_the_state() -> None:
    for name in ROLES:
        (task, _note) = yaml.safe_load((ROOT / "roles" / name / "tasks/main.yml").read_text(encoding="utf-8"))
        (args,) = [value for key, value in task.items() if key.startswith("trailbridge.sentinel.")]
        assert (args or {}).keys() <= {"state"}


def test_extra_variables_win(cloud: Emulators, play: Play) -> None:
    run = play(text(), TWO, "-e", '{"sentinel_role_tags": {"owner": "all"}}')
    assert run.code == 0, run.output
    assert owners(cloud, TWO) == ["all", "all"]


def test_a_failing_template_is_reported_with_its_host(cloud: Emulators, play: Play) -> None:
    run = play("onboard", pair("one", sentinel_role_name="{{ nowhere }}"))
    assert run.code == 2
    assert "of host other_one" in " ".join(run.output.split())
    assert "bad_input" in run.output
    assert cloud.requests() == []


def test_accounts_can_be_listed_in_a_play_on_localhost(cloud: Emulators, play: Play) -> None:
    run = play(
        """
- hosts: localhost
  gather_facts: false
  module_defaults:
    trailbridge.sentinel.fleet:
      resource_group: security
      workspace: sentinel
      assume_role: OrganizationAccountAccessRole
  tasks:
    - trailbridge.sentinel.fleet:
        accounts:
          - account_id: "111111111101"
          - account_id: "111111111102"
            role_tags: {owner: second}
      register: result
    - assert:
        that:
          - result is changed
          - result.summary.accounts == 2 and result.summary.changed == 2 and result.summary.failed == 0
          - result.accounts["111111111102"].status == "changed"
          - result.accounts["111111111102"].resources[0].id == "arn:aws:iam::111111111102:role/MicrosoftSentinelRole"
          - result.orphans == []
    - trailbridge.sentinel.fleet:
        accounts: ["{{ item.entry }}"]
      loop:
        - entry: {account_id: "222222222201", rolename: x}
          message: "rolename of account 222222222201: unknown option"
        - entry: {role_name: x}
          message: "Cannot process entry 1 of accounts: account_id is not set"
        - entry: {account_id: 22222222201}
          message: "account_id 22222222201 of entry 1 of accounts"
      register: refused
      failed_when: item.message not in refused.msg
""",
        {"ignored": {}},
    )
    assert run.code == 0, run.output
    assert run.changed == {"111111111101": NEW, "111111111102": NEW}
    assert tags(cloud, "111111111102") == {"owner": "second"}
    assert "222222222201" not in {request["account"] for request in cloud.requests()}


def test_the_strategy_free_is_refused(cloud: Emulators, play: Play) -> None:
    run = play(text(play="strategy: ansible.builtin.free"), TWO)
    assert run.code != 0
    assert cloud.requests() == []


def test_the_role_alone_fails_its_batch_if_one_account_failed(cloud: Emulators, play: Play) -> None:
    hosts = {**pair("one", sentinel_assume_role="NoSuchRole"), "third": {"aws_account_id": "111111111109"}}
    lenient = text(role="vars: {sentinel_max_fail_percentage: 34}", play="name: Lenient")
    run = play(lenient + text(play="name: Strict"), hosts)
    assert run.code == 2
    before, _title, after = " ".join(run.output.split()).partition("PLAY [Strict]")
    assert "1 of 3 accounts failed" in after
    assert "accounts failed" not in before


# Every source of host variables in Ansible, each with a variable that overrides another source.
FILES = {
    "inventory/hosts.yml": """
all:
  vars: {sentinel_role_name: all, sentinel_workspace: all, sentinel_role_tags: {all: all}, team: none}
  hosts: {lonely: {sentinel_role_name: "{{ inventory_hostname }} of {{ groups['all'] | length }}"}}
  children:
    outer:
      vars: {sentinel_role_name: outer, sentinel_workspace: outer, sentinel_role_path: "/{{ team }}/", team: outer}
      children:
        inner:
          vars: {sentinel_workspace: inner, sentinel_role_tags: {inner: inner}}
          hosts: {a: {sentinel_role_tags: {a: inventory}}, b: {team: b}}
    strong: {vars: {ansible_group_priority: 10, sentinel_role_name: strong}, hosts: {a: {}, c: {}, included: {}}}
    weak: {vars: {sentinel_role_name: weak, ansible_local: weak, playbook_dir: weak}, hosts: {a: {}, c: {}}}
    odd:
      hosts:
        facts: {}
        set: {sentinel_role_name: mine}
        local: {ansible_local: mine, groups: mine, sentinel_adopt: true}
""",
    "inventory/group_vars/all.yml": "sentinel_secret: !vault |\n    SECRET\nsentinel_region: beside_inventory",
    "inventory/group_vars/inner/file.yml": "sentinel_role_description: '{{ group_names }} of {{ hostvars.c.team }}'",
    "inventory/host_vars/a.yml": "sentinel_role_tags: {a: beside_inventory}\nsentinel_role_path: beside_inventory",
    "group_vars/all.yml": "sentinel_region: beside_playbook\nsentinel_profile: beside_playbook",
    "group_vars/strong.yml": "sentinel_aws_profile: '{{ secret_team }}'\nsecret_team: !vault |\n    SECRET",
    "host_vars/a.yaml": "sentinel_tenant: beside_playbook\nsentinel_role_path: beside_playbook",
    "host_vars/c/more.json": '{"sentinel_role_path": null, "sentinel_external_ids": ["{{ sentinel_tenant }}", 1, 1.5]}',
}
EXTRA = {"sentinel_tenant": "extra", "sentinel_thumbprint": "extra"}
PLAY_VARIABLES = {"sentinel_azure_profile": "{{ team }}", "sentinel_client_id": "play", "sentinel_adopt": False}


@pytest.fixture
def hostvars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostVars:
    """Return the hostvars of Ansible itself for an inventory with all sources of variables."""
    secret = VaultSecret(b"open sesame")
    vaulted = "\n    ".join(VaultLib().encrypt("hidden", secret).decode().split())
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content.replace("SECRET", vaulted))
    monkeypatch.setattr(VaultSecretsContext, "_current", VaultSecretsContext([("default", secret)]))
    monkeypatch.setattr(load_extra_vars, "extra_vars", EXTRA, raising=False)
    loader = DataLoader()
    loader.set_basedir(str(tmp_path))
    inventory = InventoryManager(loader=loader, sources=[str(tmp_path / "inventory" / "hosts.yml")])
    manager = VariableManager(loader=loader, inventory=inventory)
    inventory.add_host("added", "inner")
    # As in add_host, whose method differs between versions of Ansible.
    added = inventory.get_host("added")
    added.vars = {**added.get_vars(), "sentinel_role_name": "added"}
    manager.set_host_facts("facts", {"sentinel_role_name": "fact", "sentinel_tenant": "fact"})
    manager.set_nonpersistent_facts("set", {"sentinel_role_name": "set", "sentinel_tenant": "set", "ansible_local": 1})
    manager.set_host_variable("included", "sentinel_role_name", "included")
    manager.set_host_variable("set", "sentinel_role_name", "included")
    return HostVars(inventory=inventory, variable_manager=manager, loader=loader)


def names(hostvars: HostVars) -> list[str]:
    return [*hostvars, "localhost"]


@pytest.mark.parametrize("behaviour", ["replace", "merge"])
def test_the_variables_of_a_host_are_those_of_ansible(
    hostvars: HostVars, monkeypatch: pytest.MonkeyPatch, behaviour: str
) -> None:
    monkeypatch.setenv("ANSIBLE_HASH_BEHAVIOUR", behaviour)
    monkeypatch.setattr(constants, "DEFAULT_HASH_BEHAVIOUR", behaviour)
    variables = HostVariables(hostvars)
    for name in names(hostvars):
        read, wanted = variables.raw(name), hostvars.raw_get(name)
        assert read == wanted
        # Trust and encryption are tags of a value that do not affect equality.
        if behaviour == "replace":
            assert [key for key in OPTION_BY_VARIABLE if read.get(key) is not wanted.get(key)] == []
    assert {variables.raw(name).get("sentinel_role_name") for name in names(hostvars)} >= {"strong", "set", "added"}


def test_only_a_host_with_facts_is_read_by_ansible(hostvars: HostVars, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(hostvars, "raw_get", asked.append)
    variables = HostVariables(hostvars)
    for name in names(hostvars):
        variables.raw(name)
    assert sorted(asked) == ["facts", "local"]


def test_options_of_hosts_equal_those_of_rendering_everything(hostvars: HostVars) -> None:
    loader, manager = hostvars._loader, hostvars._variable_manager
    content = {"hosts": "all", "vars": PLAY_VARIABLES, "tasks": [{"ansible.builtin.meta": "noop"}]}
    source = loader.load(yaml.safe_dump(content))
    task = AnsiblePlay.load(source, variable_manager=manager, loader=loader).get_tasks()[0][0]
    action = ActionModule(task, None, SimpleNamespace(), loader, Templar(loader=loader), None)
    variables = TaskVariables(action, {"hostvars": hostvars})
    read = {name: variables.rendered(name, variables.raw(name), OPTION_BY_VARIABLE) for name in names(hostvars)}
    for name in names(hostvars):
        known = {**variables.defaults, **hostvars.raw_get(name), **variables.overrides, "hostvars": hostvars}
        own = {key: known[key] for key in OPTION_BY_VARIABLE if key in known}
        assert read[name] == Templar(loader=loader, variables=known).template(own)
    assert read["b"]["sentinel_role_path"] == "/b/"
    assert read["c"]["sentinel_secret"] == read["c"]["sentinel_aws_profile"] == "hidden"
    assert read["lonely"]["sentinel_role_name"] == f"lonely of {len(hostvars)}"


LEAVES: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
TEXT = st.text("{}%#jina2: ").map(trust_as_template)
VALUES = st.recursive(LEAVES | TEXT, lambda below: st.lists(below) | st.dictionaries(TEXT, below))


@given(value=VALUES)
def test_templating_does_not_change_plain_values(value: Any) -> None:
    if is_plain(value):
        assert Templar().template(value) == value


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("text", True),
        ([{"a": [1, 1.5, None, True]}], True),
        ("{{ x }}", False),
        ("#jinja2: variable_start_string:'[['\n[[ x ]]", False),
        ([{"a": ["{% x %}"]}], False),
        (EncryptedString(ciphertext="x"), False),
        (("a", "tuple"), False),
    ],
)
def test_a_value_that_templating_changes_is_not_plain(value: Any, plain: bool) -> None:
    assert is_plain(value) is plain


def test_an_environment_that_differs_by_host_is_refused(cloud: Emulators, play: Play) -> None:
    hosts = {name: {**own, "profile": name} for name, own in TWO.items()}
    run = play(text(play="environment: {AWS_PROFILE: '{{ profile }}'}"), hosts)
    assert run.code == 2
    assert "Cannot use environment" in " ".join(run.output.split())
    assert cloud.requests() == []
