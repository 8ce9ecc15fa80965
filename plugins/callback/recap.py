# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recap by account, after that of Ansible, which counts the tasks of one host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: recap
type: aggregate
short_description: Recap by AWS account
version_added: 1.0.0
description:
  - Displays a recap by account at the end of a playbook, from the results of M(trailbridge.sentinel.fleet) and
    M(trailbridge.sentinel.fleet_ingestion_info).
  - One task of these works on all accounts, and Ansible counts it for one host. This recap has the number of accounts
    by status, and a line for each account that changed, failed or has findings, the worst first.
  - Without C(-v) it lists 30 accounts at most. Of a task that failed it has the message, because such a task returns no
    accounts.
requirements:
  - It is off by default. Set C(callbacks_enabled=trailbridge.sentinel.recap) in the section C(defaults) of
    C(ansible.cfg), or E(ANSIBLE_CALLBACKS_ENABLED).
author:
  - trailbridge contributors (@trailbridge)
seealso:
  - module: trailbridge.sentinel.fleet
  - module: trailbridge.sentinel.fleet_ingestion_info
"""

EXAMPLES = r"""
# ANSIBLE_CALLBACKS_ENABLED=trailbridge.sentinel.recap ansible-playbook trailbridge.sentinel.onboard -i accounts.yml
#
# ACCOUNTS ***********************************************************************
# fleet: 12 accounts: 9 ok, 2 changed, 1 failed, 0 skipped
# failed: [111111111102 orders] assume_denied
# changed: [111111111101 payments] critical trust_account_foreign
# changed: [222222222203 sandbox] high permission_policy_extra
"""

from typing import Any

from ansible.plugins.callback import CallbackBase

from ..module_utils._core.console.recap import TaskRecap, lines
from ..plugin_utils.console import TaskConsole

ACTIONS = ("trailbridge.sentinel.fleet", "trailbridge.sentinel.fleet_ingestion_info")


class CallbackModule(CallbackBase):
    """See its documentation."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "trailbridge.sentinel.recap"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tasks: dict[tuple[str, bool], TaskRecap] = {}

    def v2_runner_on_ok(self, result: Any) -> None:
        """Keep the result of a task that worked on accounts."""
        self._add(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ARG002
        """Keep the message of such a task."""
        self._add(result, failed=True)

    def v2_playbook_on_stats(self, stats: Any) -> None:  # noqa: ARG002
        """Display the recap."""
        console = TaskConsole(self._display)
        if found := lines(self._tasks.values(), verbose=console.verbose):
            self._display.banner("ACCOUNTS")
            for line in found:
                console.line(line)

    def _add(self, result: Any, *, failed: bool = False) -> None:
        task = result.task
        action = task.resolved_action or task.action
        if action in ACTIONS:
            key = action.rpartition(".")[2], bool(task.check_mode)
            self._tasks.setdefault(key, TaskRecap(*key)).add({**result.result, "failed": failed})
