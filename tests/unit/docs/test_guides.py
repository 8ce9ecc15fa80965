# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides know everything that the code has, and nothing that it has not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import CLASSES
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import CODES, SEVERITIES
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.health_codes import (
    HEALTH_CODES,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.ingestion import (
    INGESTION_STATUSES,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.run_options import VARIABLES

ROOT = Path(__file__).parents[3]
GUIDES = ROOT / "docs/docsite/rst"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / ".github").glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(GUIDES.glob("*.rst")),
]
ENTRY = re.compile(r"^``(\w+)``(?: \((.*)\))?\n((?:   .*\n|\n)+)", re.MULTILINE)
# What plays and inventories take beyond the options of roles.


def text(page: str) -> str:
    return (GUIDES / f"{page}.rst").read_text(encoding="utf-8")


def entries(page: str) -> dict[str, tuple[str, str]]:
    """What a guide explains: by name, what stands behind it in brackets, and the explanation."""
    found = ENTRY.findall(text(page))
    named = {name: (more, " ".join(body.split())) for name, more, body in found}
    assert len(named) == len(found)
    return named


def operations(*paths: str) -> set[str]:
    """The names of the calls that a plan can have."""
    trees = [
        ast.parse((ROOT / "plugins/module_utils/_core/model" / path).read_text(encoding="utf-8")) for path in paths
    ]
    texts = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {one for one in texts if isinstance(one, str) and re.fullmatch(r"[A-Z]\w+Role\w*|DataConnectors_\w+", one)}


# --- findings ---


def test_every_finding_is_explained_with_how_bad_it_is() -> None:
    told = {name: more for name, (more, _body) in entries("findings").items()}
    assert told == {name: f"{one.severity}{', security' * one.security}" for name, one in CODES.items()}


def test_findings_stand_in_the_order_of_the_source() -> None:
    assert list(entries("findings")) == list(CODES)


def test_the_severities_are_explained() -> None:
    assert tuple(re.findall(r"^(\w+)  +[A-Z].*\.$", text("findings"), re.MULTILINE)) == SEVERITIES


def test_what_repairs_a_finding_is_a_call_that_plans_have() -> None:
    known = operations("role/plan.py", "connector/connector.py")
    told = {call for call in re.findall(r"``([A-Z]\w+)``", text("findings")) if "Role" in call or "_" in call}
    assert told - known == {"AWSCloudTrail_ReadOnlyAccess"}


BY_HAND = (
    "role_boundary_unexpected",
    "role_path",
    "role_refused",
    "role_session_long",
    "role_shared",
    "role_tags_full",
    "connector_remaining",
)


@pytest.mark.parametrize("name", BY_HAND)
def test_what_no_run_repairs_is_told_so(name: str) -> None:
    assert "*By hand*" in entries("findings")[name][1]


# --- errors and statuses ---


def test_every_class_of_errors_is_explained() -> None:
    assert list(entries("troubleshooting")) == list(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_symptom_cause_and_fix(name: str) -> None:
    body = entries("troubleshooting")[name][1]
    assert re.findall(r":(\w+): ", body) == ["Symptom", "Cause", "Fix"]
    assert body.endswith(".")


def test_a_class_that_is_said_to_be_reserved_is_raised_nowhere() -> None:
    reserved = {name for name, (_more, body) in entries("troubleshooting").items() if "Reserved" in body}
    paths = [path for path in (ROOT / "plugins").rglob("*.py") if path.name != "errors.py"]
    source = "".join(path.read_text(encoding="utf-8") for path in paths)
    assert {name for name in CLASSES if f'"{name}"' not in source} == reserved


def test_statuses_and_failures_are_explained() -> None:
    page = (ROOT / "docs/verification.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `?([\w ]+?)`? \| (.*) \| (.*) \|$", page, re.MULTILINE)
    explained = {name: (meaning, advice) for name, meaning, advice in rows if name not in {"status", "code"}}
    assert explained.keys() == set(INGESTION_STATUSES) | HEALTH_CODES.keys()
    assert {name: explained[name] for name in HEALTH_CODES} == {name: tuple(one) for name, one in HEALTH_CODES.items()}


# --- names ---


def test_every_playbook_is_in_the_reference() -> None:
    told = re.findall(r"^   \* - ``(\w+)``$", text("playbooks"), re.MULTILINE)
    assert sorted(told) == sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))


def test_every_guide_is_in_the_table_of_contents() -> None:
    listed = yaml.safe_load((ROOT / "docs/docsite/extra-docs.yml").read_text(encoding="utf-8"))
    named = [page for section in listed["sections"] for page in section["toctree"]]
    assert sorted(named) == sorted(path.stem for path in GUIDES.glob("*.rst"))


def variables() -> frozenset[str]:
    """Every variable that roles and playbooks take, and the group of the hosts that failed."""
    return VARIABLES | {"sentinel_failed"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_variable_that_is_mentioned_exists(page: Path) -> None:
    found = set(re.findall(r"(?<![\w/<])sentinel_[a-z_]+\b(?!_)", page.read_text(encoding="utf-8")))
    assert {name for name in found if not name.endswith("_")} - variables() == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_link_leads_to_a_file(page: Path) -> None:
    source = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", source) if page.suffix == ".md" else []
    links += re.findall(r"^\.\. literalinclude:: (\S+)$", source, re.MULTILINE)
    assert [link for link in links if not (page.parent / link).exists()] == []
