# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Colors and lengths of lines, the time without a line, and the sentences of a failed task."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible import constants

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.console.style import (
    MAX_LENGTH,
    style_of,
    wrapped,
)
from ansible_collections.trailbridge.sentinel.plugins.plugin_utils import console as consoles
from ansible_collections.trailbridge.sentinel.plugins.plugin_utils.console import TaskConsole
from ansible_collections.trailbridge.sentinel.plugins.plugin_utils.failed_result import (
    MAX_MESSAGE,
    sentences,
    shortened,
    without_displayed,
)


class Display:
    """Ansible's display, without a terminal."""

    verbosity = 0

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.colors: list[str | None] = []

    def display(self, text: str, color: str | None = None, **_more: Any) -> None:
        self.lines.append(text)
        self.colors.append(color)


@pytest.mark.parametrize(
    ("line", "style"),
    [
        ("ok: [111111111101]", "ok"),
        ("would change: [111111111101] TagRole", "changed"),
        ("failed: [111111111101] aws_denied: changed: no", "error"),
        ("    critical trust_anyone: Anyone may.", "error"),
        ("      4  critical trust_anyone            111111111101", "error"),
        ("      4  medium role_boundary_extra       111111111101", "warn"),
        ("    low role_tags: high.", ""),
        ("2 accounts: 2 ok, 0 changed, 0 failed", "ok"),
        ("1 account: 0 ok, 1 changed, 0 failed", "changed"),
        ("2 accounts: 1 ok, 0 changed, 1 failed", "error"),
        ("2 accounts: 2 ready, 0 not ready", "ok"),
        ("2 accounts: 1 ready, 1 not ready", "error"),
        ("Preflight: 2 accounts: 1 ready, 1 not_ready", "error"),
        ("2 accounts: 2 ready, 0 not ready, 1 with findings", "changed"),
        ("2 accounts: 2 receiving", "ok"),
        ("2 accounts: 1 receiving, 1 silent", "ok"),
        ("2 accounts: 2 receiving, 1 not as expected", "error"),
        ("2 accounts: 1 receiving, 1 stale, 1 not as expected", "error"),
        ("fleet_ingestion_info: 2 accounts: 2 receiving, 1 not as expected", "error"),
        ("receiving: [111111111101]", "ok"),
        ("receiving, not as expected: [111111111101] The canary event did not arrive.", "error"),
        ("silent as allowed: [111111111101]", "ok"),
        ("broken: [111111111101] S3 source of bucket logs, queue: It does not exist.", "warn"),
        ("+    1", "diff_add"),
        ("-    1", "diff_remove"),
        ("Documentation: https://example.com", ""),
    ],
)
def test_a_line_has_the_style_of_what_it_begins_with(line: str, style: str) -> None:
    assert style_of(line) == style


def test_colors_are_those_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants.config, "get_config_value", lambda name: {"COLOR_CHANGED": "bright purple"}[name])
    monkeypatch.setattr(consoles, "stdout_is_data", lambda: False)
    display = Display()
    TaskConsole(display).line("changed: [111111111101] TagRole")
    assert display.colors == ["bright purple"]


@pytest.mark.parametrize("text", ["    high x: " + "word " * 200, "x" * 1000], ids=["words", "one word"])
def test_a_long_line_is_wrapped_and_loses_nothing(text: str) -> None:
    parts = wrapped(text)
    assert max(map(len, parts)) <= MAX_LENGTH
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")
    assert parts[0][:4] == text[:4]


def test_a_line_of_blanks_is_not_wrapped_letter_by_letter() -> None:
    assert len(wrapped(" " * 310 + "x" * 900)) < 6


def test_a_wait_has_a_line_every_few_seconds_and_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consoles, "SILENCE_SECONDS", 1.0)
    display = Display()
    start = time.monotonic()
    with TaskConsole(display).reporting(lambda _elapsed: "Still waiting."):
        time.sleep(2.5)
    assert display.lines == ["Still waiting."] * 2
    assert time.monotonic() - start < 3.5


def test_other_lines_postpone_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consoles, "SILENCE_SECONDS", 2.0)
    display = Display()
    console = TaskConsole(display)
    with console.reporting(lambda _elapsed: "Still waiting."):
        for _number in range(6):
            time.sleep(0.5)
            console.line("Something.")
    assert set(display.lines) == {"Something."}


def test_a_failed_result_has_a_sentence_and_a_class_only() -> None:
    data: dict[str, Any] = {
        "summary": {},
        "accounts": {},
        "failures": [],
        "failed_hosts": [],
        "orphans": [],
        "notes": [],
        "problems": [],
    }
    result = {"failed": True, "msg": "No.", "error": {"class": "bad_input"}}
    assert without_displayed(data | result) == result
    assert without_displayed({"changed": True, **data}) == {"changed": True, **data}


def test_a_long_message_is_displayed_sentence_by_sentence_before_it_is_cut() -> None:
    first, second = f"Cannot use a: {'x ' * 80}no.", f"Cannot use b: {'y ' * 80}no."
    message = f"{first} {second} And 3 more."
    assert sentences(message) == [first, second, "And 3 more."]
    assert len(shortened(message)) < MAX_MESSAGE + 30
    assert (sentences(first), shortened(first)) == ([], first)
