# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of the benchmark as a child process."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.emulators.environment import merged
from tests.emulators.serving import CONTROL

ROOT = Path(__file__).parents[2]


class Services:
    """Running servers, and the environment with which clients use them."""

    def __init__(self, about: dict[str, Any], tree: Path) -> None:
        self.address: str = about["control"]
        self.pid: int = about["pid"]
        self.environment = {
            **merged(os.environ, about["environment"]),
            "PYTHONPATH": os.pathsep.join([str(tree), str(ROOT)]),
            "ANSIBLE_COLLECTIONS_PATH": str(tree),
            "ANSIBLE_INJECT_FACT_VARS": "false",
            "ANSIBLE_NOCOLOR": "true",
            "PYTHONDONTWRITEBYTECODE": "",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        }

    def control(self, command: str, **arguments: Any) -> Any:
        """Run a command of the control API."""
        with contextlib.closing(http.client.HTTPConnection(self.address, timeout=120)) as connection:
            connection.request("POST", CONTROL + command, json.dumps(arguments))
            response = connection.getresponse()
            answer = json.loads(response.read())
        if response.status != 200:
            raise RuntimeError(answer)
        return answer


@contextlib.contextmanager
def services(tree: Path) -> Iterator[Services]:
    """Start the servers with the collection below `tree`, and stop them at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"{__package__}.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tree), str(ROOT)])},
        text=True,
        start_new_session=True,
    )
    try:
        ready = process.stdout.readline() if process.stdout else ""
        if not ready:
            raise RuntimeError(f"The servers did not start (exit code {process.wait()}).")
        yield Services(json.loads(ready), tree)
    finally:
        process.communicate()
