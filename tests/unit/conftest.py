# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulators, started once for each worker; every test finds them as new."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulators.client import Emulators, emulators


@pytest.fixture(scope="session")
def clouds() -> Iterator[Emulators]:
    with emulators(managed_policies="few") as started:
        yield started


@pytest.fixture
def cloud(clouds: Emulators) -> Emulators:
    clouds.reset()
    return clouds
