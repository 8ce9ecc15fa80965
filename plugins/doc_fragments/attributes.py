# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plugins can do."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what the real run returns, without changing anything.
    support: full
  diff_mode:
    description: Returns what changes, or would change in C(check_mode), as C(diff).
    support: full
  idempotent:
    description: A second run with the same options changes nothing and makes no write request.
    support: full
  action_group:
    description:
      - Use C(group/trailbridge.sentinel.all) in C(module_defaults) to set what all modules share, which is how to sign
        in to Azure and the workspace.
      - C(group/trailbridge.sentinel.aws) sets how to get into AWS for the modules that need it.
    support: full
    membership:
      - trailbridge.sentinel.all
"""
