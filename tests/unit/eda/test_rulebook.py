# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebooks as YAML; ansible-rulebook itself is tested in tests/eda."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.run_options import COLLECTION_VARIABLES

ROOT = Path(__file__).parents[3]
RULEBOOK = ROOT / "extensions/eda/rulebooks/onboard.yml"
EXAMPLE = ROOT / "examples/eda/awx.yml"
both = pytest.mark.parametrize("path", [RULEBOOK, EXAMPLE], ids=["rulebook", "example"])


def rules(path: Path) -> list[dict[str, Any]]:
    (ruleset,) = yaml.safe_load(path.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = ruleset["rules"]
    return found


def templates(value: Any) -> list[str]:
    """Return every string below that ansible-rulebook would render as a template."""
    if isinstance(value, dict):
        return [text for item in value.items() for text in templates(list(item))]
    if isinstance(value, list):
        return [text for item in value for text in templates(item)]
    return [value] if isinstance(value, str) and re.search(r"\{[{%#]", value) else []


@both
def test_a_condition_requires_twelve_digits_in_the_value_that_the_action_renders(path: Path) -> None:
    """The $ of the engine also matches before a line end, so a second condition must refuse all other characters."""
    for rule in rules(path):
        (text,) = templates(rule["action"])
        expression = text.removeprefix("{{ ").removesuffix(" }}")
        assert re.fullmatch(r"event(\.\w+)+", expression), text
        terms = rule["condition"].split(" and ")
        assert f'{expression} is regex("^[0-9]{{12}}$")' in terms
        assert f'{expression} is not regex("[^0-9]")' in terms
        assert " or " not in rule["condition"]


@both
def test_a_repeated_event_is_ignored(path: Path) -> None:
    for rule in rules(path):
        assert rule["throttle"] == {"once_within": "1 hour", "group_by_attributes": ["event.body.id"]}


def test_the_example_handles_the_same_events_as_the_rulebook() -> None:
    assert [(rule["name"], rule["condition"]) for rule in rules(EXAMPLE)] == [
        (rule["name"], rule["condition"]) for rule in rules(RULEBOOK)
    ]


def test_jobs_of_awx_have_only_the_id_of_an_event() -> None:
    assert all(rule["action"]["run_job_template"]["include_events"] is False for rule in rules(EXAMPLE))


def test_the_playbooks_exist_and_read_the_variables() -> None:
    for rule in rules(RULEBOOK):
        arguments = rule["action"]["run_playbook"]
        playbook = ROOT / f"playbooks/{arguments['name'].rpartition('.')[2]}.yml"
        assert playbook.is_file()
        assert arguments["extra_vars"].keys() <= COLLECTION_VARIABLES
