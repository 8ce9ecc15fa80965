# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of complexity and length counts as documented, and accepts no exception that nothing needs."""

from __future__ import annotations

import pytest

from tests.tools.complexity import MAX_EXCEPTIONS, Function, functions, problems

SOURCE = '''
class Thing:
    def method(self, a, b, c):
        """A docstring
        of two lines."""
        # a comment
        if a and b or c:

            return [one for one in a if one]
        return None

    async def outer(self):
        def inner(a):
            return 1 if a else 2

        return inner
'''
FOUND = [
    Function("thing.py Thing.method", complexity=6, lines=4),
    Function("thing.py Thing.outer", complexity=1, lines=4),
    Function("thing.py Thing.outer.inner", complexity=2, lines=2),
]
AT_THE_LIMIT = Function("a.py limit", complexity=10, lines=30)
COMPLEX = Function("a.py complex", complexity=11, lines=5)
LONG = Function("a.py long", complexity=1, lines=31)


def test_methods_and_nested_functions_are_counted_with_boolean_operators_and_without_docstrings() -> None:
    assert list(functions(SOURCE, "thing.py")) == FOUND


@pytest.mark.parametrize(
    ("found", "exceptions", "named"),
    [
        pytest.param([AT_THE_LIMIT], {}, [], id="the limits themselves are allowed"),
        pytest.param([COMPLEX], {}, ["a.py complex", "11"], id="too complex"),
        pytest.param([COMPLEX], {"a.py complex": "a reason"}, [], id="too complex for a reason"),
        pytest.param([COMPLEX], {"a.py complex": ""}, ["a.py complex", "reason"], id="no reason"),
        pytest.param([LONG], {}, ["a.py long", "31"], id="too long"),
        pytest.param([LONG], {"a.py long": "a reason"}, ["a.py long", "31"], id="no exception for a long one"),
        pytest.param([AT_THE_LIMIT], {"a.py limit": "a reason"}, ["a.py limit", "no exception"], id="needless"),
    ],
)
def test_a_function_above_a_limit_is_named(found: list[Function], exceptions: dict[str, str], named: list[str]) -> None:
    text = "\n".join(problems(found, exceptions))
    assert all(word in text for word in named)
    assert bool(text) == bool(named)


def test_there_are_few_exceptions() -> None:
    found = [COMPLEX._replace(name=f"a.py {number}") for number in range(MAX_EXCEPTIONS + 1)]
    exceptions = {one.name: "a reason" for one in found}
    assert problems(found[1:], {one.name: "a reason" for one in found[1:]}) == []
    assert len(problems(found, exceptions)) == 1
