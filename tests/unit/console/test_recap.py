# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recap by account, from the results of tasks."""

from __future__ import annotations

from typing import Any

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.console.recap import (
    MAX_ACCOUNTS,
    TaskRecap,
    lines,
)


def entry(status: str, *severities: str, **more: Any) -> dict[str, Any]:
    findings = [{"severity": one, "code": f"code_{one}"} for one in severities]
    return {"status": status, "host": "pay", "findings": findings, "calls": [], **more}


def recap(*results: dict[str, Any], check_mode: bool = False) -> TaskRecap:
    task = TaskRecap("fleet", check_mode)
    for one in results:
        task.add(one)
    return task


def test_batches_are_added_up_and_the_worst_account_comes_first() -> None:
    first = {"1": entry("ok", "low"), "2": entry("changed", "low"), "3": entry("changed", "critical", "low")}
    second = {"4": entry("failed", error={"class": "aws_denied"}), "5": entry("changed", calls=[{"name": "TagRole"}])}
    task = recap(
        {"summary": {"accounts": 5, "ok": 3, "changed": 2, "failed": 0}, "accounts": first},
        {"summary": {"accounts": 5, "ok": 3, "changed": 1, "failed": 1}, "accounts": second},
    )
    assert lines([task], verbose=False) == [
        "fleet: 10 accounts: 6 ok, 3 changed, 1 failed",
        "failed: [4 pay] aws_denied",
        "changed: [3 pay] critical code_critical, low code_low",
        "changed: [2 pay] low code_low",
        "changed: [5 pay] TagRole",
        "ok: [1 pay] low code_low",
    ]


def test_check_mode_would_change() -> None:
    result = {"summary": {"accounts": 1, "changed": 1}, "accounts": {"1": entry("changed", account_name="Payments")}}
    assert lines([recap(result, check_mode=True)], verbose=False) == [
        "fleet: 1 account: 1 would change",
        "would change: [1 pay Payments]",
    ]


def test_a_failed_task_has_its_message() -> None:
    output = lines([recap({"failed": True, "msg": "Cannot start: x."})], verbose=False)
    assert output[1:] == ["failed: Cannot start: x."]


def test_accounts_that_were_verified_have_the_host_of_their_failure() -> None:
    result = {
        "summary": {"accounts": 1, "receiving": 0, "silent": 1},
        "accounts": {"1": {"ingestion_status": "silent"}},
        "failures": [{"account_id": "1", "host": "pay", "message": "No."}],
    }
    assert lines([recap(result)], verbose=False)[1:] == ["silent: [1 pay]"]


def test_a_missing_canary_event_comes_before_accounts_that_are_as_expected() -> None:
    missing = {"ingestion_status": "receiving", "as_expected": False, "message": "The canary event did not arrive."}
    denied = {**missing, "error": {"class": "assume_denied"}}
    quiet = {"ingestion_status": "silent", "as_expected": True, "message": ""}
    summary = {"accounts": 3, "receiving": 2, "silent": 1}
    output = lines([recap({"summary": summary, "accounts": {"1": quiet, "2": missing, "3": denied}})], verbose=False)
    assert output == [
        "fleet: 3 accounts: 2 receiving, 1 silent, 2 not as expected",
        "receiving, not as expected: [2] The canary event did not arrive.",
        "receiving, not as expected: [3] assume_denied",
        "silent as allowed: [1]",
    ]


def test_many_accounts_are_listed_with_v_only() -> None:
    accounts = {f"{number:012}": entry("changed") for number in range(1000)}
    task = recap({"summary": {"accounts": 1000, "changed": 1000}, "accounts": accounts})
    assert len(lines([task], verbose=False)) == MAX_ACCOUNTS + 2
    assert len(lines([task], verbose=True)) == 1001
