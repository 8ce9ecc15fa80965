# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-rulebook and the emulators: `make test-eda`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.conftest import cloud, clouds

__all__ = ["cloud", "clouds"]


@pytest.fixture(scope="session")
def rulebook_python() -> Path:
    """Return the Python of the environment of ansible-rulebook."""
    program = shutil.which("ansible-rulebook")
    assert program, "ansible-rulebook is not on the path; make test-eda installs it"
    return Path(program).parent / "python"
