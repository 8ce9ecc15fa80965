# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulators, started once for each worker and reset for every test; the last line of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.emulators.client import Emulators, emulators
from tests.emulators.environment import INTERFERING
from tests.tools.skipped import skipped_line

# A busy machine must not fail a test, so there is no deadline; HYPOTHESIS_PROFILE=thorough runs longer.
settings.register_profile("quick", deadline=None, max_examples=30)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Print what was skipped as the last line: below the numbers of pytest nobody overlooks it."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter and not hasattr(config, "workerinput"):
        skipped = reporter.stats.get("skipped", ())
        if line := skipped_line(one.longrepr[2].removeprefix("Skipped: ") for one in skipped):
            reporter.write_line(line)


@pytest.fixture(scope="session")
def clouds() -> Iterator[Emulators]:
    with emulators(managed_policies="few") as started:
        yield started


@pytest.fixture
def cloud(clouds: Emulators) -> Emulators:
    clouds.reset()
    return clouds


@pytest.fixture
def here(cloud: Emulators, monkeypatch: pytest.MonkeyPatch) -> Emulators:
    """Set the environment of this process to that of the emulators."""
    for name in INTERFERING:
        monkeypatch.delenv(name, raising=False)
    for name, value in cloud.environment.items():
        monkeypatch.setitem(os.environ, name, value)
    return cloud
