# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `aws_stackset`: fills in options that are not given from the variables, then runs the module."""

from __future__ import annotations

from typing import Any

from ..module_utils._core.model.account import FIELDS
from ..module_utils._core.model.run_options import STACKSET_OPTIONS
from ..module_utils._core.options import AWS, AZURE, STACKSET, STATE, WORKSPACE
from ..plugin_utils.batch import SentinelAction, is_given

SPEC = AWS | AZURE | WORKSPACE | STACKSET | STATE
# What leads into the accounts that the role is for has its own variables here: it leads into the managing account.
_OWN = {option.option for option in STACKSET_OPTIONS}


class ActionModule(SentinelAction):
    """See the documentation of M(trailbridge.sentinel.aws_stackset)."""

    # Each host that the task runs for may stand for an organization; the module runs where the connection leads.
    BYPASS_HOST_LOOP = False
    _requires_connection = True

    spec = SPEC
    run_options = STACKSET_OPTIONS

    def work(self) -> dict[str, Any]:
        """Run the module; an option of the task wins over a variable."""
        fields = [field for field in FIELDS if field.option in SPEC and field.option not in _OWN]
        of_task = {name: value for name, value in self._task.args.items() if is_given(name, value)}
        options = self.of_localhost(fields) | self.read_run() | of_task
        result: dict[str, Any] = self._execute_module(
            module_name="trailbridge.sentinel.aws_stackset", module_args=options, task_vars=dict(self.task_vars)
        )
        return result
