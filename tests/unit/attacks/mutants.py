# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Responses of the services, and malformed variants of them: missing fields, wrong types, garbage."""

from __future__ import annotations

import contextlib
import copy
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tests.faults.hook import Moment, watched_answers

Answers = dict[str, list[str]]

DEEP = "[" * 20_000 + "]" * 20_000
RUBBISH = ("", "null", "0", "[]", "{}", '"text"', "{", "\x00", "<html>Bad gateway</html>", "<a/>", DEEP)
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1e300,
    "",
    "x",
    "\u0000\U0001f600",
    "é" * 300,
    [],
    {},
    [None],
    [[]],
    {"a": {"b": 1}},
]
ODD_TEXT = ["", " ", "x", "0", "-1", "true", "é\u2028", "arn:aws:iam::1:role/x", "%7B%22Statement%22%3A1%7D", "%5B%5D"]
Path = tuple[str | int, ...]


@contextlib.contextmanager
def recorded() -> Iterator[Answers]:
    """Record the bodies of all responses, by operation."""
    answers: Answers = {}

    def see(moment: Moment, operation: str, body: str) -> None:
        if moment == "after":
            answers.setdefault(operation, []).append(body)

    with watched_answers(see):
        yield answers


def about(account: str, body: str) -> str:
    """The same response for another account."""
    return re.sub(r"(?<!\d)(1{10}|5{10})\d\d(?!\d)", account, body)


@st.composite
def mutants(draw: st.DrawFn, body: str) -> str:
    """The response with a missing or wrong value, or an entirely different one."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(RUBBISH) | st.text(max_size=30))
    return draw(_json(json.loads(body)) if body.startswith("{") else _xml(body))


@st.composite
def _json(draw: st.DrawFn, answer: Any) -> str:
    for _change in range(draw(st.integers(1, 2))):
        *way, last = draw(st.sampled_from(list(_paths(answer))))
        holder = answer = copy.deepcopy(answer)
        for step in way:
            holder = holder[step]
        if draw(st.booleans()):
            del holder[last]
        else:
            holder[last] = draw(st.sampled_from(ODD))
        if not list(_paths(answer)):
            break
    return json.dumps(answer)


def _paths(value: Any, before: Path = ()) -> Iterator[Path]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*before, key)
        yield from _paths(one, (*before, key))


@st.composite
def _xml(draw: st.DrawFn, body: str) -> str:
    root = ET.fromstring(body)
    for _change in range(draw(st.integers(1, 2))):
        parents = [(parent, child) for parent in root.iter() for child in parent]
        if not parents:
            break
        parent, child = draw(st.sampled_from(parents))
        kind = draw(st.sampled_from(["removed", "twice", "renamed", "nested", "text", "text"]))
        if kind == "removed":
            parent.remove(child)
        elif kind == "twice":
            parent.append(copy.deepcopy(child))
        elif kind == "renamed":
            child.tag = "Unknown"
        elif kind == "nested":
            child.append(copy.deepcopy(parent))
        else:
            for inner in list(child):
                child.remove(inner)
            child.text = draw(st.sampled_from(ODD_TEXT))
    return ET.tostring(root, encoding="unicode")
