# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands and examples on the pages: options, playbooks, variables and targets exist, YAML and JSON can be parsed.

Complete examples are in examples/, a test runs each, and guides include them.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import pytest
import yaml
from ansible.cli import CLI
from ansible.cli.doc import DocCLI
from ansible.cli.galaxy import GalaxyCLI
from ansible.cli.inventory import InventoryCLI
from ansible.cli.playbook import PlaybookCLI

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import (
    FIELDS,
    check_complete,
    parse,
)

from .test_guides import GUIDES, PAGES, ROOT, variables

COLLECTION = "trailbridge.sentinel"
EXAMPLES = ROOT / "examples"
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"^( *)\.\. code-block:: (\w+)\n\n((?:\1   .*\n|\n)+)", re.MULTILINE)
INCLUDE = re.compile(r"^\.\. literalinclude:: (\S+)\n((?: +:.*\n)*)", re.MULTILINE)
# Tools of others, whose options are not checked here.
OTHER_TOOLS = {"ansible-builder", "ansible-rulebook", "aws", "awx", "az", "export"}


class Snippet(NamedTuple):
    """A block of a page, and its language."""

    page: str
    language: str
    text: str


def snippets() -> Iterator[Snippet]:
    for page in PAGES:
        source = page.read_text(encoding="utf-8")
        for language, text in FENCED.findall(source) if page.suffix == ".md" else ():
            yield Snippet(page.name, language or "console", text)
        for _indent, language, text in DIRECTIVE.findall(source) if page.suffix == ".rst" else ():
            yield Snippet(page.name, language, dedent(text))


SNIPPETS = list(snippets())


def commands(snippet: Snippet) -> list[str]:
    """The commands of a session: the lines with a prompt, or all lines if there is none."""
    lines = snippet.text.replace("\\\n", " ").splitlines()
    prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [line for line in prompted or lines if line.strip()]


COMMANDS = sorted({one for snippet in SNIPPETS if snippet.language == "console" for one in commands(snippet)})


# --- commands ---


def parsed(cli: type[CLI], words: list[str]) -> Any:
    """The options of a command line as Ansible parses them; SystemExit if it refuses them."""
    command = cli(words)
    command.init_parser()
    return command.parser.parse_args(words[1:])


def check_playbook(words: list[str]) -> None:
    options = parsed(PlaybookCLI, words)
    for name in options.args:
        folder = ROOT / "playbooks" if name.startswith(f"{COLLECTION}.") else EXAMPLES
        assert (folder / f"{name.removeprefix(f'{COLLECTION}.').removesuffix('.yml')}.yml").is_file()
    for variable in options.extra_vars:
        assert variable.startswith("@") or variable.partition("=")[0] in variables()


def check_doc(words: list[str]) -> None:
    options = parsed(DocCLI, words)
    folder = {"role": "roles", "inventory": "plugins/inventory"}.get(options.type, "plugins/modules")
    for name in options.args:
        assert list((ROOT / folder).glob(f"{name.removeprefix(f'{COLLECTION}.')}*"))


def check_galaxy(words: list[str]) -> None:
    assert COLLECTION in parsed(GalaxyCLI, words).args


def check_inventory(words: list[str]) -> None:
    parsed(InventoryCLI, words)


def check_pip(words: list[str]) -> None:
    required = re.findall(r"^([\w-]+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert words[:2] == ["pip", "install"]
    assert set(words[2:]) <= set(required)


def check_make(words: list[str]) -> None:
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert words[1] in targets


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "ansible-doc": check_doc,
    "ansible-galaxy": check_galaxy,
    "ansible-inventory": check_inventory,
    "ansible-playbook": check_playbook,
    "make": check_make,
    "pip": check_pip,
    ".venv/bin/pip": lambda _words: None,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_valid(command: str) -> None:
    words = shlex.split(command, comments=True)
    if words[0] not in OTHER_TOOLS:
        CHECKS[words[0]](words)


def test_the_first_commands_of_the_readme_are_checked() -> None:
    assert {"make test", "ansible-playbook trailbridge.sentinel.onboard -i accounts.yml"} <= {
        " ".join(shlex.split(command, comments=True)) for command in COMMANDS
    }
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("command", ["ansible-playbook trailbridge.sentinel.onbord", "make tset", "pip install boto4"])
def test_a_typing_mistake_is_found(command: str) -> None:
    words = command.split()
    with pytest.raises(AssertionError):
        CHECKS[words[0]](words)


# --- YAML, JSON, files ---


def of(*languages: str) -> list[Any]:
    found = [one for one in SNIPPETS if one.language in languages]
    return [pytest.param(one, id=f"{one.page}-{number}") for number, one in enumerate(found)]


def hosts(group: dict[str, Any], above: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The hosts of an inventory with their variables, including those of their groups."""
    inherited = above | (group.get("vars") or {})
    for name, own in (group.get("hosts") or {}).items():
        yield name, inherited | (own or {})
    for child in (group.get("children") or {}).values():
        yield from hosts(child or {}, inherited)


def check_accounts(inventory: dict[str, Any]) -> None:
    """Parse every account of an inventory, as the collection does before the first request."""
    for host, own in hosts(inventory["all"], {}):
        assert {name for name in own if name.startswith("sentinel_")} <= variables()
        options = {field.option: own.get(field.variable) for field in FIELDS}
        options["account_id"] = options["account_id"] or host
        check_complete(parse(options, host, host=host, names="variable"), host, "variable")


@pytest.mark.parametrize("snippet", of("yaml"))
def test_an_example_in_yaml_has_only_known_variables(snippet: Snippet) -> None:
    loaded = yaml.safe_load(snippet.text)
    if "all" in loaded:
        check_accounts(loaded)
    else:
        assert loaded.keys() <= variables()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.inventory.yml")), ids=lambda path: path.stem)
def test_the_inventory_of_an_example_has_only_known_variables(path: Path) -> None:
    check_accounts(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_every_block_has_a_language_that_is_checked() -> None:
    assert {one.language for one in SNIPPETS} <= {"console", "yaml", "json", "text"}
    for one in SNIPPETS:
        if one.language == "json":
            json.loads(one.text)


@pytest.mark.parametrize("page", sorted(GUIDES.glob("*.rst")), ids=lambda page: page.stem)
def test_a_part_that_a_guide_includes_is_in_the_file(page: Path) -> None:
    for name, options in INCLUDE.findall(page.read_text(encoding="utf-8")):
        included = (page.parent / name).read_text(encoding="utf-8")
        for _where, text in re.findall(r":(start-at|end-before): (.*)", options):
            assert text in included


@pytest.mark.parametrize(
    "path", [path for path in sorted(EXAMPLES.rglob("*")) if path.is_file()], ids=lambda path: path.name
)
def test_every_example_is_run_or_read_by_a_test(path: Path) -> None:
    tests = "".join(one.read_text(encoding="utf-8") for one in (ROOT / "tests/unit").rglob("test_*.py"))
    assert path.name in tests or path.stem in tests
