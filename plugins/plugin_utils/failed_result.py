# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a failed task: Ansible displays all of it, twice, in one line each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# With it, the line of Ansible has less than 300 characters.
MAX_MESSAGE = 190
# What was displayed already.
_DISPLAYED = ("summary", "accounts", "failures", "failed_hosts", "orphans", "notes", "problems")
_SENTENCE = re.compile(r"(?<=[.]) (?=[A-Z])")


def without_displayed(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result without what was displayed already, if the task failed."""
    return {key: value for key, value in result.items() if not (result.get("failed") and key in _DISPLAYED)}


def sentences(message: str) -> list[str]:
    """Return the sentences of a message that is too long for one line, none of another one."""
    return _SENTENCE.split(message) if len(message) > MAX_MESSAGE else []


def shortened(message: str) -> str:
    """Return the message, cut after a word if it is too long for one line."""
    if len(message) <= MAX_MESSAGE:
        return message
    return f"{message[:MAX_MESSAGE].rpartition(' ')[0]} … (in full above)"
