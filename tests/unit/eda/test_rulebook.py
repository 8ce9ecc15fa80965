# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebooks do the right thing for every event of AWS Organizations, once, and nothing for the others.

ansible-rulebook needs Java and takes its time, so conditions and variables are worked out here. Where it is installed,
it runs as well.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[3]
RULEBOOK = ROOT / "extensions/eda/rulebooks/onboard.yml"
EXAMPLE = ROOT / "examples/eda/awx.yml"
ACCOUNT = "011111111111"
EVENTS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(HERE.glob("*.json"))}
WANTED = {
    "created": "onboard",
    "joined": "onboard",
    "joined_as_member": "onboard",
    "closed": "departed",
    "departed": "departed",
    "moved": None,
    "not_closed": None,
    "not_created": None,
}


def rules(path: Path) -> list[dict[str, Any]]:
    (ruleset,) = yaml.safe_load(path.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = ruleset["rules"]
    return found


def lookup(event: Any, path: str) -> Any:
    for key in path.split(".")[1:]:
        event = event.get(key) if isinstance(event, dict) else None
    return event


def holds(condition: str, event: dict[str, Any]) -> bool:
    """Work out a condition of the few words that ours have; what is not there equals nothing."""
    python = re.sub(r"(event(?:\.\w+)+) is defined", r"lookup(event, '\1') is not None", condition)
    python = re.sub(r"(event(?:\.\w+)+) ==", r"lookup(event, '\1') ==", python)
    return bool(eval(f"({python})", {"__builtins__": {}}, {"event": event, "lookup": lookup}))


def wrapped(event: Any) -> dict[str, Any]:
    """An event as ansible.eda.aws_sqs_queue hands it on."""
    return {"body": event, "meta": {"MessageId": "1"}}


def variables(action: dict[str, Any], event: dict[str, Any]) -> dict[str, str]:
    (arguments,) = action.values()
    given = arguments.get("extra_vars") or arguments["job_args"]["extra_vars"]
    strict = jinja2.Environment(undefined=jinja2.StrictUndefined)
    return {name: strict.from_string(text).render(event=event) for name, text in given.items()}


def test_every_event_is_tried() -> None:
    assert EVENTS.keys() == WANTED.keys()


@pytest.mark.parametrize("path", [RULEBOOK, EXAMPLE], ids=["rulebook", "example"])
@pytest.mark.parametrize("name", WANTED)
def test_an_event_leads_to_one_run_for_its_account_or_to_none(path: Path, name: str) -> None:
    event = wrapped(EVENTS[name])
    actions = [rule["action"] for rule in rules(path) if holds(rule["condition"], event)]
    assert len(actions) == (WANTED[name] is not None)
    for action in actions:
        assert next(iter(action.values()))["name"].endswith(str(WANTED[name]))
        assert list(variables(action, event).values()) == [ACCOUNT]


@pytest.mark.parametrize("path", [RULEBOOK, EXAMPLE], ids=["rulebook", "example"])
def test_a_message_that_is_no_event_matches_nothing(path: Path) -> None:
    for body in ("text", {}, {"detail": None}, {"detail": {"eventName": "AccountDepartedOrganization"}}):
        assert [rule for rule in rules(path) if holds(rule["condition"], wrapped(body))] == []


@pytest.mark.parametrize("path", [RULEBOOK, EXAMPLE], ids=["rulebook", "example"])
def test_a_repeated_event_is_ignored(path: Path) -> None:
    for rule in rules(path):
        assert rule["throttle"]["group_by_attributes"] == ["event.body.id"]
        assert "once_within" in rule["throttle"]


def test_the_playbooks_exist_and_read_the_variables() -> None:
    for rule in rules(RULEBOOK):
        arguments = rule["action"]["run_playbook"]
        playbook = ROOT / f"playbooks/{arguments['name'].rpartition('.')[2]}.yml"
        assert all(name in playbook.read_text(encoding="utf-8") for name in arguments["extra_vars"])


@pytest.mark.skipif(not shutil.which("ansible-rulebook"), reason="ansible-rulebook is not installed")
def test_ansible_rulebook_sees_it_in_the_same_way(tmp_path: Path) -> None:
    (ruleset,) = yaml.safe_load(RULEBOOK.read_text(encoding="utf-8"))
    payload = [wrapped(event) for event in EVENTS.values() for _twice in range(2)]
    ruleset["sources"] = [{"eda.builtin.generic": {"payload": [*payload, wrapped("text")]}}]
    (tmp_path / "rulebook.yml").write_text(yaml.safe_dump([ruleset]))
    (tmp_path / "inventory.yml").write_text("all: {hosts: {localhost: {ansible_connection: local}}}")
    playbooks = tmp_path / "ansible_collections/trailbridge/sentinel/playbooks"
    playbooks.mkdir(parents=True)
    for name, variable in (("onboard", "sentinel_hosts"), ("departed", "sentinel_departed")):
        task = {"ansible.builtin.debug": {"msg": f"{name} <{{{{ {variable} }}}}>"}}
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [task]}
        (playbooks / f"{name}.yml").write_text(yaml.safe_dump([play]))
    done = subprocess.run(
        ["ansible-rulebook", "-r", "rulebook.yml", "-i", "inventory.yml"],
        cwd=tmp_path,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    runs = re.findall(r"(onboard|departed) <(\d+)>", done.stdout)
    assert sorted(runs) == sorted((wanted, ACCOUNT) for wanted in WANTED.values() if wanted)
