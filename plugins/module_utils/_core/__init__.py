# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plugins share: private. An older Python could not import it, and would report that as a bug."""

from __future__ import annotations

import platform
import sys

if sys.version_info < (3, 11):  # noqa: UP036 modules run in the Python of ansible_python_interpreter
    raise ImportError(
        f"Cannot use trailbridge.sentinel in {sys.executable} (Python {platform.python_version()}): it requires Python "
        '3.11 or newer. Set ansible_python_interpreter to a newer one, such as "{{ ansible_playbook_python }}".'
    )

from .bytecode import keep_bytecode

keep_bytecode(__name__.removesuffix(".module_utils._core"))
