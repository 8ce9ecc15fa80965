# Copyright (c) trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check how complex and how long the functions of a folder are: python complexity.py FOLDER.

The complexity is that of radon, which counts boolean operators and comprehensions too. Lines are those with code.
"""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from radon.raw import analyze
from radon.visitors import ComplexityVisitor

MAX_COMPLEXITY, MAX_LINES = 10, 30
MAX_EXCEPTIONS = 5
# Functions that may be more complex, by file and name, each with the reason.
EXCEPTIONS = {
    "module_utils/_core/model/policy/statements.py _is_statement": "one condition for each element that IAM documents",
    "module_utils/_core/model/policy/compare.py _parts": "the two loops share the parts that they split further",
    "module_utils/_core/model/policy/elements.py includes_element": "the cases of absent and negated elements",
}


class Function(NamedTuple):
    """A function or method: `name` is its file and qualified name, such as `model/plan.py Call.show`."""

    name: str
    complexity: int
    lines: int


def functions(source: str, file: str) -> Iterator[Function]:
    """Yield all functions of a file, methods and nested functions included."""
    yield from _functions(ast.parse(source), source, f"{file} ")


def _functions(parent: ast.AST, source: str, prefix: str) -> Iterator[Function]:
    for node in ast.iter_child_nodes(parent):
        name = prefix
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            complexity = ComplexityVisitor.from_ast(node).functions[0].complexity
            yield Function(prefix + node.name, complexity, code_lines(node, source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{node.name}."
        yield from _functions(node, source, name)


def code_lines(node: ast.AST, source: str) -> int:
    """Return the number of lines of a function without blank lines, comments and docstrings."""
    segment = ast.get_source_segment(source, node, padded=True) or ""
    lines: int = analyze(textwrap.dedent(segment)).sloc
    return lines


def problems(found: Iterable[Function], exceptions: Mapping[str, str]) -> list[str]:
    """Return what is wrong: functions above a limit, exceptions that no function needs, too many exceptions."""
    found = list(found)
    complex_ones = {one.name: one.complexity for one in found if one.complexity > MAX_COMPLEXITY}
    texts = [
        f"{name} has a complexity of {complexity}, at most {MAX_COMPLEXITY} is allowed"
        for name, complexity in complex_ones.items()
        if name not in exceptions
    ]
    texts += [
        f"{one.name} has {one.lines} lines, at most {MAX_LINES} are allowed" for one in found if one.lines > MAX_LINES
    ]
    texts += [f"{name} needs no exception" for name in exceptions if name not in complex_ones]
    texts += [f"the exception of {name} has no reason" for name, reason in exceptions.items() if not reason]
    if len(exceptions) > MAX_EXCEPTIONS:
        texts.append(f"{len(exceptions)} functions are exceptions, at most {MAX_EXCEPTIONS} may be")
    return texts


def in_folder(folder: Path) -> Iterator[Function]:
    """Yield the functions of all files of a folder."""
    for path in sorted(folder.rglob("*.py")):
        yield from functions(path.read_text(encoding="utf-8"), path.relative_to(folder).as_posix())


def main(folder: str) -> int:
    """Print what is wrong; returns the exit code."""
    texts = problems(in_folder(Path(folder)), EXCEPTIONS)
    print("\n".join(texts), end="\n" if texts else "")
    return 1 if texts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
