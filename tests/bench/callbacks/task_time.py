# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback of Ansible that displays how long a task took; Ansible loads every file of this folder."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_time
type: notification
short_description: Displays how long a task took
description: Prints one line for each task that ended.
"""


class CallbackModule(CallbackBase):
    """Measures the time from the start of a task to its first result."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_time"

    started = 0.0

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Start the clock."""
        self.started = time.perf_counter()

    def v2_runner_on_ok(self, result: Any) -> None:
        """Stop it."""
        self._display_time()

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Stop it."""
        self._display_time()

    def _display_time(self) -> None:
        self._display.display(f"bench: the task took {time.perf_counter() - self.started:.3f} s")
