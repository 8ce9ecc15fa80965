# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The beginning of a report: one sentence about the run, and the next steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..model.docs_links import VERIFICATION_PAGE, error_url, finding_url
from ..model.report_row import AccountRow, IngestionRow, ReportHeader
from .statistics import (
    REMOVING_PLAYBOOKS,
    Statistics,
    broken_link_text,
    health_text,
    ingestion_status_of,
    is_unexpected,
    is_verification,
)

MAX_STEPS = 3
FAILED, SKIPPED, WOULD_CHANGE, OPEN_FINDINGS = "failed", "skipped", "would change", "with open findings"
NO_CANARY = "without canary event"
NOT_CREATED = "canary_not_created"

# What to do about accounts whose events are not as expected, the most urgent first.
STEPS = {
    "unhealthy": "Resolve why Microsoft Sentinel cannot fetch events: the column Health has what it reports.",
    "not_connected": "Run the playbook onboard: these accounts have no enabled data connector.",
    "silent": "Run the playbook drift for these accounts, then verify with sentinel_verify_canary=true.",
    "stale": "Run the playbook drift for these accounts, then verify with sentinel_verify_canary=true.",
    NOT_CREATED: "Resolve why the canary event could not be created: the messages of the accounts have the reason.",
    "no_canary": "Other events arrived, the canary event did not: run the playbook verify again with a longer wait.",
    "unknown": "Run the playbook verify again, with a shorter sentinel_verify_lookback.",
}


class Step(NamedTuple):
    """One thing to do: for how many accounts (or orphans), the fragment of the page for them, its documentation."""

    text: str
    accounts: int
    filter: str
    url: str = ""
    noun: str = "account"


def problems(header: ReportHeader, rows: Sequence[AccountRow], statistics: Statistics) -> Counter[str]:
    """Return the number of accounts that need attention by the first problem of each."""
    pairs = zip(rows, statistics.account_states, strict=True)
    return Counter(_problem(header, row) for row, state in pairs if state.attention)


def _problem(header: ReportHeader, row: AccountRow) -> str:
    if row["status"] == "failed" and not (is_verification(header) and is_unexpected(row)):
        return FAILED
    if row["status"] == "skipped":
        return SKIPPED
    if header.get("check_mode") and row["status"] == "changed":
        return WOULD_CHANGE
    if is_unexpected(row):
        status = ingestion_status_of(row)
        return NO_CANARY if status == "no_canary" else status.replace("_", " ")
    return OPEN_FINDINGS


def headline(header: ReportHeader, rows: Sequence[AccountRow], statistics: Statistics) -> str:
    """Return the result of the run: one sentence, and one each about failed orphans and an early end."""
    orphans, interrupted = len(failed_orphans(header)), header.get("interrupted")
    sentences = [_result(header, rows, statistics)]
    sentences += [f"{_counted(orphans, 'error')} with orphans."] if orphans else []
    sentences += [f"The run ended early: {interrupted}"] if interrupted else []
    return " ".join(sentences)


def failed_orphans(header: ReportHeader) -> list[Mapping[str, Any]]:
    """Return the orphans that could not be searched for or removed."""
    return [one for one in header.get("orphans", ()) if isinstance(one, Mapping) and one.get("error")]


def _result(header: ReportHeader, rows: Sequence[AccountRow], statistics: Statistics) -> str:
    found, accounts = problems(header, rows, statistics), len(rows)
    if not accounts:
        return "The run had no accounts."
    parts = [f"{count:,} {problem}" for problem, count in found.most_common()]
    if is_verification(header):
        return _verification(statistics, accounts, parts)
    if found:
        verb = "needs" if found.total() == 1 else "need"
        return f"{found.total():,} of {_counted(accounts)} {verb} attention: {', '.join(parts)}."
    changed = statistics.status["changed"]
    return f"No account of {accounts:,} needs attention{f': {changed:,} changed' if changed else ''}."


def _verification(statistics: Statistics, accounts: int, parts: Sequence[str]) -> str:
    receiving, allowed = statistics.ingestion_statuses["receiving"], statistics.ingestion_statuses["silent_allowed"]
    rest = [*parts, *([f"{allowed:,} silent as allowed"] if allowed else [])]
    return f"{receiving:,} of {_counted(accounts)} receiving{'; ' if rest else ''}{', '.join(rest)}."


def _counted(number: int, noun: str = "account") -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def evidence(ingestion: IngestionRow) -> list[str]:
    """Return what is known of the events of an account, one line each: link, health, last event, Regions."""
    known = {
        "broken link": broken_link_text(ingestion),
        "health": health_text(ingestion),
        "last event": ingestion.get("last_event"),
        "Regions": ", ".join(ingestion.get("regions") or ()),
    }
    return [f"{name}: {text}" for name, text in known.items() if text]


def next_steps(header: ReportHeader, rows: Sequence[AccountRow], statistics: Statistics) -> list[Step]:
    """Return what to do next, the most urgent first, none if nothing needs attention."""
    steps = [
        *_failures(statistics),
        *_skipped(header, statistics),
        *_orphans(header),
        *_changes(header, statistics),
        *_events(rows),
        *_findings(header, statistics),
    ]
    return steps[:MAX_STEPS]


def _failures(statistics: Statistics) -> Iterator[Step]:
    for one in statistics.failures[:1]:
        text = f"{one['class']}. {one['advice'] or one['meaning'] or 'See the messages of the accounts.'}"
        yield Step(text, len(one["accounts"]), f"class={one['class']}", error_url(one["class"]))


def _skipped(header: ReportHeader, statistics: Statistics) -> Iterator[Step]:
    if skipped := statistics.status["skipped"]:
        reasons = header.get("skip_reasons", ())
        text = " ".join(["Run it again: these accounts were skipped.", *(one["message"] for one in reasons)])
        yield Step(text, skipped, "show=skipped", error_url(reasons[0]["class"]) if reasons else "")


def _orphans(header: ReportHeader) -> Iterator[Step]:
    if failed := failed_orphans(header):
        text = f"Remove the cause, and run it again: {failed[0]['error']}"
        yield Step(text, len(failed), "orphans", noun="orphan")


def _changes(header: ReportHeader, statistics: Statistics) -> Iterator[Step]:
    if header.get("check_mode") and (changed := statistics.status["changed"]):
        playbook = "onboard" if header["playbook"] == "drift" else f"{header['playbook']} without check mode"
        verb = "offboards" if header["playbook"] in REMOVING_PLAYBOOKS else "repairs"
        yield Step(f"Run the playbook {playbook}: it {verb} these accounts.", changed, "show=changed")


def _events(rows: Sequence[AccountRow]) -> Iterator[Step]:
    counts = Counter(_step_of(row) for row in rows if row["status"] != "failed" and is_unexpected(row))
    for name, text in STEPS.items():
        if counts[name]:
            status = "no_canary" if name == NOT_CREATED else name
            yield Step(text, counts[name], f"events={status}&show=open", VERIFICATION_PAGE)


def _step_of(row: AccountRow) -> str:
    """Return the key of STEPS for an account whose events are not as expected."""
    status = ingestion_status_of(row)
    return NOT_CREATED if status == "no_canary" and "canary" not in row["ingestion"] else status


def _findings(header: ReportHeader, statistics: Statistics) -> Iterator[Step]:
    if header.get("check_mode"):
        return
    for one in statistics.codes:
        if one["after"]:
            code = one["code"]
            yield Step(f"{code}. {one['summary']}", one["after"], f"code={code}", finding_url(code))
