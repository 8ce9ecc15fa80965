# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary of a run, the lines about single accounts, and the hosts that fail: short however many accounts."""

from __future__ import annotations

import re

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.console import details
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.console.account_lines import (
    MAX_FAILED_HOSTS,
    Failure,
    failed_hosts,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.console.details import Details
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.console.next_step import next_step
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.console.summary import MAX_ROWS
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import (
    AccountReport,
    AccountResult,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.docs_links import (
    ERRORS_PAGE,
    FINDINGS_PAGE,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import (
    CLASSES,
    SentinelError,
    cannot,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import (
    CODES,
    SEVERITIES,
    finding,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.fleet import RunOptions
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.fleet_result import FleetResult
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.orphans.orphans import Orphans


def result(
    number: int = 1, codes: tuple[str, ...] = (), calls: tuple[str, ...] = (), error: SentinelError | None = None
) -> AccountResult:
    account = parse({"account_id": f"{number:012}"}, "", host=f"host{number}")
    report = AccountReport(findings=[finding(code, f"About {code}.") for code in codes])
    report.calls = [Call(name, {}) for name in calls]
    report.diff = [
        {"before": {"a": 1}, "after": {"a": 2}, "before_header": "it", "after_header": "it"} for _call in calls
    ]
    return AccountResult(account, report, error, check_mode=True)


def denied(number: int) -> SentinelError:
    return SentinelError("assume_denied", f"Cannot assume role Admin in account {number:012}: not authorized.")


def summary(*results: AccountResult, check_mode: bool = True) -> list[str]:
    collected = FleetResult("drift")
    for one in results:
        collected.add(one)
    return collected.finish(RunOptions(check_mode=check_mode), Orphans())


def listed(*results: AccountResult, verbose: bool = False, diff_context: int | None = 3) -> tuple[list[str], list[str]]:
    """The lines at once, and those at the end."""
    collected = Details(verbose=verbose, diff_context=diff_context)
    at_once = [line for one in results for line in collected.add(one)]
    return at_once, [*collected.lines("the report")]


NEW = result(2, ("role_missing", "connector_missing"), ("CreateRole", "DataConnectors_CreateOrUpdate"))
WIDENED = result(3, ("role_tags", "permission_policy_extra", "trust_anyone"), ("TagRole",))
FAILED = result(4, ("trust_anyone",), (), denied(4))


# --- summary ---


def test_the_summary_of_new_and_unchanged_accounts_is_one_line() -> None:
    assert summary(result(), NEW) == ["2 accounts: 1 ok, 1 would change, 0 failed"]


def test_the_summary_has_counts_then_all_findings_worst_first_then_failures() -> None:
    assert summary(FAILED, WIDENED) == [
        "2 accounts: 0 ok, 1 would change, 1 failed",
        "Findings",
        "      2  critical trust_anyone            000000000003 host3, 000000000004 host4",
        "      1  high permission_policy_extra     000000000003 host3",
        "      1  low role_tags                    000000000003 host3",
        "Failures",
        "      1  assume_denied                    000000000004 host4",
        f"         {denied(4)}",
        f"         {CLASSES['assume_denied'][1]}",
        f"Documentation: {FINDINGS_PAGE} and {ERRORS_PAGE}",
    ]


def test_findings_of_a_real_run_may_have_been_repaired() -> None:
    assert summary(WIDENED, check_mode=False)[1] == "Findings before the run"


def test_advice_at_the_end_of_a_message_is_not_repeated() -> None:
    output = summary(result(error=cannot("assume_denied", "assume it", "denied")))
    assert " ".join(output).count(CLASSES["assume_denied"][1]) == 1


def test_a_class_has_the_sentence_of_its_first_account_in_any_order_of_completion() -> None:
    results = [result(number, error=denied(number)) for number in range(9, 0, -1)]
    assert summary(*results) == summary(*reversed(results))
    sentences = [line for line in summary(*results) if "Cannot" in line]
    assert sentences == [f"         {denied(1)}"]


def test_tables_are_cut_after_the_worst() -> None:
    output = summary(*(result(number, (code,)) for number, code in enumerate(CODES)))
    rows = [line.split()[1] for line in output if re.match(r" +\d+  ", line)]
    assert rows == sorted(rows, key=SEVERITIES.index)
    assert len(rows) == MAX_ROWS
    assert any(re.match(r" +and \d+ more codes", line) for line in output)


# --- lines about accounts ---


def test_without_v_few_accounts_are_listed_at_the_end_the_worst_first() -> None:
    at_once, at_the_end = listed(result(1, ("role_tags",)), WIDENED, result(5), diff_context=None)
    assert at_once == []
    assert [line.partition(" ")[2] for line in at_the_end if "[" in line] == [
        "change: [000000000003 host3] TagRole",
        "[000000000001 host1]",
    ]


def test_without_v_many_accounts_are_only_counted() -> None:
    count = details.MAX_ACCOUNTS + 1
    at_once, at_the_end = listed(*(result(number, ("role_tags",), ("TagRole",)) for number in range(count)))
    assert at_once == []
    assert len(at_the_end) == 1
    assert at_the_end[0].startswith(f"{count} accounts")


def test_with_v_every_account_is_displayed_when_it_is_complete_with_its_difference() -> None:
    results = [result(number, ("role_tags",), ("TagRole",)) for number in range(100)]
    at_once, at_the_end = listed(*results, verbose=True)
    assert at_the_end == []
    assert len([line for line in at_once if line.startswith("would change")]) == 100
    assert at_once.count('-    "a": 1') == at_once.count('+    "a": 2') == 100


@pytest.mark.parametrize("count", [details.MAX_DIFFERENCES, details.MAX_DIFFERENCES + 1])
def test_without_v_the_differences_of_few_accounts_are_displayed(count: int) -> None:
    _unused, output = listed(*(result(number, (), ("TagRole",)) for number in range(count)))
    is_few = count <= details.MAX_DIFFERENCES
    assert output.count('-    "a": 1') == (count if is_few else 0)
    assert output[-1].startswith(f"{count} accounts have differences") is not is_few


def test_without_diff_mode_no_difference_is_displayed() -> None:
    assert listed(result(1, (), ("TagRole",)), diff_context=None)[1] == ["would change: [000000000001 host1] TagRole"]


# --- hosts that fail ---


def failed(count: int) -> list[Failure]:
    return [{"account_id": str(number), "host": f"h{number}", "message": "Why."} for number in range(count)]


@pytest.mark.parametrize(("verbose", "count"), [(False, MAX_FAILED_HOSTS), (True, 90)])
def test_each_of_a_few_accounts_fails_its_host_with_v_of_any_number(*, verbose: bool, count: int) -> None:
    failures = failed(count)
    assert failed_hosts(failures, 1000, verbose=verbose) == failures


def test_of_many_accounts_one_that_failed_stands_for_all() -> None:
    [one] = failed_hosts(failed(90), 1000, verbose=False)
    assert (one["host"], "90 of 1000" in one["message"]) == ("h0", True)


# --- next command ---


@pytest.mark.parametrize(
    ("playbook", "check_mode", "changed", "failed", "words"),
    [
        ("drift", True, 1, 1, "trailbridge.sentinel.onboard -i a.yml"),
        ("onboard", True, 1, 0, "trailbridge.sentinel.onboard -i a.yml"),
        ("offboard", True, 1, 0, "trailbridge.sentinel.offboard -i a.yml"),
        ("onboard", False, 1, 0, "trailbridge.sentinel.verify -i a.yml"),
        ("onboard", False, 1, 1, "again"),
        ("offboard", False, 1, 0, ""),
        ("drift", True, 0, 0, ""),
    ],
)
def test_the_next_command_is_named(playbook: str, check_mode: bool, changed: int, failed: int, words: str) -> None:
    counts = {"changed": changed, "failed": failed}
    assert words in (line := next_step(playbook, "-i a.yml", counts, check_mode=check_mode))
    assert bool(words) == bool(line)
