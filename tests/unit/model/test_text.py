# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The display of untrusted strings."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError, cannot
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import finding
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import difference
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.text import one_line, visible

HIDDEN = [
    *map(chr, [*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x61C, *range(0x200B, 0x2010), *range(0x2028, 0x202F)]),
    *map(chr, [*range(0x2060, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFC), 0xD800, 0xDFFF, 0x180E, 0x3164, 0x34F]),
    *map(chr, [0xE0001, 0xE0041, 0x1D173, 0x10FFFF]),
]


@pytest.mark.parametrize("char", HIDDEN, ids=ascii)
def test_invisible_characters_are_escaped(char: str) -> None:
    escaped = one_line(f"a{char}b")
    assert char not in escaped
    assert escaped.isprintable()
    assert escaped.startswith("a\\")
    assert escaped.endswith("b")


@pytest.mark.parametrize(
    "text", ["", "prod-1", "Zürich, 東京\u3000支社", "a\u00a0b", "🚀 lab", "שלום", r"C:\new", "é\u0301"]
)
def test_visible_text_is_unchanged(text: str) -> None:
    assert one_line(text) == text


@given(st.text() | st.text(st.sampled_from([*HIDDEN, "a"])))
def test_escaped_text_is_visible_and_escaping_is_idempotent(text: str) -> None:
    escaped = one_line(text)
    assert {unicodedata.category(char)[0] for char in escaped} <= set("LMNPSZ")
    assert not {"\u2028", "\u2029"} & set(escaped)
    assert len(escaped.splitlines()) <= 1
    assert one_line(escaped) == escaped


def test_data_keeps_its_structure_and_line_feeds() -> None:
    have = {"\x9bk": ["a\nb\x1b", ("\u202e", 5, None)], "on": True}
    assert visible(have) == {"\\x9bk": ["a\nb\\x1b", ["\\u202e", 5, None]], "on": True}


FORGED = "x\nok: [222222222222]\x1b[2K\x9b1A\u202e"


def test_errors_findings_and_diff_headers_stay_on_one_line() -> None:
    for text in (
        str(SentinelError("bad_input", FORGED)),
        str(cannot("transient", f"read {FORGED}", FORGED)),
        SentinelError("bad_input", FORGED).show()["message"],
        finding("trust_anyone", FORGED).message,
        difference(FORGED, {}, {"a": FORGED})["after_header"],
    ):
        assert text.isprintable()
