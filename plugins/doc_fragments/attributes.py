# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of the modules."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the result of a real run without changing anything.
    support: full
  diff_mode:
    description: Returns the changes, or in C(check_mode) the predicted changes, as C(diff).
    support: full
  idempotent:
    description: A second run with the same options changes nothing and makes no write request.
    support: full
  action_group:
    description:
      - Use C(group/trailbridge.sentinel.all) in C(module_defaults) to set the options that all modules share, which are
        those of the Azure credentials and of the workspace.
      - Use C(group/trailbridge.sentinel.aws) to set the options of the AWS credentials, for the modules that have them.
    support: full
    membership:
      - trailbridge.sentinel.all
"""
