# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start Azure and AWS with one command.

eval "$(python -m tests.emulators)"            in the background, until 15 minutes without a request
python -m tests.emulators -- command …         for one command, with its exit code
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
from types import FrameType

from .client import Emulators, emulators, launch
from .environment import INTERFERING, interfering


def main(arguments: list[str]) -> int:
    """Parse the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.emulators", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--idle", type=float, default=900.0, metavar="SECONDS", help="without a command: idle time after which they end"
    )
    parser.add_argument(
        "--managed-policies", choices=["all", "few"], default="all", help="managed policies of every account"
    )
    parser.add_argument("command", nargs="*", help="what to run")
    options = parser.parse_args(arguments)
    if options.command:
        with emulators(managed_policies=options.managed_policies) as running:
            return run(options.command, running)
    policies = ("--managed-policies", options.managed_policies)
    _unused, running = launch("--idle", str(options.idle), *policies, watched=False)
    print(exports(running))
    return 0


def run(command: list[str], running: Emulators) -> int:
    """Run a command and return its exit code; the command handles signals, the emulators end after it."""
    environment = {**running.whole_environment(), "EMULATORS_PID": str(running.pid)}

    def forward_to_child(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGTERM:
            child.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, forward_to_child)
    child = subprocess.Popen(command, env=environment)
    code = child.wait()
    return code if code >= 0 else 128 - code


def exports(running: Emulators) -> str:
    """Return shell commands that set the environment."""
    unwanted = sorted({*INTERFERING, *interfering(os.environ)})
    wanted = {**running.environment, "EMULATORS_PID": str(running.pid)}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in wanted.items()]
    return "\n".join([f"unset {' '.join(unwanted)}", *lines])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
