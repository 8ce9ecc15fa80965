# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: environment, exit code, and no process is left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.client import Emulators, emulators

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "tests.emulators"]
CLIENT = """
import os, boto3, requests
arm = os.environ["AZURE_CLOUD_ENVIRONMENT"]
assert requests.get(arm + "/metadata/endpoints?api-version=2022-09-01", timeout=9).json()["resourceManager"] == arm
print(boto3.client("sts").get_caller_identity()["Account"], os.environ["EMULATORS_PID"])
print(os.environ.get("AWS_PROFILE"), os.environ.get("AWS_ENDPOINT_URL_IAM"))
print(os.path.dirname(os.environ["AWS_CA_BUNDLE"]))
raise SystemExit(3)
"""


def is_running(pid: int) -> bool:
    """Whether a process runs, zombies excluded."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    return False


def have_ended(*pids: int, folder: str) -> bool:
    """Whether all processes end and the folder is removed within a few seconds."""
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        if not any(is_running(pid) for pid in pids) and not Path(folder).exists():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def started() -> Iterator[tuple[subprocess.Popen[str], Emulators]]:
    """Emulators of a parent process that can be killed."""
    code = "from tests.emulators.client import *; e = emulators(); print(e.__enter__().aws, flush=True); input()"
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    yield parent, Emulators(parent.stdout.readline().strip())
    parent.kill()
    parent.communicate()


def folder_of(e: Emulators) -> str:
    return str(Path(e.environment["REQUESTS_CA_BUNDLE"]).parent)


def test_a_command_gets_the_environment_and_its_exit_code_is_returned() -> None:
    disturbed = {**os.environ, "AWS_PROFILE": "mine", "AWS_ENDPOINT_URL_IAM": "http://127.0.0.1:1"}
    ran = subprocess.run(
        [*COMMAND, "--", sys.executable, "-c", CLIENT],
        cwd=ROOT,
        env=disturbed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 3, ran.stderr
    account, pid, profile, endpoint, folder = ran.stdout.split()
    assert (account, profile, endpoint) == ("123456789012", "None", "None")
    assert have_ended(int(pid), folder=folder)


def test_the_exit_code_of_a_killed_command_is_that_of_a_shell() -> None:
    ran = subprocess.run([*COMMAND, "--", "sh", "-c", "kill -9 $$"], cwd=ROOT, check=False)
    assert ran.returncode == 128 + signal.SIGKILL


def test_eval_starts_them_until_they_are_idle() -> None:
    script = f'eval "$({sys.executable} -m tests.emulators --idle 2)"; env'
    ran = subprocess.run(["sh", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    values = dict(line.split("=", 1) for line in ran.stdout.splitlines() if "=" in line)
    e = Emulators(values["AWS_ENDPOINT_URL"])
    assert e.pid == int(values["EMULATORS_PID"])
    assert {**values, **e.environment} == values
    assert have_ended(e.pid, e.moto_pid, folder=folder_of(e))


@pytest.mark.parametrize("victim", ["parent", "server"])
def test_no_process_is_left_after_a_kill(started: tuple[subprocess.Popen[str], Emulators], victim: str) -> None:
    parent, e = started
    os.kill(parent.pid if victim == "parent" else e.pid, signal.SIGKILL)
    assert have_ended(e.pid, e.moto_pid, folder=folder_of(e))


def test_they_end_when_moto_ends(started: tuple[subprocess.Popen[str], Emulators]) -> None:
    _unused, e = started
    os.kill(e.moto_pid, signal.SIGKILL)
    assert have_ended(e.pid, e.moto_pid, folder=folder_of(e))


def test_sigterm_stops_them(started: tuple[subprocess.Popen[str], Emulators]) -> None:
    _unused, e = started
    os.kill(e.pid, signal.SIGTERM)
    assert have_ended(e.pid, e.moto_pid, folder=folder_of(e))


def test_the_bundle_is_private(running: Emulators) -> None:
    assert Path(folder_of(running)).stat().st_mode & 0o077 == 0


def test_few_managed_policies_are_enough_for_sentinel() -> None:
    with emulators(managed_policies="few") as e:
        iam = e.boto("iam", "111111111111")
        iam.create_role(RoleName="R", AssumeRolePolicyDocument="{}")
        iam.attach_role_policy(RoleName="R", PolicyArn="arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess")
        assert len(iam.list_attached_role_policies(RoleName="R")["AttachedPolicies"]) == 1
    assert have_ended(e.pid, e.moto_pid, folder=folder_of(e))
