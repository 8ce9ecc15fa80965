# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves behind: all that is needed, and no more however many accounts there are."""

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
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.fleet_result import DETAILED, FleetResult

PATH = finding("role_path", "The path is /, not /x/.")
DENIED = SentinelError("assume_denied", "Cannot assume.")


def done(
    number: int, made: tuple[str, ...] = (), error: SentinelError | None = None, found: tuple[Finding, ...] = ()
) -> AccountResult:
    account = parse({"account_id": f"{number:012}"}, "", host=f"host{number}")
    report = AccountReport(findings=list(found), calls=[Call(name, {"RoleName": "x"}) for name in made])
    report.diff = [{"before": {}, "after": {}} for _name in made]
    return AccountResult(account, report, error)


def results(*all_done: AccountResult, fail_on: str = "never") -> FleetResult:
    kept = FleetResult(fail_on)
    for one in all_done:
        kept.add(one)
    return kept


def test_an_account_that_is_right_is_only_counted() -> None:
    result = results(*(done(number) for number in range(1000))).result()
    assert result["summary"] == {"accounts": 1000, "ok": 1000, "changed": 0, "failed": 0, "skipped": 0}
    assert (result["changed"], result["accounts"], result["failures"], result["diff"]) == (False, {}, [], [])


@pytest.mark.parametrize(
    "one", [done(7, ("TagRole",)), done(7, error=DENIED), done(7, found=(PATH,))], ids=["changed", "failed", "differs"]
)
def test_an_account_of_which_there_is_something_to_say_is_listed(one: AccountResult) -> None:
    result = results(done(1), one).result()
    assert result["accounts"] == {"000000000007": one.result()}
    assert result["changed"] is bool(one.report.calls)


def test_accounts_are_listed_in_the_order_of_their_ids() -> None:
    result = results(*(done(number, ("TagRole",), DENIED) for number in (3, 1, 2))).result()
    assert list(result["accounts"]) == [f"{number:012}" for number in (1, 2, 3)]
    assert [one["host"] for one in result["failures"]] == ["host1", "host2", "host3"]


def test_details_are_kept_of_so_many_accounts_and_names_of_all() -> None:
    result = results(*(done(number, ("TagRole",)) for number in range(DETAILED + 50))).result()
    calls = [entry["calls"] for entry in result["accounts"].values()]
    assert calls[:DETAILED] == [[{"name": "TagRole", "args": {"RoleName": "x"}}]] * DETAILED
    assert calls[DETAILED:] == [[{"name": "TagRole"}]] * 50
    assert len(result["diff"]) == DETAILED


@pytest.mark.parametrize(("most", "said"), [(0, True), (49.9, True), (50, False), (100, False)])
def test_a_run_fails_when_more_than_so_many_per_cent_failed(most: float, said: bool) -> None:
    kept = results(done(1), done(2, error=DENIED))
    sentences = ["1 of 2 accounts failed.", "Cannot assume."]
    assert list(kept.failure_messages(most)) == (sentences if said else [])


def test_what_differs_fails_the_run_when_asked() -> None:
    assert results(done(1, ("TagRole",)), fail_on="never").result()["failures"] == []
    assert [one["host"] for one in results(done(1, ("TagRole",)), fail_on="drift").result()["failures"]] == ["host1"]
