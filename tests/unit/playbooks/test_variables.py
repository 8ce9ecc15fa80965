# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose variables count for which account."""

from __future__ import annotations

import subprocess
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

from ansible_collections.trailbridge.sentinel.plugins.action.fleet import VARIABLES, ActionModule
from ansible_collections.trailbridge.sentinel.plugins.plugin_utils import batch
from ansible_collections.trailbridge.sentinel.plugins.plugin_utils.host_variables import HostVariables, is_plain
from tests.emulators.client import Emulators

from .conftest import Play
from .test_onboard import NEW, role

PLAY = """
- hosts: all
  gather_facts: false
  {play}
  roles:
    - role: trailbridge.sentinel.onboard
      run_once: true
      {role}
"""
TWO = {
    "first": {
        "aws_account_id": "111111111101",
        "sentinel_role_tags": {"owner": "first"},
        "sentinel_role_permissions_boundary": "arn:aws:iam::aws:policy/ReadOnlyAccess",
    },
    "second": {"aws_account_id": "111111111102"},
}


def tags(cloud: Emulators, account: str) -> dict[str, str]:
    found = {tag["Key"]: tag["Value"] for tag in role(cloud, account)["Tags"]}
    return {key: value for key, value in found.items() if not key.startswith("trailbridge.")}


def text(play: str = "vars: {}", role: str = "tags: []") -> str:
    return PLAY.format(play=play, role=role)


def test_the_first_hosts_own_values_never_reach_another_account(cloud: Emulators, play: Play) -> None:
    run = play("onboard", TWO)
    assert run.code == 0, run.output
    assert tags(cloud, "111111111101") == {"owner": "first"}
    assert tags(cloud, "111111111102") == {}
    assert "PermissionsBoundary" in role(cloud, "111111111101")
    assert "PermissionsBoundary" not in role(cloud, "111111111102")


def test_role_defaults_give_way_to_every_host(cloud: Emulators, play: Play, tmp_path: Path) -> None:
    wrapper = tmp_path / "roles" / "wrapper"
    for folder, content in (
        ("defaults", {"sentinel_role_tags": {"owner": "default"}}),
        ("meta", {"dependencies": []}),
        ("tasks", [{"ansible.builtin.include_role": {"name": "trailbridge.sentinel.onboard"}}]),
    ):
        (wrapper / folder).mkdir(parents=True)
        (wrapper / folder / "main.yml").write_text(yaml.safe_dump(content))
    run = play("- hosts: all\n  gather_facts: false\n  roles: [{role: wrapper, run_once: true}]\n", TWO)
    assert run.code == 0, run.output
    assert tags(cloud, "111111111101") == {"owner": "first"}
    assert tags(cloud, "111111111102") == {"owner": "default"}


def test_a_file_of_variables_for_one_host_counts_for_no_other(cloud: Emulators, play: Play, tmp_path: Path) -> None:
    (tmp_path / "first.yml").write_text("sentinel_role_name: OfTheFirst\n")
    (tmp_path / "second.yml").write_text("sentinel_role_name: OfTheSecond\n")
    run = play(text(play="vars_files: ['{{ inventory_hostname }}.yml']"), TWO)
    assert "OfTheFirst" not in [found["RoleName"] for found in cloud.boto("iam", "111111111102").list_roles()["Roles"]]
    assert run.code == 0, run.output


def test_a_variable_of_the_play_wins_also_where_the_first_host_says_the_same(cloud: Emulators, play: Play) -> None:
    hosts = {name: {**variables, "sentinel_role_tags": {"owner": name}} for name, variables in TWO.items()}
    run = play(text(play="vars: {sentinel_role_tags: {owner: first}}"), hosts)
    assert run.code == 0, run.output
    assert tags(cloud, "111111111102") == {"owner": "first"}


def test_templates_of_hosts_see_the_variables_of_the_play_and_of_other_hosts(cloud: Emulators, play: Play) -> None:
    hosts = {
        "first": {**TWO["first"], "sentinel_role_tags": {"owner": "{{ prefix }}-first"}},
        "second": {**TWO["second"], "sentinel_role_tags": {"owner": "{{ hostvars['first'].aws_account_id }}"}},
    }
    run = play(text(play="vars: {prefix: team}"), hosts, prefix="inventory")
    assert run.code == 0, run.output
    assert tags(cloud, "111111111101") == {"owner": "team-first"}
    assert tags(cloud, "111111111102") == {"owner": "111111111101"}


def test_a_template_that_cannot_be_filled_names_its_host(cloud: Emulators, play: Play) -> None:
    hosts = {**TWO, "second": {**TWO["second"], "sentinel_role_name": "{{ nowhere }}"}}
    run = play("onboard", hosts)
    assert run.code == 2
    assert "Cannot read the variables of host second" in " ".join(run.output.split())
    assert cloud.requests() == []


def test_vaulted_variables_are_decrypted(cloud: Emulators, play: Play, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("open sesame")
    command = ["ansible-vault", "encrypt_string", "--vault-password-file", str(password)]
    secret = cloud.environment["AZURE_SECRET"]
    done = subprocess.run([*command, secret], env=cloud.whole_environment(), capture_output=True, text=True, check=True)
    block = done.stdout.replace("!vault |", "").split()
    (tmp_path / "group_vars").mkdir()
    vaulted = "\n".join(f"    {line}" for line in block)
    (tmp_path / "group_vars" / "all.yml").write_text(f"sentinel_secret: !vault |\n{vaulted}\n")
    run = play("onboard", TWO, "--vault-password-file", str(password), AZURE_SECRET="")
    assert run.code == 0, run.output
    assert secret not in run.output


@pytest.mark.parametrize(
    ("playbook", "options"),
    [
        pytest.param(text(play="vars: {sentinel_role_tags: {owner: all}}"), [], id="play"),
        pytest.param(text(role="vars: {sentinel_role_tags: {owner: all}}"), [], id="role"),
        pytest.param(text(), ["-e", '{"sentinel_role_tags": {"owner": "all"}}'], id="extra"),
    ],
)
def test_what_is_set_for_all_wins(cloud: Emulators, play: Play, playbook: str, options: list[str]) -> None:
    run = play(playbook, TWO, *options)
    assert run.code == 0, run.output
    assert tags(cloud, "111111111101") == tags(cloud, "111111111102") == {"owner": "all"}


def test_templates_are_filled_with_the_variables_of_each_host(cloud: Emulators, play: Play) -> None:
    run = play(text(play="vars: {sentinel_role_tags: {owner: '{{ inventory_hostname }}'}}"), TWO)
    assert run.code == 0, run.output
    assert tags(cloud, "111111111101") == {"owner": "first"}
    assert tags(cloud, "111111111102") == {"owner": "second"}


def test_inventory_templates_are_filled(cloud: Emulators, play: Play) -> None:
    hosts = {"a": {"aws_account_id": "111111111103", "team": "red", "sentinel_role_tags": {"owner": "{{ team }}"}}}
    play("onboard", hosts)
    assert tags(cloud, "111111111103") == {"owner": "red"}


def test_accounts_can_be_listed_in_a_play_on_localhost(cloud: Emulators, play: Play) -> None:
    run = play(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - trailbridge.sentinel.fleet:
        resource_group: security
        workspace: sentinel
        assume_role: OrganizationAccountAccessRole
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
          - result.accounts["111111111102"].role_arn == "arn:aws:iam::111111111102:role/MicrosoftSentinelRole"
          - result.orphans == []
""",
        {"ignored": {}},
    )
    assert run.code == 0, run.output
    assert run.changed == {"111111111101": NEW, "111111111102": NEW}
    assert tags(cloud, "111111111102") == {"owner": "second"}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{account_id: '111111111101', rolename: x}", "rolename of account 111111111101: no such option"),
        ("{role_name: x}", "Cannot work on entry 1 of accounts: account_id is not given"),
        ("{account_id: 111111111101}", "account_id 111111111101 of entry 1 of accounts"),
    ],
)
def test_an_entry_that_cannot_be_used_is_named(cloud: Emulators, play: Play, entry: str, words: str) -> None:
    run = play(
        f"""
- hosts: localhost
  gather_facts: false
  tasks:
    - trailbridge.sentinel.fleet:
        resource_group: security
        workspace: sentinel
        accounts: [{entry}]
""",
        {"ignored": {}},
    )
    assert run.code == 2
    assert words in " ".join(run.output.split())
    assert cloud.requests() == []


def test_the_strategy_free_is_refused(cloud: Emulators, play: Play) -> None:
    run = play(text(play="strategy: ansible.builtin.free"), TWO)
    assert run.code != 0
    assert cloud.requests() == []


def test_alone_the_role_fails_its_batch_when_one_account_failed(cloud: Emulators, play: Play) -> None:
    hosts: dict[str, dict[str, Any]] = {**TWO, "third": {"aws_account_id": "111111111103"}}
    hosts["second"] = {**TWO["second"], "sentinel_assume_role": "NoSuchRole"}
    strict = play(text(), hosts)
    assert strict.code == 2
    assert "1 of 3 accounts failed. Cannot assume role" in " ".join(strict.output.split())
    lenient = play(text(role="vars: {sentinel_max_fail_percentage: 34}"), hosts)
    assert lenient.code == 0, lenient.output


# Every place from which Ansible takes variables of a host, and each wins over one of the others somewhere.
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
    """Return what Ansible itself makes of an inventory with everything, in this process."""
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
    # As add_host does it; the method that it calls is not the same in all versions of Ansible.
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
def test_a_host_is_read_as_ansible_reads_it(
    hostvars: HostVars, monkeypatch: pytest.MonkeyPatch, behaviour: str
) -> None:
    monkeypatch.setenv("ANSIBLE_HASH_BEHAVIOUR", behaviour)
    monkeypatch.setattr(constants, "DEFAULT_HASH_BEHAVIOUR", behaviour)
    variables = HostVariables(hostvars)
    for name in names(hostvars):
        read, wanted = variables.raw(name), hostvars.raw_get(name)
        assert read == wanted
        # Trust and encryption are marks on a value that do not make it unequal.
        if behaviour == "replace":
            assert [key for key in VARIABLES if read.get(key) is not wanted.get(key)] == []
    assert {variables.raw(name).get("sentinel_role_name") for name in names(hostvars)} >= {"strong", "set", "added"}


def test_only_a_host_with_facts_is_left_to_ansible(hostvars: HostVars, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(hostvars, "raw_get", asked.append)
    variables = HostVariables(hostvars)
    for name in names(hostvars):
        variables.raw(name)
    assert sorted(asked) == ["facts", "local"]


def test_options_of_hosts_are_what_templating_everything_gives(hostvars: HostVars) -> None:
    loader, manager = hostvars._loader, hostvars._variable_manager
    content = {"hosts": "all", "vars": PLAY_VARIABLES, "tasks": [{"ansible.builtin.meta": "noop"}]}
    source = loader.load(yaml.safe_dump(content))
    task = AnsiblePlay.load(source, variable_manager=manager, loader=loader).get_tasks()[0][0]
    action = ActionModule(task, None, SimpleNamespace(), loader, Templar(loader=loader), None)
    defaults, above = batch._for_all(action, hostvars)
    read = dict(batch.host_options(action, {"hostvars": hostvars, "ansible_play_batch": names(hostvars)}, VARIABLES))
    for name in names(hostvars):
        known = {**defaults, **hostvars.raw_get(name), **above, "hostvars": hostvars}
        own = {key: known[key] for key in VARIABLES if key in known}
        filled = Templar(loader=loader, variables=known).template(own)
        assert read[name] == {VARIABLES[key]: value for key, value in filled.items() if value is not None}
    assert read["b"]["role_path"] == "/b/"
    assert read["c"]["secret"] == read["c"]["profile"] == "hidden"
    assert read["lonely"]["role_name"] == f"lonely of {len(hostvars)}"


LEAVES: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
TEXT = st.text("{}%#jina2: ").map(trust_as_template)
VALUES = st.recursive(LEAVES | TEXT, lambda below: st.lists(below) | st.dictionaries(TEXT, below))


@given(value=VALUES)
def test_templating_leaves_plain_values_as_they_are(value: Any) -> None:
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
def test_what_templating_would_change_is_not_plain(value: Any, plain: bool) -> None:
    assert is_plain(value) is plain
