# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account with several sources: one that fails stops no other, and the errors of all of them are reported."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountResult
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import (
    CombinedError,
    SentinelError,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.sources import CLOUDTRAIL
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import account as run_account
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.journal import Journal
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.unexpected import bugs_in
from tests.emulators import faults
from tests.emulators.client import Emulators
from tests.faults.engine import short_pauses
from tests.unit.playbooks.conftest import all_results, parsed

ACCOUNT = "111111111101"
# The same resources twice: what matters is the number of sources.
SECOND = CLOUDTRAIL._replace(options=(("number", 2),))


def result_of(here: Emulators, **options: Any) -> AccountResult:
    [account] = parsed(here, {"one": {"aws_account_id": ACCOUNT}})
    with short_pauses():
        accounts = [replace(account, sources=(CLOUDTRAIL, SECOND))]
        [result] = asyncio.run(all_results(accounts, fleet.RunOptions(**options)))
    return result


def test_the_errors_of_all_sources_are_reported_by_the_class_of_the_first(here: Emulators) -> None:
    here.fault(operation="AssumeRole", account=ACCOUNT, times=1, **faults.IDENTITY_DENIED)
    here.fault(operation="GetRole", account=ACCOUNT, times=1, **faults.SCP_DENIED)
    error = result_of(here).error
    assert isinstance(error, CombinedError)
    assert [one.kind for one in error.errors] == ["assume_denied", "scp_denied"]
    assert error.show() == {"class": "assume_denied", "message": " ".join(map(str, error.errors))}


def test_an_error_of_one_source_is_itself_and_stops_no_other(here: Emulators) -> None:
    here.fault(operation="AssumeRole", account=ACCOUNT, times=1, **faults.IDENTITY_DENIED)
    result = result_of(here)
    assert result.error
    assert not isinstance(result.error, CombinedError)
    assert (result.error.kind, len(here.connectors())) == ("assume_denied", 1)


def test_the_same_error_of_two_sources_is_written_once() -> None:
    denied = SentinelError("assume_denied", "Cannot assume the role.")
    assert str(CombinedError([denied, SentinelError("assume_denied", "Cannot assume the role.")])) == str(denied)


def test_a_bug_in_one_source_stops_no_other_and_its_traceback_is_in_the_journal(
    here: Emulators, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connect = run_account.connect_source

    async def broken(report: Any, account: Any, spec: Any, *more: Any) -> None:
        if spec == SECOND:
            raise KeyError("planted")
        await connect(report, account, spec, *more)

    monkeypatch.setattr(run_account, "connect_source", broken)
    here.fault(operation="GetRole", account=ACCOUNT, times=1, **faults.SCP_DENIED)
    result = result_of(here)
    assert result.error
    assert result.error.kind == "scp_denied"
    assert len(bugs_in(result.error)) == 1
    journal = Journal(tmp_path, "run")
    journal.add(result)
    [line] = [json.loads(text) for text in journal.path.read_text().splitlines()]
    assert "planted" in line["traceback"]
    assert str(journal.path) in line["error"]["message"]
    journal.close()
