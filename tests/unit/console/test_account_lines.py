# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines about accounts, the summary of a run, and the accounts that make a run fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.console.account_lines import (
    Progress,
    call_names,
    counts_line,
    failures,
    finding_lines,
    lines,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import (
    AccountReport,
    AccountResult,
    ResourceResult,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import (
    SentinelError,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import Finding, finding
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.fleet_result import FleetResult

ACCOUNT = "111111111111"
DENIED = SentinelError("assume_denied", f"Cannot assume role Admin in account {ACCOUNT}: not authorized.")
MISSING = finding("role_missing", "No role.")
TAGS = finding("role_tags", "The tags owner differ.")
ANYONE = finding("trust_anyone", "Anyone may.")
EXTRA = finding("permission_policy_extra", "Admin is attached.")
WRONG_ACCOUNT = finding("connector_wrong_account", "Another role.")
WRONG_ACCOUNT_LINE = "    high connector_wrong_account: Another role."
WRITES = ("TagRole", "DetachRolePolicy")


def result(
    found: tuple[Finding, ...] = (), made: tuple[str, ...] = (), error: SentinelError | None = None, host: str = "pay"
) -> AccountResult:
    account = parse({"account_id": ACCOUNT}, "", host=host)
    return AccountResult(account, AccountReport(findings=list(found), calls=[Call(name, {}) for name in made]), error)


UNCHANGED = result()
NEW = result((MISSING,), ("CreateRole", "AttachRolePolicy"))
DRIFTED = result((TAGS,), ("TagRole",))
WIDENED = result((TAGS, EXTRA, ANYONE), WRITES)
FAILED = result((ANYONE,), ("TagRole",), DENIED)
NOT_REPAIRED = result((ANYONE,))
PATH = result((finding("role_path", "The path is /, not /x/."),))
CHANGED = result((), ("TagRole",))

DENIED_WITHOUT_FINDINGS = result((), (), DENIED)
HALF_WAY = result((MISSING,), ("CreateRole",), DENIED)
FAILED_LINES = [
    f"failed: [{ACCOUNT} pay] assume_denied: {DENIED}",
    "    calls before the error: TagRole",
    "    critical trust_anyone: Anyone may.",
]
INFORMATIONAL = result((finding("role_boundary_unexpected", "A boundary."),))
INFORMATIONAL_LINES = [f"note: [{ACCOUNT} pay]", "    low role_boundary_unexpected: A boundary."]

# Result, lines, and lines in check mode.
LINES: dict[str, tuple[AccountResult, list[str], list[str]]] = {
    "unchanged": (UNCHANGED, [], []),
    "a path that cannot be changed": (
        PATH,
        [f"differs: [{ACCOUNT} pay]", "    low role_path: The path is /, not /x/."],
        [f"differs: [{ACCOUNT} pay]", "    low role_path: The path is /, not /x/."],
    ),
    "new": (
        NEW,
        [f"changed: [{ACCOUNT} pay] CreateRole, AttachRolePolicy"],
        [f"would change: [{ACCOUNT} pay] CreateRole, AttachRolePolicy"],
    ),
    "new, with the connector of another account": (
        result((MISSING, WRONG_ACCOUNT), ("CreateRole",)),
        [f"changed: [{ACCOUNT} pay] CreateRole", WRONG_ACCOUNT_LINE],
        [f"would change: [{ACCOUNT} pay] CreateRole", WRONG_ACCOUNT_LINE],
    ),
    "drifted": (
        DRIFTED,
        [f"changed: [{ACCOUNT} pay] TagRole", "    low role_tags: The tags owner differ."],
        [f"would change: [{ACCOUNT} pay] TagRole", "    low role_tags: The tags owner differ."],
    ),
    "widened": (
        WIDENED,
        [
            f"changed: [{ACCOUNT} pay] TagRole, DetachRolePolicy",
            "    critical trust_anyone: Anyone may.",
            "    high permission_policy_extra: Admin is attached.",
            "    low role_tags: The tags owner differ.",
        ],
        [
            f"would change: [{ACCOUNT} pay] TagRole, DetachRolePolicy",
            "    critical trust_anyone: Anyone may.",
            "    high permission_policy_extra: Admin is attached.",
            "    low role_tags: The tags owner differ.",
        ],
    ),
    "failed, without findings": (DENIED_WITHOUT_FINDINGS, [], []),
    "failed, with findings": (FAILED, FAILED_LINES, FAILED_LINES),
    "new, failed half-way": (
        HALF_WAY,
        [FAILED_LINES[0], "    calls before the error: CreateRole"],
        [FAILED_LINES[0], "    calls before the error: CreateRole"],
    ),
    "an informational finding": (INFORMATIONAL, INFORMATIONAL_LINES, INFORMATIONAL_LINES),
}


@pytest.mark.parametrize(("one", "real", "check"), LINES.values(), ids=LINES.keys())
def test_only_accounts_with_changes_or_findings_have_lines(
    one: AccountResult, real: list[str], check: list[str]
) -> None:
    assert lines(replace(one, check_mode=False)) == real
    assert lines(replace(one, check_mode=True)) == check


@pytest.mark.parametrize(
    ("one", "output"),
    [
        (UNCHANGED, [f"ok: [{ACCOUNT} pay]"]),
        (DENIED_WITHOUT_FINDINGS, FAILED_LINES[:1]),
    ],
    ids=["unchanged", "failed"],
)
def test_verbose_adds_all_other_accounts(one: AccountResult, output: list[str]) -> None:
    assert lines(one, verbose=True) == output


@pytest.mark.parametrize("host", ["", ACCOUNT], ids=["no host", "the account as host"])
def test_an_account_is_not_named_twice(host: str) -> None:
    assert lines(result((), ("TagRole",), host=host)) == [f"changed: [{ACCOUNT}] TagRole"]


def test_call_names_are_in_order() -> None:
    assert call_names(WIDENED) == "TagRole, DetachRolePolicy"
    assert call_names(UNCHANGED) == ""


def test_security_findings_come_first() -> None:
    assert [text.split()[1] for text in finding_lines(WIDENED)] == [
        "trust_anyone:",
        "permission_policy_extra:",
        "role_tags:",
    ]


# --- counts ---


def summary(*results: AccountResult) -> dict[str, int]:
    collected = FleetResult("never")
    for one in results:
        collected.add(one)
    return collected.summary


@pytest.mark.parametrize(
    ("check_mode", "line"),
    [
        (False, "5 accounts: 1 ok, 3 changed, 1 failed"),
        (True, "5 accounts: 1 ok, 3 would change, 1 failed"),
    ],
)
def test_a_run_is_counted_in_one_line(check_mode: bool, line: str) -> None:
    counts = summary(UNCHANGED, NEW, DRIFTED, WIDENED, FAILED)
    assert counts == {"accounts": 5, "ok": 1, "changed": 3, "failed": 1, "skipped": 0}
    assert counts_line(counts, check_mode=check_mode) == line


def test_every_account_is_counted_once() -> None:
    counts = summary(UNCHANGED, NEW, DRIFTED, WIDENED, FAILED, FAILED)
    assert counts["accounts"] == sum(count for name, count in counts.items() if name != "accounts")


def test_one_account_is_singular() -> None:
    assert counts_line(summary(UNCHANGED), check_mode=False) == "1 account: 1 ok, 0 changed, 0 failed"


def test_no_account_is_counted_as_0() -> None:
    assert counts_line(summary(), check_mode=False) == "0 accounts: 0 ok, 0 changed, 0 failed"


# --- accounts that make a run fail ---

# Result, and the values of fail_on with which it makes the run fail.
FAILS: dict[str, tuple[AccountResult, set[str]]] = {
    "unchanged": (UNCHANGED, set()),
    "new": (NEW, {"drift"}),
    "drifted": (DRIFTED, {"drift"}),
    "widened": (WIDENED, {"drift", "security"}),
    "widened, and nothing is repaired": (NOT_REPAIRED, {"drift", "security"}),
    "changed, without a finding": (CHANGED, {"drift"}),
    "a path that cannot be changed": (PATH, {"drift"}),
    "failed": (FAILED, {"drift", "security", "never"}),
}


@pytest.mark.parametrize(("one", "fails"), FAILS.values(), ids=FAILS.keys())
@pytest.mark.parametrize("fail_on", ["drift", "security", "never"])
def test_fail_on_selects_the_accounts_that_fail(one: AccountResult, fails: set[str], fail_on: str) -> None:
    assert bool(failures([one], fail_on)) == (fail_on in fails)


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (FAILED, str(DENIED)),
        (
            WIDENED,
            (
                f"Account {ACCOUNT} pay differs from the desired state: critical trust_anyone: Anyone may. "
                "high permission_policy_extra: Admin is attached. low role_tags: The tags owner differ."
            ),
        ),
        (CHANGED, f"Account {ACCOUNT} pay differs from the desired state: TagRole"),
    ],
    ids=["failed", "widened", "changed, without a finding"],
)
def test_a_failure_has_account_host_and_reason(one: AccountResult, message: str) -> None:
    assert failures([one], "drift") == [{"account_id": ACCOUNT, "host": "pay", "message": message}]


def test_failures_are_in_the_order_of_the_results() -> None:
    results = [result((TAGS,), ("TagRole",), host=host) for host in "cab"]
    assert [one["host"] for one in failures(results, "drift")] == ["c", "a", "b"]


# --- as a result ---


def shown(**changes: Any) -> dict[str, Any]:
    return {
        "status": "ok",
        "host": "pay",
        "resources": [],
        "findings": [],
        "calls": [],
        **changes,
    }


def test_a_result_has_status_and_host() -> None:
    assert UNCHANGED.result() == shown()


def test_a_failed_account_keeps_findings_and_calls() -> None:
    assert FAILED.result() == shown(
        status="failed",
        findings=[{"severity": "critical", "code": "trust_anyone", "message": "Anyone may.", "repaired": False}],
        calls=[{"name": "TagRole", "args": {}}],
        error={"class": "assume_denied", "message": str(DENIED)},
    )


def test_a_result_names_role_and_connector() -> None:
    one = result()
    one.report.resources = [
        ResourceResult("role", "arn:x", changed=True),
        ResourceResult("connector", "/x", changed=False),
    ]
    assert one.result()["resources"] == [
        {"kind": "role", "id": "arn:x", "changed": True},
        {"kind": "connector", "id": "/x", "changed": False},
    ]


def test_without_details_calls_are_names_only() -> None:
    assert FAILED.result(detailed=False)["calls"] == [{"name": "TagRole"}]


# --- progress ---


def counts(done: int, changed: int = 0, failed: int = 0) -> dict[str, int]:
    return {"accounts": done, "ok": done - changed - failed, "changed": changed, "failed": failed, "skipped": 0}


def test_a_short_run_has_no_progress_lines() -> None:
    progress = Progress(100)
    assert [progress.line(counts(done), {}, now=1000 + done / 25) for done in range(1, 101)] == [""] * 100


def test_a_long_run_has_a_progress_line_every_few_seconds() -> None:
    progress = Progress(1000)
    output = list(
        filter(None, (progress.line(counts(at * 10, at, 2), {"aws_denied": 2}, now=50.0 + at) for at in range(31)))
    )
    assert len(output) == 6
    assert output[0] == (
        "50 of 1000 accounts done, 5 changed, 2 failed (2 aws_denied), 10.0 accounts per second, about 1 min 35 s left"
    )
    assert output[-1].endswith("10.0 accounts per second, about 1 min 10 s left")


def test_the_last_account_has_no_progress_line() -> None:
    progress = Progress(2)
    assert progress.line(counts(1), {}, now=0.0) == progress.line(counts(2), {}, now=60.0) == ""
