# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages in layers whose dependencies only point down: the package of a file limits what it may do."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
PACKAGE = "ansible_collections.trailbridge.sentinel.plugins"
CORE = "module_utils/_core"
MODEL = f"{CORE}/model"


def _core(*names: str) -> set[str]:
    return {CORE if name == "." else f"{CORE}/{name}" for name in names}


# What the files of a layer may import: layers of this collection, and third-party packages. A layer is a folder with
# everything below it, except for folders that have an entry of their own.
LAYERS: dict[str, tuple[set[str], set[str]]] = {
    MODEL: (_core("model"), set()),
    f"{CORE}/cloud": (_core("model", "cloud"), {"azure", "botocore", "pycurl", "requests"}),
    f"{CORE}/report": (_core("model", "report"), {"jinja2", "markupsafe"}),
    f"{CORE}/console": (_core("model", "console"), set()),
    f"{CORE}/run": (_core("model", "cloud", "report", "console", "run"), set()),
    f"{CORE}/verify": (_core("model", "cloud", "report", "console", "run", "verify"), set()),
    CORE: (_core("model", "cloud", "run", "verify", "."), {"ansible.module_utils.common"}),
    "modules": (_core("model", "."), {"ansible.module_utils.basic"}),
    "plugin_utils": (_core("model", "run", "report", "console", "verify", ".") | {"plugin_utils"}, {"ansible"}),
    "action": (_core("model", "run", "report", "console", "verify", ".") | {"plugin_utils"}, {"ansible"}),
    "callback": (_core("console") | {"plugin_utils"}, {"ansible"}),
    "inventory": (_core("model", "cloud", "run", ".") | {"plugin_utils"}, {"ansible"}),
    "doc_fragments": (set(), set()),
}

# The packages that connect to a service, and the only files that import them.
CLIENT_PACKAGES = {
    "pycurl": {"curl"},
    "botocore": {"aws", "aws_errors", "sdk", "service", "signed"},
    "requests": {"arm"},
    "azure": {"arm", "entra", "logs", "sentinel"},
}

# Standard library modules with side effects or changing results, which the model must not import.
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
# Modules without side effects in packages that have some.
PURE_PARTS = {"urllib.parse"}

# The services, and the only files that call their operations or request their paths: an AWS service has a file of its
# own name, but for the one with which sessions begin.
AZURE_PATHS = {
    "/metadata/endpoints": "arm",
    "/providers/Microsoft.Authorization/": "sentinel",
    "/providers/Microsoft.OperationalInsights/": "sentinel",
    "/providers/Microsoft.SecurityInsights/": "sentinel",
    "/v1/workspaces/": "logs",
}
AWS_SERVICES = botocore.session.Session().get_available_services()
AWS_ADAPTERS = {
    path.stem: path.stem
    for path in (PLUGINS / CORE / "cloud").glob("*.py")
    if path.stem in AWS_SERVICES and path.stem not in AZURE_PATHS.values()
} | {"sts": "aws"}
ADAPTERS = sorted({*AWS_ADAPTERS.values(), *AZURE_PATHS.values()})

FILES = sorted(path for path in PLUGINS.rglob("*.py"))
EVERY = [pytest.param(path, id=str(path.relative_to(PLUGINS))) for path in FILES]
# Files of the model describe calls as data, and can import no client.
CALLING = [param for param in EVERY if not str(param.id).startswith(MODEL)]
DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}


def layer_of(folder: str) -> str:
    """The layer of a folder below plugins: the longest matching prefix in the table."""
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
    """Every module that a file imports anywhere: own ones as "/path" below plugins, others by name."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield from (relative(path, node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def relative(path: Path, node: ast.ImportFrom, name: str) -> str:
    """The file of a relative import; an imported name may be a file of the package."""
    origin = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
    below = origin / f"{name}.py"
    found = below if below.is_file() else origin.with_suffix(".py")
    assert found.is_file(), f"{path}: {node.module} {name}"
    return f"/{found.relative_to(PLUGINS)}"


@cache
def operations() -> dict[str, set[str]]:
    """Every operation of these AWS services, by the service models of botocore, and the adapters that may call it."""
    session, found = botocore.session.Session(), defaultdict[str, set[str]](set)
    for service, adapter in AWS_ADAPTERS.items():
        for name in session.get_service_model(service).operation_names:
            found[name].add(adapter)
    return found


def foreign_operations(code: ast.Module, adapter: str) -> Iterator[str]:
    """Operations that an adapter (or "" for other files) may not call, as arguments of calls or in variables.

    A call in a plan (`Call`) is data.
    """
    for node in ast.walk(code):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            values = [node.value] if node.value else []
        elif isinstance(node, ast.Call) and ast.unparse(node.func) != "Call":
            values = [*node.args, *(keyword.value for keyword in node.keywords)]
        else:
            continue
        for name in strings(values):
            if name in operations() and adapter not in operations()[name]:
                yield name


def strings(values: list[ast.expr]) -> Iterator[str]:
    """The string literals that an expression may evaluate to."""
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value
        elif isinstance(value, ast.IfExp):
            yield from strings([value.body, value.orelse])
        elif isinstance(value, ast.BoolOp):
            yield from strings(value.values)


def foreign_paths(code: ast.Module, adapter: str) -> Iterator[str]:
    """Paths of Azure services that an adapter (or "" for other files) may not use, in strings but documentation."""
    documentation = {node.value for node in ast.walk(code) if isinstance(node, ast.Expr)}
    documentation |= {
        node.value
        for node in code.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in DOCUMENTATION
    }
    for node in ast.walk(code):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in documentation:
            yield from (path for path, owner in AZURE_PATHS.items() if path in node.value and adapter != owner)


def may(module: str, layer: str) -> bool:
    allowed, others = LAYERS[layer]
    if module.startswith("/"):
        return layer_of(module[1:].rpartition("/")[0]) in allowed
    return module.split(".", maxsplit=1)[0] in sys.stdlib_module_names or any(
        module == other or module.startswith(f"{other}.") for other in others
    )


def test_every_layer_has_files_and_every_file_has_a_layer() -> None:
    assert {layer_of(folder_of(path)) for path in FILES} == set(LAYERS)


@pytest.mark.parametrize("path", EVERY)
def test_dependencies_only_point_down(path: Path) -> None:
    layer = layer_of(folder_of(path))
    assert [module for module in imported(path) if not may(module, layer)] == []


@pytest.mark.parametrize("path", EVERY)
def test_files_of_the_collection_are_imported_relatively(path: Path) -> None:
    assert [module for module in imported(path) if module.startswith("ansible_collections.")] == []


def test_a_wrong_dependency_would_be_found() -> None:
    assert not may("/module_utils/_core/run/fleet.py", f"{CORE}/console")
    assert not may("/module_utils/_core/cloud/aws.py", MODEL)
    assert not may("botocore.session", f"{CORE}/run")
    assert not may("ansible.errors", f"{CORE}/cloud")


@pytest.mark.parametrize("path", files(MODEL))
def test_the_model_reads_no_files_connections_or_clocks(path: Path) -> None:
    assert {module.split(".")[0] for module in imported(path) if module not in PURE_PARTS} & IMPURE == set()
    called = {
        node.func.id for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert called & {"open", "print", "input", "exec", "eval", "__import__"} == set()


@pytest.mark.parametrize("path", [param for param in EVERY if "module_utils" in str(param.id)])
def test_shared_code_does_not_depend_on_ansible_modules(path: Path) -> None:
    names = {node.id for node in ast.walk(tree(path)) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)}
    assert (names | attributes) & {"AnsibleModule", "AnsibleError", "fail_json", "exit_json"} == set()
    assert not any(module.startswith("ansible.module_utils.basic") for module in imported(path))


@pytest.mark.parametrize("path", files(MODEL))
def test_the_docstring_of_a_pure_file_ends_with_pure(path: Path) -> None:
    assert (ast.get_docstring(tree(path)) or "").splitlines()[0].endswith(" Pure.")


@pytest.mark.parametrize("package", CLIENT_PACKAGES)
def test_a_client_package_is_imported_in_its_adapters_only(package: str) -> None:
    found = {path.stem for path in FILES for module in imported(path) if module.split(".")[0] == package}
    assert found == CLIENT_PACKAGES[package]


@pytest.mark.parametrize("path", CALLING)
def test_an_operation_of_a_service_is_called_in_its_adapter_only(path: Path) -> None:
    adapter = path.stem if folder_of(path) == f"{CORE}/cloud" else ""
    assert list(foreign_operations(tree(path), adapter)) == []
    assert list(foreign_paths(tree(path), adapter)) == []


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_every_adapter_calls_operations_of_its_service(adapter: str) -> None:
    code = tree(PLUGINS / CORE / "cloud" / f"{adapter}.py")
    assert [*foreign_operations(code, ""), *foreign_paths(code, "")]


FOREIGN_CALLS = {
    "a call": ('client("GetRole", RoleName="x")', True),
    "a listing": ('client.pages("ListRoles", "Roles")', True),
    "an operation as keyword": ('client.call(operation="AssumeRole")', True),
    "a conditional operation": ('client("GetRole" if name else "ListRoles")', True),
    "an operation in a variable": ('operation = "DescribeStackSet"; client(operation)', True),
    "a path": ('path = f"{workspace}/providers/Microsoft.SecurityInsights/dataConnectors"', True),
    "a plan": ('Call("CreateRole", {"RoleName": "x"})', False),
    "a comparison": ('call.name == "DeleteRole" or call.name in {"CreateRole"}', False),
    "another word": ('client("Role", "roles")', False),
    "a docstring": ('"""Microsoft.SecurityInsights and GetRole"""', False),
}


@pytest.mark.parametrize(("code", "foreign"), FOREIGN_CALLS.values(), ids=FOREIGN_CALLS)
def test_a_call_of_a_service_outside_of_its_adapter_is_found(code: str, foreign: bool) -> None:
    found = [*foreign_operations(ast.parse(code), ""), *foreign_paths(ast.parse(code), "")]
    assert bool(found) is foreign


@pytest.mark.parametrize(("code", "owner"), [('sts("AssumeRole")', "aws"), ('iam("GetRole")', "iam")])
def test_an_adapter_may_not_call_the_service_of_another_one(code: str, owner: str) -> None:
    assert [adapter for adapter in ADAPTERS if not list(foreign_operations(ast.parse(code), adapter))] == [owner]


@pytest.mark.parametrize("path", [*files("modules"), *files("action"), *files("inventory")])
def test_a_declaration_makes_no_decision(path: Path) -> None:
    """A module is documentation, a spec and one call; actions and inventory plugins may contain more."""
    functions = [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)]
    if path.parent.name == "modules":
        assert [function.name for function in functions] in ([], ["main"])
        assert all(not isinstance(node, ast.If | ast.For | ast.While) for each in functions for node in ast.walk(each))


def private_attributes(code: ast.Module) -> set[str]:
    """Private attributes of objects other than one's own and of modules."""
    return {
        node.attr
        for node in ast.walk(code)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")
        if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
        if not (isinstance(node.value, ast.Call) and ast.unparse(node.value) == "super()")
    } - {"_asdict", "_replace"}


@pytest.mark.parametrize("path", [*files("plugin_utils"), *files("action"), *files("callback"), *files("inventory")])
def test_internals_of_ansible_are_used_in_one_file(path: Path) -> None:
    assert bool(private_attributes(tree(path))) == (path.stem == "internals")


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
    """Ansible imports plugins to document them; a missing package is reported when it is needed."""
    names = [f"{PACKAGE}.{path.relative_to(PLUGINS).with_suffix('').as_posix().replace('/', '.')}" for path in FILES]
    subprocess.run([sys.executable, "-c", WITHOUT_SDKS, *names], check=True, timeout=60)
