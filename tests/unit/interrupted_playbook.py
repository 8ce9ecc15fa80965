# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook in progress, and the signals that end it: Ctrl-C, and the SIGTERM by which AWX cancels."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.emulators.client import Emulators
from tests.faults.engine import WORKSPACE

SECONDS = 10
SIGNALS = [
    pytest.param(signal.SIGINT, True, id="Ctrl-C"),
    pytest.param(signal.SIGTERM, True, id="SIGTERM to all of it"),
    pytest.param(signal.SIGTERM, False, id="SIGTERM to Ansible alone"),
]
"""A signal, and whether all processes of the playbook get it."""


@contextmanager
def in_progress(
    cloud: Emulators,
    folder: Path,
    name: str,
    hosts: dict[str, Any],
    is_reached: Callable[[], bool],
    **variables: Any,
) -> Iterator[subprocess.Popen[str]]:
    """Run a playbook of the collection until `is_reached`; kill it at the end if it is still running."""
    inventory = folder / "accounts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": {**WORKSPACE, **variables}}}))
    with subprocess.Popen(
        ["ansible-playbook", f"trailbridge.sentinel.{name}", "-i", str(inventory)],
        cwd=folder,
        env=cloud.whole_environment(ANSIBLE_NOCOLOR="1", ANSIBLE_HOME=str(folder / "home")),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            deadline = time.monotonic() + 60
            while not is_reached() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
            assert is_reached()
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def interrupted(process: subprocess.Popen[str], number: signal.Signals, *, to_all: bool) -> str:
    """Send a signal; returns the output of the playbook, which has to end in time."""
    start = time.monotonic()
    (os.killpg if to_all else os.kill)(process.pid, number)
    output = process.communicate(timeout=30)[0]
    assert time.monotonic() - start <= SECONDS, output
    assert process.returncode != 0
    return output
