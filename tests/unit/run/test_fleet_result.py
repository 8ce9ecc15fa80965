# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a run has what is needed, and stays small however many accounts there are."""

from __future__ import annotations

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import (
    AccountReport,
    AccountResult,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import Finding, finding
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.fleet_result import (
    MAX_DETAILED,
    FleetResult,
)

PATH = finding("role_path", "The path is /, not /x/.")
DENIED = SentinelError("assume_denied", "Cannot assume.")


def account_result(
    number: int, calls: tuple[str, ...] = (), error: SentinelError | None = None, findings: tuple[Finding, ...] = ()
) -> AccountResult:
    account = parse({"account_id": f"{number:012}"}, "", host=f"host{number}")
    report = AccountReport(findings=list(findings), calls=[Call(name, {"RoleName": "x"}) for name in calls])
    report.diff = [{"before": {}, "after": {}} for _name in calls]
    return AccountResult(account, report, error)


def collect(*results: AccountResult, fail_on: str = "never") -> FleetResult:
    collected = FleetResult(fail_on)
    for result in results:
        collected.add(result)
    return collected


def test_an_account_that_is_ok_is_only_counted() -> None:
    result = collect(*(account_result(number) for number in range(1000))).result()
    assert result["summary"] == {"accounts": 1000, "ok": 1000, "changed": 0, "failed": 0, "skipped": 0}
    assert (result["changed"], result["accounts"], result["failures"]) == (False, {}, [])


@pytest.mark.parametrize(
    "one",
    [account_result(7, ("TagRole",)), account_result(7, error=DENIED), account_result(7, findings=(PATH,))],
    ids=["changed", "failed", "findings"],
)
def test_an_account_that_changed_failed_or_has_findings_is_listed(one: AccountResult) -> None:
    result = collect(account_result(1), one).result()
    more = {"diff": one.report.diff} if one.report.diff else {}
    assert result["accounts"] == {"000000000007": one.result() | more}
    assert result["changed"] is bool(one.report.calls)


def test_accounts_are_sorted_by_id() -> None:
    result = collect(*(account_result(number, ("TagRole",), DENIED) for number in (3, 1, 2))).result()
    assert list(result["accounts"]) == [f"{number:012}" for number in (1, 2, 3)]
    assert [one["host"] for one in result["failures"]] == ["host1", "host2", "host3"]


def test_details_are_limited_to_the_first_accounts() -> None:
    result = collect(*(account_result(number, ("TagRole",)) for number in range(MAX_DETAILED + 50))).result()
    calls = [entry["calls"] for entry in result["accounts"].values()]
    assert calls[:MAX_DETAILED] == [[{"name": "TagRole", "args": {"RoleName": "x"}}]] * MAX_DETAILED
    assert calls[MAX_DETAILED:] == [[{"name": "TagRole"}]] * 50
    assert sum("diff" in entry for entry in result["accounts"].values()) == MAX_DETAILED


@pytest.mark.parametrize(("max_percent", "reported"), [(0, True), (49.9, True), (50, False), (100, False)])
def test_a_run_fails_if_more_accounts_failed_than_allowed(max_percent: float, reported: bool) -> None:
    collected = collect(account_result(1), account_result(2, error=DENIED))
    sentences = ["1 of 2 accounts failed.", "Cannot assume."]
    assert list(collected.failure_messages(max_percent)) == (sentences if reported else [])


def test_drift_fails_the_run_on_request() -> None:
    assert collect(account_result(1, ("TagRole",)), fail_on="never").result()["failures"] == []
    assert [one["host"] for one in collect(account_result(1, ("TagRole",)), fail_on="drift").result()["failures"]] == [
        "host1"
    ]
