# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line where there is something to say, the numbers, and which accounts end a run with an error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.console.account_lines import (
    Progress,
    calls,
    failures,
    findings,
    numbers,
    of,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import (
    AccountReport,
    AccountResult,
    ResourceResult,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import (
    CLASSES,
    SentinelError,
    cannot,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import Finding, finding
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.fleet import RunOptions
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.fleet_result import FleetResult

ACCOUNT = "111111111111"
DENIED = SentinelError("assume_denied", f"Cannot assume role Admin in account {ACCOUNT}: not authorized.")
MISSING = finding("role_missing", "No role.")
TAGS = finding("role_tags", "The tags owner differ.")
ANYONE = finding("trust_anyone", "Anyone may.")
EXTRA = finding("permission_policy_extra", "Admin is attached.")
WRITES = ("TagRole", "DetachRolePolicy")


def done(
    found: tuple[Finding, ...] = (), made: tuple[str, ...] = (), error: SentinelError | None = None, host: str = "pay"
) -> AccountResult:
    account = parse({"account_id": ACCOUNT}, "", host=host)
    return AccountResult(account, AccountReport(findings=list(found), calls=[Call(name, {}) for name in made]), error)


RIGHT = done()
NEW = done((MISSING,), ("CreateRole", "AttachRolePolicy"))
DRIFTED = done((TAGS,), ("TagRole",))
OPENED = done((TAGS, EXTRA, ANYONE), WRITES)
FAILED = done((ANYONE,), ("TagRole",), DENIED)
LEFT_ALONE = done((ANYONE,))
PATH = done((finding("role_path", "The path is /, not /x/."),))
SILENT = done((), ("TagRole",))

DENIED_AT_ONCE = done((), ("TagRole",), DENIED)
TOLD = [
    f"failed: [{ACCOUNT} pay] assume_denied: {DENIED}",
    "    made before: TagRole",
    "    critical trust_anyone: Anyone may.",
]
NOTED = done((finding("role_boundary_unexpected", "A boundary."),))
NOTE = [f"note: [{ACCOUNT} pay]", "    low role_boundary_unexpected: A boundary."]

# What was done, what is said of it, and in check mode.
LINES: dict[str, tuple[AccountResult, list[str], list[str]]] = {
    "right": (RIGHT, [], []),
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
    "drifted": (
        DRIFTED,
        [f"changed: [{ACCOUNT} pay] TagRole", "    low role_tags: The tags owner differ."],
        [f"would change: [{ACCOUNT} pay] TagRole", "    low role_tags: The tags owner differ."],
    ),
    "opened": (
        OPENED,
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
    "failed": (DENIED_AT_ONCE, [], []),
    "failed, with findings": (FAILED, TOLD, TOLD),
    "a boundary that nobody asked about": (NOTED, NOTE, NOTE),
}


@pytest.mark.parametrize(("one", "real", "check"), LINES.values(), ids=LINES.keys())
def test_an_account_is_told_where_there_is_something_to_say(
    one: AccountResult, real: list[str], check: list[str]
) -> None:
    assert of(replace(one, check_mode=False)) == real
    assert of(replace(one, check_mode=True)) == check


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (RIGHT, [f"ok: [{ACCOUNT} pay]"]),
        (DENIED_AT_ONCE, TOLD[:2]),
    ],
    ids=["right", "failed"],
)
def test_the_others_are_told_to_who_wants_to_know(one: AccountResult, told: list[str]) -> None:
    assert of(one, verbose=True) == told


@pytest.mark.parametrize("host", ["", ACCOUNT], ids=["no host", "the account as host"])
def test_an_account_is_not_named_twice(host: str) -> None:
    assert of(done((), ("TagRole",), host=host)) == [f"changed: [{ACCOUNT}] TagRole"]


def test_calls_are_told_in_order() -> None:
    assert calls(OPENED) == "TagRole, DetachRolePolicy"
    assert calls(RIGHT) == ""


def test_findings_are_told_with_security_first() -> None:
    assert [text.split()[1] for text in findings(OPENED)] == [
        "trust_anyone:",
        "permission_policy_extra:",
        "role_tags:",
    ]


# --- the numbers ---


def summary(*all_done: AccountResult) -> dict[str, int]:
    results = FleetResult("never")
    for one in all_done:
        results.add(one)
    return results.summary


@pytest.mark.parametrize(
    ("check_mode", "line"),
    [
        (False, "5 accounts: 1 ok, 3 changed, 1 failed"),
        (True, "5 accounts: 1 ok, 3 would change, 1 failed"),
    ],
)
def test_a_run_is_counted_in_one_line(check_mode: bool, line: str) -> None:
    counts = summary(RIGHT, NEW, DRIFTED, OPENED, FAILED)
    assert counts == {"accounts": 5, "ok": 1, "changed": 3, "failed": 1, "skipped": 0}
    assert numbers(counts, check_mode=check_mode) == line


def test_every_account_is_counted_once() -> None:
    counts = summary(RIGHT, NEW, DRIFTED, OPENED, FAILED, FAILED)
    assert counts["accounts"] == sum(count for name, count in counts.items() if name != "accounts")


def test_one_account_is_no_plural() -> None:
    assert numbers(summary(RIGHT), check_mode=False) == "1 account: 1 ok, 0 changed, 0 failed"


def test_no_account_is_a_number_too() -> None:
    assert numbers(summary(), check_mode=False) == "0 accounts: 0 ok, 0 changed, 0 failed"


# --- the end ---


def closing(*all_done: AccountResult, check_mode: bool = False) -> list[str]:
    results = FleetResult("never")
    for one in all_done:
        results.add(one)
    return results.finish(RunOptions(check_mode=check_mode))


def test_a_run_without_trouble_ends_with_its_numbers_alone() -> None:
    assert closing(RIGHT, NEW, DRIFTED) == ["3 accounts: 1 ok, 2 changed, 0 failed"]


def test_a_run_ends_with_security_then_failures_then_numbers() -> None:
    assert closing(FAILED, OPENED) == [
        "Security findings before the run",
        f"      2  critical trust_anyone            {ACCOUNT} pay, {ACCOUNT} pay",
        f"      1  high permission_policy_extra     {ACCOUNT} pay",
        "Failures",
        f"      1  assume_denied                    {ACCOUNT} pay",
        f"         {DENIED}",
        f"         {CLASSES['assume_denied'][1]}",
        "2 accounts: 0 ok, 1 changed, 1 failed",
    ]


def test_advice_that_a_sentence_ends_with_is_given_once() -> None:
    advice = CLASSES["assume_denied"][1]
    told = closing(done((), (), cannot("assume_denied", "assume it", "denied")))
    assert " ".join(told).count(advice) == 1


def test_what_was_only_looked_at_is_still_open() -> None:
    assert closing(OPENED, check_mode=True)[0] == "Security findings"


def test_the_end_of_a_large_run_is_as_short() -> None:
    told = closing(*(done((), (), error, host=f"h{number}") for number in range(1000) for error in (DENIED,)))
    assert len(told) == 5
    assert told[1].endswith(f"{ACCOUNT} h0, {ACCOUNT} h1, {ACCOUNT} h2 and 997 more")


# --- what ends a run with an error ---

# What was done, and with which settings of fail_on it ends the run.
ENDS: dict[str, tuple[AccountResult, set[str]]] = {
    "right": (RIGHT, set()),
    "new": (NEW, {"drift"}),
    "drifted": (DRIFTED, {"drift"}),
    "opened": (OPENED, {"drift", "security"}),
    "opened, where nothing is repaired": (LEFT_ALONE, {"drift", "security"}),
    "changed, without a finding": (SILENT, {"drift"}),
    "a path that cannot be changed": (PATH, {"drift"}),
    "failed": (FAILED, {"drift", "security", "never"}),
}


@pytest.mark.parametrize(("one", "ends"), ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("fail_on", ["drift", "security", "never"])
def test_an_account_ends_the_run_as_wished(one: AccountResult, ends: set[str], fail_on: str) -> None:
    assert bool(failures([one], fail_on)) == (fail_on in ends)


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (FAILED, str(DENIED)),
        (
            OPENED,
            (
                f"Account {ACCOUNT} differs from the wish: critical trust_anyone: Anyone may. "
                "high permission_policy_extra: Admin is attached. low role_tags: The tags owner differ."
            ),
        ),
        (SILENT, f"Account {ACCOUNT} differs from the wish: TagRole"),
    ],
    ids=["failed", "opened", "changed, without a finding"],
)
def test_a_failure_has_account_host_and_reason(one: AccountResult, message: str) -> None:
    assert failures([one], "drift") == [{"account_id": ACCOUNT, "host": "pay", "message": message}]


def test_failures_stand_in_the_order_of_the_results() -> None:
    results = [done((TAGS,), ("TagRole",), host=host) for host in "cab"]
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


def test_a_result_says_status_and_where() -> None:
    assert RIGHT.result() == shown()


def test_a_failed_account_keeps_what_was_found_and_done() -> None:
    assert FAILED.result() == shown(
        status="failed",
        findings=[{"severity": "critical", "code": "trust_anyone", "message": "Anyone may.", "repaired": False}],
        calls=[{"name": "TagRole", "args": {}}],
        error={"class": "assume_denied", "message": str(DENIED)},
    )


def test_a_result_names_role_and_connector() -> None:
    one = done()
    one.report.resources = [
        ResourceResult("role", "arn:x", changed=True),
        ResourceResult("connector", "/x", changed=False),
    ]
    assert one.result()["resources"] == [
        {"kind": "role", "id": "arn:x", "changed": True},
        {"kind": "connector", "id": "/x", "changed": False},
    ]


def test_without_details_calls_are_names_alone() -> None:
    assert FAILED.result(detailed=False)["calls"] == [{"name": "TagRole"}]


# --- progress ---


def counts(done: int, changed: int = 0, failed: int = 0) -> dict[str, int]:
    return {"accounts": done, "ok": done - changed - failed, "changed": changed, "failed": failed, "skipped": 0}


def test_a_short_run_has_no_progress_to_tell() -> None:
    progress = Progress(100)
    assert [progress.line(counts(done), now=1000 + done / 25) for done in range(1, 101)] == [""] * 100


def test_a_long_run_tells_every_few_seconds_how_far_it_is() -> None:
    progress = Progress(1000)
    told = [line for second in range(31) if (line := progress.line(counts(second * 10, second, 2), now=50.0 + second))]
    assert len(told) == 6
    assert told[0] == "50 of 1000 accounts done, 5 changed, 2 failed, 10.0 a second, 1 min 35 s left"
    assert told[-1].endswith("10.0 a second, 1 min 10 s left")


def test_the_end_is_told_by_the_numbers_alone() -> None:
    progress = Progress(2)
    assert progress.line(counts(1), now=0.0) == progress.line(counts(2), now=60.0) == ""
