# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The house has four floors, and arrows only run down: a reader knows from its folder what a file may do."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
PACKAGE = "ansible_collections.trailbridge.sentinel.plugins"
FOLDERS = {
    "action",
    "doc_fragments",
    "inventory",
    "module_utils",
    "module_utils/cloud",
    "module_utils/model",
    "module_utils/run",
    "modules",
    "plugin_utils",
}

# What the files of a folder may import: folders of ours, and packages of others beside the standard library.
FLOORS: dict[str, tuple[set[str], set[str]]] = {
    "module_utils/model": ({"module_utils/model"}, set()),
    "module_utils/cloud": ({"module_utils/model", "module_utils/cloud"}, {"azure", "botocore", "pycurl", "requests"}),
    "module_utils/run": (
        {"module_utils/model", "module_utils/cloud", "module_utils/run"},
        {"jinja2", "markupsafe"},
    ),
    "module_utils": ({"module_utils/model"}, {"ansible.module_utils.common"}),
    "modules": ({"module_utils/model", "module_utils/run", "module_utils"}, {"ansible.module_utils.basic"}),
    "action": ({"module_utils/model", "module_utils/run", "module_utils", "plugin_utils"}, {"ansible"}),
    "inventory": ({"module_utils/model", "module_utils/cloud", "module_utils/run", "module_utils"}, {"ansible"}),
    "plugin_utils": ({"module_utils/model", "module_utils/run", "plugin_utils"}, {"ansible"}),
    "doc_fragments": (set(), set()),
}

# What opens a connection or a file, or differs from run to run, has no place in a file that only decides.
IMPURE = {
    "asyncio",
    "datetime",
    "http",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "ssl",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib",
}

FILES = sorted(path for path in PLUGINS.rglob("*.py"))
EVERY = [pytest.param(path, id=str(path.relative_to(PLUGINS))) for path in FILES]


def files(folder: str) -> list[object]:
    return [pytest.param(path, id=str(path.relative_to(PLUGINS))) for path in FILES if path.parent == PLUGINS / folder]


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file; relative imports as they are."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            yield from (full(origin, alias.name) for alias in node.names)


def full(origin: str, name: str) -> str:
    """The module that `from origin import name` means: with us, the name may be a module itself."""
    ours = origin.startswith(PACKAGE)
    below = PLUGINS / origin.removeprefix(PACKAGE).lstrip(".").replace(".", "/") / f"{name}.py"
    return f"{origin}.{name}" if ours and below.is_file() else origin


def folder_of(module: str) -> str:
    return module.removeprefix(f"{PACKAGE}.").rpartition(".")[0].replace(".", "/")


def may(module: str, folder: str) -> bool:
    ours, others = FLOORS[folder]
    if module.startswith(PACKAGE):
        return folder_of(module) in ours
    return module.split(".", maxsplit=1)[0] in sys.stdlib_module_names or any(
        module == other or module.startswith(f"{other}.") for other in others
    )


def test_only_the_known_folders_exist() -> None:
    found = {str(path.parent.relative_to(PLUGINS)) for path in FILES}
    assert found <= FOLDERS
    assert {f"module_utils/{floor}" for floor in ("cloud", "model", "run")} <= found


def test_every_folder_with_files_has_its_rule() -> None:
    assert {str(path.parent.relative_to(PLUGINS)) for path in FILES} <= FLOORS.keys()


@pytest.mark.parametrize("path", EVERY)
def test_arrows_only_run_down(path: Path) -> None:
    folder = str(path.parent.relative_to(PLUGINS))
    assert [module for module in imported(path) if not may(module, folder)] == []


@pytest.mark.parametrize("path", files("module_utils/model"))
def test_what_decides_opens_nothing_and_asks_no_clock(path: Path) -> None:
    assert {module.split(".")[0] for module in imported(path)} & IMPURE == set()
    called = {
        node.func.id for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert called & {"open", "print", "input", "exec", "eval", "__import__"} == set()


@pytest.mark.parametrize("path", [param for param in EVERY if "module_utils" in str(param.id)])
def test_below_the_declarations_nobody_knows_ansible(path: Path) -> None:
    names = {node.id for node in ast.walk(tree(path)) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)}
    assert (names | attributes) & {"AnsibleModule", "AnsibleError", "fail_json", "exit_json"} == set()
    assert not any(module.startswith("ansible.module_utils.basic") for module in imported(path))


@pytest.mark.parametrize("path", files("module_utils/model"))
def test_a_file_that_decides_says_what_it_knows(path: Path) -> None:
    told = ast.get_docstring(tree(path)) or ""
    assert told.splitlines()[0].endswith(" Pure.") or told.startswith("Knows ")


@pytest.mark.parametrize("path", files("module_utils/cloud"))
def test_a_file_at_the_edge_says_whom_it_talks_to(path: Path) -> None:
    assert (ast.get_docstring(tree(path)) or "").startswith("The only file that talks to ")


def test_each_service_is_talked_to_in_one_file() -> None:
    firsts = [(ast.get_docstring(tree(path)) or "").split(":")[0] for path in FILES if path.parent.name == "cloud"]
    assert len(set(firsts)) == len(firsts)


@pytest.mark.parametrize("path", [*files("modules"), *files("action"), *files("inventory")])
def test_a_declaration_makes_no_decision(path: Path) -> None:
    """A module is documentation, a spec and one call; actions and inventories work, so only for them more is fine."""
    functions = [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)]
    if path.parent.name == "modules":
        assert [function.name for function in functions] in ([], ["main"])
        assert all(not isinstance(node, ast.If | ast.For | ast.While) for each in functions for node in ast.walk(each))


@pytest.mark.parametrize("path", EVERY)
def test_every_file_has_its_licence_and_reads_annotations_late(path: Path) -> None:
    text = path.read_text(encoding="utf-8").removeprefix("#!/usr/bin/python\n")
    assert text.startswith("# Copyright (c) ")
    assert "# SPDX-License-Identifier: GPL-3.0-or-later\n" in text[:300]
    assert "from __future__ import annotations\n" in text


def test_only_modules_are_scripts() -> None:
    scripts = {path for path in FILES if path.read_text(encoding="utf-8").startswith("#!")}
    assert {path.parent.name for path in scripts} <= {"modules"}


WITHOUT_SDKS = """
import importlib
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"azure", "boto3", "botocore", "msrest", "pycurl", "requests"}:
            raise ImportError(name)

sys.meta_path.insert(0, Missing())
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def test_every_file_can_be_imported_without_the_sdks() -> None:
    """Ansible imports plugins to document them; what is missing is said in one sentence when it is needed."""
    names = [f"{PACKAGE}.{path.relative_to(PLUGINS).with_suffix('').as_posix().replace('/', '.')}" for path in FILES]
    subprocess.run([sys.executable, "-c", WITHOUT_SDKS, *names], check=True, timeout=60)
