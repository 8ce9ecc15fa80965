# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the matrices, for the sample in tests/unit/faults and for the whole in tests/faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulators.client import Emulators

from . import engine
from .s3_world import S3World
from .world import World

# Their assertions are explained like those of tests.
pytest.register_assert_rewrite("tests.faults.check", "tests.faults.crash")


@pytest.fixture(scope="session")
def kept_world(clouds: Emulators) -> World:
    """The world, which remembers what undisturbed runs leave behind."""
    return World(clouds)


@pytest.fixture
def world(here: Emulators, kept_world: World) -> Iterator[World]:
    """The world, met by an engine with little backoff."""
    with engine.short_timeouts():
        yield kept_world


@pytest.fixture(scope="session")
def kept_s3_world(clouds: Emulators) -> S3World:
    """The world of an S3 source, which remembers what undisturbed runs leave behind."""
    return S3World(clouds)


@pytest.fixture
def s3_world(here: Emulators, kept_s3_world: S3World) -> Iterator[S3World]:
    """The world of an S3 source, met by an engine with little backoff."""
    with engine.short_timeouts():
        yield kept_s3_world
