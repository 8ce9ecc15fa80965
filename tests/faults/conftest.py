# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole matrices: `make test-faults`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.figures import Figures
from tests.faults.fixtures import kept_s3_world, kept_world, s3_world, world
from tests.unit.conftest import cloud, clouds, here

__all__ = ["cloud", "clouds", "here", "kept_s3_world", "kept_world", "s3_world", "world"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--figures", type=Path, help="folder for figures.json")
    parser.addoption("--docs", type=Path, help="folder whose reliability.md is renewed")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Figures(config.getoption("--figures"), config.getoption("--docs")))
