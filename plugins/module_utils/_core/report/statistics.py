# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics of a run: the state of every check, numbers, findings, failures and the heat map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypedDict

from ..model.errors import CLASSES
from ..model.findings import CHECKS, SEVERITIES, Check, properties_of
from ..model.report_row import AccountRow, FindingRow, IngestionRow, ReportHeader

# The state of a check is one letter: the most severe open finding (c, h, m, l), else the most severe repaired one
# (in capitals), else "passed" or "unknown".
PASSED, UNKNOWN = ".", "-"
STATES = ("c", "h", "m", "l", "C", "H", "M", "L", PASSED, UNKNOWN)
OPEN_STATES = "chml"
STATE_BY_SEVERITY = dict(zip(SEVERITIES, OPEN_STATES, strict=True))
STATE_BY_INGESTION_STATUS = {
    "receiving": PASSED,
    "silent_allowed": PASSED,
    "no_canary": "h",
    "stale": "m",
    "silent": "h",
    "unhealthy": "h",
    "not_connected": "h",
    "unknown": UNKNOWN,
}

PLAYBOOKS = {playbook for check in CHECKS.values() for playbook in check.playbooks}
REMOVING_PLAYBOOKS = ("offboard", "departed")
# It compares no account with its desired state.
PREFLIGHT = "preflight"

# What became of a finding.
OPEN, ACCEPTED, REPAIRED = FINDING_STATES = ("open", "accepted", "repaired")

MAX_OUS = 24
UNKNOWN_OU = "(OU unknown)"


class AccountState(NamedTuple):
    """The state of one account: a letter of STATES for each check, for each finding whether it is still open."""

    states: str
    open: tuple[bool, ...]
    connected: bool
    drifted: bool
    attention: bool = False
    """Whether it failed, was skipped, would change, has an open finding, or its events are not as expected."""

    @property
    def priority(self) -> tuple[bool, int, bool]:
        """The sort key, most urgent first: open before repaired, and of equal states failed accounts first."""
        worst = min(STATES.index(state) for state in self.states)
        return not self.attention, worst, self.states[0] in (PASSED, UNKNOWN)


class CodeCount(TypedDict):
    """The findings of one code, before the run and after it."""

    code: str
    severity: str
    security: bool
    summary: str
    before: int
    after: int


FailureClass = TypedDict("FailureClass", {"class": str, "meaning": str, "advice": str, "accounts": list[AccountRow]})


def account_state(row: AccountRow, header: ReportHeader) -> AccountState:
    """Return the state of one account. In check mode every finding is still open."""
    check_mode = bool(header.get("check_mode"))
    findings = row.get("findings", ())
    is_open = tuple(check_mode or not finding.get("repaired") for finding in findings)
    differs = any(_is_actionable(finding) for finding in findings)
    drifted = row["status"] == "changed" or (row["status"] == "ok" and differs)
    states, connected = _states(row, header, is_open), _is_connected(row, is_open, header["playbook"])
    undone = row["status"] in ("failed", "skipped") or (check_mode and row["status"] == "changed")
    attention = undone or is_unexpected(row)
    return AccountState(states, is_open, connected, drifted, attention or bool(set(states) & set(OPEN_STATES)))


def is_verification(header: ReportHeader) -> bool:
    """Whether the run asked only whether events arrive."""
    return header["playbook"] == "verify"


def message_of(finding: FindingRow) -> str:
    """Return the message of a finding, with the reason if it was accepted."""
    reason = finding.get("accepted")
    return f"{finding['message']} Accepted: {reason}" if reason else str(finding["message"])


def finding_states(row: AccountRow, state: AccountState) -> list[str]:
    """Return what became of each finding of an account, one of FINDING_STATES."""
    return [
        (ACCEPTED if finding.get("accepted") else OPEN) if is_open else REPAIRED
        for finding, is_open in zip(row.get("findings", ()), state.open, strict=True)
    ]


def _is_actionable(finding: FindingRow) -> bool:
    """Whether a finding needs a change: it is neither accepted nor informational."""
    return not finding.get("accepted") and not properties_of(finding["code"]).informational


def ingestion_status_of(row: AccountRow) -> str:
    """Return a key of STATE_BY_INGESTION_STATUS, "" if the run did not check the ingestion of events.

    An account with allow_silent that is not receiving is `silent_allowed`; one that is receiving other events than its
    canary event is `no_canary`.
    """
    ingestion = row.get("ingestion")
    if not ingestion:
        return ""
    status = str(ingestion["ingestion_status"])
    if status == "receiving":
        return status if ingestion.get("as_expected", True) else "no_canary"
    return "silent_allowed" if ingestion.get("as_expected") else status


def health_text(ingestion: IngestionRow, *, with_message: bool = True) -> str:
    """Return what Microsoft Sentinel reports about the connector, "" if it reports nothing."""
    health = ingestion.get("health")
    if not (health and health["failed"]):
        return "healthy" if health else ""
    message = health.get("message") if with_message or not health.get("reason") else ""
    return ": ".join(filter(None, ("failed", health.get("reason"), message)))


def broken_link_text(ingestion: IngestionRow) -> str:
    """Return the part of the chain that does not work, with the reason, "" if none is known."""
    broken = ingestion.get("broken_link")
    return ": ".join(filter(None, (broken["link"], broken.get("message")))) if broken else ""


def is_unexpected(row: AccountRow) -> bool:
    """Whether the run checked the events of the account, and they are not as expected."""
    ingestion, status = row.get("ingestion"), ingestion_status_of(row)
    return bool(ingestion and not ingestion.get("as_expected", STATE_BY_INGESTION_STATUS.get(status) == PASSED))


def _states(row: AccountRow, header: ReportHeader, is_open: Sequence[bool]) -> str:
    states = dict.fromkeys(CHECKS, UNKNOWN)
    if row["status"] in ("ok", "changed"):
        states |= {name: PASSED for name, check in CHECKS.items() if _is_made(check, header["playbook"], row)}
    if "error" in row:
        states["run"] = "h"
    if ingestion_status := ingestion_status_of(row):
        states["events"] = STATE_BY_INGESTION_STATUS.get(ingestion_status, UNKNOWN)
        states["connector"] = "h" if ingestion_status == "not_connected" else states["connector"]
    for finding, still_open in zip(row.get("findings", ()), is_open, strict=True):
        if finding.get("accepted"):
            continue
        letter, check = STATE_BY_SEVERITY[finding["severity"]], properties_of(finding["code"]).check
        states[check] = min(states[check], letter if still_open else letter.upper(), key=STATES.index)
    return "".join(states.values())


def _is_made(check: Check, playbook: str, row: AccountRow) -> bool:
    """Return whether a playbook makes a check in an account that it completes; one of another name makes all."""
    is_made = playbook in check.playbooks if playbook in PLAYBOOKS else bool(check.playbooks)
    return is_made and (not check.resource or any(one["kind"] == check.resource for one in row.get("resources", ())))


def _is_connected(row: AccountRow, is_open: Sequence[bool], playbook: str) -> bool:
    findings = zip(row.get("findings", ()), is_open, strict=True)
    if any(still_open and properties_of(finding["code"]).breaking for finding, still_open in findings):
        return False
    if ingestion_status := ingestion_status_of(row):
        return ingestion_status != "not_connected"
    return row["status"] in ("ok", "changed") and playbook not in (*REMOVING_PLAYBOOKS, PREFLIGHT)


@dataclass(slots=True)
class OuStatistics:
    """The accounts of one OU, and for each check how many of them have findings, open findings and a known state."""

    ou: str
    merged_ous: int = 0
    """How many OUs this row of the heat map stands for, 0 where it is a single one."""
    accounts: int = 0
    found: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)

    def add(self, states: str, accounts: int) -> None:
        """Count accounts that have the same states."""
        self.accounts += accounts
        for check, state in zip(CHECKS, states, strict=True):
            self.checked[check] += accounts * (state != UNKNOWN)
            self.found[check] += accounts * (state not in (PASSED, UNKNOWN))
            self.open[check] += accounts * (state in OPEN_STATES)

    def merge(self, other: OuStatistics) -> None:
        """Count the accounts of another OU in this row."""
        self.merged_ous += 1
        self.accounts += other.accounts
        self.found.update(other.found)
        self.open.update(other.open)
        self.checked.update(other.checked)

    @property
    def sort_key(self) -> tuple[int, int, str]:
        """The position in the heat map: most open findings first."""
        return -self.open.total(), -self.found.total(), self.ou


class Statistics:
    """Everything that is counted in a run."""

    def __init__(self, header: ReportHeader, rows: Sequence[AccountRow]) -> None:
        self.account_states = [account_state(row, header) for row in rows]
        self.found: Counter[str] = Counter()
        self.open: Counter[str] = Counter()
        self.ingestion_statuses = Counter(filter(None, map(ingestion_status_of, rows)))
        self.status = Counter(row["status"] for row in rows)
        for row, state in zip(rows, self.account_states, strict=True):
            for finding, became in zip(row.get("findings", ()), finding_states(row, state), strict=True):
                self.found[finding["code"]] += 1
                self.open[finding["code"]] += became == OPEN
        self._by_ou = self._group_by_ou(rows)
        self.failures = failures_by_class(rows)
        self.numbers = self._numbers(header)

    def _group_by_ou(self, rows: Sequence[AccountRow]) -> dict[str, OuStatistics]:
        by_ou: dict[str, OuStatistics] = {}
        same_states = Counter(
            (row.get("ou") or UNKNOWN_OU, state.states) for row, state in zip(rows, self.account_states, strict=True)
        )
        for (ou, states), accounts in same_states.items():
            by_ou.setdefault(ou, OuStatistics(ou)).add(states, accounts)
        return by_ou

    def _numbers(self, header: ReportHeader) -> dict[str, int | None]:
        organization, orphans = header.get("organization"), header.get("orphans")
        listed, excluded = (organization["accounts"], len(organization["excluded"])) if organization else (None, None)
        return {
            "organization": listed,
            "in_scope": len(self.account_states),
            "excluded": excluded,
            "attention": sum(state.attention for state in self.account_states),
            **self._compared(header),
            "failed": self.status["failed"],
            **self._event_numbers(),
            "orphaned": sum(map(_is_connector, orphans or ())) if organization or orphans else None,
        }

    def _compared(self, header: ReportHeader) -> dict[str, int | None]:
        """Return the numbers of accounts that were compared with their desired state."""
        states, is_preflight = self.account_states, header["playbook"] == PREFLIGHT
        return {
            "connected": None if is_preflight else sum(one.connected for one in states),
            "drifted": None if is_preflight or is_verification(header) else sum(one.drifted for one in states),
        }

    def _event_numbers(self) -> dict[str, int | None]:
        counts = self.ingestion_statuses
        return {name: counts[name] if counts else None for name in ("receiving", "silent", "unhealthy")}

    @property
    def severities(self) -> dict[str, dict[str, int]]:
        """Findings by severity, before the run and after it."""
        result = {severity: {"before": 0, "after": 0} for severity in SEVERITIES}
        for code, count in self.found.items():
            counts = result[properties_of(code).severity]
            counts["before"] += count
            counts["after"] += self.open[code]
        return result

    @property
    def codes(self) -> list[CodeCount]:
        """Findings by code: security findings first, then by severity."""
        counts = [self._code_count(code, count) for code, count in self.found.items()]
        return sorted(counts, key=lambda it: (not it["security"], SEVERITIES.index(it["severity"]), it["code"]))

    def _code_count(self, code: str, count: int) -> CodeCount:
        known = properties_of(code)
        return {
            "code": code,
            "severity": known.severity,
            "security": known.security,
            "summary": known.summary,
            "before": count,
            "after": self.open[code],
        }

    @property
    def heat_map(self) -> list[OuStatistics]:
        """The MAX_OUS OUs with the most open findings, and one row for all others."""
        by_urgency = sorted(self._by_ou.values(), key=lambda ou: ou.sort_key)
        others = OuStatistics("")
        for ou in by_urgency[MAX_OUS:]:
            others.merge(ou)
        return by_urgency[:MAX_OUS] + ([others] if others.accounts else [])

    @property
    def ous(self) -> list[str]:
        """The OUs of all accounts, sorted."""
        return sorted(self._by_ou.keys() - {UNKNOWN_OU})


def _is_connector(orphan: Any) -> bool:
    return not isinstance(orphan, Mapping) or orphan.get("reason") not in ("no_connector", "unknown")


def failures_by_class(rows: Sequence[AccountRow]) -> list[FailureClass]:
    """Return the failed accounts by error class, most accounts first, with meaning and advice of the class."""
    accounts: dict[str, list[AccountRow]] = {}
    for row in rows:
        if "error" in row:
            accounts.setdefault(row["error"]["class"], []).append(row)
    unknown = ("", "")
    classes: list[FailureClass] = [
        {
            "class": kind,
            "meaning": CLASSES.get(kind, unknown)[0],
            "advice": CLASSES.get(kind, unknown)[1],
            "accounts": failed,
        }
        for kind, failed in accounts.items()
    ]
    return sorted(classes, key=lambda it: (-len(it["accounts"]), it["class"]))
