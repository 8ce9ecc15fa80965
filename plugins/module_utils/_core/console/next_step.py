# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do after a run."""

from __future__ import annotations

from collections.abc import Mapping

# The playbook that makes the changes which another one previews.
_CHANGING = {"drift": "onboard"}


def next_step(playbook: str, options: str, summary: Mapping[str, int], *, check_mode: bool) -> str:
    """Return the line with the next command, "" if nothing is left to do; `options` are those of ansible-playbook."""
    if playbook == "verify":
        return f"Next: {_command('drift', options)} compares the accounts with the desired state."
    if check_mode and summary["changed"]:
        return f"Next: {_command(_CHANGING.get(playbook, playbook), options)} makes these changes."
    if summary["failed"]:
        return "Next: remove the causes of the failures, and run the same command again."
    if playbook == "onboard" and summary["changed"]:
        return f"Next: {_command('verify', options)} checks that events arrive."
    return ""


def recap_line(task_host: str, accounts: int) -> str:
    """Return the line that relates Ansible's recap to the accounts, "" where each has a task of its own."""
    if accounts < 2 or not task_host:
        return ""
    return f"PLAY RECAP counts tasks: there {task_host} stands for all {accounts} accounts."


def _command(playbook: str, options: str) -> str:
    return " ".join(filter(None, ("ansible-playbook", f"trailbridge.sentinel.{playbook}", options)))
