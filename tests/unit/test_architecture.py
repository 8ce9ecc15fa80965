# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers of packages whose dependencies only point down: a reader knows from its folder what a file may do."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
PACKAGE = "ansible_collections.trailbridge.sentinel.plugins"
CORE = "module_utils/_core"
MODEL = f"{CORE}/model"


def _core(*names: str) -> set[str]:
    return {CORE if name == "." else f"{CORE}/{name}" for name in names}


# What the files of a layer may import: layers of ours, and packages of others beside the standard library. A layer is a
# folder with everything below it, except for what stands in this table itself.
LAYERS: dict[str, tuple[set[str], set[str]]] = {
    MODEL: (_core("model"), set()),
    f"{CORE}/cloud": (_core("model", "cloud"), {"azure", "botocore", "pycurl", "requests"}),
    f"{CORE}/report": (_core("model", "report"), {"jinja2", "markupsafe"}),
    f"{CORE}/console": (_core("model", "console"), set()),
    f"{CORE}/run": (_core("model", "cloud", "report", "console", "run"), set()),
    f"{CORE}/verify": (_core("model", "cloud", "report", "console", "run", "verify"), set()),
    CORE: (_core("model", "cloud", "run", "verify"), {"ansible.module_utils.common"}),
    "modules": (_core("model", "."), {"ansible.module_utils.basic"}),
    "plugin_utils": (_core("model", "run", "report", "console", "verify", ".") | {"plugin_utils"}, {"ansible"}),
    "action": (_core("model", "run", "report", "console", "verify", ".") | {"plugin_utils"}, {"ansible"}),
    "inventory": (_core("model", "cloud", "run", "."), {"ansible"}),
    "doc_fragments": (set(), set()),
}

# The packages by which a service is called, and the files that call it: nobody else may.
CALLERS = {
    "pycurl": {"curl"},
    "botocore": {"aws", "service"},
    "requests": {"arm"},
    "azure": {"arm", "entra", "logs", "sentinel"},
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


def layer_of(folder: str) -> str:
    """The layer that a folder below plugins belongs to: the longest name in the table that it begins with."""
    found = [layer for layer in LAYERS if folder == layer or folder.startswith(f"{layer}/")]
    assert found, f"{folder} is in no layer"
    return max(found, key=len)


def files(layer: str) -> list[object]:
    return [param for param, path in zip(EVERY, FILES, strict=True) if layer_of(folder_of(path)) == layer]


def folder_of(path: Path) -> str:
    return str(path.parent.relative_to(PLUGINS))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file: ours as paths below plugins, others by their names."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield from (ours(path, node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def ours(path: Path, node: ast.ImportFrom, name: str) -> str:
    """The file that a relative import means: a name of a package is a file of it."""
    origin = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
    below = origin / f"{name}.py"
    found = below if below.is_file() else origin.with_suffix(".py")
    assert found.is_file(), f"{path}: {node.module} {name}"
    return f"/{found.relative_to(PLUGINS)}"


def may(module: str, layer: str) -> bool:
    allowed, others = LAYERS[layer]
    if module.startswith("/"):
        return layer_of(module[1:].rpartition("/")[0]) in allowed
    return module.split(".", maxsplit=1)[0] in sys.stdlib_module_names or any(
        module == other or module.startswith(f"{other}.") for other in others
    )


def test_every_layer_has_files_and_every_file_a_layer() -> None:
    assert {layer_of(folder_of(path)) for path in FILES} == set(LAYERS)


@pytest.mark.parametrize("path", EVERY)
def test_dependencies_only_point_down(path: Path) -> None:
    layer = layer_of(folder_of(path))
    assert [module for module in imported(path) if not may(module, layer)] == []


@pytest.mark.parametrize("path", EVERY)
def test_a_file_of_ours_is_imported_relatively(path: Path) -> None:
    assert [module for module in imported(path) if module.startswith("ansible_collections.")] == []


def test_a_wrong_dependency_would_be_found() -> None:
    assert not may("/module_utils/_core/run/fleet.py", f"{CORE}/console")
    assert not may("/module_utils/_core/cloud/aws.py", MODEL)
    assert not may("botocore.session", f"{CORE}/run")
    assert not may("ansible.errors", f"{CORE}/cloud")


@pytest.mark.parametrize("path", files(MODEL))
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


@pytest.mark.parametrize("path", files(MODEL))
def test_a_pure_file_says_so(path: Path) -> None:
    assert (ast.get_docstring(tree(path)) or "").splitlines()[0].endswith(" Pure.")


@pytest.mark.parametrize("package", CALLERS)
def test_a_service_is_called_in_its_own_files_only(package: str) -> None:
    found = {path.stem for path in FILES for module in imported(path) if module.split(".")[0] == package}
    assert found == CALLERS[package]


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
