# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bug in a real run: the message names the file with the traceback, which exists and contains no secret."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.emulators.client import Emulators

from .conftest import Play

HOSTS = {f"host{number}": {"aws_account_id": f"11111111110{number}"} for number in (1, 2)}
# Ansible loads it before the first task.
PLANT = """
import os
from ansible.plugins.callback import CallbackBase
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet

connect = fleet.connect

async def broken(report, account, context):
    if account.account_id == "111111111101":
        keys = await context.aws.assume_role_in(account.account_id, account.assume_role, lambda partition: None)
        raise KeyError(f"planted {keys.secret_key} {keys.token} {os.environ['AZURE_SECRET']}")
    await connect(report, account, context)

def ended(*arguments):
    raise TypeError(f"planted {os.environ['AZURE_SECRET']}")

class CallbackModule(CallbackBase):
    CALLBACK_NAME = "plant"

if os.environ["PLANT"] == "account":
    fleet.connect = broken
else:
    fleet.check_unique = ended
"""


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "callbacks"
    folder.mkdir()
    (folder / "plant.py").write_text(PLANT)
    monkeypatch.setenv("ANSIBLE_CALLBACK_PLUGINS", str(folder))
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path / "home"))


def traceback_in(output: str) -> tuple[Path, str]:
    """The journal that the output names, and the traceback in it."""
    [path] = {*re.findall(r"The traceback is in (\S+\.jsonl)\.", output)}
    lines = [json.loads(line) for line in Path(path).read_text().splitlines()]
    [found] = [line["traceback"] for line in lines if "traceback" in line]
    return Path(path), found


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("options", [(), ("-vv",)], ids=["plain", "vvv"])
@pytest.mark.parametrize("reported", [False, True])
def test_a_bug_in_an_account(
    cloud: Emulators,
    play: Play,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    reported: bool,
) -> None:
    monkeypatch.setenv("PLANT", "account")
    more = {"sentinel_report_dir": str(tmp_path / "reports")} if reported else {}
    run = play("onboard", HOSTS, *options, **more)
    assert run.code == 2
    assert run.changed.keys() == {"111111111102"}, run.output
    path, found = traceback_in(run.output)
    assert "planted *** *** ***" in found
    assert "https://github.com/trailbridge/sentinel/issues" in run.output
    assert ("in broken" in run.output) == bool(options)
    reports = [file.read_text() for file in (tmp_path / "reports").rglob("report.*")]
    assert bool(reports) == reported
    assert not any("Traceback (most" in text for text in reports)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [secret for secret in cloud.secrets() if any(secret in text for text in (run.output, found, *reports))] == []


@pytest.mark.usefixtures("planted")
def test_a_bug_that_ends_the_run(cloud: Emulators, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANT", "run")
    run = play("onboard", HOSTS)
    assert run.code == 2
    _path, found = traceback_in(run.output)
    assert "TypeError: planted ***" in found
    assert "Run it again" not in run.output
    assert [secret for secret in cloud.secrets() if secret in run.output + found] == []
