# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose variables count for which account."""

from __future__ import annotations

from typing import Any

import pytest

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
