# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules use only twelve digits of an event, once, in the engine of ansible-rulebook itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .events import DETAILS, EVENTS, IDS, PLAYBOOKS, event, leaf_paths, replaced, wrapped

ROOT = Path(__file__).parents[2]
RULEBOOKS = {"rulebook": ROOT / "extensions/eda/rulebooks/onboard.yml", "awx": ROOT / "examples/eda/awx.yml"}
TEMPLATE = "{{ lookup('pipe', 'touch /tmp/from-an-event') }}"
VALID_ID = "222222222222"
LINE_ENDS = ("\n", "\r", "\r\n", "\u0085", "\u2028", "\u2029", "\v", "\f", "\n\n")
TEXTS = [
    TEMPLATE,
    "{% for x in range(9) %}1{% endfor %}",
    "{{ 222222222222 }}",
    "{# #}222222222222",
    *("", " ", "0", "22222222222", "2222222222222", "2" * 24),
    *(VALID_ID + end for end in LINE_ENDS),
    *(end + VALID_ID for end in LINE_ENDS),
    *(f"{VALID_ID}{end}{TEMPLATE}" for end in LINE_ENDS),
    *(f"{TEMPLATE}{end}{VALID_ID}" for end in LINE_ENDS),
    *(
        f" {VALID_ID}",
        f"{VALID_ID} ",
        f"\t{VALID_ID}",
        f"{VALID_ID}\0",
        f"\ufeff{VALID_ID}",
        f"{VALID_ID}\u200b",
        f"'{VALID_ID}'",
    ),
    *("\uff12" * 12, "\u0662" * 12, "\u00b2" * 12, "22222222222\uff12"),
    *("all", "*", "all:!x", "all:&x", "~.*", "localhost", "@/etc/passwd", "222222222222[0:9]", "-22222222222"),
    *(
        f"{VALID_ID},333333333333",
        f"{VALID_ID}:333333333333",
        f"!{VALID_ID}",
        "222_222_222_222",
        "222222222e11",
        "0x2222222222",
    ),
    "$ANSIBLE_VAULT;1.1;AES256\n3333",
]
VALUES: list[Any] = [
    *(None, True, 0, 1, 22222222222, 2222222222222, -22222222222, 222222222222.5, 2.2e40),
    *(
        [],
        [VALID_ID],
        [TEMPLATE],
        [VALID_ID, TEMPLATE],
        {},
        {"accountId": VALID_ID},
        {VALID_ID: TEMPLATE},
        [[VALID_ID]],
        {"value": VALID_ID},
    ),
]


class Rules:
    """The rules of one rulebook, loaded once."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def actions(self, body: Any) -> list[dict[str, Any]]:
        """Return the actions for a message of the queue."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(wrapped(body)) + "\n")
        self.process.stdin.flush()
        answer: list[dict[str, Any]] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture(scope="module", params=RULEBOOKS)
def rules(request: pytest.FixtureRequest, rulebook_python: Path) -> Iterator[Rules]:
    command = [rulebook_python, Path(__file__).with_name("rules.py"), RULEBOOKS[request.param]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Rules(process)


def run_of(playbook: str, account: Any) -> list[dict[str, Any]]:
    """Return the one action, whole, so that nothing else of the event can be in it."""
    variables: dict[str, dict[str, Any]] = {
        "onboard": {"sentinel_hosts": account, "sentinel_minimum_accounts": 1},
        "departed": {"sentinel_departed": account},
    }
    template = {
        "name": f"Sentinel {playbook}",
        "organization": "Security",
        "include_events": False,
        "job_args": {"extra_vars": variables[playbook]},
    }
    return [
        {"run_playbook": {"name": f"trailbridge.sentinel.{playbook}", "extra_vars": variables[playbook]}},
        {"run_job_template": template},
    ]


def acts(actions: list[dict[str, Any]], playbook: str, account: Any) -> bool:
    return len(actions) == 1 and actions[0] in run_of(playbook, account)


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("account", ["011111111111", "089999999999", "000000000001"])
def test_an_event_starts_one_run_for_its_account_or_none(rules: Rules, name: str, account: str) -> None:
    actions = rules.actions(event(name, account))
    assert acts(actions, PLAYBOOKS[name], account) if name in PLAYBOOKS else actions == []


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_an_id_without_a_leading_zero_arrives_as_a_number(rules: Rules, name: str) -> None:
    """Playbooks must accept both types."""
    assert acts(rules.actions(event(name, VALID_ID)), PLAYBOOKS[name], int(VALID_ID))


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_an_id_that_is_no_string_of_twelve_digits_starts_no_run(rules: Rules, name: str) -> None:
    acted = [value for value in [*TEXTS, *VALUES] if rules.actions(event(name, value))]
    assert acted == []


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_number_of_twelve_digits_is_that_account(rules: Rules, name: str) -> None:
    """The engine compares numbers as strings, and AWS sends none."""
    assert acts(rules.actions(event(name, int(VALID_ID))), PLAYBOOKS[name], int(VALID_ID))


@pytest.mark.parametrize("hostile", [TEMPLATE, None, 7, [TEMPLATE], {TEMPLATE: TEMPLATE}], ids=str)
@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_run_uses_only_the_id_of_an_event(rules: Rules, name: str, hostile: Any) -> None:
    for path in leaf_paths(EVENTS[name]):
        if path in (IDS[name], ("id",)):
            continue
        actions = rules.actions(replaced(event(name), path, hostile))
        assert actions == [] or acts(actions, PLAYBOOKS[name], "011111111111"), path


@pytest.mark.parametrize("name", ["joined", "joined_as_member", "departed", "departed_as_member"])
def test_a_hostile_id_beside_a_valid_one_is_not_used(rules: Rules, name: str) -> None:
    (other,) = {"accountId", "memberAccountId"} - {IDS[name][-1]}
    for hostile in [*TEXTS, *VALUES]:
        actions = rules.actions(replaced(event(name), (*DETAILS, other), hostile))
        assert acts(actions, PLAYBOOKS[name], "011111111111"), hostile


@pytest.mark.parametrize("name", ["joined", "departed"])
def test_both_keys_of_the_id_start_one_run(rules: Rules, name: str) -> None:
    actions = rules.actions(replaced(event(name), (*DETAILS, "memberAccountId"), "011111111111"))
    assert acts(actions, PLAYBOOKS[name], "011111111111")


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_keys_that_look_like_paths_are_ignored(rules: Rules, name: str) -> None:
    hostile = event(name, TEMPLATE)
    for cut in range(len(IDS[name])):
        body = dict(hostile)
        place = body
        for key in IDS[name][:cut]:
            place[key] = dict(place[key])
            place = place[key]
        for separator in (".", "/"):
            place[separator.join(IDS[name][cut:])] = VALID_ID if len(IDS[name]) - cut > 1 else TEMPLATE
        assert rules.actions(body) == []


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_message_of_another_shape_starts_no_run(rules: Rules, name: str) -> None:
    whole = event(name)
    values: list[Any] = [None, [], {}, VALID_ID, TEMPLATE, 7, [EVENTS[name]], [{"accountId": VALID_ID}]]
    for path in {IDS[name][:length] for length in range(1, len(IDS[name]))}:
        for value in values:
            assert rules.actions(replaced(whole, path, value)) == [], (path, value)
    for body in (None, [], {}, VALID_ID, TEMPLATE, 7, [whole], {"body": whole}, {"detail": [whole["detail"]]}):
        assert rules.actions(body) == [], body


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_repeated_event_starts_one_run(rules: Rules, name: str) -> None:
    body = event(name)
    assert acts(rules.actions(body), PLAYBOOKS[name], "011111111111")
    assert rules.actions(body) == []
    assert acts(rules.actions(event(name)), PLAYBOOKS[name], "011111111111")


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_an_event_with_an_invalid_event_id_does_not_block_others(rules: Rules, name: str) -> None:
    values: list[Any] = [None, "", TEMPLATE, 7, [], [TEMPLATE], {}, {"body": 1}, "x" * 100_000, "\ud800", '"; drop']
    for value in values:
        actions = rules.actions(replaced(event(name), ("id",), value))
        assert actions == [] or acts(actions, PLAYBOOKS[name], "011111111111"), value
        assert acts(rules.actions(event(name)), PLAYBOOKS[name], "011111111111"), value
