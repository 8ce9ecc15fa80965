# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides document everything that the code has, and nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import CLASSES
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import (
    CODES,
    MANUAL,
    SEVERITIES,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.health_codes import (
    HEALTH_CODES,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.ingestion import (
    INGESTION_STATUSES,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.run_options import COLLECTION_VARIABLES
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.error_codes import (
    CODES as ERROR_CODES,
)

ROOT = Path(__file__).parents[3]
GUIDES = ROOT / "docs/docsite/rst"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / ".github").glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(GUIDES.glob("*.rst")),
]
# An entry of a guide ends where the next one, a section or a label begins.
ENTRY = re.compile(
    r"^\.\. rubric:: ``(\w+)``(?: \((.*)\))?\n   :name: (\S+)\n\n((?:(?!\.\. rubric|\.\. _|.+\n---).*\n)+)",
    re.MULTILINE,
)


class Entry(NamedTuple):
    """One explained code or class; ``details`` is the text in brackets, ``anchor`` its id in the HTML page."""

    details: str
    anchor: str
    body: str


def text(page: str) -> str:
    return (GUIDES / f"{page}.rst").read_text(encoding="utf-8")


def entries(page: str) -> dict[str, Entry]:
    """The entries of a guide by code or class."""
    found = ENTRY.findall(text(page))
    named = {name: Entry(details, anchor, " ".join(body.split())) for name, details, anchor, body in found}
    assert len(named) == len(found)
    return named


def operations() -> set[str]:
    """The strings of the model that may be the name of a call in a plan, but for those of the table of findings."""
    paths = (ROOT / "plugins/module_utils/_core/model").rglob("*.py")
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths if path.name != "findings.py"]
    texts = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {one for one in texts if isinstance(one, str) and re.fullmatch(r"[A-Z][a-z]+[A-Z]\w+|Subscribe", one)}


# --- findings ---


def test_every_finding_is_explained_with_its_severity() -> None:
    documented = {name: entry.details for name, entry in entries("findings").items()}
    assert documented == {name: f"{one.severity}{', security' * one.security}" for name, one in CODES.items()}


def test_findings_are_listed_in_the_order_of_the_source() -> None:
    assert list(entries("findings")) == list(CODES)


@pytest.mark.parametrize(("page", "prefix"), [("findings", "finding"), ("troubleshooting", "error")])
def test_every_finding_and_every_class_has_an_anchor(page: str, prefix: str) -> None:
    """Console and report link to these anchors: they are public."""
    anchors = {name: entry.anchor for name, entry in entries(page).items()}
    assert anchors == {name: f"{prefix}-{name.replace('_', '-')}" for name in anchors}


def test_the_severities_are_explained() -> None:
    assert tuple(re.findall(r"^(\w+)  +[A-Z].*\.$", text("findings"), re.MULTILINE)) == SEVERITIES


def repairs_of_sections() -> dict[str, list[str]]:
    """The calls that repair all findings of a section, by code."""
    sections = re.split(r"^.+\n---+\n", text("findings"), flags=re.MULTILINE)
    found = {
        name: re.findall(r"^Repair of all findings in this section: ``(\w+)``", section, re.MULTILINE)
        for section in sections
        for name, *_rest in ENTRY.findall(section)
    }
    assert found.keys() == CODES.keys()
    return found


@pytest.mark.parametrize("name", CODES)
def test_a_finding_has_the_repair_of_the_source(name: str) -> None:
    """`Repair` is followed by the calls, `*Manual*` by what a person does."""
    body = entries("findings")[name].body
    sentences = re.findall(r"\bRepair\b[^.]*", body)
    documented = [call for sentence in sentences for call in re.findall(r"``([A-Z]\w+)``", sentence)]
    manual = [MANUAL] if "*Manual*" in body else []
    assert (*repairs_of_sections()[name], *documented, *manual) == CODES[name].repaired_by


@pytest.mark.parametrize("name", CODES)
def test_a_finding_is_marked_as_informational_as_in_the_source(name: str) -> None:
    assert entries("findings")[name].body.startswith("*Informational.*") == CODES[name].informational


def test_the_repair_of_a_finding_is_a_call_that_plans_contain() -> None:
    named = {call for one in CODES.values() for call in one.repaired_by} - {MANUAL}
    assert named - operations() == set()


# --- errors and statuses ---


def test_every_error_class_is_explained() -> None:
    assert list(entries("troubleshooting")) == list(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_symptom_cause_and_fix(name: str) -> None:
    body = entries("troubleshooting")[name].body
    assert re.findall(r":(\w+): ", body) == ["Symptom", "Cause", "Fix"]
    assert body.endswith(".")


def test_only_reserved_classes_are_raised_nowhere() -> None:
    reserved = {name for name, entry in entries("troubleshooting").items() if "Reserved" in entry.body}
    paths = [path for path in (ROOT / "plugins").rglob("*.py") if path.name != "errors.py"]
    source = "".join(path.read_text(encoding="utf-8") for path in paths)
    assert {name for name in CLASSES if f'"{name}"' not in source} == reserved


def test_the_codes_of_the_connectivity_check_are_explained() -> None:
    rows = re.findall(
        r"^   \* - ``(S3B\d+)``( \\\*)?\n     - (.*)\n     - ((?:.*\n)+?)(?=   \* -|\n)", text("s3"), re.MULTILINE
    )
    explained = {code: (bool(star), cause, " ".join(fix.split()).replace("``", "")) for code, star, cause, fix in rows}
    assert explained == {
        code: (one.temporary, f"{one.cause[0].upper()}{one.cause[1:]}.", one.fix) for code, one in ERROR_CODES.items()
    }


def test_statuses_and_failures_are_explained() -> None:
    page = (ROOT / "docs/verification.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `?([\w ]+?)`? \| (.*) \| (.*) \|$", page, re.MULTILINE)
    explained = {name: (meaning, advice) for name, meaning, advice in rows if name not in {"status", "code"}}
    assert explained.keys() == set(INGESTION_STATUSES) | HEALTH_CODES.keys()
    assert {name: explained[name] for name in HEALTH_CODES} == {name: tuple(one) for name, one in HEALTH_CODES.items()}


# --- names ---


def test_every_playbook_is_in_the_reference() -> None:
    listed = re.findall(r"^   \* - ``(\w+)``$", text("playbooks"), re.MULTILINE)
    assert sorted(listed) == sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))


def test_every_guide_is_in_the_table_of_contents() -> None:
    listed = yaml.safe_load((ROOT / "docs/docsite/extra-docs.yml").read_text(encoding="utf-8"))
    named = [page for section in listed["sections"] for page in section["toctree"]]
    assert sorted(named) == sorted(path.stem for path in GUIDES.glob("*.rst"))


def variables() -> frozenset[str]:
    """Every variable of roles and playbooks, and the group of failed hosts."""
    return COLLECTION_VARIABLES | {"sentinel_failed"}


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


REPOSITORY = r"https://(?:github|raw\.githubusercontent)\.com/trailbridge/sentinel/(?:blob/|tree/)?main/([^)#\s]+)"
SITE = r"https://trailbridge\.github\.io/sentinel/docsite/(\w+)\.html"


def test_the_readme_has_no_relative_link() -> None:
    """Ansible Galaxy shows the page at an address of its own, where relative links lead nowhere."""
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [link for link in links if not link.startswith(("https://", "#"))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_link_into_the_repository_or_the_site_leads_to_a_file(page: Path) -> None:
    source = page.read_text(encoding="utf-8")
    assert [path for path in re.findall(REPOSITORY, source) if not (ROOT / path).exists()] == []
    sources = {path.stem for path in (*GUIDES.glob("*.rst"), *(ROOT / "docs").glob("*.md"))}
    assert set(re.findall(SITE, source)) <= sources


README_HEADINGS = (
    "Description",
    "Requirements",
    "Installation",
    "Use Cases",
    "Testing",
    "Contributing",
    "Support",
    "Release Notes and Roadmap",
    "Related Information",
    "License Information",
)


def test_the_readme_has_the_headings_that_ansible_asks_for() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert tuple(heading for heading in headings if heading in README_HEADINGS) == README_HEADINGS


PAGES_WITH_PATHS = (ROOT / "CONTRIBUTING.md", ROOT / "docs/reliability.md")
SHORT = {"_core": ROOT / "plugins/module_utils/_core", "model": ROOT / "plugins/module_utils/_core/model"}
# Names that the pages explain: files that somebody adds, folders that a build makes.
EXAMPLE_PATHS = {"build/ansible_collections/trailbridge/sentinel", "changelogs/fragments"}


@pytest.mark.parametrize("page", PAGES_WITH_PATHS, ids=lambda page: page.stem)
def test_a_path_that_a_page_names_exists(page: Path) -> None:
    paths = set(re.findall(r"`([\w.]+/[\w./]*)`", page.read_text(encoding="utf-8"))) - EXAMPLE_PATHS
    assert paths
    assert [path for path in sorted(paths) if not _path(path).exists()] == []


def _path(path: str) -> Path:
    first, _slash, rest = path.partition("/")
    return SHORT.get(first, ROOT / first) / rest


def test_a_test_file_that_the_reliability_page_names_exists() -> None:
    named = set(re.findall(r"\b(test_\w+\.py)`", (ROOT / "docs/reliability.md").read_text(encoding="utf-8")))
    assert named - {path.name for path in (ROOT / "tests").rglob("test_*.py")} == set()
