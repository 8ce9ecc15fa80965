# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The oldest ansible-core and Python: older ones could not import the plugins, and would report that as a bug."""

from __future__ import annotations

import platform
import re
import sys

from ansible import errors
from ansible.release import __version__

OLDEST_ANSIBLE = (2, 19, 4)
OLDEST_PYTHON = (3, 11)
# Of all errors, the loader of plugins does not turn this one into a warning.
Unsupported: type[Exception] = errors.AnsibleCollectionUnsupportedVersionError


def check(ansible: str = __version__, python: tuple[int, ...] = sys.version_info[:2]) -> None:
    """Raise Unsupported for an older version; Ansible itself only warns of requires_ansible in meta/runtime.yml."""
    release = tuple(map(int, re.findall(r"\d+", ansible)[:3]))
    if release >= OLDEST_ANSIBLE and python >= OLDEST_PYTHON:
        return
    oldest = ".".join(map(str, OLDEST_ANSIBLE))
    raise Unsupported(
        f"Cannot use trailbridge.sentinel: it requires ansible-core {oldest} and Python 3.11, or newer ones, and this "
        f"is ansible-core {ansible} in {sys.executable} (Python {platform.python_version()}). Install ansible-core "
        f"again: python3.11 -m pip install 'ansible-core>={oldest}'"
    )
