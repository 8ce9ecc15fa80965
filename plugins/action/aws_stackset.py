# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `aws_stackset`: sets options that are not given from variables, then runs the module."""

from __future__ import annotations

from typing import Any

from ..module_utils._core.model.account import FIELDS
from ..module_utils._core.model.run_options import STACKSET_OPTIONS
from ..module_utils._core.options import AWS_SPEC, AZURE_SPEC, STACKSET_SPEC, STATE_SPEC, WORKSPACE_SPEC
from ..plugin_utils.batch import SentinelAction, is_option_given

SPEC = AWS_SPEC | AZURE_SPEC | WORKSPACE_SPEC | STACKSET_SPEC | STATE_SPEC
# These options have variables of their own here: they are for the managing account, not for the members.
_STACKSET_ONLY = {option.option for option in STACKSET_OPTIONS}


class ActionModule(SentinelAction):
    """See the documentation of M(trailbridge.sentinel.aws_stackset)."""

    # Each host of the task may be an organization of its own; the module runs on that host's connection.
    BYPASS_HOST_LOOP = False
    _requires_connection = True

    spec = SPEC
    run_options = STACKSET_OPTIONS

    def execute(self) -> dict[str, Any]:
        """Run the module; an option of the task wins over a variable."""
        fields = [field for field in FIELDS if field.option in SPEC and field.option not in _STACKSET_ONLY]
        of_task = {name: value for name, value in self._task.args.items() if is_option_given(name, value)}
        options = self.read_localhost_options(fields) | self.read_run_options() | of_task
        result: dict[str, Any] = self._execute_module(
            module_name="trailbridge.sentinel.aws_stackset", module_args=options, task_vars=dict(self.task_vars)
        )
        return result
